//! `SQLite`: one file, for one machine.

use super::{
    StoreError,
    link::{Columns, Dialect, Each, Link, Row, Value},
};
use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    types::{ToSqlOutput, ValueRef},
};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long a writer waits for another one. A transaction of a sync takes milliseconds, that of an audit seconds.
const PATIENCE: Duration = Duration::from_mins(1);

static DIALECT: Dialect = Dialect {
    id: "INTEGER PRIMARY KEY",
    clustered: "WITHOUT ROWID",
    tables: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    alone: "",
};

/// A connection to a file.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    leases: BTreeMap<i64, File>,
}

impl Sqlite {
    /// Opens a file; makes one where `create` says so.
    pub(super) fn open(path: &Path, create: bool, read_only: bool) -> Result<Self, StoreError> {
        let failed = |source| failed(path, source);
        if !create && !path.exists() {
            return Err(StoreError::Absent(path.display().to_string()));
        }
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= if read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        if create && !read_only {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        if read_only && !can_be_read(&connection) && !beside(path, "-wal").exists() {
            // A reader, too, writes to a file beside a store that is in use. In a folder where it must not, nobody else does:
            // the file is as it is.
            let text =
                percent_encoding::utf8_percent_encode(&path.to_string_lossy(), percent_encoding::NON_ALPHANUMERIC)
                    .to_string();
            let uri = format!("file:{text}?immutable=1");
            connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).map_err(failed)?;
        }
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Rows are what this program wrote; a file that somebody else made may hold triggers and views that do other things.
        let mut settings = "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; \
                            PRAGMA temp_store = MEMORY;"
            .to_owned();
        if !read_only {
            settings += "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;";
            // Of two that make a store at the same moment SQLite refuses one this at once, whatever its patience.
            let asked = Instant::now();
            while let Err(e) = connection.execute_batch("PRAGMA journal_mode = WAL") {
                let busy = e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
                if !busy || asked.elapsed() > PATIENCE {
                    return Err(failed(e));
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        connection.execute_batch(&settings).map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            leases: BTreeMap::new(),
        })
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        failed(&self.path, source)
    }

    fn lease_file(&self, run: i64) -> PathBuf {
        beside(&self.path, &format!("-run-{run}"))
    }
}

/// A file beside the store, under its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn can_be_read(connection: &Connection) -> bool {
    connection
        .query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))
        .is_ok()
}

fn failed(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(path.display().to_string()),
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(path.display().to_string()),
        Some(ErrorCode::DiskFull) => StoreError::Full(path.display().to_string()),
        _ => StoreError::Sqlite { path, source },
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(value),
            Value::Real(value) => ValueRef::Real(value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.get_ref(column).map_err(odd)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) => Ok(Some(value)),
            other => Err(unexpected(column, "a number", other)),
        }
    }

    fn real(&self, column: usize) -> Result<Option<f64>, StoreError> {
        match self.get_ref(column).map_err(odd)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(value) => Ok(Some(value)),
            #[allow(clippy::cast_precision_loss)] // small numbers
            ValueRef::Integer(value) => Ok(Some(value as f64)),
            other => Err(unexpected(column, "a fraction", other)),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.get_ref(column).map_err(odd)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(value) => std::str::from_utf8(value)
                .map(Some)
                .map_err(|e| StoreError::Damaged(format!("column {column}: {e}"))),
            other => Err(unexpected(column, "a text", other)),
        }
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.get_ref(column).map_err(odd)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(value) => Ok(Some(value)),
            other => Err(unexpected(column, "bytes", other)),
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn odd(e: rusqlite::Error) -> StoreError {
    StoreError::Damaged(e.to_string())
}

fn unexpected(column: usize, expected: &str, got: ValueRef<'_>) -> StoreError {
    StoreError::Damaged(format!("column {column}: expected {expected}, got {}", got.data_type()))
}

impl Link for Sqlite {
    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(rusqlite::params_from_iter(values))
        };
        run().map(|n| n as u64).map_err(|e| self.failed(e))
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>], each: Each<'_>) -> Result<(), StoreError> {
        let path = &self.path;
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| failed(path, e))?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .map_err(|e| failed(path, e))?;
        while let Some(row) = rows.next().map_err(|e| failed(path, e))? {
            each(&Row(row))?;
        }
        Ok(())
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|e| self.failed(e))
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        // One that begins by reading could not become a writer once another writer has passed by.
        self.script("BEGIN IMMEDIATE")
    }

    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn back_up(&mut self, version: i64, _: &[String]) -> Result<String, StoreError> {
        let backup = beside(&self.path, &format!(".v{version}.bak"));
        let place = backup.display().to_string();
        // What an interrupted migration left behind is a copy of the same.
        let _ = fs::remove_file(&backup);
        self.execute("VACUUM INTO $1", &[Value::Text(&place)])?;
        Ok(place)
    }

    fn lease(&mut self, run: i64) -> Result<bool, StoreError> {
        let path = self.lease_file(run);
        let io = |source| StoreError::Io {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {
                self.leases.insert(run, file);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(source)) => Err(io(source)),
        }
    }

    fn release(&mut self, run: i64) -> Result<(), StoreError> {
        // Removed while it is held, so that nobody takes a lease on a file without a name.
        let _ = fs::remove_file(self.lease_file(run));
        self.leases.remove(&run);
        Ok(())
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.script("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
