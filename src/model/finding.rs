//! What is wrong with what is in an artifact.

use super::{Coordinate, Location, Triage};

/// Static description of a kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Kebab-case id, stable for ever.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it means and what to do, a paragraph.
    pub help: &'static str,
    /// Level of its findings unless the finding says otherwise.
    pub level: Level,
}

/// Whether a finding should stop a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Should be looked at.
    Warning,
    /// Should block.
    Error,
}

impl Level {
    /// The word that reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How bad an advisory says that a flaw is: the qualitative rating scale of CVSS v3.1, section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Score 0.0.
    None,
    /// Score 0.1 to 3.9.
    Low,
    /// Score 4.0 to 6.9.
    Medium,
    /// Score 7.0 to 8.9.
    High,
    /// Score 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// The word that reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One result of one check.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// Which component; `None` when the artifact itself is meant.
    pub subject: Option<Coordinate>,
    /// Level of this one.
    pub level: Level,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// The place a reader should open first. There by construction: no finding without a location.
    pub primary: Location,
    /// The other places.
    pub related: Vec<Location>,
    /// Advisory id, if any (`RUSTSEC-2024-0001`).
    pub advisory: Option<Box<str>>,
    /// Other ids of the same flaw, sorted.
    pub aliases: Vec<Box<str>>,
    /// As rated by the advisory; `None` where it gives no rating.
    pub severity: Option<Severity>,
    /// CVSS base score, 0 to 10, one decimal.
    pub score: Option<f64>,
    /// Smallest version above the component's own that clears the finding; empty when there is none.
    pub fixed_in: Vec<Box<str>>,
    /// How urgent it is; the default until all checks have run.
    pub triage: Triage,
}
