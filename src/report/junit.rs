//! JUnit XML, the shape that CI systems agree on: a suite for each artifact, a case for each component.
//!
//! A component fails by its findings of level error; warnings and notes are told in its output. What was decided is a case
//! of its own that is skipped, and so is a partial gap; a blind gap is an error.

use super::{Artifact, Report, Reporter, Style, words::Places};
use crate::{
    escape::xml,
    model::{Coordinate, Finding, Gap, GapKind, Level},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

pub(super) struct Junit;

impl Reporter for Junit {
    fn id(&self) -> &'static str {
        "junit"
    }

    fn purpose(&self) -> &'static str {
        "JUnit XML, for the test reports of CI systems: a suite for each artifact, a case for each component"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::of(report);
        let mut suites: Vec<Suite> = report.artifacts.iter().map(|a| of_artifact(a, &places)).collect();
        suites.extend(of_run(report, &places));
        let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
        writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            out,
            r#"<testsuites name="plimsoll" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
            sum(|s| s.cases.len()),
            sum(|s| s.count(&Outcome::is_failure)),
            sum(|s| s.count(&Outcome::is_error)),
            sum(|s| s.count(&Outcome::is_skipped)),
        )?;
        for suite in &suites {
            write_suite(suite, out)?;
        }
        writeln!(out, "</testsuites>")
    }
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    class: &'static str,
    name: String,
    outcomes: Vec<Outcome>,
}

enum Outcome {
    Failure {
        kind: &'static str,
        message: String,
        text: String,
    },
    Error(String),
    Skipped(String),
    Output(String),
}

impl Outcome {
    fn is_failure(&self) -> bool {
        matches!(self, Self::Failure { .. })
    }
    fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
    fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped(_))
    }
}

impl Suite {
    fn count(&self, of: &dyn Fn(&Outcome) -> bool) -> usize {
        self.cases.iter().filter(|case| case.outcomes.iter().any(of)).count()
    }
}

fn of_artifact(artifact: &Artifact, places: &Places) -> Suite {
    let mut by_subject: BTreeMap<Option<&Coordinate>, Vec<Outcome>> = artifact
        .inventory
        .iter()
        .map(|c| (Some(&c.coordinate), Vec::new()))
        .collect();
    for finding in &artifact.findings {
        by_subject
            .entry(finding.subject.as_ref())
            .or_default()
            .push(outcome(finding));
    }
    let mut cases: Vec<Case> = by_subject
        .into_iter()
        .map(|(subject, outcomes)| Case {
            class: subject.map_or("archive", |s| s.ecosystem.0),
            name: subject.map_or_else(|| "archive".to_owned(), name),
            outcomes,
        })
        .collect();
    cases.extend(artifact.ignored.iter().map(|ignored| Case {
        class: "ignored",
        name: format!(
                "{}: {}",
                ignored
                    .finding
                    .subject
                    .as_ref()
                    .map_or_else(|| "archive".to_owned(), name),
                what(&ignored.finding)
            ),
        outcomes: vec![Outcome::Skipped(format!(
            "{} ({})",
            ignored.decision.reason, ignored.decision.place
        ))],
    }));
    cases.extend(artifact.gaps.iter().map(of_gap));
    Suite {
        name: places.show(&artifact.path).to_owned(),
        cases,
    }
}

/// What no artifact can be blamed for.
fn of_run(report: &Report, places: &Places) -> Option<Suite> {
    let failures = report.failures.iter().map(|failure| Case {
        class: "input",
        name: places.show(&failure.path).to_owned(),
        outcomes: vec![Outcome::Error(failure.message.clone())],
    });
    let cases: Vec<Case> = failures.chain(report.gaps.iter().map(of_gap)).collect();
    (!cases.is_empty()).then(|| Suite {
        name: "run".to_owned(),
        cases,
    })
}

fn of_gap(gap: &Gap) -> Case {
    let place = gap.location.to_string();
    Case {
        class: "coverage",
        name: if place.is_empty() { gap.stage.to_owned() } else { place },
        outcomes: vec![match gap.kind {
            GapKind::Blind => Outcome::Error(gap.reason.clone()),
            GapKind::Partial => Outcome::Skipped(gap.reason.clone()),
        }],
    }
}

fn name(coordinate: &Coordinate) -> String {
    format!(
        "{} {}",
        coordinate.name,
        coordinate.version.as_deref().unwrap_or("(version unknown)")
    )
}

fn what(finding: &Finding) -> String {
    let ids: Vec<&str> = finding
        .advisory
        .iter()
        .chain(&finding.aliases)
        .map(|id| &**id)
        .collect();
    let severity = finding.severity.map_or_else(|| finding.level.as_str(), |s| s.as_str());
    format!("{} ({severity}) {}", finding.rule.id, ids.join(" "))
}

fn outcome(finding: &Finding) -> Outcome {
    let fixed = match &*finding.fixed_in {
        [] => String::new(),
        versions => format!("; fixed in {}", versions.join(", ")),
    };
    let message = format!("{}: {}{fixed}", what(finding), finding.message);
    if finding.level != Level::Error {
        return Outcome::Output(message);
    }
    let places = std::iter::once(&finding.primary).chain(&finding.related).take(20);
    let places: Vec<String> = places.map(ToString::to_string).collect();
    Outcome::Failure {
        kind: finding.rule.id,
        message,
        text: places.join(", "),
    }
}

fn write_suite(suite: &Suite, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
        xml(&suite.name),
        suite.cases.len(),
        suite.count(&Outcome::is_failure),
        suite.count(&Outcome::is_error),
        suite.count(&Outcome::is_skipped),
    )?;
    for case in &suite.cases {
        write!(
            out,
            r#"    <testcase classname="{}" name="{}""#,
            xml(case.class),
            xml(&case.name)
        )?;
        if case.outcomes.is_empty() {
            writeln!(out, "/>")?;
            continue;
        }
        writeln!(out, ">")?;
        // The schema that most readers go by allows one failure for a case, and wants outputs last.
        let failures: Vec<&Outcome> = case.outcomes.iter().filter(|o| o.is_failure()).collect();
        if let Some(Outcome::Failure { kind, message, .. }) = failures.first() {
            let message = if failures.len() == 1 {
                message.clone()
            } else {
                format!("{} findings", failures.len())
            };
            writeln!(
                out,
                r#"      <failure type="{}" message="{}">"#,
                xml(kind),
                xml(&message)
            )?;
            for failure in &failures {
                if let Outcome::Failure { message, text, .. } = failure {
                    writeln!(out, "{}", xml(message))?;
                    writeln!(out, "  in {}", xml(text))?;
                }
            }
            writeln!(out, "      </failure>")?;
        }
        for outcome in &case.outcomes {
            match outcome {
                Outcome::Error(message) => writeln!(out, r#"      <error message="{}"/>"#, xml(message))?,
                Outcome::Skipped(message) => writeln!(out, r#"      <skipped message="{}"/>"#, xml(message))?,
                Outcome::Failure { .. } | Outcome::Output(_) => {}
            }
        }
        let outputs = case.outcomes.iter().filter_map(|o| match o {
            Outcome::Output(text) => Some(text),
            _ => None,
        });
        let outputs: Vec<_> = outputs.map(|text| xml(text)).collect();
        if !outputs.is_empty() {
            writeln!(out, "      <system-out>{}</system-out>", outputs.join("\n"))?;
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}
