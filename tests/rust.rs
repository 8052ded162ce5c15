//! Rust binaries without audit data.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{components, scan, zip_of};
use plimsoll::audit::Input;
use serde_json::Value;

/// Bytes as a linker leaves them, no executable: the detectors read no section table.
const BINARY: &[u8] =
    b"\x7fELF\x02\x01\x01\0/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/fmt/mod.rs\0\
    called on none/home/me/.cargo/registry/src/github.com-1ecc6299db9ec823/h2-0.3.15/src/frame/mod.rs\
    /home/me/.cargo/registry/src/github.com-1ecc6299db9ec823/regex-1.5.4/src/exec.rs\
    /rust/deps/hashbrown-0.15.2/src/raw.rs\0\
    /build/vendor/smallvec-1.6.0/src/lib.rs\0\
    C:\\Users\\x\\.cargo\\registry\\src\\crates.example-0011223344556677\\in-house-1.0.0\\src\\lib.rs\0\
    /home/x/.cargo/git/checkouts/fork-0123456789abcdef/89abcde/src/lib.rs\0\
    rustc version 1.95.0 (59807616e 2026-04-14)\0\
    _ZN5tokio7runtime4park17h0123456789abcdefE\0_RNvCsabc_9app_thing4main\0_ZN9hashbrown3raw17h0123456789abcdefE\0\
    _ZN4llvm5Value7getTypeEv\0";

const LOCK: &str = r#"
version = 4
[[package]]
name = "bootstrap"
version = "0.1.0"
dependencies = ["h2", "regex", "smallvec", "tokio", "in-house", "windows-sys", "some-derive", "unseen"]
[[package]]
name = "h2"
version = "0.3.15"
source = "registry+https://registry.example.test"
[[package]]
name = "regex"
version = "1.5.4"
source = "registry+https://registry.example.test"
[[package]]
name = "smallvec"
version = "1.6.0"
source = "registry+https://registry.example.test"
[[package]]
name = "in-house"
version = "1.0.0"
source = "registry+https://crates.example"
[[package]]
name = "tokio"
version = "1.40.0"
source = "registry+https://registry.example.test"
[[package]]
name = "windows-sys"
version = "0.52.0"
source = "registry+https://registry.example.test"
[[package]]
name = "some-derive"
version = "1.0.0"
source = "registry+https://registry.example.test"
dependencies = ["syn"]
[[package]]
name = "syn"
version = "2.0.0"
source = "registry+https://registry.example.test"
[[package]]
name = "unseen"
version = "1.0.0"
source = "registry+https://registry.example.test"
"#;

fn reasons(report: &Value) -> Vec<String> {
    let gaps = report["artifacts"][0]["gaps"].as_array().unwrap().iter();
    gaps.map(|g| g["reason"].as_str().unwrap().to_owned()).collect()
}

fn evidence<'r>(report: &'r Value, name: &str) -> &'r Value {
    let mut all = report["artifacts"][0]["components"].as_array().unwrap().iter();
    &all.find(|c| c["name"] == name).unwrap()["evidence"][0]
}

#[test]
fn a_binary_alone() {
    let report = scan(Input::Stdin(zip_of(&[("bootstrap", BINARY)])));
    let (led_to, seen): (Vec<String>, Vec<String>) =
        components(&report).into_iter().partition(|c| c.ends_with(" inferred"));
    assert_eq!(
        seen,
        [
            "h2 0.3.15 installed",
            "in-house 1.0.0 installed",
            "regex 1.5.4 installed",
            "smallvec 1.6.0 installed",
            "tokio - installed",
        ]
    );
    for name in ["slab", "http", "fnv"] {
        assert!(
            led_to.contains(&format!("{name} - inferred")),
            "h2 cannot be built without {name}: {led_to:?}"
        );
        assert_eq!(evidence(&report, name)["required_by"], "h2", "{name}");
    }
    assert_eq!(evidence(&report, "regex-syntax")["required_by"], "regex");
    assert!(evidence(&report, "h2")["required_by"].is_null());
    let gaps = reasons(&report);
    for part in [
        "(rustc 1.95.0): 4 crates by source paths, 1 more by name alone; 1 other name in its symbols",
        "registry `crates.example-0011223344556677`, which is not crates.io",
        "git repository `fork` at 89abcde",
    ] {
        assert!(gaps.iter().any(|g| g.contains(part)), "{part}: {gaps:#?}");
    }
}

#[test]
fn versions_from_the_lock_beside_it() {
    let files = [("app/bootstrap", BINARY), ("app/Cargo.lock", LOCK.as_bytes())];
    let report = scan(Input::Stdin(zip_of(&files)));
    assert_eq!(
        components(&report),
        [
            "h2 0.3.15 installed",
            "in-house 1.0.0 installed",
            "regex 1.5.4 installed",
            "smallvec 1.6.0 installed",
            "syn 2.0.0 declared",
            "tokio 1.40.0 installed",
            "unseen 1.0.0 locked",
        ]
    );
}

#[test]
fn a_lock_elsewhere_says_nothing() {
    let files = [("app/bootstrap", BINARY), ("apple/Cargo.lock", LOCK.as_bytes())];
    let report = scan(Input::Stdin(zip_of(&files)));
    let seen = components(&report);
    assert!(seen.contains(&"tokio - installed".to_owned()), "{seen:?}");
}

#[test]
fn crates_in_a_wheel_have_the_wheel_as_their_place() {
    let wheel = zip_of(&[("pkg/_rust.abi3.so", BINARY)]);
    let report = scan(Input::Stdin(zip_of(&[(
        "wheels/pkg-1.0-cp37-abi3-linux_x86_64.whl",
        wheel,
    )])));
    let places: Vec<&str> = report["artifacts"][0]["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["evidence"][0]["location"].as_str().unwrap())
        .collect();
    assert!(
        places
            .iter()
            .all(|p| *p == "wheels/pkg-1.0-cp37-abi3-linux_x86_64.whl!/pkg/_rust.abi3.so"),
        "{places:?}"
    );
    assert!(places.len() >= 5);
}

#[test]
fn other_languages_are_not_rust() {
    let report = scan(Input::Stdin(zip_of(&[(
        "a.so",
        &b"\x7fELF /build/zlib-1.2.13/src/inflate.c ::std::string"[..],
    )])));
    assert!(components(&report).is_empty());
}

#[test]
fn a_flaw_of_another_system_is_not_the_binarys() {
    let flaws = |magic: &[u8]| {
        let mut binary = magic.to_vec();
        binary.extend_from_slice(&BINARY[8..]);
        binary.extend_from_slice(b"/home/me/.cargo/registry/src/github.com-1ecc6299db9ec823/atty-0.2.14/src/lib.rs\0");
        let report = scan(Input::Stdin(zip_of(&[("bootstrap", &*binary)])));
        assert!(components(&report).contains(&"atty 0.2.14 installed".to_owned()));
        let findings = report["artifacts"][0]["findings"].as_array().unwrap().clone();
        findings.iter().filter(|f| f["advisory"] == "RUSTSEC-2021-0145").count()
    };
    // The record is about Windows alone.
    assert_eq!(flaws(b"\x7fELF\x02\x01\x01\0"), 0);
    assert_eq!(flaws(b"MZ\0\0\0\0\0\0"), 1);
}
