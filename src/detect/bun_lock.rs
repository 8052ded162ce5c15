//! bun's lock file: `bun.lock`, and its binary forerunner, which is told and not read.

use super::{
    DetectError, Detector, Interest, Sink,
    js::{
        module_path::{is_package_name, is_version},
        wishes::{Manifest, Wishes},
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::{
        self,
        json::{self, Members},
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

pub(super) struct BunLock;

#[derive(Deserialize)]
struct Lock {
    /// By folder; `""` is the application.
    #[serde(default)]
    workspaces: Members<Manifest>,
    #[serde(default)]
    packages: Members<Value>,
}

impl Detector for BunLock {
    fn id(&self) -> &'static str {
        "bun-lock"
    }

    fn reads(&self) -> &'static str {
        "`bun.lock`; `bun.lockb` is reported as a gap"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(matches!(meta.file_name(), "bun.lock" | "bun.lockb") && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        if entry.meta.file_name() == "bun.lockb" {
            found.partial("binary lock file of bun; `bun install --save-text-lockfile` writes one that can be read");
            return Ok(());
        }
        let text = json::relaxed(&parse::text(entry.bytes));
        let lock: Lock = json::document(text.as_bytes()).map_err(|e| {
            DetectError(format!(
                "lock file is not JSON of its kind ({e}); write it again with bun"
            ))
        })?;
        let packages: Vec<(&str, Coordinate, Option<&str>, &Value)> = lock
            .packages
            .0
            .iter()
            .filter_map(|(key, value)| {
                let (name, reference) = split(value.get(0)?.as_str()?)?;
                if reference.starts_with("workspace:") {
                    return None;
                }
                let version = Some(reference).filter(|v| is_version(v));
                let elsewhere = version.is_none().then_some(reference);
                Some((&**key, NPM.coordinate(name, version), elsewhere, value))
            })
            .collect();
        let by_key: HashMap<&str, &Coordinate> = packages.iter().map(|(key, c, ..)| (*key, c)).collect();
        let mut wishes = Wishes::default();
        for (_, workspace) in &lock.workspaces.0 {
            for (name, _, needed) in workspace.all() {
                if let Some(coordinate) = by_key.get(name) {
                    wishes.add((*coordinate).clone(), needed);
                }
            }
        }
        let mut needs: HashMap<Coordinate, Vec<Coordinate>> = HashMap::new();
        for (key, coordinate, _, value) in &packages {
            let names = listed(value, "dependencies").chain(listed(value, "peerDependencies"));
            let needed = names.filter_map(|name| nearest(key, name, &by_key));
            needs.entry(coordinate.clone()).or_default().extend(needed);
        }
        let judged = wishes.judge(&needs);
        for (key, coordinate, elsewhere, value) in &packages {
            let names = listed(value, "dependencies").chain(listed(value, "optionalDependencies"));
            let requires = names.filter_map(|name| nearest(key, name, &by_key)).collect();
            let mut added = found
                .add(coordinate.clone(), Proof::Locked, 1.0)
                .fact(Fact::At(folder(key).into()))
                .facts(judged.facts(coordinate))
                .requires(requires);
            if let Some(integrity) = value.get(3).and_then(Value::as_str) {
                added = added.fact(Fact::Integrity(integrity.into()));
            }
            if let Some(url) = elsewhere {
                let _ = added.fact(Fact::Origin((*url).into()));
            }
        }
        Ok(())
    }
}

/// Names of one of a package's lists.
fn listed<'v>(package: &'v Value, list: &'v str) -> impl Iterator<Item = &'v String> {
    let about = package.as_array().into_iter().flatten().filter_map(Value::as_object);
    about
        .filter_map(move |about| about.get(list)?.as_object())
        .flat_map(serde_json::Map::keys)
}

fn split(id: &str) -> Option<(&str, &str)> {
    let at = id.get(1..)?.find('@')? + 1;
    let (name, reference) = (id.get(..at)?, id.get(at + 1..)?);
    is_package_name(name).then_some((name, reference))
}

/// `a/@s/b` is how `node_modules/a/node_modules/@s/b` is keyed.
fn folder(key: &str) -> String {
    let mut folder = String::new();
    let mut scoped = false;
    for part in key.split('/') {
        if !folder.is_empty() {
            folder.push('/');
        }
        if !scoped {
            folder.push_str("node_modules/");
        }
        folder.push_str(part);
        scoped = part.starts_with('@') && !scoped;
    }
    folder
}

fn nearest(key: &str, name: &str, by_key: &HashMap<&str, &Coordinate>) -> Option<Coordinate> {
    let mut above = Some(key);
    while let Some(here) = above {
        if let Some(&found) = by_key.get(&*format!("{here}/{name}")) {
            return Some(found.clone());
        }
        above = here.rsplit_once('/').map(|(above, _)| above);
    }
    by_key.get(name).map(|c| (*c).clone())
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn keys_are_folders() {
        assert_eq!(folder("ms"), "node_modules/ms");
        assert_eq!(folder("@a/b/ms"), "node_modules/@a/b/node_modules/ms");
        assert_eq!(folder("a/@s/b"), "node_modules/a/node_modules/@s/b");
    }
}
