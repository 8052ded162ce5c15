//! What the command line names: paths, folders of archives, standard input.

use crate::{
    archive::{PEEK_BYTES, gzip, tar, zip},
    report::Failure,
};
use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// One artifact to be.
#[derive(Debug)]
pub enum Input {
    /// A file, or a folder that is one unpacked artifact.
    Path(PathBuf),
    /// What came on standard input.
    Stdin(Vec<u8>),
}

impl Input {
    /// The name that reports use.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.to_string_lossy().into_owned(),
            Self::Stdin(_) => "-".to_owned(),
        }
    }
}

/// Every archive and every SBOM below each folder of `paths`, in the order of their paths; files stay as they are.
///
/// A folder that cannot be listed, or that holds none, is a failure beside the others.
#[must_use]
pub fn expand(paths: Vec<PathBuf>) -> (Vec<Input>, Vec<Failure>) {
    let (mut inputs, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            inputs.push(Input::Path(path));
            continue;
        }
        let mut found = Vec::new();
        let mut fail = |path: &Path, message: String| {
            failures.push(Failure {
                path: path.to_string_lossy().into_owned(),
                message,
            });
        };
        let mut open = vec![path.clone()];
        while let Some(folder) = open.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) => {
                    fail(&folder, format!("folder cannot be listed: {e}"));
                    continue;
                }
            };
            for entry in entries.flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(path),
                    Ok(kind) if kind.is_file() => match is_artifact(&path) {
                        Ok(true) => found.push(path),
                        Ok(false) => {}
                        Err(e) => fail(&path, format!("cannot be read: {e}")),
                    },
                    _ => {}
                }
            }
        }
        if found.is_empty() {
            fail(
                &path,
                "holds no archive and no SBOM; leave out --each if it is one unpacked artifact".to_owned(),
            );
        }
        found.sort();
        inputs.extend(found.into_iter().map(Input::Path));
    }
    (inputs, failures)
}

/// What an SBOM in JSON calls itself: CycloneDX, SPDX.
const SBOM_MARKS: [&[u8]; 2] = [b"\"bomFormat\"", b"\"spdxVersion\""];

/// By contents, not by name: a zip or a tar at the start, or a zip behind a prefix, where its end record tells; a JSON document
/// that begins or ends as SBOMs do (some tools write what it is last).
fn is_artifact(path: &Path) -> io::Result<bool> {
    /// An end record and the longest comment there can be.
    const TAIL: u64 = 22 + 65_535;
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(PEEK_BYTES as u64).read_to_end(&mut head)?;
    let tarball = || gzip::is_magic(&head) && tar::is_magic(&gzip::begin(&head));
    if zip::is_magic(&head) || tar::is_magic(&head) || tarball() {
        return Ok(true);
    }
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let said = |bytes: &[u8]| {
        SBOM_MARKS
            .iter()
            .any(|mark| memchr::memmem::find(bytes, mark).is_some())
    };
    let is_sbom =
        head.trim_ascii_start().starts_with(b"{") && (said(&head) || said(&tail[tail.len().saturating_sub(1024)..]));
    Ok(is_sbom || zip::has_end(&tail))
}
