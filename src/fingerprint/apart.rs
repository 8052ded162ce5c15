//! Copies of one package, told apart by what asks for them: a package manager installs a second one only where no version serves
//! all that ask; and by what they ask for.

use super::{
    needs::{self, Member},
    range,
    record::NEWEST,
    versions::line,
};
use semver::{Version, VersionReq};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Copies of a package beyond which no order is looked for.
const MOST_COPIES: usize = 5;

/// Versions of each member, by its place, that remain.
pub(super) fn told_apart(members: &[Member]) -> Vec<(usize, Vec<String>)> {
    let mut copies = needs::places(members);
    copies.retain(|_, places| (2..=MOST_COPIES).contains(&places.len()));
    let own = |places: &Vec<usize>| places.iter().map(|place| &members[*place]).collect();
    let mut wishes = needs::wishes(
        members,
        &copies.iter().map(|(number, places)| (*number, own(places))).collect(),
    );
    let mut told = Vec::new();
    for (number, places) in &copies {
        let mut versions: Vec<BTreeSet<&String>> = places
            .iter()
            .map(|place| members[*place].versions.iter().collect())
            .collect();
        if versions.iter().any(BTreeSet::is_empty) {
            continue;
        }
        let wishes = wishes.remove(number).unwrap_or_default();
        let groups = groups(&wishes, &versions);
        if groups.len() == versions.len()
            && let Some(shared) = shared_out(&versions, &groups)
            && !wishes.iter().any(|wish| may_be_elsewhere(wish, &shared, &versions))
        {
            versions = shared.into();
        }
        leave_to_others(&mut versions);
        let left = places.iter().zip(versions);
        told.extend(left.filter_map(|(place, left)| Some((*place, narrowed(&members[*place], &left)?))));
    }
    told
}

/// Versions of each member, by its place, that remain where it is one of as many copies as there are of what they alone ask for: each of
/// these was installed for one of them. Code tells `archiver` 5 not from 7, but that of `compress-commons` 4 from 6, which nothing
/// but `zip-stream` asks for, and that `archiver` alone.
pub(super) fn paired(members: &[Member]) -> Vec<(usize, Vec<String>)> {
    let mut copies = needs::places(members);
    copies.retain(|_, places| (2..=MOST_COPIES).contains(&places.len()));
    let mut told: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (number, places) in &copies {
        let asking = (0..members.len()).filter(|at| members[*at].package.asks_for(*number));
        let asking: Vec<usize> = asking.collect();
        let is_open = |at: &usize| {
            let member = &members[*at];
            member.number == members[asking[0]].number
                && member.number != *number
                && member.whole
                && !member.is_disputed()
                && !member.versions.is_empty()
        };
        let parts = || places.iter().map(|at| &members[*at]).collect::<Vec<_>>();
        if asking.len() != places.len() || !asking.iter().all(is_open) || !are_distinct(&parts()) {
            continue;
        }
        let of_each = parts().into_iter().map(|part| asking_for(&members[asking[0]], part));
        let of_each: Vec<BTreeSet<&String>> = of_each.collect();
        let versions = asking.iter().map(|at| members[*at].versions.iter().collect());
        let Some(shared) = shared_out(&versions.collect::<Vec<_>>(), &of_each) else {
            continue;
        };
        let left = asking.into_iter().zip(shared);
        told.extend(left.filter_map(|(at, left)| Some((at, narrowed(&members[at], &left)?))));
    }
    told.into_iter().collect()
}

/// What is left of a member, oldest first; `None` where that is all, or nothing may be taken from it.
fn narrowed(member: &Member, left: &BTreeSet<&String>) -> Option<Vec<String>> {
    let may_be = !member.pinned && !member.is_disputed() && left.len() < member.versions.len();
    let versions = member.versions.iter().filter(|version| left.contains(version));
    may_be.then(|| versions.cloned().collect())
}

/// Whether the versions of each copy are known, and no other's.
fn are_distinct(copies: &[&Member]) -> bool {
    let versions = || copies.iter().flat_map(|copy| &copy.versions);
    let is_told = |copy: &&Member| copy.is_known() && !copy.versions.is_empty();
    copies.iter().all(is_told) && versions().collect::<BTreeSet<_>>().len() == versions().count()
}

/// Versions of a package that ask for one that a copy of another can be.
fn asking_for<'m>(dependent: &'m Member, part: &Member) -> BTreeSet<&'m String> {
    let package = &dependent.package;
    let versions = range::parsed(part.versions.iter());
    let is_taken = |ranges: &[VersionReq]| {
        let takes = |version: &Version| ranges.iter().any(|range| range.matches(version));
        versions.iter().any(|(_, version)| takes(version))
    };
    let needs = package.needs.iter().filter(|need| need.package == part.number);
    let needs = needs.filter(|need| need.range != NEWEST && range::range(need).is_some_and(|ranges| is_taken(&ranges)));
    let needs: Vec<_> = needs.collect();
    let published = package.published.iter().enumerate();
    let asking = published.filter(|(place, _)| {
        let place = package.place_told(*place);
        place.is_some_and(|place| needs.iter().any(|need| need.is_asked_by(place)))
    });
    asking.map(|(_, version)| version).collect()
}

/// Versions that serve wishes which go together, of those that some copy can be.
fn groups<'m>(wishes: &[BTreeSet<&'m String>], versions: &[BTreeSet<&'m String>]) -> Vec<BTreeSet<&'m String>> {
    let wishes = wishes.iter().map(|wish| possible(wish, versions).collect());
    let mut wishes: Vec<BTreeSet<&String>> = wishes.collect();
    wishes.retain(|wish| !wish.is_empty());
    // What takes fewest says most.
    wishes.sort_by_key(BTreeSet::len);
    let mut groups: Vec<BTreeSet<&String>> = Vec::new();
    for wish in wishes {
        needs::join(&mut groups, wish);
    }
    groups
}

/// Whether a wish may as well be for a version that is none of those that were shared out: of the versions that its dependent can be
/// one asks for one of these, and another for one of another line.
fn may_be_elsewhere(
    wish: &BTreeSet<&String>,
    shared: &VecDeque<BTreeSet<&String>>,
    versions: &[BTreeSet<&String>],
) -> bool {
    let lines: BTreeSet<_> = shared.iter().flatten().map(|version| line(version)).collect();
    possible(wish, versions).any(|version| !lines.contains(&line(version)))
}

/// Those of the versions that a dependent takes which some copy can be.
fn possible<'w, 'm>(
    wish: &'w BTreeSet<&'m String>,
    versions: &'w [BTreeSet<&'m String>],
) -> impl Iterator<Item = &'m String> + use<'w, 'm> {
    let wish = wish.iter().copied();
    wish.filter(|version| versions.iter().any(|copy| copy.contains(version)))
}

/// What is left of each copy when each has one of as many groups; `None` if that cannot be done.
fn shared_out<'m>(
    versions: &[BTreeSet<&'m String>],
    groups: &[BTreeSet<&'m String>],
) -> Option<VecDeque<BTreeSet<&'m String>>> {
    let Some((copy, others)) = versions.split_first() else {
        return Some(VecDeque::new());
    };
    (0..groups.len()).find_map(|at| {
        let served = copy & &groups[at];
        if served.is_empty() {
            return None;
        }
        let mut left = groups.to_vec();
        left.remove(at);
        let mut shared = shared_out(others, &left)?;
        shared.push_front(served);
        Some(shared)
    })
}

/// Takes from each copy what another surely is, as long as something is left of it.
fn leave_to_others(versions: &mut [BTreeSet<&String>]) {
    for _ in 0..versions.len() {
        let sure: Vec<BTreeSet<&String>> = versions.iter().filter(|copy| copy.len() == 1).cloned().collect();
        for copy in versions.iter_mut().filter(|copy| copy.len() > 1) {
            let left: BTreeSet<&String> = copy
                .iter()
                .copied()
                .filter(|v| !sure.iter().any(|sure| sure.contains(v)))
                .collect();
            if !left.is_empty() {
                *copy = left;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::record::{Need, Package},
        *,
    };

    #[test]
    fn copies_are_shared_out() {
        let package = |name: &str, needs: Vec<Need>| Package {
            name: name.to_owned(),
            published: ["1.0.0", "1.1.0", "2.0.0", "3.0.0"].map(str::to_owned).to_vec(),
            looked_into: (0..4).collect(),
            needs,
            ..Package::default()
        };
        for (copies, asked, expected) in [
            // Code tells them alike, and each is asked for.
            (
                &[&["1.0.0", "2.0.0"][..], &["1.0.0", "2.0.0"]][..],
                &["^1.0.0", "2.0.0"][..],
                &[&["1.0.0"][..], &["2.0.0"]][..],
            ),
            // One is the application's own.
            (
                &[&["1.0.0", "2.0.0"], &["1.0.0", "2.0.0"]],
                &["^1.0.0"],
                &[&["1.0.0", "2.0.0"], &["1.0.0", "2.0.0"]],
            ),
            // Not that which another is.
            (&[&["2.0.0"], &["1.0.0", "2.0.0"]], &[], &[&["2.0.0"], &["1.0.0"]]),
            (&[&["2.0.0"], &["2.0.0"]], &[], &[&["2.0.0"], &["2.0.0"]]),
            // Only the second can be what the first group asks for.
            (
                &[&["2.0.0", "3.0.0"], &["1.0.0", "1.1.0", "2.0.0"]],
                &["~1.1.0", ">=2.0.0"],
                &[&["2.0.0", "3.0.0"], &["1.1.0"]],
            ),
            // Of one dependent it is not known for which of two lines it asks: there may be a copy for either.
            (
                &[&["1.0.0", "1.1.0"], &["2.0.0", "3.0.0"]],
                &["^1.0.0", "1.0.0 || ^2.0.0", "3.0.0"],
                &[&["1.0.0", "1.1.0"], &["2.0.0", "3.0.0"]],
            ),
            // What takes any goes with what takes one.
            (
                &[&["1.0.0", "2.0.0"], &["1.0.0", "2.0.0"]],
                &["*", "^1.0.0", "^2.0.0"],
                &[&["1.0.0"], &["2.0.0"]],
            ),
        ] {
            let mut members: Vec<Member> = Vec::new();
            for versions in copies {
                let versions = versions.iter().map(|version| (*version).to_owned()).collect();
                members.push(Member::new(0, package("part", Vec::new()), versions));
            }
            for (number, range) in (1..).zip(asked) {
                let need = Need {
                    package: 0,
                    range: (*range).to_owned(),
                    asked_by: vec![(0, 3)],
                };
                members.push(Member::new(
                    number,
                    package("app", vec![need]),
                    vec!["1.0.0".to_owned()],
                ));
            }
            for (place, versions) in told_apart(&members) {
                members[place].versions = versions;
            }
            let told: Vec<&[String]> = members[..copies.len()].iter().map(|m| &m.versions[..]).collect();
            assert_eq!(told, expected, "{copies:?} {asked:?}");
        }
    }

    #[test]
    fn each_copy_of_what_two_ask_for_was_installed_for_one_of_them() {
        const OPEN: &[&str] = &["1.0.0", "2.0.0", "3.0.0"];
        let need = |place: usize| Need {
            package: 1,
            range: format!("^{}.0.0", place + 1),
            asked_by: vec![(place, place)],
        };
        let package = |needs: Vec<Need>| Package {
            published: ["1.0.0", "2.0.0", "3.0.0"].map(str::to_owned).to_vec(),
            looked_into: (0..3).collect(),
            needs,
            ..Package::default()
        };
        for (what, dependents, parts, other, expected) in [
            (
                "one each",
                &[OPEN, OPEN][..],
                &[&["1.0.0"][..], &["3.0.0"]][..],
                false,
                &[&["1.0.0"][..], &["3.0.0"]][..],
            ),
            (
                "as code allows",
                &[OPEN, &["1.0.0"]],
                &[&["1.0.0"], &["3.0.0"]],
                false,
                &[&["3.0.0"], &["1.0.0"]],
            ),
            (
                "what a part can be",
                &[OPEN, OPEN],
                &[&["1.0.0"], &["2.0.0", "3.0.0"]],
                false,
                &[&["1.0.0"], &["2.0.0", "3.0.0"]],
            ),
            (
                "code allows it not",
                &[&["1.0.0"], &["1.0.0", "2.0.0"]],
                &[&["1.0.0"], &["3.0.0"]],
                false,
                &[&["1.0.0"], &["1.0.0", "2.0.0"]],
            ),
            (
                "the parts may be the same",
                &[OPEN, OPEN],
                &[&["1.0.0", "2.0.0"], &["2.0.0", "3.0.0"]],
                false,
                &[OPEN, OPEN],
            ),
            (
                "there is one part more",
                &[OPEN, OPEN],
                &[&["1.0.0"], &["2.0.0"], &["3.0.0"]],
                false,
                &[OPEN, OPEN],
            ),
            (
                "another asks for it too",
                &[OPEN, OPEN],
                &[&["1.0.0"], &["3.0.0"]],
                true,
                &[OPEN, OPEN],
            ),
        ] {
            let owned = |versions: &&[&str]| versions.iter().map(|version| (*version).to_owned()).collect();
            let asking = package((0..3).map(need).collect());
            let mut members: Vec<Member> = dependents
                .iter()
                .map(|versions| Member::new(0, asking.clone(), owned(versions)))
                .collect();
            members.extend(
                parts
                    .iter()
                    .map(|versions| Member::new(1, package(Vec::new()), owned(versions))),
            );
            if other {
                members.push(Member::new(2, asking, vec!["1.0.0".to_owned()]));
            }
            for (place, versions) in paired(&members) {
                members[place].versions = versions;
            }
            let told: Vec<&[String]> = members[..2].iter().map(|m| &m.versions[..]).collect();
            assert_eq!(told, expected, "{what}");
        }
    }
}
