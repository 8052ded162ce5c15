//! KEV and EPSS, from their public files into a scan.

use super::server;

use super::common::zip_of;
use server::Server;
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output},
};

const RECORD: &str = r#"{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2021-44906"],
    "summary":"a flaw of it","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N"}],
    "affected":[{"package":{"ecosystem":"npm","name":"a"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.1.0"}]}]}]}"#;
const WORSE: &str = r#"{"id":"GHSA-dddd-eeee-ffff","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2020-1"],
    "summary":"another flaw","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected":[{"package":{"ecosystem":"npm","name":"b"},
        "ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}"#;
const KEV: &str = r#"{"title":"t","catalogVersion":"2026.11.20","dateReleased":"2026-11-20","count":1,
    "vulnerabilities":[{"cveID":"CVE-2021-44906","dateAdded":"2022-03-04","knownRansomwareCampaignUse":"Known"}]}"#;

fn epss(score: &str) -> Vec<u8> {
    let csv = format!(
        "#model_version:v1,score_date:2026-11-20T00:00:00+0000\ncve,epss,percentile\nCVE-2021-44906,{score},0.9\n"
    );
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(csv.as_bytes()).unwrap();
    gz.finish().unwrap()
}

fn plimsoll(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command
        .args(args)
        .env_clear()
        .env("SOURCE_DATE_EPOCH", "1795305600")
        .current_dir(folder);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with an artifact and a database `db` of two flaws.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let package = |name: &str| {
        (
            format!("node_modules/{name}/package.json"),
            format!(r#"{{"name":"{name}","version":"1.0.0"}}"#),
        )
    };
    fs::write(at("f.zip"), zip_of(&[package("a"), package("b")])).unwrap();
    fs::create_dir(at("osv")).unwrap();
    fs::create_dir(at(".git")).unwrap();
    fs::write(at("osv/1.json"), RECORD).unwrap();
    fs::write(at("osv/2.json"), WORSE).unwrap();
    fs::write(at("kev.json"), KEV).unwrap();
    fs::write(at("epss.csv.gz"), epss("0.5")).unwrap();
    let out = plimsoll(folder.path(), &["db", "import", "--db", "db", "osv"]);
    assert!(
        out.status.success() && !text(&out.stdout).contains("KEV"),
        "{}",
        text(&out.stderr)
    );
    folder
}

fn scan(folder: &Path, db: &str, more: &[&str]) -> (Option<i32>, serde_json::Value) {
    let out = plimsoll(
        folder,
        &[
            &["scan", "--offline", "--allow-stale", "--db", db, "-o", "json", "f.zip"],
            more,
        ]
        .concat(),
    );
    let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    (out.status.code(), report)
}

#[test]
fn imported_they_decide_what_comes_first() {
    let folder = prepared();
    let folder = folder.path();
    let first = |report: &serde_json::Value| report["plan"][0]["component"].as_str().unwrap().to_owned();
    let (_, before) = scan(folder, "db", &[]);
    assert_eq!(first(&before), "pkg:npm/b@1.0.0", "the worse one");
    assert!(before["artifacts"][0]["findings"][0]["exploited"].is_null());

    let out = plimsoll(folder, &["db", "import", "--db", "db", "kev.json", "epss.csv.gz"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(
        text(&out.stdout).contains("KEV              1 flaws, as of 2026-11-20, from kev.json"),
        "{}",
        text(&out.stdout)
    );
    let (_, after) = scan(folder, "db", &[]);
    assert_eq!(first(&after), "pkg:npm/a@1.0.0", "the one that attackers use");
    let findings = after["artifacts"][0]["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|f| f["advisory"] == "GHSA-aaaa-bbbb-cccc")
        .unwrap();
    assert_eq!(
        finding["exploited"],
        serde_json::json!({"added": "2022-03-04", "ransomware": true})
    );
    assert_eq!(finding["epss"], serde_json::json!({"score": 0.5, "percentile": 0.9}));

    // A new generation of advisories leaves them; an exported database takes them along.
    fs::write(folder.join("osv/1.json"), RECORD.replace("2026-01-01", "2026-02-01")).unwrap();
    assert!(
        plimsoll(folder, &["db", "import", "--db", "db", "osv"])
            .status
            .success()
    );
    assert!(
        plimsoll(folder, &["db", "export", "--db", "db", "one.index"])
            .status
            .success()
    );
    assert!(
        plimsoll(folder, &["db", "import", "--db", "other", "one.index"])
            .status
            .success()
    );
    for db in ["db", "one.index", "other"] {
        assert_eq!(first(&scan(folder, db, &[]).1), "pkg:npm/a@1.0.0", "{db}");
    }

    // A policy may fail on what is exploited, however little severe.
    for (policy, code) in [
        ("fail-on = \"none\"", 0),
        ("fail-on = \"none\"\nfail-on-exploited = true", 1),
    ] {
        fs::write(folder.join("plimsoll.toml"), policy).unwrap();
        assert_eq!(scan(folder, "db", &[]).0, Some(code), "{policy}");
    }
    fs::write(folder.join("db/signals"), "nonsense").unwrap();
    let out = plimsoll(folder, &["scan", "--offline", "--db", "db", "f.zip"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(
        text(&out.stderr).contains("damaged; remove it, and fetch it again"),
        "{}",
        text(&out.stderr)
    );
}

#[test]
fn updates_fetch_what_was_asked_for_once() {
    let server = Server::start();
    let record = (
        "GHSA-aaaa-bbbb-cccc".to_owned(),
        "2026-01-01T00:00:00Z".to_owned(),
        RECORD.to_owned(),
    );
    server.publish("npm", &[record]);
    server.put("/kev.json", KEV.as_bytes().to_vec());
    server.put("/epss.csv.gz", epss("0.25"));
    let folder = prepared();
    let update = |more: &[&str]| {
        server.forget();
        let url = server.url();
        let args = [
            &[
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
            ],
            more,
        ]
        .concat();
        let out = plimsoll(folder.path(), &args);
        let asked = server
            .asked()
            .into_iter()
            .filter(|line| !line.starts_with("/npm/"))
            .collect::<Vec<_>>();
        (out.status.code(), asked, text(&out.stderr))
    };
    let (kev, epss_url) = (
        format!("--kev={}/kev.json", server.url()),
        format!("--epss={}/epss.csv.gz", server.url()),
    );
    assert_eq!(update(&[]).1, [""; 0], "off unless asked for");
    assert_eq!(update(&[&kev]).1, ["/kev.json 200"]);
    assert_eq!(update(&[&epss_url]).1, ["/kev.json 200", "/epss.csv.gz 200"]);
    server.put("/epss.csv.gz", epss("0.75"));
    assert_eq!(
        update(&[]).1,
        ["/kev.json 200", "/epss.csv.gz 200"],
        "and again with every update"
    );
    let score = |report: &serde_json::Value| {
        let findings = report["artifacts"][0]["findings"].as_array().unwrap();
        findings.iter().find_map(|f| f["epss"]["score"].as_f64())
    };
    assert_eq!(score(&scan(folder.path(), "db", &[]).1), Some(0.75));

    // What is no such file is an error, and leaves what there was.
    server.put("/kev.json", b"<html>".to_vec());
    let (code, _, error) = update(&[]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("expected CISA's known_exploited_vulnerabilities.json"),
        "{error}"
    );
    assert_eq!(score(&scan(folder.path(), "db", &[]).1), Some(0.75));
}
