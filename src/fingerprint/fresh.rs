//! A package manager takes the newest that is asked for: where nothing in a bundle is older than it could be, what code leaves open
//! is among the newest too.
//!
//! An application that was locked long ago has other versions, and is known by the packages of which code shows an older version
//! than its dependents would take; of one without such packages nobody can tell.

use super::{
    likely::{LIKELY, Likely},
    needs::{self, Asked, Member},
    range,
};
use semver::VersionReq;
use std::collections::BTreeSet;

/// One in so many of the packages whose versions code tells apart may be older: the application asks for it, too.
const OLDER: usize = 8;

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
        if let Some(newest) = asked.and_then(|asked| Newest::of(member, asked)) {
            let is_older = !member.versions.contains(newest.version);
            told += usize::from(is_older || member.versions.len() < newest.of);
            older += usize::from(is_older);
        }
    }
    older * OLDER <= told
}

/// Whether a member has the newest of several versions that its dependents take.
pub(super) fn is_newest(member: &Member, asked: &[Asked]) -> bool {
    Newest::of(member, asked).is_some_and(|newest| member.versions.contains(newest.version))
}

/// What a member that can be `possible` is likely to be, as its dependents have `asked`; `is_one` says whether it is the only copy.
pub(super) fn likely(member: &Member, possible: &[String], asked: &[Asked], is_one: bool) -> Option<Likely> {
    if let Some(newest) = Newest::of(member, asked).filter(|_| is_one) {
        return possible.contains(newest.version).then(|| Likely {
            versions: possible[possible.len().saturating_sub(LIKELY)..].to_vec(),
            likeliest: vec![newest.version.clone()],
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

/// The newest versions that the dependents take, the newest first, in each of the ways in which they may ask; none where one takes any.
fn taken<'m>(member: &'m Member, asked: &[Asked]) -> Vec<Vec<&'m String>> {
    if asked.iter().any(Asked::is_any) {
        return Vec::new();
    }
    let mut parsed = range::parsed(member.package.published.iter());
    parsed.sort_by(|a, b| b.1.cmp(&a.1));
    let newest = |range: &VersionReq| {
        let taken = parsed.iter().filter(|(_, version)| range.matches(version));
        taken.take(LIKELY).map(|(text, _)| *text).collect()
    };
    asked.iter().flat_map(Asked::ways).map(newest).collect()
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
