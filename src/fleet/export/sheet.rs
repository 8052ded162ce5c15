//! One Parquet file, written row by row.
//!
//! The `parquet` crate's own column writers rather than Arrow's record batches: five tables of plain columns need none of
//! Arrow's 300,000 lines.

use parquet::{
    basic::{Compression, Encoding},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::{ParquetError, Result},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Rows that are kept until they are written: enough for engines to skip by, few enough to hold.
const ROWS: usize = 50_000;

/// What a column holds. All of them may be empty.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    Text,
    Int,
    Real,
    Flag,
    /// An instant, in UTC.
    Time,
    /// A list of texts.
    List,
}

impl Holds {
    fn field(self, name: &str) -> String {
        match self {
            Self::Text => format!("optional binary {name} (UTF8);"),
            Self::Int => format!("optional int64 {name};"),
            Self::Real => format!("optional double {name};"),
            Self::Flag => format!("optional boolean {name};"),
            Self::Time => format!("optional int64 {name} (TIMESTAMP(MILLIS,true));"),
            Self::List => {
                format!("optional group {name} (LIST) {{ repeated group list {{ required binary element (UTF8); }} }}")
            }
        }
    }
}

/// What a row has in a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'c> {
    Text(Option<&'c str>),
    Int(Option<i64>),
    Real(Option<f64>),
    Flag(Option<bool>),
    /// RFC 3339.
    Time(Option<&'c str>),
    List(&'c [String]),
}

#[derive(Default)]
struct Column {
    texts: Vec<ByteArray>,
    ints: Vec<i64>,
    reals: Vec<f64>,
    flags: Vec<bool>,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

/// A file that appears under its name once it is whole.
pub(super) struct Sheet {
    file: SerializedFileWriter<File>,
    holds: Vec<Holds>,
    columns: Vec<Column>,
    rows: usize,
    draft: PathBuf,
    path: PathBuf,
}

impl Sheet {
    /// Begins the file of a table's partition: `folder/table/date=DATE/part-0.parquet`.
    pub(super) fn new(folder: &Path, table: &str, date: &str, columns: &[(&str, Holds)]) -> Result<Self> {
        let folder = folder.join(table).join(format!("date={date}"));
        let failed = |e: std::io::Error| ParquetError::General(format!("{}: {e}", folder.display()));
        fs::create_dir_all(&folder).map_err(failed)?;
        // Names that begin with a dot or an underscore are left alone by everything that reads such folders.
        let draft = folder.join(".part-0.draft");
        let file = File::create(&draft).map_err(failed)?;
        let mut schema = format!("message {table} {{ ");
        for (name, holds) in columns {
            let _ = write!(schema, "{} ", holds.field(name));
        }
        schema.push('}');
        let settings = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_encoding(Encoding::PLAIN)
            .set_created_by(concat!("plimsoll version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(file, Arc::new(parse_message_type(&schema)?), Arc::new(settings))?;
        Ok(Self {
            file,
            holds: columns.iter().map(|(_, holds)| *holds).collect(),
            columns: columns.iter().map(|_| Column::default()).collect(),
            rows: 0,
            draft,
            path: folder.join("part-0.parquet"),
        })
    }

    /// Adds a row, with a cell for each column.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.columns.len() {
            return Err(ParquetError::General(format!(
                "{} cells, expected {}",
                cells.len(),
                self.columns.len()
            )));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(*cell)?;
        }
        self.rows += 1;
        if self.rows >= ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for (column, holds) in self.columns.iter_mut().zip(&self.holds) {
            let mut writer = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("fewer columns than the schema has".to_owned()))?;
            let Column {
                texts,
                ints,
                reals,
                flags,
                definitions,
                repetitions,
            } = std::mem::take(column);
            let levels = Some(&*definitions);
            let lists = matches!(holds, Holds::List).then_some(&*repetitions);
            match writer.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&texts, levels, lists)?,
                ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&ints, levels, None)?,
                ColumnWriter::DoubleColumnWriter(writer) => writer.write_batch(&reals, levels, None)?,
                ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&flags, levels, None)?,
                _ => return Err(ParquetError::General("a type that no column has".to_owned())),
            };
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left, and gives the file its name.
    pub(super) fn close(mut self) -> Result<()> {
        if self.rows > 0 {
            self.flush()?;
        }
        let failed = |e: std::io::Error| ParquetError::General(format!("{}: {e}", self.path.display()));
        let file = self.file.into_inner()?;
        file.sync_all().map_err(failed)?;
        fs::rename(&self.draft, &self.path).map_err(failed)
    }
}

impl Column {
    fn push(&mut self, cell: Cell<'_>) -> Result<()> {
        let there = match cell {
            Cell::Text(text) => put(
                &mut self.texts,
                text.map(|text| ByteArray::from(text.as_bytes().to_vec())),
            ),
            Cell::Int(value) => put(&mut self.ints, value),
            Cell::Real(value) => put(&mut self.reals, value),
            Cell::Flag(value) => put(&mut self.flags, value),
            Cell::Time(text) => put(&mut self.ints, text.map(milliseconds).transpose()?),
            Cell::List([]) => {
                // There, and without elements.
                self.repetitions.push(0);
                1
            }
            Cell::List(texts) => {
                for (i, text) in texts.iter().enumerate() {
                    self.texts.push(ByteArray::from(text.as_bytes().to_vec()));
                    self.repetitions.push(i16::from(i > 0));
                    self.definitions.push(2);
                }
                return Ok(());
            }
        };
        self.definitions.push(there);
        Ok(())
    }
}

fn put<T>(values: &mut Vec<T>, value: Option<T>) -> i16 {
    let there = i16::from(value.is_some());
    values.extend(value);
    there
}

fn milliseconds(text: &str) -> Result<i64> {
    let time = humantime::parse_rfc3339_weak(text).map_err(|e| ParquetError::General(format!("`{text}`: {e}")))?;
    let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH);
    Ok(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}
