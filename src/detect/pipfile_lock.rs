//! Pipenv's lock file: JSON, with the groups `default` and `develop`.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::{Fact, Proof},
    parse::json::{self, Members, Scalar},
};
use serde::Deserialize;

pub(super) struct PipfileLock;

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    version: Scalar,
    #[serde(default)]
    markers: Scalar,
}

/// A member of the document: a group of packages, or `_meta`, whose shape does not matter.
#[derive(Deserialize)]
#[serde(untagged)]
enum Group {
    Packages(Members<Package>),
    Other(serde::de::IgnoredAny),
}

impl Detector for PipfileLock {
    fn id(&self) -> &'static str {
        "pipfile-lock"
    }

    fn reads(&self) -> &'static str {
        "`Pipfile.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "Pipfile.lock")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let Members(groups) = json::document::<Members<Group>>(entry.bytes)
            .map_err(|e| DetectError(format!("not a Pipfile.lock ({e}); lock again with pipenv")))?;
        for (group, packages) in groups.iter().filter(|(group, _)| group != "_meta") {
            let Group::Packages(Members(packages)) = packages else {
                found.partial(format!(
                    "group `{group}` is not a list of packages; lock again with pipenv"
                ));
                continue;
            };
            for (name, package) in packages {
                let version = package.version.text().map(|v| v.trim_start_matches('=').trim());
                let proof = if version.is_some() {
                    Proof::Locked
                } else {
                    Proof::Declared
                };
                let added = found.add(PYPI.coordinate(name, version), proof, 1.0);
                if group != "default" || package.markers.text().is_some_and(lock::is_condition) {
                    let _ = added.fact(Fact::Dispensable);
                }
            }
        }
        Ok(())
    }
}
