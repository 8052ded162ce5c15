//! The lists of the page: findings, what is ignored, components, gaps, artifacts.

use super::bar;
use crate::{
    escape::html,
    model::{Component, Coordinate, Finding, Gap, Level, Location, Severity},
    parse::licence::Licence,
    report::{
        Artifact, Report, sbom,
        words::{self, Places, count, size},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    io::{self, Write},
};

/// Places of one row that are listed.
const PLACES: usize = 50;
/// Steps of the plan that are seen at once.
const STEPS: usize = 10;
/// Rows from which a list leaves those out of sight to be laid out when they are scrolled to; fewer are quick as they are,
/// and all there for whatever takes a picture of the whole page.
const MANY: usize = 1_000;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    failures(report, out)?;
    plan(report, out)?;
    findings(report, out)?;
    ignored(report, out)?;
    gaps(report, out)?;
    components(report, out)?;
    artifacts(report, out)
}

/// A column of a list: its heading, and which end comes first when it is sorted.
type Column = (&'static str, Option<&'static str>);

const UP: Option<&str> = Some("ascending");
const DOWN: Option<&str> = Some("descending");

/// Heading, tools and the row of column names. Chips are the values of a row's kind that there are.
fn open(
    (id, title, unit, n): (&str, &str, &str, usize),
    (class, columns): (&str, &[Column]),
    chips: &[&str],
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, r#"<section id="{id}" data-list>"#)?;
    writeln!(out, r#"<div class="bar"><h2>{title}</h2><div class="tools">"#)?;
    if chips.len() > 1 {
        for chip in chips {
            let chip = html(chip);
            writeln!(
                out,
                r#"<button class="key" type="button" aria-pressed="false" data-chip="{chip}">{chip}</button>"#
            )?;
        }
    }
    let shown = format!("{n} {}", if n == 1 { unit.trim_end_matches('s') } else { unit });
    if report.artifacts.len() > 1 {
        let shown_as = Places::of(report);
        write!(
            out,
            r#"<select aria-label="artifact"><option value="">all artifacts</option>"#
        )?;
        for (i, artifact) in report.artifacts.iter().enumerate() {
            write!(
                out,
                r#"<option value="{i}">{}</option>"#,
                html(shown_as.show(&artifact.path))
            )?;
        }
        writeln!(out, "</select>")?;
    }
    writeln!(
        out,
        r#"<input type="search" placeholder="Filter {unit}" aria-label="Filter {unit}" autocomplete="off" spellcheck="false"></div><span class="n" data-unit="{unit}" role="status">{shown}</span></div>"#
    )?;
    writeln!(
        out,
        r#"<div class="t{}" role="table" aria-label="{title}"><div class="r h {class}" role="row">"#,
        if n > MANY { " many" } else { "" }
    )?;
    for (name, first) in columns {
        match first {
            Some(first) => writeln!(
                out,
                r#"<div role="columnheader" data-first="{first}"><button type="button">{name}</button></div>"#
            )?,
            None => writeln!(out, r#"<div role="columnheader">{name}</div>"#)?,
        }
    }
    writeln!(out, "</div>")
}

fn close(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "</div>\n</section>")
}

fn failures(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.failures.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section><div class="bar"><h2>Not read</h2></div><div class="t">"#
    )?;
    let places = Places::of(report);
    for failure in &report.failures {
        let (path, message) = (html(places.show(&failure.path)), html(&failure.message));
        writeln!(
            out,
            r#"<div class="r g"><div class="s blind">failed</div><div><code>{path}</code></div><div>{message}</div></div>"#
        )?;
    }
    writeln!(out, "</div></section>")
}

fn plan(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.plan.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section id="plan"><div class="bar"><h2>What to do first</h2></div><ol class="do">"#
    )?;
    for (i, step) in report.plan.iter().enumerate() {
        if i == STEPS {
            let more = count(report.plan.len() - STEPS, "more step");
            writeln!(
                out,
                r#"</ol><details class="more"><summary>{more}</summary><ol class="do">"#
            )?;
        }
        let (word, line) = words::step(step);
        let class = if word == "exploited" { "critical" } else { word };
        writeln!(
            out,
            r#"<li><span class="s {class}">{word}</span><span>{}</span></li>"#,
            html(&line)
        )?;
    }
    let end = if report.plan.len() > STEPS {
        "</ol></details>"
    } else {
        "</ol>"
    };
    writeln!(out, "{end}</section>")
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let all: Vec<(usize, &Artifact, &Finding)> = each(report, |a| &a.findings);
    if report.advisories.is_none() {
        return Ok(());
    }
    if all.is_empty() {
        writeln!(
            out,
            r#"<section id="findings"><div class="bar"><h2>Findings</h2></div><div class="t">"#
        )?;
        for artifact in &report.artifacts {
            writeln!(
                out,
                r#"<p class="empty">{}</p>"#,
                html(&words::nothing(artifact, report))
            )?;
        }
        return writeln!(out, "</div></section>");
    }
    let mut labels: Vec<&str> = Vec::new();
    for (.., finding) in &all {
        let label = words::label(finding);
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let columns = [
        ("Severity", DOWN),
        ("Package", UP),
        ("Finding", UP),
        ("Fixed in", UP),
        ("Where", UP),
    ];
    open(
        ("findings", "Findings", "findings", all.len()),
        ("f", &columns),
        &labels,
        report,
        out,
    )?;
    for (at, artifact, finding) in all {
        let label = words::label(finding);
        let score = finding
            .score
            .map(|s| format!("<small>{s:.1}</small>"))
            .unwrap_or_default();
        writeln!(
            out,
            r#"<div class="r f" role="row" data-k="{label}" data-a="{at}"><div role="cell" class="s {label}" data-o="{}">{label}{score}</div><div role="cell">{}</div><div role="cell">{}</div><div role="cell" class="v" data-l="fixed in">{}</div><div role="cell" class="w" data-l="in">{}</div></div>"#,
            rank(finding),
            subject(finding, artifact),
            what(finding),
            finding.fixed_in.iter().map(|v| html(v)).collect::<Vec<_>>().join(", "),
            places(&mut std::iter::once(&finding.primary).chain(&finding.related)),
        )?;
    }
    close(out)
}

/// Every item of every artifact, the artifacts in turn; of one artifact the worst comes first.
fn each<'r, T>(report: &'r Report, of: fn(&'r Artifact) -> &'r Vec<T>) -> Vec<(usize, &'r Artifact, &'r T)> {
    let artifacts = report.artifacts.iter().enumerate();
    artifacts
        .flat_map(|(at, a)| of(a).iter().map(move |item| (at, a, item)))
        .collect()
}

/// Level, severity and score in one number that sorts.
fn rank(finding: &Finding) -> usize {
    let level = match finding.level {
        Level::Error => 2,
        Level::Warning => 1,
        Level::Note => 0,
    };
    let severity = match finding.severity {
        Some(Severity::Critical) => 4,
        Some(Severity::High) => 3,
        Some(Severity::Medium) => 2,
        Some(Severity::Low) => 1,
        Some(Severity::None) | None => 0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
    let tenths = (finding.score.unwrap_or_default() * 10.0) as usize;
    level * 10_000 + severity * 1_000 + tenths.min(999)
}

fn subject(finding: &Finding, artifact: &Artifact) -> String {
    let Some(coordinate) = &finding.subject else {
        return r#"<span class="k">the archive itself</span>"#.to_owned();
    };
    let direct = artifact.inventory.get(coordinate).is_some_and(sbom::is_direct);
    format!(
        "{}{}",
        name(coordinate),
        if direct { ", direct</span>" } else { "</span>" }
    )
}

/// Leaves the last element open.
fn name(coordinate: &Coordinate) -> String {
    let version = coordinate.version.as_deref().unwrap_or("version unknown");
    format!(
        r#"<span class="k">{}</span> <span class="v">{}</span><span class="sub">{}"#,
        html(&coordinate.name),
        html(version),
        coordinate.ecosystem.0
    )
}

fn what(finding: &Finding) -> String {
    let mut text = String::new();
    let ids = finding.advisory.iter().map(|id| {
        let url = sbom::advisory_url(id);
        format!(r#"<a href="{}" rel="noreferrer">{}</a>"#, html(&url), html(id))
    });
    let aliases = finding.aliases.iter().map(|id| html(id).into_owned());
    let ids: Vec<String> = ids.chain(aliases).collect();
    let _ = write!(text, "{}", html(&finding.message));
    if ids.is_empty() {
        let _ = write!(text, r#"<span class="ids"><span>{}</span></span>"#, finding.rule.id);
    } else {
        let ids = ids.join("</span><span>");
        let _ = write!(text, r#"<span class="ids"><span>{ids}</span></span>"#);
    }
    let used = words::exploited(&finding.triage).into_iter();
    for told in used.chain(words::epss(&finding.triage, false)) {
        let _ = write!(text, r#"<span class="sub k">{}</span>"#, html(&told));
    }
    for note in &finding.triage.notes {
        let _ = write!(text, r#"<span class="sub">{}</span>"#, html(note));
    }
    text
}

fn places(locations: &mut dyn Iterator<Item = &Location>) -> String {
    let mut known = BTreeSet::new();
    let mut all: Vec<String> = Vec::new();
    for location in locations {
        let text = location.to_string();
        if known.insert(location) && !text.is_empty() {
            all.push(text);
        }
    }
    let Some((first, others)) = all.split_first() else {
        return String::new();
    };
    let mut text = format!("<code>{}</code>", html(first));
    if !others.is_empty() {
        let _ = write!(
            text,
            "<details><summary>and {}</summary><ul>",
            count(others.len(), "other place")
        );
        for place in others.iter().take(PLACES) {
            let _ = write!(text, "<li><code>{}</code></li>", html(place));
        }
        if let Some(rest) = others.len().checked_sub(PLACES).filter(|n| *n > 0) {
            let _ = write!(text, "<li>and {rest} more</li>");
        }
        text.push_str("</ul></details>");
    }
    text
}

fn ignored(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let all = each(report, |a| &a.ignored);
    if all.is_empty() {
        return Ok(());
    }
    let columns = [
        ("Package", UP),
        ("Finding", UP),
        ("Why it does not count", UP),
        ("Who says so", UP),
    ];
    open(
        ("ignored", "Ignored", "ignored", all.len()),
        ("i", &columns),
        &[],
        report,
        out,
    )?;
    for (at, artifact, ignored) in all {
        let decision = &ignored.decision;
        let until = decision
            .expires
            .as_ref()
            .map(|day| format!(r#"<span class="sub">until {}</span>"#, html(day)));
        writeln!(
            out,
            r#"<div class="r i" role="row" data-k="" data-a="{at}"><div role="cell">{}</div><div role="cell">{}</div><div role="cell">{}</div><div role="cell" class="w"><code>{}</code><span class="sub">{}</span>{}</div></div>"#,
            subject(&ignored.finding, artifact),
            what(&ignored.finding),
            html(&decision.reason),
            html(&decision.place),
            decision.status.as_str(),
            until.unwrap_or_default(),
        )?;
    }
    close(out)
}

fn gaps(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let of_run = report.gaps.iter().map(|gap| (None, gap, report.accepted.get(gap)));
    let of_artifacts = each(report, |a| &a.gaps);
    let of_artifacts = of_artifacts
        .into_iter()
        .map(|(at, a, gap)| (Some(at), gap, a.accepted.get(gap)));
    let all: Vec<_> = of_run.chain(of_artifacts).collect();
    if all.is_empty() {
        return Ok(());
    }
    let columns = [("Gap", UP), ("Where", UP), ("What could not be seen", UP)];
    let kinds: BTreeSet<&str> = all.iter().map(|(_, gap, _)| gap.kind.as_str()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    open(
        ("gaps", "Not seen into", "gaps", all.len()),
        ("g", &columns),
        &kinds,
        report,
        out,
    )?;
    for (at, gap, accepted) in all {
        let because = accepted.map(|d| format!(r#"<span class="sub">accepted: {}</span>"#, html(&d.reason)));
        let at = at.map_or_else(String::new, |at| at.to_string());
        let kind = gap.kind.as_str();
        writeln!(
            out,
            r#"<div class="r g" role="row" data-k="{kind}" data-a="{at}"><div role="cell" class="s {kind}">{kind}</div><div role="cell" class="w">{}</div><div role="cell">{}{}</div></div>"#,
            place(gap),
            html(&gap.reason),
            because.unwrap_or_default()
        )?;
    }
    close(out)
}

fn place(gap: &Gap) -> String {
    match gap.location.to_string() {
        text if text.is_empty() => gap.stage.to_owned(),
        text => format!(r#"<code>{}</code><span class="sub">{}</span>"#, html(&text), gap.stage),
    }
}

fn components(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let all: Vec<(usize, &Artifact, &Component)> = report
        .artifacts
        .iter()
        .enumerate()
        .flat_map(|(at, a)| a.inventory.iter().map(move |c| (at, a, c)))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let mut found: Vec<HashMap<&Coordinate, Vec<&Finding>>> = report.artifacts.iter().map(|_| HashMap::new()).collect();
    for (at, _, finding) in each(report, |a| &a.findings) {
        if let Some(subject) = &finding.subject {
            found[at].entry(subject).or_default().push(finding);
        }
    }
    let ecosystems: BTreeSet<&str> = all.iter().map(|(.., c)| c.coordinate.ecosystem.0).collect();
    let ecosystems: Vec<&str> = ecosystems.into_iter().collect();
    let columns = [
        ("Package", UP),
        ("Version", UP),
        ("From", UP),
        ("Findings", DOWN),
        ("Proof", DOWN),
        ("Licence", UP),
        ("Evidence", UP),
    ];
    open(
        ("components", "Components", "packages", all.len()),
        ("c", &columns),
        &ecosystems,
        report,
        out,
    )?;
    for (at, _, component) in all {
        let c = &component.coordinate;
        let of = found[at].get(c).map_or(&[][..], |f| f);
        let worst = of.first().map_or_else(String::new, |f| {
            format!(r#"<span class="s {}">{}</span>"#, words::label(f), of.len())
        });
        let licences = sbom::licences(component);
        let licences: Vec<_> = licences.iter().map(Licence::as_str).map(html).collect();
        let direct = if sbom::is_direct(component) {
            r#" <span class="tag">direct</span>"#
        } else {
            ""
        };
        writeln!(
            out,
            r#"<div class="r c" role="row" data-k="{eco}" data-a="{at}"><div role="cell" data-o="{name}"><span class="k">{name}</span>{direct}</div><div role="cell" class="v">{}</div><div role="cell" class="w">{eco}</div><div role="cell" data-o="{}">{worst}</div><div role="cell" class="w" data-o="{}">{}</div><div role="cell" class="w">{}</div><div role="cell" class="w wide">{}</div></div>"#,
            c.version.as_deref().map_or_else(|| "unknown".into(), html),
            of.iter().map(|f| rank(f)).max().unwrap_or_default(),
            component.proof() as u8,
            component.proof().as_str(),
            licences.join(", "),
            evidence(component),
            eco = c.ecosystem.0,
            name = html(&c.name),
        )?;
    }
    close(out)
}

fn evidence(component: &Component) -> String {
    let mut detectors: BTreeMap<&str, usize> = BTreeMap::new();
    for e in &component.evidence {
        *detectors.entry(e.detector).or_default() += 1;
    }
    let by: Vec<&str> = detectors.into_keys().collect();
    format!(
        r#"{}<span class="sub">{}</span>"#,
        places(&mut component.evidence.iter().map(|e| &e.location)),
        by.join(", ")
    )
}

fn artifacts(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.artifacts.is_empty() {
        return Ok(());
    }
    let columns = [
        ("Artifact", UP),
        ("Packages", DOWN),
        ("Size", DOWN),
        ("Findings", DOWN),
        ("Bundled code", UP),
    ];
    open(
        ("artifacts", "Artifacts", "artifacts", report.artifacts.len()),
        ("p", &columns),
        &[],
        report,
        out,
    )?;
    let places = Places::of(report);
    for (at, artifact) in report.artifacts.iter().enumerate() {
        let digest = artifact
            .sha256
            .as_ref()
            .map(|d| format!(r#"<span class="sub m">sha256:{d}</span>"#));
        write!(
            out,
            r#"<div class="r p" role="row" data-k="" data-a="{at}"><div role="cell"><span class="k">{}</span>{}</div><div role="cell" data-l="packages">{}</div><div role="cell" class="w" data-o="{}">{}, {}</div><div role="cell" data-o="{}">"#,
            html(places.show(&artifact.path)),
            digest.unwrap_or_default(),
            artifact.inventory.len(),
            artifact.size,
            size(artifact.size),
            artifact.kind,
            artifact.findings.first().map_or(0, rank),
        )?;
        let mut by_label: Vec<(&str, usize)> = Vec::new();
        for finding in &artifact.findings {
            let label = words::label(finding);
            match by_label.last_mut() {
                Some((last, n)) if *last == label => *n += 1,
                _ => by_label.push((label, 1)),
            }
        }
        for (label, n) in by_label {
            write!(out, r#"<span class="s {label}">{n} <small>{label}</small></span> "#)?;
        }
        write!(out, r#"</div><div role="cell" class="w">"#)?;
        coverage(artifact, out)?;
        writeln!(out, "</div></div>")?;
    }
    close(out)
}

fn coverage(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    let sum = |of: fn(&crate::model::Coverage) -> usize| artifact.coverage.iter().map(of).sum::<usize>();
    let (packages, own, unknown) = (sum(|c| c.components), sum(|c| c.application), sum(|c| c.unidentified));
    if packages + own + unknown == 0 {
        return Ok(());
    }
    write!(out, r#"<div class="cover">"#)?;
    bar(&[("a", packages), ("b", own), ("u", unknown)], out)?;
    write!(
        out,
        "{} in packages, {} own, {} unidentified</div>",
        size(packages as u64),
        size(own as u64),
        size(unknown as u64)
    )
}
