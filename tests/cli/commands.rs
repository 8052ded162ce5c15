//! The command as people and pipelines use it, in a scrubbed environment.

use super::common::{fixture, zip_of, zip_tree};
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// The README's own console blocks, and the files of `tests/cmd`.
#[test]
fn console_blocks() {
    trycmd::TestCases::new()
        .case("README.md")
        .case("tests/cmd/*.md")
        .env("SOURCE_DATE_EPOCH", "1795305600")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80");
}

/// The README's pipelines, line by line, in a folder that holds this repository's `fixtures`.
#[cfg(unix)]
#[test]
fn the_readmes_pipelines_run_as_printed() {
    use std::os::unix::fs::PermissionsExt as _;
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let section = readme.split("\n## In a pipeline\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section
        .split("```sh\n")
        .skip(1)
        .map(|b| b.split("```").next().unwrap())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("fixtures")).unwrap();
    fs::copy(fixture("orders.zip"), at("fixtures/orders.zip")).unwrap();
    // Nothing is sent anywhere: what stands in for curl writes down what it was asked to, and that the file is there.
    fs::create_dir(at("bin")).unwrap();
    fs::write(
        at("bin/curl"),
        "#!/bin/sh\n/bin/cat orders.cdx.json >sent.json && echo \"$@\" >asked.txt\n",
    )
    .unwrap();
    fs::set_permissions(at("bin/curl"), fs::Permissions::from_mode(0o755)).unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap();
    let path = std::env::join_paths([own, &at("bin")]).unwrap();
    let mut codes = Vec::new();
    for line in blocks
        .iter()
        .flat_map(|b| b.lines())
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        // No advisories from elsewhere: a test stays off the network.
        let line = line.replace("plimsoll scan", "plimsoll scan --quiet --offline");
        let out = Command::new("/bin/sh")
            .args(["-c", &line])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &path)
            .env("DTRACK_URL", "http://127.0.0.1:9")
            .env("DTRACK_KEY", "key")
            .output()
            .unwrap();
        codes.push((out.status.code(), line, text(&out.stderr).to_owned()));
    }
    let got: Vec<Option<i32>> = codes.iter().map(|(code, ..)| *code).collect();
    // Only the nightly audit finds something that counts.
    let expected = [Some(0), Some(0), Some(0), Some(1), Some(0), Some(0)];
    assert_eq!(got, expected, "{codes:#?}");
    assert!(fs::read_to_string(at("comment.md")).unwrap().contains("of them known"));
    assert!(at("sboms/orders.zip.cdx.json").exists());
    let nightly: serde_json::Value = serde_json::from_slice(&fs::read(at("nightly.json")).unwrap()).unwrap();
    assert_eq!(nightly["artifacts"][0]["kind"], "sbom");
    assert_eq!(nightly["summary"]["findings"]["error"], 6);
    let asked = fs::read_to_string(at("asked.txt")).unwrap();
    assert!(
        asked.contains("bom=@orders.cdx.json http://127.0.0.1:9/api/v1/bom"),
        "{asked}"
    );
    assert!(fs::read_to_string(at("sent.json")).unwrap().contains("CycloneDX"));
}

/// An SBOM is known by what it says, wherever its maker put that.
#[test]
fn a_folder_may_hold_sboms() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let filler = format!(
        r#""components":[{}]"#,
        vec![r#"{"type":"library","name":"x","purl":"pkg:npm/x@1.0.0"}"#; 200].join(",")
    );
    fs::write(
        at("first.cdx.json"),
        format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6",{filler}}}"#),
    )
    .unwrap();
    fs::write(
        at("last.json"),
        format!(r#" {{{filler},"bomFormat":"CycloneDX","specVersion":"1.6"}}"#),
    )
    .unwrap();
    fs::write(at("a.spdx.json"), r#"{"spdxVersion":"SPDX-2.3","packages":[]}"#).unwrap();
    fs::write(at("other.json"), r#"{"name":"x"}"#).unwrap();
    let out = plimsoll(&[
        "scan",
        "--offline",
        "-o",
        "json",
        "--each",
        folder.path().to_str().unwrap(),
    ]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let kinds: Vec<&str> = report["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["sbom"; 3]);
}

/// What is passed on says nothing of the machine that looked: its folders, its user, its environment.
#[test]
fn reports_that_are_passed_on_name_no_place_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("home-of-somebody");
    let deep = top.join("build/deep");
    fs::create_dir_all(top.join(".git")).unwrap();
    fs::create_dir_all(&deep).unwrap();
    fs::write(
        top.join("plimsoll.toml"),
        "[[ignore]]\nid = \"CVE-2021-23337\"\nreason = \"not used\"\n",
    )
    .unwrap();
    for name in ["a", "b"] {
        fs::create_dir(deep.join(name)).unwrap();
        fs::copy(fixture("orders.zip"), deep.join(name).join("orders.zip")).unwrap();
    }
    let paths: Vec<String> = ["a", "b"]
        .iter()
        .map(|n| deep.join(n).join("orders.zip").display().to_string())
        .collect();
    let missing = deep.join("missing.zip").display().to_string();
    let scan = |format: &str, paths: &[&str]| {
        let args = [&["scan", "--offline", "-o", format][..], paths].concat();
        let mut command = command(&args);
        command.current_dir(&deep).env("SECRET_TOKEN", "hunter2-token");
        let out = command.output().unwrap();
        text(&out.stdout).to_owned()
    };
    let both = [&*paths[0], &*paths[1], &*missing];
    for format in ["sarif", "markdown", "junit", "github", "html", "openvex"] {
        let out = scan(format, &both);
        assert!(
            !out.contains("home-of-somebody") && !out.contains("hunter2"),
            "{format}: {out}"
        );
    }
    for format in ["cyclonedx", "spdx"] {
        assert!(!scan(format, &both[..1]).contains("home-of-somebody"), "{format}");
    }
    // What tells two artifacts apart stays, and the policy's place leads from here.
    let markdown = scan("markdown", &both);
    assert!(
        markdown.contains("`a/orders.zip`") && markdown.contains("`b/orders.zip`"),
        "{markdown}"
    );
    assert!(markdown.contains("`../../plimsoll.toml:1`"), "{markdown}");
    // Relative paths name nobody, in any format.
    let mut command = command(&["scan", "--offline", "-o", "json", "-o", "text=r.txt", "a/orders.zip"]);
    let out = command.current_dir(&deep).output().unwrap();
    let said = text(&out.stdout).to_owned() + &fs::read_to_string(deep.join("r.txt")).unwrap();
    assert!(!said.contains("home-of-somebody"), "{said}");
}

/// `JSONStream` and `jsonstream` are two packages of npm; tools that write purls as specified leave only the name beside to tell.
#[test]
fn capitals_of_npm_names_outlive_an_sbom() {
    let folder = tempfile::tempdir().unwrap();
    let sbom = folder.path().join("bom.json");
    let components = r#"[{"name":"JSONStream","version":"1.3.5","purl":"pkg:npm/jsonstream@1.3.5"},
        {"name":"jsonstream","version":"1.0.3","purl":"pkg:npm/jsonstream@1.0.3"},
        {"name":"other","version":"2.0.0","purl":"pkg:npm/Base64@0.2.1"}]"#;
    let document = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":{components}}}"#);
    fs::write(&sbom, document).unwrap();
    let names = |path: &Path| {
        let out = plimsoll(&["scan", "--offline", "-o", "json", path.to_str().unwrap()]);
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let components = report["artifacts"][0]["components"].as_array().unwrap().clone();
        let purl = |c: serde_json::Value| c["purl"].as_str().unwrap().to_owned();
        components.into_iter().map(purl).collect::<Vec<_>>()
    };
    let expected = [
        "pkg:npm/Base64@0.2.1",
        "pkg:npm/JSONStream@1.3.5",
        "pkg:npm/jsonstream@1.0.3",
    ];
    assert_eq!(names(&sbom), expected);
    let again = folder.path().join("again.spdx.json");
    let option = format!("spdx={}", again.display());
    plimsoll(&["sbom", "-o", &option, sbom.to_str().unwrap()]);
    assert_eq!(names(&again), expected);
}

fn plimsoll(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_committed_zip_is_its_tree() {
    let committed = fs::read(fixture("orders.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(committed)).unwrap();
    let mut fresh = zip::ZipArchive::new(std::io::Cursor::new(zip_tree(&fixture("orders")))).unwrap();
    assert_eq!(
        zip.len(),
        fresh.len(),
        "rebuild it: cargo test --test cli -- --ignored rebuild"
    );
    for i in 0..zip.len() {
        let (a, b) = (zip.by_index(i).unwrap(), fresh.by_index(i).unwrap());
        assert_eq!(
            (a.name().unwrap(), a.crc32()),
            (b.name().unwrap(), b.crc32()),
            "rebuild it: cargo test --test cli -- --ignored rebuild"
        );
    }
}

#[test]
#[ignore = "writes fixtures/orders.zip"]
fn rebuild() {
    fs::write(fixture("orders.zip"), zip_tree(&fixture("orders"))).unwrap();
}

#[test]
fn standard_input_and_several_reports() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let mut child = command(&[
        "scan",
        "--offline",
        "-o",
        "text",
        "-o",
        &format!("json={}", json.display()),
        "-",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&zip_tree(&fixture("orders")))
        .unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("minimist 1.2.5"));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(report["schema"], "plimsoll/report/1");
    assert_eq!(report["artifacts"][0]["path"], "-");
    assert_eq!(report["summary"]["exit_code"], 1);
}

#[test]
fn a_folder_is_one_artifact_or_holds_many() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("deep")).unwrap();
    fs::write(
        at("a.zip"),
        zip_of(&[("node_modules/ms/package.json", r#"{"name":"ms","version":"2.1.3"}"#)]),
    )
    .unwrap();
    fs::write(at("deep/b.bin"), fs::read(at("a.zip")).unwrap()).unwrap();
    fs::write(at("notes.txt"), "no archive").unwrap();
    let scan = |each: &[&str]| -> serde_json::Value {
        let path = folder.path().to_str().unwrap();
        let out = plimsoll(&[&["scan", "--offline", "-o", "json"], each, &[path]].concat());
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let one = scan(&[]);
    assert_eq!(one["artifacts"].as_array().unwrap().len(), 1);
    assert_eq!(
        one["artifacts"][0]["components"][0]["evidence"][0]["location"],
        "a.zip!/node_modules/ms/package.json"
    );
    let names: Vec<String> = scan(&["--each"])["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| {
            Path::new(a["path"].as_str().unwrap())
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(names, ["a.zip", "b.bin"]);
}

#[test]
fn errors_name_the_file_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.zip");
    fs::write(&empty, "").unwrap();
    let (empty, folder) = (empty.to_str().unwrap(), folder.path().to_str().unwrap());
    for (args, error) in [
        (
            vec!["scan", "nowhere.zip"],
            "error: nowhere.zip: no such file or folder; check the path\n".to_owned(),
        ),
        (
            vec!["scan", "README.md"],
            "error: README.md: not an artifact: begins with `# plimso`, expected ".to_owned(),
        ),
        (
            vec!["scan", empty],
            format!("error: {empty}: the file is empty; check the step that builds it\n"),
        ),
        (
            vec!["scan", "--each", "src"],
            "error: src: holds no archive and no SBOM; leave out --each if ".to_owned(),
        ),
        (
            vec!["scan", "-o", "yaml", "x"],
            "error: invalid value 'yaml' for '--output <FORMAT[=FILE]>': no format `yaml`".to_owned(),
        ),
        (
            vec!["scan", "-o", "json", "-o", "text", folder],
            "error: standard output takes one report".to_owned(),
        ),
        (
            vec!["scan", "-o", "json=/nowhere/x.json", "fixtures/orders.zip"],
            "error: /nowhere/x.json: report cannot be written".to_owned(),
        ),
        (
            vec!["scan", "--jobs", "0", "x"],
            "error: invalid value '0' for '--jobs <N>'".to_owned(),
        ),
    ] {
        let mut args = args;
        args.insert(1, "--offline");
        let out = plimsoll(&args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).starts_with(&error), "{args:?}: {}", text(&out.stderr));
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    for (args, variables, coloured) in [
        (&[][..], &[][..], false),
        (&["--color", "always"], &[], true),
        (&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let all = [&["scan", "--offline"], args, &["fixtures/orders.zip"]].concat();
        let out = command(&all).envs(variables.iter().copied()).output().unwrap();
        assert_eq!(out.stdout.contains(&0x1b), coloured, "{args:?} {variables:?}");
    }
}

#[test]
fn lines_fit_a_narrow_page() {
    for width in ["40", "60", "80", "100"] {
        let out = command(&["scan", "--offline", "--verbose", "fixtures/orders.zip"])
            .env("COLUMNS", width)
            .output()
            .unwrap();
        let widest = text(&out.stdout)
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(
            widest <= width.parse().unwrap(),
            "{widest} columns on a page of {width}"
        );
    }
}

#[test]
fn hostile_names_stay_text() {
    let name = "evil\\u001b[2J\\u202e\\nGAP";
    let zip = zip_of(&[(
        "node_modules/x/package.json",
        format!(r#"{{"name":"{name}","version":"1\\u0007"}}"#),
    )]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.zip");
    fs::write(&path, zip).unwrap();
    for format in ["text", "json"] {
        let out = plimsoll(&["scan", "--offline", "--verbose", "-o", format, path.to_str().unwrap()]);
        let hidden = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(
            !text(&out.stdout).contains(hidden),
            "{format}: {}",
            text(&out.stdout).escape_debug()
        );
    }
}
