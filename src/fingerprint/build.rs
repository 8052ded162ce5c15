//! Makes the file of known runs from what packages contain.

use super::{
    carried,
    grams::BITS,
    index::{self, ENTRY_BYTES, PACKAGES, SETS},
    record::{self, Need, Package, Set},
    source::Run,
    version_set::{self, VersionSet},
};
use crate::ecosystem::NPM;
use rayon::prelude::*;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    mem,
};

pub use super::source::{Dependency, Published, Release, Source};

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
    let (runs, carried) = carried::told_apart(&sources, runs);
    let carriers = carried::carriers(&sources, &runs);
    let mut room = most_bytes.saturating_sub(400_000);
    // The largest that fits; or what is nearest to it.
    let worth = |size: usize| {
        (
            size <= most_bytes,
            if size <= most_bytes { size } else { usize::MAX - size },
        )
    };
    let mut best: Option<Vec<u8>> = None;
    for _ in 0..TRIES {
        let bytes = of_size(&sources, &runs, &carried, &carriers, room);
        let size = bytes.len();
        if best.as_ref().is_none_or(|best| worth(size) > worth(best.len())) {
            best = Some(bytes);
        }
        room = (room + most_bytes).saturating_sub(size);
        if room < ENTRY_BYTES || size <= most_bytes && size + most_bytes / 256 >= most_bytes {
            break;
        }
    }
    best.unwrap_or_default()
}

/// Sizes that are tried: what is beside the runs is known when they are chosen, and more or less of them fit then.
const TRIES: usize = 6;

/// The file with about that many bytes of runs.
fn of_size(sources: &[Source], runs: &[Vec<Run>], carried: &[bool], carriers: &[Vec<u16>], room: usize) -> Vec<u8> {
    let known = Known::of(sources);
    let shared = shared(runs);
    let (mut low, mut high) = (8, 1 << 20);
    while high - low > (low / 128).max(1) {
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
            entries.extend(
                grams
                    .into_iter()
                    .map(|gram| (gram, index::Known { package: number, set })),
            );
        }
        let mut package = record(source, number, &known, shift, sets);
        package.carried = carried[usize::from(number)];
        package.carriers.clone_from(&carriers[usize::from(number)]);
        records.push(package);
    }
    entries.sort_unstable();
    index::write(&records, &entries)
}

fn record(source: &Source, number: u16, known: &Known<'_>, shift: u8, sets: Vec<Set>) -> Package {
    let mut published: Vec<(&String, &[Dependency], bool)> = Vec::new();
    for (of, looked_into) in [(&source.versions, true), (&source.others, false)] {
        published.extend(of.iter().map(|(version, needs)| (version, &**needs, looked_into)));
    }
    published.sort_by(|a, b| (NPM.compare)(a.0, b.0));
    let mut package = Package {
        name: source.name.clone(),
        published: published.iter().map(|(version, ..)| (*version).clone()).collect(),
        looked_into: (0..published.len()).filter(|i| published[*i].2).collect(),
        shift,
        sets,
        saying: source.saying,
        ..Package::default()
    };
    (package.needs, package.others_told) = needs(&published, source.others_told, number, known);
    let avoided = (0..published.len()).filter(|place| source.avoided.contains(published[*place].0));
    avoided.for_each(|place| lengthen(&mut package.avoided, place));
    package
}

/// Ways in which a package asks for others. One that asks in more is published every week, with the newest of what it depends on:
/// of its ranges the minor versions are kept, or else the major ones; and if that is not enough, what its versions that were not looked
/// into need is not.
const MOST_NEEDS: usize = 300;
const MOST_LINES: usize = 450;

/// The first and the last of each stretch of versions.
type Stretches = Vec<(usize, usize)>;

/// Adds a place behind all that are there.
fn lengthen(stretches: &mut Stretches, place: usize) {
    match stretches.last_mut() {
        Some((_, last)) if *last + 1 >= place => *last = place,
        _ => stretches.push((place, place)),
    }
}

/// What a package depends on, and whether that says what its other versions do.
fn needs(
    published: &[(&String, &[Dependency], bool)],
    others_told: bool,
    number: u16,
    known: &Known<'_>,
) -> (Vec<Need>, bool) {
    let collect = |others: bool, line: Line| {
        let mut needs: BTreeMap<(u16, Cow<'_, str>), Stretches> = BTreeMap::new();
        for (place, (version, dependencies, looked_into)) in published.iter().enumerate() {
            for (name, range) in dependencies.iter().filter(|_| others || *looked_into) {
                let Some(package) = known.number(name).filter(|need| *need != number) else {
                    continue;
                };
                let range = if known.is_newest(package, range, version) {
                    Cow::Borrowed(record::NEWEST)
                } else {
                    line.of(range)
                };
                lengthen(needs.entry((package, range)).or_default(), place);
            }
        }
        let named = needs.into_iter().map(|((package, range), asked_by)| Need {
            package,
            range: range.into_owned(),
            asked_by,
        });
        named.collect::<Vec<Need>>()
    };
    if others_told {
        for (line, most) in [
            (Line::Own, MOST_NEEDS),
            (Line::Minor, MOST_LINES),
            (Line::Major, MOST_LINES),
        ] {
            let all = collect(true, line);
            if all.len() <= most {
                return (all, true);
            }
        }
    }
    (collect(false, Line::Own), false)
}

/// How much of a range is kept.
#[derive(Clone, Copy)]
enum Line {
    /// All.
    Own,
    /// Of `^1.2.3` what takes that and more, and is the same for all of its minor version: `^1.2.0`.
    Minor,
    /// Of its major version: `^1.0.0`.
    Major,
}

impl Line {
    fn of(self, range: &str) -> Cow<'_, str> {
        let line = range.strip_prefix('^').and_then(|version| {
            let mut parts = version.split('.');
            let (major, minor, patch) = (parts.next()?, parts.next()?, parts.next()?);
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let is_line = major != "0" && [major, minor, patch].into_iter().all(is_number) && parts.next().is_none();
            match self {
                Self::Minor if is_line => Some(format!("^{major}.{minor}.0")),
                Self::Major if is_line => Some(format!("^{major}.0.0")),
                _ => None,
            }
        });
        line.map_or(Cow::Borrowed(range), Cow::Owned)
    }
}

/// What is known of all packages while one's record is made.
struct Known<'s> {
    numbers: HashMap<&'s str, u16>,
    /// Versions of each that exist, oldest first.
    published: Vec<Vec<&'s str>>,
}

impl<'s> Known<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let published = sources.par_iter().map(|source| {
            let all = source.versions.iter().chain(&source.others);
            let mut all: Vec<&str> = all.map(|(version, _)| &**version).collect();
            all.sort_by(|a, b| (NPM.compare)(a, b));
            all
        });
        Self {
            numbers: carried::numbers(sources),
            published: published.collect(),
        }
    }

    fn number(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// Whether a range is the newest version of a package that is not newer than `version`: of what is published together each
    /// asks so for the others.
    fn is_newest(&self, package: u16, range: &str, version: &str) -> bool {
        if !range.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let Some(published) = self.published.get(usize::from(package)) else {
            return false;
        };
        let older = published.partition_point(|one| (NPM.compare)(one, version) != std::cmp::Ordering::Greater);
        published[..older].last().is_some_and(|newest| *newest == range)
    }
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

/// What a package keeps beside that for its size, as a multiple of the root of its runs: of a large one a bundler shakes off most,
/// and what is left must show. With 0.3 and with 0.6 of a hundred packages in webpack's bundles half and one more are found.
const FOR_SIZE: f64 = 0.6;

/// The runs that one package keeps by itself, and its shift.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)] // small and positive
fn choose(runs: &[Run], most: usize) -> (Vec<Run>, u8) {
    let most = most + (FOR_SIZE * (runs.len() as f64).sqrt()) as usize;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_ranges() {
        for (range, minor, major) in [
            ("^1.2.3", "^1.2.0", "^1.0.0"),
            ("^3.972.99", "^3.972.0", "^3.0.0"),
            // What is of its minor version already, or of no line.
            ("^0.2.3", "^0.2.3", "^0.2.3"),
            ("~1.2.3", "~1.2.3", "~1.2.3"),
            ("1.2.3", "1.2.3", "1.2.3"),
            ("^1.2", "^1.2", "^1.2"),
            ("^1.2.3-rc.1", "^1.2.3-rc.1", "^1.2.3-rc.1"),
            ("^1.2.3 || ^2.0.0", "^1.2.3 || ^2.0.0", "^1.2.3 || ^2.0.0"),
        ] {
            assert_eq!(Line::Own.of(range), range);
            assert_eq!(Line::Minor.of(range), minor, "{range}");
            assert_eq!(Line::Major.of(range), major, "{range}");
        }
    }
}
