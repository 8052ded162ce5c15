//! What a run learned, and how it is written down; one file per format.

use crate::{
    advisory::Provenance,
    inventory::Inventory,
    model::{Authority, Coverage, Decision, Finding, Gap, GapKind, Ignored, Level, Severity, Step},
};
use std::{collections::BTreeMap, io, time::SystemTime};

mod cyclonedx;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod openvex;
mod sarif;
mod sbom;
mod spdx;
mod text;
mod words;

#[cfg(feature = "fleet")]
pub(crate) use html::{CSS as PAGE_CSS, MARK};

/// Every format, the default first.
pub static ALL: &[&dyn Reporter] = &[
    &text::Text,
    &json::Json,
    &sarif::Sarif,
    &cyclonedx::CycloneDx,
    &spdx::Spdx,
    &markdown::Markdown,
    &junit::Junit,
    &github::Github,
    &html::Html,
    &openvex::OpenVex,
];

/// Everything that one run learned; the only thing a reporter sees.
#[derive(Debug)]
pub struct Report {
    /// Which advisories were used; `None` for an inventory, which asks none.
    pub advisories: Option<Provenance>,
    /// Days between the newest change in them and the run; `None` where a date cannot be read.
    pub advisories_age: Option<u64>,
    /// What was looked at, in the order given.
    pub artifacts: Vec<Artifact>,
    /// What could not be looked at at all, in the order given.
    pub failures: Vec<Failure>,
    /// Gaps of the run itself.
    pub gaps: Vec<Gap>,
    /// Those of them that somebody answers for: they are told, and leave the exit code.
    pub accepted: BTreeMap<Gap, Decision>,
    /// What was decided beforehand, and where.
    pub rulings: Rulings,
    /// What to do, the most urgent first.
    pub plan: Vec<Step>,
    /// What the process ends with.
    pub exit_code: u8,
    /// The time to put into documents that have a place for one; `None` keeps them reproducible.
    pub created: Option<SystemTime>,
}

/// One artifact and what was found in it.
#[derive(Debug)]
pub struct Artifact {
    /// As given on the command line, or found below a folder given.
    pub path: String,
    /// SHA-256 in hexadecimal; `None` for a folder.
    pub sha256: Option<String>,
    /// In bytes, packed; of a folder the sum of its files.
    pub size: u64,
    /// `zip`, `directory`, `file`.
    pub kind: &'static str,
    /// Entries seen, nested archives' included.
    pub entries: usize,
    /// Bytes that were inflated or read.
    pub bytes_read: u64,
    /// What is in it.
    pub inventory: Inventory,
    /// How much of each bundle is explained, by path.
    pub coverage: Vec<Coverage>,
    /// What is wrong with that, the worst first.
    pub findings: Vec<Finding>,
    /// What was found and does not count, and why.
    pub ignored: Vec<Ignored>,
    /// What could not be seen, blind gaps first.
    pub gaps: Vec<Gap>,
    /// Those of them that somebody answers for: they are told, and leave the exit code.
    pub accepted: BTreeMap<Gap, Decision>,
}

/// The documents by which a run was judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rulings {
    /// Policy first, then VEX documents, then the baseline.
    pub documents: Vec<Ruling>,
    /// What their reader should know: entries that nothing matches, entries that have expired.
    pub remarks: Vec<Remark>,
}

/// A document by which a run was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What it is.
    pub by: Authority,
    /// Where it is.
    pub path: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Something to know about an entry of such a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where the entry is (`plimsoll.toml:12`).
    pub place: String,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

/// An input that is no artifact, or could not be read.
#[derive(Debug)]
pub struct Failure {
    /// As given.
    pub path: String,
    /// What, got and expected, remedy.
    pub message: String,
}

/// What the run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Components.
    pub components: usize,
    /// Findings of level error.
    pub errors: usize,
    /// Findings of level warning.
    pub warnings: usize,
    /// Findings of level note.
    pub notes: usize,
    /// Findings that do not count.
    pub ignored: usize,
    /// Findings that the report compared with has already.
    pub known: usize,
    /// Gaps that hide something altogether.
    pub blind: usize,
    /// Gaps that hide something in part.
    pub partial: usize,
}

impl Report {
    /// Over all artifacts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for artifact in &self.artifacts {
            counts.components += artifact.inventory.len();
            counts.ignored += artifact.ignored.len();
            for finding in &artifact.findings {
                counts.known += usize::from(finding.triage.known);
                match finding.level {
                    Level::Error => counts.errors += 1,
                    Level::Warning => counts.warnings += 1,
                    Level::Note => counts.notes += 1,
                }
            }
        }
        for gap in self.gaps() {
            match gap.kind {
                GapKind::Blind => counts.blind += 1,
                GapKind::Partial => counts.partial += 1,
            }
        }
        counts
    }

    /// Adds inputs that could not be read; a run with one ends with exit code 2.
    pub fn fail(&mut self, failures: Vec<Failure>) {
        if !failures.is_empty() {
            self.failures.extend(failures);
            self.exit_code = 2;
        }
    }

    /// Of the run and of every artifact.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().chain(self.artifacts.iter().flat_map(|a| &a.gaps))
    }
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Nothing.
    Never,
    /// Every finding of level error.
    Any,
    /// Findings of level error that are at least this severe. An advisory without a rating counts as high: most that are
    /// rated later turn out so, and a flaw that nobody has rated is not thereby harmless.
    AtLeast(Severity),
}

impl Bar {
    /// Whether a finding makes the run fail.
    #[must_use]
    pub fn stops(self, finding: &Finding) -> bool {
        finding.level == Level::Error && self.reaches(finding)
    }

    /// Whether a finding would, were it of level error.
    #[must_use]
    pub fn reaches(self, finding: &Finding) -> bool {
        match self {
            Self::Never => false,
            Self::Any => true,
            Self::AtLeast(bar) => finding.severity.unwrap_or(Severity::High) >= bar,
        }
    }
}

/// One output format.
pub trait Reporter: Sync {
    /// The name on the command line.
    fn id(&self) -> &'static str;
    /// What it is for, in a few words for the documentation.
    fn purpose(&self) -> &'static str;
    /// What one document of it describes.
    fn scope(&self) -> Scope {
        Scope::Run
    }
    /// Writes the report; colours as ANSI sequences where the format has any, the caller strips them.
    ///
    /// # Errors
    /// When the writer fails.
    fn write(&self, report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()>;
}

/// What one document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything that one run looked at.
    Run,
    /// One artifact; its file has this extension. A report on several is an error of [`Reporter::write`].
    Artifact(&'static str),
}

/// The artifact of a document that describes one; none where the only input could not be read.
fn only(report: &Report) -> io::Result<Option<&Artifact>> {
    match &*report.artifacts {
        several @ [_, _, ..] => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("one document describes one artifact, and there are {}", several.len()),
        )),
        one => Ok(one.first()),
    }
}

/// What a reader of running text asked for.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns to fill.
    pub width: usize,
    /// All locations and all components, not only what a reader needs first.
    pub verbose: bool,
}
