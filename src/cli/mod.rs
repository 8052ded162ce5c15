//! Flags, standard streams and exit codes: the only place that prints to the terminal or ends the process. One file per
//! subcommand.

use anstream::eprintln;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

mod advisories;
mod db;
mod enrich;
mod explain;
mod fingerprints;
mod inputs;
mod output;
mod policy;
mod sbom;
mod scan;

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
    /// Keeps the policy: what fails a scan, what does not count, and why
    #[command(after_long_help = policy::HELP)]
    Policy(policy::PolicyArgs),
    /// Keeps the fingerprints by which packages in bundles are known
    #[command(after_long_help = fingerprints::HELP)]
    Fingerprints(fingerprints::Fingerprints),
    /// Says what a rule or an advisory means, and what to do
    Explain(explain::Explain),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let describe = |command| output::describe(inputs::describe(command));
    let command = Cli::command()
        .mut_subcommand("scan", describe)
        .mut_subcommand("sbom", describe);
    let cli = match command
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
        Command::Policy(args) => policy::run(&args),
        Command::Fingerprints(args) => fingerprints::run(&args),
        Command::Explain(args) => explain::run(&args),
    }
}

/// A use of the command that cannot be carried out.
fn usage(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}
