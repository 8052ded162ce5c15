//! yarn's Plug'n'Play table (`.pnp.cjs`, `.pnp.data.json`): which version of which package lies in which cache archive. The
//! archives themselves, where they are deployed too, are opened as any archive is.

use super::{
    DetectError, Detector, Interest, Sink,
    js::module_path::{is_package_name, is_version},
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::{
        self,
        json::{self, Members},
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::{borrow::Cow, collections::HashSet};

pub(super) struct YarnPnp;

/// `[[name, [[reference, information], …]], …]`; both are null for the application itself.
#[derive(Deserialize)]
struct Table {
    #[serde(default, rename = "packageRegistryData")]
    packages: Vec<(Option<String>, Vec<Resolved>)>,
}

/// A reference and what is known of it.
type Resolved = (Option<String>, Members<Value>);

impl Detector for YarnPnp {
    fn id(&self) -> &'static str {
        "yarn-pnp"
    }

    fn reads(&self) -> &'static str {
        "`.pnp.cjs`, `.pnp.js`, `.pnp.data.json`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let table = matches!(meta.file_name(), ".pnp.cjs" | ".pnp.js" | ".pnp.data.json");
        Interest::read_if(table)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        let table = if entry.meta.file_name() == ".pnp.data.json" {
            text
        } else {
            match embedded(&text) {
                Some(table) => table,
                // The table lies beside it, in `.pnp.data.json`.
                None => return Ok(()),
            }
        };
        let table: Table = json::document(table.as_bytes()).map_err(|e| {
            DetectError(format!(
                "Plug'n'Play table cannot be read ({e}); install again with yarn"
            ))
        })?;
        // The application and its workspaces lie in folders of their own; what they depend on is asked for by name.
        let soft = |information: &Members<Value>| {
            let mut members = information.0.iter();
            members.any(|(key, value)| key == "linkType" && value == "SOFT")
        };
        let all = table.packages.iter().flat_map(|(_, references)| references);
        let own = all.filter(|(_, information)| soft(information));
        let direct: HashSet<Coordinate> = own.flat_map(|(_, information)| requires(&information.0)).collect();
        for (name, references) in &table.packages {
            let Some(name) = name.as_deref().filter(|name| is_package_name(name)) else {
                continue;
            };
            for (reference, information) in references {
                let reference = reference.as_deref().unwrap_or_default();
                if !soft(information)
                    && let Some(coordinate) = locate(name, reference)
                {
                    let mut added = found
                        .add(coordinate.clone(), Proof::Locked, 1.0)
                        .requires(requires(&information.0))
                        .facts(direct.contains(&coordinate).then_some(Fact::Direct));
                    if coordinate.version.is_none() {
                        added = added.fact(Fact::Origin(reference.into()));
                    }
                    let _ = added;
                }
            }
        }
        Ok(())
    }
}

/// `npm:1.0.0`, `virtual:0123…#npm:1.0.0`; anything else is from elsewhere.
fn locate(name: &str, reference: &str) -> Option<Coordinate> {
    let reference = reference.rsplit('#').next().unwrap_or(reference);
    if reference.starts_with("workspace:") || reference.is_empty() {
        return None;
    }
    let version = reference
        .strip_prefix("npm:")
        .and_then(|v| v.split("::").next())
        .filter(|v| is_version(v));
    Some(NPM.coordinate(name, version))
}

/// `packageDependencies`: `[name, reference]`, or `[alias, [name, reference]]`.
fn requires(information: &[(String, Value)]) -> Vec<Coordinate> {
    let lists = information.iter().filter(|(key, _)| key == "packageDependencies");
    let pairs = lists.filter_map(|(_, list)| list.as_array()).flatten();
    let resolve = |pair: &Value| match pair.get(1)? {
        Value::String(reference) => locate(pair.get(0)?.as_str()?, reference),
        alias => locate(alias.get(0)?.as_str()?, alias.get(1)?.as_str()?),
    };
    pairs.filter_map(resolve).filter(|c| c.version.is_some()).collect()
}

/// The table in `.pnp.cjs`: a string in single quotes whose lines end in a backslash.
fn embedded(text: &str) -> Option<Cow<'static, str>> {
    let (_, rest) = text.split_once("RAW_RUNTIME_STATE =")?;
    let body = rest.trim_start().strip_prefix('\'')?;
    let mut table = String::new();
    let mut characters = body.chars();
    while let Some(c) = characters.next() {
        match c {
            '\'' => return Some(table.into()),
            '\\' => match characters.next()? {
                '\n' | '\r' => {}
                escaped => table.push(escaped),
            },
            c => table.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_the_embedded_table() {
        for (reference, version) in [
            ("npm:1.0.0", Some("1.0.0")),
            ("virtual:0123#npm:2.0.0", Some("2.0.0")),
            ("https://example.test/x.git#commit=1", None),
        ] {
            let found = locate("a", reference).expect("a package");
            assert_eq!(found.version.as_deref(), version, "{reference}");
        }
        assert_eq!(locate("a", "workspace:."), None);
        let table = embedded("const RAW_RUNTIME_STATE =\n'{\\\n  \"a\": \"it\\'s\"\\\n}';\nrest");
        assert_eq!(table.as_deref(), Some("{  \"a\": \"it's\"}"));
    }
}
