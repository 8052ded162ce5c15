//! Versions that are pinned: told by the bundle itself, or the only ones that what is there takes.
//!
//! What comes out every week with its dependencies' exact versions is looked into at some of its versions only; of the others
//! code can no more than name the neighbours, and reads two copies as several. There what is pinned goes first.

use super::{
    claims::Claim,
    family,
    index::{Index, IndexError},
    needs::{self, Accord, Member},
    record::{NEWEST, Need, Package},
    unseen::unseen,
};
use semver::{Version, VersionReq};
use std::collections::{BTreeMap, BTreeSet};

/// Names of packages that a bundle names itself, or a list beside it, with the versions that it says they have.
pub type Told = BTreeMap<String, BTreeSet<String>>;

/// Versions of one package.
#[derive(Debug, Default)]
struct Pins {
    /// Those that must be there.
    sure: BTreeSet<String>,
    /// Those that are there if anything of the package is.
    likely: BTreeSet<String>,
    /// Whether something takes more than one version, and none of those.
    open: bool,
}

/// Rounds in which what is pinned pins what it needs.
const ROUNDS: usize = 6;

/// Makes members of what a bundle names itself, and parts the copies of packages by the versions that are pinned.
pub(super) fn settle(
    index: &Index,
    told: &Told,
    members: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) -> Result<(), IndexError> {
    let mut numbers: BTreeMap<u16, &BTreeSet<String>> = BTreeMap::new();
    for (name, versions) in told {
        let Some((number, package)) = index.by_name(name)? else {
            continue;
        };
        let is_there = members.iter().any(|member| member.number == number);
        if versions.is_empty() {
            // What depends on it may say which version.
            if !is_there {
                let (claim, mut member) = unseen(number, package, Vec::new());
                member.whole = false;
                members.push(member);
                claims.push(claim);
            }
            continue;
        }
        numbers.insert(number, versions);
        if !is_there {
            for version in versions {
                let (claim, mut member) = unseen(number, package.clone(), vec![version.clone()]);
                (member.whole, member.pinned) = (false, true);
                members.push(member);
                claims.push(claim);
            }
        }
    }
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (number, pins) in pins(members, &numbers) {
            changed |= part(number, &pins, members, claims);
        }
        if !changed {
            break;
        }
    }
    Ok(())
}

/// What is pinned of each package that is there.
fn pins(members: &[Member], told: &BTreeMap<u16, &BTreeSet<String>>) -> BTreeMap<u16, Pins> {
    let packages = needs::packages(members);
    let mut pins: BTreeMap<u16, Pins> = BTreeMap::new();
    for (number, versions) in told {
        pins.entry(*number).or_default().sure.extend(versions.iter().cloned());
    }
    let mut wishes: BTreeMap<u16, Vec<Vec<VersionReq>>> = BTreeMap::new();
    let mut loose: BTreeSet<u16> = BTreeSet::new();
    for member in members
        .iter()
        .filter(|m| !m.is_disputed() && m.versions.len() == 1 && m.is_known())
    {
        let sure = if member.whole {
            member.surely_needs()
        } else {
            BTreeSet::new()
        };
        for (number, ranges) in needs::ranges_of(member, &packages) {
            let Some(package) = packages.get(&number) else { continue };
            if let Some(only) = only(package, &ranges) {
                let pins = pins.entry(number).or_default();
                // Of what is there at all each that pins it has its own.
                if sure.contains(&number) || member.pinned {
                    pins.sure.insert(only.clone());
                } else {
                    pins.likely.insert(only.clone());
                }
            }
            let is_newest = |need: &&Need| need.package == number && need.range == NEWEST;
            if !member.package.needs.iter().any(|need| is_newest(&need)) {
                loose.insert(number);
            }
            wishes.entry(number).or_default().push(ranges);
        }
    }
    for (number, wishes) in &wishes {
        let package = packages.get(number).filter(|_| !pins.contains_key(number));
        if let Some(only) = package.and_then(|package| only_of_relatives(package, wishes, told, &packages)) {
            pins.entry(*number).or_default().sure.insert(only.clone());
        }
    }
    // Where much was looked into, code tells more than the pins, unless all that asks was published with it.
    let is_pinned = |number: &u16| {
        let is_sparse = packages.get(number).is_some_and(|package| package.is_sparse());
        is_sparse || told.contains_key(number) || !loose.contains(number)
    };
    pins.retain(|number, _| is_pinned(number));
    for (number, pins) in &mut pins {
        let versions: Vec<Version> = pins
            .sure
            .union(&pins.likely)
            .filter_map(|v| Version::parse(v).ok())
            .collect();
        let is_served = |ranges: &Vec<VersionReq>| versions.iter().any(|v| ranges.iter().any(|range| range.matches(v)));
        pins.open = !wishes.get(number).is_none_or(|wishes| wishes.iter().all(is_served));
    }
    pins
}

/// The only version that all take who ask for a package, of those that its relatives are told to have.
fn only_of_relatives<'p>(
    package: &'p Package,
    wishes: &[Vec<VersionReq>],
    told: &BTreeMap<u16, &BTreeSet<String>>,
    packages: &BTreeMap<u16, &Package>,
) -> Option<&'p String> {
    let relatives = told.iter();
    let relatives = relatives.filter_map(|(number, versions)| Some((*packages.get(number)?, *versions)));
    let mut places = family::of_relatives(package, relatives);
    places.retain(|place| {
        let version = Version::parse(&package.published[*place]);
        version.is_ok_and(|version| {
            let mut wishes = wishes.iter();
            wishes.all(|ranges| ranges.iter().any(|range| range.matches(&version)))
        })
    });
    let only = places.first().filter(|_| places.len() == 1);
    only.map(|place| &package.published[*place])
}

/// The only version that ranges take.
fn only<'p>(package: &'p Package, ranges: &[VersionReq]) -> Option<&'p String> {
    let is_taken = |text: &&String| match Version::parse(text) {
        Ok(version) => ranges.iter().any(|range| range.matches(&version)),
        Err(_) => false,
    };
    let mut taken = package.published.iter().filter(is_taken);
    taken.next().filter(|_| taken.next().is_none())
}

/// How many versions lie between one and the nearest of others.
fn steps(package: &Package, one: &str, others: &[String]) -> usize {
    let place = |version: &str| package.published.iter().position(|published| published == version);
    let steps = |other: &String| Some(place(one)?.abs_diff(place(other)?));
    others.iter().filter_map(steps).min().unwrap_or(usize::MAX)
}

/// Parts the copies of a package by what is pinned of it; whether that changed anything.
fn part(number: u16, pins: &Pins, members: &mut Vec<Member>, claims: &mut Vec<Claim>) -> bool {
    let own = |members: &[Member]| -> Vec<usize> {
        let all = members.iter().enumerate();
        all.filter(|(_, member)| member.number == number)
            .map(|(i, _)| i)
            .collect()
    };
    let versions = |members: &[Member]| -> Vec<Vec<String>> {
        own(members).into_iter().map(|i| members[i].versions.clone()).collect()
    };
    let before = versions(members);
    let Some(&first) = own(members).first() else {
        return false;
    };
    let package = members[first].package.clone();
    let mut left: BTreeSet<&String> = pins.sure.union(&pins.likely).collect();
    let strange = pin_what_fits(own(members), pins, &mut left, members);
    if package.is_sparse() {
        let (mut spare, misread) = pin_what_was_misread(&package, strange, &mut left, members);
        // All that is there is pinned: what is beside was read out of the same.
        if misread && !pins.open {
            spare.sort_unstable();
            for i in spare.into_iter().rev() {
                let gone = claims.remove(i);
                members.remove(i);
                if let Some(kept) = members.iter().position(|member| member.number == number) {
                    claims[kept].ranges.extend(gone.ranges);
                }
            }
        }
        for pin in left.into_iter().filter(|pin| pins.sure.contains(*pin)) {
            let (claim, mut member) = unseen(number, package.clone(), vec![pin.clone()]);
            member.pinned = true;
            members.push(member);
            claims.push(claim);
        }
    }
    before != versions(members)
}

/// Takes from the pins that are `left` those that the code of each copy allows; the copies of which it allows none.
fn pin_what_fits(
    mut copies: Vec<usize>,
    pins: &Pins,
    left: &mut BTreeSet<&String>,
    members: &mut [Member],
) -> Vec<usize> {
    let fits = |versions: &[String], pin: &String| versions.is_empty() || versions.contains(pin);
    // What allows fewest is dealt with first.
    copies.sort_by_key(|&i| left.iter().filter(|pin| fits(&members[i].versions, pin)).count());
    let mut likely: BTreeSet<String> = BTreeSet::new();
    let mut strange = Vec::new();
    for i in copies {
        let member = &mut members[i];
        let all = pins.sure.union(&pins.likely);
        let fitting: Vec<&String> = all.filter(|pin| fits(&member.versions, pin)).collect();
        let sure = fitting
            .iter()
            .find(|pin| left.contains(*pin) && pins.sure.contains(**pin));
        if let Some(sure) = sure {
            left.remove(*sure);
            member.tell(vec![(*sure).clone()]);
            member.pinned = true;
        } else if fitting.is_empty() {
            strange.push(i);
        } else if !member.versions.is_empty() {
            // One of them, and it is not known that any other is there; or one that is there twice.
            member.tell(fitting.into_iter().cloned().collect());
            likely.extend(member.versions.iter().cloned());
        }
    }
    left.retain(|pin| !likely.contains(*pin));
    strange
}

/// Gives copies that code was read as a neighbour of what they are to pins that it cannot know; the copies that are left, and
/// whether there were any such.
fn pin_what_was_misread(
    package: &Package,
    strange: Vec<usize>,
    left: &mut BTreeSet<&String>,
    members: &mut [Member],
) -> (Vec<usize>, bool) {
    let mut spare = strange;
    let mut misread = false;
    let is_unknown = |pin: &&String| !package.versions().any(|known| known == *pin);
    // The nearest first.
    while let Some((_, at, pin)) = left
        .iter()
        .copied()
        .filter(is_unknown)
        .flat_map(|pin| spare.iter().enumerate().map(move |(at, i)| (at, *i, pin)))
        .map(|(at, i, pin)| (steps(package, pin, &members[i].versions), at, pin))
        .min()
    {
        let member = &mut members[spare.remove(at)];
        left.remove(pin);
        member.tell(vec![pin.clone()]);
        (member.accord, member.pinned) = (Accord::Unheard, true);
        misread = true;
    }
    (spare, misread)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package of 40 versions, of which every tenth was looked into.
    fn package() -> Package {
        Package {
            name: "@cloud/part".to_owned(),
            published: (0..40).map(|i| format!("3.{i}.0")).collect(),
            looked_into: (0..40).step_by(10).collect(),
            ..Package::default()
        }
    }

    fn told_apart(copies: &[&[&str]], pins: &Pins) -> Vec<Vec<String>> {
        let (mut members, mut claims) = (Vec::new(), Vec::new());
        for versions in copies {
            let versions = versions.iter().map(|version| format!("3.{version}.0")).collect();
            let (claim, member) = unseen(7, package(), versions);
            members.push(member);
            claims.push(claim);
        }
        part(7, pins, &mut members, &mut claims);
        assert_eq!(members.len(), claims.len());
        let mut versions: Vec<Vec<String>> = members.into_iter().map(|member| member.versions).collect();
        versions.sort();
        versions
    }

    #[test]
    fn copies_are_of_the_versions_that_are_pinned() {
        let of = |versions: &[&str]| {
            versions
                .iter()
                .map(|v| format!("3.{v}.0"))
                .collect::<BTreeSet<String>>()
        };
        for (copies, sure, likely, open, expected) in [
            // One of those that code allows.
            (
                &[&["11", "12", "13"][..]][..],
                &["12"][..],
                &[][..],
                false,
                &[&["12"][..]][..],
            ),
            (&[&["11", "12", "13"]], &[], &["12", "13"], false, &[&["12", "13"]]),
            // Two are pinned, code shows one.
            (&[&["11", "12", "13"]], &["12", "25"], &[], false, &[&["12"], &["25"]]),
            // Code was not looked into at that version, and read as two others.
            (&[&["20"], &["30"]], &["25"], &[], false, &[&["25"]]),
            // Unless something else may have another.
            (&[&["0"], &["20"]], &["25"], &[], true, &[&["0"], &["25"]]),
            // What was looked into would have been known.
            (&[&["20"]], &["30"], &[], false, &[&["20"], &["30"]]),
            // There twice.
            (
                &[&["11", "12"], &["11", "12"]],
                &["12"],
                &[],
                false,
                &[&["12"], &["12"]],
            ),
            (&[&[]], &["12"], &[], false, &[&["12"]]),
        ] {
            let pins = Pins {
                sure: of(sure),
                likely: of(likely),
                open,
            };
            let expected: Vec<Vec<String>> = expected.iter().map(|v| of(v).into_iter().collect()).collect();
            assert_eq!(told_apart(copies, &pins), expected, "{copies:?} {pins:?}");
        }
    }
}
