//! `Cargo.lock`, of every version so far.

use super::{
    DetectError, Detector, Interest, Sink,
    rust::lock::{Lock, Package},
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::CARGO,
    model::{Fact, Proof},
    parse,
};

pub(super) struct CargoLock;

impl Detector for CargoLock {
    fn id(&self) -> &'static str {
        "cargo-lock"
    }

    fn reads(&self) -> &'static str {
        "`Cargo.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "Cargo.lock")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // Not as other text: what is no UTF-8 is no TOML, and a name with U+FFFD in it would match nothing.
        let text = parse::toml::text(entry.bytes);
        let lock = text
            .and_then(|text| Lock::parse(text).map_err(|e| e.message().to_owned()))
            .map_err(|e| DetectError(format!("not a Cargo.lock ({e}); write it again with cargo")))?;
        let coordinate = |p: &Package| CARGO.coordinate(&p.name, Some(&p.version));
        for (package, edges) in lock.packages.iter().zip(lock.edges()) {
            if package.source.is_none() {
                continue;
            }
            let requires = edges.iter().filter_map(|&i| lock.packages.get(i)).map(coordinate);
            let added = found.add(coordinate(package), Proof::Locked, 1.0);
            let _ = added
                .requires(requires.collect())
                .facts(package.integrity().map(Fact::Integrity));
        }
        Ok(())
    }
}
