//! Versions that a package rather has not, because a package manager takes the newest that is asked for: where nothing in a bundle is
//! older than it could be, what code leaves open is among the newest too.
//!
//! Nothing is ruled out by that. An application that was locked long ago has other versions, and is known by the packages of
//! which code shows an older version than its dependents would take; of one without such packages nobody can tell.

use super::{
    needs::{self, Asked, Member},
    range,
};
use semver::VersionReq;
use std::collections::BTreeSet;

/// One in so many of the packages whose versions code tells apart may be older: the application asks for it, too.
const OLDER: usize = 8;

/// How many of the newest versions are likely. One is, for most; what was locked a few weeks ago is among three.
const LIKELY: usize = 3;

/// Rounds in which what dependents rather have says what they ask for.
const ROUNDS: usize = 4;

/// Versions up to which what dependents take of a package is worth naming where its code tells none.
const MOST_VERSIONS: usize = 100;

/// Of each member the versions, oldest first, that it rather has not. One that nothing told anything of gets those that its
/// dependents take, of which most are such.
pub(super) fn unlikely(members: &mut [Member]) -> Vec<Vec<String>> {
    if !is_late(members) {
        return vec![Vec::new(); members.len()];
    }
    for (at, taken) in taken_of_untold(members) {
        members[at].versions = taken;
    }
    let possible: Vec<Vec<String>> = members.iter().map(|member| member.versions.clone()).collect();
    let mut likely: Vec<Likely> = Vec::new();
    // The newest of one asks for less than all that it can be, and so for what others are the newest of.
    for _ in 0..ROUNDS {
        let next = likely_of_each(members, &possible);
        if next == likely {
            break;
        }
        for ((member, next), possible) in members.iter_mut().zip(&next).zip(&possible) {
            member.versions.clone_from(next.newest.as_ref().unwrap_or(possible));
        }
        likely = next;
    }
    for (member, possible) in members.iter_mut().zip(&possible) {
        member.versions.clone_from(possible);
    }
    let mut unlikely = possible;
    for (versions, likely) in unlikely.iter_mut().zip(&likely) {
        let is_many = versions.len() > LIKELY && likely.newest.is_some();
        versions.retain(|version| is_many && !likely.versions.contains(version));
    }
    unlikely
}

/// What a member is likely to be.
#[derive(Debug, Default, PartialEq)]
struct Likely {
    versions: Vec<String>,
    /// Those that a package manager would take now; `None` where that is not known, and nothing is unlikely.
    newest: Option<Vec<String>>,
}

fn likely_of_each(members: &[Member], possible: &[Vec<String>]) -> Vec<Likely> {
    let asked = needs::asked(members);
    let copies = needs::copies(members);
    let of = |(member, possible): (&Member, &Vec<String>)| {
        let is_open = !member.disputed && possible.len() > 1;
        let asked = asked.get(&member.number).filter(|_| is_open)?;
        let is_one = copies.get(&member.number) == Some(&1);
        if let Some(newest) = Newest::of(member, asked).filter(|_| is_one) {
            return possible.contains(newest.version).then(|| Likely {
                versions: possible[possible.len().saturating_sub(LIKELY)..].to_vec(),
                newest: Some(vec![newest.version.clone()]),
            });
        }
        let taken = taken(member, asked);
        let likely: Vec<String> = possible.iter().filter(|v| taken.contains(v)).cloned().collect();
        // None of them: it is what the application itself asked for.
        (!likely.is_empty()).then(|| Likely {
            versions: likely.clone(),
            newest: Some(likely),
        })
    };
    let all = members.iter().zip(possible);
    all.map(|one| of(one).unwrap_or_default()).collect()
}

/// Of members that nothing told anything of, by their places, what their dependents take.
fn taken_of_untold(members: &[Member]) -> Vec<(usize, Vec<String>)> {
    let asked = needs::asked(members);
    let taken = |member: &Member| {
        let asked = asked
            .get(&member.number)
            .filter(|asked| !asked.iter().any(Asked::is_any))?;
        let published = range::parsed(member.package.published.iter()).into_iter();
        let taken = published.filter(|(_, version)| asked.iter().any(|asked| asked.takes(version)));
        let taken: Vec<String> = taken.map(|(text, _)| text.clone()).collect();
        (!taken.is_empty() && taken.len() <= MOST_VERSIONS).then_some(taken)
    };
    let untold = members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.versions.is_empty());
    untold.filter_map(|(at, member)| Some((at, taken(member)?))).collect()
}

/// Whether hardly a package is older than it could be, of those whose versions code tells apart.
fn is_late(members: &[Member]) -> bool {
    let asked = needs::asked(members);
    let copies = needs::copies(members);
    let (mut told, mut older) = (0, 0);
    let is_open = |m: &&Member| !m.pinned && m.is_known() && !m.disputed && !m.versions.is_empty();
    for member in members.iter().filter(is_open) {
        let asked = asked
            .get(&member.number)
            .filter(|_| copies.get(&member.number) == Some(&1));
        if let Some(newest) = asked.and_then(|asked| Newest::of(member, asked)) {
            let is_older = !member.versions.contains(newest.version);
            told += usize::from(is_older || member.versions.len() < newest.of);
            older += usize::from(is_older);
        }
    }
    older * OLDER <= told
}

/// The newest versions that the dependents take, each in all ways in which it may ask; none where one takes any.
fn taken<'m>(member: &'m Member, asked: &[Asked]) -> BTreeSet<&'m String> {
    let parsed = range::parsed(member.package.published.iter());
    let newest = |range: &VersionReq| {
        let taken = parsed.iter().filter(|(_, version)| range.matches(version));
        taken.max_by(|a, b| a.1.cmp(&b.1)).map(|(text, _)| *text)
    };
    if asked.iter().any(Asked::is_any) {
        return BTreeSet::new();
    }
    asked.iter().flat_map(Asked::ways).filter_map(newest).collect()
}

/// The newest of several versions that all dependents take.
struct Newest<'m> {
    version: &'m String,
    /// How many they take.
    of: usize,
}

impl<'m> Newest<'m> {
    /// `None` where that depends on which versions the dependents have.
    fn of(member: &'m Member, asked: &[Asked]) -> Option<Self> {
        let mut taken = range::parsed(member.package.published.iter());
        taken.retain(|(_, version)| asked.iter().all(|asked| asked.takes(version)));
        let (version, parsed) = taken.iter().max_by(|a, b| a.1.cmp(&b.1))?;
        let is_sure = asked.iter().all(|asked| asked.always_takes(parsed));
        (is_sure && taken.len() > 1).then_some(Self {
            version,
            of: taken.len(),
        })
    }
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
            assert_eq!(unlikely(&mut members), expected, "{what}");
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
        assert_eq!(unlikely(&mut members), expected);
        assert_eq!(members[1].versions, OPEN);
        assert_eq!(members[3].versions, OPEN);
    }

    #[test]
    fn each_dependent_took_the_newest_that_it_asks_for() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        for (asked, expected) in [
            (["~1.1.0", "^1.0.0"], &["1.0.0", "1.2.0", "1.3.0"][..]),
            (["^2.0.0", "^2.0.0"], &[]),
            // Nothing is known of how one asks.
            (["~1.1.0", "*"], &[]),
        ] {
            let dependents = asked.map(|range| member(0, &["1.0.0"], &[(1, range)]));
            let mut members = Vec::from(dependents);
            members.extend([member(1, OPEN, &[]), member(1, OPEN, &[])]);
            let unlikely = unlikely(&mut members);
            assert!(
                unlikely[2..].iter().all(|versions| versions == expected),
                "{asked:?} {unlikely:?}"
            );
        }
    }
}
