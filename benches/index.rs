//! The advisory index at the sizes of OSV: building, opening, looking up, changing, and how each grows. Records are generated in
//! the shapes that OSV publishes: five sixths are malicious npm packages of one version.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use plimsoll::{
    advisory::{
        Affected, Event, Package, Range, RangeType, Record, SeverityVector,
        index::{self, Index, Query, Source},
    },
    ecosystem::{self, Ecosystem, NPM},
};
use std::{
    collections::HashSet,
    env, fs,
    hint::black_box,
    path::Path,
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

fn sources() -> Vec<Source> {
    let source = |e: &&Ecosystem| Source {
        ecosystem: e.osv.to_owned(),
        from: "generated".to_owned(),
        ..Source::default()
    };
    ecosystem::ALL.iter().map(source).collect()
}

/// A plain generator: the same records every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below
    }

    fn name(&mut self) -> String {
        const PARTS: [&str; 24] = [
            "react", "util", "core", "lib", "node", "js", "api", "web", "test", "config", "server", "client", "cli",
            "data", "plugin", "auth", "log", "ui", "cloud", "cache", "http", "parse", "json", "kit",
        ];
        let parts: Vec<&str> = (0..2 + self.next(2)).map(|_| PARTS[self.next(24)]).collect();
        format!("{}-{}", parts.join("-"), self.next(40_000))
    }

    fn version(&mut self) -> String {
        format!("{}.{}.{}", self.next(9), self.next(30), self.next(20))
    }
}

fn generate(count: usize) -> Vec<Record> {
    let mut n = Numbers(7);
    (0..count)
        .map(|i| {
            let malicious = i % 6 != 0;
            let ecosystem = if malicious || i % 4 == 0 {
                "npm"
            } else {
                ["PyPI", "crates.io"][i % 2]
            };
            let name = n.name();
            let package = Package {
                ecosystem: ecosystem.to_owned(),
                name: name.clone(),
            };
            let modified = format!(
                "2025-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                1 + i % 12,
                1 + i % 28,
                i % 24,
                i % 60,
                i % 59
            );
            if malicious {
                return Record {
                    id: format!("MAL-2025-{i}"),
                    modified,
                    summary: format!("Malicious code in {name} (npm)"),
                    affected: vec![Affected {
                        package: Some(package),
                        versions: vec![n.version()],
                        ..Affected::default()
                    }],
                    ..Record::default()
                };
            }
            let versions = (0..n.next(40)).map(|_| n.version()).collect();
            Record {
                id: format!("GHSA-{:04x}-{:04x}-{i:06x}", n.next(0xffff), n.next(0xffff)),
                modified,
                aliases: vec![format!("CVE-2025-{i}")],
                summary: format!("{name} lets a crafted request read files outside of the folder that it serves"),
                severity: vec![SeverityVector {
                    kind: "CVSS_V3".to_owned(),
                    score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N".to_owned(),
                }],
                affected: vec![Affected {
                    package: Some(package),
                    ranges: vec![Range {
                        kind: RangeType::Ecosystem,
                        events: vec![Event::Introduced("0".to_owned()), Event::Fixed(n.version())],
                    }],
                    versions,
                    ..Affected::default()
                }],
                ..Record::default()
            }
        })
        .collect()
}

/// The processor's time of this thread, which other work on the machine does not change; where the system does not tell, time.
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Peak resident memory of this process in MB, where the system says it.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<u64>().unwrap_or(0) / 1024
}

const ROUNDS: u32 = 20;

/// Looks up what `asked` names, in each round on a fresh index, whose blocks are all yet to be verified. Twenty, for the clock of
/// the processor ticks every few milliseconds.
fn look_up(folder: &Path) {
    let asked = fs::read_to_string(folder.join("asked")).unwrap();
    let asked: Vec<_> = asked.lines().filter_map(|line| line.split_once(' ')).collect();
    let code = index::code("npm").unwrap();
    let mut found = 0;
    let start = now();
    for _ in 0..ROUNDS {
        let index = Index::open(&folder.join("index")).unwrap();
        found = 0;
        for (name, version) in &asked {
            found += index.affecting(code, name, &Query::new(version, &NPM)).unwrap().len();
        }
    }
    let looked = now().saturating_sub(start) / ROUNDS;
    print!("{:.2} ms ({found} hits)", looked.as_secs_f64() * 1e3);
}

fn main() {
    // What `cargo bench` gives itself begins with a dash.
    if let Some(folder) = env::args().nth(1).filter(|folder| !folder.starts_with('-')) {
        return look_up(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    println!(
        "records   build     peak    file     open       10,000 look-ups (half of them hit)   increment of 1,000   changes"
    );
    for count in [30_000, 100_000, 300_000] {
        let records = generate(count);
        let asked: Vec<(String, String)> = {
            let mut n = Numbers(99);
            // An odd step: every sixth record is no malicious package.
            let hits = records.iter().step_by((count / 5000) | 1).take(5000).map(|record| {
                let affected = &record.affected[0];
                let version = affected.versions.first().cloned().unwrap_or_else(|| "1.0.0".to_owned());
                (affected.package.clone().unwrap().name, version)
            });
            let mut asked: Vec<_> = hits.collect();
            asked.extend((0..5000).map(|_| (format!("{}-x", n.name()), n.version())));
            asked
        };
        let mut changed: Vec<Record> = records.iter().step_by(count / 1000).take(1000).cloned().collect();
        for record in &mut changed {
            "2026-01-01T00:00:00Z".clone_into(&mut record.modified);
            record.summary.push_str(", and more");
        }
        let start = now();
        let bytes = index::build(records, sources());
        let built = now().saturating_sub(start);
        let path = folder.path().join("index");
        fs::write(&path, &bytes).unwrap();

        let mut opened: Vec<_> = (0..21)
            .map(|_| {
                let start = Instant::now();
                black_box(Index::open(&path).unwrap());
                start.elapsed()
            })
            .collect();
        opened.sort();
        let peak = peak();
        let size = bytes.len();
        drop(bytes);
        let asked: Vec<String> = asked
            .iter()
            .map(|(name, version)| format!("{name} {version}\n"))
            .collect();
        fs::write(folder.path().join("asked"), asked.concat()).unwrap();
        // In a process of its own, as a scan is: this one's heap is in pieces after 300,000 records.
        let looked = Command::new(env::current_exe().unwrap())
            .arg(folder.path())
            .output()
            .unwrap();
        let looked = String::from_utf8(looked.stdout).unwrap();

        // As an update does it: the file is opened, what has changed is new, the rest is copied, all is written.
        let ids: HashSet<String> = changed.iter().map(|r| r.id.clone()).collect();
        let start = now();
        let index = Index::open(&path).unwrap();
        let renewed = index::renew(&index, &mut |r| !ids.contains(&r.id), changed, sources()).unwrap();
        fs::write(folder.path().join("next"), &renewed).unwrap();
        let increment = now().saturating_sub(start);
        let start = now();
        let differing = index::changes(&index, &Index::from_bytes(renewed).unwrap())
            .unwrap()
            .len();
        let compared = now().saturating_sub(start);
        println!(
            "{count:>7}   {:.2} s   {peak} MB   {:.1} MB   {:.3} ms   {looked}   {:.2} s   {:.2} s ({differing})",
            built.as_secs_f64(),
            size as f64 / 1e6,
            opened[10].as_secs_f64() * 1e3,
            increment.as_secs_f64(),
            compared.as_secs_f64(),
        );
    }
}
