//! What an audit found, as a scan's report: so that policy, exit codes and formats are the same.

use super::{
    audit::AuditError,
    store::{LEVELS, SEVERITIES, Store, StoreError, numbers},
};
use crate::{
    advisory::Database,
    audit::{self, FORMAT},
    check,
    inventory::Inventory,
    model::{Component, Coordinate, Evidence, Finding, Gap, GapKind, Level, Location, Proof, Severity, Triage},
    report::{Artifact, Report},
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::SystemTime,
};

/// A report with one artifact for each function. Its inventories hold only what something is wrong with: those of ten
/// thousand functions would not fit into memory, and nobody reads them here. Findings from before the run `since` are known;
/// `only_new` leaves them out.
///
/// Tables are read one by one, in the order in which they lie, and put together here: joined by the database, each of the
/// findings (50,000 of 10,000 functions) costs it four look-ups, and all of them are waited for by one thread.
///
/// # Errors
/// When the store cannot be read.
pub fn report(
    store: &mut Store,
    database: &Database,
    options: &audit::Options,
    since: Option<i64>,
    only_new: bool,
    now: SystemTime,
) -> Result<Report, AuditError> {
    let mut names: Names = HashMap::new();
    store.coordinates(&mut |row| {
        names.extend(row.coordinate().map(|coordinate| (row.id, coordinate)));
        Ok(())
    })?;
    let mut functions = functions(store)?;
    gaps(store, &mut functions)?;
    let flaws = flaws(store, &names, database)?;
    let sites = sites(store)?;
    let open = open(store, since, only_new)?;
    functions.par_iter_mut().for_each(|function| {
        let first = open.partition_point(|o| o.function < function.id);
        let of_function = open[first..].iter().take_while(|o| o.function == function.id);
        let sites = function
            .artifact
            .and_then(|a| sites.get(&a))
            .map_or(&[][..], Vec::as_slice);
        let found = of_function.filter_map(|open| {
            let site = sites.binary_search_by_key(&open.flaw, |site| site.flaw);
            let site = site.ok().and_then(|at| sites.get(at));
            Some(finding(flaws.get(&open.flaw)?, open, site, &names))
        });
        function.report.findings = found.collect();
        function.report.inventory = Inventory::restored(components(&function.report.findings));
    });
    let artifacts = functions.into_iter().map(|function| function.report).collect();
    let held = names.values().map(|name| name.ecosystem).collect();
    let gaps = audit::shortcomings(&held, database);
    Ok(audit::conclude(
        artifacts,
        Vec::new(),
        gaps,
        options,
        Some(database),
        now,
    ))
}

type Names = HashMap<i64, Coordinate>;

/// A function that is deployed, on its way to become an artifact of the report.
struct Deployed {
    id: i64,
    artifact: Option<i64>,
    report: Artifact,
}

/// Every function that is deployed, in the order of their numbers.
fn functions(store: &mut Store) -> Result<Vec<Deployed>, StoreError> {
    let mut functions = Vec::new();
    let sql = "SELECT f.id, f.name, f.artifact_id, f.failed, a.digest, a.format FROM function f \
               LEFT JOIN artifact a ON a.id = f.artifact_id WHERE f.gone_run IS NULL ORDER BY f.id";
    store.query(sql, &[], &mut |row| {
        let mut gaps = Vec::new();
        if let Some(why) = row.maybe_text(3)? {
            gaps.push(Gap::whole(
                GapKind::Blind,
                "inventory",
                format!("its artifact could not be read: {why}"),
            ));
        }
        if row.maybe_text(5)?.is_some_and(|format| format != FORMAT) {
            let reason = "it was read by another version of plimsoll; `plimsoll inventory sync` reads it again";
            gaps.push(Gap::whole(GapKind::Partial, "inventory", reason.to_owned()));
        }
        let report = Artifact {
            path: row.text(1)?.to_owned(),
            sha256: row.maybe_text(4)?.map(str::to_owned),
            size: 0,
            kind: "function",
            entries: 0,
            bytes_read: 0,
            inventory: Inventory::default(),
            coverage: Vec::new(),
            findings: Vec::new(),
            ignored: Vec::new(),
            gaps,
            accepted: BTreeMap::new(),
        };
        functions.push(Deployed {
            id: row.int(0)?,
            artifact: row.maybe_int(2)?,
            report,
        });
        Ok(())
    })?;
    Ok(functions)
}

/// What is said of each flaw, wherever it is: findings without a place, by the flaw's number.
fn flaws(store: &mut Store, names: &Names, database: &Database) -> Result<HashMap<i64, Finding>, StoreError> {
    let mut flaws = HashMap::new();
    let signals = database.signals();
    let boxed = |texts: Vec<String>| texts.into_iter().map(Into::into).collect::<Vec<Box<str>>>();
    store.flaws(&mut |row| {
        // A rule that this version does not know any more says nothing.
        let Some(rule) = check::rule(&row.rule) else {
            return Ok(());
        };
        let advisory: Option<Box<str>> = Some(row.advisory).filter(|a| !a.is_empty()).map(Into::into);
        let aliases = boxed(row.aliases);
        let ids = || advisory.iter().chain(&aliases).map(|id| &**id);
        let triage = Triage {
            exploited: signals.exploited(ids()),
            epss: signals.epss(ids()),
            ..Triage::default() // symbols are not kept
        };
        let said = Finding {
            rule,
            subject: names.get(&row.coordinate).cloned(),
            level: rule.level,
            message: row.message,
            primary: Location::whole(),
            related: Vec::new(),
            severity: None,
            score: row.score,
            fixed_in: boxed(row.fixed_in),
            triage,
            advisory,
            aliases,
        };
        flaws.insert(row.id, said);
        Ok(())
    })?;
    Ok(flaws)
}

/// Where a flaw lies in an artifact, and how it came in.
struct Site {
    flaw: i64,
    /// One a line.
    places: Box<str>,
    direct: Option<bool>,
    by_way_of: Vec<i64>,
}

/// The sites of each artifact, in the order of the flaws' numbers.
fn sites(store: &mut Store) -> Result<HashMap<i64, Vec<Site>>, StoreError> {
    let mut sites: HashMap<i64, Vec<Site>> = HashMap::new();
    let sql = "SELECT v.artifact_id, v.flaw_id, v.places, c.direct, c.way FROM verdict v \
               JOIN flaw w ON w.id = v.flaw_id \
               LEFT JOIN component c ON c.artifact_id = v.artifact_id AND c.coordinate_id = w.coordinate_id \
               ORDER BY v.artifact_id, v.flaw_id";
    store.query(sql, &[], &mut |row| {
        let way = row.maybe_text(4)?.unwrap_or_default();
        sites.entry(row.int(0)?).or_default().push(Site {
            flaw: row.int(1)?,
            places: row.text(2)?.into(),
            direct: row.maybe_int(3)?.map(|direct| direct == 1),
            by_way_of: numbers(way),
        });
        Ok(())
    })?;
    Ok(sites)
}

/// A flaw that a function has.
struct Open {
    function: i64,
    flaw: i64,
    level: Level,
    severity: Option<Severity>,
    known: bool,
}

/// All of them, in the order of the functions' numbers.
fn open(store: &mut Store, since: Option<i64>, only_new: bool) -> Result<Vec<Open>, StoreError> {
    let mut open = Vec::new();
    let sql = "SELECT function_id, flaw_id, first_run, level, severity FROM finding WHERE fixed_run IS NULL \
               ORDER BY function_id, flaw_id, first_run";
    store.query(sql, &[], &mut |row| {
        let first = row.int(2)?;
        let known = since.is_some_and(|run| first < run);
        if known && only_new {
            return Ok(());
        }
        open.push(Open {
            function: row.int(0)?,
            flaw: row.int(1)?,
            level: level(row.int(3)?),
            severity: row.maybe_int(4)?.and_then(severity),
            known,
        });
        Ok(())
    })?;
    Ok(open)
}

/// What is said of a flaw, put in its place.
fn finding(said: &Finding, open: &Open, site: Option<&Site>, names: &Names) -> Finding {
    let mut finding = said.clone();
    (finding.level, finding.severity) = (open.level, open.severity);
    finding.triage.known = open.known;
    if let Some(site) = site {
        let mut places = site.places.lines().map(location);
        finding.primary = places.next().unwrap_or(finding.primary);
        finding.related = places.collect();
        finding.triage.direct = site.direct;
        finding.triage.by_way_of = site.by_way_of.iter().filter_map(|id| names.get(id).cloned()).collect();
    }
    finding
}

fn level(number: i64) -> Level {
    match LEVELS.get(usize::try_from(number).unwrap_or_default()) {
        Some(&"error") => Level::Error,
        Some(&"warning") => Level::Warning,
        _ => Level::Note,
    }
}

fn severity(number: i64) -> Option<Severity> {
    let all = [
        Severity::None,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];
    debug_assert_eq!(all.len(), SEVERITIES.len());
    all.get(usize::try_from(number).ok()?).copied()
}

/// A place as it was written down.
fn location(text: &str) -> Location {
    let (archives, path) = match text.rsplit_once("!/") {
        Some((outer, path)) => (outer.split("!/").map(Into::into).collect(), path),
        None => (Arc::default(), text),
    };
    let line = path
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse::<u32>().ok()?)));
    let mut location = Location::new(archives, line.map_or(path, |(path, _)| path));
    location.line = line.map(|(_, line)| line);
    location
}

/// What findings are about, for formats that list it.
fn components(findings: &[Finding]) -> Vec<Component> {
    let mut components: BTreeMap<&Coordinate, Component> = BTreeMap::new();
    for finding in findings {
        let Some(subject) = &finding.subject else { continue };
        components.entry(subject).or_insert_with(|| component(subject, finding));
    }
    components.into_values().collect()
}

fn component(subject: &Coordinate, finding: &Finding) -> Component {
    let places = std::iter::once(&finding.primary).chain(&finding.related);
    Component {
        coordinate: subject.clone(),
        evidence: places
            .map(|place| Evidence {
                detector: "inventory",
                location: place.clone(),
                proof: Proof::Installed,
                confidence: 1.0,
                facts: Vec::new(),
            })
            .collect(),
        requires: Vec::new(),
    }
}

/// What could not be seen in each function's artifact.
fn gaps(store: &mut Store, functions: &mut [Deployed]) -> Result<(), StoreError> {
    let mut of_artifact: HashMap<i64, Vec<Gap>> = HashMap::new();
    store.gaps(&mut |row| {
        let kind = if row.kind == "blind" {
            GapKind::Blind
        } else {
            GapKind::Partial
        };
        of_artifact.entry(row.artifact).or_default().push(Gap {
            kind,
            location: location(&row.location),
            stage: audit::interned(&row.stage),
            reason: row.reason,
        });
        Ok(())
    })?;
    store.doubts(&mut |row| {
        of_artifact.entry(row.artifact).or_default().push(Gap {
            kind: GapKind::Partial,
            location: location(&row.location),
            stage: "advisories",
            reason: row.reason,
        });
        Ok(())
    })?;
    for function in functions {
        let gaps = &mut function.report.gaps;
        let shipped = function.artifact.and_then(|a| of_artifact.get(&a));
        gaps.extend(shipped.into_iter().flatten().cloned());
        gaps.sort();
        gaps.dedup();
    }
    Ok(())
}
