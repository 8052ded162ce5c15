//! Sorted keys with their bodies, in blocks that are verified one by one, when they are first read.

use super::{
    cursor::Cursor,
    format::{BLOCK, BLOCK_BYTES, DIRECTORY_BYTES, PROBES, SLOT_BLOCK, slot},
    read::{IndexError, LOST},
};
use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

type Result<T> = std::result::Result<T, IndexError>;

/// Sorted keys with bodies, in blocks that are verified when they are first read.
#[derive(Debug)]
pub(super) struct Table {
    what: &'static str,
    directory: Range<usize>,
    slots: Range<usize>,
    data: Range<usize>,
    blocks: usize,
    /// A bit for each block that has been verified. Two threads may verify one twice; that does no harm.
    verified: Box<[AtomicU64]>,
}

impl Table {
    pub(super) fn new(what: &'static str, bytes: &[u8], directory: Range<usize>, data: Range<usize>) -> Result<Self> {
        let count = |at| -> Result<usize> { Ok(u32_at(&bytes[directory.clone()], at)? as usize) };
        let (blocks, slots) = (count(0)?, count(4)?);
        let behind = |from: usize, count: usize, each: usize| {
            let to = count.checked_mul(each).and_then(|length| length.checked_add(from));
            to.filter(|&to| to <= directory.end)
        };
        let entries = directory.start + DIRECTORY_BYTES;
        let from = behind(entries, blocks, BLOCK_BYTES).ok_or(IndexError::Malformed("the number of blocks"))?;
        let to = behind(from, slots, 4).filter(|&to| to == directory.end);
        Ok(Self {
            what,
            directory: entries..from,
            slots: from..to.ok_or(IndexError::Malformed("the number of slots"))?,
            data,
            blocks,
            verified: (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// The bytes of a block, verified.
    fn block<'b>(&self, bytes: &'b [u8], i: usize) -> Result<Cursor<'b>> {
        let entry = &bytes[self.directory.clone()];
        let at = i * BLOCK_BYTES;
        let from = usize_at(entry, at)?;
        let to = from.saturating_add(u32_at(entry, at + 8)? as usize);
        let block = bytes.get(self.data.clone()).and_then(|data| data.get(from..to));
        let block = block.ok_or(IndexError::Malformed("a directory entry"))?;
        let (word, bit) = (&self.verified[i / 64], 1 << (i % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            checksum(self.what, block, u32_at(entry, at + 12)?)?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(Cursor::new(block))
    }

    /// The position and the body of a key.
    pub(super) fn find<'b>(&self, bytes: &'b [u8], wanted: &[u8]) -> Result<Option<(usize, Cursor<'b>)>> {
        let slots = &bytes[self.slots.clone()];
        let count = slots.len() / 4;
        let (from, bits) = slot(wanted, count);
        for at in (from..count).chain(0..from).take(PROBES) {
            let slot = u32_at(slots, at * 4)?;
            let Some(block) = (slot & ((1 << SLOT_BLOCK) - 1)).checked_sub(1) else {
                return Ok(None);
            };
            if slot >> SLOT_BLOCK == bits
                && let Some(found) = self.find_in(block as usize, bytes, wanted)?
            {
                return Ok(Some(found));
            }
        }
        if count > PROBES {
            return Err(IndexError::Malformed("a directory without an empty slot"));
        }
        Ok(None)
    }

    /// As [`Table::find`], in one block.
    fn find_in<'b>(&self, i: usize, bytes: &'b [u8], wanted: &[u8]) -> Result<Option<(usize, Cursor<'b>)>> {
        let mut block = self.block(bytes, i)?;
        // How much of `wanted` the key before shares with it: a key that shares less with its predecessor than that is
        // past it, one that shares more cannot be it, so most keys are passed over without a look at their bytes.
        let mut matched = 0;
        for at in i * BLOCK.. {
            if block.is_empty() {
                break;
            }
            let (shared, rest) = (block.usize()?, block.bytes()?);
            let body = block.bytes()?;
            if shared > matched {
                continue;
            }
            if shared < matched {
                break;
            }
            let left = wanted.get(matched..).unwrap_or_default();
            let more = left.iter().zip(rest).take_while(|(a, b)| a == b).count();
            matched += more;
            if more == rest.len() && matched == wanted.len() {
                return Ok(Some((at, Cursor::new(body))));
            }
            if rest.get(more) > left.get(more) {
                break;
            }
        }
        Ok(None)
    }

    /// The key and the body at a position, in a table whose blocks are all full.
    pub(super) fn at<'b>(&self, bytes: &'b [u8], position: usize) -> Result<(Vec<u8>, Cursor<'b>)> {
        if position / BLOCK >= self.blocks {
            return Err(IndexError::Malformed(LOST));
        }
        let mut block = self.block(bytes, position / BLOCK)?;
        let mut key = Vec::with_capacity(24);
        for _ in 0..position % BLOCK {
            next(&mut block, &mut key)?;
        }
        let body = next(&mut block, &mut key)?;
        Ok((key, body))
    }

    pub(super) fn each<'b>(&self, bytes: &'b [u8], see: &mut dyn FnMut(&[u8], Cursor<'b>) -> Result<()>) -> Result<()> {
        let mut key = Vec::new();
        for i in 0..self.blocks {
            let mut block = self.block(bytes, i)?;
            key.clear();
            while !block.is_empty() {
                let body = next(&mut block, &mut key)?;
                see(&key, body)?;
            }
        }
        Ok(())
    }
}

/// Reads an entry of a block; `key` is the key before and becomes this one's.
fn next<'b>(block: &mut Cursor<'b>, key: &mut Vec<u8>) -> Result<Cursor<'b>> {
    let shared = block.usize()?;
    if shared > key.len() {
        return Err(IndexError::Malformed("a key that shares more than there is"));
    }
    key.truncate(shared);
    key.extend_from_slice(block.bytes()?);
    Ok(Cursor::new(block.bytes()?))
}

pub(super) fn checksum(part: &'static str, bytes: &[u8], expected: u32) -> Result<()> {
    let got = crc32fast::hash(bytes);
    if got == expected {
        Ok(())
    } else {
        Err(IndexError::Checksum { part, got, expected })
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..).and_then(|b| b.first_chunk());
    Ok(u32::from_le_bytes(
        *four.ok_or(IndexError::Malformed("a table is cut off"))?,
    ))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let eight = bytes.get(at..).and_then(|b| b.first_chunk());
    Ok(u64::from_le_bytes(
        *eight.ok_or(IndexError::Malformed("a table is cut off"))?,
    ))
}

pub(super) fn usize_at(bytes: &[u8], at: usize) -> Result<usize> {
    usize::try_from(u64_at(bytes, at)?).map_err(|_| IndexError::Malformed("a length"))
}
