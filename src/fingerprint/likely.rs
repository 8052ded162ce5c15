//! Versions that a package rather has than others that it can be: what was installed at the same time is of the same time.
//!
//! Nothing is ruled out by that.

use super::{
    family::Families,
    fresh,
    needs::{self, Accord, Asked, Copies, Member},
    range,
};
use semver::Version;
use std::collections::BTreeMap;

/// How many of the newest versions that are asked for are likely. One is, for most; what was locked a few weeks ago is among three.
pub(super) const LIKELY: usize = 3;

/// Rounds in which what dependents and relatives are likely to be says what others are.
const ROUNDS: usize = 4;

/// Versions up to which what dependents take of a package is worth naming where its code tells none.
const MOST_VERSIONS: usize = 100;

/// Dependents that are right where the code of a package says otherwise.
const AGREEING: usize = 2;

/// What a member is likely to be.
#[derive(Debug, PartialEq)]
pub(super) struct Likely {
    /// Versions, oldest first.
    pub(super) versions: Vec<String>,
    /// Those of them that it would be had all been installed today: what others are told by.
    pub(super) likeliest: Vec<String>,
}

impl Likely {
    /// Any of some.
    pub(super) fn of(versions: Vec<String>) -> Self {
        Self {
            likeliest: versions.clone(),
            versions,
        }
    }
}

/// Of each member the versions, oldest first, that it rather has not; and the copies that must be there beside them if each is what it
/// likely is. A member that nothing told anything of gets the versions that its dependents take, of which most are unlikely.
pub(super) fn unlikely(members: &mut [Member]) -> (Vec<Vec<String>>, Vec<Copies>) {
    let is_late = fresh::is_late(members);
    let mut possible: Vec<Vec<String>> = members.iter().map(|member| member.versions.clone()).collect();
    let untold: Vec<usize> = (0..members.len()).filter(|at| possible[*at].is_empty()).collect();
    let mut likely: Vec<Option<Likely>> = members.iter().map(|_| None).collect();
    for _ in 0..ROUNDS {
        let asked = needs::asked(members);
        for at in untold.iter().copied().filter(|_| is_late) {
            let asked = asked.get(&members[at].number);
            possible[at] = asked.map(|asked| taken(&members[at], asked)).unwrap_or_default();
        }
        let next = likely_of_each(members, &possible, &asked, is_late);
        for ((member, next), possible) in members.iter_mut().zip(&next).zip(&possible) {
            let versions = next.as_ref().map_or(possible, |likely| &likely.likeliest);
            member.versions.clone_from(versions);
        }
        if next == likely {
            break;
        }
        likely = next;
    }
    let others = if is_late {
        other_copies(members, &likely)
    } else {
        Vec::new()
    };
    for (member, possible) in members.iter_mut().zip(&possible) {
        member.versions.clone_from(possible);
    }
    let rather_not = |(mut versions, likely): (Vec<String>, Option<Likely>)| {
        let likely = likely.filter(|_| versions.len() > LIKELY);
        versions.retain(|version| likely.as_ref().is_some_and(|likely| !likely.versions.contains(version)));
        versions
    };
    (possible.into_iter().zip(likely).map(rather_not).collect(), others)
}

/// Copies that members ask for as what they are likeliest to be, and no other can be.
fn other_copies(members: &mut [Member], likely: &[Option<Likely>]) -> Vec<Copies> {
    let asked = needs::asked(members);
    for (member, likely) in members.iter_mut().zip(likely) {
        let asked = asked.get(&member.number);
        let is_taken = |version: &Version| asked.is_some_and(|asked| asked.iter().any(|asked| asked.takes(version)));
        if let [one] = &*member.versions
            && !member.is_disputed()
            && (likely.is_some() || Version::parse(one).is_ok_and(|one| is_taken(&one)))
        {
            member.accord = Accord::Agreed;
        }
    }
    needs::others(members)
}

fn likely_of_each(
    members: &[Member],
    possible: &[Vec<String>],
    asked: &BTreeMap<u16, Vec<Asked>>,
    is_late: bool,
) -> Vec<Option<Likely>> {
    let copies = needs::copies(members);
    // What a dependent got as the newest of many is of another day than the application's own choice.
    let is_free = |member: &Member| {
        !asked
            .get(&member.number)
            .is_some_and(|asked| fresh::is_newest(member, asked))
    };
    let families = Families::of(members, is_free);
    let of = |(member, possible): (&Member, &Vec<String>)| {
        if possible.len() < 2 {
            return None;
        }
        let is_one = copies.get(&member.number) == Some(&1);
        // Where code and dependents disagree, several of these are right, and have one that they take.
        let is_heard = |asked: &&Vec<Asked>| is_late && (!member.is_disputed() || asked.len() >= AGREEING);
        let asked = asked.get(&member.number).filter(is_heard);
        let fresh = asked.and_then(|asked| fresh::likely(member, possible, asked, is_one));
        let left = fresh.as_ref().map_or(possible, |fresh| &fresh.versions);
        if left.len() > LIKELY {
            let kin = families.likely(member, left).filter(|_| !member.is_disputed());
            kin.map(Likely::of).or(fresh)
        } else {
            fresh
        }
    };
    members.iter().zip(possible).map(of).collect()
}

/// What the dependents of a member take, oldest first; none where that is any, or too many to be worth naming.
fn taken(member: &Member, asked: &[Asked]) -> Vec<String> {
    if asked.iter().any(Asked::is_any) {
        return Vec::new();
    }
    let published = range::parsed(member.package.published.iter()).into_iter();
    let taken = published.filter(|(_, version)| asked.iter().any(|asked| asked.takes(version)));
    let mut taken: Vec<String> = taken.map(|(text, _)| text.clone()).collect();
    if taken.len() > MOST_VERSIONS {
        taken.clear();
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::{
        super::record::{Need, Package},
        *,
    };

    fn member(number: u16, versions: &[&str], needs: &[(u16, &str)]) -> Member {
        let published = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0"];
        let need = |&(package, range): &(u16, &str)| Need {
            package,
            range: range.to_owned(),
            asked_by: vec![(0, 5)],
        };
        let package = Package {
            published: published.map(str::to_owned).into(),
            looked_into: (0..6).collect(),
            needs: needs.iter().map(need).collect(),
            ..Package::default()
        };
        Member::new(number, package, versions.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn what_is_beside_says_how_old_a_version_may_be() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        for (what, range, of_part, of_other, expected) in [
            ("nothing is older", "^1.0.0", OPEN, &["1.4.0"][..], &OPEN[..2]),
            ("something is", "^1.0.0", OPEN, &["1.1.0"], &[]),
            ("few are possible", "^1.0.0", &OPEN[2..], &["1.4.0"], &[]),
            ("it is itself", "^1.0.0", &OPEN[..4], &["1.4.0"], &[]),
            ("its dependent asks for one", "1.4.0", OPEN, &["1.4.0"], &OPEN[..4]),
        ] {
            let app = member(0, &["1.0.0"], &[(1, range), (2, "^1.0.0")]);
            let mut members = [app, member(1, of_part, &[]), member(2, of_other, &[])];
            let expected = [&[], expected, &[]].map(<[&str]>::to_vec);
            assert_eq!(unlikely(&mut members).0, expected, "{what}");
        }
    }

    #[test]
    fn what_is_avoided_is_likely_beside_what_is_not() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        for (avoided, of_part, of_other, expected) in [
            // The newest that is not, the next, and what those took that could.
            (vec![(3, 4)], OPEN, &["1.4.0"][..], &["1.0.0", "1.3.0"][..]),
            (vec![(4, 4)], OPEN, &["1.4.0"], &["1.0.0", "1.1.0"]),
            (vec![(0, 4)], OPEN, &["1.4.0"], &["1.0.0", "1.1.0"]),
            // What has it is no older than it could be.
            (vec![(2, 4)], OPEN, &["1.1.0"], &["1.2.0", "1.3.0"]),
            (vec![(2, 4)], OPEN, &["1.0.0"], &[]),
        ] {
            let app = member(0, &["1.0.0"], &[(1, "^1.0.0"), (2, "^1.0.0")]);
            let mut members = [app, member(1, of_part, &[]), member(2, of_other, &[])];
            for part in &mut members[1..] {
                part.package.avoided.clone_from(&avoided);
            }
            assert_eq!(unlikely(&mut members).0[1], expected, "{avoided:?} {of_other:?}");
        }
    }

    #[test]
    fn what_is_likely_asks_for_what_is_likely_in_turn() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        let mut table = member(1, OPEN, &[]);
        table.package.needs = ["1.0.0", "1.1.0", "1.2.0", "1.2.0", "1.3.0"]
            .iter()
            .enumerate()
            .map(|(place, range)| Need {
                package: 2,
                range: (*range).to_owned(),
                asked_by: vec![(place, place)],
            })
            .collect();
        let app = member(0, &["1.0.0"], &[(1, "^1.0.0"), (3, "^1.0.0")]);
        // Of the last nothing is known but what asks for it.
        let mut members = [app, table, member(2, OPEN, &[]), member(3, &[], &[])];
        let expected = [&[], &OPEN[..2], &["1.0.0", "1.1.0", "1.2.0", "1.4.0"], &OPEN[..2]].map(<[&str]>::to_vec);
        assert_eq!(unlikely(&mut members).0, expected);
        assert_eq!(members[1].versions, OPEN);
        assert_eq!(members[3].versions, OPEN);
    }

    #[test]
    fn each_dependent_took_the_newest_that_it_asks_for() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        for (asked, expected) in [
            (["~1.1.0", "^1.0.0"], &["1.0.0", "1.2.0"][..]),
            (["^2.0.0", "^2.0.0"], &[]),
            // Nothing is known of how one asks.
            (["~1.1.0", "*"], &[]),
        ] {
            let dependents = asked.map(|range| member(0, &["1.0.0"], &[(1, range)]));
            let mut members = Vec::from(dependents);
            members.extend([member(1, OPEN, &[]), member(1, OPEN, &[])]);
            let (unlikely, _) = unlikely(&mut members);
            assert!(
                unlikely[2..].iter().all(|versions| versions == expected),
                "{asked:?} {unlikely:?}"
            );
        }
    }

    #[test]
    fn what_is_likely_asks_for_copies() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        let others_of = |asked_by_newest: &str, part: &[&str]| {
            let app = member(0, &["1.0.0"], &[(1, "^1.0.0"), (3, "^1.0.0")]);
            let mut table = member(1, OPEN, &[(2, "1.0.0")]);
            // What was looked into are too few to tell one from another.
            (table.package.looked_into, table.package.others_told) = (vec![0], true);
            table.package.needs[0].asked_by = vec![(0, 3)];
            table.package.needs.push(Need {
                package: 2,
                range: asked_by_newest.to_owned(),
                asked_by: vec![(4, 5)],
            });
            let mut members = vec![app, table, member(2, part, &[]), member(3, &["1.4.0"], &[])];
            let (_, others) = unlikely(&mut members);
            others.into_iter().flat_map(|copies| copies.others).collect::<Vec<_>>()
        };
        assert_eq!(others_of("2.0.0", &["1.0.0"]), [["2.0.0"]]);
        assert!(others_of("1.0.0", &["1.0.0"]).is_empty());
        assert!(others_of("2.0.0", &["2.0.0"]).is_empty());
    }
}
