//! `plimsoll db`.

use super::{fingerprints, names, policy, signals};
use anstream::{eprintln, println};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll::{
    advisory::{
        import::{Import, Quarantined},
        index::Index,
        signals::{EPSS_URL, KEV_URL},
        store::{self, Generation, Store},
        update::{self, DEFAULT_URL, Done, Options, RECORDS},
    },
    disk, ecosystem,
    escape::terminal,
};
use std::{
    env,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll db update                             fetch or refresh npm, PyPI and crates.io from OSV
  plimsoll db update --ecosystem PyPI            one of them
  plimsoll db import mirror/                     from OSV's bucket layout (npm/all.zip), OSV JSON, or RustSec's repository;
                                                 also takes files of `plimsoll fingerprints build`
  plimsoll db update --kev --epss                with CISA's known exploited vulnerabilities and EPSS scores, for priority
  plimsoll db update --names https://mirror.example.com/names  with newer lists of popular names, for look-alikes
  plimsoll db export advisories.index            one file, for a machine without network
  plimsoll db import advisories.index            there

The folder of the database is --db, else PLIMSOLL_DB, else `plimsoll/db` in the user's data folder. In CI, keep it in the cache.";

/// Keeps the advisory database
#[derive(Args)]
pub(super) struct Db {
    #[command(subcommand)]
    command: Command,

    /// Folder of the database
    #[arg(long, global = true, value_name = "DIR")]
    #[allow(clippy::struct_field_names)] // as the flag is called
    db: Option<PathBuf>,

    /// No progress and no warnings on standard error
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Fetches advisories, or what has changed in them
    Update {
        /// Ecosystem to fetch, repeatable: npm, PyPI, crates.io; all of them unless given
        #[arg(long = "ecosystem", value_name = "NAME", value_parser = ecosystem_name)]
        ecosystems: Vec<String>,
        /// Server with the layout of OSV's bucket; PLIMSOLL_DB_URL unless given, else OSV's own
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// CISA's catalogue of known exploited vulnerabilities too, from this URL or CISA's own; later updates refresh it
        #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = KEV_URL)]
        kev: Option<String>,
        /// EPSS scores too, from this URL or FIRST's own; later updates refresh them
        #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = EPSS_URL)]
        epss: Option<String>,
        /// Lists of popular names too, from this folder of a server: npm.txt.gz, PyPI.txt.gz, crates.io.txt.gz;
        /// PLIMSOLL_NAMES_URL unless given; later updates refresh them
        #[arg(long, value_name = "URL")]
        names: Option<String>,
        /// Take older records, or much fewer
        #[arg(long)]
        force: bool,
    },
    /// Reads advisories from files
    Import {
        /// OSV's bucket layout, OSV JSON (folder, zip, file), RustSec's repository or its .tar.gz, an exported file; CISA's
        /// catalogue of known exploited vulnerabilities (JSON), EPSS scores (.csv.gz)
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Take older records, or much fewer
        #[arg(long)]
        force: bool,
    },
    /// Says what there is, how much, how old, and from where
    Status,
    /// Reads everything and verifies every checksum
    Verify,
    /// Writes one file that `db import` takes; KEV and EPSS, where there are any, into
    /// FILE.signals beside it, lists of names into FILE.names
    Export {
        /// File to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

fn ecosystem_name(text: &str) -> Result<String, String> {
    let known = ecosystem::ALL
        .iter()
        .find(|e| e.osv.eq_ignore_ascii_case(text) || e.id.0 == text);
    let names = || ecosystem::ALL.iter().map(|e| e.osv).collect::<Vec<_>>().join(", ");
    known
        .map(|e| e.osv.to_owned())
        .ok_or_else(|| format!("no ecosystem `{text}`; there are: {}", names()))
}

/// The server: a flag, the environment, the policy, OSV.
pub(super) fn url(flag: Option<&str>, policy: Option<&str>) -> String {
    let set = || env::var("PLIMSOLL_DB_URL").ok().filter(|url| !url.is_empty());
    flag.map(str::to_owned)
        .or_else(set)
        .or_else(|| policy.map(str::to_owned))
        .unwrap_or_else(|| DEFAULT_URL.to_owned())
}

/// OSV's API, or a stand-in for it.
pub(super) fn api_url() -> String {
    let set = env::var("PLIMSOLL_OSV_API").ok().filter(|url| !url.is_empty());
    set.unwrap_or_else(|| plimsoll::advisory::osv_api::DEFAULT_URL.to_owned())
}

/// `plimsoll db`.
pub(super) fn run(args: &Db) -> ExitCode {
    match act(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {}", terminal(&message));
            ExitCode::from(2)
        }
    }
}

fn act(args: &Db) -> Result<(), String> {
    let folder = args.db.clone().or_else(store::default_folder);
    let folder = folder.ok_or("no folder for the database; give one with --db or PLIMSOLL_DB")?;
    let store = Store::new(folder);
    match &args.command {
        Command::Update {
            ecosystems,
            url: flag,
            kev,
            epss,
            names: names_url,
            force,
        } => {
            let policy = policy::of_scan(None)?.map(|p| p.advisories).unwrap_or_default();
            let all = || ecosystem::ALL.iter().map(|e| e.osv.to_owned()).collect();
            let options = Options {
                url: url(flag.as_deref(), policy.url.as_deref()),
                ecosystems: if ecosystems.is_empty() {
                    all()
                } else {
                    ecosystems.clone()
                },
                force: *force,
                patient: true,
                now: SystemTime::now(),
            };
            let bar = Bar::new(args.quiet);
            let updated = update::update(&store, &options, &|what, at, all| bar.at(what, at, all));
            bar.clear();
            let updated = updated.map_err(|e| e.to_string())?;
            for (ecosystem, done) in &updated.done {
                let done = match done {
                    Done::Current => "nothing has changed".to_owned(),
                    Done::Increment(fetched, gone) => format!("{fetched} records fetched, {gone} gone"),
                    Done::Whole => "fetched whole".to_owned(),
                };
                println!("{ecosystem:<10} {done}");
            }
            aside(&updated.quarantined);
            signals::update(&store, kev.as_deref(), epss.as_deref(), &policy)?;
            let names_url = (names_url.as_deref(), policy.names_url.as_deref());
            names::update(&store, names_url.0, names_url.1, &options.ecosystems)?;
            told(&store, &updated.generation)?;
        }
        Command::Import { paths, force } => {
            let rest = fingerprints::import(&store, signals::import(&store, paths)?)?;
            names::import(&store, &rest)?;
            if rest.is_empty() {
                signals::status(&store)?;
                return fingerprints::status(&store);
            }
            let mut import = Import::default();
            for path in rest {
                import.path(path).map_err(|e| e.to_string())?;
            }
            let quarantined = std::mem::take(&mut import.quarantined);
            let writer = store.lock().map_err(|e| e.to_string())?;
            let written = writer.replace(import.records, import.sources, *force);
            aside(&quarantined);
            told(&store, &written.map_err(|e| e.to_string())?)?;
        }
        Command::Status => {
            told(&store, &current(&store)?)?;
        }
        Command::Verify => {
            let generation = current(&store)?;
            generation
                .index
                .verify()
                .map_err(|e| format!("{}: {e}", generation.path.display()))?;
            signals::of(&store)?;
            let all = ecosystem::ALL.iter().map(|e| e.osv);
            names::of(&store).open(all).map_err(|e| e.to_string())?;
            fingerprints::status(&store)?;
            println!("{} records, every checksum holds", generation.index.meta().records);
        }
        Command::Export { file } => {
            export(&current(&store)?.index, file)?;
            signals::export(&store, file)?;
            names::export(&store, file)?;
        }
    }
    Ok(())
}

fn current(store: &Store) -> Result<Generation, String> {
    let none = || {
        let root = store.root().display();
        format!("{root}: holds no database; make one with `plimsoll db update` or `plimsoll db import`")
    };
    store.current().map_err(|e| e.to_string())?.ok_or_else(none)
}

fn export(index: &Index, file: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", file.display());
    // Never half a file under the name that was asked for.
    disk::replace(file, index.as_bytes()).map_err(failed)
}

/// Everything that there is.
fn told(store: &Store, generation: &Generation) -> Result<(), String> {
    status(generation);
    signals::status(store)?;
    names::status(store);
    fingerprints::status(store)
}

fn status(generation: &Generation) {
    let meta = generation.index.meta();
    println!("{}", terminal(&generation.path.display().to_string()));
    println!(
        "{} records and {} withdrawn, {}",
        meta.records,
        meta.withdrawn,
        generation.index.digest()
    );
    for source in &meta.sources {
        println!(
            "{:<10} {:>7} records, newest of {}, as of {}, from {}",
            terminal(&source.ecosystem),
            source.records,
            terminal(&source.newest),
            terminal(&generation.as_of(source)),
            terminal(&source.from)
        );
        if !source.unread.is_empty() {
            println!(
                "           {} records could not be read and are missing:",
                source.unread.count
            );
        }
        for told in &source.unread.first {
            println!("           {}", terminal(told));
        }
    }
}

/// Records that could not be read are listed however quiet it is: they are missing from every scan.
fn aside(quarantined: &[Quarantined]) {
    for record in quarantined {
        eprintln!("warning: {}: {}", terminal(&record.place), terminal(&record.reason));
    }
    if !quarantined.is_empty() {
        eprintln!(
            "warning: {} records could not be read and were left out",
            quarantined.len()
        );
    }
}

/// Bytes and the time that is left, on standard error, where that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self(bar)
    }

    pub(super) fn at(&self, what: &str, at: u64, all: Option<u64>) {
        if self.0.message() != what {
            self.0.reset();
            let template = if what.ends_with(RECORDS) {
                "{msg} {pos}/{len}, {eta} left"
            } else {
                "{msg} {bytes}/{total_bytes}, {eta} left"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.0.set_style(style);
            }
            self.0.set_message(what.to_owned());
        }
        if let Some(all) = all {
            self.0.set_length(all);
        }
        self.0.set_position(at);
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
