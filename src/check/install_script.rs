//! Packages that reach out when they are installed.

use super::{Check, Context, about};
use crate::model::{Fact, Finding, Level, Rule};

pub(super) struct InstallScript;

static RULE: Rule = Rule {
    id: "install-script",
    title: "component fetches something or starts a shell when it is installed",
    help: "A script that its package.json has run at installation downloads something, or starts a shell or another process, in \
           its own text. What came that way is in no lock file. Read the script; install with --ignore-scripts where the package \
           works without it. A note by itself; with a second signal on the same package, both count for more.",
    level: Level::Note,
};

impl Check for InstallScript {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for component in cx.inventory.iter() {
            let script = component.facts().find_map(|fact| match fact {
                Fact::FetchingScript(script) => Some(script),
                _ => None,
            });
            if let Some(script) = script {
                let shown: String = script.chars().take(200).collect();
                out.extend(about(
                    component,
                    &RULE,
                    RULE.level,
                    format!("runs when it is installed: {shown}"),
                ));
            }
        }
    }
}
