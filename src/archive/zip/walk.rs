//! From bytes to entries: every directory that some reader may take for the archive's own, every local header that none of
//! them accounts for, and every disagreement between them.

use super::{
    super::{EntryKind, Member, anomaly::Anomalies, names},
    Place,
    claims::Claims,
    pair,
    records::{self, END_BYTES, End, Extra, Header, Said},
};
use crate::limits::Limits;
use memchr::memmem;
use std::collections::HashSet;

/// Directories that are walked. Honest archives have one; beyond a few it is enough to say so.
const VIEWS: usize = 16;

/// Traces of other directories that are looked at; each costs a search over what is not accounted for.
const TRACES: usize = 64;

/// An archive being taken apart.
pub(super) struct Walk<'a, 'l> {
    pub(super) bytes: &'a [u8],
    pub(super) limits: &'l Limits,
    pub(super) members: Vec<Member>,
    pub(super) places: Vec<Place>,
    pub(super) anomalies: Anomalies,
    pub(super) claims: Claims,
    /// Starts of directories already walked.
    walked: HashSet<usize>,
    /// Entries already known, by local offset and name; filled from the second directory on.
    known: HashSet<(u64, &'a [u8])>,
    full: bool,
    /// Bytes of data that may still be searched for records: entries may claim the same ones over and over.
    pub(super) searches: usize,
}

/// Whether a directory can be found through this end record.
pub(super) fn leads_somewhere(bytes: &[u8], end: &End) -> bool {
    let saids = saids(end);
    saids.iter().any(|said| !starts(bytes, end, said).is_empty())
}

/// The end records whose comment ends with the file; the first few from its end.
fn ends_with_file(bytes: &[u8]) -> Vec<End> {
    let start = bytes.len().saturating_sub(END_BYTES + 0xffff);
    memmem::rfind_iter(bytes.get(start..).unwrap_or_default(), &records::END)
        .filter_map(|at| End::parse(bytes, start + at))
        .filter(|end| end.end() == bytes.len())
        .take(TRACES)
        .collect()
}

/// What readers of 32-bit and of 64-bit records take for the directory's place.
fn saids(end: &End) -> Vec<Said> {
    let mut saids: Vec<Said> = Vec::new();
    if let Some(zip64) = &end.zip64 {
        saids.extend(zip64.records.iter().map(|(_, said)| *said));
    }
    if !end.overflows() || saids.is_empty() {
        saids.push(end.said);
    }
    saids.dedup();
    saids
}

/// Where the directory may start: where the record says, and where it must if it ends at the record. The second is right
/// where something was put before the archive without a word to its records.
fn starts(bytes: &[u8], end: &End, said: &Said) -> Vec<usize> {
    let anchor = end.zip64.as_ref().map_or(end.at, |zip64| zip64.range.start);
    let by_size = usize::try_from(said.size)
        .ok()
        .and_then(|size| anchor.checked_sub(size));
    let stated = usize::try_from(said.offset).ok();
    let mut starts: Vec<usize> = [by_size, stated].into_iter().flatten().collect();
    starts.dedup();
    starts.retain(|&start| records::tagged(bytes, start, records::CENTRAL).is_some());
    starts
}

impl<'a, 'l> Walk<'a, 'l> {
    pub(super) fn new(bytes: &'a [u8], limits: &'l Limits) -> Self {
        Self {
            bytes,
            limits,
            members: Vec::new(),
            places: Vec::new(),
            anomalies: Anomalies::default(),
            claims: Claims::default(),
            walked: HashSet::new(),
            known: HashSet::new(),
            full: false,
            searches: bytes.len().saturating_mul(2),
        }
    }

    /// Everything, beginning with the directory that most readers take.
    pub(super) fn run(&mut self, end: Option<&End>) {
        if let Some(end) = end {
            self.view(end);
        } else {
            self.anomalies.contradiction("no-directory", "", || {
                "the central directory is missing: the archive is truncated or was cut together; build it again (its \
                 local headers were read instead)"
                    .to_owned()
            });
        }
        self.other_directories(end);
        self.orphans();
        self.claims
            .overlaps(self.bytes.len(), &self.members, &mut self.anomalies);
        self.rest(end);
        self.close_what_is_read_too_often();
    }

    /// The directory or directories that one end record leads to.
    fn view(&mut self, end: &End) {
        self.claims.claim(end.at..end.at + END_BYTES, None);
        self.claims.comment(end.at + END_BYTES..end.end().min(self.bytes.len()));
        if let Some(zip64) = &end.zip64 {
            self.claims.claim(zip64.range.clone(), None);
            if let Some(problem) = zip64.problem {
                self.anomalies.contradiction("zip64-record", "", || problem.to_owned());
            }
            if zip64.records.iter().any(|(_, said)| !end.agrees_with(said)) {
                self.anomalies.contradiction("zip64-disagrees", "", || {
                    "the end record and the zip64 end record contradict one another".to_owned()
                });
            }
        } else if end.overflows() {
            self.anomalies.contradiction("zip64-record", "", || {
                "the end record refers to a zip64 record, and there is none".to_owned()
            });
        }
        if end.end() > self.bytes.len() {
            self.anomalies.contradiction("comment-length", "", || {
                format!(
                    "the comment ends {} bytes behind the file",
                    end.end() - self.bytes.len()
                )
            });
        }
        if end.said.disk == 0xffff && end.zip64.is_some() {
            self.anomalies.quirk("zip64-record", "", || {
                "the end record leaves its disk to the zip64 record".to_owned()
            });
        }
        let anchor = end.zip64.as_ref().map_or(end.at, |zip64| zip64.range.start);
        for said in saids(end) {
            if said.disk != 0 {
                self.anomalies.contradiction("multi-disk", "", || {
                    "one part of a split archive; join the parts first".to_owned()
                });
            }
            let starts = starts(self.bytes, end, &said);
            if starts.len() > 1 {
                self.anomalies.contradiction("two-directories", "", || {
                    "one directory is where the archive says it is, and another one right before the end record"
                        .to_owned()
                });
            }
            if starts.is_empty() && (said.entries, said.size) != (0, 0) {
                self.anomalies.contradiction("no-directory", "", || {
                    "the central directory is not where the archive says it is".to_owned()
                });
            }
            if starts.is_empty() && (said.entries, said.size) == (0, 0) && said.offset != anchor as u64 && anchor > 0 {
                self.anomalies.contradiction("no-directory", "", || {
                    "the archive says that it is empty, and is not".to_owned()
                });
            }
            for start in starts {
                let (count, stop) = self.directory(start, i128::from(said.offset));
                let Some((count, stop)) = count.zip(stop) else { continue };
                if said.entries != count || said.entries_here != count {
                    self.anomalies.contradiction("entry-count", "", || {
                        format!("the directory holds {count} entries and claims {}", said.entries)
                    });
                }
                let size = (stop - start) as u64;
                if said.size != size && stop != anchor {
                    self.anomalies.contradiction("directory-size", "", || {
                        format!("the directory is {size} bytes long and claims {}", said.size)
                    });
                } else if said.size != size {
                    self.anomalies.contradiction("directory-size", "", || {
                        format!("the directory claims {} bytes; {size} end at the end record", said.size)
                    });
                }
            }
        }
    }

    /// Walks the directory at `start`, whose offsets count from `start - stated`. How many entries it has, and where it
    /// stops; nothing if it was walked before.
    fn directory(&mut self, start: usize, stated: i128) -> (Option<u64>, Option<usize>) {
        if !self.walked.insert(start) {
            return (None, None);
        }
        if self.walked.len() == 2 {
            // Only now is there something to compare with.
            self.known = self
                .places
                .iter()
                .zip(&self.members)
                .map(|(place, _)| (place.local, place.name(self.bytes)))
                .collect();
        }
        let shift = start as i128 - stated;
        let (mut at, mut count) = (start, 0);
        while let Some(mut header) = Header::central(self.bytes, at) {
            if self.full() {
                break;
            }
            at = header.end;
            count += 1;
            let extra = header.widen(true);
            let local = u64::try_from(i128::from(header.offset) + shift).unwrap_or(u64::MAX);
            if self.walked.len() == 1 || self.known.insert((local, header.name)) {
                pair::central(self, &header, extra, local);
            }
        }
        self.claims.claim(start..at, None);
        let looks_64 = self
            .bytes
            .get(start..at)
            .is_some_and(|run| memmem::find(run, &records::LOCATOR64).is_some());
        if looks_64 {
            self.anomalies.quirk("zip64-record", "", || {
                "there is what looks like a zip64 locator inside the directory".to_owned()
            });
        }
        (Some(count), Some(at))
    }

    /// Whether the limit on entries is reached; says so once.
    fn full(&mut self) -> bool {
        if self.members.len() >= self.limits.entries && !self.full {
            self.full = true;
            let limit = self.limits.entries;
            self.anomalies.contradiction("limit", "", || {
                format!(
                    "limit `entries` reached ({limit}); the rest was not looked at (raise it with --limit entries=N)"
                )
            });
        }
        self.full
    }

    /// End records and directories in what no directory so far accounts for.
    fn other_directories(&mut self, main: Option<&End>) {
        let mut traces = 0;
        // A comment that reaches the end of the file makes any end record the last one, wherever it hides.
        for other in ends_with_file(self.bytes)
            .into_iter()
            .filter(|other| main.is_some_and(|main| main.at != other.at))
        {
            self.anomalies.contradiction("several-archives", "", || {
                "there is more than one end record whose comment ends with the file; what each leads to was looked at".to_owned()
            });
            if leads_somewhere(self.bytes, &other) && self.walked.len() < VIEWS {
                self.view(&other);
            }
        }
        let behind = main.map_or(0, |end| end.at);
        for tag in [records::END, records::CENTRAL] {
            let finder = memmem::Finder::new(&tag);
            let mut from = 0;
            while traces < TRACES && self.walked.len() < VIEWS {
                let found = self.claims.gaps(self.bytes.len()).into_iter().find_map(|gap| {
                    let start = gap.start.max(from);
                    let at = start + finder.find(self.bytes.get(start..gap.end)?)?;
                    Some(at)
                });
                let Some(at) = found else { break };
                from = at + 4;
                traces += 1;
                if tag == records::CENTRAL {
                    self.lost_directory(at);
                    continue;
                }
                let Some(end) = End::parse(self.bytes, at) else {
                    continue;
                };
                let somewhere = leads_somewhere(self.bytes, &end);
                if somewhere {
                    self.view(&end);
                }
                // In front of the archive it is text that no reader gets to, unless it leads to a directory.
                if somewhere || at > behind {
                    self.anomalies.contradiction("several-archives", "", || {
                        "there is more than one end record: which entries there are depends on the reader; those of all were \
                         looked at"
                            .to_owned()
                    });
                }
            }
        }
        if traces >= TRACES || self.walked.len() >= VIEWS {
            self.anomalies.contradiction("several-archives", "", || {
                "there are more traces of other directories than are followed".to_owned()
            });
        }
    }

    /// Central headers that no end record leads to.
    fn lost_directory(&mut self, at: usize) {
        let Some(mut header) = Header::central(self.bytes, at) else {
            return;
        };
        header.widen(true);
        let local = usize::try_from(header.offset)
            .ok()
            .and_then(|at| Header::local(self.bytes, at));
        if local.is_some_and(|local| local.name == header.name) {
            self.directory(at, at as i128);
            self.anomalies.contradiction("lost-directory", "", || {
                "there are directory records that no end record leads to; they were looked at".to_owned()
            });
        }
    }

    /// Local headers in what no directory accounts for: entries for readers that stream.
    fn orphans(&mut self) {
        let finder = memmem::Finder::new(&records::LOCAL);
        for gap in self.claims.gaps(self.bytes.len()) {
            let mut at = gap.start;
            while let Some(found) = self.bytes.get(at..gap.end).and_then(|rest| finder.find(rest)) {
                at += found;
                let Some(mut header) = Header::local(self.bytes, at).filter(|h| h.end <= gap.end) else {
                    at += 4;
                    continue;
                };
                if self.full() {
                    return;
                }
                let extra = header.widen(false);
                at = pair::orphan(self, &header, extra, gap.end);
            }
        }
    }

    /// What is left: before the archive, behind it, between its parts.
    fn rest(&mut self, end: Option<&End>) {
        let bytes = self.bytes;
        let last = self.claims.last();
        for gap in self.claims.gaps(bytes.len()) {
            let between = bytes.get(gap.clone()).unwrap_or_default();
            let length = between.len();
            let empty = between.iter().all(|&b| b == 0);
            if self.claims.is_comment(&gap) || end.is_none() {
                continue;
            }
            if gap.start == 0 && last > 0 {
                let spanned = records::SPANNED.iter().any(|marker| bytes.starts_with(marker));
                if !spanned {
                    self.anomalies.quirk("prefixed", "", || {
                        format!("there are {length} bytes in front of the archive")
                    });
                }
            } else if gap.start >= last && empty {
                self.anomalies
                    .quirk("trailing-zeros", "", || format!("{length} zeros follow the archive"));
            } else if gap.start >= last {
                self.anomalies.contradiction("trailing-data", "", || {
                    format!("{length} bytes follow the archive; readers may stop before it")
                });
            } else {
                let at = gap.start;
                self.anomalies.quirk("gap", "", || {
                    format!("{length} bytes at offset {at} belong to nothing in the archive")
                });
            }
        }
    }

    /// Entries may share bytes (that is told already); so that reading all of them stays linear, what is read again and again
    /// is read no more.
    fn close_what_is_read_too_often(&mut self) {
        let mut left = (self.bytes.len() as u64).saturating_mul(4).saturating_add(64 << 10);
        for place in &mut self.places {
            match left.checked_sub(place.data.len() as u64) {
                Some(rest) => left = rest,
                None => place.closed = true,
            }
        }
    }

    /// Adds an entry as one view has it.
    pub(super) fn push(&mut self, name: &[u8], kind: EntryKind, size: u64, place: Place) {
        let raw = names::text(name);
        let path = names::clean(&raw, false, self.limits, &mut self.anomalies);
        self.members.push(Member {
            path: path.into(),
            size,
            kind,
        });
        self.places.push(place);
    }

    /// Extra fields that readers may take differently.
    pub(super) fn extra(&mut self, path: &str, extra: &Extra<'_>) {
        if extra.missing_64 || extra.wrong_64 {
            self.anomalies.contradiction("zip64-field", path, || {
                "the zip64 field is missing or contradicts the header: readers will see different sizes".to_owned()
            });
        }
        if extra.cut_off {
            self.anomalies.contradiction("extra-field", path, || {
                "a field that changes the name or the sizes is cut off".to_owned()
            });
        } else if extra.malformed {
            self.anomalies.quirk("extra-field", path, || {
                "the extra fields end in the middle of one".to_owned()
            });
        }
        if extra.repeated {
            self.anomalies.contradiction("extra-field", path, || {
                "a field that may be there once is there twice: readers take one or the other".to_owned()
            });
        }
    }
}
