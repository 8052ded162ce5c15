//! Installed code that is not what its installer recorded.

use super::{ADVICE, ALWAYS_CRITICAL, Check, Context};
use crate::model::{Finding, Level, ObservationKind, Rule, Triage};

pub(super) struct Tampered;

static RULE: Rule = Rule {
    id: "tampered",
    title: "installed code differs from its record",
    help: "A distribution's RECORD gives the hash of every file that its installer wrote. Code that differs from it, or that \
           it does not list, was changed or added after the installation. Compare the file with the published \
           distribution; build again from a clean environment. A build step that patches packages on purpose is the \
           common innocent reason.",
    level: Level::Error,
};

impl Check for Tampered {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for observation in cx.observations {
            let (level, message) = match observation.kind {
                ObservationKind::CodeChanged => (RULE.level, "code differs from the hash in the package's RECORD"),
                ObservationKind::CodeUnlisted => (ADVICE, "code inside the package that its RECORD does not list"),
                ObservationKind::FileChanged => (Level::Note, "file differs from the hash in the package's RECORD"),
                _ => continue,
            };
            out.push(Finding {
                rule: &RULE,
                subject: Some(observation.subject.clone()),
                level,
                message: message.to_owned(),
                primary: observation.location.clone(),
                related: vec![observation.against.clone()],
                advisory: None,
                aliases: Vec::new(),
                severity: ALWAYS_CRITICAL.filter(|_| level == Level::Error),
                score: None,
                fixed_in: Vec::new(),
                triage: Triage::default(),
            });
        }
    }
}
