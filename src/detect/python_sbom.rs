//! SBOMs that a wheel carries (PEP 770): every file in `*.dist-info/sboms/`, whatever its name, as CycloneDX or SPDX JSON.
//! They list what the metadata does not: crates in an extension module, libraries that were bundled.

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem,
    model::Proof,
    parse::json::{self, Scalar},
};
use packageurl::PackageUrl;
use serde::Deserialize;
use std::str::FromStr as _;

pub(super) struct PythonSbom;

#[derive(Deserialize)]
struct Document {
    /// CycloneDX.
    #[serde(default)]
    components: Vec<CycloneDx>,
    /// SPDX.
    #[serde(default)]
    packages: Vec<Spdx>,
    #[serde(default, rename = "bomFormat")]
    bom_format: Scalar,
    #[serde(default, rename = "spdxVersion")]
    spdx_version: Scalar,
}

#[derive(Deserialize)]
struct CycloneDx {
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    purl: Scalar,
    #[serde(default)]
    components: Vec<CycloneDx>,
}

#[derive(Deserialize)]
struct Spdx {
    #[serde(default)]
    name: Scalar,
    #[serde(default, rename = "externalRefs")]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default, rename = "referenceType")]
    kind: Scalar,
    #[serde(default, rename = "referenceLocator")]
    locator: Scalar,
}

impl Detector for PythonSbom {
    fn id(&self) -> &'static str {
        "python-sbom"
    }

    fn reads(&self) -> &'static str {
        "`*.dist-info/sboms/*` (PEP 770), CycloneDX or SPDX JSON"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let inside = meta
            .path
            .rsplit_once(".dist-info/")
            .is_some_and(|(_, rest)| rest.starts_with("sboms/"));
        Interest::read_if(inside)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let document: Document = json::document(entry.bytes)
            .map_err(|e| DetectError(format!("not an SBOM in JSON ({e}); XML and other forms are not read")))?;
        if document.bom_format == Scalar::Other && document.spdx_version == Scalar::Other {
            return Err(DetectError(
                "neither CycloneDX nor SPDX; ask the wheel's publisher".to_owned(),
            ));
        }
        let mut unknown = Vec::new();
        let mut open: Vec<&CycloneDx> = document.components.iter().collect();
        while let Some(component) = open.pop() {
            add(component.purl.text(), component.name.text(), &mut unknown, found);
            open.extend(&component.components);
        }
        for package in &document.packages {
            let is_purl = |r: &&Reference| r.kind.text() == Some("purl");
            let purl = package.references.iter().find(is_purl).and_then(|r| r.locator.text());
            add(purl, package.name.text(), &mut unknown, found);
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            let shown: Vec<&str> = unknown.iter().copied().take(5).collect();
            let more = if unknown.len() > shown.len() { ", …" } else { "" };
            found.partial(format!(
                "{} of the SBOM are of no ecosystem known here, and not checked: {}{more}",
                unknown.len(),
                shown.join(", ")
            ));
        }
        Ok(())
    }
}

fn add<'d>(purl: Option<&'d str>, name: Option<&'d str>, unknown: &mut Vec<&'d str>, found: &mut Sink<'_>) {
    let parsed = purl.and_then(|purl| PackageUrl::from_str(purl).ok());
    let row = parsed
        .as_ref()
        .and_then(|p| ecosystem::ALL.iter().find(|e| e.purl_type == p.ty()));
    let (Some(parsed), Some(row)) = (&parsed, row) else {
        unknown.extend(name.or(purl));
        return;
    };
    let full = match parsed.namespace() {
        Some(namespace) => format!("{namespace}/{}", parsed.name()),
        None => parsed.name().to_owned(),
    };
    let _ = found.add(row.coordinate(&full, parsed.version()), Proof::Installed, 0.8);
}
