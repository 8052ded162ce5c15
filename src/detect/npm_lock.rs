//! npm's lock files: `package-lock.json` and `npm-shrinkwrap.json` of lockfileVersion 1 to 3, and the hidden lock file
//! that npm leaves in `node_modules/.package-lock.json`.

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::NPM,
    model::{Fact, Proof},
    parse::json::{self, Members, Scalar},
};
use serde::Deserialize;

pub(super) struct NpmLock;

/// Both generations in one: versions 2 and 3 have `packages` keyed by folder, 1 and 2 have `dependencies` as a tree.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Members<Package>,
    #[serde(default)]
    dependencies: Members<Package>,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    version: Scalar,
    #[serde(default)]
    link: Scalar,
    #[serde(default)]
    dev: Scalar,
    #[serde(default)]
    optional: Scalar,
    #[serde(default, rename = "devOptional")]
    dev_optional: Scalar,
    #[serde(default)]
    peer: Scalar,
    #[serde(default)]
    deprecated: Scalar,
    /// In version 1 the packages nested below this one; in 2 and 3 ranges by name, which are read over.
    #[serde(default)]
    dependencies: Members<Nested>,
}

/// A nested package of version 1, or a range of version 2 and 3.
struct Nested(Option<Box<Package>>);

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> serde::de::Visitor<'de> for Any {
            type Value = Nested;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a range or a package")
            }
            fn visit_str<E>(self, _: &str) -> Result<Nested, E> {
                Ok(Nested(None))
            }
            fn visit_unit<E>(self) -> Result<Nested, E> {
                Ok(Nested(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Nested, E> {
                Ok(Nested(None))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Nested, A::Error> {
                let package = Package::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Nested(Some(Box::new(package))))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Detector for NpmLock {
    fn id(&self) -> &'static str {
        "npm-lock"
    }

    fn reads(&self) -> &'static str {
        "`package-lock.json`, `npm-shrinkwrap.json` (lockfileVersion 1-3), `node_modules/.package-lock.json`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let name = meta.file_name();
        let own = match name {
            // A package may be published with its lock file inside; it does not describe what is installed here.
            "package-lock.json" | "npm-shrinkwrap.json" => {
                !meta.path.starts_with("node_modules/") && !meta.path.contains("/node_modules/")
            }
            ".package-lock.json" => {
                meta.path == "node_modules/.package-lock.json"
                    || meta.path.ends_with("/node_modules/.package-lock.json")
            }
            _ => false,
        };
        if own && meta.kind == EntryKind::File {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let lock: Lock = json::document(entry.bytes).map_err(|e| {
            DetectError(format!(
                "lock file is not JSON of its kind ({e}); write it again with npm"
            ))
        })?;
        for (folder, package) in &lock.packages.0 {
            // "" is the application; a key without node_modules is one of its workspaces.
            if let Some((_, name)) = folder.rsplit_once("node_modules/")
                && !package.link.is_true()
            {
                add(package.name.text().unwrap_or(name), package, found);
            }
        }
        add_tree(
            &lock
                .dependencies
                .0
                .iter()
                .map(|(name, package)| (&**name, package))
                .collect::<Vec<_>>(),
            found,
        );
        Ok(())
    }
}

/// Version 1: recursion is bounded by the depth that the JSON parser allows.
fn add_tree(packages: &[(&str, &Package)], found: &mut Sink<'_>) {
    for (name, package) in packages {
        add(name, package, found);
        let nested: Vec<_> = package
            .dependencies
            .0
            .iter()
            .filter_map(|(name, n)| Some((&**name, &**n.0.as_ref()?)))
            .collect();
        add_tree(&nested, found);
    }
}

fn add(name: &str, package: &Package, found: &mut Sink<'_>) {
    let version = package.version.text().unwrap_or_default();
    // Version 1 writes an alias as `npm:real-name@1.0.0`, and anything that is not from a registry as its URL.
    let (name, version) = match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        Some((real, version)) if !real.is_empty() => (real, Some(version)),
        _ if version.contains(':') => (name, None),
        _ => (name, Some(version)),
    };
    let mut added = found.add(NPM.coordinate(name, version), Proof::Locked, 1.0);
    if [&package.dev, &package.optional, &package.dev_optional, &package.peer]
        .iter()
        .any(|flag| flag.is_true())
    {
        added = added.fact(Fact::Dispensable);
    }
    if let Some(reason) = package.deprecated.text() {
        let _ = added.fact(Fact::Deprecated(reason.into()));
    }
}
