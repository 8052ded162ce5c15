//! Source maps (ECMA-426, revision 3 before it), index maps included: which packages' modules went into a bundle, and which
//! stretches of it are theirs. Of the document only that is read; mappings are decoded in passing, and never kept.

use super::{
    banner, manifest,
    module_path::{self, PackagePath},
};
use crate::model::{Owner, Turn};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

/// What a map says.
#[derive(Debug, Default)]
pub(in crate::detect) struct Contents {
    /// Each package once, with the version that its own `package.json` says where that was bundled too.
    pub(in crate::detect) packages: BTreeMap<PackagePath, Manifest>,
    /// Whose code begins where.
    pub(in crate::detect) turns: Vec<Turn>,
    /// Repositories whose raw files it names as sources: packages that were published with a map of their own, which the
    /// bundler followed. The repository is called as the package is, more often than not.
    pub(in crate::detect) repositories: BTreeSet<String>,
}

/// Name and version as a bundled `package.json` gives them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Manifest {
    pub(in crate::detect) name: Option<String>,
    pub(in crate::detect) version: Option<String>,
    /// A version literal in the package's code, where there is exactly one.
    pub(in crate::detect) literal: Option<String>,
}

/// Raw values, so that each member is read at most once, in the order that is needed, and copied by nobody.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Map<'a> {
    #[serde(borrow, default)]
    sections: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sources: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sources_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_root: Option<&'a RawValue>,
    #[serde(borrow, default)]
    mappings: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Section<'a> {
    #[serde(default)]
    offset: Offset,
    #[serde(borrow, default)]
    map: Option<&'a RawValue>,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Offset {
    #[serde(default)]
    line: u32,
    #[serde(default)]
    column: u32,
}

/// Reads a map.
///
/// # Errors
/// When it is not JSON, or not an object.
pub(in crate::detect) fn read(bytes: &[u8]) -> Result<Contents, serde_json::Error> {
    let bytes = trim(bytes);
    if bytes.trim_ascii_start().starts_with(b"[") {
        // serde would take an array for the members in order.
        return Err(serde::de::Error::custom("an array, expected an object"));
    }
    let map: Map<'_> = serde_json::from_slice(bytes)?;
    let mut contents = Contents::default();
    match map.sections {
        // The standard has no sections inside sections.
        Some(sections) => {
            let mut sections: Vec<Section<'_>> = serde_json::from_str(sections.get())?;
            sections.sort_by_key(|s| (s.offset.line, s.offset.column));
            for section in sections {
                if let Some(map) = section.map {
                    contents.add(&serde_json::from_str(map.get())?, section.offset);
                }
            }
        }
        None => contents.add(&map, Offset::default()),
    }
    Ok(contents)
}

/// A byte order mark, and the line that some servers put before JSON to keep it from being run as a script.
fn trim(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b")]}") {
        let line = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        return bytes.get(line..).unwrap_or_default();
    }
    bytes
}

impl Contents {
    fn add(&mut self, map: &Map<'_>, offset: Offset) {
        let sources: Vec<Option<Cow<'_, str>>> = map.sources.map(|raw| strings(raw.get())).unwrap_or_default();
        let root: Option<String> = map.source_root.and_then(|raw| serde_json::from_str(raw.get()).ok());
        // Roots are prefixes such as `webpack://`; one that lies in a package says whose all its sources are.
        let root = root.filter(|root| root.contains("node_modules"));
        let packages: Vec<Option<PackagePath>> = sources
            .iter()
            .map(|source| {
                let source = source.as_deref()?;
                let package = match &root {
                    Some(root) => module_path::package(&format!("{root}/{source}")),
                    None => module_path::package(source),
                };
                package.filter(|_| !is_stray(source))
            })
            .collect();
        let owners: Vec<Option<Owner>> = sources
            .iter()
            .zip(&packages)
            .map(|(source, package)| match (source, package) {
                (_, Some(_)) => Some(Owner::Component),
                (Some(source), None) if repository(source).is_some() => Some(Owner::Component),
                // A package's, and nobody knows which.
                (Some(source), None) if is_stray(source) => None,
                (Some(_), None) => Some(Owner::Application),
                (None, None) => None,
            })
            .collect();
        if let Some(mappings) = map.mappings {
            decode(mappings.get().as_bytes(), &owners, offset, &mut self.turns);
        }
        if let Some(contents) = map.sources_content {
            self.read_contents(contents.get(), &sources, &packages);
        }
        let repositories = sources.iter().flatten().filter_map(|source| repository(source));
        self.repositories.extend(repositories.map(str::to_owned));
        for package in packages.into_iter().flatten() {
            self.packages.entry(package).or_default();
        }
    }

    /// Reads the `package.json` files that were bundled, and version literals in the others.
    fn read_contents(&mut self, raw: &str, sources: &[Option<Cow<'_, str>>], packages: &[Option<PackagePath>]) {
        let mut literals: HashMap<&PackagePath, Option<String>> = HashMap::new();
        for (i, content) in elements(raw).into_iter().enumerate() {
            let (Some(Some(package)), Some(Some(source))) = (packages.get(i), sources.get(i)) else {
                continue;
            };
            if source.ends_with(&*format!("{}/package.json", package.at)) {
                let manifest: Option<String> = serde_json::from_str(content.get()).ok();
                if let Some((name, version)) = manifest.as_deref().and_then(manifest::document) {
                    let known = self.packages.entry(package.clone()).or_default();
                    (known.name, known.version) = (name, version);
                }
            } else {
                for literal in manifest::version_literals(content.get().as_bytes()) {
                    // Two different literals speak of two things; neither is believed.
                    literals
                        .entry(package)
                        .and_modify(|known| {
                            if known.as_deref() != Some(literal) {
                                *known = None;
                            }
                        })
                        .or_insert_with(|| Some(literal.to_owned()));
                }
            }
        }
        for (package, literal) in literals {
            self.packages.entry(package.clone()).or_default().literal = literal;
        }
    }
}

/// Whether a source only seems to lie in a package. Packages that are published with a map of their own often
/// give sources that lie beside the package (`../../src/x.ts`); a bundler that follows such a map writes
/// `node_modules/src/x.ts`.
fn is_stray(source: &str) -> bool {
    let written = [".ts", ".tsx", ".mts", ".cts"].iter().any(|ext| source.ends_with(ext));
    written && module_path::package(source).is_some_and(|package| banner::OWN.contains(&&*package.name))
}

/// The repository's name in `https://raw.githubusercontent.com/OWNER/NAME/COMMIT/src/x.ts`, where the package is all of it.
fn repository(source: &str) -> Option<&str> {
    let (_, path) = source.split_once("://raw.githubusercontent.com/")?;
    let mut parts = path.split('/').skip(1);
    let (name, _commit, folder) = (parts.next()?, parts.next()?, parts.next()?);
    (module_path::is_package_name(name) && folder != "packages").then_some(name)
}

/// The strings of an array; anything else in it is `None`.
fn strings(raw: &str) -> Vec<Option<Cow<'_, str>>> {
    let text = |element: &&RawValue| -> Option<Cow<'_, str>> {
        let raw = element.get();
        let plain = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match plain {
            Some(_) if raw.contains('\\') => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
            Some(_) => Some(Cow::Owned(plain?.to_owned())),
            None => None,
        }
    };
    elements(raw).iter().map(text).collect()
}

/// The elements of an array, unread.
fn elements(raw: &str) -> Vec<&RawValue> {
    struct Array<'a>(Vec<&'a RawValue>);
    impl<'de: 'a, 'a> Deserialize<'de> for Array<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Elements;
            impl<'de> Visitor<'de> for Elements {
                type Value = Vec<&'de RawValue>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an array")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                    let mut elements = Vec::new();
                    while let Some(element) = seq.next_element()? {
                        elements.push(element);
                    }
                    Ok(elements)
                }
            }
            deserializer.deserialize_seq(Elements).map(Array)
        }
    }
    serde_json::from_str::<Array<'_>>(raw).map(|a| a.0).unwrap_or_default()
}

/// Base64 VLQ digits; 64 for what is none.
const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [64; 256];
    let mut i = 0;
    while i < 64 {
        #[allow(clippy::cast_possible_truncation)] // below 64
        let digit = i as u8;
        table[alphabet[i] as usize] = digit;
        i += 1;
    }
    table
};

/// Decodes the columns and source indices of `mappings` (a JSON string with its quotes) and keeps where the owner changes.
/// What is no mapping ends it: the rest of the bundle then belongs to nobody.
fn decode(raw: &[u8], owners: &[Option<Owner>], offset: Offset, turns: &mut Vec<Turn>) {
    let mappings = raw
        .strip_prefix(b"\"")
        .and_then(|r| r.strip_suffix(b"\""))
        .unwrap_or_default();
    let (mut line, mut column, mut source) = (offset.line, i64::from(offset.column), 0i64);
    let (mut field, mut value, mut shift) = (0u8, 0i64, 0u32);
    let mut turn = |line: u32, column: i64, owner: Option<Owner>| {
        if turns.last().is_none_or(|last| last.owner != owner) {
            let column = u32::try_from(column).unwrap_or_default();
            turns.push(Turn { line, column, owner });
        }
    };
    for &byte in mappings.iter().chain(b",") {
        if byte == b',' || byte == b';' {
            match field {
                0 => {}
                1..=3 => turn(line, column, None),
                _ => {
                    let owner = usize::try_from(source).ok().and_then(|s| owners.get(s).copied());
                    turn(line, column, owner.flatten());
                }
            }
            (field, value, shift) = (0, 0, 0);
            if byte == b';' {
                line = line.saturating_add(1);
                column = 0;
            }
            continue;
        }
        let digit = DIGITS[usize::from(byte)];
        if digit == 64 || shift > 35 {
            turn(line, column, None);
            return;
        }
        value |= i64::from(digit & 31) << shift;
        shift += 5;
        if digit & 32 == 0 {
            let delta = if value & 1 == 1 { -(value >> 1) } else { value >> 1 };
            match field {
                0 => column += delta,
                1 => source += delta,
                _ => {}
            }
            field = field.saturating_add(1);
            (value, shift) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(contents: &Contents) -> Vec<(&str, Option<&str>)> {
        let all = contents.packages.iter();
        all.map(|(p, m)| {
            (
                &*p.name,
                p.version.as_deref().or(m.version.as_deref()).or(m.literal.as_deref()),
            )
        })
        .collect()
    }

    #[test]
    fn packages_versions_and_turns() {
        let map =
            br#"{"version":3,"sources":["index.js","../node_modules/a/i.js",null,"../node_modules/a/package.json"],
            "sourcesContent":["x","var VERSION = '9.9.9'",null,"{\"name\":\"real\",\"version\":\"1.2.3\"}"],
            "mappings":"AAAA,KCAA;AACA,IFDA,C"}"#;
        let contents = read(map).expect("reads");
        assert_eq!(packages(&contents), [("a", Some("1.2.3"))]);
        let turns: Vec<_> = contents.turns.iter().map(|t| (t.line, t.column, t.owner)).collect();
        assert_eq!(
            turns,
            [
                (0, 0, Some(Owner::Application)),
                (0, 5, Some(Owner::Component)),
                (1, 4, None),
            ]
        );
    }

    #[test]
    fn sources_beside_their_package_name_none() {
        let map = br#"{"sources":["../node_modules/src/x.ts","../node_modules/src/x.js"],"mappings":"AAAA,KCAA"}"#;
        let contents = read(map).expect("reads");
        assert_eq!(
            packages(&contents),
            [("src", None)],
            "code that was published lies where it seems to"
        );
        let owners: Vec<_> = contents.turns.iter().map(|t| t.owner).collect();
        assert_eq!(owners, [None, Some(Owner::Component)]);
    }

    #[test]
    fn index_maps_and_prefixes() {
        let map = br#")]}'
            {"version":3,"sections":[
              {"offset":{"line":7,"column":2},"map":{"sources":["node_modules/b/i.js"],"mappings":"AAAA"}},
              {"offset":{"line":0,"column":0},"map":{"sourceRoot":"/x/node_modules/c","sources":["i.js"],"mappings":"AAAA"}},
              {"offset":{"line":9,"column":0},"url":"https://example.test/never-fetched.map"}]}"#;
        let contents = read(map).expect("reads");
        assert_eq!(packages(&contents), [("b", None), ("c", None)]);
        assert_eq!(contents.turns[0].line, 0);
    }

    #[test]
    fn hostile_maps_end_early() {
        for mappings in ["gggggggggggggg", "AAAA,\u{e9}", "D", ";;;;,,,,", "AgggggggggggB", "AAD"] {
            let map = format!(r#"{{"sources":["node_modules/a/i.js", 3, {{}}], "mappings":"{mappings}"}}"#);
            assert_eq!(packages(&read(map.as_bytes()).expect("reads")), [("a", None)]);
        }
        for map in ["[]", "{\"sources\":", "", "{\"sections\":3}", "nul"] {
            assert!(read(map.as_bytes()).is_err(), "{map}");
        }
        assert!(read(b"{\"sources\":7,\"mappings\":[],\"sourcesContent\":{}}").is_ok());
    }
}
