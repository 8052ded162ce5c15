//! Crates whose safe interface can break memory safety.

use super::{ADVICE, Check, Context, from_hits};
use crate::{
    advisory::Kind,
    model::{Finding, Rule},
};

pub(super) struct Unsound;

static RULE: Rule = Rule {
    id: "unsound",
    title: "component is unsound",
    help: "RustSec says that safe code can cause undefined behaviour through this crate. Not known to be exploitable by \
           itself. Upgrade to the fixed version, or see whether the functions concerned are used.",
    level: ADVICE,
};

impl Check for Unsound {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        from_hits(cx, &RULE, Kind::Unsound, out);
    }
}
