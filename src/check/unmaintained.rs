//! Packages that nobody maintains any more, by declaration or by what corroborates it: never for their age alone.

mod abandoned;

use super::{ADVICE, Check, Context, about, from_hits, one_line};
use crate::{
    advisory::Kind,
    model::{Component, Fact, Finding, ProjectStatus, Rule, Upstream},
};
use std::time::Duration;

pub(super) struct Unmaintained;

static RULE: Rule = Rule {
    id: "unmaintained",
    title: "component is no longer maintained",
    help: "Its publisher, an advisory or our list of well-known cases says that nobody fixes it any more: the next flaw in it \
           stays open. Move to the replacement that is named, the packages that you ask for yourself first. With --enrich, a \
           package is reported as well whose last release is over three years old and that has a known flaw without a fix, or \
           whose repository is archived. Age alone is never reported.",
    level: ADVICE,
};

/// Without a release for so long, and something else against it. Three years: longer than the pause of any package that was
/// taken up again in the lists that we looked at.
const SILENCE: Duration = Duration::from_hours(3 * 365 * 24);

impl Check for Unmaintained {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let from = out.len();
        from_hits(cx, &RULE, Kind::Unmaintained, out);
        let told: Vec<_> = out[from..].iter().filter_map(|f| f.subject.clone()).collect();
        for component in cx.inventory.iter() {
            if told.contains(&component.coordinate) {
                continue;
            }
            let said = declared(component, cx.upstream(component)).or_else(|| corroborated(cx, component));
            out.extend(said.and_then(|message| about(component, &RULE, RULE.level, message)));
        }
        for finding in &mut out[from..] {
            let component = finding.subject.as_ref().and_then(|s| cx.inventory.get(s));
            if component.is_some_and(|c| c.facts().any(|f| *f == Fact::Direct)) {
                finding.triage.direct = Some(true);
            }
        }
    }
}

/// What is said in so many words: by our list, which names the replacement, or by the publisher.
fn declared(component: &Component, upstream: Option<&Upstream>) -> Option<String> {
    let mut words = component.facts().filter_map(|fact| match fact {
        Fact::Deprecated(reason) => Some(&**reason),
        _ => None,
    });
    let publisher = words.next().or_else(|| upstream?.deprecated.as_deref());
    if let Some(row) = abandoned::of(&component.coordinate) {
        return Some(format!(
            "{} ({}); use {} instead",
            row.reason, row.year, row.replacement
        ));
    }
    if let Some(reason) = publisher {
        let reason = one_line(reason);
        return Some(match &*reason {
            "" => "its publisher deprecated it".to_owned(),
            reason => format!("its publisher deprecated it: {reason}"),
        });
    }
    let status = upstream.and_then(|u| match u.status? {
        ProjectStatus::Archived => Some(("archived", u.status_reason.as_deref())),
        ProjectStatus::Deprecated => Some(("deprecated", u.status_reason.as_deref())),
        ProjectStatus::Quarantined => None,
    });
    if let Some((status, reason)) = status {
        let reason = reason
            .map(|reason| format!(": {}", one_line(reason)))
            .unwrap_or_default();
        return Some(format!("its project is {status}, as the index says{reason}"));
    }
    if component.facts().any(|fact| *fact == Fact::Inactive) {
        return Some("its authors call its development inactive, in its metadata".to_owned());
    }
    let version = component.coordinate.version.as_deref()?.to_ascii_lowercase();
    let says = ["deprecated", "unmaintained"]
        .iter()
        .find(|word| version.contains(**word))?;
    Some(format!("its version says so: {says}"))
}

/// Long without a release, and a flaw that no version fixes or a repository that takes no changes.
fn corroborated(cx: Context<'_>, component: &Component) -> Option<String> {
    let upstream = cx.upstream(component)?;
    let last = upstream.last_release.as_deref()?;
    let at = humantime::parse_rfc3339(last).ok()?;
    let silent = cx.now.duration_since(at).unwrap_or_default();
    if silent < SILENCE {
        return None;
    }
    let hits = cx.matches.hits.get(&component.coordinate);
    let mut unfixed = hits
        .into_iter()
        .flatten()
        .filter(|hit| hit.kind == Kind::Vulnerability && hit.fixed_in.is_none());
    let besides = match (unfixed.next(), upstream.archived) {
        (Some(hit), _) => format!("{} has no fix", hit.id),
        (None, true) => "its repository is archived".to_owned(),
        (None, false) => return None,
    };
    let day = last.split('T').next().unwrap_or(last);
    Some(format!("no release since {day}, and {besides}"))
}
