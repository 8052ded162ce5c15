//! Code that a bundler packed into one file, and whose it is, byte by byte.

use super::{Component, Location};
use std::ops::Range;

/// Whose code a stretch of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A third-party component's.
    Component,
    /// The application's own, or the bundler's glue around it.
    Application,
}

/// A stretch of a bundle that a detector can attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Bytes from the start of the file.
    pub bytes: Range<usize>,
    /// Whose they are.
    pub owner: Owner,
}

/// One bundle as one detector saw it. Several detectors may speak of the same file; what they attribute adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The file.
    pub location: Location,
    /// Its length in bytes.
    pub bytes: usize,
    /// What can be attributed, in any order; the rest is nobody's as far as is known.
    pub spans: Vec<Span>,
    /// Where each line begins, for whoever knows lines and columns only (a source map). Empty when nobody will ask.
    pub lines: Vec<usize>,
    /// Path of its source map in the same archive, as the bundle names it.
    pub map: Option<Box<str>>,
    /// Whether its bundler says of every module which package it is of: then nothing is to be learned of it but versions.
    pub named: bool,
    /// The outermost folder around it that is a Python package: a static asset of that package, if it is an installed one.
    pub python_package: Option<Box<str>>,
}

/// Where the code of one owner begins in a bundle, as a source map says it: line and column, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Line of the bundle.
    pub line: u32,
    /// Column in UTF-16 units; taken for bytes, which is exact in ASCII code.
    pub column: u32,
    /// Whose code begins there; `None` where the map says nothing of it.
    pub owner: Option<Owner>,
}

/// A source map: which bundle it describes, and whose code lies where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The map's own place.
    pub location: Location,
    /// Path of the bundle that it names, in the same archive.
    pub bundle: Box<str>,
    /// In the order of the bundle's text.
    pub turns: Vec<Turn>,
}

/// A bundler's account of one file that it wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The account's own place.
    pub location: Location,
    /// Name of the file; the folder was the builder's.
    pub file_name: Box<str>,
    /// Its length, where the bundler says it.
    pub bytes: Option<usize>,
    /// The packages in it; they count where the file is found.
    pub packages: Vec<Component>,
    /// How its bytes divide between packages...
    pub components: usize,
    /// ...and the application. In proportion: some bundlers count their sources.
    pub application: usize,
}

/// What a report says of one bundle: how many of its bytes are attributed, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coverage {
    /// The file.
    pub location: Location,
    /// Its length.
    pub bytes: usize,
    /// Bytes of third-party components.
    pub components: usize,
    /// Bytes of the application and the bundler's glue.
    pub application: usize,
    /// Bytes of nobody: what the scan did not see into.
    pub unidentified: usize,
}
