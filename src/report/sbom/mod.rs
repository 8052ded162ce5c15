//! What the formats that list components say of one, from all of its evidence together.

use super::Artifact;
use crate::{
    ecosystem, escape,
    inventory::Inventory,
    model::{Component, Coordinate, Fact, Finding},
    parse::{
        integrity::{self, Digest},
        licence::{self, Licence},
    },
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Its licences, as different pieces of evidence give them.
pub(super) fn licences(component: &Component) -> BTreeSet<Licence> {
    texts(component, |fact| match fact {
        Fact::Licence(text) => Some(text),
        _ => None,
    })
    .map(licence::read)
    .collect()
}

/// The licences as one SPDX expression; several pieces of evidence that differ all hold. `None` where there is none, or one
/// that is only a name.
pub(super) fn expression(licences: &BTreeSet<Licence>) -> Option<String> {
    let parts = licences.iter().map(|licence| match licence {
        Licence::Id(text) => Some(text.clone()),
        Licence::Expression(text) if licences.len() == 1 => Some(text.clone()),
        Licence::Expression(text) => Some(format!("({text})")),
        Licence::Name(_) => None,
    });
    let parts: Vec<String> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// Who made it.
pub(super) fn authors(component: &Component) -> BTreeSet<&str> {
    texts(component, |fact| match fact {
        Fact::Author(text) => Some(text),
        _ => None,
    })
    .collect()
}

/// `Name <mail> (url)` in two; either may be missing.
pub(super) fn name_and_mail(author: &str) -> (Option<&str>, Option<&str>) {
    let text = |text: &'_ str| {
        Some(text.trim().trim_matches('"'))
            .filter(|t| !t.is_empty())
            .map(str::len)
    };
    let name = author.split(['<', '(']).next().unwrap_or_default();
    let mail = author
        .split_once('<')
        .and_then(|(_, rest)| Some(rest.split_once('>')?.0.trim()));
    let mail = mail.filter(|m| m.contains('@') && !m.contains(char::is_whitespace));
    (text(name).map(|_| name.trim().trim_matches('"')), mail)
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

/// The file's name: where it lay is nobody's business who reads the SBOM.
pub(super) fn artifact_name(artifact: &Artifact) -> &str {
    match artifact.path.trim_end_matches('/').rsplit('/').next() {
        Some("-") => "stdin",
        Some(name) if !matches!(name, "" | "." | "..") => name,
        _ => "artifact",
    }
}

/// A purl for each component, made unique: hostile names may have no purl of their own.
pub(super) fn references(inventory: &Inventory) -> BTreeMap<&Coordinate, String> {
    let mut taken = HashSet::new();
    let unique = |coordinate| {
        let purl = ecosystem::purl(coordinate);
        let mut reference = purl.clone();
        for n in 2_usize.. {
            if taken.insert(reference.clone()) {
                break;
            }
            reference = format!("{purl}#{n}");
        }
        (coordinate, reference)
    };
    inventory.iter().map(|c| &c.coordinate).map(unique).collect()
}

/// What the artifact itself depends on: what is asked for by name, and what nothing else in it requires.
pub(super) fn roots(inventory: &Inventory) -> impl Iterator<Item = &Component> {
    let required: HashSet<&Coordinate> = inventory.iter().flat_map(|c| &c.requires).collect();
    inventory
        .iter()
        .filter(move |c| is_direct(c) || !required.contains(&c.coordinate))
}

/// Where an advisory can be read.
pub(super) fn advisory_url(id: &str) -> String {
    format!("https://osv.dev/vulnerability/{}", escape::uri(id))
}

/// What mends a finding.
pub(super) fn remedy(finding: &Finding) -> String {
    match (&*finding.fixed_in, &finding.subject) {
        ([], _) | (_, None) => finding.rule.help.to_owned(),
        (versions, Some(subject)) => format!("upgrade {} to {}", subject.name, versions.join(" or ")),
    }
}
