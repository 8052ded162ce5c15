//! The bytes of an artifact, mapped. The only `unsafe` of the crate.
#![allow(unsafe_code)]

use memmap2::Mmap;
use std::{fs::File, io, ops::Deref};

/// A file's bytes, or bytes that came another way (standard input).
#[derive(Debug)]
pub enum Mapped {
    /// A mapped file.
    File(Mmap),
    /// Owned bytes.
    Owned(Vec<u8>),
}

impl Mapped {
    /// Maps a file.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn file(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self::Owned(Vec::new())); // an empty map is an error on most systems
        }
        // SAFETY: the map is private and read-only. Its contract is that nobody changes the file while it is mapped: a
        // writer could make two reads of a byte differ, or truncation raise SIGBUS. The parsers here hold no reference
        // whose validity (UTF-8, lengths already checked) is derived from a byte they do not copy first or re-check by
        // a bounds-checked read, and a scan of a file that is being written has no meaning either way. Reading into
        // memory instead was rejected: it doubles the memory of a scan and costs a copy of every artifact.
        Ok(Self::File(unsafe { Mmap::map(file)? }))
    }
}

impl Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::File(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
