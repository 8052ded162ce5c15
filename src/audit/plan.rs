//! What to do first: one step for each component, the most urgent first.

use crate::{
    advisory::{Database, Flaw, IndexError, signals::Signals, upgrade},
    inventory::Origins,
    model::{Action, Coordinate, Finding, Level, Severity, Step},
    report::Artifact,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Says of each finding whether attackers use the flaw.
pub(super) fn signal(artifact: &mut Artifact, signals: &Signals) {
    let ignored = artifact.ignored.iter_mut().map(|i| &mut i.finding);
    for finding in artifact.findings.iter_mut().chain(ignored) {
        let names = || finding.advisory.iter().chain(&finding.aliases).map(|name| &**name);
        let (exploited, epss) = (signals.exploited(names()), signals.epss(names()));
        (finding.triage.exploited, finding.triage.epss) = (exploited, epss);
    }
}

/// Says of each finding how its component came in.
pub(super) fn place(artifact: &mut Artifact) {
    let mut known: BTreeMap<Coordinate, (Option<bool>, Vec<Coordinate>)> = BTreeMap::new();
    let origins = Origins::new(&artifact.inventory);
    let ignored = artifact.ignored.iter_mut().map(|i| &mut i.finding);
    for finding in artifact.findings.iter_mut().chain(ignored) {
        let Some(subject) = &finding.subject else { continue };
        let origin = known.entry(subject.clone()).or_insert_with(|| origins.of(subject));
        (finding.triage.direct, finding.triage.by_way_of) = origin.clone();
    }
}

/// The flaws of a component, and in how many artifacts it is.
#[derive(Default)]
struct Held<'f> {
    artifacts: usize,
    /// The one that was counted last.
    last: Option<usize>,
    findings: Vec<&'f Finding>,
}

/// The plan for all that counts: flaws of level error that an advisory names.
pub(super) fn plan(artifacts: &[Artifact], database: &Database) -> Result<Vec<Step>, IndexError> {
    let mut by_component: HashMap<&Coordinate, Held<'_>> = HashMap::new();
    for (i, artifact) in artifacts.iter().enumerate() {
        let flaws = artifact
            .findings
            .iter()
            .filter(|f| f.level == Level::Error && f.advisory.is_some());
        for finding in flaws {
            let Some(subject) = &finding.subject else { continue };
            let held = by_component.entry(subject).or_default();
            if held.last.replace(i) != Some(i) {
                held.artifacts += 1;
            }
            // The same flaw in another artifact is the same flaw.
            let same = |f: &&Finding| f.advisory == finding.advisory && f.rule == finding.rule;
            if !held.findings.iter().any(same) {
                held.findings.push(finding);
            }
        }
    }
    let step = |(subject, held): (&Coordinate, Held<'_>)| {
        let findings = held.findings;
        let malicious = findings.iter().filter(|f| f.rule.id == "malicious").count();
        let flaws: Vec<Flaw<'_>> = findings.iter().map(|f| flaw(f)).collect();
        let (action, clears) = if malicious > 0 {
            (Action::Remove, findings.len())
        } else {
            match upgrade(subject, &flaws, database)? {
                Some(upgrade) => (Action::Upgrade(upgrade.to), upgrade.clears),
                None => (Action::Replace, 0),
            }
        };
        let mut by_way_of: Vec<Coordinate> = findings.iter().flat_map(|f| f.triage.by_way_of.clone()).collect();
        by_way_of.sort();
        by_way_of.dedup();
        let direct = findings.iter().map(|f| f.triage.direct);
        Ok(Step {
            subject: subject.clone(),
            action,
            clears,
            flaws: findings.len(),
            severity: findings.iter().filter_map(|f| f.severity).max(),
            exploited: findings.iter().any(|f| f.triage.exploited.is_some()),
            epss: findings
                .iter()
                .filter_map(|f| f.triage.epss)
                .map(|e| e.score)
                .max_by(f64::total_cmp),
            direct: direct.max().flatten(),
            by_way_of,
            artifacts: held.artifacts,
        })
    };
    let mut steps = by_component
        .into_iter()
        .map(step)
        .collect::<Result<Vec<Step>, IndexError>>()?;
    steps.sort_by(|a, b| {
        urgency(a).cmp(&urgency(b)).then_with(|| {
            let likely = |step: &Step| step.epss.unwrap_or_default();
            likely(b).total_cmp(&likely(a)).then_with(|| a.subject.cmp(&b.subject))
        })
    });
    Ok(steps)
}

/// Malicious packages, then flaws that attackers use, then the worst, then the upgrades that clear the most. An unrated flaw
/// counts as high, as it does for the bar.
fn urgency(step: &Step) -> impl Ord + use<> {
    (
        step.action != Action::Remove,
        !step.exploited,
        Reverse(step.severity.unwrap_or(Severity::High)),
        Reverse(step.clears),
    )
}

fn flaw(finding: &Finding) -> Flaw<'_> {
    Flaw {
        names: finding
            .advisory
            .iter()
            .chain(&finding.aliases)
            .map(|name| &**name)
            .collect(),
        fixed_in: finding.fixed_in.first().map(|version| &**version),
    }
}
