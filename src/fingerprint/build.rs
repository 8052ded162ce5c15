//! Makes the file of known runs from what packages contain.

use super::{
    grams::{BITS, Stream},
    index::{self, ENTRY_BYTES, Known, PACKAGES, SETS},
    record::{Need, Package, Set},
    verdict,
    version_set::{self, VersionSet},
};
use crate::ecosystem::NPM;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    mem,
};

/// A package to be known by its code.
#[derive(Debug)]
pub struct Source {
    name: String,
    /// Versions that were looked into, oldest first, each with what it depends on.
    versions: Vec<(String, Vec<Dependency>)>,
    /// The same of those that exist and were not.
    others: Vec<(String, Vec<Dependency>)>,
    others_told: bool,
    /// Names of what it may carry a copy of.
    made_with: BTreeSet<String>,
    /// Runs with the versions that have them, sorted.
    runs: Vec<(u64, VersionSet)>,
    /// Whether any of its versions has code.
    has_code: bool,
}

/// Name of a package, and which of its versions are taken, as npm writes ranges.
pub type Dependency = (String, String);

/// One version of a package.
#[derive(Debug, Default)]
pub struct Release {
    /// Which.
    pub version: String,
    /// Every run of its modules once, sorted.
    pub grams: Vec<u64>,
    /// What it depends on.
    pub needs: Vec<Dependency>,
    /// Names of what it may carry a copy of: these, and what it is developed with.
    pub made_with: Vec<String>,
    /// Whether any of its modules does anything.
    pub has_code: bool,
}

/// What a module has that does anything. One that was compiled from types alone has none of these.
const CODE: [&str; 5] = ["function", "=>", "module.exports", "require(", "class "];

impl Release {
    /// Of the texts of its modules.
    pub fn new(version: &str, needs: Vec<Dependency>, modules: &mut dyn Iterator<Item = Vec<u8>>) -> Self {
        let mut has_code = false;
        let mut grams: Vec<u64> = modules
            .flat_map(|text| {
                has_code = has_code
                    || CODE
                        .iter()
                        .any(|code| memchr::memmem::find(&text, code.as_bytes()).is_some());
                Stream::of(&text).grams
            })
            .collect();
        grams.sort_unstable();
        grams.dedup();
        grams.shrink_to_fit();
        Self {
            version: version.to_owned(),
            grams,
            has_code,
            made_with: needs.iter().map(|(name, _)| name.clone()).collect(),
            needs,
        }
    }
}

impl Source {
    /// Of its releases; the newest [`version_set::MOST`] if there are more.
    #[must_use]
    pub fn new(name: &str, mut releases: Vec<Release>) -> Self {
        releases.sort_by(|a, b| (NPM.compare)(&a.version, &b.version));
        releases.dedup_by(|b, a| a.version == b.version);
        let spare = releases.len().saturating_sub(version_set::MOST);
        releases.drain(..spare);
        let runs = merged(&mut releases);
        Self {
            name: name.to_owned(),
            has_code: releases.iter().any(|r| r.has_code),
            made_with: releases.iter_mut().flat_map(|r| mem::take(&mut r.made_with)).collect(),
            versions: releases.into_iter().map(|r| (r.version, r.needs)).collect(),
            others: Vec::new(),
            others_told: false,
            runs,
        }
    }

    /// With all versions that exist, each with what it depends on; `told`: whether that is known.
    #[must_use]
    pub fn with_published(mut self, published: Vec<(String, Vec<Dependency>)>, told: bool) -> Self {
        let known: HashSet<&String> = self.versions.iter().map(|(version, _)| version).collect();
        self.others = published
            .into_iter()
            .filter(|(version, _)| !known.contains(version))
            .collect();
        self.others_told = told;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many of its versions were looked into.
    #[must_use]
    pub fn versions(&self) -> usize {
        self.versions.len()
    }
}

/// A run that more packages have says nothing of any.
const SHARED: usize = 6;

/// Runs in common from which a package carries a copy of another, and not of a line that both took from a third.
const COPIED: usize = 24;

/// Runs in common from which half of a package may lie in a larger one; and so many such packages, that this is no coincidence:
/// a fork or a package that was made of this one is alone.
const FEW: usize = 8;
const SEVERAL: usize = 3;

/// Runs that are kept beyond the sample for each version: of those that came with it, and of those that went after it. One that
/// came with one version and went with another counts for either.
const TELLING: usize = 8;

/// The file, of at most about `most_bytes`: a package keeps as many runs as fit when all keep the same number.
#[must_use]
pub fn build(mut sources: Vec<Source>, most_bytes: usize) -> Vec<u8> {
    // A package of types alone is in no bundle.
    sources.retain(|s| s.has_code);
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources.truncate(PACKAGES);
    let runs = sources.iter_mut().map(|source| mem::take(&mut source.runs)).collect();
    let runs = told_apart(&sources, runs);
    let mut room = most_bytes.saturating_sub(400_000);
    loop {
        let bytes = of_size(&sources, &runs, room);
        if bytes.len() <= most_bytes || room < ENTRY_BYTES {
            return bytes;
        }
        room = room.saturating_sub(bytes.len() - most_bytes);
    }
}

/// The file with about that many bytes of runs.
fn of_size(sources: &[Source], runs: &[Vec<(u64, VersionSet)>], room: usize) -> Vec<u8> {
    let numbers = numbers(sources);
    let (mut low, mut high) = (8, 1 << 20);
    while high - low > low / 32 {
        let middle = usize::midpoint(low, high);
        let entries: usize = runs.par_iter().map(|runs| choose(runs, middle).0.len()).sum();
        if entries * ENTRY_BYTES > room {
            high = middle;
        } else {
            low = middle;
        }
    }
    let mut entries = Vec::new();
    let mut records = Vec::new();
    for (number, (source, runs)) in (0u16..).zip(sources.iter().zip(runs)) {
        let (kept, shift) = choose(runs, low);
        let mut sets: Vec<Set> = Vec::new();
        for (gram, versions, set) in kept {
            let at = usize::from(set);
            if sets.len() <= at {
                sets.resize(at + 1, Set::default());
            }
            sets[at].versions = versions;
            sets[at].runs += 1;
            entries.push((gram, Known { package: number, set }));
        }
        records.push(record(source, number, &numbers, shift, sets));
    }
    entries.sort_unstable();
    index::write(&records, &entries)
}

fn record(source: &Source, number: u16, numbers: &HashMap<&str, u16>, shift: u8, sets: Vec<Set>) -> Package {
    let mut published: Vec<(&String, &[Dependency], bool)> = Vec::new();
    for (of, known) in [(&source.versions, true), (&source.others, false)] {
        published.extend(of.iter().map(|(version, needs)| (version, &**needs, known)));
    }
    published.sort_by(|a, b| (NPM.compare)(a.0, b.0));
    let mut package = Package {
        name: source.name.clone(),
        published: published.iter().map(|(version, ..)| (*version).clone()).collect(),
        looked_into: (0..published.len()).filter(|i| published[*i].2).collect(),
        shift,
        sets,
        ..Package::default()
    };
    (package.needs, package.others_told) = needs(&published, source.others_told, number, numbers);
    package
}

/// Ways in which a package asks for others. One that asks in more is published every week, with its dependencies' exact
/// versions; what its versions that were not looked into need would take more room than its code.
const MOST_NEEDS: usize = 300;

/// What a package depends on, and whether that says what its other versions do.
fn needs(
    published: &[(&String, &[Dependency], bool)],
    others_told: bool,
    number: u16,
    numbers: &HashMap<&str, u16>,
) -> (Vec<Need>, bool) {
    let collect = |others: bool| {
        let mut needs: BTreeMap<(u16, &str), Vec<(usize, usize)>> = BTreeMap::new();
        for (place, (_, dependencies, known)) in published.iter().enumerate() {
            for (name, range) in dependencies.iter().filter(|_| others || *known) {
                let Some(package) = numbers.get(&**name).copied().filter(|need| *need != number) else {
                    continue;
                };
                let stretches = needs.entry((package, range)).or_default();
                match stretches.last_mut() {
                    Some((_, last)) if *last + 1 >= place => *last = place,
                    _ => stretches.push((place, place)),
                }
            }
        }
        let named = needs.into_iter().map(|((package, range), asked_by)| Need {
            package,
            range: range.to_owned(),
            asked_by,
        });
        named.collect::<Vec<Need>>()
    };
    let all = collect(true);
    if others_told && all.len() <= MOST_NEEDS {
        (all, true)
    } else {
        (collect(false), false)
    }
}

/// Runs with the versions that have them, sorted.
fn merged(releases: &mut [Release]) -> Vec<(u64, VersionSet)> {
    let mut all: Vec<(u64, u16)> = Vec::new();
    for (place, release) in (0u16..).zip(releases) {
        all.extend(mem::take(&mut release.grams).into_iter().map(|gram| (gram, place)));
    }
    all.sort_unstable();
    let runs = all.chunk_by(|a, b| a.0 == b.0).map(|same| {
        let mut versions = VersionSet::default();
        for (_, place) in same {
            versions.insert(usize::from(*place));
        }
        (same[0].0, versions)
    });
    runs.collect()
}

/// Runs that say something of the package: not of many at once, and not of another that it carries a copy of.
fn told_apart(sources: &[Source], runs: Vec<Vec<(u64, VersionSet)>>) -> Vec<Vec<(u64, VersionSet)>> {
    let mut all: Vec<(u64, u16)> = (0u16..)
        .zip(&runs)
        .flat_map(|(i, runs)| runs.iter().map(move |(gram, _)| (*gram, i)))
        .collect();
    all.par_sort_unstable();
    let shared: Vec<&[(u64, u16)]> = all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1).collect();
    let mut pairs: HashMap<(u16, u16), usize> = HashMap::new();
    for same in shared.iter().filter(|same| same.len() <= 8 * SHARED) {
        for (i, (_, a)) in same.iter().enumerate() {
            for (_, b) in &same[i + 1..] {
                *pairs.entry((*a, *b)).or_default() += 1;
            }
        }
    }
    let guests = guests(sources, &runs, &pairs);
    let mut dropped: HashSet<(u64, u16)> = HashSet::new();
    for same in shared {
        let is_copied = |i: u16| {
            let guests = guests.get(&i);
            guests.is_some_and(|guests| same.iter().any(|(_, other)| guests.contains(other)))
        };
        let (copies, own): (Vec<&(u64, u16)>, Vec<_>) = same.iter().partition(|(_, i)| is_copied(*i));
        dropped.extend(copies);
        if own.len() > SHARED {
            dropped.extend(own);
        }
    }
    let kept = (0u16..).zip(runs).map(|(i, mut runs)| {
        runs.retain(|(gram, _)| !dropped.contains(&(*gram, i)));
        runs
    });
    kept.collect()
}

/// Which packages a package carries copies of: of what it is made with, what it has much in common with; and where it has much in
/// common with several smaller ones, these too, since a bundle of it lies in it.
fn guests(
    sources: &[Source],
    runs: &[Vec<(u64, VersionSet)>],
    pairs: &HashMap<(u16, u16), usize>,
) -> HashMap<u16, HashSet<u16>> {
    let numbers = numbers(sources);
    let mut guests: HashMap<u16, HashSet<u16>> = HashMap::new();
    for (host, source) in (0u16..).zip(sources) {
        for name in &source.made_with {
            let Some(&guest) = numbers.get(&**name).filter(|&&guest| guest != host) else {
                continue;
            };
            let common = pairs.get(&(guest.min(host), guest.max(host)));
            if common.is_some_and(|&n| n >= COPIED) {
                guests.entry(host).or_default().insert(guest);
            }
        }
    }
    let sizes: Vec<usize> = runs
        .iter()
        .zip(sources)
        .map(|(runs, source)| average(runs, source.versions.len()))
        .collect();
    let size = |number: u16| sizes[usize::from(number)];
    let name = |number: u16| &*sources[usize::from(number)].name;
    let mut smaller: HashMap<u16, HashSet<u16>> = HashMap::new();
    for (&(a, b), &common) in pairs {
        let (host, guest) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        let is_inside = common >= FEW && common * 2 >= size(guest) && size(guest) * 2 < size(host);
        let whole = |number: u16| verdict::cut_out_of(name(number)).unwrap_or(name(number));
        if is_inside && whole(guest) != whole(host) {
            smaller.entry(host).or_default().insert(guest);
        }
    }
    for (host, several) in smaller.into_iter().filter(|(_, guests)| guests.len() >= SEVERAL) {
        guests.entry(host).or_default().extend(several);
    }
    guests
}

/// Runs of an average version.
fn average(runs: &[(u64, VersionSet)], versions: usize) -> usize {
    runs.iter().map(|(_, versions)| versions.count()).sum::<usize>() / versions.max(1)
}

fn numbers(sources: &[Source]) -> HashMap<&str, u16> {
    (0..).zip(sources).map(|(i, s)| (&*s.name, i)).collect()
}

/// The runs that are kept, each with its versions and the number of their set; and the package's shift.
fn choose(runs: &[(u64, VersionSet)], most: usize) -> (Vec<(u64, VersionSet, u16)>, u8) {
    let mut shift = 0u8;
    let below = |shift: u8| runs.partition_point(|(gram, _)| Package::samples(shift, *gram));
    while below(shift) > most && u32::from(shift) < BITS - 8 {
        shift += 1;
    }
    let mut came = [0; version_set::MOST + 1];
    let mut went = [0; version_set::MOST + 1];
    let (sample, rest) = runs.split_at(below(shift));
    let mut by_set: BTreeMap<VersionSet, Vec<u64>> = BTreeMap::new();
    for (gram, versions) in sample {
        by_set.entry(*versions).or_default().push(*gram);
    }
    for (versions, grams) in &by_set {
        for (first, last) in versions.stretches() {
            came[first] += grams.len();
            went[last] += grams.len();
        }
    }
    let newest = runs
        .iter()
        .filter_map(|(_, versions)| versions.stretches().last())
        .map(|(_, last)| last)
        .max();
    // Sets that many runs share say more than accidents of single files.
    let mut others: BTreeMap<VersionSet, Vec<u64>> = BTreeMap::new();
    for (gram, versions) in rest {
        others.entry(*versions).or_default().push(*gram);
    }
    let mut others: Vec<(VersionSet, Vec<u64>)> = others.into_iter().collect();
    others.sort_by_key(|(versions, grams)| (std::cmp::Reverse(grams.len()), *versions));
    for (versions, grams) in others {
        for gram in grams.into_iter().take(TELLING) {
            let tells = |(first, last): (usize, usize)| {
                first > 0 && came[first] < TELLING || Some(last) < newest && went[last] < TELLING
            };
            if !versions.stretches().any(tells) {
                break;
            }
            for (first, last) in versions.stretches() {
                came[first] += 1;
                went[last] += 1;
            }
            by_set.entry(versions).or_default().push(gram);
        }
    }
    // Sets with the most runs; the rest are accidents of single files.
    let mut sets: Vec<(VersionSet, Vec<u64>)> = by_set.into_iter().collect();
    sets.sort_by_key(|(versions, grams)| (std::cmp::Reverse(grams.len()), *versions));
    sets.truncate(SETS);
    let numbered = (0u16..).zip(sets);
    let kept = numbered.flat_map(|(set, (versions, grams))| grams.into_iter().map(move |gram| (gram, versions, set)));
    (kept.collect(), shift)
}
