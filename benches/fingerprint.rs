//! What it costs to know packages by their code: 1.3 MB of minified code that 150 packages of the index are in, with an index
//! of 700 packages, and with one of 5,000 packages of 10 versions; and opening either and the embedded one.
//!
//! `cargo bench --bench fingerprint`. The machine's other work counts too: compare `user` time of the process.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::Bencher;
use plimsoll::fingerprint::{
    Index, Told,
    build::{Release, Source, build},
    claims,
    grams::Stream,
};
use std::fmt::Write as _;

fn main() {
    divan::main();
}

/// A module of 30 functions with names of its own; every third says which version it is of.
fn module(package: usize, version: usize) -> String {
    let mut text = String::new();
    for i in 0..30 {
        let version = if i % 3 == 0 { version } else { 0 };
        let _ = write!(
            text,
            "e.make{package}x{i}=function(t,n){{if(\"string\"!=typeof t.kind{package}y{i})throw new TypeError(\"{package} wants \
             {i} {version}\");var r=t.field{package}z{i}(n);return r.concat({{key{package}w{i}:{i}7}},/{package}[a-z]{i}/g)}};"
        );
    }
    text
}

fn source(package: usize, versions: usize) -> Source {
    let release = |v: usize| {
        Release::new(
            &format!("1.{v}.0"),
            Vec::new(),
            &mut [module(package, v).into_bytes()].into_iter(),
        )
    };
    Source::new(&format!("package-{package}"), (0..versions).map(release).collect())
}

fn index(packages: usize, versions: usize) -> Vec<u8> {
    build((0..packages).map(|p| source(p, versions)).collect(), 64 << 20)
}

fn bundle() -> Vec<u8> {
    let mut text = String::new();
    let mut package = 0;
    while text.len() < 1_300_000 {
        let _ = write!(
            text,
            "var a{package}=b((e,t)=>{{{}}});",
            module(package * 4, package % 10)
        );
        package += 1;
    }
    text.into_bytes()
}

#[divan::bench(args = [(700, 6), (5000, 10)], sample_count = 10)]
fn scan(bencher: Bencher<'_, '_>, (packages, versions): (usize, usize)) {
    let index = Index::from_bytes(index(packages, versions)).unwrap();
    let bundle = bundle();
    bencher.bench_local(|| claims(&Stream::of(&bundle), &index, &Told::default()).unwrap().len());
}

#[divan::bench(sample_count = 10)]
fn scan_embedded(bencher: Bencher<'_, '_>) {
    let index = Index::embedded().unwrap();
    let bundle = bundle();
    bencher.bench_local(|| claims(&Stream::of(&bundle), index, &Told::default()).unwrap().len());
}

#[divan::bench(sample_count = 10)]
fn tokens_alone(bencher: Bencher<'_, '_>) {
    let bundle = bundle();
    bencher.bench_local(|| Stream::of(&bundle).grams.len());
}

#[divan::bench(args = [(700, 6), (5000, 10)], sample_count = 20)]
fn open(bencher: Bencher<'_, '_>, (packages, versions): (usize, usize)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.fingerprints");
    std::fs::write(&path, index(packages, versions)).unwrap();
    bencher.bench_local(|| Index::open(&path).unwrap().len());
}
