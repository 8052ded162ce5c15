//! Packages whose `package.json` was left out: `node_modules/NAME/` with code in it. Packaging patterns drop manifests to
//! save space, rollup's `preserveModules` and copy scripts never write them, and Node runs the code all the same.

use super::{
    DetectError, Detector, Interest, Sink,
    js::module_path::{self, is_test_data},
};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::NPM,
    model::{Fact, Gap, GapKind, Location, Proof},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct NpmFolder;

impl Detector for NpmFolder {
    fn id(&self) -> &'static str {
        "npm-folder"
    }

    fn reads(&self) -> &'static str {
        "folders in `node_modules` with code and without `package.json`, by their names"
    }

    fn technique(&self) -> &'static str {
        "filename"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Skip
    }

    fn survey(&self, found: &mut Sink<'_>) {
        let neighbours = found.neighbours;
        let (mut known, mut in_tests) = ("", BTreeMap::new());
        let (mut bare, mut last_bare) = (Vec::new(), "");
        for entry in neighbours.entries() {
            let path = &*entry.path;
            let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            let nested = |folder: &str| {
                path.get(folder.len()..)
                    .is_some_and(|rest| rest.contains("node_modules/"))
            };
            // Files of one package mostly follow each other.
            let seen = |folder: &str| !folder.is_empty() && below(folder) && !nested(folder);
            if entry.kind != EntryKind::File || !is_code(path) || seen(known) || seen(last_bare) {
                continue;
            }
            let Some(folder) = module_path::folder(path) else {
                continue;
            };
            if is_test_data(folder) {
                let above = folder.rfind("node_modules/").and_then(|at| folder.get(..at));
                let outer = above.and_then(module_path::folder).unwrap_or(folder);
                in_tests.entry(outer).or_insert_with(BTreeSet::new).insert(folder);
            } else if neighbours.has(&format!("{folder}/package.json")) {
                known = folder;
            } else {
                last_bare = folder;
                bare.push((folder, path));
            }
        }
        let archives = found.place().archives;
        for (outer, inner) in in_tests {
            found.gaps.push(Gap {
                kind: GapKind::Partial,
                location: Location::new(archives.clone(), outer),
                stage: self.id(),
                reason: format!(
                    "its test data holds {} of a `node_modules` folder; they were not taken for installed",
                    count(inner.len())
                ),
            });
        }
        bare.sort_unstable();
        bare.dedup_by_key(|(folder, _)| *folder);
        for (_, path) in bare {
            if let Some(package) = module_path::package(path) {
                let coordinate = NPM.coordinate(&package.name, package.version.as_deref());
                found
                    .add(coordinate, Proof::Installed, 0.8)
                    .fact(Fact::At(package.at.into()))
                    .at(Location::new(archives.clone(), path));
            }
        }
    }

    fn extract(&self, _: &Entry<'_>, _: &mut Sink<'_>) -> Result<(), DetectError> {
        Ok(())
    }
}

fn count(packages: usize) -> String {
    format!("{packages} package{}", if packages == 1 { "" } else { "s" })
}

/// What Node can load.
fn is_code(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "node" | "wasm") && !module_path::declares(path)
}
