//! OSV records, as the OSV schema 1.6 shapes them; only what matching and reports need.
//!
//! `build.rs` includes this file, so it imports nothing of the crate.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// One advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// `GHSA-…`, `PYSEC-…`, `RUSTSEC-…`, `MAL-…`.
    pub id: String,
    /// RFC 3339 time of the last change.
    pub modified: String,
    /// RFC 3339 time of withdrawal: the record no longer holds.
    #[serde(default)]
    pub withdrawn: Option<String>,
    /// Other ids of the same flaw.
    #[serde(default, deserialize_with = "nullable")]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(default, deserialize_with = "nullable")]
    pub summary: String,
    /// Running text, in Markdown. Not kept by the index; see [`Record::condense`].
    #[serde(default, deserialize_with = "nullable")]
    pub details: String,
    /// Ratings.
    #[serde(default, deserialize_with = "nullable")]
    pub severity: Vec<SeverityVector>,
    /// What it concerns.
    #[serde(default, deserialize_with = "nullable")]
    pub affected: Vec<Affected>,
    /// Extras of the database that published it.
    #[serde(default, deserialize_with = "lenient")]
    pub database_specific: Option<DatabaseSpecific>,
}

impl Record {
    /// Leaves out what the index does not keep: the running text, whose first sentence stands in for a missing summary.
    pub fn condense(&mut self) {
        let details = std::mem::take(&mut self.details);
        if self.summary.trim().is_empty() {
            self.summary = first_sentence(&details);
        }
        // Lists of one are read into room for four, which of all that OSV has would be a few hundred megabytes.
        self.aliases.shrink_to_fit();
        self.severity.shrink_to_fit();
        self.affected.shrink_to_fit();
        for affected in &mut self.affected {
            affected.ranges.shrink_to_fit();
            affected.versions.shrink_to_fit();
            affected.severity.shrink_to_fit();
            for range in &mut affected.ranges {
                range.events.shrink_to_fit();
            }
        }
    }
}

/// All of PyPI's own records have no summary.
fn first_sentence(details: &str) -> String {
    const ENOUGH: usize = 160;
    let text = details.split_whitespace().take(ENOUGH).collect::<Vec<_>>().join(" ");
    let end = text.find(". ").unwrap_or(text.trim_end_matches('.').len());
    let sentence = &text[..end];
    match sentence.char_indices().nth(ENOUGH) {
        Some((cut, _)) => format!("{}…", sentence[..cut].trim_end()),
        None => sentence.to_owned(),
    }
}

/// A rating: `CVSS_V3` and `CVSS:3.1/…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SeverityVector {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The vector.
    #[serde(default)]
    pub score: String,
}

/// A package and the versions of it that the advisory concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Affected {
    /// Which package. Records about commits alone have none.
    #[serde(default)]
    pub package: Option<Package>,
    /// Ranges; a version in any of them is affected.
    #[serde(default, deserialize_with = "nullable")]
    pub ranges: Vec<Range>,
    /// Versions by name; affected whatever the ranges say.
    #[serde(default, deserialize_with = "nullable")]
    pub versions: Vec<String>,
    /// Ratings of this package alone.
    #[serde(default, deserialize_with = "nullable")]
    pub severity: Vec<SeverityVector>,
    /// Extras of the database that published it.
    #[serde(default, deserialize_with = "lenient")]
    pub database_specific: Option<DatabaseSpecific>,
    /// Extras of the ecosystem.
    #[serde(default, deserialize_with = "lenient")]
    pub ecosystem_specific: Option<EcosystemSpecific>,
}

/// A package's name in its ecosystem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// OSV's name for the ecosystem, with a suffix perhaps.
    #[serde(default)]
    pub ecosystem: String,
    /// As published.
    #[serde(default)]
    pub name: String,
}

/// A range of versions as a list of events.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Range {
    /// In which order its versions stand.
    #[serde(rename = "type")]
    pub kind: RangeType,
    /// In any order.
    #[serde(default, deserialize_with = "events")]
    pub events: Vec<Event>,
}

/// How the versions of a range are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RangeType {
    /// By SemVer 2.0.
    #[serde(rename = "SEMVER")]
    Semver,
    /// As the ecosystem orders its versions.
    #[serde(rename = "ECOSYSTEM")]
    Ecosystem,
    /// Commits; no version can be looked up in it.
    #[serde(rename = "GIT")]
    Git,
    /// A type of a later schema.
    #[serde(other)]
    Other,
}

/// A point where a range begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Affected from here on, this version included; `0` is before everything.
    Introduced(String),
    /// No longer affected from here on, this version included.
    Fixed(String),
    /// Affected up to here, this version included.
    LastAffected(String),
    /// The range says nothing from here on.
    Limit(String),
}

/// The schema allows one member per event object; where a record has more, each is an event. Events of a later schema are
/// read over.
fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Event>, D::Error> {
    #[derive(Deserialize)]
    struct Raw {
        introduced: Option<String>,
        fixed: Option<String>,
        last_affected: Option<String>,
        limit: Option<String>,
    }
    let raw = Option::<Vec<Raw>>::deserialize(deserializer)?.unwrap_or_default();
    let each = |e: Raw| {
        [
            e.introduced.map(Event::Introduced),
            e.fixed.map(Event::Fixed),
            e.last_affected.map(Event::LastAffected),
            e.limit.map(Event::Limit),
        ]
    };
    Ok(raw.into_iter().flat_map(each).flatten().collect())
}

/// `null` where there is nothing: some publishers write it for an empty list.
fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Extras have no schema: what is shaped otherwise than we know is none of ours, and no reason to lose the record.
fn lenient<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape<T> {
        Known(T),
        Other(IgnoredAny),
    }
    Ok(match Option::<Shape<T>>::deserialize(deserializer)? {
        Some(Shape::Known(value)) => Some(value),
        Some(Shape::Other(_)) | None => None,
    })
}

/// A list of words, or nothing where it is shaped otherwise.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(lenient(deserializer)?.unwrap_or_default())
}

/// The extras that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct DatabaseSpecific {
    /// GitHub's rating in a word, on the record.
    #[serde(default, deserialize_with = "lenient")]
    pub severity: Option<String>,
    /// RustSec's kind of informational advisory, on the affected package.
    #[serde(default, deserialize_with = "lenient")]
    pub informational: Option<String>,
    /// RustSec's categories, on the affected package; `malicious` is the one that matters.
    #[serde(default, deserialize_with = "words")]
    pub categories: Vec<String>,
}

/// What RustSec says of the uses of a crate that are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EcosystemSpecific {
    /// RustSec's filters.
    #[serde(default, deserialize_with = "lenient")]
    pub affects: Option<Affects>,
}

/// Where alone a flaw exists; an empty list is everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Affects {
    /// Processor architectures, as Rust names them (`x86_64`).
    #[serde(default, deserialize_with = "nullable")]
    pub arch: Vec<String>,
    /// Operating systems, as Rust names them (`linux`).
    #[serde(default, deserialize_with = "nullable")]
    pub os: Vec<String>,
    /// Paths of the functions that hold the flaw.
    #[serde(default, deserialize_with = "nullable")]
    pub functions: Vec<String>,
}
