//! What could not be seen.

use super::Location;

/// How much a gap hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// Something could not be seen into at all: encrypted, corrupt, contradictory, over a limit.
    Blind,
    /// Something was seen, but not all that there is to know: a package without a version, unidentified code.
    Partial,
}

impl GapKind {
    /// The word that reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Partial => "partial",
        }
    }
}

/// Something that could not be read, identified or versioned. Never dropped silently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// How much it hides.
    pub kind: GapKind,
    /// Where.
    pub location: Location,
    /// Who met it: a detector's id, or `archive`, `inventory`, `advisories`.
    pub stage: &'static str,
    /// Why, and what would help; one sentence, lower case, no full stop.
    pub reason: String,
}

impl Gap {
    /// One of an artifact, or of a run, as a whole.
    #[must_use]
    pub fn whole(kind: GapKind, stage: &'static str, reason: String) -> Self {
        Self {
            kind,
            location: Location::whole(),
            stage,
            reason,
        }
    }
}
