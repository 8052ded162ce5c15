//! The application's own `package.json`: which packages it asks for itself. It proves none of them, so that it is read only
//! beside an installed tree.

use super::{DetectError, Detector, Interest, Sink, js::wishes::Manifest};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    model::{Location, Wish},
    parse::json,
};

pub(super) struct NpmManifest;

/// Manifests of one archive that are read. 1,000: the largest monorepos have a few hundred workspaces, and each is opened by
/// itself.
const MANIFESTS: usize = 1000;

impl Detector for NpmManifest {
    fn id(&self) -> &'static str {
        "npm-manifest"
    }

    fn reads(&self) -> &'static str {
        "`package.json` outside of `node_modules`: which of the installed packages the application itself asks for"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Skip
    }

    fn survey(&self, found: &mut Sink<'_>) {
        let neighbours = found.neighbours;
        let files = || neighbours.entries().iter().filter(|e| e.kind == EntryKind::File);
        if !files().any(|e| e.meta().in_node_modules()) {
            return;
        }
        let own = files().filter(|e| e.meta().file_name() == "package.json" && !e.meta().in_node_modules());
        for entry in own.take(MANIFESTS) {
            let contents = neighbours.read(&entry.path);
            // One that is no manifest asks for nothing; Node refuses it by itself.
            let manifest = contents
                .and_then(|c| json::document::<Manifest>(&c.bytes).ok())
                .unwrap_or_default();
            let names: Vec<Box<str>> = manifest.all().map(|(name, ..)| name.into()).collect();
            if !names.is_empty() {
                let at = Location::new(found.place().archives, &entry.path);
                found.wishes.push(Wish { at, names });
            }
        }
    }

    fn extract(&self, _: &Entry<'_>, _: &mut Sink<'_>) -> Result<(), DetectError> {
        Ok(())
    }
}
