//! Artifacts as trees of entries: bytes in, entry metadata and chosen contents out. Reads under limits, writes nothing.
//!
//! A [`Tree`] is a zip, a tar, a gzip file or a folder; its [`Tree::visit`] opens chosen entries, in parallel where the format allows it.
//! An opened entry shows its first bytes cheaply ([`Opened::peek`]), so that nested archives and binaries are recognised
//! by magic in every entry while only what a detector asked for is inflated in full.

mod anomaly;
mod budget;
mod folder;
pub mod gzip;
mod map;
mod names;
pub mod nested;
mod opened;
mod single;
pub mod tar;
pub mod zip;

pub use anomaly::{Anomaly, Gravity};
pub use budget::Budget;
pub use folder::Folder;
pub use map::Mapped;
pub use opened::{Contents, Opened, PEEK_BYTES, ReadError};
pub use single::Single;

use rayon::prelude::*;

/// What kind of thing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Has contents of its own.
    File,
    /// Holds others.
    Directory,
    /// Points elsewhere; never followed.
    Symlink,
    /// A device, a socket, a FIFO: never opened.
    Special,
}

/// What a directory record says about an entry, before anything is read. Borrowed from the tree: free to copy.
#[derive(Clone, Copy, Debug)]
pub struct EntryMeta<'a> {
    /// `/`-separated path inside the archive, as stored.
    pub path: &'a str,
    /// Bytes of its contents, as claimed: a hint, never a promise.
    pub size: u64,
    /// What it is.
    pub kind: EntryKind,
}

impl<'a> EntryMeta<'a> {
    /// The last segment of the path.
    #[must_use]
    pub fn file_name(&self) -> &'a str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }

    /// Whether it lies in an installed npm tree: what is there belongs to a package and speaks for that alone.
    #[must_use]
    pub fn in_node_modules(&self) -> bool {
        self.path.starts_with("node_modules/") || self.path.contains("/node_modules/")
    }
}

/// An entry handed to a detector.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What the directory says of it.
    pub meta: EntryMeta<'a>,
    /// Its contents.
    pub bytes: &'a [u8],
    /// Whether these are all of its contents, and what the archive says of them holds: what is missing in a part of a list
    /// may be in the rest.
    pub whole: bool,
    /// Where it is, for evidence.
    pub location: crate::model::Location,
}

/// What [`Tree::visit`] calls for each entry: its index and its opened contents.
pub type Visitor<'v> = dyn Fn(usize, &mut Opened<'_>) + Sync + 'v;

/// A readable set of entries.
pub trait Tree: Sync {
    /// Every entry, in an order that depends on the artifact alone.
    fn entries(&self) -> &[Member];

    /// What is wrong with the framing.
    fn anomalies(&self) -> &[Anomaly] {
        &[]
    }

    /// Opens the entries of `wanted` (indices into [`Tree::entries`]), in any order and on any number of threads.
    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>);
}

/// Visits entries on all threads; those of more than 16 MiB one after the other beside the rest, for each thread would hold
/// one of them. No lock does that: a thread that waits for its own nested archive takes on other entries meanwhile, and would
/// wait for itself.
fn visit_in_parallel(wanted: &[usize], members: &[Member], visit: &(dyn Fn(usize) + Sync)) {
    const LARGE: u64 = 16 << 20;
    let (large, rest): (Vec<usize>, Vec<usize>) = wanted.iter().partition(|&&i| members[i].size > LARGE);
    rayon::join(
        || rest.par_iter().with_min_len(16).for_each(|&i| visit(i)),
        || large.iter().for_each(|&i| visit(i)),
    );
}

/// One entry of a tree; what [`EntryMeta`] borrows from.
#[derive(Clone, Debug)]
pub struct Member {
    /// As in [`EntryMeta::path`].
    pub path: Box<str>,
    /// As in [`EntryMeta::size`].
    pub size: u64,
    /// As in [`EntryMeta::kind`].
    pub kind: EntryKind,
}

impl Member {
    /// A borrowed view.
    #[must_use]
    pub fn meta(&self) -> EntryMeta<'_> {
        EntryMeta {
            path: &self.path,
            size: self.size,
            kind: self.kind,
        }
    }
}
