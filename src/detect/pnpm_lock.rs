//! pnpm's lock file, `pnpm-lock.yaml`, versions 5 to 9.

use super::{
    DetectError, Detector, Interest, Sink,
    js::{
        module_path::{is_package_name, is_version},
        wishes::Wishes,
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::{
        self,
        indented::{self, Line},
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) struct PnpmLock;

/// What the sections of the file say of one package.
#[derive(Default)]
struct Package {
    /// Both stand apart from the key where that is an address (`github.com/a/b/0123`, `b@https://…`).
    name: Option<String>,
    version: Option<String>,
    facts: Vec<Fact>,
    /// Name and reference, and whether it cannot do without.
    requires: Vec<(String, String, bool)>,
}

/// All that is read of the file.
#[derive(Default)]
struct Lock {
    packages: BTreeMap<String, Package>,
    /// What the application and its workspaces ask for, as [`Package::requires`].
    wishes: Vec<(String, String, bool)>,
}

impl Detector for PnpmLock {
    fn id(&self) -> &'static str {
        "pnpm-lock"
    }

    fn reads(&self) -> &'static str {
        "`pnpm-lock.yaml` (lockfileVersion 5-9), `node_modules/.pnpm/lock.yaml`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        // What pnpm keeps in its store is of what it installed.
        let stored =
            meta.path == "node_modules/.pnpm/lock.yaml" || meta.path.ends_with("/node_modules/.pnpm/lock.yaml");
        Interest::read_if(stored || meta.file_name() == "pnpm-lock.yaml" && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        let mut lines = indented::lines(&text).peekable();
        if !lines.any(|line| line.key == "lockfileVersion") {
            return Err(DetectError(
                "no lockfileVersion in it; write the lock file again with pnpm".to_owned(),
            ));
        }
        let lock = Lock::of(lines);
        let known: HashMap<&str, Coordinate> = lock
            .packages
            .iter()
            .filter_map(|(key, package)| Some((&**key, package.coordinate(key)?)))
            .collect();
        // One package may be there with several sets of peers.
        let mut packages: BTreeMap<&Coordinate, (Vec<&Fact>, Vec<Coordinate>)> = BTreeMap::new();
        let mut needs: HashMap<Coordinate, Vec<Coordinate>> = HashMap::new();
        let mut aliases: HashMap<Coordinate, BTreeSet<&str>> = HashMap::new();
        for (key, package) in &lock.packages {
            let Some(coordinate) = known.get(&**key) else { continue };
            let (facts, edges) = packages.entry(coordinate).or_default();
            facts.extend(&package.facts);
            for (name, reference, needed) in &package.requires {
                let Some(required) = resolve(name, reference, &known) else {
                    continue;
                };
                if *required.name != **name {
                    aliases.entry(required.clone()).or_default().insert(name);
                }
                if *needed {
                    needs.entry(coordinate.clone()).or_default().push(required.clone());
                }
                edges.push(required);
            }
        }
        let mut wishes = Wishes::default();
        for (name, reference, needed) in &lock.wishes {
            if let Some(coordinate) = resolve(name, reference, &known) {
                if *coordinate.name != **name {
                    aliases.entry(coordinate.clone()).or_default().insert(name);
                }
                wishes.add(coordinate, *needed);
            }
        }
        let judged = wishes.judge(&needs);
        for (coordinate, (mut facts, edges)) in packages {
            facts.sort_unstable();
            facts.dedup();
            let own = judged.facts(coordinate).filter(|fact| !facts.contains(&fact));
            let called = aliases.get(coordinate).into_iter().flatten();
            let own: Vec<Fact> = own.chain(called.map(|name| Fact::Alias((*name).into()))).collect();
            let added = found.add(coordinate.clone(), Proof::Locked, 1.0).requires(edges);
            let _ = added.facts(facts.into_iter().cloned()).facts(own);
        }
        Ok(())
    }
}

impl Lock {
    fn of<'t>(lines: impl Iterator<Item = Line<'t>>) -> Self {
        let mut lock = Self::default();
        let (mut section, mut entry, mut list) = (String::new(), String::new(), String::new());
        // A wish that is written over several lines: its list and its name.
        let mut wish: Option<(String, bool)> = None;
        for line in lines {
            if line.indent == 0 {
                line.key.clone_into(&mut section);
            }
            // With workspaces the application's lists lie below `importers`, two steps further in.
            let wishes = match &*section {
                "importers" => Some(4),
                "dependencies" | "optionalDependencies" | "devDependencies" => Some(0),
                _ => None,
            };
            if let Some(start) = wishes {
                let needed = match line.indent.checked_sub(start) {
                    Some(0) => {
                        line.key.clone_into(&mut list);
                        continue;
                    }
                    Some(2 | 4) => match &*list {
                        "dependencies" => true,
                        "optionalDependencies" | "devDependencies" => false,
                        _ => continue,
                    },
                    _ => continue,
                };
                let key = indented::unquote(line.key);
                if line.indent == start + 2 && line.value.is_empty() {
                    wish = Some((key.into_owned(), needed));
                } else if line.indent == start + 2 {
                    lock.wishes.push((key.into_owned(), line.value.into_owned(), needed));
                } else if let ("version", Some((name, needed))) = (&*key, wish.take_if(|_| &*key == "version")) {
                    lock.wishes.push((name, line.value.into_owned(), needed));
                }
            } else if matches!(&*section, "packages" | "snapshots") {
                match line.indent {
                    2 => {
                        entry = indented::unquote(line.key).into_owned();
                        list.clear();
                        lock.packages.entry(entry.clone()).or_default();
                    }
                    4 => {
                        line.key.clone_into(&mut list);
                        if let Some(known) = lock.packages.get_mut(&entry) {
                            member(known, &line);
                        }
                    }
                    6 if matches!(&*list, "dependencies" | "optionalDependencies") => {
                        if let Some(known) = lock.packages.get_mut(&entry) {
                            let name = indented::unquote(line.key).into_owned();
                            known
                                .requires
                                .push((name, line.value.into_owned(), list == "dependencies"));
                        }
                    }
                    _ => {}
                }
            }
        }
        lock
    }
}

impl Package {
    fn coordinate(&self, key: &str) -> Option<Coordinate> {
        let written = package(key);
        let version = self.version.as_deref().filter(|v| is_version(v));
        match self.name.as_deref().filter(|name| is_package_name(name)) {
            Some(name) => {
                let known = written.and_then(|c| c.version);
                Some(NPM.coordinate(name, version.or(known.as_deref())))
            }
            None => written.map(|c| match (&c.version, version) {
                (None, Some(_)) => NPM.coordinate(&c.name, version),
                _ => c,
            }),
        }
    }
}

/// What a list says that a name is: a version, another package's key (an alias), an address.
fn resolve(name: &str, reference: &str, known: &HashMap<&str, Coordinate>) -> Option<Coordinate> {
    if let Some(coordinate) = known.get(reference) {
        return Some(coordinate.clone());
    }
    if let Some(coordinate) = known.get(&*format!("{name}@{reference}")) {
        return Some(coordinate.clone());
    }
    dependency(name, reference)
}

fn member(package: &mut Package, line: &Line<'_>) {
    if let ("resolution", Some((_, rest))) = (line.key, line.value.split_once("integrity:")) {
        let integrity = rest.trim_start().split([',', '}', ' ']).next().unwrap_or_default();
        package.facts.push(Fact::Integrity(integrity.into()));
    }
    match line.key {
        "name" => package.name = Some(line.value.clone().into_owned()),
        "version" => package.version = Some(line.value.clone().into_owned()),
        _ => {}
    }
    let fact = match (line.key, &*line.value) {
        ("dev" | "optional", "true") => Fact::Dispensable,
        ("requiresBuild", "true") => Fact::InstallScript,
        // A reason of several lines is not read on.
        ("deprecated", ">" | ">-" | "|" | "|-") => Fact::Deprecated("deprecated by its publisher".into()),
        ("deprecated", reason) if !reason.is_empty() => Fact::Deprecated(reason.into()),
        ("resolution", from) if from.contains("tarball:") || from.contains("repo:") => Fact::Origin(from.into()),
        _ => return,
    };
    if !package.facts.contains(&fact) {
        package.facts.push(fact);
    }
}

/// `/name/1.0.0_peer@2` (5), `/name@1.0.0(peer@2)` (6), `name@1.0.0(peer@2)` (9), `host.example/name/1.0.0` (5 and 6, from
/// another registry); a name alone where it is from elsewhere.
fn package(key: &str) -> Option<Coordinate> {
    let (host, path) = key.split_once('/').unwrap_or_default();
    let elsewhere = host.contains('.') && !host.contains('@');
    let key = if elsewhere || host.is_empty() && !path.is_empty() {
        path
    } else {
        key
    };
    let start = usize::from(key.starts_with('@'));
    let slash = key.get(start..)?.find('/').map(|at| at + start);
    let scope_end = if start == 1 { slash? + 1 } else { 0 };
    let rest = key.get(scope_end..)?;
    let cut = rest.find(['@', '/'])?;
    let (name, version) = (key.get(..scope_end + cut)?, rest.get(cut + 1..)?);
    let version = version.split(['(', '_']).next().unwrap_or_default();
    let version = version.rsplit_once("@npm:").map_or(version, |(_, v)| v);
    let version = Some(version).filter(|v| is_version(v));
    // An address that begins with a host is no name: `github.com/a/b/0123`.
    (is_package_name(name) && !(elsewhere && version.is_none())).then(|| NPM.coordinate(name, version))
}

/// `ms: 2.0.0`, `ms: 2.0.0(peer@1)`, and an alias: `nick: /real@1.0.0`, `nick: real@1.0.0`.
fn dependency(name: &str, version: &str) -> Option<Coordinate> {
    let plain = version.split(['(', '_']).next().unwrap_or_default();
    if is_version(plain) {
        return is_package_name(name).then(|| NPM.coordinate(name, Some(plain)));
    }
    package(version).filter(|c| c.version.is_some())
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn keys_of_all_versions() {
        for (key, expected) in [
            ("/lodash/4.17.21", Some(("lodash", Some("4.17.21")))),
            ("/@babel/core/7.0.0_peer@1.0.0", Some(("@babel/core", Some("7.0.0")))),
            ("/lodash@4.17.21", Some(("lodash", Some("4.17.21")))),
            ("/@a/b@1.0.0(c@2.0.0)(d@3.0.0)", Some(("@a/b", Some("1.0.0")))),
            ("@a/b@1.0.0-rc.1", Some(("@a/b", Some("1.0.0-rc.1")))),
            ("x@https://example.test/x.tgz", Some(("x", None))),
            ("npm.example.test/@a/b/1.0.0", Some(("@a/b", Some("1.0.0")))),
            ("git.example.test/a/b/0123456", None),
            ("@a", None),
            ("", None),
        ] {
            let found = package(key);
            let shown = found.as_ref().map(|c| (&*c.name, c.version.as_deref()));
            assert_eq!(shown, expected, "{key}");
        }
    }
}
