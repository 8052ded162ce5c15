//! What the store asks of a database. One SQL text serves both kinds: `$1` placeholders in the order of their first use,
//! `ON CONFLICT`, `RETURNING`, `BIGINT`, `TEXT`, `DOUBLE PRECISION` and `BYTEA`, and nothing that one of them reads otherwise.

use super::StoreError;

/// A value on its way into the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// `BIGINT`.
    Int(i64),
    /// `DOUBLE PRECISION`.
    Real(f64),
    /// `TEXT`.
    Text(&'a str),
    /// `BYTEA`.
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row on its way out.
pub(super) trait Columns {
    fn int(&self, column: usize) -> Result<Option<i64>, StoreError>;
    fn real(&self, column: usize) -> Result<Option<f64>, StoreError>;
    fn text(&self, column: usize) -> Result<Option<&str>, StoreError>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError>;
}

/// A row of an answer. Columns are counted from 0.
pub struct Row<'r>(pub(super) &'r dyn Columns);

impl Row<'_> {
    /// A number that is always there.
    ///
    /// # Errors
    /// When it is none.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.0.int(column)?.ok_or_else(|| missing(column))
    }

    /// A number that may be missing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.0.int(column)
    }

    /// A fraction that may be missing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_real(&self, column: usize) -> Result<Option<f64>, StoreError> {
        self.0.real(column)
    }

    /// A text that is always there.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.0.text(column)?.ok_or_else(|| missing(column))
    }

    /// A text that may be missing.
    ///
    /// # Errors
    /// When it is something else.
    pub fn maybe_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.0.text(column)
    }

    /// Bytes that are always there.
    ///
    /// # Errors
    /// When they are none.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        self.0.bytes(column)?.ok_or_else(|| missing(column))
    }
}

fn missing(column: usize) -> StoreError {
    StoreError::Damaged(format!("column {column} of an answer is empty"))
}

/// What is done with each row.
pub type Each<'e> = &'e mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

/// A connection.
pub(super) trait Link: Send {
    /// Carries out one statement; how many rows it changed.
    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Asks, row by row.
    fn query(&mut self, sql: &str, values: &[Value<'_>], each: Each<'_>) -> Result<(), StoreError>;
    /// Carries out several statements without values.
    fn script(&mut self, sql: &str) -> Result<(), StoreError>;
    /// Begins a transaction that is going to write.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// What the two kinds call differently when tables are made.
    fn dialect(&self) -> &'static Dialect;
    /// Keeps all tables as they are beside the store; says where.
    fn back_up(&mut self, version: i64, tables: &[String]) -> Result<String, StoreError>;
    /// Takes the lease of a run for as long as this process lives; `false` where somebody holds it.
    fn lease(&mut self, run: i64) -> Result<bool, StoreError>;
    /// Gives it back.
    fn release(&mut self, run: i64) -> Result<(), StoreError>;
    /// Tidies up after much was removed.
    fn compact(&mut self) -> Result<(), StoreError>;
}

/// Words of the data definition language that differ.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The type of a key that numbers rows by itself.
    pub(super) id: &'static str,
    /// After a table whose rows lie in the order of their key.
    pub(super) clustered: &'static str,
    /// The names of all tables.
    pub(super) tables: &'static str,
    /// What keeps others from making tables until the transaction ends, where it does not do so by itself.
    pub(super) alone: &'static str,
}
