//! What packages contain, as far as their file of known runs is made of it.

use super::{
    grams::Stream,
    literals::Hash,
    record::SPARSE,
    says,
    version_set::{self, VersionSet},
};
use crate::ecosystem::NPM;
use std::{
    collections::{BTreeSet, HashSet},
    mem,
};

/// A package to be known by its code.
#[derive(Debug)]
pub struct Source {
    pub(super) name: String,
    /// Versions that were looked into, oldest first, each with what it depends on.
    pub(super) versions: Vec<(String, Vec<Dependency>)>,
    /// The same of those that exist and were not.
    pub(super) others: Vec<(String, Vec<Dependency>)>,
    pub(super) others_told: bool,
    /// Those of all these that a package manager takes where nothing else serves.
    pub(super) avoided: HashSet<String>,
    /// Runs with the versions that have them, sorted.
    pub(super) runs: Vec<Run>,
    /// Those of the versions that say which they are, and those of them that say it in their own code.
    pub(super) saying: VersionSet,
    pub(super) saying_in_code: VersionSet,
    /// What any of its versions was made with and does not import.
    pub(super) packed: BTreeSet<String>,
    /// Whether any of its versions has code.
    pub(super) has_code: bool,
}

/// A run, and the versions of a package that have it.
pub(super) type Run = (u64, VersionSet);

/// Name of a package, and which of its versions are taken, as npm writes ranges.
pub type Dependency = (String, String);

/// A version that exists, as a list of those of its package says.
#[derive(Debug)]
pub struct Published {
    /// Which.
    pub version: String,
    /// What it depends on.
    pub needs: Vec<Dependency>,
    /// Whether a package manager takes it where nothing else serves, as it does what is deprecated.
    pub avoided: bool,
}

/// Marks a version that is avoided, in a list of versions.
pub(super) const AVOIDED: char = '!';

impl Published {
    /// Reads a line of a list of versions: the version, marked where it is avoided, and behind tabs what it depends on, `NAME RANGE`
    /// each.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let mut parts = line.split('\t');
        let version = parts.next().unwrap_or_default();
        let needs = parts.filter_map(|need| need.split_once(' '));
        Self {
            version: version.trim_end_matches(AVOIDED).to_owned(),
            needs: needs.map(|(name, range)| (name.to_owned(), range.to_owned())).collect(),
            avoided: version.ends_with(AVOIDED),
        }
    }
}

/// One version of a package.
#[derive(Debug, Default)]
pub struct Release {
    /// Which.
    pub version: String,
    /// Every run of its modules once, sorted.
    pub grams: Vec<u64>,
    /// Versions in quotes that its modules name, as hashes.
    pub named: Vec<u64>,
    /// What it depends on.
    pub needs: Vec<Dependency>,
    /// What it was made with and does not import: that may be in its own files.
    pub packed: Vec<String>,
    /// Whether its modules read its manifest: a bundler that takes that apart writes the version where they use it.
    pub reads_manifest: bool,
    /// Whether any of its modules does anything.
    pub has_code: bool,
}

/// What a module has that does anything. One that was compiled from types alone has none of these.
const CODE: [&str; 5] = ["function", "=>", "module.exports", "require(", "class "];

impl Release {
    /// Of the texts of its modules.
    pub fn new(version: &str, needs: Vec<Dependency>, modules: &mut dyn Iterator<Item = Vec<u8>>) -> Self {
        let mut has_code = false;
        let mut named = Vec::new();
        let mut grams: Vec<u64> = modules
            .flat_map(|text| {
                has_code = has_code
                    || CODE
                        .iter()
                        .any(|code| memchr::memmem::find(&text, code.as_bytes()).is_some());
                let stream = Stream::of(&text);
                named.extend(stream.versions.into_iter().map(|(_, hash)| hash));
                stream.grams
            })
            .collect();
        grams.sort_unstable();
        grams.dedup();
        grams.shrink_to_fit();
        Self {
            version: version.to_owned(),
            grams,
            named,
            has_code,
            needs,
            ..Self::default()
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
        let saying_in_code = says::saying(&releases);
        for release in releases.iter_mut().filter(|release| release.reads_manifest) {
            release.named.push(Hash::of(release.version.as_bytes()));
        }
        let saying = says::saying(&releases);
        let mut runs = merged(&mut releases);
        let versions: Vec<&str> = releases.iter().map(|release| &*release.version).collect();
        drop_what_was_packed_once(&versions, &mut runs);
        Self {
            name: name.to_owned(),
            has_code: releases.iter().any(|r| r.has_code),
            packed: releases.iter_mut().flat_map(|r| mem::take(&mut r.packed)).collect(),
            versions: releases.into_iter().map(|r| (r.version, r.needs)).collect(),
            others: Vec::new(),
            others_told: false,
            avoided: HashSet::new(),
            runs,
            saying,
            saying_in_code,
        }
    }

    /// With all versions that exist; `told`: whether it is known what they depend on.
    #[must_use]
    pub fn with_published(mut self, published: Vec<Published>, told: bool) -> Self {
        let avoided = published.iter().filter(|one| one.avoided);
        self.avoided = avoided.map(|one| one.version.clone()).collect();
        let known: HashSet<&String> = self.versions.iter().map(|(version, _)| version).collect();
        // What none of those imports that were looked into, these do not import either.
        let imported: HashSet<&String> = self
            .versions
            .iter()
            .flat_map(|(_, needs)| needs)
            .map(|(name, _)| name)
            .collect();
        self.others = published
            .into_iter()
            .filter(|one| !known.contains(&one.version))
            .map(|mut one| {
                one.needs.retain(|(name, _)| imported.contains(name));
                (one.version, one.needs)
            })
            .collect();
        self.others_told = told;
        // What comes out every week carries copies of its like, of other weeks, which say their version in the same code.
        if self.versions.len() * SPARSE < self.versions.len() + self.others.len() {
            self.saying = self.saying_in_code;
        }
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

/// Times as much code as the release before it and the one after it from which on one was packed with something else.
const PACKED: usize = 3;

/// Drops the runs that a release alone has which is that much larger than its neighbours, both of its line: it was published with what
/// it depends on in its files, as one of `express` was.
fn drop_what_was_packed_once(versions: &[&str], runs: &mut Vec<Run>) {
    let line = |place: usize| versions[place].split('.').next();
    let mut sizes = vec![0; versions.len()];
    for (first, last) in runs.iter().flat_map(|(_, of)| of.stretches()) {
        sizes[first..=last].iter_mut().for_each(|size| *size += 1);
    }
    let dwarfs = |place: usize, other: usize| line(place) == line(other) && sizes[place] > PACKED * sizes[other];
    let is_packed = |place: &usize| {
        let has_both = (1..versions.len().saturating_sub(1)).contains(place);
        has_both && dwarfs(*place, place - 1) && dwarfs(*place, place + 1)
    };
    let packed: HashSet<usize> = (0..versions.len()).filter(is_packed).collect();
    runs.retain(|(_, of)| of.count() > 1 || !of.stretches().any(|(first, _)| packed.contains(&first)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_once_is_dropped() {
        let ones = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"];
        for (versions, place, common, is_dropped) in [
            (ones, 1, 10, true),
            (ones, 2, 10, true),
            (ones, 2, 20, false),
            // It may be written anew.
            (ones, 3, 10, false),
            (["1.0.0", "1.1.0", "2.0.0", "2.1.0"], 2, 10, false),
            (["1.0.0", "1.1.0", "1.2.0", "2.0.0"], 2, 10, false),
        ] {
            let alone = VersionSet::stretch(place, place);
            let of_all = (0..common).map(|run| (run, VersionSet::stretch(0, 3)));
            let mut runs: Vec<Run> = of_all.chain((100..140).map(|run| (run, alone))).collect();
            drop_what_was_packed_once(&versions, &mut runs);
            let has_own = runs.iter().any(|(_, of)| *of == alone);
            assert_eq!(has_own, !is_dropped, "{versions:?} {place} {common}");
        }
    }
}
