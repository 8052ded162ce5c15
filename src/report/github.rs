//! GitHub's workflow commands: annotations on the run and on the pull request.
//!
//! GitHub shows ten of each level for a step, so what concerns one component is one annotation.

use super::{
    Artifact, Report, Reporter, Style,
    words::{self, Places, count},
};
use crate::{
    escape::{annotation, annotation_property},
    model::{Finding, Gap, GapKind, Level},
};
use std::{
    collections::HashMap,
    io::{self, Write},
};

pub(super) struct Github;

/// Annotations of one artifact, and gaps among them; more would only fill the log.
const SHOWN: usize = 50;
/// Findings that are told in one annotation.
const LISTED: usize = 12;

impl Reporter for Github {
    fn id(&self) -> &'static str {
        "github"
    }

    fn purpose(&self) -> &'static str {
        "annotations of GitHub Actions, one for each component that something is wrong with"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::of(report);
        for failure in &report.failures {
            command("error", places.show(&failure.path), "not read", &failure.message, out)?;
        }
        for artifact in &report.artifacts {
            write_artifact(artifact, places.show(&artifact.path), out)?;
        }
        for gap in &report.gaps {
            write_gap("", gap, out)?;
        }
        let counts = report.counts();
        let result = format!("{}; {}", words::found(report, counts), words::unseen(report, counts));
        command("notice", "", "result", &result, out)
    }
}

fn write_artifact(artifact: &Artifact, path: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut index = HashMap::new();
    // The archive's own findings have no component to be joined by.
    for finding in &artifact.findings {
        let at = *index
            .entry((finding.subject.as_ref(), finding.level))
            .or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
        groups[at].push(finding);
    }
    for group in groups.iter().take(SHOWN) {
        let Some(first) = group.first() else { continue };
        let subject = first.subject.as_ref().map_or_else(
            || "the archive itself".to_owned(),
            |c| format!("{} {}", c.name, c.version.as_deref().unwrap_or("(version unknown)")),
        );
        let title = format!("{}: {subject}", words::label(first));
        let mut lines: Vec<String> = group.iter().take(LISTED).map(|f| annotation(&told(f))).collect();
        if let Some(rest) = group.len().checked_sub(LISTED).filter(|n| *n > 0) {
            lines.push(format!("and {}", count(rest, "more")));
        }
        lines.push(annotation(&format!("in {}", place(path, first))));
        // The one line break that is meant.
        raw(level(first.level), path, &title, &lines.join("%0A"), out)?;
    }
    if let Some(rest) = groups.len().checked_sub(SHOWN).filter(|n| *n > 0) {
        command(
            "notice",
            path,
            "cut",
            &format!("{} not annotated", count(rest, "more component")),
            out,
        )?;
    }
    for gap in artifact.gaps.iter().take(SHOWN) {
        write_gap(path, gap, out)?;
    }
    if let Some(rest) = artifact.gaps.len().checked_sub(SHOWN).filter(|n| *n > 0) {
        command(
            "notice",
            path,
            "cut",
            &format!("{} not annotated", count(rest, "more gap")),
            out,
        )?;
    }
    Ok(())
}

fn place(path: &str, finding: &Finding) -> String {
    match finding.primary.to_string() {
        inner if inner.is_empty() => path.to_owned(),
        inner => format!("{path}!/{inner}"),
    }
}

fn told(finding: &Finding) -> String {
    let ids: Vec<&str> = finding
        .advisory
        .iter()
        .chain(&finding.aliases)
        .map(|id| &**id)
        .collect();
    let ids = if ids.is_empty() {
        String::new()
    } else {
        format!("{}: ", ids.join(" "))
    };
    let fixed = match &*finding.fixed_in {
        [] => String::new(),
        versions => format!("; fixed in {}", versions.join(", ")),
    };
    format!("{ids}{}{fixed}", finding.message)
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    }
}

fn write_gap(path: &str, gap: &Gap, out: &mut dyn Write) -> io::Result<()> {
    let level = match gap.kind {
        GapKind::Blind => "warning",
        GapKind::Partial => "notice",
    };
    let message = match gap.location.to_string() {
        place if place.is_empty() => gap.reason.clone(),
        place => format!("{place}: {}", gap.reason),
    };
    command(level, path, &format!("{} gap", gap.kind.as_str()), &message, out)
}

fn command(level: &str, file: &str, title: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    raw(level, file, title, &annotation(message), out)
}

/// `message` is escaped already.
fn raw(level: &str, file: &str, title: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    let title = annotation_property(title);
    if file.is_empty() || file == "-" {
        writeln!(out, "::{level} title=plimsoll%3A {title}::{message}")
    } else {
        writeln!(
            out,
            "::{level} file={},title=plimsoll%3A {title}::{message}",
            annotation_property(file)
        )
    }
}
