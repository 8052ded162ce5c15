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
            // RustSec's export writes the first of all SemVer versions.
            && range.events.iter().any(|e| matches!(e, Event::Introduced(v) if v == "0" || v == "0.0.0-0"))
    };
    affected.ranges.iter().any(open)
}

/// Whether a range holds a version. A range of commits holds none: no version says which commit it was made from.
fn contains(range: &Range, version: &str, ecosystem: &Ecosystem) -> bool {
    if matches!(range.kind, RangeType::Git | RangeType::Other) {
        return false;
    }
    let events: Vec<(Point, &str)> = range.events.iter().map(point).collect();
    holds(
        &events,
        |bound| *bound == "0",
        |bound| *bound == "*",
        |a, b| (ecosystem.compare)(a, b),
        |bound| (ecosystem.compare)(version, bound),
    )
}

/// What an event does at its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// [`Event::Introduced`]
    Introduced,
    /// [`Event::Fixed`]
    Fixed,
    /// [`Event::LastAffected`]
    LastAffected,
    /// [`Event::Limit`]
    Limit,
}

fn point(event: &Event) -> (Point, &str) {
    match event {
        Event::Introduced(v) => (Point::Introduced, v),
        Event::Fixed(v) => (Point::Fixed, v),
        Event::LastAffected(v) => (Point::LastAffected, v),
        Event::Limit(v) => (Point::Limit, v),
    }
}

/// The evaluation itself, over bounds in any form: text, or packed as the index holds them. `position` is that of the version
/// in question against a bound.
pub(super) fn holds<B>(
    events: &[(Point, B)],
    is_zero: impl Fn(&B) -> bool,
    is_star: impl Fn(&B) -> bool,
    order: impl Fn(&B, &B) -> Ordering,
    position: impl Fn(&B) -> Ordering,
) -> bool {
    // "0" is before every version there can be, `0.0.0-alpha` and `0.dev1` included.
    let position = |bound: &B| {
        if is_zero(bound) {
            Ordering::Greater
        } else {
            position(bound)
        }
    };
    let mut limits = events.iter().filter(|(point, _)| *point == Point::Limit).peekable();
    if limits.peek().is_some() && !limits.any(|(_, limit)| is_star(limit) || position(limit).is_lt()) {
        return false;
    }
    let pass = |inside: bool, (point, bound): &(Point, B)| match point {
        Point::Introduced if position(bound).is_ge() => true,
        Point::Fixed if position(bound).is_ge() => false,
        Point::LastAffected if position(bound).is_gt() => false,
        _ => inside,
    };
    // `*` stands in limits alone, which are no part of what follows.
    let order = |a: &B, b: &B| match (is_zero(a), is_zero(b)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => order(a, b),
    };
    if events.is_sorted_by(|(_, a), (_, b)| order(a, b).is_le()) {
        return events.iter().fold(false, pass);
    }
    // Of two events at one version the record's own order holds where it is that of the versions. In a record that begins
    // with the newest (2.0 to 2.1, then 1.0 to 2.0) what belongs to the older interval comes first: it ends where the newer
    // one begins, and not the other way round.
    let mut begins = Vec::with_capacity(events.len());
    for (i, (point, _)) in events.iter().enumerate() {
        let begin = begins.last().copied().unwrap_or(i);
        begins.push(if *point == Point::Introduced { i } else { begin });
    }
    let mut sorted: Vec<usize> = (0..events.len()).collect();
    sorted.sort_by(|&a, &b| {
        let begin = |i: usize| &events[begins[i]].1;
        order(&events[a].1, &events[b].1).then_with(|| order(begin(a), begin(b)))
    });
    sorted.into_iter().fold(false, |inside, i| pass(inside, &events[i]))
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
        let touching = range(r#"{"introduced":"2.0.0"},{"fixed":"2.1.0"},{"introduced":"1.0.0"},{"fixed":"2.0.0"}"#);
        let fixed_first = range(r#"{"fixed":"1.2.0"},{"introduced":"1.0.0"}"#);
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
            (&touching, "1.9.0", true),
            (&touching, "2.0.0", true),
            (&touching, "2.0.9", true),
            (&touching, "2.1.0", false),
            (&fixed_first, "1.1.0", true),
            (&fixed_first, "1.2.0", false),
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
