//! Zip archives over bytes in memory. The framing is ours: the `zip` crate collapses entries of one name and trusts the
//! central directory alone, which is what an attacker would have a scanner do.
//!
//! Both views of an archive are walked, the central directory and the local headers; the entries are the union of what any
//! reader may see, and every disagreement is an anomaly. In an honest archive each byte belongs to one record, so the second
//! walk costs a look at each local header and nothing more.

mod claims;
mod pair;
mod records;
mod walk;

use super::{Anomaly, Budget, Member, Opened, ReadError, Tree, Visitor, names};
use crate::limits::Limits;
use records::{End, Header};
use std::{cell::Cell, ops::Range};
use walk::{Walk, leads_somewhere};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Strong encryption, AES (whose method hides the real one), and the flag of old.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const AES: u16 = 99;
/// Compressed patched data.
const PATCHED: u16 = 1 << 5;

/// Whether these first bytes are a zip's. A zip behind a prefix (zipapp, pex) is found by [`Zip::open`] itself.
#[must_use]
pub fn is_magic(head: &[u8]) -> bool {
    head.starts_with(&records::LOCAL)
        || head.starts_with(&records::END)
        || records::SPANNED.iter().any(|marker| head.starts_with(marker))
}

/// Whether an end-of-directory record ends these bytes, which may be the tail of a file alone.
#[must_use]
pub fn has_end(tail: &[u8]) -> bool {
    memchr::memmem::rfind_iter(tail, &records::END)
        .take(64)
        .filter_map(|at| End::parse(tail, at))
        .any(|end| end.end() == tail.len())
}

/// Whether a directory can be found from the end of these bytes, whatever they begin with.
#[must_use]
pub fn has_directory(bytes: &[u8]) -> bool {
    /// An end record and the longest comment there can be.
    const TAIL: usize = 22 + 65_535;
    let start = bytes.len().saturating_sub(TAIL);
    memchr::memmem::rfind_iter(&bytes[start..], &records::END)
        .take(64)
        .filter_map(|at| End::parse(bytes, start + at))
        .any(|end| end.end() <= bytes.len() && leads_somewhere(bytes, &end))
}

/// Where the contents of an entry are, as one view has it.
#[derive(Clone, Debug)]
struct Place {
    /// Offset of the local header in the file.
    local: u64,
    /// The name in its record.
    name: Range<usize>,
    data: Range<usize>,
    crc: Option<u32>,
    size: Option<u64>,
    method: u16,
    flags: u16,
    /// Whether the compressed data must fill its range.
    exact: bool,
    /// Whether the contents must be checked though nobody asks for them.
    verify: bool,
    /// Not to be read at all.
    closed: bool,
}

impl Place {
    fn new(header: &Header<'_>, local: u64, data: Range<usize>) -> Self {
        Self {
            local,
            name: header.name_at..header.name_at + header.name.len(),
            data,
            crc: Some(header.crc),
            size: Some(header.size),
            method: header.method,
            flags: header.flags,
            exact: true,
            verify: false,
            closed: false,
        }
    }

    fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.name.clone()).unwrap_or_default()
    }
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
        let end = find_end(bytes);
        if end.is_none() && !is_magic(bytes) {
            return None;
        }
        let mut walk = Walk::new(bytes, limits);
        walk.run(end.as_ref());
        let Walk {
            members,
            mut places,
            mut anomalies,
            ..
        } = walk;
        let compared = Cell::new(bytes.len().saturating_mul(2));
        let same = |i: usize, j: usize| match (places.get(i), places.get(j)) {
            (Some(a), Some(b)) => a.data == b.data && a.method == b.method || same_bytes(bytes, a, b, &compared),
            _ => false,
        };
        names::collisions(&members, &same, &mut anomalies);
        // What is small is checked whole: its contents may contradict its records where nobody asks for them.
        let packed: usize = places.iter().map(|p| p.data.len()).fold(0, usize::saturating_add);
        if packed as u64 <= limits.verify_bytes {
            for place in &mut places {
                place.verify = true;
            }
        }
        Some(Self {
            bytes,
            members,
            places,
            anomalies: anomalies.finish(),
        })
    }

    fn open_entry<'s>(&'s self, place: &Place, budget: &'s Budget) -> Opened<'s> {
        if place.flags & ENCRYPTED != 0 || place.method == AES {
            return Opened::closed(ReadError::Encrypted, budget);
        }
        if place.closed {
            return Opened::closed(ReadError::Unreachable, budget);
        }
        if place.flags & PATCHED != 0 {
            return Opened::closed(ReadError::Method(place.method), budget);
        }
        let data = self.bytes.get(place.data.clone()).unwrap_or_default();
        let opened = match place.method {
            STORED => Opened::stored(data, place.crc, budget),
            DEFLATED => Opened::deflated(data, place.crc, budget),
            method => return Opened::closed(ReadError::Method(method), budget),
        };
        opened.checked(place.size, place.exact, place.verify)
    }
}

/// Equal as stored: no decompression, and a checksum alone proves nothing here. `left`: bytes that may still be compared, so
/// that entries that share theirs cannot make it quadratic; beyond that they count as different.
fn same_bytes(bytes: &[u8], a: &Place, b: &Place, left: &Cell<usize>) -> bool {
    let Some(rest) = left.get().checked_sub(a.data.len()) else {
        return false;
    };
    left.set(rest);
    a.method == b.method
        && (a.flags ^ b.flags) & ENCRYPTED == 0
        && bytes
            .get(a.data.clone())
            .is_some_and(|data| Some(data) == bytes.get(b.data.clone()))
}

/// The end record that most readers take: the last whose comment ends with the file, or else the last that leads to a
/// directory.
fn find_end(bytes: &[u8]) -> Option<End> {
    let mut last = None;
    for (i, at) in memchr::memmem::rfind_iter(bytes, &records::END).enumerate() {
        let Some(end) = End::parse(bytes, at) else {
            continue;
        };
        let nothing = end.said.entries == 0 && end.said.size == 0;
        if end.end() == bytes.len() && (leads_somewhere(bytes, &end) || (nothing && is_magic(bytes))) {
            return Some(end);
        }
        if leads_somewhere(bytes, &end) || (is_magic(bytes) && last.is_none()) {
            let somewhere = leads_somewhere(bytes, &end);
            last = Some(end);
            if somewhere || i > 64 {
                break;
            }
        }
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
        super::visit_in_parallel(wanted, &self.members, &|i| {
            visitor(i, &mut self.open_entry(&self.places[i], budget));
        });
    }
}
