//! Packages as npm packs them: a tarball whose one folder is `package/` (`npm pack`, offline mirrors, vendored tarballs).

use super::{DetectError, Detector, Interest, Sink, js::package_json::PackageJson};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Fact, Proof},
    parse::{self, json},
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
        Interest::read_if(meta.path == "package/package.json")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // A folder `package` of an application is its own; only a tarball makes it a package.
        let around = entry.location.archives.last();
        if !around.is_some_and(|name| TARBALLS.iter().any(|ending| name.ends_with(ending))) {
            return Ok(());
        }
        let read: PackageJson = json::document(parse::text(entry.bytes).as_bytes())
            .map_err(|e| DetectError(format!("package.json is not JSON ({e}); pack it again with npm")))?;
        let licence = read.licence().map(|l| Fact::Licence(l.into()));
        let authors = read.authors.iter().map(|a| Fact::Author(a.as_str().into()));
        let facts: Vec<Fact> = licence.into_iter().chain(authors).collect();
        for name in &read.names {
            for version in &read.versions {
                let added = found.add(NPM.coordinate(name, Some(version)), Proof::Declared, 0.9);
                let _ = added.facts(facts.iter().cloned());
            }
        }
        Ok(())
    }
}
