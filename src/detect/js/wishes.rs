//! What an application asks for itself: by its own `package.json`, or as a lock file records it; and which of the locked
//! packages production can do without, where no flag of the lock file says so.

use crate::{
    detect::Sink,
    model::{Coordinate, Fact},
    parse::json::{self, Members, Scalar},
};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// The lists of an application's `package.json`, names with ranges.
#[derive(Debug, Default, Deserialize)]
pub(in crate::detect) struct Manifest {
    #[serde(default)]
    pub(in crate::detect) dependencies: Members<Scalar>,
    #[serde(default, rename = "optionalDependencies")]
    pub(in crate::detect) optional: Members<Scalar>,
    #[serde(default, rename = "devDependencies")]
    pub(in crate::detect) development: Members<Scalar>,
}

impl Manifest {
    /// The one in a folder of the lock file's archive (`""`, `packages/a`), if there is one that can be read.
    pub(in crate::detect) fn beside(found: &Sink<'_>, folder: &str) -> Option<Self> {
        let place = found.place();
        let path = place.beside(format!("{folder}/package.json").trim_start_matches('/'))?;
        json::document(&found.neighbours.read(&path)?.bytes).ok()
    }

    /// Names and ranges, and whether production needs them.
    pub(in crate::detect) fn all(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        let lists = [
            (&self.dependencies, true),
            (&self.optional, false),
            (&self.development, false),
        ];
        lists.into_iter().flat_map(|(list, needed)| {
            let pairs = list.0.iter();
            pairs.map(move |(name, range)| (&**name, range.text().unwrap_or_default(), needed))
        })
    }
}

/// What the application and its workspaces ask for, resolved.
#[derive(Debug, Default)]
pub(in crate::detect) struct Wishes {
    needed: HashSet<Coordinate>,
    /// For development, or where it can be had.
    spare: HashSet<Coordinate>,
}

impl Wishes {
    pub(in crate::detect) fn add(&mut self, coordinate: Coordinate, needed: bool) {
        let list = if needed { &mut self.needed } else { &mut self.spare };
        list.insert(coordinate);
    }

    /// What each locked package is to the application. `requires` lists what each needs, without what is optional.
    pub(in crate::detect) fn judge(self, requires: &HashMap<Coordinate, Vec<Coordinate>>) -> Judged {
        let mut open: Vec<&Coordinate> = self.needed.iter().collect();
        let mut reached: HashSet<Coordinate> = self.needed.clone();
        while let Some(next) = open.pop() {
            for required in requires.get(next).into_iter().flatten() {
                if reached.insert(required.clone()) {
                    open.push(required);
                }
            }
        }
        Judged { wishes: self, reached }
    }
}

/// [`Wishes`], followed to their end.
#[derive(Debug)]
pub(in crate::detect) struct Judged {
    wishes: Wishes,
    reached: HashSet<Coordinate>,
}

impl Judged {
    /// [`Fact::Direct`], [`Fact::Dispensable`]. Where nothing is known of the application, nothing is said.
    pub(in crate::detect) fn facts(&self, coordinate: &Coordinate) -> impl Iterator<Item = Fact> + use<> {
        let Wishes { needed, spare } = &self.wishes;
        let direct = needed.contains(coordinate) || spare.contains(coordinate);
        let told = !(needed.is_empty() && spare.is_empty());
        let dispensable = told && !self.reached.contains(coordinate);
        let facts = [direct.then_some(Fact::Direct), dispensable.then_some(Fact::Dispensable)];
        facts.into_iter().flatten()
    }
}
