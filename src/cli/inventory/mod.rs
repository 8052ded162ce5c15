//! `plimsoll inventory`: one file per verb.

use super::{to_stdout, usage};
use anstream::eprintln;
use clap::{Args, Subcommand, ValueEnum};
use plimsoll::{
    escape::terminal,
    fleet::{
        store::{Mode, Store},
        table::{Format, Table},
    },
};
use std::{env, fs, path::PathBuf, process::ExitCode};

mod audit;
mod diff;
mod export;
mod find;
mod list;
mod notify;
mod prune;
mod report;
mod runs;
mod sbom;
mod serve;
mod show;
mod stats;
mod sync;

pub(super) const HELP: &str = "\
The store is one SQLite file unless --store (or PLIMSOLL_STORE) names another one, or a PostgreSQL server that many machines
share.

Examples:
  plimsoll inventory sync functions/             every artifact below a folder: what is new in it is read
  plimsoll inventory audit                       all of it against the advisories of today, without opening an artifact
  plimsoll inventory find npm:lodash             who ships it, and by way of what";

/// `plimsoll inventory`.
#[derive(Args)]
pub(super) struct Inventory {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Reads what is deployed now, and nothing that was read before
    #[command(after_long_help = sync::HELP)]
    Sync(Box<sync::Sync>),
    /// Checks all that is deployed against advisories, without opening an artifact
    #[command(after_long_help = audit::HELP)]
    Audit(Box<audit::Audit>),
    /// Lists the functions
    List(list::List),
    /// Shows all that is known of a function
    Show(show::Show),
    /// Says which functions ship a package, and by way of what
    #[command(after_long_help = find::HELP)]
    Find(find::Find),
    /// Says which functions, components and findings came and went
    Diff(diff::Diff),
    /// Counts everything
    Stats(stats::Stats),
    /// Lists the runs
    Runs(runs::Runs),
    /// Writes SBOMs of what is deployed
    #[command(after_long_help = sbom::HELP)]
    Sbom(sbom::Sbom),
    /// Writes one page for people: trend, what to start with, functions, packages, gaps
    #[command(after_long_help = report::HELP)]
    Report(report::Report),
    /// Serves that page live, and the JSON behind it
    #[command(after_long_help = serve::HELP)]
    Serve(serve::Serve),
    /// Writes everything as tables for DuckDB, Athena, Spark, DataFusion
    #[command(after_long_help = export::HELP)]
    Export(export::Export),
    /// Forgets what ended long ago
    Prune(prune::Prune),
}

/// `plimsoll inventory`.
pub(super) fn run(inventory: Inventory) -> ExitCode {
    let done = match inventory.verb {
        Verb::Sync(args) => sync::run(&args),
        Verb::Audit(mut args) => audit::run(&mut args),
        Verb::List(args) => list::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Find(args) => find::run(&args),
        Verb::Diff(args) => diff::run(&args),
        Verb::Stats(args) => stats::run(&args),
        Verb::Runs(args) => runs::run(&args),
        Verb::Sbom(args) => sbom::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Serve(args) => serve::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Prune(args) => prune::run(&args),
    };
    done.unwrap_or_else(|message| usage(&terminal(&message)))
}

/// What a verb ends with, or why it cannot be carried out.
type Done = Result<ExitCode, String>;

/// Which store.
#[derive(Args)]
struct At {
    /// The store: a file, or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "PATH|URL")]
    store: Option<String>,
}

impl At {
    /// Where it is.
    fn place(&self) -> Result<String, String> {
        let place = self.store.clone().or_else(default_place);
        place.ok_or_else(|| "there is no home folder to keep the inventory in; give --store".to_owned())
    }

    /// Opens it.
    fn open(&self, mode: Mode) -> Result<Store, String> {
        let place = self.place()?;
        if mode == Mode::Make
            && self.store.is_none()
            && let Some(folder) = PathBuf::from(&place).parent()
        {
            fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let store = Store::open(&place, mode).map_err(|e| e.to_string())?;
        if let Some((from, copy)) = store.migrated() {
            eprintln!(
                "note: {}: brought from schema {from} to the present one; as it was: {}",
                terminal(store.place()),
                terminal(copy)
            );
        }
        Ok(store)
    }
}

/// `PLIMSOLL_STORE`, or `inventory.db` beside the advisories' default folder.
fn default_place() -> Option<String> {
    if let Some(place) = env::var_os("PLIMSOLL_STORE").filter(|p| !p.is_empty()) {
        return place.into_string().ok();
    }
    let beside = plimsoll::advisory::store::default_folder()?;
    Some(beside.with_file_name("inventory.db").to_string_lossy().into_owned())
}

/// How an answer is written.
#[derive(Args)]
struct Answer {
    /// How the answer is written
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum, default_value_t = Shape::Text)]
    output: Shape,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    Text,
    Json,
    Csv,
}

impl Answer {
    fn format(&self) -> Format {
        match self.output {
            Shape::Text => Format::Text,
            Shape::Json => Format::Json,
            Shape::Csv => Format::Csv,
        }
    }

    /// Writes a table to standard output.
    fn write(&self, table: &Table) -> ExitCode {
        to_stdout(|out| table.write(self.format(), out))
    }
}
