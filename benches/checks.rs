//! All checks on a thousand components of every ecosystem, with all popular names that this copy carries: components that are
//! popular, which is what artifacts hold, and components that are not, which costs the most.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use plimsoll::{
    advisory::Matches,
    check::{self, Context, Settings},
    ecosystem::{self, Ecosystem},
    inventory::Inventory,
    model::{Component, Evidence, Location, Proof},
    names::Popular,
};
use std::{
    hint::black_box,
    time::{Instant, SystemTime},
};

fn component(ecosystem: &Ecosystem, name: &str) -> Component {
    Component {
        coordinate: ecosystem.coordinate(name, Some("1.0.0")),
        evidence: vec![Evidence {
            detector: "sbom",
            location: Location::new([].into(), name),
            proof: Proof::Installed,
            confidence: 1.0,
            facts: Vec::new(),
        }],
        requires: Vec::new(),
    }
}

/// A thousand components whose names are `like` popular ones, as many of each ecosystem as it has of all names.
fn inventory(popular: &Popular, total: usize, like: impl Fn(&str) -> String) -> Inventory {
    let of = |ecosystem: &'static Ecosystem| {
        let names = popular.of(ecosystem.id).iter().step_by(total / 1000);
        names.map(|name| component(ecosystem, &like(name))).collect::<Vec<_>>()
    };
    Inventory::merge(ecosystem::ALL.iter().copied().flat_map(of).take(1000).collect()).0
}

fn main() {
    let settings = Settings::default();
    let popular = Popular::default();
    let start = Instant::now();
    let total: usize = ecosystem::ALL
        .iter()
        .map(|ecosystem| popular.of(ecosystem.id).len())
        .sum();
    println!("{total} names read in {:?}", start.elapsed());
    let start = Instant::now();
    for ecosystem in ecosystem::ALL {
        black_box(popular.of(ecosystem.id).likenesses("a-name-that-nobody-has"));
    }
    println!("keys made in {:?}", start.elapsed());
    let known = inventory(&popular, total, str::to_owned);
    let unknown = inventory(&popular, total, |name| format!("{}ern", name.trim_end_matches('e')));
    let matches = Matches::default();
    for (what, inventory) in [("popular", &known), ("unpopular", &unknown)] {
        let cx = Context {
            inventory,
            matches: &matches,
            anomalies: &[],
            observations: &[],
            settings: &settings,
            runtimes: &[],
            symbols: &[],
            now: SystemTime::UNIX_EPOCH,
        };
        let mut times: Vec<_> = (0..15)
            .map(|_| {
                let start = Instant::now();
                let mut findings = Vec::new();
                for check in check::ALL {
                    check.run(cx, &mut findings);
                }
                check::corroborate(&mut findings);
                (start.elapsed(), black_box(findings).len())
            })
            .collect();
        times.sort();
        let (time, findings) = times[times.len() / 2];
        println!(
            "{} {what} components: {time:?} (median of {}), {findings} findings",
            inventory.len(),
            times.len()
        );
    }
}
