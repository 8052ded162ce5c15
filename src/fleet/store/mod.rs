//! What is remembered: `SQLite` by default, `PostgreSQL` for many machines; one schema, and one SQL text for both.
//!
//! | file | holds |
//! |---|---|
//! | `schema` | the tables, as the steps that made them |
//! | `link` | what is asked of a database; `sqlite` and `postgres` answer |
//! | [`rows`](Store::functions) | everything in it, row by row |
//! | `runs` | runs, and the leases by which a dead one is known |
//! | `write` | what a sync writes |
//!
//! `rusqlite` and `postgres` behind a narrow trait rather than `sqlx`: the program has no asynchronous code of its own, a
//! transaction of a hundred statements is three times as fast without a hop between threads for each, and both together
//! compile in half the time.

mod link;
mod postgres;
mod rows;
mod runs;
mod schema;
mod sqlite;
mod tls;
mod write;

pub use link::{Each, Row, Value};
pub use rows::{
    ArtifactRow, ComponentRow, CoordinateRow, DeploymentRow, DoubtRow, EdgeRow, FailureRow, FindingRow, FlawRow,
    FunctionRow, GapRow, VerdictRow,
};
pub use runs::{Kind, RunRow, State};
pub use write::{Change, Draft, Known, Names, Outcome, facts};

pub(super) use rows::{COLUMNS, LEVELS, PROOFS, SEVERITIES, TABLES, function, lines, numbers};

use link::Link;
use schema::MIGRATIONS;
use std::{fmt::Write as _, io, path::PathBuf};

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("{0}: there is no inventory; make one with `plimsoll inventory sync`")]
    Absent(String),
    /// Another one is writing, for minutes.
    #[error("{0}: another plimsoll is writing and does not end; wait for it, or stop it")]
    Busy(String),
    /// It may not be written.
    #[error("{0}: cannot be written; check the permissions of the file and its folder")]
    ReadOnly(String),
    /// There is no room.
    #[error("{0}: the disk is full; what was written before is whole, run it again when there is room")]
    Full(String),
    /// A file that is none, or any other trouble with one.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Trouble with a server.
    #[error("{place}: {}", told(source))]
    Postgres {
        /// Which, without its password.
        place: String,
        /// Why.
        source: ::postgres::Error,
    },
    /// The connection cannot be encrypted.
    #[error("the connection cannot be encrypted: {0}")]
    Tls(String),
    /// A file beside it.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Made by a later plimsoll.
    #[error("{place}: has schema {found}, this plimsoll knows up to {known}; use a newer plimsoll")]
    Newer {
        /// Which store.
        place: String,
        /// What it has.
        found: i64,
        /// What is known here.
        known: i64,
    },
    /// Made by an earlier one, and only to be read.
    #[error("{place}: has schema {found}, this plimsoll needs {known}; `plimsoll inventory sync` brings it up to date")]
    Older {
        /// Which store.
        place: String,
        /// What it has.
        found: i64,
        /// What is needed.
        known: i64,
    },
    /// It holds what cannot be.
    #[error("the inventory is damaged: {0}")]
    Damaged(String),
    /// A URL that is none of a store.
    #[error("`{0}` is no store; expected a file, or postgres://USER@HOST/DATABASE")]
    Place(String),
}

/// The server's own words, where it gave any: the crate's name only the kind.
fn told(e: &::postgres::Error) -> String {
    match (e.as_db_error(), std::error::Error::source(e)) {
        (Some(e), _) => e.message().to_owned(),
        (None, Some(source)) => format!("{e}: {source}"),
        (None, None) => e.to_string(),
    }
}

/// For what a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To be filled; made where there is none.
    Make,
    /// To be changed.
    Change,
    /// To be asked.
    Read,
}

/// An open store.
pub struct Store {
    link: Box<dyn Link>,
    place: String,
    /// What was migrated, and where the copy is.
    migrated: Option<(i64, String)>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at a path or a `postgres://` URL. One with an older schema is migrated, unless it is only to be read.
    ///
    /// # Errors
    /// When it cannot be opened, or has a newer schema.
    pub fn open(place: &str, mode: Mode) -> Result<Self, StoreError> {
        let link: Box<dyn Link> = match place.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                Box::new(postgres::Postgres::open(place, &without_password(place))?)
            }
            Some(_) => return Err(StoreError::Place(without_password(place))),
            None => Box::new(sqlite::Sqlite::open(
                place.as_ref(),
                mode == Mode::Make,
                mode == Mode::Read,
            )?),
        };
        let mut store = Self {
            link,
            place: without_password(place),
            migrated: None,
        };
        store.bring_up(mode, MIGRATIONS)?;
        Ok(store)
    }

    /// Where it is, without a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The older schema that it was migrated from, and where the copy of what it held is.
    #[must_use]
    pub fn migrated(&self) -> Option<(i64, &str)> {
        self.migrated.as_ref().map(|(from, copy)| (*from, &**copy))
    }

    fn bring_up(&mut self, mode: Mode, migrations: &[&str]) -> Result<(), StoreError> {
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        let at = self.version()?;
        match at {
            Some(found) if found > known => {
                return Err(StoreError::Newer {
                    place: self.place.clone(),
                    found,
                    known,
                });
            }
            Some(found) if found == known => return Ok(()),
            None if mode != Mode::Make => return Err(StoreError::Absent(self.place.clone())),
            Some(found) if mode == Mode::Read => {
                return Err(StoreError::Older {
                    place: self.place.clone(),
                    found,
                    known,
                });
            }
            _ => {}
        }
        if let Some(found) = at {
            let tables = self.tables()?;
            let copy = self.link.back_up(found, &tables)?;
            self.migrated = Some((found, copy));
        }
        self.transaction(|store| store.migrate(migrations))
    }

    /// Everything that is missing, within a transaction: of two that begin at once, the second finds it done.
    fn migrate(&mut self, migrations: &[&str]) -> Result<(), StoreError> {
        self.link.script(self.link.dialect().alone)?;
        let at = self.version()?;
        if at.is_none() {
            self.link.script(
                "CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)",
            )?;
        }
        let dialect = self.link.dialect();
        let from = usize::try_from(at.unwrap_or(0)).unwrap_or(usize::MAX);
        for step in migrations.iter().skip(from) {
            let sql = step
                .replace("{id}", dialect.id)
                .replace("{clustered}", dialect.clustered);
            self.link.script(&sql)?;
        }
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        self.link
            .execute("UPDATE schema_version SET version = $1", &[Value::Int(known)])?;
        Ok(())
    }

    fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let mut tables = Vec::new();
        let sql = self.link.dialect().tables;
        self.link.query(sql, &[], &mut |row| {
            tables.push(row.text(0)?.to_owned());
            Ok(())
        })?;
        Ok(tables)
    }

    /// Its schema; `None` of an empty database.
    fn version(&mut self) -> Result<Option<i64>, StoreError> {
        if !self.tables()?.iter().any(|table| table == "schema_version") {
            return Ok(None);
        }
        let mut version = None;
        self.link.query("SELECT version FROM schema_version", &[], &mut |row| {
            version = Some(row.int(0)?);
            Ok(())
        })?;
        version
            .map(Some)
            .ok_or_else(|| StoreError::Damaged("it has no version".to_owned()))
    }

    /// Carries out `what` wholly or not at all.
    ///
    /// # Errors
    /// When it fails; nothing of it has happened then.
    pub(super) fn transaction<T, E: From<StoreError>>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.link.begin()?;
        match what(self) {
            Ok(done) => match self.link.script("COMMIT") {
                Ok(()) => Ok(done),
                Err(e) => {
                    let _ = self.link.script("ROLLBACK");
                    Err(e.into())
                }
            },
            Err(e) => {
                let _ = self.link.script("ROLLBACK");
                Err(e)
            }
        }
    }

    /// Asks, row by row.
    ///
    /// # Errors
    /// When the database does not answer, or `each` fails.
    pub fn query(&mut self, sql: &str, values: &[Value<'_>], each: Each<'_>) -> Result<(), StoreError> {
        self.link.query(sql, values, each)
    }

    /// Carries out one statement; how many rows it changed.
    ///
    /// # Errors
    /// When the database does not carry it out.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.link.execute(sql, values)
    }

    /// Adds rows of `width` values each. Many in one statement, because each one costs a server a round trip; in three sizes,
    /// so that few statements are prepared.
    ///
    /// # Errors
    /// When the database does not take them.
    pub fn insert(
        &mut self,
        into: &str,
        width: usize,
        values: &[Value<'_>],
        otherwise: &str,
    ) -> Result<(), StoreError> {
        let mut rest = values;
        for rows in [64, 8, 1] {
            let size = rows * width;
            if rest.len() < size {
                continue;
            }
            let sql = insertion(into, width, rows, otherwise);
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                self.link.execute(&sql, now)?;
                rest = later;
            }
        }
        Ok(())
    }

    /// Tidies up after much was removed.
    ///
    /// # Errors
    /// When the database does not.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        self.link.compact()
    }
}

fn insertion(into: &str, width: usize, rows: usize, otherwise: &str) -> String {
    let mut sql = format!("INSERT INTO {into} VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..width {
            let comma = if column == 0 { "" } else { "," };
            let _ = write!(sql, "{comma}${}", row * width + column + 1);
        }
        sql.push(')');
    }
    sql.push(' ');
    sql.push_str(otherwise);
    sql
}

/// `postgres://user:secret@host/db` without the secret, for messages.
fn without_password(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("://") else {
        return place.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    // A query may name a password too.
    format!("{scheme}://{authority}{}", path.split('?').next().unwrap_or_default())
}
