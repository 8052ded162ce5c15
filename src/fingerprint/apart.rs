//! Copies of one package, told apart by what asks for them: a package manager installs a second one only where no version serves
//! all that ask.

use super::needs::{self, Member};
use std::collections::{BTreeSet, VecDeque};

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
        let groups = groups(wishes.remove(number).unwrap_or_default(), &versions);
        if groups.len() == versions.len()
            && let Some(shared) = shared_out(&versions, &groups)
        {
            versions = shared.into();
        }
        leave_to_others(&mut versions);
        let left = places.iter().zip(versions).filter(|(place, versions)| {
            let member = &members[**place];
            !member.pinned && !member.is_disputed() && versions.len() < member.versions.len()
        });
        let left = left.map(|(place, left)| {
            let versions = members[*place].versions.iter().filter(|version| left.contains(version));
            (*place, versions.cloned().collect())
        });
        told.extend(left);
    }
    told
}

/// Versions that serve wishes which go together, of those that some copy can be.
fn groups<'m>(mut wishes: Vec<BTreeSet<&'m String>>, versions: &[BTreeSet<&'m String>]) -> Vec<BTreeSet<&'m String>> {
    for wish in &mut wishes {
        wish.retain(|version| versions.iter().any(|copy| copy.contains(version)));
    }
    wishes.retain(|wish| !wish.is_empty());
    // What takes fewest says most.
    wishes.sort_by_key(BTreeSet::len);
    let mut groups: Vec<BTreeSet<&String>> = Vec::new();
    for wish in wishes {
        needs::join(&mut groups, wish);
    }
    groups
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
}
