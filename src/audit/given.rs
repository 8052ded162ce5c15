//! Files given beside the artifacts: the lock files that they were built with.

use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    detect::{self, Alone, Interest, Sink},
    limits::Limits,
    model::{Account, Component, Fact, Location, Proof},
};
use std::{fs::File, io::Read as _, path::Path};

/// What lock files from outside the artifacts name. Each entry carries [`Fact::Given`]: it names versions and proves no
/// presence.
#[derive(Clone, Debug, Default)]
pub struct Given {
    components: Vec<Component>,
    accounts: Vec<Account>,
}

impl Given {
    /// Reads a lock file, of the format that its name says.
    ///
    /// # Errors
    /// When it cannot be read, when its name is no lock file's, or when it is not what its name says.
    pub fn add_lock(&mut self, path: &Path, limits: &Limits) -> Result<(), String> {
        let bytes = contents(path, limits)?;
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        self.add(&path.to_string_lossy(), &name, &bytes)
    }

    /// Reads a bundler's account of its output: esbuild's metafile, webpack's or rspack's stats, rollup's output.
    ///
    /// # Errors
    /// When it cannot be read, or is none of these.
    pub fn add_bundle_meta(&mut self, path: &Path, limits: &Limits) -> Result<(), String> {
        let bytes = contents(path, limits)?;
        let location = Location::new([].into(), &path.to_string_lossy());
        let entry = Entry {
            meta: EntryMeta {
                path: "metafile.json",
                size: bytes.len() as u64,
                kind: EntryKind::File,
            },
            bytes: &bytes,
            whole: true,
            location: location.clone(),
        };
        let known = self.accounts.len();
        for detector in detect::ALL.iter().filter(|d| d.interest(entry.meta) == Interest::Read) {
            let mut sink = Sink::new(*detector, &location, &Alone);
            detector.extract(&entry, &mut sink).map_err(|e| e.to_string())?;
            self.accounts.extend(sink.into_found().accounts);
        }
        if self.accounts.len() == known {
            return Err(
                "no account of a bundle; expected esbuild's metafile, webpack's or rspack's stats (with modules and \
                        assets), or rollup's output"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn add(&mut self, shown: &str, name: &str, bytes: &[u8]) -> Result<(), String> {
        let meta = EntryMeta {
            path: name,
            size: bytes.len() as u64,
            kind: EntryKind::File,
        };
        let location = Location::new([].into(), shown);
        let entry = Entry {
            meta,
            bytes,
            whole: true,
            location: location.clone(),
        };
        let mut claimed = false;
        for detector in detect::ALL.iter().filter(|d| d.interest(meta) == Interest::Read) {
            let mut sink = Sink::new(*detector, &location, &Alone);
            detector.extract(&entry, &mut sink).map_err(|e| e.to_string())?;
            for mut component in sink.into_found().components {
                component
                    .evidence
                    .retain(|e| matches!(e.proof, Proof::Locked | Proof::Declared));
                for evidence in &mut component.evidence {
                    evidence.facts.push(Fact::Given);
                }
                claimed |= !component.evidence.is_empty();
                if !component.evidence.is_empty() && component.coordinate.version.is_some() {
                    self.components.push(component);
                }
            }
        }
        if claimed {
            Ok(())
        } else {
            Err(
                "no lock file that is known by its name and names a version; expected one named as its tool writes it \
                 (package-lock.json, pnpm-lock.yaml, yarn.lock, bun.lock, requirements.txt, Cargo.lock)"
                    .to_owned(),
            )
        }
    }

    /// What bundlers say of their output, for one artifact.
    pub(super) fn accounts(&self) -> impl Iterator<Item = Account> + '_ {
        self.accounts.iter().cloned()
    }

    /// What they name, for one artifact.
    pub(super) fn components(&self) -> impl Iterator<Item = Component> + '_ {
        self.components.iter().cloned()
    }
}

fn contents(path: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|e| super::open::cannot_read(path, &e))?;
    let mut bytes = Vec::new();
    file.take(limits.entry_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| super::open::cannot_read(path, &e))?;
    if bytes.len() as u64 > limits.entry_bytes {
        return Err(format!(
            "over the limit of {} bytes for one document",
            limits.entry_bytes
        ));
    }
    Ok(bytes)
}
