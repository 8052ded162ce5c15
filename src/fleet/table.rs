//! Answers as a table: text for people, JSON and CSV for machines.

use crate::escape;
use serde_json::{Map, Value};
use std::{borrow::Cow, io};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns side by side.
    Text,
    /// An array of objects.
    Json,
    /// RFC 4180, with a head.
    Csv,
}

/// Rows under named columns. Cells are JSON values: a list is one cell, parted by `; ` where it is text.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
    empty: &'static str,
}

impl Table {
    /// Without rows; `empty` is what people read where it stays so.
    #[must_use]
    pub fn new(columns: &[&'static str], empty: &'static str) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            empty,
        }
    }

    /// Adds a row of as many cells as there are columns.
    pub fn push(&mut self, row: Vec<Value>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As an array of objects.
    #[must_use]
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Value>| {
            let cells = self.columns.iter().zip(row);
            Value::Object(
                cells
                    .map(|(name, cell)| ((*name).to_owned(), cell.clone()))
                    .collect::<Map<_, _>>(),
            )
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&self, format: Format, out: &mut dyn io::Write) -> io::Result<()> {
        match format {
            Format::Text => self.text(out),
            Format::Csv => self.csv(out),
            Format::Json => {
                escape::json(&self.json(), out)?;
                out.write_all(b"\n")
            }
        }
    }

    fn text(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return writeln!(out, "{}", self.empty);
        }
        let shown: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| escape::terminal(&text(cell)).into_owned())
                    .collect()
            })
            .collect();
        // A column is as wide as its widest cell, but for what would push the others off the screen.
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = shown.iter().map(|row| row[i].chars().count());
                cells.chain([self.columns[i].len()]).max().unwrap_or(0).min(60)
            })
            .collect();
        let head = self.columns.iter().map(|name| Cow::Owned(name.replace('_', " ")));
        line(&head.collect::<Vec<_>>(), &widths, out)?;
        for row in &shown {
            line(
                &row.iter().map(|cell| Cow::Borrowed(&**cell)).collect::<Vec<_>>(),
                &widths,
                out,
            )?;
        }
        Ok(())
    }

    fn csv(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape::csv(&text(cell)).into_owned()).collect();
            writer.write_record(&cells)?;
        }
        writer.flush()
    }
}

fn line(cells: &[Cow<'_, str>], widths: &[usize], out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        if !text.is_empty() {
            text.push_str("  ");
        }
        text.push_str(cell);
        let missing = width.saturating_sub(cell.chars().count());
        text.extend(std::iter::repeat_n(' ', missing));
    }
    writeln!(out, "{}", escape::line(text.trim_end()))
}

/// A cell as a text.
fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of_item).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| format!("{key}={}", text_of_item(value)));
            members.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn text_of_item(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_table_three_ways() {
        let mut table = Table::new(&["name", "memory_mb", "layers"], "nothing");
        table.push(vec![json!("orders"), json!(512), json!(["a", "b"])]);
        table.push(vec![json!("=2+2\u{1b}[2J"), Value::Null, json!([])]);
        for (format, expected) in [
            (
                Format::Text,
                "name           memory mb  layers\norders         512        a; b\n=2+2\\u{1b}[2J\n",
            ),
            (
                Format::Csv,
                "name,memory_mb,layers\norders,512,a; b\n'=2+2\\u{1b}[2J,,\n",
            ),
        ] {
            let mut out = Vec::new();
            table.write(format, &mut out).expect("a vector takes everything");
            assert_eq!(String::from_utf8_lossy(&out), expected, "{format:?}");
        }
        assert_eq!(
            table.json()[0],
            json!({"name": "orders", "memory_mb": 512, "layers": ["a", "b"]})
        );
        let mut out = Vec::new();
        let none = Table::new(&["name"], "nothing");
        none.write(Format::Text, &mut out).expect("a vector takes everything");
        assert_eq!(out, b"nothing\n");
    }
}
