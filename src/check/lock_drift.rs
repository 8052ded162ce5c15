//! Binaries that are not what their source builds.

use super::{ADVICE, Check, Context};
use crate::model::{Finding, Level, ObservationKind, Rule, Triage};

pub(super) struct LockDrift;

static RULE: Rule = Rule {
    id: "lock-drift",
    title: "binary was not built from this source",
    help: "The source that `--source` names resolves to other crates than the binary shows: it was built from another commit, \
           with another lock file, or with other features. What is deployed is then not what is reviewed. Build it again from \
           the source, or give the source that it was built from.",
    level: ADVICE,
};

impl Check for LockDrift {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for observation in cx.observations {
            let name = &observation.subject.name;
            let version = observation
                .subject
                .version
                .as_deref()
                .map(|v| format!(" {v}"))
                .unwrap_or_default();
            let (level, message) = match observation.kind {
                ObservationKind::NotInSource => (
                    RULE.level,
                    format!("the binary holds {name}{version}, which its source does not have"),
                ),
                ObservationKind::OtherInSource => (
                    RULE.level,
                    format!("the binary holds {name}{version}, its source {}", observation.others),
                ),
                // Cargo's graph has every feature that any member turns on.
                ObservationKind::NotInBinary => (
                    Level::Note,
                    format!("the source links {name}{version}, which the binary's audit data does not name"),
                ),
                _ => continue,
            };
            out.push(Finding {
                rule: &RULE,
                subject: Some(observation.subject.clone()),
                level,
                message,
                primary: observation.location.clone(),
                related: vec![observation.against.clone()],
                advisory: None,
                aliases: Vec::new(),
                severity: None,
                score: None,
                fixed_in: Vec::new(),
                triage: Triage::default(),
            });
        }
    }
}
