//! The evaluation of the OSV schema in the plainest possible way: every record is read for every question, every version is
//! text, nothing is sorted beforehand, packed or shared with the crate but the order of versions.

use plimsoll::{
    advisory::{Affected, Event, Range, RangeType, Record},
    ecosystem::{self, Ecosystem},
};
use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
};

pub(crate) struct Naive<'r> {
    /// Only so that tests end: all records that name a package, whatever they say of it.
    by_name: HashMap<(&'static str, String), Vec<&'r Record>>,
}

impl<'r> Naive<'r> {
    pub(crate) fn new(records: &'r [Record]) -> Self {
        let mut by_name: HashMap<_, Vec<&Record>> = HashMap::new();
        for record in records {
            for package in record.affected.iter().filter_map(|a| a.package.as_ref()) {
                let Some(row) = ecosystem::by_osv_name(&package.ecosystem) else {
                    continue;
                };
                let name = (row.normalise)(package.name.trim()).into_owned();
                by_name.entry((row.osv, name)).or_default().push(record);
            }
        }
        Self { by_name }
    }

    pub(crate) fn affecting(&self, row: &Ecosystem, name: &str, version: &str) -> BTreeSet<String> {
        let records = self
            .by_name
            .get(&(row.osv, name.to_owned()))
            .cloned()
            .unwrap_or_default();
        records
            .into_iter()
            .filter(|record| record.withdrawn.is_none())
            .filter(|record| {
                record
                    .affected
                    .iter()
                    .any(|a| is_about(a, row, name) && is_affected(a, row, version))
            })
            .map(|record| record.id.clone())
            .collect()
    }
}

fn is_about(affected: &Affected, row: &Ecosystem, name: &str) -> bool {
    let Some(package) = &affected.package else { return false };
    let base = package.ecosystem.split(':').next().unwrap_or_default();
    base == row.osv && (row.normalise)(package.name.trim()) == name
}

fn is_affected(affected: &Affected, row: &Ecosystem, version: &str) -> bool {
    for listed in &affected.versions {
        if listed == version || (row.compare)(listed, version) == Ordering::Equal {
            return true;
        }
    }
    affected.ranges.iter().any(|range| in_range(range, row, version))
}

/// For each event in the order of versions: the schema's `IncludedInRanges`, and `BeforeLimits`.
fn in_range(range: &Range, row: &Ecosystem, version: &str) -> bool {
    if range.kind != RangeType::Semver && range.kind != RangeType::Ecosystem {
        return false;
    }
    let at_least = |bound: &str| bound == "0" || (row.compare)(version, bound) != Ordering::Less;
    let above = |bound: &str| bound == "0" || (row.compare)(version, bound) == Ordering::Greater;
    let (mut has_limit, mut below_a_limit) = (false, false);
    for event in &range.events {
        if let Event::Limit(limit) = event {
            has_limit = true;
            below_a_limit |= limit == "*" || !at_least(limit);
        }
    }
    if has_limit && !below_a_limit {
        return false;
    }
    let mut left: Vec<&Event> = in_order(range, row)
        .into_iter()
        .filter(|e| !matches!(e, Event::Limit(_)))
        .collect();
    let mut vulnerable = false;
    while !left.is_empty() {
        // The first of the smallest that are left.
        let mut smallest = 0;
        for i in 1..left.len() {
            if before(row, text(left[i]), text(left[smallest])) {
                smallest = i;
            }
        }
        match left.remove(smallest) {
            Event::Introduced(v) if at_least(v) => vulnerable = true,
            Event::Fixed(v) if at_least(v) => vulnerable = false,
            Event::LastAffected(v) if above(v) => vulnerable = false,
            _ => {}
        }
    }
    vulnerable
}

/// The events as they are written where that is the order of their versions; else interval after interval, the one that
/// begins first before the others, so that where two touch the older one ends and the newer one begins.
fn in_order<'r>(range: &'r Range, row: &Ecosystem) -> Vec<&'r Event> {
    let events: Vec<&Event> = range.events.iter().collect();
    if events.windows(2).all(|pair| !before(row, text(pair[1]), text(pair[0]))) {
        return events;
    }
    let mut intervals: Vec<Vec<&Event>> = Vec::new();
    for event in events {
        match intervals.last_mut() {
            Some(interval) if !matches!(event, Event::Introduced(_)) => interval.push(event),
            _ => intervals.push(vec![event]),
        }
    }
    intervals.sort_by(|a, b| {
        let (a, b) = (text(a[0]), text(b[0]));
        before(row, b, a).cmp(&before(row, a, b))
    });
    intervals.concat()
}

fn before(row: &Ecosystem, a: &str, b: &str) -> bool {
    match (a, b) {
        (_, "0") => false,
        ("0", _) => true,
        (a, b) => (row.compare)(a, b) == Ordering::Less,
    }
}

fn text(event: &Event) -> &str {
    match event {
        Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) | Event::Limit(v) => v,
    }
}
