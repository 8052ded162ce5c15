//! Zip archives over bytes in memory. The framing is ours: the `zip` crate collapses entries of one name and trusts the
//! central directory alone, which is what an attacker would have a scanner do.

mod records;

use super::{Anomaly, Budget, EntryKind, Gravity, Member, Opened, ReadError, Tree, Visitor};
use crate::limits::Limits;
use rayon::prelude::*;
use records::{End, Header};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1 | 1 << 6;
const DESCRIPTOR: u16 = 1 << 3;

/// Whether these first bytes are a zip's. A zip behind a prefix (zipapp, pex) is found by [`Zip::open`] itself.
#[must_use]
pub fn is_magic(head: &[u8]) -> bool {
    head.starts_with(&records::LOCAL) || head.starts_with(&records::END)
}

/// Whether an end-of-directory record ends these bytes, which may be the tail of a file alone.
#[must_use]
pub fn has_end(tail: &[u8]) -> bool {
    find_end(tail).is_some_and(|end| end.end() == tail.len())
}

/// Where the contents of an entry are.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Offset of the local header in the file.
    local: usize,
    compressed: u64,
    crc: Option<u32>,
    method: u16,
    flags: u16,
}

/// A zip's entries.
#[derive(Debug)]
pub struct Zip<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
    places: Vec<Place>,
    anomalies: Vec<Anomaly>,
}

impl<'a> Zip<'a> {
    /// Reads the directory. `None` when there is no trace of a zip in `bytes`.
    #[must_use]
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Option<Self> {
        let mut zip = Self {
            bytes,
            members: Vec::new(),
            places: Vec::new(),
            anomalies: Vec::new(),
        };
        match find_end(bytes) {
            Some(end) => zip.walk_central(&end, limits),
            None if is_magic(bytes) => {
                zip.contradiction(
                    "no-directory",
                    "",
                    "the central directory is missing: the archive is truncated or was cut together; build it again \
                     (its local headers were read instead)",
                );
                zip.walk_local(limits);
            }
            None => return None,
        }
        Some(zip)
    }

    fn walk_central(&mut self, end: &End, limits: &Limits) {
        if end.disk != 0 && end.disk != 0xffff {
            self.contradiction("multi-disk", "", "one part of a split archive; join the parts first");
        }
        let size = usize::try_from(end.size).unwrap_or(usize::MAX);
        // What precedes the first record (a shebang, a launcher) shifts every offset by its length.
        let at_end = end.at.checked_sub(size);
        let stated = usize::try_from(end.offset).unwrap_or(usize::MAX);
        let start = [at_end, Some(stated)]
            .into_iter()
            .flatten()
            .find(|&at| end.entries == 0 || Header::central(self.bytes, at).is_some());
        let Some(start) = start else {
            self.contradiction(
                "no-directory",
                "",
                "the central directory is not where the archive says it is",
            );
            return self.walk_local(limits);
        };
        let prefix = start.saturating_sub(stated);
        let mut at = start;
        while let Some(header) = Header::central(self.bytes, at) {
            if !self.push(header, prefix, limits) {
                return;
            }
            at = header.end;
        }
        if self.members.len() as u64 != end.entries {
            let message = format!(
                "the directory holds {} entries and claims {}",
                self.members.len(),
                end.entries
            );
            self.contradiction("entry-count", "", &message);
        }
    }

    /// Without a directory: every local header that the data leads to, one after the other.
    fn walk_local(&mut self, limits: &Limits) {
        let mut at = 0;
        while let Some(found) = memchr::memmem::find(&self.bytes[at..], &records::LOCAL) {
            at += found;
            let Some(header) = Header::local(self.bytes, at) else {
                at += 4;
                continue;
            };
            if !self.push(header, 0, limits) {
                return;
            }
            let sized = header.flags & DESCRIPTOR == 0;
            let data = if sized {
                usize::try_from(header.compressed).unwrap_or(0)
            } else {
                0
            };
            at = header.end.saturating_add(data).min(self.bytes.len());
        }
    }

    fn push(&mut self, header: Header<'_>, prefix: usize, limits: &Limits) -> bool {
        if self.members.len() >= limits.entries {
            let message = format!(
                "limit `entries` reached ({}); the rest was not looked at",
                limits.entries
            );
            self.contradiction("limit", "", &message);
            return false;
        }
        let path = String::from_utf8_lossy(header.name);
        let kind = match header.mode & 0o170_000 {
            0o120_000 => EntryKind::Symlink,
            0o040_000 => EntryKind::Directory,
            0 | 0o100_000 if path.ends_with('/') => EntryKind::Directory,
            0 | 0o100_000 => EntryKind::File,
            _ => EntryKind::Special,
        };
        self.members.push(Member {
            path: path.into(),
            size: header.size,
            kind,
        });
        self.places.push(Place {
            local: usize::try_from(header.offset)
                .unwrap_or(usize::MAX)
                .saturating_add(prefix),
            compressed: header.compressed,
            crc: (header.crc != 0 || header.flags & DESCRIPTOR == 0).then_some(header.crc),
            method: header.method,
            flags: header.flags,
        });
        true
    }

    fn contradiction(&mut self, code: &'static str, path: &str, message: &str) {
        self.anomalies.push(Anomaly {
            code,
            gravity: Gravity::Contradiction,
            path: path.into(),
            message: message.to_owned(),
        });
    }

    fn open_entry<'s>(&'s self, place: Place, budget: &'s Budget) -> Opened<'s> {
        if place.flags & ENCRYPTED != 0 {
            return Opened::closed(ReadError::Encrypted, budget);
        }
        let Some(local) = Header::local(self.bytes, place.local) else {
            let (got, expected) = (self.bytes.len() as u64, place.local as u64);
            return Opened::closed(ReadError::Truncated { got, expected }, budget);
        };
        let rest = self.bytes.get(local.end..).unwrap_or_default();
        let known = usize::try_from(place.compressed).unwrap_or(usize::MAX);
        match place.method {
            STORED => match rest.get(..known) {
                Some(data) => Opened::stored(data, place.crc, budget),
                None => Opened::closed(
                    ReadError::Truncated {
                        got: rest.len() as u64,
                        expected: place.compressed,
                    },
                    budget,
                ),
            },
            // A deflate stream ends itself; where the size is left to a data descriptor it is zero here.
            DEFLATED if known == 0 && place.flags & DESCRIPTOR != 0 => Opened::deflated(rest, place.crc, budget),
            DEFLATED => Opened::deflated(&rest[..known.min(rest.len())], place.crc, budget),
            method => Opened::closed(ReadError::Method(method), budget),
        }
    }
}

/// The last end-of-directory record whose comment ends with the file, or else the last one there is.
fn find_end(bytes: &[u8]) -> Option<End> {
    // The comment is at most 65,535 bytes long; trailing junk may follow it.
    let mut last = None;
    for at in memchr::memmem::rfind_iter(bytes, &records::END).take(64) {
        let Some(end) = End::parse(bytes, at) else {
            continue;
        };
        if end.end() == bytes.len() {
            return Some(end);
        }
        last = last.or(Some(end));
    }
    last
}

impl Tree for Zip<'_> {
    fn entries(&self) -> &[Member] {
        &self.members
    }

    fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        wanted
            .par_iter()
            .with_min_len(16)
            .for_each(|&i| visitor(i, &mut self.open_entry(self.places[i], budget)));
    }
}
