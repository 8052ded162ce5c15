//! All checks on a thousand components, with the popular names that this copy carries: components that are popular, which is
//! what artifacts hold, and components that are not, which costs the most.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use plimsoll::{
    advisory::Matches,
    check::{self, Context, Settings},
    ecosystem::NPM,
    inventory::Inventory,
    model::{Component, Evidence, Location, Proof},
    names::Popular,
};
use std::{
    hint::black_box,
    time::{Instant, SystemTime},
};

fn inventory(names: impl Iterator<Item = String>) -> Inventory {
    let component = |name: String| Component {
        coordinate: NPM.coordinate(&name, Some("1.0.0")),
        evidence: vec![Evidence {
            detector: "npm-installed",
            location: Location::new([].into(), &format!("node_modules/{name}/package.json")),
            proof: Proof::Installed,
            confidence: 1.0,
            facts: Vec::new(),
        }],
        requires: Vec::new(),
    };
    Inventory::merge(names.map(component).collect()).0
}

fn main() {
    let settings = Settings::default();
    let popular = Popular::default();
    let start = Instant::now();
    let names = popular.of(NPM.id);
    println!("{} names read in {:?}", names.len(), start.elapsed());
    let start = Instant::now();
    black_box(names.likenesses("a-name-that-nobody-has"));
    println!("keys made in {:?}", start.elapsed());
    let known = inventory(names.iter().step_by(45).take(1000).map(str::to_owned));
    let unknown = inventory(
        names
            .iter()
            .step_by(45)
            .take(1000)
            .map(|name| format!("{}ern", name.trim_end_matches('e'))),
    );
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
