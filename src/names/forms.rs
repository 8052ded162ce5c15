//! The forms of a name under which look-alikes meet.

use std::borrow::Cow;

/// Longest name that is looked at, in bytes: npm's own limit is 214.
pub(super) const LONGEST: usize = 214;

/// Delimiters of names, a scope's among them.
pub(super) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@')
}

/// The letters and digits alone, in lower case: `@types/node` is `typesnode`. Letters of other scripts that are drawn like
/// Latin ones become those.
pub(super) fn squash(name: &str) -> String {
    if name.is_ascii() {
        let letters = name.bytes().filter(|b| !is_delimiter(*b));
        return letters.map(|b| char::from(b.to_ascii_lowercase())).collect();
    }
    latin(name)
        .chars()
        .filter(|c| !c.is_ascii() || !is_delimiter(*c as u8))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The words between delimiters.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| c.is_ascii() && is_delimiter(c as u8))
        .filter(|word| !word.is_empty())
}

/// The words in order, where there are at least two that differ.
pub(super) fn sorted_words(name: &str) -> Option<String> {
    let mut all: Vec<&str> = words(name).collect();
    let before = all.clone();
    all.sort_unstable();
    (all.len() > 1 && (all != before || before.windows(2).any(|pair| pair[0] != pair[1]))).then(|| all.join("-"))
}

/// Scope and base of `@scope/base`.
pub(super) fn scoped(name: &str) -> Option<(&str, &str)> {
    name.starts_with('@').then(|| name.split_once('/')).flatten()
}

/// Letters and digits that are drawn alike made equal: the ASCII ones of the Unicode consortium's confusables (UTS 39), and
/// `rn` and `vv`.
pub(super) fn skeleton(squashed: &str) -> String {
    let mut out = String::with_capacity(squashed.len());
    for c in squashed.chars() {
        let c = match c {
            '0' => 'o',
            '1' | 'i' | '|' => 'l',
            '5' => 's',
            c => c,
        };
        match (out.chars().last(), c) {
            (Some('r'), 'n') => replace_last(&mut out, 'm'),
            (Some('v'), 'v') => replace_last(&mut out, 'w'),
            _ => out.push(c),
        }
    }
    out
}

fn replace_last(text: &mut String, c: char) {
    text.pop();
    text.push(c);
}

/// Cyrillic, Greek and full-width letters as the Latin ones that they are taken for (UTS 39, the single letters of it that a
/// name could be written in).
pub(super) fn latin(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| match c {
        'а' | 'ɑ' | 'α' => 'a',
        'ь' | 'Ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ҽ' => 'e',
        'ɡ' => 'g',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'Ӏ' => 'l',
        'м' => 'm',
        'п' | 'η' => 'n',
        'о' | 'ο' | 'σ' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        '‐' | '‑' | '–' | '—' | '−' => '-',
        // Full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    Cow::Owned(name.chars().map(fold).collect())
}

/// Words that make another package of a name without saying anything. Those that say something (`utils`, `tools`, `core`,
/// `client`, `api`) were rejected: honest packages around a popular one are named like that every day.
const AFFIXES: &[&str] = &[
    "js", "ts", "node", "nodejs", "npm", "py", "python", "python2", "python3", "pip", "rs", "rust", "dev", "cli",
    "orm", "browser", "fixed", "fix", "patch", "latest", "official", "plus",
];

/// The name without one word that says nothing, or without the version that follows it; `None` where it has none or nothing
/// else.
pub(super) fn bare(name: &str) -> Option<String> {
    let words: Vec<&str> = words(name).collect();
    let says = |word: &&&str| !AFFIXES.contains(*word) && !word.bytes().all(|b| b.is_ascii_digit());
    let kept: Vec<&str> = words.iter().filter(says).copied().collect();
    let whole = kept.concat();
    if kept.len() == words.len() {
        // Glued on: `nodefabric`, `nodemonjs`, `loadsh2222`.
        let unversioned = whole.trim_end_matches(|c: char| c.is_ascii_digit());
        let glued = ["node", "python", "py"]
            .iter()
            .find_map(|a| unversioned.strip_prefix(a));
        let glued = glued.or_else(|| ["js", "py", "dev"].iter().find_map(|a| unversioned.strip_suffix(a)));
        let rest = glued.unwrap_or(unversioned);
        if rest.len() == whole.len() {
            return None;
        }
        return (rest.len() >= 3).then(|| rest.to_owned());
    }
    (whole.len() >= 3).then_some(whole)
}

/// A hash of every stretch of a text, and of the text without one or two of its bytes, in constant time each.
pub(super) struct Rolling {
    prefix: Vec<u64>,
}

/// Powers of the base.
static POWERS: [u64; LONGEST + 1] = {
    let mut powers = [1; LONGEST + 1];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = Rolling::BASE.wrapping_mul(powers[i - 1]);
        i += 1;
    }
    powers
};

impl Rolling {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

    pub(super) fn new(text: &str) -> Self {
        let mut prefix = Vec::with_capacity(text.len() + 1);
        prefix.push(0);
        prefix.extend(text.bytes().scan(0, |hash, byte| {
            *hash = Self::step(*hash, byte);
            Some(*hash)
        }));
        Self { prefix }
    }

    /// What [`Self::whole`] would be, without keeping what is needed for the rest.
    pub(super) fn hash(text: &str) -> u64 {
        text.bytes().fold(0, Self::step)
    }

    fn step(hash: u64, byte: u8) -> u64 {
        hash.wrapping_mul(Self::BASE).wrapping_add(u64::from(byte) + 1)
    }

    pub(super) fn whole(&self) -> u64 {
        self.prefix.last().copied().unwrap_or_default()
    }

    /// Bytes of the text; 0 of one that small letters have made longer than any name.
    fn len(&self) -> usize {
        Some(self.prefix.len() - 1).filter(|n| *n <= LONGEST).unwrap_or(0)
    }

    /// Of the bytes `from..to`.
    fn stretch(&self, from: usize, to: usize) -> u64 {
        self.prefix[to].wrapping_sub(self.prefix[from].wrapping_mul(POWERS[to - from]))
    }

    /// Of the text without each of its bytes in turn.
    pub(super) fn without_one(&self) -> impl Iterator<Item = u64> + '_ {
        let n = self.len();
        (0..n).map(move |i| {
            self.prefix[i]
                .wrapping_mul(POWERS[n - i - 1])
                .wrapping_add(self.stretch(i + 1, n))
        })
    }

    /// Of the text without each two of its bytes.
    pub(super) fn without_two(&self) -> impl Iterator<Item = u64> + '_ {
        let n = self.len();
        (0..n).flat_map(move |i| {
            (i + 1..n).map(move |j| {
                let front = self.prefix[i]
                    .wrapping_mul(POWERS[j - i - 1])
                    .wrapping_add(self.stretch(i + 1, j));
                front
                    .wrapping_mul(POWERS[n - j - 1])
                    .wrapping_add(self.stretch(j + 1, n))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(squash("@Types/Node_x.y-z"), "typesnodexyz");
        assert_eq!(squash("lоdаsh"), "lodash"); // Cyrillic o and a
        assert_eq!(skeleton("l0rnbd1sh"), skeleton("lombdlsh"));
        for (name, rest) in [
            ("node-fabric", Some("fabric")),
            ("nodefabric", Some("fabric")),
            ("fabric-js", Some("fabric")),
            ("loadsh2222", Some("loadsh")),
            ("pytz3-dev", Some("pytz3")),
            ("node-js", None),
            ("fabric", None),
        ] {
            assert_eq!(bare(name).as_deref(), rest, "{name}");
        }
    }

    #[test]
    fn a_hash_without_bytes_is_the_hash_of_the_text_without_them() {
        let text = "abcdefg";
        let of = |skip: &[usize]| {
            let kept: String = text
                .char_indices()
                .filter(|(i, _)| !skip.contains(i))
                .map(|(_, c)| c)
                .collect();
            Rolling::hash(&kept)
        };
        let rolling = Rolling::new(text);
        assert_eq!(
            rolling.without_one().collect::<Vec<_>>(),
            (0..7).map(|i| of(&[i])).collect::<Vec<_>>()
        );
        let pairs: Vec<u64> = (0..7)
            .flat_map(|i| (i + 1..7).map(move |j| (i, j)))
            .map(|(i, j)| of(&[i, j]))
            .collect();
        assert_eq!(rolling.without_two().collect::<Vec<_>>(), pairs);
    }
}
