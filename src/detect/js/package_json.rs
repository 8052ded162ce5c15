//! A package's own `package.json`, read once: name, version, what it asks for, and what it says of its licence and authors.

use crate::parse::json::{Members, Scalar, Words};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::{collections::BTreeSet, fmt};

/// Every value of a key that is given more than once: parsers keep the first or the last, and nobody knows which one the
/// reader of the file takes.
#[derive(Debug, Default)]
pub(in crate::detect) struct PackageJson {
    /// Names that are a text and not blank.
    pub(in crate::detect) names: Vec<String>,
    /// Versions that are a text and not blank.
    pub(in crate::detect) versions: Vec<String>,
    /// Whether there is a `version`, of any type.
    pub(in crate::detect) has_version: bool,
    /// Whether npm may not publish it.
    pub(in crate::detect) private: bool,
    /// Names in `dependencies`, `optionalDependencies` and `peerDependencies`; which versions they find is seen in the tree.
    pub(in crate::detect) requires: BTreeSet<String>,
    /// Those of them that it takes by another name (`npm:name@1`), or from elsewhere than the registry.
    pub(in crate::detect) calls: BTreeSet<String>,
    /// Whether it runs a script when it is installed.
    pub(in crate::detect) runs_script: bool,
    /// Those of these scripts that fetch something or start a shell.
    pub(in crate::detect) fetching: Vec<String>,
    /// `license`: an SPDX expression as a rule; older packages have `{type, url}`, or several in `licenses`, to choose from.
    pub(in crate::detect) licences: Vec<String>,
    /// `author`: `Name <mail> (url)`, or an object.
    pub(in crate::detect) authors: Vec<String>,
}

impl PackageJson {
    /// The licence as one text: several in a list are a choice (npm's documentation of `licenses`).
    pub(in crate::detect) fn licence(&self) -> Option<String> {
        match &*self.licences {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(several.join(" OR ")),
        }
    }
}

impl<'de> Deserialize<'de> for PackageJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = PackageJson;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PackageJson, A::Error> {
                let mut read = PackageJson::default();
                while let Some(key) = map.next_key::<String>()? {
                    match &*key {
                        "name" => push(&mut read.names, &map.next_value()?),
                        "version" => {
                            read.has_version = true;
                            push(&mut read.versions, &map.next_value()?);
                        }
                        "private" => read.private |= map.next_value::<Scalar>()?.is_true(),
                        "dependencies" | "optionalDependencies" | "peerDependencies" => {
                            let Members(list) = map.next_value::<Members<Scalar>>()?;
                            let elsewhere = |spec: &Scalar| spec.text().is_some_and(|text| text.contains([':', '/']));
                            let nicks = list.iter().filter(|(_, spec)| elsewhere(spec));
                            read.calls.extend(nicks.map(|(name, _)| name.clone()));
                            read.requires.extend(list.into_iter().map(|(name, _)| name));
                        }
                        "scripts" => {
                            let Members(list) = map.next_value::<Members<Scalar>>()?;
                            let installs = |name: &str| matches!(name, "preinstall" | "install" | "postinstall");
                            read.runs_script |= list.iter().any(|(name, _)| installs(name));
                            let own = list
                                .iter()
                                .filter(|(name, _)| installs(name))
                                .filter_map(|(_, script)| script.text());
                            read.fetching
                                .extend(own.filter(|script| fetches(script)).map(str::to_owned));
                        }
                        "license" | "licenses" => read.licences.extend(map.next_value::<Words>()?.0),
                        "author" => read.authors.extend(map.next_value::<Words>()?.0),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Whether a script reaches out of its package in its own text. What honest packages run (`node install.js`, `node-gyp
/// rebuild`, `prebuild-install`, `husky`) does not, whatever the file that it names goes on to do.
fn fetches(script: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "http://",
        "https://",
        "curl ",
        "wget ",
        "powershell",
        "| sh",
        "|sh",
        "| bash",
        "|bash",
        "base64",
        "nslookup",
        "child_process",
    ];
    let script = script.to_ascii_lowercase();
    SIGNS.iter().any(|sign| script.contains(sign))
}

fn push(values: &mut Vec<String>, value: &Scalar) {
    values.extend(value.text().filter(|v| !v.trim().is_empty()).map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::json;

    #[test]
    fn licences_and_authors_of_all_ages() {
        for (text, licence, authors) in [
            (
                r#"{"license":"MIT","author":"A <a@example.test>"}"#,
                Some("MIT"),
                vec!["A <a@example.test>"],
            ),
            (
                r#"{"license":{"type":"BSD","url":"x"},"author":{"name":"B"}}"#,
                Some("BSD"),
                vec!["B"],
            ),
            (
                r#"{"licenses":[{"type":"MIT"},{"type":"Apache-2.0"}]}"#,
                Some("MIT OR Apache-2.0"),
                vec![],
            ),
            (r#"{"license":{"type":["x"]},"author":7,"license":null}"#, None, vec![]),
        ] {
            let read: PackageJson = json::document(text.as_bytes()).expect("reads");
            assert_eq!(
                (read.licence().as_deref(), read.authors),
                (licence, authors.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn repeated_keys_lose_nothing() {
        let text = r#"{"name":"a","name":"b","scripts":{"install":1},"scripts":{},"dependencies":{"x":"1"},"dependencies":[]}"#;
        let read: PackageJson = json::document(text.as_bytes()).expect("reads");
        assert_eq!(read.names, ["a", "b"]);
        assert!(read.runs_script && read.requires.contains("x") && !read.has_version);
        assert!(json::document::<PackageJson>(b"[]").is_err());
    }
}
