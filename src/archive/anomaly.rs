//! What is wrong with the framing of an archive.

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
