//! KEV and EPSS in `plimsoll db`.

use anstream::println;
use plimsoll::{
    advisory::{
        signals::{self, Kind, Signals},
        store::Store,
    },
    escape::terminal,
    http::Remote,
    policy::Advisories,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How each is called, in the order in which they are told.
const NAMES: [(Kind, &str); 2] = [(Kind::Kev, "KEV"), (Kind::Epss, "EPSS")];

/// Where the signals of a database lie: in its folder, or beside an exported file.
pub(super) fn beside(database: &Path) -> PathBuf {
    if database.is_dir() {
        return database.join("signals");
    }
    let mut name = database.as_os_str().to_owned();
    name.push(".signals");
    name.into()
}

pub(super) fn of(store: &Store) -> Result<Signals, String> {
    Signals::open(&store.root().join("signals")).map_err(|e| e.to_string())
}

/// Fetches what a flag, the policy, or an earlier update asks for; what nobody ever asked for is left alone.
pub(super) fn update(store: &Store, kev: Option<&str>, epss: Option<&str>, policy: &Advisories) -> Result<(), String> {
    let mut all = of(store)?;
    let mut fetched = false;
    for ((kind, name), (flag, policy)) in NAMES
        .into_iter()
        .zip([(kev, &policy.kev_url), (epss, &policy.epss_url)])
    {
        let before = all
            .origin(kind)
            .map(|(origin, _)| origin.from.clone())
            .filter(|from| from.starts_with("http"));
        let Some(url) = flag.map(str::to_owned).or_else(|| policy.clone()).or(before) else {
            continue;
        };
        let wrong = || format!("{url}: not the URL of a file");
        let (base, path) = url.rsplit_once('/').ok_or_else(wrong)?;
        let remote = Remote::new(base, Duration::from_secs(10), true).map_err(|e| e.to_string())?;
        let bytes = remote.body(path, signals::BYTES).map_err(|e| e.to_string())?;
        all.take(kind, &bytes, &url).map_err(|e| e.to_string())?;
        println!("{name:<10} fetched");
        fetched = true;
    }
    if fetched { save(store, &all) } else { Ok(()) }
}

/// Takes those of the paths that are files of KEV or EPSS, and what lies beside an exported database; the others are left.
pub(super) fn import<'p>(store: &Store, paths: &'p [PathBuf]) -> Result<Vec<&'p PathBuf>, String> {
    let (mut all, mut rest, mut taken) = (of(store)?, Vec::new(), false);
    for path in paths {
        if let Some(kind) = signals::kind(path) {
            all.import(kind, path).map_err(|e| e.to_string())?;
            taken = true;
            continue;
        }
        let exported = Signals::open(&beside(path)).map_err(|e| e.to_string())?;
        taken |= path.is_file() && !exported.is_empty();
        if path.is_file() {
            all.merge(exported);
        }
        rest.push(path);
    }
    if taken {
        save(store, &all)?;
    }
    Ok(rest)
}

fn save(store: &Store, all: &Signals) -> Result<(), String> {
    let _writer = store.lock().map_err(|e| e.to_string())?;
    all.save(&store.root().join("signals")).map_err(|e| e.to_string())
}

/// Writes them beside an exported file, where there are any.
pub(super) fn export(store: &Store, file: &Path) -> Result<(), String> {
    let all = of(store)?;
    if all.is_empty() {
        return Ok(());
    }
    all.save(&beside(file)).map_err(|e| e.to_string())
}

pub(super) fn status(store: &Store) -> Result<(), String> {
    let all = of(store)?;
    for (kind, name) in NAMES {
        if let Some((origin, count)) = all.origin(kind) {
            let (as_of, from) = (terminal(&origin.as_of), terminal(&origin.from));
            println!("{name:<10} {count:>7} flaws, as of {as_of}, from {from}");
        }
    }
    Ok(())
}
