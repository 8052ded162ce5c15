//! Packages that their registry holds back.

use super::{ALWAYS_CRITICAL, Check, Context, about};
use crate::model::{Finding, Level, ProjectStatus, Rule};

pub(super) struct Quarantined;

static RULE: Rule = Rule {
    id: "quarantined",
    title: "component is held back by its registry as suspected malware",
    help: "The index says of this project that it is quarantined (PEP 792): it believes it to be malicious, and hands it out to \
           nobody until that is settled. Take it out, and treat what it could reach as compromised until the index says \
           otherwise. Known with --enrich and --index-url alone.",
    level: Level::Error,
};

impl Check for Quarantined {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let held = |u: &crate::model::Upstream| u.status == Some(ProjectStatus::Quarantined);
        for component in cx.inventory.iter().filter(|c| cx.upstream(c).is_some_and(held)) {
            let reason = cx.upstream(component).and_then(|u| u.status_reason.as_deref());
            let reason = reason.map(|reason| format!(": {}", super::one_line(reason)));
            let message = format!(
                "its index holds the project back as suspected malware{}",
                reason.unwrap_or_default()
            );
            let finding = about(component, &RULE, RULE.level, message);
            out.extend(finding.map(|finding| Finding {
                severity: ALWAYS_CRITICAL,
                ..finding
            }));
        }
    }
}
