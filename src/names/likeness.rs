//! Which popular name another one looks like, and by what.

use super::{
    Names,
    forms::{LONGEST, Rolling, bare, scoped, skeleton, sorted_words, squash},
    keys::Kind,
    list::TOP,
};
use std::collections::BTreeSet;

/// Letters that each of two names has at least that are written as one: shorter ones begin and end all kinds of words.
const GLUED: usize = 5;

/// One letter changed, in names without their delimiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edit {
    /// A letter of the popular name is missing.
    Omission,
    /// A letter too many, the same as its neighbour; or several of them.
    Repetition,
    /// Two neighbours have changed places.
    Transposition,
    /// A letter for another one next to it on a keyboard.
    Keyboard,
    /// A letter whose code differs in one bit, as failing memory makes it.
    BitFlip,
    /// Any other letter for a letter.
    Substitution,
    /// Any other letter too many.
    Insertion,
    /// A digit for a digit, or one more or less at the end: most often another version of the same thing.
    Version,
}

/// By what a name looks like another; the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// Letters and digits that are drawn alike.
    Homoglyph,
    /// One edit.
    Edit(Edit),
    /// The same letters with other delimiters, a scope's among them.
    Delimiters,
    /// The popular name without its scope.
    ScopeDropped,
    /// Another scope than the popular one, one edit away.
    Scope(Edit),
    /// The same words in another order.
    WordOrder,
    /// A word more that says nothing (`-js`, `node-`, `-dev`), or a version.
    Affix,
    /// The popular name less such a word.
    AffixDropped,
    /// The popular name with another such word.
    AffixSwapped,
    /// Two popular names written as one.
    Glued,
    /// Both a word that says nothing and one edit.
    AffixAndEdit(Edit),
    /// Two edits.
    TwoEdits,
}

/// A popular name that another one looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness<'n> {
    /// The popular name.
    pub target: &'n str,
    /// Where it stands, from 1; for names that were popular when they were imitated, where they stood.
    pub rank: usize,
    /// By what.
    pub how: How,
}

impl Names {
    /// Popular names that this one looks like; none if it is popular itself.
    ///
    /// A name in a scope that holds a popular package is none: whoever owns the scope published both.
    #[must_use]
    pub fn likenesses(&self, name: &str) -> Vec<Likeness<'_>> {
        if name.len() > LONGEST || self.is_empty() || self.find(name).is_some() {
            return Vec::new();
        }
        let scope = scoped(name).map(|(scope, _)| scope);
        if scope.is_some_and(|scope| self.owns(scope)) {
            return Vec::new();
        }
        let query = Query::new(name);
        let mut found: BTreeSet<(u32, How)> = BTreeSet::new();
        let keys = self.keys();
        let mut look = |kind: Kind, hash: u64, how: &dyn Fn(&str) -> Option<How>| {
            for id in keys.get(kind.key(hash)) {
                if let Some(how) = how(self.name(id)) {
                    found.insert((id, how));
                }
            }
        };
        let rolling = Rolling::new(&query.letters);
        let near = |target: &str| query.near(target);
        look(Kind::Letters, rolling.whole(), &near);
        rolling.without_one().for_each(|hash| look(Kind::Letters, hash, &near));
        if let Some(once) = runs_once(&query.letters) {
            look(Kind::Letters, Rolling::hash(&once), &|target| {
                let same = squash(target) == once && same_scope(name, target);
                same.then_some(How::Edit(Edit::Repetition))
            });
        }
        if query.letters.len() >= 7 && query.letters.len() <= 40 {
            rolling
                .without_two()
                .for_each(|hash| look(Kind::Letters, hash, &|target| query.far(target)));
        }
        look(Kind::Skeleton, Rolling::hash(&skeleton(&query.letters)), &|target| {
            let squashed = squash(target);
            let alike = squashed != query.letters && skeleton(&squashed) == skeleton(&query.letters);
            (alike && same_scope(name, target)).then_some(How::Homoglyph)
        });
        if let Some(words) = &query.words {
            look(Kind::Words, Rolling::hash(words), &|target| {
                (sorted_words(target).as_ref() == Some(words) && squash(target) != query.letters)
                    .then_some(How::WordOrder)
            });
        }
        if scope.is_none() {
            look(Kind::Base, rolling.whole(), &|target| {
                let (_, base) = scoped(target)?;
                (base == name).then_some(How::ScopeDropped)
            });
            look(Kind::Bare, rolling.whole(), &|target| {
                (bare(target).as_ref() == Some(&query.letters)).then_some(How::AffixDropped)
            });
        }
        if let Some(bare) = &query.bare {
            let rolling = Rolling::new(bare);
            look(Kind::Letters, rolling.whole(), &|target| query.affixed(bare, target));
            rolling
                .without_one()
                .for_each(|hash| look(Kind::Letters, hash, &|target| query.affixed(bare, target)));
            look(Kind::Bare, rolling.whole(), &|target| query.swapped(bare, target));
            // `pytz3-dev`: a version beneath the word.
            let unversioned = bare.trim_end_matches(|c: char| c.is_ascii_digit());
            if unversioned.len() >= 3 && unversioned.len() < bare.len() {
                look(Kind::Letters, Rolling::hash(unversioned), &|target| {
                    query.affixed(unversioned, target).filter(|how| *how == How::Affix)
                });
            }
        }
        found.extend(self.glued(name).map(|id| (id, How::Glued)));
        // By a short list, many honest names look like others of it by more than a slip.
        let deep = self.is_deep();
        let sure = |how: &How| match how {
            How::Edit(edit) => deep || *edit != Edit::Version,
            How::Homoglyph | How::Delimiters | How::WordOrder => true,
            _ => deep,
        };
        found
            .into_iter()
            .filter(|(_, how)| sure(how))
            .map(|(id, how)| Likeness {
                target: self.name(id),
                rank: self.standing(id),
                how,
            })
            .collect()
    }

    /// The first of two names that are at the top of the list and that this one is when written as one word: `torchtriton`.
    fn glued(&self, name: &str) -> Option<u32> {
        let top = |part: &str| self.find(part).filter(|&id| self.standing(id) <= TOP);
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric());
        let mut cuts = GLUED..=name.len().saturating_sub(GLUED);
        let cut = |at: usize| {
            let (front, back) = name.split_at_checked(at)?;
            top(back).and(top(front))
        };
        plain.then(|| cuts.find_map(cut)).flatten()
    }

    /// Whether a scope (`@types`) holds a popular package.
    fn owns(&self, scope: &str) -> bool {
        self.scopes().contains(scope)
    }
}

/// A name and its forms.
struct Query<'q> {
    name: &'q str,
    letters: String,
    words: Option<String>,
    bare: Option<String>,
}

impl<'q> Query<'q> {
    fn new(name: &'q str) -> Self {
        Self {
            name,
            letters: squash(name),
            words: sorted_words(name),
            bare: bare(name),
        }
    }

    /// Equal letters, or one edit.
    fn near(&self, target: &str) -> Option<How> {
        let letters = squash(target);
        if letters == self.letters {
            return (*target != *self.name).then_some(How::Delimiters);
        }
        let edit = edit(&self.letters, &letters)?;
        match (scoped(self.name), scoped(target)) {
            // Within a scope that is not theirs nobody can be imitated: only the scope itself can.
            (Some((_, base)), Some((_, theirs))) => (base == theirs).then_some(How::Scope(edit)),
            (Some(_), None) | (None, Some(_)) => None,
            (None, None) => Some(How::Edit(edit)),
        }
    }

    fn far(&self, target: &str) -> Option<How> {
        let letters = squash(target);
        let two = scoped(self.name).is_none()
            && scoped(target).is_none()
            && letters.len() >= 8
            && letters != self.letters
            && edit(&self.letters, &letters).is_none()
            && strsim::osa_distance(&self.letters, &letters) == 2;
        two.then_some(How::TwoEdits)
    }

    fn affixed(&self, bare: &str, target: &str) -> Option<How> {
        if scoped(self.name).is_some() || scoped(target).is_some() {
            return None;
        }
        let letters = squash(target);
        if letters == self.letters {
            return None;
        }
        if letters == bare {
            return Some(How::Affix);
        }
        edit(bare, &letters).map(How::AffixAndEdit)
    }

    fn swapped(&self, rest: &str, target: &str) -> Option<How> {
        // With its own word still there none was swapped.
        let own = scoped(self.name).is_none() && scoped(target).is_none() && !self.letters.contains(&squash(target));
        (own && bare(target).as_deref() == Some(rest)).then_some(How::AffixSwapped)
    }
}

/// Letters of which the same one stands three times or more in a row, once each (`colorsss`); `None` where none does.
fn runs_once(letters: &str) -> Option<String> {
    let runs = || letters.as_bytes().chunk_by(|a, b| a == b);
    runs().any(|run| run.len() >= 3).then_some(())?;
    let kept = runs().flat_map(|run| if run.len() >= 3 { &run[..1] } else { run });
    String::from_utf8(kept.copied().collect()).ok()
}

fn same_scope(name: &str, target: &str) -> bool {
    scoped(name).is_some() == scoped(target).is_some()
}

/// The one edit that makes `name` of `popular`; `None` where they are equal or further apart.
fn edit(name: &str, popular: &str) -> Option<Edit> {
    let (name, popular) = (name.as_bytes(), popular.as_bytes());
    let front = name.iter().zip(popular).take_while(|(x, y)| x == y).count();
    let tails = name[front..].iter().rev().zip(popular[front..].iter().rev());
    let back = tails.take_while(|(x, y)| x == y).count();
    let (mine, theirs) = (&name[front..name.len() - back], &popular[front..popular.len() - back]);
    let at_end = back == 0;
    match (mine, theirs) {
        ([x], [y]) if x.is_ascii_digit() && y.is_ascii_digit() => Some(Edit::Version),
        ([x], [y]) if is_keyboard_neighbour(*x, *y) => Some(Edit::Keyboard),
        ([x], [y]) if (x ^ y).is_power_of_two() => Some(Edit::BitFlip),
        ([_], [_]) => Some(Edit::Substitution),
        ([x, y], swapped) if swapped == [*y, *x] => Some(Edit::Transposition),
        ([x], []) | ([], [x]) if at_end && x.is_ascii_digit() => Some(Edit::Version),
        ([], [_]) => Some(Edit::Omission),
        ([x], []) if front > 0 && name[front - 1] == *x || popular.get(front) == Some(x) => Some(Edit::Repetition),
        ([_], []) => Some(Edit::Insertion),
        _ => None,
    }
}

/// Next to one another on a QWERTY, QWERTZ or AZERTY keyboard, in a row or across two.
fn is_keyboard_neighbour(a: u8, b: u8) -> bool {
    const ROWS: [&[u8]; 4] = [b"1234567890", b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];
    let place = |key: u8| {
        let row = ROWS.iter().position(|row| row.contains(&key))?;
        Some((row, ROWS[row].iter().position(|k| *k == key)?))
    };
    let elsewhere = [*b"yz", *b"qa", *b"wz"]
        .iter()
        .any(|pair| pair.contains(&a) && pair.contains(&b));
    let (Some((row, at)), Some((other, there))) = (place(a), place(b)) else {
        return false;
    };
    // A key touches the one below it and that one's left neighbour.
    let (above, below) = if row < other { (at, there) } else { (there, at) };
    let touches = match row.abs_diff(other) {
        0 => at.abs_diff(there) == 1,
        1 => above == below || above == below + 1,
        _ => false,
    };
    touches || elsewhere
}
