//! One entry in its two records: what the central header says against what the local one says.

use super::{
    super::{EntryKind, anomaly::cut, names},
    DEFLATED, Place, STORED,
    records::{self, Extra, Header},
    walk::Walk,
};
use memchr::memmem;
use std::ops::Range;

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const DESCRIPTOR: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;

/// Most that deflate can make of one byte.
const DEFLATE_RATIO: u64 = 1032;

/// APPNOTE is at version 6.3.
const LAST_VERSION: u16 = 63;

/// Where honest entries end and bombs begin: more than this, at such a ratio.
const LARGE: u64 = 1 << 30;
const LARGE_RATIO: u64 = 250;

/// An entry of a directory, whose local header ought to be at `local`.
pub(super) fn central<'a>(walk: &mut Walk<'a, '_>, header: &Header<'a>, extra: Extra<'a>, local: u64) {
    let name = names::text(header.name);
    walk.extra(&name, &extra);
    let kind = kind(walk, header, &name);
    if header.disk != 0 && header.disk != 0xffff {
        walk.anomalies
            .contradiction("multi-disk", &name, || "the entry is on another disk".to_owned());
    }
    if header.flags & UTF8 != 0 && std::str::from_utf8(header.name).is_err() {
        walk.anomalies.contradiction("name-encoding", &name, || {
            "the name is said to be UTF-8, and is not".to_owned()
        });
    }
    let found = usize::try_from(local).ok().and_then(|at| Header::local(walk.bytes, at));
    let Some(mut own) = found else {
        walk.anomalies.contradiction("no-local-header", &name, || {
            format!("there is no local header at offset {local}, where the directory puts it")
        });
        let place = Place::new(header, local, 0..0);
        return walk.push(header.name, kind, header.size, Place { closed: true, ..place });
    };
    let own_extra = own.widen(false);
    walk.extra(&name, &own_extra);
    let sizes = compare(walk, header, &own, &name);
    let data = data(walk.bytes.len(), own.end, header.compressed);

    let end = account(walk, header, &own, &data, sizes, &name);
    let index = walk.members.len();
    walk.claims.claim(own.at..end, Some(index));

    let streamed = (header.flags | own.flags) & DESCRIPTOR != 0;
    let place = Place {
        // A reader that streams goes on where the deflate stream ends; a record in there would be its next one.
        verify: streamed && header.method != STORED && holds_record(walk, &data),
        ..Place::new(header, local, data)
    };
    walk.push(header.name, kind, header.size, place);
    twins(walk, header, &own, extra, own_extra, kind, local);
}

/// A local header that no directory knows; answers where to look on. `end`: of the stretch it was found in.
pub(super) fn orphan<'a>(walk: &mut Walk<'a, '_>, header: &Header<'a>, extra: Extra<'a>, end: usize) -> usize {
    let name = names::text(header.name);
    walk.extra(&name, &extra);
    walk.anomalies.contradiction("orphan-entry", &name, || {
        "an entry that the directory does not list: readers that stream see it, others do not; it was looked at"
            .to_owned()
    });
    let unsized_ = header.flags & DESCRIPTOR != 0 && header.compressed == 0;
    let next = if unsized_ {
        let rest = walk.bytes.get(header.end..end).unwrap_or_default();
        memmem::find(rest, &records::LOCAL).map_or(end, |at| header.end + at)
    } else {
        data(walk.bytes.len(), header.end, header.compressed).end
    };
    let data = header.end..next.max(header.end);
    let kind = if header.name.ends_with(b"/") && data.is_empty() {
        EntryKind::Directory
    } else {
        EntryKind::File
    };
    let mut place = Place::new(header, header.at as u64, data);
    if unsized_ {
        (place.crc, place.size, place.exact) = (None, None, false);
    }
    walk.claims
        .claim(header.at..next.max(header.end).min(end), Some(walk.members.len()));
    walk.push(header.name, kind, header.size, place);
    if let Some(unicode) = extra.name.filter(|unicode| unicode.name != header.name) {
        walk.push(
            unicode.name,
            kind,
            header.size,
            Place::new(header, header.at as u64, header.end..next.max(header.end)),
        );
    }
    // Data that reaches out of the stretch is a lie: look right behind the header.
    if next <= end { next.max(header.end) } else { header.end }
}

fn data(len: usize, start: usize, bytes: u64) -> Range<usize> {
    let end = usize::try_from(bytes)
        .ok()
        .and_then(|bytes| start.checked_add(bytes))
        .unwrap_or(len);
    start.min(len)..end.min(len).max(start.min(len))
}

fn holds_record(walk: &mut Walk<'_, '_>, data: &Range<usize>) -> bool {
    let Some(left) = walk.searches.checked_sub(data.len()) else {
        return true; // looked at when it is read, as far as it may be
    };
    walk.searches = left;
    let data = walk.bytes.get(data.clone()).unwrap_or_default();
    memmem::find(data, &records::LOCAL).is_some()
}

/// Tells where the two records disagree. True: they agree on how many bytes there are.
fn compare(walk: &mut Walk<'_, '_>, header: &Header<'_>, own: &Header<'_>, name: &str) -> bool {
    let told = &mut walk.anomalies;
    if header.name != own.name {
        told.contradiction("name-mismatch", name, || {
            let other = names::text(own.name);
            format!(
                "the local header names it `{}`: both names were looked at",
                shown(&other)
            )
        });
    }
    if header.method != own.method {
        told.contradiction("method-mismatch", name, || {
            format!(
                "the directory gives compression method {}, the local header {}",
                header.method, own.method
            )
        });
    }
    if (header.flags ^ own.flags) & ENCRYPTED != 0 {
        told.contradiction("flag-mismatch", name, || {
            "encrypted by one of its two records and not by the other".to_owned()
        });
    } else if (header.flags ^ own.flags) & (UTF8 | DESCRIPTOR) != 0 {
        told.quirk("flag-mismatch", name, || {
            "its two records have different flags".to_owned()
        });
    }
    if header.version & 0xff > LAST_VERSION || own.version & 0xff > LAST_VERSION {
        told.quirk("version", name, || {
            "asks for a version of the format that does not exist".to_owned()
        });
    }
    if header.size > LARGE && header.size / LARGE_RATIO > header.compressed {
        told.quirk("bomb", name, || {
            format!(
                "claims that {} bytes become {}: a bomb for whoever unpacks it",
                header.compressed, header.size
            )
        });
    }
    if header.modified != own.modified {
        told.quirk("time-mismatch", name, || {
            "its two records have different times".to_owned()
        });
    }
    if header.method == STORED && header.flags & ENCRYPTED == 0 && header.size != header.compressed {
        told.contradiction("size-mismatch", name, || {
            format!(
                "stored as it is, yet of two sizes: {} and {}",
                header.compressed, header.size
            )
        });
    } else if header.size
        > header
            .compressed
            .saturating_mul(DEFLATE_RATIO)
            .saturating_add(DEFLATE_RATIO)
        && header.method == 8
    {
        told.contradiction("size-mismatch", name, || {
            format!("{} bytes cannot become {}", header.compressed, header.size)
        });
    }
    // Streaming writers know neither size nor checksum when they write the local header.
    let left_open = (header.flags | own.flags) & DESCRIPTOR != 0 && (own.crc, own.compressed, own.size) == (0, 0, 0);
    // ... and some of them know the sizes alone, or put zeros there that zip64 fields make whole.
    let streamed = own.flags & DESCRIPTOR != 0;
    let differs = |own: u64, central: u64| own != central && !(streamed && (own == 0 || own == 0xffff_ffff));
    let sizes = left_open || !(differs(own.compressed, header.compressed) || differs(own.size, header.size));
    if !sizes {
        told.contradiction("size-mismatch", name, || {
            format!(
                "the directory gives {} bytes packed and {} unpacked, the local header {} and {}",
                header.compressed, header.size, own.compressed, own.size
            )
        });
    }
    if !left_open && differs(own.crc.into(), header.crc.into()) {
        told.contradiction("checksum-mismatch", name, || {
            format!(
                "the directory gives the CRC-32 {:08x}, the local header {:08x}",
                header.crc, own.crc
            )
        });
    }
    sizes
}

/// Where the entry ends, its data descriptor included. Where its records disagree on the size it is the smaller one: what
/// follows is another entry for some reader.
fn account(
    walk: &mut Walk<'_, '_>,
    header: &Header<'_>,
    own: &Header<'_>,
    data: &Range<usize>,
    sizes: bool,
    name: &str,
) -> usize {
    let stated = data
        .start
        .saturating_add(usize::try_from(header.compressed).unwrap_or(usize::MAX));
    if !sizes {
        return usize::try_from(own.compressed).map_or(stated, |own| data.start.saturating_add(own).min(stated));
    }
    if (header.flags | own.flags) & DESCRIPTOR == 0 {
        return stated;
    }
    match records::descriptor(walk.bytes, data.end, header.crc, header.compressed, header.size) {
        Some(end) => end,
        // Writers that set the flag for folders, and write no descriptor for nothing.
        None if header.compressed == 0 && header.size == 0 => stated,
        // The flag is set, and the local header knows all the same.
        None if own.compressed == header.compressed
            && own.crc == header.crc
            && records::tagged(walk.bytes, data.end, records::DESCRIPTOR).is_none() =>
        {
            stated
        }
        None => {
            walk.anomalies.contradiction("data-descriptor", name, || {
                "no data descriptor follows that says what the directory says".to_owned()
            });
            stated
        }
    }
}

/// What the entry is for readers that take the other record's word, or the name in an extra field.
fn twins<'a>(
    walk: &mut Walk<'a, '_>,
    header: &Header<'a>,
    own: &Header<'a>,
    extra: Extra<'a>,
    own_extra: Extra<'a>,
    kind: EntryKind,
    local: u64,
) {
    let open_ended = own.flags & DESCRIPTOR != 0 && own.compressed == 0;
    let compressed = if open_ended { header.compressed } else { own.compressed };
    let reads_otherwise =
        own.method != header.method || compressed != header.compressed || (own.flags ^ header.flags) & ENCRYPTED != 0;
    let kind = if kind == EntryKind::Directory && own.name.ends_with(b"/") {
        kind
    } else {
        EntryKind::File
    };
    if own.name != header.name || reads_otherwise {
        let mut place = Place::new(own, local, data(walk.bytes.len(), own.end, compressed));
        if open_ended {
            (place.crc, place.size) = (Some(header.crc), Some(header.size));
        }
        walk.push(own.name, kind, own.size, place);
    }
    for unicode in [extra.name, own_extra.name].into_iter().flatten() {
        if unicode.name == header.name
            || (own_extra.name.is_some_and(|o| o.name == unicode.name)
                && extra
                    .name
                    .is_some_and(|e| !std::ptr::eq(e.name, unicode.name) && e.name == unicode.name))
        {
            continue;
        }
        let name = names::text(unicode.name);
        // What the field is for: a name in an old code page, again in Unicode.
        if unicode.valid && !(header.name.is_ascii() && unicode.name.is_ascii()) {
            walk.anomalies.quirk("unicode-name", &name, || {
                "has a second name, in Unicode; both were looked at".to_owned()
            });
        } else {
            walk.anomalies.contradiction("unicode-name", &name, || {
                let other = names::text(header.name);
                format!(
                    "an extra field renames `{}`: some readers follow it, others do not; both names were looked at",
                    shown(&other)
                )
            });
        }
        walk.push(
            unicode.name,
            kind,
            header.size,
            Place::new(header, local, data(walk.bytes.len(), own.end, header.compressed)),
        );
    }
}

fn shown(name: &str) -> &str {
    cut(name, 200)
}

/// What an entry is by its attributes and its name; where they contradict one another, or there is data where there should
/// be none, it is a file, so that it is looked into.
fn kind(walk: &mut Walk<'_, '_>, header: &Header<'_>, name: &str) -> EntryKind {
    const UNIX: [u8; 2] = [3, 19]; // and macOS
    const FOLDER: u32 = 0x10;
    let mode = if UNIX.contains(&header.host) {
        header.attributes >> 16
    } else {
        0
    };
    let format = mode & 0o170_000;
    // An empty deflate stream is two bytes; encryption adds twelve, and is told on its own.
    let nothing = match header.method {
        STORED => 0,
        DEFLATED => 2,
        _ => 32,
    };
    let holds = header.size > 0 || header.compressed > nothing;
    let named = name.ends_with('/') || (header.host != 3 && name.ends_with('\\'));
    let marked = format == 0o040_000 || (format == 0 && header.attributes & FOLDER != 0);
    let told = &mut walk.anomalies;
    if mode & 0o6000 != 0 {
        told.quirk("special-mode", name, || {
            "runs with the rights of its owner (setuid)".to_owned()
        });
    }
    match format {
        0o120_000 if named => told.contradiction("file-and-folder", name, || {
            "a symbolic link by its mode, a folder by its name".to_owned()
        }),
        0o120_000 => {
            told.quirk("symlink", name, || {
                "symbolic links are listed and never followed".to_owned()
            });
            return EntryKind::Symlink;
        }
        0 | 0o100_000 | 0o040_000 => {}
        _ if holds => told.quirk("special-file", name, || {
            "a device, socket or pipe by its mode, yet with contents".to_owned()
        }),
        _ => {
            told.quirk("special-file", name, || "a device, socket or pipe".to_owned());
            return EntryKind::Special;
        }
    }
    if !(named || marked) {
        return EntryKind::File;
    }
    if holds {
        told.contradiction("file-and-folder", name, || {
            "a folder with contents: a file for some readers".to_owned()
        });
        return EntryKind::File;
    }
    if !named || format == 0o100_000 {
        told.contradiction("file-and-folder", name, || {
            "a folder by its name or by its attributes, a file by the other".to_owned()
        });
    }
    EntryKind::Directory
}
