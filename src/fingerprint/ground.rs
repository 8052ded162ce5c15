//! What the runs of a bundle say for each package: where they lie close together, how many nobody else explains, and in which versions.

use super::{
    grams::{Stream, TOKENS, Table},
    index::{Index, IndexError},
    led_to::LedTo,
    modules,
    pinned::Told,
    record::Package,
    says,
    verdict::{self, Evidence},
    versions::{self, Found, Instance},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
};

/// What a run that is not the package's costs, where one that is its own brings 1.
const MISS: f64 = 0.12;

/// What a gap may cost before a stretch ends.
const GAP: f64 = 7.0;

/// What is there of a version counts for so much against what is there of others where the bundle's own words lead to other versions,
/// or to other packages of its scope, or to a namesake of another scope: many of AWS's are there under two names, what was a package
/// of its own was taken into another later, and a client leads to all it brings.
const UNLED: f64 = 0.25;

/// Part of what another scope has that is hardly any.
const HARDLY: usize = 10;

/// Share of a package from which on it may be there.
const RIVAL: f64 = 0.5;

/// Runs within which code is beside a version that the bundle names.
const BESIDE: usize = 64;

/// Runs one behind the other that were there before: a second copy begins.
const AGAIN: usize = 4;

/// A run of the bundle that one package knows.
#[derive(Clone, Copy)]
pub(super) struct Hit {
    pub(super) at: u32,
    pub(super) set: u16,
    /// Packages that know it.
    known_by: u8,
    /// Whether none of these has it of which more is there.
    decided: bool,
    /// Whether another has it of which so much is there that it may be there too.
    rivalled: bool,
    table: Table,
}

impl Hit {
    /// 1 where it is this package's, as far as is known; else one part of it for each package that knows it.
    fn part(&self) -> f32 {
        if self.decided {
            1.0
        } else {
            1.0 / f32::from(self.known_by)
        }
    }

    /// What it says for its packages: nothing where it is mere numbers.
    fn weight(&self) -> f32 {
        if self.table == Table::Numbers { 0.0 } else { self.part() }
    }
}

/// A stretch of the bundle that may be of one package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    first: u32,
    last: u32,
}

pub(super) struct Candidate {
    pub(super) number: u16,
    pub(super) package: Package,
    /// Places of the versions that the bundle says it has.
    pub(super) told: Vec<usize>,
    pub(super) hits: Vec<Hit>,
    pub(super) stretches: Vec<Stretch>,
}

impl Candidate {
    /// Takes what the bundle says of its versions.
    fn hear(&mut self, told: &Told) {
        let told = told.get(&self.package.name).into_iter().flatten();
        let place = |version: &String| self.package.published.iter().position(|one| one == version);
        self.told = told.filter_map(place).collect();
    }

    /// Whether others carry copies of it in their own files.
    pub(super) fn is_carried(&self) -> bool {
        verdict::CARRIED.contains(&&*self.package.name)
    }

    /// The same, or whether many do, each in its own way.
    pub(super) fn is_copied(&self) -> bool {
        self.is_carried() || self.package.carried
    }

    /// Whether it is facts and no code.
    pub(super) fn is_table(&self) -> bool {
        verdict::TABLES.contains(&&*self.package.name)
    }
}

pub(super) struct Ground<'s> {
    pub(super) stream: &'s Stream,
    /// For each shift, how many runs before each place are of its sample.
    sampled: BTreeMap<u8, Vec<u32>>,
    /// The package that explains a run.
    owner: Vec<u16>,
}

const NOBODY: u16 = u16::MAX;

/// The packages of which runs are there, by their numbers.
///
/// # Errors
/// When a part of the index that is asked for is damaged.
pub(super) fn candidates(stream: &Stream, index: &Index) -> Result<Vec<Candidate>, IndexError> {
    let mut by_package: HashMap<u16, Vec<Hit>> = HashMap::new();
    let mut known = Vec::new();
    for ((at, gram), table) in (0u32..).zip(&stream.grams).zip(&stream.table) {
        known.clear();
        known.extend(index.find(*gram)?);
        for k in &known {
            by_package.entry(k.package).or_default().push(Hit {
                at,
                set: k.set,
                known_by: u8::try_from(known.len()).unwrap_or(u8::MAX),
                decided: known.len() == 1,
                rivalled: false,
                table: *table,
            });
        }
    }
    let mut candidates = Vec::new();
    for (number, hits) in by_package {
        if hits.len() >= verdict::FEWEST {
            let package = index.package(number)?;
            if hits.iter().all(|h| usize::from(h.set) < package.sets.len()) {
                candidates.push(Candidate {
                    told: Vec::new(),
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

/// For each run of a candidate the most of `shares` of the versions that have it.
fn most_of_each(candidate: &Candidate, shares: &[f64]) -> Vec<f64> {
    let mut of_sets: HashMap<u16, f64> = HashMap::new();
    let mut most = |set: u16| {
        *of_sets.entry(set).or_insert_with(|| {
            let versions = candidate.package.set(set).versions;
            let shares = versions
                .stretches()
                .filter_map(|(first, last)| shares.get(first..=last));
            shares.flatten().copied().fold(0.0, f64::max)
        })
    };
    candidate.hits.iter().map(|hit| most(hit.set)).collect()
}

/// The versions that a package was told to be there in, of those that were looked into; `None` where one copy was not told.
fn told(package: &Package, instances: &[Instance<Stretch>]) -> Option<BTreeSet<usize>> {
    let mut told = BTreeSet::new();
    for one in instances {
        let places = one.places(package);
        if places.is_empty() {
            return None;
        }
        told.extend(
            places
                .iter()
                .filter_map(|place| package.looked_into.binary_search(place).ok()),
        );
    }
    Some(told)
}

/// Packages that have a namesake in another scope, where nearly all is there that only packages of that scope have: a scope that was
/// given another name has its old code under either, and the bundle has it under one.
fn renamed(candidates: &[Candidate]) -> BTreeSet<u16> {
    let mut own: BTreeMap<&str, usize> = BTreeMap::new();
    let mut scopes: BTreeMap<&str, Vec<(&str, u16)>> = BTreeMap::new();
    for candidate in candidates {
        if let Some((scope, name)) = candidate.package.scoped() {
            *own.entry(scope).or_default() += candidate.hits.iter().filter(|hit| hit.known_by == 1).count();
            scopes.entry(name).or_default().push((scope, candidate.number));
        }
    }
    let own = |scope: &str| own.get(scope).copied().unwrap_or_default();
    let of_one_name = |namesakes: &Vec<(&str, u16)>| -> Vec<u16> {
        let most = namesakes.iter().map(|(scope, _)| own(scope)).max().unwrap_or_default();
        let hardly = namesakes.iter().filter(|(scope, _)| own(scope) * HARDLY < most);
        hardly.map(|(_, number)| *number).collect()
    };
    scopes.values().flat_map(of_one_name).collect()
}

impl<'s> Ground<'s> {
    /// Of a bundle's runs; tells each candidate where it may be.
    pub(super) fn of(stream: &'s Stream, candidates: &mut [Candidate]) -> Self {
        let mut ground = Self {
            stream,
            sampled: BTreeMap::new(),
            owner: vec![NOBODY; stream.grams.len()],
        };
        for candidate in &mut *candidates {
            ground.prepare(candidate.package.shift);
        }
        modules::leave_copies(&ground, candidates);
        for candidate in candidates {
            candidate.stretches = ground.stretches(candidate);
        }
        ground
    }

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

    /// Sampled runs in a stretch of the bundle, both ends included; behind the last run is none.
    pub(super) fn between(&self, shift: u8, first: u32, last: u32) -> u32 {
        let Some(counts) = self.sampled.get(&shift) else {
            return 0;
        };
        let at = |i: u32| counts.get(i as usize).or(counts.last()).copied().unwrap_or_default();
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

    /// Begins anew: nothing is explained, and `told` is what is known in words, which leads to the packages `led_to`.
    pub(super) fn open(&mut self, candidates: &mut [Candidate], told: &Told, led_to: &LedTo) {
        self.owner.fill(NOBODY);
        for candidate in &mut *candidates {
            candidate.hear(told);
        }
        self.decide_between(candidates, led_to);
    }

    /// A run that several packages have is that one's of which most is there, of the versions that have it: a fork is told from its
    /// original, a family's members from one another, and what was taken into another later from that one's versions before.
    fn decide_between(&self, candidates: &mut [Candidate], led_to: &LedTo) {
        let led = candidates
            .iter()
            .filter(|candidate| led_to.contains_key(&candidate.number));
        let led: BTreeSet<&str> = led
            .filter_map(|candidate| candidate.package.scoped())
            .flat_map(<[&str; 2]>::from)
            .collect();
        let is_related = |candidate: &Candidate| {
            candidate
                .package
                .scoped()
                .is_some_and(|(scope, name)| led.contains(scope) || led.contains(name))
        };
        let renamed = renamed(candidates);
        let mut most = vec![0.0_f64; self.stream.grams.len()];
        let mut rivals = vec![0_u32; self.stream.grams.len()];
        let complete: Vec<Vec<f64>> = candidates
            .iter()
            .map(|candidate| {
                let shares = self.shares(candidate);
                let places = led_to.get(&candidate.number);
                let is_led_to = |version: usize| {
                    places.is_some_and(|places| places.is_empty() || candidate.package.is_about(version, places))
                };
                let is_related = is_related(candidate);
                let is_renamed = renamed.contains(&candidate.number);
                let shares = shares.into_iter().enumerate();
                let shares: Vec<f64> = shares
                    .map(|(version, share)| {
                        let is_unled = is_related && !is_led_to(version);
                        if is_unled || is_renamed { UNLED * share } else { share }
                    })
                    .collect();
                most_of_each(candidate, &shares)
            })
            .collect();
        for (candidate, complete) in candidates.iter().zip(&complete) {
            for (hit, complete) in candidate.hits.iter().zip(complete) {
                let most = &mut most[hit.at as usize];
                *most = most.max(*complete);
                rivals[hit.at as usize] += u32::from(*complete >= RIVAL);
            }
        }
        for (candidate, complete) in candidates.iter_mut().zip(complete) {
            for (hit, complete) in candidate.hits.iter_mut().zip(complete) {
                hit.decided = complete >= most[hit.at as usize];
                hit.rivalled = rivals[hit.at as usize] > u32::from(complete >= RIVAL);
            }
        }
    }

    /// How much is there of each version of a candidate.
    pub(super) fn shares(&self, candidate: &Candidate) -> Vec<f64> {
        let mut found = vec![0; candidate.package.sets.len()];
        let mut seen: HashSet<(u64, u16)> = HashSet::new();
        for hit in &candidate.hits {
            let is_fresh = seen.insert((self.stream.grams[hit.at as usize], hit.set));
            found[usize::from(hit.set)] += u32::from(is_fresh);
        }
        verdict::shares(&candidate.package, &found).collect()
    }

    /// Whether something is there of one of the versions at `places`, or these are none.
    pub(super) fn is_any_of(&self, candidate: &Candidate, places: &BTreeSet<usize>) -> bool {
        let shares = self.shares(candidate).into_iter().enumerate();
        let mut there = shares.filter(|(_, share)| *share > 0.0);
        places.is_empty() || there.any(|(version, _)| candidate.package.is_about(version, places))
    }

    /// The package that explains most of a candidate's runs, where others do all.
    pub(super) fn explaining(&self, candidate: &Candidate) -> Option<u16> {
        let mut most: BTreeMap<u16, usize> = BTreeMap::new();
        for hit in &candidate.hits {
            let owner = self.owner[hit.at as usize];
            if owner == NOBODY || owner == candidate.number {
                return None;
            }
            *most.entry(owner).or_default() += 1;
        }
        most.into_iter().max_by_key(|(_, runs)| *runs).map(|(owner, _)| owner)
    }

    pub(super) fn weigh(&self, candidate: &Candidate) -> Evidence {
        self.weigh_hits(candidate, false)
    }

    /// As if nobody else were there.
    pub(super) fn weigh_alone(&self, candidate: &Candidate) -> Evidence {
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
                    own += u32::from(hit.decided && hit.table != Table::Numbers);
                    table += f64::from(hit.part()) * f64::from(u8::from(hit.table != Table::No));
                    code += f64::from(hit.part()) * f64::from(u8::from(hit.table == Table::No));
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
    pub(super) fn take(&mut self, candidate: &Candidate) -> Vec<Instance<Stretch>> {
        let parts: Vec<(Stretch, Found)> = candidate
            .stretches
            .iter()
            .flat_map(|stretch| self.parts(candidate, *stretch))
            .collect();
        let instances = versions::copies(&candidate.package, &parts, || self.apart(candidate));
        let told = told(&candidate.package, &instances);
        // What other versions have was taken into these from another package, or given to one.
        let is_told = |set: u16| {
            let set = candidate.package.set(set);
            let mut told = told.iter().flatten();
            told.any(|version| set.versions.contains(*version))
        };
        for hit in &candidate.hits {
            let owner = &mut self.owner[hit.at as usize];
            if *owner == NOBODY && (hit.decided || told.is_none() || is_told(hit.set)) {
                *owner = candidate.number;
            }
        }
        instances
    }

    /// Runs of each set that the stretches hold, each of them each run once; not those that may be another's.
    fn apart(&self, candidate: &Candidate) -> Found {
        let mut apart: BTreeMap<u16, u32> = BTreeMap::new();
        for stretch in &candidate.stretches {
            let decided = self
                .hits(candidate, *stretch, false)
                .filter(|hit| hit.decided && !hit.rivalled);
            let once: HashSet<(u16, u64)> = decided
                .map(|hit| (hit.set, self.stream.grams[hit.at as usize]))
                .collect();
            for (set, _) in once {
                *apart.entry(set).or_default() += 1;
            }
        }
        apart.into_iter().collect()
    }

    /// Takes back what was taken.
    pub(super) fn give_back(&mut self, candidate: &Candidate) {
        for hit in &candidate.hits {
            let owner = &mut self.owner[hit.at as usize];
            if *owner == candidate.number {
                *owner = NOBODY;
            }
        }
    }

    /// A stretch, cut where what is in it begins anew: two copies lie side by side.
    fn parts(&self, candidate: &Candidate, stretch: Stretch) -> Vec<(Stretch, Found)> {
        let hits = self.hits(candidate, stretch, false).filter(|hit| hit.decided);
        let hits: Vec<&Hit> = hits.collect();
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
    pub(super) fn named(&self) -> Vec<says::Named> {
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

    pub(super) fn bytes(&self, stretch: Stretch) -> Range<usize> {
        let at = |i: usize| self.stream.at.get(i).copied().unwrap_or_default() as usize;
        let (first, last) = (at(stretch.first as usize), at(stretch.last as usize + TOKENS - 1));
        first.min(last)..last.max(first) + 1
    }
}
