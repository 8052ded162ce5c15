//! An earlier report (`--baseline`): what it has already does not fail a run again.

use crate::{
    ecosystem,
    model::{Authority, Decision, Finding, Gap, Status},
    parse::json,
    report::{Artifact, Ruling},
};
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// Bytes of a report. 1 GiB: a night's thousands of functions in one.
const BYTES: u64 = 1 << 30;

/// Findings and gaps of an earlier report.
///
/// A finding is known when the earlier report has one of the same rule and the same component (version included, places
/// not), with an advisory's name in common: a database may call a flaw by another of its names. Without advisories the first
/// place counts, so that a second file tampered with in the same package is new. What the earlier report ignored does not
/// count as known: when that decision expires, the finding is back.
///
/// An artifact is compared with the one of the same path; where there is none, and both reports hold one artifact alone,
/// with that one. Any other is new as a whole.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    path: String,
    sha256: String,
    artifacts: HashMap<String, Known>,
    run: Vec<GapSeen>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    findings: HashMap<(String, Option<String>), Vec<Names>>,
    gaps: Vec<GapSeen>,
}

/// What tells findings of one rule and component apart.
#[derive(Clone, Debug)]
struct Names {
    ids: Vec<String>,
    place: String,
}

#[derive(Deserialize)]
struct Document {
    schema: String,
    artifacts: Vec<Scanned>,
    #[serde(default)]
    gaps: Vec<GapSeen>,
}

#[derive(Deserialize)]
struct Scanned {
    path: String,
    findings: Vec<Found>,
    gaps: Vec<GapSeen>,
}

#[derive(Deserialize)]
struct Found {
    rule: String,
    component: Option<String>,
    advisory: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    locations: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct GapSeen {
    kind: String,
    stage: String,
    location: String,
    reason: String,
}

impl GapSeen {
    fn is(&self, gap: &Gap) -> bool {
        self.kind == gap.kind.as_str()
            && self.stage == gap.stage
            && self.reason == gap.reason
            && self.location == gap.location.to_string()
    }
}

impl Baseline {
    /// Reads a report of `plimsoll scan -o json`.
    ///
    /// # Errors
    /// When it cannot be read, or is no such report.
    pub fn open(path: &Path) -> Result<Self, String> {
        let place = path.to_string_lossy().into_owned();
        let (bytes, sha256) = super::contents(path, BYTES).map_err(|e| format!("{place}: {e}"))?;
        let baseline = Self::parse(&bytes).map_err(|e| format!("{place}: {e}"))?;
        Ok(Self {
            path: place,
            sha256,
            ..baseline
        })
    }

    /// Reads such a report from its bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let expected = "expected a report of `plimsoll scan -o json` (plimsoll/report/1)";
        let document: Document = json::document(bytes).map_err(|e| format!("{e}; {expected}"))?;
        if document.schema != "plimsoll/report/1" {
            return Err(format!("is of schema `{}`; {expected}", document.schema));
        }
        let mut artifacts: HashMap<String, Known> = HashMap::new();
        for scanned in document.artifacts {
            let known = artifacts.entry(scanned.path).or_default();
            known.gaps.extend(scanned.gaps);
            for found in scanned.findings {
                let names = Names {
                    ids: found.advisory.into_iter().chain(found.aliases).collect(),
                    place: found.locations.into_iter().next().unwrap_or_default(),
                };
                known
                    .findings
                    .entry((found.rule, found.component))
                    .or_default()
                    .push(names);
            }
        }
        Ok(Self {
            artifacts,
            run: document.gaps,
            ..Self::default()
        })
    }

    pub(super) fn ruling(&self) -> Ruling {
        Ruling {
            by: Authority::Baseline,
            path: self.path.clone(),
            sha256: self.sha256.clone(),
        }
    }

    /// Marks what is known of an artifact; `alone` says that it is the only one of its run.
    pub(super) fn apply(&self, artifact: &mut Artifact, alone: bool) {
        let only = || {
            self.artifacts
                .values()
                .next()
                .filter(|_| alone && self.artifacts.len() == 1)
        };
        let Some(known) = self.artifacts.get(&artifact.path).or_else(only) else {
            return;
        };
        for finding in &mut artifact.findings {
            finding.triage.known = known.has(finding);
        }
        for gap in artifact.gaps.iter().filter(|gap| known.gaps.iter().any(|g| g.is(gap))) {
            artifact.accepted.entry(gap.clone()).or_insert_with(|| self.decision());
        }
    }

    /// Whether the earlier run as a whole had a gap.
    pub(super) fn accepts(&self, gap: &Gap) -> Option<Decision> {
        self.run.iter().any(|g| g.is(gap)).then(|| self.decision())
    }

    fn decision(&self) -> Decision {
        Decision {
            by: Authority::Baseline,
            place: self.path.clone(),
            reason: "the baseline has it already".to_owned(),
            status: Status::Accepted,
            justification: None,
            expires: None,
        }
    }
}

impl Known {
    fn has(&self, finding: &Finding) -> bool {
        let key = (
            finding.rule.id.to_owned(),
            finding.subject.as_ref().map(ecosystem::purl),
        );
        let Some(all) = self.findings.get(&key) else {
            return false;
        };
        let ids: Vec<&str> = finding
            .advisory
            .iter()
            .chain(&finding.aliases)
            .map(|id| &**id)
            .collect();
        let place = || finding.primary.to_string();
        all.iter().any(|names| match (ids.is_empty(), names.ids.is_empty()) {
            (true, true) => names.place == place(),
            _ => names.ids.iter().any(|id| ids.contains(&&**id)),
        })
    }
}
