//! The contents of one entry, read as far as somebody wants them.

use super::Budget;
use flate2::{Decompress, FlushDecompress, Status};
use std::{borrow::Cow, cell::RefCell, io::Read};

/// Bytes that [`Opened::peek`] shows: enough for every magic number that is looked for, tar's `ustar` at 257 included.
pub const PEEK_BYTES: usize = 512;

/// Step in which contents grow: allocation follows bytes read, never a declared size.
const STEP: usize = 64 << 10;
/// The largest such step.
const LARGEST_STEP: usize = 8 << 20;

/// Why contents could not be read, or not to their end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A limit was reached.
    #[error("limit `{name}` reached ({limit}); what lies beyond was not looked at (raise it with --limit {name}=N)")]
    Limit {
        /// The limit's name.
        name: &'static str,
        /// Its value, in the limit's own unit.
        limit: u64,
    },
    /// The entry is encrypted.
    #[error("entry is encrypted; scan the artifact before it is encrypted")]
    Encrypted,
    /// A compression method that no deployment target unpacks.
    #[error("compression method {0} is not supported (only stored and deflated entries can be deployed)")]
    Method(u16),
    /// The compressed data is malformed.
    #[error("compressed data is corrupt after {0} bytes; build the artifact again")]
    Corrupt(u64),
    /// The data ends early.
    #[error("data ends early (got {got} bytes, expected {expected}); the file is truncated")]
    Truncated {
        /// Bytes there.
        got: u64,
        /// Bytes promised.
        expected: u64,
    },
    /// The checksum does not match.
    #[error("bad CRC-32 (got {got:08x}, expected {expected:08x}); contents were read all the same")]
    Crc {
        /// Of what was read.
        got: u32,
        /// Of the directory record.
        expected: u32,
    },
    /// The contents are of another size than the archive says.
    #[error("holds {got} bytes where the archive says {expected}; contents were read all the same")]
    Size {
        /// Of what was read.
        got: u64,
        /// Of the directory record.
        expected: u64,
    },
    /// The compressed data ends before its place does.
    #[error("{0} bytes follow the compressed data: readers that stream take them for the next entry")]
    Slack(u64),
    /// The archive's records lead nowhere, or to bytes that other entries have used up.
    #[error("its records lead to no data of its own; it cannot be read")]
    Unreachable,
    /// The operating system says no.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl ReadError {
    /// A limit that was reached.
    #[must_use]
    pub fn limit(name: &'static str, limit: u64) -> Self {
        Self::Limit { name, limit }
    }
}

/// Contents as far as they could be read, and what stopped the reading.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The bytes; borrowed from the artifact where they are stored as they are.
    pub bytes: Cow<'a, [u8]>,
    /// Why they end where they end, if not because the entry does.
    pub problem: Option<ReadError>,
}

enum Source<'a> {
    /// Stored: the bytes themselves.
    Stored(&'a [u8]),
    /// Deflated: what is left of the input, and the decoder.
    Deflated {
        input: &'a [u8],
        decoder: Decompress,
        done: bool,
    },
    /// A file of an unpacked artifact.
    Reader(Box<dyn Read + 'a>),
    /// Cannot be read at all.
    Closed(Option<ReadError>),
}

/// An entry that is open for reading.
pub struct Opened<'a> {
    source: Source<'a>,
    compressed: u64,
    crc: Option<u32>,
    size: Option<u64>,
    /// Whether the compressed data must fill its place.
    exact: bool,
    verify: bool,
    head: Vec<u8>,
    problem: Option<ReadError>,
    budget: &'a Budget,
}

thread_local! {
    /// A decoder costs more to make than to reset, and most entries are only peeked at.
    static DECODERS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

impl<'a> Opened<'a> {
    fn new(source: Source<'a>, compressed: u64, crc: Option<u32>, budget: &'a Budget) -> Self {
        Self {
            source,
            compressed,
            crc,
            size: None,
            exact: false,
            verify: false,
            head: Vec::new(),
            problem: None,
            budget,
        }
    }

    /// Bytes that are stored as they are.
    #[must_use]
    pub fn stored(bytes: &'a [u8], crc: Option<u32>, budget: &'a Budget) -> Self {
        Self::new(Source::Stored(bytes), bytes.len() as u64, crc, budget)
    }

    /// A raw deflate stream (RFC 1951), which may be followed by other bytes.
    #[must_use]
    pub fn deflated(input: &'a [u8], crc: Option<u32>, budget: &'a Budget) -> Self {
        let decoder = DECODERS.with_borrow_mut(Vec::pop).map_or_else(
            || Decompress::new(false),
            |mut decoder| {
                decoder.reset(false);
                decoder
            },
        );
        let done = false;
        Self::new(
            Source::Deflated { input, decoder, done },
            input.len() as u64,
            crc,
            budget,
        )
    }

    /// Anything else that can be read once.
    #[must_use]
    pub fn reader(reader: Box<dyn Read + 'a>, size: u64, budget: &'a Budget) -> Self {
        Self::new(Source::Reader(reader), size, None, budget)
    }

    /// An entry that cannot be read.
    #[must_use]
    pub fn closed(problem: ReadError, budget: &'a Budget) -> Self {
        Self::new(Source::Closed(Some(problem)), 0, None, budget)
    }

    /// Expects so many bytes, and with `exact` nothing behind the compressed data; `verify`: to be checked by
    /// [`Opened::finish`] though nobody reads it.
    #[must_use]
    pub fn checked(mut self, size: Option<u64>, exact: bool, verify: bool) -> Self {
        (self.size, self.exact, self.verify) = (size, exact, verify);
        self
    }

    /// The first [`PEEK_BYTES`] bytes, or all if there are fewer. A problem met here is told by [`Opened::read`] too.
    pub fn peek(&mut self) -> &[u8] {
        if let Source::Stored(bytes) = self.source {
            return &bytes[..bytes.len().min(PEEK_BYTES)];
        }
        if self.head.is_empty() && self.problem.is_none() {
            let mut head = vec![0; PEEK_BYTES];
            let filled = self.fill(&mut head);
            head.truncate(filled);
            self.head = head;
        }
        &self.head
    }

    /// Whether it costs next to nothing to look whether a zip hides behind what the contents begin with (a picture, a text),
    /// and one may: a stored entry whose end is a zip's, or a small deflated one that is checked whole anyway. All entries are
    /// not inflated for it: that is what a scan would cost most.
    #[must_use]
    pub fn may_end_as_zip(&self) -> bool {
        match &self.source {
            Source::Stored(bytes) => super::zip::has_directory(bytes),
            Source::Deflated { .. } => self.verify && self.compressed <= self.budget.limits.verify_bytes,
            Source::Reader(_) | Source::Closed(_) => false,
        }
    }

    /// What [`Opened::peek`] met, if it met anything.
    #[must_use]
    pub fn problem(&self) -> Option<&ReadError> {
        match &self.source {
            Source::Closed(problem) => problem.as_ref(),
            _ => self.problem.as_ref(),
        }
    }

    /// All of the contents, up to `limit` bytes (its name is for the message), checked against size and CRC.
    pub fn read(&mut self, limit: u64, limit_name: &'static str) -> Contents<'a> {
        if let Source::Stored(bytes) = self.source {
            let fits = bytes.len() as u64 <= limit;
            let shown = if fits {
                bytes
            } else {
                &bytes[..usize::try_from(limit).unwrap_or(usize::MAX)]
            };
            let problem = (!fits)
                .then(|| ReadError::limit(limit_name, limit))
                // Nothing is inflated, but a thousand entries may share these bytes, each an archive of a thousand.
                .or_else(|| self.budget.spend(shown.len() as u64).err())
                .or_else(|| self.contradiction(shown.len() as u64, || crc32fast::hash(shown)));
            return Contents {
                bytes: Cow::Borrowed(shown),
                problem,
            };
        }
        self.peek();
        let mut bytes = std::mem::take(&mut self.head);
        while self.problem.is_none() {
            if bytes.len() as u64 > limit {
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                self.problem = Some(ReadError::limit(limit_name, limit));
                break;
            }
            if self.over_ratio(bytes.len() as u64) {
                break;
            }
            let from = bytes.len();
            // Grows with what has been read: 64 KiB first, then by half, never by more than 8 MiB. A vector left to itself
            // asks for twice of what it has, which for a large binary is what a small machine does not give.
            let step = (from / 2).clamp(STEP, LARGEST_STEP).min(self.most_left());
            bytes.reserve_exact(step);
            bytes.resize(from + step, 0);
            let filled = self.fill(&mut bytes[from..]);
            bytes.truncate(from + filled);
            if filled == 0 {
                break;
            }
        }
        if let Source::Closed(problem) = &mut self.source {
            self.problem = problem.take();
        }
        let problem = self.problem.take();
        let problem = problem.or_else(|| self.contradiction(bytes.len() as u64, || crc32fast::hash(&bytes)));
        Contents {
            bytes: Cow::Owned(bytes),
            problem,
        }
    }

    /// For an entry that nobody reads: what is wrong with it as far as is known, and, where it is to be verified, with all of
    /// it. Keeps nothing in memory.
    pub fn finish(&mut self) -> Option<ReadError> {
        if let Source::Closed(problem) = &mut self.source {
            return problem.take();
        }
        if self.problem.is_some() || !self.verify {
            return self.problem.take();
        }
        if let Source::Stored(bytes) = self.source {
            return self.contradiction(bytes.len() as u64, || crc32fast::hash(bytes));
        }
        self.peek();
        let head = std::mem::take(&mut self.head);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        let (mut got, mut step) = (head.len() as u64, vec![0; STEP.min(self.most_left())]);
        while self.problem.is_none() && !self.over_ratio(got) {
            let filled = self.fill(&mut step);
            crc.update(&step[..filled]);
            got += filled as u64;
            if filled == 0 {
                break;
            }
        }
        let problem = self.problem.take();
        problem.or_else(|| self.contradiction(got, || crc.finalize()))
    }

    /// About as many bytes as can follow, for most entries are small, and to clear 64 KiB more for each costs what reading them
    /// does. Deflate makes at most 1,032 bytes of one; what the decoder holds back comes in another step.
    fn most_left(&self) -> usize {
        match &self.source {
            Source::Deflated { done: true, .. } => 1,
            Source::Deflated { input, .. } => input.len().saturating_add(1).saturating_mul(1_032),
            Source::Stored(bytes) => bytes.len().max(1),
            Source::Reader(_) | Source::Closed(_) => STEP,
        }
    }

    /// Whether `bytes` are more than the input may become; that is a problem then.
    fn over_ratio(&mut self, bytes: u64) -> bool {
        let limits = &self.budget.limits;
        let most = limits
            .ratio_free_bytes
            .saturating_add(self.compressed.saturating_mul(limits.ratio));
        let over = bytes > most;
        if over {
            self.problem = Some(ReadError::limit("ratio", limits.ratio));
        }
        over
    }

    /// What contents that were read to their end contradict.
    fn contradiction(&self, got: u64, crc: impl FnOnce() -> u32) -> Option<ReadError> {
        if let (true, Source::Deflated { input, done: true, .. }) = (self.exact, &self.source)
            && !input.is_empty()
        {
            return Some(ReadError::Slack(input.len() as u64));
        }
        if let Some(expected) = self.size
            && got != expected
        {
            return Some(ReadError::Size { got, expected });
        }
        let expected = self.crc?;
        let got = crc();
        (got != expected).then_some(ReadError::Crc { got, expected })
    }

    /// Fills `out` as far as the contents go; 0 at their end. Problems are kept for later.
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() && self.problem.is_none() {
            let step = match &mut self.source {
                Source::Stored(bytes) => {
                    let n = bytes.len().min(out.len() - filled);
                    out[filled..filled + n].copy_from_slice(&bytes[..n]);
                    *bytes = &bytes[n..];
                    Ok(n)
                }
                Source::Deflated { input, decoder, done } => inflate(input, decoder, done, &mut out[filled..]),
                Source::Reader(reader) => reader.read(&mut out[filled..]).map_err(ReadError::Io),
                Source::Closed(_) => Ok(0),
            };
            match step {
                Ok(0) => break,
                Ok(n) => {
                    filled += n;
                    if let Err(problem) = self.budget.spend(n as u64) {
                        self.problem = Some(problem);
                    }
                }
                Err(ReadError::Io(e)) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(problem) => self.problem = Some(problem),
            }
        }
        filled
    }
}

/// One call of the decoder. 0 at the end of the stream.
fn inflate(input: &mut &[u8], decoder: &mut Decompress, done: &mut bool, out: &mut [u8]) -> Result<usize, ReadError> {
    if *done {
        return Ok(0);
    }
    loop {
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let status = decoder
            .decompress(input, out, FlushDecompress::None)
            .map_err(|_| ReadError::Corrupt(before_out))?;
        let used = usize::try_from(decoder.total_in() - before_in).unwrap_or(usize::MAX);
        let made = usize::try_from(decoder.total_out() - before_out).unwrap_or(usize::MAX);
        *input = input.get(used..).unwrap_or(&[]);
        *done = status == Status::StreamEnd;
        if made > 0 || *done {
            return Ok(made);
        }
        if used == 0 {
            // Neither progress nor an end: the input stopped in the middle of a block.
            return Err(ReadError::Corrupt(before_out));
        }
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        if let Source::Deflated { decoder, .. } = std::mem::replace(&mut self.source, Source::Closed(None)) {
            DECODERS.with_borrow_mut(|pool| {
                if pool.len() < 8 {
                    pool.push(decoder);
                }
            });
        }
    }
}
