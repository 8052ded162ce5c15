//! Our own: at least one artifact of every case of the matrix's groups A and B, built here; what exhausts and what nests,
//! binaries, documents and what is about memory have files of their own.

use crate::{build::*, scan};

/// What must be said of an artifact.
pub(crate) enum Must {
    /// The canary is reported, and nothing above a note.
    See,
    /// The canary is reported, with an anomaly of this code.
    SeeAnd(&'static str),
    /// The canary is reported, with a note of this code and nothing above it.
    SeeNoting(&'static str),
    /// The canary is reported, with a blind gap that holds this text.
    SeeAndGap(&'static str),
    /// An anomaly or a blind gap that holds this text; the exit code is not 0.
    Tell(&'static str),
}
use Must::{See, SeeAnd, SeeAndGap, SeeNoting, Tell};

pub(crate) fn canary() -> Entry {
    deflated(CANARY, CANARY_JSON)
}

pub(crate) fn hidden(cases: Vec<(&str, Vec<u8>, Must)>) {
    for (name, bytes, must) in cases {
        let verdict = scan(bytes);
        assert!(verdict.keeps_the_canary_rule(), "{name}: {verdict:?}");
        let has = |codes: &[String], code: &str| codes.iter().any(|c| c == code);
        match must {
            See => assert!(verdict.canary && verdict.is_unalarmed(), "{name}: {verdict:?}"),
            SeeAnd(code) => assert!(
                verdict.canary && has(&verdict.contradictions, code),
                "{name}: {verdict:?}"
            ),
            SeeNoting(code) => {
                assert!(
                    verdict.canary && verdict.is_unalarmed() && has(&verdict.quirks, code),
                    "{name}: {verdict:?}"
                );
            }
            SeeAndGap(text) => assert!(
                verdict.canary && verdict.blind.iter().any(|t| t.contains(text)),
                "{name}: {verdict:?}"
            ),
            Tell(text) => {
                let told = verdict
                    .blind
                    .iter()
                    .chain(&verdict.contradictions)
                    .any(|t| t.contains(text));
                assert!(told && verdict.exit != 0, "{name}: {verdict:?}");
            }
        }
    }
}

#[test]
fn a_two_views_of_a_zip() {
    let evil = || with_index([canary()]);
    let benign = deflated("lib/benign.js", b"1;\n");
    let other = || deflated(CANARY, br#"{"name":"plimsoll-canary","version":"1.0.0"}"#);
    let lfh_only = canary().with(|e| e.central = None);
    hidden(vec![
        ("plain", evil().bytes(), See),
        (
            "1 duplicate, same bytes",
            with_index([canary(), canary()]).bytes(),
            SeeNoting("duplicate-name"),
        ),
        (
            "2 duplicate, canary first",
            with_index([canary(), other()]).bytes(),
            SeeAnd("duplicate-name"),
        ),
        (
            "2 duplicate, canary last",
            with_index([other(), canary()]).bytes(),
            SeeAnd("duplicate-name"),
        ),
        (
            "3 local header only",
            with_index([lfh_only]).bytes(),
            SeeAnd("orphan-entry"),
        ),
        (
            "4 local name",
            with_index([canary().central(|s| s.name = b"a.txt".to_vec())]).bytes(),
            SeeAnd("name-mismatch"),
        ),
        (
            "4 central name",
            with_index([canary().local(|s| s.name = b"a.txt".to_vec())]).bytes(),
            SeeAnd("name-mismatch"),
        ),
        (
            "5 method",
            with_index([canary().central(|s| s.method = 0)]).bytes(),
            SeeAnd("method-mismatch"),
        ),
        (
            "6 size",
            with_index([stored(CANARY, CANARY_JSON).local(|s| s.packed -= 9)]).bytes(),
            SeeAnd("size-mismatch"),
        ),
        (
            "7 encrypted by the local header",
            with_index([canary().local(|s| s.flags = 1)]).bytes(),
            SeeAnd("flag-mismatch"),
        ),
        (
            "7 encrypted by the directory",
            with_index([canary().central(|s| s.flags = 1)]).bytes(),
            SeeAnd("flag-mismatch"),
        ),
        (
            "8 stacked, canary first",
            [evil().bytes(), with_index([]).bytes()].concat(),
            SeeAnd("several-archives"),
        ),
        (
            "8 stacked, canary last",
            [with_index([]).bytes(), evil().bytes()].concat(),
            SeeAnd("several-archives"),
        ),
        (
            "9 in the comment",
            with_index([]).with(|z| z.comment = evil().bytes()).bytes(),
            SeeAnd("several-archives"),
        ),
        (
            "10 comment too short",
            evil()
                .with(|z| (z.comment, z.comment_length) = (b"hello".to_vec(), Some(2)))
                .bytes(),
            SeeAnd("trailing-data"),
        ),
        (
            "10 comment too long",
            evil().with(|z| z.comment_length = Some(9)).bytes(),
            SeeAnd("comment-length"),
        ),
        (
            "11 count low",
            evil().with(|z| z.count = Some(1)).bytes(),
            SeeAnd("entry-count"),
        ),
        (
            "11 count zero",
            evil().with(|z| z.count = Some(0)).bytes(),
            SeeAnd("entry-count"),
        ),
        (
            "11 count high",
            evil().with(|z| z.count = Some(9)).bytes(),
            SeeAnd("entry-count"),
        ),
        (
            "12 directory size",
            evil().with(|z| z.directory_size = Some(46)).bytes(),
            SeeAnd("directory-size"),
        ),
        (
            "12 directory offset",
            evil().with(|z| z.directory_offset = Some(7)).bytes(),
            SeeAnd("no-local-header"),
        ),
        (
            "15 renamed by 0x7075",
            with_index([deflated("a.txt", CANARY_JSON).central(|s| s.extra = unicode_path("a.txt", CANARY))]).bytes(),
            SeeAnd("unicode-name"),
        ),
        (
            "15 renamed in the local header",
            with_index([deflated("a.txt", CANARY_JSON).local(|s| s.extra = unicode_path("a.txt", CANARY))]).bytes(),
            SeeAnd("unicode-name"),
        ),
        (
            "15 renamed with a stale checksum",
            with_index([deflated("a.txt", CANARY_JSON).both(|s| s.extra = unicode_path("b.txt", CANARY))]).bytes(),
            SeeAnd("unicode-name"),
        ),
        (
            "15 renamed by a version that does not exist",
            with_index([deflated("a.txt", CANARY_JSON).central(|s| {
                s.extra = unicode_path("a.txt", CANARY);
                s.extra[4] = 9;
            })])
            .bytes(),
            SeeAnd("unicode-name"),
        ),
        (
            "16 two names in Unicode",
            with_index([deflated("a.txt", CANARY_JSON)
                .central(|s| s.extra = [unicode_path("a.txt", "b.txt"), unicode_path("a.txt", CANARY)].concat())])
            .bytes(),
            Tell("extra-field"),
        ),
        (
            "16 two zip64 fields",
            with_index([canary().both(|s| s.extra = [field(1, &[]), field(1, &[])].concat())]).bytes(),
            SeeAnd("extra-field"),
        ),
        (
            "17 data descriptor",
            with_index([streamed(CANARY, CANARY_JSON)]).bytes(),
            See,
        ),
        (
            "18 descriptor lies",
            with_index([streamed(CANARY, CANARY_JSON).with(|e| e.behind[5] ^= 1)]).bytes(),
            SeeAnd("data-descriptor"),
        ),
        (
            "19 bad checksum",
            with_index([canary().both(|s| s.crc ^= 1)]).bytes(),
            Tell("bad CRC"),
        ),
        (
            "19 bad checksum of what nobody reads",
            with_index([benign.clone().both(|s| s.crc ^= 1), canary()]).bytes(),
            Tell("bad CRC"),
        ),
        (
            "20 size short",
            with_index([canary().both(|s| s.size = 5)]).bytes(),
            Tell("holds 44 bytes"),
        ),
        (
            "20 size zero",
            with_index([canary().both(|s| s.size = 0)]).bytes(),
            Tell("holds 44 bytes"),
        ),
        (
            "20 packed short",
            with_index([canary().both(|s| s.packed -= 5)]).bytes(),
            Tell("corrupt"),
        ),
        (
            "21 encrypted",
            with_index([canary().both(|s| s.flags = 1)]).bytes(),
            Tell("encrypted"),
        ),
        (
            "21 strongly encrypted",
            with_index([canary().both(|s| s.flags = 1 | 1 << 6)]).bytes(),
            Tell("encrypted"),
        ),
        (
            "21 encrypted, and its directory hidden",
            with_index([canary().both(|s| s.flags = 1 | 1 << 13)]).bytes(),
            Tell("encrypted"),
        ),
        (
            "22 method",
            with_index([canary().both(|s| s.method = 0x1234)]).bytes(),
            Tell("method 4660"),
        ),
        (
            "23 shebang",
            evil().with(|z| z.prefix = b"#!/usr/bin/env python3\n".to_vec()).bytes(),
            SeeNoting("prefixed"),
        ),
        (
            "24 prefix unknown to the records",
            evil()
                .with(|z| (z.prefix, z.adjusted) = (b"MZ stub ".to_vec(), false))
                .bytes(),
            SeeNoting("prefixed"),
        ),
        (
            "25 zeros behind",
            evil().with(|z| z.behind = vec![0; 512]).bytes(),
            SeeNoting("trailing-zeros"),
        ),
        (
            "25 junk behind",
            evil().with(|z| z.behind = b"junk".repeat(30_000)).bytes(),
            SeeAnd("trailing-data"),
        ),
        (
            "26 records in a comment",
            with_index([canary().with(|e| e.comment = b"PK\x01\x02 and more".to_vec())]).bytes(),
            See,
        ),
        (
            "27 file and folder",
            with_index([deflated("node_modules/plimsoll-canary", b"x"), canary()]).bytes(),
            SeeAnd("file-and-folder"),
        ),
        (
            "28 slash and data",
            with_index([deflated(&format!("{CANARY}/"), CANARY_JSON)]).bytes(),
            SeeAnd("file-and-folder"),
        ),
        (
            "28 DOS attribute and data",
            with_index([canary().with(|e| (e.host, e.attributes) = (0, 0x10))]).bytes(),
            SeeAnd("file-and-folder"),
        ),
        (
            "28 Unix mode and data",
            with_index([canary().with(|e| e.attributes = 0o040_755 << 16)]).bytes(),
            SeeAnd("file-and-folder"),
        ),
        ("29 split", evil().with(|z| z.disk = 1).bytes(), SeeAnd("multi-disk")),
        (
            "no end record",
            evil().with(|z| z.without_end = true).bytes(),
            SeeAnd("no-directory"),
        ),
        (
            "hidden behind a short deflate stream",
            hidden_in_slack(),
            Tell("follow the compressed data"),
        ),
    ]);
    // 13 and 14: records of zip64.
    let record = |count: u64, gap: &[u8]| {
        let plain = evil();
        let at = u64::try_from(plain.bytes().len() - 22).unwrap();
        let start = u64::from(u32::from_le_bytes(
            plain.bytes()[plain.bytes().len() - 6..][..4].try_into().unwrap(),
        ));
        let mut end = b"PK\x06\x06".to_vec();
        end.extend(44_u64.to_le_bytes());
        end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for value in [count, count, at - start, start] {
            end.extend(value.to_le_bytes());
        }
        end.extend(gap);
        end.extend(b"PK\x06\x07\0\0\0\0");
        end.extend(at.to_le_bytes());
        end.extend(1_u32.to_le_bytes());
        plain.with(|z| z.before_end = end).bytes()
    };
    hidden(vec![
        ("zip64 records that agree", record(2, b""), See),
        (
            "14 zip64 with room for more",
            extensible(record(2, b"")),
            Tell("zip64-record"),
        ),
        (
            "55 zip64 with 2^63 entries",
            record(1 << 63, b""),
            SeeAnd("zip64-disagrees"),
        ),
        ("13 zip64 disagrees", record(1, b""), SeeAnd("zip64-disagrees")),
        ("14 zip64 gap", record(2, b"gap!"), SeeAnd("zip64-record")),
    ]);
}

/// A zip64 end record that is said to be longer by eight bytes, which are not there.
fn extensible(mut zip: Vec<u8>) -> Vec<u8> {
    let at = memchr::memmem::rfind(&zip, b"PK\x06\x06").unwrap();
    zip[at + 4] += 8;
    zip
}

/// A stream that ends before its place does, with a local header in the rest: readers that stream see another entry.
fn hidden_in_slack() -> Vec<u8> {
    let inner = zip([stored(CANARY, CANARY_JSON)]).bytes();
    let header_and_data = 30 + CANARY.len() + CANARY_JSON.len();
    let mut entry = streamed("lib/a.bin", b"1;\n");
    entry.data.extend(&inner[..header_and_data]);
    entry.central.as_mut().unwrap().packed += u32::try_from(header_and_data).unwrap();
    let says = entry.central.clone().unwrap();
    entry.behind = [
        &b"PK\x07\x08"[..],
        &says.crc.to_le_bytes(),
        &says.packed.to_le_bytes(),
        &says.size.to_le_bytes(),
    ]
    .concat();
    // Among so much honest data that nothing is verified for being small.
    with_index([stored("data.bin", &noise(200_000)), entry]).bytes()
}

/// Bytes that no compression makes fewer.
pub(crate) fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

#[test]
fn a_truncated_at_every_byte() {
    let whole = with_index([canary()]).bytes();
    for len in 0..whole.len() {
        let verdict = scan(whole[..len].to_vec());
        assert!(verdict.exit != 0, "{len} of {} bytes: {verdict:?}", whole.len());
    }
}

#[test]
fn a_every_bit_flipped() {
    let whole = with_index([canary()]).bytes();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verdict = scan(bytes);
        assert!(verdict.exit != 0 || verdict.canary, "bit {bit}: {verdict:?}");
    }
}

#[test]
fn b_names() {
    let named = |name: &str| with_index([stored(name, b"x"), canary()]).bytes();
    let renamed = |name: &str| with_index([stored(name, CANARY_JSON)]).bytes();
    let link = |e: Entry| e.with(|e| e.attributes = 0o120_777 << 16);
    hidden(vec![
        ("33 absolute", renamed(&format!("/{CANARY}")), SeeAnd("absolute-path")),
        (
            "34 climbing",
            renamed(&format!("../{CANARY}")),
            SeeAnd("parent-segment"),
        ),
        (
            "34 climbing inside",
            renamed(&format!("lib/../{CANARY}")),
            SeeAnd("parent-segment"),
        ),
        (
            "dots",
            renamed(&format!("./a/.//../{CANARY}")),
            SeeAnd("parent-segment"),
        ),
        ("dot", renamed(&format!("./{CANARY}")), SeeNoting("dot-segment")),
        ("35 drive", named("C:\\x"), SeeAnd("absolute-path")),
        ("35 UNC", named("\\\\server\\share\\x"), SeeAnd("absolute-path")),
        ("35 verbatim", named("\\\\?\\C:\\x"), SeeAnd("absolute-path")),
        (
            "36 backslash",
            renamed(&CANARY.replace('/', "\\")),
            SeeNoting("backslash"),
        ),
        ("37 NUL", renamed(&format!("{CANARY}\0.txt")), SeeAnd("nul-in-name")),
        (
            "38 not UTF-8",
            with_index([
                stored("x", b"x").both(|s| (s.flags, s.name) = (1 << 11, b"\xc0\xaf".to_vec())),
                canary(),
            ])
            .bytes(),
            SeeAnd("name-encoding"),
        ),
        ("39 empty", named(""), SeeAnd("empty-name")),
        ("39 slash", named("/"), SeeAnd("empty-name")),
        ("39 dot", named("."), SeeAnd("empty-name")),
        ("39 two dots", named(".."), SeeAnd("parent-segment")),
        ("40 device", named("lib/aux.js"), SeeNoting("reserved-name")),
        (
            "40 dot and blank at the end",
            renamed(&CANARY.replace(".json", ".json. ")),
            SeeNoting("case-variant"),
        ),
        ("40 stream", named("a.txt:b"), SeeNoting("reserved-name")),
        ("41 20,000 deep", named(&"a/".repeat(20_000)), SeeAnd("name-length")),
        ("42 65,535 bytes", named(&"a".repeat(65_535)), SeeAnd("name-length")),
        (
            "43 below a link",
            with_index([link(stored("lib", b"/etc")), stored("lib/x", b"x"), canary()]).bytes(),
            SeeAnd("below-link"),
        ),
        (
            "43 a link that is a file",
            with_index([link(stored(CANARY, CANARY_JSON))]).bytes(),
            Tell("symbolic link by its mode"),
        ),
        (
            "44 links in a circle",
            with_index([link(stored("a", b"b")), link(stored("b", b"a")), canary()]).bytes(),
            SeeNoting("symlink"),
        ),
        (
            "45 a link of 4 GiB",
            with_index([link(stored("a", b"b").both(|s| s.size = u32::MAX - 1)), canary()]).bytes(),
            SeeAnd("size-mismatch"),
        ),
        (
            "46 pipe",
            with_index([canary().with(|e| e.attributes = 0o010_644 << 16)]).bytes(),
            SeeNoting("special-file"),
        ),
        (
            "46 device",
            with_index([canary().with(|e| e.attributes = 0o020_644 << 16)]).bytes(),
            SeeNoting("special-file"),
        ),
        (
            "46 socket",
            with_index([canary().with(|e| e.attributes = 0o140_644 << 16)]).bytes(),
            SeeNoting("special-file"),
        ),
        (
            "46 setuid",
            with_index([canary().with(|e| e.attributes = 0o104_755 << 16)]).bytes(),
            SeeNoting("special-mode"),
        ),
        (
            "47 case",
            with_index([stored("Readme", b"x"), stored("README", b"y"), canary()]).bytes(),
            SeeNoting("case-collision"),
        ),
        (
            "47 accents",
            with_index([stored("caf\u{e9}", b"x"), stored("cafe\u{301}", b"y"), canary()]).bytes(),
            SeeNoting("unicode-collision"),
        ),
        (
            "47 case of a runtime's own name",
            renamed("Node_Modules/plimsoll-canary/Package.json"),
            SeeNoting("case-variant"),
        ),
    ]);
}
