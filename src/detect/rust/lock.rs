//! `Cargo.lock` as a graph, and what of it one binary can hold.
//!
//! The file covers every target, every feature, tests and build scripts, so it names more crates than are linked. What can
//! not be in a binary is told from the graph: crates for other systems, procedural macros and what only they use, build
//! scripts' tools, and (where a symbol table names what is there) whole branches of which nothing is seen.

use super::{
    compile_time::{is_build_tool, is_macro_name, is_test_tool},
    spare::{Resolved, brought, is_macro},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    package: Vec<Package>,
}

/// One `[[package]]`.
#[derive(Debug, Deserialize)]
pub(in crate::detect) struct Package {
    /// As published.
    pub(in crate::detect) name: String,
    /// As published.
    pub(in crate::detect) version: String,
    /// Absent for the workspace's own members and path dependencies.
    pub(in crate::detect) source: Option<String>,
    /// SHA-256 of the crate's archive, in hexadecimal.
    pub(in crate::detect) checksum: Option<String>,
    /// `NAME`, `NAME VERSION` or `NAME VERSION (SOURCE)`, the shortest that is unambiguous.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Package {
    /// Its checksum in the form of [`crate::model::Fact::Integrity`].
    pub(in crate::detect) fn integrity(&self) -> Option<Box<str>> {
        let hexadecimal = self.checksum.as_deref().filter(|c| c.len() == 64 && c.is_ascii())?;
        let byte = |at: usize| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..64).step_by(2).map(byte).collect::<Option<_>>()?;
        Some(format!("sha256-{}", BASE64_STANDARD.encode(bytes)).into())
    }

    fn resolved(&self, is_macro: bool, seen: bool) -> Resolved<'_> {
        Resolved {
            name: &self.name,
            version: &self.version,
            published: self.source.is_some(),
            is_macro,
            seen,
        }
    }
}

/// A lock file.
#[derive(Debug)]
pub(in crate::detect) struct Lock {
    /// In the file's order.
    pub(in crate::detect) packages: Vec<Package>,
}

/// What a lock file says of one of its packages and one binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Linked {
    /// Cannot be in it.
    No,
    /// Only macros use it: it ran in the compiler.
    Macro,
    /// Nothing speaks against it.
    Maybe,
}

/// Whether a binary shows a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::detect) enum Seen {
    /// Nothing of it.
    #[default]
    No,
    /// Its name, which several versions have.
    ByName,
    /// By its version, or by a name that no other version has.
    Exactly,
}

impl Lock {
    /// # Errors
    /// When it is not a lock file.
    pub(in crate::detect) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str::<Document>(text).map(|document| Self {
            packages: document.package,
        })
    }

    /// Indices of what each package depends on, as the file has it.
    fn stated(&self) -> Vec<Vec<usize>> {
        // A name may have as many versions as a hostile file has lines, so each is looked up by both.
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        let mut by_version: HashMap<(&str, &str), usize> = HashMap::new();
        for (i, package) in self.packages.iter().enumerate() {
            by_name.entry(&package.name).or_insert(i);
            by_version.entry((&package.name, &package.version)).or_insert(i);
        }
        let resolve = |dependency: &String| {
            let mut words = dependency.split(' ');
            let name = words.next()?;
            let exact = words.next().and_then(|version| by_version.get(&(name, version)));
            exact.or_else(|| by_name.get(name)).copied()
        };
        let needs = |p: &Package| p.dependencies.iter().filter_map(resolve).collect();
        self.packages.iter().map(needs).collect()
    }

    /// Indices of what each package depends on.
    pub(in crate::detect) fn edges(&self) -> Vec<Vec<usize>> {
        self.without_pins(self.stated())
    }

    fn without_pins(&self, mut edges: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        for (package, needs) in self.packages.iter().zip(&mut edges) {
            let has = |name: &str| needs.iter().any(|&i| self.packages[i].name == name);
            // serde's crates hold one another to one version by dependencies that no target has; the lock file cannot tell
            // them from real ones.
            let pin = match (package.name.as_str(), has("serde_core")) {
                ("serde_core", _) => "serde_derive",
                (_, true) => "serde",
                _ => continue,
            };
            needs.retain(|&i| self.packages[i].name != pin);
        }
        edges
    }

    /// What may be in a binary of a system in which the packages are `seen` (by index). `complete`: crates that leave no
    /// trace are few, because a symbol table is there.
    pub(in crate::detect) fn linked(&self, seen: &[Seen], system: System, complete: bool) -> Vec<Linked> {
        let n = self.packages.len();
        let stated = self.stated();
        // What only a pin names is no root: nothing asked for it.
        let mut needed = vec![false; n];
        stated.iter().flatten().for_each(|&d| needed[d] = true);
        let edges = self.without_pins(stated);
        let seen = |i: usize| seen.get(i).copied().unwrap_or_default();
        let is_seen = |i: usize| seen(i) != Seen::No;
        let name = |i: usize| self.packages[i].name.as_str();
        let is_macro: Vec<bool> = (0..n)
            .map(|i| {
                let needs = edges[i].iter().map(|&d| &self.packages[d]);
                let needs = needs.map(|p| (&*p.name, &*p.version));
                let published = self.packages[i].source.is_some();
                published && is_macro(name(i), &self.packages[i].version, published, needs)
            })
            .collect();
        let roots: Vec<usize> = (0..n)
            .filter(|&i| !needed[i] || self.packages[i].source.is_none())
            .collect();
        let brought = match system {
            System::Unix => {
                let all = self.packages.iter().enumerate();
                let resolved: Vec<_> = all.map(|(i, p)| p.resolved(is_macro[i], is_seen(i))).collect();
                brought(&resolved, &edges, &roots)
            }
            _ => vec![true; n],
        };
        let is_tool = |name: &str| is_build_tool(name) || is_test_tool(name);
        let other = |i: usize| !brought[i] || is_tool(name(i)) || system.excludes(name(i));
        let pruned = |i: usize| !is_seen(i) && (is_macro[i] || other(i));
        let mut linked = vec![Linked::No; n];
        let reached = reach(&edges, &roots, &pruned);
        for i in (0..n).filter(|&i| reached[i]) {
            linked[i] = Linked::Maybe;
        }
        for i in self.macros(&edges, &roots, &is_macro, &pruned, &other, &reached) {
            linked[i] = linked[i].max(Linked::Macro);
        }
        // About a third of all linked crates leave no symbol, and half of them none of a stripped binary's other traces.
        let branch = if complete { 5 } else { 12 };
        for i in self.unseen_branches(&edges, &roots, &pruned, &seen, branch) {
            linked[i] = Linked::No;
        }
        // Of the versions of a name those that can be reached, or all where none can.
        for versions in self.by_identifier().values() {
            let is_any_reached = versions.iter().any(|&i| linked[i] == Linked::Maybe);
            for &i in versions {
                match seen(i) {
                    Seen::Exactly => linked[i] = Linked::Maybe,
                    Seen::ByName if !is_any_reached => linked[i] = Linked::Maybe,
                    Seen::ByName | Seen::No => {}
                }
            }
        }
        linked
    }

    /// Macros that something `reached` asks for, and what they are made of.
    fn macros(
        &self,
        edges: &[Vec<usize>],
        roots: &[usize],
        is_macro: &[bool],
        pruned: &dyn Fn(usize) -> bool,
        other: &dyn Fn(usize) -> bool,
        reached: &[bool],
    ) -> Vec<usize> {
        let n = edges.len();
        let asked_for = reach(edges, roots, &|i| other(i) || (!is_macro[i] && pruned(i)));
        let mut is_used_as_one = vec![false; n];
        for i in (0..n).filter(|&i| reached[i] || self.packages[i].source.is_none()) {
            edges[i].iter().for_each(|&d| is_used_as_one[d] = true);
        }
        let asked_for: Vec<usize> = (0..n).filter(|&i| is_macro[i] && asked_for[i]).collect();
        let in_the_compiler = reach(edges, &asked_for, other);
        // What macros are made of is a macro itself by its name, or where something else uses it as one.
        let is_one = |i: usize| is_macro[i] && (is_used_as_one[i] || is_macro_name(&self.packages[i].name));
        (0..n).filter(|&i| in_the_compiler[i] && !is_one(i)).collect()
    }

    /// Unseen packages that only the workspace asks for and that lead to `branch` unseen ones, and those: what its tests and
    /// benchmarks use. A single crate may be all types; a whole branch of which nothing is left was not built.
    fn unseen_branches(
        &self,
        edges: &[Vec<usize>],
        roots: &[usize],
        pruned: &dyn Fn(usize) -> bool,
        seen: &dyn Fn(usize) -> Seen,
        branch: usize,
    ) -> Vec<usize> {
        /// Steps of the walks: one over the whole graph for each unseen package. A lock file of 1,000 packages and 4,000
        /// edges stays below; of a larger one nothing is said.
        const STEPS: usize = 8_000_000;
        let n = self.packages.len();
        if n.saturating_mul(n + edges.iter().map(Vec::len).sum::<usize>()) > STEPS {
            return Vec::new();
        }
        let base = reach(edges, roots, pruned);
        let mut only_the_workspace = vec![true; n];
        for i in (0..n).filter(|&i| base[i] && self.packages[i].source.is_some()) {
            edges[i].iter().for_each(|&d| only_the_workspace[d] = false);
        }
        let is_candidate = |i: usize| base[i] && seen(i) == Seen::No && !roots.contains(&i) && only_the_workspace[i];
        let lost_without = |out: &[usize]| -> Vec<usize> {
            let without = reach(edges, roots, &|j| out.contains(&j) || pruned(j));
            (0..n).filter(|&j| base[j] && !without[j]).collect()
        };
        let is_unbuilt = |i: &usize| {
            let lost = lost_without(&[*i]);
            lost.len() >= branch && lost.iter().all(|&j| seen(j) != Seen::Exactly)
        };
        let heads: Vec<usize> = (0..n).filter(|&i| is_candidate(i)).filter(is_unbuilt).collect();
        // What two of them share goes with both.
        let mut gone = lost_without(&heads);
        gone.retain(|&j| seen(j) != Seen::Exactly);
        gone
    }

    /// Packages by identifier.
    pub(in crate::detect) fn by_identifier(&self) -> BTreeMap<String, Vec<usize>> {
        let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, package) in self.packages.iter().enumerate().filter(|(_, p)| p.source.is_some()) {
            all.entry(super::names::identifier(&package.name)).or_default().push(i);
        }
        all
    }
}

fn reach(edges: &[Vec<usize>], from: &[usize], pruned: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut reached = vec![false; edges.len()];
    let mut open = from.to_vec();
    while let Some(i) = open.pop() {
        for &next in &edges[i] {
            if !reached[next] && !pruned(next) {
                reached[next] = true;
                open.push(next);
            }
        }
    }
    reached
}

/// The operating system that a binary is for, as its format tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum System {
    /// ELF: Linux and its like.
    Unix,
    /// PE.
    Windows,
    /// Mach-O.
    Apple,
    /// WebAssembly.
    Wasm,
}

impl System {
    /// By the first bytes.
    pub(in crate::detect) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [b'M', b'Z', ..] => Self::Windows,
            [0, b'a', b's', b'm', ..] => Self::Wasm,
            [0x7f, ..] => Self::Unix,
            _ => Self::Apple,
        }
    }

    /// Whether a crate is made for another system only.
    fn excludes(self, name: &str) -> bool {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|p| name.starts_with(p));
        let home = if starts(&[
            "windows",
            "winapi",
            "schannel",
            "wepoll",
            "miow",
            "winreg",
            "anstyle-wincon",
        ]) {
            Self::Windows
        } else if starts(&[
            "core-foundation",
            "security-framework",
            "objc",
            "mach2",
            "fsevent",
            "system-configuration",
        ]) {
            Self::Apple
        } else if starts(&[
            "wasi",
            "wasm-",
            "js-sys",
            "web-sys",
            "web-time",
            "wit-",
            "wasip",
            "gloo",
            "console_error",
        ]) {
            Self::Wasm
        } else {
            return starts(&[
                "redox_",
                "libredox",
                "hermit",
                "android",
                "ndk",
                "jni",
                "r-efi",
                "iana-time-zone-haiku",
                "kqueue",
            ]);
        };
        home != self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["a", "macro-derive", "windows-sys", "trace"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+x"
dependencies = ["types"]
[[package]]
name = "types"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "macro-derive"
version = "1.0.0"
source = "registry+x"
dependencies = ["syn 2.0.0"]
[[package]]
name = "syn"
version = "2.0.0"
source = "registry+x"
[[package]]
name = "windows-sys"
version = "0.52.0"
source = "registry+x"
[[package]]
name = "trace"
version = "1.0.0"
source = "registry+x"
dependencies = ["inner1", "inner2", "inner3", "inner4"]
[[package]]
name = "inner1"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "inner2"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "inner3"
version = "1.0.0"
source = "registry+x"
[[package]]
name = "inner4"
version = "1.0.0"
source = "registry+x"
"#;

    #[test]
    fn what_a_binary_can_hold() {
        let lock = Lock::parse(TEXT).expect("parses");
        let seen = |p: &Package| if p.name == "a" { Seen::Exactly } else { Seen::No };
        let seen: Vec<Seen> = lock.packages.iter().map(seen).collect();
        let may = |linked: Vec<Linked>| -> Vec<String> {
            let all = lock.packages.iter().zip(linked).filter(|(_, l)| *l != Linked::No);
            all.map(|(p, l)| format!("{} {l:?}", p.name)).collect()
        };
        assert_eq!(
            may(lock.linked(&seen, System::Unix, true)),
            ["a Maybe", "types Maybe", "syn Macro"]
        );
        assert_eq!(
            may(lock.linked(&seen, System::Windows, false)),
            [
                "a Maybe",
                "types Maybe",
                "syn Macro",
                "windows-sys Maybe",
                "trace Maybe",
                "inner1 Maybe",
                "inner2 Maybe",
                "inner3 Maybe",
                "inner4 Maybe"
            ]
        );
    }

    #[test]
    fn versions_of_a_name() {
        let package = |name: &str, version: &str, needs: &str| {
            format!("[[package]]\nname='{name}'\nversion='{version}'\nsource='x'\ndependencies=[{needs}]\n")
        };
        let own = |needs: &str| format!("[[package]]\nname='app'\nversion='1.0.0'\ndependencies=[{needs}]\n");
        let two = package("tide", "1.0.0", "") + &package("tide", "2.0.0", "");
        let tools = package("winapi", "0.3.9", "'tide 1.0.0', 'tide 2.0.0'");
        for (what, text, shown) in [
            (
                "one is reached",
                own("'tide 2.0.0','winapi'") + &tools,
                &["tide 2.0.0"][..],
            ),
            (
                "none is reached",
                own("'winapi'") + &tools,
                &["tide 1.0.0", "tide 2.0.0"],
            ),
        ] {
            let lock = Lock::parse(&(text + &two)).expect("parses");
            let seen = |p: &Package| match &*p.name {
                "tide" => Seen::ByName,
                _ => Seen::No,
            };
            let seen: Vec<Seen> = lock.packages.iter().map(seen).collect();
            let linked = lock.linked(&seen, System::Unix, true);
            let all = lock
                .packages
                .iter()
                .zip(linked)
                .filter(|(p, l)| *l == Linked::Maybe && p.source.is_some());
            let all: Vec<String> = all.map(|(p, _)| format!("{} {}", p.name, p.version)).collect();
            assert_eq!(all, shown, "{what}");
        }
    }

    #[test]
    fn versions_without_number_are_told_apart() {
        // Quadratic work on these would take minutes.
        const N: usize = 30_000;
        let package = |i: usize| {
            let needed = (i * 7919) % N;
            format!("[[package]]\nname='a'\nversion='0.0.{i}'\nsource='x'\ndependencies=['a 0.0.{needed}']\n")
        };
        let lock = Lock::parse(&(0..N).map(package).collect::<String>()).expect("parses");
        let edges = lock.edges();
        assert!((0..N).all(|i| edges[i] == [(i * 7919) % N]));
        let linked = lock.linked(&vec![Seen::ByName; N], System::Unix, true);
        assert_eq!(linked.len(), N);
    }

    #[test]
    fn loops_end() {
        let text = "[[package]]\nname='a'\nversion='1'\nsource='x'\ndependencies=['b']\n[[package]]\nname='b'\nversion='1'\nsource='x'\ndependencies=['a','b','gone']\n";
        let lock = Lock::parse(text).expect("parses");
        assert_eq!(lock.linked(&[], System::Unix, true).len(), 2);
    }
}
