//! `plimsoll scan`.

use super::{advisories, enrich, inputs::Inputs, output, output::Outputs, policy, usage};
use anstream::eprintln;
use clap::{Args, ValueEnum};
use plimsoll::{
    audit::Options,
    check::Settings,
    ecosystem::Pattern,
    escape::terminal,
    model::{Gap, GapKind, Location, Severity},
    policy::{Baseline, Decisions, Vex},
    report::Bar,
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
#[allow(clippy::struct_excessive_bools)] // flags are
pub(super) struct Scan {
    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    outputs: Outputs,

    /// What makes exit code 1: a vulnerability at least this severe, or any finding of level error; any unless the policy
    /// says otherwise
    #[arg(long, value_name = "LEVEL", value_enum)]
    fail_on: Option<FailOn>,

    /// Policy to judge by; unless given, `plimsoll.toml` of the working directory or of a folder above it, up to the top of
    /// the repository
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// VEX document, repeatable: OpenVEX, or CycloneDX with vulnerabilities; what it says is not affected or fixed is ignored
    #[arg(long = "vex", value_name = "FILE")]
    vex: Vec<PathBuf>,

    /// Fail only on what is new since this report of `plimsoll scan -o json`
    #[arg(long, value_name = "REPORT.json")]
    baseline: Option<PathBuf>,

    /// Judge by no policy
    #[arg(long, conflicts_with = "policy")]
    no_policy: bool,

    /// Exit with 3 also when something could be seen into only in part
    #[arg(long)]
    require_coverage: bool,

    #[command(flatten)]
    advisories: advisories::Flags,

    #[command(flatten)]
    enrich: enrich::Flags,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    None,
    Low,
    Medium,
    High,
    Critical,
    Any,
}

impl From<FailOn> for Bar {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::None => Self::Never,
            FailOn::Low => Self::AtLeast(Severity::Low),
            FailOn::Medium => Self::AtLeast(Severity::Medium),
            FailOn::High => Self::AtLeast(Severity::High),
            FailOn::Critical => Self::AtLeast(Severity::Critical),
            FailOn::Any => Self::Any,
        }
    }
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
    let chosen = advisories::choose(&args.advisories, &looked, output::now(), args.inputs.quiet)?;
    args.enrich.apply(&mut options, &looked, output::now());
    options.checks.popular = chosen.popular;
    let mut report = looked.judge(&options, &chosen.database, output::now());
    if let Some(reason) = chosen.stale {
        report.gaps.push(Gap {
            kind: GapKind::Partial,
            location: Location::new([].into(), ""),
            stage: "advisories",
            reason: reason.clone(),
        });
        report.exit_code = 2;
        eprintln!("error: {}", terminal(&reason));
    }
    report.fail(failures);
    Ok(args.outputs.write(report))
}

/// What was decided beforehand; a flag wins over the policy.
fn decisions(args: &mut Scan) -> Result<Decisions, String> {
    let mut policy = if args.no_policy {
        None
    } else {
        policy::of_scan(args.policy.as_deref())?
    };
    if let Some(policy) = &mut policy {
        args.advisories.govern(policy);
        args.require_coverage |= policy.require_coverage.unwrap_or_default();
        args.inputs.no_verify_records |= policy.verify_records == Some(false);
        // The flag speaks of the whole run: `--fail-on none` fails nothing.
        if args.fail_on.is_some() {
            policy.rules.clear();
            policy.fail_on_exploited = false;
        }
    }
    Ok(Decisions {
        policy,
        vex: args.vex.iter().map(|path| Vex::open(path)).collect::<Result<_, _>>()?,
        baseline: args.baseline.as_deref().map(Baseline::open).transpose()?,
    })
}

fn options(args: &Scan, decisions: Decisions) -> Result<Options, String> {
    let policy = decisions.policy.as_ref();
    let options = args.inputs.options(policy.iter().flat_map(|p| &p.limits))?;
    let asked = args.fail_on.map(Bar::from).or(policy.and_then(|p| p.fail_on));
    let allow = policy.iter().flat_map(|p| &p.typosquat_allow);
    let checks = Settings {
        typosquat_allow: allow
            .map(|text| Pattern::parse(text).map_err(|e| format!("[typosquat] allow: `{}`: {e}", terminal(text))))
            .collect::<Result<_, _>>()?,
        ..Settings::default()
    };
    Ok(Options {
        fail_on: asked.unwrap_or(Bar::Any),
        require_coverage: args.require_coverage,
        checks,
        decisions,
        ..options
    })
}
