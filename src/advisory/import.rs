//! Records from files: OSV's bucket layout, folders and archives of OSV JSON, RustSec's own repository, an exported index.
//!
//! A record that cannot be read is put aside with its reason, counted and listed, and never stops the others: one bad record
//! among 300,000 must not keep a scanner from the rest, and must not vanish either.

use super::{
    index::{Index, IndexError, Source, Unread},
    osv::{
        Affected, Affects, DatabaseSpecific, EcosystemSpecific, Event, Package, Range, RangeType, Record,
        SeverityVector,
    },
    unpack::{RECORD_BYTES, Unpacker, over},
};
use crate::ecosystem;
use rustsec::osv::ranges_for_advisory;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// Bytes of all records of one archive, unpacked. 16 GiB: npm's were below 1 in 2026.
const ARCHIVE_BYTES: u64 = 16 << 30;
/// Folders inside folders.
const DEPTH: usize = 8;

/// How a source that was made from RustSec's repository calls it.
pub const RUSTSEC: &str = "RustSec's repository";

/// What cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder that cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An index that cannot be read.
    #[error("{}: {source}", path.display())]
    Index {
        /// Which.
        path: PathBuf,
        /// Why.
        source: IndexError,
    },
    /// Something else.
    #[error(
        "{}: no advisories; expected OSV's bucket layout (npm/all.zip), OSV JSON in a folder or zip, RustSec's repository \
         or its .tar.gz, or a file that `plimsoll db export` made", .0.display()
    )]
    Nothing(PathBuf),
    /// It is an ecosystem's, by its place, and holds nothing of it: to take it would be to call everything there clean.
    #[error("{}: holds no advisory of {ecosystem}", path.display())]
    Without {
        /// Which.
        path: PathBuf,
        /// As OSV names it.
        ecosystem: String,
    },
    /// More than anything that publishes advisories makes.
    #[error("{}: over the limit of {ARCHIVE_BYTES} bytes of records", .0.display())]
    Limit(PathBuf),
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it is.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Import {
    /// The records, condensed.
    pub records: Vec<Record>,
    /// One for each ecosystem that was read.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub quarantined: Vec<Quarantined>,
}

type Result<T> = std::result::Result<T, ImportError>;

impl Quarantined {
    /// What a source says of its own.
    #[must_use]
    pub fn told(all: &[Self]) -> Unread {
        /// Enough to see what kind of trouble it is; the description of an index is read whole on opening.
        const TOLD: usize = 20;
        let told = all.iter().take(TOLD).map(|q| {
            let text = format!("{}: {}", q.place, q.reason);
            text.chars().take(400).collect()
        });
        Unread {
            count: all.len() as u64,
            first: told.collect(),
        }
    }
}

/// How much had been read at some time.
#[derive(Clone, Copy)]
struct Mark {
    records: usize,
    quarantined: usize,
}

impl Import {
    fn mark(&self) -> Mark {
        Mark {
            records: self.records.len(),
            quarantined: self.quarantined.len(),
        }
    }

    /// Adds all that a path holds.
    ///
    /// # Errors
    /// When it is nothing of what can be imported, or cannot be read.
    pub fn path(&mut self, path: &Path) -> Result<()> {
        let mut own = Self::default();
        if path.is_dir() {
            own.folder(path)?;
        } else {
            own.file(path)?;
        }
        if own.records.is_empty() || own.sources.is_empty() {
            return Err(ImportError::Nothing(path.to_owned()));
        }
        self.records.append(&mut own.records);
        self.quarantined.append(&mut own.quarantined);
        own.sources.into_iter().for_each(|source| self.source(source));
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        if path.join("crates").is_dir()
            && (path.join("support.toml").is_file() || path.join("EXAMPLE_ADVISORY.md").is_file())
        {
            return self.rustsec_folder(path);
        }
        let mut bucket = false;
        for row in ecosystem::ALL {
            let folder = path.join(row.osv);
            let zip = folder.join("all.zip");
            if zip.is_file() {
                self.zip(&zip, Some(row.osv))?;
                bucket = true;
            } else if folder.is_dir() {
                self.loose(&folder, Some(row.osv), 0)?;
                bucket = true;
            }
        }
        // One folder of it.
        let zip = path.join("all.zip");
        match folder_of(&zip) {
            _ if bucket => Ok(()),
            Some(ecosystem) if zip.is_file() => self.zip(&zip, Some(ecosystem)),
            ecosystem => self.loose(path, ecosystem, 0),
        }
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let mut head = Vec::new();
        let file = open(path)?;
        file.take(8).read_to_end(&mut head).map_err(|e| io_error(path, e))?;
        match head.as_slice() {
            // `PyPI/all.zip` without the rest of the bucket.
            [b'P', b'K', ..] => self.zip(path, folder_of(path)),
            [0x1f, 0x8b, ..] => self.rustsec_tarball(path),
            [b'{' | b' ' | b'\n' | b'\r' | b'\t' | 0xef, ..] => {
                let from = self.mark();
                self.json(&path.display().to_string(), &mut open(path)?);
                self.found(from, path, None, "a file of OSV JSON")
            }
            _ => self.index(path),
        }
    }

    fn index(&mut self, path: &Path) -> Result<()> {
        let wrap = |source| ImportError::Index {
            path: path.to_owned(),
            source,
        };
        let index = Index::open(path).map_err(wrap)?;
        index.verify().map_err(wrap)?;
        self.records.extend(index.all().map_err(wrap)?);
        self.sources.extend(index.meta().sources.iter().cloned());
        Ok(())
    }

    /// OSV JSON in a zip: `all.zip`, of an ecosystem where that is known.
    ///
    /// # Errors
    /// When it cannot be read, or holds nothing of the ecosystem.
    pub(super) fn zip(&mut self, path: &Path, ecosystem: Option<&str>) -> Result<()> {
        let from = self.mark();
        let file = BufReader::new(open(path)?);
        let mut zip = zip::ZipArchive::new(file).map_err(|e| io_error(path, io::Error::other(e)))?;
        let (mut left, mut unpacker) = (ARCHIVE_BYTES, Unpacker::default());
        for i in 0..zip.len() {
            let entry = match zip.by_index_raw(i) {
                Ok(entry) => entry,
                Err(e) => {
                    self.aside(format!("{}!/#{i}", path.display()), e.to_string());
                    continue;
                }
            };
            let name = entry
                .name()
                .map_or_else(|_| format!("#{i}.json"), std::borrow::Cow::into_owned);
            if !entry.is_file() || Path::new(&name).extension().is_none_or(|e| e != "json") {
                continue;
            }
            let place = format!("{}!/{name}", path.display());
            match unpacker.unpack(entry) {
                Ok(bytes) => {
                    left = left
                        .checked_sub(bytes.len() as u64)
                        .ok_or_else(|| ImportError::Limit(path.to_owned()))?;
                    self.parsed(place, bytes);
                }
                Err(reason) => self.aside(place, reason),
            }
        }
        self.found(from, path, ecosystem, "OSV's all.zip")
    }

    /// OSV JSON in a folder, and in the folders below it.
    fn loose(&mut self, folder: &Path, ecosystem: Option<&str>, depth: usize) -> Result<()> {
        let from = self.mark();
        for path in list(folder)? {
            if path.is_dir() && !path.is_symlink() && depth < DEPTH {
                self.loose(&path, None, depth + 1)?;
            } else if path.extension().is_some_and(|e| e == "json") {
                match File::open(&path) {
                    Ok(mut file) => self.json(&path.display().to_string(), &mut file),
                    Err(e) => self.aside(path.display().to_string(), e.to_string()),
                }
            }
        }
        if depth == 0 {
            self.found(from, folder, ecosystem, "a folder of OSV JSON")?;
        }
        Ok(())
    }

    /// One record.
    fn json(&mut self, place: &str, reader: &mut dyn Read) {
        let mut bytes = Vec::new();
        match reader.take(RECORD_BYTES + 1).read_to_end(&mut bytes) {
            Err(e) => self.aside(place.to_owned(), format!("cannot be read: {e}")),
            Ok(n) if n as u64 > RECORD_BYTES => self.aside(place.to_owned(), over()),
            Ok(_) => self.parsed(place.to_owned(), &bytes),
        }
    }

    fn parsed(&mut self, place: String, json: &[u8]) {
        match parse(json) {
            Ok(record) => self.records.push(record),
            Err(reason) => self.aside(place, reason),
        }
    }

    /// Counts as sources the ecosystem that was read, or else those that records are about and about no other: a record of
    /// PyPI may name a package of npm's too, which does not make PyPI's records all there are of npm. Where there is no such
    /// record, all that are named.
    fn found(&mut self, from: Mark, path: &Path, ecosystem: Option<&str>, what: &str) -> Result<()> {
        let named = |record: &Record| -> BTreeSet<&'static str> {
            let packages = record.affected.iter().filter_map(|a| a.package.as_ref());
            packages
                .filter_map(|p| Some(ecosystem::by_osv_name(&p.ecosystem)?.osv))
                .collect()
        };
        let all: BTreeSet<BTreeSet<&str>> = self.records.iter().skip(from.records).map(named).collect();
        let mut ecosystems: BTreeSet<&str> = ecosystem.into_iter().collect();
        if let Some(ecosystem) = ecosystem {
            if !all.iter().flatten().any(|named| *named == ecosystem) {
                return Err(ImportError::Without {
                    path: path.to_owned(),
                    ecosystem: ecosystem.to_owned(),
                });
            }
        } else {
            ecosystems.extend(all.iter().filter(|named| named.len() == 1).flatten());
            if ecosystems.is_empty() {
                ecosystems.extend(all.iter().flatten());
            }
        }
        let unread = Quarantined::told(self.quarantined.get(from.quarantined..).unwrap_or_default());
        for ecosystem in ecosystems {
            self.source(Source {
                ecosystem: ecosystem.to_owned(),
                from: what.to_owned(),
                unread: unread.clone(),
                ..Source::default()
            });
        }
        Ok(())
    }

    fn source(&mut self, source: Source) {
        self.sources.retain(|s| s.ecosystem != source.ecosystem);
        self.sources.push(source);
    }

    fn rustsec_folder(&mut self, path: &Path) -> Result<()> {
        let from = self.mark();
        for folder in list(&path.join("crates"))? {
            if !folder.is_dir() {
                continue;
            }
            for file in list(&folder)? {
                if file.extension().is_some_and(|e| e == "md") {
                    match File::open(&file) {
                        Ok(mut reader) => self.markdown(&file.display().to_string(), &mut reader),
                        Err(e) => self.aside(file.display().to_string(), e.to_string()),
                    }
                }
            }
        }
        self.rustsec_source(from);
        Ok(())
    }

    fn rustsec_tarball(&mut self, path: &Path) -> Result<()> {
        let from = self.mark();
        let unpacked = flate2::read::GzDecoder::new(BufReader::new(open(path)?)).take(ARCHIVE_BYTES);
        let mut tar = tar::Archive::new(unpacked);
        let mut any = false;
        for entry in tar.entries().map_err(|e| io_error(path, e))? {
            let mut entry = entry.map_err(|e| io_error(path, e))?;
            let name = entry.path().map(std::borrow::Cow::into_owned).unwrap_or_default();
            let below = name.components().any(|part| part.as_os_str() == "crates");
            if below && name.extension().is_some_and(|e| e == "md") && entry.header().entry_type().is_file() {
                any = true;
                self.markdown(&format!("{}!/{}", path.display(), name.display()), &mut entry);
            }
        }
        if any {
            self.rustsec_source(from);
        }
        Ok(())
    }

    fn rustsec_source(&mut self, from: Mark) {
        self.source(Source {
            ecosystem: "crates.io".to_owned(),
            from: RUSTSEC.to_owned(),
            unread: Quarantined::told(self.quarantined.get(from.quarantined..).unwrap_or_default()),
            ..Source::default()
        });
    }

    fn markdown(&mut self, place: &str, reader: &mut dyn Read) {
        let mut text = String::new();
        match reader.take(RECORD_BYTES).read_to_string(&mut text) {
            Err(e) => self.aside(place.to_owned(), format!("cannot be read: {e}")),
            Ok(_) => match text.parse::<rustsec::Advisory>() {
                Ok(advisory) => self.records.push(rustsec_record(advisory)),
                Err(e) => self.aside(place.to_owned(), e.to_string()),
            },
        }
    }

    fn aside(&mut self, place: String, reason: String) {
        self.quarantined.push(Quarantined { place, reason });
    }
}

/// A record of OSV JSON, condensed.
///
/// # Errors
/// What is wrong with it.
pub fn parse(json: &[u8]) -> std::result::Result<Record, String> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut record: Record = serde_json::from_slice(json).map_err(|e| format!("no OSV record: {e}"))?;
    // An id stands in paths, URLs and reports.
    let plain = |id: &str| {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        !id.is_empty() && id.len() <= 128 && id.bytes().all(good) && !id.starts_with('.')
    };
    if !plain(&record.id) {
        return Err("no OSV record: its id is not one".to_owned());
    }
    record.condense();
    Ok(record)
}

/// As RustSec's own export to OSV makes one; `modified` is the day of publication, for the files say nothing else.
fn rustsec_record(advisory: rustsec::Advisory) -> Record {
    let noon = |date: &rustsec::advisory::Date| format!("{}T12:00:00Z", date.as_str());
    let mut events = Vec::new();
    for range in ranges_for_advisory(&advisory.versions) {
        let from = range.introduced.map_or("0.0.0-0".to_owned(), |v| v.to_string());
        events.push(Event::Introduced(from));
        events.extend(range.fixed.map(|v| Event::Fixed(v.to_string())));
    }
    let meta = advisory.metadata;
    let affects = advisory.affected.map(|affected| Affects {
        arch: affected.arch.iter().map(|arch| arch.as_str().to_owned()).collect(),
        os: affected.os.iter().map(|os| os.as_str().to_owned()).collect(),
        functions: affected.functions.keys().map(ToString::to_string).collect(),
    });
    Record {
        id: meta.id.as_str().to_owned(),
        modified: noon(meta.withdrawn.as_ref().unwrap_or(&meta.date)),
        withdrawn: meta.withdrawn.as_ref().map(noon),
        aliases: meta.aliases.iter().map(|id| id.as_str().to_owned()).collect(),
        summary: meta.title,
        severity: meta
            .cvss
            .iter()
            .map(|cvss| {
                let score = cvss.to_string();
                let kind = if score.starts_with("CVSS:4") {
                    "CVSS_V4"
                } else {
                    "CVSS_V3"
                };
                SeverityVector {
                    kind: kind.to_owned(),
                    score,
                }
            })
            .collect(),
        affected: vec![Affected {
            package: Some(Package {
                ecosystem: "crates.io".to_owned(),
                name: meta.package.as_str().to_owned(),
            }),
            ranges: vec![Range {
                kind: RangeType::Semver,
                events,
            }],
            database_specific: Some(DatabaseSpecific {
                severity: None,
                informational: meta.informational.map(|i| i.as_str().to_owned()),
                categories: meta.categories.iter().map(|c| c.name().to_owned()).collect(),
            }),
            ecosystem_specific: affects.map(|affects| EcosystemSpecific { affects: Some(affects) }),
            ..Affected::default()
        }],
        ..Record::default()
    }
}

/// The ecosystem whose folder of the bucket a file lies in.
fn folder_of(path: &Path) -> Option<&'static str> {
    let folder = path.parent()?.file_name()?.to_str()?;
    ecosystem::ALL.iter().map(|row| row.osv).find(|osv| *osv == folder)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| io_error(path, e))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        let mut paths = entries.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    });
    entries.map_err(|e| io_error(folder, e))
}

fn io_error(path: &Path, source: io::Error) -> ImportError {
    ImportError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn about(id: &str, packages: &[&str]) -> String {
        let affected: Vec<_> = packages
            .iter()
            .map(|ecosystem| serde_json::json!({"package": {"ecosystem": ecosystem, "name": "a"}}))
            .collect();
        serde_json::json!({"id": id, "modified": "2026-01-01T00:00:00Z", "affected": affected}).to_string()
    }

    /// Ecosystems that an import counts as read, and how many records of each could not be.
    fn sources(folder: &Path) -> Result<Vec<(String, u64)>> {
        let mut import = Import::default();
        import.path(folder)?;
        let sources = import.sources.into_iter();
        Ok(sources.map(|s| (s.ecosystem, s.unread.count)).collect())
    }

    #[test]
    fn an_ecosystem_is_read_where_records_are_about_it_alone() {
        let both = about("X-3", &["PyPI", "npm"]);
        for (what, files, expected) in [
            (
                "one names another's",
                &[("1.json", about("X-1", &["PyPI"])), ("3.json", both.clone())][..],
                &["PyPI"][..],
            ),
            (
                "each has its own",
                &[
                    ("1.json", about("X-1", &["PyPI"])),
                    ("a/2.json", about("X-2", &["npm"])),
                ],
                &["PyPI", "npm"],
            ),
            (
                "nothing but what is about both",
                &[("3.json", both.clone())],
                &["PyPI", "npm"],
            ),
            ("the bucket says which", &[("npm/3.json", both.clone())], &["npm"]),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            for (path, text) in files {
                write(folder.path(), path, text);
            }
            let found: Vec<String> = sources(folder.path())
                .expect(what)
                .into_iter()
                .map(|(e, _)| e)
                .collect();
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn nothing_of_an_ecosystem_is_not_all_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "go/1.json", &about("GO-1", &["Go"]));
        let error = sources(&folder.path().join("go")).expect_err("nothing that we know");
        assert!(matches!(error, ImportError::Nothing(_)), "{error}");
        write(folder.path(), "bucket/npm/1.json", &about("X-1", &["PyPI"]));
        let error = sources(&folder.path().join("bucket")).expect_err("nothing of npm");
        assert!(matches!(error, ImportError::Without { .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_counted_where_it_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        for (i, text) in [
            about("X-1", &["npm"]),
            about("../X-2", &["npm"]),
            r#"{"id":"X-3","#.to_owned(),
            r#"{"id":"X-4","modified":"2026-01-01T00:00:00Z","affected":[{"ranges":"all"}]}"#.to_owned(),
        ]
        .iter()
        .enumerate()
        {
            write(folder.path(), &format!("npm/{i}.json"), text);
        }
        write(folder.path(), "PyPI/1.json", &about("X-9", &["PyPI"]));
        let found = sources(folder.path()).expect("the others");
        assert_eq!(found, [("npm".to_owned(), 3), ("PyPI".to_owned(), 0)]);
    }
}
