//! `plimsoll scan`.

use super::{advisories, enrich, fingerprints, inputs::Inputs, judgement::Judgement, output, output::Outputs, usage};
use anstream::eprintln;
use clap::Args;
use plimsoll::{
    audit::Options,
    escape::terminal,
    model::{Gap, GapKind},
    policy::{Baseline, Decisions},
};
use std::{path::PathBuf, process::ExitCode};

pub(super) const HELP: &str = "\
Examples:
  plimsoll scan orders.zip                       a deployment zip
  plimsoll scan --each dist/                     every archive and SBOM below a folder
  plimsoll scan -o text -o json=report.json f.zip  two reports of one scan
  plimsoll scan --fail-on high f.zip             a gate that lets medium and low pass
  plimsoll scan --policy gate.toml f.zip         what fails, and what is ignored (plimsoll policy init)
  plimsoll scan --baseline main.json f.zip       fails only on what main.json (of -o json) has not
  curl -s https://example.test/f.zip | plimsoll scan -

Exit codes:
  0  looked at everything, nothing at or above the bar (--fail-on)
  1  findings at or above the bar
  2  usage, input/output or database error
  3  no failing finding, but something could not be seen into at all";

#[derive(Args)]
pub(super) struct Scan {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    outputs: Outputs,

    #[command(flatten)]
    judgement: Judgement,

    /// Fail only on what is new since this report of `plimsoll scan -o json`
    #[arg(long, value_name = "REPORT.json")]
    baseline: Option<PathBuf>,

    #[command(flatten)]
    advisories: advisories::Flags,

    #[command(flatten)]
    enrich: enrich::Flags,
}

/// `plimsoll scan`.
pub(super) fn run(args: &mut Scan) -> ExitCode {
    args.outputs.or("text");
    match scan(args) {
        Ok(code) => code,
        Err(message) => {
            // A policy may have several mistakes, told one a line.
            for line in message.lines() {
                usage(&terminal(line));
            }
            ExitCode::from(2)
        }
    }
}

fn scan(args: &mut Scan) -> Result<ExitCode, String> {
    args.outputs.check(1)?;
    args.inputs.start()?;
    let decided = decisions(args)?;
    args.enrich.refuse(args.advisories.is_offline())?;
    let mut options = options(args, decided)?;
    let (inputs, failures) = args.inputs.list(&options.limits);
    args.outputs.check(inputs.len())?;
    let looked = args.inputs.look(&inputs, &options);
    let chosen = advisories::choose(
        &args.advisories,
        &looked.coordinates(),
        output::now(),
        args.inputs.quiet,
    )?;
    args.enrich.apply(&mut options, &looked, output::now());
    options.checks.popular = chosen.popular;
    let mut report = looked.judge(&options, &chosen.database, output::now());
    if let Some(reason) = chosen.stale {
        let gap = Gap::whole(GapKind::Partial, "advisories", reason.clone());
        report.gaps.push(gap);
        report.exit_code = 2;
        eprintln!("error: {}", terminal(&reason));
    }
    report.fail(failures);
    Ok(args.outputs.write(report))
}

/// What was decided beforehand; a flag wins over the policy.
fn decisions(args: &mut Scan) -> Result<Decisions, String> {
    let mut decisions = args.judgement.decisions(&mut args.advisories)?;
    args.inputs.no_verify_records |= decisions
        .policy
        .as_ref()
        .is_some_and(|p| p.verify_records == Some(false));
    decisions.baseline = args.baseline.as_deref().map(Baseline::open).transpose()?;
    Ok(decisions)
}

fn options(args: &Scan, decisions: Decisions) -> Result<Options, String> {
    let limits = decisions.policy.iter().flat_map(|p| &p.limits);
    let mut options = args.inputs.options(limits, args.advisories.is_offline())?;
    if options.fingerprints.is_none() {
        options.fingerprints = fingerprints::imported(args.advisories.folder().as_deref())?;
    }
    args.judgement.options(options, decisions)
}
