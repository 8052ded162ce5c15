//! Records out of a zip, a few hundred thousand in a row.

use flate2::{Decompress, FlushDecompress, Status};
use std::io::Read;
use zip::{CompressionMethod, read::ZipFile};

/// Bytes of one record. 16 MiB: the largest that OSV publishes is below 2.
pub(super) const RECORD_BYTES: u64 = 16 << 20;

/// What is said of a larger one.
pub(super) fn over() -> String {
    format!("over the limit of {RECORD_BYTES} bytes for one record")
}

/// Entries of a zip, unpacked one after the other into the same memory. The `zip` crate's reader makes an inflater of 45 kB
/// for each entry, between whose remains the records come to lie: 300,000 of them took 5 GB.
pub(super) struct Unpacker {
    inflate: Decompress,
    packed: Vec<u8>,
    bytes: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self {
            inflate: Decompress::new(false),
            packed: Vec::new(),
            bytes: Vec::new(),
        }
    }
}

impl Unpacker {
    /// The bytes of an entry that was opened raw, or what is wrong with it.
    pub(super) fn unpack<R: Read>(&mut self, entry: ZipFile<'_, R>) -> Result<&[u8], String> {
        let (method, crc) = (entry.compression(), entry.crc32());
        if entry.encrypted() {
            return Err("encrypted".to_owned());
        }
        self.packed.clear();
        let read = entry.take(RECORD_BYTES + 1).read_to_end(&mut self.packed);
        read.map_err(|e| format!("cannot be read: {e}"))?;
        self.bytes.clear();
        match method {
            CompressionMethod::Stored => std::mem::swap(&mut self.packed, &mut self.bytes),
            CompressionMethod::Deflated => self.inflate()?,
            other => return Err(format!("packed by {other}, expected deflate")),
        }
        if self.bytes.len() as u64 > RECORD_BYTES {
            return Err(over());
        }
        match crc32fast::hash(&self.bytes) {
            got if got == crc => Ok(&self.bytes),
            got => Err(format!("bad CRC (got {got:08x}, expected {crc:08x})")),
        }
    }

    fn inflate(&mut self) -> Result<(), String> {
        self.inflate.reset(false);
        let mut at = 0;
        while self.bytes.len() as u64 <= RECORD_BYTES {
            self.bytes.reserve(self.bytes.len().max(4096));
            let left = self.packed.get(at..).unwrap_or_default();
            let before = self.bytes.len();
            let status = self
                .inflate
                .decompress_vec(left, &mut self.bytes, FlushDecompress::None);
            let now = usize::try_from(self.inflate.total_in()).unwrap_or(usize::MAX);
            match status.map_err(|e| format!("cannot be read: {e}"))? {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError if now == at && self.bytes.len() == before => {
                    return Err("cannot be read: its end is missing".to_owned());
                }
                Status::Ok | Status::BufError => at = now,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};
    use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

    /// Two entries, of which the first is long enough to be inflated in several steps.
    fn made(method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [("a", long()), ("b", "short".to_owned())] {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).expect("an entry");
            zip.write_all(text.as_bytes()).expect("its bytes");
        }
        zip.finish().expect("a zip").into_inner()
    }

    fn long() -> String {
        (0..30_000).map(|n: u32| n.to_string()).collect()
    }

    fn unpacked(bytes: Vec<u8>) -> Vec<Result<String, String>> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
        let mut unpacker = Unpacker::default();
        let mut all = Vec::new();
        for i in 0..zip.len() {
            let entry = zip.by_index_raw(i).expect("an entry");
            let text = unpacker
                .unpack(entry)
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            all.push(text);
        }
        all
    }

    #[test]
    fn one_after_the_other_and_a_broken_one_does_no_harm_to_the_next() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let whole = made(method);
            assert_eq!(unpacked(whole.clone()), [Ok(long()), Ok("short".to_owned())]);
            let mut damaged = whole;
            for byte in &mut damaged[5000..5010] {
                *byte ^= 0x55;
            }
            let found = unpacked(damaged);
            let told = found[0].as_ref().expect_err("damage");
            assert!(
                told.starts_with("bad CRC") || told.starts_with("cannot be read"),
                "{told}"
            );
            assert_eq!(found[1], Ok("short".to_owned()));
        }
    }
}
