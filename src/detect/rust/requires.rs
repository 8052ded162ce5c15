//! Which crates a crate cannot be built without, from `data/rust-requires.tsv`: what is inlined to nothing is known all the
//! same where something that needs it is seen. And which it may be built with when nobody asks for more, from
//! `data/rust-usual.tsv`: a lock file has others too, which most binaries do not.

use super::lock::System;
use crate::ecosystem::CARGO;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
};

/// Versions in a row that need the same.
struct Run {
    first: &'static str,
    last: &'static str,
    /// Names; one that ends in [`LINUX`] is needed there only.
    needs: &'static str,
    /// Whether nothing popular uses these versions any more.
    old: bool,
}

/// Endings of names: needed there only, and by macros only.
const LINUX: &str = "@linux";
const MACRO: &str = "@macro";

/// How a crate is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Need {
    /// It is linked.
    Linked,
    /// A macro is made of it: it ran in the compiler.
    Macro,
}

/// Text of lines that begin with a name and a tab, sorted by name. Searched as it is: to take a megabyte apart costs more than
/// the few hundred names that a binary asks for.
struct Table(&'static str);

const REQUIRES: Table = Table(include_str!("../../../data/rust-requires.tsv"));
const USUAL: Table = Table(include_str!("../../../data/rust-usual.tsv"));

impl Table {
    /// What follows the name and the tab in each line of that name.
    fn rows<'n>(&self, name: &'n str) -> impl Iterator<Item = &'static str> + use<'n> {
        let lines = self.0;
        let line_at = |at: usize| lines[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let first_of = |line: usize| lines[line..].split(['\t', '\n']).next().unwrap_or_default();
        let (mut low, mut high) = (0, lines.len());
        while low < high {
            let line = line_at(low.midpoint(high));
            if first_of(line) < name {
                low = lines[line..].find('\n').map_or(lines.len(), |length| line + length + 1);
            } else {
                high = line;
            }
        }
        let own = move |line: &'static str| line.strip_prefix(name)?.strip_prefix('\t');
        lines[low..].lines().map_while(own)
    }
}

/// Runs of a crate, by version.
fn runs(name: &str) -> Vec<Run> {
    let run = |row: &'static str| {
        let mut fields = row.split('\t');
        let (first, last, needs) = (fields.next()?, fields.next()?, fields.next()?);
        let old = fields.next().is_some();
        Some(Run {
            first,
            last,
            needs,
            old,
        })
    };
    REQUIRES.rows(name).filter_map(run).collect()
}

impl Run {
    fn holds(&self, version: &str) -> bool {
        let order = |a: &str, b: &str| (CARGO.compare)(a, b);
        order(self.first, version) != Ordering::Greater && order(version, self.last) != Ordering::Greater
    }

    fn needs(&self, system: System) -> impl Iterator<Item = (Need, &'static str)> + use<> {
        let names = self.needs.split(',').filter(|name| !name.is_empty());
        names.filter_map(move |name| match (name.strip_suffix(LINUX), name.strip_suffix(MACRO)) {
            (Some(name), _) => (system == System::Unix).then_some((Need::Linked, name)),
            (_, Some(name)) => Some((Need::Macro, name)),
            _ => Some((Need::Linked, name)),
        })
    }
}

/// What a crate directly leads to in every case; without a version, in every version that is still in use. Of a version that
/// the table does not have nothing is said.
fn needs(name: &str, version: Option<&str>, system: System) -> Vec<(Need, &'static str)> {
    let possible: Vec<Run> = runs(name)
        .into_iter()
        .filter(|run| version.map_or(!run.old, |version| run.holds(version)))
        .collect();
    let Some((first, others)) = possible.split_first() else {
        return Vec::new();
    };
    let in_all = |need: &(Need, &str)| others.iter().all(|run| run.needs(system).any(|other| other == *need));
    first.needs(system).filter(in_all).collect()
}

/// Crates that must be there because one of `seen` (name and version) is, with how, and the one that leads to them.
pub(in crate::detect) fn led_to<'s>(
    seen: &[(&'s str, Option<&str>)],
    system: System,
) -> BTreeMap<&'static str, (Need, &'s str)> {
    let mut found: BTreeMap<&str, (Need, &str)> = BTreeMap::new();
    for &(root, version) in seen {
        let mut open = needs(root, version, system);
        while let Some((need, name)) = open.pop() {
            if found.get(name).is_none_or(|(known, _)| need < *known) {
                found.insert(name, (need, root));
                if need == Need::Linked {
                    open.extend(needs(name, None, system));
                }
            }
        }
    }
    found.retain(|name, _| !seen.iter().any(|(other, _)| other == name));
    found
}

/// What crates may bring by default on Linux, all the way down.
#[derive(Default)]
pub(in crate::detect) struct Usual(HashSet<&'static str>);

impl Usual {
    /// Whether it is known what a crate may bring.
    pub(in crate::detect) fn knows(name: &str) -> bool {
        USUAL.rows(name).next().is_some()
    }

    pub(in crate::detect) fn holds(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Adds what one crate may bring; gives what is new.
    pub(in crate::detect) fn add(&mut self, name: &str) -> Vec<&'static str> {
        let brought = |name: &str| USUAL.rows(name).next().unwrap_or_default().split(',');
        let mut open: Vec<&str> = brought(name).collect();
        let mut new = Vec::new();
        while let Some(next) = open.pop() {
            if !next.is_empty() && self.0.insert(next) {
                new.push(next);
                open.extend(brought(next));
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::rust::names::is_crate_name;

    #[test]
    fn what_is_brought_by_default() {
        for (name, may, not) in [
            (
                "reqwest",
                &["hyper", "http-body", "native-tls"][..],
                &["quinn", "wasm-streams", "windows-sys"][..],
            ),
            ("flate2", &["miniz_oxide", "crc32fast"], &["zlib-rs", "libz-sys"]),
            ("rustix", &["linux-raw-sys"], &["windows-sys"]),
        ] {
            let mut usual = Usual::default();
            assert!(Usual::knows(name) && !usual.add(name).is_empty());
            assert!(may.iter().all(|n| usual.holds(n)), "{name}: {:?}", usual.0);
            assert!(!not.iter().any(|n| usual.holds(n)), "{name}: {:?}", usual.0);
            assert!(usual.add(name).is_empty());
        }
        assert!(!Usual::knows("nobody-knows-it"));
    }

    #[test]
    fn the_table_is_sound() {
        let names = |table: &Table| -> Vec<&'static str> {
            let lines = table.0.lines().filter(|line| !line.starts_with('#'));
            lines.filter_map(|line| line.split('\t').next()).collect()
        };
        assert!(names(&USUAL).len() > 4_000);
        for table in [&REQUIRES, &USUAL] {
            assert!(names(table).is_sorted());
            assert!(names(table).iter().all(|name| table.rows(name).next().is_some()));
        }
        for name in names(&REQUIRES) {
            assert!(is_crate_name(name), "{name}");
            let runs = runs(name);
            for pair in runs.windows(2) {
                assert_eq!((CARGO.compare)(pair[0].last, pair[1].first), Ordering::Less, "{name}");
            }
            for run in &runs {
                assert!(run.holds(run.first) && run.holds(run.last), "{name} {}", run.first);
                assert!(
                    run.needs(System::Unix).all(|(_, n)| is_crate_name(n) && n != name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn what_is_led_to() {
        for (name, version, system, needed, not) in [
            (
                "hyper",
                Some("0.14.32"),
                System::Unix,
                &["want", "try-lock", "httpdate", "pin-project-lite"][..],
                &["h2"][..],
            ),
            (
                "hyper",
                Some("1.4.0"),
                System::Unix,
                &["http-body", "http"],
                &["want", "httpdate"],
            ),
            (
                "hyper",
                None,
                System::Unix,
                &["http-body", "tokio"],
                &["want", "httpdate"],
            ),
            ("hyper", Some("99.0.0"), System::Unix, &[], &["http-body"]),
            ("socket2", None, System::Unix, &["libc"], &["windows-sys"]),
            ("socket2", None, System::Windows, &[], &["libc"]),
            (
                "serde_json",
                Some("1.0.96"),
                System::Unix,
                &["itoa", "ryu", "serde"],
                &["serde_derive", "syn"],
            ),
            ("nobody-knows-it", None, System::Unix, &[], &["serde"]),
        ] {
            let found = led_to(&[(name, version)], system);
            for expected in needed {
                assert_eq!(
                    found.get(expected),
                    Some(&(Need::Linked, name)),
                    "{name} {version:?} {system:?} needs {expected}: {found:?}"
                );
            }
            assert!(
                !not.iter()
                    .any(|n| found.get(n).is_some_and(|(need, _)| *need == Need::Linked)),
                "{name} {version:?} {system:?}: {found:?}"
            );
        }
    }
}
