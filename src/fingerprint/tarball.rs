//! What a package's tarball holds that a bundler could take: its manifest and its modules.

use super::build::Release;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::{collections::BTreeMap, io::Read};

/// A package that unpacks to more than this is not read: no bundle holds it whole.
const MOST_BYTES: u64 = 256 << 20;

/// A module longer than this is data or a build for browsers.
const MODULE_BYTES: usize = 4 << 20;

/// Folders whose files nobody imports.
const APART: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "__mocks__",
    "spec",
    "example",
    "examples",
    "doc",
    "docs",
    "benchmark",
    "benchmarks",
    "bench",
    "umd",
    "node_modules",
    "scripts",
    "fixtures",
    "coverage",
    "demo",
    "demos",
    "tasks",
    "tools",
    "website",
];

/// Folders of builds or sources, of which a package has several and a bundler takes what the manifest names.
const BUILDS: &[&str] = &[
    "dist", "build", "src", "source", "bundle", "bundles", "out", "types", "amd", "browser", "system",
];

/// Name of the package and its release.
///
/// # Errors
/// When it is no tarball of a package.
pub fn read(tarball: impl Read) -> Result<(String, Release), String> {
    let mut manifest: Option<Value> = None;
    let mut modules: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(tarball).take(MOST_BYTES));
    for entry in archive.entries().map_err(|e| e.to_string())? {
        let entry = entry.map_err(|e| e.to_string())?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The first folder is `package`, or whatever its packer called it.
        let Some((_, path)) = path.split_once('/') else {
            continue;
        };
        let wanted = path == "package.json" || is_module(path);
        if !wanted || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        entry
            .take(MODULE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| e.to_string())?;
        if path == "package.json" {
            manifest = Some(serde_json::from_slice(&bytes).map_err(|e| format!("its package.json: {e}"))?);
        } else if bytes.len() <= MODULE_BYTES {
            modules.insert(path.to_owned(), bytes);
        }
    }
    let manifest = manifest.ok_or("no package.json in it")?;
    let text = |key: &str| manifest[key].as_str().map(str::to_owned);
    let (name, version) = text("name")
        .zip(text("version"))
        .ok_or("no name or no version in its package.json")?;
    let mut named = Vec::new();
    for key in ["main", "module", "exports", "browser", "es2015", "jsnext:main"] {
        paths(&manifest[key], &mut named, 0);
    }
    let needs = ["dependencies", "peerDependencies"]
        .iter()
        .filter_map(|key| manifest[*key].as_object());
    let range = |value: &Value| value.as_str().unwrap_or("*").to_owned();
    let needs = needs.flat_map(|list| list.iter().map(|(name, value)| (name.clone(), range(value))));
    let needs = needs.collect();
    let mut taken = modules
        .into_iter()
        .filter(|(path, _)| is_taken(path, &named))
        .map(|(_, text)| text);
    let mut release = Release::new(&version, needs, &mut taken);
    let developed_with = manifest["devDependencies"].as_object();
    release
        .made_with
        .extend(developed_with.into_iter().flat_map(|list| list.keys().cloned()));
    Ok((name, release))
}

fn is_module(path: &str) -> bool {
    let script = [".js", ".cjs", ".mjs"].iter().any(|ext| path.ends_with(ext));
    let apart = [
        ".min.js",
        ".test.js",
        ".spec.js",
        ".config.js",
        ".config.mjs",
        ".config.cjs",
        // Builds for browsers, which carry what they depend on.
        ".standalone.js",
        ".bundle.js",
        ".iife.js",
    ];
    let mut folders = path.split('/').rev().skip(1);
    script && !apart.iter().any(|ext| path.ends_with(ext)) && !folders.any(|folder| APART.contains(&folder))
}

/// Folders of builds count where the manifest names a file in them.
fn is_taken(path: &str, named: &[String]) -> bool {
    match path.split_once('/') {
        Some((folder, _)) if BUILDS.contains(&folder) => {
            let inside = |n: &String| {
                n.strip_prefix(folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            named.iter().any(inside)
        }
        _ => true,
    }
}

/// Paths in a field of a manifest, `exports` with its conditions included.
fn paths(value: &Value, out: &mut Vec<String>, depth: usize) {
    match value {
        Value::String(path) => out.push(path.trim_start_matches("./").to_owned()),
        Value::Object(fields) if depth < 8 => {
            for (key, value) in fields {
                if !matches!(&**key, "types" | "typings") {
                    paths(value, out, depth + 1);
                }
            }
        }
        Value::Array(all) if depth < 8 => all.iter().for_each(|value| paths(value, out, depth + 1)),
        _ => {}
    }
}
