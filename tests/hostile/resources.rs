//! What hostile artifacts may cost: each in a process whose address space is bounded, so that memory which an artifact only
//! claims, or which grows with it, ends the test (cases 48, 61, 62).

use crate::{build::*, collection};
use flate2::{Compression, write::DeflateEncoder};
use std::{fs, io::Write as _, path::Path};

/// Deflate of so many MiB of zeros, made without holding them: about a thousandth.
fn zeros(mib: usize) -> (Vec<u8>, u32) {
    let (mut encoder, mut crc) = (
        DeflateEncoder::new(Vec::new(), Compression::best()),
        crc32fast::Hasher::new(),
    );
    let one = vec![0; 1 << 20];
    for _ in 0..mib {
        encoder.write_all(&one).unwrap();
        crc.update(&one);
    }
    (encoder.finish().unwrap(), crc.finalize())
}

/// A zip with zeros under these names, beside the canary.
fn bomb(names: &[&str], mib: usize) -> Vec<u8> {
    let (packed, crc) = zeros(mib);
    let entry = |name: &&str| {
        let size = u32::try_from(mib << 20).unwrap();
        let length = u32::try_from(packed.len()).unwrap();
        let entry = stored(name, b"").with(|e| e.data.clone_from(&packed));
        entry.both(|s| (s.method, s.crc, s.packed, s.size) = (8, crc, length, size))
    };
    let entries = names.iter().map(entry).collect::<Vec<_>>();
    with_index([crate::own::canary()].into_iter().chain(entries)).bytes()
}

/// What `plimsoll scan` says of files within so many MiB of address space, on so many threads.
fn within(mib: usize, jobs: &str, paths: &[&Path]) -> serde_json::Value {
    collection::run_within(mib, jobs, paths).unwrap_or_else(|e| panic!("{paths:?} within {mib} MiB: {e}"))
}

#[test]
fn c_memory_is_bounded_whatever_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let nested = |depth: usize| {
        (0..depth).fold(bomb(&["package-lock.json"], 64), |inner, i| {
            zip([deflated(&format!("{i}.zip"), &inner)]).bytes()
        })
    };
    let lock = format!(
        "{{\"lockfileVersion\":3,\"packages\":{{{}\"\":{{}}}}}}",
        r#""node_modules/a":{"version":"1.0.0"},"#.repeat(100_000)
    );
    let artifacts: Vec<(&str, Vec<u8>)> = vec![
        ("48 zeros.zip", bomb(&["zeros.bin"], 256)),
        (
            "48 to be read.zip",
            bomb(&["package-lock.json", "x-1.dist-info/METADATA"], 32),
        ),
        ("59 gzip.gz", gzip(&vec![0; 64 << 20])),
        ("nested.zip", nested(5)),
        (
            "a large lock.zip",
            with_index([deflated("package-lock.json", lock.as_bytes())]).bytes(),
        ),
        (
            "60 a tar that claims.tar",
            tar_entry("package.json", b'0', u64::MAX >> 2, "", b""),
        ),
        (
            "a zip that claims.zip",
            with_index([deflated("package.json", b"{}").both(|s| s.size = u32::MAX - 1)]).bytes(),
        ),
    ];
    for (name, bytes) in artifacts {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        within(300, "1", &[&path]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn c_many_archives_at_once_cost_no_more_than_a_few() {
    let folder = tempfile::tempdir().unwrap();
    // Each of them holds 4 MiB while it is read.
    let bytes = bomb(&["zeros.bin", "package-lock.json"], 4);
    let paths: Vec<_> = (0..200).map(|i| folder.path().join(format!("{i:03}.zip"))).collect();
    for path in &paths {
        fs::write(path, &bytes).unwrap();
    }
    let paths: Vec<&Path> = paths.iter().map(|path| &**path).collect();
    let report = within(500, "4", &paths);
    let artifacts = report["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 200);
    for artifact in artifacts {
        assert!(artifact.to_string().contains("plimsoll-canary"), "{artifact}");
    }
}
