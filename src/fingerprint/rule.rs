//! Which versions of a package are looked into.

use std::{collections::BTreeMap, str::FromStr};

/// Which versions of a package are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All.
    All,
    /// So many, the newest.
    Newest(usize),
    /// So many of each line, the newest: of `1.x`, of `2.x`, and before 1.0 of `0.1.x`, of `0.2.x`, as a caret range parts them.
    Lines(usize),
}

impl Rule {
    /// What it takes of releases that are sorted, oldest first; in the same order.
    #[must_use]
    pub fn of<R>(self, mut releases: Vec<R>, version: impl Fn(&R) -> &str) -> Vec<R> {
        match self {
            Self::All => {}
            Self::Newest(count) => {
                releases.drain(..releases.len().saturating_sub(count));
            }
            Self::Lines(count) => {
                let mut taken: BTreeMap<String, usize> = BTreeMap::new();
                let mut is_taken: Vec<bool> = Vec::new();
                for release in releases.iter().rev() {
                    let of_line = taken.entry(line(version(release))).or_default();
                    *of_line += 1;
                    is_taken.push(*of_line <= count);
                }
                releases.retain(|_| is_taken.pop().unwrap_or(false));
            }
        }
        releases
    }
}

/// `1`, or `0.2`.
fn line(version: &str) -> String {
    let mut segments = version.split(['.', '-', '+']);
    match segments.next().unwrap_or_default() {
        "0" => format!("0.{}", segments.next().unwrap_or_default()),
        major => major.to_owned(),
    }
}

impl FromStr for Rule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let count = |digits: &str| digits.parse().ok().filter(|count| *count > 0);
        let read = match text.split_once(':') {
            None if text == "all" => Some(Self::All),
            Some(("newest", digits)) => count(digits).map(Self::Newest),
            Some(("lines", digits)) => count(digits).map(Self::Lines),
            _ => None,
        };
        read.ok_or("expected `all`, `newest:N` or `lines:N`")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rules_take_the_newest() {
        let all = ["0.1.0", "0.1.1", "0.2.0", "1.0.0", "1.1.0", "2.0.0", "2.0.1", "2.1.0"];
        let cases: &[(&str, &[&str])] = &[
            ("all", &all),
            ("newest:3", &["2.0.0", "2.0.1", "2.1.0"]),
            ("newest:99", &all),
            ("lines:1", &["0.1.1", "0.2.0", "1.1.0", "2.1.0"]),
            (
                "lines:2",
                &["0.1.0", "0.1.1", "0.2.0", "1.0.0", "1.1.0", "2.0.1", "2.1.0"],
            ),
        ];
        for (rule, expected) in cases {
            let rule: Rule = rule.parse().unwrap();
            assert_eq!(rule.of(all.to_vec(), |version| version), *expected, "{rule:?}");
        }
        for wrong in ["", "newest", "newest:", "newest:0", "lines:-1", "oldest:3"] {
            assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
        }
    }
}
