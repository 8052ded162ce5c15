//! Packages that have the same code under several names, or within one another: which of them is there.

use super::ground::{Candidate, Ground};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a larger twin has beside what it shares: runs, times as many as those that it does not share, and which share of all that it
/// should have: what only packed a copy has the copy's.
const MORE: (usize, usize) = (8, 3);
const MORE_OF_ALL: f64 = 0.5;

/// Share of the runs among which it lies that are its own.
const CLOSE: f64 = 0.35;

/// Share of a package that is beside a part of it at least, as far as is supposed.
const LEAST_REST: f64 = 0.25;

/// Which candidates have which runs of a bundle.
pub(super) struct Twins<'c> {
    candidates: &'c [Candidate],
    /// How many each has, and those that have each.
    sizes: Vec<usize>,
    having: HashMap<u64, Vec<usize>>,
}

impl<'c> Twins<'c> {
    pub(super) fn of(ground: &Ground<'_>, candidates: &'c [Candidate]) -> Self {
        let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut sizes = vec![0; candidates.len()];
        for (i, candidate) in candidates.iter().enumerate() {
            for hit in &candidate.hits {
                let having = having.entry(ground.stream.grams[hit.at as usize]).or_default();
                if having.last() != Some(&i) {
                    having.push(i);
                    sizes[i] += 1;
                }
            }
        }
        Self {
            candidates,
            sizes,
            having,
        }
    }

    /// What is there of one.
    fn runs(&self, ground: &Ground<'_>, one: usize) -> BTreeSet<u64> {
        let hits = self.candidates[one].hits.iter();
        hits.map(|hit| ground.stream.grams[hit.at as usize]).collect()
    }

    /// Others that have three in four of the runs of one at least, and how many they have of them.
    fn alike(&self, ground: &Ground<'_>, one: usize) -> BTreeMap<usize, usize> {
        let own = self.runs(ground, one);
        let mut alike: BTreeMap<usize, usize> = BTreeMap::new();
        for twin in own.iter().filter_map(|gram| self.having.get(gram)).flatten() {
            *alike.entry(*twin).or_default() += 1;
        }
        alike.retain(|twin, common| *twin != one && *common * 4 >= own.len() * 3);
        alike
    }

    /// The package whose code that of one is, which nothing asks for.
    pub(super) fn owner(&self, ground: &Ground<'_>, one: usize, asked_for: &BTreeSet<u16>) -> Option<usize> {
        let alike = self.alike(ground, one);
        let is_asked_for = |twin: usize| asked_for.contains(&self.candidates[twin].number);
        let nearly_all = |common: usize| common * 10 >= self.sizes[one] * 9;
        let mut asked = alike.iter().filter(|(twin, _)| is_asked_for(**twin));
        let asked = asked.find(|(twin, common)| {
            self.is_as_much_there(ground, one, **twin) || nearly_all(**common) && self.carries(**twin, one)
        });
        let mut larger = alike.iter().filter(|(_, common)| nearly_all(**common));
        let larger = || larger.find(|(twin, common)| self.is_larger(ground, one, **twin, **common));
        asked.or_else(larger).map(|(twin, _)| *twin)
    }

    /// Whether others have nearly all that is there of one, some this and some that.
    pub(super) fn is_of_others(&self, ground: &Ground<'_>, one: usize, is_one: impl Fn(usize) -> bool) -> bool {
        let of = |gram: &u64| self.having.get(gram).into_iter().flatten();
        let own = self.runs(ground, one);
        let others = own
            .iter()
            .filter(|gram| of(gram).any(|other| *other != one && is_one(*other)));
        others.count() * 10 >= own.len() * 9
    }

    /// Whether as much is there of one as of another.
    fn is_as_much_there(&self, ground: &Ground<'_>, one: usize, twin: usize) -> bool {
        let complete = |i: usize| ground.weigh_alone(&self.candidates[i]).complete;
        complete(twin) >= 0.9 * complete(one)
    }

    /// Whether one is known to carry a copy of another.
    fn carries(&self, carrier: usize, one: usize) -> bool {
        let carrier = self.candidates[carrier].number;
        self.candidates[one].package.carriers.contains(&carrier)
    }

    /// Whether more is there of one that the other does not have: it was given that name (`koa-router` is `@koa/router` since its
    /// version 10), or has what was made a package too (`helmet-csp`, of `helmet`).
    fn is_larger(&self, ground: &Ground<'_>, one: usize, twin: usize, common: usize) -> bool {
        let alone = self.sizes[one] - common;
        let more = self.sizes[twin] - common;
        let twin_is_copied = self.candidates[twin].is_copied();
        if twin_is_copied || more == 0 || more < MORE.1 * alone {
            return false;
        }
        let complete = ground.weigh_alone(&self.candidates[one]).complete;
        let evidence = ground.weigh_alone(&self.candidates[twin]);
        let is_renamed = alone == 0 && evidence.complete >= complete;
        let whole = count(self.sizes[twin]) / evidence.complete;
        let rest = (whole - count(common) / complete).max(LEAST_REST * whole);
        let is_part = more >= MORE.0 && count(more) >= MORE_OF_ALL * rest && evidence.share >= CLOSE;
        (is_renamed || is_part) && evidence.is_enough_alone(self.candidates[twin].package.carried)
    }
}

#[allow(clippy::cast_precision_loss)] // far below
fn count(n: usize) -> f64 {
    n as f64
}
