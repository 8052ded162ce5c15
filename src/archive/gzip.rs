//! A gzip file (RFC 1952) as a tree of the one file in it. Members that follow one another are one file (section 2.2).

use super::{Budget, EntryKind, Member, Opened, ReadError, Tree, Visitor};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};

/// Whether these first bytes are gzip's, with deflate, the only method there is.
#[must_use]
pub fn is_magic(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b, 8])
}

/// What `head`, the beginning of a gzip file, inflates to as far as it goes.
#[must_use]
pub fn begin(head: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // That it ends early is no news.
    let _ = MultiGzDecoder::new(head)
        .take(super::PEEK_BYTES as u64)
        .read_to_end(&mut bytes);
    bytes
}

/// Inflates, under the budget: what is spent is spent whoever reads.
pub(super) fn reader<'r>(bytes: &'r [u8], budget: &'r Budget) -> impl Read + 'r {
    let limits = &budget.limits;
    let most = limits
        .ratio_free_bytes
        .saturating_add((bytes.len() as u64).saturating_mul(limits.ratio));
    Bounded {
        inner: MultiGzDecoder::new(bytes),
        left: most,
        budget,
    }
}

struct Bounded<'r, R> {
    inner: R,
    left: u64,
    budget: &'r Budget,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        let ratio = || ReadError::limit("ratio", self.budget.limits.ratio);
        self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| io::Error::other(ratio()))?;
        self.budget.spend(n as u64).map_err(io::Error::other)?;
        Ok(n)
    }
}

/// One compressed file.
#[derive(Debug)]
pub struct Gzip<'a> {
    member: [Member; 1],
    bytes: &'a [u8],
}

impl<'a> Gzip<'a> {
    /// The file in `bytes`, which is named as `name` without its ending.
    #[must_use]
    pub fn open(bytes: &'a [u8], name: &str) -> Self {
        let file = name.rsplit_once('/').map_or(name, |(_, file)| file);
        let inner = file
            .strip_suffix(".gz")
            .filter(|inner| !inner.is_empty())
            .unwrap_or(file);
        let size = bytes
            .last_chunk::<4>()
            .map_or(0, |size| u32::from_le_bytes(*size).into());
        Self {
            member: [Member {
                path: inner.into(),
                size,
                kind: EntryKind::File,
            }],
            bytes,
        }
    }
}

impl Tree for Gzip<'_> {
    fn entries(&self) -> &[Member] {
        &self.member
    }

    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        for &i in wanted {
            let reader = Box::new(reader(self.bytes, budget));
            // Always to its end: what the rest is nobody can say from the beginning.
            visitor(
                i,
                &mut Opened::reader(reader, self.bytes.len() as u64, budget).checked(None, false, true),
            );
        }
    }
}
