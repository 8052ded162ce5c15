//! Records into the bytes of an index. `build.rs` includes this file, so it names only its siblings.

use super::{
    format::{
        ALIASES, BLOCK, BLOCK_BYTES, ECOSYSTEMS, HEADER_BYTES, KINDS, LARGE_BLOCK, MAGIC, META, NAMES, RECORDS,
        SECTIONS, SLOT_BLOCK, TEXT, VERSION, blocks, directory, head, part, put, put_text, segments, slot, slots,
        stock_summary, time,
    },
    meta::{Meta, Source},
    osv::{Affected, DatabaseSpecific, Event, Range, RangeType, Record, SeverityVector},
};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// The code of a package's ecosystem, and its normalised name; `None` for an ecosystem that we do not know.
pub type Named<'p> = Option<(u8, Cow<'p, str>)>;

/// What goes into an index, packed as it will lie there, in any order: of each record its head, and what it says under a key.
/// What another index holds is borrowed from there.
#[derive(Default)]
pub struct Packed<'i> {
    /// One for each record.
    pub heads: Vec<Head<'i>>,
    /// By ecosystem and name: the parts about that package.
    pub names: Vec<Posting<'i>>,
    /// By alias: nothing.
    pub aliases: Vec<Posting<'i>>,
}

/// What a record says of itself.
pub struct Head<'i> {
    /// Its id.
    pub id: Cow<'i, str>,
    /// Time of its last change.
    pub modified: Box<str>,
    /// Whether it is in force.
    pub live: bool,
    /// All of it.
    pub body: Cow<'i, [u8]>,
}

/// What a record says under a key.
pub struct Posting<'i> {
    /// The key.
    pub key: Box<[u8]>,
    /// Which record: a position in [`Packed::heads`].
    pub head: u32,
    /// What it says.
    pub body: Cow<'i, [u8]>,
}

impl Packed<'_> {
    /// Packs a record; its packages are named by `name`, from OSV's ecosystem and the name as published.
    ///
    /// Withdrawn records are kept by their id, dates, aliases and summary alone, so that an update knows that it has seen them.
    pub fn push(&mut self, record: &Record, name: &dyn for<'p> Fn(&str, &'p str) -> Named<'p>) {
        let head = u32::try_from(self.heads.len()).unwrap_or(u32::MAX);
        let mut parts: Vec<(u8, Cow<'_, str>, &Affected)> = Vec::new();
        if record.withdrawn.is_none() {
            parts.extend(record.affected.iter().filter_map(|affected| {
                let package = affected.package.as_ref()?;
                let (ecosystem, name) = name(&package.ecosystem, &package.name)?;
                Some((ecosystem, name, affected))
            }));
        }
        // Stable: the parts about one package stay in the record's order.
        parts.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut packages: Vec<(u8, &str)> = Vec::new();
        for package in parts.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)) {
            let (ecosystem, name) = (package[0].0, &*package[0].1);
            packages.push((ecosystem, name));
            let mut body = Vec::new();
            for (.., affected) in package {
                put_affected(&mut body, affected);
            }
            self.names.push(Posting {
                key: [&[ecosystem], name.as_bytes()].concat().into(),
                head,
                body: body.into(),
            });
        }
        let mut aliases: Vec<&str> = record.aliases.iter().map(String::as_str).collect();
        aliases.sort_unstable();
        aliases.dedup();
        self.aliases.extend(aliases.into_iter().map(|alias| Posting {
            key: alias.as_bytes().into(),
            head,
            body: Cow::Borrowed(&[]),
        }));
        let mut body = Vec::new();
        put_head(&mut body, record, &packages);
        self.heads.push(Head {
            id: record.id.clone().into(),
            modified: record.modified.as_str().into(),
            live: record.withdrawn.is_none(),
            body: body.into(),
        });
    }

    /// Makes an index. The same records make the same bytes, whatever their order and wherever they are from; of records of
    /// one id the last changed one counts, and of those the first. Each source names its ecosystem and where it is from; what
    /// can be counted is counted here, and an empty `as_of` is the newest change.
    #[must_use]
    pub fn write(self, sources: Vec<Source>) -> Vec<u8> {
        let mut order: Vec<usize> = (0..self.heads.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.heads[a], &self.heads[b]);
            a.id.cmp(&b.id).then_with(|| b.modified.cmp(&a.modified))
        });
        order.dedup_by(|later, earlier| self.heads[*later].id == self.heads[*earlier].id);
        let mut ordinals = vec![None; self.heads.len()];
        let mut records = Blocks::new(usize::MAX, order.len());
        for (ordinal, &at) in order.iter().enumerate() {
            ordinals[at] = u32::try_from(ordinal).ok();
            records.push(self.heads[at].id.as_bytes(), &self.heads[at].body);
        }
        let meta = describe(&self.heads, &order, &self.names, sources);
        let mut sections: [(Vec<u8>, bool); SECTIONS] = Default::default();
        sections[META] = (meta.to_json(), true);
        for (table, entries) in [
            (RECORDS, records),
            (NAMES, postings(self.names, &ordinals)),
            (ALIASES, postings(self.aliases, &ordinals)),
        ] {
            let (index, data) = entries.finish();
            sections[directory(table)] = (index, true);
            sections[blocks(table)] = (data, false);
        }
        assemble(&sections)
    }
}

/// A table of what the records that count say under each key.
fn postings<'i>(postings: Vec<Posting<'i>>, ordinals: &[Option<u32>]) -> Blocks {
    let counts = |p: Posting<'i>| Some((p.key, ordinals[p.head as usize]?, p.body));
    let mut postings: Vec<_> = postings.into_iter().filter_map(counts).collect();
    postings.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let by_key = || postings.chunk_by(|a, b| a.0 == b.0);
    let mut table = Blocks::new(LARGE_BLOCK, by_key().count());
    let mut body = Vec::new();
    for entry in by_key() {
        body.clear();
        for (_, ordinal, said) in entry {
            put(&mut body, u64::from(*ordinal));
            put(&mut body, said.len() as u64);
            body.extend_from_slice(said);
        }
        table.push(&entry[0].0, &body);
    }
    table
}

/// `order` holds the positions of the heads that count.
fn describe(heads: &[Head<'_>], order: &[usize], names: &[Posting<'_>], mut sources: Vec<Source>) -> Meta {
    let mut ecosystems: Vec<u8> = vec![0; heads.len()];
    for posting in names {
        ecosystems[posting.head as usize] |= 1 << posting.key[0];
    }
    let counted = || order.iter().map(|&at| (&heads[at], ecosystems[at]));
    let newest = |heads: &mut dyn Iterator<Item = (&Head<'_>, u8)>| {
        // What is no time (`unknown`) would stand above all that are, and make the whole database one of no age. To read a
        // time costs more than to compare it, and of many few are above all before.
        let mut newest = (false, "");
        for (head, _) in heads {
            if !newest.0 || *head.modified > *newest.1 {
                newest = newest.max((time(&head.modified).is_some(), &head.modified));
            }
        }
        newest.1.to_owned()
    };
    sources.sort_by(|a, b| a.ecosystem.cmp(&b.ecosystem));
    for source in &mut sources {
        let code = ECOSYSTEMS.iter().position(|name| *name == source.ecosystem);
        let own = || counted().filter(|(_, of)| code.is_some_and(|code| of & 1 << code != 0));
        source.records = own().count() as u64;
        source.newest = newest(&mut own());
        if source.as_of.is_empty() {
            source.as_of.clone_from(&source.newest);
        }
    }
    let withdrawn = counted().filter(|(head, _)| !head.live).count() as u64;
    Meta {
        generated: newest(&mut counted()),
        records: order.len() as u64 - withdrawn,
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
    /// Bytes after which a block is closed.
    large: usize,
    /// The slot of each key says in which block it is.
    slots: Vec<u32>,
    directory: Vec<u8>,
    data: Vec<u8>,
    start: usize,
    entries: usize,
    last: Vec<u8>,
}

impl Blocks {
    /// For that many keys.
    fn new(large: usize, keys: usize) -> Self {
        Self {
            large,
            slots: vec![0; slots(keys)],
            directory: Vec::new(),
            data: Vec::new(),
            start: 0,
            entries: 0,
            last: Vec::new(),
        }
    }

    /// Within a block a key is written as what it shares with the one before, and the rest.
    fn push(&mut self, key: &[u8], body: &[u8]) {
        if self.entries == BLOCK || self.data.len() - self.start >= self.large {
            self.close();
        }
        if self.entries == 0 {
            self.last.clear();
        }
        self.entries += 1;
        let (from, bits) = slot(key, self.slots.len());
        let block = u32::try_from(self.directory.len() / BLOCK_BYTES + 1).unwrap_or(u32::MAX);
        let (before, after) = self.slots.split_at_mut(from);
        if let Some(free) = after.iter_mut().chain(before).find(|slot| **slot == 0) {
            *free = bits << SLOT_BLOCK | block;
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
        if self.entries == 0 {
            return;
        }
        let block = &self.data[self.start..];
        self.directory.extend_from_slice(&(self.start as u64).to_le_bytes());
        for n in [block.len(), crc32fast::hash(block) as usize] {
            self.directory
                .extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
        }
        debug_assert_eq!(self.directory.len() % BLOCK_BYTES, 0);
        self.start = self.data.len();
        self.entries = 0;
    }

    /// The directory (number of blocks and of slots, the blocks' entries, the slots) and the blocks.
    fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.close();
        let mut directory = Vec::new();
        for count in [self.directory.len() / BLOCK_BYTES, self.slots.len()] {
            directory.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        }
        directory.append(&mut self.directory);
        directory.extend(self.slots.iter().flat_map(|slot| slot.to_le_bytes()));
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
        let mut list = Vec::new();
        for version in &affected.versions {
            put_version(&mut list, 0, version);
        }
        // Behind their length in bytes, so that who does not need them passes over them.
        put(out, list.len() as u64);
        out.extend_from_slice(&list);
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
