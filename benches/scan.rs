//! Whole scans, without starting a process. The real zips are used where they lie beside the project; a tree of the same
//! shape is made where they do not.
//!
//! `cargo bench --bench scan`; whole-process figures: `benches/compare.sh`.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use divan::{Bencher, counter::BytesCount};
use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
};
use std::{fs, time::SystemTime};

fn main() {
    divan::main();
}

fn bytes_of(name: &str) -> Vec<u8> {
    common::shared(&format!("corpus/{name}.zip")).map_or_else(made, |path| fs::read(path).unwrap())
}

/// 80 packages of 28 files each, as in the real one.
fn made() -> Vec<u8> {
    let mut files = Vec::new();
    for package in 0..80 {
        let folder = format!("node_modules/package-{package}");
        files.push((
            format!("{folder}/package.json"),
            format!(r#"{{"name":"package-{package}","version":"1.0.{package}"}}"#),
        ));
        let code = |i: usize| format!("exports.f{i} = (x) => x * {i};\n").repeat(150);
        files.extend((0..27).map(|i| (format!("{folder}/lib/{i}.js"), code(i))));
    }
    common::zip_of(&files)
}

#[divan::bench(args = ["node-modules", "py-pip-target", "py-slim", "py-bytecode-slim", "rust-auditable", "rust-plain"])]
fn scan(bencher: Bencher<'_, '_>, name: &str) {
    let (bytes, database) = (bytes_of(name), Database::embedded());
    let counter = BytesCount::new(bytes.len());
    let inputs = [Input::Stdin(bytes)];
    bencher.counter(counter).bench_local(|| {
        audit::audit(&inputs, &Options::default(), &database, SystemTime::UNIX_EPOCH, &|| {})
            .artifacts
            .len()
    });
}

/// 15 MB as a Rust binary has them: a source path and a symbol now and then, of 400 crates.
#[divan::bench]
fn rust_binary_of_15_mb(bencher: Bencher<'_, '_>) {
    let mut binary = b"\x7fELF\0/rustc/0123456789abcdef/library/core/src/x.rs\0".to_vec();
    for i in 0..15_000_u32 {
        let (krate, file) = (i % 400, i / 400);
        let path = format!("/registry/src/github.com-1ecc6299db9ec823/crate-{krate}-1.0.0/src/m{file}.rs\0");
        let symbol = format!("_ZN5crate{}7modules17h0123456789abcdefE\0", i % 10);
        binary.extend(path.bytes().chain(symbol.bytes()));
        binary.extend((0..870_u32).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(i) >> 11).to_le_bytes()[0]));
    }
    let (inputs, database) = ([Input::Stdin(binary)], Database::embedded());
    bencher.bench_local(|| {
        audit::audit(&inputs, &Options::default(), &database, SystemTime::UNIX_EPOCH, &|| {})
            .artifacts
            .len()
    });
}

#[divan::bench]
fn open_embedded_advisories() -> usize {
    Database::embedded().provenance().records
}
