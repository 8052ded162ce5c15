//! What a package needs says of its own version: a package manager gave each dependency a version that it asks for, so of the
//! versions that its code allows those remain whose needs are served by what is there.

use super::{
    needs::{self, Member},
    record::{NEWEST, Need, Package},
};
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};

/// What is there of a package.
struct Copies<'m> {
    package: &'m Package,
    /// All that its copies can be; `None` where that is not known of one.
    versions: Option<Vec<Version>>,
}

impl<'m> Copies<'m> {
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
        let is_served = match needs::range(need) {
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
    fn of(member: &Member, there: &BTreeMap<u16, Copies<'_>>) -> BTreeMap<u16, Self> {
        let package = &member.package;
        let possible = member.possible();
        let mut asked: BTreeMap<u16, Self> = BTreeMap::new();
        for need in &package.needs {
            if let Some(copies) = there.get(&need.package) {
                let asking = need.asking(if package.others_told {
                    &possible
                } else {
                    &package.looked_into
                });
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

/// Versions of each member, by its place, that remain.
pub(super) fn served(members: &[Member]) -> Vec<(usize, Vec<String>)> {
    let there = Copies::of(members);
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
    let is_open = |member: &Member| member.whole && !member.pinned && !member.disputed && member.versions.len() > 1;
    let narrowed = |member: &Member, asking: &BTreeMap<u16, Asking>| {
        let useful = asking
            .iter()
            .filter(|(number, of)| of.is_served() && !doubled.contains(number));
        let unserved: BTreeSet<usize> = useful.flat_map(|(_, of)| of.unserved.iter().copied()).collect();
        let package = &member.package;
        // What others need is not known of every package: then it is what the next older one that was looked into needs.
        let is_unserved = |place: &usize| {
            let known = if package.others_told {
                Some(*place)
            } else {
                let after = package.looked_into.partition_point(|known| known <= place);
                package.looked_into.get(after.saturating_sub(1)).copied()
            };
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
