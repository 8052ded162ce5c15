//! Makes what `benches/fleet.sh` measures: deployment zips of a company, and advisories.
//!
//! `fleet-corpus functions DIR COUNT` writes COUNT zips of 80 npm packages each out of 5,000, of which 40 % are the same as
//! another one; `fleet-corpus night DIR COUNT` changes 1 % of them; `fleet-corpus advisories DIR COUNT CHANGED` writes COUNT
//! advisories in OSV's bucket layout, about one in twenty of those packages, CHANGED of them with another text.
#![allow(clippy::unwrap_used)]

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const COMPONENTS: u64 = 80;
const DISTINCT: u64 = 5_000;

/// Numbers that look random and are the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Two thirds of the packages have two versions in use.
fn package(n: u64) -> (String, String) {
    let name = n * 2 / 3;
    (format!("fleet-package-{name:04}"), format!("1.{}.{}", n % 7, n % 3))
}

fn write_zip(path: &Path, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut chosen: Vec<u64> = (0..COMPONENTS).map(|_| numbers.next() % DISTINCT).collect();
    // One version of a name: a flat tree.
    chosen.sort_by_key(|n| package(*n).0);
    chosen.dedup_by_key(|n| package(*n).0);
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("index.js", options).unwrap();
    writeln!(zip, "exports.handler = async () => {seed};").unwrap();
    let mut text = String::new();
    for (i, n) in chosen.iter().enumerate() {
        let (name, version) = package(*n);
        text.clear();
        let of = |k: usize| package(chosen[(i * 7 + k) % chosen.len()]).0;
        let (a, b) = (of(3), of(11));
        write!(
            text,
            r#"{{"name":"{name}","version":"{version}","license":"MIT","dependencies":{{"{a}":"^1.0.0","{b}":"^1.0.0"}}}}"#
        )
        .unwrap();
        zip.start_file(format!("node_modules/{name}/package.json"), options)
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        zip.start_file(format!("node_modules/{name}/index.js"), options)
            .unwrap();
        zip.write_all(b"module.exports = {};\n").unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
}

fn path(dir: &Path, n: u64) -> std::path::PathBuf {
    dir.join(format!("team-{:02}/function-{n:06}.zip", n % 50))
}

fn functions(dir: &Path, count: u64) {
    for team in 0..50 {
        fs::create_dir_all(dir.join(format!("team-{team:02}"))).unwrap();
    }
    let own = count * 6 / 10;
    for n in 0..count {
        if n < own {
            write_zip(&path(dir, n), n);
        } else {
            fs::copy(path(dir, (n * 31) % own), path(dir, n)).unwrap();
        }
    }
}

fn night(dir: &Path, count: u64) {
    for n in (0..count).step_by(100) {
        write_zip(&path(dir, n), 1_000_000_000 + n);
    }
}

fn advisories(dir: &Path, count: u64, changed: u64) {
    fs::create_dir_all(dir.join("npm")).unwrap();
    let mut zip = ZipWriter::new(BufWriter::new(File::create(dir.join("npm/all.zip")).unwrap()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for n in 0..count {
        let name = match n {
            // One in twenty of the names that are in use; each of them has one flaw.
            0..167 => format!("fleet-package-{:04}", n * 20),
            _ => format!("other-package-{n}"),
        };
        let (day, word) = if n % (count / changed.max(1)).max(1) == 0 && changed > 0 {
            ("2026-11-02", "worse")
        } else {
            ("2026-11-01", "bad")
        };
        let record = format!(
            r#"{{"id":"GHSA-{n:04}-flee-tttt","modified":"{day}T00:00:00Z","published":"2026-01-01T00:00:00Z","summary":"something {word} in {name}","aliases":["CVE-2026-{n}"],"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}}],"affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.6.9"}}]}}]}}]}}"#
        );
        zip.start_file(format!("GHSA-{n:04}-flee-tttt.json"), options).unwrap();
        zip.write_all(record.as_bytes()).unwrap();
    }
    zip.finish().unwrap().flush().unwrap();
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let number = |i: usize| args.get(i).and_then(|n| n.parse().ok()).unwrap_or(0);
    let dir = args.get(1).map(Path::new);
    match (args.first().map(String::as_str), dir) {
        (Some("functions"), Some(dir)) => functions(dir, number(2)),
        (Some("night"), Some(dir)) => night(dir, number(2)),
        (Some("advisories"), Some(dir)) => advisories(dir, number(2), number(3)),
        _ => panic!("expected functions, night or advisories, a folder and a count"),
    }
}
