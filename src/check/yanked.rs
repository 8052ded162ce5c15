//! Versions that their publisher took back.

use super::{ADVICE, Check, Context, about};
use crate::model::{Finding, Rule};

pub(super) struct Yanked;

static RULE: Rule = Rule {
    id: "yanked",
    title: "component's version was taken back by its publisher",
    help: "The publisher yanked this version: it is broken, or should not have been published. It stays downloadable for those \
           who pinned it, and nobody else gets it. Move to the next version. Known with --enrich alone.",
    level: ADVICE,
};

impl Check for Yanked {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for component in cx.inventory.iter() {
            let Some(reason) = cx.upstream(component).and_then(|u| u.yanked.as_deref()) else {
                continue;
            };
            let message = match reason.trim() {
                "" => "its publisher took this version back".to_owned(),
                reason => format!("its publisher took this version back: {reason}"),
            };
            out.extend(about(component, &RULE, RULE.level, message));
        }
    }
}
