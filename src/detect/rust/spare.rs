//! Which of the dependencies that a lock file names of a crate it is built without unless somebody asks for more, from
//! `data/rust-spare.tsv`: cargo locks what other systems and build scripts need, and optional crates that a feature of another
//! purpose configures if they are there (`name?/feature`).

use super::{
    compile_time::{self, is_build_tool, is_toolkit},
    table::{Table, series},
};
use crate::ecosystem::CARGO;
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

const SPARE: Table = Table(include_str!("../../../data/rust-spare.tsv"));

/// What is peculiar about the dependencies that a lock file names of a version of a crate.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::detect) struct Spare {
    own: &'static str,
    woken: &'static str,
}

impl Spare {
    /// Nothing, where nothing is known. Of a version newer than the table's last one what that has, if they are compatible.
    pub(in crate::detect) fn of(name: &str, version: &str) -> Self {
        let row = |row: &'static str| {
            let mut fields = row.split('\t');
            let (first, last) = (fields.next()?, fields.next()?);
            let (last, is_open) = last.strip_suffix('+').map_or((last, false), |last| (last, true));
            let is_held =
                (CARGO.compare)(version, last) != Ordering::Greater || is_open && series(version) == series(last);
            let spare = Self {
                own: fields.next().unwrap_or_default(),
                woken: fields.next().unwrap_or_default(),
            };
            (is_held && (CARGO.compare)(first, version) != Ordering::Greater).then_some(spare)
        };
        SPARE.rows(name).find_map(row).unwrap_or_default()
    }

    /// The same, and nothing of a crate that is not of a registry, whatever it is called.
    fn of_published(name: &str, version: &str, published: bool) -> Self {
        if published {
            Self::of(name, version)
        } else {
            Self::default()
        }
    }

    /// Whether a build for Linux with the default features does without a dependency.
    pub(in crate::detect) fn holds(self, name: &str, version: &str) -> bool {
        self.own.split(',').any(|own| match own.split_once('@') {
            Some((own, compatible)) => own == name && Some(compatible) == series(version),
            None => own == name,
        })
    }

    /// What is spare further down, but brought by the features that this one asks for.
    pub(in crate::detect) fn woken(self) -> impl Iterator<Item = &'static str> {
        self.woken.split(',').filter(|name| !name.is_empty())
    }
}

/// Whether a crate is a macro or a part of one, by its name and by what it is made of. `dependencies`: name and version of each; those that
/// its build script alone needs say nothing (`html5ever` writes code with `quote` before it is compiled).
pub(in crate::detect) fn is_macro<'p>(
    name: &str,
    version: &str,
    published: bool,
    mut dependencies: impl Iterator<Item = (&'p str, &'p str)>,
) -> bool {
    let spare = Spare::of_published(name, version, published);
    compile_time::is_macro(
        name,
        dependencies.any(|(name, version)| is_toolkit(name) && !spare.holds(name, version)),
    )
}

/// A crate in a graph of what cargo resolved.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Resolved<'p> {
    pub(in crate::detect) name: &'p str,
    pub(in crate::detect) version: &'p str,
    /// Whether it is of a registry, and so the table's.
    pub(in crate::detect) published: bool,
    pub(in crate::detect) is_macro: bool,
    /// Whether the binary shows it.
    pub(in crate::detect) seen: bool,
}

/// Crates that something brings on Linux, or that are seen. The others were resolved because of another system, a build script, or
/// an optional dependency that nobody asked for.
pub(in crate::detect) fn brought(crates: &[Resolved<'_>], edges: &[Vec<usize>], roots: &[usize]) -> Vec<bool> {
    let mut woken = HashSet::new();
    let mut reached = vec![false; edges.len()];
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    for &i in roots {
        reached[i] = true;
    }
    let mut open = roots.to_vec();
    while let Some(i) = open.pop() {
        let spare = Spare::of_published(crates[i].name, crates[i].version, crates[i].published);
        let newly = spare.woken().filter(|&name| woken.insert(name));
        let mut next: Vec<usize> = newly.filter_map(|name| waiting.remove(name)).flatten().collect();
        for &d in &edges[i] {
            let needed = crates[d];
            // A macro is never seen, so a feature that brings one is believed.
            let is_believed = needed.is_macro && !is_build_tool(needed.name);
            let is_spare = spare.holds(needed.name, needed.version);
            if !is_spare || needed.seen || is_believed || woken.contains(needed.name) {
                next.push(d);
            } else {
                waiting.entry(needed.name).or_default().push(d);
            }
        }
        open.extend(next.into_iter().filter(|&d| !std::mem::replace(&mut reached[d], true)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spare() {
        for (name, version, spare, not) in [
            (
                "reqwest",
                "0.12.9",
                &["quinn", "wasm-streams", "rustls"][..],
                &["hyper", "hyper-tls", "url"][..],
            ),
            ("rustix", "0.38.40", &["windows-sys"], &["linux-raw-sys"]),
            ("hyper-util", "0.1.99999", &["windows-registry"], &["tokio"]),
            ("hyper-util", "9.0.0", &[], &["windows-registry"]),
            ("nobody-knows-it", "1.0.0", &[], &["libc"]),
            (
                "serde_with",
                "3.14.0",
                &["indexmap", "schemars 0.9.1"],
                &["schemars 0.8.4", "serde"],
            ),
        ] {
            let said = Spare::of(name, version);
            let holds = |dependency: &&str| {
                let (name, version) = dependency.split_once(' ').unwrap_or((dependency, "1.0.0"));
                said.holds(name, version)
            };
            assert!(spare.iter().all(holds), "{name} {version}: {said:?}");
            assert!(!not.iter().any(holds), "{name} {version}: {said:?}");
        }
    }

    #[test]
    fn what_a_build_script_needs_makes_no_macro() {
        for (name, version, published, expected) in [
            ("html5ever", "0.26.0", true, false),
            ("darling_core", "0.20.10", true, true),
            ("serde_derive", "1.0.200", true, true),
            // A crate of the application's own that is called so.
            ("html5ever", "0.26.0", false, true),
        ] {
            let toolkit = [("quote", "1.0.40"), ("syn", "2.0.100")].into_iter();
            assert_eq!(
                is_macro(name, version, published, toolkit),
                expected,
                "{name} {published}"
            );
        }
    }

    #[test]
    fn the_table_is_sound() {
        let lines = SPARE.0.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<&str> = lines.filter_map(|line| line.split('\t').next()).collect();
        assert!(names.len() > 2_000 && names.is_sorted());
        assert!(names.iter().all(|name| SPARE.rows(name).next().is_some()));
    }
}
