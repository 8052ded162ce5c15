//! How a component came in: asked for by the application itself, or by way of another package.

use super::Inventory;
use crate::model::{Component, Coordinate, EcosystemId, Fact};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Which components require which, backwards.
#[derive(Debug)]
pub struct Origins<'i> {
    inventory: &'i Inventory,
    dependents: HashMap<&'i Coordinate, Vec<&'i Coordinate>>,
    /// Ecosystems of which something in the artifact says what the application asks for.
    told: HashSet<EcosystemId>,
}

impl<'i> Origins<'i> {
    /// Of all components.
    #[must_use]
    pub fn new(inventory: &'i Inventory) -> Self {
        let mut dependents: HashMap<&Coordinate, Vec<&Coordinate>> = HashMap::new();
        for component in inventory.iter() {
            for required in &component.requires {
                dependents.entry(required).or_default().push(&component.coordinate);
            }
        }
        let told = inventory
            .iter()
            .filter(|c| is_direct(c))
            .map(|c| c.coordinate.ecosystem);
        Self {
            inventory,
            dependents,
            told: told.collect(),
        }
    }

    /// Whether the application asks for a component by name, `None` where nothing tells; and the outermost packages by way of
    /// which it came in, sorted: those that the application asks for, or, where nobody says which these are, those that no
    /// other package requires.
    #[must_use]
    pub fn of(&self, coordinate: &Coordinate) -> (Option<bool>, Vec<Coordinate>) {
        if self.inventory.get(coordinate).is_some_and(is_direct) {
            return (Some(true), Vec::new());
        }
        let Some(first) = self.dependents.get(coordinate) else {
            return (None, Vec::new());
        };
        let direct = self.told.contains(&coordinate.ecosystem).then_some(false);
        let mut seen: HashSet<&Coordinate> = HashSet::from([coordinate]);
        let mut open: Vec<&Coordinate> = first.clone();
        let mut outermost: BTreeSet<&Coordinate> = BTreeSet::new();
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            let above = self.dependents.get(next);
            if self.inventory.get(next).is_some_and(is_direct) || above.is_none() {
                outermost.insert(next);
            } else {
                open.extend(above.into_iter().flatten());
            }
        }
        (direct, outermost.into_iter().cloned().collect())
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
