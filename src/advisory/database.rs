//! Where advisories come from, and what every report says of that.

use super::{
    Record,
    index::{self, Found, Index, IndexError, Meta, Query, Source},
    moment::age,
    signals::Signals,
};
use crate::{
    ecosystem,
    model::{Coordinate, EcosystemId},
};
use std::{path::Path, time::SystemTime};

/// Made by `build.rs` from `advisories/`.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/advisories.index"));

/// What a database is, for every report to say.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// `embedded`, or the place of a database.
    pub source: String,
    /// RFC 3339 time of the newest change that it holds.
    pub generated: String,
    /// Records in it.
    pub records: usize,
    /// SHA-256 of its bytes, as `sha256:…`.
    pub digest: String,
    /// RFC 3339 time up to which it is known to be complete in what the scan needs, or of its newest change where nobody
    /// said ([`Database::set_as_of`]).
    pub as_of: String,
}

impl Provenance {
    /// Whether it is the default that plimsoll carries.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.source == "embedded"
    }

    /// Whole days from [`Provenance::as_of`] to `now`, where that can be said ([`age`]).
    #[must_use]
    pub fn age_in_days(&self, now: SystemTime) -> Option<u64> {
        Some(age(&self.as_of, now)?.as_secs() / 86_400)
    }
}

/// Advisories, looked up by package.
#[derive(Debug)]
pub struct Database {
    index: Index,
    provenance: Provenance,
    /// Asked for ecosystems that the index was not made for.
    rest: Option<Index>,
    signals: Signals,
}

impl Database {
    /// The default that every copy of plimsoll carries, so that the first scan needs no network.
    ///
    /// # Panics
    /// Never: the bytes are part of the program, and a test opens them.
    #[must_use]
    pub fn embedded() -> Self {
        Self::new(embedded(), "embedded".to_owned(), None)
    }

    /// The index in a file; `source` is what reports call it. Ecosystems that it was not made for are looked up in the
    /// embedded default, and [`Database::covers`] says so.
    ///
    /// # Errors
    /// When it cannot be read, or is no whole index.
    pub fn open(path: &Path, source: String) -> Result<Self, IndexError> {
        Ok(Self::new(Index::open(path)?, source, Some(embedded())))
    }

    /// A database of these records alone, complete for every ecosystem (what an API answered).
    ///
    /// # Errors
    /// Never for records that were read; the index is opened as any other.
    pub fn of_records(records: Vec<Record>, source: String, as_of: &str) -> Result<Self, IndexError> {
        let sources = ecosystem::ALL.iter().map(|e| Source {
            ecosystem: e.osv.to_owned(),
            as_of: as_of.to_owned(),
            from: source.clone(),
            ..Source::default()
        });
        let bytes = index::build(records, sources.collect());
        Ok(Self::new(Index::from_bytes(bytes)?, source, None))
    }

    fn new(index: Index, source: String, rest: Option<Index>) -> Self {
        let meta = index.meta();
        let provenance = Provenance {
            source,
            generated: meta.generated.clone(),
            records: usize::try_from(meta.records).unwrap_or(usize::MAX),
            digest: index.digest(),
            as_of: meta.generated.clone(),
        };
        Self {
            index,
            provenance,
            rest,
            signals: Signals::default(),
        }
    }

    /// Gives it what is known of the use of flaws by attackers.
    pub fn set_signals(&mut self, signals: Signals) {
        self.signals = signals;
    }

    /// What is known of that.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// What it is.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Says up to which time (RFC 3339) the parts that a scan needs are known to be complete.
    pub fn set_as_of(&mut self, as_of: &str) {
        as_of.clone_into(&mut self.provenance.as_of);
    }

    /// What the index says of itself.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        self.index.meta()
    }

    /// Whether the index was made for an ecosystem; the embedded default stands in where not.
    #[must_use]
    pub fn covers(&self, ecosystem: EcosystemId) -> bool {
        let osv = ecosystem::of(ecosystem).osv;
        self.meta().sources.iter().any(|s| s.ecosystem == osv)
    }

    fn part(&self, ecosystem: EcosystemId) -> Option<(&Index, u8)> {
        let index = if self.covers(ecosystem) {
            &self.index
        } else {
            self.rest.as_ref().unwrap_or(&self.index)
        };
        Some((index, index::code(ecosystem::of(ecosystem).osv)?))
    }

    /// Records about a package, whatever its version, withdrawn ones left out; in the order of their ids.
    ///
    /// # Errors
    /// When the part of the database that is asked for is damaged.
    pub fn lookup(&self, coordinate: &Coordinate) -> Result<Vec<Found<'_>>, IndexError> {
        match self.part(coordinate.ecosystem) {
            Some((index, code)) => index.lookup(code, &coordinate.name),
            None => Ok(Vec::new()),
        }
    }

    /// As [`Database::lookup`], only records that concern `version`.
    ///
    /// # Errors
    /// When the part of the database that is asked for is damaged.
    pub fn affecting(&self, coordinate: &Coordinate, version: &str) -> Result<Vec<Found<'_>>, IndexError> {
        let query = Query::new(version, ecosystem::of(coordinate.ecosystem));
        match self.part(coordinate.ecosystem) {
            Some((index, code)) => index.affecting(code, &coordinate.name, &query),
            None => Ok(Vec::new()),
        }
    }

    /// The record of an id, or of one of its aliases, whole.
    ///
    /// # Errors
    /// When the database is damaged.
    pub fn record(&self, id: &str) -> Result<Option<Record>, IndexError> {
        for index in std::iter::once(&self.index).chain(&self.rest) {
            if let Some(record) = index.record(id)? {
                return Ok(Some(record));
            }
            // One that was withdrawn says less than one that holds.
            let mut aliased = index.aliased(id)?;
            aliased.sort_by_key(|record| record.withdrawn.is_some());
            if !aliased.is_empty() {
                return Ok(Some(aliased.swap_remove(0)));
            }
        }
        Ok(None)
    }
}

fn embedded() -> Index {
    Index::from_static(EMBEDDED).unwrap_or_else(|e| unreachable!("build.rs made it: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_record_reads_whole_and_names_a_package_we_know() {
        let index = embedded();
        index.verify().expect("a whole index");
        let all = index.all().expect("readable records");
        for record in all.iter().filter(|r| r.withdrawn.is_none()) {
            assert!(!record.affected.is_empty(), "{}", record.id);
            assert!(record.summary.len() > 10, "{} has no summary", record.id);
        }
        let records = Database::embedded().provenance().records;
        assert!(records >= 160, "{records} records");
        assert!(all.len() >= records);
    }
}
