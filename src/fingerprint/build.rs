//! Makes the file of known runs from what packages contain.

use super::{
    grams::{BITS, Stream},
    index::{BLOCKS, BUCKETS, ENTRY_BYTES, HEADER_BYTES, LAYOUT, MAGIC, Need, Package, REST_BITS, Set},
    tokens::DEFINITION,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A package to be known by its code.
#[derive(Debug, Default)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Versions and what is in them, oldest first.
    pub releases: Vec<Release>,
    /// Versions that exist and were not looked into, each with what it depends on, oldest first.
    pub others: Vec<(String, Vec<Dependency>)>,
    /// Whether what these depend on is known.
    pub others_told: bool,
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
}

impl Release {
    /// Of the texts of its modules.
    pub fn new(version: &str, needs: Vec<Dependency>, modules: &mut dyn Iterator<Item = Vec<u8>>) -> Self {
        let mut grams: Vec<u64> = modules.flat_map(|text| Stream::of(&text).grams).collect();
        grams.sort_unstable();
        grams.dedup();
        Self {
            version: version.to_owned(),
            grams,
            made_with: needs.iter().map(|(name, _)| name.clone()).collect(),
            needs,
        }
    }
}

/// A run that more packages have says nothing of any.
const SHARED: usize = 6;

/// Runs in common from which a package carries a copy of another, and not of a line that both took from a third.
const COPIED: usize = 24;

/// Runs of each set of versions that are kept beyond the sample, to tell versions apart.
const TELLING: usize = 10;

/// Sets of versions; a byte names one.
const SETS: usize = 256;

/// Versions; a bit of a word each.
pub const VERSIONS: usize = 64;

/// The file, of at most about `most_bytes`: a package keeps as many runs as fit when all keep the same number.
#[must_use]
pub fn build(mut sources: Vec<Source>, most_bytes: usize) -> Vec<u8> {
    sources.retain(|s| !s.releases.is_empty());
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources.truncate(usize::from(u16::MAX));
    for source in &mut sources {
        // The newest, if there are too many.
        let spare = source.releases.len().saturating_sub(VERSIONS);
        source.releases.drain(..spare);
    }
    let runs: Vec<Vec<(u64, u64)>> = sources.iter_mut().map(merged).collect();
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
fn of_size(sources: &[Source], runs: &[Vec<(u64, u64)>], room: usize) -> Vec<u8> {
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
            sets[at].sampled += u32::from(Package::samples(shift, gram));
            entries.push((gram, number, set));
        }
        let (needs, others_told) = needs(source, number, &numbers);
        records.push(Package {
            expected: std::sync::OnceLock::new(),
            name: source.name.clone(),
            versions: source.releases.iter().map(|r| r.version.clone()).collect(),
            others: source.others.iter().map(|(version, _)| version.clone()).collect(),
            others_told,
            shift,
            sets,
            needs,
        });
    }
    entries.sort_unstable();
    write(&records, &entries)
}

/// Ways in which a package asks for others. One that asks in more is published every week, with its dependencies' exact
/// versions; what its versions that were not looked into need would take more room than its code.
const MOST_NEEDS: usize = 300;

/// What a package depends on, and whether that says what its other versions do.
fn needs(source: &Source, number: u16, numbers: &HashMap<&str, u16>) -> (Vec<Need>, bool) {
    let collect = |others: &[(String, Vec<Dependency>)]| {
        let mut needs: BTreeMap<(u16, &str), Need> = BTreeMap::new();
        let known = |name: &str| numbers.get(name).copied().filter(|need| *need != number);
        for (i, release) in source.releases.iter().enumerate() {
            for (name, range) in &release.needs {
                if let Some(package) = known(name) {
                    needs.entry((package, range)).or_default().versions |= 1 << i;
                }
            }
        }
        for (i, (_, other)) in (0u32..).zip(others) {
            for (name, range) in other {
                let Some(package) = known(name) else { continue };
                let stretches = &mut needs.entry((package, range)).or_default().others;
                match stretches.last_mut() {
                    Some((_, last)) if *last + 1 >= i => *last = i,
                    _ => stretches.push((i, i)),
                }
            }
        }
        let named = needs.into_iter().map(|((package, range), need)| Need {
            package,
            range: range.to_owned(),
            ..need
        });
        named.collect::<Vec<Need>>()
    };
    let all = collect(&source.others);
    if source.others_told && all.len() <= MOST_NEEDS {
        (all, true)
    } else {
        (collect(&[]), false)
    }
}

/// Runs with the versions that have them, sorted.
fn merged(source: &mut Source) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (i, release) in source.releases.iter_mut().enumerate() {
        all.extend(
            std::mem::take(&mut release.grams)
                .into_iter()
                .map(|gram| (gram, 1u64 << i)),
        );
    }
    all.sort_unstable();
    all.dedup_by(|b, a| {
        let same = a.0 == b.0;
        if same {
            a.1 |= b.1;
        }
        same
    });
    all
}

/// Runs that say something of the package: not of many at once, and not of another that it carries a copy of.
fn told_apart(sources: &[Source], runs: Vec<Vec<(u64, u64)>>) -> Vec<Vec<(u64, u64)>> {
    let mut all: Vec<(u64, u16)> = (0u16..)
        .zip(&runs)
        .flat_map(|(i, runs)| runs.iter().map(move |(gram, _)| (*gram, i)))
        .collect();
    all.par_sort_unstable();
    let shared: Vec<&[(u64, u16)]> = all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1).collect();
    let mut pairs: HashMap<(u16, u16), usize> = HashMap::new();
    for same in shared.iter().filter(|same| same.len() <= 4 * SHARED) {
        for (i, (_, a)) in same.iter().enumerate() {
            for (_, b) in &same[i + 1..] {
                *pairs.entry((*a, *b)).or_default() += 1;
            }
        }
    }
    // Which packages a package carries a copy of: of what it is made with, what it has much in common with.
    let numbers = numbers(sources);
    let mut guests: HashMap<u16, HashSet<u16>> = HashMap::new();
    for (host, source) in (0u16..).zip(sources) {
        for name in source.releases.iter().flat_map(|r| &r.made_with) {
            let Some(&guest) = numbers.get(&**name).filter(|&&guest| guest != host) else {
                continue;
            };
            let common = pairs.get(&(guest.min(host), guest.max(host)));
            if common.is_some_and(|&n| n >= COPIED) {
                guests.entry(host).or_default().insert(guest);
            }
        }
    }
    let mut dropped: HashSet<(u64, u16)> = HashSet::new();
    for same in shared {
        for (gram, i) in same {
            let copied = || {
                guests
                    .get(i)
                    .is_some_and(|guests| same.iter().any(|(_, other)| guests.contains(other)))
            };
            if same.len() > SHARED || copied() {
                dropped.insert((*gram, *i));
            }
        }
    }
    let kept = (0u16..).zip(runs).map(|(i, mut runs)| {
        runs.retain(|(gram, _)| !dropped.contains(&(*gram, i)));
        runs
    });
    kept.collect()
}

fn numbers(sources: &[Source]) -> HashMap<&str, u16> {
    (0..).zip(sources).map(|(i, s)| (&*s.name, i)).collect()
}

/// The runs that are kept, each with its versions and the number of their set; and the package's shift.
fn choose(runs: &[(u64, u64)], most: usize) -> (Vec<(u64, u64, u8)>, u8) {
    let mut shift = 0u8;
    let below = |shift: u8| runs.partition_point(|(gram, _)| Package::samples(shift, *gram));
    while below(shift) > most && u32::from(shift) < BITS - 8 {
        shift += 1;
    }
    let whole = runs.iter().fold(0, |all, (_, versions)| all | versions);
    let mut by_set: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (gram, versions) in runs {
        let known = by_set.entry(*versions).or_default();
        let telling = *versions != whole && known.len() < TELLING;
        if Package::samples(shift, *gram) || telling {
            known.push(*gram);
        }
    }
    // Sets with the most runs; the rest are accidents of single files.
    let mut sets: Vec<(u64, Vec<u64>)> = by_set.into_iter().filter(|(_, grams)| !grams.is_empty()).collect();
    sets.sort_by_key(|(versions, grams)| (std::cmp::Reverse(grams.len()), *versions));
    sets.truncate(SETS);
    let numbered = (0u8..=u8::MAX).zip(sets);
    let kept = numbered.flat_map(|(set, (versions, grams))| grams.into_iter().map(move |gram| (gram, versions, set)));
    (kept.collect(), shift)
}

fn write(packages: &[Package], entries: &[(u64, u16, u8)]) -> Vec<u8> {
    let mut directory: Vec<u8> = Vec::new();
    let word = |out: &mut Vec<u8>, n: usize| out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    let mut records = Vec::new();
    for package in packages {
        let from = records.len();
        put_package(&mut records, package);
        let sum = crc32fast::hash(&records[from..]);
        records.extend_from_slice(&sum.to_le_bytes());
        word(&mut directory, records.len());
    }
    let mut runs = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    let mut sums = Vec::new();
    let (mut next, mut block) = (0, 0);
    for bucket in 0..BUCKETS {
        while let Some((gram, package, set)) = entries.get(next).filter(|e| e.0 >> REST_BITS == bucket as u64) {
            runs.extend_from_slice(&gram.to_le_bytes()[..3]);
            runs.extend_from_slice(&package.to_le_bytes());
            runs.push(*set);
            next += 1;
        }
        word(&mut directory, next);
        if bucket % (BUCKETS / BLOCKS) == BUCKETS / BLOCKS - 1 {
            sums.extend_from_slice(&crc32fast::hash(&runs[block..]).to_le_bytes());
            block = runs.len();
        }
    }
    directory.extend(sums);
    let mut out = MAGIC.to_vec();
    word(&mut out, LAYOUT as usize);
    word(&mut out, DEFINITION as usize);
    word(&mut out, packages.len());
    word(&mut out, 0);
    for length in [directory.len(), records.len(), runs.len()] {
        out.extend_from_slice(&(length as u64).to_le_bytes());
    }
    out.extend_from_slice(&crc32fast::hash(&directory).to_le_bytes());
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    debug_assert_eq!(out.len(), HEADER_BYTES);
    [out, directory, records, runs].concat()
}

fn put_package(out: &mut Vec<u8>, package: &Package) {
    put_text(out, &package.name);
    for texts in [&package.versions, &package.others] {
        put(out, texts.len() as u64);
        for text in texts {
            put_text(out, text);
        }
    }
    put(out, u64::from(package.shift));
    put(out, package.sets.len() as u64);
    for set in &package.sets {
        put(out, set.versions);
        put(out, u64::from(set.runs));
        put(out, u64::from(set.sampled));
    }
    put(out, u64::from(package.others_told));
    put(out, package.needs.len() as u64);
    for need in &package.needs {
        put(out, u64::from(need.package));
        put(out, need.versions);
        put_text(out, &need.range);
        put(out, need.others.len() as u64);
        for &(first, last) in &need.others {
            put(out, u64::from(first));
            put(out, u64::from(last));
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}
