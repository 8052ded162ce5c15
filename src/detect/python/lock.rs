//! What Python's TOML lock files have in common: a list of tables with `name`, `version` and where it comes from.

use crate::{
    detect::{DetectError, Sink},
    ecosystem::PYPI,
    model::{Fact, Proof},
    parse,
};
use serde::Deserialize;
use toml::Value;

#[derive(Deserialize)]
struct Document {
    /// poetry, uv, pdm.
    #[serde(default)]
    package: Vec<Package>,
    /// pylock (PEP 751).
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<Value>,
    version: Option<Value>,
    /// poetry before 1.5, and pylock's markers, say when a package is not always installed.
    optional: Option<Value>,
    marker: Option<Value>,
    markers: Option<Value>,
    category: Option<Value>,
    groups: Option<Value>,
    /// uv: `{ registry = … }`, `{ editable = "." }`, `{ virtual = "." }`.
    source: Option<Value>,
    /// pylock: a folder of the project's own.
    directory: Option<Value>,
}

impl Package {
    fn text(value: Option<&Value>) -> Option<&str> {
        value
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    /// The project that the lock file belongs to, or a folder beside it: nothing that a registry published.
    fn is_own(&self) -> bool {
        let source = self.source.as_ref().and_then(Value::as_table);
        self.directory.is_some()
            || source.is_some_and(|source| {
                ["editable", "virtual", "directory"]
                    .iter()
                    .any(|kind| source.contains_key(*kind))
                    || source.get("type").and_then(Value::as_str) == Some("directory")
            })
    }

    /// Whether production can do without it: only then may its absence be taken for granted.
    fn is_dispensable(&self) -> bool {
        let groups = self.groups.as_ref().and_then(Value::as_array);
        self.optional.as_ref().and_then(Value::as_bool) == Some(true)
            || [&self.marker, &self.markers]
                .into_iter()
                .flatten()
                .any(|m| m.as_str().is_none_or(is_condition))
            || Self::text(self.category.as_ref()).is_some_and(|category| category != "main")
            || groups.is_some_and(|groups| !groups.iter().any(|g| matches!(g.as_str(), Some("main" | "default"))))
    }
}

/// A marker that may be false where the artifact runs. `python_version >= "3.8"` is how locks spell the oldest Python that
/// a package takes, and is no condition.
pub(in crate::detect) fn is_condition(text: &str) -> bool {
    !text.starts_with("python_version >") || text.contains(" and ") || text.contains(" or ")
}

/// Adds every package of a lock file. `tool` is what writes it.
pub(in crate::detect) fn extract(bytes: &[u8], tool: &str, found: &mut Sink<'_>) -> Result<(), DetectError> {
    let document: Document = toml::from_str(&parse::text(bytes)).map_err(|e| {
        DetectError(format!(
            "not a lock file of {tool} ({}); lock again with {tool}",
            e.message()
        ))
    })?;
    for package in document
        .package
        .iter()
        .chain(&document.packages)
        .filter(|p| !p.is_own())
    {
        let Some(name) = Package::text(package.name.as_ref()) else {
            found.partial("a locked package without a name was passed over");
            continue;
        };
        let version = Package::text(package.version.as_ref());
        let proof = if version.is_some() {
            Proof::Locked
        } else {
            Proof::Declared
        };
        let added = found.add(PYPI.coordinate(name, version), proof, 1.0);
        if package.is_dispensable() {
            let _ = added.fact(Fact::Dispensable);
        }
    }
    Ok(())
}
