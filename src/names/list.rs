//! One ecosystem's popular names.

use super::{
    IMITATED,
    forms::{self, LONGEST, Rolling},
    keys::{Kind, Table},
};
use crate::{ecosystem, model::EcosystemId};
use flate2::read::MultiGzDecoder;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io::Read as _,
    sync::OnceLock,
};

/// Bytes of a list once unpacked. 16 MiB: the largest is 1 MB for 50,000 names.
const UNPACKED_BYTES: u64 = 16 << 20;

/// How far down the list a name is worth imitating. What is further down is known only not to be a look-alike itself.
const TARGETS: usize = 15_000;

/// The line behind which names have no rank: honest ones, of which it is not known that anybody would imitate them.
const UNRANKED: &str = "# unranked";

/// Names up to this rank are the ones that everybody knows; they are looked for with two edits as well, where they have so many
/// letters that this means anything.
pub(super) const TOP: usize = 1_000;
const LONG: usize = 8;

/// Why a list of names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not gzip, or broken.
    #[error("not a packed list of names: {0}")]
    Packed(#[from] std::io::Error),
    /// Something else, or too little to go by.
    #[error("a list of {0} names, expected 1,000 at least, one a line, the most popular first")]
    Short(usize),
}

/// Names of one ecosystem, the most popular first, and the keys by which look-alikes are found.
#[derive(Debug, Default)]
pub struct Names {
    /// One name a line, normalised.
    text: String,
    /// Where each name begins in it, and a last one where the text ends.
    starts: Vec<u32>,
    /// Standing of names that were popular when they were imitated, where that is better than their place today.
    then: HashMap<u32, usize>,
    exact: Table,
    /// Whether `-` and `_` make no difference, as on crates.io.
    folded: bool,
    /// How many of them are worth imitating.
    targets: usize,
    /// Of names that are worth imitating; made when the first name is asked for that is not popular itself.
    keys: OnceLock<Table>,
    /// Scopes that hold a popular package.
    scopes: OnceLock<HashSet<Box<str>>>,
}

impl Names {
    /// Reads a list: gzip of one name a line, the most popular first; lines that begin with `#` say where it is from. Behind a
    /// line `# unranked` come names that are no targets and known to be honest.
    ///
    /// # Errors
    /// When it is no such list.
    pub fn read(packed: &[u8], ecosystem: EcosystemId) -> Result<Self, ListError> {
        let mut text = String::new();
        MultiGzDecoder::new(packed)
            .take(UNPACKED_BYTES)
            .read_to_string(&mut text)?;
        let names_in = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let lines = || text.lines().map(str::trim);
        let ranked = lines().take_while(|line| *line != UNRANKED).filter(names_in);
        let mut names = Self::new(lines().filter(names_in), ecosystem);
        names.targets = names.targets.min(ranked.filter(|name| name.len() <= LONGEST).count());
        if names.len() < 1_000 {
            return Err(ListError::Short(names.len()));
        }
        Ok(names)
    }

    /// Of names, the most popular first, and those of the ecosystem that were imitated.
    pub fn new<'n>(popular: impl Iterator<Item = &'n str>, ecosystem: EcosystemId) -> Self {
        let normalise = ecosystem::of(ecosystem).normalise;
        let mut names = Self {
            folded: ecosystem == ecosystem::CARGO.id,
            ..Self::default()
        };
        let mut exact = Vec::new();
        for name in popular.filter(|name| name.len() <= LONGEST) {
            exact.push(names.push(&normalise(name)));
        }
        names.targets = exact.len().min(TARGETS);
        names.exact = Table::of(exact);
        let imitated = IMITATED
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let own = columns.next()? == ecosystem.0;
                own.then_some((columns.next()?, columns.next()?.parse().ok()?))
            });
        let mut more = Vec::new();
        for (name, standing) in imitated {
            let name = normalise(name);
            let id = names.find(&name).unwrap_or_else(|| {
                let key = names.push(&name);
                more.push(key);
                key.1
            });
            if standing < names.standing(id) {
                names.then.insert(id, standing);
            }
        }
        names.exact.extend(more);
        names
    }

    fn push(&mut self, name: &str) -> (u32, u32) {
        let id = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        self.starts.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.text.push_str(name);
        self.text.push('\n');
        (self.exact_key(name), id)
    }

    fn exact_key(&self, name: &str) -> u32 {
        Kind::Exact.key(Rolling::hash(&self.fold(name)))
    }

    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if self.folded {
            Cow::Owned(name.replace('_', "-"))
        } else {
            Cow::Borrowed(name)
        }
    }

    /// Whether the list is so long that a name which is not on it is hardly popular.
    pub(super) fn is_deep(&self) -> bool {
        self.targets >= TARGETS * 9 / 10
    }

    /// How many there are, those that were imitated included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The most popular first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }

    /// Where a name stands, from 1.
    #[must_use]
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.find(name).map(|id| self.standing(id))
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let folded = self.fold(name);
        let ids = self.exact.get(self.exact_key(name));
        ids.into_iter().find(|&id| self.fold(self.name(id)) == folded)
    }

    pub(super) fn name(&self, id: u32) -> &str {
        let at = |id: usize| self.starts.get(id).map_or(self.text.len(), |&start| start as usize);
        self.text
            .get(at(id as usize)..at(id as usize + 1).saturating_sub(1))
            .unwrap_or_default()
    }

    pub(super) fn standing(&self, id: u32) -> usize {
        self.then.get(&id).copied().unwrap_or(id as usize + 1)
    }

    pub(super) fn scopes(&self) -> &HashSet<Box<str>> {
        let scopes = || self.iter().filter_map(|name| Some(forms::scoped(name)?.0.into()));
        self.scopes.get_or_init(|| scopes().collect())
    }

    pub(super) fn keys(&self) -> &Table {
        self.keys.get_or_init(|| {
            let former = self.then.keys().copied().filter(|&id| id as usize >= self.targets);
            let worth = (0..u32::try_from(self.targets).unwrap_or(0)).chain(former);
            let mut keys = Vec::with_capacity(16 * TARGETS);
            for id in worth {
                self.enter(id, &mut keys);
            }
            Table::of(keys)
        })
    }

    fn enter(&self, id: u32, keys: &mut Vec<(u32, u32)>) {
        let name = self.name(id);
        let squashed = forms::squash(name);
        let rolling = Rolling::new(&squashed);
        let mut add = |kind: Kind, hash| keys.push((kind.key(hash), id));
        add(Kind::Letters, rolling.whole());
        rolling.without_one().for_each(|hash| add(Kind::Letters, hash));
        if self.standing(id) <= TOP && squashed.len() >= LONG {
            rolling.without_two().for_each(|hash| add(Kind::Letters, hash));
        }
        add(Kind::Skeleton, Rolling::hash(&forms::skeleton(&squashed)));
        if let Some(words) = forms::sorted_words(name) {
            add(Kind::Words, Rolling::hash(&words));
        }
        if let Some((_, base)) = forms::scoped(name) {
            add(Kind::Base, Rolling::hash(&forms::squash(base)));
        }
        if let Some(bare) = forms::bare(name) {
            add(Kind::Bare, Rolling::hash(&bare));
        }
    }
}
