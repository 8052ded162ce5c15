//! From a component to the flaws that it has.

use super::{
    Affected, Database, IndexError, Record, aliases,
    index::{Found, Query},
    range, severity,
};
use crate::{
    ecosystem::{self, Ecosystem},
    inventory::Inventory,
    model::{Component, Coordinate, Fact, Severity},
};
use std::collections::{BTreeMap, BTreeSet};

/// What an advisory is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The package does harm by intent (`MAL-` records).
    Malicious,
    /// A flaw that can be exploited.
    Vulnerability,
    /// RustSec `informational = "unsound"`: can break memory safety in a way that has not been shown to be exploitable.
    Unsound,
    /// RustSec `informational = "unmaintained"`.
    Unmaintained,
    /// Any other informational advisory.
    Notice,
}

/// One flaw of one component, under all its names.
#[derive(Clone, Debug)]
pub struct Hit {
    /// What it is about.
    pub kind: Kind,
    /// The name by which the ecosystem's own database knows it, where that has it.
    pub id: Box<str>,
    /// All other names, sorted.
    pub aliases: Vec<Box<str>>,
    /// What it is, in one line; empty where no record says.
    pub summary: String,
    /// The highest rating of its records.
    pub severity: Option<Severity>,
    /// CVSS base score of that rating.
    pub score: Option<f64>,
    /// The smallest version above the component's that no record of the group concerns.
    pub fixed_in: Option<Box<str>>,
    /// Of the versions that the component can be, those that have the flaw; empty where all of them do.
    pub only: Vec<Box<str>>,
    /// Paths of the functions that hold the flaw, where a record names them; sorted.
    pub functions: Vec<Box<str>>,
}

/// What an inventory's components match.
#[derive(Debug, Default)]
pub struct Matches {
    /// Flaws by component, malicious ones first, then the worst.
    pub hits: BTreeMap<Coordinate, Vec<Hit>>,
    /// Components without a usable version, and how many advisories there are for some version of them.
    pub undecided: BTreeMap<Coordinate, usize>,
}

/// Matches every component against a database.
///
/// # Errors
/// When a part of the database that is asked for is damaged.
pub fn matching(inventory: &Inventory, database: &Database) -> Result<Matches, IndexError> {
    let mut matches = Matches::default();
    for component in inventory.iter() {
        let coordinate = &component.coordinate;
        let ecosystem = ecosystem::of(coordinate.ecosystem);
        if !component.candidates().is_empty() {
            let found = among(component, database)?;
            if !found.is_empty() {
                matches.hits.insert(coordinate.clone(), found);
            }
            continue;
        }
        let hit = if let Some(version) = coordinate.version.as_deref() {
            database.affecting(coordinate, version)?
        } else {
            let all = database.lookup(coordinate)?.into_iter();
            let (hit, rest): (Vec<_>, Vec<_>) =
                all.partition(|found| found.record.affected.iter().any(range::affects_all));
            if !rest.is_empty() {
                let groups = aliases::groups(&rest.iter().map(|found| &found.record).collect::<Vec<_>>());
                matches.undecided.insert(coordinate.clone(), groups.len());
            }
            hit
        };
        let hit: Vec<Found<'_>> = hit
            .into_iter()
            .filter(|found| can_be_here(&found.record, component))
            .collect();
        if !hit.is_empty() {
            matches
                .hits
                .insert(coordinate.clone(), hits(&hit, coordinate, ecosystem)?);
        }
    }
    Ok(matches)
}

/// Flaws of a component that can be of several versions.
fn among(component: &Component, database: &Database) -> Result<Vec<Hit>, IndexError> {
    let coordinate = &component.coordinate;
    let ecosystem = ecosystem::of(coordinate.ecosystem);
    let candidates = component.candidates();
    let copies = component.possible();
    let mut by_id: BTreeMap<String, (Found<'_>, BTreeSet<usize>)> = BTreeMap::new();
    for (i, version) in candidates.iter().enumerate() {
        for found in database.affecting(coordinate, version)? {
            if can_be_here(&found.record, component) {
                let known = by_id.entry(found.record.id.clone()).or_insert((found, BTreeSet::new()));
                known.1.insert(i);
            }
        }
    }
    let all: Vec<(Found<'_>, BTreeSet<usize>)> = by_id.into_values().collect();
    let records: Vec<&Record> = all.iter().map(|(found, _)| &found.record).collect();
    let mut found: Vec<Hit> = Vec::new();
    for group in aliases::groups(&records) {
        let concerned: BTreeSet<usize> = group.iter().flat_map(|&i| &all[i].1).copied().collect();
        // What fixes the newest of them fixes the older ones.
        let newest = concerned.last().and_then(|&i| candidates.get(i)).cloned();
        let newest = Coordinate {
            version: newest,
            ..coordinate.clone()
        };
        let group: Vec<&Found<'_>> = group.into_iter().map(|i| &all[i].0).collect();
        let mut hit = hit(&group, &newest, ecosystem)?;
        let only: Vec<Box<str>> = concerned.iter().map(|&i| candidates[i].clone()).collect();
        // Of several copies one is enough.
        let is_sure = |copy: &&[Box<str>]| copy.iter().all(|version| only.contains(version));
        if !copies.iter().any(is_sure) {
            hit.only = only;
        }
        found.push(hit);
    }
    found.sort_by(worst_first);
    Ok(found)
}

/// Whether a flaw exists on the systems that the component was found for (RustSec's `arch` and `os`). Only where every piece
/// of evidence says what it runs on, and all of these are others than the record names, it does not.
fn can_be_here(record: &Record, component: &Component) -> bool {
    let affects = |a: &Affected| {
        a.ecosystem_specific
            .as_ref()
            .and_then(|e| e.affects.clone())
            .unwrap_or_default()
    };
    record.affected.iter().any(|affected| {
        let affects = affects(affected);
        component.evidence.iter().any(|evidence| {
            let elsewhere = |names: &[String], of: fn(&Fact) -> Option<&'static str>| {
                let here = evidence.facts.iter().find_map(of);
                here.is_some_and(|here| !names.is_empty() && !names.iter().any(|name| name == here))
            };
            let os = |fact: &Fact| if let Fact::Os(os) = fact { Some(*os) } else { None };
            let arch = |fact: &Fact| if let Fact::Arch(arch) = fact { Some(*arch) } else { None };
            !elsewhere(&affects.os, os) && !elsewhere(&affects.arch, arch)
        })
    })
}

/// Records that concern a component, as flaws.
fn hits(found: &[Found<'_>], coordinate: &Coordinate, ecosystem: &Ecosystem) -> Result<Vec<Hit>, IndexError> {
    let records: Vec<&Record> = found.iter().map(|found| &found.record).collect();
    let mut hits = Vec::new();
    for group in aliases::groups(&records) {
        let group: Vec<&Found<'_>> = group.into_iter().map(|i| &found[i]).collect();
        hits.push(hit(&group, coordinate, ecosystem)?);
    }
    hits.sort_by(worst_first);
    Ok(hits)
}

fn worst_first(a: &Hit, b: &Hit) -> std::cmp::Ordering {
    let worst_first = b
        .severity
        .cmp(&a.severity)
        .then(b.score.unwrap_or(-1.0).total_cmp(&a.score.unwrap_or(-1.0)));
    a.kind.cmp(&b.kind).then(worst_first).then_with(|| a.id.cmp(&b.id))
}

/// Makes one of the records of a flaw; there is at least one.
fn hit(found: &[&Found<'_>], coordinate: &Coordinate, ecosystem: &Ecosystem) -> Result<Hit, IndexError> {
    let group: Vec<&Record> = found.iter().map(|found| &found.record).collect();
    let kind = group
        .iter()
        .map(|record| kind(record, coordinate))
        .min()
        .unwrap_or(Kind::Vulnerability);
    // The name that people of this ecosystem look up; a malicious package goes by its `MAL-` name.
    let rank = |record: &&&Record| {
        let own = record.id.starts_with(ecosystem.advisory_prefix);
        (
            !(kind == Kind::Malicious && record.id.starts_with(MALICIOUS)),
            !own,
            record.id.clone(),
        )
    };
    let id: Box<str> = group
        .iter()
        .min_by_key(rank)
        .map(|record| &*record.id)
        .unwrap_or_default()
        .into();
    let names: BTreeSet<&str> = group
        .iter()
        .flat_map(|r| std::iter::once(&r.id).chain(&r.aliases))
        .map(String::as_str)
        .collect();
    let (severity, score) = group
        .iter()
        .map(|record| severity::rate(record))
        .max_by(|(a, x), (b, y)| a.cmp(b).then(x.unwrap_or(-1.0).total_cmp(&y.unwrap_or(-1.0))))
        .unwrap_or_default();
    let summaries = group.iter().filter(|r| *r.id == *id).chain(&group);
    Ok(Hit {
        kind,
        aliases: names.into_iter().filter(|name| *name != &*id).map(Into::into).collect(),
        summary: summaries
            .map(|r| r.summary.trim())
            .find(|s| !s.is_empty())
            .unwrap_or_default()
            .to_owned(),
        severity,
        score,
        fixed_in: fixed_in(found, coordinate, ecosystem)?,
        only: Vec::new(),
        functions: functions(&group, coordinate),
        id,
    })
}

const MALICIOUS: &str = "MAL-";

/// Whether a record is about something that another version may not have.
pub(super) fn is_flaw(record: &Record, coordinate: &Coordinate) -> bool {
    matches!(
        kind(record, coordinate),
        Kind::Malicious | Kind::Vulnerability | Kind::Unsound
    )
}

fn kind(record: &Record, coordinate: &Coordinate) -> Kind {
    let specific = || range::about(record, coordinate).filter_map(|a| a.database_specific.as_ref());
    // RustSec has no records of their own for malicious crates, but a category.
    let category = specific().any(|s| s.categories.iter().any(|category| category == "malicious"));
    if category
        || std::iter::once(&record.id)
            .chain(&record.aliases)
            .any(|id| id.starts_with(MALICIOUS))
    {
        return Kind::Malicious;
    }
    let mut words = specific().filter_map(|s| s.informational.as_deref());
    match words.next() {
        None => Kind::Vulnerability,
        Some("unsound") => Kind::Unsound,
        Some("unmaintained") => Kind::Unmaintained,
        Some(_) => Kind::Notice,
    }
}

fn functions(group: &[&Record], coordinate: &Coordinate) -> Vec<Box<str>> {
    let about = group.iter().flat_map(|record| range::about(record, coordinate));
    let affects = about.filter_map(|a| a.ecosystem_specific.as_ref()?.affects.as_ref());
    let names: BTreeSet<&str> = affects.flat_map(|a| &a.functions).map(String::as_str).collect();
    names.into_iter().map(Into::into).collect()
}

fn fixed_in(
    group: &[&Found<'_>],
    coordinate: &Coordinate,
    ecosystem: &Ecosystem,
) -> Result<Option<Box<str>>, IndexError> {
    let Some(version) = coordinate.version.as_deref() else {
        return Ok(None);
    };
    let affected = group.iter().flat_map(|found| &found.record.affected);
    let mut candidates: Vec<&str> = affected.flat_map(|a| range::fixes(a, version, ecosystem)).collect();
    candidates.sort_by(|a, b| (ecosystem.compare)(a, b));
    candidates.dedup();
    for candidate in candidates {
        let query = Query::new(candidate, ecosystem);
        let mut concerned = false;
        for found in group {
            concerned = concerned || found.concerns(&query)?;
        }
        if !concerned {
            return Ok(Some(candidate.into()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Evidence, Location, Proof};

    #[test]
    fn a_flaw_of_another_system_is_left_out_only_where_the_system_is_known() {
        let record: Record = serde_json::from_str(
            r#"{"id":"RUSTSEC-1","modified":"","affected":[{"package":{"ecosystem":"crates.io","name":"a"},
                "ecosystem_specific":{"affects":{"os":["windows"],"arch":["x86","x86_64"],"functions":[]}}}]}"#,
        )
        .expect("a record");
        let evidence = |facts: &[Fact]| Evidence {
            detector: "test",
            location: Location::new([].into(), "bootstrap"),
            proof: Proof::Installed,
            confidence: 1.0,
            facts: facts.to_vec(),
        };
        for (facts, expected) in [
            (vec![vec![]], true),
            (vec![vec![Fact::Os("linux")]], false),
            (vec![vec![Fact::Os("windows")]], true),
            (vec![vec![Fact::Os("windows"), Fact::Arch("aarch64")]], false),
            (vec![vec![Fact::Arch("x86_64")]], true),
            (vec![vec![Fact::Os("linux")], vec![]], true),
            (vec![vec![Fact::Os("linux")], vec![Fact::Os("windows")]], true),
        ] {
            let component = Component {
                coordinate: crate::ecosystem::CARGO.coordinate("a", Some("1.0.0")),
                evidence: facts.iter().map(|facts| evidence(facts)).collect(),
                requires: Vec::new(),
            };
            assert_eq!(can_be_here(&record, &component), expected, "{facts:?}");
        }
    }

    #[test]
    fn what_concerns_all_that_one_copy_can_be_is_sure() {
        let record =
            br#"{"id":"GHSA-1","modified":"2025-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},
            "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}"#;
        let record: Record = serde_json::from_slice(record).expect("a record");
        let database =
            Database::of_records(vec![record], "test".to_owned(), "2026-01-01T00:00:00Z").expect("a database");
        let copy = |versions: &[&str]| Evidence {
            detector: "test",
            location: Location::new([].into(), "index.js"),
            proof: Proof::Inferred,
            confidence: 0.9,
            facts: vec![Fact::OneOf(versions.iter().map(|v| (*v).into()).collect())],
        };
        let unlikely = |versions: &[&str], mut copy: Evidence| {
            let versions = versions.iter().map(|v| (*v).into()).collect();
            copy.facts.push(Fact::Unlikely(versions));
            copy
        };
        for (copies, only) in [
            (vec![copy(&["1.0.0", "1.1.0"])], Some(&[][..])),
            // What is unlikely is not ruled out, and no more sure without it.
            (vec![unlikely(&["1.1.0"], copy(&["1.1.0", "2.0.0"]))], Some(&["1.1.0"])),
            (vec![copy(&["1.1.0", "2.0.0"])], Some(&["1.1.0"])),
            (vec![copy(&["2.0.0", "2.0.1"]), copy(&["1.0.0", "1.1.0"])], Some(&[])),
            (
                vec![copy(&["1.1.0", "2.0.0"]), copy(&["2.0.0", "2.1.0"])],
                Some(&["1.1.0"]),
            ),
            (vec![copy(&["2.0.0", "2.0.1"])], None),
        ] {
            let component = Component {
                coordinate: crate::ecosystem::NPM.coordinate("a", None),
                evidence: copies,
                requires: Vec::new(),
            };
            let hits = among(&component, &database).expect("an index");
            let told: Option<Vec<&str>> = hits.first().map(|hit| hit.only.iter().map(|v| &**v).collect());
            assert_eq!(told.as_deref(), only, "{component:?}");
        }
    }
}
