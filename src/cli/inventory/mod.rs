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

mod list;

pub(super) const HELP: &str = "\
The store is one SQLite file unless --store (or PLIMSOLL_STORE) names another one, or a PostgreSQL server that many machines
share.";

/// `plimsoll inventory`.
#[derive(Args)]
pub(super) struct Inventory {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lists the functions
    List(list::List),
}

/// `plimsoll inventory`.
pub(super) fn run(inventory: Inventory) -> ExitCode {
    let done = match inventory.verb {
        Verb::List(args) => list::run(&args),
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
    /// Opens it.
    fn open(&self, mode: Mode) -> Result<Store, String> {
        let place = match &self.store {
            Some(place) => place.clone(),
            None => default_place().ok_or("there is no home folder to keep the inventory in; give --store")?,
        };
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
