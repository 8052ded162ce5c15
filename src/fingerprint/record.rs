//! What the file of known runs says of a package, and how that is written.
//!
//! Numbers are of seven bits a byte, the lowest first; a text has its length before it. A record holds, in this order:
//!
//! | part | as |
//! |---|---|
//! | name | text |
//! | versions | how many; each as the first number in which it differs from the one before it, see [`put_version`] |
//! | `others_told` and twice `carried`, shift | numbers |
//! | sets of versions | how many; for those in a row with as many runs each how many these are and how many sets; then the stretches of each |
//! | needs | how many; of each how much larger the package's number is than the one before, the number of the range, stretches of versions |
//! | carriers | how many; of each the package's number |
//! | versions that say which they are | stretches of those that were looked into |
//! | versions that are avoided | stretches of all |
//!
//! Stretches: of each how far it begins from the end of the one before and one more, twice that, one more where another follows; and its
//! length less one. None: 0. Ranges are in a record of their own behind those of all packages: each as a text, the commonest first.

use super::{
    grams::BITS,
    index,
    version_set::{self, Tally, VersionSet},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::OnceLock,
};

/// Versions that share runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Those of the package's versions that were looked into.
    pub versions: VersionSet,
    /// Runs that are in the index.
    pub runs: u32,
}

/// A package that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Versions that are known to exist, oldest first.
    pub published: Vec<String>,
    /// Places of those that were looked into; at most [`version_set::MOST`].
    pub looked_into: Vec<usize>,
    /// Whether it is known what the others depend on.
    pub others_told: bool,
    /// Whether many other packages carry copies of it in files of their own.
    pub carried: bool,
    /// Larger packages with copies of it in files of their own, by their numbers.
    pub carriers: Vec<u16>,
    /// Runs whose hash is below 2^([`BITS`] - `shift`) are all in the index, apart from those that many packages have.
    pub shift: u8,
    /// Sets of versions.
    pub sets: Vec<Set>,
    /// What it depends on.
    pub needs: Vec<Need>,
    /// Those of the versions that were looked into which say in their code which they are, and name no other.
    pub saying: VersionSet,
    /// Those that a package manager takes where nothing else serves, because they are deprecated or ask for a newer Node: the first
    /// and the last of each stretch of those that are published.
    pub avoided: Vec<(usize, usize)>,
    /// Runs of each version that are in the index, once somebody asked.
    pub(super) expected: OnceLock<Vec<i64>>,
}

/// The range of what is published together: the newest version that is not newer than the dependent's own.
pub const NEWEST: &str = "=";

/// A package that another depends on, in some of its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Its number in this index.
    pub package: u16,
    /// Which versions it takes, as npm writes it (`^1.2.0`, `~2.1.24 || 3.x`), or [`NEWEST`].
    pub range: String,
    /// Versions of the dependent that ask for it so: the first and the last of each stretch of those that are published.
    pub asked_by: Vec<(usize, usize)>,
}

impl Need {
    /// Whether a version of the dependent, by its place, asks for it so.
    pub(super) fn is_asked_by(&self, place: usize) -> bool {
        is_in(&self.asked_by, place)
    }

    /// Those of some places whose versions of the dependent ask for it so.
    pub(super) fn asking<'p>(&self, places: impl IntoIterator<Item = &'p usize>) -> Vec<usize> {
        let places = places.into_iter().copied();
        places.filter(|place| self.is_asked_by(*place)).collect()
    }
}

/// Whether a place is in one of the stretches.
fn is_in(stretches: &[(usize, usize)], place: usize) -> bool {
    let at = stretches.partition_point(|(_, last)| *last < place);
    stretches.get(at).is_some_and(|(first, _)| *first <= place)
}

/// Versions of which fewer than one was looked into are many.
pub(super) const SPARSE: usize = 3;

impl Package {
    /// The versions that were looked into, oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &String> {
        self.looked_into.iter().filter_map(|place| self.published.get(*place))
    }

    /// The scope in its name, and what follows that with its slash: `cloud` and `/core` of `@cloud/core`.
    pub(super) fn scoped(&self) -> Option<(&str, &str)> {
        let name = self.name.strip_prefix('@')?;
        Some(name.split_at(name.find('/')?))
    }

    /// Whether by far the most of its versions were not looked into: of those code can but name the neighbours.
    pub(super) fn is_sparse(&self) -> bool {
        self.looked_into.len() * SPARSE < self.published.len()
    }

    /// Place of the version whose needs are those of the version at `place`, as far as is known: its own, or where only of those that
    /// were looked into it is known what they need, those of the next older one of these.
    pub(super) fn place_told(&self, place: usize) -> Option<usize> {
        if self.others_told {
            return Some(place);
        }
        let after = self.looked_into.partition_point(|known| *known <= place);
        self.looked_into.get(after.saturating_sub(1)).copied()
    }

    /// A set of versions, by its number; of none where there is no such.
    pub(super) fn set(&self, number: u16) -> Set {
        self.sets.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// Whether any version of it asks for another package.
    pub(super) fn asks_for(&self, number: u16) -> bool {
        self.needs.iter().any(|need| need.package == number)
    }

    /// What a package manager takes of the versions at `places`: the newest, and where that is avoided, the newest that is not.
    pub(super) fn taken_first<'p>(&self, places: impl IntoIterator<Item = &'p usize> + Clone) -> BTreeSet<usize> {
        let newest = places.clone().into_iter().max();
        let wanted = places.into_iter().filter(|place| !self.is_avoided(**place)).max();
        newest.into_iter().chain(wanted).copied().collect()
    }

    /// Whether a package manager takes a version, by its place, where nothing else serves.
    pub(super) fn is_avoided(&self, place: usize) -> bool {
        is_in(&self.avoided, place)
    }

    /// Runs of each version that are in the index.
    pub(super) fn expected(&self) -> &[i64] {
        self.expected.get_or_init(|| {
            let mut runs = Tally::new(self.looked_into.len());
            self.sets
                .iter()
                .for_each(|set| runs.add(&set.versions, i64::from(set.runs)));
            runs.each().collect()
        })
    }

    /// Whether a run is among those of which the index has all.
    #[must_use]
    pub fn samples(shift: u8, gram: u64) -> bool {
        gram >> (BITS - u32::from(shift).min(BITS - 1)) == 0
    }

    /// Writes it.
    pub(super) fn write(&self, ranges: &HashMap<&str, usize>, out: &mut Vec<u8>) {
        put_text(out, &self.name);
        put_usize(out, self.published.len());
        let mut looked_into = self.looked_into.iter().peekable();
        let mut before = [0; 3];
        for (place, version) in self.published.iter().enumerate() {
            put_version(
                out,
                &mut before,
                version,
                looked_into.next_if(|next| **next == place).is_some(),
            );
        }
        put(out, u64::from(self.others_told) | u64::from(self.carried) << 1);
        put(out, u64::from(self.shift));
        put_usize(out, self.sets.len());
        for alike in self.sets.chunk_by(|a, b| a.runs == b.runs) {
            put(out, u64::from(alike[0].runs));
            put_usize(out, alike.len());
        }
        for set in &self.sets {
            let stretches: Vec<_> = set.versions.stretches().collect();
            put_stretches(out, &stretches);
        }
        put_usize(out, self.needs.len());
        let mut before = 0;
        for need in &self.needs {
            put(out, u64::from(need.package.wrapping_sub(before)));
            put_usize(out, ranges.get(&*need.range).copied().unwrap_or(usize::MAX));
            put_stretches(out, &need.asked_by);
            before = need.package;
        }
        put_usize(out, self.carriers.len());
        for carrier in &self.carriers {
            put(out, u64::from(*carrier));
        }
        put_stretches(out, &self.saying.stretches().collect::<Vec<_>>());
        put_stretches(out, &self.avoided);
    }

    /// The name in a record; `None` if that is none.
    pub(super) fn name_of(bytes: &[u8]) -> Option<&str> {
        let mut reader = Reader { bytes };
        let length = reader.count()?;
        reader.taken(length)
    }

    /// Whether one of the versions at `places` may be the one that was looked into, or is between that and the next or the last.
    pub(super) fn is_about(&self, version: usize, places: &BTreeSet<usize>) -> bool {
        let first = version.checked_sub(1).and_then(|before| self.looked_into.get(before));
        let first = first.map_or(0, |before| before + 1);
        let end = self.looked_into.get(version + 1).copied().unwrap_or(usize::MAX);
        first < end && places.range(first..end).next().is_some()
    }

    /// Reads it; `None` if that is no record.
    pub(super) fn read<'r>(bytes: &[u8], range: impl Fn(usize) -> Option<&'r str>) -> Option<Self> {
        let mut reader = Reader { bytes };
        let reader = &mut reader;
        let name = reader.text()?;
        let (mut published, mut looked_into) = (Vec::new(), Vec::new());
        let mut before = [0; 3];
        for place in 0..reader.count()? {
            let (version, known) = reader.version(&mut before)?;
            published.push(version);
            if known {
                looked_into.push(place);
            }
        }
        if looked_into.len() > version_set::MOST {
            return None;
        }
        let flags = reader.number()?;
        let shift = u8::try_from(reader.number()?).ok().filter(|s| u32::from(*s) < BITS)?;
        let sets = reader.count().filter(|sets| *sets <= index::SETS)?;
        let mut sets = vec![Set::default(); sets];
        let mut open = &mut sets[..];
        while !open.is_empty() {
            let runs = u32::try_from(reader.number()?).ok()?;
            let (alike, rest) = open.split_at_mut_checked(usize::try_from(reader.number()?).ok()?.max(1))?;
            for set in alike {
                set.runs = runs;
            }
            open = rest;
        }
        for set in &mut sets {
            let versions = &mut set.versions;
            reader.stretches(looked_into.len(), |first, last| versions.insert_stretch(first, last))?;
        }
        let mut needs = Vec::new();
        let mut before = 0u16;
        for _ in 0..reader.count()? {
            before = before.wrapping_add(u16::try_from(reader.number()?).ok()?);
            let mut need = Need {
                package: before,
                range: range(usize::try_from(reader.number()?).ok()?)?.to_owned(),
                asked_by: Vec::new(),
            };
            reader.stretches(published.len(), |first, last| need.asked_by.push((first, last)))?;
            needs.push(need);
        }
        let mut carriers = Vec::new();
        for _ in 0..reader.count()? {
            carriers.push(u16::try_from(reader.number()?).ok()?);
        }
        let mut saying = VersionSet::default();
        reader.stretches(looked_into.len(), |first, last| saying.insert_stretch(first, last))?;
        let mut avoided = Vec::new();
        reader.stretches(published.len(), |first, last| avoided.push((first, last)))?;
        Some(Self {
            name,
            carriers,
            saying,
            avoided,
            published,
            looked_into,
            others_told: flags & 1 != 0,
            carried: flags & 2 != 0,
            shift,
            sets,
            needs,
            expected: OnceLock::new(),
        })
    }
}

/// The numbers of a version that is nothing but three of them.
fn three(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok().map(u64::from));
    let three = [parts.next()??, parts.next()??, parts.next()??];
    (text(three) == version).then_some(three)
}

fn text([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// A version, by what it has more than the one before it. The lowest two bits say of which number (0 the patch, 1 the minor,
/// 2 the major; the numbers behind it follow) or that a text follows, the next whether it was looked into, the others how
/// many more less one, or how long the text is.
fn put_version(out: &mut Vec<u8>, before: &mut [u64; 3], version: &str, looked_into: bool) {
    let mut head = |kind: u64, value: u64| put(out, value << 3 | u64::from(looked_into) << 2 | kind);
    let grown = three(version).and_then(|now| {
        let at = (0..3).find(|i| now[*i] != before[*i])?;
        (now[at] > before[at]).then_some((now, at))
    });
    if let Some((now, at)) = grown {
        head(2 - at as u64, now[at] - before[at] - 1);
        now[at + 1..].iter().for_each(|number| put(out, *number));
        *before = now;
    } else {
        head(3, version.len() as u64);
        out.extend_from_slice(version.as_bytes());
    }
}

fn put_stretches(out: &mut Vec<u8>, stretches: &[(usize, usize)]) {
    let mut end = 0;
    for (i, (first, last)) in stretches.iter().enumerate() {
        put_usize(out, (first - end + 1) << 1 | usize::from(i + 1 < stretches.len()));
        put_usize(out, last - first);
        end = last + 1;
    }
    if stretches.is_empty() {
        put(out, 0);
    }
}

/// Ranges of packages, the commonest first.
pub(super) fn ranges(packages: &[Package]) -> Vec<&str> {
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for need in packages.iter().flat_map(|package| &package.needs) {
        *asked.entry(&need.range).or_default() += 1;
    }
    let mut ranges: Vec<(&str, usize)> = asked.into_iter().collect();
    ranges.sort_by_key(|(range, asked)| (Reverse(*asked), *range));
    ranges.into_iter().map(|(range, _)| range).collect()
}

/// Writes them.
pub(super) fn write_ranges(ranges: &[&str], out: &mut Vec<u8>) {
    for range in ranges {
        put_text(out, range);
    }
}

/// Where in their record each is; `None` if that is none.
pub(super) fn read_ranges(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader { bytes };
    let mut ranges = Vec::new();
    while !reader.bytes.is_empty() {
        let length = reader.count()?;
        let from = bytes.len() - reader.bytes.len();
        reader.taken(length)?;
        ranges.push(from..from + length);
    }
    Some(ranges)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_usize(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_usize(out: &mut Vec<u8>, n: usize) {
    put(out, n as u64);
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    /// A count of things that take a byte each at least.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.bytes.len()).then_some(count)
    }

    fn taken(&mut self, length: usize) -> Option<&'b str> {
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.count()?;
        Some(self.taken(length)?.to_owned())
    }

    fn version(&mut self, before: &mut [u64; 3]) -> Option<(String, bool)> {
        let head = self.number()?;
        let (kind, looked_into, value) = (head & 3, head >> 2 & 1 == 1, head >> 3);
        let version = if kind == 3 {
            self.taken(usize::try_from(value).ok()?)?.to_owned()
        } else {
            let at = 2 - usize::try_from(kind).ok()?;
            before[at] = before[at].checked_add(value)?.checked_add(1)?;
            for number in &mut before[at + 1..] {
                *number = self.number()?;
            }
            text(*before)
        };
        Some((version, looked_into))
    }

    /// Calls `see` with each stretch of the places below `end`.
    fn stretches(&mut self, end: usize, mut see: impl FnMut(usize, usize)) -> Option<()> {
        let mut from = 0usize;
        loop {
            let head = usize::try_from(self.number()?).ok()?;
            let Some(gap) = (head >> 1).checked_sub(1) else {
                return (head == 0).then_some(());
            };
            let first = from.checked_add(gap)?;
            let last = first.checked_add(usize::try_from(self.number()?).ok()?)?;
            if last >= end {
                return None;
            }
            see(first, last);
            if head & 1 == 0 {
                return Some(());
            }
            from = last + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let published = [
            "0.0.0",
            "0.0.1",
            "0.0.3",
            "0.2.0",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0+b",
            "1.0.1",
            "2.10.7",
            "2.10.8",
            "now",
        ];
        let need = |range: &str, asked_by: &[(usize, usize)]| Need {
            package: 700,
            range: range.to_owned(),
            asked_by: asked_by.to_vec(),
        };
        let package = Package {
            name: "@a/b".to_owned(),
            published: published.map(str::to_owned).to_vec(),
            looked_into: vec![0, 3, 5, 10],
            others_told: true,
            carried: true,
            carriers: vec![3, 4_000],
            saying: VersionSet::stretch(2, 3),
            avoided: vec![(1, 2), (9, 10)],
            shift: 3,
            sets: [(1, 2, 300), (0, 0, 2), (3, 3, 2), (0, 3, 1)]
                .map(|(first, last, runs)| Set {
                    versions: VersionSet::stretch(first, last),
                    runs,
                })
                .to_vec(),
            needs: vec![need("^1.0.0", &[(0, 3), (5, 10)]), need("*", &[])],
            expected: OnceLock::new(),
        };
        let all = [package.clone()];
        let ranges = ranges(&all);
        let numbers = ranges.iter().enumerate().map(|(i, range)| (*range, i)).collect();
        let mut bytes = Vec::new();
        package.write(&numbers, &mut bytes);
        let read = |bytes: &[u8]| Package::read(bytes, |number| ranges.get(number).copied());
        assert_eq!(read(&bytes), Some(package.clone()));
        assert!(package.versions().eq(["0.0.0", "0.2.0", "1.0.0", "now"]));
        assert_eq!(package.expected(), [3, 301, 301, 3]);
        let mut table = Vec::new();
        write_ranges(&ranges, &mut table);
        let places = read_ranges(&table).unwrap_or_default();
        assert!(
            places
                .into_iter()
                .map(|place| &table[place])
                .eq(["*", "^1.0.0"].map(str::as_bytes))
        );
        assert_eq!(read_ranges(&table[1..]), None);
        let asks = |place| package.needs[0].is_asked_by(place);
        assert!(asks(0) && asks(3) && !asks(4) && asks(5) && !asks(11));
        for (places, first) in [
            (&[0, 3, 8][..], &[8][..]),
            (&[3, 9, 10], &[3, 10]),
            (&[9, 10], &[10]),
            (&[], &[]),
        ] {
            assert!(package.taken_first(places).iter().eq(first), "{places:?}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None, "{cut}");
        }
    }
}
