//! Packages that come from elsewhere than the others.

use super::{ADVICE, Check, Context, about};
use crate::model::{Fact, Finding, Level, Rule};

pub(super) struct OddOrigin;

static RULE: Rule = Rule {
    id: "odd-origin",
    title: "component comes from elsewhere than the others",
    help: "A lock file or an installer records that it was taken from a git repository, from another host than the other packages, \
           or over plain HTTP, where anybody on the way can replace it. No advisory speaks of such a copy with certainty. Take the \
           package from the registry that the others come from, or see that the place is yours. Plain HTTP is a warning, the rest \
           a note; with a second signal on the same package, both count for more.",
    level: Level::Note,
};

impl Check for OddOrigin {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for component in cx.inventory.iter() {
            let origins = component.facts().filter_map(|fact| match fact {
                Fact::Origin(origin) => judge(origin),
                _ => None,
            });
            if let Some((level, message)) = origins.max() {
                out.extend(about(component, &RULE, level, message));
            }
        }
    }
}

/// A folder beside the application (`file:`, `link:`, `workspace:`) is its own.
fn judge(origin: &str) -> Option<(Level, String)> {
    let shown: String = origin.chars().take(200).collect();
    let git = ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "ssh:"];
    if git.iter().any(|sign| origin.starts_with(sign)) || origin.contains("repo:") {
        Some((RULE.level, format!("taken from a git repository: {shown}")))
    } else if origin.starts_with("http://") && !is_here(origin) {
        Some((
            ADVICE,
            format!("taken over plain HTTP, where anybody on the way can replace it: {shown}"),
        ))
    } else if origin.starts_with("https://") {
        Some((
            RULE.level,
            format!("taken from another host than the other packages: {shown}"),
        ))
    } else {
        None
    }
}

/// Whether a URL's host is this machine; `localhost.example` and `localhost@mirror.example` are not.
fn is_here(url: &str) -> bool {
    let authority = url["http://".len()..].split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .filter_map(|here| host.strip_prefix(here))
        .any(|port| port.is_empty() || port.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for (origin, level) in [
            ("git+ssh://git@git.example.test/x.git#0123", Some(Level::Note)),
            ("github:a/b#0123", Some(Level::Note)),
            (
                "{type: git, repo: https://git.example.test/x.git, commit: 01}",
                Some(Level::Note),
            ),
            ("http://mirror.example.test/x.tgz", Some(Level::Warning)),
            ("http://localhost:4873/x.tgz", None),
            ("http://localhost/x.tgz", None),
            ("http://[::1]:80/x.tgz", None),
            ("http://localhost.example.test/x.tgz", Some(Level::Warning)),
            ("http://localhost@mirror.example.test/x.tgz", Some(Level::Warning)),
            ("https://files.example.test/x.tgz", Some(Level::Note)),
            ("file:../x", None),
            ("workspace:packages/a", None),
        ] {
            assert_eq!(judge(origin).map(|(level, _)| level), level, "{origin}");
        }
    }
}
