//! Names of entries: what is unsafe about them one by one, and where they collide.
//!
//! Detectors see every name as a file system would after unpacking: `./a//b`, `/a/b` and `x/../a/b` are `a/b`, so that no
//! spelling hides a file from them. The spelling itself is told as an anomaly.

use super::{EntryKind, Gravity, Member, anomaly::Anomalies};
use crate::limits::Limits;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

/// A name as text; what is not UTF-8 in it becomes U+FFFD. Nearly all are, which is found out several times as fast.
pub(super) fn text(raw: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}

/// The path as a file system would have it after unpacking, without a trailing slash; what is odd about it goes to `anomalies`.
///
/// `lenient`: `./` in front is how the format's own tools write (tar), and nothing to tell.
pub(super) fn clean<'n>(raw: &'n str, lenient: bool, limits: &Limits, anomalies: &mut Anomalies) -> Cow<'n, str> {
    let trimmed = raw.strip_suffix('/').unwrap_or(raw);
    if is_plain(trimmed) && trimmed.len() <= limits.path_bytes {
        return Cow::Borrowed(trimmed);
    }
    let mut told = |gravity, code, message: &str| anomalies.add(gravity, code, raw, || message.to_owned());
    let (quirk, contradiction) = (Gravity::Quirk, Gravity::Contradiction);
    let name = match raw.split_once('\0') {
        Some((before, _)) => {
            told(
                contradiction,
                "nul-in-name",
                "a NUL in the name: some readers end it there, others do not",
            );
            before
        }
        None => raw,
    };
    if name.starts_with(['/', '\\']) {
        told(
            contradiction,
            "absolute-path",
            "the path is absolute: unpacked, it may be written anywhere",
        );
    }
    if name.contains('\\') {
        told(
            quirk,
            "backslash",
            "a backslash in the name: a folder on Windows, a character elsewhere",
        );
    }
    if name.chars().any(crate::escape::is_hidden) {
        told(quirk, "name-characters", "control or invisible characters in the name");
    }
    if name.contains('\u{fffd}') {
        told(
            quirk,
            "name-encoding",
            "the name is not UTF-8: readers will show different ones",
        );
    }
    let mut parts: Vec<&str> = Vec::new();
    for (i, part) in name.split(['/', '\\']).enumerate() {
        match part {
            ".." => {
                told(
                    contradiction,
                    "parent-segment",
                    "the path climbs with `..`: unpacked, it may be written anywhere",
                );
                parts.pop();
            }
            "." if i == 0 && lenient => {}
            "." => told(quirk, "dot-segment", "a `.` in the path"),
            "" => {} // a doubled, leading or trailing slash
            part => {
                if i == 0 && is_drive(part) {
                    told(
                        contradiction,
                        "absolute-path",
                        "the path begins with a drive: on Windows it is absolute",
                    );
                } else if is_reserved(part) {
                    told(quirk, "reserved-name", "Windows does not take this name as it is");
                }
                if let Some(usual) = miscased(part) {
                    told(
                        quirk,
                        "case-variant",
                        "differs by case, or by what Windows leaves out, from a name that runtimes look for: found on some systems",
                    );
                    parts.push(usual);
                } else {
                    parts.push(part);
                }
            }
        }
    }
    if name.trim_end_matches('/').contains("//") {
        told(quirk, "dot-segment", "a doubled slash in the path");
    }
    if parts.is_empty() && !(lenient && name.starts_with('.')) {
        told(
            contradiction,
            "empty-name",
            "the name is empty: readers choose another or drop the entry",
        );
    }
    if raw.len() > limits.path_bytes || parts.len() > limits.path_parts {
        let message = format!(
            "limit `path-bytes` ({}) or `path-parts` ({}) reached: most systems cannot unpack this name",
            limits.path_bytes, limits.path_parts
        );
        told(contradiction, "name-length", &message);
    }
    Cow::Owned(parts.join("/"))
}

/// Whether there is nothing to look at twice: most names of most archives, so one pass over the bytes is what they cost.
fn is_plain(name: &str) -> bool {
    let (mut parts, mut from) = (1, 0);
    for (at, &byte) in name.as_bytes().iter().enumerate() {
        if byte == b'/' {
            if !name.get(from..at).is_some_and(is_plain_part) {
                return false;
            }
            (parts, from) = (parts + 1, at + 1);
        } else if !PLAIN[usize::from(byte)] {
            return false;
        }
    }
    parts <= 64 && name.get(from..).is_some_and(is_plain_part)
}

/// Bytes of plain names.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        plain[byte as usize] = matches!(
            byte,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b' ' | b'!' | b'#'..=b')' | b'+'..=b'.' | b'=' | b'@' | b'[' | b']'
                | b'_' | b'{' | b'}' | b'~'
        );
        byte += 1;
    }
    plain
};

/// As [`is_plain`], of one segment whose bytes are.
fn is_plain_part(part: &str) -> bool {
    let ends = part.as_bytes().last().is_none_or(|last| matches!(last, b'.' | b' ')); // `.` and `..` do
    !ends && !is_device(part) && (part.len() != NODE_MODULES.len() || miscased(part).is_none())
}

/// The usual spelling of a name that runtimes look for, if this one differs from it by case alone, or by what Windows leaves
/// out (blanks and dots at the end, the name of the main stream): where that does not matter (Windows, macOS) it is found all
/// the same, so detectors must see it.
fn miscased(part: &str) -> Option<&'static str> {
    let bare = part.trim_end_matches(['.', ' ']);
    let stream = bare
        .len()
        .checked_sub(MAIN_STREAM.len())
        .filter(|&at| bare.is_char_boundary(at));
    let stream = stream.filter(|&at| bare[at..].eq_ignore_ascii_case(MAIN_STREAM));
    let bare = stream.map_or(bare, |at| &bare[..at]);
    [NODE_MODULES, PACKAGE_JSON]
        .into_iter()
        .find(|usual| part != *usual && bare.eq_ignore_ascii_case(usual))
}

const NODE_MODULES: &str = "node_modules";
/// As long as the other one, by which most names are told not to be either.
const PACKAGE_JSON: &str = "package.json";
const _: () = assert!(NODE_MODULES.len() == PACKAGE_JSON.len());

/// What names the contents of a file on NTFS, as does its name alone.
const MAIN_STREAM: &str = "::$DATA";

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Names that Windows refuses, renames or takes for something else: devices, streams, a dot or a space at the end.
fn is_reserved(part: &str) -> bool {
    part.ends_with(['.', ' ']) || part.contains(':') || is_device(part)
}

fn is_device(part: &str) -> bool {
    // No device's name is longer than four letters.
    let dot = part.bytes().take(5).position(|byte| byte == b'.');
    let Some(stem) = part.get(..dot.unwrap_or(part.len())) else {
        return false;
    };
    match stem.len() {
        3 => ["con", "prn", "aux", "nul"]
            .iter()
            .any(|d| stem.eq_ignore_ascii_case(d)),
        4 => {
            let bytes = stem.as_bytes();
            matches!(bytes[3], b'1'..=b'9')
                && ["com", "lpt"]
                    .iter()
                    .any(|d| bytes[..3].eq_ignore_ascii_case(d.as_bytes()))
        }
        _ => false,
    }
}

/// Where names collide. `same(i, j)`: whether two entries of one name hold the same bytes, as far as is known.
pub(super) fn collisions(members: &[Member], same: &dyn Fn(usize, usize) -> bool, anomalies: &mut Anomalies) {
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(members.len());
    for (i, member) in members.iter().enumerate() {
        let earlier = *first.entry(&member.path).or_insert(i);
        if earlier == i {
            continue;
        }
        let (before, now) = (members[earlier].kind, member.kind);
        if before == EntryKind::Directory && now == EntryKind::Directory {
            anomalies.quirk("duplicate-folder", &member.path, || {
                "the folder is listed twice".to_owned()
            });
        } else if before == EntryKind::Directory || now == EntryKind::Directory {
            anomalies.contradiction("file-and-folder", &member.path, || {
                "the name is a file's and a folder's".to_owned()
            });
        } else if before == now && same(earlier, i) {
            anomalies.quirk("duplicate-name", &member.path, || {
                "the name is there twice, with the same contents".to_owned()
            });
        } else {
            anomalies.contradiction("duplicate-name", &member.path, || {
                "the name is there twice, with different contents: readers keep the first or the last; both were \
                 looked at"
                    .to_owned()
            });
        }
    }
    above(members, &first, anomalies);
    case(members, &first, anomalies);
}

/// Entries below a file or a link.
fn above<'m>(members: &'m [Member], by_path: &HashMap<&'m str, usize>, anomalies: &mut Anomalies) {
    let mut known: HashSet<&str> = HashSet::new();
    let mut last = "";
    for member in members {
        let mut path: &'m str = &member.path;
        // Folders beyond this depth are told by their length.
        for _ in 0..256 {
            let Some((folder, _)) = path.rsplit_once('/') else {
                break;
            };
            if folder == last || !known.insert(folder) {
                break;
            }
            match by_path.get(folder).map(|&i| members[i].kind) {
                Some(EntryKind::Symlink) => anomalies.contradiction("below-link", &member.path, || {
                    format!("`{folder}` is a symbolic link: unpacked, this is written wherever it leads")
                }),
                Some(EntryKind::File | EntryKind::Special) => {
                    anomalies.contradiction("file-and-folder", folder, || {
                        "the name is a file's, and other entries are below it".to_owned()
                    });
                }
                _ => {}
            }
            path = folder;
        }
        last = member.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
}

/// Names that are one on systems that ignore case, or how accents are written (Unicode's forms C and D: macOS).
fn case(members: &[Member], by_path: &HashMap<&str, usize>, anomalies: &mut Anomalies) {
    let composed = ComposingNormalizerBorrowed::new_nfc();
    let mut lowered: HashMap<String, &str> = HashMap::new();
    for member in members {
        // All of it, rather than up to the first such byte: that is many bytes at once.
        let odd = |odd: bool, b: u8| odd | b.is_ascii_uppercase() | !b.is_ascii();
        if !member.path.bytes().fold(false, odd) {
            continue;
        }
        let lower = composed.normalize(&member.path.to_lowercase()).into_owned();
        let other = by_path.get_key_value(lower.as_str()).map(|(path, _)| *path);
        let other = other
            .or_else(|| lowered.get(&lower).copied())
            .filter(|path| **path != *member.path);
        if let Some(other) = other {
            let alike = |a: &str, b: &str| composed.normalize(a) == composed.normalize(b);
            if alike(other, &member.path) {
                anomalies.quirk("unicode-collision", &member.path, || {
                    format!(
                        "differs from `{other}` in how accents are encoded: one file on some systems, two on others"
                    )
                });
            } else {
                anomalies.quirk("case-collision", &member.path, || {
                    format!("differs from `{other}` by case alone: one file on some systems, two on others")
                });
            }
        }
        lowered.insert(lower, &member.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (raw, path, codes) in [
            ("node_modules/.bin/x", "node_modules/.bin/x", &[][..]),
            ("a b/c.d", "a b/c.d", &[]),
            ("folder/", "folder", &[]),
            ("./a//b", "a/b", &["dot-segment"]),
            ("/etc/x", "etc/x", &["absolute-path"]),
            ("a/../../x", "x", &["parent-segment"]),
            ("a\\..\\x", "x", &["backslash", "parent-segment"]),
            ("C:\\x", "C:/x", &["absolute-path", "backslash"]),
            ("x\0.txt", "x", &["nul-in-name"]),
            ("a/aux.js", "a/aux.js", &["reserved-name"]),
            ("a./b", "a./b", &["reserved-name"]),
            ("a\u{1b}b", "a\u{1b}b", &["name-characters"]),
            ("", "", &["empty-name"]),
            ("/", "", &["absolute-path", "empty-name"]),
            (".", "", &["dot-segment", "empty-name"]),
            (
                "Node_Modules/x/Package.JSON",
                "node_modules/x/package.json",
                &["case-variant"],
            ),
            ("auxiliary/com10", "auxiliary/com10", &[]),
            (
                "node_modules./x/package.json::$data",
                "node_modules/x/package.json",
                &["case-variant", "reserved-name"],
            ),
            (
                "x/package.json. .",
                "x/package.json",
                &["case-variant", "reserved-name"],
            ),
        ] {
            let mut anomalies = Anomalies::default();
            assert_eq!(clean(raw, false, &Limits::default(), &mut anomalies), path, "{raw:?}");
            let mut told: Vec<_> = anomalies.finish().iter().map(|a| a.code).collect();
            told.sort_unstable();
            told.dedup();
            assert_eq!(told, codes, "{raw:?}");
        }
    }
}
