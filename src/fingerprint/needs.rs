//! What dependents say of a package: which of its versions they take, and that it is there though it has too little code to
//! show itself.
//!
//! A package manager gives every dependent a version that it asks for. So of the versions that a package's code allows, those
//! remain that its dependents take, as far as their own versions are known; and where the code tells nothing, theirs do.

use super::index::{Need, Package};
use crate::ecosystem::NPM;
use semver::{Version, VersionReq};
use std::collections::{BTreeMap, BTreeSet};

/// A package that is there, or a copy of it.
#[derive(Debug)]
pub(super) struct Member {
    /// Its number in the index.
    pub(super) number: u16,
    pub(super) package: Package,
    /// Versions that it can be; empty where nothing tells.
    pub(super) versions: Vec<String>,
    /// Whether most of it is there, and so what it calls.
    pub(super) whole: bool,
    /// Whether its code and its dependents disagree: then what either says is kept.
    pub(super) disputed: bool,
}

/// Rounds in which what is known of dependents is handed on to what they need.
const ROUNDS: usize = 4;

/// More versions than this are none told.
const MOST_VERSIONS: usize = 24;

impl Member {
    /// The versions that it can be: bits of those that were looked into, and places of the others; all where nothing tells.
    fn possible(&self) -> Possible {
        let place = |all: &[String], version| all.iter().position(|v| v == version);
        let mut possible = Possible::default();
        for version in &self.versions {
            if let Some(i) = place(&self.package.versions, version) {
                possible.versions |= 1 << i;
            } else if let Some(i) = place(&self.package.others, version) {
                possible.others.push(u32::try_from(i).unwrap_or(u32::MAX));
            }
        }
        if self.versions.is_empty() {
            possible.versions = u64::MAX >> (64 - self.package.versions.len().clamp(1, 64));
            possible.others = (0..u32::try_from(self.package.others.len()).unwrap_or(u32::MAX)).collect();
        }
        possible
    }

    /// What every version that it can be needs.
    pub(super) fn surely_needs(&self) -> BTreeSet<u16> {
        let possible = self.possible();
        let told = self.package.others_told;
        let mut left: BTreeMap<u16, Possible> = BTreeMap::new();
        for need in &self.package.needs {
            let left = left.entry(need.package).or_insert_with(|| possible.clone());
            left.versions &= !need.versions;
            left.others.retain(|other| told && !asks(need, *other));
        }
        // Where it is not known what others need, what was looked into stands for them.
        left.retain(|_, left| left.versions == 0 && left.others.is_empty());
        left.into_keys().collect()
    }
}

#[derive(Clone, Debug, Default)]
struct Possible {
    versions: u64,
    others: Vec<u32>,
}

fn asks(need: &Need, other: u32) -> bool {
    need.others
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&other))
}

/// Ranges of one dependent: one for each way in which its possible versions ask.
struct Asked(Vec<Vec<VersionReq>>);

impl Asked {
    fn takes(&self, version: &Version) -> bool {
        self.0.iter().flatten().any(|range| range.matches(version))
    }
}

/// Leaves of each member's versions what its dependents take.
pub(super) fn narrow(members: &mut [Member]) {
    for _ in 0..ROUNDS {
        let asked = asked(members);
        let mut copies: BTreeMap<u16, usize> = BTreeMap::new();
        for member in members.iter() {
            *copies.entry(member.number).or_default() += 1;
        }
        let mut changed = false;
        for member in members.iter_mut() {
            let (Some(asked), Some(copies)) = (asked.get(&member.number), copies.get(&member.number)) else {
                continue;
            };
            let narrowed = if member.disputed {
                None
            } else {
                narrowed(member, asked, *copies == 1)
            };
            if let Some(versions) = narrowed.filter(|v| *v != member.versions) {
                // Versions that the code did not allow.
                member.disputed = !member.versions.is_empty() && versions.iter().any(|v| !member.versions.contains(v));
                member.versions = versions;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

fn asked(members: &[Member]) -> BTreeMap<u16, Vec<Asked>> {
    let mut all: BTreeMap<u16, Vec<Asked>> = BTreeMap::new();
    for member in members {
        let possible = member.possible();
        // What others need is not known of every package: then they may take any version.
        let vague = !member.package.others_told && !possible.others.is_empty();
        let mut mine: BTreeMap<u16, Vec<Vec<VersionReq>>> = BTreeMap::new();
        for need in &member.package.needs {
            if need.versions & possible.versions == 0 && !possible.others.iter().any(|other| asks(need, *other)) {
                continue;
            }
            // What is no range (a tag, an address) says nothing: any version.
            let range = range(need).filter(|_| !vague).unwrap_or_else(|| vec![VersionReq::STAR]);
            mine.entry(need.package).or_default().push(range);
        }
        for (number, ranges) in mine {
            all.entry(number).or_default().push(Asked(ranges));
        }
    }
    all
}

fn narrowed(member: &Member, asked: &[Asked], single: bool) -> Option<Vec<String>> {
    // Of several copies one may be the application's own, which no dependent speaks of.
    if !single {
        return None;
    }
    let told = parsed(member.versions.iter());
    let known = parsed(member.package.versions.iter().chain(&member.package.others));
    let pool = if told.is_empty() { &known } else { &told };
    let keep = |pool: &[(String, Version)], takes: &dyn Fn(&Version) -> bool| -> Vec<String> {
        let kept = pool.iter().filter(|(_, version)| takes(version));
        kept.map(|(text, _)| text.clone()).collect()
    };
    // One copy serves them all; or there is another, too like it to be told apart, and then the newest that serves each.
    let any = |version: &Version| asked.iter().any(|asked| asked.takes(version));
    let mut kept = keep(pool, &|version| asked.iter().all(|asked| asked.takes(version)));
    if kept.is_empty() {
        kept = keep(pool, &any);
    } else {
        for asked in asked {
            let newest = pool.iter().filter(|(_, v)| asked.takes(v)).max_by(|a, b| a.1.cmp(&b.1));
            if let Some((text, _)) = newest.filter(|(text, _)| !kept.contains(text)) {
                kept.push(text.clone());
            }
        }
    }
    let told = !told.is_empty();
    if kept.is_empty() && told {
        // No dependent takes what the code was held for: it is the application's own, or the code was misread.
        kept = keep(&known, &any);
        kept.extend(member.versions.iter().cloned());
        if kept.len() > MOST_VERSIONS {
            return Some(Vec::new());
        }
    }
    kept.sort_by(|a, b| (NPM.compare)(a, b));
    (!kept.is_empty() && (told || kept.len() <= MOST_VERSIONS)).then_some(kept)
}

fn parsed<'v>(versions: impl Iterator<Item = &'v String>) -> Vec<(String, Version)> {
    let parsed = versions.filter_map(|text| Some((text.clone(), Version::parse(text).ok()?)));
    parsed.collect()
}

/// The alternatives of a range as npm writes it; `None` if it is none.
fn range(need: &Need) -> Option<Vec<VersionReq>> {
    need.range.split("||").map(alternative).collect()
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

    #[test]
    fn dependents_narrow_what_code_leaves_open() {
        let package = |name: &str, versions: &[&str], needs: Vec<Need>| Package {
            name: name.to_owned(),
            versions: versions.iter().map(|v| (*v).to_owned()).collect(),
            needs,
            ..Package::default()
        };
        let need = |versions, range: &str| Need {
            package: 1,
            versions,
            range: range.to_owned(),
            ..Need::default()
        };
        let app = package(
            "app",
            &["1.0.0", "2.0.0"],
            vec![need(0b01, "1.0.0"), need(0b10, "~1.1.0")],
        );
        let part = package("part", &["1.0.0", "1.1.0", "1.1.1"], Vec::new());
        for (app_is, part_is, expected) in [
            (&["2.0.0"][..], &["1.1.0", "1.1.1"][..], &["1.1.0", "1.1.1"][..]),
            (&["1.0.0"], &[], &["1.0.0"]),
            (&["2.0.0"], &["1.0.0", "1.1.1"], &["1.1.1"]),
            (&[], &[], &["1.0.0", "1.1.0", "1.1.1"]),
            // Where they disagree, either may be right.
            (&["1.0.0"], &["1.1.1"], &["1.0.0", "1.1.1"]),
        ] {
            let member = |number, package: &Package, versions: &[&str]| Member {
                number,
                package: package.clone(),
                versions: versions.iter().map(|v| (*v).to_owned()).collect(),
                whole: true,
                disputed: false,
            };
            let mut members = [member(0, &app, app_is), member(1, &part, part_is)];
            narrow(&mut members);
            assert_eq!(members[1].versions, expected, "{app_is:?} {part_is:?}");
        }
    }
}
