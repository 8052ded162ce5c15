//! One thread or many: the same bytes in every report.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::{
    path::Path,
    process::{Command, Output},
};

fn scan(path: &Path, format: &str, jobs: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args([
            "scan",
            "--quiet",
            "--offline",
            "--verbose",
            "--each",
            "--jobs",
            jobs,
            "-o",
            format,
        ])
        .arg(path)
        .env("SOURCE_DATE_EPOCH", "1800000000")
        .env("COLUMNS", "80")
        .output()
        .unwrap()
}

fn same(path: &Path) {
    for format in ["json", "text"] {
        let one = scan(path, format, "1");
        assert!(!one.stdout.is_empty(), "{}", String::from_utf8_lossy(&one.stderr));
        for jobs in ["2", "8"] {
            let many = scan(path, format, jobs);
            assert_eq!(one.status, many.status);
            assert!(
                one.stdout == many.stdout,
                "{}: {format} differs with {jobs} threads",
                path.display()
            );
        }
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
    let inner = common::zip_of(&(0..200).map(package).collect::<Vec<_>>());
    for name in ["a.zip", "b.zip", "c.zip"] {
        let mut outer = vec![("inner.zip".to_owned(), inner.clone())];
        outer.extend((100..400).map(package).map(|(path, text)| (path, text.into_bytes())));
        outer.push(("../escape\\x".to_owned(), b"x".to_vec()));
        std::fs::write(folder.path().join(name), common::zip_of(&outer)).unwrap();
    }
    same(folder.path());
}

#[test]
fn the_real_ones() {
    if let Some(folder) = common::shared("corpus") {
        same(&folder);
    }
}
