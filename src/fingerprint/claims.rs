//! Which packages the runs of a bundle show, where, and in which versions.
//!
//! Runs of a package lie close together where its code is: each run that is known speaks for its packages, each that is
//! not, of those that the index would have, against them. The package with the most to say is claimed first, and what it
//! explains says nothing for others; so a stretch of code is one package's.

use super::{
    grams::{Stream, TOKENS},
    index::{Index, IndexError, Package},
    verdict::{self, Evidence},
};
use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    ops::Range,
};

/// A package that a bundle holds, as far as its code tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Versions that it can be, oldest first; empty where none can be told.
    pub versions: Vec<String>,
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

/// A run of the bundle that one package knows.
#[derive(Clone, Copy)]
struct Hit {
    at: u32,
    set: u8,
    /// 1 / number of packages that know it.
    weight: f32,
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
    hits: Vec<Hit>,
    stretches: Vec<Stretch>,
}

struct Ground<'s> {
    stream: &'s Stream,
    /// For each shift, how many runs before each place are of its sample.
    sampled: BTreeMap<u8, Vec<u32>>,
    /// The package that explains a run.
    owner: Vec<u16>,
}

const NOBODY: u16 = u16::MAX;

/// Claims, by name.
///
/// # Errors
/// When a part of the index that is asked for is damaged.
pub fn claims(stream: &Stream, index: &Index) -> Result<Vec<Claim>, IndexError> {
    let mut candidates = candidates(stream, index)?;
    let mut ground = Ground {
        stream,
        sampled: BTreeMap::new(),
        owner: vec![NOBODY; stream.grams.len()],
    };
    for candidate in &mut candidates {
        ground.prepare(candidate.package.shift);
        candidate.stretches = ground.stretches(candidate);
    }
    // The best first; a candidate whose evidence was explained meanwhile goes back.
    let mut queue: BinaryHeap<(u64, std::cmp::Reverse<usize>)> = BinaryHeap::new();
    for (i, candidate) in candidates.iter().enumerate() {
        let rank = ground.weigh(candidate).rank();
        queue.push((rank, std::cmp::Reverse(i)));
    }
    let mut accepted: Vec<(usize, Evidence)> = Vec::new();
    let mut weak: Vec<(usize, Evidence)> = Vec::new();
    while let Some((rank, std::cmp::Reverse(i))) = queue.pop() {
        let candidate = &candidates[i];
        let evidence = ground.weigh(candidate);
        let now = evidence.rank();
        if now < rank {
            queue.push((now, std::cmp::Reverse(i)));
            continue;
        }
        if evidence.is_enough() {
            ground.own(candidate);
            accepted.push((i, evidence));
        } else if evidence.is_some() {
            weak.push((i, evidence));
        }
    }
    // A small package is believed on less where one that needs it is there.
    loop {
        let needed: BTreeSet<u16> = accepted
            .iter()
            .flat_map(|(i, _)| candidates[*i].package.needs.iter().copied())
            .collect();
        let before = accepted.len();
        weak.retain(|(i, _)| {
            let candidate = &candidates[*i];
            let evidence = ground.weigh(candidate);
            let believed = needed.contains(&candidate.number) && evidence.is_enough_beside_dependent();
            if believed {
                ground.own(candidate);
                accepted.push((*i, evidence.beside_dependent()));
            }
            !believed
        });
        if accepted.len() == before {
            break;
        }
    }
    let tiny = tiny(index, &candidates, &accepted)?;
    let mut claims: Vec<Claim> = accepted
        .iter()
        .flat_map(|(i, evidence)| ground.claim(&candidates[*i], evidence))
        .chain(tiny)
        .collect();
    claims.sort_by(|a, b| (&a.name, &a.versions).cmp(&(&b.name, &b.versions)));
    Ok(claims)
}

/// Packages of a few tokens, which no run can show, where most of a package that needs them is there.
fn tiny(index: &Index, candidates: &[Candidate], accepted: &[(usize, Evidence)]) -> Result<Vec<Claim>, IndexError> {
    let mut known: BTreeSet<u16> = accepted.iter().map(|(i, _)| candidates[*i].number).collect();
    let whole = accepted.iter().filter(|(_, evidence)| evidence.complete >= 0.5);
    let mut open: Vec<u16> = whole
        .flat_map(|(i, _)| candidates[*i].package.needs.iter().copied())
        .collect();
    let mut claims = Vec::new();
    while let Some(number) = open.pop() {
        if !known.insert(number) {
            continue;
        }
        let package = index.package(number)?;
        if verdict::size(&package) < verdict::TINY && !verdict::BUILT_IN.contains(&&*package.name) {
            // Smaller ones that it needs in turn are there too.
            open.extend(&package.needs);
            claims.push(Claim {
                name: package.name,
                versions: Vec::new(),
                ranges: Vec::new(),
                share: 0.0,
                // Measured as the others: 85 of 89.
                confidence: 0.9,
            });
        }
    }
    Ok(claims)
}

fn candidates(stream: &Stream, index: &Index) -> Result<Vec<Candidate>, IndexError> {
    let mut by_package: HashMap<u16, Vec<Hit>> = HashMap::new();
    let mut known = Vec::new();
    for (at, gram) in (0u32..).zip(&stream.grams) {
        known.clear();
        known.extend(index.find(*gram)?);
        for k in &known {
            by_package.entry(k.package).or_default().push(Hit {
                at,
                set: k.set,
                weight: 1.0 / f32::from(u8::try_from(known.len()).unwrap_or(u8::MAX)),
            });
        }
    }
    let mut candidates = Vec::new();
    for (number, hits) in by_package {
        if hits.len() >= verdict::FEWEST {
            let package = index.package(number)?;
            if hits.iter().all(|h| usize::from(h.set) < package.sets.len()) {
                candidates.push(Candidate {
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
                    score = (score - cost + f64::from(hit.weight)).min(4.0 * GAP);
                    open.last = hit.at;
                    continue;
                }
            }
            score = f64::from(hit.weight);
            all.push(Stretch {
                first: hit.at,
                last: hit.at,
            });
        }
        all
    }

    /// Hits of a stretch that nobody else explains.
    fn open_hits<'c>(&'c self, candidate: &'c Candidate, stretch: Stretch) -> impl Iterator<Item = &'c Hit> + 'c {
        let from = candidate.hits.partition_point(|h| h.at < stretch.first);
        let hits = candidate.hits[from..].iter().take_while(move |h| h.at <= stretch.last);
        hits.filter(move |h| {
            let owner = self.owner[h.at as usize];
            owner == NOBODY || owner == candidate.number
        })
    }

    fn weigh(&self, candidate: &Candidate) -> Evidence {
        let shift = candidate.package.shift;
        let mut evidence = Evidence::default();
        let mut seen: BTreeSet<(u64, u8)> = BTreeSet::new();
        for &stretch in &candidate.stretches {
            let (mut hits, mut sampled, mut weight, mut own) = (0u32, 0u32, 0.0, 0u32);
            for hit in self.open_hits(candidate, stretch) {
                let gram = self.stream.grams[hit.at as usize];
                let fresh = seen.insert((gram, hit.set));
                hits += 1;
                sampled += u32::from(Package::samples(shift, gram));
                if fresh {
                    weight += f64::from(hit.weight);
                    own += u32::from(hit.weight > 0.99);
                }
            }
            let all = self.between(shift, stretch.first, stretch.last).max(1);
            let share = f64::from(sampled) / f64::from(all);
            evidence.add(hits, weight, own, share, all);
        }
        evidence.complete = verdict::completeness(&candidate.package, &self.found(candidate, &candidate.stretches));
        evidence.size = verdict::size(&candidate.package);
        evidence
    }

    /// Runs of each set of versions that stretches hold, each once.
    fn found(&self, candidate: &Candidate, stretches: &[Stretch]) -> Vec<u32> {
        let mut grams: BTreeSet<(u8, u64)> = BTreeSet::new();
        for &stretch in stretches {
            for hit in self.open_hits(candidate, stretch) {
                grams.insert((hit.set, self.stream.grams[hit.at as usize]));
            }
        }
        let mut found = vec![0; candidate.package.sets.len()];
        for (set, _) in grams {
            if let Some(count) = found.get_mut(usize::from(set)) {
                *count += 1;
            }
        }
        found
    }

    /// Takes what the candidate explains.
    fn own(&mut self, candidate: &Candidate) {
        for hit in &candidate.hits {
            let owner = &mut self.owner[hit.at as usize];
            if *owner == NOBODY {
                *owner = candidate.number;
            }
        }
    }

    /// One claim, or one for each version where several copies are there.
    fn claim(&self, candidate: &Candidate, evidence: &Evidence) -> Vec<Claim> {
        let worth = |s: &&Stretch| self.open_hits(candidate, **s).count() > 1;
        let stretches: Vec<Stretch> = candidate.stretches.iter().filter(worth).copied().collect();
        let parts = verdict::instances(&candidate.package, &stretches, |s| self.found(candidate, s));
        let claim = |(stretches, versions): (Vec<Stretch>, Vec<String>)| Claim {
            name: candidate.package.name.clone(),
            versions,
            ranges: stretches.iter().map(|s| self.bytes(*s)).collect(),
            share: evidence.share_f32(),
            confidence: evidence.confidence(),
        };
        parts.into_iter().map(claim).collect()
    }

    fn bytes(&self, stretch: Stretch) -> Range<usize> {
        let at = |i: usize| self.stream.at.get(i).copied().unwrap_or_default() as usize;
        let (first, last) = (at(stretch.first as usize), at(stretch.last as usize + TOKENS - 1));
        first.min(last)..last.max(first) + 1
    }
}
