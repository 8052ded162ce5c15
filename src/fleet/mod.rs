//! Every deployed function of a company: what each ships, and what is wrong with it, remembered from night to night.
//!
//! | file | holds |
//! |---|---|
//! | [`source`] | where artifacts come from; one file per kind of place |
//! | [`store`] | `SQLite` or `PostgreSQL`: one schema, one code path |
//! | [`sync`], [`limit`], [`Shard`] | reads what is new, on several machines at once |
//! | [`audit`], `verdict`, `life` | what is wrong with it, and since when |
//! | [`ask`](ask::find), [`diff`](diff::diff), [`report`](report::report) | who ships what, what came and went, what an audit reports |
//! | [`prune`](prune::prune) | forgets |
//! | [`export`] | the store as Parquet |
//! | [`page`], [`serve`](serve::serve) | the store as a page for people, as a file and live |
//! | [`notify`] | what is new, posted to a URL |
//! | [`table`] | answers as text, JSON or CSV |

pub mod ask;
pub mod audit;
pub mod diff;
pub mod export;
mod life;
pub mod limit;
pub mod notify;
pub mod page;
pub mod prune;
pub mod report;
pub mod serve;
mod shard;
pub mod source;
pub mod store;
pub mod sync;
pub mod table;
mod tasks;
mod verdict;

pub use shard::Shard;

use std::collections::BTreeMap;

/// A deployed function, as its source tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    /// What it is called in its source; unique there.
    pub name: String,
    /// Where its artifact lies: a path, a URL, an ARN.
    pub location: String,
    /// The runtime that it is deployed to (`nodejs20.x`).
    pub runtime: Option<String>,
    /// In MiB.
    pub memory_mb: Option<i64>,
    /// In seconds.
    pub timeout_s: Option<i64>,
    /// Layers that it is deployed with, in their order.
    pub layers: Vec<String>,
    /// RFC 3339 time of its last change.
    pub last_modified: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What else its source says of it.
    pub tags: BTreeMap<String, String>,
}

/// One function in a list, and what tells whether its artifact has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub function: Function,
    /// What is another one whenever the artifact is (an `ETag`, a `CodeSha256`, size and time of change); `None` where nothing
    /// is: the artifact is then fetched and hashed each time.
    pub stamp: Option<String>,
    /// SHA-256 of the artifact in hexadecimal, where the source knows it.
    pub digest: Option<String>,
}
