//! What an artifact itself states of versions: by manifests and paths, by literals, by code.

use super::versions::{folder_of, is_present};
use crate::model::{Component, EcosystemId, Proof};
use std::collections::{BTreeMap, BTreeSet};

/// The detector that knows packages by their code.
pub(super) const BY_CODE: &str = "js-fingerprint";

/// Where in a bundle, where that is known.
type Place = Option<Box<str>>;

/// A name in an ecosystem.
pub(super) type Key = (EcosystemId, Box<str>);

/// Versions that the artifact itself states for names that it shows elsewhere without one.
#[derive(Default)]
pub(super) struct Said {
    /// By a manifest or a path.
    strong: BTreeMap<Key, BTreeSet<Box<str>>>,
    /// By a literal or a comment, with the folder it stands in, if that is known.
    weak: BTreeMap<Key, BTreeSet<(Place, Box<str>)>>,
    /// By code, of each of its copies.
    code: BTreeMap<Key, BTreeSet<Box<str>>>,
    /// Folders in which the name was seen without a version.
    places: BTreeMap<Key, BTreeSet<Place>>,
}

/// What the components state.
pub(super) fn said(components: &[Component]) -> Said {
    let mut said = Said::default();
    for component in components.iter().filter(|c| is_present(c)) {
        let c = &component.coordinate;
        let key = (c.ecosystem, c.name.clone());
        let folder: Option<Box<str>> = folder_of(&component.evidence).map(Into::into);
        if is_known_by_code(component) {
            let code = said.code.entry(key.clone()).or_default();
            code.extend(c.version.iter().chain(component.candidates().iter()).cloned());
        }
        match (&c.version, component.proof()) {
            (None, _) => drop(said.places.entry(key).or_default().insert(folder)),
            // What code tells is of its own copy alone.
            (Some(_), Proof::Inferred) if is_known_by_code(component) => {}
            (Some(version), Proof::Inferred) => {
                said.weak.entry(key).or_default().insert((folder, version.clone()));
            }
            (Some(version), _) => drop(said.strong.entry(key).or_default().insert(version.clone())),
        }
    }
    said
}

/// Whether nothing but its code speaks for it.
pub(super) fn is_known_by_code(component: &Component) -> bool {
    component.evidence.iter().all(|e| e.detector == BY_CODE)
}

impl Said {
    /// The versions that a manifest or a path says.
    pub(super) fn stated(&self, key: &Key) -> Vec<Box<str>> {
        self.strong.get(key).into_iter().flatten().cloned().collect()
    }

    /// Whether a manifest or a path says that a guess at the version is wrong. Where the code of one copy agrees with that, what the
    /// code of another says is of that other.
    pub(super) fn overrules(&self, component: &Component, key: &Key) -> bool {
        let Some(strong) = self.strong.get(key) else {
            return false;
        };
        let own = component.coordinate.version.iter();
        let agrees = own
            .chain(component.candidates().iter())
            .any(|version| strong.contains(version));
        !(agrees || is_known_by_code(component) && self.is_told_by_code(strong, key))
    }

    /// Whether the code of some copy is of one of these versions.
    fn is_told_by_code(&self, versions: &BTreeSet<Box<str>>, key: &Key) -> bool {
        self.code.get(key).is_some_and(|code| !code.is_disjoint(versions))
    }

    /// Empty where nothing is said, or where there are more places than versions and one of them would be made up.
    pub(super) fn answers(&self, component: &Component, key: &Key) -> Vec<Box<str>> {
        let places = self
            .places
            .get(key)
            .map_or(0, |p| p.iter().filter(|p| p.is_some()).count().max(1));
        // What its code cannot be of is another copy.
        let allowed = component.candidates();
        if let Some(strong) = self.strong.get(key) {
            if !allowed.is_empty() && self.is_told_by_code(strong, key) {
                return strong
                    .iter()
                    .filter(|version| allowed.contains(version))
                    .cloned()
                    .collect();
            }
            return if places <= strong.len() {
                strong.iter().cloned().collect()
            } else {
                Vec::new()
            };
        }
        let folder = folder_of(&component.evidence);
        let weak = self.weak.get(key).into_iter().flatten();
        let here = weak.filter(|(place, _)| match (place.as_deref(), folder) {
            (Some(place), Some(folder)) => place == folder,
            _ => places <= 1,
        });
        let here = here
            .map(|(_, version)| version)
            .filter(|v| allowed.is_empty() || allowed.contains(v));
        let versions: BTreeSet<Box<str>> = here.cloned().collect();
        versions.into_iter().collect()
    }
}
