//! Untrusted text on its way out. Names, versions, paths and advisory texts are attacker-controlled; each output format
//! passes them through the one function here that is made for it.

use serde::Serialize as _;
use serde_json::ser::{Formatter, PrettyFormatter};
use std::{borrow::Cow, fmt::Write as _, io};

/// Longest piece of untrusted text that is shown, in characters; what follows is replaced by a note of its length.
const SHOWN: usize = 512;

/// For terminals, log files and error messages: one line, no control or invisible direction-changing characters.
///
/// C0, DEL, C1, bidirectional and other format controls, line and paragraph separators, tag and unassigned invisible
/// characters are shown as `\u{1b}`. (Trojan Source, CVE-2021-42574; terminal escape injection, CWE-150.)
///
/// ```
/// assert_eq!(plimsoll::escape::terminal("lodash"), "lodash");
/// assert_eq!(plimsoll::escape::terminal("a\x1b[2Jb\n"), r"a\u{1b}[2Jb\u{a}");
/// ```
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(SHOWN * 2));
    let mut chars = text.chars();
    for c in chars.by_ref().take(SHOWN) {
        if is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    let rest = chars.count();
    if rest > 0 {
        let _ = write!(out, "… ({rest} more characters)");
    }
    Cow::Owned(out)
}

/// For JSON documents: what [`terminal`] shows as an escape is written `\\uXXXX`, so that a document can be looked at in a
/// terminal and still says exactly what was there. Members are written in the order they were put in, two spaces deep.
///
/// # Errors
/// When the writer fails.
pub fn json(document: &serde_json::Value, out: &mut dyn io::Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Visible(PrettyFormatter::new()));
    document.serialize(&mut serializer).map_err(io::Error::from)
}

struct Visible(PrettyFormatter<'static>);

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_hidden(*c)) {
            out.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[plain..])
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Characters that change how others are shown, or are not shown at all.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad                                // soft hyphen
            | 0x061c | 0x180e                   // Arabic letter mark, Mongolian vowel separator
            | 0x200b..=0x200f                   // zero width, left-to-right and right-to-left marks
            | 0x2028..=0x202e                   // separators, embeddings and overrides
            | 0x2060..=0x206f                   // invisible operators, isolates
            | 0x034f | 0x115f | 0x1160 | 0x3164 | 0xffa0 // fillers
            | 0xfe00..=0xfe0f | 0xfeff          // variation selectors, byte order mark
            | 0xfff9..=0xfffb                   // interlinear annotation
            | 0xe0000..=0xe0fff) // tags, variation selectors supplement
}

#[cfg(test)]
mod tests {
    use super::{json, terminal};

    #[test]
    fn nothing_hidden_survives() {
        for (raw, shown) in [
            ("plain ünïcode 名前", "plain ünïcode 名前"),
            ("\x1b]8;;http://x\x07", r"\u{1b}]8;;http://x\u{7}"),
            ("a\r\nb", r"a\u{d}\u{a}b"),
            ("\u{202e}gnp.exe", r"\u{202e}gnp.exe"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("z\u{200b}w", r"z\u{200b}w"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(terminal(raw), shown);
        }
    }

    #[test]
    fn json_says_what_was_there_and_shows_nothing_hidden() {
        let value = serde_json::json!({"z": "a\u{202e}\u{e0041}\x1b\u{9b}\"", "a": []});
        let mut out = Vec::new();
        json(&value, &mut out).expect("a vector takes everything");
        assert_eq!(
            out,
            br#"{
  "z": "a\u202e\udb40\udc41\u001b\u009b\"",
  "a": []
}"#
        );
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).ok(), Some(value));
    }

    #[test]
    fn long_text_is_cut_with_its_length() {
        let shown = terminal(&"x".repeat(200_000)).into_owned();
        assert!(
            shown.len() < 600 && shown.ends_with("(199488 more characters)"),
            "{shown}"
        );
    }
}
