//! An index, opened and asked. Nothing in it is trusted: a block's checksum is verified before it is first read, and what is
//! read is checked against the bytes that are there all the same, for a checksum says nothing of intent.

use super::{
    cursor::Cursor,
    format::{
        self, ECOSYSTEMS, HEADER_BYTES, MAGIC, META, NAMES, NAMES_DIRECTORY, RECORDS, RECORDS_DIRECTORY, SECTION_BYTES,
        SECTIONS, VERSION, head, part, stock_summary,
    },
    meta::Meta,
    osv::{Affected, Affects, EcosystemSpecific, Package, Record},
    query::Query,
    table::{Table, checksum, u32_at, u64_at, usize_at},
};
use crate::archive::Mapped;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
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

/// An open index.
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    meta: Meta,
    names: Table,
    records: Table,
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
            (NAMES_DIRECTORY, "the directory of names"),
            (RECORDS_DIRECTORY, "the directory of records"),
        ] {
            let (range, crc) = &sections[i];
            checksum(what, &bytes[range.clone()], *crc)?;
        }
        let meta = serde_json::from_slice(&bytes[sections[META].0.clone()])
            .map_err(|_| IndexError::Malformed("its description"))?;
        let table = |what, directory: usize, data: usize| {
            Table::new(what, &bytes, sections[directory].0.clone(), sections[data].0.clone())
        };
        let names = table("a block of names", NAMES_DIRECTORY, NAMES)?;
        let records = table("a block of records", RECORDS_DIRECTORY, RECORDS)?;
        Ok(Self {
            bytes,
            meta,
            names,
            records,
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

    /// Records about a package, whatever the version; in the order of their ids. Of each record only the parts about this
    /// package are there.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn lookup(&self, ecosystem: u8, name: &str) -> Result<Vec<Record>> {
        self.select(ecosystem, name, |cursor| cursor.affected().map(|()| true))
    }

    /// As [`Index::lookup`], and only records of which a part concerns the version of `query`: decided on the packed form.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn affecting(&self, ecosystem: u8, name: &str, query: &Query<'_>) -> Result<Vec<Record>> {
        let mut scratch = Vec::new();
        self.select(ecosystem, name, |cursor| query.judge(cursor, &mut scratch))
    }

    /// Decodes the records of a package for one part of which `wanted` (which reads one part and leaves the cursor behind
    /// it) holds.
    fn select<'s>(
        &'s self,
        ecosystem: u8,
        name: &str,
        mut wanted: impl FnMut(&mut Cursor<'s>) -> Result<bool>,
    ) -> Result<Vec<Record>> {
        let mut found = Vec::new();
        let Some(mut body) = self.names.find(&self.bytes, ecosystem, name)? else {
            return Ok(found);
        };
        for _ in 0..body.count()? {
            let ordinal = body.u32()?;
            let parts = body.count()?;
            let mut packed = body.clone();
            let mut any = false;
            for _ in 0..parts {
                any |= wanted(&mut body)?;
            }
            if any {
                let mut record = self.head(ordinal)?;
                record.affected = (0..parts)
                    .map(|_| affected(&mut packed, ecosystem, name))
                    .collect::<Result<_>>()?;
                found.push(record);
            }
        }
        Ok(found)
    }

    /// The record of an id, whole.
    ///
    /// # Errors
    /// When the part of the index that is asked for is damaged.
    pub fn record(&self, id: &str) -> Result<Option<Record>> {
        let Some((key, mut body)) = self.records.find_key(&self.bytes, id.as_bytes())? else {
            return Ok(None);
        };
        let (mut record, packages) = decode_head(&key, &mut body)?;
        for (ecosystem, name) in packages {
            let same = self
                .lookup(ecosystem, &name)?
                .into_iter()
                .find(|other| other.id == record.id);
            record
                .affected
                .extend(same.into_iter().flat_map(|other| other.affected));
        }
        Ok(Some(record))
    }

    /// Every record, withdrawn ones by their name and dates; in the order of their ids.
    ///
    /// # Errors
    /// When any part is damaged.
    pub fn all(&self) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        self.records.each(&self.bytes, &mut |key, body| {
            all.push(decode_head(key, body)?.0);
            Ok(())
        })?;
        self.names.each(&self.bytes, &mut |key, body| {
            let (ecosystem, name) = name_of(key)?;
            for _ in 0..body.count()? {
                let ordinal = body.u32()? as usize;
                let record: &mut Record = all
                    .get_mut(ordinal)
                    .ok_or(IndexError::Malformed("a name leads to no record"))?;
                for _ in 0..body.count()? {
                    record.affected.push(affected(body, ecosystem, name)?);
                }
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Id and time of change of every record that was ever seen of an ecosystem's, withdrawn ones of every ecosystem
    /// included: what an update compares with the server's list.
    ///
    /// # Errors
    /// When any part is damaged.
    pub fn changes(&self) -> Result<HashMap<String, String>> {
        let mut changes = HashMap::new();
        self.records.each(&self.bytes, &mut |key, body| {
            let (record, _) = decode_head(key, body)?;
            changes.insert(record.id, record.modified);
            Ok(())
        })?;
        Ok(changes)
    }

    fn head(&self, ordinal: u32) -> Result<Record> {
        let (key, mut body) = self.records.at(&self.bytes, ordinal)?;
        Ok(decode_head(&key, &mut body)?.0)
    }
}

fn name_of(key: &[u8]) -> Result<(u8, &str)> {
    let (&ecosystem, name) = key.split_first().ok_or(IndexError::Malformed("an empty name"))?;
    if usize::from(ecosystem) >= ECOSYSTEMS.len() {
        return Err(IndexError::Malformed("an ecosystem without a name"));
    }
    Ok((ecosystem, text(name)?))
}

pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| IndexError::Malformed("text that is not UTF-8"))
}

fn decode_head(key: &[u8], body: &mut Cursor<'_>) -> Result<(Record, Vec<(u8, String)>)> {
    let flags = body.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let mut record = Record {
        id: text(key)?.to_owned(),
        modified: body.time()?,
        ..Record::default()
    };
    if has(head::WITHDRAWN) {
        record.withdrawn = Some(body.time()?);
    }
    if has(head::ALIASES) {
        record.aliases = body.texts()?;
    }
    if has(head::SUMMARY) {
        body.text()?.clone_into(&mut record.summary);
    }
    if has(head::SEVERITY) {
        record.severity = body.severity()?;
    }
    if has(head::SPECIFIC) {
        record.database_specific = Some(body.specific()?);
    }
    let mut packages = Vec::new();
    for _ in 0..body.count()? {
        let ecosystem = body.byte()?;
        packages.push((ecosystem, body.text()?.to_owned()));
    }
    if has(head::STOCK_SUMMARY) {
        let first = packages.first();
        let name = first.and_then(|(e, name)| Some((name, ECOSYSTEMS.get(usize::from(*e))?)));
        let (name, ecosystem) = name.ok_or(IndexError::Malformed("a summary without a package"))?;
        record.summary = stock_summary(name, ecosystem);
    }
    Ok((record, packages))
}

fn affected(cursor: &mut Cursor<'_>, ecosystem: u8, name: &str) -> Result<Affected> {
    let flags = cursor.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let mut affected = Affected {
        package: ECOSYSTEMS.get(usize::from(ecosystem)).map(|ecosystem| Package {
            ecosystem: (*ecosystem).to_owned(),
            name: name.to_owned(),
        }),
        ..Affected::default()
    };
    if has(part::VERSIONS) {
        for _ in 0..cursor.count()? {
            affected.versions.push(cursor.version()?.1.text().into_owned());
        }
    }
    if has(part::RANGES) {
        for _ in 0..cursor.count()? {
            affected.ranges.push(cursor.range()?);
        }
    }
    if has(part::SEVERITY) {
        affected.severity = cursor.severity()?;
    }
    if has(part::SPECIFIC) {
        affected.database_specific = Some(cursor.specific()?);
    }
    if has(part::AFFECTS) {
        let (arch, os, functions) = (cursor.texts()?, cursor.texts()?, cursor.texts()?);
        let affects = Some(Affects { arch, os, functions });
        affected.ecosystem_specific = Some(EcosystemSpecific { affects });
    }
    Ok(affected)
}

/// The code of an ecosystem in an index.
#[must_use]
pub fn code(osv_name: &str) -> Option<u8> {
    let at = format::ECOSYSTEMS.iter().position(|name| *name == osv_name)?;
    u8::try_from(at).ok()
}
