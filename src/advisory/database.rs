//! Where advisories come from. For now the embedded default alone; the index file will stand behind the same look-up.

use super::Record;
use crate::{
    ecosystem,
    model::{Coordinate, EcosystemId},
};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _, time::SystemTime};

/// A line of JSON per record; `build.rs` makes it from `advisories/`.
static EMBEDDED: &str = include_str!(concat!(env!("OUT_DIR"), "/advisories.jsonl"));

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
}

impl Provenance {
    /// Whole days from [`Provenance::generated`] to `now`; 0 for a date in the future, `None` for one that cannot be read.
    #[must_use]
    pub fn age_in_days(&self, now: SystemTime) -> Option<u64> {
        let then = humantime::parse_rfc3339(&self.generated).ok()?;
        Some(now.duration_since(then).map_or(0, |age| age.as_secs() / 86_400))
    }
}

/// Advisories, looked up by package.
#[derive(Debug)]
pub struct Database {
    provenance: Provenance,
    /// Records are parsed when a package of theirs is asked for: most of them never are.
    by_package: HashMap<(EcosystemId, Box<str>), Vec<&'static str>>,
}

/// The members of a record that the table is made from.
#[derive(serde::Deserialize)]
struct Key<'a> {
    #[serde(borrow)]
    modified: std::borrow::Cow<'a, str>,
    affected: Vec<AffectedKey>,
}

#[derive(serde::Deserialize)]
struct AffectedKey {
    package: Option<super::Package>,
}

impl Database {
    /// The default that every copy of plimsoll carries, so that the first scan needs no network.
    #[must_use]
    pub fn embedded() -> Self {
        let mut by_package: HashMap<_, Vec<&'static str>> = HashMap::new();
        let (mut records, mut generated) = (0, String::new());
        for line in EMBEDDED.lines() {
            // Every line was parsed by build.rs, and a test reads every record whole.
            let Ok(key) = serde_json::from_str::<Key<'_>>(line) else {
                continue;
            };
            records += 1;
            if *key.modified > *generated {
                generated = key.modified.into_owned();
            }
            for package in key.affected.iter().filter_map(|a| a.package.as_ref()) {
                let Some(e) = ecosystem::by_osv_name(&package.ecosystem) else {
                    continue;
                };
                let lines = by_package
                    .entry((e.id, (e.normalise)(&package.name).into()))
                    .or_default();
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
        }
        let digest = Sha256::digest(EMBEDDED.as_bytes())
            .iter()
            .fold("sha256:".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        let provenance = Provenance {
            source: "embedded".to_owned(),
            generated,
            records,
            digest,
        };
        Self { provenance, by_package }
    }

    /// What it is.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Records about a package, whatever its version, withdrawn ones left out; in the order of their ids.
    #[must_use]
    pub fn lookup(&self, coordinate: &Coordinate) -> Vec<Record> {
        let key = (coordinate.ecosystem, coordinate.name.clone());
        let lines = self.by_package.get(&key).map_or(&[][..], Vec::as_slice);
        let records = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Record>(line).ok());
        records.filter(|record| record.withdrawn.is_none()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_record_reads_whole_and_names_a_package_we_know() {
        let mut count = 0;
        for line in EMBEDDED.lines() {
            let record: Record = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            let known = |a: &super::super::Affected| {
                a.package
                    .as_ref()
                    .is_some_and(|p| ecosystem::by_osv_name(&p.ecosystem).is_some())
            };
            assert!(record.affected.iter().any(known), "{}", record.id);
            assert!(record.summary.len() > 10, "{} has no summary", record.id);
            count += 1;
        }
        assert_eq!(Database::embedded().provenance().records, count);
        assert!(count >= 160, "{count} records");
    }
}
