//! What an index says of itself. `build.rs` includes this file, so it imports nothing of the crate.

use serde::{Deserialize, Serialize};

/// What an index says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// RFC 3339 time of the newest change that it holds.
    pub generated: String,
    /// Records in force.
    pub records: u64,
    /// Records kept by their name alone, because they were withdrawn.
    pub withdrawn: u64,
    /// One for each ecosystem that it was made from.
    pub sources: Vec<Source>,
}

/// Where an ecosystem's records came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// As OSV names it.
    pub ecosystem: String,
    /// Records in force that concern it.
    pub records: u64,
    /// RFC 3339 time of the newest change among them.
    pub newest: String,
    /// RFC 3339 time up to which nothing is missing: of the download, or the newest change of what was imported.
    pub as_of: String,
    /// A URL or the kind of what was imported.
    pub from: String,
    /// The server's mark of the version that was downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Records that could not be read when it was made, and are missing.
    #[serde(default, skip_serializing_if = "Unread::is_empty")]
    pub unread: Unread,
}

/// Records that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// Place and reason of the first of them.
    pub first: Vec<String>,
}

impl Unread {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Meta {
    /// As JSON, the same for the same contents.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
