//! What the world says of packages today, for whoever asks for it (`--enrich`): when versions were published, which were taken
//! back, which projects are archived or quarantined. Nothing else in a scan asks for any of this.
//!
//! Names and versions of packages go to the server of [`Options::url`] (deps.dev, or a mirror of its API), and names of Python
//! packages to [`Options::index`], if one is given. Answers are kept on disk for a day; older ones are asked for again with
//! their mark (ETag). What cannot be reached is a gap: the same scan without an answer must not look like one with a good
//! answer.

mod cache;
mod depsdev;
mod index;

use crate::{
    ecosystem::PYPI,
    http::{HttpError, Remote},
    model::{Coordinate, Gap, GapKind, Upstream},
};
use cache::Cache;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// The API of deps.dev.
pub const DEFAULT_URL: &str = "https://api.deps.dev";

/// Age from which an answer is asked for again. A day: what is yanked or quarantined is known within it.
const FRESH: Duration = Duration::from_hours(24);
/// Bytes of an answer. 64 MiB: 5,000 versions come to some 20 MB.
const ANSWER_BYTES: u64 = 64 << 20;
/// Given up after: whoever waits for a gate does not wait for this.
const CONNECT: Duration = Duration::from_secs(5);

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct Options {
    /// Server with deps.dev's API.
    pub url: String,
    /// Server of a Python package index with the JSON interface of PEP 691, its path included; `None` asks none.
    pub index: Option<String>,
    /// Folder for answers; `None` keeps none.
    pub cache: Option<PathBuf>,
    /// The time of the run.
    pub now: SystemTime,
}

/// What came.
#[derive(Debug, Default)]
pub struct Enriched {
    /// By component. A component that nobody knows has none.
    pub upstream: BTreeMap<Coordinate, Upstream>,
    /// What could not be asked.
    pub gaps: Vec<Gap>,
}

/// What can go wrong with an answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{what}: {reason}")]
    Shape { what: String, reason: String },
}

/// Asks about components whose version is known.
#[must_use]
pub fn ask(coordinates: &BTreeSet<&Coordinate>, options: &Options) -> Enriched {
    let cache = Cache::new(options.cache.clone(), options.now, FRESH);
    let mut enriched = Enriched::default();
    let known: Vec<&Coordinate> = coordinates.iter().copied().filter(|c| c.version.is_some()).collect();
    if known.is_empty() {
        return enriched;
    }
    let asked =
        remote(&options.url).and_then(|remote| depsdev::ask(&remote, &cache, &known, options.now, &mut enriched));
    if let Err(e) = asked {
        enriched.gaps.push(gap(&options.url, &e));
    }
    if let Some(url) = &options.index {
        let python: Vec<&Coordinate> = known.into_iter().filter(|c| c.ecosystem == PYPI.id).collect();
        let asked = remote(url).and_then(|remote| index::ask(&remote, &cache, &python, &mut enriched));
        if let Err(e) = asked {
            enriched.gaps.push(gap(url, &e));
        }
    }
    enriched
}

fn remote(url: &str) -> Result<Remote, AskError> {
    Ok(Remote::new(url, CONNECT, true)?)
}

fn gap(url: &str, e: &AskError) -> Gap {
    let reason = format!("what {url} knows of these packages (yanked, archived, deprecated) could not be asked: {e}");
    Gap::whole(GapKind::Partial, "enrich", reason)
}

fn shape(what: &str, reason: impl Into<String>) -> AskError {
    AskError::Shape {
        what: what.to_owned(),
        reason: reason.into(),
    }
}
