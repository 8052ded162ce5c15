//! Packages that must be there, as far as words tell: what a bundle names in its manifests, what that needs in the versions that it
//! says, what this needs in turn.

use super::{
    index::{Index, IndexError},
    needs,
    pinned::Told,
    record::{NEWEST, Package},
};
use semver::{Version, VersionReq};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Packages beyond which no more are looked for. The largest applications have half of it.
const MOST: usize = 4_000;

/// A package that is led to.
struct Reached {
    package: Package,
    versions: Vec<Option<Version>>,
    /// Places of the versions that it can be.
    places: BTreeSet<usize>,
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
            places: BTreeSet::new(),
        }
    }

    fn taken(&self, range: &[VersionReq]) -> Vec<usize> {
        let is_taken = |version: &Option<Version>| {
            let version = version.as_ref();
            version.is_some_and(|version| range.iter().any(|range| range.matches(version)))
        };
        let all = self.versions.iter().enumerate();
        all.filter(|(_, version)| is_taken(version))
            .map(|(place, _)| place)
            .collect()
    }
}

/// The packages that a bundle leads to, by their numbers, with those that it names.
pub(super) fn led_to(index: &Index, told: &Told) -> Result<BTreeSet<u16>, IndexError> {
    let mut reached: BTreeMap<u16, Reached> = BTreeMap::new();
    let mut open: Vec<(u16, Vec<usize>)> = Vec::new();
    for (name, versions) in told {
        let Some((number, package)) = index.by_name(name)? else {
            continue;
        };
        let published = package.published.iter().enumerate();
        let places = published
            .filter(|(_, version)| versions.contains(*version))
            .map(|(place, _)| place)
            .collect();
        reached.insert(number, Reached::new(package));
        open.push((number, places));
    }
    let mut seen: HashSet<(u16, String)> = HashSet::new();
    while let Some((number, mut places)) = open.pop() {
        let Some(dependent) = reached.get_mut(&number) else {
            continue;
        };
        places.retain(|place| dependent.places.insert(*place));
        let asked: Vec<_> = dependent
            .package
            .needs
            .iter()
            .map(|need| {
                (
                    need,
                    places
                        .iter()
                        .copied()
                        .filter(|place| need.is_asked_by(*place))
                        .collect::<Vec<usize>>(),
                )
            })
            .filter(|(_, asking)| !asking.is_empty())
            .map(|(need, asking)| {
                let asking = asking
                    .into_iter()
                    .filter_map(|place| dependent.package.published.get(place).cloned());
                (need.clone(), asking.collect::<Vec<String>>())
            })
            .collect();
        for (need, asking) in asked {
            if !reached.contains_key(&need.package) && reached.len() < MOST {
                reached.insert(need.package, Reached::new(index.package(need.package)?));
            }
            let Some(needed) = reached.get(&need.package) else {
                continue;
            };
            let places = if need.range == NEWEST {
                asking
                    .iter()
                    .filter_map(|version| needs::newest_place(&needed.package, version))
                    .collect()
            } else if seen.insert((need.package, need.range.clone())) {
                needs::range(&need).map_or_else(Vec::new, |range| needed.taken(&range))
            } else {
                Vec::new()
            };
            if !places.is_empty() {
                open.push((need.package, places));
            }
        }
    }
    Ok(reached.into_keys().collect())
}
