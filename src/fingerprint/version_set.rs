//! Sets of a package's versions, and sums over many of them.

use std::iter;

/// Versions of a package that are told apart; a bit each.
pub const MOST: usize = 64 * WORDS;

const WORDS: usize = 4;

/// Versions of a package, by their places among those that were looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionSet([u64; WORDS]);

impl VersionSet {
    /// Those of a stretch, both ends included; what no set has room for is left out.
    #[must_use]
    pub fn stretch(first: usize, last: usize) -> Self {
        let mut set = Self::default();
        set.insert_stretch(first, last);
        set
    }

    /// Adds a version.
    pub fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// Adds those of a stretch, both ends included.
    pub fn insert_stretch(&mut self, first: usize, last: usize) {
        (first..=last.min(MOST - 1)).for_each(|place| self.insert(place));
    }

    /// Adds those of another.
    pub fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether it has a version.
    #[must_use]
    pub fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// How many it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// First place from one on that is in the set, or is not.
    fn next(&self, from: usize, wanted: bool) -> Option<usize> {
        let words = self.0.iter().enumerate().skip(from / 64);
        words
            .map(|(i, word)| {
                let word = if wanted { *word } else { !*word };
                let before = if i == from / 64 { (1u64 << (from % 64)) - 1 } else { 0 };
                (i, word & !before)
            })
            .find(|(_, word)| *word != 0)
            .map(|(i, word)| i * 64 + word.trailing_zeros() as usize)
    }

    /// Its stretches, oldest first: first and last version of each.
    pub fn stretches(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut from = 0;
        iter::from_fn(move || {
            let first = self.next(from, true)?;
            let end = self.next(first, false).unwrap_or(MOST);
            from = end;
            Some((first, end - 1))
        })
    }
}

/// Sums for each version of values that are given for sets of them. Whole numbers, so that what is the same comes out the same.
#[derive(Clone, Debug)]
pub struct Tally {
    /// What a version has more than the one before it.
    steps: Vec<i64>,
    /// The same of a version and the next together.
    pairs: Vec<i64>,
}

impl Tally {
    /// Of so many versions.
    #[must_use]
    pub fn new(versions: usize) -> Self {
        Self {
            steps: vec![0; versions + 1],
            pairs: vec![0; versions + 1],
        }
    }

    /// Gives a value to the versions of a set.
    pub fn add(&mut self, set: &VersionSet, value: i64) {
        let add = |sums: &mut [i64], from: usize, end: usize| {
            if let [at, .., past] = &mut sums[from..=end] {
                *at += value;
                *past -= value;
            }
        };
        let count = self.steps.len() - 1;
        for (first, last) in set.stretches().take_while(|(first, _)| *first < count) {
            let end = (last + 1).min(count);
            add(&mut self.steps, first, end);
            add(&mut self.pairs, first, end - 1);
        }
    }

    /// What each version was given.
    pub fn each(&self) -> impl Iterator<Item = i64> + '_ {
        sums(&self.steps)
    }

    /// What was given to sets that have each version and the next.
    pub fn each_pair(&self) -> impl Iterator<Item = i64> + '_ {
        sums(&self.pairs)
    }
}

fn sums(steps: &[i64]) -> impl Iterator<Item = i64> + '_ {
    let (_, steps) = steps.split_last().unwrap_or((&0, &[]));
    steps.iter().scan(0, |sum, step| {
        *sum += step;
        Some(*sum)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stretches_reach_over_words() {
        let mut set = VersionSet::stretch(60, 130);
        set.insert(255);
        set.insert(256);
        assert_eq!(set.stretches().collect::<Vec<_>>(), [(60, 130), (255, 255)]);
        assert_eq!(VersionSet::default().stretches().next(), None);
        assert_eq!(VersionSet::stretch(0, 999).stretches().collect::<Vec<_>>(), [(0, 255)]);
    }

    proptest! {
        #[test]
        fn a_tally_is_the_sum_over_sets(sets in prop::collection::vec((prop::collection::vec(0usize..200, 0..40), -9i64..9), 0..12)) {
            let mut tally = Tally::new(180);
            let mut known = Vec::new();
            for (places, value) in sets {
                let mut set = VersionSet::default();
                for place in &places {
                    set.insert(*place);
                }
                let again: Vec<usize> = set.stretches().flat_map(|(first, last)| first..=last).collect();
                prop_assert!(again.iter().all(|place| set.contains(*place)));
                prop_assert_eq!(again.len(), set.count());
                tally.add(&set, value);
                known.push((set, value));
            }
            let sum = |has: &dyn Fn(&VersionSet) -> bool| known.iter().filter(|(set, _)| has(set)).map(|(_, value)| value).sum::<i64>();
            let each: Vec<i64> = (0..180).map(|place| sum(&|set| set.contains(place))).collect();
            let pairs: Vec<i64> = (0..179).map(|place| sum(&|set| set.contains(place) && set.contains(place + 1))).collect();
            prop_assert_eq!(tally.each().collect::<Vec<_>>(), each);
            prop_assert_eq!(tally.each_pair().take(179).collect::<Vec<_>>(), pairs);
        }
    }
}
