//! Something about the artifact that is no component and no gap, for a check to judge.

use super::{Coordinate, Location};

/// What was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObservationKind {
    /// Code whose contents are not those that the installer recorded.
    CodeChanged,
    /// Another file of which the same is true.
    FileChanged,
    /// Code inside a package that the package's record does not list.
    CodeUnlisted,
    /// A crate of a binary that the source it is said to be built from does not have.
    NotInSource,
    /// A crate of a binary that its source has in other versions alone.
    OtherInSource,
    /// A crate that the source links into a binary and that the binary's own list does not name.
    NotInBinary,
}

/// One fact that a detector states; whether it is a finding, and how bad, is a check's to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Observation {
    /// What.
    pub kind: ObservationKind,
    /// The package that it concerns.
    pub subject: Coordinate,
    /// Where.
    pub location: Location,
    /// What says so: the record, or the source's lock file.
    pub against: Location,
    /// The versions that are there instead.
    pub others: Box<str>,
}
