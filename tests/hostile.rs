//! Artifacts that try to hide something or to hurt: our own, one at least of every kind, and the collection beside the
//! project where it is there.
#![allow(missing_docs, dead_code, unreachable_pub)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_imports,
    clippy::too_many_lines,
    clippy::cast_possible_truncation,
    clippy::must_use_candidate,
    clippy::print_stdout,
    clippy::format_push_string,
    clippy::field_reassign_with_default
)]

#[path = "hostile/binaries.rs"]
mod binaries;
#[path = "hostile/build.rs"]
mod build;
#[path = "hostile/collection.rs"]
mod collection;
mod common;
#[path = "hostile/documents.rs"]
mod documents;
#[path = "hostile/nesting.rs"]
mod nesting;
#[path = "hostile/own.rs"]
mod own;
#[path = "hostile/quine.rs"]
mod quine;
#[path = "hostile/resources.rs"]
mod resources;

use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    check,
    model::{GapKind, Level},
    report::Report,
};
use std::{sync::LazyLock, time::SystemTime};

static DATABASE: LazyLock<Database> = LazyLock::new(Database::embedded);

/// What a scan says of an artifact, as far as these tests want to know.
#[derive(Debug, Default)]
pub struct Verdict {
    pub canary: bool,
    /// Codes of anomalies above a note.
    pub contradictions: Vec<String>,
    /// Codes of the others.
    pub quirks: Vec<String>,
    pub blind: Vec<String>,
    pub failures: Vec<String>,
    pub exit: u8,
}

impl Verdict {
    /// Seen in full, and nothing above a note said of the archive.
    pub fn is_unalarmed(&self) -> bool {
        self.contradictions.is_empty() && self.blind.is_empty() && self.failures.is_empty()
    }

    /// Anything at all was said.
    pub fn is_told(&self) -> bool {
        !self.is_unalarmed() || !self.quirks.is_empty()
    }

    /// The canary is reported, or else nobody may take the artifact for clean.
    pub fn keeps_the_canary_rule(&self) -> bool {
        self.canary || (!self.is_unalarmed() && self.exit != 0)
    }

    fn of(report: &Report) -> Self {
        let mut verdict = Self {
            exit: report.exit_code,
            ..Self::default()
        };
        verdict
            .failures
            .extend(report.failures.iter().map(|f| f.message.clone()));
        let ambiguous = check::rule("ambiguous-archive").unwrap();
        for artifact in &report.artifacts {
            verdict.canary |= artifact
                .inventory
                .iter()
                .any(|c| &*c.coordinate.name == "plimsoll-canary" && c.coordinate.version.as_deref() == Some("6.6.6"));
            for finding in artifact.findings.iter().filter(|f| *f.rule == *ambiguous) {
                let code = finding
                    .message
                    .rsplit_once('(')
                    .unwrap()
                    .1
                    .trim_end_matches(')')
                    .to_owned();
                if finding.level == Level::Note {
                    &mut verdict.quirks
                } else {
                    &mut verdict.contradictions
                }
                .push(code);
            }
            let blind = artifact.gaps.iter().filter(|g| g.kind == GapKind::Blind);
            verdict
                .blind
                .extend(blind.map(|g| format!("{}: {}", g.location, g.reason)));
        }
        for codes in [&mut verdict.quirks, &mut verdict.contradictions] {
            codes.sort();
            codes.dedup();
        }
        verdict
    }
}

/// Scans bytes in this process.
pub fn scan(bytes: Vec<u8>) -> Verdict {
    scan_with(bytes, &Options::default())
}

pub fn scan_with(bytes: Vec<u8>, options: &Options) -> Verdict {
    let inputs = [Input::Stdin(bytes)];
    Verdict::of(&audit::audit(
        &inputs,
        options,
        &DATABASE,
        SystemTime::UNIX_EPOCH,
        &|| {},
    ))
}
