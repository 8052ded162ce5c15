//! `Cargo.lock`, of every version so far.

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::CARGO,
    model::Proof,
    parse,
};
use serde::Deserialize;

pub(super) struct CargoLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// Absent for the workspace's own members and path dependencies.
    source: Option<String>,
}

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
        let lock: Lock = toml::from_str(&parse::text(entry.bytes))
            .map_err(|e| DetectError(format!("not a Cargo.lock ({}); write it again with cargo", e.message())))?;
        for package in lock.package.iter().filter(|p| p.source.is_some()) {
            let _ = found.add(
                CARGO.coordinate(&package.name, Some(&package.version)),
                Proof::Locked,
                1.0,
            );
        }
        Ok(())
    }
}
