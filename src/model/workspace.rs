//! The source that a binary is said to be built from: a Cargo workspace, as cargo resolves it.

/// A resolved workspace; indices are those of [`Self::units`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Where it lies, as given.
    pub folder: Box<str>,
    /// Every package of the resolved graph, its own members included.
    pub units: Vec<Unit>,
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// As published.
    pub name: Box<str>,
    /// As published.
    pub version: Box<str>,
    /// Where it comes from.
    pub source: SourceKind,
    /// The identifier by which code names its library; `None` where it has none.
    pub identifier: Option<Box<str>>,
    /// Whether its library is a procedural macro, which runs in the compiler and is not linked.
    pub is_macro: bool,
    /// File stems of the programs and C libraries that it builds.
    pub builds: Vec<Box<str>>,
    /// What it is linked with: no development or build dependency.
    pub needs: Vec<Need>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A member of the workspace, or a folder.
    Local,
    /// crates.io.
    CratesIo,
    /// Another registry, by its address.
    Registry(Box<str>),
    /// A git repository, by its address.
    Git(Box<str>),
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Index of the package.
    pub unit: usize,
    /// The platform alone for which it is needed, as the manifest has it (`cfg(windows)`, a target triple).
    pub platform: Option<Box<str>>,
}
