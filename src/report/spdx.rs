//! SPDX 2.3 in JSON.
//!
//! One document describes one artifact. The specification wants a time of creation and a namespace of its own for every
//! document; so that the same input gives the same bytes, the time is that of `SOURCE_DATE_EPOCH` or else 1970-01-01, and
//! the namespace is made from a hash of what the document says.
//!
//! Not SPDX 3.0: that is another model, written as JSON-LD, which no maintained crate writes, and what takes SBOMs today takes 2.3.

use super::{Artifact, Report, Reporter, Scope, Style, sbom};
use crate::{
    ecosystem, escape,
    model::{Component, Coordinate, Finding, Gap},
    parse::{self, evidence, integrity::Digest, licence::Licence},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::SystemTime,
};

pub(super) struct Spdx;

const ARTIFACT: &str = "SPDXRef-Artifact";

impl Reporter for Spdx {
    fn id(&self) -> &'static str {
        "spdx"
    }

    fn purpose(&self) -> &'static str {
        "SBOM: SPDX 2.3 in JSON; one document for each artifact"
    }

    fn scope(&self) -> Scope {
        Scope::Artifact("spdx.json")
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(artifact) = super::only(report)? {
            escape::json(&document(report, artifact), out)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// What every part of a document needs.
struct Document<'a> {
    created: String,
    /// SPDX ids of the components.
    ids: BTreeMap<&'a Coordinate, String>,
    /// Advisories by component.
    advisories: BTreeMap<&'a Coordinate, BTreeSet<&'a str>>,
    /// Names that are no SPDX expression, with the reference that stands for each.
    names: BTreeMap<String, String>,
}

fn document(report: &Report, artifact: &Artifact) -> Value {
    let created = report.created.unwrap_or(SystemTime::UNIX_EPOCH);
    let mut context = Document {
        created: humantime::format_rfc3339_seconds(created).to_string(),
        ids: artifact
            .inventory
            .iter()
            .enumerate()
            .map(|(i, c)| (&c.coordinate, id(i, &c.coordinate)))
            .collect(),
        advisories: advisories(
            artifact
                .findings
                .iter()
                .chain(artifact.ignored.iter().map(|i| &i.finding)),
        ),
        names: BTreeMap::new(),
    };
    let mut packages = vec![whole(artifact)];
    packages.extend(artifact.inventory.iter().map(|c| context.package(c)));
    let relationships = context.relationships(artifact);
    let gaps = report.gaps.iter().chain(&artifact.gaps);
    let annotations: Vec<Value> = gaps.map(|g| context.annotation(&gap(g))).collect();
    let said = json!([packages, relationships, annotations]).to_string();
    let digest = parse::hexadecimal(&Sha256::digest(said.as_bytes()));
    let name = sbom::artifact_name(artifact);
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://spdx.org/spdxdocs/plimsoll/{}-{digest}", escape::uri(name)),
        "creationInfo": {
            "created": context.created,
            "creators": [concat!("Tool: ", env!("CARGO_PKG_NAME"), "-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if !annotations.is_empty() {
        document["comment"] = "something could not be seen into; the annotations of this document say what".into();
        document["annotations"] = annotations.into();
    }
    if !context.names.is_empty() {
        let info = |(name, id): (&String, &String)| json!({"licenseId": id, "name": name, "extractedText": name});
        document["hasExtractedLicensingInfos"] = context.names.iter().map(info).collect();
    }
    document
}

/// Letters, digits, `.` and `-` are all that an id may hold (SPDX 2.3, 3.2.4); the number keeps them apart.
fn id(i: usize, coordinate: &Coordinate) -> String {
    let plain: String = coordinate
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(64)
        .collect();
    format!("SPDXRef-Package-{}-{plain}", i + 1)
}

fn advisories<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeMap<&'f Coordinate, BTreeSet<&'f str>> {
    let mut all: BTreeMap<&Coordinate, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings {
        if let (Some(subject), Some(advisory)) = (&finding.subject, &finding.advisory) {
            all.entry(subject).or_default().insert(advisory);
        }
    }
    all
}

fn gap(gap: &Gap) -> String {
    let value = json!({
        "kind": gap.kind.as_str(),
        "stage": gap.stage,
        "location": gap.location.to_string(),
        "reason": gap.reason,
    });
    json!({"gap": value}).to_string()
}

fn checksum(digest: &Digest) -> Value {
    json!({"algorithm": digest.algorithm.replace('-', ""), "checksumValue": digest.hexadecimal})
}

/// The artifact itself as a package.
fn whole(artifact: &Artifact) -> Value {
    let mut value = json!({
        "SPDXID": ARTIFACT,
        "name": sbom::artifact_name(artifact),
        "packageFileName": sbom::artifact_name(artifact),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": if artifact.kind == "directory" { "APPLICATION" } else { "ARCHIVE" },
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    });
    if let Some(sha256) = &artifact.sha256 {
        value["checksums"] = json!([{"algorithm": "SHA256", "checksumValue": sha256}]);
    }
    value
}

impl Document<'_> {
    fn annotation(&self, comment: &str) -> Value {
        json!({
            "annotator": concat!("Tool: ", env!("CARGO_PKG_NAME"), "-", env!("CARGO_PKG_VERSION")),
            "annotationDate": self.created,
            "annotationType": "OTHER",
            "comment": comment,
        })
    }

    fn package(&mut self, component: &Component) -> Value {
        let coordinate = &component.coordinate;
        let mut value = json!({"SPDXID": self.ids.get(coordinate), "name": coordinate.name});
        if let Some(version) = &coordinate.version {
            value["versionInfo"] = (**version).into();
        }
        let places: Vec<String> = component.evidence.iter().map(|e| e.location.to_string()).collect();
        if let Some(first) = component.evidence.first().filter(|e| !e.location.path.is_empty()) {
            value["packageFileName"] = (*first.location.path).into();
        }
        let authors = sbom::authors(component);
        if let Some(author) = authors.first() {
            value["originator"] = match sbom::name_and_mail(author) {
                (Some(name), Some(mail)) => format!("Person: {name} ({mail})"),
                (Some(name), None) => format!("Person: {name}"),
                (None, Some(mail)) => format!("Person: {mail}"),
                (None, None) => "NOASSERTION".to_owned(),
            }
            .into();
        }
        value["supplier"] = "NOASSERTION".into();
        value["downloadLocation"] = "NOASSERTION".into();
        value["filesAnalyzed"] = false.into();
        let hashes = sbom::hashes(component);
        if !hashes.is_empty() {
            value["checksums"] = hashes.iter().map(checksum).collect();
        }
        value["sourceInfo"] = format!("{} ({})", places.join(", "), component.proof().as_str()).into();
        value["licenseConcluded"] = "NOASSERTION".into();
        value["licenseDeclared"] = self.declared(component).into();
        value["copyrightText"] = "NOASSERTION".into();
        value["primaryPackagePurpose"] = "LIBRARY".into();
        let purl = json!({
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": ecosystem::purl(coordinate),
        });
        let advisories = self.advisories.get(coordinate).into_iter().flatten().map(|id| {
            json!({
                "referenceCategory": "SECURITY",
                "referenceType": "advisory",
                "referenceLocator": sbom::advisory_url(id),
            })
        });
        value["externalRefs"] = std::iter::once(purl).chain(advisories).collect();
        let written = component.evidence.iter().map(|e| {
            let context: Value = serde_json::from_str(&evidence::write(e)).unwrap_or_default();
            json!({"location": e.location.to_string(), "evidence": context}).to_string()
        });
        value["annotations"] = written.map(|text| self.annotation(&text)).collect();
        value
    }

    /// An expression; names that are none become references to the text (SPDX 2.3, annex D.1).
    fn declared(&mut self, component: &Component) -> String {
        let licences = sbom::licences(component);
        let parts: Vec<String> = licences
            .iter()
            .map(|licence| match licence {
                Licence::Id(text) => text.clone(),
                Licence::Expression(text) if licences.len() == 1 => text.clone(),
                Licence::Expression(text) => format!("({text})"),
                Licence::Name(name) => self.reference(name),
            })
            .collect();
        if parts.is_empty() {
            "NOASSERTION".to_owned()
        } else {
            parts.join(" AND ")
        }
    }

    fn reference(&mut self, name: &str) -> String {
        let next = self.names.len() + 1;
        let id = self
            .names
            .entry(name.to_owned())
            .or_insert_with(|| format!("LicenseRef-plimsoll-{next}"));
        id.clone()
    }

    fn relationships(&self, artifact: &Artifact) -> Vec<Value> {
        let relation = |from: &str, kind: &str, to: &str| json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
        let mut all = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", ARTIFACT)];
        for component in artifact.inventory.iter() {
            let Some(id) = self.ids.get(&component.coordinate) else {
                continue;
            };
            all.push(relation(ARTIFACT, "CONTAINS", id));
            let on = component.requires.iter().filter_map(|c| self.ids.get(c));
            all.extend(on.map(|to| relation(id, "DEPENDS_ON", to)));
        }
        let roots = sbom::roots(&artifact.inventory).filter_map(|c| self.ids.get(&c.coordinate));
        all.extend(roots.map(|to| relation(ARTIFACT, "DEPENDS_ON", to)));
        all
    }
}
