//! Runtimes whose support has ended: `advisories/runtimes.tsv`.

use super::{ADVICE, Check, Context};
use crate::model::{Finding, Level, Location, Rule, Triage};
use std::time::{Duration, SystemTime};

pub(super) struct RuntimeEol;

static RULE: Rule = Rule {
    id: "runtime-eol",
    title: "function's runtime is no longer supported",
    help: "The platform patches this runtime no more, and sooner or later refuses to update or create functions that use it. \
           Move the function to a supported runtime, and build it again there. A note says that this will come within ninety \
           days. The runtime is the one of --runtime, or of a SAM, CloudFormation or Serverless Framework template in the \
           artifact.",
    level: ADVICE,
};

/// One line for each runtime: platform, name, day.
const LIST: &str = include_str!("../../advisories/runtimes.tsv");

/// How long before the end it is told of.
const NOTICE: Duration = Duration::from_hours(90 * 24);

impl Check for RuntimeEol {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        let told = cx
            .settings
            .runtime
            .as_deref()
            .map(|runtime| (Location::whole(), runtime));
        let seen = cx
            .runtimes
            .iter()
            .map(|(location, runtime)| (location.clone(), &**runtime));
        out.extend(told.into_iter().chain(seen).filter_map(|(location, runtime)| {
            let (platform, day) = end_of(runtime)?;
            let (level, message) = judge(platform, runtime, day, cx.now)?;
            Some(Finding {
                rule: &RULE,
                subject: None,
                level,
                message,
                primary: location,
                related: Vec::new(),
                advisory: None,
                aliases: Vec::new(),
                severity: None,
                score: None,
                fixed_in: Vec::new(),
                triage: Triage::default(),
            })
        }));
    }
}

fn judge(platform: &str, runtime: &str, day: &str, now: SystemTime) -> Option<(Level, String)> {
    let end = humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).ok()?;
    if now >= end {
        Some((
            RULE.level,
            format!("{platform} ended its support for {runtime} on {day}"),
        ))
    } else if end.duration_since(now).is_ok_and(|left| left <= NOTICE) {
        Some((
            Level::Note,
            format!("{platform} ends its support for {runtime} on {day}"),
        ))
    } else {
        None
    }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    })
}

fn end_of(runtime: &str) -> Option<(&'static str, &'static str)> {
    rows()
        .find(|(_, name, _)| *name == runtime)
        .map(|(platform, _, day)| (platform, day))
}

/// Every runtime that there is a date for.
pub fn runtimes() -> impl Iterator<Item = &'static str> {
    rows().map(|(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_and_after() {
        let on = |day: &str| humantime::parse_rfc3339(&format!("{day}T12:00:00Z")).expect("a day");
        for (runtime, day, level) in [
            ("nodejs16.x", "2024-06-12", Some(Level::Warning)),
            ("nodejs16.x", "2024-06-11", Some(Level::Note)),
            ("nodejs16.x", "2024-01-01", None),
            ("python3.9", "2026-11-24", Some(Level::Warning)),
            ("nodejs99.x", "2026-11-24", None),
        ] {
            let judged = end_of(runtime).and_then(|(platform, end)| judge(platform, runtime, end, on(day)));
            assert_eq!(judged.map(|(level, _)| level), level, "{runtime} on {day}");
        }
    }

    #[test]
    fn every_line_has_a_day() {
        let lines = LIST.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(
            rows()
                .filter(|(_, _, day)| humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).is_ok())
                .count(),
            lines
        );
    }
}
