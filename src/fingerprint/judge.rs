//! Which candidates are believed: what has enough to say for itself, then what minifiers took apart, then what these need; and of packages
//! that have the same code one.

use super::{
    ground::{Candidate, Ground, Stretch},
    led_to::LedTo,
    record::Package,
    twins::Twins,
    verdict::{self, Evidence},
    versions::Instance,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    mem,
};

/// A candidate that is believed.
pub(super) struct Believed {
    /// Its place among the candidates.
    pub(super) at: usize,
    pub(super) evidence: Evidence,
    /// The copies of it that are there.
    pub(super) copies: Vec<Instance<Stretch>>,
}

/// Packages that each candidate asks for, by its place: as their numbers.
type Asks = BTreeMap<usize, Vec<u16>>;

/// What is believed of the candidates, and what has not enough to say for itself so far.
struct Judge<'j, 's> {
    ground: &'j mut Ground<'s>,
    candidates: &'j [Candidate],
    /// Places of the candidates by the numbers of their packages.
    places: BTreeMap<u16, usize>,
    led_to: &'j LedTo,
    believed: Vec<Believed>,
    weak: Vec<usize>,
}

/// The candidates that are believed.
pub(super) fn judge(ground: &mut Ground<'_>, candidates: &[Candidate], led_to: &LedTo) -> Vec<Believed> {
    let mut judge = Judge {
        ground,
        candidates,
        places: candidates.iter().map(|one| one.number).zip(0..).collect(),
        led_to,
        believed: Vec::new(),
        weak: Vec::new(),
    };
    let cut = judge.believe_what_tells();
    // What one explains lies no more between what another has.
    while judge.believe_each(|judge, i| judge.is_taken_apart(i, cut.contains(&i))) {}
    judge.believe_what_is_needed();
    judge.decide_between_twins();
    judge.believed
}

impl Judge<'_, '_> {
    fn believe(&mut self, at: usize) {
        let candidate = &self.candidates[at];
        self.believed.push(Believed {
            at,
            evidence: self.ground.weigh(candidate),
            copies: self.ground.take(candidate),
        });
    }

    /// Believes of what is left each that is enough; whether any was.
    fn believe_each(&mut self, is_enough: impl Fn(&Self, usize) -> bool) -> bool {
        let before = self.believed.len();
        for i in mem::take(&mut self.weak) {
            if is_enough(self, i) {
                self.believe(i);
            } else {
                self.weak.push(i);
            }
        }
        self.believed.len() > before
    }

    /// The best first; a candidate whose evidence was explained meanwhile goes back. Says of which packages parts were found that are
    /// packages too.
    fn believe_what_tells(&mut self) -> BTreeSet<usize> {
        let ranks = self
            .candidates
            .iter()
            .map(|candidate| self.ground.weigh(candidate).rank());
        let mut queue: BinaryHeap<(u64, Reverse<usize>)> = ranks.zip((0..).map(Reverse)).collect();
        let mut cut = BTreeSet::new();
        while let Some((rank, Reverse(i))) = queue.pop() {
            let candidate = &self.candidates[i];
            let evidence = self.ground.weigh(candidate);
            let now = evidence.rank();
            if now < rank {
                queue.push((now, Reverse(i)));
                continue;
            }
            let copied = candidate.is_copied() || evidence.is_tabular();
            let own = !candidate.is_table() && (!copied || evidence.is_whole());
            let whole = whole_of(self.ground, self.candidates, candidate).filter(|_| !evidence.is_most());
            if let Some(whole) = whole.filter(|(_, whole)| whole.own > evidence.own) {
                // Whether the whole is there is asked when all else has been told.
                cut.insert(whole.0);
                self.weak.push(i);
            } else if own && evidence.is_enough() {
                self.believe(i);
            } else {
                // Though others explain all of it: it may be asked for.
                self.weak.push(i);
            }
        }
        cut
    }

    /// Whether a package is there that a minifier shook or took apart; `is_cut` where parts of it were found.
    fn is_taken_apart(&self, i: usize, is_cut: bool) -> bool {
        let candidate = &self.candidates[i];
        let evidence = self.ground.weigh(candidate);
        let copied = candidate.is_copied() || candidate.is_table() || evidence.is_tabular();
        let is_part = verdict::cut_out_of(&candidate.package.name).is_some();
        let is_interspersed = || !is_part && self.is_interspersed(candidate, &evidence);
        !copied && (evidence.is_shaken() || is_interspersed() || is_cut && evidence.is_scattered())
    }

    fn is_interspersed(&self, candidate: &Candidate, evidence: &Evidence) -> bool {
        evidence.is_interspersed(|| self.ground.weigh_alone(candidate).complete)
    }

    /// A small package is believed on less where one that needs it is there.
    fn believe_what_is_needed(&mut self) {
        let (ground, candidates, led_to) = (&*self.ground, self.candidates, self.led_to);
        self.weak.retain(|i| is_of_led_to(ground, &candidates[*i], led_to));
        loop {
            let needed = self.asked_for(&self.asks_of_each());
            let is_needed = |i: usize| needed.contains(&self.candidates[i].number) && !self.candidates[i].is_carried();
            if !self.believe_each(|judge, i| is_needed(i) && judge.is_enough_beside_dependent(i)) {
                break;
            }
        }
    }

    fn is_enough_beside_dependent(&self, i: usize) -> bool {
        let candidate = &self.candidates[i];
        let evidence = self.ground.weigh(candidate);
        let is_led_to = self.led_to.contains_key(&candidate.number);
        evidence.is_enough_beside_dependent()
            || self.ground.weigh_alone(candidate).is_there_beside_dependent() && !self.is_of_another(candidate)
            || is_led_to && evidence.is_enough_where_led_to()
    }

    /// Whether all of a package is explained by one that does not ask for it: its fork has its code.
    fn is_of_another(&self, candidate: &Candidate) -> bool {
        let number = self.ground.explaining(candidate);
        let explaining = number.and_then(|number| self.places.get(&number));
        explaining.is_some_and(|at| !self.candidates[*at].package.asks_for(candidate.number))
    }

    /// What nothing here asks for is the application's own choice, or what others wrote alike or carry a copy of.
    fn decide_between_twins(&mut self) {
        let asks = self.asks_of_each();
        let asked_for = &self.asked_for(&asks);
        let all = Twins::of(self.ground, self.candidates);
        let not_asked_for = self.believed.iter().map(|one| one.at);
        let not_asked_for = not_asked_for.filter(|i| !asked_for.contains(&self.candidates[*i].number));
        let twin = |i: usize| {
            let owner = all.owner(self.ground, i, asked_for);
            owner.or_else(|| self.renamed(i, &asks))
        };
        let twins: BTreeMap<usize, usize> = not_asked_for.filter_map(|i| Some((i, twin(i)?))).collect();
        let taking: BTreeSet<usize> = twins
            .values()
            .filter(|twin| !twins.contains_key(twin))
            .copied()
            .collect();
        let is_changed = |i: usize| twins.contains_key(&i) || taking.contains(&i);
        let believed = mem::take(&mut self.believed).into_iter();
        let (changed, kept): (Vec<_>, Vec<_>) = believed.partition(|one| is_changed(one.at));
        self.believed = kept;
        for one in changed {
            self.ground.give_back(&self.candidates[one.at]);
        }
        for twin in taking {
            self.believe(twin);
        }
        self.doubt_what_is_not_asked_for(&all);
    }

    /// What a package of which nothing asks for any more is by the name that its dependents ask for now: `@smithy/signature-v4` is what
    /// was `@aws-sdk/signature-v4`, and its first versions are known by that one's code.
    fn renamed(&self, one: usize, asks: &Asks) -> Option<usize> {
        let package = &self.candidates[one].package;
        let (scope, name) = package.scoped()?;
        let is_new_name = |at: &usize| {
            let scoped = self.candidates[*at].package.scoped();
            scoped.is_some_and(|(other, same)| same == name && other != scope)
        };
        let number = self.candidates[one].number;
        let dependents = self.believed.iter().map(|other| other.at);
        let dependents = dependents.filter(|at| self.candidates[*at].package.asks_for(number));
        let asked = dependents.filter_map(|at| asks.get(&at)).flatten();
        asked
            .filter_map(|number| self.places.get(number))
            .copied()
            .find(is_new_name)
    }

    /// Believes no more what nothing asks for and is another's, or not enough; then what only such asked for.
    fn doubt_what_is_not_asked_for(&mut self, all: &Twins<'_>) {
        // The same whoever is doubted.
        let asks = self.asks_of_each();
        let mut before = usize::MAX;
        while self.believed.len() < before {
            before = self.believed.len();
            let asked_for = &self.asked_for(&asks);
            let there: BTreeSet<u16> = self.believed.iter().map(|one| self.candidates[one.at].number).collect();
            let parts = self.of_several(all, asked_for, &asks);
            let mut believed = mem::take(&mut self.believed);
            believed.retain(|one| {
                let candidate = &self.candidates[one.at];
                // The copy that another carries is that one's.
                let is_carried = candidate.package.carriers.iter().any(|carrier| there.contains(carrier));
                let is_there = || !is_carried && self.is_enough_alone(candidate, &one.evidence);
                asked_for.contains(&candidate.number) || is_there() && !parts.contains(&one.at)
            });
            self.believed = believed;
        }
    }

    /// What nothing here asks for, and is code of several that others ask for: `protobufjs` has of its own what `@apollo/protobufjs`
    /// imports. `asks` says for each that is believed what that asks for.
    fn of_several(&self, all: &Twins<'_>, asked_for: &BTreeSet<u16>, asks: &Asks) -> BTreeSet<usize> {
        let not_asked_for = self.believed.iter().map(|one| one.at);
        let not_asked_for = not_asked_for.filter(|i| !asked_for.contains(&self.candidates[*i].number));
        let mut usually: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
        let is_of_several = |i: &usize| {
            if !all.is_of_others(self.ground, *i, |_| true) {
                return false;
            }
            let others = self.believed.iter().filter(|one| one.at != *i);
            let asked = others.filter_map(|one| asks.get(&one.at)).flatten();
            let mut open: Vec<u16> = asked.chain(self.led_to.keys()).copied().collect();
            let mut asked: BTreeSet<usize> = BTreeSet::new();
            while let Some(number) = open.pop() {
                if let Some(at) = self.places.get(&number).filter(|at| asked.insert(**at)) {
                    let needs = usually.entry(*at).or_insert_with(|| {
                        let candidate = &self.candidates[*at];
                        usually_needs(&candidate.package, &self.ground.shares(candidate))
                    });
                    open.extend(needs.iter());
                }
            }
            all.is_of_others(self.ground, *i, |other| asked.contains(&other))
        };
        not_asked_for.filter(is_of_several).collect()
    }

    fn is_enough_alone(&self, candidate: &Candidate, evidence: &Evidence) -> bool {
        let carried = candidate.package.carried;
        let is_enough = evidence.is_enough_alone(carried) || !carried && self.is_interspersed(candidate, evidence);
        is_enough && !evidence.is_anybodys()
    }

    /// What the bundle's words lead to, and what is asked for by what is believed, in the versions that this can be; those of them that
    /// are led to, where some are. `asks` says for each what that asks for.
    fn asked_for(&self, asks: &Asks) -> BTreeSet<u16> {
        let asked = self.believed.iter().filter_map(|one| asks.get(&one.at)).flatten();
        asked.chain(self.led_to.keys()).copied().collect()
    }

    /// What each that is believed asks for.
    fn asks_of_each(&self) -> Asks {
        self.believed.iter().map(|one| (one.at, self.asks(one))).collect()
    }

    /// What one asks for in the versions that it can be; see [`Judge::asked_for`].
    fn asks(&self, one: &Believed) -> Vec<u16> {
        let candidate = &self.candidates[one.at];
        let package = &candidate.package;
        let mut told = candidate.told.clone();
        if told.is_empty() {
            told.extend(one.copies.iter().flat_map(|copy| copy.places(package)));
            let places = self.led_to.get(&candidate.number);
            let is_led_to = |place: &usize| places.is_some_and(|places| places.contains(place));
            // Of those that were not looked into it is known too.
            let is_possible = |place: &usize| {
                let version = package.published.get(*place);
                version.is_some_and(|version| one.copies.iter().any(|copy| copy.versions.contains(version)))
            };
            let known = places
                .into_iter()
                .flatten()
                .filter(|place| package.others_told && is_possible(place));
            let known: Vec<usize> = known.copied().collect();
            if !known.is_empty() {
                told = known;
            } else if told.iter().any(is_led_to) {
                told.retain(is_led_to);
            }
        }
        if told.is_empty() {
            return usually_needs(package, &self.ground.shares(candidate));
        }
        let needs = package.needs.iter();
        let asked = needs.filter(|need| told.iter().any(|place| need.is_asked_by(*place)));
        asked.map(|need| need.package).collect()
    }
}

/// Whether something is there of the versions of a candidate that are led to, if any are: what others took in of its others is theirs.
pub(super) fn is_of_led_to(ground: &Ground<'_>, candidate: &Candidate, led_to: &LedTo) -> bool {
    let places = led_to.get(&candidate.number);
    places.is_none_or(|places| ground.is_any_of(candidate, places))
}

/// The package that a candidate was cut out of, with what speaks for that.
pub(super) fn whole_of(ground: &Ground<'_>, candidates: &[Candidate], part: &Candidate) -> Option<(usize, Evidence)> {
    let name = verdict::cut_out_of(&part.package.name)?;
    let at = candidates.iter().position(|candidate| candidate.package.name == name)?;
    Some((at, ground.weigh_alone(&candidates[at])))
}

/// Part of the share of a package's version of which most is there that is as much as that.
const AS_MUCH: f64 = 0.95;

/// What nearly every version needs, the newest does, or most do of those of which as much is there as of any (`shares`, of each): which one
/// it is is not known where this is asked.
fn usually_needs(package: &Package, shares: &[f64]) -> Vec<u16> {
    let mut asked: BTreeMap<u16, BTreeSet<usize>> = BTreeMap::new();
    for need in &package.needs {
        let by = need.asking(&package.looked_into);
        asked.entry(need.package).or_default().extend(by);
    }
    let most = shares.iter().copied().fold(0.0, f64::max);
    let likely = package.looked_into.iter().zip(shares);
    let likely: BTreeSet<usize> = likely
        .filter(|(_, share)| **share >= AS_MUCH * most)
        .map(|(place, _)| *place)
        .collect();
    let count = package.looked_into.len();
    let newest = package.looked_into.last();
    asked.retain(|_, by| {
        newest.is_some_and(|newest| by.contains(newest))
            || by.len() * 5 >= count * 4
            || by.intersection(&likely).count() * 2 > likely.len()
    });
    asked.into_keys().collect()
}
