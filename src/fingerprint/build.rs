//! Makes the file of known runs from what packages contain.

use super::{
    grams::{BITS, Stream},
    index::{self, ENTRY_BYTES, Known, PACKAGES, SETS},
    record::{Need, Package, Set},
    version_set::{self, VersionSet},
};
use crate::ecosystem::NPM;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
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
    /// Runs with the versions that have them, sorted.
    runs: Vec<Run>,
    /// Whether any of its versions has code.
    has_code: bool,
}

/// A run, and the versions of a package that have it.
type Run = (u64, VersionSet);

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

/// Share of a package's versions from which on they have a run in common, and below which some have it by accident: a folder that
/// was packed once.
const COMMON: f32 = 0.5;
const STRAY: f32 = 0.1;

/// Runs that are kept beyond the sample for each version: of those that came with it, and of those that went after it. One that
/// came with one version and went with another counts for either.
const TELLING: usize = 4;

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
fn of_size(sources: &[Source], runs: &[Vec<Run>], room: usize) -> Vec<u8> {
    let numbers = numbers(sources);
    let shared = shared(runs);
    let (mut low, mut high) = (8, 1 << 20);
    while high - low > low / 32 {
        let middle = usize::midpoint(low, high);
        let entries: usize = chosen(runs, &shared, middle).iter().map(|(kept, _)| kept.len()).sum();
        if entries * ENTRY_BYTES > room {
            high = middle;
        } else {
            low = middle;
        }
    }
    let mut entries = Vec::new();
    let mut records = Vec::new();
    for (number, (source, (kept, shift))) in (0u16..).zip(sources.iter().zip(chosen(runs, &shared, low))) {
        let mut sets: Vec<Set> = Vec::new();
        for (set, (versions, grams)) in (0u16..).zip(sets_of(kept)) {
            sets.push(Set {
                versions,
                runs: u32::try_from(grams.len()).unwrap_or(u32::MAX),
            });
            entries.extend(grams.into_iter().map(|gram| (gram, Known { package: number, set })));
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
fn merged(releases: &mut [Release]) -> Vec<Run> {
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

/// Runs that say something of the package: not of many at once, and not of another that was packed with a few of its versions.
fn told_apart(sources: &[Source], runs: Vec<Vec<Run>>) -> Vec<Vec<Run>> {
    let mut all: Vec<(u64, u16, f32)> = (0u16..)
        .zip(runs.iter().zip(sources))
        .flat_map(|(i, (runs, source))| {
            let share = move |versions: &VersionSet| part(versions.count(), source.versions.len());
            runs.iter().map(move |(gram, versions)| (*gram, i, share(versions)))
        })
        .collect();
    all.par_sort_unstable_by_key(|(gram, package, _)| (*gram, *package));
    let mut dropped: HashSet<(u64, u16)> = HashSet::new();
    for same in all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let is_common = same.iter().any(|(.., share)| *share >= COMMON);
        let is_stray = |share: f32| is_common && share < STRAY;
        let own = same.iter().filter(|(.., share)| !is_stray(*share)).count();
        let gone = same.iter().filter(|(.., share)| own > SHARED || is_stray(*share));
        dropped.extend(gone.map(|&(gram, package, _)| (gram, package)));
    }
    let kept = (0u16..).zip(runs).map(|(i, mut runs)| {
        runs.retain(|(gram, _)| !dropped.contains(&(*gram, i)));
        runs
    });
    kept.collect()
}

#[allow(clippy::cast_precision_loss)] // at most 256
fn part(some: usize, all: usize) -> f32 {
    some as f32 / all.max(1) as f32
}

fn numbers(sources: &[Source]) -> HashMap<&str, u16> {
    (0..).zip(sources).map(|(i, s)| (&*s.name, i)).collect()
}

/// Of each package the runs that other packages have too.
fn shared(runs: &[Vec<Run>]) -> Vec<Vec<Run>> {
    let mut all: Vec<u64> = runs.iter().flatten().map(|(gram, _)| *gram).collect();
    all.par_sort_unstable();
    let several = all.chunk_by(|a, b| a == b).filter(|same| same.len() > 1);
    let several: HashSet<u64> = several.map(|same| same[0]).collect();
    let shared = |runs: &Vec<Run>| {
        runs.iter()
            .filter(|(gram, _)| several.contains(gram))
            .copied()
            .collect()
    };
    runs.par_iter().map(shared).collect()
}

/// The runs that are kept of each package, and its shift. A run that is kept of one is kept of all that have it: what only seems to
/// be a package's own would speak for a fork where the original is.
fn chosen(runs: &[Vec<Run>], shared: &[Vec<Run>], most: usize) -> Vec<(Vec<Run>, u8)> {
    let mut chosen: Vec<(Vec<Run>, u8)> = runs.par_iter().map(|runs| choose(runs, most)).collect();
    let kept: HashSet<u64> = chosen
        .iter()
        .flat_map(|(runs, _)| runs)
        .map(|(gram, _)| *gram)
        .collect();
    chosen.par_iter_mut().zip(shared).for_each(|((runs, _), shared)| {
        runs.extend(shared.iter().filter(|(gram, _)| kept.contains(gram)));
        runs.sort_unstable();
        runs.dedup();
    });
    chosen
}

/// Sets of versions with the runs that they have, of the most runs first. The last of many are accidents of single files.
fn sets_of(runs: Vec<Run>) -> Vec<(VersionSet, Vec<u64>)> {
    let mut by_set: BTreeMap<VersionSet, Vec<u64>> = BTreeMap::new();
    for (gram, versions) in runs {
        by_set.entry(versions).or_default().push(gram);
    }
    let mut sets: Vec<(VersionSet, Vec<u64>)> = by_set.into_iter().collect();
    sets.sort_by_key(|(versions, grams)| (std::cmp::Reverse(grams.len()), *versions));
    sets.truncate(SETS);
    sets
}

/// The runs that one package keeps by itself, and its shift.
fn choose(runs: &[Run], most: usize) -> (Vec<Run>, u8) {
    let mut shift = 0u8;
    let below = |shift: u8| runs.partition_point(|(gram, _)| Package::samples(shift, *gram));
    while below(shift) > most && u32::from(shift) < BITS - 8 {
        shift += 1;
    }
    let mut came = [0; version_set::MOST + 1];
    let mut went = [0; version_set::MOST + 1];
    let (sample, rest) = runs.split_at(below(shift));
    let mut kept = sample.to_vec();
    for (_, versions) in sample {
        for (first, last) in versions.stretches() {
            came[first] += 1;
            went[last] += 1;
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
            kept.push((gram, versions));
        }
    }
    (kept, shift)
}
