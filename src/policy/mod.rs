//! What people decided beforehand: a policy file, VEX documents, an earlier report. None of them makes anything disappear: a
//! finding that does not count stays in the report beside the others, with the decision and its reason.
//!
//! | file | holds |
//! |---|---|
//! | `file` | `plimsoll.toml` into a [`Policy`], with every error at its line and column |
//! | `vex`, `range` | OpenVEX and CycloneDX VEX, and the notation of ranges that the latter uses |
//! | `baseline` | an earlier report |
//! | `judge` | what applies to which finding and gap, and which exit code follows |
//! | `template` | the commented policy of `plimsoll policy init` |

mod baseline;
mod file;
mod judge;
mod range;
mod template;
mod vex;

pub use baseline::Baseline;
pub use file::Problem;
pub use judge::Decisions;
pub use template::TEMPLATE;
pub use vex::Vex;

use crate::{
    ecosystem::Pattern,
    model::{Authority, Justification},
    report::{Bar, Ruling},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// The name of the file.
pub const FILE: &str = "plimsoll.toml";

/// Bytes of a policy. 4 MiB: some ten thousand entries.
const BYTES: u64 = 4 << 20;

/// What a policy file says.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The file, as reports call it.
    pub place: String,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// `fail-on`.
    pub fail_on: Option<Bar>,
    /// `fail-on-exploited`: whether a flaw that attackers are known to use fails a run whatever its severity.
    pub fail_on_exploited: bool,
    /// `require-coverage`.
    pub require_coverage: Option<bool>,
    /// `verify-records`.
    pub verify_records: Option<bool>,
    /// `[rules]`: what makes a run fail, by rule.
    pub rules: BTreeMap<&'static str, Bar>,
    /// `[limits]`, as `NAME=VALUE`, each of which [`crate::limits::Limits::set`] takes.
    pub limits: Vec<String>,
    /// `[advisories]`.
    pub advisories: Advisories,
    /// `[typosquat] allow`: packages whose names are no typing errors.
    pub typosquat_allow: Vec<String>,
    /// `[[ignore]]`.
    pub ignores: Vec<Entry>,
    /// `[[accept-gap]]`.
    pub acceptances: Vec<Acceptance>,
}

/// Where advisories come from, and how old they may be.
#[derive(Clone, Debug, Default)]
pub struct Advisories {
    /// Folder or file of the database.
    pub db: Option<String>,
    /// Server with the layout of OSV's bucket.
    pub url: Option<String>,
    /// Never touch the network.
    pub offline: bool,
    /// Age from which a database is refreshed first, and warned of.
    pub warn_after: Option<Duration>,
    /// Age from which a run fails.
    pub fail_after: Option<Duration>,
    /// Server of CISA's catalogue of known exploited vulnerabilities.
    pub kev_url: Option<String>,
    /// Server of the EPSS scores.
    pub epss_url: Option<String>,
    /// Server of lists of popular names.
    pub names_url: Option<String>,
}

/// A finding that shall not count. All that it says must hold.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the entry begins, 1-based.
    pub line: usize,
    /// Ids of advisories or aliases, one of which the finding has; empty for any.
    pub ids: Vec<String>,
    /// The component.
    pub package: Option<Pattern>,
    /// A glob that every place of the finding matches, or a folder that holds them all.
    pub path: Option<String>,
    /// The rule.
    pub rule: Option<&'static str>,
    /// A glob that the artifact's path matches.
    pub artifact: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub expires: Option<Box<str>>,
    /// Why the flaw does no harm; without it the entry says that it may, and is accepted.
    pub justification: Option<Justification>,
}

/// A gap that shall leave the exit code. All that it says must hold.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Where the entry begins, 1-based.
    pub line: usize,
    /// A glob that its place matches, or a folder that holds it.
    pub path: Option<String>,
    /// A part of its reason.
    pub about: Option<String>,
    /// Who met it.
    pub stage: Option<String>,
    /// A glob that the artifact's path matches.
    pub artifact: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub expires: Option<Box<str>>,
}

impl Policy {
    /// Reads a policy from its text; `place` is what reports call it.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the text.
    pub fn parse(text: &str, place: &str) -> Result<Self, Vec<Problem>> {
        file::read(text, place)
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// When it cannot be read; or all that is wrong with it, one problem a line, each with its place.
    pub fn open(path: &Path) -> Result<Self, String> {
        let place = path.to_string_lossy().into_owned();
        let (bytes, sha256) = contents(path, BYTES).map_err(|e| format!("{place}: {e}"))?;
        let text = crate::parse::toml::text(&bytes).map_err(|e| format!("{place}: {e}"))?;
        let policy = Self::parse(text, &place).map_err(|problems| {
            let line = |p: &Problem| format!("{place}:{}:{}: {}", p.line, p.column, p.message);
            problems.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        Ok(Self { sha256, ..policy })
    }

    /// The policy that governs a folder: `plimsoll.toml` there or in the nearest folder above it that has one. The search
    /// ends at the top of a repository (the folder that holds `.git`), so that nobody else's file above it is taken.
    #[must_use]
    pub fn find(folder: &Path) -> Option<PathBuf> {
        for folder in folder.ancestors() {
            let file = folder.join(FILE);
            if file.is_file() {
                return Some(file);
            }
            if folder.join(".git").exists() {
                return None;
            }
        }
        None
    }

    fn ruling(&self) -> Ruling {
        Ruling {
            by: Authority::Policy,
            path: self.place.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

/// The bytes of a document, and their SHA-256 in hexadecimal.
fn contents(path: &Path, limit: u64) -> Result<(Vec<u8>, String), String> {
    let told = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => "no such file; check the path".to_owned(),
        _ => format!("cannot be read: {e}"),
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(told)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > limit {
        return Err(format!("over the limit of {limit} bytes"));
    }
    let sha256 = Sha256::digest(&bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok((bytes, sha256))
}
