//! What the tests share: where the real data lies, zips made from plain trees, a scan as JSON.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::print_stdout, clippy::unwrap_used)] // each test binary uses a part of it

use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    report::{self, Style},
};
use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A place in the data that lies beside the project (or in `PLIMSOLL_SHARED`); says that it skips where there is none.
pub fn shared(sub: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("PLIMSOLL_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join(sub);
    if !path.exists() {
        println!("skipped: there is no {sub} beside the project");
        return None;
    }
    Some(path)
}

/// A folder of `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A zip of all files below a folder, sorted, deflated.
pub fn zip_tree(root: &Path) -> Vec<u8> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let named = files.iter().map(|path| {
        (
            path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
            fs::read(path).unwrap(),
        )
    });
    zip_of(&named.collect::<Vec<_>>())
}

/// A zip of these paths and contents, deflated.
pub fn zip_of<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Vec<u8> {
    zip_by(files, CompressionMethod::Deflated)
}

/// The same as it is: no version of a compressor changes its bytes.
pub fn zip_stored<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Vec<u8> {
    zip_by(files, CompressionMethod::Stored)
}

fn zip_by<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (path, contents) in files {
        zip.start_file(path.as_ref(), options).unwrap();
        zip.write_all(contents.as_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The JSON report of a scan with the embedded advisories.
pub fn scan(input: Input) -> serde_json::Value {
    scan_with(input, &Options::default())
}

/// The JSON report of a scan with options of its own.
pub fn scan_with(input: Input, options: &Options) -> serde_json::Value {
    let report = audit::audit(&[input], options, &Database::embedded(), SystemTime::UNIX_EPOCH, &|| {});
    let json = report::ALL.iter().find(|r| r.id() == "json").unwrap();
    let mut out = Vec::new();
    json.write(
        &report,
        Style {
            width: 80,
            verbose: false,
        },
        &mut out,
    )
    .unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// `name version proof` of each component of the only artifact, in the report's order.
pub fn components(report: &serde_json::Value) -> Vec<String> {
    let all = report["artifacts"][0]["components"].as_array().unwrap().iter();
    let show = |c: &serde_json::Value| {
        let proof = c["evidence"][0]["proof"].as_str().unwrap();
        format!(
            "{} {} {proof}",
            c["name"].as_str().unwrap(),
            c["version"].as_str().unwrap_or("-")
        )
    };
    all.map(show).collect()
}
