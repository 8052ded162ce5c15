//! One file per thing recognised. A detector decides on metadata; the driver in [`crate::audit`] owns all reading.

use crate::{
    archive::{Contents, Entry, EntryMeta, Member, ReadError},
    ecosystem::Ecosystem,
    fingerprint::Index,
    limits::Limits,
    model::{
        Account, Bundle, Component, Coordinate, Evidence, Fact, Gap, GapKind, Link, Location, Mapped, Observation,
        Proof, Symbols, Wish, Workspace,
    },
};
use std::{
    ops::{Deref, DerefMut},
    sync::{LazyLock, Mutex, PoisonError},
};

mod bun_lock;
mod bundle_metadata;
mod bundled_library;
mod cargo_auditable;
mod cargo_lock;
mod conda_meta;
mod deploy_template;
mod dist_info;
mod egg_info;
mod foreign_code;
mod js;
mod js_bundle;
mod js_fingerprint;
mod js_licences;
mod native_binary;
mod npm_folder;
mod npm_installed;
mod npm_lock;
mod npm_manifest;
mod npm_packed;
mod pdm_lock;
mod pipfile_lock;
mod pnpm_lock;
mod poetry_lock;
mod pylock;
mod python;
mod python_module;
mod python_record;
mod python_sbom;
mod python_vendor_list;
mod requirements;
mod rust;
mod rust_binary;
mod source_map;
mod uv_lock;
mod yarn_lock;
mod yarn_pnp;

/// Every detector, in the order they run.
pub static ALL: &[&dyn Detector] = &[
    &npm_installed::NpmInstalled,
    &npm_folder::NpmFolder,
    &npm_lock::NpmLock,
    &npm_manifest::NpmManifest,
    &npm_packed::NpmPacked,
    &pnpm_lock::PnpmLock,
    &yarn_lock::YarnLock,
    &yarn_pnp::YarnPnp,
    &bun_lock::BunLock,
    &js_bundle::JsBundle,
    &js_fingerprint::JsFingerprint,
    &source_map::SourceMap,
    &js_licences::JsLicences,
    &bundle_metadata::BundleMetadata,
    &dist_info::DistInfo,
    &egg_info::EggInfo,
    &python_module::PythonModule,
    &python_record::PythonRecord,
    &python_sbom::PythonSbom,
    &python_vendor_list::PythonVendorList,
    &conda_meta::CondaMeta,
    &bundled_library::BundledLibrary,
    &requirements::Requirements,
    &pipfile_lock::PipfileLock,
    &poetry_lock::PoetryLock,
    &uv_lock::UvLock,
    &pdm_lock::PdmLock,
    &pylock::Pylock,
    &cargo_auditable::CargoAuditable,
    &rust_binary::RustBinary,
    &native_binary::NativeBinary,
    &foreign_code::ForeignCode,
    &cargo_lock::CargoLock,
    &deploy_template::DeployTemplate,
];

/// What a detector wants from an entry, decided from its metadata alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Not mine.
    Skip,
    /// Mine if its first [`crate::archive::PEEK_BYTES`] bytes begin with one of these.
    Magic(&'static [&'static [u8]]),
    /// Mine.
    Read,
}

impl Interest {
    /// [`Self::Read`] or [`Self::Skip`].
    #[must_use]
    pub fn read_if(wanted: bool) -> Self {
        if wanted { Self::Read } else { Self::Skip }
    }

    /// Whether that includes an entry that begins with `head`.
    #[must_use]
    pub fn takes(self, head: &[u8]) -> bool {
        match self {
            Self::Skip => false,
            Self::Magic(magic) => magic.iter().any(|m| head.starts_with(m)),
            Self::Read => true,
        }
    }
}

/// Recognises one package format.
pub trait Detector: Sync {
    /// Kebab-case id, also the file's name.
    fn id(&self) -> &'static str;
    /// What it reads, in a few words for the documentation.
    fn reads(&self) -> &'static str;
    /// How it knows, in the words of CycloneDX 1.6 (`evidence.identity.methods.technique`).
    fn technique(&self) -> &'static str {
        "manifest-analysis"
    }
    /// Called for every file; must not allocate.
    fn interest(&self, meta: EntryMeta<'_>) -> Interest;
    /// Called once for each archive and folder: what the names of its entries tell without reading any. Most have nothing to
    /// say there.
    fn survey(&self, found: &mut Sink<'_>) {
        let _ = found;
    }
    /// Called once for each archive and folder, when all its entries were: what several of them tell together. Reading them
    /// again costs a pass through a compressed tarball, so it is done for all at once; few have something to say there.
    fn review(&self, found: &mut Sink<'_>) {
        let _ = found;
    }
    /// Called for entries it asked for. What was found before an error counts.
    ///
    /// # Errors
    /// When the entry is not what it claims to be; the driver records a blind gap.
    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError>;
}

/// Why an entry could not be read as the format it claims to be; one sentence, lower case, no full stop.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DetectError(pub String);

/// The other entries of the archive, for detectors that need a neighbour. Nothing is read until asked for.
pub trait Neighbours: Sync {
    /// Every entry, as [`crate::archive::Tree::entries`].
    fn entries(&self) -> &[Member];
    /// Whether there is a file at exactly that path; cheap.
    fn has(&self, path: &str) -> bool;
    /// Files whose path begins with `prefix`, sorted by path.
    fn below<'n>(&'n self, prefix: &str) -> Box<dyn Iterator<Item = &'n Member> + 'n>;
    /// Names of what lies directly in a folder (`folder` ends with a slash, or is empty), sorted by path.
    fn children<'n>(&'n self, folder: &str) -> Box<dyn Iterator<Item = &'n str> + 'n>;
    /// Opens the entries at exactly these paths, no two of them the same, in any order and on any number of threads, and gives
    /// each with its place in `paths`; of what is not there nothing.
    fn visit(&self, paths: &[&str], visitor: &(dyn Fn(usize, Contents<'_>) + Sync));
    /// Contents of the entry at exactly that path.
    fn read(&self, path: &str) -> Option<Contents<'static>> {
        let read = Mutex::new(None);
        self.visit(&[path], &|_, contents| {
            let owned = Contents {
                bytes: contents.bytes.into_owned().into(),
                problem: contents.problem,
            };
            *read.lock().unwrap_or_else(PoisonError::into_inner) = Some(owned);
        });
        read.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
    /// What the artifact may cost; the default limits unless the driver says otherwise.
    fn limits(&self) -> &Limits {
        static DEFAULT: LazyLock<Limits> = LazyLock::new(Limits::default);
        &DEFAULT
    }
    /// The fingerprints by which packages in bundles are known; those of the program unless the driver has others.
    fn fingerprints(&self) -> Option<&Index> {
        Index::embedded()
    }
    /// The sources that binaries are said to be built from.
    fn workspaces(&self) -> &[Workspace] {
        &[]
    }
}

/// A file by itself has no neighbours.
#[derive(Debug)]
pub struct Alone;

impl Neighbours for Alone {
    fn entries(&self) -> &[Member] {
        &[]
    }
    fn has(&self, _: &str) -> bool {
        false
    }
    fn below<'n>(&'n self, _: &str) -> Box<dyn Iterator<Item = &'n Member> + 'n> {
        Box::new(std::iter::empty())
    }
    fn children<'n>(&'n self, _: &str) -> Box<dyn Iterator<Item = &'n str> + 'n> {
        Box::new(std::iter::empty())
    }
    fn visit(&self, _: &[&str], _: &(dyn Fn(usize, Contents<'_>) + Sync)) {}
}

/// Takes what a detector finds in one entry.
pub struct Sink<'a> {
    detector: &'static str,
    location: &'a Location,
    /// The archive around the entry.
    pub neighbours: &'a dyn Neighbours,
    found: Found,
    /// Whether there were more components than there may be.
    full: bool,
}

/// What detectors find, of every kind.
#[derive(Debug, Default)]
pub struct Found {
    /// Components.
    pub components: Vec<Component>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// Bundles.
    pub bundles: Vec<Bundle>,
    /// Source maps.
    pub maps: Vec<Mapped>,
    /// Bundlers' accounts of their output.
    pub accounts: Vec<Account>,
    /// Facts for the checks.
    pub observations: Vec<Observation>,
    /// Runtimes that a template names, and where.
    pub runtimes: Vec<(Location, Box<str>)>,
    /// Symbolic links in `node_modules`.
    pub links: Vec<Link>,
    /// What applications ask for themselves.
    pub wishes: Vec<Wish>,
    /// What the symbol tables of binaries name.
    pub symbols: Vec<Symbols>,
}

impl Found {
    /// Adds what was found elsewhere.
    pub fn absorb(&mut self, other: Self) {
        self.components.extend(other.components);
        self.gaps.extend(other.gaps);
        self.bundles.extend(other.bundles);
        self.maps.extend(other.maps);
        self.accounts.extend(other.accounts);
        self.observations.extend(other.observations);
        self.runtimes.extend(other.runtimes);
        self.links.extend(other.links);
        self.wishes.extend(other.wishes);
        self.symbols.extend(other.symbols);
    }
}

impl Deref for Sink<'_> {
    type Target = Found;
    fn deref(&self) -> &Found {
        &self.found
    }
}

impl DerefMut for Sink<'_> {
    fn deref_mut(&mut self) -> &mut Found {
        &mut self.found
    }
}

impl<'a> Sink<'a> {
    /// For one detector and one entry.
    #[must_use]
    pub fn new(detector: &dyn Detector, location: &'a Location, neighbours: &'a dyn Neighbours) -> Self {
        Self {
            detector: detector.id(),
            location,
            neighbours,
            found: Found::default(),
            full: false,
        }
    }

    /// All that was put in.
    #[must_use]
    pub fn into_found(self) -> Found {
        self.found
    }

    /// The entry's place.
    #[must_use]
    pub fn place(&self) -> Location {
        self.location.clone()
    }

    /// A component that the entry shows; its facts and edges can be added to what is returned.
    pub fn add(&mut self, coordinate: Coordinate, proof: Proof, confidence: f32) -> Added<'_> {
        // Digits of another script, a hyphen that is none: whoever compares such a name or version finds nothing.
        let texts = [Some(&coordinate.name), coordinate.version.as_ref()];
        if let Some(text) = texts.into_iter().flatten().find(|text| !text.is_ascii()) {
            self.blind(format!(
                "`{text}` holds characters that no registry takes in a name or a version"
            ));
        }
        let limit = self.neighbours.limits().components;
        if self.found.components.len() >= limit {
            if !std::mem::replace(&mut self.full, true) {
                self.blind(ReadError::limit("components", limit as u64).to_string());
            }
            return Added(None);
        }
        self.found.components.push(Component {
            coordinate,
            evidence: vec![Evidence {
                detector: self.detector,
                location: self.location.clone(),
                proof,
                confidence,
                facts: Vec::new(),
            }],
            requires: Vec::new(),
        });
        Added(self.found.components.last_mut())
    }

    /// Something that is known to be there and could not be identified.
    pub fn partial(&mut self, reason: impl Into<String>) {
        self.gap(GapKind::Partial, reason.into());
    }

    /// Something that could not be seen into.
    pub fn blind(&mut self, reason: impl Into<String>) {
        self.gap(GapKind::Blind, reason.into());
    }

    fn gap(&mut self, kind: GapKind, reason: String) {
        self.found.gaps.push(Gap {
            kind,
            location: self.location.clone(),
            stage: self.detector,
            reason,
        });
    }
}

/// A component just added, open for more to be said of it.
pub struct Added<'s>(Option<&'s mut Component>);

impl Added<'_> {
    /// Something else that the evidence says.
    #[must_use]
    pub fn fact(mut self, fact: Fact) -> Self {
        if let Some(evidence) = self.0.as_mut().and_then(|c| c.evidence.last_mut()) {
            evidence.facts.push(fact);
        }
        self
    }

    /// Several of them.
    #[must_use]
    pub fn facts(self, facts: impl IntoIterator<Item = Fact>) -> Self {
        facts.into_iter().fold(self, Self::fact)
    }

    /// What it directly depends on.
    #[must_use]
    pub fn requires(mut self, requires: Vec<Coordinate>) -> Self {
        if let Some(component) = self.0.as_mut() {
            component.requires.extend(requires);
        }
        self
    }

    /// Another place than the entry that says so.
    pub fn at(mut self, location: Location) {
        if let Some(evidence) = self.0.as_mut().and_then(|c| c.evidence.last_mut()) {
            evidence.location = location;
        }
    }

    /// The line of the entry that says so, 1-based.
    pub fn at_line(mut self, line: usize) {
        if let Some(evidence) = self.0.as_mut().and_then(|c| c.evidence.last_mut()) {
            evidence.location = evidence.location.at_line(line);
        }
    }
}

/// Name and version from a `name-version` folder or file stem, split where a version begins: at the last `-` that is
/// followed by a digit, or at the first if there is none.
fn split_stem<'t>(stem: &'t str, ecosystem: &Ecosystem) -> Option<(&'t str, &'t str)> {
    stem.match_indices('-')
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(name, version)| !name.is_empty() && (ecosystem.is_version)(version))
}
