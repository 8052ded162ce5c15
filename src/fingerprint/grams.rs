//! Runs of stable tokens: what is compared.

use super::{
    says,
    tokens::{Kind, tokens},
};

/// Tokens of a run. With 3, code of unrelated packages is alike too often; with 5, each token that a minifier moves costs
/// more of the runs around it.
pub const TOKENS: usize = 4;

/// Bits of a run's hash. At a million known runs and a hundred thousand in a bundle, one bundle in ten has one chance
/// meeting, and no claim rests on one.
pub const BITS: u32 = 40;

/// The runs of a file, in the order of its text.
#[derive(Debug, Default)]
pub struct Stream {
    /// Where each token begins, in bytes.
    pub at: Vec<u32>,
    /// Hash of the run that begins with each token, of [`BITS`] bits; the last tokens begin none.
    pub grams: Vec<u64>,
    /// Whether each run is of a table.
    pub table: Vec<Table>,
    /// Tokens that are versions in quotes, by their places, with their hashes.
    pub versions: Vec<(u32, u64)>,
}

/// Whether a run is of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// It is code.
    No,
    /// Of words, or of words and numbers.
    Words,
    /// Of numbers: all but one of its tokens at least.
    Numbers,
}

impl Table {
    fn of(kinds: [Kind; TOKENS]) -> Self {
        let count = |wanted: Kind| kinds.iter().filter(|kind| **kind == wanted).count();
        let (numbers, words) = (count(Kind::Number), count(Kind::Word));
        if numbers + 1 >= TOKENS {
            Self::Numbers
        } else if words <= 1 {
            Self::Words
        } else {
            Self::No
        }
    }
}

impl Stream {
    /// Of a file's text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut stream = Self::default();
        let mut last = [0u64; TOKENS];
        let mut kinds = [Kind::Word; TOKENS];
        tokens(text, |token| {
            last.rotate_left(1);
            last[TOKENS - 1] = token.hash;
            kinds.rotate_left(1);
            kinds[TOKENS - 1] = token.kind;
            if says::is_version(text, token.at as usize) {
                // There are fewer tokens than bytes.
                stream
                    .versions
                    .push((u32::try_from(stream.at.len()).unwrap_or(u32::MAX), token.hash));
            }
            stream.at.push(token.at);
            if stream.at.len() >= TOKENS {
                stream.grams.push(mix(&last));
                stream.table.push(Table::of(kinds));
            }
        });
        stream
    }
}

fn mix(hashes: &[u64; TOKENS]) -> u64 {
    let mut h = 0x9e37_79b9_7f4a_7c15_u64;
    for hash in hashes {
        h = (h ^ hash).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 32;
    }
    h >> (64 - BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_its_tokens_and_their_order() {
        let of = |text: &str| Stream::of(text.as_bytes()).grams;
        assert_eq!(of("x.alpha.beta.gamma"), [0u64; 0]);
        assert_eq!(
            of("x.alpha.beta.gamma.delta"),
            of("yy['alpha']  .beta.gamma/* */.delta")
        );
        assert_ne!(of("x.alpha.beta.gamma.delta"), of("x.beta.alpha.gamma.delta"));
        assert_eq!(of("x.alpha.beta.gamma.delta.omega").len(), 2);
        assert!(of("x.alpha.beta.gamma.delta").iter().all(|g| g >> BITS == 0));
    }
}
