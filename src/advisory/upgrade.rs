//! To which version to upgrade: the least that clears all flaws of a component that any version clears, and brings no other.

use super::{Database, IndexError, Record, matching, range};
use crate::{ecosystem, model::Coordinate};
use std::collections::BTreeSet;

/// Versions that are looked at. 64: each is the fix of a flaw that the one before it still has, so that honest records need
/// one for every branch that a package keeps up.
const TRIES: usize = 64;

/// An upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The version.
    pub to: Box<str>,
    /// How many of the flaws it clears.
    pub clears: usize,
}

/// One flaw of a component: its names, and the least version that clears it.
#[derive(Clone, Debug)]
pub struct Flaw<'f> {
    /// Advisory and aliases.
    pub names: BTreeSet<&'f str>,
    /// See [`crate::model::Finding::fixed_in`].
    pub fixed_in: Option<&'f str>,
}

/// The upgrade that clears the most of a component's flaws, `None` where no version clears any.
///
/// Versions are the fixes that advisories name, in the ecosystem's order, from the highest of the flaws' own fixes upward:
/// below that, one of them is still there.
///
/// # Errors
/// When a part of the database that is asked for is damaged.
pub fn upgrade(
    coordinate: &Coordinate,
    flaws: &[Flaw<'_>],
    database: &Database,
) -> Result<Option<Upgrade>, IndexError> {
    let ecosystem = ecosystem::of(coordinate.ecosystem);
    let highest = flaws
        .iter()
        .filter_map(|f| f.fixed_in)
        .max_by(|a, b| (ecosystem.compare)(a, b));
    let mut open: Vec<Box<str>> = highest.map(Into::into).into_iter().collect();
    let (mut seen, mut best): (BTreeSet<Box<str>>, Option<(usize, Upgrade)>) = (BTreeSet::new(), None);
    while seen.len() < TRIES {
        // The least first, so that of two that clear as much the lesser is taken.
        let Some(to) = open.iter().min_by(|a, b| (ecosystem.compare)(a, b)).cloned() else {
            break;
        };
        open.retain(|v| *v != to);
        if !seen.insert(to.clone()) {
            continue;
        }
        let found = database.affecting(coordinate, &to)?;
        let records = found.iter().map(|found| &found.record);
        let there: Vec<&Record> = records.filter(|r| matching::is_flaw(r, coordinate)).collect();
        let has = |flaw: &&Flaw<'_>| {
            let mut names = there.iter().flat_map(|r| std::iter::once(&r.id).chain(&r.aliases));
            names.any(|name| flaw.names.contains(&**name))
        };
        let left = flaws.iter().filter(has).count();
        let new = |record: &&&Record| {
            let mut names = std::iter::once(&record.id).chain(&record.aliases);
            !names.any(|name| flaws.iter().any(|flaw| flaw.names.contains(&**name)))
        };
        let worth = left + there.iter().filter(new).count();
        if best.as_ref().is_none_or(|(least, _)| worth < *least) {
            let clears = flaws.len() - left;
            best = Some((worth, Upgrade { to: to.clone(), clears }));
        }
        if worth == 0 {
            break;
        }
        let about = there.iter().flat_map(|record| range::about(record, coordinate));
        open.extend(
            about
                .flat_map(|affected| range::fixes(affected, &to, ecosystem))
                .map(Into::into),
        );
    }
    Ok(best.map(|(_, upgrade)| upgrade).filter(|upgrade| upgrade.clears > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::NPM;

    fn record(id: &str, events: &str) -> Record {
        serde_json::from_str(&format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","summary":"a flaw of it","affected":[{{
                "package":{{"ecosystem":"npm","name":"a"}},"ranges":[{{"type":"SEMVER","events":[{events}]}}]}}]}}"#
        ))
        .expect("a record")
    }

    #[test]
    fn the_least_that_clears_all() {
        let below = |version: &str| format!(r#"{{"introduced":"0"}},{{"fixed":"{version}"}}"#);
        let two = r#"{"introduced":"0"},{"fixed":"1.5.0"},{"introduced":"2.0.0"},{"fixed":"2.0.3"}"#;
        let never = r#"{"introduced":"0"}"#;
        // Records in force, then the flaws of 1.0.0 with their fixes, then the upgrade.
        for (what, records, flaws, expected) in [
            ("one", vec![below("1.2.0")], vec![Some("1.2.0")], Some(("1.2.0", 1))),
            (
                "the higher of two",
                vec![below("1.10.0"), below("1.9.0")],
                vec![Some("1.10.0"), Some("1.9.0")],
                Some(("1.10.0", 2)),
            ),
            (
                "one comes back",
                vec![two.to_owned(), below("2.0.1")],
                vec![Some("1.5.0"), Some("2.0.1")],
                Some(("2.0.3", 2)),
            ),
            (
                "one has no fix",
                vec![below("1.2.0"), never.to_owned()],
                vec![Some("1.2.0"), None],
                Some(("1.2.0", 1)),
            ),
            ("none has a fix", vec![never.to_owned()], vec![None], None),
            (
                "the fix brings another flaw, whose fix does not",
                vec![below("1.2.0"), r#"{"introduced":"1.2.0"},{"fixed":"1.2.1"}"#.to_owned()],
                vec![Some("1.2.0")],
                Some(("1.2.1", 1)),
            ),
            (
                "the fix brings another flaw, which has no fix",
                vec![below("1.2.0"), r#"{"introduced":"1.2.0"}"#.to_owned()],
                vec![Some("1.2.0")],
                Some(("1.2.0", 1)),
            ),
        ] {
            let records: Vec<Record> = records
                .iter()
                .enumerate()
                .map(|(i, r)| record(&format!("X-{i}"), r))
                .collect();
            let ids: Vec<String> = (0..flaws.len()).map(|i| format!("X-{i}")).collect();
            let flaws: Vec<Flaw<'_>> = flaws
                .iter()
                .zip(&ids)
                .map(|(fixed_in, id)| Flaw {
                    names: BTreeSet::from([&**id]),
                    fixed_in: *fixed_in,
                })
                .collect();
            let database =
                Database::of_records(records, "test".to_owned(), "2026-01-01T00:00:00Z").expect("a database");
            let found = upgrade(&NPM.coordinate("a", Some("1.0.0")), &flaws, &database).expect("a whole index");
            assert_eq!(found.as_ref().map(|u| (&*u.to, u.clears)), expected, "{what}");
        }
    }
}
