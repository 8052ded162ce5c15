//! Generations of the database in a folder.
//!
//! ```text
//! DIR/current                     which generation counts, and when it was last seen to be current; renamed into place
//! DIR/generations/00000007/index  immutable
//! DIR/lock                        held by a writer; readers take none
//! ```
//!
//! A generation is written beside the others, flushed to the disk with its folder, renamed to its name, and only then named by
//! `current`, which is written, flushed and renamed in the same way. Whatever is cut off in between leaves `current` as it
//! was. The generation before the current one is kept for readers that have just read its name; on Unix, a file that is still
//! mapped outlives its removal anyway.

use super::{
    import::RUSTSEC,
    index::{self, Index, IndexError, Seen, Source},
    moment,
    osv::Record,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// A share of the records of an ecosystem that may vanish from one generation to the next, in percent. More is taken for a
/// broken download or a tampered mirror.
const LARGEST_DROP: u64 = 20;

/// What can go wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The index of a generation.
    #[error("{}: {source}", path.display())]
    Index {
        /// Which.
        path: PathBuf,
        /// Why.
        source: IndexError,
    },
    /// `current` says what cannot be.
    #[error("{}: names no generation; make one with `plimsoll db update` or `db import`", .0.display())]
    Pointer(PathBuf),
    /// Two at once.
    #[error("{}: another plimsoll is changing this database; wait for it", .0.display())]
    Busy(PathBuf),
    /// Older than what is there.
    #[error("{ecosystem}: newest change of {new}, the database has one of {old}; --force takes the older records")]
    Rollback {
        /// Which.
        ecosystem: String,
        /// What is there.
        old: String,
        /// What would come.
        new: String,
    },
    /// Much less than what is there.
    #[error("{ecosystem}: {new} records, the database has {old}; --force takes the fewer")]
    Drop {
        /// Which.
        ecosystem: String,
        /// What is there.
        old: u64,
        /// What would come.
        new: u64,
    },
}

type Result<T> = std::result::Result<T, StoreError>;

/// The folder of a database.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// What `current` holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The name of the generation's folder.
    pub generation: String,
    /// RFC 3339 time at which a server said that an ecosystem's records are still current, by ecosystem.
    #[serde(default)]
    pub checked: BTreeMap<String, String>,
}

/// The generation that counts.
#[derive(Debug)]
pub struct Generation {
    /// What `current` says.
    pub pointer: Pointer,
    /// Its index.
    pub index: Index,
    /// Where that is.
    pub path: PathBuf,
}

impl Generation {
    /// The time up to which an ecosystem is known to be complete.
    #[must_use]
    pub fn as_of(&self, source: &Source) -> String {
        let checked = self.pointer.checked.get(&source.ecosystem);
        checked.filter(|c| **c > source.as_of).unwrap_or(&source.as_of).clone()
    }
}

/// Where the database is unless a folder is given: `PLIMSOLL_DB`, or `plimsoll/db` in the user's cache or data folder.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("PLIMSOLL_DB").or_else(|| {
        let data = set("XDG_DATA_HOME").filter(|p| p.is_absolute());
        let home = || {
            let home = set("HOME").or_else(|| set("USERPROFILE"))?;
            Some(match env::consts::OS {
                "macos" => home.join("Library/Application Support"),
                _ => home.join(".local/share"),
            })
        };
        Some(
            data.or_else(|| set("LOCALAPPDATA"))
                .or_else(home)?
                .join("plimsoll")
                .join("db"),
        )
    })
}

impl Store {
    /// A folder, which need not be there yet.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The generation that counts; `None` where nothing was ever imported.
    ///
    /// # Errors
    /// When there is one and it cannot be opened.
    pub fn current(&self) -> Result<Option<Generation>> {
        // Two writers may pass by between the name and the file.
        let mut tries = 3;
        loop {
            tries -= 1;
            let Some(pointer) = self.pointer()? else {
                return Ok(None);
            };
            let path = self.generations().join(&pointer.generation).join("index");
            match Index::open(&path) {
                Ok(index) => return Ok(Some(Generation { pointer, index, path })),
                Err(IndexError::Io(e)) if e.kind() == io::ErrorKind::NotFound && tries > 0 => {}
                Err(source) => return Err(StoreError::Index { path, source }),
            }
        }
    }

    /// The index of a generation by its name ([`Pointer::generation`]), to compare with the current one
    /// ([`index::changes`]); `None` where it is no longer kept.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn generation(&self, name: &str) -> Result<Option<Index>> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.generations().join(name).join("index");
        match Index::open(&path) {
            Ok(index) => Ok(Some(index)),
            Err(IndexError::Io(e)) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Index { path, source }),
        }
    }

    fn pointer(&self) -> Result<Option<Pointer>> {
        let path = self.root.join("current");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        let pointer = serde_json::from_slice::<Pointer>(&text).ok();
        pointer
            .filter(|p| is_name(&p.generation))
            .map(Some)
            .ok_or(StoreError::Pointer(path))
    }

    fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    /// Takes the writer's lock, which ends with what is returned, or with the process.
    ///
    /// # Errors
    /// When another writer holds it, or the folder cannot be written.
    pub fn lock(&self) -> Result<Writer<'_>> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        let generations = self.generations();
        fs::create_dir_all(&generations).map_err(io(&generations))?;
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Writer {
                store: self,
                _lock: file,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy(self.root.clone())),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }
}

/// The only one that may change the folder.
#[derive(Debug)]
pub struct Writer<'s> {
    store: &'s Store,
    _lock: File,
}

impl Writer<'_> {
    /// Makes a generation of new records and of those parts of the current one that the new ones do not replace: all that
    /// concerns none of `sources`' ecosystems.
    ///
    /// # Errors
    /// When it is older, or much smaller, than the current one and not forced; when it cannot be written.
    pub fn replace(&self, records: Vec<Record>, mut sources: Vec<Source>, force: bool) -> Result<Generation> {
        let current = match self.store.current() {
            // A damaged generation is what a new one is to mend.
            Err(StoreError::Index { .. } | StoreError::Pointer(_)) => None,
            current => current?,
        };
        let new: BTreeSet<String> = sources.iter().map(|s| s.ecosystem.clone()).collect();
        // RustSec's repository holds RustSec's records alone; what others say of crates stays.
        let rustsec = sources.iter().any(|s| s.from == RUSTSEC);
        if let Some(current) = &current {
            let kept = |s: &&Source| !new.contains(&s.ecosystem);
            sources.extend(current.index.meta().sources.iter().filter(kept).cloned());
        }
        // A record of two ecosystems comes with either; of one without packages nothing says whose it is.
        let mut stays = |r: &Seen<'_>| {
            let replaced = |ecosystem: &str| {
                let other = rustsec && ecosystem == "crates.io" && !r.id.starts_with("RUSTSEC-");
                new.contains(ecosystem) && !other
            };
            r.packages.is_empty() || r.packages.iter().any(|(ecosystem, _)| !replaced(ecosystem))
        };
        let checked = current.as_ref().map(|c| c.pointer.checked.clone()).unwrap_or_default();
        self.write(records, sources, checked, current.as_ref(), &mut stays, force)
    }

    /// Makes a generation of these records and of those of the current one for which `stays` holds.
    ///
    /// # Errors
    /// As [`Writer::replace`].
    pub fn write(
        &self,
        records: Vec<Record>,
        sources: Vec<Source>,
        checked: BTreeMap<String, String>,
        current: Option<&Generation>,
        stays: &mut dyn FnMut(&Seen<'_>) -> bool,
        force: bool,
    ) -> Result<Generation> {
        let bytes = match current {
            None => index::build(records, sources),
            Some(current) => {
                index::renew(&current.index, stays, records, sources).map_err(|source| StoreError::Index {
                    path: current.path.clone(),
                    source,
                })?
            }
        };
        let place = self.store.generations();
        let wrap = |source| StoreError::Index {
            path: place.clone(),
            source,
        };
        let new = Index::from_bytes(bytes).map_err(wrap)?;
        if let (Some(current), false) = (current, force) {
            compare(&current.index, &new)?;
        }
        let io = |source| StoreError::Io {
            path: place.clone(),
            source,
        };
        self.commit(&new, checked).map_err(io)?;
        self.store
            .current()?
            .ok_or_else(|| StoreError::Pointer(self.store.root.join("current")))
    }

    /// Says that ecosystems of the current generation were seen to be current.
    ///
    /// # Errors
    /// When `current` cannot be written.
    pub fn checked(&self, checked: BTreeMap<String, String>) -> Result<()> {
        if let Some(mut pointer) = self.store.pointer()? {
            pointer.checked.extend(checked);
            self.point(&pointer).map_err(|source| StoreError::Io {
                path: self.store.root.join("current"),
                source,
            })?;
        }
        Ok(())
    }

    fn commit(&self, index: &Index, checked: BTreeMap<String, String>) -> io::Result<()> {
        let generations = self.store.generations();
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&generations)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        let last = names
            .iter()
            .filter_map(|name| name.parse::<u32>().ok())
            .max()
            .unwrap_or(0);
        let before = self.store.pointer().ok().flatten().map(|p| p.generation);
        let name = format!("{:08}", last.wrapping_add(1) % 100_000_000);

        let draft = generations.join("draft");
        let _ = fs::remove_dir_all(&draft);
        fs::create_dir(&draft)?;
        write_whole(&draft.join("index"), index.as_bytes())?;
        sync_folder(&draft)?;
        fs::rename(&draft, generations.join(&name))?;
        sync_folder(&generations)?;
        self.point(&Pointer {
            generation: name.clone(),
            checked,
        })?;
        // What no reader can be told of any more. That it fails is no reason to fail: the next writer tries again.
        for old in names
            .iter()
            .filter(|old| **old != name && Some(*old) != before.as_ref())
        {
            let _ = fs::remove_dir_all(generations.join(old));
        }
        Ok(())
    }

    fn point(&self, pointer: &Pointer) -> io::Result<()> {
        let draft = self.store.root.join("current.draft");
        write_whole(&draft, &serde_json::to_vec(pointer)?)?;
        fs::rename(&draft, self.store.root.join("current"))?;
        sync_folder(&self.store.root)
    }
}

/// Refuses what looks like a replayed old download, or like half of one.
fn compare(old: &Index, new: &Index) -> Result<()> {
    for old in &old.meta().sources {
        let Some(new) = new.meta().sources.iter().find(|s| s.ecosystem == old.ecosystem) else {
            continue;
        };
        let ecosystem = || old.ecosystem.clone();
        // RustSec's files know days of publication, not times of change.
        if moment::before(&new.newest, &old.newest) && new.from != RUSTSEC {
            return Err(StoreError::Rollback {
                ecosystem: ecosystem(),
                old: old.newest.clone(),
                new: new.newest.clone(),
            });
        }
        if new.records * 100 < old.records * (100 - LARGEST_DROP) {
            return Err(StoreError::Drop {
                ecosystem: ecosystem(),
                old: old.records,
                new: new.records,
            });
        }
    }
    Ok(())
}

/// Whether a generation's folder can have this name: what `current` says becomes part of a path.
fn is_name(generation: &str) -> bool {
    generation.len() == 8 && generation.bytes().all(|b| b.is_ascii_digit())
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// So that the names in it outlast a loss of power. Windows has no such call, and needs none for a rename.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
