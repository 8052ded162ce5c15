//! From keys to the names that have them.

/// What a key is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The name itself.
    Exact,
    /// Its letters without delimiters, and these with one or two left out: two texts that differ by one edit have one in
    /// common (symmetric deletion).
    Letters,
    /// Its letters with those drawn alike made equal.
    Skeleton,
    /// Its words in order.
    Words,
    /// What follows its scope.
    Base,
    /// What is left without a word that says nothing.
    Bare,
}

impl Kind {
    /// 32 bits: what shares a key is compared all the same.
    pub(super) fn key(self, hash: u64) -> u32 {
        high((hash ^ (self as u64) << 56).wrapping_mul(0xff51_afd7_ed55_8ccd))
    }
}

#[allow(clippy::cast_possible_truncation)] // nothing is left above 32 bits
fn high(pair: u64) -> u32 {
    (pair >> 32) as u32
}

/// Pairs of key and id by the first half of the key, and where those of each begin: a look-up touches two places in memory and
/// not one for each halving. Within a half they lie as they came: counting them into their places is a tenth of the cost of
/// sorting them, and every process that looks at a name pays it.
#[derive(Debug, Default)]
pub(super) struct Table {
    pairs: Vec<u64>,
    starts: Vec<u32>,
}

impl Table {
    pub(super) fn of(pairs: Vec<(u32, u32)>) -> Self {
        let mut table = Self::default();
        table.extend(pairs);
        table
    }

    pub(super) fn extend(&mut self, pairs: Vec<(u32, u32)>) {
        let packed = pairs.into_iter().map(|(key, id)| u64::from(key) << 32 | u64::from(id));
        let before = std::mem::take(&mut self.pairs);
        let half = |pair: u64| (pair >> 48) as usize;
        let mut starts = vec![0; (1 << 16) + 1];
        let all: Vec<u64> = before.into_iter().chain(packed).collect();
        for pair in &all {
            starts[half(*pair) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next: Vec<u32> = starts.clone();
        self.pairs = vec![0; all.len()];
        for pair in all {
            let at = &mut next[half(pair)];
            self.pairs[*at as usize] = pair;
            *at += 1;
        }
        self.starts = starts;
    }

    /// Ids of a key in the order in which they were put in: the most popular first.
    pub(super) fn get(&self, key: u32) -> impl Iterator<Item = u32> + '_ {
        let at = |half: u32| self.starts.get(half as usize).map_or(0, |&start| start as usize);
        let half = &self.pairs[at(key >> 16)..at((key >> 16) + 1)];
        let with = half.iter().filter(move |pair| high(**pair) == key);
        with.map(|pair| high(pair << 32))
    }
}
