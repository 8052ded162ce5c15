//! What is wrong with the framing of an archive.

use std::collections::BTreeMap;

/// How much an anomaly matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Honest producers do this too (a shebang before a zip, NULs after it).
    Quirk,
    /// Two readers may see two different archives, or one may see nothing.
    Contradiction,
}

/// One disagreement inside an archive, or one thing that its format forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Kebab-case code, stable for ever (`duplicate-name`).
    pub code: &'static str,
    /// How much it matters.
    pub gravity: Gravity,
    /// Path of the entry it concerns; empty for the archive as a whole.
    pub path: Box<str>,
    /// A plain sentence, lower case, no full stop.
    pub message: String,
}

/// Anomalies as they are met. An archive of 65,000 bad entries is told by its first few and a count: the report of an attack
/// must not be an attack itself.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    kept: Vec<Anomaly>,
    met: BTreeMap<(&'static str, Gravity), usize>,
}

/// How many of one code are told one by one.
const fn shown(gravity: Gravity) -> usize {
    match gravity {
        Gravity::Quirk => 1,
        Gravity::Contradiction => 20,
    }
}

/// Bytes of a path that are told; the limit on paths is far above what a reader wants to see.
const PATH_SHOWN: usize = 300;

impl Anomalies {
    pub(super) fn quirk(&mut self, code: &'static str, path: &str, message: impl FnOnce() -> String) {
        self.add(Gravity::Quirk, code, path, message);
    }

    pub(super) fn contradiction(&mut self, code: &'static str, path: &str, message: impl FnOnce() -> String) {
        self.add(Gravity::Contradiction, code, path, message);
    }

    pub(super) fn add(&mut self, gravity: Gravity, code: &'static str, path: &str, message: impl FnOnce() -> String) {
        let met = self.met.entry((code, gravity)).or_default();
        *met += 1;
        if *met <= shown(gravity) {
            self.kept.push(Anomaly {
                code,
                gravity,
                path: shortened(path),
                message: message(),
            });
        }
    }

    /// What was met, in the order it was met, with one more for each code of which not all are told.
    pub(super) fn finish(self) -> Vec<Anomaly> {
        let mut kept = self.kept;
        for ((code, gravity), met) in self.met {
            if let Some(more @ 1..) = met.checked_sub(shown(gravity)) {
                kept.push(Anomaly {
                    code,
                    gravity,
                    path: "".into(),
                    message: format!("{more} more of the same kind: {code}"),
                });
            }
        }
        kept
    }
}

fn shortened(path: &str) -> Box<str> {
    if path.len() <= PATH_SHOWN {
        return path.into();
    }
    format!("{}… ({} bytes)", cut(path, PATH_SHOWN), path.len()).into()
}

/// The beginning of a text, no more than `bytes` of it and no half characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1; // ends at 0, which is a boundary
    }
    &text[..end]
}
