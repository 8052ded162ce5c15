//! Lock files against installed trees: a locked package that the tree beside the lock shows to be absent is not there.
//!
//! A tree may speak only of a lock that it was made from ([`Witness`]); where it may not, what is locked stays in the
//! inventory with the proof that it has. Dropping a package that production needs is told in a gap: it may still be there
//! in a form that no detector recognised, bundled for example.

use super::{count, some_of};
use crate::{
    ecosystem::{self, Witness},
    model::{Component, Coordinate, EcosystemId, Evidence, Fact, Gap, GapKind, Location, Proof},
};
use std::collections::{BTreeMap, BTreeSet};

/// One lock or manifest file, or one installed tree's claim on it.
type File = (EcosystemId, Location);

/// Drops refuted components, joins versionless ones with their versioned twins, and returns the gaps that this leaves.
pub(super) fn settle(components: &mut BTreeMap<Coordinate, Component>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (lock, entries) in locks(components) {
        let tree = tree_beside(&lock, components);
        let (present, absent): (Vec<_>, Vec<_>) = entries.iter().partition(|e| tree.holds(&e.coordinate));
        let needed = |of: &[&Entry]| of.iter().filter(|e| !e.dispensable).count();
        let refuted = match ecosystem::of(lock.0).witness {
            Witness::MostOfTheLock => !present.is_empty() && needed(&present) >= needed(&absent),
            Witness::MostOfTheTree => !tree.exact.is_empty() && present.len() * 10 >= tree.exact.len() * 9,
        };
        if !refuted {
            continue;
        }
        let missing: BTreeSet<&str> = absent
            .iter()
            .filter(|e| !e.dispensable)
            .map(|e| &*e.coordinate.name)
            .collect();
        if ecosystem::of(lock.0).witness == Witness::MostOfTheLock && !missing.is_empty() {
            gaps.push(missing_from_tree(&lock.1, &missing));
        }
        for entry in &absent {
            drop_evidence(components, &entry.coordinate, &lock.1);
        }
    }
    join_versionless(components);
    gaps
}

struct Entry {
    coordinate: Coordinate,
    dispensable: bool,
}

/// What is installed at and below a lock file's folder.
#[derive(Default)]
struct Tree {
    exact: BTreeSet<Coordinate>,
    unversioned: BTreeSet<Box<str>>,
    /// Believed to be there, on weaker grounds: no witness against a lock, and not to be dropped by one either.
    inferred: BTreeSet<Coordinate>,
}

impl Tree {
    fn holds(&self, coordinate: &Coordinate) -> bool {
        self.exact.contains(coordinate)
            || self.inferred.contains(coordinate)
            || self.unversioned.contains(&coordinate.name)
            || (coordinate.version.is_none() && self.exact.iter().any(|c| c.name == coordinate.name))
    }
}

fn locks(components: &BTreeMap<Coordinate, Component>) -> BTreeMap<File, Vec<Entry>> {
    let mut locks: BTreeMap<File, Vec<Entry>> = BTreeMap::new();
    for component in components.values() {
        for evidence in component.evidence.iter().filter(|e| claims(e)) {
            let file = Location::new(evidence.location.archives.clone(), &evidence.location.path);
            locks
                .entry((component.coordinate.ecosystem, file))
                .or_default()
                .push(Entry {
                    coordinate: component.coordinate.clone(),
                    dispensable: evidence.facts.contains(&Fact::Dispensable),
                });
        }
    }
    locks
}

/// Bundled code is no tree: what is missing from it may lie in the parts of it that nobody identified. Bundles that are
/// explained speak of their lock in [`super::bundled`].
fn is_bundled(evidence: &Evidence) -> bool {
    evidence.facts.iter().any(|fact| matches!(fact, Fact::At(_)))
}

fn claims(evidence: &Evidence) -> bool {
    matches!(evidence.proof, Proof::Locked | Proof::Declared) && !evidence.facts.contains(&Fact::Given)
}

fn tree_beside((ecosystem, lock): &File, components: &BTreeMap<Coordinate, Component>) -> Tree {
    // npm's hidden lock file lies inside the tree it describes.
    let folder = lock.folder().strip_suffix("node_modules").unwrap_or(lock.folder());
    let folder = folder.trim_end_matches('/');
    let below = |l: &Location| {
        l.archives == lock.archives
            && l.path
                .strip_prefix(folder)
                .is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
    };
    let mut tree = Tree::default();
    for component in components.values().filter(|c| c.coordinate.ecosystem == *ecosystem) {
        let proven = |proof| {
            component
                .evidence
                .iter()
                .any(|e| e.proof == proof && !is_bundled(e) && below(&e.location))
        };
        if proven(Proof::Inferred) {
            tree.inferred.insert(component.coordinate.clone());
        }
        if proven(Proof::Installed) {
            match component.coordinate.version {
                Some(_) => drop(tree.exact.insert(component.coordinate.clone())),
                None => drop(tree.unversioned.insert(component.coordinate.name.clone())),
            }
        }
    }
    tree
}

fn missing_from_tree(lock: &Location, missing: &BTreeSet<&str>) -> Gap {
    Gap {
        kind: GapKind::Partial,
        location: lock.clone(),
        stage: "inventory",
        reason: format!(
            "{} needed by the lock file but not installed beside it, and left out: {}; if they are bundled they \
             were not checked",
            count(missing.len(), "package"),
            some_of(missing)
        ),
    }
}

fn drop_evidence(components: &mut BTreeMap<Coordinate, Component>, coordinate: &Coordinate, lock: &Location) {
    if let Some(component) = components.get_mut(coordinate) {
        component
            .evidence
            .retain(|e| !(claims(e) && e.location.path == lock.path && e.location.archives == lock.archives));
        if component.evidence.is_empty() {
            components.remove(coordinate);
        }
    }
}

/// `flask` asked for without a version and `flask 3.0.0` installed are one package: the question is answered. A copy whose code
/// allows none of the versions that are there is another one, and stays.
fn join_versionless(components: &mut BTreeMap<Coordinate, Component>) {
    let questions: Vec<Coordinate> = components
        .values()
        .filter(|c| c.coordinate.version.is_none() && c.proof() < Proof::Installed)
        .map(|c| c.coordinate.clone())
        .collect();
    for question in questions {
        let answers: Vec<Coordinate> = components
            .range(question.clone()..)
            .map(|(coordinate, _)| coordinate)
            .take_while(|c| c.ecosystem == question.ecosystem && c.name == question.name)
            .filter(|c| c.version.is_some())
            .cloned()
            .collect();
        let is_answered = |evidence: &Evidence, by: &Coordinate| {
            let is_it = |all: &[Box<str>]| by.version.as_ref().is_some_and(|version| all.contains(version));
            evidence.one_of().map_or(!evidence.facts.contains(&Fact::Copy), is_it)
        };
        let mut joined: Vec<(&Coordinate, Evidence)> = Vec::new();
        if let Some(component) = components.get_mut(&question) {
            component.evidence.retain(|evidence| {
                let before = joined.len();
                let by = answers.iter().filter(|answer| is_answered(evidence, answer));
                joined.extend(by.map(|answer| (answer, evidence.clone())));
                joined.len() == before
            });
            if component.evidence.is_empty() {
                components.remove(&question);
            }
        }
        for (answer, evidence) in joined {
            if let Some(component) = components.get_mut(answer) {
                component.evidence.push(evidence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Inventory;
    use crate::{
        ecosystem::{CARGO, Ecosystem, NPM, PYPI},
        model::{Component, Evidence, Fact, Location, Proof},
    };

    fn seen(ecosystem: &Ecosystem, name: &str, version: &str, path: &str, proof: Proof, facts: &[Fact]) -> Component {
        let version = (!version.is_empty()).then_some(version);
        Component {
            coordinate: ecosystem.coordinate(name, version),
            evidence: vec![Evidence {
                detector: "test",
                location: Location::new([].into(), path),
                proof,
                confidence: 1.0,
                facts: facts.to_vec(),
            }],
            requires: vec![],
        }
    }

    fn names(inventory: &Inventory) -> Vec<String> {
        let show = |c: &Component| {
            format!(
                "{} {} {}",
                c.coordinate.name,
                c.coordinate.version.as_deref().unwrap_or("-"),
                c.proof().as_str()
            )
        };
        inventory.iter().map(show).collect()
    }

    #[test]
    fn a_tree_refutes_the_lock_it_was_made_from() {
        let (inventory, gaps) = Inventory::merge(vec![
            seen(&NPM, "a", "1.0.0", "node_modules/a/package.json", Proof::Installed, &[]),
            seen(&NPM, "a", "1.0.0", "package-lock.json", Proof::Locked, &[]),
            seen(
                &NPM,
                "jest",
                "29.0.0",
                "package-lock.json",
                Proof::Locked,
                &[Fact::Dispensable],
            ),
        ]);
        assert_eq!(names(&inventory), ["a 1.0.0 installed"]);
        assert!(gaps.is_empty(), "a development dependency is absent by design");
    }

    #[test]
    fn a_missing_production_package_is_a_gap() {
        let (inventory, gaps) = Inventory::merge(vec![
            seen(&PYPI, "a", "1", "a-1.dist-info/METADATA", Proof::Installed, &[]),
            seen(&PYPI, "a", "1", "requirements.txt", Proof::Locked, &[]),
            seen(&PYPI, "boto3", "1.20", "requirements.txt", Proof::Locked, &[]),
        ]);
        assert_eq!(names(&inventory), ["a 1 installed"]);
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].reason.contains("boto3"));
    }

    #[test]
    fn a_tree_of_externals_says_nothing_of_what_is_bundled() {
        let lock = |name| seen(&NPM, name, "1.0.0", "package-lock.json", Proof::Locked, &[]);
        let (inventory, _) = Inventory::merge(vec![
            seen(
                &NPM,
                "sharp",
                "1.0.0",
                "node_modules/sharp/package.json",
                Proof::Installed,
                &[],
            ),
            lock("sharp"),
            lock("axios"),
            lock("lodash"),
        ]);
        assert_eq!(
            names(&inventory),
            ["axios 1.0.0 locked", "lodash 1.0.0 locked", "sharp 1.0.0 installed"]
        );
    }

    #[test]
    fn trees_elsewhere_say_nothing() {
        let (inventory, _) = Inventory::merge(vec![
            seen(
                &NPM,
                "a",
                "1.0.0",
                "one/node_modules/a/package.json",
                Proof::Installed,
                &[],
            ),
            seen(&NPM, "b", "1.0.0", "two/package-lock.json", Proof::Locked, &[]),
        ]);
        assert_eq!(names(&inventory), ["a 1.0.0 installed", "b 1.0.0 locked"]);
    }

    #[test]
    fn audit_data_is_complete_however_long_the_lock_is() {
        let (inventory, gaps) = Inventory::merge(vec![
            seen(&CARGO, "a", "1.0.0", "bootstrap", Proof::Installed, &[]),
            seen(&CARGO, "a", "1.0.0", "Cargo.lock", Proof::Locked, &[]),
            seen(&CARGO, "windows-sys", "0.1.0", "Cargo.lock", Proof::Locked, &[]),
            seen(&CARGO, "criterion", "0.5.0", "Cargo.lock", Proof::Locked, &[]),
        ]);
        assert_eq!(names(&inventory), ["a 1.0.0 installed"]);
        assert!(gaps.is_empty());
    }

    #[test]
    fn a_package_of_unknown_version_keeps_its_lock_entry() {
        let (inventory, _) = Inventory::merge(vec![
            seen(&NPM, "a", "", "node_modules/a/package.json", Proof::Installed, &[]),
            seen(&NPM, "a", "1.0.0", "package-lock.json", Proof::Locked, &[]),
        ]);
        assert_eq!(names(&inventory), ["a - installed", "a 1.0.0 locked"]);
    }

    #[test]
    fn an_unpinned_requirement_is_answered_by_what_is_installed() {
        let (inventory, _) = Inventory::merge(vec![
            seen(&PYPI, "flask", "", "requirements.txt", Proof::Declared, &[]),
            seen(
                &PYPI,
                "flask",
                "3.0.0",
                "flask-3.0.0.dist-info/METADATA",
                Proof::Installed,
                &[],
            ),
        ]);
        assert_eq!(names(&inventory), ["flask 3.0.0 installed"]);
    }

    #[test]
    fn a_copy_of_which_no_version_is_there_is_another_one() {
        let copy = |versions: &[&str]| {
            let one_of = Fact::OneOf(versions.iter().map(|v| (*v).into()).collect());
            seen(&NPM, "depd", "", "index.js", Proof::Inferred, &[one_of])
        };
        let unknown = || seen(&NPM, "depd", "", "index.js", Proof::Inferred, &[Fact::Copy]);
        let known = || seen(&NPM, "depd", "2.0.0", "index.js", Proof::Inferred, &[]);
        for (copies, expected) in [
            (vec![copy(&["1.1.1", "2.0.0"])], &["depd 2.0.0 inferred"][..]),
            (
                vec![copy(&["1.1.0", "1.1.1"])],
                &["depd - inferred", "depd 2.0.0 inferred"],
            ),
            (vec![unknown()], &["depd - inferred", "depd 2.0.0 inferred"]),
            (
                vec![copy(&["1.1.0", "1.1.1"]), copy(&["1.1.1", "2.0.0"]), copy(&["0.4.0"])],
                &["depd - inferred", "depd 2.0.0 inferred"],
            ),
        ] {
            let count = copies.len();
            let (inventory, _) = Inventory::merge(copies.into_iter().chain([known()]).collect());
            assert_eq!(names(&inventory), expected, "{count}");
            let copies: usize = inventory.iter().map(|c| c.copies().len()).sum();
            assert_eq!(copies, count.max(expected.len()), "{count}");
        }
    }
}
