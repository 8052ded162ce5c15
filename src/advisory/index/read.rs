//! An index, opened and asked. Nothing in it is trusted: a block's checksum is verified before it is first read, and what is
//! read is checked against the bytes that are there all the same, for a checksum says nothing of intent.

use super::{
    cursor::Cursor,
    decode,
    format::{
        self, ALIASES, HEADER_BYTES, MAGIC, META, NAMES, RECORDS, SECTION_BYTES, SECTIONS, VERSION, blocks, directory,
    },
    meta::Meta,
    osv::Record,
    query::Query,
    table::{Table, checksum, u32_at, u64_at, usize_at},
    write::{Head, Packed, Posting},
};
use crate::archive::Mapped;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io,
    ops::{Deref, Range},
    path::Path,
};

/// What is wrong with an index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be read at all.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Something else altogether.
    #[error(
        "not an advisory index: its first bytes are not those of one; make it with `plimsoll db update` or `db import`"
    )]
    Magic,
    /// Of another time.
    #[error(
        "advisory index of layout {got}, expected {VERSION}; make it again with `plimsoll db update` or `db import`"
    )]
    Version {
        /// The layout that it says it has.
        got: u32,
    },
    /// Bytes are missing, or too many.
    #[error(
        "advisory index of {got} bytes, expected {expected}; make it again with `plimsoll db update` or `db import`"
    )]
    Length {
        /// Bytes that are there.
        got: u64,
        /// Bytes that it says it has.
        expected: u64,
    },
    /// A part was changed.
    #[error(
        "advisory index is damaged: bad checksum of {part} (got {got:08x}, expected {expected:08x}); make it again with \
         `plimsoll db update` or `db import`"
    )]
    Checksum {
        /// Which part.
        part: &'static str,
        /// Computed.
        got: u32,
        /// Stored.
        expected: u32,
    },
    /// The checksums hold and the contents do not.
    #[error("advisory index is malformed: {0}; make it again with `plimsoll db update` or `db import`")]
    Malformed(&'static str),
}

type Result<T> = std::result::Result<T, IndexError>;

/// The bytes of an index, wherever they are.
#[derive(Debug)]
pub(super) enum Bytes {
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

/// An open index.
#[derive(Debug)]
pub struct Index {
    pub(super) bytes: Bytes,
    meta: Meta,
    pub(super) names: Table,
    pub(super) records: Table,
    aliases: Table,
}

/// A record that was looked up by a package.
#[derive(Clone, Debug)]
pub struct Found<'i> {
    /// It, of its parts those about this package alone, and of these all but the lists of versions.
    pub record: Record,
    parts: Cursor<'i>,
}

impl Found<'_> {
    /// Whether a part of it about the package concerns a version.
    ///
    /// # Errors
    /// When what the index holds of it is malformed.
    pub fn concerns(&self, query: &Query<'_>) -> Result<bool> {
        query.concerned(self.parts.clone(), &mut Vec::new())
    }

    /// The record with the lists of versions.
    ///
    /// # Errors
    /// When what the index holds of it is malformed.
    pub fn whole(mut self) -> Result<Record> {
        let package = self
            .record
            .affected
            .first()
            .and_then(|a| a.package.clone())
            .unwrap_or_default();
        let ecosystem = code(&package.ecosystem).unwrap_or_default();
        self.record.affected.clear();
        decode::parts(self.parts, ecosystem, &package.name, true, &mut self.record.affected)?;
        Ok(self.record)
    }
}

/// What [`Index::each`] says of a record.
#[derive(Clone, Debug)]
pub struct Seen<'i> {
    /// Its id.
    pub id: String,
    /// Time of its last change.
    pub modified: String,
    /// Whether it was withdrawn; then nothing says which packages it was about.
    pub withdrawn: bool,
    /// The packages that it is about: OSV's name of the ecosystem, normalised name.
    pub packages: Vec<(&'static str, &'i str)>,
}

impl Index {
    /// Opens a file by mapping it.
    ///
    /// # Errors
    /// When it cannot be read, or is no whole index of our layout.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(Bytes::Mapped(Mapped::file(&File::open(path)?)?))
    }

    /// Opens an index that is part of the program.
    ///
    /// # Errors
    /// When it is no whole index of our layout.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self> {
        Self::new(Bytes::Static(bytes))
    }

    /// Opens an index in memory.
    ///
    /// # Errors
    /// When it is no whole index of our layout.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::new(Bytes::Mapped(Mapped::Owned(bytes)))
    }

    fn new(bytes: Bytes) -> Result<Self> {
        if !bytes.starts_with(MAGIC) {
            return Err(IndexError::Magic);
        }
        let header = bytes.get(..HEADER_BYTES).ok_or(IndexError::Length {
            got: bytes.len() as u64,
            expected: HEADER_BYTES as u64,
        })?;
        let version = u32_at(header, 8)?;
        if version != VERSION {
            return Err(IndexError::Version { got: version });
        }
        checksum(
            "the header",
            &header[..HEADER_BYTES - 4],
            u32_at(header, HEADER_BYTES - 4)?,
        )?;
        let expected = u64_at(header, 16)?;
        if expected != bytes.len() as u64 {
            let got = bytes.len() as u64;
            return Err(IndexError::Length { got, expected });
        }
        if u32_at(header, 12)? as usize != SECTIONS {
            return Err(IndexError::Malformed("the number of sections"));
        }
        let mut sections: [(Range<usize>, u32); SECTIONS] = Default::default();
        let mut at = HEADER_BYTES;
        for (i, section) in sections.iter_mut().enumerate() {
            let entry = 56 + i * SECTION_BYTES;
            let (from, length) = (usize_at(header, entry)?, usize_at(header, entry + 8)?);
            let to = from.checked_add(length).filter(|&to| from == at && to <= bytes.len());
            at = to.ok_or(IndexError::Malformed("the place of a section"))?;
            *section = (from..at, u32_at(header, entry + 16)?);
        }
        if at != bytes.len() {
            return Err(IndexError::Malformed("bytes behind the last section"));
        }
        for (i, what) in [
            (META, "its description"),
            (directory(NAMES), "the directory of names"),
            (directory(RECORDS), "the directory of records"),
            (directory(ALIASES), "the directory of aliases"),
        ] {
            let (range, crc) = &sections[i];
            checksum(what, &bytes[range.clone()], *crc)?;
        }
        let meta = serde_json::from_slice(&bytes[sections[META].0.clone()])
            .map_err(|_| IndexError::Malformed("its description"))?;
        let table = |what, i| {
            let place = |section: usize| sections[section].0.clone();
            Table::new(what, &bytes, place(directory(i)), place(blocks(i)))
        };
        Ok(Self {
            names: table("a block of names", NAMES)?,
            records: table("a block of records", RECORDS)?,
            aliases: table("a block of aliases", ALIASES)?,
            meta,
            bytes,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// SHA-256 of its contents, as the header states it; [`Index::verify`] says whether that is true.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = self.bytes.get(24..56).unwrap_or_default();
        digest
            .iter()
            .fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// All of its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Verifies every checksum and decodes every record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self) -> Result<()> {
        let digest = Sha256::digest(self.bytes.get(HEADER_BYTES..).unwrap_or_default());
        if self.bytes.get(24..56) != Some(&*digest) {
            return Err(IndexError::Malformed("its contents are not those of its digest"));
        }
        let live = self.all()?.iter().filter(|record| record.withdrawn.is_none()).count();
        if live as u64 != self.meta.records {
            return Err(IndexError::Malformed("the number of records"));
        }
        Ok(())
    }

    /// Records about a package, whatever the version; in the order of their ids.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn lookup(&self, ecosystem: u8, name: &str) -> Result<Vec<Found<'_>>> {
        self.select(ecosystem, name, |_| Ok(true))
    }

    /// As [`Index::lookup`], and only records of which a part concerns the version of `query`: decided on the packed form.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn affecting(&self, ecosystem: u8, name: &str, query: &Query<'_>) -> Result<Vec<Found<'_>>> {
        let mut scratch = Vec::new();
        self.select(ecosystem, name, |parts| query.concerned(parts, &mut scratch))
    }

    /// Decodes the records of a package of whose parts `wanted` holds.
    fn select<'s>(
        &'s self,
        ecosystem: u8,
        name: &str,
        mut wanted: impl FnMut(Cursor<'s>) -> Result<bool>,
    ) -> Result<Vec<Found<'s>>> {
        let mut found = Vec::new();
        self.postings(ecosystem, name, |ordinal, parts| {
            if wanted(parts.clone())? {
                let (key, body) = self.records.at(&self.bytes, ordinal)?;
                let mut record = decode::head(key, body)?;
                decode::parts(parts.clone(), ecosystem, name, false, &mut record.affected)?;
                found.push(Found { record, parts });
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Each record of a package: its position, and its parts.
    fn postings<'s>(
        &'s self,
        ecosystem: u8,
        name: &str,
        mut see: impl FnMut(usize, Cursor<'s>) -> Result<()>,
    ) -> Result<()> {
        let mut key = Vec::with_capacity(name.len() + 1);
        key.push(ecosystem);
        key.extend_from_slice(name.as_bytes());
        let Some((_, mut body)) = self.names.find(&self.bytes, &key)? else {
            return Ok(());
        };
        while !body.is_empty() {
            see(body.usize()?, Cursor::new(body.bytes()?))?;
        }
        Ok(())
    }

    /// The record of an id, whole.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn record(&self, id: &str) -> Result<Option<Record>> {
        let found = self.records.find(&self.bytes, id.as_bytes())?;
        found.map(|(position, _)| self.whole(position)).transpose()
    }

    /// Records that have `alias` for another name, whole.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn aliased(&self, alias: &str) -> Result<Vec<Record>> {
        let mut found = Vec::new();
        if let Some((_, mut body)) = self.aliases.find(&self.bytes, alias.as_bytes())? {
            while !body.is_empty() {
                let position = body.usize()?;
                body.bytes()?;
                found.push(self.whole(position)?);
            }
        }
        Ok(found)
    }

    fn whole(&self, position: usize) -> Result<Record> {
        let (key, body) = self.records.at(&self.bytes, position)?;
        let packages = decode::packages(&body)?;
        let mut record = decode::head(key, body)?;
        for (ecosystem, name) in packages {
            self.postings(ecosystem, name, |other, parts| {
                if other == position {
                    decode::parts(parts, ecosystem, name, true, &mut record.affected)?;
                }
                Ok(())
            })?;
        }
        Ok(record)
    }

    /// Every record, withdrawn ones by their name and dates; in the order of their ids.
    ///
    /// # Errors
    /// When any part is damaged.
    pub fn all(&self) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        self.records.each(&self.bytes, &mut |key, body| {
            all.push(decode::head(key.to_vec(), body)?);
            Ok(())
        })?;
        self.names.each(&self.bytes, &mut |key, mut body| {
            let (ecosystem, name) = decode::name(key)?;
            while !body.is_empty() {
                let (position, parts) = (body.usize()?, Cursor::new(body.bytes()?));
                let record: &mut Record = all.get_mut(position).ok_or(IndexError::Malformed(LOST))?;
                decode::parts(parts, ecosystem, name, true, &mut record.affected)?;
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Shows every record, in the order of their ids: what an update compares with the server's list.
    ///
    /// # Errors
    /// When any part of the table of records is damaged.
    pub fn each(&self, see: &mut dyn FnMut(Seen<'_>)) -> Result<()> {
        self.records.each(&self.bytes, &mut |key, body| {
            see(decode::seen(key, &body)?);
            Ok(())
        })
    }

    /// Adds the records for which `stays` holds to what another index is made of, as they lie here.
    ///
    /// # Errors
    /// When any part is damaged.
    pub(super) fn hand_over<'s>(
        &'s self,
        stays: &mut dyn FnMut(&Seen<'_>) -> bool,
        packed: &mut Packed<'s>,
    ) -> Result<()> {
        let mut heads: Vec<Option<u32>> = Vec::new();
        self.records.each(&self.bytes, &mut |key, body| {
            let seen = decode::seen(key, &body)?;
            let stays = stays(&seen);
            heads.push(stays.then(|| u32::try_from(packed.heads.len()).unwrap_or(u32::MAX)));
            if stays {
                packed.heads.push(Head {
                    id: seen.id.into(),
                    modified: seen.modified.into(),
                    live: !seen.withdrawn,
                    body: body.rest().into(),
                });
            }
            Ok(())
        })?;
        let take = |table: &Table, postings: &mut Vec<Posting<'s>>, check: fn(&[u8]) -> Result<()>| {
            table.each(&self.bytes, &mut |key, mut body| {
                check(key)?;
                while !body.is_empty() {
                    let (position, said) = (body.usize()?, body.bytes()?);
                    let head = heads.get(position).ok_or(IndexError::Malformed(LOST))?;
                    postings.extend(head.map(|head| Posting {
                        key: key.into(),
                        head,
                        body: said.into(),
                    }));
                }
                Ok(())
            })
        };
        take(&self.names, &mut packed.names, |key| decode::name(key).map(drop))?;
        take(&self.aliases, &mut packed.aliases, |_| Ok(()))
    }
}

/// A position that no record has.
pub(super) const LOST: &str = "a name leads to no record";

pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| IndexError::Malformed("text that is not UTF-8"))
}

/// The code of an ecosystem in an index.
#[must_use]
pub fn code(osv_name: &str) -> Option<u8> {
    let at = format::ECOSYSTEMS.iter().position(|name| *name == osv_name)?;
    u8::try_from(at).ok()
}
