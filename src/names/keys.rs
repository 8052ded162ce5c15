//! From keys to the names that have them: one sorted array, searched by halves.

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

/// Pairs of key and id, sorted.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<u64>);

impl Table {
    pub(super) fn of(pairs: Vec<(u32, u32)>) -> Self {
        let mut table = Self::default();
        table.extend(pairs);
        table
    }

    pub(super) fn extend(&mut self, pairs: Vec<(u32, u32)>) {
        self.0
            .extend(pairs.into_iter().map(|(key, id)| u64::from(key) << 32 | u64::from(id)));
        self.0.sort_unstable();
    }

    /// Ids of a key, ascending: the most popular first.
    pub(super) fn get(&self, key: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.0.partition_point(|pair| *pair < u64::from(key) << 32);
        let with = self.0[from..]
            .iter()
            .take_while(move |pair| *pair >> 32 == u64::from(key));
        with.map(|pair| high(pair << 32))
    }
}
