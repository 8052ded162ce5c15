//! Phrases that the formats for people share.

use super::{Artifact, Counts, Report};
use crate::model::{Finding, Level, Severity};

/// What a run found, in one line.
pub(super) fn found(report: &Report, counts: Counts) -> String {
    if report.advisories.is_none() {
        return "an inventory; nothing was checked".to_owned();
    }
    if counts.errors + counts.warnings + counts.notes + counts.ignored == 0 {
        return "nothing known against what was seen".to_owned();
    }
    let errors: Vec<&Finding> = report
        .artifacts
        .iter()
        .flat_map(|a| &a.findings)
        .filter(|f| f.level == Level::Error)
        .collect();
    let mut parts: Vec<String> = SEVERITIES
        .into_iter()
        .filter_map(|severity| {
            let n = errors.iter().filter(|f| f.severity == severity).count();
            (n > 0).then(|| format!("{n} {}", severity.map_or("unrated", Severity::as_str)))
        })
        .collect();
    for (n, noun) in [(counts.warnings, "warning"), (counts.notes, "note")] {
        if n > 0 {
            parts.push(count(n, noun));
        }
    }
    if counts.known > 0 {
        parts.push(format!("{} of them known", counts.known));
    }
    if counts.ignored > 0 {
        parts.push(format!("{} ignored", counts.ignored));
    }
    parts.join(", ")
}

/// The worst first, then what nobody has rated.
pub(super) const SEVERITIES: [Option<Severity>; 6] = [
    Some(Severity::Critical),
    Some(Severity::High),
    Some(Severity::Medium),
    Some(Severity::Low),
    Some(Severity::None),
    None,
];

/// What it could not see, in one line.
pub(super) fn unseen(report: &Report, counts: Counts) -> String {
    let mut parts = Vec::new();
    for (n, noun) in [(counts.blind, "blind gap"), (counts.partial, "partial gap")] {
        if n > 0 {
            parts.push(count(n, noun));
        }
    }
    if !report.failures.is_empty() {
        parts.push(format!("{} could not be read", count(report.failures.len(), "input")));
    }
    if parts.is_empty() {
        "everything was seen into".to_owned()
    } else {
        parts.join(", ")
    }
}

/// What there is to say of an artifact without findings.
pub(super) fn nothing(artifact: &Artifact, report: &Report) -> String {
    match artifact.inventory.len() {
        0 => "No package was identified.".to_owned(),
        n if report.advisories.is_none() => format!("{} seen; none was checked.", count(n, "package")),
        n => format!("No advisory concerns the {} seen.", count(n, "package")),
    }
}

/// Which advisories were used.
pub(super) fn advisories(report: &Report) -> Option<String> {
    let a = report.advisories.as_ref()?;
    let day = a.as_of.split('T').next().unwrap_or_default();
    let age = report
        .advisories_age
        .map(|days| format!(", {} old", count_days(days)))
        .unwrap_or_default();
    Some(format!("{} ({} records as of {day}{age})", a.source, a.records))
}

/// How bad a finding is, or what it is where that says more.
pub(super) fn label(finding: &Finding) -> &'static str {
    match (finding.rule.id, finding.level, finding.severity) {
        (rule @ ("malicious" | "unmaintained" | "unsound"), ..) => rule,
        (_, Level::Error, Some(severity)) => severity.as_str(),
        (_, Level::Error, None) => "unrated",
        (_, level, _) => level.as_str(),
    }
}

pub(super) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn count_days(days: u64) -> String {
    format!("{days} day{}", if days == 1 { "" } else { "s" })
}

/// In decimal units, as storage prices and AWS's console show it.
pub(super) fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // one decimal is shown
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e3 => format!("{b} bytes"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}
