//! Which packages the runs of a bundle show, where, and in which versions.
//!
//! Runs of a package lie close together where its code is: each run that is known speaks for its packages, each that is
//! not, of those that the index would have, against them. The package with the most to say is claimed first, and what it
//! explains says nothing for others; so a stretch of code is one package's.

use super::{
    fresh,
    grams::Stream,
    ground::{Candidate, Ground, Stretch, candidates},
    index::{Index, IndexError},
    led_to::{LedTo, led_to},
    likely,
    needs::{self, Member},
    pinned::{self, Told},
    record::Package,
    says,
    twins::Twins,
    unseen,
    verdict::{self, Evidence},
    versions::Instance,
};
use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    ops::Range,
};

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
        let accepted = judge(ground, candidates, led_to);
        // What a package was cut out of has its code.
        let whole = |i: usize| whole_of(ground, candidates, &candidates[i]).map(|(whole, _)| whole);
        let covered = |i: usize| whole(i).is_some_and(|whole| accepted.iter().any(|(i, ..)| *i == whole));
        let taken: BTreeSet<usize> = accepted.iter().map(|(i, ..)| *i).collect();
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
        for (i, evidence, instances) in accepted {
            let candidate = &candidates[i];
            for instance in instances {
                members.push(Member {
                    whole: evidence.complete >= 0.5,
                    ..Member::new(candidate.number, candidate.package.clone(), instance.versions)
                });
                claims.push(Claim {
                    name: candidate.package.name.clone(),
                    versions: Vec::new(),
                    unlikely: Vec::new(),
                    ranges: instance.parts.iter().map(|s| ground.bytes(*s)).collect(),
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

/// What has enough to say for itself: a candidate, the evidence for it and the copies that are there.
type Accepted = (usize, Evidence, Vec<Instance<Stretch>>);

/// The candidates that are believed.
fn judge(ground: &mut Ground<'_>, candidates: &[Candidate], led_to: &LedTo) -> Vec<Accepted> {
    let led: &BTreeSet<u16> = &led_to.keys().copied().collect();
    // The best first; a candidate whose evidence was explained meanwhile goes back.
    let mut queue: BinaryHeap<(u64, std::cmp::Reverse<usize>)> = BinaryHeap::new();
    for (i, candidate) in candidates.iter().enumerate() {
        let rank = ground.weigh(candidate).rank();
        queue.push((rank, std::cmp::Reverse(i)));
    }
    let mut accepted: Vec<Accepted> = Vec::new();
    let mut weak: Vec<usize> = Vec::new();
    let mut cut: BTreeSet<usize> = BTreeSet::new();
    while let Some((rank, std::cmp::Reverse(i))) = queue.pop() {
        let candidate = &candidates[i];
        let evidence = ground.weigh(candidate);
        let now = evidence.rank();
        if now < rank {
            queue.push((now, std::cmp::Reverse(i)));
            continue;
        }
        let copied = candidate.is_copied() || evidence.is_tabular();
        let own = !candidate.is_table() && (!copied || evidence.is_whole());
        let whole = whole_of(ground, candidates, candidate).filter(|_| !evidence.is_most());
        if let Some(whole) = whole.filter(|(_, whole)| whole.own > evidence.own) {
            // Parts of the whole are there; whether that is, is asked when all else has been told.
            cut.insert(whole.0);
            weak.push(i);
        } else if own && evidence.is_enough() {
            accepted.push((i, evidence, ground.take(candidate)));
        } else if evidence.is_some() {
            weak.push(i);
        }
    }
    weak.retain(|i| {
        let candidate = &candidates[*i];
        let evidence = ground.weigh(candidate);
        let copied = candidate.is_copied() || candidate.is_table() || evidence.is_tabular();
        let believed = !copied && (evidence.is_shaken() || cut.contains(i) && evidence.is_scattered());
        if believed {
            accepted.push((*i, evidence, ground.take(candidate)));
        }
        !believed
    });
    // A small package is believed on less where one that needs it is there.
    weak.retain(|i| is_of_led_to(ground, &candidates[*i], led_to));
    loop {
        let needed = &asked_for(&accepted, candidates, led_to) | led;
        let before = accepted.len();
        weak.retain(|i| {
            let candidate = &candidates[*i];
            if candidate.is_carried() || !needed.contains(&candidate.number) {
                return true;
            }
            let evidence = ground.weigh(candidate);
            let believed = evidence.is_enough_beside_dependent()
                || ground.weigh_alone(candidate).is_there_beside_dependent()
                || led.contains(&candidate.number) && evidence.is_enough_where_led_to();
            if believed {
                accepted.push((*i, evidence, ground.take(candidate)));
            }
            !believed
        });
        if accepted.len() == before {
            break;
        }
    }
    // What nothing here asks for is the application's own choice, or what others wrote alike or carry a copy of.
    let asked_for = &asked_for(&accepted, candidates, led_to) | led;
    let all = Twins::of(ground, candidates);
    let owner = |i: usize| all.owner(ground, i, &asked_for);
    let not_asked_for = accepted.iter().map(|(i, ..)| *i);
    let not_asked_for = not_asked_for.filter(|i| !asked_for.contains(&candidates[*i].number));
    let twins: BTreeMap<usize, usize> = not_asked_for.filter_map(|i| Some((i, owner(i)?))).collect();
    let taking: BTreeSet<usize> = twins
        .values()
        .filter(|twin| !twins.contains_key(twin))
        .copied()
        .collect();
    let is_changed = |i: &usize| twins.contains_key(i) || taking.contains(i);
    accepted.retain(|(i, ..)| {
        if is_changed(i) {
            ground.give_back(&candidates[*i]);
        }
        !is_changed(i)
    });
    for twin in taking {
        accepted.push((twin, ground.weigh(&candidates[twin]), ground.take(&candidates[twin])));
    }
    let there: BTreeSet<u16> = accepted.iter().map(|(i, ..)| candidates[*i].number).collect();
    accepted.retain(|(i, evidence, _)| {
        let candidate = &candidates[*i];
        // The copy that another carries is that one's.
        let is_carried = candidate.package.carriers.iter().any(|carrier| there.contains(carrier));
        asked_for.contains(&candidate.number) || !is_carried && evidence.is_enough_alone(candidate.package.carried)
    });
    accepted
}

/// Whether something is there of the versions of a candidate that are led to, if any are: what others took in of its others is theirs.
fn is_of_led_to(ground: &Ground<'_>, candidate: &Candidate, led_to: &LedTo) -> bool {
    let places = led_to.get(&candidate.number);
    places.is_none_or(|places| ground.is_any_of(candidate, places))
}

/// The package that a candidate was cut out of, with what speaks for that.
fn whole_of(ground: &Ground<'_>, candidates: &[Candidate], part: &Candidate) -> Option<(usize, Evidence)> {
    let name = verdict::cut_out_of(&part.package.name)?;
    let at = candidates.iter().position(|candidate| candidate.package.name == name)?;
    Some((at, ground.weigh_alone(&candidates[at])))
}

/// What is asked for by what is believed, in the versions that this can be; those of them that are led to, where some are.
fn asked_for(accepted: &[Accepted], candidates: &[Candidate], led_to: &LedTo) -> BTreeSet<u16> {
    let asks = |(i, _, instances): &Accepted| {
        let package = &candidates[*i].package;
        let mut told = candidates[*i].told.clone();
        if told.is_empty() {
            told.extend(instances.iter().flat_map(|one| one.places(package)));
            let places = led_to.get(&candidates[*i].number);
            let is_led_to = |place: &usize| places.is_some_and(|places| places.contains(place));
            if told.iter().any(is_led_to) {
                told.retain(is_led_to);
            }
        }
        if told.is_empty() {
            return usually_needs(package);
        }
        let asked = package
            .needs
            .iter()
            .filter(|need| told.iter().any(|place| need.is_asked_by(*place)));
        asked.map(|need| need.package).collect()
    };
    accepted.iter().flat_map(asks).collect()
}

/// What nearly every version needs, or the newest: which one is there is not known where this is asked.
fn usually_needs(package: &Package) -> Vec<u16> {
    let mut asked: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for need in &package.needs {
        let by = need.asking(&package.looked_into);
        asked.entry(need.package).or_default().extend(by);
    }
    let count = package.looked_into.len();
    let newest = package.looked_into.last();
    asked.retain(|_, by| newest.is_some_and(|newest| by.contains(newest)) || by.len() * 5 >= count * 4);
    asked.into_keys().collect()
}
