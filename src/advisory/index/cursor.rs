//! Bytes of an index, read one value after the other; every read is checked against what is left.

use super::{
    format::{self, KINDS, TEXT},
    osv::{DatabaseSpecific, Event, Range, RangeType, SeverityVector},
    read::{IndexError, text},
};
use std::borrow::Cow;

type Result<T> = std::result::Result<T, IndexError>;

/// What is left of some bytes.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'b>(&'b [u8]);

/// A version as the index holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound<'b> {
    /// Plain decimal segments, and how many of them were written.
    Plain([u32; 4], usize),
    /// Anything else.
    Text(&'b str),
}

impl<'b> Bound<'b> {
    /// As it was published.
    pub(super) fn text(&self) -> Cow<'b, str> {
        match *self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Plain(segments, count) => {
                let mut text = String::with_capacity(16);
                for (i, segment) in segments.iter().take(count).enumerate() {
                    if i > 0 {
                        text.push('.');
                    }
                    format::push_number(&mut text, u64::from(*segment), 1);
                }
                Cow::Owned(text)
            }
        }
    }

    /// Whether it is the literal `0`, which as an event means before everything.
    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Self::Plain([0, ..], 1))
    }
}

const CUT: IndexError = IndexError::Malformed("a value is cut off");

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.0
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8> {
        let (&byte, rest) = self.0.split_first().ok_or(CUT)?;
        self.0 = rest;
        Ok(byte)
    }

    #[inline]
    fn int(&mut self) -> Result<u64> {
        // Nearly all are of one byte.
        if let Some((&byte @ ..0x80, rest)) = self.0.split_first() {
            self.0 = rest;
            return Ok(byte.into());
        }
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(IndexError::Malformed("an integer without an end"))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32> {
        u32::try_from(self.int()?).map_err(|_| IndexError::Malformed("an integer over 32 bits"))
    }

    #[inline]
    pub(super) fn usize(&mut self) -> Result<usize> {
        Ok(self.u32()? as usize)
    }

    /// A number of things to come, each of at least one byte: never more than there are bytes, so that nobody who trusts it
    /// allocates more than the file is long.
    #[inline]
    pub(super) fn count(&mut self) -> Result<usize> {
        let count = self.usize()?;
        if count > self.0.len() {
            return Err(CUT);
        }
        Ok(count)
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'b [u8]> {
        let length = self.usize()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'b str> {
        text(self.bytes()?)
    }

    pub(super) fn texts(&mut self) -> Result<Vec<String>> {
        (0..self.count()?).map(|_| Ok(self.text()?.to_owned())).collect()
    }

    pub(super) fn time(&mut self) -> Result<String> {
        match self.byte()? {
            0 => Ok(self.text()?.to_owned()),
            1 => Ok(format::time_text(self.seconds()?, 0, 0)),
            digits @ 2..=10 => Ok(format::time_text(self.seconds()?, digits - 1, self.u32()?)),
            _ => Err(IndexError::Malformed("a time")),
        }
    }

    /// Passes over a time.
    pub(super) fn pass_time(&mut self) -> Result<()> {
        match self.byte()? {
            0 => drop(self.bytes()?),
            digits => {
                self.int()?;
                if digits > 1 {
                    self.int()?;
                }
            }
        }
        Ok(())
    }

    fn seconds(&mut self) -> Result<u64> {
        /// The year 9999 ends.
        const LAST: u64 = 253_402_300_800;
        Some(self.int()?)
            .filter(|&s| s < LAST)
            .ok_or(IndexError::Malformed("a time"))
    }

    /// The kind of event that the byte before a version holds, and the version.
    #[inline]
    pub(super) fn version(&mut self) -> Result<(u8, Bound<'b>)> {
        let byte = self.byte()?;
        let bound = match byte & 0xf {
            count @ 1..=4 => {
                let mut segments = [0; 4];
                for segment in segments.iter_mut().take(usize::from(count)) {
                    *segment = self.u32()?;
                }
                Bound::Plain(segments, usize::from(count))
            }
            TEXT => Bound::Text(self.text()?),
            _ => return Err(IndexError::Malformed("the tag of a version")),
        };
        Ok((byte >> 4, bound))
    }

    pub(super) fn range_type(&mut self) -> Result<RangeType> {
        Ok(match self.byte()? {
            0 => RangeType::Semver,
            1 => RangeType::Ecosystem,
            2 => RangeType::Git,
            3 => RangeType::Other,
            _ => return Err(IndexError::Malformed("the type of a range")),
        })
    }

    pub(super) fn range(&mut self) -> Result<Range> {
        let kind = self.range_type()?;
        let mut events = Vec::new();
        for _ in 0..self.count()? {
            let (event, bound) = self.version()?;
            let version = bound.text().into_owned();
            events.push(match event {
                0 => Event::Introduced(version),
                1 => Event::Fixed(version),
                2 => Event::LastAffected(version),
                3 => Event::Limit(version),
                _ => return Err(IndexError::Malformed("the kind of an event")),
            });
        }
        Ok(Range { kind, events })
    }

    pub(super) fn severity(&mut self) -> Result<Vec<SeverityVector>> {
        let mut all = Vec::new();
        for _ in 0..self.count()? {
            let code = usize::from(self.byte()?);
            let kind = match KINDS.get(code) {
                Some(kind) => *kind,
                None => self.text()?,
            };
            all.push(SeverityVector {
                kind: kind.to_owned(),
                score: self.text()?.to_owned(),
            });
        }
        Ok(all)
    }

    pub(super) fn specific(&mut self) -> Result<DatabaseSpecific> {
        let mut word = || -> Result<Option<String>> {
            Ok(match self.byte()? {
                0 => None,
                _ => Some(self.text()?.to_owned()),
            })
        };
        let (severity, informational) = (word()?, word()?);
        Ok(DatabaseSpecific {
            severity,
            informational,
            categories: self.texts()?,
        })
    }

    /// Passes over what follows the versions of an affected package.
    pub(super) fn rest_of_affected(&mut self, flags: u8) -> Result<()> {
        if flags & format::part::SEVERITY != 0 {
            self.pass_severity()?;
        }
        if flags & format::part::SPECIFIC != 0 {
            self.pass_specific()?;
        }
        if flags & format::part::AFFECTS != 0 {
            for _ in 0..3 {
                self.pass_texts()?;
            }
        }
        Ok(())
    }

    /// Passes over ratings.
    pub(super) fn pass_severity(&mut self) -> Result<()> {
        for _ in 0..self.count()? {
            if usize::from(self.byte()?) >= KINDS.len() {
                self.bytes()?;
            }
            self.bytes()?;
        }
        Ok(())
    }

    /// Passes over the extras of the database that published it.
    pub(super) fn pass_specific(&mut self) -> Result<()> {
        for _ in 0..2 {
            if self.byte()? != 0 {
                self.bytes()?;
            }
        }
        self.pass_texts()
    }

    /// Passes over texts.
    pub(super) fn pass_texts(&mut self) -> Result<()> {
        for _ in 0..self.count()? {
            self.bytes()?;
        }
        Ok(())
    }
}
