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

/// Versions in a row that pin the same.
struct Run {
    first: &'static str,
    last: &'static str,
    pins: &'static str,
}

impl Run {
    fn holds(&self, version: &str) -> bool {
        holds(self.first, self.last, version)
    }

    fn pins(&self) -> impl Iterator<Item = Pin> + use<> {
        self.pins.split(',').filter_map(|text| match text.split_once('@') {
            Some((name, version)) => Some(Pin::Only(name, version)),
            None => text.strip_suffix('=').map(Pin::Same),
        })
    }
}

fn runs(name: &str) -> impl Iterator<Item = Run> + use<'_> {
    PINS.rows(name).filter_map(|row| {
        let mut fields = row.split('\t');
        Some(Run {
            first: fields.next()?,
            last: fields.next()?,
            pins: fields.next()?,
        })
    })
}

/// Versions that follow from crates whose versions are seen, by name.
#[derive(Debug, Default)]
pub(in crate::detect) struct Pins(BTreeMap<String, BTreeMap<String, String>>);

impl Pins {
    /// `is_dated`: the seen are newer than the table, so what was the newest of a name may not be any more.
    pub(in crate::detect) fn of(seen: &[(&str, &str)], is_dated: bool) -> Self {
        let mut pins = Self::default();
        let own = |&(name, version): &(&str, &str)| (name.to_owned(), version.to_owned());
        pins.follow(seen.iter().map(own).collect(), is_dated);
        pins
    }

    fn follow(&mut self, mut open: Vec<(String, String)>, is_dated: bool) {
        while let Some((root, at)) = open.pop() {
            for pin in runs(&root).filter(|run| run.holds(&at)).flat_map(|run| run.pins()) {
                let (name, version) = match pin {
                    Pin::Same(name) => (name, &*at),
                    Pin::Only(name, version) if !is_dated => (name, version),
                    Pin::Only(..) => continue,
                };
                let versions = self.0.entry(name.to_owned()).or_default();
                if !versions.contains_key(version) {
                    versions.insert(version.to_owned(), root.clone());
                    open.push((name.to_owned(), version.to_owned()));
                }
            }
        }
    }

    /// Adds versions of those of the `named` that ask for one of the `seen`, by the same version.
    pub(in crate::detect) fn ask(&mut self, named: &BTreeSet<&str>, seen: &[(&str, &str)]) {
        let mut versions_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for &(name, version) in seen {
            versions_of.entry(name).or_default().push(version);
        }
        for &asking in named {
            for run in runs(asking) {
                for pin in run.pins() {
                    let Pin::Same(asked) = pin else { continue };
                    for &version in versions_of.get(asked).into_iter().flatten().filter(|v| run.holds(v)) {
                        let versions = self.0.entry(asking.to_owned()).or_default();
                        versions.insert(version.to_owned(), asked.to_owned());
                    }
                }
            }
        }
    }

    /// Versions of a crate, each with the crate that it follows from.
    pub(in crate::detect) fn versions(&self, name: &str) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let versions = self.0.get(name).unwrap_or(const { &BTreeMap::new() });
        versions.iter().map(|(version, root)| (&**version, &**root))
    }

    /// The version of a crate, where only one follows.
    pub(in crate::detect) fn only(&self, name: &str) -> Option<&str> {
        let mut versions = self.versions(name);
        let (version, _) = versions.next()?;
        versions.next().is_none().then_some(version)
    }
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
            let mut pins = Pins::of(&[seen], is_dated);
            pins.ask(&named, &[seen]);
            assert_eq!(pins.only(name), version, "{seen:?} {name}");
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
            assert!(
                runs(name).any(|run| run.holds(first) && run.pins().next().is_some()),
                "{line}"
            );
            last = (name, end);
        }
    }
}
