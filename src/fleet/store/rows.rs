//! Everything in the store, row by row, for reports and exports; in the order of the keys.

use super::{Row, Store, StoreError, Value};
use crate::{ecosystem, fleet::Function, model::Coordinate};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, StoreError>;

/// A function, and the artifact that it ships now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRow {
    /// Its number.
    pub id: i64,
    /// The name of its source.
    pub source: String,
    /// What the source tells of it.
    pub function: Function,
    /// What its source gave to tell whether the artifact has changed.
    pub stamp: Option<String>,
    /// The number of its artifact; `None` where that could never be read.
    pub artifact: Option<i64>,
    /// That artifact's SHA-256 in hexadecimal.
    pub digest: Option<String>,
    /// Why its artifact could not be read in the last run that tried.
    pub failed: Option<String>,
    /// The run that saw it first.
    pub first_run: i64,
    /// The run that no longer saw it.
    pub gone_run: Option<i64>,
}

/// An artifact, once for each digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Its number.
    pub id: i64,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    /// `zip`, `tar`, ...
    pub kind: String,
    /// In bytes.
    pub size: i64,
}

/// Which artifact a function shipped from which run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentRow {
    /// The function's number.
    pub function: i64,
    /// The artifact's number.
    pub artifact: i64,
    /// The run that saw it first.
    pub from_run: i64,
    /// The run that saw another one, or none.
    pub to_run: Option<i64>,
}

/// A name and version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinateRow {
    /// Its number.
    pub id: i64,
    /// Our id of the ecosystem.
    pub ecosystem: String,
    /// Normalised.
    pub name: String,
    /// `None` where it is not known.
    pub version: Option<String>,
}

impl CoordinateRow {
    /// As the other rooms know it; `None` of an ecosystem that is not known here.
    #[must_use]
    pub fn coordinate(&self) -> Option<Coordinate> {
        let ecosystem = ecosystem::ALL.iter().find(|e| e.id.0 == self.ecosystem)?.id;
        Some(Coordinate {
            ecosystem,
            name: self.name.as_str().into(),
            version: self.version.as_deref().map(Into::into),
        })
    }
}

/// A component of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentRow {
    /// The artifact's number.
    pub artifact: i64,
    /// The coordinate's number.
    pub coordinate: i64,
    /// The strongest proof: `inferred`, `declared`, `locked`, `installed`.
    pub proof: &'static str,
    /// Of that, 0 to 1.
    pub confidence: f64,
    /// Whether the application itself asks for it; `None` where nothing tells.
    pub direct: Option<bool>,
    /// Coordinates by way of which it came in.
    pub by_way_of: Vec<i64>,
}

/// One component of an artifact requires another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeRow {
    /// The artifact's number.
    pub artifact: i64,
    /// The coordinate that requires...
    pub from: i64,
    /// ...this one.
    pub to: i64,
}

/// What could not be seen in an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRow {
    /// The artifact's number.
    pub artifact: i64,
    /// `blind` or `partial`.
    pub kind: String,
    /// Who met it.
    pub stage: String,
    /// Where.
    pub location: String,
    /// Why.
    pub reason: String,
}

/// A component whose version is not known, and of which there are advisories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtRow {
    /// The artifact's number.
    pub artifact: i64,
    /// The coordinate's number.
    pub coordinate: i64,
    /// Where it was seen.
    pub location: String,
    /// How many there are.
    pub reason: String,
}

/// What a run could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRow {
    /// The run.
    pub run: i64,
    /// The name of the source.
    pub source: String,
    /// The function; empty where the source itself could not be listed.
    pub name: String,
    /// Why.
    pub message: String,
}

/// Something that is wrong with a component, or (`coordinate` 0) with functions as such.
#[derive(Clone, Debug, PartialEq)]
pub struct FlawRow {
    /// Its number.
    pub id: i64,
    /// Id of the rule.
    pub rule: String,
    /// The coordinate's number, or 0.
    pub coordinate: i64,
    /// Id of the advisory, or empty.
    pub advisory: String,
    /// What tells it from others without a component.
    pub about: String,
    /// CVSS base score.
    pub score: Option<f64>,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Versions that mend it.
    pub fixed_in: Vec<String>,
    /// In one line.
    pub message: String,
    /// The day on which it was added to the known exploited ones.
    pub exploited: Option<String>,
    /// How likely it is to be exploited, 0 to 1.
    pub epss: Option<f64>,
}

/// A flaw is in an artifact, as of the last audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// The artifact's number.
    pub artifact: i64,
    /// The flaw's number.
    pub flaw: i64,
    /// `note`, `warning` or `error`.
    pub level: &'static str,
    /// `none` to `critical`.
    pub severity: Option<&'static str>,
    /// Where it lies.
    pub places: Vec<String>,
}

/// A life of a flaw in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// The function's number.
    pub function: i64,
    /// The flaw's number.
    pub flaw: i64,
    /// The audit that saw it first.
    pub first_run: i64,
    /// The last audit that saw it; `None` while it is open: that is the newest one.
    pub last_run: Option<i64>,
    /// The audit that no longer saw it.
    pub fixed_run: Option<i64>,
    /// `note`, `warning` or `error`.
    pub level: &'static str,
    /// `none` to `critical`.
    pub severity: Option<&'static str>,
}

/// Words in the order of their numbers in the store.
pub(in crate::fleet) const PROOFS: [&str; 4] = ["inferred", "declared", "locked", "installed"];
pub(in crate::fleet) const LEVELS: [&str; 3] = ["note", "warning", "error"];
pub(in crate::fleet) const SEVERITIES: [&str; 5] = ["none", "low", "medium", "high", "critical"];

fn word(words: &[&'static str], number: i64) -> Result<&'static str> {
    let word = usize::try_from(number).ok().and_then(|n| words.get(n));
    word.copied()
        .ok_or_else(|| StoreError::Damaged(format!("{number} stands for none of {}", words.join(", "))))
}

/// A list of texts as the store keeps it: parted by line feeds, of which no name, path or version may have one.
pub(in crate::fleet) fn lines<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts = texts.into_iter().map(|text| text.replace('\n', " "));
    texts.collect::<Vec<_>>().join("\n")
}

/// Numbers of rows as the store keeps them: parted by commas.
pub(in crate::fleet) fn numbers(text: &str) -> Vec<i64> {
    text.split(',').filter_map(|id| id.parse().ok()).collect()
}

fn listed(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// Reads a function from a row that begins with [`COLUMNS`]'s columns.
pub(in crate::fleet) fn function(row: &Row<'_>) -> Result<FunctionRow> {
    let tags: BTreeMap<String, String> =
        serde_json::from_str(row.text(12)?).map_err(|e| StoreError::Damaged(format!("tags: {e}")))?;
    Ok(FunctionRow {
        id: row.int(0)?,
        source: row.text(1)?.to_owned(),
        function: Function {
            name: row.text(2)?.to_owned(),
            location: row.text(3)?.to_owned(),
            runtime: owned(row.maybe_text(6)?),
            memory_mb: row.maybe_int(7)?,
            timeout_s: row.maybe_int(8)?,
            layers: listed(row.text(9)?),
            last_modified: owned(row.maybe_text(10)?),
            owner: owned(row.maybe_text(11)?),
            tags,
        },
        stamp: owned(row.maybe_text(4)?),
        artifact: row.maybe_int(5)?,
        failed: owned(row.maybe_text(13)?),
        first_run: row.int(14)?,
        gone_run: row.maybe_int(15)?,
        digest: owned(row.maybe_text(16)?),
    })
}

/// The columns that [`function`] reads, of tables `f`, `s` and `a`.
pub(in crate::fleet) const COLUMNS: &str = "f.id, s.name, f.name, f.location, f.stamp, f.artifact_id, f.runtime, f.memory_mb, \
     f.timeout_s, f.layers, f.last_modified, f.owner, f.tags, f.failed, f.first_run, f.gone_run, a.digest";

/// Those tables.
pub(in crate::fleet) const TABLES: &str =
    "FROM function f JOIN source s ON s.id = f.source_id LEFT JOIN artifact a ON a.id = f.artifact_id";

impl Store {
    /// Every function, also those that are gone.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn functions(&mut self, each: &mut dyn FnMut(FunctionRow) -> Result<()>) -> Result<()> {
        self.query(&format!("SELECT {COLUMNS} {TABLES} ORDER BY f.id"), &[], &mut |row| {
            each(function(row)?)
        })
    }

    /// Every artifact.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn artifacts(&mut self, each: &mut dyn FnMut(ArtifactRow) -> Result<()>) -> Result<()> {
        self.query(
            "SELECT id, digest, kind, size FROM artifact ORDER BY id",
            &[],
            &mut |row| {
                each(ArtifactRow {
                    id: row.int(0)?,
                    digest: row.text(1)?.to_owned(),
                    kind: row.text(2)?.to_owned(),
                    size: row.int(3)?,
                })
            },
        )
    }

    /// Which function shipped which artifact when.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn deployments(&mut self, each: &mut dyn FnMut(DeploymentRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT function_id, artifact_id, from_run, to_run FROM deployment ORDER BY function_id, from_run";
        self.query(sql, &[], &mut |row| {
            each(DeploymentRow {
                function: row.int(0)?,
                artifact: row.int(1)?,
                from_run: row.int(2)?,
                to_run: row.maybe_int(3)?,
            })
        })
    }

    /// Every name and version that any artifact has.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn coordinates(&mut self, each: &mut dyn FnMut(CoordinateRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT id, ecosystem, name, version FROM coordinate ORDER BY id";
        self.query(sql, &[], &mut |row| {
            each(CoordinateRow {
                id: row.int(0)?,
                ecosystem: row.text(1)?.to_owned(),
                name: row.text(2)?.to_owned(),
                version: Some(row.text(3)?.to_owned()).filter(|v| !v.is_empty()),
            })
        })
    }

    /// Versions of one package that any artifact has.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn coordinates_of(
        &mut self,
        ecosystem: &str,
        name: &str,
        each: &mut dyn FnMut(CoordinateRow) -> Result<()>,
    ) -> Result<()> {
        let sql = "SELECT id, version FROM coordinate WHERE ecosystem = $1 AND name = $2 ORDER BY id";
        self.query(sql, &[Value::Text(ecosystem), Value::Text(name)], &mut |row| {
            each(CoordinateRow {
                id: row.int(0)?,
                ecosystem: ecosystem.to_owned(),
                name: name.to_owned(),
                version: Some(row.text(1)?.to_owned()).filter(|v| !v.is_empty()),
            })
        })
    }

    /// The name and version of a number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn coordinate(&mut self, id: i64) -> Result<Option<Coordinate>> {
        let mut found = None;
        let sql = "SELECT ecosystem, name, version FROM coordinate WHERE id = $1";
        self.query(sql, &[Value::Int(id)], &mut |row| {
            let row = CoordinateRow {
                id,
                ecosystem: row.text(0)?.to_owned(),
                name: row.text(1)?.to_owned(),
                version: Some(row.text(2)?.to_owned()).filter(|v| !v.is_empty()),
            };
            found = row.coordinate();
            Ok(())
        })?;
        Ok(found)
    }

    /// Every component of every artifact.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn components(&mut self, each: &mut dyn FnMut(ComponentRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT artifact_id, coordinate_id, proof, confidence, direct, way FROM component \
                   ORDER BY artifact_id, coordinate_id";
        self.query(sql, &[], &mut |row| {
            let way = row.maybe_text(5)?.unwrap_or_default();
            each(ComponentRow {
                artifact: row.int(0)?,
                coordinate: row.int(1)?,
                proof: word(&PROOFS, row.int(2)?)?,
                confidence: row.maybe_real(3)?.unwrap_or_default(),
                direct: row.maybe_int(4)?.map(|direct| direct == 1),
                by_way_of: numbers(way),
            })
        })
    }

    /// Every edge of every artifact.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn edges(&mut self, each: &mut dyn FnMut(EdgeRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT artifact_id, from_id, to_id FROM edge ORDER BY artifact_id, from_id, to_id";
        self.query(sql, &[], &mut |row| {
            each(EdgeRow {
                artifact: row.int(0)?,
                from: row.int(1)?,
                to: row.int(2)?,
            })
        })
    }

    /// Every gap of every artifact.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn gaps(&mut self, each: &mut dyn FnMut(GapRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT artifact_id, kind, stage, location, reason FROM gap ORDER BY artifact_id, number";
        self.query(sql, &[], &mut |row| {
            each(GapRow {
                artifact: row.int(0)?,
                kind: row.text(1)?.to_owned(),
                stage: row.text(2)?.to_owned(),
                location: row.text(3)?.to_owned(),
                reason: row.text(4)?.to_owned(),
            })
        })
    }

    /// Components without a version of which there are advisories, as of the last audit.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn doubts(&mut self, each: &mut dyn FnMut(DoubtRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT artifact_id, coordinate_id, location, reason FROM doubt ORDER BY artifact_id, coordinate_id";
        self.query(sql, &[], &mut |row| {
            each(DoubtRow {
                artifact: row.int(0)?,
                coordinate: row.int(1)?,
                location: row.text(2)?.to_owned(),
                reason: row.text(3)?.to_owned(),
            })
        })
    }

    /// What runs could not read.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn failures(&mut self, each: &mut dyn FnMut(FailureRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT run_id, source, name, message FROM failure ORDER BY run_id, number";
        self.query(sql, &[], &mut |row| {
            each(FailureRow {
                run: row.int(0)?,
                source: row.text(1)?.to_owned(),
                name: row.text(2)?.to_owned(),
                message: row.text(3)?.to_owned(),
            })
        })
    }

    /// Everything that was ever found.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn flaws(&mut self, each: &mut dyn FnMut(FlawRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT id, rule, coordinate_id, advisory, about, score, aliases, fixed_in, message, exploited, epss \
                   FROM flaw ORDER BY id";
        self.query(sql, &[], &mut |row| {
            each(FlawRow {
                id: row.int(0)?,
                rule: row.text(1)?.to_owned(),
                coordinate: row.int(2)?,
                advisory: row.text(3)?.to_owned(),
                about: row.text(4)?.to_owned(),
                score: row.maybe_real(5)?,
                aliases: listed(row.text(6)?),
                fixed_in: listed(row.text(7)?),
                message: row.text(8)?.to_owned(),
                exploited: owned(row.maybe_text(9)?),
                epss: row.maybe_real(10)?,
            })
        })
    }

    /// Which flaw is in which artifact, as of the last audit.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn verdicts(&mut self, each: &mut dyn FnMut(VerdictRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT artifact_id, flaw_id, level, severity, places FROM verdict ORDER BY artifact_id, flaw_id";
        self.query(sql, &[], &mut |row| {
            each(VerdictRow {
                artifact: row.int(0)?,
                flaw: row.int(1)?,
                level: word(&LEVELS, row.int(2)?)?,
                severity: row.maybe_int(3)?.map(|s| word(&SEVERITIES, s)).transpose()?,
                places: listed(row.text(4)?),
            })
        })
    }

    /// Every finding of every function, also those that are fixed.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn findings(&mut self, each: &mut dyn FnMut(FindingRow) -> Result<()>) -> Result<()> {
        let sql = "SELECT function_id, flaw_id, first_run, last_run, fixed_run, level, severity FROM finding \
                   ORDER BY function_id, flaw_id, first_run";
        self.query(sql, &[], &mut |row| {
            each(FindingRow {
                function: row.int(0)?,
                flaw: row.int(1)?,
                first_run: row.int(2)?,
                last_run: row.maybe_int(3)?,
                fixed_run: row.maybe_int(4)?,
                level: word(&LEVELS, row.int(5)?)?,
                severity: row.maybe_int(6)?.map(|s| word(&SEVERITIES, s)).transpose()?,
            })
        })
    }
}
