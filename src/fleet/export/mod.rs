//! The store as Parquet, for engines that ask questions of any size: DuckDB, Athena, Spark, DataFusion.
//!
//! | table | a row is |
//! |---|---|
//! | `functions` | a function, and the digest of the artifact that it ships |
//! | `components` | a component of an artifact |
//! | `edges` | a component of an artifact that requires another one |
//! | `findings` | a life of a finding: since when, and until when |
//! | `gaps` | what could not be seen in an artifact |
//!
//! Partitions are named as Hive does (`components/date=2026-11-25/part-0.parquet`), by the day of the last run. A night that is
//! exported again replaces its own.

mod sheet;

use super::store::{CoordinateRow, Store, StoreError};
use crate::ecosystem;
use parquet::errors::ParquetError;
use sheet::{Cell, Holds, Sheet};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error("{0}")]
    Parquet(#[from] ParquetError),
    /// There is nothing.
    #[error("no run has come to its end; begin with `plimsoll inventory sync`")]
    Nothing,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The partition.
    pub date: String,
    /// Rows of each table.
    pub rows: Vec<(&'static str, u64)>,
}

/// What several tables name by number.
struct Names {
    coordinates: HashMap<i64, CoordinateRow>,
    digests: HashMap<i64, String>,
    /// Artifacts that a function ships now.
    shipped: HashSet<i64>,
    runs: HashMap<i64, String>,
    last_audit: Option<String>,
}

/// Writes every table below `folder`.
///
/// # Errors
/// When the store cannot be read, or a file cannot be written; files that were whole before stay.
pub fn parquet(store: &mut Store, folder: &Path) -> Result<Exported, ExportError> {
    let runs = store.runs()?;
    let done = || runs.iter().filter(|run| run.state == "done");
    let last = done().next_back().ok_or(ExportError::Nothing)?;
    let date: String = last.started.chars().take(10).collect();
    let mut names = Names {
        coordinates: HashMap::new(),
        digests: HashMap::new(),
        shipped: HashSet::new(),
        last_audit: done().rfind(|run| run.kind == "audit").map(|run| run.started.clone()),
        runs: runs.iter().map(|run| (run.id, run.started.clone())).collect(),
    };
    store.coordinates(&mut |row| {
        names.coordinates.insert(row.id, row);
        Ok(())
    })?;
    store.artifacts(&mut |row| {
        names.digests.insert(row.id, row.digest);
        Ok(())
    })?;
    let mut rows = Vec::new();
    let functions = functions(store, &mut names, folder, &date)?;
    rows.push(("functions", functions.rows));
    rows.push(("components", components(store, &names, folder, &date)?));
    rows.push(("edges", edges(store, &names, folder, &date)?));
    rows.push(("findings", findings(store, &names, &functions.names, folder, &date)?));
    rows.push(("gaps", gaps(store, &names, folder, &date)?));
    Ok(Exported { date, rows })
}

/// Rows on their way from the store into a file. The store's callback knows only its own errors.
fn pour(
    mut sheet: Sheet,
    from: impl FnOnce(&mut dyn FnMut(&[Cell<'_>]) -> Result<(), StoreError>) -> Result<(), StoreError>,
) -> Result<u64, ExportError> {
    let (mut rows, mut failed) = (0, None);
    let poured = from(&mut |cells| {
        rows += 1;
        sheet.row(cells).map_err(|e| {
            let said = StoreError::Damaged(e.to_string());
            failed = Some(e);
            said
        })
    });
    match (failed, poured) {
        (Some(e), _) => Err(e.into()),
        (None, Err(e)) => Err(e.into()),
        (None, Ok(())) => {
            sheet.close()?;
            Ok(rows)
        }
    }
}

struct Functions {
    rows: u64,
    names: HashMap<i64, (String, String)>,
}

fn functions(store: &mut Store, names: &mut Names, folder: &Path, date: &str) -> Result<Functions, ExportError> {
    let columns = [
        ("name", Holds::Text),
        ("source", Holds::Text),
        ("location", Holds::Text),
        ("digest", Holds::Text),
        ("runtime", Holds::Text),
        ("memory_mb", Holds::Int),
        ("timeout_s", Holds::Int),
        ("layers", Holds::List),
        ("last_modified", Holds::Text),
        ("owner", Holds::Text),
        ("tags", Holds::Text),
        ("failed", Holds::Text),
        ("first_seen", Holds::Time),
        ("gone", Holds::Time),
    ];
    let sheet = Sheet::new(folder, "functions", date, &columns)?;
    let mut known = HashMap::new();
    let rows = pour(sheet, |put| {
        store.functions(&mut |row| {
            if row.gone_run.is_none() {
                names.shipped.extend(row.artifact);
            }
            let function = &row.function;
            let tags = serde_json::to_string(&function.tags).unwrap_or_default();
            let time = |run: &i64| names.runs.get(run).map(String::as_str);
            put(&[
                Cell::Text(Some(&function.name)),
                Cell::Text(Some(&row.source)),
                Cell::Text(Some(&function.location)),
                Cell::Text(row.digest.as_deref()),
                Cell::Text(function.runtime.as_deref()),
                Cell::Int(function.memory_mb),
                Cell::Int(function.timeout_s),
                Cell::List(&function.layers),
                Cell::Text(function.last_modified.as_deref()),
                Cell::Text(function.owner.as_deref()),
                Cell::Text(Some(&tags)),
                Cell::Text(row.failed.as_deref()),
                Cell::Time(time(&row.first_run)),
                Cell::Time(row.gone_run.as_ref().and_then(time)),
            ])?;
            known.insert(row.id, (row.source, row.function.name));
            Ok(())
        })
    })?;
    Ok(Functions { rows, names: known })
}

impl Names {
    fn digest(&self, artifact: i64) -> Option<&str> {
        let shipped = self.shipped.contains(&artifact);
        self.digests.get(&artifact).filter(|_| shipped).map(String::as_str)
    }

    fn coordinate(&self, id: i64) -> Result<&CoordinateRow, StoreError> {
        let missing = || StoreError::Damaged(format!("there is no coordinate {id}"));
        self.coordinates.get(&id).ok_or_else(missing)
    }
}

/// `name@version`, or the name alone.
fn versioned(row: &CoordinateRow) -> String {
    let version = row
        .version
        .as_ref()
        .map_or_else(String::new, |version| format!("@{version}"));
    format!("{}{version}", row.name)
}

fn purl(row: &CoordinateRow) -> Option<String> {
    let ecosystem = ecosystem::ALL.iter().find(|e| e.id.0 == row.ecosystem)?;
    Some(ecosystem::purl(
        &ecosystem.coordinate(&row.name, row.version.as_deref()),
    ))
}

fn components(store: &mut Store, names: &Names, folder: &Path, date: &str) -> Result<u64, ExportError> {
    let columns = [
        ("digest", Holds::Text),
        ("ecosystem", Holds::Text),
        ("name", Holds::Text),
        ("version", Holds::Text),
        ("purl", Holds::Text),
        ("proof", Holds::Text),
        ("confidence", Holds::Real),
        ("direct", Holds::Flag),
        ("by_way_of", Holds::List),
    ];
    let purls: HashMap<i64, String> = names
        .coordinates
        .iter()
        .filter_map(|(id, row)| Some((*id, purl(row)?)))
        .collect();
    let sheet = Sheet::new(folder, "components", date, &columns)?;
    pour(sheet, |put| {
        store.components(&mut |row| {
            let Some(digest) = names.digest(row.artifact) else {
                return Ok(());
            };
            let coordinate = names.coordinate(row.coordinate)?;
            let way = row.by_way_of.iter().map(|id| names.coordinate(*id).map(versioned));
            put(&[
                Cell::Text(Some(digest)),
                Cell::Text(Some(&coordinate.ecosystem)),
                Cell::Text(Some(&coordinate.name)),
                Cell::Text(coordinate.version.as_deref()),
                Cell::Text(purls.get(&row.coordinate).map(String::as_str)),
                Cell::Text(Some(row.proof)),
                Cell::Real(Some(row.confidence)),
                Cell::Flag(row.direct),
                Cell::List(&way.collect::<Result<Vec<_>, _>>()?),
            ])
        })
    })
}

fn edges(store: &mut Store, names: &Names, folder: &Path, date: &str) -> Result<u64, ExportError> {
    let columns = [
        ("digest", Holds::Text),
        ("ecosystem", Holds::Text),
        ("from_name", Holds::Text),
        ("from_version", Holds::Text),
        ("to_name", Holds::Text),
        ("to_version", Holds::Text),
    ];
    let sheet = Sheet::new(folder, "edges", date, &columns)?;
    pour(sheet, |put| {
        store.edges(&mut |row| {
            let Some(digest) = names.digest(row.artifact) else {
                return Ok(());
            };
            let (from, to) = (names.coordinate(row.from)?, names.coordinate(row.to)?);
            put(&[
                Cell::Text(Some(digest)),
                Cell::Text(Some(&from.ecosystem)),
                Cell::Text(Some(&from.name)),
                Cell::Text(from.version.as_deref()),
                Cell::Text(Some(&to.name)),
                Cell::Text(to.version.as_deref()),
            ])
        })
    })
}

fn findings(
    store: &mut Store,
    names: &Names,
    functions: &HashMap<i64, (String, String)>,
    folder: &Path,
    date: &str,
) -> Result<u64, ExportError> {
    let columns = [
        ("function", Holds::Text),
        ("source", Holds::Text),
        ("rule", Holds::Text),
        ("level", Holds::Text),
        ("severity", Holds::Text),
        ("score", Holds::Real),
        ("ecosystem", Holds::Text),
        ("name", Holds::Text),
        ("version", Holds::Text),
        ("advisory", Holds::Text),
        ("aliases", Holds::List),
        ("fixed_in", Holds::List),
        ("message", Holds::Text),
        ("exploited", Holds::Text),
        ("epss", Holds::Real),
        ("first_seen", Holds::Time),
        ("last_seen", Holds::Time),
        ("fixed_on", Holds::Time),
    ];
    let mut flaws = HashMap::new();
    store.flaws(&mut |row| {
        flaws.insert(row.id, row);
        Ok(())
    })?;
    let sheet = Sheet::new(folder, "findings", date, &columns)?;
    pour(sheet, |put| {
        store.findings(&mut |row| {
            let missing = |what: &str, id: i64| StoreError::Damaged(format!("there is no {what} {id}"));
            let flaw = flaws.get(&row.flaw).ok_or_else(|| missing("flaw", row.flaw))?;
            let (source, function) = functions
                .get(&row.function)
                .ok_or_else(|| missing("function", row.function))?;
            let coordinate = (flaw.coordinate != 0)
                .then(|| names.coordinate(flaw.coordinate))
                .transpose()?;
            let time = |run: i64| names.runs.get(&run).map(String::as_str);
            let last = row.last_run.map_or(names.last_audit.as_deref(), time);
            put(&[
                Cell::Text(Some(function)),
                Cell::Text(Some(source)),
                Cell::Text(Some(&flaw.rule)),
                Cell::Text(Some(row.level)),
                Cell::Text(row.severity),
                Cell::Real(flaw.score),
                Cell::Text(coordinate.map(|c| &*c.ecosystem)),
                Cell::Text(coordinate.map(|c| &*c.name)),
                Cell::Text(coordinate.and_then(|c| c.version.as_deref())),
                Cell::Text(Some(&*flaw.advisory).filter(|id| !id.is_empty())),
                Cell::List(&flaw.aliases),
                Cell::List(&flaw.fixed_in),
                Cell::Text(Some(&flaw.message)),
                Cell::Text(flaw.exploited.as_deref()),
                Cell::Real(flaw.epss),
                Cell::Time(time(row.first_run)),
                Cell::Time(last),
                Cell::Time(row.fixed_run.and_then(time)),
            ])
        })
    })
}

fn gaps(store: &mut Store, names: &Names, folder: &Path, date: &str) -> Result<u64, ExportError> {
    let columns = [
        ("digest", Holds::Text),
        ("kind", Holds::Text),
        ("stage", Holds::Text),
        ("location", Holds::Text),
        ("reason", Holds::Text),
    ];
    let sheet = Sheet::new(folder, "gaps", date, &columns)?;
    pour(sheet, |put| {
        store.gaps(&mut |row| {
            let Some(digest) = names.digest(row.artifact) else {
                return Ok(());
            };
            put(&[
                Cell::Text(Some(digest)),
                Cell::Text(Some(&row.kind)),
                Cell::Text(Some(&row.stage)),
                Cell::Text(Some(&row.location)),
                Cell::Text(Some(&row.reason)),
            ])
        })
    })
}
