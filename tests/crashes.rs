//! What once made a fuzz target fail, kept: `fixtures/crashes/TARGET/`. See `tests/fuzz/README.md`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use plimsoll::{
    archive::{Contents, Entry, EntryKind, EntryMeta, Member},
    audit::Input,
    detect::{self, Neighbours, Sink},
    model::Location,
};
use std::{fs, path::PathBuf};

fn crashes(target: &str) -> Vec<PathBuf> {
    let folder = common::fixture("crashes").join(target);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

struct Alone;

impl Neighbours for Alone {
    fn entries(&self) -> &[Member] {
        &[]
    }
    fn has(&self, _: &str) -> bool {
        false
    }
    fn below<'n>(&'n self, _: &str) -> Box<dyn Iterator<Item = &'n Member> + 'n> {
        Box::new(std::iter::empty())
    }
    fn children<'n>(&'n self, _: &str) -> Box<dyn Iterator<Item = &'n str> + 'n> {
        Box::new(std::iter::empty())
    }
    fn read(&self, _: &str) -> Option<Contents<'static>> {
        None
    }
}

#[test]
fn archives() {
    for path in crashes("zip").into_iter().chain(crashes("tar")) {
        let bytes = fs::read(&path).unwrap();
        // Some are refused as no artifact at all; none may panic.
        let _ = common::scan(Input::Stdin(bytes));
    }
}

#[test]
fn entries() {
    for path in crashes("detect") {
        let bytes = fs::read(&path).unwrap();
        let Some((&choice, bytes)) = bytes.split_first() else {
            continue;
        };
        let location = Location::new(["x.tgz".into()].into(), "package.json");
        let meta = EntryMeta {
            path: "package.json",
            size: bytes.len() as u64,
            kind: EntryKind::File,
        };
        let entry = Entry {
            meta,
            bytes,
            location: location.clone(),
        };
        let detector = detect::ALL[usize::from(choice) % detect::ALL.len()];
        let _ = detector.extract(&entry, &mut Sink::new(detector, &location, &Alone));
    }
}
