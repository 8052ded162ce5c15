//! How a component came in: asked for by the application itself, or by way of another package.

use super::Inventory;
use crate::model::{Component, Coordinate, EcosystemId, Fact};
use std::collections::{HashMap, HashSet};

/// Which components require which, backwards. By numbers and not by coordinates: an inventory job asks for every component of
/// thousands of artifacts, and hashing names on each step of each way was a third of its time.
#[derive(Debug)]
pub struct Origins<'i> {
    numbers: HashMap<&'i Coordinate, usize>,
    /// Of each number what it stands for.
    nodes: Vec<Node<'i>>,
    /// Ecosystems of which something in the artifact says what the application asks for.
    told: HashSet<EcosystemId>,
}

/// A coordinate that is in the artifact or that something in it requires.
#[derive(Debug)]
struct Node<'i> {
    coordinate: &'i Coordinate,
    direct: bool,
    dependents: Vec<usize>,
}

impl<'i> Origins<'i> {
    /// Of all components.
    #[must_use]
    pub fn new(inventory: &'i Inventory) -> Self {
        let mut numbers: HashMap<&Coordinate, usize> = HashMap::new();
        let mut nodes: Vec<Node<'_>> = Vec::new();
        for component in inventory.iter() {
            numbers.insert(&component.coordinate, nodes.len());
            nodes.push(Node {
                coordinate: &component.coordinate,
                direct: is_direct(component),
                dependents: Vec::new(),
            });
        }
        // The inventory holds each coordinate once, so the number of a component is its place there.
        for (dependent, component) in inventory.iter().enumerate() {
            for required in &component.requires {
                let number = *numbers.entry(required).or_insert(nodes.len());
                match nodes.get_mut(number) {
                    Some(node) => node.dependents.push(dependent),
                    None => nodes.push(Node {
                        coordinate: required,
                        direct: false,
                        dependents: vec![dependent],
                    }),
                }
            }
        }
        let told = nodes
            .iter()
            .filter(|node| node.direct)
            .map(|node| node.coordinate.ecosystem);
        Self {
            told: told.collect(),
            numbers,
            nodes,
        }
    }

    /// Whether the application asks for a component by name, `None` where nothing tells; and the outermost packages by way of
    /// which it came in, sorted: those that the application asks for, or, where nobody says which these are, those that no
    /// other package requires.
    #[must_use]
    pub fn of(&self, coordinate: &Coordinate) -> (Option<bool>, Vec<Coordinate>) {
        let number = self.numbers.get(coordinate).copied();
        let Some((number, node)) = number.and_then(|number| Some((number, self.nodes.get(number)?))) else {
            return (None, Vec::new());
        };
        if node.direct {
            return (Some(true), Vec::new());
        }
        if node.dependents.is_empty() {
            return (None, Vec::new());
        }
        let direct = self.told.contains(&coordinate.ecosystem).then_some(false);
        let mut seen = vec![false; self.nodes.len()];
        seen[number] = true;
        let mut open = node.dependents.clone();
        let mut outermost = Vec::new();
        while let Some(next) = open.pop() {
            let (Some(seen), Some(node)) = (seen.get_mut(next), self.nodes.get(next)) else {
                continue;
            };
            if std::mem::replace(seen, true) {
                continue;
            }
            if node.direct || node.dependents.is_empty() {
                outermost.push(next);
            } else {
                open.extend_from_slice(&node.dependents);
            }
        }
        let outermost = outermost.into_iter().filter_map(|number| self.nodes.get(number));
        let mut outermost: Vec<Coordinate> = outermost.map(|node| node.coordinate.clone()).collect();
        outermost.sort_unstable();
        (direct, outermost)
    }
}

fn is_direct(component: &Component) -> bool {
    component.facts().any(|fact| *fact == Fact::Direct)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ecosystem::NPM,
        model::{Evidence, Location, Proof},
    };

    /// `a > b > c`, `d > c`, `e > f > e`, and `g` alone.
    fn inventory(direct: &[&str]) -> Inventory {
        let component = |(name, requires): (&str, &[&str])| Component {
            coordinate: NPM.coordinate(name, Some("1.0.0")),
            evidence: vec![Evidence {
                detector: "test",
                location: Location::new([].into(), name),
                proof: Proof::Installed,
                confidence: 1.0,
                facts: if direct.contains(&name) {
                    vec![Fact::Direct]
                } else {
                    Vec::new()
                },
            }],
            requires: requires
                .iter()
                .map(|name| NPM.coordinate(name, Some("1.0.0")))
                .collect(),
        };
        let all: [(&str, &[&str]); 7] = [
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &[]),
            ("d", &["c"]),
            ("e", &["f"]),
            ("f", &["e"]),
            ("g", &[]),
        ];
        Inventory::merge(all.into_iter().map(component).collect()).0
    }

    #[test]
    fn by_way_of_what() {
        for (direct, name, expected, by_way_of) in [
            (&[][..], "a", None, &[][..]),
            (&[], "c", None, &["a", "d"]),
            (&["a"], "a", Some(true), &[]),
            (&["a", "b"], "c", Some(false), &["b", "d"]),
            (&["a"], "f", Some(false), &[]),
            (&["a"], "g", None, &[]),
        ] {
            let inventory = inventory(direct);
            let (found, way) = Origins::new(&inventory).of(&NPM.coordinate(name, Some("1.0.0")));
            let way: Vec<&str> = way.iter().map(|c| &*c.name).collect();
            assert_eq!((found, &*way), (expected, by_way_of), "{direct:?} {name}");
        }
    }
}
