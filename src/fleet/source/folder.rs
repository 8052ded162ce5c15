//! A folder of archives, or one archive.

use super::{Fetched, Listed, Source, SourceError, absolute};
use crate::{
    audit::{self, Input},
    fleet::Function,
};
use std::{
    fs::{self, Metadata},
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Every archive below a folder. An archive that is named by itself is one of its folder, of which nothing else is said.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    only: Option<PathBuf>,
}

impl Folder {
    /// Of a path.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn new(path: &Path) -> Result<Self, SourceError> {
        let path = absolute(path)?;
        if path.is_dir() {
            return Ok(Self { root: path, only: None });
        }
        let root = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { root, only: Some(path) })
    }

    fn listed(&self, path: &Path) -> Listed {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let meta = fs::metadata(path).ok();
        let modified = meta.as_ref().and_then(|m| m.modified().ok());
        Listed {
            function: Function {
                name: relative.to_string_lossy().replace('\\', "/"),
                location: path.to_string_lossy().into_owned(),
                last_modified: modified.map(rfc3339),
                ..Function::default()
            },
            stamp: meta.as_ref().and_then(stamp),
            digest: None,
        }
    }
}

impl Source for Folder {
    fn name(&self) -> String {
        self.root.to_string_lossy().into_owned()
    }

    fn list(&self, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> Result<(), SourceError> {
        if let Some(only) = &self.only {
            let _ = each(self.listed(only));
            return Ok(());
        }
        let (inputs, failures) = audit::expand(vec![self.root.clone()]);
        for input in inputs {
            if let Input::Path(path) = input
                && each(self.listed(&path)).is_break()
            {
                return Ok(());
            }
        }
        match failures.first() {
            Some(failure) => Err(SourceError::Failed(format!("{}: {}", failure.path, failure.message))),
            None => Ok(()),
        }
    }

    fn fetch(&self, listed: &Listed, limit: u64) -> Result<Fetched, SourceError> {
        at_hand(Path::new(&listed.function.location), limit)
    }

    fn is_whole(&self) -> bool {
        self.only.is_none()
    }
}

/// A file on this machine as an artifact.
pub(super) fn at_hand(path: &Path, limit: u64) -> Result<Fetched, SourceError> {
    let meta = fs::metadata(path).map_err(|e| SourceError::Failed(format!("{}: {e}", path.display())))?;
    if meta.is_file() && meta.len() > limit {
        return Err(SourceError::TooLarge { got: meta.len(), limit });
    }
    Ok(Fetched::Here(path.to_owned()))
}

/// Size and time of change; `None` for a folder, whose own time says little of what is below it.
pub(super) fn stamp(meta: &Metadata) -> Option<String> {
    let modified = meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    meta.is_file()
        .then(|| format!("{}-{}", meta.len(), modified.as_nanos()))
}

pub(super) fn rfc3339(time: SystemTime) -> String {
    // The formatter knows no years before 1970 and after 9999; a file can claim any.
    let limit = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(253_402_300_799);
    let time = time.clamp(SystemTime::UNIX_EPOCH, limit);
    humantime::format_rfc3339_seconds(time).to_string()
}
