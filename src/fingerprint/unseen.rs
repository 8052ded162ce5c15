//! Packages and copies that code does not show, and that what is there asks for.

use super::{
    claims::Claim,
    index::{Index, IndexError},
    likely::LIKELY,
    needs::{self, Accord, Copies, Member},
    record::Package,
    verdict,
};
use std::collections::BTreeSet;

/// Packages of a few tokens, which no run can show, where most of a package that needs them is there; and those of which some run is
/// there (`traces`, by their numbers), where one that needs them is known in words too.
pub(super) fn add_tiny(
    index: &Index,
    traces: &BTreeSet<u16>,
    members: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) -> Result<(), IndexError> {
    let mut known: BTreeSet<u16> = members.iter().map(|member| member.number).collect();
    let mut add = |by: fn(&Member) -> bool, takes_tiny: bool| {
        let by = members.iter().filter(|member| by(member));
        let mut open: Vec<u16> = by.flat_map(Member::surely_needs).collect();
        while let Some(number) = open.pop() {
            if !known.insert(number) {
                continue;
            }
            let (claim, member) = unseen(number, index.package(number)?, Vec::new());
            let (package, needed) = (&member.package, member.surely_needs());
            let is_tiny = || verdict::is_tiny(package, needs::most_runs(members, number, package));
            let there = traces.contains(&number) || takes_tiny && is_tiny() || brings_others(members, &needed);
            let lists = [verdict::BUILT_IN, verdict::LOADED_APART];
            let is_elsewhere = lists.iter().any(|list| list.contains(&&*package.name));
            if there && !is_elsewhere {
                // Smaller ones that it needs in turn are there too.
                open.extend(needed);
                members.push(member);
                claims.push(claim);
            }
        }
        Ok(())
    };
    add(|member| member.whole, true)?;
    add(|member| member.pinned && !member.whole, false)
}

/// Whether something is there that only what brings all of `brought` asks for, or these one for another: then that is there too.
fn brings_others(members: &[Member], brought: &BTreeSet<u16>) -> bool {
    let is_brought = |member: &&Member| brought.contains(&member.number);
    let is_asked_for = |number: u16| {
        let mut others = members.iter().filter(|member| !is_brought(member));
        others.any(|member| member.package.asks_for(number))
    };
    let mut there = members.iter().filter(is_brought);
    there.any(|member| !is_asked_for(member.number))
}

/// Rounds in which copies ask for copies.
const ROUNDS: usize = 4;

/// Narrows the versions of members, and adds the copies that are there beside them.
pub(super) fn narrow_with_other_copies(members: &mut Vec<Member>, claims: &mut Vec<Claim>) {
    needs::narrow(members);
    if add_other_copies(members, claims) {
        // Two that were thought to be one told others what neither of them asks for.
        for member in members.iter_mut().filter(|member| !member.pinned) {
            member.versions.clone_from(&member.told);
            member.accord = Accord::Unheard;
        }
        needs::narrow(members);
        add_other_copies(members, claims);
    }
}

/// Copies that code does not tell from those that it shows, and that what is there asks for; whether there are any.
fn add_other_copies(members: &mut Vec<Member>, claims: &mut Vec<Claim>) -> bool {
    for round in 0..ROUNDS {
        let others = needs::others(members);
        if others.is_empty() {
            return round > 0;
        }
        for Copies { number, told, others } in others {
            let Some(first) = members.iter_mut().find(|member| member.number == number) else {
                continue;
            };
            if let Some(told) = told {
                first.tell(told);
            }
            let package = first.package.clone();
            for versions in others {
                // A copy that code shows and does not tell the version of.
                let unknown = members.iter_mut().find(|m| m.number == number && m.versions.is_empty());
                if let Some(unknown) = unknown {
                    unknown.versions = versions;
                    continue;
                }
                let (claim, member) = unseen(number, package.clone(), versions);
                members.push(member);
                claims.push(claim);
            }
        }
    }
    true
}

/// Adds copies that are asked for by what the others likely are, and says of each which versions it rather has not.
pub(super) fn add_likely_copies(
    others: Vec<Copies>,
    members: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) -> Vec<Vec<String>> {
    let mut unlikely = Vec::new();
    for Copies { number, others, .. } in others {
        let own: Vec<&Member> = members.iter().filter(|member| member.number == number).collect();
        let Some(package) = own.first().map(|first| first.package.clone()) else {
            continue;
        };
        // One that is there may be it, as what it rather is not.
        let may_be = |other: &[String]| {
            let may_be = |copy: &&Member| copy.versions.is_empty() || copy.versions.iter().any(|v| other.contains(v));
            own.iter().any(may_be)
        };
        let new: Vec<Vec<String>> = others.into_iter().filter(|other| !may_be(other)).collect();
        for versions in new {
            unlikely.push(versions[..versions.len().saturating_sub(LIKELY)].to_vec());
            let (claim, member) = unseen(number, package.clone(), versions);
            members.push(member);
            claims.push(claim);
        }
    }
    unlikely
}

pub(super) fn unseen(number: u16, package: Package, versions: Vec<String>) -> (Claim, Member) {
    let claim = Claim {
        name: package.name.clone(),
        versions: Vec::new(),
        unlikely: Vec::new(),
        ranges: Vec::new(),
        share: 0.0,
        confidence: verdict::TINY_CONFIDENCE,
    };
    (claim, Member::new(number, package, versions))
}

#[cfg(test)]
mod tests {
    use super::{super::record::Need, *};

    /// A package with a version for each of `asks`, which it asks for in that version: package and range.
    fn package(asks: &[Option<(u16, &str)>]) -> Package {
        let need = |(place, asked): (usize, &Option<(u16, &str)>)| {
            let (package, range) = (*asked)?;
            Some(Need {
                package,
                range: range.to_owned(),
                asked_by: vec![(place, place)],
            })
        };
        Package {
            published: (1..=asks.len()).map(|major| format!("{major}.0.0")).collect(),
            looked_into: (0..asks.len()).collect(),
            others_told: true,
            needs: asks.iter().enumerate().filter_map(need).collect(),
            ..Package::default()
        }
    }

    #[test]
    fn what_alone_brings_others_is_there() {
        let asking = |numbers: &[u16]| Package {
            needs: numbers
                .iter()
                .map(|number| Need {
                    package: *number,
                    range: "*".to_owned(),
                    asked_by: vec![(0, 0)],
                })
                .collect(),
            ..package(&[None])
        };
        for (what, there, expected) in [
            ("nothing that it brings is there", &[(9, &[][..])][..], false),
            ("one is", &[(1, &[]), (9, &[])], true),
            ("something else brings that", &[(1, &[]), (9, &[1])], false),
            ("and not this", &[(1, &[]), (2, &[]), (9, &[1])], true),
            ("they ask for one another", &[(1, &[2]), (2, &[1])], true),
        ] {
            let members: Vec<Member> = there
                .iter()
                .map(|(number, needs)| Member::new(*number, asking(needs), vec!["1.0.0".to_owned()]))
                .collect();
            assert_eq!(brings_others(&members, &BTreeSet::from([1, 2])), expected, "{what}");
        }
    }

    #[test]
    fn what_was_thought_to_be_one_copy_narrows_nothing() {
        const PART: u16 = 0;
        const TWICE: u16 = 1;
        const EITHER: u16 = 2;
        let (part_1, part_2) = (Some((PART, "^1.0.0")), Some((PART, "^2.0.0")));
        let (mut members, mut claims) = (Vec::new(), Vec::new());
        let mut add = |number, package: Package, versions: Vec<String>| {
            let (claim, mut member) = unseen(number, package, versions);
            member.whole = number != TWICE;
            members.push(member);
            claims.push(claim);
        };
        // Code tells nothing of these.
        add(PART, package(&[None, None]), Vec::new());
        add(TWICE, package(&[part_1, None, part_2]), Vec::new());
        add(EITHER, package(&[part_1, part_2, None]), Vec::new());
        for (number, (package, range)) in (3..).zip([
            (PART, "^1.0.0"),
            // As one it may be its version 2, and takes no part.
            (TWICE, "^1.0.0"),
            (TWICE, ">=2.0.0"),
            (TWICE, "^3.0.0"),
            // With the first part alone, only its version 1 is served.
            (EITHER, "<3.0.0"),
        ]) {
            let asking = self::package(&[Some((package, range))]);
            let versions = asking.published.clone();
            add(number, asking, versions);
        }
        narrow_with_other_copies(&mut members, &mut claims);
        let of = |number: u16| -> Vec<Vec<String>> {
            let own = members.iter().filter(|member| member.number == number);
            own.map(|member| member.versions.clone()).collect()
        };
        assert_eq!(of(TWICE), [["1.0.0"], ["3.0.0"]]);
        assert_eq!(of(PART), [["1.0.0"], ["2.0.0"]]);
        assert_eq!(of(EITHER), [["1.0.0", "2.0.0"]]);
    }
}
