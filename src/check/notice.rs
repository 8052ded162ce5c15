//! What RustSec has to say of crates that is neither a flaw nor their end.

use super::{ADVICE, Check, Context, from_hits};
use crate::{
    advisory::Kind,
    model::{Finding, Rule},
};

pub(super) struct Notice;

static RULE: Rule = Rule {
    id: "notice",
    title: "component has a public notice",
    help: "RustSec has published a notice about these versions: something to know that it does not count as a \
           vulnerability, although other databases may. Read it, and upgrade where it names a fixed version.",
    level: ADVICE,
};

impl Check for Notice {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        from_hits(cx, &RULE, Kind::Notice, out);
    }
}
