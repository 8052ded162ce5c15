//! For people: findings by component, worst first, then gaps, then one line that says what was looked at and what was not.

use super::{
    Artifact, Report, Reporter, Style,
    words::{self, count, size},
};
use crate::{
    escape::{self, terminal},
    model::{Coordinate, Coverage, Decision, Finding, GapKind, Ignored, Level, Step},
};
use anstyle::{AnsiColor, Style as Ansi};
use std::io::{self, Write};

pub(super) struct Text;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();

/// Gaps of one artifact that are listed before the rest is counted, unless all are asked for.
const GAPS_SHOWN: usize = 12;

/// Steps of the plan that are listed unless all are asked for.
const STEPS_SHOWN: usize = 10;

impl Reporter for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn purpose(&self) -> &'static str {
        "for people (the default, on standard output)"
    }

    fn write(&self, report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
        let mut page = Page {
            out,
            width: style.width.clamp(40, 120),
        };
        for artifact in &report.artifacts {
            write_artifact(&mut page, artifact, report, style.verbose)?;
        }
        write_plan(&mut page, &report.plan, style.verbose)?;
        write_summary(&mut page, report)
    }
}

/// Lines of a bounded width.
struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
}

impl Page<'_> {
    /// Untrusted text, escaped and wrapped; `lead` stands before the first line, its width in blanks before the others.
    fn text(&mut self, indent: usize, lead: &str, lead_style: Ansi, text: &str, style: Ansi) -> io::Result<()> {
        let room = self.width.saturating_sub(indent + lead.chars().count()).max(16);
        let text = terminal(text);
        // Ids and paths hold hyphens that are no place to break.
        let options = textwrap::Options::new(room).word_splitter(textwrap::WordSplitter::NoHyphenation);
        for (i, line) in textwrap::wrap(&text, options).iter().enumerate() {
            let lead: String = if i == 0 {
                lead.to_owned()
            } else {
                " ".repeat(lead.chars().count())
            };
            let line = escape::line(line);
            writeln!(
                self.out,
                "{:indent$}{lead_style}{lead}{lead_style:#}{style}{line}{style:#}",
                ""
            )?;
        }
        Ok(())
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }
}

fn write_artifact(page: &mut Page<'_>, artifact: &Artifact, report: &Report, verbose: bool) -> io::Result<()> {
    let about = format!(
        "  {}, {}, {}",
        artifact.kind,
        size(artifact.size),
        count(artifact.inventory.len(), "package")
    );
    page.text(0, "", BOLD, &format!("{}{about}", artifact.path), BOLD)?;
    page.blank()?;
    if verbose {
        for component in artifact.inventory.iter() {
            let proof = component.proof().as_str();
            page.text(2, "", DIM, &format!("{}  {proof}", name(&component.coordinate)), DIM)?;
        }
        page.blank()?;
    }
    for group in by_subject(&artifact.findings) {
        write_subject(page, &group, verbose)?;
    }
    if artifact.findings.is_empty() && artifact.ignored.is_empty() {
        page.text(2, "", DIM, &words::nothing(artifact, report), Ansi::new())?;
        page.blank()?;
    }
    write_ignored(page, &artifact.ignored)?;
    write_coverage(page, &artifact.coverage, verbose)?;
    write_gaps(page, artifact, verbose)
}

fn write_ignored(page: &mut Page<'_>, all: &[Ignored]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    page.text(2, "", BOLD, "ignored", BOLD)?;
    for Ignored { finding, decision } in all {
        let what = finding.advisory.as_deref().unwrap_or(finding.rule.id);
        let of = finding
            .subject
            .as_ref()
            .map(|s| format!("  {}", name(s)))
            .unwrap_or_default();
        page.text(
            4,
            &format!("{:<13}", label(finding).0),
            DIM,
            &format!("{what}{of}"),
            Ansi::new(),
        )?;
        page.text(17, "", DIM, &because(decision), DIM)?;
    }
    page.blank()
}

fn because(decision: &Decision) -> String {
    let until = decision
        .expires
        .as_ref()
        .map(|day| format!(", until {day}"))
        .unwrap_or_default();
    format!("{} ({}{until})", decision.reason, decision.place)
}

/// One line for all bundles, or one for each.
fn write_coverage(page: &mut Page<'_>, bundles: &[Coverage], verbose: bool) -> io::Result<()> {
    if bundles.is_empty() {
        return Ok(());
    }
    let sum = |of: fn(&Coverage) -> usize| bundles.iter().map(of).sum::<usize>();
    let line = |[bytes, components, application, unidentified]: [usize; 4]| {
        format!(
            "{} bundled: {} in packages, {} of the application, {} unidentified",
            size(bytes as u64),
            size(components as u64),
            size(application as u64),
            size(unidentified as u64)
        )
    };
    let all = [
        sum(|c| c.bytes),
        sum(|c| c.components),
        sum(|c| c.application),
        sum(|c| c.unidentified),
    ];
    page.text(2, "", DIM, &line(all), DIM)?;
    for c in bundles.iter().filter(|_| verbose) {
        let own = line([c.bytes, c.components, c.application, c.unidentified]);
        page.text(4, "", DIM, &format!("{}: {own}", c.location), DIM)?;
    }
    page.blank()
}

/// Findings by what they are about, in the order in which the worst of each comes.
fn by_subject(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for finding in findings {
        let at = *index.entry(finding.subject.as_ref()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(finding);
    }
    groups
}

fn write_subject(page: &mut Page<'_>, findings: &[&Finding], verbose: bool) -> io::Result<()> {
    let Some(first) = findings.first() else {
        return Ok(());
    };
    let title = first
        .subject
        .as_ref()
        .map_or_else(|| "the archive itself".to_owned(), name);
    page.text(2, "", BOLD, &title, BOLD)?;
    for finding in findings {
        let (word, colour) = label(finding);
        let ids: Vec<&str> = finding
            .advisory
            .iter()
            .chain(&finding.aliases)
            .map(|id| &**id)
            .collect();
        let lead = format!("{word:<13}");
        if !ids.is_empty() {
            let score = finding.score.map(|s| format!("  ({s:.1})")).unwrap_or_default();
            page.text(4, &lead, colour, &format!("{}{score}", ids.join(" ")), Ansi::new())?;
        }
        let lead = if ids.is_empty() { lead } else { " ".repeat(lead.len()) };
        page.text(4, &lead, colour, &finding.message, Ansi::new())?;
        if let Some(told) = words::exploited(&finding.triage) {
            page.text(17, "", DIM, &told, AnsiColor::Red.on_default())?;
        }
        if let Some(told) = words::epss(&finding.triage, verbose) {
            page.text(17, "", DIM, &told, DIM)?;
        }
        if finding.triage.known {
            page.text(17, "", DIM, "known: the baseline has it already", DIM)?;
        }
        for note in &finding.triage.notes {
            page.text(17, "", DIM, note, AnsiColor::Yellow.on_default())?;
        }
        // No upgrade mends intent.
        if finding.subject.is_some() && finding.level == Level::Error && finding.rule.id != "malicious" {
            let fixed = match finding.fixed_in.as_slice() {
                [] => "no fixed version is known".to_owned(),
                versions => format!("fixed in {}", versions.join(", ")),
            };
            page.text(17, "", DIM, &fixed, DIM)?;
        }
        if first.subject.is_none() {
            write_locations(page, &[finding], verbose)?;
        }
    }
    if first.subject.is_some() {
        write_locations(page, findings, verbose)?;
    }
    page.blank()
}

fn write_locations(page: &mut Page<'_>, findings: &[&Finding], verbose: bool) -> io::Result<()> {
    let mut locations: Vec<_> = findings
        .iter()
        .flat_map(|f| std::iter::once(&f.primary).chain(&f.related))
        .collect();
    let mut known = std::collections::HashSet::new();
    locations.retain(|l| !l.to_string().is_empty() && known.insert(*l));
    let shown = if verbose { locations.len() } else { 1 };
    for (i, location) in locations.iter().take(shown).enumerate() {
        let more = match locations.len().saturating_sub(shown) {
            0 => String::new(),
            n => format!(" and {}", count(n, "other place")),
        };
        let lead = if i == 0 { "in " } else { "   " };
        page.text(4, lead, DIM, &format!("{}{more}", terminal(&location.to_string())), DIM)?;
    }
    Ok(())
}

fn write_gaps(page: &mut Page<'_>, artifact: &Artifact, verbose: bool) -> io::Result<()> {
    let gaps = &artifact.gaps;
    if gaps.is_empty() {
        return Ok(());
    }
    page.text(2, "", BOLD, "not seen into", BOLD)?;
    let shown = if verbose { gaps.len() } else { GAPS_SHOWN };
    for gap in gaps.iter().take(shown) {
        let colour = match gap.kind {
            GapKind::Blind => AnsiColor::Red.on_default(),
            GapKind::Partial => AnsiColor::Yellow.on_default(),
        };
        let lead = format!("{:<13}", gap.kind.as_str());
        let place = gap.location.to_string();
        if place.is_empty() {
            page.text(4, &lead, colour, &gap.reason, Ansi::new())?;
        } else {
            page.text(4, &lead, colour, &place, Ansi::new())?;
            page.text(17, "", DIM, &gap.reason, DIM)?;
        }
        if let Some(decision) = artifact.accepted.get(gap) {
            page.text(17, "accepted: ", DIM, &because(decision), DIM)?;
        }
    }
    if let Some(rest) = gaps.len().checked_sub(shown).filter(|n| *n > 0) {
        page.text(
            4,
            "",
            DIM,
            &format!("and {} (--verbose lists all)", count(rest, "more gap")),
            DIM,
        )?;
    }
    page.blank()
}

/// One line a step.
fn write_plan(page: &mut Page<'_>, plan: &[Step], verbose: bool) -> io::Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    page.text(0, "", BOLD, "what to do first", BOLD)?;
    let shown = if verbose { plan.len() } else { STEPS_SHOWN };
    for step in plan.iter().take(shown) {
        let (word, line) = words::step(step);
        page.text(2, &format!("{word:<11}"), DIM, &line, Ansi::new())?;
    }
    if let Some(rest) = plan.len().checked_sub(shown).filter(|n| *n > 0) {
        page.text(
            2,
            "",
            DIM,
            &format!("and {} (--verbose lists all)", count(rest, "more step")),
            DIM,
        )?;
    }
    page.blank()
}

fn write_summary(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if let Some(used) = words::advisories(report) {
        page.text(0, "advisories   ", DIM, &used, Ansi::new())?;
    }
    for gap in &report.gaps {
        page.text(13, "", DIM, &gap.reason, AnsiColor::Yellow.on_default())?;
        if let Some(decision) = report.accepted.get(gap) {
            page.text(13, "accepted: ", DIM, &because(decision), DIM)?;
        }
    }
    for document in &report.rulings.documents {
        page.text(
            0,
            &format!("{:<13}", document.by.as_str()),
            DIM,
            &document.path,
            Ansi::new(),
        )?;
    }
    for remark in &report.rulings.remarks {
        let told = format!("{}: {}", remark.place, remark.message);
        page.text(13, "", DIM, &told, AnsiColor::Yellow.on_default())?;
    }
    let counts = report.counts();
    let looked = format!(
        "{} in {}",
        count(counts.components, "package"),
        count(report.artifacts.len(), "artifact")
    );
    page.text(0, "looked at    ", DIM, &looked, Ansi::new())?;
    let (found, unseen) = (words::found(report, counts), words::unseen(report, counts));
    page.text(0, "result       ", DIM, &format!("{found}; {unseen}"), BOLD)
}

fn label(finding: &Finding) -> (&'static str, Ansi) {
    let word = words::label(finding);
    let colour = match word {
        "malicious" | "critical" => AnsiColor::Red.on_default().bold(),
        "high" => AnsiColor::Red.on_default(),
        "low" | "none" | "note" => AnsiColor::Cyan.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    };
    (word, colour)
}

fn name(coordinate: &Coordinate) -> String {
    let version = coordinate.version.as_deref().unwrap_or("(version unknown)");
    format!("{} {version}  {}", coordinate.name, coordinate.ecosystem.0)
}
