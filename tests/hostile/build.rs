//! Zips and tars written byte by byte, so that a test can make each record say what it likes.

use flate2::{Compression, write::DeflateEncoder};
use std::io::Write as _;

pub const CANARY: &str = "node_modules/plimsoll-canary/package.json";
pub const CANARY_JSON: &[u8] = br#"{"name":"plimsoll-canary","version":"6.6.6"}"#;

/// What one of the two headers of an entry says.
#[derive(Clone, Debug)]
pub struct Says {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub local: Option<Says>,
    pub central: Option<Says>,
    pub data: Vec<u8>,
    /// Behind the data: a descriptor, or anything.
    pub behind: Vec<u8>,
    pub host: u8,
    pub attributes: u32,
    pub disk: u16,
    pub comment: Vec<u8>,
    pub offset: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct Zip {
    pub prefix: Vec<u8>,
    /// Whether offsets count from the beginning of the prefix.
    pub adjusted: bool,
    pub entries: Vec<Entry>,
    pub before_directory: Vec<u8>,
    pub before_end: Vec<u8>,
    pub count: Option<u16>,
    pub directory_size: Option<u32>,
    pub directory_offset: Option<u32>,
    pub disk: u16,
    pub comment: Vec<u8>,
    pub comment_length: Option<u16>,
    pub without_end: bool,
    pub behind: Vec<u8>,
}

/// A stored entry whose records agree.
pub fn stored(name: &str, data: &[u8]) -> Entry {
    entry(name, data, 0, data.to_vec())
}

/// A deflated entry whose records agree.
pub fn deflated(name: &str, data: &[u8]) -> Entry {
    entry(name, data, 8, deflate(data))
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn entry(name: &str, data: &[u8], method: u16, packed: Vec<u8>) -> Entry {
    let says = Says {
        name: name.into(),
        flags: 0,
        method,
        crc: crc32fast::hash(data),
        packed: u32::try_from(packed.len()).unwrap(),
        size: u32::try_from(data.len()).unwrap(),
        extra: Vec::new(),
    };
    Entry {
        local: Some(says.clone()),
        central: Some(says),
        data: packed,
        behind: Vec::new(),
        host: 3,
        attributes: 0o100_644 << 16,
        disk: 0,
        comment: Vec::new(),
        offset: None,
    }
}

/// As a streaming writer has it: nothing in the local header, all in a descriptor.
pub fn streamed(name: &str, data: &[u8]) -> Entry {
    let mut entry = deflated(name, data);
    let says = entry.central.as_mut().unwrap();
    says.flags = 8;
    entry.behind = [
        &b"PK\x07\x08"[..],
        &says.crc.to_le_bytes(),
        &says.packed.to_le_bytes(),
        &says.size.to_le_bytes(),
    ]
    .concat();
    entry.local = Some(Says {
        crc: 0,
        packed: 0,
        size: 0,
        ..says.clone()
    });
    entry
}

impl Entry {
    pub fn local(mut self, change: impl FnOnce(&mut Says)) -> Self {
        change(self.local.as_mut().unwrap());
        self
    }
    pub fn central(mut self, change: impl FnOnce(&mut Says)) -> Self {
        change(self.central.as_mut().unwrap());
        self
    }
    pub fn both(self, change: impl Fn(&mut Says)) -> Self {
        self.local(&change).central(&change)
    }
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

pub fn zip(entries: impl IntoIterator<Item = Entry>) -> Zip {
    Zip {
        adjusted: true,
        entries: entries.into_iter().collect(),
        ..Zip::default()
    }
}

/// An honest entry and these.
pub fn with_index(entries: impl IntoIterator<Item = Entry>) -> Zip {
    zip([deflated("index.js", b"exports.handler = async () => 1;\n")]
        .into_iter()
        .chain(entries))
}

impl Zip {
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let base = if self.adjusted { 0 } else { out.len() };
        let at = |out: &Vec<u8>| u32::try_from(out.len() - base).unwrap();
        let mut offsets = Vec::new();
        for entry in &self.entries {
            offsets.push(entry.offset.unwrap_or(at(&out)));
            if let Some(local) = &entry.local {
                out.extend(b"PK\x03\x04\x14\0");
                local.write(&mut out);
                out.extend(&local.name);
                out.extend(&local.extra);
                out.extend(&entry.data);
            }
            out.extend(&entry.behind);
        }
        out.extend(&self.before_directory);
        let (start, mut count) = (at(&out), 0_u16);
        for (entry, offset) in self.entries.iter().zip(offsets) {
            let Some(central) = &entry.central else { continue };
            count = count.wrapping_add(1);
            out.extend([b'P', b'K', 1, 2, 20, entry.host, 20, 0]);
            central.write(&mut out);
            out.extend(u16::try_from(entry.comment.len()).unwrap().to_le_bytes());
            out.extend(entry.disk.to_le_bytes());
            out.extend([0, 0]);
            out.extend(entry.attributes.to_le_bytes());
            out.extend(offset.to_le_bytes());
            out.extend(&central.name);
            out.extend(&central.extra);
            out.extend(&entry.comment);
        }
        let size = at(&out) - start;
        out.extend(&self.before_end);
        if !self.without_end {
            out.extend(b"PK\x05\x06");
            out.extend(self.disk.to_le_bytes());
            out.extend(self.disk.to_le_bytes());
            let count = self.count.unwrap_or(count);
            out.extend(count.to_le_bytes());
            out.extend(count.to_le_bytes());
            out.extend(self.directory_size.unwrap_or(size).to_le_bytes());
            out.extend(self.directory_offset.unwrap_or(start).to_le_bytes());
            let length = self
                .comment_length
                .unwrap_or(u16::try_from(self.comment.len()).unwrap());
            out.extend(length.to_le_bytes());
            out.extend(&self.comment);
        }
        out.extend(&self.behind);
        out
    }
}

impl Says {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        out.extend(self.crc.to_le_bytes());
        out.extend(self.packed.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(self.extra.len()).unwrap().to_le_bytes());
    }
}

/// An extra field.
pub fn field(id: u16, data: &[u8]) -> Vec<u8> {
    [
        &id.to_le_bytes()[..],
        &u16::try_from(data.len()).unwrap().to_le_bytes(),
        data,
    ]
    .concat()
}

/// Info-ZIP's Unicode path field for a header of that name.
pub fn unicode_path(header: &str, name: &str) -> Vec<u8> {
    field(
        0x7075,
        &[
            &[1][..],
            &crc32fast::hash(header.as_bytes()).to_le_bytes(),
            name.as_bytes(),
        ]
        .concat(),
    )
}

/// A tar entry with its padding: `size` in the header is what is stated, whatever `data` is.
pub fn tar_entry(name: &str, kind: u8, size: u64, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(size);
    header.set_link_name_literal(link).unwrap();
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

pub fn tar_file(name: &str, data: &[u8]) -> Vec<u8> {
    tar_entry(name, b'0', data.len() as u64, "", data)
}

/// A pax header with these records.
pub fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let mut length = key.len() + value.len() + 3;
        while length != key.len() + value.len() + 3 + length.to_string().len() {
            length = key.len() + value.len() + 3 + length.to_string().len();
        }
        data += &format!("{length} {key}={value}\n");
    }
    tar_entry("PaxHeader/x", b'x', data.len() as u64, "", data.as_bytes())
}

pub const TAR_END: [u8; 1024] = [0; 1024];

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}
