//! The records of a zip file, as APPNOTE.TXT 6.3 lays them out. Each `parse` reads one record at an offset of the whole
//! file and answers `None` when it is not there or not whole; nothing is trusted beyond its own bytes.

/// End of central directory record, APPNOTE 4.3.16.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: usize,
    pub(super) disk: u16,
    pub(super) entries: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) comment: usize,
}

/// A central directory header (APPNOTE 4.3.12) or a local one (4.3.7), the fields that both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) name: &'a [u8],
    /// Offset of the first byte after the record.
    pub(super) end: usize,
    /// Central only: high half of the external attributes (the Unix mode) when made on Unix, else 0.
    pub(super) mode: u32,
    /// Central only: where the local header is said to be.
    pub(super) offset: u64,
}

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const END_BYTES: usize = 22;

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn tagged(bytes: &[u8], at: usize, tag: [u8; 4]) -> Option<()> {
    (bytes.get(at..at.checked_add(4)?)? == tag).then_some(())
}

impl End {
    /// The record at `at`, with the zip64 record (4.3.14) in place of the fields that overflow.
    pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        tagged(bytes, at, END)?;
        let mut end = Self {
            at,
            disk: u16_at(bytes, at + 4)?,
            entries: u16_at(bytes, at + 10)?.into(),
            size: u32_at(bytes, at + 12)?.into(),
            offset: u32_at(bytes, at + 16)?.into(),
            comment: u16_at(bytes, at + 20)?.into(),
        };
        let overflows = end.entries == 0xffff || end.size == 0xffff_ffff || end.offset == 0xffff_ffff;
        if let (true, Some(locator)) = (overflows, at.checked_sub(20))
            && tagged(bytes, locator, LOCATOR64).is_some()
        {
            let at64 = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
            tagged(bytes, at64, END64)?;
            end.entries = u64_at(bytes, at64 + 32)?;
            end.size = u64_at(bytes, at64 + 40)?;
            end.offset = u64_at(bytes, at64 + 48)?;
        }
        Some(end)
    }

    /// Offset of the first byte after the record and its comment.
    pub(super) fn end(&self) -> usize {
        self.at + END_BYTES + self.comment
    }
}

impl<'a> Header<'a> {
    pub(super) fn central(bytes: &'a [u8], at: usize) -> Option<Self> {
        tagged(bytes, at, CENTRAL)?;
        let name_bytes: usize = u16_at(bytes, at + 28)?.into();
        let extra_bytes: usize = u16_at(bytes, at + 30)?.into();
        let comment_bytes: usize = u16_at(bytes, at + 32)?.into();
        let made_on_unix = u16_at(bytes, at + 4)? >> 8 == 3;
        let attributes = u32_at(bytes, at + 38)?;
        let name_at = at + 46;
        let extra_at = name_at + name_bytes;
        let end = extra_at + extra_bytes + comment_bytes;
        let mut header = Self {
            flags: u16_at(bytes, at + 8)?,
            method: u16_at(bytes, at + 10)?,
            crc: u32_at(bytes, at + 16)?,
            compressed: u32_at(bytes, at + 20)?.into(),
            size: u32_at(bytes, at + 24)?.into(),
            name: bytes.get(name_at..extra_at)?,
            end,
            mode: if made_on_unix { attributes >> 16 } else { 0 },
            offset: u32_at(bytes, at + 42)?.into(),
        };
        bytes.get(at..end)?;
        header.widen(bytes.get(extra_at..extra_at + extra_bytes)?);
        Some(header)
    }

    pub(super) fn local(bytes: &'a [u8], at: usize) -> Option<Self> {
        tagged(bytes, at, LOCAL)?;
        let name_bytes: usize = u16_at(bytes, at + 26)?.into();
        let extra_bytes: usize = u16_at(bytes, at + 28)?.into();
        let name_at = at + 30;
        let extra_at = name_at + name_bytes;
        let mut header = Self {
            flags: u16_at(bytes, at + 6)?,
            method: u16_at(bytes, at + 8)?,
            crc: u32_at(bytes, at + 14)?,
            compressed: u32_at(bytes, at + 18)?.into(),
            size: u32_at(bytes, at + 22)?.into(),
            name: bytes.get(name_at..extra_at)?,
            end: extra_at + extra_bytes,
            mode: 0,
            offset: at as u64,
        };
        header.widen(bytes.get(extra_at..extra_at + extra_bytes)?);
        Some(header)
    }

    /// Takes 64-bit values from the zip64 extended information (4.5.3), present for those fields alone that overflow.
    fn widen(&mut self, extra: &[u8]) {
        let mut at = 0;
        while let (Some(id), Some(len)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
            if id == 1 {
                let mut field = at + 4;
                for value in [&mut self.size, &mut self.compressed, &mut self.offset] {
                    if *value == 0xffff_ffff
                        && let Some(wide) = u64_at(extra, field)
                    {
                        *value = wide;
                        field += 8;
                    }
                }
                return;
            }
            at += 4 + usize::from(len);
        }
    }
}
