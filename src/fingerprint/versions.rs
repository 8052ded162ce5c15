//! Which version a package is there in, and whether more than one is.

use super::{
    record::{Package, Set},
    verdict::{completeness, shares},
    version_set::Tally,
};
use std::collections::BTreeSet;

/// Runs of each set of versions that a part of a bundle holds: the set's number and how many, each run once.
pub(super) type Found = Vec<(u16, u32)>;

/// What a run costs a version that does not have it, in natural logarithms; and at most, for all that share its versions.
const STRANGE: (f64, f64) = (3.5, 14.0);

/// Share of a package below which a set alone rules nothing out: what is there of it may be another's, which has those runs too.
const IN_PART: f64 = 0.4;
const RULES_NOTHING_OUT: f64 = 0.99 * RULED_OUT.0;

/// Share of a set's runs from which on each of them counts in full.
const EARNEST: f64 = 0.3;

/// What it costs a version at most that none of the runs which it alone has with some others is there, and that all such
/// are not: code that is not called is often left out together.
const ABSENT: (f64, f64) = (2.0, 4.5);

/// Versions this much less likely than the likeliest are ruled out; and for each unit that the likeliest leaves unexplained,
/// since what is strange to that one may as well be strange to the true one. With 8 instead of 9, of 24,000 copies in bundles of
/// seven sets 160 were told wrong and not 148, and 0.2 % more were told to three versions.
const RULED_OUT: (f64, f64) = (9.0, 0.5);

/// What it costs to suppose a version that was not looked into: it may have what either neighbour has.
const BETWEEN: f64 = 12.0;

/// Share of what tells its two neighbours apart that must be there of either before such a version is supposed.
const OF_EITHER: f64 = 0.2;

/// What the likeliest version may leave unexplained, in all or for each run that is there.
const UNEXPLAINED: (f64, f64) = (16.0, 0.2);

/// How much more that may be where so much of the version is there.
const WHOLE: (f64, f64) = (0.85, 1.5);

/// How much more that may be of one of several copies, to which parts were given that are of none.
const OF_SEVERAL: f64 = 2.0;

/// Share of the likeliest version that must be there, or runs: below that, what was found may be what it has in common with
/// another; less will do where the likeliest version explains it all.
const LEAST: (f64, u32) = (0.25, 60);
const LEAST_EXPLAINED: f64 = 0.05;

/// Runs that must be there before versions are told.
const FEWEST_TELL: u32 = 6;

/// Unless so much of it is there, and nothing is strange.
const ALL: f64 = 0.9;

/// Runs that must be there of a copy and of no other; and their share of what is there of it.
const FEWEST_ALONE: u32 = 8;
const LEAST_ALONE: f64 = 0.3;

/// Runs of which nearly all must be there of a copy that has fewer than another must have.
const SMALL: (u32, f64) = (5, 0.9);

/// What a second copy must explain that the first does not: three runs.
const COPY: f64 = 3.0 * STRANGE.0;

/// Copies of one package that are told apart, and stretches beyond which none are.
const MOST_COPIES: usize = 4;
const MOST_PARTS: usize = 400;

/// Share of what another copy has and the likeliest has not that must be there; or of a copy of which so much is there, that
/// multiple of this.
const ALONE: f64 = 0.6;
const EVEN: (f64, f64) = (0.4, 0.8);

/// Share of what is there of the version of which most is that must be there of another that a copy may be as well.
const NEARLY: f64 = 0.95;

/// Share of a part that may be strange to whatever the package is there as, before it is none of it.
const FOREIGN: f64 = 0.5;

/// A way in which a package can be there: as a version that was looked into, or as one between that and the next.
#[derive(Clone, Copy, Debug)]
struct Guess {
    version: usize,
    between: bool,
}

fn guesses(package: &Package) -> Vec<Guess> {
    let count = package.looked_into.len();
    let one = |version| Guess {
        version,
        between: false,
    };
    let two = |version| Guess { version, between: true };
    let gaps = (0..count).filter(|i| !after(package, *i).is_empty() && i + 1 < count);
    (0..count).map(one).chain(gaps.map(two)).collect()
}

/// Versions that were not looked into, between one that was and the next.
fn after(package: &Package, version: usize) -> &[String] {
    let place = |version: usize| package.looked_into.get(version).copied();
    let first = place(version).map_or(0, |place| place + 1);
    let end = place(version + 1).unwrap_or(package.published.len());
    package.published.get(first..end).unwrap_or_default()
}

/// Costs are counted in these parts of a natural logarithm, so that sums of them are exact.
const PART: f64 = 65_536.0;

#[allow(clippy::cast_possible_truncation)] // far below
fn parts(cost: f64) -> i64 {
    (cost * PART) as i64
}

#[allow(clippy::cast_precision_loss)] // far below
fn cost(parts: i64) -> f64 {
    parts as f64 / PART
}

/// What each guess cannot explain. A few of the many runs that some other versions share are no sign of them: code elsewhere in
/// the bundle is like theirs.
fn strange(package: &Package, guesses: &[Guess], found: &Found, there: f64) -> Vec<f64> {
    let most = if there < IN_PART { RULES_NOTHING_OUT } else { STRANGE.1 };
    let mut explained = Tally::new(package.looked_into.len());
    let mut all = 0;
    for (number, found) in found {
        let set = package.set(*number);
        let found = (*found).min(set.runs);
        let part = f64::from(found) / f64::from(set.runs.max(1));
        let cost = (STRANGE.0 * f64::from(found) * (part / (EARNEST * there)).min(1.0)).min(most);
        all += parts(cost);
        explained.add(&set.versions, parts(cost));
    }
    let one: Vec<i64> = explained.each().collect();
    let both: Vec<i64> = explained.each_pair().collect();
    let of = |guess: &Guess| {
        let i = guess.version;
        let either = if guess.between {
            one[i] + one[i + 1] - both[i]
        } else {
            one[i]
        };
        cost(all - either)
    };
    guesses.iter().map(of).collect()
}

/// What each guess would have beside that.
fn missing(package: &Package, guesses: &[Guess], found: &[u32], there: f64) -> Vec<f64> {
    let absent = (1.0 - there).ln();
    let mut lacking = Tally::new(package.looked_into.len());
    for (set, _) in package.sets.iter().zip(found).filter(|(_, found)| **found == 0) {
        lacking.add(
            &set.versions,
            parts((absent * f64::from(set.runs) * -0.5).min(ABSENT.0)),
        );
    }
    let one: Vec<i64> = lacking.each().collect();
    let both: Vec<i64> = lacking.each_pair().collect();
    // A package of which a part is there is shaken, or has its code twice, for either kind of module.
    let most = ABSENT.1 * ((there - 0.4) / 0.4).clamp(0.0, 1.0);
    let of = |guess: &Guess| {
        cost(if guess.between {
            both[guess.version]
        } else {
            one[guess.version]
        })
        .min(most)
    };
    guesses.iter().map(of).collect()
}

/// Whether enough is there of what only the version below has, and of what only the one above has.
fn is_between(package: &Package, version: usize, found: &[u32], there: f64) -> bool {
    let one = |version| Guess {
        version,
        between: false,
    };
    let (below, above) = (one(version), one(version + 1));
    let is_enough = |one, other| share_alone(package, one, other, found) >= OF_EITHER * there;
    is_enough(&below, &above) && is_enough(&above, &below)
}

/// What is possible of one copy: guesses, and what the likeliest cannot explain, of which `patience` says how much is borne.
fn possible(package: &Package, guesses: &[Guess], found: &Found, patience: f64) -> (Vec<Guess>, f64) {
    let by_set = by_set(package, found);
    let there = completeness(package, &by_set).clamp(0.05, 0.97);
    let strange = strange(package, guesses, found, there);
    let missing = missing(package, guesses, &by_set, there);
    let mut costs: Vec<(f64, f64)> = Vec::new();
    for ((guess, strange), missing) in guesses.iter().zip(strange).zip(missing) {
        let possible = !guess.between || is_between(package, guess.version, &by_set, there);
        let more = if guess.between { BETWEEN } else { 0.0 };
        costs.push(if possible {
            (strange, strange + missing + more)
        } else {
            (f64::INFINITY, f64::INFINITY)
        });
    }
    let best = costs
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or_default();
    let near = guesses
        .iter()
        .zip(&costs)
        .filter(|(_, cost)| cost.1 <= best.1 + RULED_OUT.0 + RULED_OUT.1 * best.0);
    let near = near.map(|(guess, _)| *guess).collect();
    // No version that is known explains it: it is another.
    let hits = hits(found);
    let patience = if there >= WHOLE.0 { WHOLE.1 * patience } else { patience };
    let explained = best.0 < patience * UNEXPLAINED.0.max(UNEXPLAINED.1 * f64::from(hits));
    let is_much = there >= LEAST.0 || hits >= LEAST.1 || best.0 <= 0.0 && there >= LEAST_EXPLAINED;
    // A package of a few runs shows no more of them.
    let is_enough = hits >= FEWEST_TELL || best.0 <= 0.0 && there >= ALL;
    let told = explained && is_much && is_enough;
    (if told { near } else { Vec::new() }, best.0)
}

fn by_set(package: &Package, found: &Found) -> Vec<u32> {
    let mut all = vec![0; package.sets.len()];
    for (set, count) in found {
        if let Some(sum) = all.get_mut(usize::from(*set)) {
            *sum += count;
        }
    }
    for (sum, set) in all.iter_mut().zip(&package.sets) {
        *sum = (*sum).min(set.runs);
    }
    all
}

fn sum<'f>(parts: impl Iterator<Item = &'f Found>) -> Found {
    let mut all = std::collections::BTreeMap::new();
    for (set, count) in parts.flatten() {
        *all.entry(*set).or_default() += count;
    }
    all.into_iter().collect()
}

/// Share of the runs that are there twice from which on there are two copies, which are much alike.
const DOUBLED: f64 = 0.4;

/// The same, from which on more than one copy is likelier than a version that was not looked into.
const TWICE: f64 = 0.3;

fn is_doubled(package: &Package, found: &Found, least: f64) -> bool {
    let again = hits(&again(package, found));
    let once = hits(found) - again;
    again >= FEWEST_TELL && f64::from(again) >= least * f64::from(once)
}

/// Whether half of what is there is there again, and hardly a run is missing of the sets of which some are.
fn is_full(package: &Package, apart: &Found) -> bool {
    let found = &again(package, apart);
    let all: u32 = found.iter().map(|(set, _)| package.set(*set).runs).sum();
    is_doubled(package, apart, HALF) && f64::from(hits(found)) >= FULL * f64::from(all)
}

/// Runs that are there more than once: those of the copy of which less is there.
fn again(package: &Package, found: &Found) -> Found {
    let again = found
        .iter()
        .map(|&(set, found)| (set, found.saturating_sub(package.set(set).runs)));
    again.filter(|(_, found)| *found > 0).collect()
}

/// The same that is there again in places apart, and share of the runs of their sets: all of a copy is there twice, of code that is like
/// itself this and that.
const HALF: f64 = 0.5;
const FULL: f64 = 0.9;

/// Times that runs are there again from which on they are no copies of the package.
const STREWN: u32 = 5;

fn is_strewn(package: &Package, found: &Found) -> bool {
    let once: u32 = by_set(package, found).iter().sum();
    hits(found) > (1 + STREWN) * once
}

/// Share of what is there of the copy of which most is that must be there of another.
const AS_WHOLE: f64 = 0.5;

/// The same of one that is told by nothing but what is there twice.
const AS_MUCH: f64 = 0.8;

/// A copy of a package.
#[derive(Debug)]
pub(super) struct Instance<S> {
    /// Where it is.
    pub(super) parts: Vec<S>,
    /// The versions that it can be, oldest first; empty where none can be told.
    pub(super) versions: Vec<String>,
}

impl<S> Instance<S> {
    /// Places of those of its versions that were looked into.
    pub(super) fn places(&self, package: &Package) -> Vec<usize> {
        let looked_into = package.looked_into.iter().copied();
        let is_possible = |place: &usize| package.published.get(*place).is_some_and(|v| self.versions.contains(v));
        looked_into.filter(is_possible).collect()
    }

    fn new(package: &Package, parts: Vec<S>, near: &[Guess]) -> Self {
        Self {
            parts,
            versions: versions(package, near),
        }
    }
}

/// The copies of a package, by parts that cannot be of one version, and the versions that each can be. `apart` is what places that
/// lie apart hold, each of them each run once: code that is like itself lies in one.
pub(super) fn copies<S: Copy>(package: &Package, parts: &[(S, Found)], apart: impl Fn() -> Found) -> Vec<Instance<S>> {
    let found = sum(parts.iter().map(|(_, found)| found));
    let mut guesses = guesses(package);
    if is_doubled(package, &found, TWICE) {
        // Two copies have what each of two versions has; a version between the two has it once.
        guesses.retain(|guess| !guess.between);
    }
    let (near, unexplained) = possible(package, &guesses, &found, 1.0);
    let one = || {
        let mut all = vec![Instance::new(package, parts.iter().map(|(s, _)| *s).collect(), &near)];
        if is_doubled(package, &found, DOUBLED) {
            let again = again(package, &found);
            let complete = |found: &Found| completeness(package, &by_set(package, found));
            let second = if complete(&again) >= AS_MUCH * complete(&found) || is_full(package, &apart()) {
                possible(package, &guesses, &again, 1.0).0
            } else if unexplained < COPY {
                // Code of its own that is like other code of its own: as far as that tells, there is but one.
                near.clone()
            } else {
                Vec::new()
            };
            all.push(Instance::new(package, Vec::new(), &second));
        }
        all
    };
    // What compilers write into many modules (`tslib`) is no package there.
    if unexplained < COPY || parts.len() < 2 || parts.len() > MOST_PARTS || is_strewn(package, &found) {
        return one();
    }
    let there = completeness(package, &by_set(package, &found)).clamp(0.05, 0.97);
    let costs: Vec<Vec<f64>> = parts
        .iter()
        .map(|(_, found)| strange(package, &guesses, found, there))
        .collect();
    let chosen = together(&costs, guesses.len());
    if chosen.len() < 2 {
        return one();
    }
    let copies = parted(package, &guesses, parts, &costs, &chosen);
    // What is of none of them is a coincidence, or of another package that was made of this one.
    let strangers = (0..parts.len()).filter(|part| !copies.iter().any(|(members, _)| members.contains(part)));
    let strangers: Vec<S> = strangers.map(|part| parts[part].0).collect();
    if copies.is_empty() || copies.len() < 2 && strangers.is_empty() {
        return one();
    }
    let mut instances: Vec<Instance<S>> = copies
        .into_iter()
        .map(|(members, found)| {
            let (near, _) = possible(package, &guesses, &found, OF_SEVERAL);
            Instance::new(package, members.into_iter().map(|i| parts[i].0).collect(), &near)
        })
        .collect();
    if let Some(first) = instances.first_mut() {
        first.parts.extend(strangers);
    }
    instances
}

fn hits(found: &Found) -> u32 {
    found.iter().map(|(_, n)| n).sum()
}

/// Guesses that together explain the most, one after the other; `costs` are of each part, for each guess.
fn together(costs: &[Vec<f64>], guesses: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    let mut now: Vec<f64> = vec![f64::INFINITY; costs.len()];
    while chosen.len() < MOST_COPIES {
        let with = |guess: usize| -> f64 { now.iter().zip(costs).map(|(now, costs)| now.min(costs[guess])).sum() };
        let best = (0..guesses).map(|g| (with(g), g)).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((left, guess)) = best else { break };
        if !chosen.is_empty() && now.iter().sum::<f64>() - left < COPY {
            break;
        }
        chosen.push(guess);
        for (now, costs) in now.iter_mut().zip(costs) {
            *now = now.min(costs[guess]);
        }
    }
    chosen
}

/// How much is there of what one guess has and another has not; `found` is of each set.
fn share_alone(package: &Package, one: &Guess, other: &Guess, found: &[u32]) -> f64 {
    let has = |set: &Set, guess: &Guess| {
        set.versions.contains(guess.version) || guess.between && set.versions.contains(guess.version + 1)
    };
    let is_alone = |set: &Set| has(set, one) && !has(set, other);
    let alone = package.sets.iter().zip(found).filter(|(set, _)| is_alone(set));
    let (all, seen) = alone.fold((0, 0), |(all, seen), (set, found)| (all + set.runs, seen + found));
    f64::from(seen) / f64::from(all.max(1))
}

/// Which parts are of which of the guesses that were chosen, and what these hold, where enough is of one alone.
fn parted<S>(
    package: &Package,
    guesses: &[Guess],
    parts: &[(S, Found)],
    costs: &[Vec<f64>],
    chosen: &[usize],
) -> Vec<(Vec<usize>, Found)> {
    // What two explain alike is of either, and tells of neither.
    let mut copies: Vec<(Vec<usize>, Vec<&Found>, u32)> = vec![Default::default(); chosen.len()];
    for (part, costs) in costs.iter().enumerate() {
        let found = &parts[part].1;
        let cheapest = chosen.iter().map(|g| costs[*g]).fold(f64::INFINITY, f64::min);
        if cheapest > FOREIGN * STRANGE.0 * f64::from(hits(found)) {
            continue;
        }
        let best: Vec<usize> = (0..chosen.len()).filter(|c| costs[chosen[*c]] <= cheapest).collect();
        copies[best[0]].0.push(part);
        for &copy in &best {
            copies[copy].1.push(found);
        }
        if let [only] = best[..] {
            copies[only].2 += hits(found);
        }
    }
    // A copy of which little is alone is no copy but a coincidence: of all that it has and the likeliest has not, too.
    let first = chosen[0];
    let told_apart = |(this, (members, found, alone)): (&usize, (Vec<usize>, Vec<&Found>, u32))| {
        let found = sum(found.into_iter());
        let by_set = by_set(package, &found);
        let shares: Vec<f64> = shares(package, &by_set).collect();
        let there = shares.iter().copied().fold(0.0, f64::max);
        // Where less than half of it is there, what explains it as well and is there whole may be it: a later version may have all that
        // it has, and twice as much beside.
        let cost = |guess: usize| -> f64 { members.iter().map(|part| costs[*part][guess]).sum() };
        let is_there = |guess: usize, least: f64| shares.get(guess).is_some_and(|share| *share >= least * there);
        let is_doubtful = !is_there(*this, AS_WHOLE);
        let may_be_it = |guess: usize| is_there(guess, NEARLY) && cost(guess) <= cost(*this) + STRANGE.0;
        let likely = (0..guesses.len()).filter(|guess| guess == this || is_doubtful && may_be_it(*guess));
        let share = likely.map(|guess| share_alone(package, &guesses[guess], &guesses[first], &by_set));
        let share = share.fold(0.0, f64::max);
        let is_small = alone >= SMALL.0 && share >= SMALL.1 && there >= SMALL.1;
        let is_large = alone >= FEWEST_ALONE && f64::from(alone) >= LEAST_ALONE * f64::from(hits(&found));
        // As much is there of what it alone has as of the rest.
        let is_even = there >= EVEN.0 && share >= EVEN.1 * there;
        let is_copy = is_small || is_large && (*this == first || share >= ALONE || is_even);
        is_copy.then_some((members, found, there))
    };
    let mut copies: Vec<(Vec<usize>, Found, f64)> = chosen.iter().zip(copies).filter_map(told_apart).collect();
    copies.sort_by(|a, b| b.2.total_cmp(&a.2));
    // Nor is one of which much less is there than of the best.
    let most = copies.first().map_or(0.0, |copy| copy.2);
    copies.retain(|copy| copy.2 >= AS_WHOLE * most);
    copies.into_iter().map(|(members, found, _)| (members, found)).collect()
}

/// Names of versions, with those beside them that were not looked into and may be the same.
fn versions(package: &Package, possible: &[Guess]) -> Vec<String> {
    let mut places: BTreeSet<usize> = BTreeSet::new();
    for guess in possible {
        let place = |version: usize| package.looked_into.get(version).copied();
        let Some(here) = place(guess.version) else { continue };
        let next = place(guess.version + 1).unwrap_or(package.published.len());
        if guess.between {
            places.extend(here + 1..next);
            continue;
        }
        let before = guess
            .version
            .checked_sub(1)
            .and_then(place)
            .map_or(0, |place| place + 1);
        // What comes out every week is in no hurry to get from 0.1 to 1.
        let line = if package.looked_into.len() * 2 < package.published.len() {
            major
        } else {
            line
        };
        let alike = |place: &usize| {
            let at = |place: usize| package.published.get(place).map(|version| line(version));
            at(*place) == at(here)
        };
        places.extend((before..next).filter(alike));
    }
    places
        .iter()
        .filter_map(|place| package.published.get(*place).cloned())
        .collect()
}

fn major(version: &str) -> (&str, &str) {
    (version.split('.').next().unwrap_or_default(), "")
}

/// Versions that promise to be compatible: `1`, `0.3`.
pub(super) fn line(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    (
        major,
        if major == "0" {
            parts.next().unwrap_or_default()
        } else {
            ""
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{super::version_set::VersionSet, *};

    fn package(sets: &[((usize, usize), u32)]) -> Package {
        Package {
            published: ["1.0.0", "1.1.0", "1.1.1", "1.2.0", "1.2.1", "2.0.0"]
                .map(str::to_owned)
                .to_vec(),
            looked_into: vec![0, 1, 3],
            sets: sets
                .iter()
                .map(|&((first, last), runs)| Set {
                    versions: VersionSet::stretch(first, last),
                    runs,
                })
                .collect(),
            ..Package::default()
        }
    }

    #[test]
    fn versions_are_those_that_nothing_speaks_against() {
        // What all have, what the last two have, what each has alone.
        let package = package(&[((0, 2), 40), ((1, 2), 10), ((0, 0), 10), ((1, 1), 10), ((2, 2), 10)]);
        for (found, expected) in [
            ([40, 0, 10, 0, 0], &["1.0.0"][..]),
            // 1.1.1 was not looked into, and may be as 1.1.0 is.
            ([40, 10, 0, 10, 0], &["1.1.0", "1.1.1"]),
            ([40, 10, 0, 0, 10], &["1.1.1", "1.2.0", "1.2.1"]),
            // Nothing tells.
            ([0, 0, 0, 0, 0], &[]),
            // Code of two versions at once may be of either.
            ([40, 0, 10, 0, 10], &["1.0.0", "1.1.1", "1.2.0", "1.2.1"]),
        ] {
            let found: Found = (0..).zip(found).filter(|(_, n)| *n > 0).collect();
            let (possible, _) = possible(&package, &guesses(&package), &found, 1.0);
            assert_eq!(versions(&package, &possible), expected, "{found:?}");
        }
    }

    #[test]
    fn copies_are_told_apart_by_what_each_has_alone() {
        // What the last two have, what either has alone, and a small version.
        let mut package = package(&[((1, 2), 20), ((1, 1), 12), ((2, 2), 12), ((0, 0), 7)]);
        // All versions were looked into, so that none between them can be supposed.
        package.looked_into = vec![0, 1, 2];
        package.published.truncate(3);
        let (old, new, small) = (vec![(0, 18), (1, 10)], vec![(0, 20), (2, 12)], vec![(3, 7)]);
        let repetitive = vec![(0, 36), (2, 12)];
        let (of_old, of_new) = (&["1.1.0"][..], &["1.1.1"][..]);
        for (parts, expected) in [
            (vec![&new], vec![of_new]),
            (vec![&new, &old], vec![of_old, of_new]),
            (vec![&new, &small], vec![&["1.0.0"], of_new]),
            // Twice in one version.
            (vec![&new, &new], vec![of_new, of_new]),
            // Once, in code of which half is like the rest.
            (vec![&repetitive], vec![of_new, of_new]),
        ] {
            let parts: Vec<((), Found)> = parts.into_iter().map(|found| ((), found.clone())).collect();
            let mut told: Vec<Vec<String>> = copies(&package, &parts, Found::new)
                .into_iter()
                .map(|copy| copy.versions)
                .collect();
            told.sort();
            assert_eq!(told, expected, "{parts:?}");
        }
    }

    #[test]
    fn a_copy_is_no_later_version_that_has_much_more() {
        // What each has alone; the last has all that the second has, and more.
        let mut package = package(&[((0, 0), 20), ((0, 0), 20), ((1, 2), 30), ((2, 2), 90)]);
        package.looked_into = vec![0, 1, 2];
        package.published.truncate(3);
        // Of that, three are like what is elsewhere.
        let parts: [Found; 2] = [vec![(0, 20), (1, 20)], vec![(2, 30), (3, 3)]];
        let parts = parts.map(|found| ((), found));
        let mut told: Vec<Vec<String>> = copies(&package, &parts, Found::new)
            .into_iter()
            .map(|copy| copy.versions)
            .collect();
        told.sort();
        assert_eq!(told, [&["1.0.0"][..], &["1.1.0", "1.1.1"]]);
    }

    #[test]
    fn a_second_copy_is_what_is_there_twice() {
        let mut package = package(&[((1, 2), 60), ((2, 2), 6)]);
        package.looked_into = vec![0, 1, 2];
        package.published.truncate(3);
        let told = |package: &Package, found: &[(u16, u32)]| -> Vec<Vec<String>> {
            let copies = copies(package, &[((), found.to_vec())], || found.to_vec());
            copies.into_iter().map(|copy| copy.versions).collect()
        };
        let either = ["1.1.0", "1.1.1"];
        assert_eq!(told(&package, &[(0, 60), (1, 6)]), [["1.1.1"]]);
        assert_eq!(told(&package, &[(0, 120), (1, 12)]), [["1.1.1"], ["1.1.1"]]);
        // The second has nothing that the newer version alone has.
        assert_eq!(told(&package, &[(0, 120), (1, 6)]), [&["1.1.1"][..], &either]);
        // Nor here, where of what all have one copy alone is there.
        package.sets.push(Set {
            versions: VersionSet::stretch(0, 2),
            runs: 40,
        });
        assert_eq!(told(&package, &[(0, 120), (1, 6), (2, 40)]), [&["1.1.1"][..], &either]);
        // What is there twice here and there is code that is like itself.
        assert_eq!(told(&package, &[(0, 90), (1, 6), (2, 60)]), [["1.1.1"], ["1.1.1"]]);
    }
}
