//! The file of fingerprints: embedded, imported, damaged.

use super::fingerprint::{index, minified};
use plimsoll::fingerprint::{Index, IndexError, Told, claims, grams::Stream};
use proptest::prelude::*;

#[test]
fn the_embedded_fingerprints_are_whole_and_small() {
    let index = Index::embedded().expect("is of this layout");
    index.verify().unwrap();
    assert!(index.as_bytes().len() <= 6_000_000, "{}", index.as_bytes().len());
    assert!(index.len() >= 400, "{}", index.len());
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_nothing() {
    let whole = index();
    let bundle = Stream::of(minified("alpha", 12, "1.1.0").as_bytes());
    let expected = claims(&bundle, &Index::from_bytes(whole.clone()).unwrap(), &Told::default()).unwrap();
    // The directory of empty buckets is long; every bit of the rest, and some of that.
    let mut flipped = 0;
    for at in (0..whole.len()).filter(|at| *at < 200 || *at > whole.len() - 12_000 || at % 997 == 0) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        flipped += 1;
        let result = Index::from_bytes(bytes).and_then(|index| {
            let claims = claims(&bundle, &index, &Told::default())?;
            index.verify().map(|()| claims)
        });
        assert!(
            result.is_err(),
            "byte {at} changed and nobody saw it: {result:?}, expected {expected:?}"
        );
    }
    assert!(flipped > 1000);
}

#[test]
fn an_imported_file_is_used_by_every_scan() {
    let folder = tempfile::tempdir().unwrap();
    let (file, db, app) = (
        folder.path().join("own.bin"),
        folder.path().join("db"),
        folder.path().join("app"),
    );
    std::fs::write(&file, index()).unwrap();
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("index.js"), minified("alpha", 12, "1.1.0")).unwrap();
    let run = |args: &[&std::ffi::OsStr]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&[
        "db".as_ref(),
        "import".as_ref(),
        "--db".as_ref(),
        db.as_ref(),
        file.as_ref(),
    ]);
    assert_eq!(said.trim(), "fingerprints of 4 packages");
    let scan = ["scan", "--offline", "--advisories", "embedded", "-o", "json", "--db"].map(std::ffi::OsStr::new);
    let report = run(&[&scan[..], &[db.as_ref(), app.as_ref()]].concat());
    assert!(report.contains("pkg:npm/alpha@1.1.0"), "{report}");
}

#[test]
fn what_is_wrong_is_said() {
    let whole = index();
    let open = |bytes: Vec<u8>| Index::from_bytes(bytes).unwrap_err();
    assert!(matches!(open(b"something else".to_vec()), IndexError::Magic));
    let mut other = whole.clone();
    other[8] = 9;
    assert!(open(other).to_string().contains("fingerprints of layout 9"));
    assert!(matches!(
        open(whole[..whole.len() - 1].to_vec()),
        IndexError::Malformed(_)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_read_without_panic(cut in 0usize..400_000, noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = index();
        bytes.truncate(cut);
        bytes.extend(noise);
        if let Ok(index) = Index::from_bytes(bytes) {
            let _ = index.verify();
            let _ = claims(&Stream::of(minified("alpha", 3, "1.0.0").as_bytes()), &index, &Told::default());
        }
    }
}
