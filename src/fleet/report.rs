//! What an audit found, as a scan's report: so that policy, exit codes and formats are the same.

use super::{
    Function,
    audit::AuditError,
    store::{LEVELS, Row, SEVERITIES, Store, StoreError},
};
use crate::{
    advisory::Database,
    audit::{self, FORMAT},
    check,
    inventory::Inventory,
    model::{Component, Coordinate, Evidence, Finding, Gap, GapKind, Level, Location, Proof, Severity, Triage},
    report::{Artifact, Report},
};
use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

/// A report with one artifact for each function. Its inventories hold only what something is wrong with: those of ten
/// thousand functions would not fit into memory, and nobody reads them here. Findings from before the run `since` are known;
/// `only_new` leaves them out.
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
    let (mut artifacts, places) = functions(store)?;
    let names: HashMap<i64, Coordinate> = {
        let mut names = HashMap::new();
        store.coordinates(&mut |row| {
            if let Some(coordinate) = row.coordinate() {
                names.insert(row.id, coordinate);
            }
            Ok(())
        })?;
        names
    };
    let mut held: BTreeMap<usize, BTreeMap<Coordinate, Component>> = BTreeMap::new();
    store.query(FINDINGS, &[], &mut |row| {
        let Some(&at) = places.get(&row.int(0)?) else {
            return Ok(());
        };
        let known = since.is_some_and(|run| row.int(8).is_ok_and(|first| first < run));
        if known && only_new {
            return Ok(());
        }
        if let Some(finding) = finding(row, &names, database, known)? {
            if let Some(subject) = &finding.subject {
                let components = held.entry(at).or_default();
                components
                    .entry(subject.clone())
                    .or_insert_with(|| component(subject, &finding));
            }
            artifacts[at].findings.push(finding);
        }
        Ok(())
    })?;
    for (at, components) in held {
        artifacts[at].inventory = Inventory::restored(components.into_values().collect());
    }
    gaps(store, &mut artifacts)?;
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

const FINDINGS: &str = "SELECT d.function_id, w.rule, w.coordinate_id, w.advisory, w.message, w.score, w.aliases, \
    w.fixed_in, d.first_run, d.level, d.severity, v.places, c.direct, c.way \
    FROM finding d JOIN function f ON f.id = d.function_id JOIN flaw w ON w.id = d.flaw_id \
    LEFT JOIN verdict v ON v.artifact_id = f.artifact_id AND v.flaw_id = d.flaw_id \
    LEFT JOIN component c ON c.artifact_id = f.artifact_id AND c.coordinate_id = w.coordinate_id \
    WHERE d.fixed_run IS NULL ORDER BY d.function_id, d.flaw_id";

/// Every function that is deployed, in the order of their numbers, and where each is.
fn functions(store: &mut Store) -> Result<(Vec<Artifact>, HashMap<i64, usize>), StoreError> {
    let mut artifacts = Vec::new();
    let mut places = HashMap::new();
    let mut formats: HashMap<i64, bool> = HashMap::new();
    store.query("SELECT id, format FROM artifact", &[], &mut |row| {
        formats.insert(row.int(0)?, row.text(1)? == FORMAT);
        Ok(())
    })?;
    store.functions(&mut |row| {
        if row.gone_run.is_some() {
            return Ok(());
        }
        places.insert(row.id, artifacts.len());
        let Function { name, .. } = row.function;
        let mut gaps = Vec::new();
        if let Some(why) = row.failed {
            gaps.push(gap(
                GapKind::Blind,
                "inventory",
                format!("its artifact could not be read: {why}"),
            ));
        }
        if row.artifact.and_then(|a| formats.get(&a)) == Some(&false) {
            let reason = "it was read by another version of plimsoll; `plimsoll inventory sync` reads it again";
            gaps.push(gap(GapKind::Partial, "inventory", reason.to_owned()));
        }
        artifacts.push(Artifact {
            path: name,
            sha256: row.digest,
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
        });
        Ok(())
    })?;
    Ok((artifacts, places))
}

fn gap(kind: GapKind, stage: &'static str, reason: String) -> Gap {
    Gap {
        kind,
        location: Location::new([].into(), ""),
        stage,
        reason,
    }
}

fn finding(
    row: &Row<'_>,
    names: &HashMap<i64, Coordinate>,
    database: &Database,
    known: bool,
) -> Result<Option<Finding>, StoreError> {
    // A rule that this version does not know any more says nothing.
    let Some(rule) = check::rule(row.text(1)?) else {
        return Ok(None);
    };
    let subject = names.get(&row.int(2)?).cloned();
    let texts = |column: usize| -> Result<Vec<Box<str>>, StoreError> {
        Ok(row.text(column)?.lines().map(Into::into).collect())
    };
    let advisory: Option<Box<str>> = Some(row.text(3)?).filter(|a| !a.is_empty()).map(Into::into);
    let aliases = texts(6)?;
    let signals = database.signals();
    let ids = || advisory.iter().chain(&aliases).map(|id| &**id);
    let mut places = row.maybe_text(11)?.unwrap_or_default().lines().map(location);
    let way = row.maybe_text(13)?.unwrap_or_default();
    let triage = Triage {
        function: None, // symbols are not kept
        direct: row.maybe_int(12)?.map(|direct| direct == 1),
        by_way_of: way
            .split(',')
            .filter_map(|id| names.get(&id.parse().ok()?).cloned())
            .collect(),
        exploited: signals.exploited(ids()),
        epss: signals.epss(ids()),
        known,
        notes: Vec::new(),
    };
    let level = match LEVELS.get(usize::try_from(row.int(9)?).unwrap_or_default()) {
        Some(&"error") => Level::Error,
        Some(&"warning") => Level::Warning,
        _ => Level::Note,
    };
    Ok(Some(Finding {
        rule,
        subject,
        level,
        message: row.text(4)?.to_owned(),
        primary: places.next().unwrap_or_else(|| Location::new([].into(), "")),
        related: places.collect(),
        severity: row.maybe_int(10)?.and_then(severity),
        score: row.maybe_real(5)?,
        fixed_in: texts(7)?,
        triage,
        advisory,
        aliases,
    }))
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
    let mut parts: Vec<&str> = text.split("!/").collect();
    let path = parts.pop().unwrap_or_default();
    let line = path
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse::<u32>().ok()?)));
    let archives: Vec<Box<str>> = parts.into_iter().map(Into::into).collect();
    let mut location = Location::new(archives.into(), line.map_or(path, |(path, _)| path));
    location.line = line.map(|(_, line)| line);
    location
}

/// What a finding is about, for formats that list it.
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
fn gaps(store: &mut Store, artifacts: &mut [Artifact]) -> Result<(), StoreError> {
    let mut by_digest: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, artifact) in artifacts.iter().enumerate() {
        if let Some(digest) = &artifact.sha256 {
            by_digest.entry(digest.clone()).or_default().push(at);
        }
    }
    let mut digests: HashMap<i64, String> = HashMap::new();
    store.artifacts(&mut |row| {
        digests.insert(row.id, row.digest);
        Ok(())
    })?;
    let mut add = |artifact: i64, kind: GapKind, stage: &'static str, place: &str, reason: String| {
        let told = Gap {
            kind,
            location: location(place),
            stage,
            reason,
        };
        for &at in digests
            .get(&artifact)
            .and_then(|d| by_digest.get(d))
            .into_iter()
            .flatten()
        {
            artifacts[at].gaps.push(told.clone());
        }
    };
    store.gaps(&mut |row| {
        let kind = if row.kind == "blind" {
            GapKind::Blind
        } else {
            GapKind::Partial
        };
        add(
            row.artifact,
            kind,
            audit::interned(&row.stage),
            &row.location,
            row.reason,
        );
        Ok(())
    })?;
    store.doubts(&mut |row| {
        add(row.artifact, GapKind::Partial, "advisories", &row.location, row.reason);
        Ok(())
    })?;
    for artifact in artifacts {
        artifact.gaps.sort();
        artifact.gaps.dedup();
    }
    Ok(())
}
