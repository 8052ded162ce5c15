//! Archives inside archives, told by their contents, not by their names.

use super::{Budget, Tree, gzip, tar, zip};

/// What the first bytes of an entry say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// Not an archive.
    No,
    /// Perhaps: a script or a program may be the front of a zip (zipapp, pex, shiv, self-extractors), which only the end of
    /// the file can tell.
    Perhaps,
    /// An archive.
    Yes,
}

/// Endings of files that are zips, whatever is in front of them.
const ZIP_ENDINGS: &[&str] = &[
    "zip", "whl", "egg", "pex", "pyz", "pyzw", "jar", "war", "xpi", "vsix", "nupkg",
];

/// Whether an entry is worth reading as an archive. `head`: its first [`super::PEEK_BYTES`], or all of it.
#[must_use]
pub fn guess(head: &[u8], path: &str) -> Guess {
    if zip::is_magic(head) || tar::is_magic(head) {
        return Guess::Yes;
    }
    if gzip::is_magic(head) {
        // Data files are often packed one by one; only what holds archives or programs is worth inflating.
        let inner = gzip::begin(head);
        let unknown = inner.len() < 262;
        let worth =
            unknown || inner.starts_with(b"\x7fELF") || gzip::is_magic(&inner) || guess(&inner, "") != Guess::No;
        return if worth { Guess::Yes } else { Guess::No };
    }
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    if head.starts_with(b"#!") || ZIP_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)) {
        return Guess::Perhaps;
    }
    Guess::No
}

/// An archive and what to call it.
pub struct Archive<'a> {
    /// Its entries.
    pub tree: Box<dyn Tree + 'a>,
    /// `zip`, `tar`, `gzip`.
    pub kind: &'static str,
}

/// The archive that `bytes` are, if they are one; `name` is that of the file.
#[must_use]
pub fn open<'a>(bytes: &'a [u8], name: &str, budget: &Budget) -> Option<Archive<'a>> {
    let limits = &budget.limits;
    if zip::is_magic(bytes) || zip::has_directory(bytes) {
        let tree = Box::new(zip::Zip::open(bytes, limits)?);
        return Some(Archive { tree, kind: "zip" });
    }
    if tar::is_magic(bytes) {
        let tree = Box::new(tar::Tar::open(bytes, limits));
        return Some(Archive { tree, kind: "tar" });
    }
    if gzip::is_magic(bytes) {
        let begin = gzip::begin(bytes);
        if tar::is_magic(&begin) {
            let tree = Box::new(tar::Tar::open_gzip(bytes, budget));
            return Some(Archive { tree, kind: "tar" });
        }
        let tree = Box::new(gzip::Gzip::open(bytes, name));
        return Some(Archive { tree, kind: "gzip" });
    }
    None
}
