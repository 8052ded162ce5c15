//! Documents into values: bounded, tolerant of what honest producers do, and keeping what a lax parser would drop
//! (repeated keys), so that the detectors can consider both readings.

pub mod binary;
pub mod evidence;
pub mod headers;
pub mod indented;
pub mod integrity;
pub mod json;
pub mod licence;
pub mod sbom;
pub mod toml;

use std::{borrow::Cow, fmt::Write as _};

/// The text of a document: UTF-8 with or without a byte order mark, UTF-16 by its mark (RFC 8259 section 8.1 forbids both
/// marks, and every reader that matters forgives the first). Invalid sequences become U+FFFD.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or('\u{fffd}'))
        .collect::<String>()
        .into()
}

/// Bytes in hexadecimal, lower case.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
