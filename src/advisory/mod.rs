//! Advisories: OSV records, the database that holds them, and the question whether one of them concerns a component.
//!
//! A component goes through [`Database::affecting`] (by name and version, on the packed form) or [`Database::lookup`] (where
//! the version is unknown), and [`matching`] (records of one flaw become one [`Hit`]).
//!
//! | file | holds |
//! |---|---|
//! | [`osv`](Record) | a record, as the OSV schema shapes it |
//! | [`range`] | the evaluation of the schema, over text and over the packed form alike |
//! | [`index`] | the file that a generation is: mapped, verified in parts, asked by name |
//! | [`import`] | records from OSV's bucket layout, OSV JSON, RustSec's repository, an exported index |
//! | [`store`] | generations in a folder: immutable, behind a pointer that is renamed into place |
//! | [`update`] | downloads, whole or in increments |
//! | [`signals`] | KEV and EPSS: what attackers use, or will |
//! | [`popular`] | names by popularity that are newer than those that this copy carries |
//! | [`upgrade`](upgrade()) | to which version to upgrade |
//! | [`osv_api`] | OSV's API instead of a database |
//!
//! # Where a scan's advisories come from
//!
//! In this order: `--db`; the newest local generation, refreshed first when what the artifacts need of it is over 24 hours old;
//! a generation fetched on first use, of the ecosystems that the artifacts hold alone; the embedded default. Connecting is
//! given up after three seconds, with a warning; `--offline` never tries. What is used is told in every report. With the
//! embedded default, or for an ecosystem that the database does not hold, a partial gap says so.
//!
//! The age of a database is that of the least current part that the scan needs: the time at which a server last said that
//! nothing has changed, or, of what was imported from files, its newest change. Over 24 hours it is warned of, over five days
//! the scan ends with exit code 2, unless `--allow-stale` or `--offline` says that this is known.
//!
//! # Increments
//!
//! `modified_id.csv` names every record and its last change. With the mark (ETag) of the last list it costs one request to
//! learn that nothing changed. Up to a thousand changed records are fetched one by one; records that the list no longer names
//! are left out; whatever is more, or has no list, is fetched whole. Either way the outcome is the same index, but for its time.
//! [`index::changes`] says of which packages two generations differ, so that what was scanned before need not be again.

mod aliases;
mod database;
pub mod import;
pub mod index;
mod matching;
mod moment;
mod osv;
pub mod osv_api;
pub mod popular;
pub mod range;
mod severity;
pub mod signals;
pub mod store;
mod unpack;
pub mod update;
mod upgrade;

pub use database::{Database, Provenance};
pub use index::IndexError;
pub use matching::{Hit, Kind, Matches, matching};
pub use moment::age;
pub use osv::{
    Affected, Affects, DatabaseSpecific, EcosystemSpecific, Event, Package, Range, RangeType, Record, SeverityVector,
};
pub use severity::rate;
pub use upgrade::{Flaw, Upgrade, upgrade};
