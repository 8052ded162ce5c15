//! The file of known runs: which packages have a run of tokens, and in which of their versions. Made by
//! [`super::build`], mapped, and looked up without decoding the rest.
//!
//! | part | holds |
//! |---|---|
//! | header | magic, layout, [`DEFINITION`], lengths, CRC-32 of the directory, CRC-32 of the header |
//! | directory | end of each package's record; end of each of 65,536 buckets; CRC-32 of each block of 256 buckets |
//! | packages | a record each: name, versions, sets of versions, what it needs and in which versions; a CRC-32 behind it |
//! | runs | six bytes each, sorted: 24 bits of the hash (its bucket is the other 16), package, set of versions |
//!
//! All is little-endian. A block or a record is verified before it is first read; what is read is checked against the bytes
//! that are there all the same. The framing of the advisories' index was not reused: its keys are texts, a run is six bytes.

use super::{grams::BITS, tokens::DEFINITION};
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
pub(super) const LAYOUT: u32 = 2;
pub(super) const HEADER_BYTES: usize = 8 + 4 * 4 + 8 * 3 + 4 + 4;
pub(super) const BUCKETS: usize = 1 << 16;
pub(super) const BLOCKS: usize = 256;
pub(super) const ENTRY_BYTES: usize = 6;
/// Bits of a run's hash that an entry holds.
pub(super) const REST_BITS: u32 = BITS - 16;

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
}

/// A run that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Number of the package.
    pub package: u16,
    /// Number of the set of versions, among those of the package.
    pub set: u8,
}

/// Versions that share runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// A bit for each of the package's versions.
    pub versions: u64,
    /// Runs that are in the index.
    pub runs: u32,
    /// Those of them that are below the package's threshold.
    pub sampled: u32,
}

/// A package that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Versions that were looked into, oldest first; at most 64.
    pub versions: Vec<String>,
    /// Versions that are known to exist, and were not; oldest first.
    pub others: Vec<String>,
    /// Whether it is known what these depend on.
    pub others_told: bool,
    /// Runs whose hash is below 2^([`BITS`] - `shift`) are all in the index, apart from those that many packages have.
    pub shift: u8,
    /// Sets of versions.
    pub sets: Vec<Set>,
    /// What it depends on.
    pub needs: Vec<Need>,
    /// Runs of each version that are in the index, once somebody asked.
    pub(super) expected: OnceLock<Vec<u32>>,
}

/// A package that another depends on, in some of its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Its number in this index.
    pub package: u16,
    /// A bit for each version of the dependent that was looked into and asks for it so.
    pub versions: u64,
    /// Which of the others do: the first and the last of each stretch of them.
    pub others: Vec<(u32, u32)>,
    /// Which versions it takes, as npm writes it (`^1.2.0`, `~2.1.24 || 3.x`).
    pub range: String,
}

impl Set {
    /// Calls `see` with the place of each version of the set.
    pub(super) fn each_version(&self, mut see: impl FnMut(usize)) {
        let mut left = self.versions;
        while left != 0 {
            see(left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

impl Package {
    /// Runs of each version that are in the index.
    pub(super) fn expected(&self) -> &[u32] {
        self.expected.get_or_init(|| {
            let mut runs = vec![0u32; self.versions.len()];
            for set in &self.sets {
                set.each_version(|version| {
                    if let Some(sum) = runs.get_mut(version) {
                        *sum = sum.saturating_add(set.runs);
                    }
                });
            }
            runs
        })
    }

    /// Whether a run is among those of which the index has all.
    #[must_use]
    pub fn samples(shift: u8, gram: u64) -> bool {
        gram >> (BITS - u32::from(shift).min(BITS - 1)) == 0
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
        if packages > usize::from(u16::MAX) || directory.len() != 4 * (packages + BUCKETS + BLOCKS) {
            return Err(IndexError::Malformed("the length of its directory"));
        }
        let sum = u32_at(header, HEADER_BYTES - 8)?;
        checksum("the directory", &bytes[directory.clone()], sum)?;
        Ok(Self {
            packages,
            ends: directory.start,
            buckets: directory.start + 4 * packages,
            sums: directory.start + 4 * (packages + BUCKETS),
            records,
            runs,
            verified: Default::default(),
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
        Ok(same.map(|e| Known {
            package: u16::from_le_bytes([e[3], e[4]]),
            set: e[5],
        }))
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
        let range = self.stretch(self.ends, usize::from(number), 1, &self.records)?;
        let record = self.bytes.get(range).unwrap_or_default();
        let (body, sum) = record.split_last_chunk::<4>().ok_or_else(malformed)?;
        checksum("the record of a package", body, u32::from_le_bytes(*sum))?;
        Reader { bytes: body }.package().ok_or_else(malformed)
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
                let package = packages.get(usize::from(u16::from_le_bytes([e[3], e[4]])));
                if package.is_none_or(|p| usize::from(e[5]) >= p.sets.len()) {
                    return Err(IndexError::Malformed("a run leads to no package"));
                }
            }
        }
        Ok(())
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    /// A count of things that take a byte each at least.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.bytes.len()).then_some(count)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.count()?).map(|_| self.text()).collect()
    }

    fn package(&mut self) -> Option<Package> {
        let (name, versions, others) = (self.text()?, self.texts()?, self.texts()?);
        let shift = u8::try_from(self.number()?).ok().filter(|s| u32::from(*s) < BITS)?;
        let set = |reader: &mut Self| {
            Some(Set {
                versions: reader.number()?,
                runs: u32::try_from(reader.number()?).ok()?,
                sampled: u32::try_from(reader.number()?).ok()?,
            })
        };
        let sets = (0..self.count()?).map(|_| set(self)).collect::<Option<_>>()?;
        let need = |reader: &mut Self| {
            let package = u16::try_from(reader.number()?).ok()?;
            let (versions, range) = (reader.number()?, reader.text()?);
            let end = |reader: &mut Self| u32::try_from(reader.number()?).ok();
            let stretch = |reader: &mut Self| Some((end(reader)?, end(reader)?));
            let others = (0..reader.count()?).map(|_| stretch(reader)).collect::<Option<_>>()?;
            Some(Need {
                package,
                versions,
                others,
                range,
            })
        };
        let others_told = self.number()? != 0;
        let needs = (0..self.count()?).map(|_| need(self)).collect::<Option<_>>()?;
        (versions.len() <= 64).then_some(Package {
            expected: OnceLock::new(),
            name,
            versions,
            others,
            others_told,
            shift,
            sets,
            needs,
        })
    }
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
