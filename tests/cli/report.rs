//! Every format: what hostile text becomes in it, one canonical report, and SBOMs on their way out and back.

use super::common::{fixture, zip_of, zip_tree};
use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    report::{self, Report, Style},
};
use serde_json::Value;
use std::{path::Path, sync::LazyLock, time::SystemTime};

static DATABASE: LazyLock<Database> = LazyLock::new(Database::embedded);

fn audit(input: Input) -> Report {
    audit::audit(&[input], &Options::default(), &DATABASE, SystemTime::UNIX_EPOCH, &|| {})
}

fn write(report: &Report, format: &str) -> String {
    let style = Style {
        width: 80,
        verbose: true,
    };
    let reporter = report::ALL.iter().find(|r| r.id() == format).unwrap();
    let mut out = Vec::new();
    reporter.write(report, style, &mut out).unwrap();
    String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
}

fn formats() -> impl Iterator<Item = &'static str> {
    report::ALL.iter().map(|r| r.id())
}

/// What must not be in an output of a format, whatever was in the artifact.
fn assert_inert(format: &str, what: &str, out: &str) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(u32::from(c), 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe0fff)
    };
    // The page's own style and script are ours.
    let from = if format == "html" {
        out.find("<body>").unwrap()
    } else {
        0
    };
    let found = out[from..].chars().find(|c| hidden(*c));
    assert_eq!(found, None, "{format}, {what}: something hidden");
    if format != "github" {
        let command = |line: &str| line.trim_start().starts_with("::");
        assert!(!out.lines().any(command), "{format}, {what}: a workflow command");
    }
    assert!(
        !out[from..].contains("##["),
        "{format}, {what}: an old workflow command"
    );
    match format {
        "html" => {
            let body = out[from..].split("<script>").next().unwrap();
            for evil in [
                "<img",
                "<b>evil",
                "<svg onload",
                "onerror=\"",
                "href=\"javascript:",
                "</script",
            ] {
                assert!(!body.contains(evil), "{what}: {evil} in the page");
            }
            assert_eq!(out.matches("<script").count(), 1, "{what}: another script");
        }
        "junit" => {
            let levels = out.matches("<testcase").count() - out.matches("</testcase>").count();
            assert!(out.matches("/>").count() >= levels, "{what}: broken XML");
            assert!(!out.contains("<img") && !out.contains("<b>"), "{what}: markup");
        }
        "markdown" => {
            // A bracket behind a backslash opens and closes nothing.
            let out = without_code(out).replace("\\]", "");
            for evil in ["<img", "<b>", "<svg", "](http", " @e", " www.", "#1 "] {
                assert!(!out.contains(evil), "{what}: {evil} in Markdown: {out}");
            }
        }
        "github" => {
            for line in out.lines() {
                let levels = ["::error ", "::warning ", "::notice "];
                assert!(levels.iter().any(|l| line.starts_with(l)), "{what}: {line}");
            }
        }
        "text" => {}
        _ => {
            let parsed: Value = serde_json::from_str(out).unwrap();
            assert!(parsed.is_object(), "{format}, {what}");
        }
    }
}

/// Markdown without its code spans, in which nothing means anything (CommonMark 0.31, 6.1).
fn without_code(out: &str) -> String {
    let line = |line: &str| {
        let (mut kept, mut rest) = (String::new(), line);
        while let Some(at) = rest.find('`') {
            kept.push_str(&rest[..at]);
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let body = &rest[at + fence..];
            let runs = body.match_indices('`').filter(|(i, _)| !body[..*i].ends_with('`'));
            let length = |i: usize| body[i..].len() - body[i..].trim_start_matches('`').len();
            let end = runs.map(|(i, _)| i).find(|&i| length(i) == fence);
            if let Some(end) = end {
                rest = &body[end + fence..];
            } else {
                kept.push_str(&rest[at..at + fence]);
                rest = body;
            }
        }
        kept + rest
    };
    out.lines().map(line).collect::<Vec<_>>().join("\n")
}

const HOSTILE: &[(&str, &str)] = &[
    ("ANSI", "\u{1b}[2J\u{1b}]0;title\u{7}"),
    ("C1", "\u{9b}2J"),
    ("a hyperlink", "\u{1b}]8;;http://x\u{1b}\\"),
    ("backspaces", "a\u{8}\u{8}b\u{7f}"),
    ("carriage return", "a\r::error::b"),
    ("lines", "a\n::error::b\n::stop-commands::x\n"),
    ("a command", "::error file=x::y"),
    ("an old command", "a ##[stop-commands]x"),
    ("bidi", "\u{202e}gnp.exe\u{2066}"),
    ("zero width", "a\u{200b}b\u{feff}"),
    ("tags", "\u{e0041}\u{e0042}"),
    ("a script", "</script><script>alert(1)</script>"),
    ("an image", "\"><img src=x onerror=\"alert(1)\">"),
    ("SVG", "<svg onload=alert(1)><b>evil</b>"),
    ("an attribute", "' onmouseover='x' \" onerror=\"y"),
    ("CDATA", "]]><b>evil</b><![CDATA["),
    ("an entity", "&lt;b&gt;&#x1b;&evil;"),
    ("XML's forbidden", "\u{fffe}\u{ffff}\u{0}\u{b}"),
    ("JSON's separators", "a\u{2028}b\u{2029}c"),
    ("a Markdown link", "[x](http://evil.example.test) ![y](http://z)"),
    ("a Markdown table", "a|b\\|c\n|---|"),
    ("Markdown code", "`` ` ``` x"),
    ("a mention", "@everyone #1 www.evil.example.test"),
    ("a formula", "=cmd|' /C calc'!A0"),
    ("other formulas", "+1\t@SUM(1)\r-1"),
    ("a scheme", "javascript:alert(1)"),
    ("a percent sign", "%0A::error::x%25"),
    ("quotes", "\\\"\\u001b"),
];

/// An artifact with that text as name, version, path, licence and author; one package is known to be vulnerable, so that
/// findings carry the path as well.
fn hostile(text: &str) -> Vec<u8> {
    let json = |name: &str, version: &str| {
        serde_json::json!({"name": name, "version": version, "license": text, "author": text, "scripts": {"install": text}}).to_string()
    };
    let folder = text.replace(['/', '\0', '\\'], "_");
    zip_of(&[
        ("node_modules/a/package.json".to_owned(), json(text, "1.0.0")),
        ("node_modules/b/package.json".to_owned(), json("b", text)),
        (
            format!("{folder}/node_modules/minimist/package.json"),
            json("minimist", "1.2.5"),
        ),
        (format!("{folder}/package-lock.json"), "{".to_owned()),
        (
            "c-1.dist-info/METADATA".to_owned(),
            format!("Name: c{text}\nVersion: 1\nLicense: {text}\nAuthor: {text}\n"),
        ),
    ])
}

#[test]
fn hostile_text_is_inert_in_every_format() {
    for (what, text) in HOSTILE {
        let report = audit(Input::Stdin(hostile(text)));
        assert!(report.counts().components > 2, "{what}");
        for format in formats() {
            assert_inert(format, what, &write(&report, format));
        }
    }
}

#[test]
fn the_collection_is_inert_in_every_format() {
    let Some(folder) = super::common::shared("hostile/inject") else {
        return;
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let report = audit(Input::Path(path));
        for format in formats() {
            assert_inert(format, &name, &write(&report, format));
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn places_are_relative_and_encoded() {
    let report = audit(Input::Stdin(hostile("../a b:c?#\u{202e}")));
    let sarif: Value = serde_json::from_str(&write(&report, "sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!@+,=()/%".contains(&b);
        assert!(uri.bytes().all(plain) && uri.starts_with("stdin"), "{uri}");
        assert!(!uri.split('/').any(|s| s == ".."), "{uri}");
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
    }
}

#[test]
fn results_are_cut_by_severity_and_say_so() {
    let many = (0..1300).map(|i| {
        let path = format!("t{i}/node_modules/minimist/package.json");
        (path, r#"{"name":"minimist","version":"1.2.5"}"#.to_owned())
    });
    let one = zip_of(&many.take(1).collect::<Vec<_>>());
    let inputs: Vec<Input> = (0..5_100).map(|_| Input::Stdin(one.clone())).collect();
    let report = audit::audit(&inputs, &Options::default(), &DATABASE, SystemTime::UNIX_EPOCH, &|| {});
    let sarif: Value = serde_json::from_str(&write(&report, "sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 5_000);
    let told = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("100 of 5100 results are left out"), "{told}");
}

/// Advisories of our own, so that the shapes do not change with those that the program carries.
const RECORDS: [&str; 3] = [
    r#"{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-01-02T00:00:00Z","aliases":["CVE-2026-1"],"summary":"a template runs code",
        "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected":[{"package":{"ecosystem":"npm","name":"@scope/left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}"#,
    r#"{"id":"PYSEC-2026-2","modified":"2026-01-03T00:00:00Z","aliases":["CVE-2026-2"],"summary":"a header is sent to any host",
        "affected":[{"package":{"ecosystem":"PyPI","name":"right"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"fixed":"2.0"}]}]}]}"#,
    r#"{"id":"MAL-2026-3","modified":"2026-01-04T00:00:00Z","summary":"sends the environment away",
        "affected":[{"package":{"ecosystem":"npm","name":"odd"},"versions":["6.6.6"]}]}"#,
];

/// One report with something of everything: flaws rated and not, one that is ignored, malice, what came by way of something
/// else, licences, authors, hashes, a package without a version, a gap that hides something, text that would do harm.
fn canonical() -> Report {
    let lock = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"top":"1"}},
        "node_modules/top":{"version":"1.0.0","integrity":"sha512-7iaw3Ur350mqGo7jwQrpkj9hiYB3Lkc/iBml1JQODbJ6wYX4oOHV+E+IvIh/1nsUNzLDBMxfqa2Ob1f1ACio/w=="}}}"#;
    let files = [
        ("package-lock.json", lock),
        (
            "node_modules/top/package.json",
            r#"{"name":"top","version":"1.0.0","license":"MIT OR Apache-2.0","author":"A. Uthor <a@example.com>","dependencies":{"@scope/left":"^1.0.0"}}"#,
        ),
        (
            "node_modules/@scope/left/package.json",
            r#"{"name":"@scope/left","version":"1.1.0","license":"Our <b>Own</b> Licence"}"#,
        ),
        ("node_modules/odd/package.json", r#"{"name":"odd","version":"6.6.6"}"#),
        ("node_modules/nameless/package.json", r#"{"name":"nameless"}"#),
        ("node_modules/broken/package.json", "{"),
        (
            "Right-1.5.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Right\nVersion: 1.5\nLicense: BSD-3-Clause\n",
        ),
    ];
    let records = RECORDS.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let database = Database::of_records(records, "a test".to_owned(), "2026-01-04T00:00:00Z").unwrap();
    let policy = "fail-on = \"high\"\n[[ignore]]\nid = \"CVE-2026-2\"\nreason = \"no request leaves\"\nexpires = 2027-01-31\n\
                  justification = \"vulnerable_code_not_in_execute_path\"\n";
    let decisions = plimsoll::policy::Decisions {
        policy: Some(plimsoll::policy::Policy::parse(policy, "plimsoll.toml").unwrap()),
        ..plimsoll::policy::Decisions::default()
    };
    let options = Options {
        decisions,
        ..Options::default()
    };
    let now = humantime::parse_rfc3339("2026-01-05T00:00:00Z").unwrap();
    audit::audit(
        &[Input::Stdin(super::common::zip_stored(&files))],
        &options,
        &database,
        now,
        &|| {},
    )
}

/// SARIF without the rules that no result names: a new check is one file and one registry line, and no new snapshot.
fn with_rules_of_results(sarif: &str) -> String {
    let mut document: Value = serde_json::from_str(sarif).unwrap();
    let run = &mut document["runs"][0];
    let results = run["results"].as_array_mut().unwrap();
    let named: Vec<Value> = results.iter().map(|r| r["ruleId"].clone()).collect();
    for result in results {
        result["ruleIndex"] = serde_json::json!(0);
    }
    let rules = run["tool"]["driver"]["rules"].as_array_mut().unwrap();
    rules.retain(|rule| named.contains(&rule["id"]));
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

/// Read these before they are written again: `UPDATE=1 cargo test --test cli report`.
#[test]
fn one_report_in_every_format() {
    let report = canonical();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for format in formats() {
        let mut out = write(&report, format).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if format == "sarif" {
            out = with_rules_of_results(&out);
        }
        // The page's style, script and their hashes are files of their own.
        for (from, to) in [
            ("<style>", "</style>"),
            ("<script>", "</script>"),
            ("style-src '", "'"),
            ("script-src '", "'"),
        ] {
            if format == "html" {
                let start = out.find(from).unwrap() + from.len();
                let end = start + out[start..].find(to).unwrap();
                out.replace_range(start..end, "…");
            }
        }
        let path = folder.join(format!("canonical.{format}"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &out).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = kept.lines().zip(out.lines()).find(|(a, b)| a != b);
        assert!(
            kept == out,
            "{format}: {differs:#?}; if that is meant: UPDATE=1 cargo test --test cli report"
        );
    }
}

/// Findings as what they are about, without the artifact's own path.
fn findings(report: &Report) -> Vec<String> {
    let of = |f: &plimsoll::model::Finding| {
        let subject = f.subject.as_ref().map(plimsoll::ecosystem::purl);
        format!(
            "{} {:?} {:?} {:?} {} {:?}",
            f.rule.id, subject, f.advisory, f.level, f.primary, f.fixed_in
        )
    };
    report.artifacts[0].findings.iter().map(of).collect()
}

fn round_trip(path: &Path) {
    let first = audit(Input::Path(path.to_owned()));
    for format in ["cyclonedx", "spdx"] {
        let sbom = write(&first, format);
        let again = audit(Input::Stdin(sbom.clone().into_bytes()));
        assert!(
            again.failures.is_empty(),
            "{format} of {}: {:?}",
            path.display(),
            again.failures
        );
        let about_packages = |all: Vec<String>| -> Vec<String> {
            let of_bytes = |f: &String| f.starts_with("tampered ") || f.starts_with("ambiguous-archive ");
            all.into_iter().filter(|f| !of_bytes(f)).collect()
        };
        assert_eq!(
            about_packages(findings(&first)),
            about_packages(findings(&again)),
            "{format} of {}",
            path.display()
        );
        let components = |r: &Report| r.artifacts[0].inventory.iter().cloned().collect::<Vec<_>>();
        let (before, after) = (components(&first), components(&again));
        let coordinates = |all: &[plimsoll::model::Component]| {
            all.iter()
                .map(|c| (c.coordinate.clone(), c.proof(), c.requires.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            coordinates(&before),
            coordinates(&after),
            "{format} of {}",
            path.display()
        );
        let gaps = |r: &Report| {
            r.artifacts[0]
                .gaps
                .iter()
                .map(|g| (g.kind, g.location.clone(), g.reason.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(gaps(&first), gaps(&again), "{format} of {}", path.display());
    }
}

#[test]
fn an_sbom_says_what_the_scan_said() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "orders",
        "node-layer",
        "node-pnpm",
        "node-broken",
        "python-target",
        "python-eggs",
        "rust-lock",
    ] {
        let path = folder.path().join(format!("{name}.zip"));
        std::fs::write(&path, zip_tree(&fixture(name))).unwrap();
        round_trip(&path);
    }
}

#[test]
fn an_sbom_of_a_real_zip_says_what_the_scan_said() {
    let Some(folder) = super::common::shared("corpus") else {
        return;
    };
    for name in [
        "node-modules",
        "node-esbuild-map",
        "py-pip-target",
        "py-nested-zip",
        "rust-auditable",
        "rust-lock",
    ] {
        round_trip(&folder.join(format!("{name}.zip")));
    }
}

#[test]
fn sboms_of_others_are_read() {
    // The shapes of Syft, of cyclonedx-npm (nested components) and of CycloneDX 1.2, and of SPDX 2.2.
    let syft = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"bom-ref":"r","type":"file","name":"f.zip"}},
        "components":[{"bom-ref":"pkg:npm/minimist@1.2.5?package-id=0","type":"library","name":"minimist","version":"1.2.5",
        "licenses":[{"license":{"id":"MIT"}}],"purl":"pkg:npm/minimist@1.2.5",
        "properties":[{"name":"syft:location:0:path","value":"/node_modules/minimist/package.json"}]},
        {"type":"library","name":"left","purl":"pkg:deb/debian/left@1"},{"type":"file","name":"/x"}]}"#;
    let nested = r#"{"bomFormat":"CycloneDX","specVersion":"1.2","metadata":{"component":{"bom-ref":"app","name":"app"}},"components":[
        {"bom-ref":"a","name":"a","version":"1.0.0","purl":"pkg:npm/a@1.0.0","components":[
        {"bom-ref":"a|m","name":"minimist","version":"1.2.5","purl":"pkg:npm/minimist"}]}],
        "dependencies":[{"ref":"app","dependsOn":["a"]},{"ref":"a","dependsOn":["a|m"]}]}"#;
    let spdx = r#"{"spdxVersion":"SPDX-2.2","packages":[{"SPDXID":"SPDXRef-m","name":"minimist","versionInfo":"1.2.5",
        "licenseDeclared":"MIT","externalRefs":[{"referenceCategory":"PACKAGE_MANAGER","referenceType":"purl",
        "referenceLocator":"pkg:npm/minimist@1.2.5"}]},{"SPDXID":"SPDXRef-app","name":"app"}],
        "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-app"}]}"#;
    for (text, gaps, place) in [
        (syft, 1, "node_modules/minimist/package.json"),
        (nested, 0, ""),
        (spdx, 0, ""),
    ] {
        let report = audit(Input::Stdin(text.as_bytes().to_vec()));
        assert_eq!(report.exit_code, 1, "{text}");
        let artifact = &report.artifacts[0];
        assert_eq!(artifact.kind, "sbom");
        assert_eq!(artifact.findings[0].advisory.as_deref(), Some("GHSA-xvch-5gv4-984h"));
        assert_eq!(artifact.findings[0].primary.to_string(), place);
        assert_eq!(artifact.gaps.len(), gaps, "{:?}", artifact.gaps);
    }
    let report = audit(Input::Stdin(nested.as_bytes().to_vec()));
    let first = report.artifacts[0].inventory.iter().next().unwrap();
    assert_eq!(first.requires.len(), 1);
    assert!(first.facts().any(|f| *f == plimsoll::model::Fact::Direct));
}

#[test]
fn what_is_no_readable_sbom_is_told_with_a_remedy() {
    for (text, expected) in [
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#,
            "expected 1.2 to 1.6",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":["#,
            "not an SBOM in JSON",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":{}}"#,
            "not an SBOM in JSON",
        ),
        (
            r#"{"bomFormat":"CycloneDX","bomFormat":"x","components":[]}"#,
            "duplicate field",
        ),
        (r#"{"spdxVersion":"SPDX-1.2"}"#, "expected SPDX-2.2 or SPDX-2.3"),
        (r#"{"spdxVersion":"SPDX-2.3","bomFormat":"CycloneDX"}"#, "at once"),
        (
            r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#,
            "SPDX 3 is not read",
        ),
        (
            "<?xml version='1.0'?><bom xmlns='http://cyclonedx.org/schema/bom/1.5'/>",
            "convert it to CycloneDX JSON",
        ),
        ("SPDXVersion: SPDX-2.3\n", "convert it to SPDX JSON"),
        (r#"{"name":"composer"}"#, "not an artifact"),
    ] {
        let report = audit(Input::Stdin(text.as_bytes().to_vec()));
        assert_eq!(report.exit_code, 2, "{text}");
        assert!(
            report.failures[0].message.contains(expected),
            "{text}: {}",
            report.failures[0].message
        );
    }
}
