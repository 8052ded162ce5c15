//! The collection beside the project: each file in a process of its own, with bounded memory and a deadline, against what the
//! manifest expects.

use crate::{Verdict, common::shared};
use plimsoll::parse::{json, json::Scalar, toml};
use rayon::prelude::*;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Files whose expectation is not met, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "commons-compress/bla-stored-dd",
        "its offsets are wrong: the second entry is not where the directory puts it",
    ),
    (
        "go-zip/readme.zip",
        "one byte follows its comment, which yauzl's collection wants refused",
    ),
    (
        "go-tar/gnu-incremental.tar",
        "a sparse file in it, whose contents are not put together: a gap",
    ),
    (
        "go-tar/pax-global-records.tar",
        "gives one name to all entries: readers differ in whether they follow it",
    ),
    (
        "go-tar/pax-pos-size-file.tar",
        "the pax size differs from the header's: CVE-2025-62518 by another name",
    ),
    (
        "go-tar/pax-path-hdr.tar",
        "there is no entry in it: an empty artifact is a gap of its own",
    ),
    (
        "libarchive/test_read_format_zip_7075_utf8_paths.zip",
        "its local names differ from the directory's",
    ),
    (
        "libarchive/test_symlink_2.zip",
        "there is no symbolic link in it, by mode or otherwise",
    ),
    (
        "libzip/changing-size-much",
        "consistent: it is libzip's result, not its input",
    ),
    ("libzip/encrypt-none.zip", "nothing in it is encrypted"),
    (
        "libzip/incons-ef-local-id.zip",
        "an unknown extra field, which every reader skips",
    ),
    (
        "libzip/testchangedlocal.zip",
        "consistent: it is libzip's result, not its input",
    ),
    ("libzip/testempty.zip", "an empty artifact is a gap of its own"),
    (
        "libzip/testextrabytes.zip",
        "bytes follow its end, which is told of other files too",
    ),
    (
        "pypi-warehouse/accept/empty.zip",
        "an empty artifact is a gap of its own",
    ),
    (
        "pypi-warehouse/accept/short_usize",
        "stored with two sizes: one reader sees 9 bytes, the other 51",
    ),
    ("rs-async-zip/empty", "an empty artifact is a gap of its own"),
    (
        "rs-async-zip/sample_data.zstd.zip",
        "zstd is not supported: no deployment target unpacks it",
    ),
    (
        "tokio-tar/pax-hidden-entry.tar",
        "consistent by the rules of pax; every entry is listed",
    ),
    (
        "tokio-tar/pax-phantom-entry.tar",
        "consistent by the rules of pax; every entry is listed",
    ),
    ("yauzl/success/empty.zip", "an empty artifact is a gap of its own"),
    (
        "yauzl/success/unicode-path-extra-field.zip",
        "a NUL in its name, and broken fields on purpose",
    ),
    (
        "zip2/zip64_magic_in_filename",
        "NULs in its names, which end them for some readers",
    ),
];

enum Expect {
    /// Nothing above a note.
    Unalarmed,
    /// Anything said, a note at least.
    Told,
    /// The canary and nothing above a note.
    Canary,
    CanaryRule,
    /// That it ends well.
    Anything,
}

fn expectation(text: &str) -> Expect {
    let either = [
        "INFO otherwise",
        " or CLEAN",
        "unless all",
        "or INFO",
        "FLAG if",
        "CLEAN or FLAG",
        "CLEAN or LIMIT",
        "CLEAN if",
        "CLEAN or REJECT",
    ];
    if text.starts_with("CANARY reported, no anomaly") || text == "CANARY reported" {
        Expect::Canary
    } else if text.starts_with("CANARY") {
        Expect::CanaryRule
    } else if text.starts_with("CLEAN or INFO") || text.starts_with("INFO") {
        Expect::Unalarmed
    } else if either.iter().any(|e| text.contains(e)) {
        Expect::Anything
    } else if text.starts_with("CLEAN") {
        Expect::Unalarmed
    } else if ["FLAG", "REJECT", "LIMIT"].iter().any(|start| text.starts_with(start)) {
        Expect::Told
    } else {
        Expect::Anything
    }
}

/// Runs `plimsoll scan` with 300 MiB of address space (case 62: an allocation that fails would end it).
fn run(files: &[&Path]) -> Result<serde_json::Value, String> {
    run_within(300, "1", files)
}

/// Runs `plimsoll scan` with so many MiB of address space and so many threads; what takes four minutes on a busy machine does
/// not end.
pub(crate) fn run_within(mib: usize, jobs: &str, files: &[&Path]) -> Result<serde_json::Value, String> {
    let mut child = Command::new("sh")
        .args(["-c", r#"ulimit -v "$0"; exec "$@""#, &(mib * 1024).to_string()])
        .arg(env!("CARGO_BIN_EXE_plimsoll"))
        .args([
            "scan",
            "--quiet",
            "--offline",
            "--no-policy",
            "--jobs",
            jobs,
            "-o",
            "json",
        ])
        .args(files)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut text).map(|_| text)
    });
    let end = Instant::now() + Duration::from_mins(4);
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill();
                return Err("does not end".to_owned());
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let text = reader.join().map_err(|_| "reader failed")?.map_err(|e| e.to_string())?;
    match status.code() {
        Some(0..=3) => serde_json::from_slice(&text).map_err(|e| format!("{status}: no report ({e})")),
        _ => Err(format!("ends with {status}")),
    }
}

fn verdict(report: &serde_json::Value) -> Verdict {
    let empty = Vec::new();
    let mut verdict = Verdict {
        exit: u8::try_from(report["summary"]["exit_code"].as_u64().unwrap()).unwrap(),
        ..Verdict::default()
    };
    if verdict.exit == 2 {
        verdict.failures.push("refused".to_owned());
    }
    for artifact in report["artifacts"].as_array().unwrap() {
        for component in artifact["components"].as_array().unwrap_or(&empty) {
            verdict.canary |= component["name"] == "plimsoll-canary" && component["version"] == "6.6.6";
        }
        for finding in artifact["findings"].as_array().unwrap_or(&empty) {
            if finding["rule"] == "ambiguous-archive" {
                let message = finding["message"].as_str().unwrap().to_owned();
                if finding["level"] == "note" {
                    &mut verdict.quirks
                } else {
                    &mut verdict.contradictions
                }
                .push(message);
            }
        }
        for gap in artifact["gaps"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .filter(|g| g["kind"] == "blind")
        {
            verdict.blind.push(gap["reason"].as_str().unwrap().to_owned());
        }
    }
    verdict
}

#[test]
fn every_file_does_what_the_manifest_expects() {
    let Some(root) = shared("hostile") else { return };
    let manifest = fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let rows: Vec<(&str, &str)> = manifest
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            (columns[0], columns[6])
        })
        // Documents have their own tests below.
        .filter(|(path, _)| {
            !["json/", "toml/", "yaml/"]
                .iter()
                .any(|folder| path.starts_with(folder))
        })
        .collect();
    // What is only to end well goes many to a process; it is one by one again where that fails.
    let (alone, together): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|(_, text)| !matches!(expectation(text), Expect::Anything));
    let mut wrong: Vec<String> = alone
        .par_iter()
        .filter(|(path, _)| !EXCEPTIONS.iter().any(|(known, _)| path.starts_with(known)))
        .filter_map(|(path, text)| {
            let verdict = match run(&[&root.join(path)]) {
                Ok(report) => verdict(&report),
                Err(e) => return Some(format!("{path}: {e}")),
            };
            let met = match expectation(text) {
                Expect::Unalarmed => verdict.is_unalarmed(),
                Expect::Told => verdict.is_told(),
                Expect::Canary => verdict.canary && verdict.is_unalarmed(),
                Expect::CanaryRule => verdict.keeps_the_canary_rule(),
                Expect::Anything => true,
            };
            (!met).then(|| format!("{path}: expected {text}, got {verdict:?}"))
        })
        .collect();
    wrong.par_extend(together.par_chunks(50).flat_map(|rows| {
        let files: Vec<_> = rows.iter().map(|(path, _)| root.join(path)).collect();
        let paths: Vec<&Path> = files.iter().map(|path| &**path).collect();
        if run(&paths).is_ok() {
            return Vec::new();
        }
        paths
            .iter()
            .filter_map(|path| run(&[path]).err().map(|e| format!("{}: {e}", path.display())))
            .collect()
    }));
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    println!(
        "{} files, {} of them exceptions",
        rows.len(),
        rows.iter()
            .filter(|(p, _)| EXCEPTIONS.iter().any(|(k, _)| p.starts_with(k)))
            .count()
    );
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut out: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    out.sort();
    out
}

#[test]
fn json_as_the_test_suite_has_it() {
    let Some(root) = shared("hostile/json/test_parsing") else {
        return;
    };
    let mut wrong = Vec::new();
    for path in files(&root) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let parses = json::document::<Scalar>(&fs::read(&path).unwrap()).is_ok();
        if (name.starts_with("y_") && !parses) || (name.starts_with("n_") && parses) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Refused by TOML 1.0, which the collection is of, and allowed by 1.1, which the parser reads.
const TOML_1_1: &[&str] = &[
    "datetime__no-secs",
    "inline-table__linebreak",
    "inline-table__trailing-comma",
    "local-datetime__no-secs",
    "local-time__no-secs",
    "string__basic-byte-escapes",
];

#[test]
fn toml_as_the_test_suite_has_it() {
    let Some(root) = shared("hostile/toml") else { return };
    let mut wrong = Vec::new();
    for (folder, valid) in [("valid", true), ("invalid", false)] {
        for path in files(&root.join(folder))
            .into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        {
            let parses = toml::document::<::toml::Table>(&fs::read(&path).unwrap()).is_ok();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if parses != valid && !(parses && TOML_1_1.iter().any(|known| name.starts_with(known))) {
                wrong.push(name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn documents_in_the_place_of_real_ones_end_well() {
    let Some(root) = shared("hostile") else { return };
    for (folder, name) in [
        ("docs", ""),
        ("json/test_parsing", CANARY),
        ("json/test_transform", CANARY),
        ("toml/valid", "Cargo.lock"),
        ("yaml/src", "pnpm-lock.yaml"),
    ] {
        let Some(root) = Some(root.join(folder)).filter(|path| path.exists()) else {
            continue;
        };
        for path in files(&root).into_iter().filter(|p| p.is_file()) {
            let bytes = fs::read(&path).unwrap();
            let names: &[&str] = if name.is_empty() {
                &[
                    CANARY,
                    "package-lock.json",
                    "Cargo.lock",
                    "requirements.txt",
                    "index.js",
                ]
            } else {
                &[name]
            };
            let zip = crate::common::zip_of(&names.iter().map(|name| (*name, &bytes)).collect::<Vec<_>>());
            let verdict = crate::scan(zip);
            let broken = path.file_name().unwrap().to_string_lossy().starts_with("n_");
            assert!(!broken || verdict.exit != 0, "{}: {verdict:?}", path.display());
        }
    }
}

use crate::build::CANARY;
