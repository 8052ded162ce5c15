//! Packages and copies that code does not show, and that what is there asks for.

use super::{
    claims::Claim,
    index::{Index, IndexError},
    needs::{self, Copies, Member},
    record::Package,
    verdict,
};
use std::collections::BTreeSet;

/// Packages of a few tokens, which no run can show, where most of a package that needs them is there.
///
/// `traces` are those of which some run is there, by their numbers.
pub(super) fn add_tiny(
    index: &Index,
    traces: &BTreeSet<u16>,
    members: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) -> Result<(), IndexError> {
    let mut known: BTreeSet<u16> = members.iter().map(|member| member.number).collect();
    let mut open: Vec<u16> = members
        .iter()
        .filter(|m| m.whole)
        .flat_map(Member::surely_needs)
        .collect();
    while let Some(number) = open.pop() {
        if !known.insert(number) {
            continue;
        }
        let package = index.package(number)?;
        let fewest = needs::fewest_runs(members, number, &package);
        let is_tiny = verdict::is_tiny(&package, fewest);
        let there = is_tiny || traces.contains(&number);
        let lists = [verdict::BUILT_IN, verdict::LOADED_APART];
        let is_elsewhere = lists.iter().any(|list| list.contains(&&*package.name));
        if there && !is_elsewhere {
            let (claim, member) = unseen(number, package, Vec::new());
            // Smaller ones that it needs in turn are there too.
            open.extend(member.surely_needs());
            members.push(member);
            claims.push(claim);
        }
    }
    Ok(())
}

/// Rounds in which copies ask for copies.
const ROUNDS: usize = 4;

/// Copies that code does not tell from those that it shows, and that what is there asks for.
pub(super) fn add_other_copies(members: &mut Vec<Member>, claims: &mut Vec<Claim>) -> bool {
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
