//! An SBOM in the place of an artifact: what it lists is the inventory, at its word.
//!
//! This is for a file that is given by itself. An SBOM that lies inside an artifact is a claim about its neighbours, and a
//! detector's to judge.

use super::{Dossier, Seen, concluded, open::Meta};
use crate::{
    detect,
    inventory::Inventory,
    model::{Component, Evidence, Fact, Gap, GapKind, Location, Proof},
    parse::sbom::{self, Kind, Package, Place, Sbom},
};

/// The detector that evidence names where the SBOM does not say who saw it.
const DETECTOR: &str = "sbom";

/// How sure anybody can be of a list that another tool made.
const CONFIDENCE: f32 = 0.9;

/// Reads a file that may be an SBOM; `None` where it is none.
pub(super) fn open(meta: &Meta, bytes: &[u8]) -> Option<Result<Dossier, String>> {
    match sbom::recognise(bytes)? {
        Kind::Other(why) => Some(Err(why.to_owned())),
        Kind::Readable => Some(sbom::read(bytes).map(|read| dug(meta, bytes.len(), read))),
    }
}

fn dug(meta: &Meta, bytes: usize, read: Sbom) -> Dossier {
    let mut gaps: Vec<Gap> = read.gaps.iter().filter_map(restored).collect();
    if read.packages.is_empty() && read.unknown.is_empty() {
        let reason = format!("the SBOM ({}) lists nothing; check the step that makes it", read.format);
        gaps.push(Gap::whole(GapKind::Partial, DETECTOR, reason));
    }
    gaps.extend(sbom::unknown(&read.unknown).map(|reason| Gap::whole(GapKind::Partial, DETECTOR, reason)));
    let seen = Seen {
        entries: 1,
        ..Seen::default()
    };
    let inventory = Inventory::of(read.packages.into_iter().map(component).collect());
    concluded(meta.clone(), "sbom", seen, inventory, Vec::new(), gaps, bytes as u64)
}

fn component(package: Package) -> Component {
    let ours = package.places.iter().any(|place| place.context.is_some());
    let mut evidence: Vec<Evidence> = package.places.into_iter().map(seen).collect();
    if evidence.is_empty() {
        evidence.push(seen(Place {
            location: Location::whole(),
            context: None,
        }));
    }
    if let Some(first) = evidence.first_mut() {
        let texts = package.licences.into_iter().map(|t| Fact::Licence(t.into()));
        let texts = texts.chain(package.authors.into_iter().map(|t| Fact::Author(t.into())));
        first
            .facts
            .extend(texts.chain(package.integrity.into_iter().map(|t| Fact::Integrity(t.into()))));
        // In our own SBOMs the evidence says it; what they have the artifact depend on is more than that.
        first.facts.extend((package.direct && !ours).then_some(Fact::Direct));
    }
    Component {
        coordinate: package.coordinate,
        evidence,
        requires: package.requires,
    }
}

fn seen(place: Place) -> Evidence {
    let known = |id: &str| detect::ALL.iter().map(|d| d.id()).find(|known| *known == id);
    match place.context {
        Some(context) => Evidence {
            detector: known(&context.detector).unwrap_or(DETECTOR),
            location: place.location,
            proof: context.proof,
            confidence: context.confidence,
            facts: context.facts,
        },
        None => Evidence {
            detector: DETECTOR,
            location: place.location,
            proof: Proof::Declared,
            confidence: CONFIDENCE,
            facts: Vec::new(),
        },
    }
}

/// Gaps of the scan that made the SBOM hold for it still; what it lacked in advisories is this scan's to say.
fn restored(gap: &sbom::Unseen) -> Option<Gap> {
    let stages = detect::ALL.iter().map(|d| d.id()).chain(["archive", "inventory"]);
    let stage = stages.into_iter().find(|stage| *stage == gap.stage).unwrap_or(DETECTOR);
    (gap.stage != "advisories").then(|| Gap {
        kind: gap.kind,
        location: gap.location.clone(),
        stage,
        reason: gap.reason.clone(),
    })
}
