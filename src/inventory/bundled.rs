//! Bundles: how much of each is explained, and which versions the packages in them have. A bundle proves that a package is
//! there and seldom says which version; a lock file says which version and proves nothing. Here the two meet.

use super::{said::BY_CODE, versions};
use crate::{
    ecosystem::{NPM, PYPI},
    model::{
        Account, Bundle, Component, Coverage, EcosystemId, Evidence, Fact, Gap, GapKind, Location, Mapped, Owner,
        Proof, Span,
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Everything that was seen in one artifact and has to do with bundles.
#[derive(Debug, Default)]
pub struct Bundles {
    /// Bundles, once for each detector that spoke of them.
    pub bundles: Vec<Bundle>,
    /// Their source maps.
    pub maps: Vec<Mapped>,
    /// What bundlers say of their own output.
    pub accounts: Vec<Account>,
}

/// A bundle whose unidentified share is below this is explained: what is missing from it is not in it.
const EXPLAINED: usize = 20;

/// Bytes that nobody need be told of: a bundler's helpers, a licence comment.
const CRUMBS: usize = 2048;

/// Names versions, measures coverage, and leaves out what an explained bundle shows to be absent. To be called before
/// [`super::Inventory::merge`]. Components that carry [`Fact::Given`] are of lock files from outside the artifact.
pub fn settle_bundles(components: &mut Vec<Component>, seen: Bundles) -> (Vec<Coverage>, Vec<Gap>) {
    let Bundles {
        bundles,
        maps,
        accounts,
    } = seen;
    let mut gaps = Vec::new();
    let bundles = without_assets(components, bundles);
    orphans(components, &bundles, &maps, &mut gaps);
    silence(components, &modules(components, &bundles, &maps), |e| {
        e.detector == BY_CODE
    });
    let mut coverage = coverage(&bundles, &maps);
    believe(components, &mut coverage, accounts, &mut gaps);
    versions::name(components, &mut gaps);
    given(components, &coverage, &mut gaps);
    if !coverage.is_empty() {
        explained_away(components, &coverage);
    }
    for bundle in &coverage {
        if let Some(reason) = unidentified(bundle) {
            gaps.push(Gap {
                kind: GapKind::Partial,
                location: bundle.location.clone(),
                stage: "js-bundle",
                reason,
            });
        }
    }
    gaps.extend(versionless(components, &bundles));
    (coverage, gaps)
}

/// Scripts that an installed Python package carries are that package's own, as its images are: they run in a browser, and
/// whatever they hold is told by advisories for the package.
fn without_assets(components: &mut Vec<Component>, bundles: Vec<Bundle>) -> Vec<Bundle> {
    let sites: HashSet<(&[Box<str>], &str)> = components
        .iter()
        .filter(|c| c.coordinate.ecosystem == PYPI.id)
        .flat_map(|c| &c.evidence)
        .filter(|e| e.proof == Proof::Installed)
        .map(|e| (&*e.location.archives, parent(e.location.folder())))
        .collect();
    let (assets, bundles): (Vec<_>, Vec<_>) = bundles.into_iter().partition(|b| {
        let package = b.python_package.as_deref();
        package.is_some_and(|folder| sites.contains(&(&*b.location.archives, parent(folder))))
    });
    let assets: HashSet<Location> = assets.into_iter().map(|b| b.location).collect();
    drop_evidence(components, |component, location| {
        component.ecosystem == NPM.id && assets.contains(location)
    });
    bundles
}

fn parent(folder: &str) -> &str {
    folder.rsplit_once('/').map_or("", |(above, _)| above)
}

fn drop_evidence(components: &mut Vec<Component>, gone: impl Fn(&crate::model::Coordinate, &Location) -> bool) {
    for component in components.iter_mut() {
        let coordinate = &component.coordinate;
        component.evidence.retain(|e| !gone(coordinate, &e.location));
    }
    components.retain(|c| !c.evidence.is_empty());
}

/// Maps by the paths of the bundles that they name, and by their own.
struct MapsOf<'m>(BTreeMap<(&'m [Box<str>], &'m str), Vec<&'m Mapped>>);

impl<'m> MapsOf<'m> {
    fn new(maps: &'m [Mapped]) -> Self {
        let mut by_path: BTreeMap<(&[Box<str>], &str), Vec<&Mapped>> = BTreeMap::new();
        for map in maps {
            for path in [&*map.bundle, &*map.location.path] {
                by_path.entry((&*map.location.archives, path)).or_default().push(map);
            }
        }
        Self(by_path)
    }

    /// Those of one bundle.
    fn bundle<'s>(&'s self, bundle: &'s Bundle) -> impl Iterator<Item = &'m Mapped> + 's {
        let paths = [Some(&*bundle.location.path), bundle.map.as_deref()];
        let maps = paths
            .into_iter()
            .flatten()
            .flat_map(|path| self.0.get(&(&*bundle.location.archives, path)).into_iter().flatten());
        maps.copied().filter(|map| describes(map, bundle))
    }
}

fn describes(map: &Mapped, bundle: &Bundle) -> bool {
    map.location.archives == bundle.location.archives
        && (*map.bundle == *bundle.location.path || bundle.map.as_deref() == Some(&*map.location.path))
}

/// A map whose bundle is not there proves that something was built somewhere, and no more.
fn orphans(components: &mut [Component], bundles: &[Bundle], maps: &[Mapped], gaps: &mut Vec<Gap>) {
    let by_path: HashSet<(&[Box<str>], &str)> = bundles
        .iter()
        .flat_map(|b| {
            let paths = [Some(&*b.location.path), b.map.as_deref()];
            paths.into_iter().flatten().map(|path| (&*b.location.archives, path))
        })
        .collect();
    let known = |map: &Mapped| {
        let archives = &*map.location.archives;
        by_path.contains(&(archives, &*map.bundle)) || by_path.contains(&(archives, &*map.location.path))
    };
    let orphans: BTreeSet<&Location> = maps.iter().filter(|m| !known(m)).map(|m| &m.location).collect();
    if orphans.is_empty() {
        return;
    }
    for evidence in components.iter_mut().flat_map(|c| &mut c.evidence) {
        if evidence.proof == Proof::Installed && orphans.contains(&evidence.location) {
            evidence.proof = Proof::Inferred;
        }
    }
    for location in orphans {
        gaps.push(Gap {
            kind: GapKind::Partial,
            location: location.clone(),
            stage: "source-map",
            reason: "source map without its bundle beside it; what it names may not be in the artifact".to_owned(),
        });
    }
}

/// A bundler's account counts for the files that it describes, by name and length: what it says of others was built elsewhere.
fn believe(components: &mut Vec<Component>, coverage: &mut [Coverage], accounts: Vec<Account>, gaps: &mut Vec<Gap>) {
    let mut by_name: BTreeMap<Box<str>, Vec<&mut Coverage>> = BTreeMap::new();
    for bundle in coverage {
        let path = &bundle.location.path;
        let name = path.rsplit_once('/').map_or(&**path, |(_, name)| name);
        by_name.entry(name.into()).or_default().push(bundle);
    }
    let mut idle: BTreeMap<Location, bool> = BTreeMap::new();
    let mut told: HashMap<Location, Told> = HashMap::new();
    let mut described = Vec::new();
    for account in accounts {
        let same = by_name.get_mut(&account.file_name).into_iter().flatten();
        let mut found = false;
        for bundle in same.filter(|b| account.bytes.is_none_or(|bytes| bytes == b.bytes)) {
            found = true;
            share_out(bundle, &account);
            let told = told.entry(bundle.location.clone()).or_default();
            for package in &account.packages {
                let folders = told.entry(package.coordinate.name.clone()).or_default();
                folders.extend(
                    package
                        .facts()
                        .filter(|fact| matches!(fact, Fact::At(_)))
                        .cloned()
                        .map(Some),
                );
            }
        }
        *idle.entry(account.location.clone()).or_insert(true) &= !found;
        if found {
            described.extend(account.packages);
        }
    }
    silence(components, &told, |_| true);
    components.extend(described);
    for (location, _) in idle.into_iter().filter(|(_, idle)| *idle) {
        gaps.push(Gap {
            kind: GapKind::Partial,
            location,
            stage: "bundle-metadata",
            reason: "describes no file of this artifact by name and length; is it of another build".to_owned(),
        });
    }
}

/// The detector that reads source maps.
const BY_MAP: &str = "source-map";

/// The packages that an account names in one bundle, with their folders ([`Fact::At`]); `None` where it says none, as a map does
/// that was made of the maps of what was built before.
type Told = BTreeMap<Box<str>, BTreeSet<Option<Fact>>>;

/// What bundlers say of their modules in the bundles themselves or in maps, where they say it of all.
fn modules(components: &[Component], bundles: &[Bundle], maps: &[Mapped]) -> HashMap<Location, Told> {
    let maps_of = MapsOf::new(maps);
    let mut places: HashMap<&Location, &Location> = HashMap::new();
    for bundle in bundles.iter().filter(|b| b.named) {
        places.insert(&bundle.location, &bundle.location);
        places.extend(maps_of.bundle(bundle).map(|map| (&map.location, &bundle.location)));
    }
    let mut told: HashMap<Location, Told> = HashMap::new();
    if places.is_empty() {
        return told;
    }
    for component in components.iter().filter(|c| c.coordinate.ecosystem == NPM.id) {
        for evidence in &component.evidence {
            let Some(bundle) = places.get(&evidence.location) else {
                continue;
            };
            let folder = evidence.facts.iter().find(|fact| matches!(fact, Fact::At(_)));
            if folder.is_some() || evidence.detector == BY_MAP {
                let told = told.entry((*bundle).clone()).or_default();
                let folders = told.entry(component.coordinate.name.clone()).or_default();
                folders.insert(folder.cloned());
            }
        }
    }
    told
}

/// Guesses about a bundle whose bundler said of every module whose it is: another name than those it gave is of code that was
/// copied into one of them, and no more than a version is to be learned of the others. Of the evidence that is `meant`.
fn silence(components: &mut Vec<Component>, told: &HashMap<Location, Told>, meant: impl Fn(&Evidence) -> bool) {
    for component in components.iter_mut().filter(|c| c.coordinate.ecosystem == NPM.id) {
        let c = &component.coordinate;
        component.evidence.retain_mut(|evidence| {
            let guess = evidence.proof == Proof::Inferred && meant(evidence);
            let Some(told) = told.get(&evidence.location).filter(|_| guess) else {
                return true;
            };
            if evidence.facts.iter().any(|fact| matches!(fact, Fact::At(_))) {
                return true;
            }
            let versions = c.version.is_some() || evidence.facts.iter().any(|fact| matches!(fact, Fact::OneOf(_)));
            // A version is of the one copy that there is; of several, nothing says of which.
            let mut folders = told.get(&c.name).filter(|_| versions).into_iter().flatten();
            let place = folders.next().filter(|_| folders.next().is_none());
            evidence.facts.extend(place.cloned().flatten());
            place.is_some()
        });
    }
    components.retain(|c| !c.evidence.is_empty());
}

/// What nobody else attributed, in the account's proportions.
fn share_out(bundle: &mut Coverage, account: &Account) {
    let all = account.components.saturating_add(account.application);
    let Some(all) = std::num::NonZero::new(all as u128) else {
        return;
    };
    let part = bundle.bytes as u128 * account.components as u128 / all;
    let components = usize::try_from(part)
        .unwrap_or(bundle.bytes)
        .max(bundle.components)
        .min(bundle.bytes);
    *bundle = Coverage {
        location: bundle.location.clone(),
        bytes: bundle.bytes,
        components,
        application: bundle.bytes - components,
        unidentified: 0,
    };
}

fn coverage(bundles: &[Bundle], maps: &[Mapped]) -> Vec<Coverage> {
    let mut by_file: BTreeMap<&Location, Vec<&Bundle>> = BTreeMap::new();
    for bundle in bundles {
        by_file.entry(&bundle.location).or_default().push(bundle);
    }
    let maps_of = MapsOf::new(maps);
    let measured = by_file.into_iter().map(|(location, bundles)| {
        let bytes = bundles.iter().map(|b| b.bytes).max().unwrap_or_default();
        let mut spans: Vec<Span> = bundles.iter().flat_map(|b| b.spans.iter().cloned()).collect();
        for bundle in &bundles {
            spans.extend(maps_of.bundle(bundle).flat_map(|map| of_map(map, bundle)));
        }
        measure(location, bytes, spans)
    });
    measured.collect()
}

/// Lines and columns into bytes. A stretch goes on to the next turn, over lines that the map does not mention.
fn of_map<'m>(map: &'m Mapped, bundle: &'m Bundle) -> impl Iterator<Item = Span> + 'm {
    let place = |line: u32, column: u32| {
        let start = bundle.lines.get(line as usize).copied().unwrap_or(bundle.bytes);
        start.saturating_add(column as usize).min(bundle.bytes)
    };
    let next = map.turns.iter().skip(1).map(Some).chain([None]);
    map.turns.iter().zip(next).filter_map(move |(turn, next)| {
        let start = place(turn.line, turn.column);
        let end = next.map_or(bundle.bytes, |next| place(next.line, next.column));
        (start < end).then_some(Span {
            bytes: start..end,
            owner: turn.owner?,
        })
    })
}

/// Each byte counts once: for a component where anybody says so, else for the application.
fn measure(location: &Location, bytes: usize, spans: Vec<Span>) -> Coverage {
    let mut turns: Vec<(usize, bool, i64)> = Vec::with_capacity(spans.len() * 2);
    for Span { bytes: range, owner } in spans {
        let component = owner == Owner::Component;
        let (start, end) = (range.start.min(bytes), range.end.min(bytes));
        if start < end {
            turns.extend([(start, component, 1), (end, component, -1)]);
        }
    }
    turns.sort_unstable();
    let (mut components, mut application) = (0, 0);
    let (mut open_components, mut open_application, mut from) = (0, 0, 0);
    for (at, component, change) in turns {
        if open_components > 0 {
            components += at - from;
        } else if open_application > 0 {
            application += at - from;
        }
        from = at;
        if component {
            open_components += change;
        } else {
            open_application += change;
        }
    }
    Coverage {
        location: location.clone(),
        bytes,
        components,
        application,
        unidentified: bytes - components - application,
    }
}

fn unidentified(bundle: &Coverage) -> Option<String> {
    let small = bundle.unidentified <= CRUMBS && bundle.components + bundle.application > 0;
    if small || bundle.unidentified == 0 || bundle.unidentified * 100 < bundle.bytes {
        return None;
    }
    let percent = (bundle.unidentified * 100).div_ceil(bundle.bytes.max(1));
    Some(format!(
        "bundled JavaScript: {} of {} kB ({percent} %) could not be attributed to a package or to the application; a source \
         map beside the bundle, or the bundler's metafile with --bundle-meta, says whose it is",
        bundle.unidentified.div_ceil(1000),
        bundle.bytes.div_ceil(1000)
    ))
}

fn explained(bundle: &Coverage) -> bool {
    bundle.unidentified * EXPLAINED <= bundle.bytes
}

/// Entries of lock files from outside: they name versions of what is there, and are gone after that; unless nothing else
/// speaks of their ecosystem, and they are all that is known.
fn given(components: &mut Vec<Component>, coverage: &[Coverage], gaps: &mut Vec<Gap>) {
    let is_given = |c: &Component| c.evidence.iter().all(|e| e.facts.contains(&Fact::Given));
    let (given, mut kept): (Vec<_>, Vec<_>) = std::mem::take(components).into_iter().partition(is_given);
    let ecosystems: BTreeSet<_> = kept.iter().map(|c| c.coordinate.ecosystem).collect();
    let coordinates: HashSet<_> = kept.iter().map(|c| c.coordinate.clone()).collect();
    let names: HashSet<Box<str>> = kept.iter().map(|c| c.coordinate.name.clone()).collect();
    let in_doubt = !coverage.iter().all(explained);
    let mut unseen: BTreeMap<Location, BTreeSet<Box<str>>> = BTreeMap::new();
    for component in given {
        let c = &component.coordinate;
        if !ecosystems.contains(&c.ecosystem) || coordinates.contains(c) {
            kept.push(component);
        } else if in_doubt && c.ecosystem == NPM.id && !names.contains(&c.name) {
            let needed = component
                .evidence
                .iter()
                .find(|e| !e.facts.contains(&Fact::Dispensable));
            if let Some(evidence) = needed {
                unseen
                    .entry(evidence.location.clone())
                    .or_default()
                    .insert(c.name.clone());
            }
        }
    }
    *components = kept;
    for (location, names) in unseen {
        gaps.push(Gap {
            kind: GapKind::Partial,
            location,
            stage: "js-bundle",
            reason: format!(
                "{} of this lock file not seen in the bundles, parts of which are unidentified; scan the lock file itself to \
                 check all that it names ({})",
                super::count(names.len(), "package"),
                super::some_of(&names)
            ),
        });
    }
}

/// A lock file beside bundles that are explained to the last: what neither they nor an installed tree show is not deployed.
fn explained_away(components: &mut Vec<Component>, coverage: &[Coverage]) {
    let is_lock = |e: &crate::model::Evidence| e.proof == Proof::Locked && !e.facts.contains(&Fact::Given);
    let locks: BTreeSet<Location> = components
        .iter()
        .filter(|c| c.coordinate.ecosystem == NPM.id)
        .flat_map(|c| &c.evidence)
        .filter(|e| is_lock(e))
        .map(|e| e.location.clone())
        .collect();
    let refuted: BTreeSet<Location> = locks
        .into_iter()
        .filter(|lock| {
            let mut below = coverage.iter().filter(|b| lock.governs(&b.location)).peekable();
            below.peek().is_some() && below.all(explained)
        })
        .collect();
    if refuted.is_empty() {
        return;
    }
    let present: HashSet<Box<str>> = components
        .iter()
        .filter(|c| c.coordinate.ecosystem == NPM.id && c.evidence.iter().any(|e| e.proof != Proof::Locked))
        .map(|c| c.coordinate.name.clone())
        .collect();
    drop_evidence(components, |coordinate, location| {
        coordinate.ecosystem == NPM.id && refuted.contains(location) && !present.contains(&coordinate.name)
    });
}

/// One gap for all that is bundled, or left without its manifest, and has no version.
fn versionless(components: &[Component], bundles: &[Bundle]) -> Option<Gap> {
    let files: HashSet<&Location> = bundles.iter().map(|b| &b.location).collect();
    let in_bundle = |c: &&Component| {
        c.evidence.iter().any(|e| {
            files.contains(&e.location) || e.facts.iter().any(|f| matches!(f, Fact::At(_))) && e.proof != Proof::Locked
        })
    };
    // A name is joined to the version of the same name, unless it is a copy of its own.
    let versioned = components.iter().map(|c| &c.coordinate).filter(|c| c.version.is_some());
    let known: HashSet<(EcosystemId, &str)> = versioned.map(|c| (c.ecosystem, &*c.name)).collect();
    let is_joined = |c: &Component| {
        let is_own = |e: &Evidence| e.one_of().is_some() || e.facts.contains(&Fact::Copy);
        known.contains(&(c.coordinate.ecosystem, &*c.coordinate.name)) && !c.evidence.iter().any(is_own)
    };
    let unknown = components
        .iter()
        .filter(|c| c.coordinate.version.is_none() && !is_joined(c));
    let names: BTreeSet<Box<str>> = unknown.filter(in_bundle).map(|c| c.coordinate.name.clone()).collect();
    if names.is_empty() {
        return None;
    }
    let reason = format!(
        "{} there without a version: {}; the lock file that this was built with makes them exact (--lock FILE), and \
         where its paths carry versions, as pnpm's do, a source map beside the bundle or a metafile (--bundle-meta FILE)",
        super::count(names.len(), "package"),
        super::some_of(&names)
    );
    Some(Gap::whole(GapKind::Partial, "js-bundle", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_tells_the_version_of_the_one_copy_that_a_map_names() {
        let at = |folder: &str| Some(Fact::At(folder.into()));
        let (nested, outer) = (at("node_modules/a/node_modules/entities"), at("node_modules/entities"));
        let place = || Location::new([].into(), "index.js");
        for (what, told, kept) in [
            ("its folder", vec![outer.clone()], Some(outer.clone())),
            ("no folder, made of another map", vec![None], Some(None)),
            ("two copies", vec![nested, outer.clone()], None),
            ("two, one of them of another map", vec![None, outer], None),
            ("not at all", vec![], None),
        ] {
            let mut components = vec![Component {
                coordinate: NPM.coordinate("entities", Some("4.5.0")),
                evidence: vec![Evidence {
                    detector: BY_CODE,
                    location: place(),
                    proof: Proof::Inferred,
                    confidence: 0.9,
                    facts: Vec::new(),
                }],
                requires: Vec::new(),
            }];
            let told: Told = [("entities".into(), told.into_iter().collect())].into();
            silence(&mut components, &[(place(), told)].into(), |_| true);
            let facts = components.first().map(|c| c.evidence[0].facts.first().cloned());
            assert_eq!(facts, kept, "{what}");
        }
    }
}
