//! Popular names in `plimsoll db`.

use anstream::println;
use plimsoll::{
    advisory::{
        popular::{self, Lists},
        store::Store,
    },
    escape::terminal,
    http::Remote,
};
use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

pub(super) fn of(store: &Store) -> Lists {
    popular::beside(store.root())
}

/// Fetches where a flag, the environment, the policy or an earlier update says; what nobody ever asked for is left alone.
pub(super) fn update(
    store: &Store,
    flag: Option<&str>,
    policy: Option<&str>,
    ecosystems: &[String],
) -> Result<(), String> {
    let set = env::var("PLIMSOLL_NAMES_URL").ok().filter(|url| !url.is_empty());
    let lists = of(store);
    let before = || lists.origin().map(|origin| origin.from);
    let Some(url) = flag
        .map(str::to_owned)
        .or(set)
        .or_else(|| policy.map(str::to_owned))
        .or_else(before)
    else {
        return Ok(());
    };
    let remote = Remote::new(&url, Duration::from_secs(10), true).map_err(|e| e.to_string())?;
    let _writer = store.lock().map_err(|e| e.to_string())?;
    let fetched = lists.fetch(&remote, ecosystems, SystemTime::now());
    for (ecosystem, count) in fetched.map_err(|e| e.to_string())? {
        println!("{ecosystem:<10} {count} popular names fetched");
    }
    Ok(())
}

/// Takes what lies beside an exported database.
pub(super) fn import(store: &Store, paths: &[&PathBuf]) -> Result<(), String> {
    for path in paths.iter().filter(|path| path.is_file()) {
        let exported = popular::beside(path);
        if exported.origin().is_some() {
            let _writer = store.lock().map_err(|e| e.to_string())?;
            of(store).take(&exported).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// Writes them beside an exported file, where there are any.
pub(super) fn export(store: &Store, file: &Path) -> Result<(), String> {
    popular::beside(file).take(&of(store)).map_err(|e| e.to_string())
}

pub(super) fn status(store: &Store) {
    if let Some(origin) = of(store).origin() {
        let (as_of, from) = (terminal(&origin.as_of), terminal(&origin.from));
        println!("{:<10} popular ones, as of {as_of}, from {from}", "names");
    }
}
