//! `plimsoll policy`, and the policy of a scan.

use super::{advisories, usage};
use anstream::{eprintln, print};
use clap::{Args, Subcommand};
use plimsoll::{
    escape::terminal,
    policy::{FILE, Policy, TEMPLATE},
    report::Bar,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll policy init                 writes a commented plimsoll.toml here
  plimsoll policy check                says what the policy of this folder means
  plimsoll policy check ci/gate.toml   or another one
  plimsoll scan --policy ci/gate.toml orders.zip";

/// Keeps the policy
#[derive(Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says what a policy means, or what is wrong with it
    Check {
        /// Policy to check; unless given, the one that a scan started here would use
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Writes a commented policy that changes nothing yet
    Init {
        /// File to write
        #[arg(value_name = "FILE", default_value = FILE)]
        file: PathBuf,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
    },
}

/// The policy of a scan: the flag's, else the one that governs the working directory.
pub(super) fn of_scan(flag: Option<&Path>) -> Result<Option<Policy>, String> {
    let path = match flag {
        Some(path) => Some(path.to_owned()),
        None => found()?,
    };
    path.map(|path| Policy::open(&path)).transpose()
}

/// Relative to the working directory: reports name it, and what lies above the repository is nobody's business who reads them.
fn found() -> Result<Option<PathBuf>, String> {
    let here = env::current_dir().map_err(|e| format!("the working directory cannot be found: {e}"))?;
    let found = Policy::find(&here);
    Ok(found.map(|path| {
        let up = here.ancestors().position(|folder| path.parent() == Some(folder));
        match (up, path.file_name()) {
            (Some(up), Some(name)) => PathBuf::from("../".repeat(up)).join(name),
            _ => path,
        }
    }))
}

/// `plimsoll policy`.
pub(super) fn run(args: &PolicyArgs) -> ExitCode {
    let done = match &args.command {
        Command::Check { file } => check(file.as_deref()),
        Command::Init { file, force } => init(file, *force),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                usage(&terminal(line));
            }
            ExitCode::from(2)
        }
    }
}

fn init(file: &Path, force: bool) -> Result<(), String> {
    if !force && file.exists() {
        return Err(format!("{}: is there already; --force writes over it", file.display()));
    }
    fs::write(file, TEMPLATE).map_err(|e| format!("{}: {e}", file.display()))?;
    eprintln!(
        "{} written; `plimsoll policy check` says what it means",
        terminal(&file.to_string_lossy())
    );
    Ok(())
}

fn check(file: Option<&Path>) -> Result<(), String> {
    let Some(policy) = of_scan(file)? else {
        return Err(format!(
            "no {FILE} here or above, up to the top of the repository; make one with `plimsoll policy init`"
        ));
    };
    print!("{}", meaning(&policy));
    Ok(())
}

/// A policy in sentences.
fn meaning(policy: &Policy) -> String {
    let mut lines = vec![format!("{}: good", terminal(&policy.place))];
    let mut say = |line: String| lines.push(format!("  {line}"));
    say(format!("a scan fails on {}", bar(policy.fail_on.unwrap_or(Bar::Any))));
    if policy.fail_on_exploited {
        say("and on every flaw that attackers are known to use".to_owned());
    }
    for (rule, own) in &policy.rules {
        match own {
            Bar::Never => say(format!("`{rule}` never fails it")),
            Bar::Any => say(format!("every finding of `{rule}` fails it")),
            Bar::AtLeast(severity) => {
                say(format!(
                    "findings of `{rule}` fail it from severity {} on",
                    severity.as_str()
                ));
            }
        }
    }
    if policy.require_coverage == Some(true) {
        say("what was seen into only in part ends it with exit code 3".to_owned());
    }
    if policy.verify_records == Some(false) {
        say("installed Python files are not compared with their RECORD".to_owned());
    }
    for limit in &policy.limits {
        say(format!("limit {}", terminal(limit)));
    }
    let a = &policy.advisories;
    for (what, value) in [
        ("database", &a.db),
        ("advisories from", &a.url),
        ("KEV from", &a.kev_url),
        ("EPSS from", &a.epss_url),
    ] {
        if let Some(value) = value {
            say(format!("{what} {}", terminal(value)));
        }
    }
    if a.offline {
        say("never touches the network".to_owned());
    }
    for (what, age) in [("are warned of", a.warn_after), ("fail a scan", a.fail_after)] {
        if let Some(age) = age {
            say(format!("advisories over {} old {what}", advisories::span(age)));
        }
    }
    if !policy.typosquat_allow.is_empty() {
        say(format!(
            "no typing errors: {}",
            terminal(&policy.typosquat_allow.join(", "))
        ));
    }
    let until = |expires: &Option<Box<str>>| expires.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
    for entry in &policy.ignores {
        say(format!(
            "line {}: ignores{}: {}",
            entry.line,
            until(&entry.expires),
            terminal(&entry.reason)
        ));
    }
    for entry in &policy.acceptances {
        say(format!(
            "line {}: accepts gaps{}: {}",
            entry.line,
            until(&entry.expires),
            terminal(&entry.reason)
        ));
    }
    lines.join("\n") + "\n"
}

fn bar(bar: Bar) -> String {
    match bar {
        Bar::Never => "nothing".to_owned(),
        Bar::Any => "every finding of level error".to_owned(),
        Bar::AtLeast(severity) => format!("findings of level error from severity {} on", severity.as_str()),
    }
}
