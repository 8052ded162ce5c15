//! Versions that a package rather has not, because a package manager takes the newest that is asked for: where nothing in a bundle is
//! older than it could be, what code leaves open is among the newest too.
//!
//! Nothing is ruled out by that. An application that was locked long ago has other versions, and is known by the packages of
//! which code shows an older version than its dependents would take; of one without such packages nobody can tell.

use super::needs::{self, Asked, Member};
use semver::Version;
use std::collections::BTreeMap;

/// One in so many of the packages whose versions code tells apart may be older: the application asks for it, too.
const OLDER: usize = 8;

/// How many of the newest versions are likely. One is, for most; what was locked a few weeks ago is among three.
const LIKELY: usize = 3;

/// How many of the versions of each member, oldest first, it rather has not.
pub(super) fn unlikely(members: &[Member]) -> Vec<usize> {
    let asked = needs::asked(members);
    let mut copies: BTreeMap<u16, usize> = BTreeMap::new();
    for member in members {
        *copies.entry(member.number).or_default() += 1;
    }
    let is_one = |m: &Member| !m.disputed && !m.versions.is_empty() && copies.get(&m.number) == Some(&1);
    let newest = members
        .iter()
        .map(|member| Newest::of(member, asked.get(&member.number).filter(|_| is_one(member))?));
    let newest: Vec<Option<Newest<'_>>> = newest.collect();
    let (mut told, mut older) = (0, 0);
    for (member, newest) in members.iter().zip(&newest).filter(|(m, _)| !m.pinned && m.is_known()) {
        if let Some(newest) = newest {
            let is_older = !member.versions.contains(newest.version);
            told += usize::from(is_older || member.versions.len() < newest.of);
            older += usize::from(is_older);
        }
    }
    let is_late = older * OLDER <= told;
    let of_each = members.iter().zip(newest).map(|(member, newest)| {
        let is_among = newest.is_some_and(|newest| is_late && member.versions.contains(newest.version));
        if is_among {
            member.versions.len().saturating_sub(LIKELY)
        } else {
            0
        }
    });
    of_each.collect()
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
        let parsed = member
            .package
            .published
            .iter()
            .filter_map(|text| Some((text, Version::parse(text).ok()?)));
        let taken: Vec<(&String, Version)> = parsed
            .filter(|(_, v)| asked.iter().all(|asked| asked.takes(v)))
            .collect();
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
        Member {
            number,
            package: Package {
                published: published.map(str::to_owned).into(),
                looked_into: (0..6).collect(),
                needs: needs.iter().map(need).collect(),
                ..Package::default()
            },
            versions: versions.iter().map(|v| (*v).to_owned()).collect(),
            whole: true,
            pinned: false,
            disputed: false,
        }
    }

    #[test]
    fn what_is_beside_says_how_old_a_version_may_be() {
        const OPEN: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        for (what, range, of_part, of_other, expected) in [
            ("nothing is older", "^1.0.0", OPEN, &["1.4.0"][..], 2),
            ("something is", "^1.0.0", OPEN, &["1.1.0"], 0),
            ("few are possible", "^1.0.0", &OPEN[2..], &["1.4.0"], 0),
            ("it is itself", "^1.0.0", &OPEN[..4], &["1.4.0"], 0),
            ("its dependent asks for one", "1.4.0", OPEN, &["1.4.0"], 0),
        ] {
            let app = member(0, &["1.0.0"], &[(1, range), (2, "^1.0.0")]);
            let members = [app, member(1, of_part, &[]), member(2, of_other, &[])];
            assert_eq!(unlikely(&members), [0, expected, 0], "{what}");
        }
    }
}
