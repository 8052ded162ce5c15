//! What applies to which finding and gap, and which exit code follows.

use super::{Acceptance, Baseline, Entry, Policy, Vex, vex};
use crate::{
    model::{Authority, Decision, Finding, Gap, GapKind, Ignored, Location, Status},
    report::{Artifact, Bar, Remark, Report},
};
use std::collections::{BTreeMap, BTreeSet};

/// All that was decided before a run.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// The policy file.
    pub policy: Option<Policy>,
    /// VEX documents.
    pub vex: Vec<Vex>,
    /// The report that this run is compared with.
    pub baseline: Option<Baseline>,
}

/// Which entries of a policy were of use; the others are reported.
#[derive(Default)]
struct Used {
    ignores: BTreeSet<usize>,
    acceptances: BTreeSet<usize>,
}

impl Decisions {
    /// Applies them to a report: moves findings that do not count, marks those that are known and gaps that are
    /// accepted, tells of entries that have expired or that nothing matches. `today` is a day as `YYYY-MM-DD`, in UTC.
    pub fn apply(&self, report: &mut Report, today: &str) {
        if let Some(policy) = &self.policy {
            report.rulings.documents.push(policy.ruling());
            let mut used = Used::default();
            for artifact in &mut report.artifacts {
                ignore(policy, artifact, today, &mut used);
                let gaps = accepted(policy, &artifact.gaps, &artifact.path, today, &mut used);
                artifact.accepted.extend(gaps);
            }
            let gaps = accepted(policy, &report.gaps, "", today, &mut used);
            report.accepted.extend(gaps);
            report.rulings.remarks.extend(remarks(policy, &used, today));
        }
        report.rulings.documents.extend(self.vex.iter().map(Vex::ruling));
        report
            .rulings
            .remarks
            .extend(vex::apply(&self.vex, &mut report.artifacts));
        if let Some(baseline) = &self.baseline {
            report.rulings.documents.push(baseline.ruling());
            let alone = report.artifacts.len() == 1;
            for artifact in &mut report.artifacts {
                baseline.apply(artifact, alone);
            }
            for gap in &report.gaps {
                if let Some(decision) = baseline.accepts(gap) {
                    report.accepted.entry(gap.clone()).or_insert(decision);
                }
            }
        }
    }

    /// The contract's order: errors, then findings, then gaps.
    #[must_use]
    pub fn exit_code(&self, report: &Report, fail_on: Bar, require_coverage: bool) -> u8 {
        let stops = |finding: &&Finding| self.stops(finding, fail_on);
        let hides = |gap: &Gap| gap.kind == GapKind::Blind || require_coverage;
        let within = |a: &Artifact| a.gaps.iter().any(|gap| hides(gap) && !a.accepted.contains_key(gap));
        if !report.failures.is_empty() {
            2
        } else if report.artifacts.iter().flat_map(|a| &a.findings).any(|f| stops(&f)) {
            1
        } else if report
            .gaps
            .iter()
            .any(|gap| hides(gap) && !report.accepted.contains_key(gap))
            || report.artifacts.iter().any(within)
        {
            3
        } else {
            0
        }
    }

    /// Whether a finding makes the run fail.
    #[must_use]
    pub fn stops(&self, finding: &Finding, fail_on: Bar) -> bool {
        if finding.triage.known {
            return false;
        }
        let policy = self.policy.as_ref();
        if finding.triage.exploited.is_some() && policy.is_some_and(|p| p.fail_on_exploited) {
            return true;
        }
        match policy.and_then(|p| p.rules.get(finding.rule.id)) {
            // A rule that the policy names fails by its own bar, whether its findings are errors or warnings.
            Some(bar) => bar.reaches(finding),
            None => fail_on.stops(finding),
        }
    }
}

fn ignore(policy: &Policy, artifact: &mut Artifact, today: &str, used: &mut Used) {
    let findings = std::mem::take(&mut artifact.findings);
    for mut finding in findings {
        let mut decision = None;
        for (i, entry) in policy.ignores.iter().enumerate() {
            if !entry.matches(&finding, &artifact.path) {
                continue;
            }
            used.ignores.insert(i);
            let place = format!("{}:{}", policy.place, entry.line);
            if let Some(day) = expired(entry.expires.as_deref(), today) {
                let note = format!("was ignored until {day} by {place}: {}", entry.reason);
                finding.triage.notes.push(note);
            } else if decision.is_none() {
                decision = Some(Decision {
                    by: Authority::Policy,
                    place,
                    reason: entry.reason.clone(),
                    status: entry.justification.map_or(Status::Accepted, |_| Status::NotAffected),
                    justification: entry.justification,
                    expires: entry.expires.clone(),
                });
            }
        }
        match decision {
            Some(decision) => {
                finding.triage.notes.clear();
                artifact.ignored.push(Ignored { finding, decision });
            }
            None => artifact.findings.push(finding),
        }
    }
}

fn accepted(policy: &Policy, gaps: &[Gap], artifact: &str, today: &str, used: &mut Used) -> BTreeMap<Gap, Decision> {
    let mut accepted = BTreeMap::new();
    for gap in gaps {
        for (i, entry) in policy.acceptances.iter().enumerate() {
            if !entry.matches(gap, artifact) {
                continue;
            }
            used.acceptances.insert(i);
            if expired(entry.expires.as_deref(), today).is_none() {
                accepted.entry(gap.clone()).or_insert_with(|| Decision {
                    by: Authority::Policy,
                    place: format!("{}:{}", policy.place, entry.line),
                    reason: entry.reason.clone(),
                    status: Status::Accepted,
                    justification: None,
                    expires: entry.expires.clone(),
                });
            }
        }
    }
    accepted
}

/// An entry holds through the whole of its last day. Days as text order as days.
fn expired<'e>(expires: Option<&'e str>, today: &str) -> Option<&'e str> {
    expires.filter(|day| *day < today)
}

fn remarks(policy: &Policy, used: &Used, today: &str) -> Vec<Remark> {
    let ignores = policy.ignores.iter().enumerate();
    let ignores = ignores.map(|(i, e)| (e.line, e.expires.as_deref(), used.ignores.contains(&i), "finding"));
    let gaps = policy.acceptances.iter().enumerate();
    let gaps = gaps.map(|(i, e)| (e.line, e.expires.as_deref(), used.acceptances.contains(&i), "gap"));
    let mut remarks: Vec<(usize, String)> = Vec::new();
    for (line, expires, used, what) in ignores.chain(gaps) {
        match (used, expired(expires, today)) {
            (true, Some(day)) => remarks.push((line, format!("expired after {day}, and the {what}s count again"))),
            (false, _) => remarks.push((line, format!("matches no {what}; remove it if it is no longer needed"))),
            (true, None) => {}
        }
    }
    remarks.sort();
    let remark = |(line, message)| Remark {
        place: format!("{}:{line}", policy.place),
        message,
    };
    remarks.into_iter().map(remark).collect()
}

impl Entry {
    /// Whether it is about a finding. A malicious package is never ignored by its place or name alone: an entry must give
    /// the record's id, or the rule.
    fn matches(&self, finding: &Finding, artifact: &str) -> bool {
        let named = |id: &str| {
            let mut own = finding.advisory.iter().chain(&finding.aliases);
            own.any(|own| own.eq_ignore_ascii_case(id))
        };
        let by_id = self.ids.is_empty() || self.ids.iter().any(|id| named(id));
        let by_rule = self.rule.is_none_or(|rule| rule == finding.rule.id);
        let meant = finding.rule.id != "malicious" || !self.ids.is_empty() || self.rule.is_some();
        let of_package =
            |pattern: &crate::ecosystem::Pattern| finding.subject.as_ref().is_some_and(|s| pattern.matches(s));
        meant
            && by_id
            && by_rule
            && self.package.as_ref().is_none_or(of_package)
            && self.artifact.as_ref().is_none_or(|glob| within(glob, artifact))
            && self.path.as_ref().is_none_or(|glob| {
                let mut places = std::iter::once(&finding.primary).chain(&finding.related);
                places.all(|place| within(glob, &path_of(place)))
            })
    }
}

impl Acceptance {
    fn matches(&self, gap: &Gap, artifact: &str) -> bool {
        self.path
            .as_ref()
            .is_none_or(|glob| within(glob, &path_of(&gap.location)))
            && self.about.as_ref().is_none_or(|about| gap.reason.contains(&**about))
            && self.stage.as_ref().is_none_or(|stage| *stage == gap.stage)
            && self.artifact.as_ref().is_none_or(|glob| within(glob, artifact))
    }
}

/// A place as globs see it: without a line.
fn path_of(place: &Location) -> String {
    Location {
        line: None,
        ..place.clone()
    }
    .to_string()
}

/// Whether a glob matches a path, or a folder above it.
fn within(glob: &str, path: &str) -> bool {
    let folder = glob.trim_end_matches('/');
    fast_glob::glob_match(glob, path)
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with(['/', '!']))
}
