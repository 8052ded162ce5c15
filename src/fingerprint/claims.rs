//! Which packages the runs of a bundle show, where, and in which versions.
//!
//! Runs of a package lie close together where its code is: each run that is known speaks for its packages, each that is
//! not, of those that the index would have, against them. The package with the most to say is claimed first, and what it
//! explains says nothing for others; so a stretch of code is one package's.

use super::{
    fresh,
    grams::{Stream, TOKENS, Table},
    index::{Index, IndexError},
    led_to::led_to,
    needs::{self, Member},
    pinned::{self, Told},
    record::Package,
    says, unseen,
    verdict::{self, Evidence},
    versions::{self, Found, Instance},
};
use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet},
    ops::Range,
};

/// A package that a bundle holds, as far as its code tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Versions that it can be, oldest first; empty where none can be told.
    pub versions: Vec<String>,
    /// Those of them that it rather has not: what else is there is of later days.
    pub unlikely: Vec<String>,
    /// Bytes of the bundle that are its code.
    pub ranges: Vec<Range<usize>>,
    /// Share of the runs in these that are its own, 0 to 1.
    pub share: f32,
    /// Share of claims like this one that are true, as measured.
    pub confidence: f32,
}

/// What a run that is not the package's costs, where one that is its own brings 1.
const MISS: f64 = 0.12;

/// What a gap may cost before a stretch ends.
const GAP: f64 = 7.0;

/// What is there of a package counts for so much against what is there of one that the bundle's own words lead to.
const UNLED: f64 = 0.5;

/// Runs within which code is beside a version that the bundle names.
const BESIDE: usize = 64;

/// Runs one behind the other that were there before: a second copy begins.
const AGAIN: usize = 4;

/// A run of the bundle that one package knows.
#[derive(Clone, Copy)]
struct Hit {
    at: u32,
    set: u16,
    /// 1 where it is this package's, as far as is known; else 1 / number of packages that know it.
    weight: f32,
    table: Table,
}

impl Hit {
    /// What it says for its packages: nothing where it is mere numbers.
    fn weight(&self) -> f32 {
        if self.table == Table::Numbers { 0.0 } else { self.weight }
    }
}

/// A stretch of the bundle that may be of one package.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    first: u32,
    last: u32,
}

struct Candidate {
    number: u16,
    package: Package,
    /// Places of the versions that the bundle says it has.
    told: Vec<usize>,
    hits: Vec<Hit>,
    stretches: Vec<Stretch>,
}

impl Candidate {
    /// Whether others carry copies of it in their own files.
    fn is_carried(&self) -> bool {
        verdict::CARRIED.contains(&&*self.package.name)
    }

    /// The same, or whether many do, each in its own way.
    fn is_copied(&self) -> bool {
        self.is_carried() || self.package.carried
    }

    /// Whether it is facts and no code.
    fn is_table(&self) -> bool {
        verdict::TABLES.contains(&&*self.package.name)
    }
}

struct Ground<'s> {
    stream: &'s Stream,
    /// For each shift, how many runs before each place are of its sample.
    sampled: BTreeMap<u8, Vec<u32>>,
    /// The package that explains a run.
    owner: Vec<u16>,
}

const NOBODY: u16 = u16::MAX;

/// Claims, by name. `told` is what the bundle says of itself in words.
///
/// # Errors
/// When a part of the index that is asked for is damaged.
pub fn claims(stream: &Stream, index: &Index, told: &Told) -> Result<Vec<Claim>, IndexError> {
    let mut candidates = candidates(stream, index, told)?;
    let mut ground = Ground {
        stream,
        sampled: BTreeMap::new(),
        owner: vec![NOBODY; stream.grams.len()],
    };
    for candidate in &mut candidates {
        ground.prepare(candidate.package.shift);
        candidate.stretches = ground.stretches(candidate);
    }
    let led_to = led_to(index, told)?;
    ground.decide_between(&mut candidates, &led_to);
    let accepted = judge(&mut ground, &candidates, &led_to);
    // What a package was cut out of has its code.
    let whole = |i: usize| whole_of(&ground, &candidates, &candidates[i]).map(|(whole, _)| whole);
    let covered = |i: usize| whole(i).is_some_and(|whole| accepted.iter().any(|(i, ..)| *i == whole));
    let taken: BTreeSet<usize> = accepted.iter().map(|(i, ..)| *i).collect();
    let is_trace = |i: &usize| {
        let alone = ground.weigh_alone(&candidates[*i]);
        alone.complete >= verdict::TRACE && (alone.is_most() || !covered(*i))
    };
    let traces: BTreeSet<u16> = (0..candidates.len())
        .filter(|i| !taken.contains(i))
        .filter(is_trace)
        .map(|i| candidates[i].number)
        .collect();
    let (mut members, mut claims) = (Vec::new(), Vec::new());
    for (i, evidence, instances) in accepted {
        let candidate = &candidates[i];
        for instance in instances {
            members.push(Member {
                whole: evidence.complete >= 0.5,
                ..Member::new(candidate.number, candidate.package.clone(), instance.versions)
            });
            claims.push(Claim {
                name: candidate.package.name.clone(),
                versions: Vec::new(),
                unlikely: Vec::new(),
                ranges: instance.parts.iter().map(|s| ground.bytes(*s)).collect(),
                share: evidence.share_f32(),
                confidence: evidence.confidence(),
            });
        }
    }
    says::heed(&ground.named(), &mut members, &claims);
    pinned::settle(index, told, &mut members, &mut claims)?;
    needs::narrow(&mut members);
    unseen::add_tiny(index, &traces, &mut members, &mut claims)?;
    pinned::settle(index, told, &mut members, &mut claims)?;
    needs::narrow(&mut members);
    unseen::add_other_copies(&mut members, &mut claims);
    let unlikely = fresh::unlikely(&members);
    for (claim, (member, unlikely)) in claims.iter_mut().zip(members.into_iter().zip(unlikely)) {
        claim.versions = member.versions;
        claim.unlikely = unlikely;
    }
    claims.sort_by(|a, b| (&a.name, &a.versions).cmp(&(&b.name, &b.versions)));
    claims.dedup_by(|b, a| {
        let same = a.name == b.name && a.versions == b.versions;
        if same {
            a.ranges.append(&mut b.ranges);
        }
        same
    });
    Ok(claims)
}

/// What has enough to say for itself: a candidate, the evidence for it and the copies that are there.
type Accepted = (usize, Evidence, Vec<Instance<Stretch>>);

/// The candidates that are believed.
fn judge(ground: &mut Ground<'_>, candidates: &[Candidate], led_to: &BTreeSet<u16>) -> Vec<Accepted> {
    // The best first; a candidate whose evidence was explained meanwhile goes back.
    let mut queue: BinaryHeap<(u64, std::cmp::Reverse<usize>)> = BinaryHeap::new();
    for (i, candidate) in candidates.iter().enumerate() {
        let rank = ground.weigh(candidate).rank();
        queue.push((rank, std::cmp::Reverse(i)));
    }
    let mut accepted: Vec<Accepted> = Vec::new();
    let mut weak: Vec<usize> = Vec::new();
    let mut cut: BTreeSet<usize> = BTreeSet::new();
    while let Some((rank, std::cmp::Reverse(i))) = queue.pop() {
        let candidate = &candidates[i];
        let evidence = ground.weigh(candidate);
        let now = evidence.rank();
        if now < rank {
            queue.push((now, std::cmp::Reverse(i)));
            continue;
        }
        let copied = candidate.is_copied() || evidence.is_tabular();
        let own = !candidate.is_table() && (!copied || evidence.is_whole());
        let whole = whole_of(ground, candidates, candidate).filter(|_| !evidence.is_most());
        if let Some(whole) = whole.filter(|(_, whole)| whole.own > evidence.own) {
            // Parts of the whole are there; whether that is, is asked when all else has been told.
            cut.insert(whole.0);
            weak.push(i);
        } else if own && evidence.is_enough() {
            accepted.push((i, evidence, ground.take(candidate)));
        } else if evidence.is_some() {
            weak.push(i);
        }
    }
    weak.retain(|i| {
        let candidate = &candidates[*i];
        let evidence = ground.weigh(candidate);
        let copied = candidate.is_copied() || candidate.is_table() || evidence.is_tabular();
        let believed = !copied && (evidence.is_shaken() || cut.contains(i) && evidence.is_scattered());
        if believed {
            accepted.push((*i, evidence, ground.take(candidate)));
        }
        !believed
    });
    // A small package is believed on less where one that needs it is there.
    loop {
        let needed = &asked_for(&accepted, candidates) | led_to;
        let before = accepted.len();
        weak.retain(|i| {
            let candidate = &candidates[*i];
            if candidate.is_carried() || !needed.contains(&candidate.number) {
                return true;
            }
            let evidence = ground.weigh(candidate);
            let believed = evidence.is_enough_beside_dependent()
                || ground.weigh_alone(candidate).is_there_beside_dependent()
                || led_to.contains(&candidate.number) && evidence.is_enough_where_led_to();
            if believed {
                accepted.push((*i, evidence, ground.take(candidate)));
            }
            !believed
        });
        if accepted.len() == before {
            break;
        }
    }
    // What nothing here asks for is the application's own choice, or what others wrote alike or carry a copy of.
    let asked_for = &asked_for(&accepted, candidates) | led_to;
    for one in &mut accepted {
        if asked_for.contains(&candidates[one.0].number) {
            continue;
        }
        let twin = twin_of(ground, candidates, one.0, &asked_for);
        if let Some(twin) = twin.or_else(|| fuller_twin_of(ground, candidates, one.0)) {
            ground.give_back(&candidates[one.0]);
            *one = (twin, ground.weigh(&candidates[twin]), ground.take(&candidates[twin]));
        }
    }
    let there: BTreeSet<u16> = accepted.iter().map(|(i, ..)| candidates[*i].number).collect();
    accepted.retain(|(i, evidence, _)| {
        let candidate = &candidates[*i];
        // The copy that another carries is that one's.
        let is_carried = candidate.package.carriers.iter().any(|carrier| there.contains(carrier));
        asked_for.contains(&candidate.number) || !is_carried && evidence.is_enough_alone(candidate.package.carried)
    });
    accepted
}

/// A package that something asks for and that has the code of one that nothing asks for: as much of it is there, or it is known to
/// carry a copy.
fn twin_of(ground: &Ground<'_>, candidates: &[Candidate], one: usize, asked_for: &BTreeSet<u16>) -> Option<usize> {
    let own: HashSet<u32> = candidates[one].hits.iter().map(|hit| hit.at).collect();
    let complete = ground.weigh_alone(&candidates[one]).complete;
    candidates.iter().position(|twin| {
        let is_alike = || {
            let common = twin.hits.iter().filter(|hit| own.contains(&hit.at)).count();
            common * 10 >= own.len() * 9
        };
        let is_asked_for = twin.number != candidates[one].number && asked_for.contains(&twin.number);
        let carries = candidates[one].package.carriers.contains(&twin.number);
        is_asked_for && is_alike() && (carries || ground.weigh_alone(twin).complete >= 0.9 * complete)
    })
}

/// A package that has all the code of one, of which as much is there, and that has more: one was given another name
/// (`koa-router` is `@koa/router` since its version 10).
fn fuller_twin_of(ground: &Ground<'_>, candidates: &[Candidate], one: usize) -> Option<usize> {
    let own: HashSet<u32> = candidates[one].hits.iter().map(|hit| hit.at).collect();
    let complete = ground.weigh_alone(&candidates[one]).complete;
    let is_fuller = |twin: &Candidate| {
        let theirs: HashSet<u32> = twin.hits.iter().map(|hit| hit.at).collect();
        theirs.len() > own.len()
            && own.is_subset(&theirs)
            && !twin.is_copied()
            && ground.weigh_alone(twin).complete >= complete
    };
    candidates.iter().position(is_fuller)
}

/// The package that a candidate was cut out of, with what speaks for that.
fn whole_of(ground: &Ground<'_>, candidates: &[Candidate], part: &Candidate) -> Option<(usize, Evidence)> {
    let name = verdict::cut_out_of(&part.package.name)?;
    let at = candidates.iter().position(|candidate| candidate.package.name == name)?;
    Some((at, ground.weigh_alone(&candidates[at])))
}

/// What is asked for by what is believed, in the versions that this can be.
fn asked_for(accepted: &[Accepted], candidates: &[Candidate]) -> BTreeSet<u16> {
    let asks = |(i, _, instances): &Accepted| {
        let package = &candidates[*i].package;
        let mut told = candidates[*i].told.clone();
        if told.is_empty() {
            told.extend(instances.iter().flat_map(|one| one.places(package)));
        }
        if told.is_empty() {
            return usually_needs(package);
        }
        let asked = package
            .needs
            .iter()
            .filter(|need| told.iter().any(|place| need.is_asked_by(*place)));
        asked.map(|need| need.package).collect()
    };
    accepted.iter().flat_map(asks).collect()
}

/// What nearly every version needs, or the newest: which one is there is not known where this is asked.
fn usually_needs(package: &Package) -> Vec<u16> {
    let mut asked: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for need in &package.needs {
        let by = need.asking(&package.looked_into);
        asked.entry(need.package).or_default().extend(by);
    }
    let count = package.looked_into.len();
    let newest = package.looked_into.last();
    asked.retain(|_, by| newest.is_some_and(|newest| by.contains(newest)) || by.len() * 5 >= count * 4);
    asked.into_keys().collect()
}

fn candidates(stream: &Stream, index: &Index, told: &Told) -> Result<Vec<Candidate>, IndexError> {
    let mut by_package: HashMap<u16, Vec<Hit>> = HashMap::new();
    let mut known = Vec::new();
    for ((at, gram), table) in (0u32..).zip(&stream.grams).zip(&stream.table) {
        known.clear();
        known.extend(index.find(*gram)?);
        for k in &known {
            by_package.entry(k.package).or_default().push(Hit {
                at,
                set: k.set,
                weight: 1.0 / f32::from(u8::try_from(known.len()).unwrap_or(u8::MAX)),
                table: *table,
            });
        }
    }
    let mut candidates = Vec::new();
    for (number, hits) in by_package {
        if hits.len() >= verdict::FEWEST {
            let package = index.package(number)?;
            if hits.iter().all(|h| usize::from(h.set) < package.sets.len()) {
                let told = told.get(&package.name).into_iter().flatten();
                let told = told.filter_map(|version| package.published.iter().position(|one| one == version));
                candidates.push(Candidate {
                    told: told.collect(),
                    number,
                    package,
                    hits,
                    stretches: Vec::new(),
                });
            }
        }
    }
    candidates.sort_by_key(|c| c.number);
    Ok(candidates)
}

impl Ground<'_> {
    fn prepare(&mut self, shift: u8) {
        let grams = &self.stream.grams;
        self.sampled.entry(shift).or_insert_with(|| {
            let mut count = 0;
            let mut counts = Vec::with_capacity(grams.len() + 1);
            counts.push(0);
            counts.extend(grams.iter().map(|gram| {
                count += u32::from(Package::samples(shift, *gram));
                count
            }));
            counts
        });
    }

    /// Sampled runs in a stretch of the bundle, both ends included.
    fn between(&self, shift: u8, first: u32, last: u32) -> u32 {
        let Some(counts) = self.sampled.get(&shift) else {
            return 0;
        };
        let at = |i: u32| counts.get(i as usize).copied().unwrap_or_default();
        at(last + 1).saturating_sub(at(first))
    }

    /// Where hits lie so close together that what is between them may be the package's too.
    fn stretches(&self, candidate: &Candidate) -> Vec<Stretch> {
        let shift = candidate.package.shift;
        let mut all: Vec<Stretch> = Vec::new();
        let mut score = 0.0;
        for hit in &candidate.hits {
            if let Some(open) = all.last_mut().filter(|open| hit.at > open.last) {
                let cost = f64::from(self.between(shift, open.last + 1, hit.at).saturating_sub(1)) * MISS;
                // Unsampled runs say little, but a long way of them is no neighbourhood.
                let far = f64::from(hit.at - open.last) * MISS / f64::from(1u32 << shift.min(4)) / 4.0;
                if cost.max(far) < GAP.min(score + 1.0) {
                    score = (score - cost + f64::from(hit.weight())).min(4.0 * GAP);
                    open.last = hit.at;
                    continue;
                }
            }
            score = f64::from(hit.weight());
            all.push(Stretch {
                first: hit.at,
                last: hit.at,
            });
        }
        all
    }

    /// Hits of a stretch: all, or those that nobody else explains.
    fn hits<'c>(&'c self, candidate: &'c Candidate, stretch: Stretch, all: bool) -> impl Iterator<Item = &'c Hit> + 'c {
        let from = candidate.hits.partition_point(|h| h.at < stretch.first);
        let hits = candidate.hits[from..].iter().take_while(move |h| h.at <= stretch.last);
        hits.filter(move |h| {
            let owner = self.owner[h.at as usize];
            all || owner == NOBODY || owner == candidate.number
        })
    }

    /// A run that several packages have is that one's of which most is there: a fork is told from its original, and a family's
    /// members from one another, by what is not there of the others.
    fn decide_between(&self, candidates: &mut [Candidate], led_to: &BTreeSet<u16>) {
        let complete = |candidate: &Candidate| {
            let is_likely = led_to.is_empty() || led_to.contains(&candidate.number);
            self.weigh_alone(candidate).complete * if is_likely { 1.0 } else { UNLED }
        };
        let complete: Vec<f64> = candidates.iter().map(complete).collect();
        let mut most = vec![0.0_f64; self.stream.grams.len()];
        for (candidate, complete) in candidates.iter().zip(&complete) {
            for hit in &candidate.hits {
                let most = &mut most[hit.at as usize];
                *most = most.max(*complete);
            }
        }
        for (candidate, complete) in candidates.iter_mut().zip(complete) {
            for hit in candidate
                .hits
                .iter_mut()
                .filter(|hit| complete >= most[hit.at as usize])
            {
                hit.weight = 1.0;
            }
        }
    }

    fn weigh(&self, candidate: &Candidate) -> Evidence {
        self.weigh_hits(candidate, false)
    }

    /// As if nobody else were there.
    fn weigh_alone(&self, candidate: &Candidate) -> Evidence {
        self.weigh_hits(candidate, true)
    }

    fn weigh_hits(&self, candidate: &Candidate, alone: bool) -> Evidence {
        let shift = candidate.package.shift;
        let mut evidence = Evidence::default();
        let mut found = vec![0; candidate.package.sets.len()];
        let mut seen: HashSet<(u64, u16)> = HashSet::new();
        for &stretch in &candidate.stretches {
            let (mut hits, mut sampled, mut weight, mut own, mut table, mut code) = (0u32, 0u32, 0.0, 0u32, 0.0, 0.0);
            for hit in self.hits(candidate, stretch, alone) {
                let gram = self.stream.grams[hit.at as usize];
                let fresh = seen.insert((gram, hit.set));
                hits += 1;
                sampled += u32::from(Package::samples(shift, gram));
                if fresh {
                    if let Some(count) = found.get_mut(usize::from(hit.set)) {
                        *count += 1;
                    }
                    weight += f64::from(hit.weight());
                    own += u32::from(hit.weight() > 0.99);
                    table += f64::from(hit.weight) * f64::from(u8::from(hit.table != Table::No));
                    code += f64::from(hit.weight) * f64::from(u8::from(hit.table == Table::No));
                }
            }
            let all = self.between(shift, stretch.first, stretch.last).max(1);
            let share = f64::from(sampled) / f64::from(all);
            evidence.add(hits, weight, own, share, all);
            evidence.table += table;
            evidence.code += code;
        }
        evidence.complete = verdict::completeness(&candidate.package, &found);
        evidence.size = verdict::size(&candidate.package);
        evidence
    }

    /// Takes what the candidate explains, and says in which copies it is there.
    fn take(&mut self, candidate: &Candidate) -> Vec<Instance<Stretch>> {
        let parts: Vec<(Stretch, Found)> = candidate
            .stretches
            .iter()
            .flat_map(|stretch| self.parts(candidate, *stretch))
            .collect();
        let instances = versions::copies(&candidate.package, &parts);
        for hit in &candidate.hits {
            let owner = &mut self.owner[hit.at as usize];
            if *owner == NOBODY {
                *owner = candidate.number;
            }
        }
        instances
    }

    /// Takes back what was taken.
    fn give_back(&mut self, candidate: &Candidate) {
        for hit in &candidate.hits {
            let owner = &mut self.owner[hit.at as usize];
            if *owner == candidate.number {
                *owner = NOBODY;
            }
        }
    }

    /// A stretch, cut where what is in it begins anew: two copies lie side by side.
    fn parts(&self, candidate: &Candidate, stretch: Stretch) -> Vec<(Stretch, Found)> {
        let hits: Vec<&Hit> = self.hits(candidate, stretch, false).collect();
        let mut parts = Vec::new();
        let mut seen: BTreeSet<(u16, u64)> = BTreeSet::new();
        let key = |hit: &Hit| (hit.set, self.stream.grams[hit.at as usize]);
        let mut first = 0;
        let close = |first: usize, end: usize, seen: &mut BTreeSet<(u16, u64)>| {
            let ends = (hits.get(first), hits.get(end.wrapping_sub(1)));
            let (Some(from), Some(to)) = ends else { return None };
            let mut found: BTreeMap<u16, u32> = BTreeMap::new();
            for (set, _) in std::mem::take(seen) {
                *found.entry(set).or_default() += 1;
            }
            let part = Stretch {
                first: from.at,
                last: to.at,
            };
            (end - first > 1).then(|| (part, found.into_iter().collect()))
        };
        for (i, hit) in hits.iter().enumerate() {
            let next = hits[i..].iter().take(AGAIN);
            if next.len() == AGAIN && next.clone().all(|hit| seen.contains(&key(hit))) {
                parts.extend(close(first, i, &mut seen));
                first = i;
            }
            seen.insert(key(hit));
        }
        parts.extend(close(first, hits.len(), &mut seen));
        parts
    }

    /// The versions that the bundle names in quotes.
    fn named(&self) -> Vec<says::Named> {
        let owner = |place: usize| self.owner.get(place).copied().filter(|owner| *owner != NOBODY);
        let named = |&(token, hash): &(u32, u64)| {
            let token = token as usize;
            says::Named {
                hash,
                at: self.stream.at.get(token).copied().unwrap_or_default() as usize,
                beside: [
                    (token.saturating_sub(BESIDE)..token).rev().find_map(owner),
                    (token..token + BESIDE).find_map(owner),
                ],
            }
        };
        self.stream.versions.iter().map(named).collect()
    }

    fn bytes(&self, stretch: Stretch) -> Range<usize> {
        let at = |i: usize| self.stream.at.get(i).copied().unwrap_or_default() as usize;
        let (first, last) = (at(stretch.first as usize), at(stretch.last as usize + TOKENS - 1));
        first.min(last)..last.max(first) + 1
    }
}
