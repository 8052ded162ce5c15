//! What a sync writes: an artifact with all that it ships in one transaction, functions, failures.

use super::{
    Store, StoreError, Value,
    rows::{PROOFS, lines},
};
use crate::{
    audit::{Dossier, FORMAT},
    fleet::{Function, Listed},
    inventory::Origins,
    model::{Coordinate, Fact, Proof},
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

type Result<T> = std::result::Result<T, StoreError>;

/// How many components an artifact may have for the way of each to be worked out when it is written: the work grows with
/// their square. The largest honest one seen has 700.
const WAYS: usize = 5_000;

/// How many outermost components are kept of one that came in by way of many.
const WAY: usize = 8;

/// An artifact made ready to be written, so that the one thread that writes does nothing else.
#[derive(Debug)]
pub struct Draft {
    digest: String,
    kind: &'static str,
    size: i64,
    /// Whether what is wrong with it depends on the day: a runtime's support ends.
    dated: i64,
    document: Vec<u8>,
    /// Sorted: two workers that add the same names wait for one another, and never in a circle.
    names: Vec<Coordinate>,
    components: Vec<Drafted>,
    /// By the numbers of their names.
    edges: Vec<(usize, usize)>,
    /// Kind, stage, place, reason.
    gaps: Vec<(&'static str, &'static str, String, String)>,
}

#[derive(Debug)]
struct Drafted {
    proof: i64,
    confidence: f64,
    direct: Option<i64>,
    way: Vec<usize>,
}

impl Draft {
    /// Of what was learned. An artifact without a digest (a folder) is known by what was learned of it.
    #[must_use]
    pub fn new(dossier: &Dossier) -> Self {
        let document = dossier.write();
        let digest = dossier.sha256.clone().unwrap_or_else(|| {
            use sha2::{Digest as _, Sha256};
            format!("tree-{}", crate::parse::hexadecimal(&Sha256::digest(&document)))
        });
        let names: Vec<Coordinate> = dossier.inventory.iter().map(|c| c.coordinate.clone()).collect();
        let numbers: HashMap<&Coordinate, usize> = names.iter().enumerate().map(|(i, name)| (name, i)).collect();
        let number = |name: &Coordinate| numbers.get(name).copied();
        let origins = (names.len() <= WAYS).then(|| Origins::new(&dossier.inventory));
        let mut components = Vec::with_capacity(names.len());
        let mut edges = Vec::new();
        for (i, component) in dossier.inventory.iter().enumerate() {
            let proof = component.proof();
            let sure = component.evidence.iter().filter(|e| e.proof == proof);
            let (direct, way) = match &origins {
                Some(origins) => origins.of(&component.coordinate),
                None => (
                    component.facts().any(|f| *f == Fact::Direct).then_some(true),
                    Vec::new(),
                ),
            };
            components.push(Drafted {
                proof: proof_number(proof),
                confidence: crate::parse::evidence::rounded(sure.map(|e| e.confidence).fold(0.0, f32::max)),
                direct: direct.map(i64::from),
                way: way.iter().filter_map(number).take(WAY).collect(),
            });
            edges.extend(component.requires.iter().filter_map(number).map(|to| (i, to)));
        }
        let gaps = dossier.gaps.iter();
        Self {
            digest,
            kind: dossier.kind,
            size: i64::try_from(dossier.size).unwrap_or(i64::MAX),
            dated: i64::from(!dossier.runtimes.is_empty()),
            document,
            gaps: gaps
                .map(|g| (g.kind.as_str(), g.stage, g.location.to_string(), g.reason.clone()))
                .collect(),
            names,
            components,
            edges,
        }
    }

    /// SHA-256 in hexadecimal, or what stands for it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many components it has.
    #[must_use]
    pub fn components(&self) -> usize {
        self.components.len()
    }
}

fn proof_number(proof: Proof) -> i64 {
    let at = PROOFS.iter().position(|word| *word == proof.as_str());
    i64::try_from(at.unwrap_or_default()).unwrap_or_default()
}

/// The numbers of names that are known to be written.
#[derive(Debug, Default)]
pub struct Names(HashMap<Coordinate, i64>);

/// What the store knows of a function of a source.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// What its source gave to tell whether the artifact has changed.
    pub stamp: Option<String>,
    /// Its artifact, where that was read in the present format.
    pub artifact: Option<i64>,
    /// A hash of all that its source tells of it.
    pub facts: u64,
    /// Whether it is gone.
    pub gone: bool,
    /// Whether its artifact could not be read.
    pub failed: bool,
}

/// A hash by which a change of what a source tells is noticed, within one process.
#[must_use]
pub fn facts(function: &Function) -> u64 {
    let mut hasher = DefaultHasher::new();
    function.hash(&mut hasher);
    hasher.finish()
}

impl Store {
    /// The number of a source, which is written where it is new.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn source(&mut self, name: &str) -> Result<i64> {
        let mut id = None;
        let ask = "SELECT id FROM source WHERE name = $1";
        self.one(ask, &[Value::Text(name)], &mut id)?;
        if id.is_none() {
            let add = "INSERT INTO source (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
            self.execute(add, &[Value::Text(name)])?;
            self.one(ask, &[Value::Text(name)], &mut id)?;
        }
        id.ok_or_else(|| StoreError::Damaged(format!("source `{name}` has no number")))
    }

    fn one(&mut self, sql: &str, values: &[Value<'_>], id: &mut Option<i64>) -> Result<()> {
        self.query(sql, values, &mut |row| {
            *id = Some(row.int(0)?);
            Ok(())
        })
    }

    /// What is known of the functions of a source, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known(&mut self, source: i64) -> Result<HashMap<String, Known>> {
        let mut known = HashMap::new();
        let sql = format!(
            "SELECT {}, a.format {} WHERE f.source_id = $1",
            super::rows::COLUMNS,
            super::rows::TABLES
        );
        self.query(&sql, &[Value::Int(source)], &mut |row| {
            let format = row.maybe_text(17)?.map(str::to_owned);
            let function = super::rows::function(row)?;
            known.insert(
                function.function.name.clone(),
                Known {
                    id: function.id,
                    stamp: function.stamp,
                    artifact: function.artifact.filter(|_| format.as_deref() == Some(FORMAT)),
                    facts: facts(&function.function),
                    gone: function.gone_run.is_some(),
                    failed: function.failed.is_some(),
                },
            );
            Ok(())
        })?;
        Ok(known)
    }

    /// Artifacts that were read in the present format, by digest.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn read_artifacts(&mut self) -> Result<HashMap<String, i64>> {
        let mut read = HashMap::new();
        let sql = "SELECT digest, id FROM artifact WHERE format = $1";
        self.query(sql, &[Value::Text(FORMAT)], &mut |row| {
            read.insert(row.text(0)?.to_owned(), row.int(1)?);
            Ok(())
        })?;
        Ok(read)
    }

    /// The numbers of all names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn names(&mut self) -> Result<Names> {
        let mut names = HashMap::new();
        self.coordinates(&mut |row| {
            if let Some(name) = row.coordinate() {
                names.insert(name, row.id);
            }
            Ok(())
        })?;
        Ok(Names(names))
    }

    /// Writes an artifact with all that it ships, and the function that it was read for, in one transaction; the artifact's
    /// number.
    ///
    /// # Errors
    /// When the store cannot be written: nothing of it is, then.
    pub fn write_artifact(&mut self, run: i64, draft: &Draft, function: &Change<'_>, names: &mut Names) -> Result<i64> {
        let (artifact, new) = self.transaction(|store| {
            let mut new = Vec::new();
            let artifact = store.artifact(draft, names, &mut new)?;
            store.write_function(run, function, Some(artifact), None)?;
            Ok::<_, StoreError>((artifact, new))
        })?;
        // Only now: names of a transaction that failed have no number.
        names.0.extend(new);
        Ok(artifact)
    }

    fn artifact(&mut self, draft: &Draft, names: &Names, new: &mut Vec<(Coordinate, i64)>) -> Result<i64> {
        let mut found: Option<(i64, bool)> = None;
        let ask = "SELECT id, format FROM artifact WHERE digest = $1";
        self.query(ask, &[Value::Text(&draft.digest)], &mut |row| {
            found = Some((row.int(0)?, row.text(1)? == FORMAT));
            Ok(())
        })?;
        let id = match found {
            Some((id, true)) => return Ok(id),
            Some((id, false)) => {
                for table in ["component", "edge", "gap", "verdict", "doubt", "judged"] {
                    self.execute(
                        &format!("DELETE FROM {table} WHERE artifact_id = $1"),
                        &[Value::Int(id)],
                    )?;
                }
                let sql = "UPDATE artifact SET format = $1, kind = $2, size = $3, document = $4, dated = $5 \
                           WHERE id = $6";
                let values = [
                    Value::Text(FORMAT),
                    Value::Text(draft.kind),
                    Value::Int(draft.size),
                    Value::Bytes(&draft.document),
                    Value::Int(draft.dated),
                    Value::Int(id),
                ];
                self.execute(sql, &values)?;
                id
            }
            None => {
                let add = "INSERT INTO artifact (digest, format, kind, size, document, dated) \
                           VALUES ($1, $2, $3, $4, $5, $6) \
                           ON CONFLICT (digest) DO NOTHING RETURNING id";
                let values = [
                    Value::Text(&draft.digest),
                    Value::Text(FORMAT),
                    Value::Text(draft.kind),
                    Value::Int(draft.size),
                    Value::Bytes(&draft.document),
                    Value::Int(draft.dated),
                ];
                let mut id = None;
                self.one(add, &values, &mut id)?;
                let Some(id) = id else {
                    // Another worker was here in between, and wrote all of it.
                    self.one("SELECT id FROM artifact WHERE digest = $1", &values[..1], &mut id)?;
                    return id.ok_or_else(|| StoreError::Damaged("an artifact has no number".to_owned()));
                };
                id
            }
        };
        let mut numbers = Vec::with_capacity(draft.names.len());
        for name in &draft.names {
            let number = if let Some(number) = names.0.get(name) {
                *number
            } else {
                let number = self.name(name)?;
                new.push((name.clone(), number));
                number
            };
            numbers.push(number);
        }
        self.contents(id, draft, &numbers)?;
        Ok(id)
    }

    fn name(&mut self, name: &Coordinate) -> Result<i64> {
        let values = [
            Value::Text(name.ecosystem.0),
            Value::Text(&name.name),
            Value::Text(name.version.as_deref().unwrap_or_default()),
        ];
        let mut id = None;
        let add = "INSERT INTO coordinate (ecosystem, name, version) VALUES ($1, $2, $3) \
                   ON CONFLICT (ecosystem, name, version) DO NOTHING RETURNING id";
        self.one(add, &values, &mut id)?;
        if id.is_none() {
            let ask = "SELECT id FROM coordinate WHERE ecosystem = $1 AND name = $2 AND version = $3";
            self.one(ask, &values, &mut id)?;
        }
        id.ok_or_else(|| StoreError::Damaged(format!("`{}` has no number", name.name)))
    }

    fn contents(&mut self, artifact: i64, draft: &Draft, numbers: &[i64]) -> Result<()> {
        let ways: Vec<Option<String>> = draft
            .components
            .iter()
            .map(|c| {
                let way: Vec<String> = c.way.iter().map(|&i| numbers[i].to_string()).collect();
                (!way.is_empty()).then(|| way.join(","))
            })
            .collect();
        // In the order of the key, which is the order on the disk.
        let mut order: Vec<usize> = (0..draft.components.len()).collect();
        order.sort_unstable_by_key(|&i| numbers[i]);
        let mut values = Vec::with_capacity(order.len() * 6);
        for i in order {
            let component = &draft.components[i];
            values.extend([
                Value::Int(artifact),
                Value::Int(numbers[i]),
                Value::Int(component.proof),
                Value::Real(component.confidence),
                component.direct.into(),
                ways[i].as_deref().into(),
            ]);
        }
        let columns = "component (artifact_id, coordinate_id, proof, confidence, direct, way)";
        self.insert(columns, 6, &values, "")?;
        let mut edges: Vec<(i64, i64)> = draft.edges.iter().map(|&(a, b)| (numbers[a], numbers[b])).collect();
        edges.sort_unstable();
        edges.dedup();
        let values: Vec<Value<'_>> = edges
            .iter()
            .flat_map(|&(from, to)| [Value::Int(artifact), Value::Int(from), Value::Int(to)])
            .collect();
        self.insert("edge (artifact_id, from_id, to_id)", 3, &values, "")?;
        let gaps = (0_i64..).zip(&draft.gaps);
        let values: Vec<Value<'_>> = gaps
            .flat_map(|(number, (kind, stage, location, reason))| {
                [
                    Value::Int(artifact),
                    Value::Int(number),
                    Value::Text(kind),
                    Value::Text(stage),
                    Value::Text(location),
                    Value::Text(reason),
                ]
            })
            .collect();
        let columns = "gap (artifact_id, number, kind, stage, location, reason)";
        self.insert(columns, 6, &values, "")
    }

    /// Writes what is new of functions whose artifacts are written already, or could not be read, in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written: nothing of it is, then.
    pub fn write_functions(&mut self, run: i64, changes: &[(Change<'_>, Outcome<'_>)]) -> Result<()> {
        self.transaction(|store| {
            for (change, outcome) in changes {
                match outcome {
                    Outcome::Ships(artifact) => store.write_function(run, change, Some(*artifact), None)?,
                    Outcome::Failed(message) => store.write_function(run, change, None, Some(message))?,
                }
            }
            Ok(())
        })
    }

    fn write_function(
        &mut self,
        run: i64,
        change: &Change<'_>,
        ships: Option<i64>,
        failed: Option<&str>,
    ) -> Result<()> {
        let function = &change.listed.function;
        let layers = lines(function.layers.iter().map(String::as_str));
        let tags = serde_json::to_string(&function.tags).unwrap_or_else(|_| "{}".to_owned());
        // Of what could not be read, the stamp is not kept: the next run tries again.
        let stamp = change.listed.stamp.as_deref().filter(|_| failed.is_none());
        let values = [
            Value::Int(change.source),
            Value::Text(&function.name),
            Value::Text(&function.location),
            stamp.into(),
            ships.into(),
            function.runtime.as_ref().into(),
            function.memory_mb.into(),
            function.timeout_s.into(),
            Value::Text(&layers),
            function.last_modified.as_ref().into(),
            function.owner.as_ref().into(),
            Value::Text(&tags),
            failed.into(),
            Value::Int(run),
        ];
        // What could not be read today is still what was read of it before.
        let sql = "INSERT INTO function (source_id, name, location, stamp, artifact_id, runtime, memory_mb, timeout_s, \
                   layers, last_modified, owner, tags, failed, first_run) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                   ON CONFLICT (source_id, name) DO UPDATE SET location = excluded.location, stamp = excluded.stamp, \
                   artifact_id = COALESCE(excluded.artifact_id, function.artifact_id), runtime = excluded.runtime, \
                   memory_mb = excluded.memory_mb, timeout_s = excluded.timeout_s, layers = excluded.layers, \
                   last_modified = excluded.last_modified, owner = excluded.owner, tags = excluded.tags, \
                   failed = excluded.failed, gone_run = NULL RETURNING id";
        let mut id = None;
        self.one(sql, &values, &mut id)?;
        let id = id.ok_or_else(|| StoreError::Damaged("a function has no number".to_owned()))?;
        if let Some(artifact) = ships {
            let same = "SELECT artifact_id FROM deployment WHERE function_id = $1 AND to_run IS NULL";
            let mut now = None;
            self.one(same, &[Value::Int(id)], &mut now)?;
            if now != Some(artifact) {
                self.end_deployment(run, id)?;
                let sql = "INSERT INTO deployment (function_id, from_run, artifact_id) VALUES ($1, $2, $3) \
                           ON CONFLICT (function_id, from_run) DO UPDATE SET artifact_id = excluded.artifact_id, \
                           to_run = NULL";
                self.execute(sql, &[Value::Int(id), Value::Int(run), Value::Int(artifact)])?;
            }
        }
        Ok(())
    }

    fn end_deployment(&mut self, run: i64, function: i64) -> Result<()> {
        let sql = "UPDATE deployment SET to_run = $1 WHERE function_id = $2 AND to_run IS NULL";
        self.execute(sql, &[Value::Int(run), Value::Int(function)]).map(|_| ())
    }

    /// Marks functions that a whole list no longer names, in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn write_gone(&mut self, run: i64, functions: &[i64]) -> Result<()> {
        if functions.is_empty() {
            return Ok(());
        }
        self.transaction(|store| {
            for function in functions {
                let sql = "UPDATE function SET gone_run = $1 WHERE id = $2 AND gone_run IS NULL";
                store.execute(sql, &[Value::Int(run), Value::Int(*function)])?;
                store.end_deployment(run, *function)?;
            }
            Ok(())
        })
    }

    /// Writes what a run could not read: source, function (empty for the source itself), why.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn write_failures(&mut self, run: i64, failures: &[(String, String, String)]) -> Result<()> {
        let values: Vec<Value<'_>> = (0_i64..)
            .zip(failures)
            .flat_map(|(number, (source, name, message))| {
                [
                    Value::Int(run),
                    Value::Int(number),
                    Value::Text(source),
                    Value::Text(name),
                    Value::Text(message),
                ]
            })
            .collect();
        self.insert("failure (run_id, number, source, name, message)", 5, &values, "")
    }
}

/// A function whose row is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Change<'c> {
    /// The number of its source.
    pub source: i64,
    /// As listed.
    pub listed: &'c Listed,
}

/// What came of reading its artifact.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'o> {
    /// The number of the artifact.
    Ships(i64),
    /// Why it could not be read.
    Failed(&'o str),
}
