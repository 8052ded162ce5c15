//! Known vulnerabilities.

use super::{Check, Context, from_hits};
use crate::{
    advisory::Kind,
    model::{Finding, Level, Rule},
};

pub(super) mod functions;

pub(super) struct Vulnerable;

static RULE: Rule = Rule {
    id: "vulnerable",
    title: "component has a known vulnerability",
    help: "An advisory of OSV or RustSec concerns this version. Upgrade to the version that fixes it; where there is none, \
           see whether the flaw can be reached in this function, or replace the package.",
    level: Level::Error,
};

impl Check for Vulnerable {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        from_hits(cx, &RULE, Kind::Vulnerability, out);
    }
}
