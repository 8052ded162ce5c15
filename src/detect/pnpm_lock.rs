//! pnpm's lock file, `pnpm-lock.yaml`, versions 5 to 9.

use super::{
    DetectError, Detector, Interest, Sink,
    js::module_path::{is_package_name, is_version},
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
use std::collections::BTreeMap;

pub(super) struct PnpmLock;

/// What the sections of the file say of one package.
#[derive(Default)]
struct Package {
    facts: Vec<Fact>,
    requires: Vec<Coordinate>,
}

impl Detector for PnpmLock {
    fn id(&self) -> &'static str {
        "pnpm-lock"
    }

    fn reads(&self) -> &'static str {
        "`pnpm-lock.yaml` (lockfileVersion 5-9)"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "pnpm-lock.yaml" && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        let mut lines = indented::lines(&text).peekable();
        if !lines.any(|line| line.key == "lockfileVersion") {
            return Err(DetectError(
                "no lockfileVersion in it; write the lock file again with pnpm".to_owned(),
            ));
        }
        let mut packages: BTreeMap<Coordinate, Package> = BTreeMap::new();
        let (mut section, mut current, mut list) = (String::new(), None, String::new());
        for line in lines {
            match line.indent {
                0 => {
                    line.key.clone_into(&mut section);
                    current = None;
                }
                2 if matches!(&*section, "packages" | "snapshots") => {
                    current = package(&indented::unquote(line.key));
                    list.clear();
                    if let Some(coordinate) = &current {
                        packages.entry(coordinate.clone()).or_default();
                    }
                }
                4 => {
                    line.key.clone_into(&mut list);
                    if let Some(known) = current.as_ref().and_then(|c| packages.get_mut(c)) {
                        member(known, &line);
                    }
                }
                6 if matches!(&*list, "dependencies" | "optionalDependencies") => {
                    if let Some(known) = current.as_ref().and_then(|c| packages.get_mut(c)) {
                        known
                            .requires
                            .extend(dependency(&indented::unquote(line.key), &line.value));
                    }
                }
                // The application's own wishes, with what they were resolved to.
                8 if section == "importers" && line.key == "version" => {}
                _ => {}
            }
        }
        for (coordinate, package) in packages {
            let mut added = found.add(coordinate, Proof::Locked, 1.0).requires(package.requires);
            for fact in package.facts {
                added = added.fact(fact);
            }
        }
        Ok(())
    }
}

fn member(package: &mut Package, line: &Line<'_>) {
    if let ("resolution", Some((_, rest))) = (line.key, line.value.split_once("integrity:")) {
        let integrity = rest.trim_start().split([',', '}', ' ']).next().unwrap_or_default();
        package.facts.push(Fact::Integrity(integrity.into()));
    }
    let fact = match (line.key, &*line.value) {
        ("dev" | "optional", "true") => Fact::Dispensable,
        ("requiresBuild", "true") => Fact::InstallScript,
        ("deprecated", reason) if !reason.is_empty() => Fact::Deprecated(reason.into()),
        ("resolution", from) if from.contains("tarball:") || from.contains("repo:") => Fact::Origin(from.into()),
        _ => return,
    };
    if !package.facts.contains(&fact) {
        package.facts.push(fact);
    }
}

/// `/name/1.0.0_peer@2` (5), `/name@1.0.0(peer@2)` (6), `name@1.0.0(peer@2)` (9); a name alone where it is from elsewhere.
fn package(key: &str) -> Option<Coordinate> {
    let key = key.strip_prefix('/').unwrap_or(key);
    let start = usize::from(key.starts_with('@'));
    let slash = key.get(start..)?.find('/').map(|at| at + start);
    let scope_end = if start == 1 { slash? + 1 } else { 0 };
    let rest = key.get(scope_end..)?;
    let cut = rest.find(['@', '/'])?;
    let (name, version) = (key.get(..scope_end + cut)?, rest.get(cut + 1..)?);
    let version = version.split(['(', '_']).next().unwrap_or_default();
    let version = version.rsplit_once("@npm:").map_or(version, |(_, v)| v);
    is_package_name(name).then(|| NPM.coordinate(name, Some(version).filter(|v| is_version(v))))
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
            ("@a", None),
            ("", None),
        ] {
            let found = package(key);
            let shown = found.as_ref().map(|c| (&*c.name, c.version.as_deref()));
            assert_eq!(shown, expected, "{key}");
        }
    }
}
