//! What a bundle and its source map add to a scan: 5 MB of minified code, 8 MB of map, in a zip. `unread` is the same zip
//! under names that no detector wants; the difference is what bundles cost.
//!
//! `cargo bench --bench bundle`. Memory is seen on the process: `/usr/bin/time -v plimsoll scan` of such a zip.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use divan::Bencher;
use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
};
use std::{fmt::Write as _, time::SystemTime};

fn main() {
    divan::main();
}

const PACKAGES: usize = 500;

/// Code that is no more regular than code is, so that it packs as code does.
fn code(bytes: usize) -> String {
    let (mut text, mut seed) = (String::with_capacity(bytes + 100), 1u64);
    while text.len() < bytes {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (a, b, c) = (seed >> 40 & 0xfff, seed >> 20 & 0xff, seed >> 52 & 0xff);
        let _ = write!(
            text,
            "function f{a}(e,t){{var n=e.version||t[{b}];return n?\"name{c}\":i({a},n)}}"
        );
        if c == 0 {
            text.push('\n');
        }
    }
    text
}

fn map(bundle: &str) -> String {
    let sources: Vec<String> = (0..PACKAGES)
        .map(|i| format!("\"../node_modules/package-{i}/lib/index.js\""))
        .collect();
    let each = code(5_000_000 / PACKAGES).replace('"', "'").replace('\n', "\\n");
    let contents: Vec<String> = (0..PACKAGES).map(|_| format!("\"{each}\"")).collect();
    let mut mappings = String::new();
    let segments = 3_000_000 / 6 / PACKAGES;
    for package in 0..PACKAGES {
        mappings.push_str(if package == 0 { "AAAA" } else { ",MCAA" });
        for _ in 0..segments {
            mappings.push_str(",KAACA");
        }
    }
    let lines = bundle.matches('\n').count();
    mappings.push_str(&";".repeat(lines));
    format!(
        "{{\"version\":3,\"sources\":[{}],\"sourcesContent\":[{}],\"names\":[],\"mappings\":\"{mappings}\"}}",
        sources.join(","),
        contents.join(",")
    )
}

fn bench(bencher: Bencher<'_, '_>, names: [&str; 2]) {
    let bundle = code(5_000_000);
    let map = map(&bundle);
    let bundle = format!("{bundle}\n//# sourceMappingURL=index.js.map\n");
    let inputs = [Input::Stdin(common::zip_of(&[(names[0], &bundle), (names[1], &map)]))];
    let database = Database::embedded();
    bencher.bench_local(|| {
        audit::audit(&inputs, &Options::default(), &database, SystemTime::UNIX_EPOCH, &|| {})
            .artifacts
            .len()
    });
}

#[divan::bench]
fn bundle_and_map(bencher: Bencher<'_, '_>) {
    bench(bencher, ["index.js", "index.js.map"]);
}

#[divan::bench]
fn unread(bencher: Bencher<'_, '_>) {
    bench(bencher, ["index.bin", "index.dat"]);
}
