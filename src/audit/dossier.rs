//! All that was learned of one artifact, before any advisory is asked: what an inventory keeps, so that the artifact need not
//! be opened again to be judged anew.

use super::{Options, Settings};
use crate::{
    advisory::{Database, Matches},
    archive::{Anomaly, Gravity},
    detect, ecosystem,
    inventory::Inventory,
    model::{
        Component, Coordinate, Coverage, Evidence, Gap, GapKind, Location, Observation, ObservationKind, Proof, Symbols,
    },
    parse::evidence,
    report::Artifact,
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    io::{Read as _, Write as _},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What is kept, and what the detectors see, is another thing from one version of plimsoll to the next: with another format,
/// artifacts are read again. The number after the version rises with changes in between.
pub const FORMAT: &str = concat!(env!("CARGO_PKG_VERSION"), "+2");

/// Bytes of a dossier once inflated. 1 GiB: as much as an artifact itself may have; a damaged store asks for no more.
const BYTES: u64 = 1 << 30;

/// All that was learned of one artifact.
#[derive(Debug)]
pub struct Dossier {
    /// As given.
    pub name: String,
    /// SHA-256 in hexadecimal; `None` for a folder.
    pub sha256: Option<String>,
    /// In bytes, packed; of a folder the sum of its files.
    pub size: u64,
    /// `zip`, `directory`, `file`.
    pub kind: &'static str,
    /// Entries seen, nested archives' included.
    pub entries: usize,
    /// Bytes that were inflated or read.
    pub bytes_read: u64,
    /// What is in it.
    pub inventory: Inventory,
    /// How much of each bundle is explained.
    pub coverage: Vec<Coverage>,
    /// What could not be seen, sorted.
    pub gaps: Vec<Gap>,
    /// What is wrong with its framing.
    pub anomalies: Vec<(Location, Anomaly)>,
    /// What detectors observed that is no component and no gap.
    pub observations: Vec<Observation>,
    /// Runtimes that templates inside name.
    pub runtimes: Vec<(Location, Box<str>)>,
    /// What the symbol tables of binaries name: megabytes, and for ranking alone, so it is not kept.
    pub symbols: Vec<Symbols>,
}

/// A place: path, line, archives around it.
type Place<'k> = (&'k str, Option<u32>, Vec<&'k str>);
/// Ecosystem, name, version.
type Name<'k> = (&'k str, &'k str, Option<&'k str>);
/// Detector, place, proof, confidence, facts.
type Seen<'k> = (&'k str, Place<'k>, u8, f32, Vec<Cow<'k, str>>);

/// A dossier as it is kept: in postcard's form, whose texts are read where they lie. JSON took twice as long, and an audit
/// reads thousands.
#[derive(Serialize, Deserialize)]
struct Kept<'k> {
    #[serde(borrow)]
    kind: &'k str,
    size: u64,
    entries: usize,
    bytes_read: u64,
    /// With the numbers of the components that each one requires.
    #[serde(borrow)]
    components: Vec<(Name<'k>, Vec<Seen<'k>>, Vec<usize>)>,
    #[serde(borrow)]
    coverage: Vec<(Place<'k>, [usize; 4])>,
    /// Whether it is blind, stage, place, reason.
    #[serde(borrow)]
    gaps: Vec<(bool, &'k str, Place<'k>, &'k str)>,
    /// Place, code, whether it is a contradiction, path, message.
    #[serde(borrow)]
    anomalies: Vec<(Place<'k>, &'k str, bool, &'k str, &'k str)>,
    #[serde(borrow)]
    observations: Vec<(u8, Name<'k>, Place<'k>, Place<'k>)>,
    #[serde(borrow)]
    runtimes: Vec<(Place<'k>, &'k str)>,
}

const PROOFS: [Proof; 4] = [Proof::Inferred, Proof::Declared, Proof::Locked, Proof::Installed];
const OBSERVATIONS: [ObservationKind; 3] = [
    ObservationKind::CodeChanged,
    ObservationKind::FileChanged,
    ObservationKind::CodeUnlisted,
];

fn number<T: PartialEq>(of: &[T], what: &T) -> u8 {
    let at = of.iter().position(|one| one == what).unwrap_or_default();
    u8::try_from(at).unwrap_or_default()
}

fn place(location: &Location) -> Place<'_> {
    let archives = location.archives.iter().map(|a| &**a);
    (&location.path, location.line, archives.collect())
}

fn location((path, line, archives): Place<'_>) -> Location {
    Location {
        archives: archives.into_iter().map(Into::into).collect(),
        path: path.into(),
        line,
    }
}

fn name(coordinate: &Coordinate) -> Name<'_> {
    (coordinate.ecosystem.0, &coordinate.name, coordinate.version.as_deref())
}

/// As it was: it is normalised already.
fn coordinate((ecosystem, name, version): Name<'_>) -> Option<Coordinate> {
    let ecosystem = ecosystem::ALL.iter().find(|e| e.id.0 == ecosystem)?.id;
    Some(Coordinate {
        ecosystem,
        name: name.into(),
        version: version.map(Into::into),
    })
}

fn seen(e: &Evidence) -> Seen<'_> {
    let facts = e.facts.iter().map(|fact| Cow::Owned(evidence::word_of(fact))).collect();
    (
        e.detector,
        place(&e.location),
        number(&PROOFS, &e.proof),
        e.confidence,
        facts,
    )
}

impl Dossier {
    /// As bytes, for [`Dossier::read`]; its name and digest are not among them, so that one is kept for all who share it.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let numbers: HashMap<&Coordinate, usize> = self
            .inventory
            .iter()
            .enumerate()
            .map(|(i, c)| (&c.coordinate, i))
            .collect();
        let components = self.inventory.iter().map(|c| {
            let requires = c.requires.iter().filter_map(|r| numbers.get(r).copied()).collect();
            (name(&c.coordinate), c.evidence.iter().map(seen).collect(), requires)
        });
        let kept = Kept {
            kind: self.kind,
            size: self.size,
            entries: self.entries,
            bytes_read: self.bytes_read,
            components: components.collect(),
            coverage: self
                .coverage
                .iter()
                .map(|c| {
                    (
                        place(&c.location),
                        [c.bytes, c.components, c.application, c.unidentified],
                    )
                })
                .collect(),
            gaps: self
                .gaps
                .iter()
                .map(|g| {
                    let blind = g.kind == GapKind::Blind;
                    (blind, g.stage, place(&g.location), &*g.reason)
                })
                .collect(),
            anomalies: self
                .anomalies
                .iter()
                .map(|(at, a)| {
                    let contradiction = a.gravity == Gravity::Contradiction;
                    (place(at), a.code, contradiction, &*a.path, &*a.message)
                })
                .collect(),
            observations: self
                .observations
                .iter()
                .filter(|o| OBSERVATIONS.contains(&o.kind)) // a source is compared with what is scanned beside it
                .map(|o| {
                    let kind = number(&OBSERVATIONS, &o.kind);
                    (kind, name(&o.subject), place(&o.location), place(&o.against))
                })
                .collect(),
            runtimes: self
                .runtimes
                .iter()
                .map(|(at, runtime)| (place(at), &**runtime))
                .collect(),
        };
        let plain = postcard::to_stdvec(&kept).unwrap_or_default();
        let mut packed = DeflateEncoder::new(Vec::with_capacity(plain.len() / 6), Compression::fast());
        let _ = packed.write_all(&plain); // a vector takes everything
        packed.finish().unwrap_or_default()
    }

    /// What [`Dossier::write`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(bytes: &[u8], name: String, sha256: Option<String>) -> Result<Self, String> {
        let mut plain = Vec::with_capacity(bytes.len() * 6);
        let read = DeflateDecoder::new(bytes).take(BYTES).read_to_end(&mut plain);
        read.map_err(|e| format!("what is kept of {name} cannot be inflated: {e}"))?;
        let kept: Kept<'_> =
            postcard::from_bytes(&plain).map_err(|e| format!("what is kept of {name} cannot be read: {e}"))?;
        Ok(kept.dossier(name, sha256))
    }

    /// Judges it by what advisories say of what is in it: findings and gaps, as a scan would report them, but for how each
    /// component came in, which an inventory keeps by itself.
    #[must_use]
    pub fn judge(self, matches: &Matches, database: &Database, checks: &Settings, now: SystemTime) -> Artifact {
        let mut artifact = super::judge(self, Some(matches), checks, now);
        super::plan::signal(&mut artifact, database.signals());
        artifact
    }

    /// What is in it; nothing is checked.
    #[must_use]
    pub fn list(self) -> Artifact {
        super::judge(self, None, &Settings::default(), SystemTime::UNIX_EPOCH)
    }
}

impl Kept<'_> {
    fn dossier(self, of: String, sha256: Option<String>) -> Dossier {
        let names: Vec<Option<Coordinate>> = self.components.iter().map(|(n, ..)| coordinate(*n)).collect();
        let seen = |(detector, at, proof, confidence, facts): Seen<'_>| Evidence {
            detector: interned(detector),
            location: location(at),
            proof: PROOFS[usize::from(proof).min(PROOFS.len() - 1)],
            confidence,
            facts: facts.iter().filter_map(|word| evidence::fact_of(word)).collect(),
        };
        let mut listed = Vec::with_capacity(self.components.len());
        for (i, (_, evidence, requires)) in self.components.into_iter().enumerate() {
            let Some(coordinate) = names.get(i).cloned().flatten() else {
                continue;
            };
            listed.push(Component {
                coordinate,
                evidence: evidence.into_iter().map(seen).collect(),
                requires: requires
                    .into_iter()
                    .filter_map(|r| names.get(r).cloned().flatten())
                    .collect(),
            });
        }
        let observation = |(kind, subject, at, against): (u8, Name<'_>, Place<'_>, Place<'_>)| {
            Some(Observation {
                kind: *OBSERVATIONS.get(usize::from(kind))?,
                subject: coordinate(subject)?,
                location: location(at),
                against: location(against),
                others: "".into(),
            })
        };
        Dossier {
            name: of,
            sha256,
            size: self.size,
            kind: interned(self.kind),
            entries: self.entries,
            bytes_read: self.bytes_read,
            inventory: Inventory::restored(listed),
            coverage: self
                .coverage
                .into_iter()
                .map(|(at, [bytes, components, application, unidentified])| Coverage {
                    location: location(at),
                    bytes,
                    components,
                    application,
                    unidentified,
                })
                .collect(),
            gaps: self
                .gaps
                .into_iter()
                .map(|(blind, stage, at, reason)| Gap {
                    kind: if blind { GapKind::Blind } else { GapKind::Partial },
                    location: location(at),
                    stage: interned(stage),
                    reason: reason.to_owned(),
                })
                .collect(),
            anomalies: self
                .anomalies
                .into_iter()
                .map(|(at, code, contradiction, path, message)| {
                    let gravity = if contradiction {
                        Gravity::Contradiction
                    } else {
                        Gravity::Quirk
                    };
                    let code = interned(code);
                    (
                        location(at),
                        Anomaly {
                            code,
                            gravity,
                            path: path.into(),
                            message: message.to_owned(),
                        },
                    )
                })
                .collect(),
            observations: self.observations.into_iter().filter_map(observation).collect(),
            runtimes: self
                .runtimes
                .into_iter()
                .map(|(at, runtime)| (location(at), runtime.into()))
                .collect(),
            symbols: Vec::new(),
        }
    }
}

/// A word of the program's own (a detector's id, a stage, a code), from what is kept. Words that no registry lists are kept
/// for ever; a store that was tampered with finds room for a few hundred of them.
pub(crate) fn interned(word: &str) -> &'static str {
    static OTHERS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    const ROOM: usize = 500;
    let own = detect::ALL
        .iter()
        .map(|d| d.id())
        .chain(["zip", "directory", "file", "archive", "inventory"]);
    if let Some(known) = own.into_iter().find(|known| *known == word) {
        return known;
    }
    let mut others = OTHERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = others.get(word) {
        return known;
    }
    if others.len() >= ROOM || word.len() > 64 {
        return "unknown";
    }
    let word: &'static str = Box::leak(word.to_owned().into_boxed_str());
    others.insert(word);
    word
}

/// Looks into one artifact.
///
/// # Errors
/// When it is none, or cannot be read.
pub fn dossier(input: &super::Input, options: &Options) -> Result<Dossier, String> {
    super::open::artifact(input, options)
}
