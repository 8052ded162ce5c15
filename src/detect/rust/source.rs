//! The source that a binary is said to be built from (`--source`): which of its packages the binary holds, and whether what
//! the binary shows agrees.

use super::lock::System;
use crate::{
    detect::Sink,
    ecosystem::CARGO,
    model::{Coordinate, Fact, Observation, ObservationKind, SourceKind, Unit, Workspace},
    parse::binary,
};
use cargo_platform::{Cfg, Platform};
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

/// A workspace, and what of it one binary holds.
pub(in crate::detect) struct Built<'w> {
    workspace: &'w Workspace,
    /// By the index of the unit.
    linked: Vec<Linked>,
}

/// How a unit is in a binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Linked {
    /// It is not.
    No,
    /// Only a macro uses it: it ran in the compiler.
    Macro,
    /// Linked.
    Yes,
}

impl<'w> Built<'w> {
    /// The first workspace that builds a binary of that name, and what it links into it. `platform` is what the binary runs
    /// on; where that leaves a condition open, it holds.
    pub(in crate::detect) fn of(workspaces: &'w [Workspace], path: &str, bytes: &[u8], facts: &[Fact]) -> Option<Self> {
        let file = path.rsplit('/').next().unwrap_or(path);
        let program = binary::is_executable(bytes);
        let roots = |workspace: &Workspace| -> Vec<usize> {
            let builds = |named: &dyn Fn(&str) -> bool| -> Vec<usize> {
                let units = workspace.units.iter().enumerate();
                let by = units.filter(|(_, unit)| unit.builds.iter().any(|stem| named(stem)));
                by.map(|(i, _)| i).collect()
            };
            let named = builds(&|stem| is_called(file, stem));
            // What a function's runtime starts has this name, whatever cargo called it.
            if named.is_empty() && program && file == "bootstrap" {
                return builds(&|_| true);
            }
            named
        };
        let (workspace, roots) = workspaces
            .iter()
            .find_map(|w| Some((w, roots(w))).filter(|(_, r)| !r.is_empty()))?;
        let linked = linked(workspace, &roots, &Conditions::of(System::of(bytes), facts));
        Some(Self { workspace, linked })
    }

    /// Packages of registries and repositories that it holds, with how.
    pub(in crate::detect) fn packages(&self) -> impl Iterator<Item = (&'w Unit, Linked)> + '_ {
        let all = self.workspace.units.iter().zip(&self.linked);
        all.filter(|(unit, linked)| **linked != Linked::No && unit.source != SourceKind::Local && !unit.is_macro)
            .map(|(unit, linked)| (unit, *linked))
    }

    /// Whether code calls a library of the source by that name.
    pub(in crate::detect) fn knows(&self, identifier: &str) -> bool {
        let units = self.workspace.units.iter();
        units
            .filter_map(|unit| unit.identifier.as_deref())
            .any(|known| known == identifier)
    }

    /// The packages that code calls by that name, the linked ones if any is.
    pub(in crate::detect) fn called(&self, identifier: &str) -> Vec<&'w Unit> {
        let called = self
            .packages()
            .filter(|(unit, _)| unit.identifier.as_deref() == Some(identifier));
        called.map(|(unit, _)| unit).collect()
    }

    /// Observes where the binary and its source disagree. `seen` are crates of the binary with their versions, `named` those of
    /// which it shows the name alone; `complete` says that it holds no others.
    pub(in crate::detect) fn compare(
        &self,
        seen: &BTreeSet<(&str, &str)>,
        named: &BTreeSet<&str>,
        complete: bool,
        found: &mut Sink<'_>,
    ) {
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for unit in &self.workspace.units {
            versions.entry(&unit.name).or_default().insert(&unit.version);
        }
        let list = |versions: &BTreeSet<&str>| versions.iter().copied().collect::<Vec<_>>().join(", ");
        for (name, version) in seen {
            let coordinate = CARGO.coordinate(name, Some(version));
            match versions.get(name) {
                None => self.observe(ObservationKind::NotInSource, coordinate, String::new(), found),
                Some(others) if !others.contains(version) => {
                    self.observe(ObservationKind::OtherInSource, coordinate, list(others), found);
                }
                Some(_) => {}
            }
        }
        for name in named.iter().filter(|name| !versions.contains_key(*name)) {
            let coordinate = CARGO.coordinate(name, None);
            self.observe(ObservationKind::NotInSource, coordinate, String::new(), found);
        }
        let held: BTreeSet<&str> = seen.iter().map(|(name, _)| *name).collect();
        if complete {
            for (unit, linked) in self.packages() {
                if linked == Linked::Yes && !held.contains(&*unit.name) {
                    let coordinate = CARGO.coordinate(&unit.name, Some(&unit.version));
                    self.observe(ObservationKind::NotInBinary, coordinate, String::new(), found);
                }
            }
        }
    }

    fn observe(&self, kind: ObservationKind, subject: Coordinate, others: String, found: &mut Sink<'_>) {
        let mut against = found.place();
        (against.archives, against.path) = ([].into(), format!("{}/Cargo.lock", self.workspace.folder).into());
        let location = found.place();
        found.observations.push(Observation {
            kind,
            subject,
            location,
            against,
            others: others.into(),
        });
    }
}

/// What a unit of the source says of the component that it is.
pub(in crate::detect) fn facts(unit: &Unit) -> Option<Fact> {
    match &unit.source {
        SourceKind::CratesIo => None,
        SourceKind::Local => Some(Fact::Origin("file:".into())),
        SourceKind::Git(url) => Some(Fact::Origin(format!("git+{url}").into())),
        SourceKind::Registry(url) => Some(Fact::Registry(url.clone())),
    }
}

/// Whether a file is what cargo builds under that name: `name`, `name.exe`, `libname.so`, or a library renamed for Python
/// (`name.abi3.so`) or Node (`name.linux-x64-gnu.node`).
fn is_called(file: &str, stem: &str) -> bool {
    let bare = file.strip_prefix("lib").unwrap_or(file);
    [file, bare].iter().any(|file| {
        let rest = file.strip_prefix(stem);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn linked(workspace: &Workspace, roots: &[usize], conditions: &Conditions) -> Vec<Linked> {
    let mut linked = vec![Linked::No; workspace.units.len()];
    let mut open: Vec<(usize, Linked)> = roots.iter().map(|&root| (root, Linked::Yes)).collect();
    while let Some((at, how)) = open.pop() {
        let Some(unit) = workspace.units.get(at) else { continue };
        if linked[at] >= how {
            continue;
        }
        linked[at] = how;
        let next = if unit.is_macro { Linked::Macro } else { how };
        let needs = unit
            .needs
            .iter()
            .filter(|need| conditions.allow(need.platform.as_deref()));
        open.extend(needs.map(|need| (need.unit, next)));
    }
    linked
}

/// What is known of the platform of a binary, as `cfg` conditions name it.
struct Conditions {
    /// One for each C library that it may be made for.
    possible: Vec<Vec<Cfg>>,
    triples: Vec<String>,
}

impl Conditions {
    fn of(system: System, facts: &[Fact]) -> Self {
        let arch = facts.iter().find_map(|fact| match fact {
            Fact::Arch(arch) => Some(*arch),
            _ => None,
        });
        let arch = match system {
            System::Wasm => "wasm32",
            _ => arch.unwrap_or("x86_64"),
        };
        let width = if matches!(arch, "x86" | "arm" | "wasm32") {
            "32"
        } else {
            "64"
        };
        let (words, os, vendor, envs): (&[&str], _, _, &[&str]) = match system {
            System::Unix => (&["unix"], "linux", "unknown", &["gnu", "musl"]),
            System::Apple => (&["unix"], "macos", "apple", &[""]),
            System::Windows => (&["windows"], "windows", "pc", &["msvc", "gnu"]),
            System::Wasm => (&[], "wasi", "unknown", &["p1"]),
        };
        let possible = envs.iter().map(|env| {
            let mut lines: Vec<String> = words.iter().map(ToString::to_string).collect();
            let mut pair = |key: &str, value: &str| lines.push(format!("{key}=\"{value}\""));
            pair("target_arch", arch);
            pair("target_os", os);
            pair("target_vendor", vendor);
            pair("target_env", env);
            pair("target_endian", "little");
            pair("target_pointer_width", width);
            pair("panic", "unwind");
            for family in words {
                pair("target_family", family);
            }
            for size in ["8", "16", "32", "64", "ptr"] {
                pair("target_has_atomic", size);
            }
            lines.iter().filter_map(|line| Cfg::from_str(line).ok()).collect()
        });
        let triple = |env: &&str| match (os, *env) {
            ("macos", _) => format!("{arch}-apple-darwin"),
            ("wasi", _) => format!("{arch}-wasip1"),
            (os, env) => format!("{}-{vendor}-{os}-{env}", if arch == "x86" { "i686" } else { arch }),
        };
        Self {
            possible: possible.collect(),
            triples: envs.iter().map(triple).collect(),
        }
    }

    /// Whether an edge of that platform may hold here.
    fn allow(&self, platform: Option<&str>) -> bool {
        let Some(Ok(platform)) = platform.map(Platform::from_str) else {
            return true;
        };
        let pairs = self.possible.iter().zip(&self.triples);
        pairs.into_iter().any(|(cfg, triple)| platform.matches(triple, cfg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_built() {
        for (file, stem, expected) in [
            ("orders", "orders", true),
            ("orders.exe", "orders", true),
            ("liborders.so", "orders", true),
            ("_orders.abi3.so", "_orders", true),
            ("orders.linux-x64-gnu.node", "orders", true),
            ("library", "library", true),
            ("orders-api", "orders", false),
            ("bootstrap", "orders", false),
        ] {
            assert_eq!(is_called(file, stem), expected, "{file} {stem}");
        }
    }

    #[test]
    fn platforms() {
        let facts = [Fact::Os("linux"), Fact::Arch("aarch64")];
        let linux = Conditions::of(System::Unix, &facts);
        for (platform, expected) in [
            (None, true),
            (Some("cfg(unix)"), true),
            (Some("cfg(windows)"), false),
            (Some("cfg(target_env = \"musl\")"), true),
            (Some("cfg(target_os = \"macos\")"), false),
            (Some("cfg(all(target_arch = \"aarch64\", target_os = \"linux\"))"), true),
            (Some("cfg(target_arch = \"wasm32\")"), false),
            (Some("aarch64-unknown-linux-gnu"), true),
            (Some("x86_64-pc-windows-msvc"), false),
            (Some("cfg(not(windows))"), true),
        ] {
            assert_eq!(linux.allow(platform), expected, "{platform:?}");
        }
    }
}
