//! Packages that must be there, as far as words tell: what a bundle names in its manifests, what that needs in the versions that it
//! says, what this needs in turn.

use super::{
    index::{Index, IndexError},
    needs,
    pinned::Told,
    range,
    record::{NEWEST, Need, Package},
};
use semver::{Version, VersionReq};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet, btree_map::Entry},
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

    fn taken(&self, range: &[VersionReq]) -> impl Iterator<Item = usize> {
        let is_taken = |version: &Option<Version>| {
            let version = version.as_ref();
            version.is_some_and(|version| range.iter().any(|range| range.matches(version)))
        };
        let all = self.versions.iter().enumerate();
        all.filter(move |(_, version)| is_taken(version))
            .map(|(place, _)| place)
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
    for (name, versions) in told {
        let Some((number, package)) = index.by_name(name)? else {
            continue;
        };
        for version in versions {
            let place = package.published.iter().position(|one| one == version);
            open.extend(place.map(|place| (number, BTreeSet::from([place]))));
        }
        reached.insert(number, Rc::new(Reached::new(package)));
    }
    let mut seen: HashSet<(u16, BTreeSet<usize>)> = open.iter().cloned().collect();
    while let Some((number, places)) = open.pop() {
        let Some(dependent) = reached.get(&number).map(Rc::clone) else {
            continue;
        };
        let published = &dependent.package.published;
        for (number, ways) in dependent.surely_needs(&places) {
            if let Entry::Vacant(vacant) = reached.entry(number) {
                vacant.insert(Rc::new(Reached::new(index.package(number)?)));
            }
            let Some(needed) = reached.get(&number) else { continue };
            let mut places: BTreeSet<usize> = BTreeSet::new();
            for (need, asking) in ways {
                if need.range == NEWEST {
                    let versions = asking.iter().filter_map(|place| published.get(*place));
                    places.extend(versions.filter_map(|version| needs::newest_place(&needed.package, version)));
                } else if let Some(range) = range::range(need) {
                    let taken = needed.taken(&range);
                    if is_late {
                        places.extend(needed.package.taken_first(&taken.collect::<Vec<_>>()));
                    } else {
                        places.extend(taken);
                    }
                }
            }
            if !places.is_empty() && seen.len() < MOST && seen.insert((number, places.clone())) {
                open.push((number, places));
            }
        }
    }
    let mut led_to: LedTo = reached.into_keys().map(|number| (number, BTreeSet::new())).collect();
    for (number, places) in seen {
        led_to.entry(number).or_default().extend(places);
    }
    Ok(led_to)
}
