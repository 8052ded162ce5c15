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

/// Of each member the versions, oldest first, that it rather has not.
pub(super) fn unlikely(members: &[Member]) -> Vec<Vec<String>> {
    let asked = needs::asked(members);
    let copies = needs::copies(members);
    let is_open = |m: &Member| !m.disputed && !m.versions.is_empty();
    let asked_of = |m: &Member| asked.get(&m.number).filter(|_| is_open(m));
    let is_one = |m: &Member| copies.get(&m.number) == Some(&1);
    let newest = members
        .iter()
        .map(|m| Newest::of(m, asked_of(m).filter(|_| is_one(m))?));
    let newest: Vec<Option<Newest<'_>>> = newest.collect();
    if !is_late(members, &newest) {
        return vec![Vec::new(); members.len()];
    }
    let of_each = members.iter().zip(newest).map(|(member, newest)| {
        let asked = asked_of(member).filter(|_| member.versions.len() > LIKELY);
        asked.map_or_else(Vec::new, |asked| rather_not(member, newest.as_ref(), asked))
    });
    of_each.collect()
}

/// Whether hardly a package is older than it could be, of those whose versions code tells apart.
fn is_late(members: &[Member], newest: &[Option<Newest<'_>>]) -> bool {
    let (mut told, mut older) = (0, 0);
    for (member, newest) in members.iter().zip(newest).filter(|(m, _)| !m.pinned && m.is_known()) {
        if let Some(newest) = newest {
            let is_older = !member.versions.contains(newest.version);
            told += usize::from(is_older || member.versions.len() < newest.of);
            older += usize::from(is_older);
        }
    }
    older * OLDER <= told
}

/// The older ones; where dependents take different ones, all but the newest that each takes.
fn rather_not(member: &Member, newest: Option<&Newest<'_>>, asked: &[Asked]) -> Vec<String> {
    let all = &member.versions;
    match newest {
        Some(newest) if all.contains(newest.version) => all[..all.len().saturating_sub(LIKELY)].to_vec(),
        Some(_) => Vec::new(),
        None => {
            let taken = taken(member, asked);
            let (likely, unlikely): (Vec<&String>, Vec<&String>) =
                all.iter().partition(|version| taken.contains(version));
            // None of them: it is what the application itself asked for.
            if likely.is_empty() {
                Vec::new()
            } else {
                unlikely.into_iter().cloned().collect()
            }
        }
    }
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
            let members = [app, member(1, of_part, &[]), member(2, of_other, &[])];
            let expected = [&[], expected, &[]].map(<[&str]>::to_vec);
            assert_eq!(unlikely(&members), expected, "{what}");
        }
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
            let unlikely = unlikely(&members);
            assert!(
                unlikely[2..].iter().all(|versions| versions == expected),
                "{asked:?} {unlikely:?}"
            );
        }
    }
}
