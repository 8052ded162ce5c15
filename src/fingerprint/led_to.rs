//! Packages that must be there, as far as words tell: what a bundle names in its manifests, what that needs in the versions that it
//! says, what this needs in turn.

use super::{
    family,
    index::{Index, IndexError},
    needs,
    pinned::Told,
    range,
    record::{NEWEST, Need, Package},
};
use semver::Version;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet, btree_map::Entry},
    mem,
    rc::Rc,
};

/// Steps beyond which no more is looked for: a package in the versions that a dependent takes. The largest applications have a
/// quarter.
const MOST: usize = 8_000;

/// A package that is led to.
struct Reached {
    package: Package,
    versions: Vec<Option<Version>>,
}

impl Reached {
    fn new(package: Package) -> Self {
        Self {
            versions: package
                .published
                .iter()
                .map(|version| Version::parse(version).ok())
                .collect(),
            package,
        }
    }

    /// Places of the versions that a dependent takes in one of the ways in which it asks: in its versions at `asking`, of those that are
    /// `published`.
    fn taken(&self, need: &Need, published: &[String], asking: &[usize]) -> BTreeSet<usize> {
        if need.range == NEWEST {
            let versions = asking.iter().filter_map(|place| published.get(*place));
            return versions
                .filter_map(|version| needs::newest_place(&self.package, version))
                .collect();
        }
        let range = range::range(need).unwrap_or_default();
        let is_taken = |version: &Option<Version>| {
            let version = version.as_ref();
            version.is_some_and(|version| range.iter().any(|range| range.matches(version)))
        };
        let all = self.versions.iter().enumerate();
        all.filter(|(_, version)| is_taken(version))
            .map(|(place, _)| place)
            .collect()
    }

    /// What it needs in each of the versions at `places`, with how it asks in those.
    fn surely_needs(&self, places: &BTreeSet<usize>) -> BTreeMap<u16, Vec<(&Need, Vec<usize>)>> {
        let mut needs: BTreeMap<u16, Vec<(&Need, Vec<usize>)>> = BTreeMap::new();
        for need in &self.package.needs {
            let asking = need.asking(places);
            if !asking.is_empty() {
                needs.entry(need.package).or_default().push((need, asking));
            }
        }
        needs.retain(|_, ways| {
            let asking: BTreeSet<usize> = ways.iter().flat_map(|(_, asking)| asking.iter().copied()).collect();
            asking.len() == places.len()
        });
        needs
    }
}

/// The packages that a bundle leads to, by their numbers, with those that it names; of each the places of the versions that it
/// leads to, none where it names one that is not known.
pub(super) type LedTo = BTreeMap<u16, BTreeSet<usize>>;

/// Follows what a bundle names; only to the newest versions that are asked for where it `is_late`.
///
/// # Errors
/// When a part of the index that is asked for is damaged.
pub(super) fn led_to(index: &Index, told: &Told, is_late: bool) -> Result<LedTo, IndexError> {
    let mut reached: BTreeMap<u16, Rc<Reached>> = BTreeMap::new();
    let mut open: Vec<(u16, BTreeSet<usize>)> = Vec::new();
    let mut named = Vec::new();
    for (name, versions) in told {
        let Some((number, package)) = index.by_name(name)? else {
            continue;
        };
        for version in versions {
            let place = package.published.iter().position(|one| one == version);
            open.extend(place.map(|place| (number, BTreeSet::from([place]))));
        }
        let package = Rc::new(Reached::new(package));
        named.push((Rc::clone(&package), versions));
        reached.insert(number, package);
    }
    let relatives = || named.iter().map(|(reached, versions)| (&reached.package, *versions));
    let mut pinned: LedTo = BTreeMap::new();
    for (number, places) in &open {
        pinned.entry(*number).or_default().extend(places);
    }
    let mut seen: HashSet<(u16, BTreeSet<usize>)> = open.iter().cloned().collect();
    // What is asked for in one of several versions, and which in each way: followed when all that is pinned is known.
    let mut loose: Vec<(u16, Vec<BTreeSet<usize>>)> = Vec::new();
    loop {
        let mut reach = |number: u16, places: BTreeSet<usize>, open: &mut Vec<_>| {
            if !places.is_empty() && seen.len() < MOST && seen.insert((number, places.clone())) {
                open.push((number, places));
            }
        };
        if open.is_empty() {
            for (number, ways) in mem::take(&mut loose) {
                let Some(needed) = reached.get(&number) else { continue };
                let there = pinned
                    .entry(number)
                    .or_insert_with(|| family::of_relatives(&needed.package, relatives()));
                let taken = ways.into_iter().flat_map(|taken| {
                    // A package manager takes what is there already, where that serves.
                    let serving = &taken & there;
                    match (serving.is_empty(), is_late) {
                        (false, _) => serving,
                        (true, true) => needed.package.taken_first(&taken),
                        (true, false) => taken,
                    }
                });
                reach(number, taken.collect(), &mut open);
            }
        }
        let Some((number, places)) = open.pop() else { break };
        let Some(dependent) = reached.get(&number).map(Rc::clone) else {
            continue;
        };
        let published = &dependent.package.published;
        for (number, ways) in dependent.surely_needs(&places) {
            if let Entry::Vacant(vacant) = reached.entry(number) {
                vacant.insert(Rc::new(Reached::new(index.package(number)?)));
            }
            let Some(needed) = reached.get(&number) else { continue };
            let ways = ways.iter().map(|(need, asking)| needed.taken(need, published, asking));
            let ways: Vec<BTreeSet<usize>> = ways.collect();
            if ways.iter().all(|taken| taken.len() <= 1) {
                let places: BTreeSet<usize> = ways.into_iter().flatten().collect();
                pinned.entry(number).or_default().extend(&places);
                reach(number, places, &mut open);
            } else {
                loose.push((number, ways));
            }
        }
    }
    let mut led_to: LedTo = reached.into_keys().map(|number| (number, BTreeSet::new())).collect();
    for (number, places) in seen {
        led_to.entry(number).or_default().extend(places);
    }
    Ok(led_to)
}

#[cfg(test)]
mod tests {
    use super::{
        super::build::{Published, Release, Source, build},
        *,
    };

    /// A package with a line for each version: `VERSION`, and behind tabs what it asks for; and older versions, as its relatives have.
    fn source(name: &str, lines: &[&str]) -> Source {
        let release = |line: &str| {
            let Published { version, needs, .. } = Published::read(line);
            let text = format!(
                "exports.{0}Of = function (a) {{ return a.{0}One.{0}Two.{0}Three; }};",
                &name[1..].replace('/', "")
            );
            Release::new(&version, needs, &mut std::iter::once(text.into_bytes()))
        };
        let older: Vec<String> = (1..10).map(|minor| format!("0.{minor}.0")).collect();
        let older = older.iter().map(String::as_str);
        Source::new(name, older.chain(lines.iter().copied()).map(release).collect())
    }

    #[test]
    fn what_is_there_already_is_taken_where_it_serves() {
        let sources = |client: &'static str| {
            vec![
                source("@cloud/client", &[client]),
                source("@cloud/login", &["1.0.0\t@cloud/token ^1.0.0"]),
                source("@cloud/token", &["1.0.0", "1.2.0\t@cloud/nested ^1.0.0"]),
                source("@cloud/nested", &["1.0.0"]),
                source("@other/token", &["1.0.0", "1.2.0\t@cloud/nested ^1.0.0"]),
            ]
        };
        for (what, client, told, expected) in [
            (
                "pinned by another",
                "1.0.0\t@cloud/login 1.0.0\t@cloud/token 1.0.0",
                "1.0.0",
                &["1.0.0"][..],
            ),
            ("a relative's version", "1.0.0\t@cloud/login 1.0.0", "1.0.0", &["1.0.0"]),
            ("neither", "1.1.0\t@cloud/login 1.0.0", "1.1.0", &["1.2.0"]),
            ("of another scope", "1.0.0\t@other/token ^1.0.0", "1.0.0", &[]),
        ] {
            let index = Index::from_bytes(build(sources(client), 1 << 20)).expect("one that was just made");
            let told = Told::from([("@cloud/client".to_owned(), BTreeSet::from([told.to_owned()]))]);
            let led_to = led_to(&index, &told, true).expect("a whole index");
            let (number, token) = index
                .by_name("@cloud/token")
                .expect("a whole index")
                .expect("it is known");
            let places = led_to.get(&number).into_iter().flatten();
            let versions: Vec<&str> = places.map(|place| &*token.published[*place]).collect();
            assert_eq!(versions, expected, "{what}");
            let (nested, _) = index
                .by_name("@cloud/nested")
                .expect("a whole index")
                .expect("it is known");
            assert_eq!(led_to.contains_key(&nested), expected != ["1.0.0"], "{what}");
        }
    }
}
