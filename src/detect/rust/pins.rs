//! Versions that follow from others, from `data/rust-pins.tsv`: a crate whose version is seen leaves no choice of some of the
//! crates that it needs, because it asks for one version of them, or for none older than the newest that there is.

use super::table::{Table, holds};
use std::collections::{BTreeMap, BTreeSet};

const PINS: Table = Table(include_str!("../../../data/rust-pins.tsv"));

/// A need of which one version will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pin {
    /// The one that is called like the version that needs it, for good.
    Same(&'static str),
    /// The only one that was published when the table was made.
    Only(&'static str, &'static str),
}

/// Pins of one version of a crate.
fn pins(name: &str, version: &str) -> Vec<Pin> {
    let own = |row: &'static str| {
        let mut fields = row.split('\t');
        let (first, last, pins) = (fields.next()?, fields.next()?, fields.next()?);
        holds(first, last, version).then(|| pins.split(','))
    };
    let pin = |text: &'static str| match text.split_once('@') {
        Some((name, version)) => Some(Pin::Only(name, version)),
        None => text.strip_suffix('=').map(Pin::Same),
    };
    PINS.rows(name).filter_map(own).flatten().filter_map(pin).collect()
}

/// A version, and the crate that it follows from.
pub(in crate::detect) type Pinned = (String, String);

/// Versions that follow from crates whose versions are `seen`, by name; also of those of the `named` that ask for one of the
/// seen versions. `is_dated`: the seen are newer than the table, so what was the newest of a name may not be any more.
pub(in crate::detect) fn pinned(
    seen: &[(&str, &str)],
    named: &BTreeSet<&str>,
    is_dated: bool,
) -> BTreeMap<String, BTreeSet<Pinned>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut open: Vec<(String, String)> = Vec::new();
    for &(name, version) in seen {
        open.push((name.to_owned(), version.to_owned()));
        for asking in named.iter().filter(|asking| **asking != name) {
            if pins(asking, version)
                .iter()
                .any(|pin| matches!(pin, Pin::Same(asked) if *asked == name))
            {
                let versions = found.entry((*asking).to_owned()).or_default();
                versions.insert(version.to_owned(), name.to_owned());
            }
        }
    }
    while let Some((root, at)) = open.pop() {
        for pin in pins(&root, &at) {
            let (name, version) = match pin {
                Pin::Same(name) => (name, &*at),
                Pin::Only(name, version) if !is_dated => (name, version),
                Pin::Only(..) => continue,
            };
            let versions = found.entry(name.to_owned()).or_default();
            if !versions.contains_key(version) {
                versions.insert(version.to_owned(), root.clone());
                open.push((name.to_owned(), version.to_owned()));
            }
        }
    }
    let all = found.into_iter();
    all.map(|(name, versions)| (name, versions.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::rust::names::is_crate_name;

    #[test]
    fn what_follows() {
        let named = BTreeSet::from(["serde", "tower-layer", "serde_core"]);
        for (seen, is_dated, name, version) in [
            (("serde_core", "1.0.228"), false, "serde", Some("1.0.228")),
            (("serde", "1.0.228"), true, "serde_core", Some("1.0.228")),
            (("serde", "1.0.100"), false, "serde_core", None),
            (("tower", "0.5.3"), false, "tower-layer", Some("0.3.3")),
            (("tower", "0.5.3"), true, "tower-layer", None),
            (("nobody-knows-it", "1.0.0"), false, "serde", None),
        ] {
            let found = pinned(&[seen], &named, is_dated);
            let said = found
                .get(name)
                .map(|all| all.iter().map(|(version, _)| version.as_str()).collect::<Vec<_>>());
            assert_eq!(said, version.map(|v| vec![v]), "{seen:?} {name}");
        }
    }

    #[test]
    fn the_table_is_sound() {
        let mut last = ("", "");
        for line in PINS.0.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, first, end, _] = fields[..] else {
                panic!("{line}");
            };
            assert!(
                is_crate_name(name) && holds(first, end, first) && (last.0 < name || holds(last.1, first, last.1)),
                "{line}"
            );
            assert!(!pins(name, first).is_empty(), "{line}");
            last = (name, end);
        }
    }
}
