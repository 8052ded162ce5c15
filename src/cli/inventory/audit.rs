//! `plimsoll inventory audit`.

use super::{At, Done, notify::Notify};
use crate::cli::{advisories, judgement::Judgement, output, output::Outputs, to_stdout};
use anstream::eprintln;
use clap::Args;
use plimsoll::{
    advisory::Provenance,
    audit::Options,
    escape::terminal,
    fleet::{
        audit::{self, Summary},
        report,
        store::Mode,
        table::{Format, Table},
    },
    model::{Action, Coordinate, Severity},
    report::Report,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    process::ExitCode,
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll inventory audit                       a summary, and what to do first
  plimsoll inventory audit --new-only            what is new since the last audit, and fails on nothing else
  plimsoll inventory audit -o sarif=fleet.sarif  formats of `plimsoll scan`; an artifact in them is a function

No artifact is opened. Where the advisories of the last audit are still in the database's folder, only packages whose records
have changed since are looked at again; --all looks at everything.

Exit codes:
  0  looked at everything, nothing at or above the bar (--fail-on)
  1  findings at or above the bar
  2  usage, input/output or database error
  3  no failing finding, but something could not be seen into at all";

#[derive(Args)]
pub(super) struct Audit {
    #[command(flatten)]
    at: At,

    #[command(flatten)]
    outputs: Outputs,

    /// Report, and fail on, only what the audit before did not find
    #[arg(long)]
    new_only: bool,

    /// Judge every artifact anew
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    judgement: Judgement,

    #[command(flatten)]
    advisories: advisories::Flags,

    #[command(flatten)]
    notify: Notify,

    /// No warnings on standard error
    #[arg(short, long)]
    quiet: bool,
}

/// Rows of the summary's tables: what a screen holds. Formats have them all.
const SHOWN: usize = 20;

pub(super) fn run(args: &mut Audit) -> Done {
    // Formats of one artifact would need as many files as there are functions: that is `inventory sbom --all`.
    args.outputs.check(2)?;
    let decisions = args.judgement.decisions(&mut args.advisories)?;
    let options = args.judgement.options(Options::default(), decisions)?;
    let mut store = args.at.open(Mode::Change)?;
    let mut held: Vec<Coordinate> = Vec::new();
    let named = store.coordinates(&mut |row| {
        held.extend(row.coordinate());
        Ok(())
    });
    named.map_err(|e| e.to_string())?;
    let now = output::now();
    let chosen = advisories::choose(&args.advisories, &held.iter().collect::<BTreeSet<_>>(), now, args.quiet)?;
    drop(held);
    let database = &chosen.database;
    let older = |digest: &str| {
        let found = (!args.all).then(|| advisories::older(&args.advisories, digest));
        found.flatten()
    };
    if args.all {
        store.execute("DELETE FROM judged", &[]).map_err(|e| e.to_string())?;
    }
    let summary = audit::audit(&mut store, database, &options, &older, now).map_err(|e| e.to_string())?;
    let notified = args.notify.tell(&mut store, summary.run);
    let since = args.new_only.then_some(summary.run);
    let mut report =
        report::report(&mut store, database, &options, since, args.new_only, now).map_err(|e| e.to_string())?;
    if let Some(reason) = chosen.stale {
        report.exit_code = 2;
        eprintln!("error: {}", terminal(&reason));
    }
    if !notified {
        report.exit_code = 2;
    }
    if args.outputs.is_empty() {
        let code = report.exit_code;
        let told = to_stdout(|out| told(&summary, database.provenance(), &report, out));
        // The process ends: giving back the findings of ten thousand functions one by one would be a tenth of its time.
        std::mem::forget(report);
        return Ok(if told == ExitCode::SUCCESS {
            ExitCode::from(code)
        } else {
            told
        });
    }
    Ok(args.outputs.write(report))
}

fn told(summary: &Summary, advisories: &Provenance, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "audit        run {}, {} functions; {} artifacts judged{}",
        summary.run,
        summary.functions,
        summary.judged,
        if summary.incremental {
            ", the others are as they were"
        } else {
            ""
        }
    )?;
    let as_of = advisories.as_of.split('T').next().unwrap_or_default();
    writeln!(
        out,
        "advisories   {} ({} records as of {})",
        terminal(&advisories.source),
        advisories.records,
        terminal(as_of)
    )?;
    let words = ["critical", "high", "medium", "low", "none", "unrated"];
    let by = words
        .iter()
        .filter_map(|word| Some(format!("{} {word}", summary.by_severity.get(word)?)));
    let by = by.collect::<Vec<_>>().join(", ");
    writeln!(
        out,
        "findings     {} new, {} gone, {} open{}{by}",
        summary.new,
        summary.fixed,
        summary.open,
        if by.is_empty() { "" } else { ": " }
    )?;
    let counts = report.counts();
    writeln!(out, "gaps         {} blind, {} partial", counts.blind, counts.partial)?;

    let mut steps = Table::new(
        &["first", "component", "do", "clears", "functions"],
        "nothing needs to be done",
    );
    for step in report.plan.iter().take(SHOWN) {
        let what = match &step.action {
            Action::Remove => "remove".to_owned(),
            Action::Upgrade(to) => format!("upgrade to {to}"),
            Action::Replace => "replace".to_owned(),
        };
        let severity = step.severity.map_or("unrated", Severity::as_str);
        let name = plimsoll::ecosystem::purl(&step.subject);
        steps.push(vec![
            json!(severity),
            json!(name),
            json!(what),
            json!(step.clears),
            json!(step.artifacts),
        ]);
    }
    writeln!(out)?;
    steps.write(Format::Text, out)?;
    more(report.plan.len(), out)?;

    // Whatever has no upgrade is told by its rule.
    let mut rules: BTreeMap<&str, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (i, artifact) in report.artifacts.iter().enumerate() {
        for finding in &artifact.findings {
            let (findings, functions) = rules.entry(finding.rule.id).or_default();
            *findings += 1;
            functions.insert(i);
        }
    }
    let mut table = Table::new(&["rule", "findings", "functions"], "");
    for (rule, (findings, functions)) in rules {
        table.push(vec![json!(rule), json!(findings), json!(functions.len())]);
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.write(Format::Text, out)?;
    }
    Ok(())
}

fn more(all: usize, out: &mut dyn io::Write) -> io::Result<()> {
    if all > SHOWN {
        writeln!(out, "and {} more; -o json has them all", all - SHOWN)?;
    }
    Ok(())
}
