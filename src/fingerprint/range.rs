//! Ranges of versions as npm writes them.

use super::record::Need;
use semver::{Version, VersionReq};

/// Those that are versions, parsed.
pub(super) fn parsed<'v>(versions: impl Iterator<Item = &'v String>) -> Vec<(&'v String, Version)> {
    let parsed = versions.filter_map(|text| Some((text, Version::parse(text).ok()?)));
    parsed.collect()
}

/// The alternatives of what a package asks for; `None` if that is no range.
pub(super) fn range(need: &Need) -> Option<Vec<VersionReq>> {
    of(&need.range)
}

/// The alternatives of a range as npm writes it; `None` if it is none.
pub(super) fn of(range: &str) -> Option<Vec<VersionReq>> {
    range.split("||").map(alternative).collect()
}

/// npm parts comparators by blanks, takes a bare version for itself, and knows `1.0 - 2.0`.
fn alternative(text: &str) -> Option<VersionReq> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Some(VersionReq::STAR);
    }
    if let [from, "-", to] = words[..] {
        return VersionReq::parse(&format!(">={from}, <={to}")).ok();
    }
    let mut comparators: Vec<String> = Vec::new();
    let mut operator = "";
    for word in words {
        if word.trim_start_matches(['<', '>', '=', '^', '~']).is_empty() {
            operator = word;
            continue;
        }
        let bare = word.trim_start_matches('v');
        let exact = operator.is_empty() && bare.starts_with(|c: char| c.is_ascii_digit());
        comparators.push(format!("{}{bare}", if exact { "=" } else { operator }));
        operator = "";
    }
    VersionReq::parse(&comparators.join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_npm_writes_them() {
        for (text, inside, outside) in [
            ("^1.2.0", "1.9.0", "2.0.0"),
            ("~1.2.1", "1.2.9", "1.3.0"),
            ("1.2.0", "1.2.0", "1.2.1"),
            ("1.x", "1.7.0", "2.0.0"),
            ("1", "1.7.0", "2.0.0"),
            (">= 1.0.0 < 2", "1.7.0", "2.0.0"),
            ("1.0.0 - 1.5.0", "1.5.0", "1.5.1"),
            ("^1.0.0 || ~3.1.0", "3.1.4", "2.0.0"),
            ("=1.2.0", "1.2.0", "1.3.0"),
        ] {
            let need = Need {
                range: text.to_owned(),
                ..Need::default()
            };
            let range = range(&need).expect(text);
            let takes = |v: &str| range.iter().any(|r| r.matches(&Version::parse(v).expect("a version")));
            assert!(takes(inside) && !takes(outside), "{text}");
        }
        for text in ["", "*", "x"] {
            assert!(
                alternative(text).is_some_and(|r| r.matches(&Version::new(7, 0, 0))),
                "{text:?}"
            );
        }
        assert_eq!(alternative("github:a/b"), None);
    }
}
