//! Dependency edges of installed trees: which of the installed packages each one finds, and which of them the application
//! asks for itself.

use crate::{
    ecosystem::NPM,
    model::{Component, Coordinate, EcosystemId, Fact, Link, Location, Wish},
};
use std::collections::{BTreeSet, HashMap, HashSet};

type Folder<'a> = (&'a [Box<str>], &'a str);

/// Gives each name that an installed package requires the version that it finds there. Node looks in the package's own
/// `node_modules`, then in those above it, through the links that pnpm lays. Names that are not found so, and those of
/// other ecosystems, which install one version of a name, get the only one that there is; where there are several or none,
/// the edge goes. What the application asks for, and finds in the same way, gets [`Fact::Direct`]. To be called before
/// [`super::Inventory::merge`].
pub fn resolve_edges(components: &mut [Component], links: &[Link], wishes: &[Wish]) {
    let mut edges: Vec<(usize, Vec<Coordinate>)> = Vec::new();
    let direct: HashSet<Coordinate>;
    {
        let mut at: HashMap<Folder<'_>, &Coordinate> = HashMap::new();
        let mut versions: HashMap<(EcosystemId, &str), BTreeSet<&Coordinate>> = HashMap::new();
        for component in components.iter().filter(|c| c.coordinate.version.is_some()) {
            let coordinate = &component.coordinate;
            let is_npm = coordinate.ecosystem == NPM.id;
            for place in component.evidence.iter().map(|e| &e.location) {
                if is_npm && !is_manifest(place) {
                    continue;
                }
                if is_npm {
                    at.insert((&place.archives, place.folder()), coordinate);
                }
                let name = (coordinate.ecosystem, &*coordinate.name);
                versions.entry(name).or_default().insert(coordinate);
            }
        }
        // Links come after folders: what lies at a place is what Node finds there.
        let linked: Vec<(Folder<'_>, &Coordinate)> = links
            .iter()
            .filter_map(|link| {
                let there = at.get(&(&*link.at.archives, &*link.to))?;
                Some(((&*link.at.archives, &*link.at.path), *there))
            })
            .collect();
        for (folder, there) in linked {
            at.entry(folder).or_insert(there);
        }
        direct = wishes
            .iter()
            .flat_map(|wish| wish.names.iter().filter_map(|name| nearest(&wish.at, name, &at)))
            .cloned()
            .collect();
        for (i, component) in components.iter().enumerate() {
            let open = component.requires.iter().any(|r| r.version.is_none());
            let Some(place) = component.evidence.first().map(|e| &e.location).filter(|_| open) else {
                continue;
            };
            let found = component.requires.iter().filter_map(|required| {
                if required.version.is_some() {
                    return Some(required.clone());
                }
                let name = (required.ecosystem, &*required.name);
                let only = || versions.get(&name).filter(|v| v.len() == 1)?.first().copied();
                let found = (required.ecosystem == NPM.id).then(|| nearest(place, &required.name, &at));
                found.flatten().or_else(only).cloned()
            });
            edges.push((i, found.collect()));
        }
    }
    for (i, requires) in edges {
        if let Some(component) = components.get_mut(i) {
            component.requires = requires;
        }
    }
    for component in components.iter_mut().filter(|c| direct.contains(&c.coordinate)) {
        let installed = component.evidence.iter_mut().find(|e| is_manifest(&e.location));
        if let Some(facts) = installed
            .map(|e| &mut e.facts)
            .filter(|facts| !facts.contains(&Fact::Direct))
        {
            facts.push(Fact::Direct);
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

#[cfg(test)]
mod tests {
    use super::resolve_edges;
    use crate::{
        ecosystem::NPM,
        model::{Component, Evidence, Fact, Link, Location, Proof, Wish},
    };

    fn installed(name: &str, version: &str, folder: &str, requires: &[&str]) -> Component {
        Component {
            coordinate: NPM.coordinate(name, Some(version)),
            evidence: vec![Evidence {
                detector: "test",
                location: Location::new([].into(), &format!("{folder}/package.json")),
                proof: Proof::Installed,
                confidence: 1.0,
                facts: vec![],
            }],
            requires: requires.iter().map(|name| NPM.coordinate(name, None)).collect(),
        }
    }

    /// `name version` of each edge of the first component.
    fn edges(mut components: Vec<Component>, links: &[Link]) -> Vec<String> {
        resolve_edges(&mut components, links, &[]);
        let shown = components[0].requires.iter();
        shown
            .map(|c| format!("{} {}", c.name, c.version.as_deref().unwrap_or("-")))
            .collect()
    }

    #[test]
    fn a_package_finds_what_is_nearest() {
        let tree = |from: &str| {
            vec![
                installed("a", "1.0.0", from, &["b", "absent"]),
                installed("b", "1.0.0", "node_modules/b", &[]),
                installed("b", "2.0.0", "node_modules/a/node_modules/b", &[]),
            ]
        };
        assert_eq!(edges(tree("node_modules/a"), &[]), ["b 2.0.0"]);
        assert_eq!(edges(tree("node_modules/c"), &[]), ["b 1.0.0"]);
    }

    #[test]
    fn what_the_application_asks_for_is_direct() {
        let mut tree = vec![
            installed("a", "1.0.0", "app/node_modules/a", &["b"]),
            installed("b", "1.0.0", "app/node_modules/b", &[]),
            installed("b", "2.0.0", "node_modules/b", &[]),
        ];
        let wish = Wish {
            at: Location::new([].into(), "app/package.json"),
            names: vec!["b".into(), "absent".into()],
        };
        resolve_edges(&mut tree, &[], &[wish]);
        let direct: Vec<bool> = tree.iter().map(|c| c.facts().any(|f| *f == Fact::Direct)).collect();
        assert_eq!(
            direct,
            [false, true, false],
            "the nearest `b`, and not the one above it"
        );
    }

    #[test]
    fn the_links_of_a_virtual_store_are_followed() {
        let store = "node_modules/.pnpm";
        let tree = vec![
            installed("a", "1.0.0", &format!("{store}/a@1.0.0/node_modules/a"), &["b"]),
            installed("b", "1.0.0", &format!("{store}/b@1.0.0/node_modules/b"), &[]),
            installed("b", "2.0.0", &format!("{store}/b@2.0.0/node_modules/b"), &[]),
        ];
        let at = Location::new([].into(), &format!("{store}/a@1.0.0/node_modules/b"));
        let link = Link::new(at.clone(), "../../b@2.0.0/node_modules/b").expect("it stays inside");
        assert_eq!(edges(tree.clone(), &[link]), ["b 2.0.0"]);
        assert!(edges(tree, &[]).is_empty(), "nothing decides between two versions");
        for elsewhere in ["../../../../../x", "/x", ""] {
            assert_eq!(Link::new(at.clone(), elsewhere), None, "{elsewhere}");
        }
    }
}
