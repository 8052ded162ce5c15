//! Versions for names: what an artifact shows to be there without a version gets the one that a lock file, a manifest or the
//! code itself gives it.

use super::{
    agreement::Disagreements,
    said::{Key, is_known_by_code, said},
};
use crate::ecosystem::NPM;
use crate::model::{Component, Coordinate, EcosystemId, Evidence, Fact, Gap, GapKind, Location, Proof};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// One version that a lock file has of a name.
#[derive(Debug, Clone)]
struct Locked {
    name: Box<str>,
    version: Box<str>,
}

/// What all lock files say, by name and by folder.
#[derive(Default)]
struct Locks {
    by_name: BTreeMap<Key, BTreeSet<Box<str>>>,
    by_folder: HashMap<(EcosystemId, Box<str>), Vec<Locked>>,
    requires: HashMap<Coordinate, Vec<Coordinate>>,
    /// What applications ask for themselves, where lock files record it.
    direct: HashSet<Coordinate>,
    /// What the packages that are there require, in any of their versions.
    wanted: HashSet<Coordinate>,
}

/// Gives versions to the components that have none, as far as anything names one. Several that are possible are all kept,
/// as [`Fact::Candidate`]s.
pub(super) fn name(components: &mut Vec<Component>, gaps: &mut Vec<Gap>) {
    let views = Views::of(components);
    let said = said(components);
    let mut disagreements = Disagreements::default();
    let mut named = Vec::with_capacity(components.len());
    for component in std::mem::take(components) {
        if !is_present(&component) {
            named.push(component);
            continue;
        }
        let key = (component.coordinate.ecosystem, component.coordinate.name.clone());
        let weak = component.proof() == Proof::Inferred && component.coordinate.version.is_some();
        if component.coordinate.version.is_some() && !weak {
            named.push(component);
        } else if let Some(found) = views
            .for_(&component)
            .and_then(|v| v.locks.of_instance(&component, &v.folders))
        {
            let allowed = component.candidates();
            let agrees = |l: &Locked| match &component.coordinate.version {
                Some(version) => *version == l.version,
                None => allowed.contains(&l.version),
            };
            let weak = weak || !allowed.is_empty();
            if weak && !found.iter().any(agrees) {
                gaps.extend(disagreement(&component, &found));
            }
            // A literal that is one of the possible versions decides between them.
            let decided: Vec<Locked> = found.iter().filter(|l| weak && agrees(l)).cloned().collect();
            let found = if decided.is_empty() { found } else { decided };
            named.extend(with_versions(&component, &found));
        } else if weak {
            if !said.overrules(&component, &key) {
                named.push(component);
            } else if is_known_by_code(&component) {
                disagreements.add(&component, &said.stated(&key));
            }
        } else {
            // One bundle says what another holds; an installed copy says nothing of one that lies elsewhere.
            let answers = if component.coordinate.ecosystem == NPM.id {
                said.answers(&component, &key)
            } else {
                Vec::new()
            };
            let allowed = component.candidates();
            if !allowed.is_empty() && !answers.is_empty() && !answers.iter().any(|version| allowed.contains(version)) {
                disagreements.add(&component, &answers);
            }
            let answers: Vec<Locked> = answers
                .into_iter()
                .map(|version| Locked {
                    name: component.coordinate.name.clone(),
                    version,
                })
                .collect();
            if answers.is_empty() {
                named.push(component);
            } else {
                named.extend(with_versions(&component, &answers));
            }
        }
    }
    gaps.extend(disagreements.gaps());
    *components = named;
}

/// What the lock files say, as it looks from each place: one speaks of what lies in its folder and below, one that was given
/// beside the artifact of everything.
struct Views {
    lock_files: Vec<Location>,
    by_reach: HashMap<Vec<usize>, View>,
}

/// Rounds in which it is followed which versions want which. Each takes one step along a chain of packages of which several
/// versions are locked; such chains are short, and what is left open at the end is a candidate more.
const ROUNDS: usize = 8;

/// What the lock files that reach a place say.
struct View {
    locks: Locks,
    folders: Folders,
}

/// Sets of lock files that are told apart. An artifact with more of them is no honest one; its lock files then speak of
/// everything, so that the work stays linear.
const MOST_VIEWS: usize = 64;

impl Views {
    fn of(components: &[Component]) -> Self {
        let of_lock = |e: &&Evidence| e.proof == Proof::Locked && !e.facts.contains(&Fact::Given);
        let files = components.iter().flat_map(|c| &c.evidence).filter(of_lock);
        let files: BTreeSet<Location> = files.map(|e| whole_file(&e.location)).collect();
        let mut views = Self {
            lock_files: if files.len() > MOST_VIEWS {
                Vec::new()
            } else {
                files.into_iter().collect()
            },
            by_reach: HashMap::new(),
        };
        for component in components.iter().filter(|c| is_present(c)) {
            let reach = views.reach(component);
            if !views.by_reach.contains_key(&reach) && views.by_reach.len() < MOST_VIEWS {
                let heard = |e: &Evidence| {
                    let file = whole_file(&e.location);
                    let known = views.lock_files.iter().position(|lock| *lock == file);
                    known.is_none_or(|i| reach.contains(&i))
                };
                let locks = Locks::of(components, heard);
                let folders = folders(components, &locks);
                views.by_reach.insert(reach, View { locks, folders });
            }
        }
        views
    }

    /// Indices of the lock files that speak of a component.
    fn reach(&self, component: &Component) -> Vec<usize> {
        let present = || component.evidence.iter().filter(|e| e.proof != Proof::Locked);
        let governs = |lock: &Location| present().any(|e| lock.governs(&e.location));
        (0..self.lock_files.len())
            .filter(|&i| governs(&self.lock_files[i]))
            .collect()
    }

    fn for_(&self, component: &Component) -> Option<&View> {
        self.by_reach.get(&self.reach(component))
    }
}

pub(super) fn whole_file(place: &Location) -> Location {
    Location::new(place.archives.clone(), &place.path)
}

/// Whether anything but a lock file or a manifest's wish speaks for it.
pub(super) fn is_present(component: &Component) -> bool {
    component
        .evidence
        .iter()
        .any(|e| matches!(e.proof, Proof::Installed | Proof::Inferred))
}

pub(super) fn folder_of(evidence: &[Evidence]) -> Option<&str> {
    evidence.iter().flat_map(|e| &e.facts).find_map(|fact| match fact {
        Fact::At(folder) => Some(&**folder),
        _ => None,
    })
}

/// From the first `node_modules` on, as bundlers' paths are cut: a workspace's folder may stand before it.
fn canonical(folder: &str) -> &str {
    let at = folder.find("node_modules/").unwrap_or(0);
    folder.get(at..).unwrap_or(folder)
}

fn with_versions(component: &Component, versions: &[Locked]) -> Vec<Component> {
    let sure = versions.len() == 1;
    let each = versions.iter().map(|locked| {
        let mut component = component.clone();
        component.coordinate.name.clone_from(&locked.name);
        component.coordinate.version = Some(locked.version.clone());
        for evidence in &mut component.evidence {
            evidence
                .facts
                .retain(|fact| !matches!(fact, Fact::OneOf(_) | Fact::Unlikely(_)));
        }
        if !sure {
            for evidence in &mut component.evidence {
                evidence.facts.push(Fact::Candidate);
                evidence.confidence = evidence.confidence.min(0.5);
            }
        }
        component
    });
    each.collect()
}

fn disagreement(component: &Component, locked: &[Locked]) -> Option<Gap> {
    let evidence = component.evidence.first()?;
    let versions: Vec<&str> = locked.iter().map(|l| &*l.version).collect();
    let said = component
        .coordinate
        .version
        .as_deref()
        .map_or_else(|| component.candidates().join(" or "), str::to_owned);
    Some(Gap {
        kind: GapKind::Partial,
        location: evidence.location.clone(),
        stage: "inventory",
        reason: format!(
            "the code calls itself {} {}, the lock file {}; the lock file was believed: check that it is the one that this \
             was built with",
            component.coordinate.name,
            said,
            versions.join(", ")
        ),
    })
}

impl Locks {
    /// What lock files say in the evidence that is `heard`.
    fn of(components: &[Component], heard: impl Fn(&Evidence) -> bool) -> Self {
        let mut locks = Self::default();
        for component in components {
            let c = &component.coordinate;
            let Some(version) = &c.version else { continue };
            let locked = component
                .evidence
                .iter()
                .filter(|e| e.proof == Proof::Locked && heard(e));
            let mut is_locked = false;
            for fact in locked.inspect(|_| is_locked = true).flat_map(|e| &e.facts) {
                let entry = || Locked {
                    name: c.name.clone(),
                    version: version.clone(),
                };
                match fact {
                    Fact::At(folder) => {
                        let known = locks
                            .by_folder
                            .entry((c.ecosystem, canonical(folder).into()))
                            .or_default();
                        if !known.iter().any(|l| l.name == c.name && l.version == *version) {
                            known.push(entry());
                        }
                    }
                    Fact::Alias(alias) => {
                        let folder: Box<str> = format!("node_modules/{alias}").into();
                        locks.by_folder.entry((c.ecosystem, folder)).or_default().push(entry());
                    }
                    Fact::Direct => drop(locks.direct.insert(c.clone())),
                    _ => {}
                }
            }
            if is_locked {
                let key = (c.ecosystem, c.name.clone());
                locks.by_name.entry(key).or_default().insert(version.clone());
                locks
                    .requires
                    .entry(c.clone())
                    .or_default()
                    .extend(component.requires.iter().cloned());
            }
        }
        locks.want(components);
        locks
    }

    /// What is wanted depends on which versions are there, and that on what is wanted: the answer is approached from above,
    /// so that none is lost on the way.
    fn want(&mut self, components: &[Component]) {
        // What each name that is there says of its own version; empty where one of its copies says nothing.
        let mut said: HashMap<(EcosystemId, &str), BTreeSet<Box<str>>> = HashMap::new();
        for component in components.iter().filter(|c| is_present(c)) {
            let c = &component.coordinate;
            let versions = match &c.version {
                Some(version) => vec![version.clone()],
                None => component.candidates().into_owned(),
            };
            let known = said.entry((c.ecosystem, &*c.name));
            known
                .and_modify(|known| {
                    if known.is_empty() || versions.is_empty() {
                        known.clear();
                    } else {
                        known.extend(versions.iter().cloned());
                    }
                })
                .or_insert_with(|| versions.into_iter().collect());
        }
        let mut wanted: HashSet<&Coordinate> = HashSet::new();
        for round in 0..ROUNDS {
            let mut next: HashSet<&Coordinate> = HashSet::new();
            let mut open = false;
            for ((ecosystem, name), said) in &said {
                let Some(versions) = self.by_name.get(&(*ecosystem, (*name).into())) else {
                    continue;
                };
                let agreed: BTreeSet<Box<str>> = versions.intersection(said).cloned().collect();
                let versions = if agreed.is_empty() { versions } else { &agreed };
                open |= versions.len() > 1;
                let kept = if round == 0 {
                    versions.clone()
                } else {
                    self.asked_for(*ecosystem, name, versions, |c| wanted.contains(c))
                };
                for version in kept {
                    let coordinate = Coordinate {
                        ecosystem: *ecosystem,
                        name: (*name).into(),
                        version: Some(version),
                    };
                    next.extend(self.requires.get(&coordinate).into_iter().flatten());
                }
            }
            let settled = !open || self.direct.is_empty() || next.len() == wanted.len();
            wanted = next;
            if settled {
                break;
            }
        }
        self.wanted = wanted.into_iter().cloned().collect();
    }

    /// Of several versions those that the application or a package that is there asks for. Without a record of what the
    /// application asks for, none can be ruled out.
    fn asked_for(
        &self,
        ecosystem: EcosystemId,
        name: &str,
        versions: &BTreeSet<Box<str>>,
        wanted: impl Fn(&Coordinate) -> bool,
    ) -> BTreeSet<Box<str>> {
        if versions.len() < 2 || self.direct.is_empty() {
            return versions.clone();
        }
        let asked = |version: &str| {
            let coordinate = Coordinate {
                ecosystem,
                name: name.into(),
                version: Some(version.into()),
            };
            self.direct.contains(&coordinate) || wanted(&coordinate)
        };
        let kept: BTreeSet<Box<str>> = versions.iter().filter(|v| asked(v)).cloned().collect();
        if kept.is_empty() { versions.clone() } else { kept }
    }

    /// The versions that are possible for one instance of a package: by its folder, by what requires it from there, by name.
    fn of_instance(&self, component: &Component, folders: &Folders) -> Option<Vec<Locked>> {
        let c = &component.coordinate;
        if let Some(folder) = folder_of(&component.evidence) {
            if let Some(found) = self.by_folder.get(&(c.ecosystem, canonical(folder).into())) {
                return Some(found.clone());
            }
            if let Some(versions) = folders.required.get(&(c.ecosystem, folder.into())) {
                return Some(self.entries(&c.name, versions));
            }
        }
        if let Some(versions) = self.by_name.get(&(c.ecosystem, c.name.clone())) {
            let versions = self.asked_for(c.ecosystem, &c.name, versions, |c| self.wanted.contains(c));
            return Some(self.entries(&c.name, &versions));
        }
        // A name that no lock file has may be an alias, which is a folder's name.
        let folder: Box<str> = format!("node_modules/{}", c.name).into();
        self.by_folder.get(&(c.ecosystem, folder)).cloned()
    }

    #[allow(clippy::unused_self)] // reads as one of the lock's answers
    fn entries(&self, name: &str, versions: &BTreeSet<Box<str>>) -> Vec<Locked> {
        let each = versions.iter().map(|version| Locked {
            name: name.into(),
            version: version.clone(),
        });
        each.collect()
    }
}

/// The folders that a bundle shows, and the versions that their neighbours require there.
#[derive(Default)]
struct Folders {
    required: HashMap<Key, BTreeSet<Box<str>>>,
}

/// Resolves as Node does: a package finds what it requires in the nearest `node_modules` upward. Where a lock file lists what
/// each version requires but not where it lies (yarn's), this tells nested duplicates apart.
fn folders(components: &[Component], locks: &Locks) -> Folders {
    let mut names: BTreeMap<Key, Box<str>> = BTreeMap::new();
    let mut open: Vec<(Key, Coordinate)> = Vec::new();
    for component in components.iter().filter(|c| is_present(c)) {
        let c = &component.coordinate;
        let Some(folder) = folder_of(&component.evidence) else {
            continue;
        };
        let place: Key = (c.ecosystem, folder.into());
        let by_folder = locks.by_folder.get(&(c.ecosystem, canonical(folder).into()));
        let by_name = || {
            locks
                .by_name
                .get(&(c.ecosystem, c.name.clone()))
                .filter(|v| v.len() == 1)
        };
        let version = c.version.clone().or_else(|| match by_folder.map(Vec::as_slice) {
            Some([one]) => Some(one.version.clone()),
            Some(_) => None,
            None => by_name()?.first().cloned(),
        });
        if names.insert(place.clone(), c.name.clone()).is_none()
            && let Some(version) = version
        {
            let version = Some(version);
            open.push((place, Coordinate { version, ..c.clone() }));
        }
    }
    let mut folders = Folders::default();
    let mut done: BTreeSet<Key> = open.iter().map(|(place, _)| place.clone()).collect();
    while let Some(((ecosystem, folder), coordinate)) = open.pop() {
        for required in locks.requires.get(&coordinate).into_iter().flatten() {
            let Some(version) = &required.version else { continue };
            let Some(place) = nearest(&folder, &required.name, |folder| {
                names.contains_key(&(ecosystem, folder.into()))
            }) else {
                continue;
            };
            let place: Key = (ecosystem, place.into());
            folders
                .required
                .entry(place.clone())
                .or_default()
                .insert(version.clone());
            if done.insert(place.clone()) {
                open.push((place, required.clone()));
            }
        }
    }
    folders
}

/// `node_modules/NAME` in a folder or in the nearest above it that has one.
fn nearest(folder: &str, name: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    let mut folder = Some(folder);
    while let Some(here) = folder {
        let place = if here.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{here}/node_modules/{name}")
        };
        if exists(&place) {
            return Some(place);
        }
        folder = match here.rsplit_once("/node_modules/") {
            Some((above, _)) => Some(above),
            None if here.is_empty() => None,
            None => Some(""),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::said::BY_CODE, *};

    #[test]
    fn a_manifest_speaks_of_one_copy() {
        let seen = |detector, version: Option<&str>, one_of: &[&str], proof| Component {
            coordinate: NPM.coordinate("axios", version),
            evidence: vec![Evidence {
                detector,
                location: Location::new([].into(), "index.js"),
                proof,
                confidence: 0.9,
                facts: match one_of {
                    [] => Vec::new(),
                    some => vec![Fact::OneOf(some.iter().map(|v| (*v).into()).collect())],
                },
            }],
            requires: Vec::new(),
        };
        let stated = || seen("js-bundle", Some("0.21.4"), &[], Proof::Installed);
        let code = |version, one_of: &[&str]| seen(BY_CODE, version, one_of, Proof::Inferred);
        for (what, code, expected) in [
            ("it agrees", vec![code(Some("0.21.4"), &[])], &["0.21.4", "0.21.4"][..]),
            ("it was misread", vec![code(Some("0.21.3"), &[])], &["0.21.4"]),
            (
                "it decides",
                vec![code(None, &["0.21.3", "0.21.4"])],
                &["0.21.4", "0.21.4"],
            ),
            (
                "two copies, one of them the stated",
                vec![code(Some("0.21.4"), &[]), code(Some("0.26.1"), &[])],
                &["0.21.4", "0.21.4", "0.26.1"],
            ),
            (
                "two, of which neither is sure",
                vec![code(None, &["0.21.3", "0.21.4"]), code(None, &["0.26.0", "0.26.1"])],
                &["0.21.4", "0.21.4", "0.26.0 or 0.26.1"],
            ),
        ] {
            let mut all: Vec<Component> = std::iter::once(stated()).chain(code).collect();
            name(&mut all, &mut Vec::new());
            let told = |c: &Component| match &c.coordinate.version {
                Some(version) => version.to_string(),
                None => c.candidates().join(" or "),
            };
            let mut told: Vec<String> = all.iter().map(told).collect();
            told.sort();
            assert_eq!(told, expected, "{what}");
        }
    }
}
