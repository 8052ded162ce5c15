//! Records into the bytes of an index. `build.rs` includes this file, so it names only its siblings.

use super::{
    format::{
        BLOCK_BYTES, ECOSYSTEMS, HEADER_BYTES, KINDS, MAGIC, META, NAMES, NAMES_BLOCK, NAMES_DIRECTORY, RECORDS,
        RECORDS_BLOCK, RECORDS_DIRECTORY, SECTIONS, TEXT, VERSION, head, part, put, put_text, segments, stock_summary,
        time,
    },
    meta::{Meta, Source},
    osv::{Affected, DatabaseSpecific, Event, Range, RangeType, Record, SeverityVector},
};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// The code of a package's ecosystem, and its normalised name; `None` for an ecosystem that we do not know.
pub type Named<'p> = Option<(u8, Cow<'p, str>)>;

/// Makes an index. The order of `records` does not matter, and the same records make the same bytes; of records of one id
/// the last changed one counts. Each source names its ecosystem and where it is from; what can be counted is counted here, and
/// an empty `as_of` is the newest change. Packages are named by `name`, from OSV's ecosystem and the name as published.
///
/// Withdrawn records are kept by their id and dates alone, so that an update knows that it has seen them.
pub fn write(
    mut records: Vec<Record>,
    sources: Vec<Source>,
    name: &dyn for<'p> Fn(&str, &'p str) -> Named<'p>,
) -> Vec<u8> {
    records.sort_by(|a, b| (&a.id, &b.modified).cmp(&(&b.id, &a.modified)));
    records.dedup_by(|later, earlier| later.id == earlier.id);

    let mut by_name: Vec<(u8, Cow<'_, str>, u32, &Affected)> = Vec::new();
    let mut heads = Blocks::new(RECORDS_BLOCK);
    let mut body = Vec::new();
    for (ordinal, record) in records.iter().enumerate() {
        let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
        let from = by_name.len();
        if record.withdrawn.is_none() {
            by_name.extend(record.affected.iter().filter_map(|affected| {
                let package = affected.package.as_ref()?;
                let (ecosystem, name) = name(&package.ecosystem, &package.name)?;
                Some((ecosystem, name, ordinal, affected))
            }));
        }
        let mut packages: Vec<(u8, &str)> = by_name[from..].iter().map(|(e, n, ..)| (*e, &**n)).collect();
        packages.sort_unstable();
        packages.dedup();
        body.clear();
        put_head(&mut body, record, &packages);
        heads.push(record.id.as_bytes(), &body, ordinal);
    }
    // Stable: the parts of one record about one package stay in the record's order.
    by_name.sort_by(|a, b| (a.0, &a.1, a.2).cmp(&(b.0, &b.1, b.2)));

    let mut names = Blocks::new(NAMES_BLOCK);
    let mut key = Vec::new();
    for (ordinal, package) in by_name.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)).enumerate() {
        key.clear();
        key.push(package[0].0);
        key.extend_from_slice(package[0].1.as_bytes());
        body.clear();
        let records: Vec<_> = package.chunk_by(|a, b| a.2 == b.2).collect();
        put(&mut body, records.len() as u64);
        for record in records {
            put(&mut body, u64::from(record[0].2));
            put(&mut body, record.len() as u64);
            for (.., affected) in record {
                put_affected(&mut body, affected);
            }
        }
        names.push(&key, &body, u32::try_from(ordinal).unwrap_or(u32::MAX));
    }

    let meta = describe(&records, &by_name, sources);
    let mut sections: [(Vec<u8>, bool); SECTIONS] = Default::default();
    sections[META] = (meta.to_json(), true);
    let (directory, blocks) = names.finish();
    sections[NAMES_DIRECTORY] = (directory, true);
    sections[NAMES] = (blocks, false);
    let (directory, blocks) = heads.finish();
    sections[RECORDS_DIRECTORY] = (directory, true);
    sections[RECORDS] = (blocks, false);
    assemble(&sections)
}

fn describe(records: &[Record], by_name: &[(u8, Cow<'_, str>, u32, &Affected)], mut sources: Vec<Source>) -> Meta {
    sources.sort_by(|a, b| a.ecosystem.cmp(&b.ecosystem));
    for source in &mut sources {
        let code = ECOSYSTEMS.iter().position(|name| *name == source.ecosystem);
        let own = by_name.iter().filter(|(e, ..)| Some(usize::from(*e)) == code);
        let mut ordinals: Vec<u32> = own.map(|&(_, _, ordinal, _)| ordinal).collect();
        ordinals.sort_unstable();
        ordinals.dedup();
        source.records = ordinals.len() as u64;
        let modified = ordinals
            .iter()
            .filter_map(|&i| records.get(i as usize))
            .map(|r| &r.modified);
        source.newest = modified.max().cloned().unwrap_or_default();
        if source.as_of.is_empty() {
            source.as_of.clone_from(&source.newest);
        }
    }
    let withdrawn = records.iter().filter(|r| r.withdrawn.is_some()).count() as u64;
    Meta {
        generated: records.iter().map(|r| &r.modified).max().cloned().unwrap_or_default(),
        records: records.len() as u64 - withdrawn,
        withdrawn,
        sources,
    }
}

fn assemble(sections: &[(Vec<u8>, bool); SECTIONS]) -> Vec<u8> {
    let length = HEADER_BYTES + sections.iter().map(|(bytes, _)| bytes.len()).sum::<usize>();
    let mut digest = Sha256::new();
    for (bytes, _) in sections {
        digest.update(bytes);
    }
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&u32::try_from(SECTIONS).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&(length as u64).to_le_bytes());
    out.extend_from_slice(&digest.finalize());
    let mut at = HEADER_BYTES;
    for (bytes, whole) in sections {
        out.extend_from_slice(&(at as u64).to_le_bytes());
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        let crc = if *whole { crc32fast::hash(bytes) } else { 0 };
        out.extend_from_slice(&crc.to_le_bytes());
        at += bytes.len();
    }
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    for (bytes, _) in sections {
        out.extend_from_slice(bytes);
    }
    out
}

/// Sorted keys and their bodies, cut into blocks.
struct Blocks {
    size: usize,
    directory: Vec<u8>,
    keys: Vec<u8>,
    data: Vec<u8>,
    start: usize,
    ordinal: u32,
    last: Vec<u8>,
}

impl Blocks {
    fn new(size: usize) -> Self {
        Self {
            size,
            directory: Vec::new(),
            keys: Vec::new(),
            data: Vec::new(),
            start: 0,
            ordinal: 0,
            last: Vec::new(),
        }
    }

    /// Within a block a key is written as what it shares with the one before, and the rest.
    fn push(&mut self, key: &[u8], body: &[u8], ordinal: u32) {
        if self.data.len() - self.start >= self.size {
            self.close();
        }
        if self.data.len() == self.start {
            self.keys.extend_from_slice(key);
            self.ordinal = ordinal;
            self.last.clear();
        }
        let shared = self.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        put(&mut self.data, shared as u64);
        put(&mut self.data, (key.len() - shared) as u64);
        self.data.extend_from_slice(&key[shared..]);
        put(&mut self.data, body.len() as u64);
        self.data.extend_from_slice(body);
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    fn close(&mut self) {
        let block = &self.data[self.start..];
        if block.is_empty() {
            return;
        }
        self.directory.extend_from_slice(&(self.start as u64).to_le_bytes());
        for n in [
            block.len(),
            crc32fast::hash(block) as usize,
            self.ordinal as usize,
            self.keys.len(),
        ] {
            self.directory
                .extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
        }
        debug_assert_eq!(self.directory.len() % BLOCK_BYTES, 0);
        self.start = self.data.len();
    }

    /// The directory (number of blocks, their entries, the pool of first keys) and the blocks.
    fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.close();
        let count = u32::try_from(self.directory.len() / BLOCK_BYTES).unwrap_or(u32::MAX);
        let mut directory = count.to_le_bytes().to_vec();
        directory.append(&mut self.directory);
        directory.append(&mut self.keys);
        (directory, self.data)
    }
}

fn put_head(out: &mut Vec<u8>, record: &Record, packages: &[(u8, &str)]) {
    let stock = packages
        .first()
        .is_some_and(|(e, name)| record.summary == stock_summary(name, ECOSYSTEMS[usize::from(*e)]));
    let live = record.withdrawn.is_none();
    let flags = [
        (head::STOCK_SUMMARY, stock),
        (head::WITHDRAWN, !live),
        (head::SEVERITY, live && !record.severity.is_empty()),
        (head::SPECIFIC, live && record.database_specific.is_some()),
        (head::ALIASES, !record.aliases.is_empty()),
        (head::SUMMARY, !stock && !record.summary.is_empty()),
    ];
    let flags = flags
        .iter()
        .filter(|(_, set)| *set)
        .fold(0, |flags, (flag, _)| flags | flag);
    out.push(flags);
    put_time(out, &record.modified);
    if let Some(withdrawn) = &record.withdrawn {
        put_time(out, withdrawn);
    }
    if flags & head::ALIASES != 0 {
        put(out, record.aliases.len() as u64);
        for alias in &record.aliases {
            put_text(out, alias);
        }
    }
    if flags & head::SUMMARY != 0 {
        put_text(out, &record.summary);
    }
    if flags & head::SEVERITY != 0 {
        put_severity(out, &record.severity);
    }
    if flags & head::SPECIFIC != 0 {
        put_specific(out, record.database_specific.as_ref());
    }
    put(out, packages.len() as u64);
    for (ecosystem, name) in packages {
        out.push(*ecosystem);
        put_text(out, name);
    }
}

/// Zero and the text for a time that is written in an unusual way; else the digits of the fraction and one.
fn put_time(out: &mut Vec<u8>, text: &str) {
    if let Some((seconds, digits, fraction)) = time(text) {
        out.push(digits + 1);
        put(out, seconds);
        if digits > 0 {
            put(out, u64::from(fraction));
        }
    } else {
        out.push(0);
        put_text(out, text);
    }
}

fn put_affected(out: &mut Vec<u8>, affected: &Affected) {
    let affects = affected.ecosystem_specific.as_ref().and_then(|e| e.affects.as_ref());
    let flags = [
        (part::VERSIONS, !affected.versions.is_empty()),
        (part::RANGES, !affected.ranges.is_empty()),
        (part::SEVERITY, !affected.severity.is_empty()),
        (part::SPECIFIC, affected.database_specific.is_some()),
        (part::AFFECTS, affects.is_some()),
    ];
    let flags = flags
        .iter()
        .filter(|(_, set)| *set)
        .fold(0, |flags, (flag, _)| flags | flag);
    out.push(flags);
    if flags & part::VERSIONS != 0 {
        put(out, affected.versions.len() as u64);
        for version in &affected.versions {
            put_version(out, 0, version);
        }
    }
    if flags & part::RANGES != 0 {
        put(out, affected.ranges.len() as u64);
        for range in &affected.ranges {
            put_range(out, range);
        }
    }
    if flags & part::SEVERITY != 0 {
        put_severity(out, &affected.severity);
    }
    if flags & part::SPECIFIC != 0 {
        put_specific(out, affected.database_specific.as_ref());
    }
    if let Some(affects) = affects {
        for list in [&affects.arch, &affects.os, &affects.functions] {
            put(out, list.len() as u64);
            for word in list {
                put_text(out, word);
            }
        }
    }
}

fn put_range(out: &mut Vec<u8>, range: &Range) {
    out.push(match range.kind {
        RangeType::Semver => 0,
        RangeType::Ecosystem => 1,
        RangeType::Git => 2,
        RangeType::Other => 3,
    });
    // No version is looked up in commits; that there was such a range is all that can be told of it.
    let events = match range.kind {
        RangeType::Semver | RangeType::Ecosystem => &*range.events,
        RangeType::Git | RangeType::Other => &[],
    };
    put(out, events.len() as u64);
    for event in events {
        let (kind, version) = match event {
            Event::Introduced(v) => (0, v),
            Event::Fixed(v) => (1, v),
            Event::LastAffected(v) => (2, v),
            Event::Limit(v) => (3, v),
        };
        put_version(out, kind, version);
    }
}

/// A byte of the event's kind (high) and the tag (low), then the segments or the text.
fn put_version(out: &mut Vec<u8>, kind: u8, version: &str) {
    if let Some((segments, count)) = segments(version) {
        out.push(kind << 4 | count);
        for &segment in segments.iter().take(usize::from(count)) {
            put(out, u64::from(segment));
        }
    } else {
        out.push(kind << 4 | TEXT);
        put_text(out, version);
    }
}

fn put_severity(out: &mut Vec<u8>, severity: &[SeverityVector]) {
    put(out, severity.len() as u64);
    for vector in severity {
        let code = KINDS
            .iter()
            .position(|kind| *kind == vector.kind)
            .unwrap_or(KINDS.len());
        out.push(u8::try_from(code).unwrap_or(u8::MAX));
        if code == KINDS.len() {
            put_text(out, &vector.kind);
        }
        put_text(out, &vector.score);
    }
}

fn put_specific(out: &mut Vec<u8>, specific: Option<&DatabaseSpecific>) {
    let words = specific.map_or([None, None], |s| [s.severity.as_deref(), s.informational.as_deref()]);
    for word in words {
        match word {
            None => out.push(0),
            Some(word) => {
                out.push(1);
                put_text(out, word);
            }
        }
    }
    let categories = specific.map_or(&[][..], |s| &s.categories);
    put(out, categories.len() as u64);
    for category in categories {
        put_text(out, category);
    }
}
