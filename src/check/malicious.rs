//! Packages known to do harm by intent.

use super::{ALWAYS_CRITICAL, Check, Context, from_hits};
use crate::{
    advisory::Kind,
    model::{Finding, Level, Rule},
};

pub(super) struct Malicious;

static RULE: Rule = Rule {
    id: "malicious",
    title: "component is known to be malicious",
    help: "A malicious-package record names this version. Take it out, treat every machine and secret that it could reach \
           (developers' and build machines included) as compromised, and deploy from a clean build.",
    level: Level::Error,
};

impl Check for Malicious {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let from = out.len();
        from_hits(cx, &RULE, Kind::Malicious, out);
        for finding in &mut out[from..] {
            finding.severity = ALWAYS_CRITICAL;
        }
    }
}
