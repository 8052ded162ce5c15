//! One self-contained page: no script, style, font or image from elsewhere, and a policy that forbids any.
//!
//! Every row is there as HTML, so that the page can be read, searched and printed without its script; the script only sorts
//! and filters. Rows out of sight are not laid out (`content-visibility`), which keeps ten thousand of them quick.

use super::{
    Report, Reporter, Style,
    words::{self, Places, SEVERITIES, count},
};
use crate::{
    escape::html,
    model::{Finding, Level, Severity},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

mod lists;

pub(super) struct Html;

/// How every page of ours looks.
pub(crate) const CSS: &str = include_str!("html/page.css");
const JS: &str = include_str!("html/page.js");

/// The mark on a ship's hull.
pub(crate) const MARK: &str = r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true"><circle cx="12" cy="12" r="7"/><path d="M1.5 12h21"/></svg>"#;

impl Reporter for Html {
    fn id(&self) -> &'static str {
        "html"
    }

    fn purpose(&self) -> &'static str {
        "one self-contained page for people: sort, filter, print; it loads nothing from anywhere"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        head(report, out)?;
        writeln!(out, "<main>")?;
        chart(report, out)?;
        lists::write(report, out)?;
        writeln!(out, "</main>")?;
        foot(report, out)
    }
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let counts = report.counts();
    let subject = match &*report.artifacts {
        [one] => Places::of(report).show(&one.path).to_owned(),
        several => count(several.len(), "artifact"),
    };
    let found = words::found(report, counts);
    let worst = report
        .artifacts
        .iter()
        .flat_map(|a| &a.findings)
        .next()
        .map_or("clear", words::label);
    write!(
        out,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="plimsoll {}">
<title>{} · plimsoll</title>
<style>{CSS}</style>
</head>
<body>
<header>
<div class="top">{MARK}<b>plimsoll</b><button class="key" id="theme" type="button">Light / dark</button></div>
<h1 class="{worst}"><em>{}</em> in {}</h1>
<p class="lead">{} in {}; {}.{}</p>
</header>
"#,
        hash(CSS),
        hash(JS),
        env!("CARGO_PKG_VERSION"),
        html(&subject),
        html(&sentence(&found)),
        html(&subject),
        count(counts.components, "package"),
        count(report.artifacts.len(), "artifact"),
        words::unseen(report, counts),
        words::advisories(report).map_or_else(String::new, |used| format!(" Advisories: {}.", html(&used))),
    )
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Findings of level error by severity, as one bar; beside it what else was counted.
fn chart(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counts = report.counts();
    let findings: Vec<&Finding> = report.artifacts.iter().flat_map(|a| &a.findings).collect();
    let errors = |severity: Option<Severity>| {
        let of = |f: &&&Finding| f.level == Level::Error && f.severity == severity;
        findings.iter().filter(of).count()
    };
    let mut parts: Vec<(&str, usize)> = SEVERITIES
        .into_iter()
        .map(|severity| (severity.map_or("unrated", Severity::as_str), errors(severity)))
        .filter(|(name, n)| *n > 0 || matches!(*name, "critical" | "high" | "medium" | "low"))
        .collect();
    parts.push(("warning", counts.warnings + counts.notes));
    writeln!(out, r#"<figure class="chart" aria-label="findings by severity">"#)?;
    bar(&parts, out)?;
    writeln!(out, r#"<ul class="legend">"#)?;
    for (name, n) in &parts {
        let said = if *name == "warning" { "warnings and notes" } else { name };
        legend(name, said, *n, out)?;
    }
    legend("apart partial", "partial gaps", counts.partial, out)?;
    legend("apart blind", "blind gaps", counts.blind, out)?;
    if counts.ignored > 0 {
        legend("apart none", "ignored", counts.ignored, out)?;
    }
    writeln!(out, "</ul>\n</figure>")
}

fn legend(class: &str, said: &str, n: usize, out: &mut dyn Write) -> io::Result<()> {
    let zero = if n == 0 { " zero" } else { "" };
    writeln!(out, r#"<li class="{class}{zero}"><b>{n}</b><span>{said}</span></li>"#)
}

/// Shares of a whole, each in the colour of its class. Widths are attributes: the policy of the page takes no inline styles.
fn bar(parts: &[(&str, usize)], out: &mut dyn Write) -> io::Result<()> {
    let all: usize = parts.iter().map(|(_, n)| n).sum();
    write!(
        out,
        r#"<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">"#
    )?;
    let mut at = 0;
    for (class, n) in parts.iter().filter(|(_, n)| *n > 0) {
        // A hairline of the background parts the shares; what is there stays visible however small it is.
        let width = (n.saturating_mul(1000) / all.max(1)).max(4);
        write!(
            out,
            r#"<rect class="{class}" x="{at}" width="{}" height="10"/>"#,
            width.saturating_sub(2)
        )?;
        at += width;
    }
    writeln!(out, "</svg>")
}

fn foot(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<footer>\n<p>Made by plimsoll {} from the artifact alone. What could not be seen into is listed as a gap: a short list \
         is not a clean one.</p>\n<dl>",
        env!("CARGO_PKG_VERSION")
    )?;
    let mut line = |name: &str, value: &str| writeln!(out, "<dt>{name}</dt><dd>{}</dd>", html(value));
    if let Some(a) = &report.advisories {
        line(
            "advisories",
            &format!("{}, {} records, newest change {}", a.source, a.records, a.generated),
        )?;
        line("their digest", &a.digest)?;
    }
    for document in &report.rulings.documents {
        line(
            document.by.as_str(),
            &format!("{} (sha256:{})", document.path, document.sha256),
        )?;
    }
    if let Some(time) = report.created {
        line("time", &humantime::format_rfc3339_seconds(time).to_string())?;
    }
    line("exit code", &report.exit_code.to_string())?;
    writeln!(out, "</dl>\n</footer>\n<script>{JS}</script>\n</body>\n</html>")
}
