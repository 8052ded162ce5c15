//! Whole scans through the library: bad input, exit codes, determinism.

use super::common::{scan, zip_of};
use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    model::Severity,
    report::Bar,
};
use std::{sync::LazyLock, time::SystemTime};

fn package(name: &str, version: &str) -> (String, String) {
    (
        format!("node_modules/{name}/package.json"),
        format!(r#"{{"name":"{name}","version":"{version}"}}"#),
    )
}

static DATABASE: LazyLock<Database> = LazyLock::new(Database::embedded);

fn exit_code(zip: Vec<u8>, options: &Options) -> u8 {
    audit::audit(&[Input::Stdin(zip)], options, &DATABASE, SystemTime::UNIX_EPOCH, &|| {}).exit_code
}

#[test]
fn exit_codes() {
    let clean = zip_of(&[package("ms", "2.1.3")]);
    let medium = zip_of(&[package("word-wrap", "1.2.3")]);
    let critical = zip_of(&[package("minimist", "1.2.5")]);
    let blind = zip_of(&[("node_modules/a/package.json", "{")]);
    let both = zip_of(&[
        package("minimist", "1.2.5"),
        ("node_modules/a/package.json".into(), "{".into()),
    ]);
    let at = |fail_on| Options {
        fail_on,
        ..Options::default()
    };
    let (any, never) = (at(Bar::Any), at(Bar::Never));
    let (low, high, worst) = (
        at(Bar::AtLeast(Severity::Low)),
        at(Bar::AtLeast(Severity::High)),
        at(Bar::AtLeast(Severity::Critical)),
    );
    let strict = Options {
        require_coverage: true,
        ..Options::default()
    };
    for (what, zip, options, code) in [
        ("nothing known", &clean, &any, 0),
        ("partial gap of the embedded advisories", &clean, &strict, 3),
        ("medium", &medium, &any, 1),
        ("medium", &medium, &high, 0),
        ("critical", &critical, &worst, 1),
        ("critical", &critical, &never, 0),
        ("medium", &medium, &low, 1),
        ("blind", &blind, &any, 3),
        ("blind", &blind, &never, 3),
        ("findings before gaps", &both, &any, 1),
        ("findings below the bar, gaps above", &both, &never, 3),
    ] {
        assert_eq!(exit_code(zip.clone(), options), code, "{what}");
    }
}

#[test]
fn warnings_do_not_stop_a_run() {
    let lock = "[[package]]\nname='ansi_term'\nversion='0.12.1'\nsource='x'\n";
    let report = scan(Input::Stdin(zip_of(&[("Cargo.lock", lock)])));
    let finding = &report["artifacts"][0]["findings"][0];
    assert_eq!(
        (finding["rule"].as_str(), finding["level"].as_str()),
        (Some("unmaintained"), Some("warning"))
    );
    assert_eq!(report["summary"]["exit_code"], 0);
}

#[test]
fn malicious_is_its_own_rule_and_critical() {
    let report = scan(Input::Stdin(zip_of(&[package("chalk", "5.6.1")])));
    let finding = &report["artifacts"][0]["findings"][0];
    assert_eq!(
        (finding["rule"].as_str(), finding["severity"].as_str()),
        (Some("malicious"), Some("critical"))
    );
}

#[test]
fn an_unknown_version_is_one_gap_and_no_findings() {
    let report = scan(Input::Stdin(zip_of(&[("requirements.txt", "django>=2\n")])));
    let artifact = &report["artifacts"][0];
    assert_eq!(artifact["findings"].as_array().unwrap().len(), 0);
    let gaps = artifact["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1);
    assert!(
        gaps[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("version of django unknown, "),
        "{gaps:?}"
    );
}

#[test]
fn one_bad_input_never_stops_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = zip_of(&[package("minimist", "1.2.5")]);
    std::fs::write(at("good.zip"), &good).unwrap();
    std::fs::write(at("cut.zip"), &good[..good.len() - 40]).unwrap();
    std::fs::write(at("text.zip"), "this is no zip\n").unwrap();
    std::fs::write(at("zero.zip"), "").unwrap();
    std::fs::write(at("hollow.zip"), zip_of::<&str, &str>(&[])).unwrap();
    let names = [
        "missing.zip",
        "cut.zip",
        "text.zip",
        "zero.zip",
        "hollow.zip",
        "good.zip",
    ];
    let inputs: Vec<Input> = names.iter().map(|name| Input::Path(at(name))).collect();
    let report = audit::audit(
        &inputs,
        &Options::default(),
        &Database::embedded(),
        SystemTime::UNIX_EPOCH,
        &|| {},
    );
    let failures: Vec<(&str, &str)> = report
        .failures
        .iter()
        .map(|f| {
            (
                f.path.rsplit('/').next().unwrap(),
                f.message.split([':', ';']).next().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        failures,
        [
            ("missing.zip", "no such file or folder"),
            ("text.zip", "not an artifact"),
            ("zero.zip", "the file is empty"),
        ]
    );
    let looked_at: Vec<(&str, usize, bool)> = report
        .artifacts
        .iter()
        .map(|a| {
            (
                a.path.rsplit('/').next().unwrap(),
                a.inventory.len(),
                !a.gaps.is_empty(),
            )
        })
        .collect();
    assert_eq!(
        looked_at,
        [("cut.zip", 1, true), ("hollow.zip", 0, true), ("good.zip", 1, false)]
    );
    assert_eq!(report.exit_code, 2);
}

#[test]
fn the_same_bytes_whatever_the_number_of_threads() {
    let files: Vec<(String, String)> = (0..500).map(|i| package(&format!("p{i}"), "1.0.0")).collect();
    let zip = zip_of(&files);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| scan(Input::Stdin(zip.clone())).to_string())
    };
    let alone = with(1);
    for threads in [2, 4, 8] {
        assert_eq!(with(threads), alone);
    }
}

#[test]
fn every_cut_of_a_zip_is_told() {
    let zip = zip_of(&[package("minimist", "1.2.5"), package("ms", "2.1.3")]);
    for len in 1..zip.len() {
        assert_ne!(
            exit_code(zip[..len].to_vec(), &Options::default()),
            0,
            "cut after {len} of {} bytes",
            zip.len()
        );
    }
}

#[test]
fn what_packages_say_of_themselves() {
    let integrity = "sha512-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==";
    let lock = format!(
        r#"{{"lockfileVersion":3,"packages":{{"":{{"dependencies":{{"a":"1"}}}},
            "node_modules/a":{{"version":"1.0.0","integrity":"{integrity}","license":"MIT"}}}}}}"#
    );
    let package = r#"{"name":"a","version":"1.0.0","license":"(MIT OR X11)","author":{"name":"A"},"dependencies":{"b":"1","c":"1"}}"#;
    let metadata = "Name: Flask\nVersion: 3.0.0\nLicense-Expression: BSD-3-Clause\nAuthor-email: F <f@example.test>\n\
        Requires-Dist: Click>=8\nRequires-Dist: gone\n";
    let report = scan(Input::Stdin(zip_of(&[
        ("package-lock.json", &*lock),
        ("node_modules/a/package.json", package),
        ("node_modules/b/package.json", r#"{"name":"b","version":"2.0.0"}"#),
        ("flask-3.0.0.dist-info/METADATA", metadata),
        ("click-8.1.7.dist-info/METADATA", "Name: click\nVersion: 8.1.7\n"),
    ])));
    let components = report["artifacts"][0]["components"].as_array().unwrap();
    let said = |name: &str| {
        let c = components.iter().find(|c| c["name"] == name).unwrap();
        serde_json::json!([c["direct"], c["requires"], c["licences"], c["authors"], c["hashes"]])
    };
    for (name, expected) in [
        (
            "a",
            serde_json::json!([true, ["pkg:npm/b@2.0.0"], ["MIT", "(MIT OR X11)"], ["A"],
                [{"algorithm": "SHA-512", "content": "01".repeat(64)}]]),
        ),
        ("b", serde_json::json!([false, [], [], [], []])),
        (
            "flask",
            serde_json::json!([
                false,
                ["pkg:pypi/click@8.1.7"],
                ["BSD-3-Clause"],
                ["F <f@example.test>"],
                []
            ]),
        ),
    ] {
        assert_eq!(said(name), expected, "{name}");
    }
}

#[test]
fn each_language_of_an_artifact_is_found_or_told_of() {
    let reasons = |files: &[(&str, &str)]| -> Vec<String> {
        let files: Vec<(String, String)> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        let report = scan(Input::Stdin(zip_of(&files)));
        let gaps = report["artifacts"][0]["gaps"].as_array().unwrap().iter();
        let gaps = gaps.filter(|gap| gap["stage"] == "inventory");
        gaps.map(|gap| gap["reason"].as_str().unwrap().to_owned()).collect()
    };
    let ms = ("node_modules/ms/package.json", r#"{"name":"ms","version":"2.1.3"}"#);
    let flask = (
        "flask-3.0.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: flask\nVersion: 3.0.0\n",
    );
    let code = ("handler.py", "import json\n");
    for (what, files, told) in [
        (
            "Python beside packages of npm",
            vec![ms, code],
            Some("1 file of Python code"),
        ),
        (
            "a folder deeper",
            vec![ms, ("app/handler.py", "import json\n")],
            Some("1 file of Python code"),
        ),
        ("each has its packages", vec![ms, flask, code], None),
        (
            "what builds a Node binding",
            vec![ms, ("node_modules/gyp/gyp/main.py", "")],
            None,
        ),
        (
            "what a Python page serves",
            vec![flask, code, ("static/app.js", "let a = 1;"), ("pkg/ui/js/b.js", "")],
            None,
        ),
        ("a page's own code alone", vec![code], Some("1 file of ")),
    ] {
        let reasons = reasons(&files);
        match told {
            Some(told) => assert!(
                reasons.len() == 1 && reasons[0].starts_with(told),
                "{what}: {reasons:?}"
            ),
            None => assert!(reasons.is_empty(), "{what}: {reasons:?}"),
        }
    }
}

#[test]
fn more_components_than_the_limit_are_told_of_and_the_rest_is_kept() {
    let package = |i| format!("[[package]]\nname = \"a{i}\"\nversion = \"1.0.{i}\"\nsource = \"registry+x\"\n");
    let lock = (0..9).map(package).collect::<Vec<_>>().concat();
    let mut options = Options::default();
    options.limits.components = 4;
    let input = [Input::Stdin(zip_of(&[("Cargo.lock".to_owned(), lock)]))];
    let report = audit::audit(&input, &options, &DATABASE, SystemTime::UNIX_EPOCH, &|| {});
    let artifact = &report.artifacts[0];
    assert_eq!(artifact.inventory.iter().count(), 4);
    let told: Vec<&str> = artifact
        .gaps
        .iter()
        .map(|gap| &*gap.reason)
        .filter(|r| r.contains("components"))
        .collect();
    assert!(told.len() == 1 && told[0].contains('4'), "{told:?}");
    assert_eq!(report.exit_code, 3);
}

/// What to do first: the most urgent, then what clears the most; with the dependency by way of which it came in.
#[test]
fn the_plan() {
    let lock = r#"{"name":"app","lockfileVersion":3,"packages":{
        "":{"dependencies":{"axios":"0.27.2","word-wrap":"1.2.3"}},
        "node_modules/axios":{"version":"0.27.2","dependencies":{"follow-redirects":"^1.14.9"}},
        "node_modules/follow-redirects":{"version":"1.15.1"},
        "node_modules/word-wrap":{"version":"1.2.3"},
        "node_modules/chalk":{"version":"5.6.1"}}}"#;
    let report = scan(Input::Stdin(zip_of(&[("package-lock.json", lock)])));
    let step = |s: &serde_json::Value| {
        let text = |key: &str| s[key].as_str().unwrap_or("-").to_owned();
        let way = s["by_way_of"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ");
        let flags = format!(
            "{} of {}, direct {}, by way of [{way}]",
            s["clears"], s["flaws"], s["direct"]
        );
        format!("{} {} -> {}: {flags}", text("action"), text("component"), text("to"))
    };
    let steps: Vec<String> = report["plan"].as_array().unwrap().iter().map(step).collect();
    assert_eq!(
        steps,
        [
            "remove pkg:npm/chalk@5.6.1 -> -: 1 of 1, direct null, by way of []",
            "upgrade pkg:npm/follow-redirects@1.15.1 -> 1.15.6: 2 of 2, direct false, by way of [pkg:npm/axios@0.27.2]",
            "upgrade pkg:npm/axios@0.27.2 -> 0.28.0: 1 of 1, direct true, by way of []",
            "upgrade pkg:npm/word-wrap@1.2.3 -> 1.2.4: 1 of 1, direct true, by way of []",
        ]
    );
}
