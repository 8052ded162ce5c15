//! Sorted keys with their bodies, in blocks that are verified one by one, when they are first read.

use super::{cursor::Cursor, format::BLOCK_BYTES, read::IndexError};
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
    keys: Range<usize>,
    data: Range<usize>,
    blocks: usize,
    /// A bit for each block that has been verified. Two threads may verify one twice; that does no harm.
    verified: Box<[AtomicU64]>,
}

/// An entry of a block directory.
struct BlockEntry {
    data: Range<usize>,
    crc: u32,
    ordinal: u32,
    key: Range<usize>,
}

impl Table {
    pub(super) fn new(what: &'static str, bytes: &[u8], directory: Range<usize>, data: Range<usize>) -> Result<Self> {
        let blocks = u32_at(&bytes[directory.clone()], 0)? as usize;
        let keys = blocks
            .checked_mul(BLOCK_BYTES)
            .and_then(|length| length.checked_add(directory.start + 4))
            .filter(|&keys| keys <= directory.end)
            .ok_or(IndexError::Malformed("the number of blocks"))?;
        Ok(Self {
            what,
            keys: keys..directory.end,
            directory: directory.start + 4..keys,
            data,
            blocks,
            verified: (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    fn entry(&self, bytes: &[u8], i: usize) -> Result<BlockEntry> {
        let malformed = IndexError::Malformed("a directory entry");
        let directory = &bytes[self.directory.clone()];
        let at = i * BLOCK_BYTES;
        // The end of the key before is where this one begins.
        let key_from = if i == 0 { 0 } else { u32_at(directory, at - 4)? as usize };
        let from = usize_at(directory, at)?.saturating_add(self.data.start);
        let to = from.saturating_add(u32_at(directory, at + 8)? as usize);
        let (key_from, key_to) = (
            key_from.saturating_add(self.keys.start),
            (u32_at(directory, at + 20)? as usize).saturating_add(self.keys.start),
        );
        if to > self.data.end || key_from > key_to || key_to > self.keys.end {
            return Err(malformed);
        }
        Ok(BlockEntry {
            data: from..to,
            crc: u32_at(directory, at + 12)?,
            ordinal: u32_at(directory, at + 16)?,
            key: key_from..key_to,
        })
    }

    /// The bytes of a block, verified.
    fn block<'b>(&self, bytes: &'b [u8], i: usize) -> Result<Cursor<'b>> {
        let entry = self.entry(bytes, i)?;
        let block = bytes
            .get(entry.data)
            .ok_or(IndexError::Malformed("a directory entry"))?;
        let (word, bit) = (&self.verified[i / 64], 1 << (i % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            checksum(self.what, block, entry.crc)?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(Cursor::new(block))
    }

    /// The last block whose first key (ordinal) is not above what is looked for.
    fn search(&self, mut above: impl FnMut(BlockEntry) -> bool, bytes: &[u8]) -> Result<Option<usize>> {
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = low + (high - low) / 2;
            if above(self.entry(bytes, middle)?) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low.checked_sub(1))
    }

    pub(super) fn find<'b>(&self, bytes: &'b [u8], ecosystem: u8, name: &str) -> Result<Option<Cursor<'b>>> {
        let mut key = Vec::with_capacity(name.len() + 1);
        key.push(ecosystem);
        key.extend_from_slice(name.as_bytes());
        Ok(self.find_key(bytes, &key)?.map(|(_, body)| body))
    }

    pub(super) fn find_key<'b>(&self, bytes: &'b [u8], wanted: &[u8]) -> Result<Option<(Vec<u8>, Cursor<'b>)>> {
        let Some(i) = self.search(|entry| &bytes[entry.key] > wanted, bytes)? else {
            return Ok(None);
        };
        let mut block = self.block(bytes, i)?;
        // How much of `wanted` the key before shares with it: a key that shares less with its predecessor than that is
        // past it, one that shares more cannot be it, so most keys are passed over without a look at their bytes.
        let mut matched = 0;
        while !block.is_empty() {
            let (shared, rest) = (block.usize()?, block.bytes()?);
            let body = block.bytes()?;
            if shared > matched {
                continue;
            }
            if shared < matched {
                return Ok(None);
            }
            let left = wanted.get(matched..).unwrap_or_default();
            let more = left.iter().zip(rest).take_while(|(a, b)| a == b).count();
            matched += more;
            if more == rest.len() && matched == wanted.len() {
                return Ok(Some((wanted.to_vec(), Cursor::new(body))));
            }
            if rest.get(more) > left.get(more) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// The key and the body at a position among all keys; `ordinal` counts records.
    pub(super) fn at<'b>(&self, bytes: &'b [u8], ordinal: u32) -> Result<(Vec<u8>, Cursor<'b>)> {
        let lost = IndexError::Malformed("a name leads to no record");
        let Some(i) = self.search(|entry| entry.ordinal > ordinal, bytes)? else {
            return Err(lost);
        };
        let skip = ordinal - self.entry(bytes, i)?.ordinal;
        let mut block = self.block(bytes, i)?;
        let mut key = Vec::new();
        for _ in 0..skip {
            next(&mut block, &mut key)?;
        }
        let body = next(&mut block, &mut key)?;
        Ok((key, body))
    }

    pub(super) fn each<'b>(
        &self,
        bytes: &'b [u8],
        see: &mut dyn FnMut(&[u8], &mut Cursor<'b>) -> Result<()>,
    ) -> Result<()> {
        let mut key = Vec::new();
        for i in 0..self.blocks {
            let mut block = self.block(bytes, i)?;
            key.clear();
            while !block.is_empty() {
                let mut body = next(&mut block, &mut key)?;
                see(&key, &mut body)?;
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
