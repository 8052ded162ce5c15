//! Which advisories a scan uses, and what it says of them.

use super::{db, signals};
use anstream::eprintln;
use clap::{Args, ValueEnum};
use plimsoll::{
    advisory::{
        Database, age, osv_api, popular,
        signals::Signals,
        store::{self, Generation, Store, StoreError},
        update::{self, Options, UpdateError},
    },
    ecosystem,
    escape::terminal,
    model::Coordinate,
    names::Popular,
    policy::{self, Policy},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Older than this, a database is refreshed first, and is warned of where it cannot be.
const WARN: Duration = Duration::from_hours(24);
/// Older than this, a scan ends with exit code 2: what it did not find may have been published days ago.
const REFUSE: Duration = Duration::from_hours(5 * 24);

/// How long another plimsoll that fetches at the moment is waited for where there is nothing else to use: several scans of one
/// CI job start at once, and the embedded default in all but one of them would be no help. Where there is something, it is
/// used.
const PATIENCE: Duration = Duration::from_mins(3);

/// Flags of a scan that are about advisories.
#[derive(Args)]
pub(super) struct Flags {
    /// Database to use: a folder of `plimsoll db`, or a file that `plimsoll db export` made
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,

    /// Never touch the network
    #[arg(long)]
    offline: bool,

    /// Use a database that is more than five days old
    #[arg(long)]
    allow_stale: bool,

    /// Where advisories come from
    #[arg(long, value_name = "SOURCE", value_enum, default_value_t = From::Local)]
    advisories: From,

    /// What the policy says of all that.
    #[arg(skip)]
    policy: policy::Advisories,
}

impl Flags {
    /// Whether the network is off.
    pub(super) fn is_offline(&self) -> bool {
        self.offline
    }

    /// Takes from a policy what no flag gives. Paths in it are relative to its folder.
    pub(super) fn govern(&mut self, policy: &Policy) {
        let folder = Path::new(&policy.place).parent().unwrap_or(Path::new(""));
        self.policy = policy.advisories.clone();
        self.offline |= policy.advisories.offline;
        if self.db.is_none() {
            self.db = policy.advisories.db.as_ref().map(|db| folder.join(db));
        }
    }

    /// The folder of the database, whether or not there is one in it.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        match &self.db {
            Some(path) if path.is_file() => None,
            Some(folder) => Some(folder.clone()),
            None => store::default_folder(),
        }
    }

    fn warn_after(&self) -> Duration {
        self.policy.warn_after.unwrap_or(WARN)
    }

    fn refuse_after(&self) -> Duration {
        self.policy.fail_after.unwrap_or(REFUSE)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// A database on this machine, fetched or refreshed first where it can be
    Local,
    /// The small default that plimsoll carries
    Embedded,
    /// OSV's API: the names and versions of all packages leave this machine
    OsvApi,
}

/// What was chosen.
pub(super) struct Chosen {
    pub(super) database: Database,
    /// Popular names: those that lie beside the database, or else the embedded ones.
    pub(super) popular: Popular,
    /// Why the run ends with exit code 2 all the same.
    pub(super) stale: Option<String>,
}

/// Chooses: `--db`; the newest local generation, refreshed or fetched first; the embedded default.
pub(super) fn choose(
    flags: &Flags,
    coordinates: &BTreeSet<&Coordinate>,
    now: SystemTime,
    quiet: bool,
) -> Result<Chosen, String> {
    let held: BTreeSet<&str> = coordinates.iter().map(|c| ecosystem::of(c.ecosystem).osv).collect();
    match flags.advisories {
        From::Embedded => return Ok(fresh(Database::embedded())),
        From::OsvApi if flags.offline => {
            return Err("--offline and --advisories osv-api exclude each other".to_owned());
        }
        From::OsvApi => return ask(coordinates, now).map(fresh),
        From::Local => {}
    }
    let store = match &flags.db {
        Some(path) if path.is_file() => {
            let database = Database::open(path, path.display().to_string());
            let database = database.map_err(|e| format!("{}: {e}", path.display()))?;
            let database = with_signals(database, path)?;
            let chosen = aged(database, None, &held, flags, now, quiet);
            return with_names(chosen, path, &held);
        }
        Some(folder) => Store::new(folder.clone()),
        None => match store::default_folder() {
            Some(folder) => Store::new(folder),
            None => return Ok(fresh(Database::embedded())),
        },
    };
    // Of another version of plimsoll, from a cache perhaps, or damaged: fetching mends it, and nothing else may stand in.
    let (mut current, broken) = match store.current() {
        Ok(current) => (current, None),
        Err(e) => (None, Some(e.to_string())),
    };
    if let Some(broken) = broken.clone().filter(|_| flags.db.is_some() || flags.offline) {
        return Err(broken);
    }
    if current.is_none() && flags.db.is_some() {
        return Err(format!(
            "{}: holds no database; make one with `plimsoll db update --db DIR` or `plimsoll db import --db DIR`",
            store.root().display()
        ));
    }
    if flags.db.is_none() && !flags.offline {
        current = refreshed(&store, current, flags, &held, now, quiet);
    }
    match current {
        None => broken.map_or_else(|| Ok(fresh(Database::embedded())), Err),
        Some(generation) => {
            let source = generation.path.display().to_string();
            let database = Database::open(&generation.path, source);
            let database = database.map_err(|e| format!("{}: {e}", generation.path.display()))?;
            let database = with_signals(database, store.root())?;
            let chosen = aged(database, Some(&generation), &held, flags, now, quiet);
            with_names(chosen, store.root(), &held)
        }
    }
}

/// With what lies beside it on the use of flaws by attackers.
fn with_signals(mut database: Database, place: &Path) -> Result<Database, String> {
    database.set_signals(Signals::open(&signals::beside(place)).map_err(|e| e.to_string())?);
    Ok(database)
}

/// With the lists of names that lie beside it, of the ecosystems that are needed.
fn with_names(chosen: Chosen, place: &Path, held: &BTreeSet<&str>) -> Result<Chosen, String> {
    let lists = popular::beside(place).open(held.iter().copied());
    let popular = lists.map_err(|e| format!("{e}; fetch it again with `plimsoll db update --names URL`"))?;
    Ok(Chosen { popular, ..chosen })
}

fn fresh(database: Database) -> Chosen {
    Chosen {
        database,
        popular: Popular::default(),
        stale: None,
    }
}

/// Ecosystems that the artifacts hold and the database does not, or only in an old state.
fn wanted(current: Option<&Generation>, held: &BTreeSet<&str>, after: Duration, now: SystemTime) -> Vec<String> {
    let old = |ecosystem: &&&str| {
        let source = current.and_then(|c| c.index.meta().sources.iter().find(|s| s.ecosystem == ***ecosystem));
        let as_of = source.zip(current).map(|(source, current)| current.as_of(source));
        as_of.is_none_or(|as_of| age(&as_of, now).is_none_or(|age| age > after))
    };
    held.iter().filter(old).map(|e| (*e).to_owned()).collect()
}

/// The current generation, after what the artifacts need of it was fetched or refreshed, where it can be.
fn refreshed(
    store: &Store,
    mut current: Option<Generation>,
    flags: &Flags,
    held: &BTreeSet<&str>,
    now: SystemTime,
    quiet: bool,
) -> Option<Generation> {
    let url = db::url(None, flags.policy.url.as_deref());
    let until = Instant::now() + PATIENCE;
    loop {
        let wanted = wanted(current.as_ref(), held, flags.warn_after(), now);
        if wanted.is_empty() {
            return current;
        }
        let error = match refresh(store, &url, wanted, now, quiet) {
            Ok(generation) => return Some(generation),
            Err(e) => e,
        };
        let busy = matches!(error, UpdateError::Store(StoreError::Busy(_)));
        if busy && !lacks(current.as_ref(), held) {
            return current;
        }
        if !busy || Instant::now() > until {
            if !quiet {
                eprintln!(
                    "warning: advisories cannot be fetched: {}; --offline does not try",
                    terminal(&error.to_string())
                );
            }
            return current;
        }
        thread::sleep(Duration::from_secs(1));
        current = store.current().ok().flatten();
    }
}

/// Whether there is nothing at all of an ecosystem that the artifacts hold.
fn lacks(current: Option<&Generation>, held: &BTreeSet<&str>) -> bool {
    let there = |e: &&str| current.is_some_and(|c| c.index.meta().sources.iter().any(|s| s.ecosystem == **e));
    !held.iter().all(there)
}

fn refresh(
    store: &Store,
    url: &str,
    ecosystems: Vec<String>,
    now: SystemTime,
    quiet: bool,
) -> Result<Generation, UpdateError> {
    let options = Options {
        url: url.to_owned(),
        ecosystems,
        force: false,
        patient: false,
        now,
    };
    let bar = db::Bar::new(quiet);
    let updated = update::update(store, &options, &|what, at, all| bar.at(what, at, all));
    bar.clear();
    Ok(updated?.generation)
}

/// A span of time in words.
pub(super) fn span(span: Duration) -> String {
    match (span.as_secs() / 86_400, span.as_secs() % 86_400) {
        (days, 0) if days > 0 => format!("{days} day{}", if days == 1 { "" } else { "s" }),
        _ => humantime::format_duration(span).to_string(),
    }
}

/// A database as old as the oldest part of it that this scan needs.
fn aged(
    mut database: Database,
    generation: Option<&Generation>,
    held: &BTreeSet<&str>,
    flags: &Flags,
    now: SystemTime,
    quiet: bool,
) -> Chosen {
    let needed = database.meta().sources.iter().filter(|s| held.contains(&*s.ecosystem));
    let oldest = needed
        .map(|source| {
            let as_of = generation.map_or_else(|| source.as_of.clone(), |g| g.as_of(source));
            (as_of, source.ecosystem.clone())
        })
        .min();
    let Some((as_of, ecosystem)) = oldest else {
        return fresh(database);
    };
    database.set_as_of(&as_of);
    let age = age(&as_of, now);
    let days = age.map_or_else(
        || "of an unknown age".to_owned(),
        |age| format!("{} days old", age.as_secs() / 86_400),
    );
    let mut stale = None;
    if age.is_none_or(|age| age > flags.refuse_after()) && !flags.allow_stale && !flags.offline {
        stale = Some(format!(
            "the advisories of {ecosystem} are {days}, more than the limit of {}; refresh them with `plimsoll db update`, \
             or take them as they are with --allow-stale",
            span(flags.refuse_after())
        ));
    } else if age.is_none_or(|age| age > flags.warn_after()) && !quiet {
        eprintln!(
            "warning: the advisories of {} are {days}; `plimsoll db update` refreshes them",
            terminal(&ecosystem)
        );
    }
    Chosen {
        stale,
        ..fresh(database)
    }
}

fn ask(coordinates: &BTreeSet<&Coordinate>, now: SystemTime) -> Result<Database, String> {
    osv_api::ask(&db::api_url(), coordinates, now).map_err(|e| format!("OSV's API cannot be asked: {e}"))
}

/// The database of a digest among the generations that are still there.
#[cfg(feature = "fleet")]
pub(super) fn older(flags: &Flags, digest: &str) -> Option<Database> {
    let root = flags.db.clone().or_else(store::default_folder)?;
    let generations = std::fs::read_dir(root.join("generations")).ok()?;
    let indexes = generations.flatten().map(|entry| entry.path().join("index"));
    indexes
        .filter_map(|path| Database::open(&path, path.display().to_string()).ok())
        .find(|database| database.provenance().digest == digest)
}

/// The database that `explain` and other readers use: `--db`, the local generation, the embedded default; never the network.
pub(super) fn at_hand(db: Option<&Path>) -> Result<Database, String> {
    let open =
        |path: &Path| Database::open(path, path.display().to_string()).map_err(|e| format!("{}: {e}", path.display()));
    let folder = match db {
        Some(path) if path.is_file() => return open(path),
        Some(folder) => Some(folder.to_owned()),
        None => store::default_folder(),
    };
    let current = folder
        .map(|f| Store::new(f).current())
        .transpose()
        .map_err(|e| e.to_string())?;
    match current.flatten() {
        Some(generation) => open(&generation.path),
        None => Ok(Database::embedded()),
    }
}
