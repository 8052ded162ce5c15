//! What dependents say of a package: which of its versions they take, and that it is there though it has too little code to
//! show itself.
//!
//! A package manager gives every dependent a version that it asks for. So of the versions that a package's code allows, those
//! remain that its dependents take, as far as their own versions are known; and where the code tells nothing, theirs do.

use super::{
    apart, range,
    record::{NEWEST, Package},
    served::served,
};
use crate::ecosystem::NPM;
use semver::{Version, VersionReq};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// A package that is there, or a copy of it.
#[derive(Debug)]
pub(super) struct Member {
    /// Its number in the index.
    pub(super) number: u16,
    pub(super) package: Package,
    /// Versions that it can be; empty where nothing tells.
    pub(super) versions: Vec<String>,
    /// Those that its code allows, or that are pinned; empty where these tell nothing.
    pub(super) told: Vec<String>,
    /// Whether most of it is there, and so what it calls.
    pub(super) whole: bool,
    /// Whether its version is known from words: the bundle's own, or what such a package pins.
    pub(super) pinned: bool,
    pub(super) accord: Accord,
}

/// What a member's dependents say of the versions that its code allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accord {
    /// They were not asked, or leave several.
    Unheard,
    /// They take what it likely is.
    Agreed,
    /// They take none of them: then what either says is kept.
    Disputed,
}

/// Rounds in which what is known of dependents is handed on to what they need.
const ROUNDS: usize = 4;

/// Versions up to which those of a package may be all misread, of which few were looked into.
const FEW: usize = 3;

/// More versions than this are none told.
const MOST_VERSIONS: usize = 24;

impl Member {
    /// A whole one, of which nothing else is known.
    pub(super) fn new(number: u16, package: Package, versions: Vec<String>) -> Self {
        Self {
            number,
            package,
            told: versions.clone(),
            versions,
            whole: true,
            pinned: false,
            accord: Accord::Unheard,
        }
    }

    /// Says of which versions it is, whatever its dependents take.
    pub(super) fn tell(&mut self, versions: Vec<String>) {
        self.told.clone_from(&versions);
        self.versions = versions;
    }

    /// The versions that it can be, by their places; all where nothing tells.
    pub(super) fn possible(&self) -> Vec<usize> {
        let all = self.package.published.iter().enumerate();
        all.filter(|(_, version)| self.versions.is_empty() || self.versions.contains(version))
            .map(|(place, _)| place)
            .collect()
    }

    pub(super) fn is_disputed(&self) -> bool {
        self.accord == Accord::Disputed
    }

    /// Whether its versions were not told from code that resembles what was looked into.
    pub(super) fn is_known(&self) -> bool {
        self.pinned || !self.package.is_sparse()
    }

    /// What every version that it can be needs.
    pub(super) fn surely_needs(&self) -> BTreeSet<u16> {
        let mut possible = self.possible();
        if !self.package.others_told {
            // What was looked into stands for the others; for one that lies between, both neighbours.
            let looked_into = &self.package.looked_into;
            let is_known = |place: &usize| looked_into.binary_search(place).is_ok();
            if possible.iter().any(is_known) {
                possible.retain(is_known);
            } else {
                let between = possible
                    .iter()
                    .map(|place| looked_into.partition_point(|known| known < place));
                let between: BTreeSet<usize> = between.flat_map(|next| [next.wrapping_sub(1), next]).collect();
                possible = between.iter().filter_map(|at| looked_into.get(*at).copied()).collect();
            }
        }
        let mut left: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for need in &self.package.needs {
            let left = left.entry(need.package).or_insert_with(|| possible.clone());
            left.retain(|place| !need.is_asked_by(*place));
        }
        left.retain(|_, left| left.is_empty());
        left.into_keys().collect()
    }
}

/// Ranges of one dependent, in all ways in which its possible versions ask.
pub(super) struct Asked(Vec<VersionReq>);

impl Asked {
    pub(super) fn takes(&self, version: &Version) -> bool {
        self.0.iter().any(|range| range.matches(version))
    }

    /// Each of those ways.
    pub(super) fn ways(&self) -> impl Iterator<Item = &VersionReq> {
        self.0.iter()
    }

    /// Whether it may take any version.
    pub(super) fn is_any(&self) -> bool {
        self.0.contains(&VersionReq::STAR)
    }

    /// Whether all those ways take a version.
    pub(super) fn always_takes(&self, version: &Version) -> bool {
        self.0.iter().all(|range| range.matches(version))
    }
}

/// Leaves of each member's versions what its dependents take, and those whose own needs are served.
pub(super) fn narrow(members: &mut [Member]) {
    for _ in 0..ROUNDS {
        let asked = asked(members);
        let copies = copies(members);
        let mut changed = false;
        for member in members.iter_mut() {
            let (Some(asked), Some(copies)) = (asked.get(&member.number), copies.get(&member.number)) else {
                continue;
            };
            let narrowed = if member.is_disputed() {
                None
            } else {
                narrowed(member, asked, *copies == 1)
            };
            if let Some(versions) = narrowed.filter(|v| *v != member.versions) {
                // Versions that the code did not allow.
                if !member.told.is_empty() && versions.iter().any(|v| !member.told.contains(v)) {
                    member.accord = Accord::Disputed;
                }
                member.versions = versions;
                changed = true;
            }
        }
        for left in [served, apart::told_apart, apart::paired] {
            for (at, versions) in left(members) {
                members[at].versions = versions;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// How many copies there are of each package.
pub(super) fn copies(members: &[Member]) -> BTreeMap<u16, usize> {
    let copies = places(members).into_iter();
    copies.map(|(number, places)| (number, places.len())).collect()
}

/// Places of the copies of each package.
pub(super) fn places(members: &[Member]) -> BTreeMap<u16, Vec<usize>> {
    let mut places: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (place, member) in members.iter().enumerate() {
        places.entry(member.number).or_default().push(place);
    }
    places
}

/// What dependents say of the copies of a package.
#[derive(Debug, PartialEq)]
pub(super) struct Copies {
    /// Its number.
    pub(super) number: u16,
    /// What is left of the versions of the only copy that was told; `None` where they stay.
    pub(super) told: Option<Vec<String>>,
    /// Versions that each copy can be which must be there beside those that were told.
    pub(super) others: Vec<Vec<String>>,
}

/// Packages of which more copies must be there than were told: what is there asks for versions that no single one is.
pub(super) fn others(members: &[Member]) -> Vec<Copies> {
    let mut told: BTreeMap<u16, Vec<&Member>> = BTreeMap::new();
    for member in members {
        told.entry(member.number).or_default().push(member);
    }
    let mut all = Vec::new();
    for (number, wishes) in wishes(members, &told) {
        let copies = &told[&number];
        // Those that a copy which was told can serve, and where there is one, what it is then.
        let mut groups: Vec<BTreeSet<&String>> = Vec::new();
        for wanted in wishes {
            let mut serving = copies
                .iter()
                .map(|copy| common(&wanted, &copy.versions))
                .filter(|c| !c.is_empty());
            let wanted = match (serving.next(), &copies[..]) {
                (Some(served), [_]) => served,
                (Some(_), _) => continue,
                (None, _) => wanted,
            };
            // One copy serves all whose wishes go together.
            join(&mut groups, wanted);
        }
        let is_told = |group: &BTreeSet<&String>| group.iter().any(|version| copies[0].versions.contains(version));
        let own = groups.iter().position(is_told).filter(|_| copies.len() == 1);
        let own = own.map(|at| groups.remove(at));
        if !groups.is_empty() {
            all.push(Copies {
                number,
                told: own.map(sorted),
                others: groups.into_iter().map(sorted).collect(),
            });
        }
    }
    all
}

/// Adds what a dependent takes to the first group that it goes together with, or as one of its own.
pub(super) fn join<'m>(groups: &mut Vec<BTreeSet<&'m String>>, wanted: BTreeSet<&'m String>) {
    match groups.iter_mut().find(|group| !group.is_disjoint(&wanted)) {
        Some(group) => group.retain(|version| wanted.contains(version)),
        None => groups.push(wanted),
    }
}

/// Of each package the sets of versions that each of its dependents takes, where what is there surely asks for it.
pub(super) fn wishes<'m>(
    members: &'m [Member],
    told: &BTreeMap<u16, Vec<&'m Member>>,
) -> BTreeMap<u16, Vec<BTreeSet<&'m String>>> {
    let packages = packages(members);
    let mut wishes: BTreeMap<u16, Vec<BTreeSet<&String>>> = BTreeMap::new();
    for member in members
        .iter()
        .filter(|m| m.whole && !m.is_disputed() && !m.versions.is_empty())
        .filter(|m| m.is_known() || m.accord == Accord::Agreed || m.versions.len() > FEW)
    {
        let sure = member.surely_needs();
        for (number, ranges) in ranges_of(member, &packages) {
            let copies = told.get(&number).filter(|_| sure.contains(&number));
            let Some(copies) = copies.filter(|copies| copies.iter().any(|copy| !copy.versions.is_empty())) else {
                continue;
            };
            let takes = |text: &String| match Version::parse(text) {
                Ok(version) => ranges.iter().any(|range| range.matches(&version)),
                Err(_) => true,
            };
            let wanted: BTreeSet<&String> = copies[0].package.published.iter().filter(|v| takes(v)).collect();
            let is_served = || copies.iter().any(|copy| copy.versions.iter().any(takes));
            if !wanted.is_empty() && (wanted.len() <= MOST_VERSIONS || is_served()) {
                wishes.entry(number).or_default().push(wanted);
            }
        }
    }
    wishes
}

fn common<'m>(wanted: &BTreeSet<&'m String>, versions: &[String]) -> BTreeSet<&'m String> {
    wanted
        .iter()
        .copied()
        .filter(|version| versions.contains(version))
        .collect()
}

fn sorted(versions: BTreeSet<&String>) -> Vec<String> {
    let mut versions: Vec<String> = versions.into_iter().cloned().collect();
    versions.sort_by(|a, b| (NPM.compare)(a, b));
    versions
}

/// What the versions that a member can be ask for, each in all ways. Of what is published together with it that is known of
/// `packages` alone.
pub(super) fn ranges_of(member: &Member, packages: &BTreeMap<u16, &Package>) -> BTreeMap<u16, Vec<VersionReq>> {
    let possible = member.possible();
    let mut asked: BTreeMap<u16, Vec<VersionReq>> = BTreeMap::new();
    for need in &member.package.needs {
        let asking = need.asking(&possible);
        if asking.is_empty() {
            continue;
        }
        let ranges = if need.range == NEWEST {
            let Some(package) = packages.get(&need.package) else {
                continue;
            };
            let versions = asking.iter().filter_map(|place| member.package.published.get(*place));
            newest(package, versions)
        } else {
            // What is no range (a tag, an address) says nothing: any version.
            range::range(need).unwrap_or_else(|| vec![VersionReq::STAR])
        };
        asked.entry(need.package).or_default().extend(ranges);
    }
    asked
}

/// Of each version the newest of a package that is not newer.
fn newest<'v>(package: &Package, versions: impl Iterator<Item = &'v String>) -> Vec<VersionReq> {
    let newest = versions.filter_map(|version| package.published.get(newest_place(package, version)?));
    let newest: BTreeSet<&String> = newest.collect();
    newest
        .into_iter()
        .filter_map(|version| VersionReq::parse(&format!("={version}")).ok())
        .collect()
}

/// Place of the newest version of a package that is not newer than `version`.
pub(super) fn newest_place(package: &Package, version: &str) -> Option<usize> {
    let is_older = |one: &String| (NPM.compare)(one, version) != Ordering::Greater;
    package.published.partition_point(is_older).checked_sub(1)
}

/// Packages that are there, by their numbers.
pub(super) fn packages(members: &[Member]) -> BTreeMap<u16, &Package> {
    members.iter().map(|member| (member.number, &member.package)).collect()
}

/// Runs of the largest version of a package that what depends on it takes; `None` where it takes none that was looked into.
pub(super) fn most_runs(members: &[Member], number: u16, package: &Package) -> Option<i64> {
    let packages = BTreeMap::from([(number, package)]);
    let is_asking = |member: &&Member| member.package.asks_for(number);
    let asked = members
        .iter()
        .filter(is_asking)
        .filter_map(|m| ranges_of(m, &packages).remove(&number));
    let ranges: Vec<VersionReq> = asked.flatten().collect();
    let versions = package.versions().zip(package.expected());
    let taken = versions.filter(|(version, _)| {
        Version::parse(version).is_ok_and(|version| ranges.iter().any(|range| range.matches(&version)))
    });
    taken.map(|(_, runs)| *runs).max()
}

pub(super) fn asked(members: &[Member]) -> BTreeMap<u16, Vec<Asked>> {
    let packages = packages(members);
    let mut all: BTreeMap<u16, Vec<Asked>> = BTreeMap::new();
    for member in members {
        // What others need is not known of every package: then they may take any version.
        let looked_into = |place: &usize| member.package.looked_into.binary_search(place).is_ok();
        let vague = !member.package.others_told && !member.possible().iter().all(looked_into);
        let sure = member.surely_needs();
        // What only some of the versions need that it can be says nothing: it may be another of them.
        for (number, ranges) in ranges_of(member, &packages)
            .into_iter()
            .filter(|(number, _)| sure.contains(number))
        {
            let ranges = if vague { vec![VersionReq::STAR] } else { ranges };
            all.entry(number).or_default().push(Asked(ranges));
        }
    }
    all
}

fn narrowed(member: &Member, asked: &[Asked], single: bool) -> Option<Vec<String>> {
    // Of several copies one may be the application's own, which no dependent speaks of.
    if !single {
        return None;
    }
    // Not what is left of them: one that depends on it may have been heard before another was known to.
    let told = range::parsed(member.told.iter());
    let known = range::parsed(member.package.published.iter());
    let pool = if told.is_empty() { &known } else { &told };
    let keep = |pool: &[(&String, Version)], takes: &dyn Fn(&Version) -> bool| -> Vec<String> {
        let kept = pool.iter().filter(|(_, version)| takes(version));
        kept.map(|(text, _)| (*text).clone()).collect()
    };
    // One copy serves them all; or there is another, too like it to be told apart, and then the newest that serves each.
    let any = |version: &Version| asked.iter().any(|asked| asked.takes(version));
    let mut kept = keep(pool, &|version| asked.iter().all(|asked| asked.takes(version)));
    if kept.is_empty() {
        kept = keep(pool, &any);
    } else {
        for asked in asked {
            let newest = pool.iter().filter(|(_, v)| asked.takes(v)).max_by(|a, b| a.1.cmp(&b.1));
            if let Some((text, _)) = newest.filter(|(text, _)| !kept.contains(*text)) {
                kept.push((*text).clone());
            }
        }
    }
    let told = !told.is_empty();
    if kept.is_empty() && told {
        // No dependent takes what the code was held for: it is the application's own, or the code was misread.
        kept = keep(&known, &any);
        kept.extend(member.told.iter().cloned());
        if kept.len() > MOST_VERSIONS {
            return Some(Vec::new());
        }
    }
    kept.sort_by(|a, b| (NPM.compare)(a, b));
    (!kept.is_empty() && (told || kept.len() <= MOST_VERSIONS)).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::{super::record::Need, *};

    fn package(name: &str, versions: &[&str], needs: Vec<Need>) -> Package {
        Package {
            name: name.to_owned(),
            published: versions.iter().map(|v| (*v).to_owned()).collect(),
            looked_into: (0..versions.len()).collect(),
            needs,
            ..Package::default()
        }
    }

    fn member(number: u16, package: &Package, versions: &[&str]) -> Member {
        let versions = versions.iter().map(|v| (*v).to_owned()).collect();
        Member::new(number, package.clone(), versions)
    }

    #[test]
    fn what_is_published_together_is_of_its_time() {
        let need = |package, range: &str| Need {
            package,
            range: range.to_owned(),
            asked_by: vec![(0, 2)],
        };
        let client = package(
            "client",
            &["3.1.0", "3.5.0", "3.9.0"],
            vec![need(1, NEWEST), need(2, NEWEST)],
        );
        let core = package("core", &["3.0.0", "3.4.0", "3.5.0", "3.10.0"], Vec::new());
        let packages = BTreeMap::from([(1, &core)]);
        for (versions, expected) in [
            (&["3.1.0"][..], &["=3.0.0"][..]),
            (&["3.5.0"], &["=3.5.0"]),
            (&["3.9.0"], &["=3.5.0"]),
            (&[], &["=3.0.0", "=3.5.0"]),
        ] {
            let ranges = ranges_of(&member(0, &client, versions), &packages);
            let said: Vec<String> = ranges[&1].iter().map(ToString::to_string).collect();
            assert_eq!(said, expected, "{versions:?}");
            // Of what is not there nothing is said.
            assert!(!ranges.contains_key(&2));
        }
    }

    #[test]
    fn dependents_narrow_what_code_leaves_open() {
        let need = |place, range: &str| Need {
            package: 1,
            range: range.to_owned(),
            asked_by: vec![(place, place)],
        };
        let app = package("app", &["1.0.0", "2.0.0"], vec![need(0, "1.0.0"), need(1, "~1.1.0")]);
        let part = package("part", &["1.0.0", "1.1.0", "1.1.1"], Vec::new());
        for (app_is, part_is, expected) in [
            (&["2.0.0"][..], &["1.1.0", "1.1.1"][..], &["1.1.0", "1.1.1"][..]),
            (&["1.0.0"], &[], &["1.0.0"]),
            (&["2.0.0"], &["1.0.0", "1.1.1"], &["1.1.1"]),
            (&[], &[], &["1.0.0", "1.1.0", "1.1.1"]),
            // Where they disagree, either may be right.
            (&["1.0.0"], &["1.1.1"], &["1.0.0", "1.1.1"]),
        ] {
            let mut members = [member(0, &app, app_is), member(1, &part, part_is)];
            narrow(&mut members);
            assert_eq!(members[1].versions, expected, "{app_is:?} {part_is:?}");
        }
    }

    #[test]
    fn what_is_narrowed_early_is_heard_again() {
        // Only of an old `late` is it known that it needs `part`, and only `early` tells that it is an old one.
        let need = |package, places: (usize, usize), range: &str| Need {
            package,
            range: range.to_owned(),
            asked_by: vec![places],
        };
        let early = package(
            "early",
            &["1.0.0"],
            vec![need(1, (0, 0), "1.0.0"), need(2, (0, 0), "1.0.0")],
        );
        let late = package("late", &["1.0.0", "2.0.0"], vec![need(2, (0, 0), "^1.1.0")]);
        let part = package("part", &["1.0.0", "1.1.0"], Vec::new());
        let mut members = [
            member(0, &early, &["1.0.0"]),
            member(1, &late, &[]),
            member(2, &part, &[]),
        ];
        narrow(&mut members);
        assert_eq!(members[1].versions, ["1.0.0"]);
        assert_eq!(members[2].versions, ["1.0.0", "1.1.0"]);
    }

    #[test]
    fn what_was_not_looked_into_needs_what_both_neighbours_do() {
        let need = |package, places: (usize, usize)| Need {
            package,
            range: "*".to_owned(),
            asked_by: vec![places],
        };
        let needs = vec![need(1, (0, 0)), need(2, (0, 2)), need(3, (2, 2))];
        let app = Package {
            looked_into: vec![0, 2],
            ..package("app", &["1.0.0", "1.1.0", "1.2.0", "1.3.0"], needs)
        };
        for (version, expected) in [
            ("1.0.0", &[1, 2][..]),
            ("1.1.0", &[2]),
            ("1.2.0", &[2, 3]),
            ("1.3.0", &[2, 3]),
        ] {
            let sure = member(0, &app, &[version]).surely_needs();
            assert!(sure.iter().eq(expected), "{version}: {sure:?}");
        }
    }

    #[test]
    fn a_dependent_that_no_copy_serves_has_another_one() {
        let need = |range: &str| Need {
            package: 0,
            range: range.to_owned(),
            asked_by: vec![(0, 0)],
        };
        let destroy = package("destroy", &["1.0.3", "1.0.4", "1.1.0", "1.2.0"], Vec::new());
        let asks = |range: &str| package("send", &["0.17.1"], vec![need(range)]);
        for (told, ranges, expected) in [
            (&["1.2.0"][..], &["~1.0.4"][..], &[&["1.0.4"][..]][..]),
            (&["1.1.0", "1.2.0"], &["1.2.0", "^1.1.0"], &[]),
            // Either is served by what the copy can be, and not both.
            (&["1.0.4", "1.1.0"], &["^1.1.0", "~1.0.4"], &[&["1.0.4"]]),
            (&["1.2.0"], &["~1.0.3", "1.0.4"], &[&["1.0.4"]]),
            (&["1.2.0"], &["~1.0.3", "1.1.0"], &[&["1.0.3", "1.0.4"], &["1.1.0"]]),
            // Nothing is known of the one that is there, or nothing was published that serves.
            (&[], &["~1.0.4"], &[]),
            (&["1.2.0"], &["^2.0.0"], &[]),
        ] {
            let mut members = vec![member(0, &destroy, told)];
            members.extend((1..).zip(ranges).map(|(i, range)| member(i, &asks(range), &["0.17.1"])));
            let others: Vec<Vec<String>> = others(&members).into_iter().flat_map(|copies| copies.others).collect();
            assert_eq!(others, expected, "{told:?} {ranges:?}");
        }
    }
}
