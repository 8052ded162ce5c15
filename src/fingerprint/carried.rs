//! Code that several packages have: whose it is, and which packages carry copies of others.

use super::{
    source::{Run, Source},
    version_set::{Tally, VersionSet},
};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// A run that more packages have says nothing of any.
const SHARED: usize = 6;

/// Unless so few do, and it is a run of a small package that they carry a copy of. What compilers write is in hundreds.
const CARRYING: usize = 40;

/// Share of a package's runs that others carry from which on it is such a package.
const CARRIED: f64 = 0.5;

/// Share of a package's versions from which on they have a run in common, and below which some have it by accident: a folder that
/// was packed once.
const COMMON: f32 = 0.5;
const STRAY: f32 = 0.1;

/// Of which of its versions a package has a run.
#[derive(Clone, Copy)]
struct Having {
    /// The part of them.
    share: f32,
    /// Whether the newest is among them.
    is_newest: bool,
}

impl Having {
    fn of(versions: &VersionSet, all: usize) -> Self {
        Self {
            share: part(versions.count(), all),
            is_newest: versions.contains(all.saturating_sub(1)),
        }
    }
}

/// Runs that say something of the package: not of many at once, and not of another that was packed with a few of its versions. And
/// which packages are such that many others carry: their runs say nothing of these.
pub(super) fn told_apart(sources: &[Source], runs: Vec<Vec<Run>>) -> (Vec<Vec<Run>>, Vec<bool>) {
    let mut all: Vec<(u64, u16, Having)> = (0u16..)
        .zip(runs.iter().zip(sources))
        .flat_map(|(i, (runs, source))| {
            let having = move |versions: &VersionSet| Having::of(versions, source.versions.len());
            runs.iter().map(move |(gram, versions)| (*gram, i, having(versions)))
        })
        .collect();
    all.par_sort_unstable_by_key(|(gram, package, _)| (*gram, *package));
    let sizes = sizes(sources, &runs);
    let size = |package: u16| sizes[usize::from(package)];
    let mut dropped: HashSet<(u64, u16)> = HashSet::new();
    let mut carried: HashMap<u16, Vec<u64>> = HashMap::new();
    let made_with = made_with(sources);
    for same in all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let common = || same.iter().filter(|(.., having)| having.share >= COMMON);
        let is_common = common().next().is_some();
        let is_stray = |having: Having| is_common && having.share < STRAY;
        let own = same.iter().filter(|(.., having)| !is_stray(*having)).count();
        // What the newest took in of a package that it was made with, the next has too.
        let has_taken_in = |by: u16, having: Having| {
            let was_made_with = |(_, copied, _): &(u64, u16, Having)| made_with.contains(&(*copied, by));
            having.is_newest && same.len() <= SHARED && common().any(was_made_with)
        };
        let gone = same
            .iter()
            .filter(|&&(_, package, having)| own > SHARED || is_stray(having) && !has_taken_in(package, having));
        dropped.extend(gone.map(|&(gram, package, _)| (gram, package)));
        if (SHARED + 1..=CARRYING).contains(&own) {
            let smallest = common().min_by(|a, b| size(a.1).total_cmp(&size(b.1)));
            if let Some(&(gram, package, _)) = smallest {
                carried.entry(package).or_default().push(gram);
            }
        }
    }
    carried.retain(|package, grams| count(grams.len()) >= CARRIED * size(*package));
    for (package, grams) in &carried {
        for gram in grams {
            dropped.remove(&(*gram, *package));
        }
    }
    let kept = (0u16..).zip(runs).map(|(i, mut runs)| {
        runs.retain(|(gram, _)| !dropped.contains(&(*gram, i)));
        runs
    });
    let kept = kept.collect();
    (
        kept,
        (0u16..).zip(sources).map(|(i, _)| carried.contains_key(&i)).collect(),
    )
}

/// Numbers of packages by their names.
pub(super) fn numbers(sources: &[Source]) -> HashMap<&str, u16> {
    (0..).zip(sources).map(|(i, source)| (&*source.name, i)).collect()
}

/// Steps from a package to what it was made with, and what that was made with.
const STEPS: usize = 3;

/// Packages that others were made with, and these: both by their numbers.
fn made_with(sources: &[Source]) -> HashSet<(u16, u16)> {
    let numbers = numbers(sources);
    let named = sources.iter().map(|source| {
        let newest = source.versions.last().into_iter().flat_map(|(_, needs)| needs);
        let names = source.packed.iter().chain(newest.map(|(name, _)| name));
        names.filter_map(|name| numbers.get(&**name).copied()).collect()
    });
    let named: Vec<Vec<u16>> = named.collect();
    let mut made_with = HashSet::new();
    for (by, _) in (0u16..).zip(sources) {
        let mut open = vec![by];
        for _ in 0..STEPS {
            let next = open.iter().flat_map(|one| &named[usize::from(*one)]).copied();
            open = next
                .filter(|copied| *copied != by && made_with.insert((*copied, by)))
                .collect();
        }
    }
    made_with
}

/// Share of a package's runs that another has from which on that carries a copy of it, and how much larger it must be: what is not is
/// a fork.
const COPIED: f64 = 0.6;
const LARGER: f64 = 1.3;

/// Of each package the larger ones that have most of its code in files of their own.
pub(super) fn carriers(sources: &[Source], runs: &[Vec<Run>]) -> Vec<Vec<u16>> {
    let mut all: Vec<(u64, u16, bool)> = (0u16..)
        .zip(runs.iter().zip(sources))
        .flat_map(|(i, (runs, source))| {
            let is_common = move |versions: &VersionSet| part(versions.count(), source.versions.len()) >= COMMON;
            runs.iter().map(move |(gram, versions)| (*gram, i, is_common(versions)))
        })
        .collect();
    all.par_sort_unstable();
    let mut common: HashMap<(u16, u16), usize> = HashMap::new();
    for same in all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        for (_, copied, _) in same.iter().filter(|(.., is_common)| *is_common) {
            for (_, carrier, _) in same.iter().filter(|(_, carrier, _)| carrier != copied) {
                *common.entry((*copied, *carrier)).or_default() += 1;
            }
        }
    }
    let sizes = sizes(sources, runs);
    let mut carriers = packed(sources, runs);
    for ((copied, carrier), runs) in common {
        let (small, large) = (sizes[usize::from(copied)], sizes[usize::from(carrier)]);
        if count(runs) >= COPIED * small && large >= LARGER * small {
            carriers[usize::from(copied)].push(carrier);
        }
    }
    for all in &mut carriers {
        all.sort_unstable();
        all.dedup();
    }
    carriers
}

/// Runs of a version below which it is too little to be known for what was packed.
const FEWEST_PACKED: i64 = 8;

/// Of each package the larger ones that were made with it, do not import it, and have most of the code of one of its versions.
fn packed(sources: &[Source], runs: &[Vec<Run>]) -> Vec<Vec<u16>> {
    let numbers = numbers(sources);
    let made_with = (0u16..).zip(sources).flat_map(|(carrier, source)| {
        let copied = source.packed.iter().filter_map(|name| numbers.get(&**name).copied());
        copied.map(move |copied| (copied, carrier))
    });
    let pairs: Vec<(u16, u16)> = made_with.filter(|(copied, carrier)| copied != carrier).collect();
    let has_most = |&(copied, carrier): &(u16, u16)| {
        let (small, large) = (usize::from(copied), usize::from(carrier));
        let (mut there, mut all) = (
            Tally::new(sources[small].versions.len()),
            Tally::new(sources[small].versions.len()),
        );
        for (gram, versions) in &runs[small] {
            all.add(versions, 1);
            if runs[large].binary_search_by_key(gram, |(gram, _)| *gram).is_ok() {
                there.add(versions, 1);
            }
        }
        let size = size(&runs[large], &sources[large]);
        there.each().zip(all.each()).any(|(there, all)| {
            all >= FEWEST_PACKED && share_of(there, all) >= COPIED && size >= LARGER * share_of(all, 1)
        })
    };
    let mut carriers = vec![Vec::new(); sources.len()];
    for (copied, carrier) in pairs.into_par_iter().filter(has_most).collect::<Vec<_>>() {
        carriers[usize::from(copied)].push(carrier);
    }
    carriers
}

#[allow(clippy::cast_precision_loss)] // far below
fn share_of(some: i64, all: i64) -> f64 {
    some as f64 / all as f64
}

fn sizes(sources: &[Source], runs: &[Vec<Run>]) -> Vec<f64> {
    let each = runs.iter().zip(sources);
    each.map(|(runs, source)| size(runs, source)).collect()
}

/// Runs of an average version.
fn size(runs: &[Run], source: &Source) -> f64 {
    let all = runs.iter().map(|(_, versions)| versions.count()).sum();
    count(all) / count(source.versions.len().max(1))
}

#[allow(clippy::cast_precision_loss)] // far below
fn count(n: usize) -> f64 {
    n as f64
}

#[allow(clippy::cast_precision_loss)] // at most 256
fn part(some: usize, all: usize) -> f32 {
    some as f32 / all.max(1) as f32
}
