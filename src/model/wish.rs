//! What an application asks for.

use super::Location;

/// The names that one manifest of the application lists. Which packages these are, is seen from where it lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// The manifest.
    pub at: Location,
    /// As it writes them.
    pub names: Vec<Box<str>>,
}
