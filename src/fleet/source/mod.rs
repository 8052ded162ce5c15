//! Where artifacts come from. A new kind of place is one new file and one line in [`open`].

mod bucket;
mod environment;
mod folder;
#[cfg(feature = "aws")]
mod lambda;
mod manifest;
mod web;

pub use bucket::Bucket;
pub use folder::Folder;
#[cfg(feature = "aws")]
pub use lambda::Lambda;
pub use manifest::Manifest;
pub(super) use web::split;

use super::Listed;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use tempfile::TempPath;

/// What went wrong at a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be listed, or an artifact of it cannot be read.
    #[error("{0}")]
    Failed(String),
    /// An artifact is over the limit.
    #[error("{got} bytes, over the limit of {limit} for one artifact")]
    TooLarge {
        /// What it has, or at least has.
        got: u64,
        /// What it may have.
        limit: u64,
    },
}

/// An artifact at hand.
#[derive(Debug)]
pub enum Fetched {
    /// It lies here anyway.
    Here(PathBuf),
    /// It was fetched into a file that goes when this does.
    Temporary(TempPath),
}

impl Fetched {
    /// Where it can be read.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Here(path) => path,
            Self::Temporary(path) => path,
        }
    }

    /// Whether it came over a network.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        matches!(self, Self::Temporary(_))
    }
}

/// A place that holds artifacts.
pub trait Source: Sync {
    /// What the store calls it; the same from night to night.
    fn name(&self) -> String;

    /// Names every function, in any order, until it is told to stop.
    ///
    /// # Errors
    /// When the list cannot be had, or not to its end.
    fn list(&self, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> Result<(), SourceError>;

    /// Gets the artifact of one of them, of at most `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be had.
    fn fetch(&self, listed: &Listed, limit: u64) -> Result<Fetched, SourceError>;

    /// Whether the list names all that there is, so that what it no longer names is gone.
    fn is_whole(&self) -> bool {
        true
    }
}

/// What [`open`] is told besides the place.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Account profiles to ask with, where the kind of place has such.
    pub profiles: Vec<String>,
}

/// The source that a text names: a path, or a URL.
///
/// # Errors
/// When it names none.
pub fn open(text: &str, settings: &Settings) -> Result<Vec<Box<dyn Source>>, SourceError> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return match scheme {
            "s3" | "gs" | "az" => Ok(vec![Box::new(Bucket::new(text)?)]),
            #[cfg(feature = "aws")]
            "lambda" => lambda::open(rest, &settings.profiles),
            #[cfg(not(feature = "aws"))]
            "lambda" => {
                let _ = (rest, settings);
                Err(SourceError::Failed(
                    "lambda://: this plimsoll was built without the feature `aws`".to_owned(),
                ))
            }
            _ => Err(SourceError::Failed(format!(
                "`{scheme}://` is no source; expected a folder, an archive, a manifest (.csv, .jsonl), s3://, gs://, az://, or \
                 lambda://REGION"
            ))),
        };
    }
    let path = Path::new(text);
    if manifest::is_manifest(path) {
        return Ok(vec![Box::new(Manifest::new(path)?)]);
    }
    Ok(vec![Box::new(Folder::new(path)?)])
}

/// A path that means the same from everywhere.
fn absolute(path: &Path) -> Result<PathBuf, SourceError> {
    path.canonicalize()
        .map_err(|e| SourceError::Failed(format!("{}: {e}; check the path", path.display())))
}
