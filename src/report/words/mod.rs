//! Phrases that the formats for people share.

use super::{Artifact, Counts, Report};
use crate::model::{Action, Finding, Level, Severity, Step, Triage};
use std::fmt::Write as _;

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

/// One step of the plan: how urgent it is, and what to do.
pub(super) fn step(step: &Step) -> (&'static str, String) {
    let what = format!(
        "{} {}",
        step.subject.name,
        step.subject.version.as_deref().unwrap_or("(version unknown)")
    );
    let mut line = match &step.action {
        Action::Remove => format!("remove {what}: it is malicious"),
        Action::Upgrade(to) if step.clears == step.flaws => {
            format!("upgrade {what} -> {to} clears {}", step.clears)
        }
        Action::Upgrade(to) => format!("upgrade {what} -> {to} clears {} of {}", step.clears, step.flaws),
        Action::Replace => format!("replace {what}: no version clears any of {}", step.flaws),
    };
    if let Some((first, rest)) = step.by_way_of.split_first() {
        let _ = write!(line, ", by way of {}", first.name);
        if !rest.is_empty() {
            let _ = write!(line, " and {} more", rest.len());
        }
    }
    if step.artifacts > 1 {
        let _ = write!(line, ", in {} artifacts", step.artifacts);
    }
    let word = match (&step.action, step.exploited) {
        (_, true) => "exploited",
        (Action::Remove, _) => "malicious",
        _ => step.severity.map_or("unrated", Severity::as_str),
    };
    (word, line)
}

/// That attackers use a flaw, where they are known to.
pub(super) fn exploited(triage: &Triage) -> Option<String> {
    let exploited = triage.exploited.as_ref()?;
    let ransomware = if exploited.ransomware {
        ", by ransomware too"
    } else {
        ""
    };
    Some(format!(
        "attackers use it{ransomware} (CISA's catalogue, {})",
        exploited.added
    ))
}

/// EPSS score from which it is told without being asked for: 1 in 10, some 5 % of all flaws.
const EPSS_SHOWN: f64 = 0.1;

/// How likely attackers are to use a flaw soon, where that is worth a line.
pub(super) fn epss(triage: &Triage, always: bool) -> Option<String> {
    let epss = triage.epss.filter(|e| e.score >= EPSS_SHOWN || always)?;
    let (score, rank) = (epss.score * 100.0, epss.percentile * 100.0);
    Some(format!(
        "EPSS {score:.1} % within 30 days, more than {rank:.0} % of all flaws"
    ))
}

/// Paths as reports that are passed on show them: as given, but of absolute ones only what tells them apart. Where they lie on
/// the machine that looked is of no use to a reader, and may name a person. The text and the JSON report, which answer to
/// whoever gave the paths, keep them.
pub(super) struct Places {
    /// The folder that all absolute paths of the run have in common, with its slash.
    common: String,
}

impl Places {
    pub(super) fn of(report: &Report) -> Self {
        let artifacts = report.artifacts.iter().map(|a| &*a.path);
        let paths = artifacts.chain(report.failures.iter().map(|f| &*f.path));
        let folder = |path: &'_ str| {
            let path = path.trim_end_matches('/');
            path[..path.rfind('/').map_or(0, |i| i + 1)].len()
        };
        let mut common: Option<&str> = None;
        for path in paths.filter(|p| p.starts_with('/')) {
            let own = &path[..folder(path)];
            common = Some(common.map_or(own, |known| {
                let same = known.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count();
                &known[..known.as_bytes()[..same]
                    .iter()
                    .rposition(|b| *b == b'/')
                    .map_or(0, |i| i + 1)]
            }));
        }
        Self {
            common: common.unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn show<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&*self.common)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(path)
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
