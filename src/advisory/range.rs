//! Whether an advisory concerns a version: the evaluation algorithm of the OSV schema, all of it.

use super::{Affected, Event, Range, RangeType, Record};
use crate::{
    ecosystem::{self, Ecosystem},
    model::Coordinate,
};
use std::cmp::Ordering;

/// The parts of a record that are about the package of `coordinate`, whatever its version.
pub fn about<'r>(record: &'r Record, coordinate: &Coordinate) -> impl Iterator<Item = &'r Affected> {
    record.affected.iter().filter(move |affected| {
        affected.package.as_ref().is_some_and(|package| {
            ecosystem::by_osv_name(&package.ecosystem)
                .is_some_and(|e| e.id == coordinate.ecosystem && (e.normalise)(&package.name) == *coordinate.name)
        })
    })
}

/// Whether `version` is among the versions that `affected` lists or in any of its ranges, each judged on its own.
#[must_use]
pub fn affects(affected: &Affected, version: &str, ecosystem: &Ecosystem) -> bool {
    let same = |listed: &String| listed == version || (ecosystem.compare)(listed, version).is_eq();
    affected.versions.iter().any(same) || affected.ranges.iter().any(|range| contains(range, version, ecosystem))
}

/// Whether there can be no version that `affected` leaves out: what it concerns is concerned without a version, too.
#[must_use]
pub fn affects_all(affected: &Affected) -> bool {
    let open = |range: &Range| {
        matches!(range.kind, RangeType::Semver | RangeType::Ecosystem)
            && range.events.iter().all(|event| matches!(event, Event::Introduced(_)))
            && range.events.contains(&Event::Introduced("0".to_owned()))
    };
    affected.ranges.iter().any(open)
}

/// Whether a range holds a version. A range of commits holds none: no version says which commit it was made from.
fn contains(range: &Range, version: &str, ecosystem: &Ecosystem) -> bool {
    if matches!(range.kind, RangeType::Git | RangeType::Other) {
        return false;
    }
    let compare = |bound: &str| -> Ordering {
        // "0" is before every version there can be, `0.0.0-alpha` and `0.dev1` included.
        if bound == "0" {
            Ordering::Greater
        } else {
            (ecosystem.compare)(version, bound)
        }
    };
    let mut limits = range
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Limit(limit) => Some(limit),
            _ => None,
        })
        .peekable();
    if limits.peek().is_some() && !limits.any(|limit| limit == "*" || compare(limit).is_lt()) {
        return false;
    }
    let mut events: Vec<(&str, &Event)> = range.events.iter().filter_map(|e| Some((bound(e)?, e))).collect();
    // Stable: of two events at one version the record's own order holds.
    events.sort_by(|(a, _), (b, _)| match (*a, *b) {
        ("0", "0") => Ordering::Equal,
        ("0", _) => Ordering::Less,
        (_, "0") => Ordering::Greater,
        (a, b) => (ecosystem.compare)(a, b),
    });
    events.iter().fold(false, |inside, (bound, event)| match event {
        Event::Introduced(_) if compare(bound).is_ge() => true,
        Event::Fixed(_) if compare(bound).is_ge() => false,
        Event::LastAffected(_) if compare(bound).is_gt() => false,
        _ => inside,
    })
}

fn bound(event: &Event) -> Option<&str> {
    match event {
        Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) => Some(v),
        Event::Limit(_) => None,
    }
}

/// Versions that end a range of `affected` above `version`.
pub fn fixes<'a>(affected: &'a Affected, version: &'a str, ecosystem: &'a Ecosystem) -> impl Iterator<Item = &'a str> {
    affected
        .ranges
        .iter()
        .filter(|range| matches!(range.kind, RangeType::Semver | RangeType::Ecosystem))
        .flat_map(|range| &range.events)
        .filter_map(move |event| match event {
            Event::Fixed(fixed) if (ecosystem.compare)(fixed, version).is_gt() => Some(fixed.as_str()),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::{NPM, PYPI};

    fn affected(json: &str) -> Affected {
        serde_json::from_str(json).expect("an affected object")
    }

    fn range(events: &str) -> Affected {
        affected(&format!(r#"{{"ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]}}"#))
    }

    #[test]
    fn events() {
        let from_zero = range(r#"{"introduced":"0"},{"fixed":"1.2.0"}"#);
        let twice = range(r#"{"introduced":"2.0.0"},{"fixed":"2.1.0"},{"introduced":"0"},{"fixed":"1.2.0"}"#);
        let last = range(r#"{"introduced":"1.0.0"},{"last_affected":"1.5.0"}"#);
        let open = range(r#"{"introduced":"1.0.0"}"#);
        let limited = range(r#"{"introduced":"0"},{"limit":"1.0.0"}"#);
        let pre = range(r#"{"introduced":"0"},{"fixed":"1.0.0-rc.1"}"#);
        let empty = range(r#"{"introduced":"1.0.0"},{"fixed":"1.0.0"}"#);
        for (affected, version, expected) in [
            (&from_zero, "0.0.0-alpha", true),
            (&from_zero, "1.1.9", true),
            (&from_zero, "1.2.0-rc.1", true),
            (&from_zero, "1.2.0", false),
            (&from_zero, "1.2.0+build", false),
            (&twice, "1.0.0", true),
            (&twice, "1.9.0", false),
            (&twice, "2.0.5", true),
            (&twice, "2.1.0", false),
            (&last, "1.5.0", true),
            (&last, "1.5.1", false),
            (&last, "0.9.0", false),
            (&open, "99.0.0", true),
            (&limited, "0.9.0", true),
            (&limited, "1.0.0", false),
            (&pre, "1.0.0-beta.2", true),
            (&pre, "1.0.0", false),
            (&empty, "1.0.0", false),
        ] {
            assert_eq!(affects(affected, version, &NPM), expected, "{version} in {affected:?}");
        }
    }

    #[test]
    fn listed_versions_and_ranges_each_count() {
        let a = affected(
            r#"{"versions":["1.0","3.0.0"],"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},
                {"type":"ECOSYSTEM","events":[{"introduced":"2.0"},{"fixed":"2.1.post1"}]},
                {"type":"FUTURE","events":[{"introduced":"0"},{"sometime":"x"}]}]}"#,
        );
        for (version, expected) in [
            ("1.0", true),
            ("1.0.0", true), // PEP 440: equal
            ("1.1", false),
            ("2.1", true),
            ("2.1.post1", false),
            ("1!2.0", false),
            ("3.0", true),
        ] {
            assert_eq!(affects(&a, version, &PYPI), expected, "{version}");
        }
    }

    #[test]
    fn versions_that_do_not_parse_are_below_all_others() {
        assert!(
            affects(&range(r#"{"introduced":"0"},{"fixed":"1.0"}"#), "2004d", &PYPI)
                == (PYPI.compare)("2004d", "1.0").is_lt()
        );
        assert!(affects(
            &range(r#"{"introduced":"0"},{"fixed":"1.0.0"}"#),
            "not-a-version",
            &NPM
        ));
        assert!(!affects(&range(r#"{"introduced":"0.1.0"}"#), "not-a-version", &NPM));
    }
}
