//! `plimsoll explain`.

use super::{advisories, usage};
use anstream::println;
use clap::Args;
use plimsoll::{
    advisory::{self, Affected, Event, Record},
    check,
    escape::terminal,
    model::Severity,
};
use std::{path::PathBuf, process::ExitCode};

pub(super) const HELP: &str = "\
Examples:
  plimsoll explain vulnerable          a rule
  plimsoll explain CVE-2021-44906      an advisory, by any of its names";

/// What to explain.
#[derive(Args)]
pub(super) struct Explain {
    /// A rule (`vulnerable`) or an advisory (`GHSA-…`, `RUSTSEC-…`, `PYSEC-…`, `MAL-…`, `CVE-…`)
    #[arg(value_name = "ID")]
    id: String,

    /// Database to look in: a folder of `plimsoll db`, or a file that `plimsoll db export` made
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,
}

/// `plimsoll explain`.
pub(super) fn run(args: &Explain) -> ExitCode {
    if let Some(rule) = check::rule(&args.id) {
        println!("{}: {}\n\n{}", rule.id, rule.title, wrap(rule.help));
        return ExitCode::SUCCESS;
    }
    let found = advisories::at_hand(args.db.as_deref()).and_then(|database| {
        let record = database.record(&args.id).map_err(|e| e.to_string())?;
        Ok((record, database.provenance().source.clone()))
    });
    match found {
        Ok((Some(record), _)) => {
            print(&record);
            ExitCode::SUCCESS
        }
        Ok((None, source)) => {
            let rules: Vec<&str> = check::ALL.iter().map(|c| c.rule().id).collect();
            usage(&format!(
                "nothing is known as `{}`: no advisory of the database ({}), and none of the rules {}",
                terminal(&args.id),
                terminal(&source),
                rules.join(", ")
            ))
        }
        Err(message) => usage(&terminal(&message)),
    }
}

fn print(record: &Record) {
    println!("{}: {}", terminal(&record.id), terminal(&record.summary));
    if let Some(withdrawn) = &record.withdrawn {
        println!("\nwithdrawn on {}: it no longer holds", terminal(withdrawn));
    }
    if !record.aliases.is_empty() {
        println!("\nalso known as {}", terminal(&record.aliases.join(", ")));
    }
    let (severity, score) = advisory::rate(record);
    let score = score.map(|score| format!(" ({score:.1})")).unwrap_or_default();
    println!("severity {}{score}", severity.map_or("not rated", Severity::as_str));
    println!("changed {}", terminal(&record.modified));
    for affected in &record.affected {
        print_affected(affected);
    }
}

fn print_affected(affected: &Affected) {
    let Some(package) = &affected.package else { return };
    println!("\n{} of {}", terminal(&package.name), terminal(&package.ecosystem));
    let specific = affected.database_specific.as_ref();
    if let Some(word) = specific.and_then(|s| s.informational.as_deref()) {
        println!("  {}", terminal(word));
    }
    for range in &affected.ranges {
        let events: Vec<String> = range.events.iter().map(words).collect();
        if !events.is_empty() {
            println!("  affected {}", terminal(&events.join(", ")));
        }
    }
    if !affected.versions.is_empty() {
        const SHOWN: usize = 12;
        let shown = affected
            .versions
            .iter()
            .take(SHOWN)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let more = match affected.versions.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        println!("  versions {}{more}", terminal(&shown));
    }
    let fixes: Vec<&str> = affected
        .ranges
        .iter()
        .flat_map(|range| &range.events)
        .filter_map(|event| match event {
            Event::Fixed(version) => Some(version.as_str()),
            _ => None,
        })
        .collect();
    match fixes.as_slice() {
        [] => println!("  no fixed version is known"),
        fixes => println!("  fixed in {}", terminal(&fixes.join(", "))),
    }
    let affects = affected.ecosystem_specific.as_ref().and_then(|e| e.affects.as_ref());
    for (what, list) in affects
        .into_iter()
        .flat_map(|a| [("functions", &a.functions), ("systems", &a.os), ("processors", &a.arch)])
    {
        if !list.is_empty() {
            println!("  only {what} {}", terminal(&list.join(", ")));
        }
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Introduced(v) if v == "0" => "from the first version".to_owned(),
        Event::Introduced(v) => format!("from {v}"),
        Event::Fixed(v) => format!("until before {v}"),
        Event::LastAffected(v) => format!("until {v}"),
        Event::Limit(v) => format!("as far as is known until before {v}"),
    }
}

fn wrap(text: &str) -> String {
    textwrap::fill(text, 80)
}
