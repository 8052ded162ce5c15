//! The fixtures: plain trees, zipped here, and what is found in each.

use super::common::{components, fixture, scan, zip_of, zip_tree};
use plimsoll::audit::Input;

/// Scans a fixture both as a zip and as a folder; both must see the same.
fn both(name: &str) -> serde_json::Value {
    let zipped = scan(Input::Stdin(zip_tree(&fixture(name))));
    let folder = scan(Input::Path(fixture(name)));
    for part in ["components", "findings", "gaps"] {
        assert_eq!(
            zipped["artifacts"][0][part], folder["artifacts"][0][part],
            "{name}: zip and folder differ in {part}"
        );
    }
    zipped
}

fn gaps(report: &serde_json::Value) -> Vec<String> {
    let all = report["artifacts"][0]["gaps"].as_array().unwrap().iter();
    let show = |g: &serde_json::Value| {
        let text = |key: &str| g[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("kind"), text("stage"), text("location"))
    };
    all.map(show).collect()
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn fixtures_hold_what_they_say() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "orders",
            &[
                "axios 0.27.2 installed",
                "follow-redirects 1.15.1 installed",
                "lodash 4.17.20 installed",
                "minimist 1.2.5 installed",
                "ms 2.1.3 installed",
            ],
            &[],
        ),
        (
            "node-layer",
            &[
                "@scope/gamma 1.2.3 installed",
                "alpha 1.0.0 installed",
                "beta 2.0.0 installed",
                "beta 3.0.0 installed",
                "real-name 4.5.6 installed",
            ],
            &[],
        ),
        (
            "node-azure",
            &["alpha 1.0.0 installed", "alpha 1.1.0 installed", "beta 2.0.0 installed"],
            &[],
        ),
        (
            "node-pnpm",
            &[
                "@scope/gamma 1.2.3 installed",
                "alpha 1.0.0 installed",
                "beta 2.0.0 installed",
            ],
            &[],
        ),
        (
            "node-broken",
            &[
                "broken - installed",
                "doubled 1.0.0 installed",
                "doubled 2.0.0 installed",
                "fine 1.0.0 installed",
                "versionless - installed",
            ],
            &[
                "blind npm-installed node_modules/broken/package.json",
                "blind npm-installed node_modules/doubled/package.json",
                "blind npm-installed node_modules/versionless/package.json",
            ],
        ),
        (
            "node-lock-1",
            &[
                "alpha 1.0.0 locked",
                "beta 2.0.0 locked",
                "beta 3.0.0 locked",
                "from-git - locked",
                "real-name 4.5.6 locked",
            ],
            &[],
        ),
        (
            "node-lock-2",
            &["alpha 1.0.0 locked", "beta 2.0.0 locked", "real-name 4.5.6 locked"],
            &[],
        ),
        ("node-lock-hidden", &["alpha 1.0.0 installed"], &[]),
        (
            "python-target",
            &[
                "alpha-beta 1.0 installed",
                "forged 1.0 installed",
                "forged 2.0 installed",
                "gamma 2.0.post1 installed",
                "hollow 3.1 installed",
            ],
            &[
                "blind dist-info python/forged-1.0.dist-info/METADATA",
                "partial dist-info hollow-3.1.dist-info/METADATA",
            ],
        ),
        (
            "python-eggs",
            &[
                "delta 0.9 installed",
                "epsilon 1.2.3 installed",
                "eta 5.0 installed",
                "zeta 4.0 installed",
            ],
            &[],
        ),
        (
            "python-requirements",
            &["alpha-beta 1.0 locked", "delta - declared", "gamma 2.0.post1 locked"],
            &["partial requirements requirements.txt"],
        ),
        ("rust-lock", &["alpha 1.0.0 locked", "beta 2.0.0-rc.1 locked"], &[]),
    ];
    for (name, expected, expected_gaps) in table {
        let report = both(name);
        assert_eq!(components(&report), *expected, "{name}");
        assert_eq!(gaps(&report), *expected_gaps, "{name}");
    }
}

#[test]
fn a_lock_entry_is_evidence_beside_what_is_installed() {
    let report = both("orders");
    let axios = &report["artifacts"][0]["components"][0];
    let evidence: Vec<String> = axios["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e["proof"].as_str().unwrap(), e["location"].as_str().unwrap()))
        .collect();
    assert_eq!(
        evidence,
        ["installed node_modules/axios/package.json", "locked package-lock.json"]
    );
}

#[test]
fn archives_inside_archives() {
    let wheel = zip_of(&[("alpha-1.0.dist-info/METADATA", "Name: alpha\nVersion: 1.0\n")]);
    let requirements = zip_of(&[
        ("beta-2.0.dist-info/METADATA", &b"Name: beta\nVersion: 2.0\n"[..]),
        ("alpha.whl", &wheel),
    ]);
    let report = scan(Input::Stdin(zip_of(&[
        ("main.py", &b""[..]),
        (".requirements.zip", &requirements),
    ])));
    assert_eq!(components(&report), ["alpha 1.0 installed", "beta 2.0 installed"]);
    let location = &report["artifacts"][0]["components"][0]["evidence"][0]["location"];
    assert_eq!(location, ".requirements.zip!/alpha.whl!/alpha-1.0.dist-info/METADATA");
}

#[test]
fn only_what_a_detector_asked_for_is_inflated() {
    // Noise that does not compress: an archive of up to 64 KiB is checked whole.
    let noise = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 24) as u8
    };
    let mut state = 1;
    let big: Vec<u8> = (0..400_000).map(|_| noise(&mut state)).collect();
    let report = scan(Input::Stdin(zip_of(&[
        ("big.txt", &big[..]),
        ("node_modules/a/package.json", br#"{"name":"a","version":"1.0.0"}"#),
    ])));
    assert_eq!(components(&report), ["a 1.0.0 installed"]);
    let read = report["artifacts"][0]["bytes_read"].as_u64().unwrap();
    assert!(read < 2_000, "{read} bytes read of two entries, one of them asked for");
}

/// The smallest ELF that says something: a header, a section of audit data, the section names.
fn audited_binary(audit: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(audit.as_bytes()).unwrap();
    let data = zlib.finish().unwrap();
    let names = b"\0.dep-v0\0.shstrtab\0";
    let (data_at, names_at) = (64_u64, 64 + data.len() as u64);
    let sections_at = (names_at + names.len() as u64).next_multiple_of(8);
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for (value, width) in [
        (2, 2),
        (62, 2),
        (1, 4),
        (0, 8),
        (0, 8),
        (sections_at, 8),
        (0, 4),
        (64, 2),
        (0, 2),
        (0, 2),
        (64, 2),
        (3, 2),
        (2, 2),
    ] {
        elf.extend(&u64::to_le_bytes(value)[..width]);
    }
    elf.extend(&data);
    elf.extend(names);
    elf.resize(usize::try_from(sections_at).unwrap(), 0);
    for (name, kind, offset, size) in [
        (0_u64, 0_u64, 0, 0),
        (1, 1, data_at, data.len() as u64),
        (9, 3, names_at, names.len() as u64),
    ] {
        for (value, width) in [
            (name, 4),
            (kind, 4),
            (0, 8),
            (0, 8),
            (offset, 8),
            (size, 8),
            (0, 4),
            (0, 4),
            (1, 8),
            (0, 8),
        ] {
            elf.extend(&u64::to_le_bytes(value)[..width]);
        }
    }
    elf
}

#[test]
fn audit_data_names_what_is_linked() {
    let audit = r#"{"packages":[
        {"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1,2,3]},
        {"name":"linked","version":"1.0.0","source":"crates.io"},
        {"name":"a-derive","version":"1.0.0","source":"crates.io","dependencies":[4]},
        {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"quote","version":"1.0.0","source":"crates.io"}]}"#;
    let lock = "[[package]]\nname = \"linked\"\nversion = \"1.0.0\"\nsource = \"x\"\n\
                [[package]]\nname = \"dev-only\"\nversion = \"1.0.0\"\nsource = \"x\"\n";
    let binary = audited_binary(audit);
    for files in [
        vec![("bootstrap", &binary[..])],
        vec![("bootstrap", &binary[..]), ("Cargo.lock", lock.as_bytes())],
    ] {
        let report = scan(Input::Stdin(zip_of(&files)));
        assert_eq!(components(&report), ["linked 1.0.0 installed", "quote 1.0.0 declared"]);
    }
    let alone = scan(Input::Stdin(binary));
    assert_eq!(alone["artifacts"][0]["kind"], "file");
    assert_eq!(components(&alone), ["linked 1.0.0 installed", "quote 1.0.0 declared"]);
}

#[test]
fn what_cannot_be_identified_is_a_gap() {
    for (files, gap) in [
        (
            vec![("bootstrap", "\x7fELF and /rustc/0123/library")],
            "partial rust-binary bootstrap",
        ),
        (
            vec![("index.js", "var x = __webpack_require__(1)")],
            "partial js-bundle index.js",
        ),
        (vec![("handler.py", "import yaml")], "partial inventory "),
    ] {
        let report = scan(Input::Stdin(zip_of(&files)));
        assert_eq!(gaps(&report), [gap], "{files:?}");
        assert_eq!(report["summary"]["exit_code"], 0, "a partial gap warns");
    }
}

#[test]
fn code_in_languages_that_nobody_looks_into_is_told() {
    for (files, expected) in [
        (&["com/Foo.class", "com/Bar.class"][..], &["blind foreign-code "][..]),
        (
            &["f.rb", "vendor/x.rb", "lib/y.dll"],
            &["blind foreign-code ", "blind foreign-code "],
        ),
        (
            &["a.js", "node_modules/a/package.json", "lib/x.jar"],
            &["partial foreign-code "],
        ),
        (&["a.js", "node_modules/a/package.json", "node_modules/a/x.jar"], &[]),
    ] {
        let files: Vec<_> = files
            .iter()
            .map(|f| (*f, br#"{"name":"a","version":"1.0.0"}"#))
            .collect();
        assert_eq!(gaps(&scan(Input::Stdin(zip_of(&files)))), expected, "{files:?}");
    }
}

/// An ELF file of type `ET_EXEC` or `ET_DYN`, with a text in it.
fn native(kind: u8, text: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[16] = kind;
    bytes.extend_from_slice(text);
    bytes
}

#[test]
fn an_executable_that_nobody_can_take_apart_is_never_clean() {
    let packed = b"---- Bun! ----\n\n---- Bun! ----\n code \n---- Bun! ----\n";
    for (files, expected) in [
        (
            &[("bootstrap", native(2, b"main"))][..],
            &["blind native-binary bootstrap"][..],
        ),
        (
            &[("index.js", b"1".to_vec()), ("bin/go", native(2, b"\xff Go buildinf:"))],
            &["partial inventory ", "partial native-binary bin/go"],
        ),
        (
            &[("lib/a.js", b"1".to_vec()), ("x", native(2, packed))],
            &["blind native-binary x"],
        ),
        // A library, what a package brought, and Rust, which has a detector of its own.
        (
            &[
                (
                    "node_modules/a/package.json",
                    br#"{"name":"a","version":"1.0.0"}"#.to_vec(),
                ),
                ("lib/x.so", native(3, b"")),
            ],
            &[],
        ),
        (
            &[
                ("tool/__init__.py", b"".to_vec()),
                ("tool/bin/x", native(2, b"")),
                ("tool-1.0.dist-info/METADATA", b"Name: tool\nVersion: 1.0\n".to_vec()),
                ("bin/x", native(2, b"")),
            ],
            &[],
        ),
        (
            &[("bootstrap", native(2, b"/rustc/0123/library/core/src/panic.rs"))],
            &["partial rust-binary bootstrap"],
        ),
    ] {
        let report = scan(Input::Stdin(zip_of(files)));
        assert_eq!(
            gaps(&report),
            expected,
            "{:?}",
            files.iter().map(|(n, _)| n).collect::<Vec<_>>()
        );
    }
}
