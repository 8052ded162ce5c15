//! Runs of stable tokens: what is compared.

use super::{
    literals::Hash,
    modules, says,
    tokens::{Kind, tokens},
};
use std::{collections::HashMap, ops::Range};

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
    /// Tokens that are versions in quotes or end in one, by their places, with the hashes of these.
    pub versions: Vec<(u32, u64)>,
    /// Tokens that are one file's each, in order: see [`modules::of`].
    pub modules: Vec<Range<u32>>,
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
    /// How many tokens there are: fewer than bytes.
    fn length(&self) -> u32 {
        u32::try_from(self.at.len()).unwrap_or(u32::MAX)
    }

    /// Of a file's text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut stream = Self::default();
        let mut last = [0u64; TOKENS];
        let mut kinds = [Kind::Word; TOKENS];
        let bodies = tokens(text, |token| {
            last.rotate_left(1);
            last[TOKENS - 1] = token.hash;
            kinds.rotate_left(1);
            kinds[TOKENS - 1] = token.kind;
            if let Some(version) = says::version(text, token.at as usize) {
                stream.versions.push((stream.length(), Hash::of(version)));
            }
            stream.at.push(token.at);
            if stream.at.len() >= TOKENS {
                stream.grams.push(mix(&last));
                stream.table.push(Table::of(kinds));
            }
        });
        stream.modules = modules::of(bodies, stream.at.len());
        stream
    }
}

/// Runs in a row that were there before, from which on they are a copy that a bundler made of a module.
const COPIED: usize = 40;

/// What stands for a run where there is none: no package is known by one of mere numbers.
const NO_RUN: u64 = (1 << BITS) - 1;

/// Streams of the files that a bundle consists of, as one.
#[derive(Debug)]
pub struct Joined {
    stream: Stream,
    /// Where each run is first, of so many.
    first: HashMap<u64, usize>,
    indexed: usize,
}

impl Joined {
    /// Begins with a file.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            first: HashMap::new(),
            indexed: 0,
        }
    }

    /// Adds a file that begins at the byte `base`, without what was there before: webpack writes a module into each chunk that may
    /// be loaded without another.
    pub fn add(&mut self, file: Stream, base: u32) {
        let joined = &mut self.stream;
        for (place, gram) in joined.grams.iter().enumerate().skip(self.indexed) {
            self.first.entry(*gram).or_insert(place);
        }
        self.indexed = joined.grams.len();
        // The last tokens begin no run.
        joined.grams.resize(joined.at.len(), NO_RUN);
        joined.table.resize(joined.at.len(), Table::Numbers);
        let mut versions = file.versions.into_iter().peekable();
        let mut place = 0;
        // Where each of its tokens is now, or is not since it was there before.
        let mut now: Vec<u32> = Vec::with_capacity(file.at.len() + 1);
        while place < file.at.len() {
            let rest = file.grams.get(place..).unwrap_or_default();
            let before = rest
                .first()
                .and_then(|gram| self.first.get(gram))
                .map(|first| &joined.grams[*first..]);
            let copied = before.map_or(0, |before| before.iter().zip(rest).take_while(|(a, b)| a == b).count());
            let copied = if copied >= COPIED { copied } else { 0 };
            while versions
                .next_if(|(token, _)| (*token as usize) < place + copied)
                .is_some()
            {}
            place += copied;
            now.resize((place + 1).min(file.at.len()), joined.length());
            let Some(at) = file.at.get(place) else { break };
            while let Some((_, hash)) = versions.next_if(|(token, _)| *token as usize == place) {
                joined.versions.push((joined.length(), hash));
            }
            joined.at.push(at.saturating_add(base));
            if let (Some(gram), Some(table)) = (file.grams.get(place), file.table.get(place)) {
                joined.grams.push(*gram);
                joined.table.push(*table);
            }
            place += 1;
        }
        now.push(joined.length());
        let now = |place: u32| now.get(place as usize).copied().unwrap_or_default();
        let modules = file.modules.iter().map(|module| now(module.start)..now(module.end));
        joined.modules.extend(modules.filter(|module| !module.is_empty()));
    }

    /// All of them.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        self.stream
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
    use std::collections::BTreeSet;

    #[test]
    fn what_was_in_another_file_before_is_there_once() {
        let word = |name: &str, i: usize| format!("x.{name}{i};");
        let words = |name: &str, count: usize| -> String { (0..count).map(|i| word(name, i)).collect() };
        let (one, two, few) = (words("one", 60), words("two", 60), words("one", 9));
        let of = |text: &str| Stream::of(text.as_bytes());
        let first = format!("{one}'1.2.3';");
        let mut joined = Joined::new(of(&first));
        joined.add(of(&format!("{one}'1.2.3';{two}'4.5.6';")), 10_000);
        joined.add(of(&format!("{two}{few}")), 20_000);
        let stream = joined.into_stream();
        let count = |text: &str| of(text).grams.iter().filter(|gram| stream.grams.contains(gram)).count();
        // All of both, each once, and what is too little to be a copy.
        assert_eq!((count(&one), count(&two)), (57, 57));
        let runs = stream.grams.iter().filter(|gram| **gram != NO_RUN);
        let different: BTreeSet<&u64> = runs.clone().collect();
        assert_eq!(runs.count() - different.len(), of(&few).grams.len());
        assert!(
            stream.at.is_sorted() && stream.at.iter().any(|at| *at > 10_000) && stream.at.iter().any(|at| *at > 20_000)
        );
        assert_eq!(stream.table.len(), stream.grams.len());
        assert!(stream.modules.is_empty());
        // Where a version is, its token is; that of the copy is kept with what follows it.
        let versions: Vec<u32> = stream
            .versions
            .iter()
            .map(|(token, _)| stream.at[*token as usize])
            .collect();
        let places = [one.len(), 10_000 + one.len(), 10_000 + first.len() + two.len()];
        assert_eq!(versions, places.map(|at| u32::try_from(at).unwrap_or_default()));
    }

    #[test]
    fn modules_of_several_files_are_where_their_tokens_are() {
        let module = |name: &str| {
            let words: Vec<String> = (0..90).map(|i| format!("x.{name}{i};")).collect();
            let words = words.concat();
            format!("a=b(c=>{{{words}}});")
        };
        let of = |text: &str| Stream::of(text.as_bytes());
        let mut joined = Joined::new(of(&module("one")));
        joined.add(of(&(module("one") + &module("two"))), 10_000);
        joined.add(of(&(module("two") + &module("one"))), 20_000);
        let stream = joined.into_stream();
        // Of what was there before nothing is but the runs into what follows it.
        assert_eq!(stream.modules[..3], [0..90, 90..93, 93..183]);
        assert!(
            stream.modules.is_sorted_by(|a, b| a.end <= b.start),
            "{:?}",
            stream.modules
        );
    }

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
