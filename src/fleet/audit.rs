//! Asks the advisories about all that is deployed, without opening an artifact.
//!
//! What the advisories say is asked once for each name and version; each artifact is judged from what is kept of it; each
//! function has the findings of its artifact, and of its runtime. Where the advisories of the last audit are still at hand,
//! only artifacts are judged that hold a package of which these and the present ones say different things, and artifacts that
//! are new. All of it is one transaction: an audit has happened, or it has not.

use super::{
    store::{Kind, State, Store, StoreError, Value},
    verdict::{Doubt, Judge, Key, Verdict, changed},
};
use crate::{
    advisory::{Database, IndexError},
    audit::{self, Dossier, FORMAT},
    model::Coordinate,
    parse::hexadecimal,
};
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::SystemTime,
};

/// Artifacts that are judged at the same time: few enough to hold, many enough for every processor.
const CHUNK: usize = 256;

/// What can go wrong with an audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The advisories.
    #[error("the advisories: {0}")]
    Index(#[from] IndexError),
}

/// What an audit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The run's number.
    pub run: i64,
    /// Functions that are deployed.
    pub functions: usize,
    /// Artifacts that were judged in this one.
    pub judged: usize,
    /// Whether the others were left as they were, because nothing is new about them.
    pub incremental: bool,
    /// Findings that are new.
    pub new: usize,
    /// Findings that are gone.
    pub fixed: usize,
    /// Findings that there are.
    pub open: usize,
    /// Of these, by severity: `critical` to `none`, `unrated`.
    pub by_severity: BTreeMap<&'static str, usize>,
}

/// By what the last audit judged.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Basis {
    advisories: String,
    settings: String,
}

impl Basis {
    fn new(database: &Database, options: &audit::Options) -> Self {
        // What is not written here is the program's own, and another one with each version.
        let settings = format!("{FORMAT} {:?}", options.checks.typosquat_allow);
        Self {
            advisories: database.provenance().digest.clone(),
            settings: hexadecimal(&Sha256::digest(settings.as_bytes())),
        }
    }

    fn read(summary: &str) -> Option<Self> {
        let summary: Json = serde_json::from_str(summary).ok()?;
        let text = |name: &str| Some(summary.get("basis")?.get(name)?.as_str()?.to_owned());
        Some(Self {
            advisories: text("advisories")?,
            settings: text("settings")?,
        })
    }
}

/// Which artifacts are to be judged.
enum Wanted {
    All,
    These(HashSet<i64>),
}

/// Judges what is deployed, and gives every finding its life. `older` finds the database of a digest, where it is still there.
///
/// # Errors
/// When the store or the advisories cannot be read, or the store cannot be written: then nothing has changed.
pub fn audit(
    store: &mut Store,
    database: &Database,
    options: &audit::Options,
    older: &dyn Fn(&str) -> Option<Database>,
    now: SystemTime,
) -> Result<Summary, AuditError> {
    let time = humantime::format_rfc3339_seconds(now).to_string();
    let run = store.begin_run(Kind::Audit, "", &time)?;
    let done = store.transaction(|store| {
        let summary = judged(store, run, database, options, older, now)?;
        let basis = Basis::new(database, options);
        let provenance = database.provenance();
        let told = json!({
            "basis": {"advisories": basis.advisories, "settings": basis.settings},
            "advisories": {"source": provenance.source, "generated": provenance.generated, "records": provenance.records},
            "functions": summary.functions,
            "judged": summary.judged,
            "incremental": summary.incremental,
            "new": summary.new,
            "fixed": summary.fixed,
            "open": summary.open,
            "by_severity": summary.by_severity,
        });
        let finished = humantime::format_rfc3339_seconds(SystemTime::now().max(now)).to_string();
        store.finish_run(run, State::Done, &finished, &told.to_string())?;
        Ok(summary)
    });
    if done.is_err() {
        let _ = store.finish_run(run, State::Aborted, &time, "{}");
    }
    store.release_run(run)?;
    done
}

fn judged(
    store: &mut Store,
    run: i64,
    database: &Database,
    options: &audit::Options,
    older: &dyn Fn(&str) -> Option<Database>,
    now: SystemTime,
) -> Result<Summary, AuditError> {
    let before = last(store)?;
    let names = coordinates(store)?;
    let wanted = wanted(
        store,
        database,
        options,
        older,
        before.as_ref().map(|(_, basis)| basis),
        &names,
    )?;
    let all: Vec<Coordinate> = names.keys().cloned().collect();
    let judge = Judge::new(database, &options.checks, now, &all)?;

    let mut flaws = Flaws::read(store, &names)?;
    let mut summary = Summary {
        run,
        incremental: matches!(wanted, Wanted::These(_)),
        ..Summary::default()
    };
    let judged = judge_all(store, &judge, &wanted)?;
    summary.judged = judged.len();
    drop(all);
    let mut kept = Kept::read(store)?;
    kept.write(store, &judged, &mut flaws, &names)?;
    drop(judged);
    flaws.signal(store, database)?;
    super::life::live(
        store,
        before.map(|(run, _)| run),
        &judge,
        &kept.verdicts,
        &mut flaws,
        &names,
        &mut summary,
    )?;
    Ok(summary)
}

/// The last audit that came to its end.
fn last(store: &mut Store) -> Result<Option<(i64, Basis)>, StoreError> {
    let runs = store.runs()?.into_iter().rev();
    let mut done = runs.filter(|run| run.kind == Kind::Audit.as_str() && run.state == State::Done.as_str());
    Ok(done.next().and_then(|run| Some((run.id, Basis::read(&run.summary)?))))
}

/// The number of each name and version.
pub(super) type Numbers = BTreeMap<Coordinate, i64>;

fn coordinates(store: &mut Store) -> Result<Numbers, StoreError> {
    let mut all = Numbers::new();
    store.coordinates(&mut |row| {
        if let Some(coordinate) = row.coordinate() {
            all.insert(coordinate, row.id);
        }
        Ok(())
    })?;
    Ok(all)
}

fn wanted(
    store: &mut Store,
    database: &Database,
    options: &audit::Options,
    older: &dyn Fn(&str) -> Option<Database>,
    before: Option<&Basis>,
    names: &Numbers,
) -> Result<Wanted, AuditError> {
    let present = Basis::new(database, options);
    let Some(before) = before.filter(|b| b.settings == present.settings) else {
        return Ok(Wanted::All);
    };
    let mut these = HashSet::new();
    let mut add = |store: &mut Store, sql: &str, values: &[Value<'_>]| {
        store.query(sql, values, &mut |row| {
            these.insert(row.int(0)?);
            Ok(())
        })
    };
    if before.advisories != present.advisories {
        let Some(older) = older(&before.advisories) else {
            return Ok(Wanted::All);
        };
        // One of each name: what is asked is asked of all versions.
        let mut one: Vec<&Coordinate> = names.keys().collect();
        one.dedup_by(|a, b| (a.ecosystem, &a.name) == (b.ecosystem, &b.name));
        for name in changed(&older, database, &one)? {
            let sql = "SELECT c.artifact_id FROM coordinate n JOIN component c ON c.coordinate_id = n.id \
                       WHERE n.ecosystem = $1 AND n.name = $2";
            add(store, sql, &[Value::Text(name.ecosystem.0), Value::Text(&name.name)])?;
        }
    }
    // Never judged, or of a judgement that depends on the day.
    let sql = "SELECT a.id FROM artifact a WHERE a.dated = 1 OR NOT EXISTS \
               (SELECT 1 FROM judged j WHERE j.artifact_id = a.id)";
    add(store, sql, &[])?;
    Ok(Wanted::These(these))
}

type Judged = (i64, Vec<Verdict>, Vec<Doubt>);

/// Deployed artifacts, in the order of their numbers. One that an earlier plimsoll read stays as it was judged then.
fn judge_all(store: &mut Store, judge: &Judge<'_>, wanted: &Wanted) -> Result<Vec<Judged>, AuditError> {
    const FROM: &str = "SELECT a.id, a.digest, a.document FROM artifact a WHERE a.format = $1 AND EXISTS \
                        (SELECT 1 FROM function f WHERE f.artifact_id = a.id AND f.gone_run IS NULL)";
    let mut chunk: Vec<(i64, String, Vec<u8>)> = Vec::with_capacity(CHUNK);
    let mut judged: Vec<Judged> = Vec::new();
    let mut failed: Option<AuditError> = None;
    let mut flush = |chunk: &mut Vec<(i64, String, Vec<u8>)>, judged: &mut Vec<Judged>| {
        let one = |(id, digest, document): &(i64, String, Vec<u8>)| -> Result<Judged, AuditError> {
            let dossier = Dossier::read(document, digest.clone(), Some(digest.clone())).map_err(StoreError::Damaged)?;
            let (verdicts, doubts) = judge.of(dossier)?;
            Ok((*id, verdicts, doubts))
        };
        let done: Result<Vec<Judged>, AuditError> = chunk.par_iter().map(one).collect();
        chunk.clear();
        match done {
            Ok(done) => judged.extend(done),
            Err(e) => failed = failed.take().or(Some(e)),
        }
    };
    let mut take = |store: &mut Store, sql: &str, values: &[Value<'_>]| {
        store.query(sql, values, &mut |row| {
            chunk.push((row.int(0)?, row.text(1)?.to_owned(), row.bytes(2)?.to_vec()));
            if chunk.len() == CHUNK {
                flush(&mut chunk, &mut judged);
            }
            Ok(())
        })
    };
    match wanted {
        Wanted::All => take(store, &format!("{FROM} ORDER BY a.id"), &[Value::Text(FORMAT)])?,
        Wanted::These(these) => {
            let mut these: Vec<i64> = these.iter().copied().collect();
            these.sort_unstable();
            let sql = format!("{FROM} AND a.id = $2");
            for id in these {
                take(store, &sql, &[Value::Text(FORMAT), Value::Int(id)])?;
            }
        }
    }
    flush(&mut chunk, &mut judged);
    match failed {
        Some(e) => Err(e),
        None => Ok(judged),
    }
}

/// What is said of each flaw, and its number.
pub(super) struct Flaws {
    known: HashMap<Key, (i64, super::verdict::Said)>,
}

impl Flaws {
    fn read(store: &mut Store, names: &Numbers) -> Result<Self, StoreError> {
        let by_number: HashMap<i64, &Coordinate> = names.iter().map(|(name, id)| (*id, name)).collect();
        let mut known = HashMap::new();
        store.flaws(&mut |row| {
            let (Some(rule), subject) = (crate::check::rule(&row.rule), by_number.get(&row.coordinate)) else {
                return Ok(());
            };
            let key = Key {
                rule: rule.id,
                subject: subject.map(|s| (*s).clone()),
                advisory: row.advisory.into(),
                about: row.about.into(),
            };
            let said = super::verdict::Said {
                score: row.score,
                aliases: row.aliases.join("\n"),
                fixed_in: row.fixed_in.join("\n"),
                message: row.message,
                exploited: row.exploited,
                epss: row.epss,
            };
            known.insert(key, (row.id, said));
            Ok(())
        })?;
        Ok(Self { known })
    }

    /// The number of a flaw, which is written where it is new, or something else is said of it.
    pub(super) fn number(&mut self, store: &mut Store, names: &Numbers, verdict: &Verdict) -> Result<i64, StoreError> {
        let said = &verdict.said;
        if let Some((id, before)) = self.known.get_mut(&verdict.key) {
            if before != said {
                said_now(store, *id, said)?;
                *before = said.clone();
            }
            return Ok(*id);
        }
        let key = &verdict.key;
        let subject = key.subject.as_ref().and_then(|s| names.get(s)).copied().unwrap_or(0);
        let values = [
            Value::Text(key.rule),
            Value::Int(subject),
            Value::Text(&key.advisory),
            Value::Text(&key.about),
            said.score.into(),
            Value::Text(&said.aliases),
            Value::Text(&said.fixed_in),
            Value::Text(&said.message),
            said.exploited.as_ref().into(),
            said.epss.into(),
        ];
        let sql = "INSERT INTO flaw (rule, coordinate_id, advisory, about, score, aliases, fixed_in, message, exploited, \
                   epss) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id";
        let mut id = None;
        store.query(sql, &values, &mut |row| {
            id = Some(row.int(0)?);
            Ok(())
        })?;
        let id = id.ok_or_else(|| StoreError::Damaged("a flaw has no number".to_owned()))?;
        self.known.insert(key.clone(), (id, said.clone()));
        Ok(id)
    }

    /// What attackers do changes from day to day, also where nothing is judged anew.
    fn signal(&mut self, store: &mut Store, database: &Database) -> Result<(), StoreError> {
        let signals = database.signals();
        let mut all: Vec<_> = self
            .known
            .iter_mut()
            .filter(|(key, _)| !key.advisory.is_empty())
            .collect();
        all.sort_by_key(|(_, (id, _))| *id);
        for (key, (id, said)) in all {
            let names = || std::iter::once(&*key.advisory).chain(said.aliases.lines());
            let exploited = signals.exploited(names()).map(|e| e.added.to_string());
            let epss = signals.epss(names()).map(|e| e.score);
            if exploited != said.exploited || epss != said.epss {
                (said.exploited, said.epss) = (exploited, epss);
                said_now(store, *id, said)?;
            }
        }
        Ok(())
    }
}

fn said_now(store: &mut Store, id: i64, said: &super::verdict::Said) -> Result<(), StoreError> {
    let values = [
        said.score.into(),
        Value::Text(&said.aliases),
        Value::Text(&said.fixed_in),
        Value::Text(&said.message),
        said.exploited.as_ref().into(),
        said.epss.into(),
        Value::Int(id),
    ];
    let sql = "UPDATE flaw SET score = $1, aliases = $2, fixed_in = $3, message = $4, exploited = $5, epss = $6 WHERE id = $7";
    store.execute(sql, &values).map(|_| ())
}

/// A flaw in an artifact, as it is written: its number, level, severity, places.
pub(super) type Written = (i64, i64, Option<i64>, String);

/// What is written of every artifact.
#[derive(Default)]
struct Kept {
    verdicts: HashMap<i64, Vec<Written>>,
    doubts: HashMap<i64, Vec<(i64, String, String)>>,
}

impl Kept {
    fn read(store: &mut Store) -> Result<Self, StoreError> {
        let mut kept = Self::default();
        let sql = "SELECT artifact_id, flaw_id, level, severity, places FROM verdict ORDER BY artifact_id, flaw_id";
        store.query(sql, &[], &mut |row| {
            let written = (row.int(1)?, row.int(2)?, row.maybe_int(3)?, row.text(4)?.to_owned());
            kept.verdicts.entry(row.int(0)?).or_default().push(written);
            Ok(())
        })?;
        store.doubts(&mut |row| {
            let doubt = (row.coordinate, row.location, row.reason);
            kept.doubts.entry(row.artifact).or_default().push(doubt);
            Ok(())
        })?;
        Ok(kept)
    }

    /// Makes what is kept of the artifacts what was judged now. Only what differs is written: after most nights that is little,
    /// and a row costs three times as much to write as to read.
    fn write(
        &mut self,
        store: &mut Store,
        judged: &[Judged],
        flaws: &mut Flaws,
        names: &Numbers,
    ) -> Result<(), StoreError> {
        // What is not deployed is judged when it is again.
        let idle = "DELETE FROM judged WHERE NOT EXISTS (SELECT 1 FROM function f \
                    WHERE f.artifact_id = judged.artifact_id AND f.gone_run IS NULL)";
        store.execute(idle, &[])?;
        for chunk in judged.chunks(CHUNK) {
            let (mut changed, mut unsure) = (Vec::new(), Vec::new());
            for (artifact, verdicts, doubts) in chunk {
                let mut now = Vec::with_capacity(verdicts.len());
                for v in verdicts {
                    now.push((flaws.number(store, names, v)?, v.level, v.severity, v.places.clone()));
                }
                now.sort_unstable();
                let number = |(of, place, why): &Doubt| Some((*names.get(of)?, place.clone(), why.clone()));
                let mut doubts: Vec<_> = doubts.iter().filter_map(number).collect();
                doubts.sort_unstable();
                if replace(store, "verdict", &mut self.verdicts, *artifact, now)? {
                    changed.push(*artifact);
                }
                if replace(store, "doubt", &mut self.doubts, *artifact, doubts)? {
                    unsure.push(*artifact);
                }
            }
            let verdicts = rows(&self.verdicts, &changed, |artifact, (flaw, level, severity, places)| {
                [
                    artifact,
                    (*flaw).into(),
                    (*level).into(),
                    (*severity).into(),
                    places.into(),
                ]
            });
            let into = "verdict (artifact_id, flaw_id, level, severity, places)";
            store.insert(into, 5, &verdicts, "")?;
            let doubts = rows(&self.doubts, &unsure, |artifact, (coordinate, place, reason)| {
                [artifact, (*coordinate).into(), place.into(), reason.into()]
            });
            store.insert("doubt (artifact_id, coordinate_id, location, reason)", 4, &doubts, "")?;
            let done: Vec<Value<'_>> = chunk.iter().map(|(artifact, ..)| Value::Int(*artifact)).collect();
            store.insert("judged (artifact_id)", 1, &done, "ON CONFLICT DO NOTHING")?;
        }
        Ok(())
    }
}

/// Puts what is true of an artifact now in the place of what was, whose rows are removed; whether that was anything else.
fn replace<T: PartialEq>(
    store: &mut Store,
    table: &str,
    kept: &mut HashMap<i64, Vec<T>>,
    artifact: i64,
    now: Vec<T>,
) -> Result<bool, StoreError> {
    let before = kept.get(&artifact).map_or(&[][..], Vec::as_slice);
    if before == now {
        return Ok(false);
    }
    if !before.is_empty() {
        let sql = format!("DELETE FROM {table} WHERE artifact_id = $1");
        store.execute(&sql, &[Value::Int(artifact)])?;
    }
    kept.insert(artifact, now);
    Ok(true)
}

/// The values of these artifacts' rows.
fn rows<'k, T, const N: usize>(
    kept: &'k HashMap<i64, Vec<T>>,
    artifacts: &[i64],
    row: impl Fn(Value<'k>, &'k T) -> [Value<'k>; N],
) -> Vec<Value<'k>> {
    let mut values = Vec::new();
    for artifact in artifacts {
        for one in kept.get(artifact).into_iter().flatten() {
            values.extend(row(Value::Int(*artifact), one));
        }
    }
    values
}
