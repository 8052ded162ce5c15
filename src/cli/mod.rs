//! Flags, standard streams and exit codes: the only place that prints to the terminal or ends the process. One file per
//! subcommand.

use anstream::eprintln;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

mod advisories;
mod completions;
mod db;
mod enrich;
mod explain;
mod fingerprints;
mod inputs;
#[cfg(feature = "fleet")]
mod inventory;
mod judgement;
mod man;
mod names;
mod output;
mod policy;
mod sbom;
mod scan;
mod signals;

/// Says what is really inside a serverless deployment zip, and which of it is dangerous.
#[derive(Parser)]
#[command(name = "plimsoll", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Looks into artifacts and checks what is in them against advisories
    #[command(after_long_help = scan::HELP)]
    Scan(Box<scan::Scan>),
    /// Lists what is in artifacts, and checks nothing
    #[command(after_long_help = sbom::HELP)]
    Sbom(Box<sbom::Sbom>),
    /// Keeps the advisory database
    #[command(after_long_help = db::HELP)]
    Db(db::Db),
    /// Keeps every deployed function of a company in view: what each ships, and what became dangerous
    #[cfg(feature = "fleet")]
    #[command(after_long_help = inventory::HELP)]
    Inventory(inventory::Inventory),
    /// Keeps the policy: what fails a scan, what does not count, and why
    #[command(after_long_help = policy::HELP)]
    Policy(policy::PolicyArgs),
    /// Keeps the fingerprints by which packages in bundles are known
    #[command(after_long_help = fingerprints::HELP)]
    Fingerprints(fingerprints::Fingerprints),
    /// Says what a rule or an advisory means, and what to do
    #[command(after_long_help = explain::HELP)]
    Explain(explain::Explain),
    /// Writes a script that completes the command line in a shell
    #[command(after_long_help = completions::HELP)]
    Completions(completions::Completions),
    /// Writes manual pages
    #[command(after_long_help = man::HELP)]
    Man(man::Manual),
}

/// The whole command line, with what the registries add to its help.
fn command() -> clap::Command {
    let describe = |command| output::describe(inputs::describe(command));
    let command = Cli::command()
        .mut_subcommand("scan", describe)
        .mut_subcommand("sbom", describe);
    #[cfg(feature = "fleet")]
    let command = command.mut_subcommand("inventory", |inventory| {
        inventory.mut_subcommand("audit", output::describe)
    });
    command
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = match command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    match cli.command {
        Command::Scan(mut args) => scan::run(&mut args),
        Command::Sbom(mut args) => sbom::run(&mut args),
        Command::Db(args) => db::run(&args),
        #[cfg(feature = "fleet")]
        Command::Inventory(args) => inventory::run(args),
        Command::Policy(args) => policy::run(&args),
        Command::Fingerprints(args) => fingerprints::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => completions::run(&args, &mut command()),
        Command::Man(args) => man::run(&args, command()),
    }
}

/// Writes what a command made; whoever closes the pipe early has seen enough.
fn to_stdout(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> ExitCode {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => usage(&format!("standard output: {e}")),
        _ => ExitCode::SUCCESS,
    }
}

/// A use of the command that cannot be carried out.
fn usage(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}
