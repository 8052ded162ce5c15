//! Markdown in GitHub's dialect, for a comment on a pull request or the summary of a CI job.
//!
//! A comment may have 65,536 characters, so the worst findings are listed and the others counted.

use super::{
    Artifact, Report, Reporter, Style,
    words::{self, Places, count},
};
use crate::{
    escape::{markdown, markdown_code},
    model::{Finding, Gap, Step},
};
use std::io::{self, Write};

pub(super) struct Markdown;

/// Findings of one artifact that are listed, and gaps.
const FINDINGS: usize = 50;
const GAPS: usize = 25;
/// Steps of the plan that are listed.
const STEPS: usize = 10;

impl Reporter for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn purpose(&self) -> &'static str {
        "Markdown, for a pull request's comment or a CI job's summary"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        let counts = report.counts();
        writeln!(out, "## plimsoll: {}\n", words::found(report, counts))?;
        writeln!(
            out,
            "{} in {}; {}.",
            count(counts.components, "package"),
            count(report.artifacts.len(), "artifact"),
            words::unseen(report, counts)
        )?;
        if let Some(used) = words::advisories(report) {
            writeln!(out, "Advisories: {}.", markdown(&used))?;
        }
        let places = Places::of(report);
        for failure in &report.failures {
            writeln!(
                out,
                "\n> **Not read:** {}: {}",
                markdown_code(places.show(&failure.path)),
                markdown(&failure.message)
            )?;
        }
        write_plan(&report.plan, out)?;
        for artifact in &report.artifacts {
            write_artifact(artifact, report, &places, out)?;
        }
        write_gaps("Gaps of the run", &report.gaps, out)
    }
}

fn write_plan(plan: &[Step], out: &mut dyn Write) -> io::Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**What to do first**\n")?;
    for step in plan.iter().take(STEPS) {
        let (word, line) = words::step(step);
        writeln!(out, "1. **{word}**: {}", markdown(&line))?;
    }
    if let Some(rest) = plan.len().checked_sub(STEPS).filter(|n| *n > 0) {
        writeln!(out, "\n{} not listed here.", count(rest, "more step"))?;
    }
    Ok(())
}

fn write_artifact(artifact: &Artifact, report: &Report, places: &Places, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n### {}\n\n{}, {}, {}",
        markdown_code(places.show(&artifact.path)),
        artifact.kind,
        words::size(artifact.size),
        count(artifact.inventory.len(), "package")
    )?;
    if artifact.findings.is_empty() {
        writeln!(out, "\n{}", words::nothing(artifact, report))?;
    } else {
        writeln!(out, "\n| | package | what | fixed in | where |\n|---|---|---|---|---|")?;
        for finding in artifact.findings.iter().take(FINDINGS) {
            writeln!(out, "{}", row(finding))?;
        }
        if let Some(rest) = artifact.findings.len().checked_sub(FINDINGS).filter(|n| *n > 0) {
            writeln!(out, "\n{} not listed here.", count(rest, "more finding"))?;
        }
    }
    if !artifact.ignored.is_empty() {
        let summary = count(artifact.ignored.len(), "ignored finding");
        writeln!(
            out,
            "\n<details><summary>{summary}</summary>\n\n| package | what | why | who |\n|---|---|---|---|"
        )?;
        for ignored in artifact.ignored.iter().take(FINDINGS) {
            let (subject, what) = (subject(&ignored.finding), what(&ignored.finding));
            let decision = &ignored.decision;
            writeln!(
                out,
                "| {subject} | {what} | {} | {} |",
                markdown(&decision.reason),
                markdown_code(&decision.place)
            )?;
        }
        if let Some(rest) = artifact.ignored.len().checked_sub(FINDINGS).filter(|n| *n > 0) {
            writeln!(out, "\n{} not listed here.", count(rest, "more"))?;
        }
        writeln!(out, "\n</details>")?;
    }
    write_gaps("Not seen into", &artifact.gaps, out)
}

fn row(finding: &Finding) -> String {
    let place = finding.primary.to_string();
    let more = match finding.related.len() {
        0 => String::new(),
        n => format!(" and {}", count(n, "other place")),
    };
    let place = if place.is_empty() {
        "the archive".to_owned()
    } else {
        markdown_code(&place)
    };
    let fixed: Vec<String> = finding.fixed_in.iter().map(|v| markdown_code(v)).collect();
    format!(
        "| **{}** | {} | {} | {} | {place}{more} |",
        words::label(finding),
        subject(finding),
        what(finding),
        fixed.join(", ")
    )
}

fn subject(finding: &Finding) -> String {
    match &finding.subject {
        None => "the archive itself".to_owned(),
        Some(c) => markdown_code(&format!(
            "{} {}",
            c.name,
            c.version.as_deref().unwrap_or("(version unknown)")
        )),
    }
}

fn what(finding: &Finding) -> String {
    let ids = finding
        .advisory
        .iter()
        .chain(&finding.aliases)
        .map(|id| markdown_code(id));
    let ids: Vec<String> = ids.collect();
    let lead = if ids.is_empty() {
        String::new()
    } else {
        format!("{} ", ids.join(" "))
    };
    let used = words::exploited(&finding.triage).map_or_else(String::new, |told| format!("; **{}**", markdown(&told)));
    format!("{lead}{}{used}", markdown(&finding.message))
}

fn write_gaps(title: &str, gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n<details><summary>{title}: {}</summary>\n",
        count(gaps.len(), "gap")
    )?;
    for gap in gaps.iter().take(GAPS) {
        let place = gap.location.to_string();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" {}", markdown_code(&place))
        };
        writeln!(out, "- **{}**{place}: {}", gap.kind.as_str(), markdown(&gap.reason))?;
    }
    if let Some(rest) = gaps.len().checked_sub(GAPS).filter(|n| *n > 0) {
        writeln!(out, "- and {}", count(rest, "more"))?;
    }
    writeln!(out, "\n</details>")
}
