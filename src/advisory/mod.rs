//! Advisories: OSV records, the database that holds them, and the question whether one of them concerns a component.
//!
//! A component goes through [`Database::lookup`] (by name), [`range::affects`] (by version) and [`matching`] (records of
//! one flaw become one [`Hit`]).

mod aliases;
mod database;
pub mod http;
pub mod import;
pub mod index;
mod matching;
mod osv;
pub mod osv_api;
pub mod range;
mod severity;
pub mod store;
pub mod update;

pub use database::{Database, Provenance};
pub use index::IndexError;
pub use matching::{Hit, Kind, Matches, matching};
pub use osv::{
    Affected, Affects, DatabaseSpecific, EcosystemSpecific, Event, Package, Range, RangeType, Record, SeverityVector,
};
pub use severity::rate;
