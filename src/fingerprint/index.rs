//! The file of known runs: which packages have a run of tokens, and in which of their versions. Made by
//! [`super::build`], mapped, and looked up without decoding the rest.
//!
//! | part | holds |
//! |---|---|
//! | header | magic, layout, [`DEFINITION`], lengths, CRC-32 of the directory, CRC-32 of the header |
//! | directory | end of each record; end of each of 65,536 buckets; CRC-32 of each block of 256 buckets |
//! | records | one of each [package](super::record), and one of the ranges in which they ask for others; with a CRC-32 behind each |
//! | runs | six bytes each, sorted: 24 bits of the hash (its bucket is the other 16), 11 bits of its set of versions, 13 of its package |
//!
//! All is little-endian. A block or a record is verified before it is first read; what is read is checked against the bytes
//! that are there all the same. The framing of the advisories' index was not reused: its keys are texts, a run is six bytes.

use super::{
    grams::BITS,
    record::{self, Package},
    tokens::DEFINITION,
};
use crate::archive::Mapped;
use std::{
    fs::File,
    io,
    ops::{Deref, Range},
    path::Path,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// First bytes of the file.
pub(super) const MAGIC: &[u8; 8] = b"PLIMSFPR";
/// Version of the layout; a reader takes this one alone.
pub(super) const LAYOUT: u32 = 6;
pub(super) const HEADER_BYTES: usize = 8 + 4 * 4 + 8 * 3 + 4 + 4;
pub(super) const BUCKETS: usize = 1 << 16;
pub(super) const BLOCKS: usize = 256;
pub(super) const ENTRY_BYTES: usize = 6;
/// Bits of a run's hash that an entry holds.
pub(super) const REST_BITS: u32 = BITS - 16;
/// Bits of the number of a set of versions, and of a package.
const SET_BITS: u32 = 11;
const PACKAGE_BITS: u32 = 13;
/// Sets of versions of a package.
pub(super) const SETS: usize = 1 << SET_BITS;
/// Packages.
pub(super) const PACKAGES: usize = 1 << PACKAGE_BITS;

/// What is wrong with a file of fingerprints.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Something else altogether.
    #[error(
        "not a file of fingerprints: its first bytes are not those of one; make it with `plimsoll fingerprints build`"
    )]
    Magic,
    /// Of another time.
    #[error(
        "fingerprints of layout {layout} and definition {definition}, expected {LAYOUT} and {DEFINITION}; make them again \
         with `plimsoll fingerprints build`"
    )]
    Version {
        /// The layout that it says it has.
        layout: u32,
        /// The definition of tokens that it says it was made with.
        definition: u32,
    },
    /// A part was changed.
    #[error("file of fingerprints is damaged: bad checksum of {0}; make it again with `plimsoll fingerprints build`")]
    Checksum(&'static str),
    /// The checksums hold and the contents do not.
    #[error("file of fingerprints is malformed: {0}; make it again with `plimsoll fingerprints build`")]
    Malformed(&'static str),
}

type Result<T> = std::result::Result<T, IndexError>;

#[derive(Debug)]
enum Bytes {
    Static(&'static [u8]),
    Mapped(Mapped),
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

/// An open file of fingerprints.
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    packages: usize,
    /// Where the ends of the packages' records stand, the ends of the buckets, the checksums of the blocks.
    ends: usize,
    buckets: usize,
    sums: usize,
    records: Range<usize>,
    runs: Range<usize>,
    verified: [AtomicU64; BLOCKS / 64],
    /// Where each range is, once somebody asked.
    ranges: OnceLock<Vec<Range<usize>>>,
}

/// A run that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Number of the package.
    pub package: u16,
    /// Number of the set of versions, among those of the package.
    pub set: u16,
}

/// A run, the package that has it and the set of versions.
pub(super) fn entry(gram: u64, known: Known) -> [u8; ENTRY_BYTES] {
    let both = u32::from(known.package) << SET_BITS | u32::from(known.set);
    let mut entry = [0; ENTRY_BYTES];
    entry[..3].copy_from_slice(&gram.to_le_bytes()[..3]);
    entry[3..].copy_from_slice(&both.to_le_bytes()[..3]);
    entry
}

fn known(entry: [u8; ENTRY_BYTES]) -> Known {
    let both = u32::from_le_bytes([entry[3], entry[4], entry[5], 0]);
    let low = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Known {
        package: low(both >> SET_BITS),
        set: low(both & ((1 << SET_BITS) - 1)),
    }
}

impl Index {
    /// Whether a file that begins so is one of fingerprints.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Opens a file by mapping it.
    ///
    /// # Errors
    /// When it cannot be read, or is no whole file of our layout.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(Bytes::Mapped(Mapped::file(&File::open(path)?)?))
    }

    /// Opens what is in memory.
    ///
    /// # Errors
    /// When it is no whole file of our layout.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::new(Bytes::Mapped(Mapped::Owned(bytes)))
    }

    /// The fingerprints that are part of the program; `None` if they are damaged, which a test rules out.
    #[must_use]
    pub fn embedded() -> Option<&'static Self> {
        static EMBEDDED: LazyLock<Option<Index>> = LazyLock::new(|| {
            let bytes = include_bytes!("../../data/fingerprints/npm.fingerprints");
            Index::new(Bytes::Static(bytes)).ok()
        });
        EMBEDDED.as_ref()
    }

    fn new(bytes: Bytes) -> Result<Self> {
        if !Self::is_one(&bytes) {
            return Err(IndexError::Magic);
        }
        let (layout, definition) = (u32_at(&bytes, 8)?, u32_at(&bytes, 12)?);
        if (layout, definition) != (LAYOUT, DEFINITION) {
            return Err(IndexError::Version { layout, definition });
        }
        let header = bytes.get(..HEADER_BYTES).ok_or(IndexError::Malformed("its header"))?;
        checksum(
            "the header",
            &header[..HEADER_BYTES - 4],
            u32_at(header, HEADER_BYTES - 4)?,
        )?;
        let packages = u32_at(header, 16)? as usize;
        let lengths = [24, 32, 40].map(|at| usize_at(header, at));
        let [directory, records, runs] = lengths;
        let directory = HEADER_BYTES..HEADER_BYTES.saturating_add(directory?);
        let records = directory.end..directory.end.saturating_add(records?);
        let runs = records.end..records.end.saturating_add(runs?);
        if runs.end != bytes.len() || runs.len() % ENTRY_BYTES != 0 {
            return Err(IndexError::Malformed("its length"));
        }
        if packages > PACKAGES || directory.len() != 4 * (packages + 1 + BUCKETS + BLOCKS) {
            return Err(IndexError::Malformed("the length of its directory"));
        }
        let sum = u32_at(header, HEADER_BYTES - 8)?;
        checksum("the directory", &bytes[directory.clone()], sum)?;
        Ok(Self {
            packages,
            ends: directory.start,
            buckets: directory.start + 4 * (packages + 1),
            sums: directory.start + 4 * (packages + 1 + BUCKETS),
            records,
            runs,
            verified: Default::default(),
            ranges: OnceLock::new(),
            bytes,
        })
    }

    /// Number of packages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packages
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packages == 0
    }

    /// All of its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stretch between an end and the one before it.
    fn stretch(&self, ends: usize, i: usize, unit: usize, within: &Range<usize>) -> Result<Range<usize>> {
        let end = |i: usize| Ok::<_, IndexError>(u32_at(&self.bytes, ends + 4 * i)? as usize);
        let from = if i == 0 { 0 } else { end(i - 1)? };
        let (from, to) = (from.saturating_mul(unit), end(i)?.saturating_mul(unit));
        if from > to || to > within.len() {
            return Err(IndexError::Malformed("a directory entry"));
        }
        Ok(within.start + from..within.start + to)
    }

    fn verify_block(&self, block: usize) -> Result<()> {
        let (word, bit) = (&self.verified[block / 64], 1 << (block % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            let each = BUCKETS / BLOCKS;
            let first = self.stretch(self.buckets, block * each, ENTRY_BYTES, &self.runs)?;
            let last = self.stretch(self.buckets, block * each + each - 1, ENTRY_BYTES, &self.runs)?;
            let bytes = self.bytes.get(first.start..last.end);
            let bytes = bytes.ok_or(IndexError::Malformed("a directory entry"))?;
            checksum("a block of runs", bytes, u32_at(&self.bytes, self.sums + 4 * block)?)?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The packages that have a run, each once, by their numbers.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn find(&self, gram: u64) -> Result<impl Iterator<Item = Known> + '_> {
        let bucket = usize::try_from(gram >> REST_BITS).unwrap_or_default() & (BUCKETS - 1);
        self.verify_block(bucket / (BUCKETS / BLOCKS))?;
        let range = self.stretch(self.buckets, bucket, ENTRY_BYTES, &self.runs)?;
        let entries = self.bytes.get(range).unwrap_or_default();
        let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
        let rest = gram & ((1 << REST_BITS) - 1);
        let rest_of = |e: &[u8; ENTRY_BYTES]| u64::from(u32::from_le_bytes([e[0], e[1], e[2], 0]));
        let first = entries.partition_point(|e| rest_of(e) < rest);
        let same = entries[first..].iter().take_while(move |e| rest_of(e) == rest);
        Ok(same.map(|e| known(*e)))
    }

    /// A package by its number.
    ///
    /// # Errors
    /// When its record is damaged.
    pub fn package(&self, number: u16) -> Result<Package> {
        let malformed = || IndexError::Malformed("the record of a package");
        if usize::from(number) >= self.packages {
            return Err(malformed());
        }
        let ranges = self.ranges()?;
        let range = |number: usize| std::str::from_utf8(self.bytes.get(ranges.get(number)?.clone())?).ok();
        Package::read(self.record(usize::from(number))?.1, range).ok_or_else(malformed)
    }

    /// Where each range is in which packages ask for others.
    fn ranges(&self) -> Result<&[Range<usize>]> {
        if self.ranges.get().is_none() {
            let (from, text) = self.record(self.packages)?;
            let ranges = record::read_ranges(text).ok_or(IndexError::Malformed("the record of the ranges"))?;
            let ranges = ranges.into_iter().map(|at| from + at.start..from + at.end);
            let _ = self.ranges.set(ranges.collect());
        }
        Ok(self.ranges.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// The record of a package, and where it begins; behind them all, that of the ranges.
    fn record(&self, number: usize) -> Result<(usize, &[u8])> {
        let malformed = || IndexError::Malformed("a record");
        let range = self.stretch(self.ends, number, 1, &self.records)?;
        let record = self.bytes.get(range.clone()).unwrap_or_default();
        let (body, sum) = record.split_last_chunk::<4>().ok_or_else(malformed)?;
        checksum("a record", body, u32::from_le_bytes(*sum))?;
        Ok((range.start, body))
    }

    /// A package by its name, with its number; `None` if it is not known.
    ///
    /// # Errors
    /// When a part of the index that is asked for is damaged.
    pub fn by_name(&self, name: &str) -> Result<Option<(u16, Package)>> {
        // Records are in the order of names, and a name stands first in its record.
        let (mut low, mut high) = (0, u16::try_from(self.packages).unwrap_or(u16::MAX));
        while low < high {
            let middle = u16::midpoint(low, high);
            match self.name(middle)?.cmp(name) {
                std::cmp::Ordering::Equal => return Ok(Some((middle, self.package(middle)?))),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn name(&self, number: u16) -> Result<&str> {
        Package::name_of(self.record(usize::from(number))?.1).ok_or(IndexError::Malformed("the record of a package"))
    }

    /// Verifies every checksum and decodes every record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self) -> Result<()> {
        let packages: Vec<Package> = (0..self.packages)
            .map(|i| self.package(u16::try_from(i).unwrap_or(u16::MAX)))
            .collect::<Result<_>>()?;
        for bucket in 0..BUCKETS {
            self.verify_block(bucket / (BUCKETS / BLOCKS))?;
            let range = self.stretch(self.buckets, bucket, ENTRY_BYTES, &self.runs)?;
            let (entries, _) = self.bytes.get(range).unwrap_or_default().as_chunks::<ENTRY_BYTES>();
            for e in entries {
                let known = known(*e);
                let package = packages.get(usize::from(known.package));
                if package.is_none_or(|p| usize::from(known.set) >= p.sets.len()) {
                    return Err(IndexError::Malformed("a run leads to no package"));
                }
            }
        }
        Ok(())
    }
}

/// The whole file, of records by their numbers and of runs, sorted.
pub(super) fn write(packages: &[Package], entries: &[(u64, Known)]) -> Vec<u8> {
    let mut directory: Vec<u8> = Vec::new();
    let word = |out: &mut Vec<u8>, n: usize| out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    let mut records = Vec::new();
    let mut close = |records: &mut Vec<u8>, from: usize| {
        let sum = crc32fast::hash(&records[from..]);
        records.extend_from_slice(&sum.to_le_bytes());
        word(&mut directory, records.len());
    };
    let ranges = record::ranges(packages);
    let numbers = ranges.iter().enumerate().map(|(i, range)| (*range, i)).collect();
    for package in packages {
        let from = records.len();
        package.write(&numbers, &mut records);
        close(&mut records, from);
    }
    let from = records.len();
    record::write_ranges(&ranges, &mut records);
    close(&mut records, from);
    let mut runs = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    let mut sums = Vec::new();
    let (mut next, mut block) = (0, 0);
    for bucket in 0..BUCKETS {
        while let Some((gram, known)) = entries.get(next).filter(|e| e.0 >> REST_BITS == bucket as u64) {
            runs.extend_from_slice(&entry(*gram, *known));
            next += 1;
        }
        word(&mut directory, next);
        if bucket % (BUCKETS / BLOCKS) == BUCKETS / BLOCKS - 1 {
            sums.extend_from_slice(&crc32fast::hash(&runs[block..]).to_le_bytes());
            block = runs.len();
        }
    }
    directory.extend(sums);
    let mut out = MAGIC.to_vec();
    word(&mut out, LAYOUT as usize);
    word(&mut out, DEFINITION as usize);
    word(&mut out, packages.len());
    word(&mut out, 0);
    for length in [directory.len(), records.len(), runs.len()] {
        out.extend_from_slice(&(length as u64).to_le_bytes());
    }
    out.extend_from_slice(&crc32fast::hash(&directory).to_le_bytes());
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    debug_assert_eq!(out.len(), HEADER_BYTES);
    [out, directory, records, runs].concat()
}

fn checksum(part: &'static str, bytes: &[u8], expected: u32) -> Result<()> {
    if crc32fast::hash(bytes) == expected {
        Ok(())
    } else {
        Err(IndexError::Checksum(part))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..).and_then(|b| b.first_chunk());
    Ok(u32::from_le_bytes(*four.ok_or(IndexError::Malformed("it is cut off"))?))
}

fn usize_at(bytes: &[u8], at: usize) -> Result<usize> {
    let eight = bytes.get(at..).and_then(|b| b.first_chunk());
    let value = u64::from_le_bytes(*eight.ok_or(IndexError::Malformed("it is cut off"))?);
    usize::try_from(value).map_err(|_| IndexError::Malformed("a length"))
}
