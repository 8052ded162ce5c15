//! SBOMs that a wheel carries (PEP 770): every file in `*.dist-info/sboms/`, whatever its name, as CycloneDX or SPDX JSON.
//! They list what the metadata does not: crates in an extension module, libraries that were bundled.

use super::{DetectError, Detector, Interest, Sink, python::folders};
use crate::{
    archive::{Entry, EntryMeta},
    model::Proof,
    parse::sbom,
};

pub(super) struct PythonSbom;

impl Detector for PythonSbom {
    fn id(&self) -> &'static str {
        "python-sbom"
    }

    fn reads(&self) -> &'static str {
        "`*.dist-info/sboms/*` (PEP 770), CycloneDX or SPDX JSON"
    }

    fn technique(&self) -> &'static str {
        "attestation"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let inside = folders::dist_info(meta.path)
            .and_then(|folder| meta.path.strip_prefix(folder))
            .is_some_and(|rest| rest.starts_with("/sboms/"));
        Interest::read_if(inside)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let read = sbom::read(entry.bytes).map_err(DetectError)?;
        for package in read.packages {
            let _ = found.add(package.coordinate, Proof::Installed, 0.8);
        }
        if let Some(reason) = sbom::unknown(&read.unknown) {
            found.partial(reason);
        }
        Ok(())
    }
}
