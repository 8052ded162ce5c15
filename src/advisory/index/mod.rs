//! The index file: every advisory of a generation, mapped into memory, opened in well under a millisecond whatever its size,
//! and asked by name without decoding the rest.
//!
//! All integers are little-endian. A file is
//!
//! | part | holds | verified |
//! |---|---|---|
//! | header | magic, layout, length of the file, SHA-256 of what follows, the table of sections, CRC-32 of all that | on opening |
//! | description | [`Meta`] as JSON | on opening |
//! | three directories | of each block of a table its place, length and CRC-32; of each key, by its hash, the block | on opening |
//! | table of names | of each (ecosystem, normalised name) its records: position, length, what it says of this package | when first touched |
//! | table of records | of each id what the record says that is not about one package | when first touched |
//! | table of aliases | of each other name the records that have it | when first touched |
//!
//! A table is its keys, sorted, each with its body, in blocks of 8: a block is verified and read whole. A record is known by
//! its position among all, which is a division away from its block. As all that is said of a record lies behind its length, a
//! look-up passes over what it does not need, and an increment ([`renew`]) copies what does not change.
//!
//! Every byte stands under exactly one CRC-32, which finds every flipped bit: opening verifies what any look-up rests on,
//! a look-up the block or two that it reads. So a damaged file gives an error
//! or, where the damage is elsewhere, the right answer. One checksum over each whole section was rejected: to be of use it
//! must be computed on opening, which for tens of megabytes takes longer than the whole opening may. `fst` for the names was
//! rejected for the same reason: it can only be verified whole. Keys in a block are front-coded instead, which packs the
//! names of a sorted list nearly as well.
//!
//! Versions of up to four plain decimal segments are written as such and compared as one integer of 128 bits with the
//! version in question, which is read once for each look-up ([`crate::ecosystem::Place`]); others are text and compared
//! as the ecosystem does. A part is judged on its packed form by the same code that judges text ([`range::affects`]), and
//! only what concerns the version is decoded. A malicious-package record of one version takes about 40 bytes beside its
//! names: its summary is always the same sentence.
//!
//! The bytes depend on the records alone, not on their order. `build.rs` compiles the writer into itself for the default
//! that the program carries, so the two can never differ.

mod changes;
mod cursor;
mod decode;
#[allow(unreachable_pub)] // what build.rs names is public in it
mod format;
mod meta;
mod query;
mod read;
mod table;
#[allow(unreachable_pub)] // likewise
mod write;

use super::{osv, range};

pub use changes::changes;
pub use meta::{Meta, Source, Unread};
pub use query::Query;
pub use read::{Found, Index, IndexError, Seen, code};

use crate::ecosystem;
use std::borrow::Cow;
use write::Packed;

/// The bytes of an index of these records; those of other ecosystems alone are kept by their name.
///
/// Sources need a name (`ecosystem`), a place (`from`) and perhaps `as_of` and `etag`; the rest is counted.
#[must_use]
pub fn build(records: Vec<osv::Record>, sources: Vec<Source>) -> Vec<u8> {
    pack(records).write(sources)
}

/// As [`build`], of `records` and of those of `old` for which `stays` holds. These are copied as they lie there, not decoded,
/// which is why a thousand changes in 300,000 records cost a fraction of building; the bytes are the same.
///
/// # Errors
/// When any part of `old` is damaged.
pub fn renew(
    old: &Index,
    stays: &mut dyn FnMut(&Seen<'_>) -> bool,
    records: Vec<osv::Record>,
    sources: Vec<Source>,
) -> Result<Vec<u8>, IndexError> {
    let mut packed = pack(records);
    old.hand_over(stays, &mut packed)?;
    Ok(packed.write(sources))
}

fn pack<'i>(records: Vec<osv::Record>) -> Packed<'i> {
    let mut packed = Packed::default();
    for record in records {
        packed.push(&record, &|ecosystem, name| {
            let row = ecosystem::by_osv_name(ecosystem)?;
            Some((code(row.osv)?, row.name(name)))
        });
    }
    packed
}

impl ecosystem::Ecosystem {
    /// The normalised name, as [`ecosystem::Ecosystem::coordinate`] makes it.
    fn name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        (self.normalise)(name.trim())
    }
}

/// What a fuzz target and the tests of damage call.
pub mod fuzz {
    use super::{
        Index, Query, Seen,
        format::{BLOCK_BYTES, DIRECTORY_BYTES, HEADER_BYTES, SECTION_BYTES, SECTIONS, TABLES, blocks, directory},
    };
    use crate::ecosystem;

    /// Opens bytes as an index and asks everything of it that there is to ask. Answers do not matter; that there is one does.
    pub fn exercise(bytes: &[u8]) {
        let Ok(index) = Index::from_bytes(bytes.to_vec()) else {
            return;
        };
        let _ = index.verify();
        let mut even = false;
        let mut every_other = |_: &Seen<'_>| {
            even = !even;
            even
        };
        let _ = super::renew(&index, &mut every_other, Vec::new(), Vec::new());
        for record in index.all().unwrap_or_default() {
            let _ = index.record(&record.id);
            for alias in &record.aliases {
                let _ = index.aliased(alias);
            }
        }
        for row in ecosystem::ALL {
            let code = super::code(row.osv).unwrap_or_default();
            for name in ["evil", "evil-too", "some-thing", "", "zzz"] {
                for found in index.lookup(code, name).unwrap_or_default() {
                    let _ = found.concerns(&Query::new("1.0.0", row));
                    let _ = found.whole();
                }
                let _ = index.affecting(code, name, &Query::new("1.0.0", row));
            }
        }
    }

    /// Makes every checksum hold again, as far as the tables can be read: a fuzzer would never get past them.
    pub fn reseal(bytes: &mut [u8]) {
        let number = |bytes: &[u8], at: usize| {
            let eight = bytes.get(at..at + 8).and_then(|b| b.first_chunk());
            eight.and_then(|b| usize::try_from(u64::from_le_bytes(*b)).ok())
        };
        let section = |bytes: &[u8], i: usize| {
            let (from, length) = (
                number(bytes, 56 + i * SECTION_BYTES)?,
                number(bytes, 64 + i * SECTION_BYTES)?,
            );
            (from.checked_add(length)? <= bytes.len()).then_some(from..from + length)
        };
        for table in 0..TABLES {
            let (Some(directory), Some(data)) = (section(bytes, directory(table)), section(bytes, blocks(table)))
            else {
                continue;
            };
            let count = bytes.get(directory.start..).and_then(|b| b.first_chunk());
            let count = count.map_or(0, |b| u32::from_le_bytes(*b) as usize);
            let entries = (directory.start + DIRECTORY_BYTES..directory.end).step_by(BLOCK_BYTES);
            for at in entries.take(count) {
                let Some(from) = number(bytes, at).and_then(|from| from.checked_add(data.start)) else {
                    continue;
                };
                let length = bytes.get(at + 8..at + 12).and_then(|b| b.first_chunk());
                let to = length.map_or(from, |b| from.saturating_add(u32::from_le_bytes(*b) as usize));
                let crc = bytes.get(from..to).map(crc32fast::hash);
                if let (Some(crc), Some(place)) = (crc, bytes.get_mut(at + 12..at + 16)) {
                    place.copy_from_slice(&crc.to_le_bytes());
                }
            }
        }
        for i in 0..SECTIONS {
            let crc = section(bytes, i)
                .and_then(|range| bytes.get(range))
                .map(crc32fast::hash);
            let at = 72 + i * SECTION_BYTES;
            if let (Some(crc), Some(place)) = (crc.filter(|_| i < blocks(0)), bytes.get_mut(at..at + 4)) {
                place.copy_from_slice(&crc.to_le_bytes());
            }
        }
        if let Some((header, crc)) = bytes.get_mut(..HEADER_BYTES).map(|h| h.split_at_mut(HEADER_BYTES - 4)) {
            crc.copy_from_slice(&crc32fast::hash(header).to_le_bytes());
        }
    }
}
