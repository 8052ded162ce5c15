//! Runs: who did what, and whether it came to its end.

use super::{Store, StoreError, Value};

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read artifacts.
    Sync,
    /// Asked the advisories.
    Audit,
}

impl Kind {
    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Audit => "audit",
        }
    }
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is at work.
    Running,
    /// It came to its end.
    Done,
    /// It ended before; what it did by then is whole.
    Aborted,
}

impl State {
    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Aborted => "aborted",
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Numbers rise with time.
    pub id: i64,
    /// `sync` or `audit`.
    pub kind: String,
    /// `running`, `done` or `aborted`.
    pub state: String,
    /// Which part of the functions it was for (`2/4`); empty for all.
    pub part: String,
    /// RFC 3339.
    pub started: String,
    /// RFC 3339.
    pub finished: Option<String>,
    /// The version of plimsoll.
    pub program: String,
    /// What it counted, as a JSON object.
    pub summary: String,
}

impl Store {
    /// Begins a run, and takes its lease. Runs whose lease nobody holds have died: they are marked as aborted first.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin_run(&mut self, kind: Kind, part: &str, now: &str) -> Result<i64, StoreError> {
        self.abort_the_dead(now)?;
        let mut id = None;
        // The lease is taken before anybody can see the run.
        self.transaction(|store| {
            let sql = "INSERT INTO run (kind, state, part, started, program, summary) \
                       VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
            let values = [
                Value::Text(kind.as_str()),
                Value::Text(State::Running.as_str()),
                Value::Text(part),
                Value::Text(now),
                Value::Text(env!("CARGO_PKG_VERSION")),
                Value::Text("{}"),
            ];
            store.query(sql, &values, &mut |row| {
                id = Some(row.int(0)?);
                Ok(())
            })?;
            let run = id.ok_or_else(|| StoreError::Damaged("a run has no number".to_owned()))?;
            if store.link.lease(run)? {
                Ok(run)
            } else {
                Err(StoreError::Busy(store.place.clone()))
            }
        })
    }

    /// Marks runs that have died; which these are.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn abort_the_dead(&mut self, now: &str) -> Result<Vec<i64>, StoreError> {
        let mut running = Vec::new();
        self.query("SELECT id FROM run WHERE state = 'running'", &[], &mut |row| {
            running.push(row.int(0)?);
            Ok(())
        })?;
        let mut dead = Vec::new();
        for run in running {
            if self.link.lease(run)? {
                self.end(run, State::Aborted, now, None)?;
                dead.push(run);
            }
        }
        Ok(dead)
    }

    /// Ends a run, within the transaction that it ends with; the lease is given back by [`Store::release_run`].
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn finish_run(&mut self, run: i64, state: State, now: &str, summary: &str) -> Result<(), StoreError> {
        let sql = "UPDATE run SET state = $1, finished = $2, summary = $3 WHERE id = $4 AND state = 'running'";
        let values = [
            Value::Text(state.as_str()),
            Value::Text(now),
            Value::Text(summary),
            Value::Int(run),
        ];
        self.execute(sql, &values).map(|_| ())
    }

    fn end(&mut self, run: i64, state: State, now: &str, summary: Option<&str>) -> Result<(), StoreError> {
        self.finish_run(run, state, now, summary.unwrap_or("{}"))?;
        self.link.release(run)
    }

    /// Gives the lease of a run back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn release_run(&mut self, run: i64) -> Result<(), StoreError> {
        self.link.release(run)
    }

    /// Every run, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&mut self) -> Result<Vec<RunRow>, StoreError> {
        let mut runs = Vec::new();
        let sql = "SELECT id, kind, state, part, started, finished, program, summary FROM run ORDER BY id";
        self.query(sql, &[], &mut |row| {
            runs.push(RunRow {
                id: row.int(0)?,
                kind: row.text(1)?.to_owned(),
                state: row.text(2)?.to_owned(),
                part: row.text(3)?.to_owned(),
                started: row.text(4)?.to_owned(),
                finished: row.maybe_text(5)?.map(str::to_owned),
                program: row.text(6)?.to_owned(),
                summary: row.text(7)?.to_owned(),
            });
            Ok(())
        })?;
        Ok(runs)
    }
}
