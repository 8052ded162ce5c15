//! Which crates a crate cannot be built without, from `data/rust-requires.tsv`: what is inlined to nothing is known all the
//! same where something that needs it is seen.

use super::lock::System;
use crate::ecosystem::CARGO;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// Versions in a row that need the same.
struct Run {
    first: &'static str,
    last: &'static str,
    /// Names; one that ends in [`LINUX`] is needed there only.
    needs: &'static str,
}

const LINUX: &str = "@linux";

static RUNS: LazyLock<HashMap<&'static str, Vec<Run>>> = LazyLock::new(|| {
    let mut runs: HashMap<&str, Vec<Run>> = HashMap::new();
    for line in include_str!("../../../data/rust-requires.tsv").lines() {
        let mut fields = line.split('\t');
        if let (Some(name), Some(first), Some(last), Some(needs)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        {
            runs.entry(name).or_default().push(Run { first, last, needs });
        }
    }
    runs
});

impl Run {
    fn holds(&self, version: &str) -> bool {
        let order = |a: &str, b: &str| (CARGO.compare)(a, b);
        order(self.first, version) != Ordering::Greater && order(version, self.last) != Ordering::Greater
    }

    fn needs(&self, system: System) -> impl Iterator<Item = &'static str> + use<> {
        let names = self.needs.split(',').filter(|name| !name.is_empty());
        names.filter_map(move |name| match name.strip_suffix(LINUX) {
            Some(name) => (system == System::Unix).then_some(name),
            None => Some(name),
        })
    }
}

/// What a crate directly leads to in every case; without a version, in every version that is still in use. Of a version that
/// the table does not have nothing is said.
fn needs(name: &str, version: Option<&str>, system: System) -> Vec<&'static str> {
    let Some(runs) = RUNS.get(name) else {
        return Vec::new();
    };
    let possible: Vec<&Run> = runs
        .iter()
        .filter(|run| version.is_none_or(|version| run.holds(version)))
        .collect();
    let Some((first, others)) = possible.split_first() else {
        return Vec::new();
    };
    let in_all = |name: &&str| others.iter().all(|run| run.needs(system).any(|other| other == *name));
    first.needs(system).filter(in_all).collect()
}

/// Crates that must be there because one of `seen` (name and version) is, with the one that leads to them.
pub(in crate::detect) fn led_to<'s>(
    seen: &[(&'s str, Option<&str>)],
    system: System,
) -> BTreeMap<&'static str, &'s str> {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for &(root, version) in seen {
        let mut open = needs(root, version, system);
        while let Some(name) = open.pop() {
            if !found.contains_key(name) {
                found.insert(name, root);
                open.extend(needs(name, None, system));
            }
        }
    }
    found.retain(|name, _| !seen.iter().any(|(other, _)| other == name));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::rust::names::is_crate_name;

    #[test]
    fn the_table_is_sound() {
        assert!(RUNS.len() > 200);
        for (name, runs) in RUNS.iter() {
            assert!(is_crate_name(name), "{name}");
            for pair in runs.windows(2) {
                assert_eq!((CARGO.compare)(pair[0].last, pair[1].first), Ordering::Less, "{name}");
            }
            for run in runs {
                assert!(run.holds(run.first) && run.holds(run.last), "{name} {}", run.first);
                assert!(
                    run.needs(System::Unix).all(|n| is_crate_name(n) && n != *name),
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
                    Some(&name),
                    "{name} {version:?} {system:?} needs {expected}: {found:?}"
                );
            }
            assert!(
                !not.iter().any(|n| found.contains_key(n)),
                "{name} {version:?} {system:?}: {found:?}"
            );
        }
    }
}
