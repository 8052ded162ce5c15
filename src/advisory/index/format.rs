//! The bytes of an index that its writer and its reader agree on. `build.rs` includes this file, so it imports nothing of
//! the crate. See [the index](super) for the layout.

/// First bytes of an index.
pub const MAGIC: &[u8; 8] = b"PLIMSIDX";
/// Version of the layout; a reader takes this one alone.
pub const VERSION: u32 = 3;
/// Bytes of the header: magic, version, number of sections, length of the file, SHA-256 of all that follows the header,
/// the table of sections, and a CRC-32 of all these.
pub const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 32 + SECTIONS * SECTION_BYTES + 4;
/// Bytes of an entry in the table of sections: offset, length, CRC-32.
pub const SECTION_BYTES: usize = 8 + 8 + 4;
/// Number of sections: the description, then the directories of the three tables, then their blocks.
pub const SECTIONS: usize = 1 + 2 * TABLES;
/// What the index is, as JSON.
pub const META: usize = 0;

/// Number of tables.
pub const TABLES: usize = 3;
/// What records say of a package, by ecosystem and normalised name.
pub const NAMES: usize = 0;
/// What records say of themselves, by id.
pub const RECORDS: usize = 1;
/// Records by another name of theirs.
pub const ALIASES: usize = 2;
/// The section that holds the directory of a table.
#[must_use]
pub const fn directory(table: usize) -> usize {
    1 + table
}
/// The section that holds the blocks of a table. Its CRC is zero: each block has its own in the directory.
#[must_use]
pub const fn blocks(table: usize) -> usize {
    1 + TABLES + table
}

/// Bytes at the start of a directory: number of blocks, and of slots. The blocks' entries and the slots follow.
pub const DIRECTORY_BYTES: usize = 4 + 4;
/// Bytes of an entry in a directory of blocks: offset in the section, length, CRC-32.
pub const BLOCK_BYTES: usize = 8 + 4 + 4;
/// Entries of a block. A look-up reads half of them on average; fewer make larger directories, which opening verifies.
/// Every block of records but the last has as many, so that the place of a record is a division away.
pub const BLOCK: usize = 8;
/// Bytes after which any other block is closed although it has fewer: there are packages with hundreds of records.
pub const LARGE_BLOCK: usize = 1 << 9;

/// Slots of a directory for so many keys: a third stay empty, for what is not there is found out at the first empty one.
#[must_use]
pub const fn slots(keys: usize) -> usize {
    keys + keys.div_ceil(2)
}
/// Slots that are looked at for one key before the directory is called malformed. Of a million honest names the longest run is
/// of some hundred.
pub const PROBES: usize = 1 << 16;
/// Bits of a slot that hold the number of a block, counted from one; those above hold eight bits of the key's hash.
pub const SLOT_BLOCK: u32 = 24;

/// Where to begin to look for a key among so many slots, and the bits of its hash that its slot holds.
#[must_use]
pub fn slot(key: &[u8], slots: usize) -> (usize, u32) {
    // FNV-1a, then half of MurmurHash3's finaliser: what FNV is used from here are its high bits, which neighbours share.
    let fnv = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let [low, .., a, b, c, d] = mixed.to_le_bytes();
    let high = u64::from(u32::from_le_bytes([a, b, c, d]));
    let at = usize::try_from((high * slots as u64) >> 32).unwrap_or_default();
    (at, u32::from(low))
}

/// OSV's names of the ecosystems; the position of one is its code.
pub const ECOSYSTEMS: [&str; 3] = ["npm", "PyPI", "crates.io"];

/// Parts of an affected package that are there.
pub mod part {
    /// Listed versions.
    pub const VERSIONS: u8 = 1;
    /// Ranges.
    pub const RANGES: u8 = 2;
    /// Ratings of its own.
    pub const SEVERITY: u8 = 4;
    /// RustSec's word, and GitHub's.
    pub const SPECIFIC: u8 = 8;
    /// RustSec's filters.
    pub const AFFECTS: u8 = 16;
}

/// Parts of a record that are there.
pub mod head {
    /// The summary is the one that all malicious-package records have: it is made again from the first package.
    pub const STOCK_SUMMARY: u8 = 1;
    /// Withdrawn: a time follows.
    pub const WITHDRAWN: u8 = 2;
    /// Ratings.
    pub const SEVERITY: u8 = 4;
    /// GitHub's word, and RustSec's.
    pub const SPECIFIC: u8 = 8;
    /// Aliases.
    pub const ALIASES: u8 = 16;
    /// A summary in text.
    pub const SUMMARY: u8 = 32;
}

/// The tag of a version that is written as text; the tags below it are the number of its plain decimal segments.
pub const TEXT: u8 = 5;

/// Kinds of ratings that are written as a code; others as text behind the code [`KINDS`]`.len()`.
pub const KINDS: [&str; 3] = ["CVSS_V2", "CVSS_V3", "CVSS_V4"];

/// The summary of malicious-package records.
#[must_use]
pub fn stock_summary(name: &str, ecosystem: &str) -> String {
    ["Malicious code in ", name, " (", ecosystem, ")"].concat()
}

/// The segments of a version of one to four plain decimal numbers below 2³², written without leading zeros: the usual
/// version, which can be compared as an integer and made into text again.
#[must_use]
pub fn segments(version: &str) -> Option<([u32; 4], u8)> {
    let (mut segments, mut count) = ([0; 4], 0_u8);
    for part in version.split('.') {
        let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        if !plain {
            return None;
        }
        *segments.get_mut(usize::from(count))? = part.parse().ok()?;
        count += 1;
    }
    Some((segments, count))
}

/// Segments as one integer that orders as they do, missing ones being zero.
#[must_use]
pub fn key(segments: [u32; 4]) -> u128 {
    segments.iter().fold(0, |key, &segment| key << 32 | u128::from(segment))
}

/// Seconds since 1970, digits of the fraction and the fraction, of a time written `2025-09-17T00:29:08.123Z`; `None` for
/// one that is written in any other way.
#[must_use]
pub fn time(text: &str) -> Option<(u64, u8, u32)> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.last() != Some(&b'Z') || marks.iter().any(|&(at, mark)| bytes.get(at) != Some(&mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let (digits, fraction) = match bytes.get(19)? {
        b'Z' if bytes.len() == 20 => (0, 0),
        b'.' => (bytes.len().checked_sub(21)?, number(20, bytes.len() - 1)?),
        _ => return None,
    };
    let whole = u64::from(digits > 0) == u64::from(bytes[19] == b'.') && digits <= 9;
    if !whole || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let packed = (seconds, u8::try_from(digits).ok()?, u32::try_from(fraction).ok()?);
    (time_text(packed.0, packed.1, packed.2) == text).then_some(packed)
}

/// The text of a time.
#[must_use]
pub fn time_text(seconds: u64, digits: u8, fraction: u32) -> String {
    let (day, rest) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar counted from 0000-03-01, in eras of 400 years.
    let z = day + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (d, m) = (
        of_year - (153 * shifted + 2) / 5 + 1,
        if shifted < 10 { shifted + 3 } else { shifted - 9 },
    );
    let y = year_of_era + era * 400 + u64::from(m <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let mut text = String::with_capacity(30);
    for (n, width, before) in [
        (y, 4, ""),
        (m, 2, "-"),
        (d, 2, "-"),
        (hour, 2, "T"),
        (minute, 2, ":"),
        (second, 2, ":"),
    ] {
        text.push_str(before);
        push_number(&mut text, n, width);
    }
    if digits > 0 {
        text.push('.');
        push_number(&mut text, fraction.into(), digits.into());
    }
    text.push('Z');
    text
}

/// Appends a number, with leading zeros up to a width. `format!` takes several times as long, and a record has dozens.
pub fn push_number(text: &mut String, mut n: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut from = digits.len();
    while n > 0 || from == digits.len() {
        from -= 1;
        digits[from] += (n % 10) as u8;
        n /= 10;
    }
    let from = from.min(digits.len().saturating_sub(width));
    text.push_str(std::str::from_utf8(&digits[from..]).unwrap_or_default());
}

/// Days from 1970-01-01 to a date.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (y / 400, y % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Appends an integer, seven bits a byte, the lowest first.
pub fn put(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Appends a text behind its length.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
