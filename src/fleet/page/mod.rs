//! One self-contained page over the whole store: no script, style, font or image from elsewhere, and a policy that forbids any.
//!
//! The first screen is HTML, made here; the long tables are drawn by the script from data that the page carries, some dozen
//! rows at a time, because ten thousand rows of HTML take a browser seconds. Text from the store reaches the document through
//! [`html`] here and through `textContent` there, and in no other way.

mod chart;
pub mod data;
mod json;

use crate::{
    escape::html,
    report::{MARK, PAGE_CSS},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use data::{KINDS, Overview, Shown, Upgrade};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
/// Upgrades and functions to start with.
const FIRST: usize = 12;
/// Gaps, failures: rows of lists that are HTML.
const LISTED: usize = 200;

/// The page's data as JSON.
#[must_use]
pub fn json(overview: &Overview) -> Value {
    json::of(overview)
}

/// The policy of the page. A `live` one may ask the server that it came from whether there is news.
#[must_use]
pub fn policy(live: bool) -> String {
    let hash = |parts: &[&str]| {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part.as_bytes());
        }
        BASE64_STANDARD.encode(sha.finalize())
    };
    let (style, script) = (hash(&[PAGE_CSS, CSS]), hash(&[JS]));
    let connect = if live { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'{connect}; base-uri 'none'; form-action 'none'"
    )
}

/// Writes the page. `state` is what a live page compares with the server's.
///
/// # Errors
/// When the writer fails.
pub fn write(overview: &Overview, made: &str, state: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    head(overview, made, state, out)?;
    writeln!(out, "<main>")?;
    chart::write(overview, out)?;
    start(overview, out)?;
    tables(overview, out)?;
    gaps(overview, out)?;
    failures(overview, out)?;
    writeln!(out, "</main>")?;
    foot(overview, made, out)?;
    writeln!(
        out,
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>{JS}</script>\n</body>\n</html>",
        json::embedded(&json::of(overview))
    )
}

fn head(overview: &Overview, made: &str, state: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let open = overview.open();
    let errors: u64 = open[..5].iter().sum();
    let worst = KINDS
        .iter()
        .zip(open)
        .find(|(_, n)| *n > 0)
        .map_or("clear", |(kind, _)| kind);
    let functions = count(overview.functions.len() as u64, "function");
    let live = state.map_or_else(String::new, |state| format!(" data-state=\"{}\"", html(state)));
    write!(
        out,
        r#"<!doctype html>
<html lang="en"{live}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="plimsoll {}">
<title>{functions} · plimsoll</title>
<style>{PAGE_CSS}{CSS}</style>
</head>
<body>
<header>
<div class="top">{MARK}<b>plimsoll</b><button class="key" id="news" type="button" hidden>There is news: load it</button><button class="key" id="theme" type="button">Light / dark</button></div>
<h1 class="{worst}"><em>{}</em> in {} of {functions}</h1>
<p class="lead">{} in {}. {} As of {}.</p>
</header>
"#,
        policy(state.is_some()),
        env!("CARGO_PKG_VERSION"),
        sentence(errors),
        digits(overview.affected() as u64),
        count(overview.components.len() as u64, "package version"),
        count(overview.contents.len() as u64, "distinct artifact"),
        seen(overview),
        html(made),
    )
}

fn sentence(errors: u64) -> String {
    match errors {
        0 => "No known flaw".to_owned(),
        n => count(n, "finding"),
    }
}

/// What was not seen, so that a short list is not taken for a clean one.
fn seen(overview: &Overview) -> String {
    let failed = overview.functions.iter().filter(|f| f.row.failed.is_some()).count();
    let gaps: usize = overview.gaps.values().map(Vec::len).sum();
    let mut said = Vec::new();
    if overview.audited.is_none() {
        said.push("Nothing was audited yet: run <code>plimsoll inventory audit</code>.".to_owned());
    }
    if failed > 0 {
        said.push(format!(
            "{} could not be read in the last run.",
            count(failed as u64, "function")
        ));
    }
    said.push(match gaps {
        0 => "Nothing was left unseen.".to_owned(),
        n => format!("{} in what could be seen.", count(n as u64, "gap")),
    });
    said.join(" ")
}

/// `12,345 functions`.
fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", digits(n), if n == 1 { "" } else { "s" })
}

fn digits(n: u64) -> String {
    let plain = n.to_string();
    let mut out = String::new();
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `3 critical, 1 high`.
fn kinds(open: [u64; 6]) -> String {
    let said = KINDS.iter().zip(open).filter(|(_, n)| *n > 0);
    said.map(|(kind, n)| format!("{} {kind}", digits(n)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn worst(open: [u64; 6]) -> &'static str {
    KINDS
        .iter()
        .zip(open)
        .find(|(_, n)| *n > 0)
        .map_or("none", |(kind, _)| kind)
}

fn start(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let functions = overview.worst();
    if functions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section id="start"><div class="bar"><h2>Start with</h2></div><div class="pair">"#
    )?;
    writeln!(out, "<div><h3>Upgrades</h3><ol class=\"do\">")?;
    for upgrade in overview.upgrades.iter().take(FIRST) {
        one_upgrade(upgrade, out)?;
    }
    if overview.upgrades.is_empty() {
        writeln!(
            out,
            "<li><span>No version of what is affected is known to be free of it.</span></li>"
        )?;
    }
    writeln!(out, "</ol></div><div><h3>Functions</h3><ol class=\"do\">")?;
    for function in functions.into_iter().take(FIRST) {
        one_function(function, out)?;
    }
    writeln!(out, "</ol></div></div></section>")
}

fn one_upgrade(upgrade: &Upgrade, out: &mut dyn Write) -> io::Result<()> {
    let from = match &*upgrade.from {
        [one] => html(one).into_owned(),
        [first, .., last] => format!("{}…{}", html(first), html(last)),
        [] => String::new(),
    };
    writeln!(
        out,
        r#"<li><span class="s {}"></span><span class="k">{} <small>{}</small></span><span class="v">{from} → {}</span><small>{}: clears {}</small></li>"#,
        worst(upgrade.clears),
        html(&upgrade.name),
        html(&upgrade.ecosystem),
        html(&upgrade.to),
        count(upgrade.functions, "function"),
        kinds(upgrade.clears),
    )
}

fn one_function(function: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let exploited = match function.exploited {
        0 => String::new(),
        n => format!(", {} exploited", digits(n)),
    };
    let owner = function
        .row
        .function
        .owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(" <small>{}</small>", html(owner)));
    writeln!(
        out,
        r#"<li><span class="s {}"></span><span class="k">{}{owner}</span><small>{}{exploited}</small></li>"#,
        worst(function.open),
        html(&function.row.function.name),
        kinds(function.open),
    )
}

/// Tables that the script fills: heading, tools, the row of column names.
fn tables(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let chips = |chips: &[(&str, &str)]| {
        let button = |(id, said): &(&str, &str)| {
            format!(r#"<button class="key" type="button" aria-pressed="false" data-chip="{id}">{said}</button>"#)
        };
        chips.iter().map(button).collect::<String>()
    };
    let of_functions = [
        ("critical", "critical"),
        ("high", "high"),
        ("medium", "medium"),
        ("gap", "with gaps"),
        ("blind", "blind"),
        ("failed", "not read"),
        ("stale", "stale"),
    ];
    let of_components = [
        ("flawed", "with findings"),
        ("npm", "npm"),
        ("pypi", "pypi"),
        ("crates.io", "crates.io"),
    ];
    let functions = [
        ("function", "name"),
        ("findings", "open"),
        ("packages", "size"),
        ("gaps", "gaps"),
        ("runtime", "runtime"),
        ("owner", "owner"),
        ("changed", "changed"),
    ];
    let components = [
        ("package", "name"),
        ("version", "version"),
        ("ecosystem", "ecosystem"),
        ("functions", "functions"),
        ("flaws", "open"),
    ];
    for (id, title, chips, columns, n) in [
        (
            "functions",
            "Functions",
            chips(&of_functions),
            &functions[..],
            overview.functions.len(),
        ),
        (
            "components",
            "Packages",
            chips(&of_components),
            &components[..],
            overview.components.len(),
        ),
    ] {
        writeln!(
            out,
            r#"<section id="{id}"><div class="bar"><h2>{title}</h2><div class="tools">{chips}<input type="search" placeholder="Filter {}" aria-label="Filter {}" autocomplete="off" spellcheck="false"></div><span class="n" role="status">{}</span></div>"#,
            title.to_lowercase(),
            title.to_lowercase(),
            digits(n as u64),
        )?;
        writeln!(
            out,
            r#"<div class="t" role="table" aria-label="{title}"><div class="r h {id}-row" role="row">"#
        )?;
        for (said, key) in columns {
            writeln!(
                out,
                r#"<div role="columnheader"><button type="button" data-key="{key}">{said}</button></div>"#
            )?;
        }
        writeln!(
            out,
            r#"</div><div class="window" tabindex="0" role="rowgroup" aria-label="{title}"><div class="all"></div></div></div><noscript><p class="empty">This table is drawn by a script.</p></noscript></section>"#
        )?;
    }
    writeln!(
        out,
        r#"<dialog id="detail"><form method="dialog"><button class="key">Close</button></form><div></div></dialog>"#
    )
}

fn gaps(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let gaps = data::gaps(overview);
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section id="gaps"><div class="bar"><h2>Gaps</h2><span class="n">{}</span></div><div class="t">"#,
        digits(gaps.len() as u64)
    )?;
    for (gap, functions) in gaps.iter().take(LISTED) {
        writeln!(
            out,
            r#"<div class="r g"><div class="s {0}">{0}</div><div><code>{1}</code><span class="sub">{2}</span></div><div>{3}</div></div>"#,
            html(&gap.kind),
            html(&gap.location),
            count(*functions, "function"),
            html(&gap.reason),
        )?;
    }
    rest(gaps.len(), "gaps", out)?;
    writeln!(out, "</div></section>")
}

fn rest(all: usize, noun: &str, out: &mut dyn Write) -> io::Result<()> {
    match all.saturating_sub(LISTED) {
        0 => Ok(()),
        n => writeln!(
            out,
            r#"<p class="empty">{} more {noun}: <code>plimsoll inventory export</code> has them all.</p>"#,
            digits(n as u64)
        ),
    }
}

fn failures(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    if overview.failures.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        r#"<section id="failures"><div class="bar"><h2>Sources that could not be listed</h2></div><div class="t">"#
    )?;
    for (source, why) in overview.failures.iter().take(LISTED) {
        writeln!(
            out,
            r#"<div class="r g"><div class="s blind">failed</div><div><code>{}</code></div><div>{}</div></div>"#,
            html(source),
            html(why)
        )?;
    }
    rest(overview.failures.len(), "failures", out)?;
    writeln!(out, "</div></section>")
}

fn foot(overview: &Overview, made: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<footer>\n<p>Made by plimsoll {} from the artifacts alone. What could not be seen into is listed as a gap: a short list \
         is not a clean one.</p>\n<dl>",
        env!("CARGO_PKG_VERSION")
    )?;
    let mut line = |name: &str, value: &str| writeln!(out, "<dt>{name}</dt><dd>{}</dd>", html(value));
    line("last sync", overview.synced.as_deref().unwrap_or("never"))?;
    line("last audit", overview.audited.as_deref().unwrap_or("never"))?;
    line("page", made)?;
    writeln!(out, "</dl>\n</footer>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(count(1, "function"), "1 function");
        assert_eq!(count(1_234_567, "finding"), "1,234,567 findings");
        assert_eq!(kinds([1, 0, 2, 0, 0, 0]), "1 critical, 2 medium");
    }
}
