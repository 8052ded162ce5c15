//! What the formats that list components say of one, from all of its evidence together.

use crate::{
    model::{Component, Fact},
    parse::{
        integrity::{self, Digest},
        licence::{self, Licence},
    },
};
use std::collections::BTreeSet;

/// Its licences, as different pieces of evidence give them.
pub(super) fn licences(component: &Component) -> BTreeSet<Licence> {
    texts(component, |fact| match fact {
        Fact::Licence(text) => Some(text),
        _ => None,
    })
    .map(licence::read)
    .collect()
}

/// Who made it.
pub(super) fn authors(component: &Component) -> BTreeSet<&str> {
    texts(component, |fact| match fact {
        Fact::Author(text) => Some(text),
        _ => None,
    })
    .collect()
}

/// Hashes of its archive.
pub(super) fn hashes(component: &Component) -> BTreeSet<Digest> {
    texts(component, |fact| match fact {
        Fact::Integrity(text) => Some(text),
        _ => None,
    })
    .flat_map(integrity::digests)
    .collect()
}

/// Whether somebody asks for it by name.
pub(super) fn is_direct(component: &Component) -> bool {
    component.facts().any(|fact| *fact == Fact::Direct)
}

fn texts(component: &Component, of: fn(&Fact) -> Option<&Box<str>>) -> impl Iterator<Item = &str> {
    component.facts().filter_map(of).map(|text| &**text)
}
