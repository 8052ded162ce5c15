//! Versions of a bundle that was installed of late: a package manager takes the newest version that is asked for, and where what
//! code tells is the newest, what it leaves open is among the newest too.
//!
//! An application that was locked long ago is not taken for one: half of its packages have a newer version by then. Days of
//! publication would do for those as well, but a registry's mirror does not tell them.

use super::needs::{self, Asked, Member};
use semver::Version;
use std::collections::BTreeMap;

/// Packages whose version code tells from several that are asked for, before anything is said.
const FEWEST: usize = 4;

/// One in so many of them may be older: the application asks for it, too.
const OLDER: usize = 8;

/// The newest that are kept of the versions that a package can be. One would do for most; what was locked a few weeks ago is
/// among three.
const KEPT: usize = 3;

/// Leaves the newest of the versions of what others ask for, where the rest is as new.
pub(super) fn keep_newest(members: &mut [Member]) {
    let asked = needs::asked(members);
    let mut copies: BTreeMap<u16, usize> = BTreeMap::new();
    for member in members.iter() {
        *copies.entry(member.number).or_default() += 1;
    }
    let newest = |member: &Member| {
        let is_asked_for = !member.disputed && !member.versions.is_empty() && copies.get(&member.number) == Some(&1);
        newest(member, asked.get(&member.number).filter(|_| is_asked_for)?)
    };
    let newest: Vec<Option<(String, usize)>> = members.iter().map(newest).collect();
    let (mut told, mut older) = (0, 0);
    for (member, newest) in members.iter().zip(&newest) {
        let Some((newest, taken)) = newest.as_ref().filter(|_| !member.pinned && member.is_known()) else {
            continue;
        };
        let is_older = !member.versions.contains(newest);
        told += usize::from(is_older || member.versions.len() < *taken);
        older += usize::from(is_older);
    }
    if std::env::var_os("FRESH").is_some() {
        eprintln!("GATE {told} {older}");
    }
    if told < FEWEST || older * OLDER > told {
        return;
    }
    for (member, newest) in members.iter_mut().zip(newest) {
        if newest.is_some_and(|(newest, _)| member.versions.contains(&newest)) {
            let older = member.versions.len().saturating_sub(KEPT);
            if older > 0 && std::env::var_os("FRESH").is_some() {
                eprintln!("KEEP {} {}", member.package.name, member.versions.join(","));
            }
            member.versions.drain(..older);
        }
    }
}

/// The newest version of several that all dependents take, whichever versions these are.
fn newest(member: &Member, asked: &[Asked]) -> Option<(String, usize)> {
    let versions = member
        .package
        .published
        .iter()
        .filter_map(|text| Some((text, Version::parse(text).ok()?)));
    let mut taken: Vec<(&String, Version)> = versions
        .filter(|(_, version)| asked.iter().all(|asked| asked.takes(version)))
        .collect();
    taken.sort_by(|a, b| a.1.cmp(&b.1));
    let (text, version) = taken.last()?;
    (taken.len() > 1 && asked.iter().all(|asked| asked.always_takes(version))).then(|| ((*text).clone(), taken.len()))
}
