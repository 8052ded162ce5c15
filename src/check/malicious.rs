//! Packages known to do harm by intent.

use super::{ADVICE, ALWAYS_CRITICAL, Check, Context, about, from_hits};
use crate::{
    advisory::Kind,
    ecosystem::NPM,
    model::{Finding, Level, Rule},
};

pub(super) struct Malicious;

static RULE: Rule = Rule {
    id: "malicious",
    title: "component is known to be malicious",
    help: "A malicious-package record names this version, or npm put an empty package in its place (0.0.1-security). Take it \
           out, treat every machine and secret that it could reach (developers' and build machines included) as compromised, and deploy from a clean build.",
    level: Level::Error,
};

/// Names that npm keeps for nobody, so that nobody publishes under them: asking for one is a mistake and no attack.
const NODES_OWN: [&str; 12] = [
    "child_process",
    "cluster",
    "dns",
    "fs",
    "http",
    "https",
    "net",
    "os",
    "path",
    "tls",
    "vm",
    "zlib",
];

/// Versions of the empty packages that npm puts in the place of malware.
const HOLDING: [&str; 2] = ["0.0.1-security", "0.0.1-security.0"];

impl Check for Malicious {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let from = out.len();
        from_hits(cx, &RULE, Kind::Malicious, out);
        let known: Vec<_> = out[from..].iter().filter_map(|f| f.subject.clone()).collect();
        let held = cx.inventory.iter().map(|c| (c, &c.coordinate)).filter(|(_, c)| {
            let version = c.version.as_deref().unwrap_or_default();
            c.ecosystem == NPM.id && HOLDING.contains(&version) && !known.contains(c)
        });
        out.extend(held.filter_map(|(component, _)| {
            let name = &*component.coordinate.name;
            let (level, message) = if NODES_OWN.contains(&name) {
                (ADVICE, "an empty package that npm keeps under the name of a module of Node's own; ask for the module alone")
            } else {
                (RULE.level, "npm took malware away from under this name, and left this empty package in its place")
            };
            about(component, &RULE, level, message.to_owned())
        }));
        for finding in &mut out[from..] {
            finding.severity = ALWAYS_CRITICAL.filter(|_| finding.level == Level::Error);
        }
    }
}
