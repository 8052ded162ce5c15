//! Which distribution an import name belongs to, from `data/python-imports.tsv`.

use std::{collections::HashMap, sync::LazyLock};

/// How an import name lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Form {
    /// A folder.
    Package,
    /// One file.
    Module,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Import {
    /// `PIL`, `google/protobuf`: the folder or the file's stem below the import root.
    pub(in crate::detect) path: &'static str,
    /// Name of the distribution as published.
    pub(in crate::detect) distribution: &'static str,
    /// A package unless the table says `module`.
    pub(in crate::detect) form: Form,
    /// A path below the import root that must be there too: tells two distributions of one import name apart.
    pub(in crate::detect) marker: Option<&'static str>,
}

const TEXT: &str = include_str!("../../../data/python-imports.tsv");

static ROWS: LazyLock<HashMap<&'static str, Vec<Import>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<Import>> = HashMap::new();
    for row in TEXT.lines().filter_map(row) {
        rows.entry(row.path).or_default().push(row);
    }
    rows
});

static PRIMARY: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut primary = HashMap::new();
    for row in TEXT.lines().filter_map(row) {
        primary.entry(row.distribution).or_insert(row.path);
    }
    primary
});

fn row(line: &'static str) -> Option<Import> {
    let mut columns = line.split('\t');
    let (path, distribution) = (columns.next()?, columns.next()?);
    if line.starts_with('#') {
        return None;
    }
    let form = match columns.next() {
        Some("module") => Form::Module,
        _ => Form::Package,
    };
    Some(Import {
        path,
        distribution,
        form,
        marker: columns.next().filter(|marker| !marker.is_empty()),
    })
}

/// The rows of an import path (`yaml`, `google/protobuf`), in the order in which they are to be tried.
pub(in crate::detect) fn rows(path: &str) -> &'static [Import] {
    ROWS.get(path).map_or(&[], Vec::as_slice)
}

/// The import path that stands for a distribution which has several.
pub(in crate::detect) fn primary(distribution: &str) -> Option<&'static str> {
    PRIMARY.get(distribution).copied()
}

/// The longest tail of a path (without extension, with `/`) that is in the table, with the folder before it.
pub(in crate::detect) fn split(path: &str) -> Option<(&str, &'static str)> {
    /// `opentelemetry/exporter/otlp/proto/http/version` is as deep as the table goes.
    const DEPTH: usize = 6;
    let starts = path.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]).take(DEPTH);
    starts
        .filter_map(|start| {
            ROWS.get_key_value(&path[start..])
                .map(|(key, _)| (&path[..start], *key))
        })
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::PYPI;

    #[test]
    fn the_table_is_what_it_says() {
        let rows: Vec<Import> = TEXT.lines().filter_map(row).collect();
        assert!(rows.len() >= 400, "{}", rows.len());
        for row in &rows {
            let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            assert!(
                row.distribution.chars().all(name) && !row.distribution.is_empty(),
                "{row:?}"
            );
            assert!(
                row.path
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/')),
                "{row:?}"
            );
            assert!(!PYPI.coordinate(row.distribution, None).name.is_empty());
        }
        let mut seen = std::collections::HashSet::new();
        assert!(
            rows.iter()
                .all(|r| seen.insert((r.path, r.form == Form::Module, r.marker))),
            "a row that can never be reached"
        );
    }

    #[test]
    fn names_that_differ() {
        for (path, distribution) in [
            ("yaml", "PyYAML"),
            ("PIL", "pillow"),
            ("dateutil", "python-dateutil"),
            ("google/protobuf", "protobuf"),
            ("jwt", "PyJWT"),
        ] {
            assert!(rows(path).iter().any(|row| row.distribution == distribution), "{path}");
        }
    }

    #[test]
    fn longest_tail() {
        assert_eq!(split("python/yaml"), Some(("python/", "yaml")));
        assert_eq!(split("google/protobuf"), Some(("", "google/protobuf")));
        assert_eq!(split("my_own"), None);
    }
}
