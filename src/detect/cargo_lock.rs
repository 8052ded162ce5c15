//! `Cargo.lock`, of every version so far.

use super::{DetectError, Detector, Interest, Sink, rust::lock::Lock};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::CARGO,
    model::Proof,
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
        if meta.file_name() == "Cargo.lock" && meta.kind == EntryKind::File {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // Not as other text: what is no UTF-8 is no TOML, and a name with U+FFFD in it would match nothing.
        let text = parse::toml::text(entry.bytes);
        let lock = text
            .and_then(|text| Lock::parse(text).map_err(|e| e.message().to_owned()))
            .map_err(|e| DetectError(format!("not a Cargo.lock ({e}); write it again with cargo")))?;
        for package in lock.packages.iter().filter(|p| p.source.is_some()) {
            let _ = found.add(
                CARGO.coordinate(&package.name, Some(&package.version)),
                Proof::Locked,
                1.0,
            );
        }
        Ok(())
    }
}
