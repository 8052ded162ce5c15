//! What the symbol table of a binary names.

use super::Location;

/// The mangled symbols of one Rust binary that name a crate other than the standard library's own.
///
/// Kept as they are: a binary has tens of thousands, and only those are ever demangled whose name an advisory asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// The binary.
    pub location: Location,
    /// One after the other, each ended by a zero byte.
    pub text: Box<[u8]>,
}
