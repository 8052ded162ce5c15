//! Dependency edges of installed trees: which of the installed packages each one finds, as Node looks for it.

use crate::{
    ecosystem::NPM,
    model::{Component, Coordinate, Location},
};
use std::collections::{BTreeSet, HashMap};

type Folder<'a> = (&'a [Box<str>], &'a str);

/// Gives each name that an installed package requires the version that it finds there: in its own `node_modules`, then in
/// those above it. Names that are not found so (pnpm's links are not followed) get the only version that there is of them;
/// where there are several or none, the edge goes.
pub(super) fn resolve(components: &mut [Component]) {
    let mut edges: Vec<(usize, Vec<Coordinate>)> = Vec::new();
    {
        let mut at: HashMap<Folder<'_>, &Coordinate> = HashMap::new();
        let mut versions: HashMap<&str, BTreeSet<&Coordinate>> = HashMap::new();
        for component in components.iter().filter(|c| c.coordinate.ecosystem == NPM.id) {
            let known = component.coordinate.version.is_some();
            for place in component
                .evidence
                .iter()
                .map(|e| &e.location)
                .filter(|l| known && is_manifest(l))
            {
                at.insert((&place.archives, place.folder()), &component.coordinate);
                versions
                    .entry(&component.coordinate.name)
                    .or_default()
                    .insert(&component.coordinate);
            }
        }
        for (i, component) in components.iter().enumerate() {
            let open =
                component.coordinate.ecosystem == NPM.id && component.requires.iter().any(|r| r.version.is_none());
            let Some(place) = component.evidence.first().map(|e| &e.location).filter(|_| open) else {
                continue;
            };
            let found = component.requires.iter().filter_map(|required| {
                if required.version.is_some() {
                    return Some(required.clone());
                }
                let only = || versions.get(&*required.name).filter(|v| v.len() == 1)?.first().copied();
                nearest(place, &required.name, &at).or_else(only).cloned()
            });
            edges.push((i, found.collect()));
        }
    }
    for (i, requires) in edges {
        if let Some(component) = components.get_mut(i) {
            component.requires = requires;
        }
    }
}

fn is_manifest(place: &Location) -> bool {
    place.path.ends_with("/package.json")
}

fn nearest<'a>(from: &Location, name: &str, at: &HashMap<Folder<'_>, &'a Coordinate>) -> Option<&'a Coordinate> {
    let mut folder = from.folder();
    // A path has no more folders than the limit on its length allows; a chain of them is short in any honest tree.
    for _ in 0..64 {
        let place = if folder.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{folder}/node_modules/{name}")
        };
        if let Some(found) = at.get(&(&*from.archives, &*place)) {
            return Some(found);
        }
        if folder.is_empty() {
            return None;
        }
        // `a/node_modules/b` looks in `a` next; any other folder in the one around it.
        folder = match folder.rsplit_once("node_modules/") {
            Some((above, _)) => above.trim_end_matches('/'),
            None => folder.rsplit_once('/').map_or("", |(above, _)| above),
        };
    }
    None
}
