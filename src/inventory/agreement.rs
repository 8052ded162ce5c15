//! What a package's code tells beside what is said of it otherwise: by comments and literals, by paths and manifests, by lock files.
//! Where both say the same it is surer than by either; where they do not, that is told.

use super::{said::BY_CODE, some_of, versions::whole_file};
use crate::model::{Component, Coordinate, Evidence, Gap, GapKind, Location, Proof};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing that is inferred is surer.
const SUREST: f32 = 0.99;

/// Raises the confidence in what code tells where other detectors say the same: they are mistaken independently.
pub(super) fn raise(components: &mut BTreeMap<Coordinate, Component>) {
    for component in components.values_mut() {
        let mut others: BTreeMap<&str, f32> = BTreeMap::new();
        let speaks = |e: &&Evidence| e.detector != BY_CODE && e.proof != Proof::Declared;
        for evidence in component.evidence.iter().filter(speaks) {
            let surest = others.entry(evidence.detector).or_default();
            *surest = surest.max(evidence.confidence);
        }
        let doubt: f32 = others.values().map(|confidence| 1.0 - confidence).product();
        if others.is_empty() {
            continue;
        }
        for evidence in component.evidence.iter_mut().filter(|e| e.detector == BY_CODE) {
            let both = 1.0 - (1.0 - evidence.confidence) * doubt;
            evidence.confidence = evidence.confidence.max(both.min(SUREST));
        }
    }
}

/// Packages whose code tells other versions than what is said of them, by the files that they are in.
#[derive(Default)]
pub(super) struct Disagreements(BTreeMap<Location, BTreeSet<String>>);

impl Disagreements {
    /// `component` is what code tells, which nothing says that is `said`.
    pub(super) fn add(&mut self, component: &Component, said: &[Box<str>]) {
        let Some(evidence) = component.evidence.first() else {
            return;
        };
        let candidates = component.candidates();
        let told = component.coordinate.version.iter().chain(candidates.iter());
        let told: Vec<&str> = told.map(|version| &**version).collect();
        let told = match &*told {
            [] => return,
            [one] => (*one).to_owned(),
            [first, .., last] => format!("one of {first} to {last}"),
        };
        let name = &component.coordinate.name;
        let sentence = format!("{name} (by its code {told}, else {})", said.join(", "));
        self.0.entry(evidence.location.clone()).or_default().insert(sentence);
    }

    /// A gap for each file.
    pub(super) fn gaps(self) -> impl Iterator<Item = Gap> {
        self.0.into_iter().map(|(location, packages)| Gap {
            kind: GapKind::Partial,
            location,
            stage: "inventory",
            reason: format!(
                "the code of {} is of other versions than is said: {}; what a manifest or a path says was believed, beside a comment \
                 both are listed: it may be changed code, or a copy",
                super::count(packages.len(), "package"),
                some_of(&packages)
            ),
        })
    }
}

/// Where a comment or a literal says a version in a file in which code tells others of the same package, and none that one.
pub(super) fn said_beside_code(components: &BTreeMap<Coordinate, Component>) -> Disagreements {
    let is_by_code = |c: &Component| c.evidence.iter().any(|e| e.detector == BY_CODE);
    let mut by_code: BTreeMap<&str, Vec<&Component>> = BTreeMap::new();
    for component in components.values().filter(|c| is_by_code(c)) {
        by_code.entry(&component.coordinate.name).or_default().push(component);
    }
    let mut all = Disagreements::default();
    let is_said = |c: &&Component| c.proof() == Proof::Inferred && !is_by_code(c);
    for said in components.values().filter(is_said) {
        let Some((version, told)) = said
            .coordinate
            .version
            .as_ref()
            .zip(by_code.get(&*said.coordinate.name))
        else {
            continue;
        };
        let files = |component: &Component| -> BTreeSet<Location> {
            component.evidence.iter().map(|e| whole_file(&e.location)).collect()
        };
        let own = files(said);
        let is_beside = |told: &&&Component| {
            told.coordinate.ecosystem == said.coordinate.ecosystem && !files(told).is_disjoint(&own)
        };
        if told.iter().any(|told| told.candidates().contains(version)) {
            continue;
        }
        for told in told.iter().filter(is_beside) {
            all.add(told, std::slice::from_ref(version));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Inventory, said::BY_CODE},
        *,
    };
    use crate::{ecosystem::NPM, model::Fact};
    use std::sync::Arc;

    fn seen(
        detector: &'static str,
        version: Option<&str>,
        candidates: &[&str],
        confidence: f32,
        path: &str,
    ) -> Component {
        let candidates: Vec<Box<str>> = candidates.iter().map(|v| (*v).into()).collect();
        let facts = if candidates.is_empty() {
            Vec::new()
        } else {
            vec![Fact::OneOf(candidates.into())]
        };
        Component {
            coordinate: NPM.coordinate("a", version),
            evidence: vec![Evidence {
                detector,
                location: Location::new(Arc::default(), path),
                proof: Proof::Inferred,
                confidence,
                facts,
            }],
            requires: Vec::new(),
        }
    }

    #[test]
    fn two_that_say_the_same_are_surer_than_either() {
        let by_code = || seen(BY_CODE, Some("1.0.0"), &[], 0.9, "index.js");
        for (what, other, expected) in [
            ("the same", seen("js-bundle", Some("1.0.0"), &[], 0.8, "index.js"), 0.98),
            ("the name", seen("js-bundle", None, &[], 0.8, "index.js"), 0.98),
            (
                "something sure",
                seen("js-bundle", Some("1.0.0"), &[], 1.0, "index.js"),
                0.99,
            ),
            (
                "another version",
                seen("js-bundle", Some("2.0.0"), &[], 0.8, "index.js"),
                0.9,
            ),
            (
                "the code of a chunk",
                seen(BY_CODE, Some("1.0.0"), &[], 0.8, "1.js"),
                0.9,
            ),
        ] {
            let (inventory, _) = Inventory::merge(vec![by_code(), other]);
            let all = inventory.iter().flat_map(|c| &c.evidence);
            let surest = all
                .filter(|e| e.detector == BY_CODE)
                .map(|e| e.confidence)
                .fold(0.0, f32::max);
            assert!((surest - expected).abs() < 0.001, "{what}: {surest}");
        }
    }

    #[test]
    fn what_is_said_beside_code_of_another_version_is_told() {
        let gaps = |code: Component, said: Component| -> Vec<String> {
            let (_, gaps) = Inventory::merge(vec![code, said]);
            gaps.into_iter().map(|gap| gap.reason).collect()
        };
        let said = |version, path| seen("js-bundle", version, &[], 0.8, path);
        for (code, said, expected) in [
            (
                seen(BY_CODE, Some("1.0.0"), &[], 0.9, "index.js"),
                said(Some("2.0.0"), "index.js"),
                Some("by its code 1.0.0, else 2.0.0"),
            ),
            (
                seen(BY_CODE, None, &["1.0.0", "1.1.0", "1.2.0"], 0.9, "index.js"),
                said(Some("2.0.0"), "index.js"),
                Some("by its code one of 1.0.0 to 1.2.0, else 2.0.0"),
            ),
            (
                seen(BY_CODE, None, &["1.0.0", "2.0.0"], 0.9, "index.js"),
                said(Some("2.0.0"), "index.js"),
                None,
            ),
            (
                seen(BY_CODE, Some("1.0.0"), &[], 0.9, "index.js"),
                said(Some("2.0.0"), "other.js"),
                None,
            ),
            (
                seen(BY_CODE, Some("1.0.0"), &[], 0.9, "index.js"),
                said(None, "index.js"),
                None,
            ),
        ] {
            let told = gaps(code, said);
            match expected {
                Some(part) => assert!(told.len() == 1 && told[0].contains(part), "{told:?}"),
                None => assert!(told.is_empty(), "{told:?}"),
            }
        }
    }
}
