//! What came and went since a run.

use super::{
    store::{SEVERITIES, Store, StoreError, Value},
    table::Table,
};
use crate::{ecosystem, model::Coordinate};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

type Result<T> = std::result::Result<T, StoreError>;

/// The run after which something counts as new: of a number, of a day or time (the last run that began before it), or the one
/// before the last sync. 0 where there is none.
///
/// # Errors
/// When the text is neither, or the store cannot be read.
pub fn since(store: &mut Store, text: Option<&str>) -> std::result::Result<i64, String> {
    let runs = store.runs().map_err(|e| e.to_string())?;
    let Some(text) = text.map(str::trim) else {
        let last = runs.iter().rfind(|run| run.kind == "sync" && run.state == "done");
        return Ok(last.map_or(0, |run| run.id - 1));
    };
    if let Ok(number) = text.parse::<i64>() {
        let known = runs.iter().any(|run| run.id == number);
        return known
            .then_some(number)
            .ok_or_else(|| format!("there is no run {number}; `plimsoll inventory runs` lists them"));
    }
    let whole = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let time = humantime::parse_rfc3339(&whole)
        .map_err(|_| format!("`{text}` is neither a run nor a day; expected a number, or a day like 2026-11-20"))?;
    let before = runs
        .iter()
        .rfind(|run| humantime::parse_rfc3339(&run.started).is_ok_and(|started| started < time));
    Ok(before.map_or(0, |run| run.id))
}

/// Functions, components and findings that came (`+`), went (`-`) or changed (`~`) after a run.
///
/// # Errors
/// When the store cannot be read.
pub fn diff(store: &mut Store, run: i64) -> Result<Table> {
    let columns = ["change", "what", "name", "function", "detail"];
    let mut table = Table::new(&columns, "nothing has changed");
    functions(store, run, &mut table)?;
    components(store, run, &mut table)?;
    findings(store, run, &mut table)?;
    Ok(table)
}

fn functions(store: &mut Store, run: i64, table: &mut Table) -> Result<()> {
    let sql = "SELECT f.name, f.first_run, f.gone_run, a.digest, d.from_run, o.digest FROM function f \
               LEFT JOIN deployment d ON d.function_id = f.id AND d.to_run IS NULL \
               LEFT JOIN artifact a ON a.id = d.artifact_id \
               LEFT JOIN deployment b ON b.function_id = f.id AND b.from_run <= $1 AND (b.to_run IS NULL OR b.to_run > $1) \
               LEFT JOIN artifact o ON o.id = b.artifact_id \
               WHERE f.first_run > $1 OR f.gone_run > $1 OR d.from_run > $1";
    let mut rows: Vec<(String, Vec<Json>)> = Vec::new();
    store.query(sql, &[Value::Int(run)], &mut |row| {
        let (first, gone) = (row.int(1)?, row.maybe_int(2)?);
        let short = |digest: Option<&str>| digest.map(|d| d.chars().take(12).collect::<String>());
        let (now, then) = (short(row.maybe_text(3)?), short(row.maybe_text(5)?));
        let (change, detail) = match (first > run, gone.is_some()) {
            // It came and went in between.
            (true, true) => return Ok(()),
            (true, false) => ("+", json!(now)),
            (false, true) => ("-", json!(then)),
            (false, false) if now == then => return Ok(()),
            (false, false) => (
                if then.is_none() { "+" } else { "~" },
                match (then, now) {
                    (Some(then), Some(now)) => json!(format!("{then} -> {now}")),
                    (_, now) => json!(now),
                },
            ),
        };
        let name = row.text(0)?;
        let cells = vec![json!(change), json!("function"), json!(name), json!(name), detail];
        rows.push((name.to_owned(), cells));
        Ok(())
    })?;
    // Not by the database: each has its own order of texts.
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, cells) in rows {
        table.push(cells);
    }
    Ok(())
}

/// Which change, the artifacts of one side alone, and whether another is on the other side.
type Side<'s> = (&'static str, BTreeSet<i64>, &'s dyn Fn(i64) -> bool);

/// Names and versions that no function shipped before, or none does now.
fn components(store: &mut Store, run: i64, table: &mut Table) -> Result<()> {
    let (mut then, mut now): (HashSet<i64>, HashMap<i64, usize>) = (HashSet::new(), HashMap::new());
    store.deployments(&mut |row| {
        if row.from_run <= run && row.to_run.is_none_or(|to| to > run) {
            then.insert(row.artifact);
        }
        if row.to_run.is_none() {
            *now.entry(row.artifact).or_default() += 1;
        }
        Ok(())
    })?;
    // Only artifacts of one side alone can bring or take anything.
    let only = |these: &mut dyn Iterator<Item = i64>| these.collect::<BTreeSet<i64>>();
    let came = only(&mut now.keys().copied().filter(|a| !then.contains(a)));
    let went = only(&mut then.iter().copied().filter(|a| !now.contains_key(a)));
    let sides: [Side<'_>; 2] = [
        ("+", came, &|artifact| then.contains(&artifact)),
        ("-", went, &|artifact| now.contains_key(&artifact)),
    ];
    for (change, of, others) in sides {
        let mut candidates: BTreeMap<i64, usize> = BTreeMap::new();
        for artifact in of {
            let sql = "SELECT coordinate_id FROM component WHERE artifact_id = $1";
            store.query(sql, &[Value::Int(artifact)], &mut |row| {
                *candidates.entry(row.int(0)?).or_default() += now.get(&artifact).copied().unwrap_or(1);
                Ok(())
            })?;
        }
        let mut rows: Vec<(Coordinate, usize)> = Vec::new();
        for (coordinate, functions) in candidates {
            let mut held = false;
            let sql = "SELECT artifact_id FROM component WHERE coordinate_id = $1";
            store.query(sql, &[Value::Int(coordinate)], &mut |row| {
                held = held || others(row.int(0)?);
                Ok(())
            })?;
            if !held && let Some(name) = store.coordinate(coordinate)? {
                rows.push((name, functions));
            }
        }
        rows.sort();
        for (name, functions) in rows {
            let many = if functions == 1 { "" } else { "s" };
            let detail = json!(format!("{functions} function{many}"));
            table.push(vec![
                json!(change),
                json!("component"),
                json!(ecosystem::purl(&name)),
                Json::Null,
                detail,
            ]);
        }
    }
    Ok(())
}

fn findings(store: &mut Store, run: i64, table: &mut Table) -> Result<()> {
    let mut rows: Vec<(String, i64, Vec<Json>)> = Vec::new();
    let sql = "SELECT f.name, w.rule, w.coordinate_id, w.advisory, d.severity, d.first_run, d.fixed_run, w.message \
               FROM finding d JOIN function f ON f.id = d.function_id JOIN flaw w ON w.id = d.flaw_id \
               WHERE (d.first_run > $1 AND d.fixed_run IS NULL) OR (d.first_run <= $1 AND d.fixed_run > $1) \
               ORDER BY d.function_id, d.flaw_id";
    store.query(sql, &[Value::Int(run)], &mut |row| {
        let change = if row.maybe_int(6)?.is_some() { "-" } else { "+" };
        let severity = row.maybe_int(4)?.and_then(|s| SEVERITIES.get(usize::try_from(s).ok()?));
        let advisory = row.text(3)?;
        let what = if advisory.is_empty() { row.text(1)? } else { advisory };
        let detail = format!("{}: {}", severity.copied().unwrap_or(row.text(1)?), row.text(7)?);
        let cells = vec![
            json!(change),
            json!("finding"),
            json!(what),
            json!(row.text(0)?),
            json!(detail),
        ];
        rows.push((row.text(0)?.to_owned(), row.int(2)?, cells));
        Ok(())
    })?;
    let mut purls: HashMap<i64, Option<String>> = HashMap::new();
    let mut named: Vec<(String, Vec<Json>)> = Vec::with_capacity(rows.len());
    for (function, coordinate, mut cells) in rows {
        let purl = match purls.entry(coordinate) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(store.coordinate(coordinate)?.map(|c| ecosystem::purl(&c))),
        };
        if let (Some(purl), Json::String(what)) = (purl, &cells[2]) {
            cells[2] = json!(format!("{purl} {what}"));
        }
        named.push((format!("{function} {}", cells[2]), cells));
    }
    named.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, cells) in named {
        table.push(cells);
    }
    Ok(())
}
