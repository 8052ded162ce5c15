//! What once made a fuzz target fail, kept: `fixtures/crashes/TARGET/`. See `tests/fuzz/README.md`.

use plimsoll::{
    archive::{Entry, EntryKind, EntryMeta},
    audit::Input,
    detect::{self, Alone, Sink},
    model::Location,
};
use std::{fs, path::PathBuf};

fn crashes(target: &str) -> Vec<PathBuf> {
    let folder = super::common::fixture("crashes").join(target);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn archives() {
    for path in crashes("zip").into_iter().chain(crashes("tar")) {
        let bytes = fs::read(&path).unwrap();
        // Some are refused as no artifact at all; none may panic.
        let _ = super::common::scan(Input::Stdin(bytes));
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
            whole: true,
            location: location.clone(),
        };
        let detector = detect::ALL[usize::from(choice) % detect::ALL.len()];
        let _ = detector.extract(&entry, &mut Sink::new(detector, &location, &Alone));
    }
}
