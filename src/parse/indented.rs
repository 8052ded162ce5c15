//! The narrow subset of YAML that pnpm's and yarn's lock files are written in: block mappings by indentation, one key a line,
//! plain or quoted. A full YAML parser was rejected: it brings anchors that expand without bound and a dozen ways to write
//! what no tool writes.

use std::borrow::Cow;

/// One line: how deep, its key, its value (empty where a mapping follows).
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'t> {
    /// Blanks before the key.
    pub indent: usize,
    /// The key as written; it may hold several that are quoted one by one (yarn's descriptors).
    pub key: &'t str,
    /// What follows the key.
    pub value: Cow<'t, str>,
}

/// Keys and values in order. Comments, empty lines, list items and continuation lines are left out.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(line)
}

fn line(line: &str) -> Option<Line<'_>> {
    let body = line.trim_start_matches(' ');
    let indent = line.len() - body.len();
    let body = body.trim_end();
    if body.is_empty() || body.starts_with(['#', '-']) {
        return None;
    }
    let end = key_end(body);
    let key = body.get(..end)?.trim();
    let value = body.get(end..)?.trim_start_matches(':').trim();
    Some(Line {
        indent,
        key,
        value: unquote(value),
    })
}

/// YAML's `key: value`, and yarn 1's `key "value"`. A colon inside a key (`npm:1.0.0`) is followed by no blank.
fn key_end(body: &str) -> usize {
    let mut quote = None;
    let bytes = body.as_bytes();
    for (i, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(q), _) if byte == q && (i == 0 || bytes[i - 1] != b'\\') => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b':') if matches!(bytes.get(i + 1), None | Some(b' ')) => return i,
            // `version "1.0.0"`: a blank ends a key, unless more keys follow it.
            (None, b' ') if i > 0 && bytes[i - 1] != b',' && !body.ends_with(':') && !body.contains(": ") => return i,
            _ => {}
        }
    }
    body.len()
}

/// Without its quotes; escapes occur in no name and no version.
#[must_use]
pub fn unquote(text: &str) -> Cow<'_, str> {
    let inner = ['"', '\'']
        .iter()
        .find_map(|q| text.strip_prefix(*q).and_then(|rest| rest.strip_suffix(*q)));
    Cow::Borrowed(inner.unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects() {
        for (text, indent, key, value) in [
            ("packages:", 0, "packages", ""),
            ("  /@a/b@1.0.0(c@2.0.0):", 2, "/@a/b@1.0.0(c@2.0.0)", ""),
            ("  '@a/b@1.0.0':", 2, "'@a/b@1.0.0'", ""),
            (
                "    resolution: {integrity: sha512-x}",
                4,
                "resolution",
                "{integrity: sha512-x}",
            ),
            ("      ms: 2.0.0", 6, "ms", "2.0.0"),
            ("lodash@^4.0.0, lodash@^4.1.0:", 0, "lodash@^4.0.0, lodash@^4.1.0", ""),
            ("\"@a/b@^1\", \"@a/b@^2\":", 0, "\"@a/b@^1\", \"@a/b@^2\"", ""),
            ("  version \"1.0.0\"", 2, "version", "1.0.0"),
            ("    \"@a/b\" \"^1.0.0 || ^2\"", 4, "\"@a/b\"", "^1.0.0 || ^2"),
            ("\"ms@npm:^2.0.0, ms@npm:2\":", 0, "\"ms@npm:^2.0.0, ms@npm:2\"", ""),
            ("  resolution: \"ms@npm:2.0.0\"", 2, "resolution", "ms@npm:2.0.0"),
            ("    ms: \"npm:^2.0.0\"", 4, "ms", "npm:^2.0.0"),
        ] {
            let found = line(text).expect("a line");
            assert_eq!((found.indent, found.key, &*found.value), (indent, key, value), "{text}");
        }
        assert!(line("# comment").is_none() && line("  - item").is_none() && line("").is_none());
    }
}
