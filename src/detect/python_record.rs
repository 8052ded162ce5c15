//! `*.dist-info/RECORD`: whether the files of an installed distribution are those that its installer wrote.
//!
//! The specification (PEP 376, PEP 427) gives each file's SHA-256. What honest tools change is let pass: compiled modules,
//! native libraries that were stripped, `bin/` scripts whose interpreter was rewritten, files that were left out.

use super::{DetectError, Detector, Interest, Sink, python::folders, split_stem};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::{Coordinate, Location, Observation, ObservationKind},
    parse,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct PythonRecord;

impl Detector for PythonRecord {
    fn id(&self) -> &'static str {
        "python-record"
    }

    fn reads(&self) -> &'static str {
        "`*.dist-info/RECORD`: hashes of installed files, and code that it does not list"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(folders::strip_ending(meta.path, ".dist-info/RECORD").is_some())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let folder = entry.location.folder();
        let (root, stem) = folder
            .rsplit_once('/')
            .map_or(("", folder), |(_, stem)| (&folder[..folder.len() - stem.len()], stem));
        let stem = folders::strip_ending(stem, ".dist-info").unwrap_or(stem);
        let (name, version) = split_stem(stem, &PYPI).map_or((stem, None), |(name, version)| (name, Some(version)));
        let record = Record {
            root,
            subject: PYPI.coordinate(name, version),
            against: &entry.location,
        };
        let listed = listed(&parse::text(entry.bytes));
        record.compare(&listed, found);
        record.unlisted(&listed, found);
        Ok(())
    }
}

struct Record<'e> {
    /// Folder that the paths are relative to, with its slash.
    root: &'e str,
    subject: Coordinate,
    against: &'e Location,
}

/// Paths of a record, with their SHA-256 in base 64 where given.
fn listed(text: &str) -> BTreeMap<String, Option<String>> {
    text.lines().filter_map(line).collect()
}

/// One line of comma-separated values: `path,sha256=HASH,size`; a path with a comma or a quote is quoted.
fn line(line: &str) -> Option<(String, Option<String>)> {
    let line = line.trim_end_matches('\r');
    let (path, rest) = match line.strip_prefix('"') {
        None => line.split_once(',').map(|(path, rest)| (path.to_owned(), rest))?,
        Some(quoted) => {
            let (mut path, mut rest) = (String::new(), quoted);
            loop {
                let (text, after) = rest.split_once('"')?;
                path.push_str(text);
                match after.strip_prefix('"') {
                    Some(after) => {
                        path.push('"');
                        rest = after;
                    }
                    None => break (path, after.strip_prefix(',')?),
                }
            }
        }
    };
    let hash = rest.split(',').next().and_then(|hash| hash.strip_prefix("sha256="));
    let path = path.replace('\\', "/");
    Some((path, hash.map(|hash| hash.trim_end_matches('=').to_owned())))
}

fn is_code(path: &str) -> bool {
    path.strip_suffix(".py").is_some()
}

/// What changes without harm between an installer and a deployment.
fn may_change(path: &str) -> bool {
    let native = [".so", ".pyd", ".dylib", ".dll", ".a", ".pyc", ".exe"];
    native.iter().any(|end| path.ends_with(end))
        || path.contains(".so.")
        || path
            .split('/')
            .next()
            .is_some_and(|first| folders::strip_ending(first, ".dist-info").is_some())
        || path.contains("bin/") && !path.contains(".py")
}

impl Record<'_> {
    fn observe(&self, kind: ObservationKind, path: &str, found: &mut Sink<'_>) {
        found.observations.push(Observation {
            kind,
            subject: self.subject.clone(),
            location: Location::new(self.against.archives.clone(), path),
            against: self.against.clone(),
            others: "".into(),
        });
    }

    /// Files that are there and differ. Absent ones are left out on purpose, or compiled: what is not there does not run.
    fn compare(&self, listed: &BTreeMap<String, Option<String>>, found: &mut Sink<'_>) {
        for (path, hash) in listed {
            let Some(hash) = hash.as_ref().filter(|_| !may_change(path) && !path.contains("..")) else {
                continue;
            };
            let path = format!("{}{path}", self.root);
            let Some(contents) = found.neighbours.read(&path).filter(|c| c.problem.is_none()) else {
                continue;
            };
            if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&contents.bytes)) != *hash {
                let kind = if is_code(&path) {
                    ObservationKind::CodeChanged
                } else {
                    ObservationKind::FileChanged
                };
                self.observe(kind, &path, found);
            }
        }
    }

    /// Code in a package of this distribution that no record at the same root lists. Only regular packages count: a
    /// namespace package is shared by design.
    fn unlisted(&self, listed: &BTreeMap<String, Option<String>>, found: &mut Sink<'_>) {
        let mut suspects = Vec::new();
        for package in listed.keys().filter_map(|path| path.strip_suffix("/__init__.py")) {
            if package.contains('/') || package.is_empty() {
                continue;
            }
            let below = found.neighbours.below(&format!("{}{package}/", self.root));
            suspects.extend(
                below
                    .filter(|member| is_code(&member.path))
                    .filter(|member| !listed.contains_key(&member.path[self.root.len()..]))
                    .map(|member| member.path.to_string()),
            );
        }
        if suspects.is_empty() {
            return;
        }
        let own = self.against.folder();
        let mut others = BTreeSet::new();
        for child in found
            .neighbours
            .children(self.root)
            .filter(|child| folders::strip_ending(child, ".dist-info").is_some())
        {
            let record = format!("{}{child}/RECORD", self.root);
            if record.strip_suffix("/RECORD") != Some(own)
                && let Some(contents) = found.neighbours.read(&record)
            {
                others.extend(self::listed(&parse::text(&contents.bytes)).into_keys());
            }
        }
        for path in suspects
            .iter()
            .filter(|path| !others.contains(&path[self.root.len()..]))
        {
            self.observe(ObservationKind::CodeUnlisted, path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (text, path, hash) in [
            ("a/b.py,sha256=abc_-,12", "a/b.py", Some("abc_-")),
            ("a/b.py,,", "a/b.py", None),
            ("\"a,b\"\"c.py\",sha256=x=,1\r", "a,b\"c.py", Some("x")),
            ("a\\b.py,md5=x,1", "a/b.py", None),
        ] {
            assert_eq!(line(text), Some((path.to_owned(), hash.map(str::to_owned))), "{text}");
        }
        assert_eq!(line("\"open"), None);
        assert_eq!(line(""), None);
    }
}
