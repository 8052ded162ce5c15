//! The pipeline, from paths to a report; the only module that knows all the others.
//!
//! bytes → tree of entries → each detector says what it wants → only that is read, in parallel → components and gaps →
//! merged inventory → matches → checks → sorted report.

mod dig;
mod dossier;
mod given;
mod input;
mod open;
mod plan;
mod sbom;
mod source;

#[cfg(feature = "fleet")]
pub(crate) use dossier::interned;
pub use dossier::{Dossier, FORMAT, dossier};
pub use given::Given;
pub use input::{Input, expand};
pub use source::Features;

use crate::{
    advisory::{Database, IndexError, Matches, index::Source, matching},
    archive::{Anomaly, Budget, Gravity, ReadError, Tree},
    check::{self, Context, Settings},
    ecosystem,
    fingerprint::Index,
    inventory::{Bundles, Inventory, resolve_edges, settle_bundles},
    limits::Limits,
    model::{Coordinate, Coverage, EcosystemId, Finding, Gap, GapKind, Level, Location, Severity, Workspace},
    policy::Decisions,
    report::{Artifact, Bar, Failure, Report, Rulings},
};
use dig::{Dig, Seen};
use rayon::prelude::*;
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

/// What a scan is asked to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// What one artifact may cost.
    pub limits: Limits,
    /// What makes exit code 1.
    pub fail_on: Bar,
    /// Whether partial gaps make exit code 3.
    pub require_coverage: bool,
    /// Lock files from outside the artifacts.
    pub given: Given,
    /// Ids of detectors that are not asked.
    pub silent: Vec<&'static str>,
    /// What was decided beforehand.
    pub decisions: Decisions,
    /// What the checks are told.
    pub checks: Settings,
    /// What was asked before and could not be learned.
    pub unasked: Vec<Gap>,
    /// Fingerprints of packages; those of the program unless there are others.
    pub fingerprints: Option<Arc<Index>>,
    /// Sources that binaries in the artifacts are said to be built from.
    pub workspaces: Vec<Workspace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            fail_on: Bar::Any,
            require_coverage: false,
            given: Given::default(),
            silent: Vec::new(),
            decisions: Decisions::default(),
            checks: Settings::default(),
            unasked: Vec::new(),
            fingerprints: None,
            workspaces: Vec::new(),
        }
    }
}

/// Scans every input; one that cannot be read is a failure in the report and never stops the others.
///
/// `done` is called once for each, from any thread. `now` is for the age of the advisories, and for decisions that expire.
pub fn audit(
    inputs: &[Input],
    options: &Options,
    database: &Database,
    now: SystemTime,
    done: &(dyn Fn() + Sync),
) -> Report {
    look(inputs, options, done).judge(options, database, now)
}

/// What is in some artifacts, before advisories are asked: which of them are needed depends on it.
#[derive(Debug)]
pub struct Looked(Vec<Result<Dossier, Failure>>);

/// The first half of [`audit`]: looks into every input.
pub fn look(inputs: &[Input], options: &Options, done: &(dyn Fn() + Sync)) -> Looked {
    let look = |input: &Input| {
        let result = open::artifact(input, options);
        done();
        result.map_err(|message| Failure {
            path: input.name(),
            message,
        })
    };
    Looked(inputs.par_iter().map(look).collect())
}

impl Looked {
    /// Every component of every artifact.
    #[must_use]
    pub fn coordinates(&self) -> BTreeSet<&Coordinate> {
        let dug = self.0.iter().flatten();
        dug.flat_map(|dug| dug.inventory.iter().map(|component| &component.coordinate))
            .collect()
    }

    /// The second half of [`audit`]: asks the advisories.
    #[must_use]
    pub fn judge(self, options: &Options, database: &Database, now: SystemTime) -> Report {
        self.conclude(options, Some(database), now)
    }

    /// An inventory instead of an audit: no advisory is asked and no check is run.
    #[must_use]
    pub fn list(self, options: &Options, now: SystemTime) -> Report {
        self.conclude(options, None, now)
    }

    fn conclude(self, options: &Options, database: Option<&Database>, now: SystemTime) -> Report {
        let held: BTreeSet<EcosystemId> = self.coordinates().iter().map(|c| c.ecosystem).collect();
        let mut gaps = database.map_or_else(Vec::new, |database| shortcomings(&held, database));
        gaps.extend(options.unasked.iter().cloned());
        let judged: Vec<Result<Artifact, Failure>> = self
            .0
            .into_par_iter()
            .map(|dug| {
                let dug = dug?;
                let path = dug.name.clone();
                let matches = database.map(|database| matching(&dug.inventory, database)).transpose();
                let matches = matches.map_err(|e| damaged(database, path, &e))?;
                Ok(judge(dug, matches.as_ref(), &options.checks, now))
            })
            .collect();
        let (mut artifacts, mut failures) = (Vec::new(), Vec::new());
        for result in judged {
            match result {
                Ok(artifact) => artifacts.push(artifact),
                Err(failure) => failures.push(failure),
            }
        }
        if let Some(database) = database {
            for artifact in &mut artifacts {
                plan::signal(artifact, database.signals());
                plan::place(artifact);
            }
        }
        conclude(artifacts, failures, gaps, options, database, now)
    }
}

/// From judged artifacts to a report: what was decided beforehand, what to do first, what the process ends with.
#[must_use]
pub fn conclude(
    mut artifacts: Vec<Artifact>,
    failures: Vec<Failure>,
    gaps: Vec<Gap>,
    options: &Options,
    database: Option<&Database>,
    now: SystemTime,
) -> Report {
    // By now it is known what is asked for by name, and what attackers use.
    artifacts
        .par_iter_mut()
        .for_each(|artifact| artifact.findings.sort_by(by_urgency));
    let mut report = Report {
        advisories: database.map(|d| d.provenance().clone()),
        advisories_age: database.and_then(|d| d.provenance().age_in_days(now)),
        artifacts,
        failures,
        gaps,
        accepted: BTreeMap::new(),
        rulings: Rulings::default(),
        plan: Vec::new(),
        exit_code: 0,
        created: None,
    };
    let decisions = &options.decisions;
    decisions.apply(&mut report, &day(now));
    match database.map_or(Ok(Vec::new()), |database| plan::plan(&report.artifacts, database)) {
        Ok(steps) => report.plan = steps,
        Err(e) => report.failures.push(damaged(database, source(database), &e)),
    }
    report.exit_code = decisions.exit_code(&report, options.fail_on, options.require_coverage);
    report
}

/// What a database cannot say of artifacts that hold packages of these ecosystems.
#[must_use]
pub fn shortcomings(held: &BTreeSet<EcosystemId>, database: &Database) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = embedded_only(database).into_iter().collect();
    gaps.extend(not_covered(held, database));
    gaps.extend(unread(held, database));
    gaps
}

fn damaged(database: Option<&Database>, path: String, e: &IndexError) -> Failure {
    Failure {
        path,
        message: format!("advisories of `{}`: {e}", source(database)),
    }
}

fn source(database: Option<&Database>) -> String {
    database.map(|d| d.provenance().source.clone()).unwrap_or_default()
}

/// Ecosystems that an artifact holds and the database was not made for.
fn not_covered(held: &BTreeSet<EcosystemId>, database: &Database) -> Vec<Gap> {
    let missing = held.iter().copied().filter(|&e| !database.covers(e));
    let gap = |e: EcosystemId| {
        let reason = format!(
            "the advisory database holds nothing of {}, only the few embedded records were used for it; fetch it with \
             `plimsoll db update --ecosystem {}`",
            e.0,
            ecosystem::of(e).osv
        );
        Gap::whole(GapKind::Partial, "advisories", reason)
    };
    missing.map(gap).collect()
}

/// Records of ecosystems that an artifact holds, which could not be read when the database was made.
fn unread(held: &BTreeSet<EcosystemId>, database: &Database) -> Vec<Gap> {
    let held: BTreeSet<_> = held.iter().map(|e| ecosystem::of(*e).osv).collect();
    let sources = database.meta().sources.iter();
    let missing = sources.filter(|s| !s.unread.is_empty() && held.contains(&*s.ecosystem));
    let gap = |s: &Source| {
        let (count, ecosystem) = (s.unread.count, &s.ecosystem);
        let reason = format!(
            "{count} advisories of {ecosystem} could not be read when the database was made; `plimsoll db status` names them"
        );
        Gap::whole(GapKind::Partial, "advisories", reason)
    };
    missing.map(gap).collect()
}

/// A time as its day, `YYYY-MM-DD` in UTC.
fn day(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The embedded advisories are a small choice of what is known; a report that used nothing else says so.
fn embedded_only(database: &Database) -> Option<Gap> {
    let records = database.provenance().records;
    database.provenance().is_embedded().then(|| {
        let reason = format!("only these {records} embedded records were used, a small part of all that are published");
        Gap::whole(GapKind::Partial, "advisories", reason)
    })
}

fn scan(tree: &dyn Tree, kind: &'static str, budget: &Budget, options: &Options, meta: open::Meta) -> Dossier {
    let mut seen = Dig::run(tree, budget, options);
    seen.found.observations.sort();
    seen.found.observations.dedup();
    seen.found.runtimes.sort();
    let bundles = Bundles {
        bundles: std::mem::take(&mut seen.found.bundles),
        maps: std::mem::take(&mut seen.found.maps),
        accounts: std::mem::take(&mut seen.found.accounts)
            .into_iter()
            .chain(options.given.accounts())
            .collect(),
    };
    let mut components = std::mem::take(&mut seen.found.components);
    components.extend(options.given.components());
    let (coverage, mut unsettled) = settle_bundles(&mut components, bundles);
    resolve_edges(&mut components, &seen.found.links, &seen.found.wishes);
    let (inventory, unsettled_locks) = Inventory::merge(components);
    unsettled.extend(unsettled_locks);
    concluded(meta, kind, seen, inventory, coverage, unsettled, budget.spent())
}

/// With every gap that can be told without asking advisories.
fn concluded(
    meta: open::Meta,
    kind: &'static str,
    seen: Seen,
    inventory: Inventory,
    coverage: Vec<Coverage>,
    unsettled: Vec<Gap>,
    bytes_read: u64,
) -> Dossier {
    let mut gaps = seen.found.gaps;
    gaps.extend(unsettled);
    gaps.extend(
        seen.anomalies
            .iter()
            .filter_map(|(location, anomaly)| contradiction(location, anomaly)),
    );
    if seen.entries == 0 {
        gaps.push(Gap::whole(
            GapKind::Blind,
            "archive",
            "there is nothing inside; check the step that builds it".to_owned(),
        ));
    } else {
        let unnamed = unnamed_code(&seen.own_code, seen.code_files, &inventory, &gaps);
        gaps.extend(unnamed);
    }
    gaps.sort();
    gaps.dedup();
    Dossier {
        name: meta.name,
        sha256: meta.sha256,
        size: meta.size,
        kind,
        entries: seen.entries,
        bytes_read,
        inventory,
        coverage,
        gaps,
        anomalies: seen.anomalies,
        observations: seen.found.observations,
        runtimes: seen.found.runtimes,
        symbols: seen.found.symbols,
    }
}

/// Without matches nothing is checked.
fn judge(dossier: Dossier, matches: Option<&Matches>, settings: &Settings, now: SystemTime) -> Artifact {
    let Dossier {
        name,
        sha256,
        size,
        kind,
        entries,
        bytes_read,
        inventory,
        coverage,
        mut gaps,
        anomalies,
        observations,
        runtimes,
        symbols,
    } = dossier;
    gaps.extend(
        matches
            .iter()
            .flat_map(|matches| &matches.undecided)
            .filter_map(|(coordinate, &n)| version_unknown(&inventory, coordinate, n)),
    );
    gaps.sort();
    gaps.dedup();

    let mut findings = Vec::new();
    if let Some(matches) = matches {
        let cx = Context {
            inventory: &inventory,
            matches,
            anomalies: &anomalies,
            observations: &observations,
            settings,
            runtimes: &runtimes,
            symbols: &symbols,
            now,
        };
        for check in check::ALL {
            check.run(cx, &mut findings);
        }
    }
    check::corroborate(&mut findings);
    findings.sort_by(by_urgency);

    Artifact {
        path: name,
        sha256,
        size,
        kind,
        entries,
        bytes_read,
        inventory,
        coverage,
        findings,
        ignored: Vec::new(),
        gaps,
        accepted: BTreeMap::new(),
    }
}

/// Code of which nothing is known: no package of its ecosystem was found, and no gap is told at a file of its language. An
/// artifact of several languages is not covered by what one of them holds.
fn unnamed_code(own: &BTreeMap<EcosystemId, usize>, all: usize, inventory: &Inventory, gaps: &[Gap]) -> Vec<Gap> {
    let gap = |files: usize, of: &str| {
        let reason = format!(
            "{files} {} of {of}code and nothing that names a package: what this code depends on is unknown",
            if files == 1 { "file" } else { "files" }
        );
        Gap::whole(GapKind::Partial, "inventory", reason)
    };
    if inventory.is_empty() && gaps.is_empty() && all > 0 {
        return vec![gap(all, "")];
    }
    let dark = |id: &EcosystemId| {
        let told = |gap: &Gap| dig::language(&gap.location.path) == Some(*id);
        !inventory.iter().any(|c| c.coordinate.ecosystem == *id) && !gaps.iter().any(told)
    };
    let own = own.iter().filter(|(id, _)| dark(id));
    own.map(|(id, &files)| gap(files, &format!("{} ", ecosystem::of(*id).language)))
        .collect()
}

/// Worst first, then in an order that depends on nothing but the findings themselves.
fn by_urgency(a: &Finding, b: &Finding) -> Ordering {
    Urgency::of(a).cmp(&Urgency::of(b))
}

/// What of a finding goes before what.
#[allow(clippy::struct_excessive_bools)] // they are compared in this order, and nothing else is done with them
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Urgency<'f> {
    level: Reverse<Level>,
    /// Intent before accident.
    accident: bool,
    /// What attackers use before what they may.
    unexploited: bool,
    severity: Reverse<Option<Severity>>,
    /// Where symbols tell, what is there goes before what may have been inlined.
    unseen: bool,
    tenths: Reverse<i64>,
    /// What the application asks for itself, it can also change itself.
    indirect: bool,
    subject: &'f Option<Coordinate>,
    rule: &'static str,
    advisory: &'f Option<Box<str>>,
    primary: &'f Location,
    message: &'f str,
}

impl<'f> Urgency<'f> {
    fn of(finding: &'f Finding) -> Self {
        #[allow(clippy::cast_possible_truncation)] // 0 to 100
        let tenths = finding.score.map_or(0, |score| (score * 10.0) as i64);
        Self {
            level: Reverse(finding.level),
            accident: finding.rule.id != "malicious",
            unexploited: finding.triage.exploited.is_none(),
            severity: Reverse(finding.severity),
            unseen: finding.triage.function == Some(false),
            tenths: Reverse(tenths),
            indirect: finding.triage.direct != Some(true),
            subject: &finding.subject,
            rule: finding.rule.id,
            advisory: &finding.advisory,
            primary: &finding.primary,
            message: &finding.message,
        }
    }
}

fn contradiction(location: &Location, anomaly: &Anomaly) -> Option<Gap> {
    (anomaly.gravity == Gravity::Contradiction).then(|| Gap {
        kind: GapKind::Blind,
        location: location.clone(),
        stage: "archive",
        reason: anomaly.message.clone(),
    })
}

fn version_unknown(inventory: &Inventory, coordinate: &Coordinate, advisories: usize) -> Option<Gap> {
    let evidence = inventory.get(coordinate)?.evidence.first()?;
    let exist = if advisories == 1 {
        "1 advisory exists"
    } else {
        &format!("{advisories} advisories exist")
    };
    Some(Gap {
        kind: GapKind::Partial,
        location: evidence.location.clone(),
        stage: "advisories",
        reason: format!("version of {} unknown, {exist}", coordinate.name),
    })
}

/// How a problem of reading is told: contents that were read all the same are in doubt, others are not seen at all; both
/// are blind.
fn unreadable(location: Location, problem: &ReadError) -> Gap {
    blind(location, problem.to_string())
}

fn blind(location: Location, reason: String) -> Gap {
    Gap {
        kind: GapKind::Blind,
        location,
        stage: "archive",
        reason,
    }
}
