//! Tar archives, plain or inflated from gzip: POSIX ustar with pax headers, GNU's long names, v7.
//!
//! The records are read by the `tar` crate; the walk is ours, because a tar has no directory: whoever takes a wrong size for
//! an entry reads its contents as the next header (CVE-2025-62518). Where two sizes or names are given, both readings are
//! followed, and after the end, or after a header that is none, the walk goes on looking.

use super::{Anomaly, Budget, EntryKind, Member, Opened, ReadError, Tree, Visitor, anomaly::Anomalies, gzip, names};
use crate::limits::Limits;
use rayon::prelude::*;
use std::{collections::HashMap, io::Read, ops::Range};
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;
/// Most bytes of a pax header or a long name; what is larger is no name.
const NAMES: u64 = 1 << 20;

/// Whether these first bytes are a tar's: the magic of ustar and GNU, or a v7 header whose checksum is right.
#[must_use]
pub fn is_magic(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| {
        let magic = &block[257..262];
        (magic == b"ustar" || magic == [0; 5]) && block[0] != 0 && checksum_is_right(block)
    }) || head.get(257..262) == Some(b"ustar")
}

/// Where the bytes of a tar are.
#[derive(Debug)]
enum Source<'a> {
    Plain(&'a [u8]),
    /// Inflated, as it is small.
    Held(Vec<u8>),
    /// Too large to hold: inflated anew for each visit.
    Streamed(&'a [u8]),
}

/// The contents of one entry.
#[derive(Clone, Debug)]
struct Spot {
    data: Range<u64>,
    sparse: bool,
}

/// A tar's entries.
#[derive(Debug)]
pub struct Tar<'a> {
    source: Source<'a>,
    members: Vec<Member>,
    spots: Vec<Spot>,
    anomalies: Vec<Anomaly>,
}

impl<'a> Tar<'a> {
    /// Lists a plain tar.
    #[must_use]
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Self {
        let walk = Walk::new(bytes, limits).run(None);
        Self::of(Source::Plain(bytes), walk)
    }

    /// Lists a tar inside gzip. A small one is held in memory; a large one is inflated once for its list and once for each
    /// visit, so that memory does not grow with it.
    #[must_use]
    pub fn open_gzip(bytes: &'a [u8], budget: &Budget) -> Self {
        let mut held = Vec::new();
        let (mut reader, limits) = (gzip::reader(bytes, budget), &budget.limits);
        let whole = reader.by_ref().take(limits.spool_bytes + 1).read_to_end(&mut held);
        if held.len() as u64 <= limits.spool_bytes {
            let walk = Walk::new(&held[..], limits).run(whole.err());
            return Self::of(Source::Held(held), walk);
        }
        let walk = Walk::new(held.chain(reader), limits).run(None);
        Self::of(Source::Streamed(bytes), walk)
    }

    fn of(source: Source<'a>, walk: Found) -> Self {
        let Found {
            members,
            spots,
            anomalies,
        } = walk;
        Self {
            source,
            members,
            spots,
            anomalies,
        }
    }

    fn stream(&self, gzipped: &[u8], wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        let mut order: Vec<usize> = wanted.to_vec();
        order.sort_by_key(|&i| self.spots[i].data.start);
        let mut reader = gzip::reader(gzipped, budget);
        let mut at = 0;
        for i in order {
            let Spot { data, sparse } = &self.spots[i];
            let skipped = data
                .start
                .checked_sub(at)
                .map(|skip| copy_to_nowhere(&mut reader, skip));
            let (true, Some(Ok(skipped))) = (!sparse, skipped) else {
                visitor(i, &mut Opened::closed(ReadError::Unreachable, budget));
                continue;
            };
            at += skipped;
            let size = data.end - data.start;
            let mut own = (&mut reader).take(size);
            visitor(
                i,
                &mut Opened::reader(Box::new(&mut own), size, budget).checked(Some(size), false, false),
            );
            at += size - own.limit();
        }
    }
}

fn copy_to_nowhere(reader: &mut dyn Read, bytes: u64) -> std::io::Result<u64> {
    std::io::copy(&mut reader.take(bytes), &mut std::io::sink())
}

impl Tree for Tar<'_> {
    fn entries(&self) -> &[Member] {
        &self.members
    }

    fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        let bytes = match &self.source {
            Source::Plain(bytes) => *bytes,
            Source::Held(bytes) => bytes,
            Source::Streamed(gzipped) => return self.stream(gzipped, wanted, budget, visitor),
        };
        wanted.par_iter().with_min_len(16).for_each(|&i| {
            let Spot { data, sparse } = &self.spots[i];
            let range = usize::try_from(data.start).ok().zip(usize::try_from(data.end).ok());
            let held = range.and_then(|(start, end)| bytes.get(start.min(bytes.len())..end.min(bytes.len())));
            let mut opened = match held {
                Some(data) if !sparse => Opened::stored(data, None, budget),
                _ => Opened::closed(ReadError::Unreachable, budget),
            };
            opened = opened.checked(Some(data.end - data.start), false, true);
            visitor(i, &mut opened);
        });
    }
}

struct Found {
    members: Vec<Member>,
    spots: Vec<Spot>,
    anomalies: Vec<Anomaly>,
}

/// What headers before an entry say of it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    long_name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    /// Names that a later header replaced.
    replaced: Vec<Vec<u8>>,
}

/// Names replaced by later headers of one entry that are looked at.
const REPLACED: usize = 16;

/// Sets a name; one that was set before and differs is kept among the replaced.
fn rename(slot: &mut Option<Vec<u8>>, name: Vec<u8>, replaced: &mut Vec<Vec<u8>>, anomalies: &mut Anomalies) {
    let before = slot.replace(name);
    if let Some(before) = before.filter(|before| Some(before) != slot.as_ref()) {
        anomalies.contradiction("pax-header", "", || {
            "headers of one entry give it several names: readers take the first or the last; all were looked at"
                .to_owned()
        });
        if replaced.len() < REPLACED {
            replaced.push(before);
        }
    }
}

struct Walk<'l, R> {
    reader: R,
    at: u64,
    limits: &'l Limits,
    members: Vec<Member>,
    spots: Vec<Spot>,
    links: Vec<(usize, String)>,
    anomalies: Anomalies,
}

impl<'l, R: Read> Walk<'l, R> {
    fn new(reader: R, limits: &'l Limits) -> Self {
        Self {
            reader,
            at: 0,
            limits,
            members: Vec::new(),
            spots: Vec::new(),
            links: Vec::new(),
            anomalies: Anomalies::default(),
        }
    }

    /// `stopped`: why the bytes end where they end, if not because the file does.
    fn run(mut self, stopped: Option<std::io::Error>) -> Found {
        let problem = self.walk().err().or(stopped);
        if let Some(problem) = problem {
            self.anomalies
                .contradiction("unreadable", "", || format!("cannot be read to its end: {problem}"));
        }
        self.hard_links();
        names::collisions(
            &self.members,
            &|i, j| self.spots.get(i).map(|s| &s.data) == self.spots.get(j).map(|s| &s.data),
            &mut self.anomalies,
        );
        Found {
            members: self.members,
            spots: self.spots,
            anomalies: self.anomalies.finish(),
        }
    }

    fn walk(&mut self) -> std::io::Result<()> {
        let (mut next, mut zeros, mut lost) = (Extended::default(), 0_u32, false);
        while let Some(block) = self.block()? {
            if block.iter().all(|&b| b == 0) {
                zeros += 1;
                continue;
            }
            if !checksum_is_right(&block) {
                // After the end it is what the tape held before; in the middle, a size that is a lie.
                if !lost && zeros >= 2 {
                    self.anomalies.quirk("trailing-data", "", || {
                        "there is something behind the end of the tar".to_owned()
                    });
                } else if !lost {
                    self.anomalies.contradiction("tar-header", "", || {
                        "a header is damaged or missing: readers stop here, or go on elsewhere; the rest was searched".to_owned()
                    });
                }
                lost = true;
                continue;
            }
            if zeros > 0 {
                self.anomalies.contradiction("after-the-end", "", || {
                    "entries follow the end of the tar: some readers see them, others do not; they were looked at"
                        .to_owned()
                });
            }
            (zeros, lost) = (0, false);
            if self.members.len() >= self.limits.entries {
                let limit = self.limits.entries;
                self.anomalies.contradiction("limit", "", || {
                    format!("limit `entries` reached ({limit}); the rest was not looked at (raise it with --limit entries=N)")
                });
                return Ok(());
            }
            self.header(Header::from_byte_slice(&block), &mut next)?;
        }
        Ok(())
    }

    /// A header, or nothing at the end of the file.
    fn block(&mut self) -> std::io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.reader.read(&mut block[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        self.at += filled as u64;
        Ok((filled == BLOCK).then_some(block))
    }

    fn skip(&mut self, bytes: u64, path: &str) -> std::io::Result<()> {
        let skipped = copy_to_nowhere(&mut self.reader, bytes)?;
        self.at += skipped;
        if skipped < bytes {
            self.anomalies.contradiction("beyond-the-end", path, || {
                "the data goes on beyond the end of the file".to_owned()
            });
        }
        Ok(())
    }

    fn small(&mut self, size: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(size.min(NAMES)).read_to_end(&mut bytes)? as u64;
        self.at += read;
        if size > NAMES {
            self.anomalies.contradiction("limit", "", || {
                format!("a header of {size} bytes; no more than {NAMES} were read")
            });
        }
        let padded = size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX);
        self.skip(padded - read, "")?;
        Ok(bytes)
    }

    fn header(&mut self, header: &Header, next: &mut Extended) -> std::io::Result<()> {
        let kind = header.entry_type();
        let stated = header.entry_size().ok().filter(|size| i64::try_from(*size).is_ok());
        let Some(stated) = stated else {
            self.anomalies
                .contradiction("tar-header", &String::from_utf8_lossy(&header.path_bytes()), || {
                    "its size is no number, or one that no file has".to_owned()
                });
            return Ok(());
        };
        match kind {
            EntryType::XHeader | EntryType::XGlobalHeader => {
                let records = self.small(stated)?;
                self.pax(&records, kind == EntryType::XGlobalHeader, next);
                return Ok(());
            }
            EntryType::GNULongName => {
                let name = self.small(stated)?;
                rename(
                    &mut next.long_name,
                    until_nul(name),
                    &mut next.replaced,
                    &mut self.anomalies,
                );
                return Ok(());
            }
            EntryType::GNULongLink => {
                let name = self.small(stated)?;
                next.link = Some(until_nul(name));
                return Ok(());
            }
            _ => {}
        }
        self.entry(header, kind, stated, std::mem::take(next))
    }

    fn pax(&mut self, records: &[u8], global: bool, next: &mut Extended) {
        for record in PaxExtensions::new(records) {
            let Ok(record) = record else {
                self.anomalies
                    .contradiction("pax-header", "", || "a pax header is malformed".to_owned());
                return;
            };
            let value = record.value_bytes();
            let known = match record.key_bytes() {
                b"path" => {
                    rename(&mut next.path, value.to_vec(), &mut next.replaced, &mut self.anomalies);
                    true
                }
                b"GNU.sparse.name" => {
                    next.path = Some(value.to_vec());
                    true
                }
                b"linkpath" => {
                    next.link = Some(value.to_vec());
                    true
                }
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    if size.is_none() {
                        self.anomalies.contradiction("pax-header", "", || {
                            "a pax header gives a size that is no number".to_owned()
                        });
                    }
                    if next.size.is_some_and(|before| Some(before) != size) {
                        self.anomalies.contradiction("pax-header", "", || {
                            "headers of one entry give it several sizes: what follows depends on the reader".to_owned()
                        });
                    }
                    next.size = size.or(next.size);
                    true
                }
                key => {
                    next.sparse |= key.starts_with(b"GNU.sparse.");
                    false
                }
            };
            if known && global {
                self.anomalies.contradiction("pax-header", "", || {
                    "a header for all entries gives a name or a size: readers follow it, or do not".to_owned()
                });
            }
        }
    }

    fn entry(&mut self, header: &Header, kind: EntryType, stated: u64, extended: Extended) -> std::io::Result<()> {
        let own = header.path_bytes().into_owned();
        let Extended {
            path,
            long_name,
            link,
            size,
            sparse,
            replaced,
        } = extended;
        let sparse = sparse || kind == EntryType::GNUSparse;
        let name = path
            .clone()
            .or_else(|| long_name.clone())
            .unwrap_or_else(|| own.clone());
        let raw = String::from_utf8_lossy(&name).into_owned();
        let no_data = matches!(
            kind,
            EntryType::Link
                | EntryType::Symlink
                | EntryType::Directory
                | EntryType::Char
                | EntryType::Block
                | EntryType::Fifo
        );
        let real = if kind == EntryType::Link || !no_data {
            size.unwrap_or(stated)
        } else {
            0
        };
        let kind = match kind {
            // GNU's incremental backups list the names of a folder as its contents.
            EntryType::Directory => EntryKind::Directory,
            other if other.as_byte() == b'D' => EntryKind::Directory,
            EntryType::Symlink => EntryKind::Symlink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => EntryKind::Special,
            _ if name.ends_with(b"/") && real == 0 => EntryKind::Directory,
            _ => EntryKind::File,
        };
        match kind {
            EntryKind::Symlink => self.anomalies.quirk("symlink", &raw, || {
                "symbolic links are listed and never followed".to_owned()
            }),
            EntryKind::Special => self
                .anomalies
                .quirk("special-file", &raw, || "a device, socket or pipe".to_owned()),
            _ => {}
        }
        if let (Some(path), Some(long)) = (&path, &long_name)
            && path != long
        {
            self.anomalies.contradiction("name-mismatch", &raw, || {
                "a pax header and a GNU header give different names; both were looked at".to_owned()
            });
            self.push(&String::from_utf8_lossy(long), kind, self.at..self.at + real, sparse);
        }
        // The header's own name, where it is neither the beginning of the longer one nor a stand-in for letters.
        if (path.is_some() || long_name.is_some())
            && !name.starts_with(&own)
            && own.is_ascii()
            && !own.contains(&b'?')
            && name.is_ascii()
            && name.len() <= 100
        {
            self.anomalies.quirk("name-mismatch", &raw, || {
                "an extended header gives it another name; both were looked at".to_owned()
            });
            self.push(&String::from_utf8_lossy(&own), kind, self.at..self.at + real, sparse);
        }
        for name in &replaced {
            self.push(
                &String::from_utf8_lossy(name),
                kind,
                self.at..self.at.saturating_add(real),
                sparse,
            );
        }
        let linked = link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
        if header.entry_type() == EntryType::Link {
            let target = linked.unwrap_or_default();
            self.links
                .push((self.members.len(), String::from_utf8_lossy(&target).into_owned()));
        }
        self.push(&raw, kind, self.at..self.at.saturating_add(real), sparse);
        let other = if no_data { 0 } else { stated };
        if real != other {
            self.anomalies.contradiction("size-mismatch", &raw, || {
                format!("a pax header gives {real} bytes, the header itself {other}: what follows depends on the reader; both were followed")
            });
        } else if no_data && stated != 0 && header.entry_type() != EntryType::Link {
            self.anomalies
                .quirk("size-mismatch", &raw, || "no file, and yet of a size".to_owned());
        }
        // Where sizes disagree the smaller one is skipped; blocks of contents are then passed over as no headers.
        let data = real.min(other);
        let padded = data.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX);
        self.skip_data(data, padded, &raw)
    }

    /// The last entry of a tar that lacks its padding is whole all the same.
    fn skip_data(&mut self, data: u64, padded: u64, path: &str) -> std::io::Result<()> {
        self.skip(data, path)?;
        let rest = copy_to_nowhere(&mut self.reader, padded - data)?;
        self.at += rest;
        Ok(())
    }

    fn push(&mut self, raw: &str, kind: EntryKind, data: Range<u64>, sparse: bool) {
        let path = names::clean(raw, true, self.limits, &mut self.anomalies);
        let size = data.end - data.start;
        self.members.push(Member {
            path: path.into(),
            size,
            kind,
        });
        self.spots.push(Spot { data, sparse });
    }

    /// A hard link is another name of an earlier entry.
    fn hard_links(&mut self) {
        let by_path: HashMap<&str, usize> = self.members.iter().enumerate().map(|(i, m)| (&*m.path, i)).collect();
        let mut linked = Vec::new();
        for (link, target) in &self.links {
            let path = names::clean(target, true, self.limits, &mut self.anomalies);
            if let Some(i) = by_path.get(&*path).copied().filter(|i| i != link) {
                linked.push((*link, i));
            } else {
                let of = self.members.get(*link).map_or("", |m| &*m.path);
                self.anomalies.quirk("hard-link", of, || {
                    format!("a hard link to `{path}`, which is not in the archive")
                });
            }
        }
        for (link, target) in linked {
            if let (Some(spot), Some(size)) = (
                self.spots.get(target).cloned(),
                self.members.get(target).map(|m| m.size),
            ) && let (Some(own), Some(member)) = (self.spots.get_mut(link), self.members.get_mut(link))
                && own.data.is_empty()
            {
                (*own, member.size) = (spot, size);
            }
        }
    }
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
    name
}

/// The sum of all bytes, the checksum itself taken as spaces; old writers summed signed bytes.
fn checksum_is_right(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<BLOCK>() else {
        return false;
    };
    let Ok(stated) = Header::from_byte_slice(block).cksum() else {
        return false;
    };
    let counted = |i: usize, b: u8| if (148..156).contains(&i) { b' ' } else { b };
    let unsigned: u32 = block.iter().enumerate().map(|(i, &b)| u32::from(counted(i, b))).sum();
    let signed: i32 = block
        .iter()
        .enumerate()
        .map(|(i, &b)| i32::from(counted(i, b).cast_signed()))
        .sum();
    stated == unsigned || i64::from(stated) == i64::from(signed)
}
