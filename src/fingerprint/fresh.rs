//! A package manager takes the newest that is asked for: where nothing in a bundle is older than it could be, what code leaves open
//! is among the newest too.
//!
//! An application that was locked long ago has other versions, and is known by the packages of which code shows an older version
//! than its dependents would take; of one without such packages nobody can tell.

use super::{
    likely::{LIKELY, Likely},
    needs::{self, Asked, Member},
    record::Package,
};
use semver::Version;
use std::{cmp::Reverse, collections::BTreeSet};

/// One in so many of the packages whose versions code tells apart may be older: the application asks for it, too.
const OLDER: usize = 8;

/// A version has hardly any code with so small a part of what others have.
const THIN: i64 = 2;

/// Whether hardly a package is older than it could be, of those whose versions code tells apart.
pub(super) fn is_late(members: &[Member]) -> bool {
    let asked = needs::asked(members);
    let copies = needs::copies(members);
    let (mut told, mut older) = (0, 0);
    let is_open = |m: &&Member| !m.pinned && m.is_known() && !m.is_disputed() && !m.versions.is_empty();
    for member in members.iter().filter(is_open) {
        let asked = asked
            .get(&member.number)
            .filter(|_| copies.get(&member.number) == Some(&1));
        let newest = asked.and_then(|asked| Newest::of(member, asked));
        if let Some(newest) = newest.filter(|newest| newest.would_show(member)) {
            let is_older = !newest.is_any_of(&member.versions);
            told += usize::from(is_older || member.versions.len() < newest.of);
            older += usize::from(is_older);
        }
    }
    older * OLDER <= told
}

/// Whether a member has the newest of several versions that its dependents take.
pub(super) fn is_newest(member: &Member, asked: &[Asked]) -> bool {
    Newest::of(member, asked).is_some_and(|newest| newest.is_any_of(&member.versions))
}

/// What a member that can be `possible` is likely to be, as its dependents have `asked`; `is_one` says whether it is the only copy.
pub(super) fn likely(member: &Member, possible: &[String], asked: &[Asked], is_one: bool) -> Option<Likely> {
    if let Some(newest) = Newest::of(member, asked).filter(|_| is_one) {
        let likeliest = newest.of_these(possible);
        let of_possible = possible.iter().filter_map(|version| place(&member.package, version));
        let mut likely = preferred(&member.package, of_possible.collect());
        likely.sort_unstable();
        let versions = likely.iter().map(|place| member.package.published[*place].clone());
        return (!likeliest.is_empty()).then(|| Likely {
            versions: versions.collect(),
            likeliest,
        });
    }
    let taken = taken(member, asked);
    let newest = |count| -> Vec<String> {
        let taken: BTreeSet<&String> = taken
            .iter()
            .flat_map(|newest| newest.iter().take(count).copied())
            .collect();
        possible.iter().filter(|v| taken.contains(v)).cloned().collect()
    };
    let likeliest = newest(1);
    let mut versions = likeliest.clone();
    for more in (2..=LIKELY).map(newest) {
        if more.len() <= LIKELY {
            versions = more;
        }
    }
    // None of them: it is what the application itself asked for.
    (!likeliest.is_empty()).then_some(Likely { versions, likeliest })
}

/// The newest versions that the dependents take, the likeliest first, in each of the ways in which they may ask; none where one takes any.
fn taken<'m>(member: &'m Member, asked: &[Asked]) -> Vec<Vec<&'m String>> {
    if asked.iter().any(Asked::is_any) {
        return Vec::new();
    }
    let package = &member.package;
    let parsed = parsed(package);
    let ways = asked.iter().flat_map(Asked::ways).map(|range| {
        let taken = parsed.iter().filter(|(_, version)| range.matches(version));
        preferred(package, taken.map(|(place, _)| *place).collect())
    });
    ways.map(|places| places.iter().map(|place| &package.published[*place]).collect())
        .collect()
}

/// The likeliest of some versions by their places, the likeliest first: the newest of those that are not avoided, then the newest of
/// all, which those took that had what it asks for.
fn preferred(package: &Package, mut places: Vec<usize>) -> Vec<usize> {
    let first = package.taken_first(&places);
    places.sort_by_key(|place| {
        let is_first = first.contains(place);
        (!is_first, package.is_avoided(*place), Reverse(*place))
    });
    places.truncate(LIKELY);
    places
}

/// The versions of a package, by their places.
fn parsed(package: &Package) -> Vec<(usize, Version)> {
    let published = package.published.iter().enumerate();
    published
        .filter_map(|(place, version)| Some((place, Version::parse(version).ok()?)))
        .collect()
}

fn place(package: &Package, version: &String) -> Option<usize> {
    package.published.iter().position(|one| one == version)
}

/// The newest of several versions that all dependents take; where that is avoided, the newest that is not beside it.
struct Newest<'m> {
    versions: Vec<&'m String>,
    /// How many they take.
    of: usize,
}

impl<'m> Newest<'m> {
    /// `None` where that depends on which versions the dependents have.
    fn of(member: &'m Member, asked: &[Asked]) -> Option<Self> {
        let mut taken = parsed(&member.package);
        taken.retain(|(_, version)| asked.iter().all(|asked| asked.takes(version)));
        let places: Vec<usize> = taken.iter().map(|(place, _)| *place).collect();
        let first = member.package.taken_first(&places);
        let always = |version: &Version| asked.iter().all(|asked| asked.always_takes(version));
        let mut newest = taken.iter().filter(|(place, _)| first.contains(place));
        (newest.all(|(_, version)| always(version)) && taken.len() > 1).then(|| Self {
            versions: first.iter().map(|place| &member.package.published[*place]).collect(),
            of: taken.len(),
        })
    }

    /// Whether it has about as much code as what was taken for the member: one that only hands on to a package that took its code in
    /// does not, and that code is read as what it was before.
    fn would_show(&self, member: &Member) -> bool {
        let package = &member.package;
        let runs = |version: &String| {
            let place = place(package, version)?;
            let at = package
                .looked_into
                .partition_point(|known| *known <= place)
                .checked_sub(1)?;
            package.expected().get(at).copied()
        };
        let own = member.versions.iter().filter_map(runs).min();
        let newest = self.versions.iter().copied().filter_map(runs).max();
        own.zip(newest).is_none_or(|(own, newest)| newest * THIN >= own)
    }

    fn of_these(&self, versions: &[String]) -> Vec<String> {
        versions
            .iter()
            .filter(|version| self.versions.contains(version))
            .cloned()
            .collect()
    }

    fn is_any_of(&self, versions: &[String]) -> bool {
        self.versions.iter().any(|version| versions.contains(version))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            record::{Need, Set},
            version_set::VersionSet,
        },
        *,
    };

    #[test]
    fn what_only_hands_on_is_no_sign_of_an_old_application() {
        for (newest_runs, read_as, expected) in [(30, "1.0.0", false), (7, "1.0.0", true), (30, "1.1.0", true)] {
            let sets = [(0, 30), (1, newest_runs)].map(|(place, runs)| Set {
                versions: VersionSet::stretch(place, place),
                runs,
            });
            let part = Package {
                published: ["1.0.0", "1.1.0"].map(str::to_owned).into(),
                looked_into: vec![0, 1],
                sets: sets.into(),
                ..Package::default()
            };
            let app = Package {
                published: vec!["1.0.0".to_owned()],
                looked_into: vec![0],
                needs: vec![Need {
                    package: 1,
                    range: "^1.0.0".to_owned(),
                    asked_by: vec![(0, 0)],
                }],
                ..Package::default()
            };
            let members = [
                Member::new(0, app, vec!["1.0.0".to_owned()]),
                Member::new(1, part, vec![read_as.to_owned()]),
            ];
            assert_eq!(is_late(&members), expected, "{newest_runs} {read_as}");
        }
    }
}
