//! Where something was seen.

use std::{fmt, sync::Arc};

/// A place inside an artifact, written `inner.zip!/deeper.whl!/path` (the artifact itself is not named).
///
/// The text is as the artifact gives it: hostile until it has passed through [`crate::escape`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Archives that enclose the entry inside the artifact, outermost first; empty for the artifact's own entries.
    pub archives: Arc<[Box<str>]>,
    /// Path of the entry in the innermost archive; empty when the archive as a whole is meant.
    pub path: Box<str>,
    /// 1-based line, where the format has lines.
    pub line: Option<u32>,
}

impl Location {
    /// An entry of the archive that `archives` leads to.
    #[must_use]
    pub fn new(archives: Arc<[Box<str>]>, path: &str) -> Self {
        Self {
            archives,
            path: path.into(),
            line: None,
        }
    }

    /// The artifact as a whole.
    #[must_use]
    pub fn whole() -> Self {
        Self::new(Arc::default(), "")
    }

    /// The same place, at a line (1-based).
    #[must_use]
    pub fn at_line(&self, line: usize) -> Self {
        Self {
            line: u32::try_from(line).ok(),
            ..self.clone()
        }
    }

    /// Whether `other` lies in this entry's folder or below it, archives inside it included.
    #[must_use]
    pub fn governs(&self, other: &Self) -> bool {
        let depth = self.archives.len();
        if other.archives.get(..depth) != Some(&*self.archives) {
            return false;
        }
        let path = other.archives.get(depth).unwrap_or(&other.path);
        let folder = self.folder();
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The folder that holds the entry, without a trailing slash; empty at the top.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The path in the same archive that a relative path means here; `None` for one that leads elsewhere.
    #[must_use]
    pub fn beside(&self, relative: &str) -> Option<String> {
        if relative.starts_with('/') || relative.is_empty() || relative.len() > 4096 {
            return None;
        }
        let mut parts: Vec<&str> = self.folder().split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }
}

/// A symbolic link inside an artifact. Nobody follows it to read; it tells where Node would look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it stands.
    pub at: Location,
    /// The path in the same archive that it leads to.
    pub to: Box<str>,
}

impl Link {
    /// The link at a place whose contents are `target`; `None` where that leads out of the archive.
    #[must_use]
    pub fn new(at: Location, target: &str) -> Option<Self> {
        let to = at.beside(target)?.into();
        Some(Self { at, to })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, archive) in self.archives.iter().enumerate() {
            let last = i + 1 == self.archives.len();
            f.write_str(archive)?;
            if !(last && self.path.is_empty()) {
                f.write_str("!/")?;
            }
        }
        f.write_str(&self.path)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}
