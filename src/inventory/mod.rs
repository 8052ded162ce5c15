//! What was seen, merged: one component per coordinate, with all its evidence.

mod agreement;
mod bundled;
mod edges;
mod origin;
mod said;
mod settle;
mod versions;

pub use bundled::{Bundles, settle_bundles};
pub use edges::resolve_edges;
pub use origin::Origins;

use crate::model::{Component, Coordinate, Gap};
use std::collections::BTreeMap;

/// Sorted, deduplicated components of one artifact.
#[derive(Debug, Default)]
pub struct Inventory {
    components: BTreeMap<Coordinate, Component>,
}

impl Inventory {
    /// Takes a list at its word: nothing in it speaks against anything else in it.
    #[must_use]
    pub fn of(listed: Vec<Component>) -> Self {
        let mut inventory = Self::default();
        for component in listed {
            inventory.insert(component);
        }
        inventory.tidy();
        inventory
    }

    /// Takes back what [`Inventory::iter`] gave: nothing is sorted or merged again.
    #[must_use]
    pub fn restored(kept: Vec<Component>) -> Self {
        let components = kept.into_iter().map(|c| (c.coordinate.clone(), c)).collect();
        Self { components }
    }

    /// Merges what detectors saw, in any order, and settles what lock files claim against what is installed
    /// (see [`Gap`]s of stage `inventory`).
    #[must_use]
    pub fn merge(seen: Vec<Component>) -> (Self, Vec<Gap>) {
        let mut inventory = Self::default();
        for component in seen {
            inventory.insert(component);
        }
        let mut gaps = settle::settle(&mut inventory.components);
        agreement::raise(&mut inventory.components);
        gaps.extend(agreement::said_beside_code(&inventory.components).gaps());
        inventory.tidy();
        (inventory, gaps)
    }

    /// Sorts, and drops what is said twice.
    fn tidy(&mut self) {
        for component in self.components.values_mut() {
            let strongest_first =
                |e: &crate::model::Evidence| (std::cmp::Reverse(e.proof), e.location.clone(), e.detector);
            component.evidence.sort_by_cached_key(strongest_first);
            component.evidence.dedup();
            component.requires.sort();
            component.requires.dedup();
        }
        self.cut_loose_edges();
    }

    /// An edge to what is not there is none: a lock file's entry that was refuted, a package to itself.
    fn cut_loose_edges(&mut self) {
        let all = self.components.values_mut();
        let edges: Vec<Vec<Coordinate>> = all.map(|c| std::mem::take(&mut c.requires)).collect();
        let there = |from: &Coordinate, to: &Coordinate| from != to && self.components.contains_key(to);
        let kept: Vec<Vec<Coordinate>> = edges
            .into_iter()
            .zip(self.components.keys())
            .map(|(edges, from)| edges.into_iter().filter(|to| there(from, to)).collect())
            .collect();
        for (component, edges) in self.components.values_mut().zip(kept) {
            component.requires = edges;
        }
    }

    fn insert(&mut self, component: Component) {
        match self.components.get_mut(&component.coordinate) {
            Some(known) => {
                known.evidence.extend(component.evidence);
                known.requires.extend(component.requires);
            }
            None => {
                self.components.insert(component.coordinate.clone(), component);
            }
        }
    }

    /// In the order of coordinates: ecosystem, name, version text.
    pub fn iter(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.components.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
    }

    /// The component of a coordinate.
    #[must_use]
    pub fn get(&self, coordinate: &Coordinate) -> Option<&Component> {
        self.components.get(coordinate)
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The first few of a set of names, for a sentence.
fn some_of<T: AsRef<str>>(names: &std::collections::BTreeSet<T>) -> String {
    let shown: Vec<&str> = names.iter().map(AsRef::as_ref).take(5).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
