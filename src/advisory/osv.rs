//! OSV records, as the OSV schema 1.6 shapes them; only what matching and reports need.

use serde::{Deserialize, Deserializer};

/// One advisory.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// `GHSA-…`, `PYSEC-…`, `RUSTSEC-…`, `MAL-…`.
    pub id: String,
    /// RFC 3339 time of the last change.
    pub modified: String,
    /// RFC 3339 time of withdrawal: the record no longer holds.
    #[serde(default)]
    pub withdrawn: Option<String>,
    /// Other ids of the same flaw.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(default)]
    pub summary: String,
    /// Ratings.
    #[serde(default)]
    pub severity: Vec<SeverityVector>,
    /// What it concerns.
    #[serde(default)]
    pub affected: Vec<Affected>,
    /// Extras of the database that published it.
    #[serde(default)]
    pub database_specific: Option<DatabaseSpecific>,
}

/// A rating: `CVSS_V3` and `CVSS:3.1/…`.
#[derive(Clone, Debug, Deserialize)]
pub struct SeverityVector {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The vector.
    #[serde(default)]
    pub score: String,
}

/// A package and the versions of it that the advisory concerns.
#[derive(Clone, Debug, Deserialize)]
pub struct Affected {
    /// Which package. Records about commits alone have none.
    #[serde(default)]
    pub package: Option<Package>,
    /// Ranges; a version in any of them is affected.
    #[serde(default)]
    pub ranges: Vec<Range>,
    /// Versions by name; affected whatever the ranges say.
    #[serde(default)]
    pub versions: Vec<String>,
    /// Ratings of this package alone.
    #[serde(default)]
    pub severity: Vec<SeverityVector>,
    /// Extras of the database that published it.
    #[serde(default)]
    pub database_specific: Option<DatabaseSpecific>,
}

/// A package's name in its ecosystem.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// OSV's name for the ecosystem, with a suffix perhaps.
    #[serde(default)]
    pub ecosystem: String,
    /// As published.
    #[serde(default)]
    pub name: String,
}

/// A range of versions as a list of events.
#[derive(Clone, Debug, Deserialize)]
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
    let raw = Vec::<Raw>::deserialize(deserializer)?;
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

/// The extras that matter.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DatabaseSpecific {
    /// GitHub's rating in a word, on the record.
    #[serde(default)]
    pub severity: Option<String>,
    /// RustSec's kind of informational advisory, on the affected package.
    #[serde(default)]
    pub informational: Option<String>,
}
