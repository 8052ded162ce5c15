//! What a package needs says of its own version: a package manager gave each dependency a version that it asks for, so of the
//! versions that its code allows those remain whose needs are served by what is there.

use super::{
    needs::{self, Member},
    range,
    record::{NEWEST, Need, Package},
};
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};

/// What is there of a package.
struct There<'m> {
    package: &'m Package,
    /// All that its copies can be; `None` where that is not known of one.
    versions: Option<Vec<Version>>,
}

impl<'m> There<'m> {
    fn of(members: &'m [Member]) -> BTreeMap<u16, Self> {
        let mut all: BTreeMap<u16, Self> = BTreeMap::new();
        for member in members {
            let copies = all.entry(member.number).or_insert_with(|| Self {
                package: &member.package,
                versions: Some(Vec::new()),
            });
            let is_told = !member.versions.is_empty() && member.is_known();
            let own = is_told.then(|| {
                member
                    .versions
                    .iter()
                    .filter_map(|version| Version::parse(version).ok())
            });
            match (&mut copies.versions, own) {
                (Some(versions), Some(own)) => versions.extend(own),
                (versions, _) => *versions = None,
            }
        }
        all
    }

    /// Those of the `asking` versions of a dependent, by their places, that are not served.
    fn unserved(&self, need: &Need, asking: Vec<usize>, dependent: &Package) -> Vec<usize> {
        let Some(there) = &self.versions else {
            return Vec::new();
        };
        if need.range == NEWEST {
            let is_served = |place: &usize| {
                let version = dependent.published.get(*place);
                let newest = version.and_then(|version| needs::newest_place(self.package, version));
                let newest = newest.and_then(|place| Version::parse(self.package.published.get(place)?).ok());
                newest.is_none_or(|newest| there.contains(&newest))
            };
            return asking.into_iter().filter(|place| !is_served(place)).collect();
        }
        let is_served = match range::range(need) {
            Some(range) => there
                .iter()
                .any(|version| range.iter().any(|range| range.matches(version))),
            None => true,
        };
        if is_served { Vec::new() } else { asking }
    }
}

/// What the versions that a member can be ask of one package: all that ask, and those of them that no copy serves.
#[derive(Default)]
struct Asking {
    all: BTreeSet<usize>,
    unserved: BTreeSet<usize>,
}

impl Asking {
    fn of(member: &Member, there: &BTreeMap<u16, There<'_>>) -> BTreeMap<u16, Self> {
        let package = &member.package;
        let places = places_told(member);
        let mut asked: BTreeMap<u16, Self> = BTreeMap::new();
        for need in &package.needs {
            if let Some(copies) = there.get(&need.package) {
                let asking = need.asking(&places);
                let of = asked.entry(need.package).or_default();
                of.all.extend(asking.iter().copied());
                of.unserved.extend(copies.unserved(need, asking, package));
            }
        }
        asked
    }

    fn is_served(&self) -> bool {
        self.unserved.len() < self.all.len()
    }
}

/// Places of versions of a member of which it is known what they ask for: those that it can be, or else those that were looked into.
fn places_told(member: &Member) -> Vec<usize> {
    if member.package.others_told {
        member.possible()
    } else {
        member.package.looked_into.clone()
    }
}

/// Packages that a version asks for from which on it is told by whether they are there: a scope that was given another name has the same
/// code under either, and its dependents ask for the one or the other.
const FAMILY: usize = 3;

/// Versions of a member, by their places, of which nothing is there that they ask for, where of another much is.
fn unshown(member: &Member, there: &BTreeMap<u16, There<'_>>) -> BTreeSet<usize> {
    let places = places_told(member);
    // Those that each asks for, and whether they are there.
    let mut asked: BTreeMap<usize, [BTreeSet<u16>; 2]> = BTreeMap::new();
    for need in &member.package.needs {
        let is_there = usize::from(there.contains_key(&need.package));
        for place in need.asking(&places) {
            asked.entry(place).or_default()[is_there].insert(need.package);
        }
    }
    let is_shown = asked.values().any(|[_, there]| there.len() >= FAMILY);
    asked.retain(|_, [absent, there]| is_shown && there.is_empty() && absent.len() >= FAMILY);
    asked.into_keys().collect()
}

/// Versions of each member, by its place, that remain.
pub(super) fn served(members: &[Member]) -> Vec<(usize, Vec<String>)> {
    let there = There::of(members);
    let asking: Vec<BTreeMap<u16, Asking>> = members.iter().map(|member| Asking::of(member, &there)).collect();
    // What serves none of the versions of one that surely needs it is there for others: there is another copy, not told from it.
    let mut doubled: BTreeSet<u16> = BTreeSet::new();
    for (member, asking) in members.iter().zip(&asking).filter(|(member, _)| member.whole) {
        let sure = member.surely_needs();
        let unserved = asking
            .iter()
            .filter(|(number, of)| sure.contains(number) && !of.is_served());
        doubled.extend(unserved.map(|(number, _)| *number));
    }
    let is_open =
        |member: &Member| member.whole && !member.pinned && !member.is_disputed() && member.versions.len() > 1;
    let narrowed = |member: &Member, asking: &BTreeMap<u16, Asking>| {
        let useful = asking
            .iter()
            .filter(|(number, of)| of.is_served() && !doubled.contains(number));
        let mut unserved = unshown(member, &there);
        unserved.extend(useful.flat_map(|(_, of)| of.unserved.iter().copied()));
        let package = &member.package;
        let is_unserved = |place: &usize| {
            let known = package.place_told(*place);
            known.is_some_and(|known| unserved.contains(&known))
        };
        let possible = member.possible();
        let left = possible.iter().filter(|place| !is_unserved(place));
        let left: Vec<String> = left
            .filter_map(|place| package.published.get(*place).cloned())
            .collect();
        (!left.is_empty() && left.len() < possible.len()).then_some(left)
    };
    let all = members.iter().zip(&asking).enumerate();
    let open = all.filter(|(_, (member, _))| is_open(member));
    open.filter_map(|(at, (member, asking))| Some((at, narrowed(member, asking)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One with a version for each of `asks`: what that asks of the package 9; nothing where that is empty.
    fn member(number: u16, versions: &[&str], asks: &[&str]) -> Member {
        let need = |(place, range): (usize, &&str)| Need {
            package: 9,
            range: (*range).to_owned(),
            asked_by: vec![(place, place)],
        };
        let asks_for = asks.iter().enumerate().filter(|(_, range)| !range.is_empty());
        let package = Package {
            published: (1..=asks.len()).map(|major| format!("{major}.0.0")).collect(),
            looked_into: (0..asks.len()).collect(),
            others_told: true,
            needs: asks_for.map(need).collect(),
            ..Package::default()
        };
        Member::new(number, package, versions.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn a_version_of_which_all_that_it_asks_for_is_absent_is_not_there_where_another_is_shown() {
        // The old names were 1 to 3, the new ones are 4 to 6.
        for (what, there, expected) in [
            ("all of the new ones", &[4, 5, 6][..], Some("2.0.0")),
            ("all of the old ones", &[1, 2, 3], Some("1.0.0")),
            ("two of the new ones", &[4, 5], None),
            ("one of the old ones too", &[3, 4, 5, 6], None),
        ] {
            let mut client = member(0, &["1.0.0", "2.0.0"], &["", ""]);
            client.package.needs.extend((1..=6).map(|package| Need {
                package,
                range: "*".to_owned(),
                asked_by: vec![(usize::from(package > 3), usize::from(package > 3))],
            }));
            let mut members = vec![client];
            members.extend(there.iter().map(|number| member(*number, &["1.0.0"], &[""])));
            let left = served(&members);
            let expected: Vec<(usize, Vec<String>)> = expected.map(|v| (0, vec![v.to_owned()])).into_iter().collect();
            assert_eq!(left, expected, "{what}");
        }
    }

    #[test]
    fn what_is_there_serves_the_version_that_is() {
        const ALL: &[&str] = &["1.0.0", "2.0.0", "3.0.0"];
        let part = |versions: &[&str]| member(9, versions, &["", "", "", ""]);
        for (what, asks, parts, other, expected) in [
            (
                "one is served",
                ["^1.0.0", "^2.0.0", "^3.0.0"],
                vec![part(&["2.0.0"])],
                "",
                Some(&ALL[1..2]),
            ),
            (
                "two are",
                ["^1.0.0", "^2.0.0", "^2.0.0"],
                vec![part(&["2.0.0"])],
                "",
                Some(&ALL[1..]),
            ),
            (
                "one asks for nothing",
                ["", "^2.0.0", "^3.0.0"],
                vec![part(&["2.0.0"])],
                "",
                Some(&ALL[..2]),
            ),
            (
                "either may be",
                ["^1.0.0", "^2.0.0", "^3.0.0"],
                vec![part(&["1.0.0", "2.0.0"])],
                "",
                Some(&ALL[..2]),
            ),
            (
                "by either copy",
                ["^1.0.0", "^2.0.0", "^3.0.0"],
                vec![part(&["1.0.0"]), part(&["3.0.0"])],
                "",
                Some(&["1.0.0", "3.0.0"]),
            ),
            // The copy of its own is not told from the one that is there.
            (
                "none is",
                ["^1.0.0", "^1.0.0", "^1.0.0"],
                vec![part(&["2.0.0"])],
                "",
                None,
            ),
            (
                "nor is another's",
                ["^1.0.0", "^2.0.0", "^3.0.0"],
                vec![part(&["2.0.0"])],
                "^4.0.0",
                None,
            ),
            (
                "nothing is known of it",
                ["^1.0.0", "^2.0.0", "^3.0.0"],
                vec![part(&[])],
                "",
                None,
            ),
        ] {
            let mut members = vec![member(0, ALL, &asks), member(1, &["1.0.0"], &[other])];
            members.extend(parts);
            let left = served(&members)
                .into_iter()
                .find(|(at, _)| *at == 0)
                .map(|(_, versions)| versions);
            let expected: Option<Vec<String>> =
                expected.map(|all: &[&str]| all.iter().map(|v| (*v).to_owned()).collect());
            assert_eq!(left, expected, "{what}");
        }
    }
}
