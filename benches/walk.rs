//! The walk over a zip's two views, without reading any contents.
//!
//! `cargo bench --bench walk`
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use divan::{Bencher, counter::ItemsCount};
use plimsoll::{
    archive::{Tree as _, zip::Zip},
    limits::Limits,
};

fn main() {
    divan::main();
}

/// As many entries as a zip without zip64 can nearly have, at paths as long as real ones.
#[divan::bench(args = [1_000, 65_000])]
fn list(bencher: Bencher<'_, '_>, entries: usize) {
    let path = |i: usize| format!("node_modules/package-{}/lib/internal/module-{i}.js", i / 28);
    let bytes = common::zip_of(&(0..entries).map(|i| (path(i), b"1;\n")).collect::<Vec<_>>());
    let limits = Limits::default();
    bencher
        .counter(ItemsCount::new(entries))
        .bench_local(|| Zip::open(&bytes, &limits).map(|zip| zip.entries().len()));
}
