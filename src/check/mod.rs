//! Questions asked of an inventory; one file per rule.

use crate::{
    advisory::{Hit, Kind, Matches},
    archive::Anomaly,
    ecosystem::Pattern,
    inventory::Inventory,
    model::{Component, Coordinate, Finding, Level, Location, Observation, Rule, Severity, Symbols, Triage, Upstream},
    names::Popular,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

mod ambiguous_archive;
mod install_script;
mod lock_drift;
mod malicious;
mod misnamed;
mod notice;
mod odd_origin;
mod quarantined;
mod runtime_eol;
mod tampered;
mod typosquat;
mod unmaintained;
mod unsound;
mod vulnerable;
mod yanked;

pub use runtime_eol::runtimes;
pub use typosquat::{Innocent, looks_like};

/// Every check.
pub static ALL: &[&dyn Check] = &[
    &malicious::Malicious,
    &quarantined::Quarantined,
    &tampered::Tampered,
    &vulnerable::Vulnerable,
    &unsound::Unsound,
    &typosquat::Typosquat,
    &unmaintained::Unmaintained,
    &notice::Notice,
    &yanked::Yanked,
    &odd_origin::OddOrigin,
    &misnamed::Misnamed,
    &install_script::InstallScript,
    &lock_drift::LockDrift,
    &runtime_eol::RuntimeEol,
    &ambiguous_archive::AmbiguousArchive,
];

/// What checks may look at, all of one artifact.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What is in it.
    pub inventory: &'a Inventory,
    /// What advisories say of that.
    pub matches: &'a Matches,
    /// What is wrong with its framing, and where.
    pub anomalies: &'a [(Location, Anomaly)],
    /// What detectors observed that is no component and no gap.
    pub observations: &'a [Observation],
    /// What whoever asks has decided.
    pub settings: &'a Settings,
    /// Runtimes that templates inside name, and where.
    pub runtimes: &'a [(Location, Box<str>)],
    /// What the symbol tables of binaries inside name.
    pub symbols: &'a [Symbols],
    /// The time of the run.
    pub now: SystemTime,
}

impl<'a> Context<'a> {
    /// What is said of a component today, where that was asked.
    fn upstream(self, component: &Component) -> Option<&'a Upstream> {
        self.settings.upstream.get(&component.coordinate)
    }
}

/// What a policy, a flag or a refreshed list decides about the checks; plain data, the same for every artifact of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Packages whose names look like a typing error and are none.
    pub typosquat_allow: Vec<Pattern>,
    /// Runtime that the artifact is deployed to (`nodejs20.x`), where the artifact itself does not say it.
    pub runtime: Option<String>,
    /// Popular names.
    pub popular: Popular,
    /// What registries and code hosts say of components today; empty unless they were asked.
    pub upstream: BTreeMap<Coordinate, Upstream>,
    /// Names that look like no other, as far as that is known by now.
    pub innocent: Innocent,
}

/// One kind of question. Pure: no I/O, no clock.
pub trait Check: Sync {
    /// What it may report.
    fn rule(&self) -> &'static Rule;
    /// Asks.
    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>);
}

/// Rules that say that something is odd and not that it is bad.
const SIGNALS: [&str; 5] = ["typosquat", "odd-origin", "misnamed", "install-script", "tampered"];

/// Raises by one level what two independent signals say of the same package: each has innocent reasons, and they seldom meet.
pub fn corroborate(findings: &mut [Finding]) {
    let mut signals: BTreeMap<Coordinate, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings.iter().filter(|f| SIGNALS.contains(&f.rule.id)) {
        if let Some(subject) = &finding.subject {
            signals.entry(subject.clone()).or_default().insert(finding.rule.id);
        }
    }
    for finding in findings.iter_mut().filter(|f| SIGNALS.contains(&f.rule.id)) {
        let several = finding
            .subject
            .as_ref()
            .and_then(|s| signals.get(s))
            .is_some_and(|rules| rules.len() > 1);
        if several && finding.level < Level::Error {
            finding.level = match finding.level {
                Level::Note => Level::Warning,
                _ => Level::Error,
            };
            finding.severity = (finding.level == Level::Error).then_some(Severity::High);
            finding.message += "; another signal speaks of the same package";
        }
    }
}

/// The rule of an id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    ALL.iter().map(|check| check.rule()).find(|rule| rule.id == id)
}

/// A finding for each hit of a kind; what checks over advisories have in common.
fn from_hits(cx: Context<'_>, rule: &'static Rule, kind: Kind, out: &mut Vec<Finding>) {
    for (coordinate, hits) in &cx.matches.hits {
        let Some(component) = cx.inventory.get(coordinate) else {
            continue;
        };
        out.extend(hits.iter().filter(|hit| hit.kind == kind).filter_map(|hit| {
            let mut finding = from_hit(component, hit, rule)?;
            vulnerable::functions::note(&mut finding, hit, component, cx.symbols);
            Some(finding)
        }));
    }
}

fn from_hit(component: &Component, hit: &Hit, rule: &'static Rule) -> Option<Finding> {
    let mut message = if hit.summary.is_empty() {
        rule.title.to_owned()
    } else {
        hit.summary.clone()
    };
    if let Some(newest) = hit.only.last() {
        let all = component.candidates();
        let list = |versions: &[Box<str>]| versions.join(", ");
        let copies = match component.possible().len() {
            1 => "its code is of one".to_owned(),
            n => format!("its code is there in {n} copies that differ, each of one"),
        };
        let unlikely = component.unlikely();
        let rather_not = if hit.only.iter().all(|version| unlikely.contains(version)) {
            ", which the age of what is beside it speaks against"
        } else {
            ""
        };
        message = format!(
            "{copies} of {} versions, {} to {}, of which this concerns {}{rather_not}: {message}",
            all.len(),
            all.first().unwrap_or(newest),
            all.last().unwrap_or(newest),
            match &*hit.only {
                few if few.len() <= 4 => list(few),
                [first, ..] => format!("{}, {first} to {newest}", hit.only.len()),
                [] => String::new(),
            },
        );
    }
    let mut locations = component.evidence.iter().map(|e| e.location.clone());
    Some(Finding {
        rule,
        subject: Some(component.coordinate.clone()),
        // What may not concern the version that is there does not stop a release.
        level: if hit.only.is_empty() {
            rule.level
        } else {
            rule.level.min(Level::Warning)
        },
        message,
        primary: locations.next()?,
        related: locations.collect(),
        advisory: Some(hit.id.clone()),
        aliases: hit.aliases.clone(),
        severity: hit.severity,
        score: hit.score,
        fixed_in: hit.fixed_in.iter().cloned().collect(),
        triage: Triage::default(),
    })
}

/// A finding about a component, at every place where it was seen.
fn about(component: &Component, rule: &'static Rule, level: Level, message: String) -> Option<Finding> {
    let mut locations = component.evidence.iter().map(|e| e.location.clone());
    Some(Finding {
        rule,
        subject: Some(component.coordinate.clone()),
        level,
        message,
        primary: locations.next()?,
        related: locations.collect(),
        advisory: None,
        aliases: Vec::new(),
        severity: None,
        score: None,
        fixed_in: Vec::new(),
        triage: Triage::default(),
    })
}

/// Findings whose rule itself says how bad they are: `level` as the design's table of bars gives it.
const ALWAYS_CRITICAL: Option<Severity> = Some(Severity::Critical);

/// The level of a finding that never stops a release by itself.
const ADVICE: Level = Level::Warning;

/// Words of a publisher or an index without line breaks, shortened.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.trim_end_matches('.').to_owned(),
    }
}
