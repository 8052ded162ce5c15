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

/// Archives of formats that are not opened here, by what they begin with, and whether one file alone is packed by them, which
/// only its name tells to be an archive. No function is deployed in one; something inside a function may be.
const CLOSED: &[(&[u8], &str, bool)] = &[
    (b"7z\xbc\xaf\x27\x1c", "7z", false),
    (b"Rar!\x1a\x07", "RAR", false),
    (b"MSCF\0\0\0\0", "cabinet", false),
    (b"\xfd7zXZ\0", "xz", true),
    (b"BZh", "bzip2", true),
    (b"\x28\xb5\x2f\xfd", "zstd", true),
    (b"\x04\x22\x4d\x18", "lz4", true),
];

/// The format of an entry that is packed in a way that nobody looks through here, and whether it is an archive: by its format,
/// by its name (`x.tar.xz`), or as a layer of an image has none (`blobs/sha256/…`). Data that is packed by itself is none.
#[must_use]
pub fn closed(head: &[u8], path: &str) -> Option<(&'static str, bool)> {
    let Some((_, format, one_file)) = CLOSED.iter().find(|(magic, ..)| head.starts_with(magic)) else {
        // Without a magic number of their own.
        let ending = path
            .rsplit_once('.')
            .filter(|(stem, _)| stem.strip_suffix(".tar").is_some())?
            .1;
        let known = [("lzma", "lzma"), ("br", "brotli"), ("Z", "compress"), ("lz", "lzip")];
        let opened = zip::is_magic(head) || tar::is_magic(head) || gzip::is_magic(head);
        let format = known.into_iter().find(|(known, _)| *known == ending && !opened)?.1;
        return Some((format, false));
    };
    // `BZh` is a text as well as a magic number: a digit follows, and the magic of a block or of the end.
    if *format == "bzip2"
        && !matches!(
            head.get(3..7),
            Some([b'1'..=b'9', b'1', b'A', b'Y'] | [b'1'..=b'9', 0x17, 0x72, 0x45])
        )
    {
        return None;
    }
    let file = path
        .rsplit_once('/')
        .map_or(path, |(_, file)| file)
        .to_ascii_lowercase();
    let named = file.contains(".tar.")
        || ["txz", "tbz", "tbz2", "tzst"]
            .iter()
            .any(|e| file.rsplit('.').next() == Some(e));
    let is_archive = !one_file || named || !file.contains('.');
    Some((format, is_archive))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_opened() {
        for (head, path, expected) in [
            (&b"\xfd7zXZ\0\0\x04"[..], "vendor/layer.tar.xz", Some(("xz", true))),
            (b"\xfd7zXZ\0\0\x04", "data/zones.csv.xz", Some(("xz", false))),
            (b"\x28\xb5\x2f\xfd\x24", "blobs/sha256/abc", Some(("zstd", true))),
            (b"BZh91AY&SY", "x.tbz2", Some(("bzip2", true))),
            (b"BZh is how it begins", "notes", None),
            (b"Rar!\x1a\x07\x01\0", "x.dat", Some(("RAR", true))),
            (b"\x5d\0\0\x80\0", "vendor.tar.lzma", Some(("lzma", false))),
            (b"PK\x03\x04", "x.zip", None),
        ] {
            assert_eq!(closed(head, path), expected, "{path}");
        }
    }
}
