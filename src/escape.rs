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
/// characters are shown as `\u{1b}`, and so is the start of `##[command]`. (Trojan Source, CVE-2021-42574; terminal escape injection, CWE-150.)
///
/// ```
/// assert_eq!(plimsoll::escape::terminal("lodash"), "lodash");
/// assert_eq!(plimsoll::escape::terminal("a\x1b[2Jb\n"), r"a\u{1b}[2Jb\u{a}");
/// ```
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN && text.bytes().all(|b| (0x20..0x7f).contains(&b)) && !text.contains(COMMAND) {
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
    if out.contains(COMMAND) {
        out = out.replace(COMMAND, r"\u{23}#[");
    }
    Cow::Owned(out)
}

/// How GitHub's runner once took commands, and still does: anywhere in a line of a log.
const COMMAND: &str = "##[";

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
        let commands = fragment.contains(COMMAND);
        let starts_command = |at: usize| commands && fragment.as_bytes()[at..].starts_with(COMMAND.as_bytes());
        for (at, c) in fragment
            .char_indices()
            .filter(|(at, c)| is_hidden(*c) || starts_command(*at))
        {
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

/// For a line of text as it is written: what GitHub's runner would carry out as a command because it stands at the start of a
/// line (`::command::`) is shown with an escape. Wrapping may bring anything there.
///
/// ```
/// assert_eq!(plimsoll::escape::line("  ::error::x std::mem"), r"  \u{3a}:error::x std::mem");
/// ```
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    let blanks = text.len() - text.trim_start().len();
    match text[blanks..].strip_prefix("::") {
        None => Cow::Borrowed(text),
        Some(rest) => Cow::Owned(format!(r"{}\u{{3a}}:{rest}", &text[..blanks])),
    }
}

/// For a cell of CSV, before it is quoted: nothing hidden, and nothing that a spreadsheet would compute (CWE-1236). A scoped
/// name (`@scope/name`) stays as it is: without a parenthesis it calls nothing.
///
/// ```
/// assert_eq!(plimsoll::escape::csv("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
/// assert_eq!(plimsoll::escape::csv("@babel/core"), "@babel/core");
/// ```
#[must_use]
pub fn csv(text: &str) -> Cow<'_, str> {
    let computes = match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'\t' | b'\r') => true,
        Some(b'@') => text.contains('('),
        _ => false,
    };
    if !computes && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 1);
    out.push_str(if computes { "'" } else { "" });
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// For HTML, as text and inside quoted attributes.
///
/// ```
/// assert_eq!(plimsoll::escape::html("<b a='1'>&\u{202e}"), r"&lt;b a=&#39;1&#39;&gt;&amp;\u{202e}");
/// ```
#[must_use]
pub fn html(text: &str) -> Cow<'_, str> {
    entities(terminal(text))
}

/// For XML 1.0, as text and inside quoted attributes: characters that XML has no place for are shown as [`terminal`] does.
#[must_use]
pub fn xml(text: &str) -> Cow<'_, str> {
    entities(terminal(text))
}

fn entities(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// For running text in Markdown (CommonMark, and GitHub's dialect of it): one line, no markup, no mention, no reference to
/// an issue, no link. A backslash takes its meaning from any ASCII punctuation (CommonMark 0.31, 2.4); GitHub looks for
/// mentions and references afterwards, in the text, so an empty comment parts their sign from the rest.
///
/// ```
/// assert_eq!(plimsoll::escape::markdown("*a* | <b> @c"), r"\*a\* \| &lt;b&gt; @<!-- -->c");
/// ```
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = terminal(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@<!-- -->"),
            '#' if rest.peek().is_some_and(char::is_ascii_digit) => out.push_str("#<!-- -->"),
            // `www.` and `https://` become links of themselves (GFM 6.9).
            '.' | ':' | '/' if out.ends_with("www") || matches!((c, rest.peek()), (':', Some('/'))) => {
                out.push_str("<!-- -->");
                out.push(c);
            }
            '.' | ',' | ':' | '/' | '(' | ')' | '\'' | '%' | ';' | '?' | '=' | '"' | '-' | '+' | '!' | '$'
                if !out.is_empty() =>
            {
                out.push(c);
            }
            c if c.is_ascii_punctuation() => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// For names and places in Markdown: a code span, inside of a table or not.
///
/// ```
/// assert_eq!(plimsoll::escape::markdown_code("a`b|c"), r"``a`b\|c``");
/// ```
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = terminal(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A backtick at the edge needs a blank; the reader takes one off each side (CommonMark 0.31, 6.1). GitHub's tables take
    // the backslash before a bar, in code too; a backslash before it would be one too many, so that is shown as an escape.
    let edge = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    let body = text.replace("\\|", "\\u{5c}|").replace('|', "\\|");
    format!("{fence}{edge}{body}{edge}{fence}")
}

/// For the message of a GitHub workflow command (`::error::message`).
///
/// ```
/// assert_eq!(plimsoll::escape::annotation("100%\n::stop"), r"100%25\u{a}::stop");
/// ```
#[must_use]
pub fn annotation(text: &str) -> String {
    terminal(text).replace('%', "%25")
}

/// For a property of such a command (`file=…,title=…`).
#[must_use]
pub fn annotation_property(text: &str) -> String {
    annotation(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path as a relative URI reference (RFC 3986, 4.2): it stays below where it is looked up, has no scheme, and holds
/// nothing that is not percent-encoded.
///
/// ```
/// assert_eq!(plimsoll::escape::uri("/../a b/c:d?#.js"), "a%20b/c%3Ad%3F%23.js");
/// ```
#[must_use]
pub fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let segments = path.split(['/', '\\']).filter(|s| !matches!(*s, "" | "." | ".."));
    for segment in segments {
        if !out.is_empty() {
            out.push('/');
        }
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~!@+,=()".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
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
            | 0xfffe | 0xffff                   // no characters; XML has no place for them
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
