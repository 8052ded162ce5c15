//! Names by popularity, and which popular name another one looks like.
//!
//! A look-alike is looked up and never compared with all names: each popular name is entered under a few keys (its letters
//! without delimiters, the same with any one left out, its words in order, its letters with those that look alike made equal),
//! and a name asks for its own. What shares a key is then compared exactly, so that no collision of keys can make a finding or
//! hide one. `typomania`, which crates.io uses, was rejected: it makes every possible misspelling of a name as text and looks for
//! each, some thousand for a name, and does not know scopes, delimiters or affixes.

mod forms;
mod keys;
mod likeness;
mod list;

pub use likeness::{Edit, How, Likeness};
pub use list::{ListError, Names};

use crate::{
    ecosystem::{self, Ecosystem},
    model::EcosystemId,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, OnceLock},
};

/// The names of every ecosystem; those that this copy carries, unless newer ones are given.
#[derive(Clone, Debug, Default)]
pub struct Popular {
    newer: BTreeMap<EcosystemId, Arc<Names>>,
}

impl Popular {
    /// Takes the place of the embedded names of one ecosystem.
    pub fn replace(&mut self, ecosystem: EcosystemId, names: Names) {
        self.newer.insert(ecosystem, Arc::new(names));
    }

    /// The names of an ecosystem.
    #[must_use]
    pub fn of(&self, ecosystem: EcosystemId) -> &Names {
        match self.newer.get(&ecosystem) {
            Some(names) => names,
            None => embedded(ecosystem),
        }
    }
}

/// Names that were popular when somebody imitated them; see `advisories/names/README.md`.
const IMITATED: &str = include_str!("../../advisories/names/imitated.tsv");

struct Embedded {
    ecosystem: &'static Ecosystem,
    packed: &'static [u8],
    read: OnceLock<Names>,
}

static EMBEDDED: [Embedded; 3] = [
    Embedded {
        ecosystem: &ecosystem::NPM,
        packed: include_bytes!("../../advisories/names/npm.txt.gz"),
        read: OnceLock::new(),
    },
    Embedded {
        ecosystem: &ecosystem::PYPI,
        packed: include_bytes!("../../advisories/names/PyPI.txt.gz"),
        read: OnceLock::new(),
    },
    Embedded {
        ecosystem: &ecosystem::CARGO,
        packed: include_bytes!("../../advisories/names/crates.io.txt.gz"),
        read: OnceLock::new(),
    },
];

fn embedded(id: EcosystemId) -> &'static Names {
    static NONE: LazyLock<Names> = LazyLock::new(Names::default);
    match EMBEDDED.iter().find(|e| e.ecosystem.id == id) {
        Some(e) => e.read.get_or_init(|| Names::read(e.packed, id).unwrap_or_default()),
        None => &NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_names_are_all_there() {
        for (ecosystem, least) in [
            (&ecosystem::NPM, 49_000),
            (&ecosystem::PYPI, 14_000),
            (&ecosystem::CARGO, 1_900),
        ] {
            let names = embedded(ecosystem.id);
            assert!(names.len() >= least, "{}: {}", ecosystem.osv, names.len());
        }
        assert_eq!(embedded(ecosystem::NPM.id).rank("semver"), Some(1));
        assert_eq!(embedded(ecosystem::NPM.id).rank("a name that nobody has"), None);
    }
}
