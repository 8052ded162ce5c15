//! Which packages the runs of a bundle show, where, and in which versions.
//!
//! Runs of a package lie close together where its code is: each run that is known speaks for its packages, each that is
//! not, of those that the index would have, against them. The package with the most to say is claimed first, and what it
//! explains says nothing for others; so a stretch of code is one package's.

use super::{
    fresh,
    grams::Stream,
    ground::{Candidate, Ground, candidates},
    index::{Index, IndexError},
    judge::{Believed, is_of_led_to, judge, whole_of},
    led_to::{LedTo, led_to},
    likely,
    needs::{self, Member},
    pinned::{self, Told},
    says, unseen, verdict,
};
use std::{collections::BTreeSet, ops::Range};

/// A package that a bundle holds, as far as its code tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Versions that it can be, oldest first; empty where none can be told.
    pub versions: Vec<String>,
    /// Those of them that it rather has not: what else is there is of later days.
    pub unlikely: Vec<String>,
    /// Bytes of the bundle that are its code.
    pub ranges: Vec<Range<usize>>,
    /// Share of the runs in these that are its own, 0 to 1.
    pub share: f32,
    /// Share of claims like this one that are true, as measured.
    pub confidence: f32,
}

/// Claims, by name. `told` is what the bundle says of itself in words.
///
/// # Errors
/// When a part of the index that is asked for is damaged.
pub fn claims(stream: &Stream, index: &Index, told: &Told) -> Result<Vec<Claim>, IndexError> {
    let mut candidates = candidates(stream, index)?;
    let mut ground = Ground::of(stream, &mut candidates);
    let mut there = There::of(&mut ground, &mut candidates, told, &led_to(index, told, false)?);
    // What packages say of their versions leads on as what the bundle says does; it pins no other.
    let said = there.said(told);
    let is_late = !(told.is_empty() && said.is_empty()) && fresh::is_late(&there.members);
    if !said.is_empty() || is_late {
        let told = told.clone().into_iter().chain(said).collect();
        there = There::of(&mut ground, &mut candidates, &told, &led_to(index, &told, is_late)?);
    }
    let There {
        mut members,
        mut claims,
        traces,
    } = there;
    pinned::settle(index, told, &mut members, &mut claims)?;
    needs::narrow(&mut members);
    unseen::add_tiny(index, &traces, &mut members, &mut claims)?;
    pinned::settle(index, told, &mut members, &mut claims)?;
    unseen::narrow_with_other_copies(&mut members, &mut claims);
    let (mut unlikely, others) = likely::unlikely(&mut members);
    unlikely.extend(unseen::add_likely_copies(others, &mut members, &mut claims));
    for (claim, (member, unlikely)) in claims.iter_mut().zip(members.into_iter().zip(unlikely)) {
        claim.versions = member.versions;
        claim.unlikely = unlikely;
    }
    claims.sort_by(|a, b| (&a.name, &a.versions).cmp(&(&b.name, &b.versions)));
    claims.dedup_by(|b, a| {
        let same = a.name == b.name && a.versions == b.versions;
        if same {
            a.ranges.append(&mut b.ranges);
        }
        same
    });
    Ok(claims)
}

/// What is there by its code.
struct There {
    members: Vec<Member>,
    /// A claim of each.
    claims: Vec<Claim>,
    /// Packages of which some is there that is not enough.
    traces: BTreeSet<u16>,
}

impl There {
    /// `told` is what is known in words.
    fn of(ground: &mut Ground<'_>, candidates: &mut [Candidate], told: &Told, led_to: &LedTo) -> Self {
        ground.open(candidates, told, led_to);
        let candidates = &*candidates;
        let believed = judge(ground, candidates, led_to);
        let taken: BTreeSet<usize> = believed.iter().map(|one| one.at).collect();
        // What a package was cut out of has its code.
        let whole = |i: usize| whole_of(ground, candidates, &candidates[i]).map(|(whole, _)| whole);
        let covered = |i: usize| whole(i).is_some_and(|whole| taken.contains(&whole));
        let is_trace = |i: &usize| {
            let alone = ground.weigh_alone(&candidates[*i]);
            alone.complete >= verdict::TRACE
                && (alone.is_most() || !covered(*i))
                && is_of_led_to(ground, &candidates[*i], led_to)
        };
        let traces: BTreeSet<u16> = (0..candidates.len())
            .filter(|i| !taken.contains(i))
            .filter(is_trace)
            .map(|i| candidates[i].number)
            .collect();
        let (mut members, mut claims) = (Vec::new(), Vec::new());
        for Believed { at, evidence, copies } in believed {
            let candidate = &candidates[at];
            for copy in copies {
                members.push(Member {
                    whole: evidence.complete >= 0.5,
                    ..Member::new(candidate.number, candidate.package.clone(), copy.versions)
                });
                claims.push(Claim {
                    name: candidate.package.name.clone(),
                    versions: Vec::new(),
                    unlikely: Vec::new(),
                    ranges: copy.parts.iter().map(|s| ground.bytes(*s)).collect(),
                    share: evidence.share_f32(),
                    confidence: evidence.confidence(),
                });
            }
        }
        says::heed(&ground.named(), &mut members, &claims);
        Self {
            members,
            claims,
            traces,
        }
    }

    /// The versions that packages say, of those that the bundle did not.
    fn said(&self, told: &Told) -> Told {
        let is_said = |member: &&Member| member.pinned && !told.contains_key(&member.package.name);
        let mut said = Told::new();
        for member in self.members.iter().filter(is_said) {
            let versions = said.entry(member.package.name.clone()).or_default();
            versions.extend(member.versions.iter().cloned());
        }
        said
    }
}
