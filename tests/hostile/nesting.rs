//! What is to exhaust a reader (group C), and archives inside archives, tars among them (group D).

use crate::{
    build::*,
    own::{
        Must::{See, SeeAnd, SeeAndGap, SeeNoting, Tell},
        canary, hidden, noise,
    },
    quine::quine,
    scan, scan_with,
};
use plimsoll::{audit::Options, limits::Limits};

fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(with_index([canary()]).bytes(), |inner, i| {
        zip([deflated(&format!("{i}.zip"), &inner)]).bytes()
    })
}

/// Sixteen times the same in each of so many layers, and zeros at the bottom.
fn broad(depth: usize) -> Vec<u8> {
    let zeros = zip([deflated("package-lock.json", &vec![0; 4 << 20])]).bytes();
    (0..depth).fold(zeros, |inner, _| {
        zip((0..16).map(|i| deflated(&format!("{i}.zip"), &inner))).bytes()
    })
}

#[test]
fn c_exhaustion() {
    let zeros = vec![0; 16 << 20];
    let overlapping = |n: usize, name: &str| {
        let mut bomb = zip([deflated(name, &zeros)]);
        for i in 1..n {
            bomb.entries.push(
                deflated(&format!("{i}{name}"), &zeros)
                    .with(|e| (e.local, e.data, e.offset) = (None, Vec::new(), Some(0))),
            );
        }
        bomb
    };
    let spam = |what: &[u8], n: usize| what.repeat(n);
    let mut z64 = field(1, &[0, 0, 0, 0, 0, 0, 0, 64, 5, 0, 0, 0, 0, 0, 0, 0]);
    z64.truncate(20);
    hidden(vec![
        (
            "48 a bomb beside",
            with_index([deflated("zeros.bin", &zeros), canary()]).bytes(),
            SeeAndGap("limit `ratio`"),
        ),
        (
            "48 a bomb to be read",
            with_index([deflated("requirements.txt", &zeros)]).bytes(),
            Tell("limit `ratio`"),
        ),
        (
            "49 quoted overlap",
            with_index([
                canary(),
                stored("a", &with_index([]).bytes()).with(|e| e.offset = Some(0)),
            ])
            .bytes(),
            SeeAnd("overlap"),
        ),
        (
            "50 full overlap",
            overlapping(200, "requirements.txt").bytes(),
            Tell("overlap"),
        ),
        ("53 five deep", nested(5), See),
        ("52 holds itself", quine("again.zip"), Tell("limit `depth`")),
        ("53 twelve deep", nested(12), Tell("limit `depth`")),
        ("51 sixteen in each of sixteen", broad(4), Tell("limit `")),
        (
            "55 65,535 entries and none",
            zip([]).with(|z| z.count = Some(0xffff)).bytes(),
            Tell("zip64"),
        ),
        (
            "55 a size of 2^62",
            with_index([canary().both(|s| (s.size, s.extra) = (u32::MAX, z64.clone()))]).bytes(),
            Tell("size-mismatch"),
        ),
        (
            "56 end records",
            with_index([canary()])
                .with(|z| z.comment = spam(b"PK\x05\x06", 16_000))
                .bytes(),
            SeeAnd("several-archives"),
        ),
        (
            "57 local headers",
            with_index([canary()])
                .with(|z| z.before_directory = spam(b"PK\x03\x04", 250_000))
                .bytes(),
            SeeAnd("orphan-entry"),
        ),
        (
            "58 extra fields",
            with_index([canary().both(|s| s.extra = spam(&field(0xcafe, &[]), 16_000))]).bytes(),
            See,
        ),
        ("59 gzip of zeros", gzip(&vec![0; 64 << 20]), Tell("limit `ratio`")),
        (
            "59 gzip in gzip",
            (0..12).fold(gzip(b"x"), |inner, _| gzip(&inner)),
            Tell("limit `depth`"),
        ),
        (
            "60 a tar of 8 EiB",
            tar_entry("x", b'0', u64::MAX >> 1, "", b""),
            Tell("beyond-the-end"),
        ),
    ]);
    let many = zip((0..65_000).map(|i| stored(&format!("f/{i}"), b"")).chain([canary()]))
        .with(|z| z.count = Some(65_001))
        .bytes();
    assert!(scan(many.clone()).canary, "54");
    let options = Options {
        limits: Limits {
            entries: 1000,
            ..Limits::default()
        },
        ..Options::default()
    };
    let verdict = scan_with(many, &options);
    assert!(
        verdict
            .blind
            .iter()
            .any(|g| g.contains("limit `entries` reached (1000)")),
        "{verdict:?}"
    );
}

#[test]
fn d_tars_and_nesting() {
    let canary_file = || tar_file(CANARY, CANARY_JSON);
    let tar = |parts: &[Vec<u8>]| [parts.concat(), TAR_END.to_vec()].concat();
    let in_zip = |name: &str, bytes: &[u8]| with_index([stored(name, bytes)]).bytes();
    let plain = tar(&[canary_file()]);
    let (first, second) = plain.split_at(512);
    let inner = with_index([canary()]).bytes();
    let size = CANARY_JSON.len().to_string();
    let long = "d/".repeat(80) + CANARY;
    hidden(vec![
        ("a tar", plain.clone(), See),
        ("a tar.gz", gzip(&plain), See),
        (
            "63 members of gzip",
            in_zip("x.tgz", &[gzip(first), gzip(second)].concat()),
            See,
        ),
        (
            "63 a short first member",
            in_zip("x.tgz", &[gzip(b""), gzip(&plain)].concat()),
            See,
        ),
        (
            "64 after the end",
            [tar(&[tar_file("a", b"a")]), plain.clone()].concat(),
            SeeAnd("after-the-end"),
        ),
        (
            "65 pax size over zero",
            tar(&[pax(&[("size", &size)]), tar_entry(CANARY, b'0', 0, "", CANARY_JSON)]),
            SeeAnd("size-mismatch"),
        ),
        (
            "65 pax size of zero",
            tar(&[
                pax(&[("size", "0")]),
                tar_entry("a", b'0', 1024, "", b""),
                canary_file(),
            ]),
            SeeAnd("size-mismatch"),
        ),
        (
            "65 pax size that covers an entry",
            tar(&[
                pax(&[("size", "1024")]),
                tar_entry("a", b'0', 0, "", b""),
                canary_file(),
            ]),
            SeeAnd("size-mismatch"),
        ),
        (
            "66 pax path",
            tar(&[pax(&[("path", CANARY)]), tar_file("a", CANARY_JSON)]),
            SeeNoting("name-mismatch"),
        ),
        (
            "66 pax path away",
            tar(&[pax(&[("path", "a")]), tar_file(CANARY, CANARY_JSON)]),
            SeeNoting("name-mismatch"),
        ),
        (
            "66 long name of GNU",
            tar(&[
                tar_entry("././@LongLink", b'L', long.len() as u64, "", long.as_bytes()),
                tar_file(&long, CANARY_JSON),
            ]),
            See,
        ),
        (
            "66 two long names",
            tar(&[
                pax(&[("path", "a")]),
                tar_entry("././@LongLink", b'L', CANARY.len() as u64, "", CANARY.as_bytes()),
                tar_file("a", CANARY_JSON),
            ]),
            SeeAnd("name-mismatch"),
        ),
        (
            "66 two pax paths",
            tar(&[
                pax(&[("path", CANARY)]),
                pax(&[("path", "a")]),
                tar_file("b", CANARY_JSON),
            ]),
            SeeAnd("pax-header"),
        ),
        (
            "66 a pax path twice",
            tar(&[pax(&[("path", CANARY), ("path", "a")]), tar_file("b", CANARY_JSON)]),
            SeeAnd("pax-header"),
        ),
        (
            "65 two pax sizes",
            tar(&[pax(&[("size", &size), ("size", "0")]), tar_file("b", CANARY_JSON)]),
            Tell("pax-header"),
        ),
        (
            "67 sparse",
            tar(&[tar_entry(CANARY, b'S', 44, "", CANARY_JSON)]),
            Tell("cannot be read"),
        ),
        (
            "67 sparse by pax",
            tar(&[
                pax(&[
                    ("GNU.sparse.major", "1"),
                    ("GNU.sparse.name", CANARY),
                    ("GNU.sparse.realsize", "44"),
                ]),
                tar_file("GNUSparseFile.0/x", CANARY_JSON),
            ]),
            Tell("cannot be read"),
        ),
        (
            "hard link",
            tar(&[tar_file("a", CANARY_JSON), tar_entry(CANARY, b'1', 0, "a", b"")]),
            See,
        ),
        (
            "a damaged header",
            tar(&[tar_file("a", b"a"), vec![7; 512], canary_file()]),
            SeeAnd("tar-header"),
        ),
        ("truncated", plain[..530].to_vec(), Tell("beyond-the-end")),
        (
            "climbing",
            tar(&[tar_file(&format!("../{CANARY}"), CANARY_JSON)]),
            SeeAnd("parent-segment"),
        ),
        (
            "dots as tar writes them",
            tar(&[tar_file(&format!("./{CANARY}"), CANARY_JSON)]),
            See,
        ),
        ("68 a zip by magic", in_zip("data.bin", &inner), See),
        ("68 a tar by magic", in_zip("data.bin", &plain), See),
        ("68 a tar.gz by magic", in_zip("data.bin", &gzip(&plain)), See),
        (
            "a script and a zip",
            in_zip("app", &[b"#!/usr/bin/env python3\n".to_vec(), inner.clone()].concat()),
            See,
        ),
        (
            "a picture and a zip, stored",
            in_zip(
                "logo.png",
                &[b"\x89PNG\r\n\x1a\n".to_vec(), noise(200_000), inner.clone()].concat(),
            ),
            See,
        ),
        (
            "a text and a zip, deflated",
            with_index([deflated("notes.txt", &[b"notes\n".to_vec(), inner.clone()].concat())]).bytes(),
            See,
        ),
        (
            "layers as docker saves them",
            tar(&[tar_file(
                "blobs/sha256/aa",
                &gzip(&tar(&[tar_file(&format!("var/task/{CANARY}"), CANARY_JSON)])),
            )]),
            See,
        ),
        (
            "a layer in a format that is not opened",
            tar(&[tar_file("blobs/sha256/bb", b"\x28\xb5\x2f\xfd and so on")]),
            Tell("an archive in zstd"),
        ),
        (
            "an archive in a format that is not opened",
            in_zip("vendor.dat", b"7z\xbc\xaf\x27\x1c and so on"),
            Tell("an archive in 7z"),
        ),
        (
            "an npm tarball",
            in_zip(
                "vendor/c.tgz",
                &gzip(&tar(&[tar_file("package/package.json", CANARY_JSON)])),
            ),
            See,
        ),
    ]);
}
