//! How well look-alikes are told from honest names, on labelled names.
//!
//! `cargo run --release --example typosquat-score [FOLDER]`: FOLDER holds `squats.tsv` (ecosystem, name, target, label),
//! `benign_near.tsv` and `tail.tsv` (ecosystem, name); the project's own small set unless given, and its honest names where
//! FOLDER has none. Prints recall over labelled squats, the mean of the targets' means, beside the rate of false positives, at
//! each level; the same for each half of the targets, of which the rules were developed on the first; and what each kind of
//! likeness adds. Ends with 1 where a bar is not met. `--list LEVEL` names the false positives, and what was missed in the first
//! half.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss)]

use plimsoll::{
    check,
    ecosystem::{self, Ecosystem},
    model::Level,
    names::{How, Likeness, Popular},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The project's own names.
const OWN: &str = "fixtures/typosquat";

const LEVELS: [Level; 3] = [Level::Error, Level::Warning, Level::Note];

type Found<'p> = Option<(Level, Likeness<'p>)>;

/// One labelled name, judged.
struct Judged<'p> {
    ecosystem: &'static Ecosystem,
    name: String,
    target: String,
    found: Found<'p>,
}

fn read<'p>(file: &Path, popular: &'p Popular, labelled: bool) -> Vec<Judged<'p>> {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let rows = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| !labelled || row.get(3) == Some(&"labelled"))
        .filter_map(|row| {
            let ecosystem = ecosystem::ALL.iter().copied().find(|e| e.id.0 == row[0])?;
            let name = (ecosystem.normalise)(row[1]).into_owned();
            let found = check::looks_like(ecosystem.id, &name, popular);
            let target = row.get(2).map(|t| (*t).to_owned()).unwrap_or_default();
            Some(Judged {
                ecosystem,
                name,
                target,
                found,
            })
        })
        .collect()
}

/// Which half a target is in: the rules were developed on the first.
fn first_half(j: &Judged<'_>) -> bool {
    Sha256::digest(format!("{} {}", j.ecosystem.id.0, j.target))[0].is_multiple_of(2)
}

fn at(found: &Found<'_>, level: Level) -> bool {
    found.is_some_and(|(is, _)| is >= level)
}

/// The mean of the targets' means, and how many targets there are.
fn recall<'j>(squats: impl Iterator<Item = &'j Judged<'j>>, level: Level) -> (f64, usize) {
    let mut targets: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for squat in squats {
        targets.entry(&squat.target).or_default().push(at(&squat.found, level));
    }
    let mean = |hits: &Vec<bool>| hits.iter().filter(|h| **h).count() as f64 / hits.len() as f64;
    (
        targets.values().map(mean).sum::<f64>() / targets.len().max(1) as f64,
        targets.len(),
    )
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut list) = (PathBuf::from(OWN), None);
    while let Some(argument) = arguments.next() {
        if argument == "--list" {
            let word = arguments.next().unwrap_or_default();
            list = LEVELS.into_iter().find(|level| level.as_str() == word);
        } else {
            folder = argument.into();
        }
    }
    let popular = Popular::default();
    let squats = read(&folder.join("squats.tsv"), &popular, true);
    let honest = |name: &str| {
        let given = folder.join(name);
        let file = if given.exists() {
            given
        } else {
            Path::new(OWN).join(name)
        };
        read(&file, &popular, false)
    };
    let (near, tail) = (honest("benign_near.tsv"), honest("tail.tsv"));
    println!(
        "{:<10} {:<8} {:>8} {:>14} {:>14} {:>16} {:>12}",
        "ecosystem", "level", "recall", "first half", "second half", "tail", "benign near"
    );
    let mut met = true;
    for ecosystem in ecosystem::ALL {
        let own = |j: &&Judged<'_>| j.ecosystem.id == ecosystem.id;
        for level in LEVELS {
            let (all, n) = recall(squats.iter().filter(own), level);
            let (first, n1) = recall(squats.iter().filter(own).filter(|j| first_half(j)), level);
            let (second, n2) = recall(squats.iter().filter(own).filter(|j| !first_half(j)), level);
            let count = |set: &[Judged<'_>]| set.iter().filter(own).filter(|j| at(&j.found, level)).count();
            let (wrong, of) = (count(&tail), tail.iter().filter(own).count());
            let rate = wrong as f64 / of.max(1) as f64;
            println!(
                "{:<10} {:<8} {all:>4.2} /{n:>3} {first:>8.2} /{n1:>3} {second:>9.2} /{n2:>3} {wrong:>5} ({:>5.2} %) {:>12}",
                ecosystem.id.0,
                level.as_str(),
                rate * 100.0,
                count(&near)
            );
            met &= match level {
                Level::Error => rate <= 0.001,
                Level::Warning => rate <= 0.005 && count(&near) == 0,
                Level::Note => true,
            };
            let floor = match ecosystem.id.0 {
                "npm" => 0.45,
                "pypi" => 0.60,
                _ => 0.0,
            };
            met &= level != Level::Warning || all >= floor;
        }
    }
    kinds(&squats, &tail);
    if let Some(level) = list {
        for (what, set) in [("tail", &tail), ("near", &near)] {
            for j in set.iter().filter(|j| at(&j.found, level)) {
                show(what, j);
            }
        }
        for j in squats.iter().filter(|j| first_half(j) && !at(&j.found, level)) {
            show("missed", j);
        }
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(what: &str, j: &Judged<'_>) {
    let found = j
        .found
        .map(|(level, l)| format!("{} {} {} {:?}", level.as_str(), l.target, l.rank, l.how));
    println!(
        "{what:<7} {:<5} {:<32} {:<24} {}",
        j.ecosystem.id.0,
        j.name,
        j.target,
        found.unwrap_or_default()
    );
}

/// What each kind of likeness finds: the curve from the surest on, first half of the squats beside the tail.
fn kinds(squats: &[Judged<'_>], tail: &[Judged<'_>]) {
    println!(
        "\n{:<10} {:<28} {:>8} {:>8}   per level: error/warning/note",
        "ecosystem", "likeness", "squats", "tail"
    );
    let key = |j: &Judged<'_>| j.found.map(|(_, l)| (j.ecosystem.id.0, l.how));
    let all: BTreeSet<(&str, How)> = squats.iter().chain(tail).filter_map(key).collect();
    for (ecosystem, how) in all {
        let count = |set: &[Judged<'_>], first: bool| {
            let own = |j: &&Judged<'_>| key(j) == Some((ecosystem, how)) && (!first || first_half(j));
            let by = |level| {
                set.iter()
                    .filter(own)
                    .filter(|j| j.found.is_some_and(|(l, _)| l == level))
                    .count()
            };
            LEVELS.map(by)
        };
        let (s, t) = (count(squats, true), count(tail, false));
        println!(
            "{ecosystem:<10} {:<28} {:>8} {:>8}   {}/{}/{} | {}/{}/{}",
            format!("{how:?}"),
            s.iter().sum::<usize>(),
            t.iter().sum::<usize>(),
            s[0],
            s[1],
            s[2],
            t[0],
            t[1],
            t[2]
        );
    }
}
