//! What the page shows, gathered from the store in one pass over each table.

use crate::{
    ecosystem::{self, Ecosystem},
    fleet::store::{CoordinateRow, FlawRow, FunctionRow, Store, StoreError},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::{Duration, SystemTime},
};

type Result<T> = std::result::Result<T, StoreError>;

/// What is counted: errors by severity, then warnings and notes.
pub const KINDS: [&str; 6] = ["critical", "high", "medium", "low", "unrated", "warning"];
/// How much one of each weighs where it is asked what to start with.
const WEIGHTS: [u64; 6] = [1000, 100, 10, 1, 10, 0];
/// What attackers are known to use comes before anything of its kind.
const EXPLOITED: u64 = 10;
/// Nights of the trend.
const NIGHTS: usize = 120;
/// A function that nobody deployed for so long is stale.
const STALE: Duration = Duration::from_hours(365 * 24);

/// Findings that were open after a night.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Night {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// By [`KINDS`].
    pub open: [u64; 6],
    /// Lives that began, errors alone.
    pub new: u64,
    /// Lives that ended, errors alone.
    pub fixed: u64,
}

/// A function, and what it ships.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its row.
    pub row: FunctionRow,
    /// Open findings by [`KINDS`].
    pub open: [u64; 6],
    /// Which, as places in [`Overview::flaws`].
    pub flaws: Vec<usize>,
    /// What is known to be exploited among them.
    pub exploited: u64,
    /// Not deployed for a year.
    pub stale: bool,
}

/// A component as the functions have it.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// Name and version.
    pub row: CoordinateRow,
    /// Functions that ship it.
    pub functions: u64,
    /// Flaws of it that are open in any of them, by [`KINDS`].
    pub flaws: [u64; 6],
}

/// What could not be seen in an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unseen {
    /// `blind` or `partial`.
    pub kind: String,
    /// Where.
    pub location: String,
    /// Why.
    pub reason: String,
}

/// An upgrade, wherever it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Our id of the ecosystem.
    pub ecosystem: String,
    /// The package.
    pub name: String,
    /// Versions that are shipped, the least first.
    pub from: Vec<String>,
    /// The least version with every fix that there is for them.
    pub to: String,
    /// Functions that ship one of them.
    pub functions: u64,
    /// Findings that it clears, by [`KINDS`].
    pub clears: [u64; 6],
    weight: u64,
}

/// The page's content.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// The oldest first.
    pub nights: Vec<Night>,
    /// Those that are there now.
    pub functions: Vec<Shown>,
    /// Components that any of them ships, by the store's number.
    pub components: BTreeMap<i64, Shipped>,
    /// What each artifact that is shipped has: the components' numbers, rising.
    pub contents: BTreeMap<i64, Vec<i64>>,
    /// What could not be seen in it.
    pub gaps: BTreeMap<i64, Vec<Unseen>>,
    /// What is open anywhere.
    pub flaws: Vec<FlawRow>,
    /// The place in [`KINDS`] of each of them; where functions differ (by how well a component is proven), the worst.
    pub kinds: Vec<usize>,
    /// What comes first.
    pub upgrades: Vec<Upgrade>,
    /// Sources that could not be listed in the last sync: name and reason.
    pub failures: Vec<(String, String)>,
    /// When the last sync and the last audit that came to their end began.
    pub synced: Option<String>,
    /// See above.
    pub audited: Option<String>,
}

impl Overview {
    /// Open findings by [`KINDS`].
    #[must_use]
    pub fn open(&self) -> [u64; 6] {
        let mut all = [0; 6];
        for function in &self.functions {
            add(&mut all, function.open);
        }
        all
    }

    /// The artifacts of which anything is known, rising.
    pub(super) fn contents_and_gaps(&self) -> impl Iterator<Item = i64> {
        let all: BTreeSet<i64> = self.contents.keys().chain(self.gaps.keys()).copied().collect();
        all.into_iter()
    }

    /// Functions that something of level error is wrong with.
    #[must_use]
    pub fn affected(&self) -> usize {
        self.functions
            .iter()
            .filter(|f| f.open[..5].iter().any(|n| *n > 0))
            .count()
    }

    /// The functions to start with, the worst first.
    #[must_use]
    pub fn worst(&self) -> Vec<&Shown> {
        let weight = |f: &Shown| weigh(f.open) + f.exploited * EXPLOITED * WEIGHTS[0];
        let mut worst: Vec<&Shown> = self.functions.iter().filter(|f| weight(f) > 0).collect();
        worst.sort_by(|a, b| {
            weight(b)
                .cmp(&weight(a))
                .then_with(|| a.row.function.name.cmp(&b.row.function.name))
        });
        worst
    }
}

fn add(all: &mut [u64; 6], more: [u64; 6]) {
    for (all, more) in all.iter_mut().zip(more) {
        *all += more;
    }
}

fn weigh(open: [u64; 6]) -> u64 {
    open.iter().zip(WEIGHTS).map(|(n, weight)| n * weight).sum()
}

/// The place of a finding in [`KINDS`].
fn kind(level: &str, severity: Option<&str>) -> usize {
    if level != "error" {
        return 5;
    }
    KINDS.iter().position(|kind| Some(*kind) == severity).unwrap_or(4)
}

/// Reads the store.
///
/// # Errors
/// When it cannot be read.
pub fn gather(store: &mut Store, now: SystemTime) -> Result<Overview> {
    let mut overview = Overview::default();
    let runs = store.runs()?;
    let last = |kind: &str| runs.iter().rfind(|run| run.kind == kind && run.state == "done");
    overview.synced = last("sync").map(|run| run.started.clone());
    overview.audited = last("audit").map(|run| run.started.clone());
    let last_sync = runs.iter().rfind(|run| run.kind == "sync").map(|run| run.id);
    store.failures(&mut |row| {
        if Some(row.run) == last_sync && row.name.is_empty() {
            overview.failures.push((row.source, row.message));
        }
        Ok(())
    })?;
    let mut of_artifact: HashMap<i64, u64> = HashMap::new();
    let mut places = HashMap::new();
    let edge = now.checked_sub(STALE).unwrap_or(SystemTime::UNIX_EPOCH);
    let edge: String = humantime::format_rfc3339_seconds(edge)
        .to_string()
        .chars()
        .take(10)
        .collect();
    store.functions(&mut |row| {
        if row.gone_run.is_none() {
            if let Some(artifact) = row.artifact {
                *of_artifact.entry(artifact).or_default() += 1;
            }
            // Every source writes dates so that their text is in their order.
            let stale = row.function.last_modified.as_deref().is_some_and(|date| date < &*edge);
            places.insert(row.id, overview.functions.len());
            overview.functions.push(Shown {
                row,
                open: [0; 6],
                flaws: Vec::new(),
                exploited: 0,
                stale,
            });
        }
        Ok(())
    })?;
    components(store, &of_artifact, &mut overview)?;
    store.gaps(&mut |row| {
        if of_artifact.contains_key(&row.artifact) {
            overview.gaps.entry(row.artifact).or_default().push(Unseen {
                kind: row.kind,
                location: row.location,
                reason: row.reason,
            });
        }
        Ok(())
    })?;
    let doubts = &mut overview.gaps;
    store.doubts(&mut |row| {
        if of_artifact.contains_key(&row.artifact) {
            doubts.entry(row.artifact).or_default().push(Unseen {
                kind: "partial".to_owned(),
                location: row.location,
                reason: row.reason,
            });
        }
        Ok(())
    })?;
    let audits: Vec<(i64, &str)> = runs
        .iter()
        .filter(|run| run.kind == "audit" && run.state == "done")
        .map(|run| (run.id, run.started.get(..10).unwrap_or(&run.started)))
        .collect();
    findings(store, &audits, &places, &mut overview)?;
    Ok(overview)
}

fn components(store: &mut Store, of_artifact: &HashMap<i64, u64>, overview: &mut Overview) -> Result<()> {
    let mut counts: HashMap<i64, u64> = HashMap::new();
    store.components(&mut |row| {
        if let Some(functions) = of_artifact.get(&row.artifact) {
            *counts.entry(row.coordinate).or_default() += functions;
            overview.contents.entry(row.artifact).or_default().push(row.coordinate);
        }
        Ok(())
    })?;
    store.coordinates(&mut |row| {
        if let Some(functions) = counts.get(&row.id) {
            let shipped = Shipped {
                functions: *functions,
                flaws: [0; 6],
                row,
            };
            overview.components.insert(shipped.row.id, shipped);
        }
        Ok(())
    })
}

fn findings(
    store: &mut Store,
    audits: &[(i64, &str)],
    places: &HashMap<i64, usize>,
    overview: &mut Overview,
) -> Result<()> {
    let mut flaws = HashMap::new();
    store.flaws(&mut |row| {
        flaws.insert(row.id, row);
        Ok(())
    })?;
    // By the number of the audit: lives that began there, and that ended.
    let mut changes: BTreeMap<i64, ([u64; 6], [u64; 6])> = BTreeMap::new();
    let mut shown: HashMap<i64, usize> = HashMap::new();
    let mut due = Due::default();
    store.findings(&mut |row| {
        let kind = kind(row.level, row.severity);
        changes.entry(row.first_run).or_default().0[kind] += 1;
        if let Some(run) = row.fixed_run {
            changes.entry(run).or_default().1[kind] += 1;
            return Ok(());
        }
        let (Some(place), Some(flaw)) = (places.get(&row.function), flaws.get(&row.flaw)) else {
            return Ok(());
        };
        let flaw_place = *shown.entry(row.flaw).or_insert_with(|| {
            if let Some(component) = overview.components.get_mut(&flaw.coordinate) {
                component.flaws[kind] += 1;
            }
            overview.flaws.push(flaw.clone());
            overview.kinds.push(kind);
            overview.flaws.len() - 1
        });
        let worst = &mut overview.kinds[flaw_place];
        *worst = kind.min(*worst);
        let function = &mut overview.functions[*place];
        function.open[kind] += 1;
        function.flaws.push(flaw_place);
        function.exploited += u64::from(flaw.exploited.is_some() && kind < 5);
        if kind < 5 && flaw.coordinate != 0 {
            due.add(flaw, row.function, kind);
        }
        Ok(())
    })?;
    overview.nights = nights(audits, &changes);
    overview.upgrades = due.upgrades(&overview.components, &flaws);
    Ok(())
}

/// The last audit of each day; what began or ended in an audit that did not come to its end counts for the next one.
fn nights(audits: &[(i64, &str)], changes: &BTreeMap<i64, ([u64; 6], [u64; 6])>) -> Vec<Night> {
    let mut nights: Vec<Night> = Vec::new();
    let mut open = [0_u64; 6];
    let mut left = changes.iter().peekable();
    for (audit, date) in audits {
        let (mut new, mut fixed) = (0, 0);
        while let Some((_, (began, ended))) = left.next_if(|(run, _)| *run <= audit) {
            for (i, open) in open.iter_mut().enumerate() {
                *open = (*open + began[i]).saturating_sub(ended[i]);
            }
            new += began[..5].iter().sum::<u64>();
            fixed += ended[..5].iter().sum::<u64>();
        }
        match nights.last_mut() {
            Some(night) if night.date == *date => {
                night.open = open;
                night.new += new;
                night.fixed += fixed;
            }
            _ => nights.push(Night {
                date: (*date).to_owned(),
                open,
                new,
                fixed,
            }),
        }
    }
    nights.split_off(nights.len().saturating_sub(NIGHTS))
}

/// Which upgrades are due: of every component, its flaws, and the functions that have them.
#[derive(Default)]
struct Due(HashMap<i64, Flaws>);

#[derive(Default)]
struct Flaws {
    functions: HashSet<i64>,
    /// Findings of each by kind.
    counts: BTreeMap<i64, [u64; 6]>,
    weight: u64,
}

impl Due {
    fn add(&mut self, flaw: &FlawRow, function: i64, kind: usize) {
        let of = self.0.entry(flaw.coordinate).or_default();
        of.functions.insert(function);
        of.counts.entry(flaw.id).or_default()[kind] += 1;
        of.weight += WEIGHTS[kind] * if flaw.exploited.is_some() { EXPLOITED } else { 1 };
    }

    /// One upgrade for all versions of a package that end at the same one; the weightiest first.
    fn upgrades(self, components: &BTreeMap<i64, Shipped>, flaws: &HashMap<i64, FlawRow>) -> Vec<Upgrade> {
        let mut upgrades: BTreeMap<(String, String, String), (Upgrade, HashSet<i64>)> = BTreeMap::new();
        for (coordinate, due) in self.0 {
            let Some(component) = components.get(&coordinate) else {
                continue;
            };
            let row = &component.row;
            let (Some(ecosystem), Some(from)) = (ecosystem_of(&row.ecosystem), &row.version) else {
                continue;
            };
            let mended = due.counts.iter().filter_map(|(id, counts)| {
                let fix = least_above(ecosystem, from, &flaws.get(id)?.fixed_in)?;
                Some((fix, counts))
            });
            let mended: Vec<(&str, &[u64; 6])> = mended.collect();
            let Some(to) = mended
                .iter()
                .map(|(fix, _)| *fix)
                .max_by(|a, b| (ecosystem.compare)(a, b))
            else {
                continue;
            };
            let key = (row.ecosystem.clone(), row.name.clone(), to.to_owned());
            let (upgrade, functions) = upgrades.entry(key).or_insert_with(|| {
                let upgrade = Upgrade {
                    ecosystem: row.ecosystem.clone(),
                    name: row.name.clone(),
                    from: Vec::new(),
                    to: to.to_owned(),
                    functions: 0,
                    clears: [0; 6],
                    weight: 0,
                };
                (upgrade, HashSet::new())
            });
            upgrade.from.push(from.clone());
            upgrade.weight += due.weight;
            for (_, counts) in mended {
                add(&mut upgrade.clears, *counts);
            }
            functions.extend(due.functions);
        }
        let mut sorted: Vec<Upgrade> = upgrades
            .into_values()
            .map(|(mut upgrade, functions)| {
                if let Some(ecosystem) = ecosystem_of(&upgrade.ecosystem) {
                    upgrade.from.sort_by(|a, b| (ecosystem.compare)(a, b));
                }
                upgrade.functions = functions.len() as u64;
                upgrade
            })
            .collect();
        sorted.sort_by(|a, b| {
            b.weight
                .cmp(&a.weight)
                .then_with(|| (&a.name, &a.to).cmp(&(&b.name, &b.to)))
        });
        sorted
    }
}

fn ecosystem_of(id: &str) -> Option<&'static Ecosystem> {
    ecosystem::ALL.iter().copied().find(|e| e.id.0 == id)
}

/// The least fix above a version: a record names the fix of every branch that its package keeps up.
fn least_above<'f>(ecosystem: &Ecosystem, version: &str, fixes: &'f [String]) -> Option<&'f str> {
    let above = fixes.iter().filter(|fix| (ecosystem.compare)(fix, version).is_gt());
    above.min_by(|a, b| (ecosystem.compare)(a, b)).map(String::as_str)
}

/// Every distinct gap, and the number of functions that have it; the most first.
pub(super) fn gaps(overview: &Overview) -> Vec<(&Unseen, u64)> {
    let mut functions: HashMap<i64, u64> = HashMap::new();
    for artifact in overview.functions.iter().filter_map(|f| f.row.artifact) {
        *functions.entry(artifact).or_default() += 1;
    }
    let mut counts: HashMap<&Unseen, u64> = HashMap::new();
    for (artifact, gaps) in &overview.gaps {
        for gap in gaps.iter().collect::<BTreeSet<_>>() {
            *counts.entry(gap).or_default() += functions.get(artifact).copied().unwrap_or(0);
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| (&a.0.kind, b.1, a.0).cmp(&(&b.0.kind, a.1, b.0)));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::NPM;

    #[test]
    fn the_fix_of_ones_own_branch() {
        let fixes = ["1.2.6".to_owned(), "0.2.4".to_owned()];
        assert_eq!(least_above(&NPM, "0.2.1", &fixes), Some("0.2.4"));
        assert_eq!(least_above(&NPM, "1.0.0", &fixes), Some("1.2.6"));
        assert_eq!(least_above(&NPM, "1.2.6", &fixes), None);
    }

    #[test]
    fn findings_by_night() {
        let mut changes = BTreeMap::new();
        changes.insert(2, ([1, 2, 0, 0, 0, 4], [0; 6]));
        changes.insert(4, ([1, 0, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]));
        // Nobody ended this one.
        changes.insert(5, ([1, 0, 0, 0, 0, 0], [0; 6]));
        let nights = nights(&[(2, "2026-01-01"), (4, "2026-01-02"), (6, "2026-01-02")], &changes);
        let seen: Vec<_> = nights.iter().map(|n| (&*n.date, n.open, n.new, n.fixed)).collect();
        assert_eq!(
            seen,
            [
                ("2026-01-01", [1, 2, 0, 0, 0, 4], 3, 0),
                ("2026-01-02", [3, 0, 0, 0, 0, 4], 2, 2)
            ]
        );
    }
}
