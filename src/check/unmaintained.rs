//! Packages that nobody maintains any more, by declaration: never for their age alone.

use super::{ADVICE, Check, Context, from_hits};
use crate::{
    advisory::Kind,
    model::{Finding, Rule},
};

pub(super) struct Unmaintained;

static RULE: Rule = Rule {
    id: "unmaintained",
    title: "component is no longer maintained",
    help: "Its maintainers, or an advisory, say that nobody fixes it any more: the next flaw in it stays open. Move to the \
           replacement that the advisory names.",
    level: ADVICE,
};

impl Check for Unmaintained {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        from_hits(cx, &RULE, Kind::Unmaintained, out);
    }
}
