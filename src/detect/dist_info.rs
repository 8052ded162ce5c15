//! Installed Python distributions: `NAME-VERSION.dist-info/METADATA` (PEP 376, PEP 566).

use super::{
    DetectError, Detector, Interest, Sink,
    python::{folders, metadata::Metadata},
    split_stem,
};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::PYPI,
    model::{Fact, Gap, GapKind, Location, Proof},
    parse::{
        self,
        json::{self, Scalar},
    },
};

pub(super) struct DistInfo;

impl Detector for DistInfo {
    fn id(&self) -> &'static str {
        "dist-info"
    }

    fn reads(&self) -> &'static str {
        "`*.dist-info/METADATA`, in site-packages, targets, layers and wheels"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(stem(meta.path).is_some())
    }

    /// Folders without `METADATA`: their names still say what was installed.
    fn survey(&self, found: &mut Sink<'_>) {
        let neighbours = found.neighbours;
        let archives = found.place().archives;
        let mut last = "";
        for entry in neighbours.entries() {
            // Files of one folder mostly follow each other.
            let folder = folders::dist_info(&entry.path).unwrap_or_default();
            if folder == last || entry.kind != EntryKind::File {
                continue;
            }
            last = folder;
            let is_metadata = |path: &str| folders::strip_ending(path, "/METADATA") == Some(folder);
            if folder.is_empty()
                || neighbours
                    .below(&format!("{folder}/"))
                    .any(|member| is_metadata(&member.path))
            {
                continue;
            }
            let location = Location::new(archives.clone(), &entry.path);
            let stem = folder.rsplit_once('/').map_or(folder, |(_, stem)| stem);
            let stem = folders::strip_ending(stem, ".dist-info").unwrap_or(stem);
            let said = split_stem(stem, &PYPI).map(|(name, version)| PYPI.coordinate(name, Some(version)));
            let reason = match said {
                Some(said) => {
                    found.add(said, Proof::Installed, 0.8).at(location.clone());
                    "METADATA is missing; taken from the folder's name"
                }
                None => "METADATA is missing, and the folder's name tells no version; reinstall the package",
            };
            found.gaps.push(Gap {
                kind: GapKind::Partial,
                location,
                stage: self.id(),
                reason: reason.to_owned(),
            });
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let result = python_metadata(entry, stem(entry.meta.path).unwrap_or_default(), found);
        beside(entry, found);
        result
    }
}

fn stem(path: &str) -> Option<&str> {
    let folder = folders::strip_ending(folders::strip_ending(path, "/METADATA")?, ".dist-info")?;
    Some(folder.rsplit_once('/').map_or(folder, |(_, stem)| stem))
}

/// What pip writes beside the metadata: `REQUESTED` (PEP 376) and `direct_url.json` (PEP 610).
fn beside(entry: &Entry<'_>, found: &mut Sink<'_>) {
    #[derive(serde::Deserialize)]
    struct DirectUrl {
        #[serde(default)]
        url: Scalar,
        vcs_info: Option<Vcs>,
    }
    #[derive(serde::Deserialize)]
    struct Vcs {
        #[serde(default)]
        vcs: Scalar,
        #[serde(default)]
        commit_id: Scalar,
    }
    let folder = entry.location.folder().to_owned();
    let mut facts = Vec::new();
    for member in found.neighbours.below(&format!("{folder}/")) {
        match member.path.get(folder.len() + 1..) {
            Some("REQUESTED") => facts.push(Fact::Direct),
            Some("direct_url.json") => {
                let contents = found.neighbours.read(&member.path);
                let read = contents.and_then(|c| json::document::<DirectUrl>(&c.bytes).ok());
                if let Some((direct, url)) = read.as_ref().and_then(|d| Some((d, d.url.text()?))) {
                    let origin = match direct.vcs_info.as_ref() {
                        Some(from) => {
                            let (vcs, commit) = (
                                from.vcs.text().unwrap_or("vcs"),
                                from.commit_id.text().unwrap_or_default(),
                            );
                            format!("{vcs}+{url}@{commit}").into()
                        }
                        None => url.into(),
                    };
                    facts.push(Fact::Origin(origin));
                }
            }
            _ => {}
        }
    }
    for evidence in found.components.iter_mut().flat_map(|c| &mut c.evidence) {
        evidence.facts.extend(facts.iter().cloned());
    }
}

/// Adds what a metadata file and the `name-version` stem of its folder say. Installers derive the stem from the metadata,
/// so where they disagree one of them is forged: both are added.
pub(super) fn python_metadata(entry: &Entry<'_>, stem: &str, found: &mut Sink<'_>) -> Result<(), DetectError> {
    let read = Metadata::read(&parse::text(entry.bytes));
    let (names, versions) = (&read.names, &read.versions);
    let from_stem = split_stem(stem, &PYPI);
    if names.is_empty() {
        let Some((name, version)) = from_stem else {
            return Err(DetectError(
                "metadata without a name, in a folder that names none; reinstall the package".to_owned(),
            ));
        };
        let _ = found.add(PYPI.coordinate(name, Some(version)), Proof::Installed, 0.8);
        found.partial(format!(
            "{} is empty or has no name; taken from the folder's name",
            entry.meta.file_name()
        ));
        return Ok(());
    }
    if names.len() > 1 || versions.len() > 1 {
        found.blind("`Name` or `Version` is given twice with different values; both were considered");
    }
    let mut add = |name: &str, version: Option<&str>, confidence: f32| {
        let added = found.add(PYPI.coordinate(name, version), Proof::Installed, confidence);
        let _ = added.requires(read.requires.clone()).facts(read.facts.iter().cloned());
    };
    for name in names {
        if versions.is_empty() {
            add(name, from_stem.map(|(_, version)| version), 0.8);
        }
        for version in versions {
            add(name, Some(version), 1.0);
        }
    }
    if let Some((name, version)) = from_stem {
        let said = PYPI.coordinate(name, Some(version));
        let agrees = found.components.iter().any(|c| {
            c.coordinate.name == said.name
                && c.coordinate
                    .version
                    .as_deref()
                    .is_none_or(|v| (PYPI.compare)(v, version).is_eq())
        });
        if !agrees {
            found.blind(format!(
                "folder says `{stem}`, metadata says otherwise; both were considered"
            ));
            let _ = found.add(said, Proof::Installed, 0.5);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems() {
        for (path, name) in [
            ("Flask-1.1.2.dist-info/METADATA", Some("Flask-1.1.2")),
            (
                "python/lib/python3.11/site-packages/six-1.17.0.dist-info/METADATA",
                Some("six-1.17.0"),
            ),
            ("METADATA", None),
            ("Flask-1.1.2.DIST-INFO/metadata", Some("Flask-1.1.2")),
            ("x.dist-info/sub/METADATA", None),
        ] {
            assert_eq!(stem(path), name, "{path}");
        }
        assert_eq!(
            split_stem("zope.interface-5.0.0", &PYPI),
            Some(("zope.interface", "5.0.0"))
        );
        assert_eq!(split_stem("a-b-1.0-py3.11", &PYPI), None);
        assert_eq!(split_stem("nameonly", &PYPI), None);
    }
}
