//! Which version a package is there in, and whether more than one is.

use super::{index::Package, verdict::completeness};
use crate::ecosystem::NPM;

/// Runs of each set of versions that a part of a bundle holds: the set's number and how many, each run once.
pub(super) type Found = Vec<(u8, u32)>;

/// What a run costs a version that does not have it, in natural logarithms; and at most, for all that share its versions.
const STRANGE: (f64, f64) = (3.5, 14.0);

/// Share of a set's runs from which on each of them counts in full.
const EARNEST: f64 = 0.3;

/// What it costs a version at most that none of the runs which it alone has with some others is there, and that all such
/// are not: code that is not called is often left out together.
const ABSENT: (f64, f64) = (2.0, 4.5);

/// Versions this much less likely than the likeliest are ruled out; and for each unit that the likeliest leaves unexplained,
/// since what is strange to that one may as well be strange to the true one.
const RULED_OUT: (f64, f64) = (3.0, 0.5);

/// What it costs to suppose a version that was not looked into: it may have what either neighbour has.
const BETWEEN: f64 = 12.0;

/// Share of what tells its two neighbours apart that must be there of either before such a version is supposed.
const OF_EITHER: f64 = 0.2;

/// What the likeliest version may leave unexplained, in all or for each run that is there.
const UNEXPLAINED: (f64, f64) = (12.0, 0.08);

/// Share of the likeliest version that must be there: below that, what was found may be what it has in common with another.
const LEAST: f64 = 0.25;

/// Runs that must be there before versions are told.
const FEWEST_TELL: u32 = 6;

/// What a second copy must explain that the first does not: three runs.
const COPY: f64 = 3.0 * STRANGE.0;

/// Copies of one package that are told apart, and stretches beyond which none are.
const MOST_COPIES: usize = 4;
const MOST_PARTS: usize = 96;

/// A way in which a package can be there: as a version that was looked into, or as one between two of those.
#[derive(Clone, Copy, Debug)]
struct Guess {
    /// Versions of which it can have the runs.
    versions: u64,
    between: bool,
}

fn guesses(package: &Package) -> Vec<Guess> {
    let count = package.versions.len();
    let one = |i: usize| Guess {
        versions: 1 << i,
        between: false,
    };
    let unknown = |i: &usize| !between(package, *i).is_empty();
    let two = |i: usize| Guess {
        versions: 0b11 << i,
        between: true,
    };
    let gaps = (0..count.saturating_sub(1)).filter(unknown).map(two);
    (0..count).map(one).chain(gaps).collect()
}

/// Versions that were not looked into, between one that was and the next.
fn between(package: &Package, below: usize) -> &[String] {
    let (Some(below), Some(above)) = (package.versions.get(below), package.versions.get(below + 1)) else {
        return &[];
    };
    // Oldest first.
    let order = |a: &str, b: &str| (NPM.compare)(a, b);
    let first = package.others.partition_point(|other| order(other, below).is_le());
    let end = package.others.partition_point(|other| order(other, above).is_lt());
    package.others.get(first..end).unwrap_or_default()
}

/// What a guess cannot explain. A few of the many runs that some other versions share are no sign of them: code elsewhere in
/// the bundle is like theirs.
fn strange(package: &Package, guess: Guess, found: &Found, there: f64) -> f64 {
    let cost = |(number, found): &(u8, u32)| {
        let set = package.sets.get(usize::from(*number)).copied().unwrap_or_default();
        if set.versions & guess.versions == 0 {
            let part = f64::from(*found) / f64::from(set.runs.max(1));
            (STRANGE.0 * f64::from(*found) * (part / (EARNEST * there)).min(1.0)).min(STRANGE.1)
        } else {
            0.0
        }
    };
    found.iter().map(cost).sum()
}

/// What a guess would have beside that.
fn missing(package: &Package, guess: Guess, found: &[u32], there: f64) -> f64 {
    let absent = (1.0 - there).ln();
    let lacks = package
        .sets
        .iter()
        .zip(found)
        .filter(|(set, found)| set.versions & guess.versions == guess.versions && **found == 0);
    let cost: f64 = lacks
        .map(|(set, _)| (absent * f64::from(set.runs) * -0.5).min(ABSENT.0))
        .sum();
    // A package of which a part is there is shaken, or has its code twice, for either kind of module.
    cost.min(ABSENT.1 * ((there - 0.4) / 0.4).clamp(0.0, 1.0))
}

/// Whether enough is there of what only the version below has, and of what only the one above has.
fn is_between(package: &Package, guess: Guess, found: &[u32], there: f64) -> bool {
    let below = 1u64 << guess.versions.trailing_zeros();
    let share = |one: u64| {
        let sets = package.sets.iter().zip(found);
        let alone = sets.filter(|(set, _)| set.versions & guess.versions == one);
        let (all, seen) = alone.fold((0, 0), |(all, seen), (set, found)| (all + set.runs, seen + found));
        f64::from(seen) / f64::from(all.max(1))
    };
    share(below) >= OF_EITHER * there && share(guess.versions & !below) >= OF_EITHER * there
}

/// What is possible of one copy: guesses, and what the likeliest cannot explain.
fn possible(package: &Package, guesses: &[Guess], found: &Found) -> (Vec<Guess>, f64) {
    let by_set = by_set(package, found);
    let there = completeness(package, &by_set).clamp(0.05, 0.97);
    let costs: Vec<(f64, f64)> = guesses
        .iter()
        .map(|&guess| {
            if guess.between && !is_between(package, guess, &by_set, there) {
                return (f64::INFINITY, f64::INFINITY);
            }
            let strange = strange(package, guess, found, there);
            let whole = strange + missing(package, guess, &by_set, there);
            (strange, whole + if guess.between { BETWEEN } else { 0.0 })
        })
        .collect();
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
    let hits = found.iter().map(|(_, n)| n).sum::<u32>();
    let explained = best.0 < UNEXPLAINED.0.max(UNEXPLAINED.1 * f64::from(hits));
    let told = explained && there >= LEAST && hits >= FEWEST_TELL;
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

fn is_doubled<S>(package: &Package, parts: &[(S, Found)]) -> bool {
    let all = sum(parts.iter().map(|(_, found)| found));
    let runs = |set: u8| package.sets.get(usize::from(set)).map_or(0, |set| set.runs);
    let (once, again) = all.iter().fold((0, 0), |(once, again), &(set, found)| {
        let first = found.min(runs(set));
        (once + first, again + found - first)
    });
    again >= FEWEST_TELL && f64::from(again) >= DOUBLED * f64::from(once)
}

/// Share of what is there of the copy of which most is that must be there of another.
const AS_WHOLE: f64 = 0.6;

/// A copy of a package.
#[derive(Debug)]
pub(super) struct Instance<S> {
    /// Where it is.
    pub(super) parts: Vec<S>,
    /// The versions that it can be, oldest first; empty where none can be told.
    pub(super) versions: Vec<String>,
}

impl<S> Instance<S> {
    fn new(package: &Package, parts: Vec<S>, near: &[Guess]) -> Self {
        Self {
            parts,
            versions: versions(package, near),
        }
    }
}

/// The copies of a package, by parts that cannot be of one version, and the versions that each can be.
pub(super) fn copies<S: Copy>(package: &Package, parts: &[(S, Found)]) -> Vec<Instance<S>> {
    let guesses = guesses(package);
    let all = sum(parts.iter().map(|(_, found)| found));
    let (near, unexplained) = possible(package, &guesses, &all);
    let one = || {
        let mut all = vec![Instance::new(package, parts.iter().map(|(s, _)| *s).collect(), &near)];
        // There twice, and alike: nothing tells the second one's version.
        if is_doubled(package, parts) {
            all.push(Instance::new(package, Vec::new(), &[]));
        }
        all
    };
    if unexplained < COPY || parts.len() < 2 || parts.len() > MOST_PARTS {
        return one();
    }
    let there = completeness(package, &by_set(package, &all)).clamp(0.05, 0.97);
    // Guesses that together explain the most, one after the other.
    let costs: Vec<Vec<f64>> = parts
        .iter()
        .map(|(_, found)| {
            guesses
                .iter()
                .map(|&guess| strange(package, guess, found, there))
                .collect()
        })
        .collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut now: Vec<f64> = vec![f64::INFINITY; parts.len()];
    while chosen.len() < MOST_COPIES {
        let with = |guess: usize| -> f64 { now.iter().zip(&costs).map(|(now, costs)| now.min(costs[guess])).sum() };
        let best = (0..guesses.len())
            .map(|g| (with(g), g))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((left, guess)) = best else { break };
        if !chosen.is_empty() && now.iter().sum::<f64>() - left < COPY {
            break;
        }
        chosen.push(guess);
        for (now, costs) in now.iter_mut().zip(&costs) {
            *now = now.min(costs[guess]);
        }
    }
    if chosen.len() < 2 {
        return one();
    }
    // What two explain alike is of either, and tells of neither.
    let mut copies: Vec<(Vec<usize>, Found)> = vec![Default::default(); chosen.len()];
    let hits = |found: &Found| found.iter().map(|(_, n)| n).sum::<u32>();
    let mut strict = vec![0; chosen.len()];
    for (part, costs) in costs.iter().enumerate() {
        let least = chosen.iter().map(|g| costs[*g]).fold(f64::INFINITY, f64::min);
        let best: Vec<usize> = (0..chosen.len()).filter(|c| costs[chosen[*c]] <= least).collect();
        copies[best[0]].0.push(part);
        for &copy in &best {
            copies[copy].1.extend(&parts[part].1);
        }
        if let [only] = best[..] {
            strict[only] += hits(&parts[part].1);
        }
    }
    // A copy of which little is alone is no copy but a coincidence.
    let least = u32::max(FEWEST_TELL, hits(&all) / 6);
    let mut strict = strict.into_iter();
    copies.retain(|_| strict.next().is_some_and(|alone| alone >= least));
    let mut copies: Vec<(Vec<usize>, Found, f64)> = copies
        .into_iter()
        .map(|(members, found)| {
            let found = sum(std::iter::once(&found));
            let there = completeness(package, &by_set(package, &found));
            (members, found, there)
        })
        .collect();
    copies.sort_by(|a, b| b.2.total_cmp(&a.2));
    // Nor is one of which much less is there than of the best: a package that was made of this one.
    let most = copies.first().map_or(0.0, |copy| copy.2);
    let fewer = copies.iter().filter(|copy| copy.2 >= AS_WHOLE * most).count();
    let strangers: Vec<usize> = copies.drain(fewer..).flat_map(|copy| copy.0).collect();
    if copies.len() < 2 && strangers.is_empty() {
        return one();
    }
    let mut instances: Vec<Instance<S>> = copies
        .into_iter()
        .map(|(members, found, _)| {
            let (near, _) = possible(package, &guesses, &found);
            Instance::new(package, members.into_iter().map(|i| parts[i].0).collect(), &near)
        })
        .collect();
    if let Some(first) = instances.first_mut() {
        first.parts.extend(strangers.into_iter().map(|i| parts[i].0));
    }
    instances
}

/// Names of versions, with those beside them that were not looked into and may be the same.
fn versions(package: &Package, possible: &[Guess]) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    let mut add = |version: &String| {
        if !named.contains(version) {
            named.push(version.clone());
        }
    };
    for guess in possible {
        let i = guess.versions.trailing_zeros() as usize;
        if guess.between {
            between(package, i).iter().for_each(&mut add);
            continue;
        }
        let version = &package.versions[i];
        add(version);
        let below = i.checked_sub(1).and_then(|i| package.versions.get(i));
        let above = package.versions.get(i + 1);
        for other in &package.others {
            let order = |a: &str, b: &str| (NPM.compare)(a, b);
            let after = below.is_none_or(|below| order(other, below).is_gt());
            let before = above.is_none_or(|above| order(other, above).is_lt());
            if after && before && line(other) == line(version) {
                add(other);
            }
        }
    }
    named.sort_by(|a, b| (NPM.compare)(a, b));
    named
}

/// Versions that promise to be compatible: `1`, `0.3`.
fn line(version: &str) -> (&str, &str) {
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
    use super::{super::index::Set, *};

    fn package(sets: &[(u64, u32)]) -> Package {
        Package {
            versions: ["1.0.0", "1.1.0", "1.2.0"].map(str::to_owned).to_vec(),
            others: ["1.1.1", "1.2.1", "2.0.0"].map(str::to_owned).to_vec(),
            sets: sets
                .iter()
                .map(|&(versions, runs)| Set {
                    versions,
                    runs,
                    sampled: runs,
                })
                .collect(),
            ..Package::default()
        }
    }

    #[test]
    fn versions_are_those_that_nothing_speaks_against() {
        // What all have, what the last two have, what each has alone.
        let package = package(&[(0b111, 40), (0b110, 10), (0b001, 10), (0b010, 10), (0b100, 10)]);
        for (found, expected) in [
            ([40, 0, 10, 0, 0], &["1.0.0"][..]),
            // 1.1.1 was not looked into, and may be as 1.1.0 is.
            ([40, 10, 0, 10, 0], &["1.1.0", "1.1.1"]),
            ([40, 10, 0, 0, 10], &["1.1.1", "1.2.0", "1.2.1"]),
            // Nothing tells.
            ([0, 0, 0, 0, 0], &[]),
            // Code of two versions at once is code of neither.
            ([40, 0, 10, 0, 10], &[]),
        ] {
            let found: Found = (0..).zip(found).filter(|(_, n)| *n > 0).collect();
            let (possible, _) = possible(&package, &guesses(&package), &found);
            assert_eq!(versions(&package, &possible), expected, "{found:?}");
        }
    }
}
