//! Every detector, on an entry that it would ask for: the first byte chooses which, the rest is the entry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::{
    archive::{Entry, EntryKind, EntryMeta},
    detect::{self, Alone, Sink},
    model::Location,
};

/// Paths that detectors ask for, so that what they read from the path is there to be read.
const PATHS: &[&str] = &[
    "node_modules/plimsoll-canary/package.json",
    "package/package.json",
    "package-lock.json",
    "index.js",
    "index.js.map",
    "yarn.lock",
    "pnpm-lock.yaml",
    "a-1.0.dist-info/METADATA",
    "a-1.0.dist-info/RECORD",
    "a-1.0.egg-info/PKG-INFO",
    "requirements.txt",
    "Cargo.lock",
    "bootstrap",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let detector = detect::ALL[usize::from(choice) % detect::ALL.len()];
    for path in PATHS {
        let meta = EntryMeta { path, size: bytes.len() as u64, kind: EntryKind::File };
        if detector.interest(meta) == detect::Interest::Skip {
            continue;
        }
        let location = Location::new(["x.tgz".into()].into(), path);
        let entry = Entry { meta, bytes, whole: true, location: location.clone() };
        let _ = detector.extract(&entry, &mut Sink::new(detector, &location, &Alone));
    }
});
