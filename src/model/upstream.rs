//! What registries and code hosts say of a package today, which the artifact cannot know.

/// What a project says of itself in the index (PEP 792).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectStatus {
    /// Its authors do not expect to change it again.
    Archived,
    /// Its authors, or the index, hold it to be superseded or unsafe to use.
    Deprecated,
    /// The index believes it to be malicious, and hands it out to nobody.
    Quarantined,
}

/// What is said of one version of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// When the version was published, as an RFC 3339 text.
    pub published: Option<Box<str>>,
    /// When the newest version of the package was.
    pub last_release: Option<Box<str>>,
    /// The publisher says not to use this version; the reason, empty where none is given.
    pub deprecated: Option<Box<str>>,
    /// The version was taken back; the reason, empty where none is given.
    pub yanked: Option<Box<str>>,
    /// Where that is anything but active.
    pub status: Option<ProjectStatus>,
    /// Why, in the index's own words.
    pub status_reason: Option<Box<str>>,
    /// The repository of its code takes no more changes.
    pub archived: bool,
}
