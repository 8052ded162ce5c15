//! The records of a zip file, as APPNOTE.TXT 6.3 lays them out. Each `parse` reads one record at an offset of the whole
//! file and answers `None` when it is not there or not whole; nothing is trusted beyond its own bytes.

use std::ops::Range;

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Old readers' way of marking a zip that was split or meant to be; the first local header follows.
pub(super) const SPANNED: [&[u8]; 2] = [b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"];

pub(super) const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR64_BYTES: usize = 20;

const OVERFLOW_16: u64 = 0xffff;
const OVERFLOW_32: u64 = 0xffff_ffff;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

pub(super) fn tagged(bytes: &[u8], at: usize, tag: [u8; 4]) -> Option<()> {
    (bytes.get(at..at.checked_add(4)?)? == tag).then_some(())
}

/// What an end record says of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) disk: u32,
    pub(super) entries_here: u64,
    pub(super) entries: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

/// End of central directory record, APPNOTE 4.3.16.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) at: usize,
    /// As the record itself says.
    pub(super) said: Said,
    pub(super) comment: usize,
    /// The zip64 end record (4.3.14) that belongs to it, if there is a locator (4.3.15) before it.
    pub(super) zip64: Option<End64>,
}

/// The zip64 end of central directory record and its locator.
#[derive(Clone, Debug)]
pub(super) struct End64 {
    /// Where the records are: each place is one that some reader looks at.
    pub(super) records: Vec<(usize, Said)>,
    /// Bytes from the first of these records to the end record, locator included.
    pub(super) range: Range<usize>,
    /// What is wrong with the locator or the record.
    pub(super) problem: Option<&'static str>,
}

impl End {
    pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        tagged(bytes, at, END)?;
        let said = Said {
            disk: u16_at(bytes, at + 4)?.max(u16_at(bytes, at + 6)?).into(),
            entries_here: u16_at(bytes, at + 8)?.into(),
            entries: u16_at(bytes, at + 10)?.into(),
            size: u32_at(bytes, at + 12)?.into(),
            offset: u32_at(bytes, at + 16)?.into(),
        };
        let mut end = Self {
            at,
            said,
            comment: u16_at(bytes, at + 20)?.into(),
            zip64: None,
        };
        end.zip64 = End64::before(bytes, at, end.overflows());
        Some(end)
    }

    /// Offset of the first byte after the record and its comment.
    pub(super) fn end(&self) -> usize {
        self.at + END_BYTES + self.comment
    }

    /// Whether a field is at the value that sends readers to the zip64 record.
    pub(super) fn overflows(&self) -> bool {
        self.said.entries == OVERFLOW_16
            || self.said.entries_here == OVERFLOW_16
            || self.said.size == OVERFLOW_32
            || self.said.offset == OVERFLOW_32
    }

    /// Whether the zip64 record says the same where this one can.
    pub(super) fn agrees_with(&self, other: &Said) -> bool {
        let agree = |own: u64, other: u64, overflow: u64| own == other || own == overflow;
        agree(self.said.entries, other.entries, OVERFLOW_16)
            && agree(self.said.entries_here, other.entries_here, OVERFLOW_16)
            && agree(self.said.size, other.size, OVERFLOW_32)
            && agree(self.said.offset, other.offset, OVERFLOW_32)
            && (self.said.disk == other.disk || u64::from(self.said.disk) == OVERFLOW_16)
    }
}

impl End64 {
    /// The locator right before the end record at `end`, and the record where it points or, where it does not point at one
    /// (something was put before the archive), the record right before it.
    fn before(bytes: &[u8], end: usize, overflows: bool) -> Option<Self> {
        let locator = end.checked_sub(LOCATOR64_BYTES)?;
        tagged(bytes, locator, LOCATOR64)?;
        let pointed = usize::try_from(u64_at(bytes, locator + 8)?).ok();
        let adjacent = locator.checked_sub(END64_BYTES);
        let mut places: Vec<usize> = [pointed, adjacent].into_iter().flatten().collect();
        places.dedup();
        let records: Vec<(usize, Said)> = places
            .into_iter()
            .filter_map(|at| Some((at, Self::record(bytes, at)?)))
            .collect();
        let start = records
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| *at < locator)
            .max()
            .unwrap_or(locator);
        let stated_bytes = u64_at(bytes, start + 4).unwrap_or_default();
        if records.is_empty() && !overflows {
            return None; // a name or a comment that looks like a locator
        }
        let problem = if records.is_empty() {
            Some("the zip64 end record is not where its locator says")
        } else if records.len() > 1 {
            Some("the zip64 locator points at one end record, and another one stands right before it")
        } else if stated_bytes.checked_add(12) != Some((locator - start) as u64) {
            Some("there is something between the zip64 end record and its locator")
        } else if stated_bytes != END64_BYTES as u64 - 12 {
            Some("the zip64 end record carries data of its own, which readers skip differently")
        } else if u32_at(bytes, locator + 4) != Some(0) || u32_at(bytes, locator + 16).is_none_or(|disks| disks > 1) {
            Some("the zip64 locator speaks of other disks")
        } else {
            None
        };
        Some(Self {
            records,
            range: start..end,
            problem,
        })
    }

    fn record(bytes: &[u8], at: usize) -> Option<Said> {
        tagged(bytes, at, END64)?;
        Some(Said {
            disk: u32_at(bytes, at + 16)?.max(u32_at(bytes, at + 20)?),
            entries_here: u64_at(bytes, at + 24)?,
            entries: u64_at(bytes, at + 32)?,
            size: u64_at(bytes, at + 40)?,
            offset: u64_at(bytes, at + 48)?,
        })
    }
}

/// A central directory header (APPNOTE 4.3.12) or a local one (4.3.7), the fields that both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    pub(super) flags: u16,
    pub(super) method: u16,
    /// DOS time and date.
    pub(super) modified: u32,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) name: &'a [u8],
    /// Offset of the name.
    pub(super) name_at: usize,
    pub(super) extra: &'a [u8],
    /// Version of the format that is needed to read it (4.4.3).
    pub(super) version: u16,
    /// Central only: a comment.
    pub(super) comment: &'a [u8],
    /// Offset of the record.
    pub(super) at: usize,
    /// Offset of the first byte after the record.
    pub(super) end: usize,
    /// Central only: the system that the external attributes are of (4.4.2).
    pub(super) host: u8,
    /// Central only: external attributes.
    pub(super) attributes: u32,
    /// Central only: the disk that the entry starts on.
    pub(super) disk: u32,
    /// Central only: where the local header is said to be.
    pub(super) offset: u64,
}

impl<'a> Header<'a> {
    pub(super) fn central(bytes: &'a [u8], at: usize) -> Option<Self> {
        tagged(bytes, at, CENTRAL)?;
        let name_bytes: usize = u16_at(bytes, at + 28)?.into();
        let extra_bytes: usize = u16_at(bytes, at + 30)?.into();
        let comment_bytes: usize = u16_at(bytes, at + 32)?.into();
        let name_at = at + 46;
        let extra_at = name_at + name_bytes;
        let end = extra_at + extra_bytes + comment_bytes;
        bytes.get(at..end)?;
        Some(Self {
            flags: u16_at(bytes, at + 8)?,
            method: u16_at(bytes, at + 10)?,
            modified: u32_at(bytes, at + 12)?,
            crc: u32_at(bytes, at + 16)?,
            compressed: u32_at(bytes, at + 20)?.into(),
            size: u32_at(bytes, at + 24)?.into(),
            name: bytes.get(name_at..extra_at)?,
            name_at,
            version: u16_at(bytes, at + 6)?,
            comment: bytes.get(end - comment_bytes..end)?,
            extra: bytes.get(extra_at..extra_at + extra_bytes)?,
            at,
            end,
            host: *bytes.get(at + 5)?,
            attributes: u32_at(bytes, at + 38)?,
            disk: u16_at(bytes, at + 34)?.into(),
            offset: u32_at(bytes, at + 42)?.into(),
        })
    }

    pub(super) fn local(bytes: &'a [u8], at: usize) -> Option<Self> {
        tagged(bytes, at, LOCAL)?;
        let name_bytes: usize = u16_at(bytes, at + 26)?.into();
        let extra_bytes: usize = u16_at(bytes, at + 28)?.into();
        let name_at = at + 30;
        let extra_at = name_at + name_bytes;
        Some(Self {
            flags: u16_at(bytes, at + 6)?,
            method: u16_at(bytes, at + 8)?,
            modified: u32_at(bytes, at + 10)?,
            crc: u32_at(bytes, at + 14)?,
            compressed: u32_at(bytes, at + 18)?.into(),
            size: u32_at(bytes, at + 22)?.into(),
            name: bytes.get(name_at..extra_at)?,
            name_at,
            version: u16_at(bytes, at + 4)?,
            comment: &[],
            extra: bytes.get(extra_at..extra_at + extra_bytes)?,
            at,
            end: extra_at + extra_bytes,
            host: 0,
            attributes: 0,
            disk: 0,
            offset: at as u64,
        })
    }

    /// Takes 64-bit values from the extra fields, and says what else is in them.
    pub(super) fn widen(&mut self, central: bool) -> Extra<'a> {
        let mut extra = Extra::default();
        let mut at = 0;
        while at < self.extra.len() {
            let (Some(id), Some(len)) = (u16_at(self.extra, at), u16_at(self.extra, at + 2)) else {
                extra.malformed = true; // up to three bytes of padding
                break;
            };
            let Some(field) = self.extra.get(at + 4..at + 4 + usize::from(len)) else {
                extra.malformed = true;
                extra.cut_off = matches!(id, ZIP64 | UNICODE_NAME);
                break;
            };
            match id {
                ZIP64 if extra.zip64 => extra.repeated = true,
                ZIP64 => {
                    extra.zip64 = true;
                    extra.wrong_64 = !self.widen_from(field, central);
                }
                // Hashed once, however often the field is there: a name of 64 KB, 16,000 times, is a gigabyte.
                UNICODE_NAME if extra.name.is_some() => extra.repeated = true,
                UNICODE_COMMENT if extra.comment => extra.repeated = true,
                UNICODE_NAME => {
                    extra.name = Some(UnicodeName {
                        valid: field.first() == Some(&1) && u32_at(field, 1) == Some(crc32fast::hash(self.name)),
                        name: field.get(5..).unwrap_or_default(),
                    });
                }
                UNICODE_COMMENT => {
                    extra.comment = true;
                    extra.malformed |= central && u32_at(field, 1) != Some(crc32fast::hash(self.comment));
                }
                _ => {}
            }
            at += 4 + usize::from(len);
        }
        let missing = |value: u64| value == OVERFLOW_32 && !extra.zip64;
        extra.missing_64 = missing(self.size) || missing(self.compressed) || (central && missing(self.offset));
        extra
    }

    /// The zip64 extended information (4.5.3) holds those fields alone that overflow, in this order. False when it holds too
    /// little, or when it holds others that disagree.
    fn widen_from(&mut self, field: &[u8], central: bool) -> bool {
        let mut wide = field.as_chunks::<8>().0.iter().map(|value| u64::from_le_bytes(*value));
        let (own, taken) = (
            self.size == OVERFLOW_32 || self.compressed == OVERFLOW_32,
            if central { 3 } else { 2 },
        );
        if own || (central && self.offset == OVERFLOW_32) {
            let fields = [&mut self.size, &mut self.compressed, &mut self.offset];
            for value in fields.into_iter().take(taken).filter(|value| **value == OVERFLOW_32) {
                match wide.next() {
                    Some(wide) => *value = wide,
                    None => return false,
                }
            }
            return true;
        }
        // Nothing overflows: some writers leave the field out, some empty, some fill it all the same.
        [self.size, self.compressed]
            .into_iter()
            .zip(wide)
            .all(|(own, wide)| own == wide)
    }
}

const ZIP64: u16 = 1;
const UNICODE_NAME: u16 = 0x7075;
const UNICODE_COMMENT: u16 = 0x6375;

/// What the extra fields of a header hold.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is one thing that is wrong
pub(super) struct Extra<'a> {
    pub(super) zip64: bool,
    /// A value overflows, and no zip64 field gives it.
    pub(super) missing_64: bool,
    /// The zip64 field is too short, or disagrees with the header.
    pub(super) wrong_64: bool,
    /// Fields end in the middle of one.
    pub(super) malformed: bool,
    /// ... and it is one that changes the name or the sizes.
    pub(super) cut_off: bool,
    /// A field that may be there once is there twice.
    pub(super) repeated: bool,
    comment: bool,
    pub(super) name: Option<UnicodeName<'a>>,
}

/// Info-ZIP's Unicode path field (4.6.9).
#[derive(Clone, Copy, Debug)]
pub(super) struct UnicodeName<'a> {
    pub(super) name: &'a [u8],
    /// Whether its version is known and its checksum is that of the header's name, as the format asks.
    pub(super) valid: bool,
}

/// The shape in which a data descriptor (4.3.9) is there: with or without a signature, of 32 or 64 bits.
pub(super) fn descriptor(bytes: &[u8], at: usize, crc: u32, compressed: u64, size: u64) -> Option<usize> {
    [4, 0].into_iter().find_map(|skip| {
        if skip == 4 {
            tagged(bytes, at, DESCRIPTOR)?;
        }
        let at = at.checked_add(skip)?;
        if u32_at(bytes, at)? != crc {
            return None;
        }
        if u64_at(bytes, at + 4) == Some(compressed) && u64_at(bytes, at + 12) == Some(size) {
            return Some(at + 20);
        }
        let narrow = |at: usize| u32_at(bytes, at).map(u64::from);
        let low = |value: u64| value & OVERFLOW_32;
        (narrow(at + 4) == Some(low(compressed)) && narrow(at + 8) == Some(low(size))).then_some(at + 12)
    })
}
