//! Packages as npm packs them: a tarball whose one folder is `package/` (`npm pack`, offline mirrors, vendored tarballs).

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::NPM,
    model::Proof,
    parse::json::{self, Members, Scalar},
};

pub(super) struct NpmPacked;

/// Endings of the tarballs that npm makes and takes.
const TARBALLS: &[&str] = &[".tgz", ".tar.gz", ".tar"];

impl Detector for NpmPacked {
    fn id(&self) -> &'static str {
        "npm-packed"
    }

    fn reads(&self) -> &'static str {
        "`package/package.json` in tarballs inside the artifact: packed packages, there and not installed"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        if meta.path == "package/package.json" && meta.kind == EntryKind::File {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // A folder `package` of an application is its own; only a tarball makes it a package.
        let around = entry.location.archives.last();
        if !around.is_some_and(|name| TARBALLS.iter().any(|ending| name.ends_with(ending))) {
            return Ok(());
        }
        let Members(members) = json::document::<Members<Scalar>>(entry.bytes)
            .map_err(|e| DetectError(format!("package.json is not JSON ({e}); pack it again with npm")))?;
        let values = |key: &str| {
            members
                .iter()
                .filter(|(k, _)| k == key)
                .filter_map(|(_, v)| v.text())
                .collect::<Vec<_>>()
        };
        for name in values("name") {
            for version in values("version") {
                let _ = found.add(NPM.coordinate(name, Some(version)), Proof::Declared, 0.9);
            }
        }
        Ok(())
    }
}
