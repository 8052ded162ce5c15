//! Questions: who ships a package, what is in a function, how much there is of everything.

use super::{
    store::{COLUMNS, FunctionRow, LEVELS, PROOFS, Row, SEVERITIES, Store, StoreError, TABLES, Value, function},
    table::Table,
};
use crate::{
    audit::Dossier,
    ecosystem::{self, Pattern},
    model::Coordinate,
    report::Artifact,
};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, hash_map::Entry};

type Result<T> = std::result::Result<T, StoreError>;

/// Reads a package as people write it (`npm:lodash@<4.17.21`), or a purl.
///
/// # Errors
/// When it is none.
pub fn pattern(text: &str) -> std::result::Result<Pattern, String> {
    if text.trim_start().starts_with("pkg:") {
        return Pattern::parse(text);
    }
    let shape = || format!("`{text}` is no package; expected one like npm:lodash, or npm:lodash@<4.17.21");
    let (kind, rest) = text.trim().split_once(':').ok_or_else(shape)?;
    let known = ecosystem::ALL.iter().find(|e| e.id.0.eq_ignore_ascii_case(kind));
    let kind = known.map_or(kind, |e| e.purl_type);
    Pattern::parse(&format!("pkg:{kind}/{rest}"))
}

/// The purls of all names and versions.
fn names(store: &mut Store) -> Result<HashMap<i64, Coordinate>> {
    let mut names = HashMap::new();
    store.coordinates(&mut |row| {
        if let Some(coordinate) = row.coordinate() {
            names.insert(row.id, coordinate);
        }
        Ok(())
    })?;
    Ok(names)
}

fn word(words: &[&'static str], number: Option<i64>) -> Json {
    number
        .and_then(|n| words.get(usize::try_from(n).ok()?))
        .map_or(Json::Null, |word| json!(word))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Who ships a package, and by way of what. One whose version is not known may be of any: it is told as `perhaps`.
///
/// # Errors
/// When the store cannot be read.
pub fn find(store: &mut Store, pattern: &Pattern) -> Result<Table> {
    let columns = [
        "function",
        "source",
        "component",
        "proof",
        "direct",
        "through",
        "matches",
        "owner",
    ];
    let mut table = Table::new(&columns, "no deployed function ships it");
    let mut meant: Vec<(i64, Coordinate, &str)> = Vec::new();
    let mut add = |row: super::store::CoordinateRow| {
        if let Some(coordinate) = row.coordinate() {
            if pattern.matches(&coordinate) {
                meant.push((row.id, coordinate, "yes"));
            } else if coordinate.version.is_none() && pattern.is_about(&coordinate) {
                meant.push((row.id, coordinate, "perhaps"));
            }
        }
        Ok(())
    };
    if pattern.name().contains('*') {
        store.coordinates(&mut add)?;
    } else {
        store.coordinates_of(pattern.ecosystem().id.0, pattern.name(), &mut add)?;
    }
    meant.sort_by(|a, b| a.1.cmp(&b.1));
    // What is on the way is named in full; only names that are asked for are read.
    let mut purls: HashMap<i64, String> = HashMap::new();
    for (id, coordinate, matches) in &meant {
        let purl = ecosystem::purl(coordinate);
        let mut found: Vec<(Vec<Json>, Vec<i64>)> = Vec::new();
        let sql = "SELECT f.name, s.name, c.proof, c.direct, c.way, f.owner FROM component c \
                   JOIN function f ON f.artifact_id = c.artifact_id JOIN source s ON s.id = f.source_id \
                   WHERE c.coordinate_id = $1 AND f.gone_run IS NULL";
        store.query(sql, &[Value::Int(*id)], &mut |row| {
            let way = row.maybe_text(4)?.unwrap_or_default();
            let way = way.split(',').filter_map(|id| id.parse().ok()).collect();
            let cells = vec![
                json!(row.text(0)?),
                json!(row.text(1)?),
                json!(purl),
                word(&PROOFS, row.maybe_int(2)?),
                json!(row.maybe_int(3)?.map(|direct| direct == 1)),
                Json::Null,
                json!(matches),
                json!(row.maybe_text(5)?),
            ];
            found.push((cells, way));
            Ok(())
        })?;
        // Not by the database: each has its own order of texts.
        let place = |cells: &[Json]| {
            (
                cells[0].as_str().map(str::to_owned),
                cells[1].as_str().map(str::to_owned),
            )
        };
        found.sort_by_cached_key(|(cells, _)| place(cells));
        for (mut cells, way) in found {
            let mut through = Vec::with_capacity(way.len());
            for id in way {
                let name = match purls.entry(id) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let name = store.coordinate(id)?.map(|c| ecosystem::purl(&c));
                        new.insert(name.unwrap_or_default())
                    }
                };
                through.push(json!(name));
            }
            cells[5] = Json::Array(through);
            table.push(cells);
        }
    }
    Ok(table)
}

/// All that is known of a function.
#[derive(Debug)]
pub struct Shown {
    /// What its source tells, and what was made of it.
    pub facts: Table,
    /// What it ships.
    pub components: Table,
    /// What is, and was, wrong with it.
    pub findings: Table,
    /// What could not be seen.
    pub gaps: Table,
    /// What it shipped when.
    pub deployments: Table,
}

/// Functions of a name, of every source that has one.
///
/// # Errors
/// When the store cannot be read.
pub fn functions_named(store: &mut Store, name: &str) -> Result<Vec<FunctionRow>> {
    let mut found = Vec::new();
    let sql = format!("SELECT {COLUMNS} {TABLES} WHERE f.name = $1 ORDER BY f.id");
    store.query(&sql, &[Value::Text(name)], &mut |row| {
        found.push(function(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// All that is known of a function.
///
/// # Errors
/// When the store cannot be read.
pub fn show(store: &mut Store, row: &FunctionRow) -> Result<Shown> {
    let names = names(store)?;
    let purl = |id: i64| names.get(&id).map(ecosystem::purl);
    let mut facts = Table::new(&["fact", "value"], "");
    let told = &row.function;
    for (fact, value) in [
        ("name", json!(told.name)),
        ("source", json!(row.source)),
        ("location", json!(told.location)),
        ("runtime", json!(told.runtime)),
        ("memory_mb", json!(told.memory_mb)),
        ("timeout_s", json!(told.timeout_s)),
        ("owner", json!(told.owner)),
        ("last_modified", json!(told.last_modified)),
        ("layers", json!(told.layers)),
        ("tags", json!(told.tags)),
        ("sha256", json!(row.digest)),
        ("first_run", json!(row.first_run)),
        ("gone_run", json!(row.gone_run)),
        ("failed", json!(row.failed)),
    ] {
        if !value.is_null() {
            facts.push(vec![json!(fact), value]);
        }
    }
    let mut components = Table::new(
        &["component", "proof", "confidence", "direct", "through"],
        "no component is known",
    );
    let mut gaps = Table::new(&["kind", "stage", "location", "reason"], "everything was seen into");
    if let Some(artifact) = row.artifact {
        let sql = "SELECT coordinate_id, proof, confidence, direct, way FROM component WHERE artifact_id = $1";
        let mut rows: Vec<(Option<&Coordinate>, Vec<Json>)> = Vec::new();
        store.query(sql, &[Value::Int(artifact)], &mut |row| {
            let way = row.maybe_text(4)?.unwrap_or_default();
            let way: Vec<String> = way.split(',').filter_map(|id| purl(id.parse().ok()?)).collect();
            let id = row.int(0)?;
            let cells = vec![
                json!(purl(id)),
                word(&PROOFS, row.maybe_int(1)?),
                json!(row.maybe_real(2)?),
                json!(row.maybe_int(3)?.map(|direct| direct == 1)),
                json!(way),
            ];
            rows.push((names.get(&id), cells));
            Ok(())
        })?;
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, cells) in rows {
            components.push(cells);
        }
        let sql = "SELECT kind, stage, location, reason FROM gap WHERE artifact_id = $1 ORDER BY number";
        store.query(sql, &[Value::Int(artifact)], &mut |row| {
            gaps.push(vec![
                json!(row.text(0)?),
                json!(row.text(1)?),
                json!(row.text(2)?),
                json!(row.text(3)?),
            ]);
            Ok(())
        })?;
        let sql = "SELECT location, reason FROM doubt WHERE artifact_id = $1 ORDER BY coordinate_id";
        store.query(sql, &[Value::Int(artifact)], &mut |row| {
            gaps.push(vec![
                json!("partial"),
                json!("advisories"),
                json!(row.text(0)?),
                json!(row.text(1)?),
            ]);
            Ok(())
        })?;
    }
    let days = days(store)?;
    let findings = findings(store, Some(row.id), &names, &days)?;
    let mut deployments = Table::new(
        &["sha256", "from_run", "from", "to_run", "to"],
        "nothing was read of it",
    );
    let sql = "SELECT a.digest, d.from_run, d.to_run FROM deployment d JOIN artifact a ON a.id = d.artifact_id \
               WHERE d.function_id = $1 ORDER BY d.from_run";
    store.query(sql, &[Value::Int(row.id)], &mut |row| {
        let (from, to) = (row.int(1)?, row.maybe_int(2)?);
        deployments.push(vec![
            json!(row.text(0)?),
            json!(from),
            json!(days.get(&from)),
            json!(to),
            json!(to.and_then(|to| days.get(&to))),
        ]);
        Ok(())
    })?;
    Ok(Shown {
        facts,
        components,
        findings,
        gaps,
        deployments,
    })
}

/// When each run began.
pub(super) fn days(store: &mut Store) -> Result<HashMap<i64, String>> {
    Ok(store.runs()?.into_iter().map(|run| (run.id, run.started)).collect())
}

/// Findings of a function, or of all, with their lives; those that are fixed too.
pub(super) fn findings(
    store: &mut Store,
    of: Option<i64>,
    names: &HashMap<i64, Coordinate>,
    days: &HashMap<i64, String>,
) -> Result<Table> {
    let columns = [
        "function",
        "rule",
        "component",
        "advisory",
        "aliases",
        "level",
        "severity",
        "score",
        "fixed_in",
        "first_seen",
        "last_seen",
        "fixed_on",
        "message",
    ];
    let mut table = Table::new(&columns, "nothing was ever found");
    let newest = store
        .runs()?
        .into_iter()
        .rfind(|run| run.kind == "audit" && run.state == "done")
        .map(|run| run.id);
    let mut rows = Vec::new();
    let mut one = |row: &Row<'_>| {
        let (first, last, fixed) = (row.int(9)?, row.maybe_int(10)?, row.maybe_int(11)?);
        let last = if fixed.is_some() { last } else { newest };
        let severity = row.maybe_int(6)?.unwrap_or(-1);
        let worst = (
            std::cmp::Reverse((row.int(5)?, severity)),
            row.text(3)?.to_owned(),
            row.text(1)?.to_owned(),
        );
        let cells = vec![
            json!(row.text(0)?),
            json!(row.text(1)?),
            json!(names.get(&row.int(2)?).map(ecosystem::purl)),
            json!(row.text(3)?),
            json!(lines(row.text(4)?)),
            word(&LEVELS, row.maybe_int(5)?),
            word(&SEVERITIES, row.maybe_int(6)?),
            json!(row.maybe_real(7)?),
            json!(lines(row.text(8)?)),
            json!(days.get(&first)),
            json!(last.and_then(|run| days.get(&run))),
            json!(fixed.and_then(|run| days.get(&run))),
            json!(row.text(12)?),
        ];
        rows.push(((row.text(0)?.to_owned(), worst, names.get(&row.int(2)?), first), cells));
        Ok(())
    };
    let select = "SELECT f.name, w.rule, w.coordinate_id, w.advisory, w.aliases, d.level, d.severity, w.score, w.fixed_in, \
                  d.first_run, d.last_run, d.fixed_run, w.message FROM finding d JOIN flaw w ON w.id = d.flaw_id \
                  JOIN function f ON f.id = d.function_id";
    match of {
        Some(function) => {
            let sql = format!("{select} WHERE d.function_id = $1");
            store.query(&sql, &[Value::Int(function)], &mut one)?;
        }
        None => store.query(select, &[], &mut one)?,
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, cells) in rows {
        table.push(cells);
    }
    Ok(table)
}

/// How much there is of everything.
///
/// # Errors
/// When the store cannot be read.
pub fn stats(store: &mut Store) -> Result<Table> {
    let mut table = Table::new(&["what", "count"], "");
    for (what, sql) in [
        ("functions", "SELECT COUNT(*) FROM function WHERE gone_run IS NULL"),
        (
            "functions gone",
            "SELECT COUNT(*) FROM function WHERE gone_run IS NOT NULL",
        ),
        (
            "functions not read",
            "SELECT COUNT(*) FROM function WHERE gone_run IS NULL AND failed IS NOT NULL",
        ),
        ("artifacts", "SELECT COUNT(*) FROM artifact"),
        ("bytes", "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM artifact"),
        ("components", "SELECT COUNT(*) FROM component"),
        ("distinct components", "SELECT COUNT(*) FROM coordinate"),
        ("edges", "SELECT COUNT(*) FROM edge"),
        ("blind gaps", "SELECT COUNT(*) FROM gap WHERE kind = 'blind'"),
        ("partial gaps", "SELECT COUNT(*) FROM gap WHERE kind = 'partial'"),
        ("open findings", "SELECT COUNT(*) FROM finding WHERE fixed_run IS NULL"),
        (
            "fixed findings",
            "SELECT COUNT(*) FROM finding WHERE fixed_run IS NOT NULL",
        ),
        (
            "functions with findings",
            "SELECT COUNT(DISTINCT function_id) FROM finding WHERE fixed_run IS NULL",
        ),
        ("runs", "SELECT COUNT(*) FROM run"),
        ("aborted runs", "SELECT COUNT(*) FROM run WHERE state = 'aborted'"),
    ] {
        store.query(sql, &[], &mut |row| {
            table.push(vec![json!(what), json!(row.int(0)?)]);
            Ok(())
        })?;
    }
    let sql = "SELECT severity, COUNT(*) FROM finding WHERE fixed_run IS NULL GROUP BY severity ORDER BY COALESCE(severity, -1)";
    store.query(sql, &[], &mut |row| {
        let severity = word(&SEVERITIES, row.maybe_int(0)?);
        let severity = severity.as_str().unwrap_or("unrated");
        table.push(vec![json!(format!("open findings, {severity}")), json!(row.int(1)?)]);
        Ok(())
    })?;
    let sql = "SELECT COALESCE(runtime, 'unknown'), COUNT(*) FROM function WHERE gone_run IS NULL GROUP BY 1";
    let mut runtimes = Vec::new();
    store.query(sql, &[], &mut |row| {
        runtimes.push((row.text(0)?.to_owned(), row.int(1)?));
        Ok(())
    })?;
    runtimes.sort();
    for (runtime, functions) in runtimes {
        table.push(vec![json!(format!("runtime {runtime}")), json!(functions)]);
    }
    Ok(table)
}

/// What is in the artifact of a function, from what is kept of it; `None` where nothing was ever read.
///
/// # Errors
/// When the store cannot be read, or an earlier plimsoll wrote it.
pub fn contents(store: &mut Store, row: &FunctionRow) -> Result<Option<Artifact>> {
    let Some(artifact) = row.artifact else { return Ok(None) };
    let mut kept = None;
    store.query(
        "SELECT document FROM artifact WHERE id = $1",
        &[Value::Int(artifact)],
        &mut |row| {
            kept = Some(row.bytes(0)?.to_vec());
            Ok(())
        },
    )?;
    let name = row.function.name.clone();
    let dossier = kept
        .map(|bytes| Dossier::read(&bytes, name, row.digest.clone()))
        .transpose();
    Ok(dossier.map_err(StoreError::Damaged)?.map(Dossier::list))
}
