//! Popular names that are newer than those that this copy carries: fetched from where somebody publishes them, kept in a
//! folder beside the generations of the database, which a new generation leaves as it is.
//!
//! A server holds them as `advisories/names` does, one list for each ecosystem: `npm.txt.gz`, `PyPI.txt.gz`,
//! `crates.io.txt.gz`, each gzip of one name a line, the most popular first. There is no such server of ours: registries
//! count downloads, and a mirror or a job of one's own makes the lists.

use crate::{
    disk,
    ecosystem::{self, Ecosystem},
    http::{HttpError, Remote},
    names::{ListError, Names, Popular},
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Bytes of a packed list. 8 MiB: 50,000 names take 0.4.
const BYTES: u64 = 8 << 20;
const ORIGIN: &str = "origin.json";

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ListsError {
    /// A list could not be fetched.
    #[error("popular names: {0}")]
    Http(#[from] HttpError),
    /// A file.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else than a list of names.
    #[error("{place}: {source}")]
    List {
        /// Where it is from.
        place: String,
        /// What is wrong with it.
        source: ListError,
    },
}

type Result<T> = std::result::Result<T, ListsError>;

/// Where the lists were fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Their folder on a server.
    pub from: String,
    /// When, RFC 3339.
    pub as_of: String,
}

/// A folder of lists; it need not be there.
#[derive(Clone, Debug)]
pub struct Lists {
    folder: PathBuf,
}

fn file_name(ecosystem: &Ecosystem) -> String {
    format!("{}.txt.gz", ecosystem.osv)
}

impl Lists {
    /// The lists of that folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where they are from; `None` where there are none.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        serde_json::from_slice(&fs::read(self.folder.join(ORIGIN)).ok()?).ok()
    }

    /// The names of some ecosystems, as OSV names those; the embedded ones where there is no list.
    ///
    /// # Errors
    /// When a list is there and cannot be read: to go on with older names would be another answer without a word.
    pub fn open<'e>(&self, ecosystems: impl IntoIterator<Item = &'e str>) -> Result<Popular> {
        let mut popular = Popular::default();
        for ecosystem in ecosystems.into_iter().filter_map(known) {
            let path = self.folder.join(file_name(ecosystem));
            let packed = match fs::read(&path) {
                Ok(packed) => packed,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(ListsError::Io { path, source }),
            };
            popular.replace(ecosystem.id, read(&packed, ecosystem, &path.display().to_string())?);
        }
        Ok(popular)
    }

    /// Fetches the lists of some ecosystems; how many names each has. What was there stays unless all of them are right.
    ///
    /// # Errors
    /// When one cannot be fetched, is no list, or cannot be written.
    pub fn fetch(&self, remote: &Remote, ecosystems: &[String], now: SystemTime) -> Result<Vec<(&'static str, usize)>> {
        let mut fetched = Vec::new();
        for ecosystem in ecosystems.iter().filter_map(|name| known(name)) {
            let name = file_name(ecosystem);
            let packed = remote.body(&name, BYTES)?;
            let names = read(&packed, ecosystem, &format!("{}/{name}", remote.base()))?;
            fetched.push((ecosystem.osv, name, packed, names.len()));
        }
        for (_, name, packed, _) in &fetched {
            self.write(name, packed)?;
        }
        let origin = Origin {
            from: remote.base().to_owned(),
            as_of: humantime::format_rfc3339_seconds(now).to_string(),
        };
        self.write(ORIGIN, &serde_json::to_vec(&origin).unwrap_or_default())?;
        Ok(fetched.into_iter().map(|(osv, _, _, names)| (osv, names)).collect())
    }

    /// Takes what another folder has, if it has anything.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is no list.
    pub fn take(&self, other: &Self) -> Result<()> {
        let Some(origin) = other.origin() else { return Ok(()) };
        for ecosystem in ecosystem::ALL {
            let path = other.folder.join(file_name(ecosystem));
            let Ok(packed) = fs::read(&path) else { continue };
            read(&packed, ecosystem, &path.display().to_string())?;
            self.write(&file_name(ecosystem), &packed)?;
        }
        self.write(ORIGIN, &serde_json::to_vec(&origin).unwrap_or_default())
    }

    /// Never half a file under its name.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let written = fs::create_dir_all(&self.folder).and_then(|()| disk::replace(&path, bytes));
        written.map_err(|source| ListsError::Io {
            path: path.clone(),
            source,
        })
    }
}

/// Where the lists of a database lie: in its folder, or beside an exported file.
#[must_use]
pub fn beside(database: &Path) -> Lists {
    if database.is_file() {
        let mut name = database.as_os_str().to_owned();
        name.push(".names");
        return Lists::new(name.into());
    }
    Lists::new(database.join("names"))
}

fn known(name: &str) -> Option<&'static Ecosystem> {
    ecosystem::ALL.iter().copied().find(|e| e.osv == name)
}

fn read(packed: &[u8], ecosystem: &Ecosystem, place: &str) -> Result<Names> {
    Names::read(packed, ecosystem.id).map_err(|source| ListsError::List {
        place: place.to_owned(),
        source,
    })
}
