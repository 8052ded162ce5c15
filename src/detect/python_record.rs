//! `*.dist-info/RECORD`: whether the files of an installed distribution are those that its installer wrote.
//!
//! The specification (PEP 376, PEP 427) gives each file's SHA-256. What honest tools change is let pass: compiled modules,
//! native libraries that were stripped, `bin/` scripts whose interpreter was rewritten, files that were left out.

use super::{DetectError, Detector, Interest, Sink, python::folders, split_stem};
use crate::{
    archive::{Contents, Entry, EntryMeta},
    ecosystem::PYPI,
    model::{Coordinate, Gap, GapKind, Location, Observation, ObservationKind},
    parse,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

pub(super) struct PythonRecord;

impl Detector for PythonRecord {
    fn id(&self) -> &'static str {
        "python-record"
    }

    fn reads(&self) -> &'static str {
        "`*.dist-info/RECORD`: hashes of installed files, and code that it does not list"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Skip
    }

    fn extract(&self, _: &Entry<'_>, _: &mut Sink<'_>) -> Result<(), DetectError> {
        Ok(())
    }

    /// All records at once: what one does not list another may, and the files of all are read in one pass.
    fn review(&self, found: &mut Sink<'_>) {
        let records = Records::read(found);
        records.compare(found);
        records.unlisted(found);
    }
}

/// What an installer wrote of one distribution.
struct Record {
    /// Folder that the paths are relative to, with its slash.
    root: String,
    subject: Coordinate,
    /// The record itself.
    location: Location,
    listed: BTreeMap<String, Option<String>>,
}

impl Record {
    fn new(location: Location, text: &str) -> Self {
        let (root, stem) = root_and_stem(location.folder());
        let stem = folders::strip_ending(stem, ".dist-info").unwrap_or(stem);
        let (name, version) = split_stem(stem, &PYPI).map_or((stem, None), |(name, version)| (name, Some(version)));
        Self {
            root: root.to_owned(),
            subject: PYPI.coordinate(name, version),
            listed: listed(text),
            location,
        }
    }

    fn observe(&self, kind: ObservationKind, path: &str, found: &mut Sink<'_>) {
        found.observations.push(Observation {
            kind,
            subject: self.subject.clone(),
            location: Location::new(self.location.archives.clone(), path),
            against: self.location.clone(),
            others: "".into(),
        });
    }
}

/// The folder that holds a `*.dist-info`, with its slash, and the name of that.
fn root_and_stem(folder: &str) -> (&str, &str) {
    let stem = folder.rsplit('/').next().unwrap_or(folder);
    (&folder[..folder.len() - stem.len()], stem)
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

/// The records of one archive.
struct Records {
    all: Vec<Record>,
    /// Folders in which a record could not be read: what it would have listed is not known.
    unknown: BTreeSet<String>,
}

impl Records {
    /// Reads them all. One that cannot be read is a gap, and so is what is too much.
    fn read(found: &mut Sink<'_>) -> Self {
        /// Bytes of all records together: those of an environment of 200 distributions are seven million.
        const BYTES: usize = 64 << 20;
        let is_record = |path: &str| folders::strip_ending(path, ".dist-info/RECORD").is_some();
        let members = found.neighbours.entries().iter();
        let paths: BTreeSet<&str> = members.map(|m| &*m.path).filter(|path| is_record(path)).collect();
        let paths: Vec<&str> = paths.into_iter().collect();
        let archives = found.place().archives;
        let read = Mutex::new((0, BTreeMap::new()));
        found.neighbours.visit(&paths, &|i, contents: Contents<'_>| {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            read.0 += contents.bytes.len();
            let record = match contents.problem {
                Some(problem) => Err(problem.to_string()),
                None if read.0 > BYTES => Err(format!(
                    "the records hold more than {BYTES} bytes: it was not looked at"
                )),
                None => {
                    let location = Location::new(archives.clone(), paths[i]);
                    Ok(Record::new(location, &parse::text(&contents.bytes)))
                }
            };
            read.1.insert(i, record);
        });
        let mut records = Self {
            all: Vec::new(),
            unknown: BTreeSet::new(),
        };
        for (i, record) in read.into_inner().unwrap_or_else(PoisonError::into_inner).1 {
            match record {
                Ok(record) => records.all.push(record),
                Err(reason) => {
                    let location = Location::new(archives.clone(), paths[i]);
                    let (root, _) = root_and_stem(location.folder());
                    records.unknown.insert(root.to_owned());
                    found.gaps.push(Gap {
                        kind: GapKind::Blind,
                        location,
                        stage: PythonRecord.id(),
                        reason,
                    });
                }
            }
        }
        records
    }

    /// Files that are there and differ from every record that lists them: of what two distributions install, one is written
    /// over the other. Absent ones are left out on purpose, or compiled: what is not there does not run.
    fn compare(&self, found: &mut Sink<'_>) {
        let mut hashes: BTreeMap<String, Vec<(&Record, &String)>> = BTreeMap::new();
        for record in &self.all {
            let listed = record
                .listed
                .iter()
                .filter_map(|(path, hash)| Some((path, hash.as_ref()?)));
            for (path, hash) in listed.filter(|(path, _)| !may_change(path) && !path.contains("..")) {
                hashes
                    .entry(format!("{}{path}", record.root))
                    .or_default()
                    .push((record, hash));
            }
        }
        let paths: Vec<&str> = hashes.keys().map(|path| &**path).collect();
        let changed = Mutex::new(BTreeSet::new());
        found.neighbours.visit(&paths, &|i, contents| {
            let differs = || {
                let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&contents.bytes));
                hashes[paths[i]].iter().all(|(_, expected)| **expected != hash)
            };
            if contents.problem.is_none() && differs() {
                changed.lock().unwrap_or_else(PoisonError::into_inner).insert(i);
            }
        });
        for i in changed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let path = paths[i];
            let kind = if is_code(path) {
                ObservationKind::CodeChanged
            } else {
                ObservationKind::FileChanged
            };
            for (record, _) in &hashes[path] {
                record.observe(kind, path, found);
            }
        }
    }

    /// Code in a package of a distribution that no record at the same root lists. Only regular packages count: a namespace
    /// package is shared by design.
    fn unlisted(&self, found: &mut Sink<'_>) {
        let mut listed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for record in &self.all {
            let paths = record.listed.keys().map(|path| &**path);
            listed.entry(&record.root).or_default().extend(paths);
        }
        for record in self.all.iter().filter(|r| !self.unknown.contains(&r.root)) {
            let listed = &listed[&*record.root];
            let packages = record
                .listed
                .keys()
                .filter_map(|path| path.strip_suffix("/__init__.py"));
            let mut suspects = Vec::new();
            for package in packages.filter(|package| !package.contains('/') && !package.is_empty()) {
                let below = found.neighbours.below(&format!("{}{package}/", record.root));
                let code = below.filter(|member| is_code(&member.path));
                let unlisted = code.filter(|member| !listed.contains(&member.path[record.root.len()..]));
                suspects.extend(unlisted.map(|member| member.path.clone()));
            }
            for path in suspects {
                record.observe(ObservationKind::CodeUnlisted, &path, found);
            }
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
