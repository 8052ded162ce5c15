//! Archives that two readers may read differently.

use super::{ADVICE, Check, Context};
use crate::{
    archive::Gravity,
    model::{Finding, Level, Rule, Triage},
};

pub(super) struct AmbiguousArchive;

static RULE: Rule = Rule {
    id: "ambiguous-archive",
    title: "archive can be read in more than one way",
    help: "Parts of the archive contradict one another, so that what is deployed may differ from what was looked at. Build \
           the archive again with a common tool; if it comes from elsewhere, ask why it is like this.",
    level: ADVICE,
};

impl Check for AmbiguousArchive {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        out.extend(cx.anomalies.iter().map(|(location, anomaly)| Finding {
            rule: &RULE,
            subject: None,
            level: match anomaly.gravity {
                Gravity::Quirk => Level::Note,
                Gravity::Contradiction => RULE.level,
            },
            message: format!("{} ({})", anomaly.message, anomaly.code),
            primary: location.clone(),
            related: Vec::new(),
            advisory: None,
            aliases: Vec::new(),
            severity: None,
            score: None,
            fixed_in: Vec::new(),
            triage: Triage::default(),
        }));
    }
}
