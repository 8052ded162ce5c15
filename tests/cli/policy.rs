//! What people decide beforehand: policy files, and what becomes of findings and gaps that they speak of.

use super::common::zip_of;
use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    policy::{Baseline, Decisions, Policy, Vex},
    report::{self, Bar, Style},
};
use serde_json::Value;
use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

static DATABASE: LazyLock<Database> = LazyLock::new(Database::embedded);

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;

fn package(name: &str, version: &str) -> (String, String) {
    (
        format!("node_modules/{name}/package.json"),
        format!(r#"{{"name":"{name}","version":"{version}"}}"#),
    )
}

/// The JSON report of an archive with these files, judged by these decisions.
fn judged<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)], decisions: Decisions, fail_on: Bar) -> Value {
    written(files, decisions, fail_on, "json")
}

/// The same in any format that is JSON.
fn written<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)], decisions: Decisions, fail_on: Bar, format: &str) -> Value {
    let options = Options {
        fail_on,
        decisions,
        ..Options::default()
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let report = audit::audit(&[Input::Stdin(zip_of(files))], &options, &DATABASE, now, &|| {});
    let format = report::ALL.iter().find(|r| r.id() == format).unwrap();
    let style = Style {
        width: 80,
        verbose: false,
    };
    let mut out = Vec::new();
    format.write(&report, style, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn policy(text: &str) -> Decisions {
    Decisions {
        policy: Some(Policy::parse(text, "plimsoll.toml").unwrap()),
        ..Decisions::default()
    }
}

fn exit_code(report: &Value) -> u64 {
    report["summary"]["exit_code"].as_u64().unwrap()
}

/// Advisories of the findings of the only artifact under `key`.
fn advisories<'r>(report: &'r Value, key: &str) -> Vec<&'r str> {
    let all = report["artifacts"][0][key].as_array().unwrap().iter();
    all.map(|f| f["advisory"].as_str().unwrap_or_default()).collect()
}

fn remarks(report: &Value) -> Vec<String> {
    let all = report["rulings"]["remarks"].as_array().unwrap().iter();
    all.map(|r| format!("{}: {}", r["place"].as_str().unwrap(), r["message"].as_str().unwrap()))
        .collect()
}

/// Every error at its line and column, all of them at once.
#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, errors) in [
        (
            "fail_on = \"high\"",
            &["1:1: unknown key `fail_on`; did you mean `fail-on`?"][..],
        ),
        (
            "fail-on = \"hgih\"",
            &["1:11: no fail-on \"hgih\"; did you mean \"high\"?"],
        ),
        (
            "fail-on = 3",
            &["1:11: `fail-on`: expected one of \"none\", \"low\", \"medium\", \"high\", \"critical\", \"any\""],
        ),
        (
            "\n[rules]\nunmaintaned = \"any\"",
            &["3:1: unknown key `unmaintaned` in [rules]; did you mean `unmaintained`?"],
        ),
        (
            "[limits]\ntotal-byte = 1",
            &["2:1: unknown key `total-byte` in [limits]; did you mean `total-bytes`?"],
        ),
        (
            "[limits]\ntotal-bytes = \"4X\"",
            &["2:15: limit `total-bytes`: `4X` is no number, or too large"],
        ),
        (
            "[advisories]\nwarn-after = 24",
            &["2:14: `warn-after`: expected a time like \"24h\" or \"5 days\""],
        ),
        (
            "[typosquat]\nalow = []",
            &["2:1: unknown key `alow` in [typosquat]; did you mean `allow`?"],
        ),
        (
            "[[ignore]]\nid = \"CVE-1\"",
            &["1:1: [[ignore]] has no reason; say why, for whoever reads it in a year"],
        ),
        (
            "[[ignore]]\nid = \"CVE-1\"\nreason = \" \"",
            &["3:10: reason is empty; say why"],
        ),
        (
            "[[ignore]]\nreason = \"x\"",
            &["1:1: entry does not say what to ignore; expected id, package, rule or path"],
        ),
        (
            "[[accept-gap]]\nstage = \"archive\"\nreason = \"x\"",
            &["1:1: entry does not say which gaps to accept; expected path, or about (a part of the gap's reason)"],
        ),
        (
            "ignore = 1",
            &["1:10: `ignore`: expected a list of tables, each begun with [[ignore]]"],
        ),
        (
            "[[ignore]]\nid = \"a\"\nreason = \"x\"\nexpires = \"2026-13-01\"",
            &["4:11: `expires`: expected a day like 2027-01-31"],
        ),
        (
            "[[ignore]]\nid = \"a\"\nreason = \"x\"\nexpires = 2026-12-01T00:00:00Z",
            &["4:11: `expires`: expected a day like 2027-01-31"],
        ),
        (
            "[[ignore]]\npackage = \"lodash\"\nreason = \"x\"",
            &["2:11: `lodash` is no package; expected one like pkg:npm/lodash or pkg:npm/lodash@<4.17.21"],
        ),
        ("ünknown = 1\n  fail-on = = 2", &["2:13: extra `=`, expected nothing"]),
        (
            "[[ignore]]\nid = \"a\"\nreasn = \"x\"\n[advisories]\nofline = true\n",
            &[
                "1:1: [[ignore]] has no reason; say why, for whoever reads it in a year",
                "3:1: unknown key `reasn` in [ignore]; did you mean `reason`?",
                "5:1: unknown key `ofline` in [advisories]; did you mean `offline`?",
            ],
        ),
        (
            "colour = true",
            &[
                "1:1: unknown key `colour`; there are: fail-on, fail-on-exploited, require-coverage, verify-records, rules, \
               limits, advisories, typosquat, ignore, accept-gap",
            ],
        ),
    ] {
        let problems = Policy::parse(text, "x").expect_err(text);
        let told: Vec<String> = problems
            .iter()
            .map(|p| format!("{}:{}: {}", p.line, p.column, p.message))
            .collect();
        assert_eq!(told, errors, "{text}");
    }
}

/// What an entry matches, over lodash 4.17.20 (GHSA-35jh-r3h4-6jhm = CVE-2021-23337, GHSA-29mw-wpgm-hmr9) in two places,
/// and what becomes of the run.
#[test]
fn entries() {
    let files = [
        package("lodash", "4.17.20"),
        (
            "vendor/node_modules/lodash/package.json".into(),
            package("lodash", "4.17.20").1,
        ),
    ];
    let (one, both) = (
        &["GHSA-35jh-r3h4-6jhm"][..],
        &["GHSA-35jh-r3h4-6jhm", "GHSA-29mw-wpgm-hmr9"][..],
    );
    for (entry, ignored) in [
        ("id = \"GHSA-35jh-r3h4-6jhm\"", one),
        ("id = \"cve-2021-23337\"", one),
        ("id = [\"CVE-2021-23337\", \"CVE-2020-28500\"]", both),
        ("id = \"CVE-2021-2333\"", &[]),
        ("package = \"pkg:npm/lodash\"", both),
        ("package = \"pkg:npm/lodash@<4.17.21\"", both),
        ("package = \"pkg:npm/lodash@<4.17.20\"", &[]),
        ("package = \"pkg:npm/lodash@>=4.9.0\"", both),
        ("package = \"pkg:pypi/lodash\"", &[]),
        ("rule = \"vulnerable\"", both),
        ("rule = \"unsound\"", &[]),
        // One of the two places is not enough.
        ("path = \"vendor/**\"", &[]),
        ("path = \"{vendor/,}node_modules/lodash/*\"", both),
        ("path = \"**/node_modules/lodash/package.json\"", both),
        ("id = \"CVE-2021-23337\"\npackage = \"pkg:npm/lodash@4.17.19\"", &[]),
        ("id = \"CVE-2021-23337\"\nartifact = \"dist/*\"", &[]),
        ("id = \"CVE-2021-23337\"\nartifact = \"-\"", one),
        // The last day counts, the day after it does not.
        ("id = \"CVE-2021-23337\"\nexpires = 2026-11-22", one),
        ("id = \"CVE-2021-23337\"\nexpires = \"2026-11-21\"", &[]),
    ] {
        let report = judged(
            &files,
            policy(&format!("[[ignore]]\n{entry}\nreason = \"x\"")),
            Bar::Any,
        );
        assert_eq!(advisories(&report, "ignored"), ignored, "{entry}");
        let left = advisories(&report, "findings");
        assert_eq!(left.len() + ignored.len(), 2, "nothing disappears: {entry}");
        assert_eq!(exit_code(&report), u64::from(!left.is_empty()), "{entry}");
        assert_eq!(report["summary"]["ignored"], ignored.len(), "{entry}");
    }
}

#[test]
fn a_decision_is_reported_with_its_place_and_reason() {
    let text = "fail-on = \"any\"\n\n[[ignore]]\nid = \"CVE-2021-23337\"\nreason = \"no templates here\"\n\
                expires = 2027-01-31\njustification = \"vulnerable_code_not_in_execute_path\"\n";
    let report = judged(&[package("lodash", "4.17.20")], policy(text), Bar::Any);
    assert_eq!(
        report["artifacts"][0]["ignored"][0]["decision"],
        serde_json::json!({
            "by": "policy", "place": "plimsoll.toml:3", "reason": "no templates here", "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path", "expires": "2027-01-31",
        })
    );
    assert_eq!(report["rulings"]["documents"][0]["path"], "plimsoll.toml");
    assert_eq!(remarks(&report), [""; 0]);
}

#[test]
fn expired_and_unused_entries_are_told() {
    let text = "[[ignore]]\nid = \"CVE-2021-23337\"\nreason = \"until the move\"\nexpires = 2026-11-01\n\
                [[ignore]]\nid = \"CVE-1999-0001\"\nreason = \"x\"\n\
                [[accept-gap]]\npath = \"a\"\nreason = \"x\"\n";
    let report = judged(&[package("lodash", "4.17.20")], policy(text), Bar::Any);
    assert_eq!(advisories(&report, "ignored"), [""; 0]);
    assert_eq!(exit_code(&report), 1);
    let finding = &report["artifacts"][0]["findings"][0];
    assert_eq!(
        finding["notes"][0],
        "was ignored until 2026-11-01 by plimsoll.toml:1: until the move"
    );
    assert_eq!(
        remarks(&report),
        [
            "plimsoll.toml:1: expired after 2026-11-01, and the findings count again",
            "plimsoll.toml:5: matches no finding; remove it if it is no longer needed",
            "plimsoll.toml:8: matches no gap; remove it if it is no longer needed",
        ]
    );
}

#[test]
fn a_malicious_package_is_ignored_only_by_name() {
    for (entry, code) in [
        ("package = \"pkg:npm/chalk\"", 1),
        ("path = \"**\"", 1),
        ("rule = \"malicious\"", 0),
        ("rule = \"vulnerable\"", 1),
    ] {
        let report = judged(
            &[package("chalk", "5.6.1")],
            policy(&format!("[[ignore]]\n{entry}\nreason = \"x\"")),
            Bar::Any,
        );
        assert_eq!(exit_code(&report), code, "{entry}");
    }
}

#[test]
fn what_fails_by_rule_and_by_severity() {
    let unmaintained = [(
        "Cargo.lock",
        "[[package]]\nname='ansi_term'\nversion='0.12.1'\nsource='x'\n".to_owned(),
    )];
    let medium = package("word-wrap", "1.2.3");
    let medium = [(&*medium.0, medium.1)];
    for (files, text, fail_on, code) in [
        (&unmaintained, "", Bar::Any, 0),
        (&unmaintained, "[rules]\nunmaintained = \"any\"", Bar::Any, 1),
        (&unmaintained, "[rules]\nunmaintained = \"none\"", Bar::Any, 0),
        (&medium, "", Bar::Any, 1),
        (&medium, "[rules]\nvulnerable = \"high\"", Bar::Any, 0),
        (&medium, "[rules]\nvulnerable = \"medium\"", Bar::Never, 1),
        (&medium, "[rules]\nvulnerable = \"none\"", Bar::Any, 0),
        (&medium, "[rules]\nunmaintained = \"any\"", Bar::Never, 0),
    ] {
        assert_eq!(
            exit_code(&judged(files, policy(text), fail_on)),
            code,
            "{text} {fail_on:?}"
        );
    }
}

/// A gap stays in the report whoever answers for it; what changes is the exit code.
#[test]
fn accepted_gaps() {
    let files = [("node_modules/a/package.json", "{"), ("b/package-lock.json", "{")];
    for (text, accepted, code) in [
        ("[[accept-gap]]\npath = \"node_modules/a/**\"\nreason = \"x\"", 1, 3),
        (
            "[[accept-gap]]\npath = \"{node_modules/a,b}/*.json\"\nreason = \"x\"",
            2,
            0,
        ),
        (
            "[[accept-gap]]\npath = \"b\"\nreason = \"x\"\n[[accept-gap]]\npath = \"node_modules/\"\nreason = \"x\"",
            2,
            0,
        ),
        ("[[accept-gap]]\nabout = \"no such words\"\nreason = \"x\"", 0, 3),
        (
            "[[accept-gap]]\npath = \"**\"\nstage = \"npm-installed\"\nreason = \"x\"",
            1,
            3,
        ),
        (
            "[[accept-gap]]\npath = \"**\"\nreason = \"x\"\nexpires = 2020-01-01",
            0,
            3,
        ),
    ] {
        let report = judged(&files, policy(text), Bar::Any);
        let gaps = report["artifacts"][0]["gaps"].as_array().unwrap();
        assert_eq!(gaps.len(), 2, "{gaps:?}");
        assert_eq!(
            gaps.iter().filter(|g| g["accepted"]["reason"] == "x").count(),
            accepted,
            "{text}"
        );
        assert_eq!(exit_code(&report), code, "{text}");
        assert_eq!(report["summary"]["gaps"]["blind"], 2);
    }
}

#[test]
fn a_policy_is_found_upward_to_the_top_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("repo/.git")).unwrap();
    std::fs::create_dir_all(at("repo/a/b")).unwrap();
    std::fs::write(at("plimsoll.toml"), "").unwrap();
    assert_eq!(Policy::find(&at("repo/a/b")), None, "not above the repository");
    std::fs::write(at("repo/plimsoll.toml"), "").unwrap();
    assert_eq!(Policy::find(&at("repo/a/b")), Some(at("repo/plimsoll.toml")));
    std::fs::write(at("repo/a/plimsoll.toml"), "").unwrap();
    assert_eq!(Policy::find(&at("repo/a/b")), Some(at("repo/a/plimsoll.toml")));
    assert_eq!(Policy::find(&at("repo")), Some(at("repo/plimsoll.toml")));
}

fn vex(text: &str) -> Decisions {
    Decisions {
        vex: vec![Vex::parse(text.as_bytes(), "vex.json").unwrap()],
        ..Decisions::default()
    }
}

fn openvex(statements: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,
            "statements":[{statements}]}}"#
    )
}

/// What an OpenVEX statement on CVE-2021-23337 makes of lodash 4.17.20, which express requires and the application does not.
#[test]
fn openvex_products() {
    let files = [
        package("lodash", "4.17.20"),
        (
            "node_modules/express/package.json".to_owned(),
            r#"{"name":"express","version":"4.0.0","dependencies":{"lodash":"^4.0.0"}}"#.to_owned(),
        ),
    ];
    let sha256 = {
        use sha2::Digest as _;
        sha2::Sha256::digest(zip_of(&files))
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let whole = format!(r#"{{"@id":"https://example.com/orders","hashes":{{"sha-256":"{sha256}"}}}}"#);
    let within = format!(
        r#"{{"@id":"pkg:generic/o.zip?checksum=sha256:{sha256}","subcomponents":[{{"@id":"pkg:npm/lodash@4.17.20"}}]}}"#
    );
    let elsewhere = within.replace(&sha256[..8], "00000000");
    for (product, applies) in [
        (r#"{"@id":"pkg:npm/lodash@4.17.20"}"#, true),
        (r#"{"@id":"pkg:npm/lodash"}"#, true),
        (r#"{"@id":"pkg:npm/lodash@4.17.19"}"#, false),
        (r#"{"@id":"pkg:npm/lodash@%3C4.17.21"}"#, false), // a version, not a range
        (r#"{"@id":"x","identifiers":{"purl":"pkg:npm/lodash@4.17.20"}}"#, true),
        (r#""pkg:npm/lodash@4.17.20""#, true),
        (r#"{"@id":"https://example.com/orders"}"#, false),
        (&*whole, true),
        (&*within, true),
        (&*elsewhere, false),
        (
            r#"{"@id":"pkg:oci/orders","subcomponents":[{"@id":"pkg:npm/lodash"}]}"#,
            true,
        ),
        (
            r#"{"@id":"pkg:oci/orders","subcomponents":[{"@id":"pkg:deb/lodash"}]}"#,
            false,
        ),
        (
            r#"{"@id":"pkg:npm/lodash","subcomponents":[{"@id":"pkg:deb/lodash"}]}"#,
            false,
        ),
        // The application, and a dependency by way of which alone lodash is here; then one that is not in its way.
        (
            r#"{"@id":"pkg:npm/orders@1.0.0","subcomponents":[{"@id":"pkg:npm/lodash"}]}"#,
            true,
        ),
        (
            r#"{"@id":"pkg:npm/express@4.0.0","subcomponents":[{"@id":"pkg:npm/lodash"}]}"#,
            true,
        ),
        (
            r#"{"@id":"pkg:npm/lodash","subcomponents":[{"@id":"pkg:npm/lodash"}]}"#,
            false,
        ),
    ] {
        let statement = format!(
            r#"{{"vulnerability":{{"name":"CVE-2021-23337"}},"products":[{product}],"status":"not_affected",
                "justification":"vulnerable_code_not_present","impact_statement":"y"}}"#
        );
        let report = judged(&files, vex(&openvex(&statement)), Bar::Any);
        let ignored: &[&str] = if applies { &["GHSA-35jh-r3h4-6jhm"] } else { &[] };
        assert_eq!(advisories(&report, "ignored"), ignored, "{product}");
        let told = remarks(&report);
        assert_eq!(told.is_empty(), applies, "{told:?}");
        if applies {
            let decision = &report["artifacts"][0]["ignored"][0]["decision"];
            assert_eq!(
                (
                    decision["by"].as_str(),
                    decision["place"].as_str(),
                    decision["justification"].as_str()
                ),
                (
                    Some("vex"),
                    Some("vex.json, statement 1"),
                    Some("vulnerable_code_not_present")
                )
            );
        }
    }
}

#[test]
fn openvex_statuses_and_the_latest_word() {
    let statement = |status: &str, when: &str| {
        format!(
            r#"{{"vulnerability":{{"name":"GHSA-0","aliases":["CVE-2021-23337"]}},"products":["pkg:npm/lodash"],
                "status":"{status}","status_notes":"n","timestamp":"{when}"}}"#
        )
    };
    let (not, fixed, affected, open) = ("not_affected", "fixed", "affected", "under_investigation");
    for (statements, ignored, note) in [
        (vec![statement(not, "2026-01-01T00:00:00Z")], true, None),
        (vec![statement(fixed, "2026-01-01T00:00:00Z")], true, None),
        (
            vec![statement(affected, "2026-01-01T00:00:00Z")],
            false,
            Some("affected, says vex.json, statement 1: n"),
        ),
        (
            vec![statement(open, "2026-01-01T00:00:00Z")],
            false,
            Some("under investigation, says vex.json, statement 1: n"),
        ),
        (
            vec![
                statement(affected, "2026-02-01T00:00:00Z"),
                statement(not, "2026-01-01T00:00:00Z"),
            ],
            false,
            Some("affected, says vex.json, statement 1: n"),
        ),
        (
            vec![
                statement(open, "2026-01-01T00:00:00Z"),
                statement(fixed, "2026-01-01T00:00:00Z"),
            ],
            true,
            None,
        ),
        (
            vec![statement("nonsense", "2026-01-01T00:00:00Z")],
            false,
            Some("under investigation, says vex.json, statement 1: n"),
        ),
    ] {
        let statements = statements.join(",");
        let report = judged(&[package("lodash", "4.17.20")], vex(&openvex(&statements)), Bar::Any);
        assert_eq!(!advisories(&report, "ignored").is_empty(), ignored, "{statements}");
        let notes: Vec<&str> = report["artifacts"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|f| f["notes"].as_array().unwrap())
            .map(|n| n.as_str().unwrap())
            .collect();
        assert_eq!(notes.first().copied(), note, "{statements}");
    }
}

#[test]
fn cyclonedx_vex() {
    let document = |state: &str, affects: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.6",
                "components":[{{"bom-ref":"l","name":"lodash","purl":"pkg:npm/lodash@4.17.20"}}],
                "vulnerabilities":[{{"id":"SNYK-1","references":[{{"id":"CVE-2021-23337"}}],
                    "analysis":{{"state":"{state}","justification":"code_not_reachable","detail":"d"}},"affects":[{affects}]}}]}}"#
        )
    };
    for (state, affects, applies) in [
        ("not_affected", r#"{"ref":"l"}"#, true),
        ("false_positive", r#"{"ref":"pkg:npm/lodash@4.17.20"}"#, true),
        (
            "resolved",
            r#"{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/lodash@4.17.20"}"#,
            true,
        ),
        (
            "resolved_with_pedigree",
            r#"{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#l"}"#,
            true,
        ),
        ("exploitable", r#"{"ref":"l"}"#, false),
        ("in_triage", r#"{"ref":"l"}"#, false),
        ("not_affected", r#"{"ref":"m"}"#, false),
        (
            "not_affected",
            r#"{"ref":"pkg:npm/lodash","versions":[{"range":"vers:npm/>=4.0.0|<4.17.21"}]}"#,
            true,
        ),
        (
            "not_affected",
            r#"{"ref":"pkg:npm/lodash","versions":[{"version":"4.17.19"}]}"#,
            false,
        ),
        (
            "not_affected",
            r#"{"ref":"pkg:npm/lodash","versions":[{"range":"<5"}]}"#,
            false,
        ),
        (
            "exploitable",
            r#"{"ref":"pkg:npm/lodash","versions":[{"version":"4.17.20","status":"unaffected"}]}"#,
            true,
        ),
    ] {
        let report = judged(
            &[package("lodash", "4.17.20")],
            vex(&document(state, affects)),
            Bar::Any,
        );
        assert_eq!(!advisories(&report, "ignored").is_empty(), applies, "{state} {affects}");
    }
}

#[test]
fn what_is_no_vex_document_is_an_error() {
    for text in [
        "",
        "{}",
        "[]",
        r#"{"bomFormat":"CycloneDX"}"#,
        r#"{"@context":"https://openvex.dev/ns/v0.2.0"}"#,
        &"[".repeat(9999),
    ] {
        let error = Vex::parse(text.as_bytes(), "x").expect_err(text);
        assert!(
            error.contains("expected OpenVEX, or CycloneDX JSON with vulnerabilities"),
            "{error}"
        );
    }
}

/// What the policy decided, given on as OpenVEX: what does no harm is taken out by whoever reads it, what was only accepted
/// is not.
#[test]
fn openvex_out_and_in_again() {
    let files = [package("lodash", "4.17.20"), package("minimist", "1.2.5")];
    let text = "[[ignore]]\nid = \"CVE-2021-23337\"\nreason = \"r1\"\njustification = \"vulnerable_code_not_present\"\n\
                [[ignore]]\nid = \"CVE-2020-28500\"\nreason = \"r2\"\nexpires = 2027-01-01\n";
    let document = written(&files, policy(text), Bar::Any, "openvex");
    let statements: Vec<(&str, &str, &str)> = document["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            let said = [&s["impact_statement"], &s["action_statement"]]
                .into_iter()
                .find_map(Value::as_str);
            (
                s["vulnerability"]["name"].as_str().unwrap(),
                s["status"].as_str().unwrap(),
                said.unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        statements,
        [
            ("GHSA-35jh-r3h4-6jhm", "not_affected", "r1"),
            ("GHSA-29mw-wpgm-hmr9", "affected", "r2 (until 2027-01-01)"),
            ("GHSA-xvch-5gv4-984h", "under_investigation", ""),
        ]
    );
    let report = judged(&files, vex(&document.to_string()), Bar::Any);
    assert_eq!(advisories(&report, "ignored"), ["GHSA-35jh-r3h4-6jhm"]);
    assert_eq!(exit_code(&report), 1);
}

/// The second run fails only on what the first has not.
#[test]
fn a_baseline() {
    let lodash = package("lodash", "4.17.20");
    let minimist = package("minimist", "1.2.5");
    let moved = (lodash.0.replace("node_modules", "app/node_modules"), lodash.1.clone());
    let other = package("lodash", "4.17.19");
    let broken = ("node_modules/a/package.json".to_owned(), "{".to_owned());
    for (what, before, after, known, code) in [
        ("nothing new", vec![lodash.clone()], vec![lodash.clone()], 2, 0),
        (
            "one less",
            vec![lodash.clone(), minimist.clone()],
            vec![lodash.clone()],
            2,
            0,
        ),
        (
            "one more",
            vec![lodash.clone()],
            vec![lodash.clone(), minimist.clone()],
            2,
            1,
        ),
        ("another place", vec![lodash.clone()], vec![moved], 2, 0),
        ("another version", vec![lodash.clone()], vec![other], 0, 1),
        ("the same gap", vec![broken.clone()], vec![broken.clone()], 0, 0),
        (
            "a new gap",
            vec![lodash.clone()],
            vec![lodash.clone(), broken.clone()],
            2,
            3,
        ),
    ] {
        let first = judged(&before, Decisions::default(), Bar::Any);
        let baseline = Some(Baseline::parse(first.to_string().as_bytes()).unwrap());
        let report = judged(
            &after,
            Decisions {
                baseline,
                ..Decisions::default()
            },
            Bar::Any,
        );
        assert_eq!(
            (report["summary"]["known"].as_u64(), exit_code(&report)),
            (Some(known), code),
            "{what}"
        );
    }
}

/// A database may call a flaw by another of its names; what was ignored before is not known; other artifacts are not this.
#[test]
fn what_a_baseline_knows() {
    let files = [package("lodash", "4.17.20")];
    let first = judged(
        &files,
        policy("[[ignore]]\nid = \"CVE-2021-23337\"\nreason = \"x\""),
        Bar::Any,
    );
    let renamed = first.to_string().replace("GHSA-29mw-wpgm-hmr9", "GHSA-0000");
    let mut two: Value = serde_json::from_str(&renamed).unwrap();
    let mut other = two["artifacts"][0].clone();
    other["path"] = "other.zip".into();
    two["artifacts"].as_array_mut().unwrap().push(other);
    let mut elsewhere = two.clone();
    elsewhere["artifacts"][0]["path"] = "third.zip".into();
    let mut alone: Value = serde_json::from_str(&renamed).unwrap();
    alone["artifacts"][0]["path"] = "build-41.zip".into();
    for (what, text, known) in [
        ("by an alias", renamed.clone(), 1),
        ("of two artifacts by its path", two.to_string(), 1),
        ("of none of two", elsewhere.to_string(), 0),
        ("of the only one, whatever its name", alone.to_string(), 1),
    ] {
        let baseline = Some(Baseline::parse(text.as_bytes()).unwrap());
        let report = judged(
            &files,
            Decisions {
                baseline,
                ..Decisions::default()
            },
            Bar::Any,
        );
        assert_eq!(report["summary"]["known"], known, "{what}");
        assert_eq!(exit_code(&report), 1, "{what}: CVE-2021-23337 was only ignored before");
    }
    for text in [
        "",
        "[]",
        "{}",
        r#"{"schema":"x","artifacts":[]}"#,
        r#"{"schema":"plimsoll/report/1","artifacts":1}"#,
        &"[".repeat(9999),
    ] {
        let error = Baseline::parse(text.as_bytes()).expect_err(text);
        assert!(
            error.contains("expected a report of `plimsoll scan -o json`"),
            "{error}"
        );
    }
}

/// The gate of docs/ci.md, as printed.
#[cfg(unix)]
#[test]
fn the_gate_runs_as_printed() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(top.join("docs/ci.md")).unwrap();
    let gate = page
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("fixtures")).unwrap();
    std::fs::copy(
        top.join("fixtures/orders.zip"),
        folder.path().join("fixtures/orders.zip"),
    )
    .unwrap();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap();
    let codes: Vec<Option<i32>> = gate
        .lines()
        .map(|line| {
            // No advisories from elsewhere: a test stays off the network.
            let line = line.replace("plimsoll scan", "plimsoll scan --quiet --offline");
            let mut shell = std::process::Command::new("/bin/sh");
            let shell = shell.args(["-c", &line]).current_dir(folder.path());
            shell.env_clear().env("PATH", bin).output().unwrap().status.code()
        })
        .collect();
    assert_eq!(codes, [Some(0), Some(0)], "{gate}");
}
