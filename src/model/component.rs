//! What is in an artifact, and why we think so.

use super::Location;
use std::{borrow::Cow, collections::BTreeSet};

/// Names an ecosystem (`npm`, `pypi`, `crates.io`); its behaviour is the row of that id in [`crate::ecosystem::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EcosystemId(pub &'static str);

/// Identity of a component: normalised name, exact version text.
///
/// Made by [`crate::ecosystem::Ecosystem::coordinate`], which normalises the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Coordinate {
    /// Where the name lives.
    pub ecosystem: EcosystemId,
    /// Normalised name (`@scope/name`, `zope-interface`).
    pub name: Box<str>,
    /// Version text as published; `None` when unknown.
    pub version: Option<Box<str>>,
}

/// How strongly an entry of an artifact supports a component; ordered by strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// Guessed (a licence banner in a bundle, a file name).
    Inferred,
    /// Asked for by a manifest.
    Declared,
    /// Pinned by a lock file.
    Locked,
    /// Present: the code itself, or metadata that an installer or compiler wrote beside it.
    Installed,
}

impl Proof {
    /// The word that reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Declared => "declared",
            Self::Locked => "locked",
            Self::Installed => "installed",
        }
    }
}

/// Something else that a piece of evidence says of its component, for checks and for the merging of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fact {
    /// The lock file says that production can do without it (a `dev`, `optional` or `peer` entry, a marker).
    Dispensable,
    /// The operating system that the binary it was found in runs on, as Rust names it (`linux`).
    Os(&'static str),
    /// The processor architecture of that binary, as Rust names it (`x86_64`).
    Arch(&'static str),
    /// The publisher's own words on why not to use it, from a lock file's `deprecated`.
    Deprecated(Box<str>),
    /// Its authors classify their development as ended (`Development Status :: 7 - Inactive`).
    Inactive,
    /// The `node_modules` folder that a lock file or a bundler's path gives it (`node_modules/a/node_modules/b`): what
    /// joins a bundled module with the lock entry that it was made from. Code that carries it lies in a bundle.
    At(Box<str>),
    /// Somebody asks for it by name: it is not there for another package's sake alone. As a lock file or an installer
    /// records it.
    Direct,
    /// Another name that the application calls it by (npm's `"nick": "npm:name@1"`).
    Alias(Box<str>),
    /// By what name of its own it calls a package that it asks for: an alias as above, or something from elsewhere than the
    /// registry, which may have another name.
    Calls(Box<str>),
    /// From a lock file that was given beside the artifact: it names versions, and proves no presence.
    Given,
    /// One of several versions that are possible; nothing in the artifact decides between them.
    Candidate,
    /// The versions that its code can be of, oldest first; which of them, the code does not tell.
    OneOf(Box<[Box<str>]>),
    /// Those of them that it rather has not, because what else is there is of later days. It still may: a guess, where a set like the
    /// one above is what is known.
    Unlikely(Box<[Box<str>]>),
    /// It is there in more than one copy, and nothing tells the version of this one.
    Copy,
    /// Runs a script of its own when it is installed.
    InstallScript,
    /// A script of its own that it runs when it is installed, which fetches something or starts a shell: its text.
    FetchingScript(Box<str>),
    /// Not from a registry: the URL, git repository or folder that it was taken from.
    Origin(Box<str>),
    /// It comes from this registry, which is not the ecosystem's public one: a mirror of it, or private.
    Registry(Box<str>),
    /// The licence in the publisher's own words: an SPDX expression, or a name.
    Licence(Box<str>),
    /// Who made it, in the publisher's own words (`Name <mail>`).
    Author(Box<str>),
    /// Hashes of the archive that the registry has of it, as a lock file pins them, in the form of Subresource Integrity
    /// (`sha512-…`, base 64; several are parted by blanks).
    Integrity(Box<str>),
    /// Not seen itself: this package, which was, cannot be built without it.
    RequiredBy(Box<str>),
}

/// One reason to believe that a component is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Which detector said so.
    pub detector: &'static str,
    /// Where.
    pub location: Location,
    /// How strongly.
    pub proof: Proof,
    /// How sure the detector is that the entry means this component, 0 to 1.
    pub confidence: f32,
    /// What else the entry says of it.
    pub facts: Vec<Fact>,
}

impl Evidence {
    /// The versions that the code it points to can be of, oldest first; `None` where it says nothing of that.
    #[must_use]
    pub fn one_of(&self) -> Option<&[Box<str>]> {
        self.facts.iter().find_map(|fact| match fact {
            Fact::OneOf(versions) => Some(&**versions),
            _ => None,
        })
    }

    fn is_unlikely(&self, version: &str) -> bool {
        let says = |fact: &Fact| matches!(fact, Fact::Unlikely(versions) if versions.iter().any(|v| **v == *version));
        self.facts.iter().any(says)
    }
}

/// A package in the inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// What it is.
    pub coordinate: Coordinate,
    /// Why we think so. Never empty.
    pub evidence: Vec<Evidence>,
    /// Direct dependencies known from the same evidence.
    pub requires: Vec<Coordinate>,
}

impl Component {
    /// The versions that each of its copies can be, oldest first, where no version is known and their code allows some: a set
    /// for all copies that are alike.
    #[must_use]
    pub fn possible(&self) -> BTreeSet<&[Box<str>]> {
        let known = self.coordinate.version.is_some();
        self.evidence
            .iter()
            .filter_map(Evidence::one_of)
            .filter(|_| !known)
            .collect()
    }

    /// What any of its copies can be, oldest first: none is left out.
    #[must_use]
    pub fn candidates(&self) -> Cow<'_, [Box<str>]> {
        let mut sets = self.possible();
        let Some(first) = sets.pop_first() else {
            return Cow::default();
        };
        if sets.is_empty() {
            return Cow::Borrowed(first);
        }
        let mut all: Vec<Box<str>> = sets.into_iter().chain([first]).flatten().cloned().collect();
        let numbers = |v: &str| -> Vec<u64> { v.split(['.', '-', '+']).filter_map(|part| part.parse().ok()).collect() };
        all.sort_by_cached_key(|version| (numbers(version), version.clone()));
        all.dedup();
        Cow::Owned(all)
    }

    /// Those of the candidates that none of its copies is likely to be, oldest first.
    #[must_use]
    pub fn unlikely(&self) -> Vec<Box<str>> {
        let likely: BTreeSet<&Box<str>> = self
            .evidence
            .iter()
            .flat_map(|e| {
                e.one_of()
                    .into_iter()
                    .flatten()
                    .filter(|version| !e.is_unlikely(version))
            })
            .collect();
        let all = self.candidates();
        all.iter()
            .filter(|version| !likely.contains(version))
            .cloned()
            .collect()
    }

    /// Each of its copies that can be of other versions than the others, with what speaks for that; itself where there is one.
    /// What speaks for no copy more than for another stands with the first.
    #[must_use]
    pub fn copies(&self) -> Vec<Cow<'_, Self>> {
        let sets = self.possible();
        if sets.len() < 2 {
            return vec![Cow::Borrowed(self)];
        }
        let copy = |(i, set): (usize, &[Box<str>])| {
            let speaks = |e: &&Evidence| e.one_of().map_or(i == 0, |own| own == set);
            let evidence = self.evidence.iter().filter(speaks).cloned().collect();
            Cow::Owned(Self {
                evidence,
                ..self.clone()
            })
        };
        sets.into_iter().enumerate().map(copy).collect()
    }

    /// The strongest proof among its evidence.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.evidence.iter().map(|e| e.proof).max().unwrap_or(Proof::Inferred)
    }

    /// Everything else that its evidence says of it.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.evidence.iter().flat_map(|e| &e.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unlikely_of_all_copies() {
        let copy = |(versions, unlikely): &(&[&str], &[&str])| {
            let list = |versions: &[&str]| versions.iter().map(|v| (*v).into()).collect();
            Evidence {
                detector: "test",
                location: Location::new([].into(), "index.js"),
                proof: Proof::Inferred,
                confidence: 0.9,
                facts: vec![Fact::OneOf(list(versions)), Fact::Unlikely(list(unlikely))],
            }
        };
        for (copies, expected) in [
            (
                &[(&["1.0.0", "1.1.0", "1.2.0"][..], &["1.0.0"][..])][..],
                &["1.0.0"][..],
            ),
            (&[(&["1.0.0", "1.1.0"], &[])], &[]),
            // One copy may well be what another is not.
            (
                &[(&["1.0.0", "1.1.0"], &["1.0.0"]), (&["0.9.0", "1.0.0"], &["0.9.0"])],
                &["0.9.0"],
            ),
        ] {
            let component = Component {
                coordinate: Coordinate {
                    ecosystem: EcosystemId("npm"),
                    name: "a".into(),
                    version: None,
                },
                evidence: copies.iter().map(copy).collect(),
                requires: Vec::new(),
            };
            let unlikely = component.unlikely();
            assert_eq!(
                unlikely.iter().map(|v| &**v).collect::<Vec<_>>(),
                expected,
                "{copies:?}"
            );
        }
    }
}
