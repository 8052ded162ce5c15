//! One thread or many: the same bytes in every report.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// The report as JSON, and as text beside it: one scan writes both.
fn scan(path: &Path, jobs: &str) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("report.txt");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args([
            "scan",
            "--quiet",
            "--offline",
            "--verbose",
            "--each",
            "--jobs",
            jobs,
            "-o",
            "json",
            "-o",
        ])
        .arg(format!("text={}", text.display()))
        .arg(path)
        .env("SOURCE_DATE_EPOCH", "1800000000")
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    let text = fs::read_to_string(text).unwrap();
    (output, text)
}

fn same(path: &Path) {
    let (one, text) = scan(path, "1");
    assert!(!one.stdout.is_empty(), "{}", String::from_utf8_lossy(&one.stderr));
    assert!(!text.is_empty());
    for jobs in ["2", "8"] {
        let (many, other) = scan(path, jobs);
        assert_eq!(one.status, many.status);
        let place = path.display();
        assert!(one.stdout == many.stdout, "{place}: JSON differs with {jobs} threads");
        assert!(text == other, "{place}: text differs with {jobs} threads");
    }
}

#[test]
fn our_own() {
    let folder = tempfile::tempdir().unwrap();
    let package = |i: usize| {
        (
            format!("node_modules/p{i}/package.json"),
            format!(r#"{{"name":"p{i}","version":"1.0.{i}","version":"2.0.0"}}"#),
        )
    };
    let inner = super::common::zip_of(&(0..200).map(package).collect::<Vec<_>>());
    for name in ["a.zip", "b.zip", "c.zip"] {
        let mut outer = vec![("inner.zip".to_owned(), inner.clone())];
        outer.extend((100..400).map(package).map(|(path, text)| (path, text.into_bytes())));
        outer.push(("../escape\\x".to_owned(), b"x".to_vec()));
        std::fs::write(folder.path().join(name), super::common::zip_of(&outer)).unwrap();
    }
    same(folder.path());
}

#[test]
fn the_real_ones() {
    if let Some(folder) = super::common::shared("corpus") {
        same(&folder);
    }
}
