//! SBOMs: CycloneDX 1.x and SPDX 2.x in JSON, whoever made them.
//!
//! What identifies a component is its purl; one without is counted, never guessed from its name alone. Components inside
//! components count like others.

use super::{
    evidence::{self, Context},
    json::{self, Scalar, Words},
};
use crate::{
    ecosystem,
    model::{Coordinate, GapKind, Location},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::collections::HashMap;

/// An SBOM that was read.
#[derive(Debug, Default)]
pub struct Sbom {
    /// `CycloneDX 1.6`, `SPDX-2.3`.
    pub format: String,
    /// What it lists and can be looked up.
    pub packages: Vec<Package>,
    /// Names of what it lists and no advisory source here knows: other ecosystems, or no purl at all.
    pub unknown: Vec<String>,
    /// What the tool that made it could not see: what plimsoll wrote of its own gaps.
    pub gaps: Vec<Unseen>,
}

/// One component of it.
#[derive(Debug)]
pub struct Package {
    /// What it is.
    pub coordinate: Coordinate,
    /// Where it was seen, as far as the SBOM says.
    pub places: Vec<Place>,
    /// Licences, as expressions or names.
    pub licences: Vec<String>,
    /// Authors.
    pub authors: Vec<String>,
    /// Hashes in the form of Subresource Integrity.
    pub integrity: Vec<String>,
    /// What it directly depends on.
    pub requires: Vec<Coordinate>,
    /// Whether what the SBOM describes asks for it itself.
    pub direct: bool,
}

/// A place where a component was seen.
#[derive(Debug)]
pub struct Place {
    /// In the artifact that the SBOM describes.
    pub location: Location,
    /// What plimsoll wrote of it, if it made the SBOM.
    pub context: Option<Context>,
}

/// A gap that plimsoll wrote into an SBOM.
#[derive(Debug, PartialEq, Eq)]
pub struct Unseen {
    /// How much it hides.
    pub kind: GapKind,
    /// Who met it.
    pub stage: String,
    /// Where.
    pub location: Location,
    /// Why.
    pub reason: String,
}

/// Whether a file is an SBOM, by its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that [`read`] takes.
    Readable,
    /// One that it does not; the sentence says which, and what would help.
    Other(&'static str),
}

/// Looks at a document; `None` where it is no SBOM of any kind.
#[must_use]
pub fn recognise(bytes: &[u8]) -> Option<Kind> {
    #[derive(Deserialize)]
    struct Marks {
        #[serde(default, rename = "bomFormat")]
        bom_format: Scalar,
        #[serde(default, rename = "spdxVersion")]
        spdx_version: Scalar,
        #[serde(default, rename = "@context")]
        context: Scalar,
        #[serde(default, rename = "schemaVersion")]
        schema_version: Scalar,
        #[serde(default, rename = "descriptor")]
        descriptor: Option<serde::de::IgnoredAny>,
    }
    let head = super::text(bytes.get(..bytes.len().min(4096)).unwrap_or_default());
    let head = head.trim_start();
    if head.starts_with('<') && head.contains("cyclonedx.org/schema/bom") {
        return Some(Kind::Other(
            "CycloneDX in XML is not read; convert it to CycloneDX JSON",
        ));
    }
    if head.starts_with("SPDXVersion:") {
        return Some(Kind::Other("SPDX tag-value is not read; convert it to SPDX JSON"));
    }
    if !head.starts_with('{') {
        return None;
    }
    let Ok(marks) = json::document::<Marks>(bytes) else {
        // Broken, or with a mark given twice: its beginning still says what it was meant to be.
        let meant = ["\"bomFormat\"", "\"spdxVersion\""]
            .iter()
            .any(|mark| head.contains(mark));
        return meant.then_some(Kind::Readable);
    };
    if marks.bom_format.text() == Some("CycloneDX") || marks.spdx_version.text().is_some() {
        Some(Kind::Readable)
    } else if marks.context.text().is_some_and(|c| c.contains("spdx.org/rdf/3")) {
        Some(Kind::Other("SPDX 3 is not read; make SPDX 2.3 or CycloneDX instead"))
    } else if marks.descriptor.is_some() && head.contains("\"artifacts\"") && marks.schema_version == Scalar::Other {
        Some(Kind::Other(
            "Syft's own JSON is not read; make CycloneDX or SPDX with it (-o cyclonedx-json)",
        ))
    } else {
        None
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default, rename = "bomFormat")]
    bom_format: Scalar,
    #[serde(default, rename = "specVersion")]
    spec_version: Scalar,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<CycloneDx>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default, rename = "spdxVersion")]
    spdx_version: Scalar,
    #[serde(default)]
    packages: Vec<Spdx>,
    #[serde(default)]
    relationships: Vec<Relationship>,
    #[serde(default)]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    component: Option<CycloneDx>,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct CycloneDx {
    #[serde(default, rename = "bom-ref")]
    reference: Scalar,
    #[serde(default, rename = "type")]
    kind: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    version: Scalar,
    #[serde(default)]
    purl: Scalar,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    licenses: Vec<LicenceChoice>,
    #[serde(default)]
    authors: Words,
    #[serde(default)]
    author: Scalar,
    #[serde(default)]
    evidence: Evidence,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(default)]
    components: Vec<CycloneDx>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    value: Scalar,
}

#[derive(Deserialize)]
struct Hash {
    #[serde(default, alias = "algorithm")]
    alg: Scalar,
    #[serde(default, alias = "checksumValue")]
    content: Scalar,
}

#[derive(Deserialize)]
struct LicenceChoice {
    #[serde(default)]
    expression: Scalar,
    #[serde(default)]
    license: Licence,
}

#[derive(Deserialize, Default)]
struct Licence {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
}

#[derive(Deserialize, Default)]
struct Evidence {
    #[serde(default)]
    occurrences: Vec<Occurrence>,
}

#[derive(Deserialize)]
struct Occurrence {
    #[serde(default)]
    location: Scalar,
    #[serde(default)]
    line: Option<u32>,
    #[serde(default, rename = "additionalContext")]
    context: Scalar,
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default, rename = "ref")]
    reference: Scalar,
    #[serde(default, rename = "dependsOn")]
    on: Vec<Scalar>,
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(default, rename = "SPDXID")]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default, rename = "versionInfo")]
    version: Scalar,
    #[serde(default, rename = "externalRefs")]
    references: Vec<Reference>,
    #[serde(default, rename = "licenseDeclared")]
    licence: Scalar,
    #[serde(default)]
    originator: Scalar,
    #[serde(default)]
    checksums: Vec<Hash>,
    #[serde(default)]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default, rename = "referenceType")]
    kind: Scalar,
    #[serde(default, rename = "referenceLocator")]
    locator: Scalar,
}

#[derive(Deserialize)]
struct Relationship {
    #[serde(default, rename = "spdxElementId")]
    from: Scalar,
    #[serde(default, rename = "relationshipType")]
    kind: Scalar,
    #[serde(default, rename = "relatedSpdxElement")]
    to: Scalar,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    comment: Scalar,
}

/// What plimsoll writes into an annotation of SPDX.
#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    location: Scalar,
    #[serde(default)]
    evidence: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    gap: Option<Box<serde_json::value::RawValue>>,
}

/// Reads one.
///
/// # Errors
/// When it is not JSON, of another shape, or of a version that is not known; one sentence.
pub fn read(bytes: &[u8]) -> Result<Sbom, String> {
    let document: Document = json::document(bytes).map_err(|e| format!("not an SBOM in JSON ({e}); make it again"))?;
    match (document.bom_format.text(), document.spdx_version.text()) {
        (Some("CycloneDX"), None) => {
            // Some tools leave it out; every version so far is read the same.
            let version = document.spec_version.text().unwrap_or("1.x");
            if !version.starts_with("1.") {
                return Err(format!("CycloneDX of version `{version}`; expected 1.2 to 1.6"));
            }
            Ok(cyclonedx(&document, format!("CycloneDX {version}")))
        }
        (None, Some(version)) if version.starts_with("SPDX-2.") => Ok(spdx(&document, version.to_owned())),
        (None, Some(version)) => Err(format!("SPDX of version `{version}`; expected SPDX-2.2 or SPDX-2.3")),
        (None, None) => Err("neither CycloneDX nor SPDX: no `bomFormat` and no `spdxVersion`".to_owned()),
        _ => Err("CycloneDX and SPDX at once; nobody can tell which is meant".to_owned()),
    }
}

fn cyclonedx(document: &Document, format: String) -> Sbom {
    let mut sbom = Sbom {
        format,
        ..Sbom::default()
    };
    let root = document.metadata.component.as_ref();
    // Depth is bounded by what the JSON parser takes.
    let mut flat: Vec<&CycloneDx> = Vec::new();
    let mut open: Vec<&CycloneDx> = document.components.iter().rev().collect();
    open.extend(root.iter().flat_map(|c| &c.components));
    while let Some(component) = open.pop() {
        flat.push(component);
        open.extend(component.components.iter().rev());
    }
    let mut by_reference: HashMap<&str, usize> = HashMap::new();
    for component in flat {
        let purl = component.purl.text();
        let Some(coordinate) = purl.and_then(|purl| with_beside(purl, &component.name, &component.version)) else {
            // Files, frameworks of an operating system's and the like are no packages that anybody looks up.
            if purl.is_some() || component.kind.text() != Some("file") {
                sbom.unknown.extend(component.name.text().or(purl).map(str::to_owned));
            }
            continue;
        };
        if let Some(reference) = component.reference.text() {
            by_reference.entry(reference).or_insert(sbom.packages.len());
        }
        let licences = component.licenses.iter().filter_map(|choice| {
            let texts = [&choice.expression, &choice.license.id, &choice.license.name];
            texts.into_iter().find_map(Scalar::text).map(str::to_owned)
        });
        let author = component.author.text().map(str::to_owned);
        sbom.packages.push(Package {
            coordinate,
            places: places(component),
            licences: licences.collect(),
            authors: component.authors.0.iter().cloned().chain(author).collect(),
            integrity: component.hashes.iter().filter_map(integrity).collect(),
            requires: Vec::new(),
            direct: false,
        });
    }
    let root = root.and_then(|c| c.reference.text());
    for dependency in &document.dependencies {
        let on = dependency
            .on
            .iter()
            .filter_map(|r| by_reference.get(r.text()?).copied());
        edge(
            &mut sbom.packages,
            dependency.reference.text(),
            root,
            &by_reference,
            on.collect(),
        );
    }
    let gaps = document.metadata.properties.iter();
    let gaps = gaps.filter(|p| p.name.text() == Some("plimsoll:gap"));
    sbom.gaps = gaps.filter_map(|p| unseen(p.value.text()?)).collect();
    sbom
}

/// Edges from one component, or from what the SBOM describes.
fn edge(packages: &mut [Package], from: Option<&str>, root: Option<&str>, by: &HashMap<&str, usize>, on: Vec<usize>) {
    let Some(from) = from else { return };
    if let Some(&from) = by.get(from) {
        let requires: Vec<Coordinate> = on.iter().map(|&i| packages[i].coordinate.clone()).collect();
        packages[from].requires.extend(requires);
    } else if root == Some(from) {
        for i in on {
            packages[i].direct = true;
        }
    }
}

/// CycloneDX's own member, and what Syft writes in its place.
fn places(component: &CycloneDx) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for occurrence in &component.evidence.occurrences {
        if let Some(text) = occurrence.location.text() {
            let mut location = location(text);
            location.line = occurrence.line.filter(|line| *line > 0);
            let context = occurrence.context.text().and_then(evidence::read);
            places.push(Place { location, context });
        }
    }
    if places.is_empty() {
        let is_path = |p: &&Property| {
            let name = p.name.text().unwrap_or_default();
            name.starts_with("syft:location:") && name.ends_with(":path")
        };
        let paths = component
            .properties
            .iter()
            .filter(is_path)
            .filter_map(|p| p.value.text());
        places.extend(paths.map(|path| Place {
            location: location(path.trim_start_matches('/')),
            context: None,
        }));
    }
    places
}

fn spdx(document: &Document, format: String) -> Sbom {
    let mut sbom = Sbom {
        format,
        ..Sbom::default()
    };
    let describes = |r: &&Relationship| r.kind.text() == Some("DESCRIBES");
    let roots = document.relationships.iter().filter(describes);
    let roots: Vec<&str> = roots.filter_map(|r| r.to.text()).collect();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for package in &document.packages {
        let is_purl = |r: &&Reference| r.kind.text() == Some("purl");
        let purl = package.references.iter().find(is_purl).and_then(|r| r.locator.text());
        let Some(coordinate) = purl.and_then(|purl| with_beside(purl, &package.name, &package.version)) else {
            // What the document describes is the artifact itself, and no package that it holds.
            if !package.id.text().is_some_and(|id| roots.contains(&id)) {
                sbom.unknown.extend(package.name.text().or(purl).map(str::to_owned));
            }
            continue;
        };
        if let Some(id) = package.id.text() {
            by_id.entry(id).or_insert(sbom.packages.len());
        }
        let notes = package.annotations.iter().filter_map(note);
        let places = notes.filter_map(|note| {
            let context = evidence::read(note.evidence.as_ref()?.get())?;
            let text = note.location.text()?;
            Some(Place {
                location: with_line(text),
                context: Some(context),
            })
        });
        let said = |text: &Scalar| {
            text.text()
                .filter(|t| !matches!(*t, "NOASSERTION" | "NONE"))
                .map(str::to_owned)
        };
        let originator = said(&package.originator);
        sbom.packages.push(Package {
            coordinate,
            places: places.collect(),
            licences: said(&package.licence)
                .into_iter()
                .filter(|l| !l.contains("LicenseRef-"))
                .collect(),
            authors: originator.iter().map(|o| author(o)).collect(),
            integrity: package.checksums.iter().filter_map(integrity).collect(),
            requires: Vec::new(),
            direct: false,
        });
    }
    for relationship in &document.relationships {
        let (from, to) = match relationship.kind.text() {
            Some("DEPENDS_ON") => (&relationship.from, &relationship.to),
            Some("DEPENDENCY_OF") => (&relationship.to, &relationship.from),
            _ => continue,
        };
        let on = to.text().and_then(|to| by_id.get(to).copied()).into_iter().collect();
        let root = from.text().filter(|from| roots.contains(from));
        edge(&mut sbom.packages, from.text(), root, &by_id, on);
    }
    let gaps = document.annotations.iter().filter_map(note);
    sbom.gaps = gaps.filter_map(|note| unseen(note.gap?.get())).collect();
    sbom
}

fn note(annotation: &Annotation) -> Option<Note> {
    json::document(annotation.comment.text()?.as_bytes()).ok()
}

/// `Person: Name (mail)` as packages write it themselves.
fn author(originator: &str) -> String {
    let name = originator.split_once(": ").map_or(originator, |(_, name)| name);
    match name.strip_suffix(')').and_then(|n| n.rsplit_once(" (")) {
        Some((name, mail)) => format!("{name} <{mail}>"),
        None => name.to_owned(),
    }
}

/// The coordinate of a purl, and what the name and the version beside it add: a purl without a version has that one, and where
/// the tool wrote an npm name in small letters the name beside it has the capitals.
fn with_beside(purl: &str, name: &Scalar, version: &Scalar) -> Option<Coordinate> {
    let found = ecosystem::coordinate(purl)?;
    let beside = |text: &'_ Scalar| text.text().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let name =
        beside(name).filter(|name| found.ecosystem == ecosystem::NPM.id && name.eq_ignore_ascii_case(&found.name));
    Some(Coordinate {
        name: name.map_or(found.name, Into::into),
        version: found.version.or_else(|| beside(version).map(Into::into)),
        ..found
    })
}

/// What to say of the names that nothing here knows; `None` where there are none.
#[must_use]
pub fn unknown(names: &[String]) -> Option<String> {
    let mut names: Vec<&str> = names.iter().map(|n| &**n).collect();
    names.sort_unstable();
    let shown = names.get(..names.len().min(5)).filter(|shown| !shown.is_empty())?;
    let more = if names.len() > shown.len() { ", …" } else { "" };
    Some(format!(
        "{} of the SBOM are of no ecosystem known here, and not checked: {}{more}",
        names.len(),
        shown.join(", ")
    ))
}

fn integrity(hash: &Hash) -> Option<String> {
    let algorithm = hash.alg.text()?.replace('-', "").to_ascii_lowercase();
    let hexadecimal = hash.content.text().filter(|h| h.is_ascii() && h.len() % 2 == 0)?;
    let byte = |at: usize| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..hexadecimal.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    Some(format!("{algorithm}-{}", BASE64_STANDARD.encode(bytes)))
}

/// `outer.zip!/inner.whl!/path` in its parts.
fn location(text: &str) -> Location {
    let mut parts: Vec<Box<str>> = text.split("!/").map(Into::into).collect();
    let path = parts.pop().unwrap_or_default();
    Location::new(parts.into(), &path)
}

/// The same with `:12` behind it.
fn with_line(text: &str) -> Location {
    let line = text
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse().ok().filter(|l| *l > 0)?)));
    match line {
        Some((path, line)) => location(path).at_line(line),
        None => location(text),
    }
}

fn unseen(text: &str) -> Option<Unseen> {
    #[derive(Deserialize)]
    struct Written {
        kind: String,
        stage: String,
        location: String,
        reason: String,
    }
    let written: Written = json::document(text.as_bytes()).ok()?;
    let kinds = [GapKind::Blind, GapKind::Partial];
    Some(Unseen {
        kind: kinds.into_iter().find(|k| k.as_str() == written.kind)?,
        stage: written.stage,
        location: with_line(&written.location),
        reason: written.reason,
    })
}
