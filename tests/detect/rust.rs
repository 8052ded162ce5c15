//! Rust binaries without audit data.

use super::common::{components, scan, scan_with, zip_of};
use plimsoll::{
    audit::{Features, Input, Options},
    model::{Need, SourceKind, Unit, Workspace},
};
use serde_json::Value;
use std::fs;

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

fn unit(name: &str, version: &str, needs: &[(usize, Option<&str>)]) -> Unit {
    let need = |(unit, platform): &(usize, Option<&str>)| Need {
        unit: *unit,
        platform: platform.map(Into::into),
    };
    Unit {
        name: name.into(),
        version: version.into(),
        source: SourceKind::CratesIo,
        identifier: Some(name.replace('-', "_").into()),
        is_macro: name.ends_with("derive"),
        builds: Vec::new(),
        needs: needs.iter().map(need).collect(),
    }
}

/// The source of [`BINARY`], of another day: another regex, no h2.
fn workspace() -> Workspace {
    let mut root = unit(
        "orders",
        "0.1.0",
        &[(1, None), (2, None), (3, None), (4, Some("cfg(windows)")), (5, None)],
    );
    (root.source, root.builds) = (SourceKind::Local, vec!["orders".into()]);
    Workspace {
        folder: "src".into(),
        units: vec![
            root,
            unit("regex", "1.10.0", &[]),
            unit("tokio", "1.40.0", &[]),
            unit("smallvec", "1.6.0", &[]),
            unit("windows-sys", "0.52.0", &[]),
            unit("some-derive", "1.0.0", &[(6, None)]),
            unit("syn", "2.0.0", &[]),
            unit("in-house", "1.0.0", &[]),
        ],
    }
}

fn drift(report: &Value) -> Vec<&str> {
    let findings = report["artifacts"][0]["findings"].as_array().unwrap().iter();
    let drift = findings.filter(|f| f["rule"] == "lock-drift");
    drift.map(|f| f["message"].as_str().unwrap()).collect()
}

#[test]
fn a_binary_and_its_source() {
    let options = Options {
        workspaces: vec![workspace()],
        ..Options::default()
    };
    let mut program = BINARY.to_vec();
    program.resize(4096, 0);
    (program[16], program[17]) = (2, 0); // ET_EXEC
    for (name, expected) in [("orders", true), ("bootstrap", true), ("other", false)] {
        let report = scan_with(Input::Stdin(zip_of(&[(name, &*program)])), &options);
        let found = components(&report);
        if !expected {
            assert!(drift(&report).is_empty());
            assert!(
                reasons(&report)
                    .iter()
                    .any(|g| g.contains("builds no program of this name"))
            );
            continue;
        }
        assert_eq!(
            found,
            [
                "h2 0.3.15 installed",
                "in-house 1.0.0 installed",
                "regex 1.5.4 installed",
                "smallvec 1.6.0 installed",
                "syn 2.0.0 declared",
                "tokio 1.40.0 installed",
            ],
            "{name}"
        );
        assert_eq!(
            drift(&report),
            [
                "the binary holds h2 0.3.15, which its source does not have",
                "the binary holds regex 1.5.4, its source 1.10.0",
            ]
        );
    }
}

#[test]
fn cargo_resolves_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}")
    };
    let needs = "[dependencies]\nhelper = { path = \"../helper\" }\nextra = { path = \"../extra\", optional = true }\n\
                 [target.'cfg(windows)'.dependencies]\nforeign = { path = \"../foreign\" }\n[dev-dependencies]\ntester = { path = \"../tester\" }\n";
    write(
        "orders/Cargo.toml",
        &package("orders", &format!("{needs}[workspace]\n")),
    );
    write("orders/src/main.rs", "fn main() {}");
    for name in ["helper", "extra", "foreign", "tester"] {
        write(&format!("{name}/Cargo.toml"), &package(name, ""));
        write(&format!("{name}/src/lib.rs"), "");
    }
    let orders = folder.path().join("orders");
    let open = |on: &[&str]| {
        let features = Features {
            on: on.iter().map(ToString::to_string).collect(),
            offline: true,
            ..Features::default()
        };
        Workspace::open(&orders, &features)
    };
    assert!(
        open(&[]).unwrap_err().contains("lock file"),
        "cargo would choose versions anew"
    );
    let lock = |name: &str, needs: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n{needs}\n");
    let mut text = "version = 4\n".to_owned();
    for name in ["extra", "foreign", "helper"] {
        text += &lock(name, "");
    }
    text += &lock(
        "orders",
        "dependencies = [\"extra\", \"foreign\", \"helper\", \"tester\"]",
    );
    text += &lock("tester", "");
    write("orders/Cargo.lock", &text);
    for (on, expected) in [
        (&[][..], &["foreign", "helper"][..]),
        (&["extra"], &["extra", "foreign", "helper"]),
    ] {
        let workspace = open(on).unwrap();
        let root = workspace.units.iter().find(|unit| &*unit.name == "orders").unwrap();
        assert_eq!(root.builds, [Box::<str>::from("orders")]);
        let mut needs: Vec<&str> = root
            .needs
            .iter()
            .map(|need| &*workspace.units[need.unit].name)
            .collect();
        needs.sort_unstable();
        assert_eq!(needs, expected);
        let platform = |name: &str| {
            root.needs
                .iter()
                .find(|n| &*workspace.units[n.unit].name == name)
                .unwrap()
                .platform
                .clone()
        };
        assert_eq!(platform("foreign").as_deref(), Some("cfg(windows)"));
    }
    assert!(
        Workspace::open(folder.path(), &Features::default())
            .unwrap_err()
            .contains("no Cargo.toml")
    );
}

#[test]
fn functions_that_an_advisory_names() {
    let insert_many = &b"_ZN8smallvec17SmallVec$LT$A$GT$11insert_many17h0123456789abcdefE\0"[..];
    let other = &b"_ZN8smallvec17SmallVec$LT$A$GT$4push17h0123456789abcdefE\0"[..];
    for (symbol, function, part) in [
        (
            insert_many,
            Some(true),
            "the binary holds the function concerned: `smallvec::SmallVec::insert_many`",
        ),
        (
            other,
            Some(false),
            "(`smallvec::SmallVec::insert_many`) the binary has no symbol",
        ),
    ] {
        let report = scan(Input::Stdin(zip_of(&[("bootstrap", [BINARY, symbol].concat())])));
        let findings = report["artifacts"][0]["findings"].as_array().unwrap().clone();
        let finding = findings.iter().find(|f| f["advisory"] == "RUSTSEC-2021-0003").unwrap();
        assert_eq!(finding["function"].as_bool(), function);
        assert!(finding["message"].as_str().unwrap().contains(part), "{finding}");
    }
}
