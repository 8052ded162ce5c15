//! npm's lock files: `package-lock.json` and `npm-shrinkwrap.json` of lockfileVersion 1 to 3, and the hidden lock file
//! that npm leaves in `node_modules/.package-lock.json`.

use super::{DetectError, Detector, Interest, Sink, js::origin};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::json::{self, Members, Scalar, Words},
};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

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
    #[serde(default, rename = "hasInstallScript")]
    install_script: Scalar,
    #[serde(default)]
    resolved: Scalar,
    #[serde(default)]
    integrity: Scalar,
    /// From version 3 on, as the package has it.
    #[serde(default)]
    license: Words,
    /// Names with ranges; `dependencies` holds them from version 2 on.
    #[serde(default)]
    requires: Members<Scalar>,
    #[serde(default, rename = "optionalDependencies")]
    optional_dependencies: Members<Scalar>,
    /// Of the application and its workspaces.
    #[serde(default, rename = "devDependencies")]
    dev_dependencies: Members<Scalar>,
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
            "package-lock.json" | "npm-shrinkwrap.json" => !meta.in_node_modules(),
            ".package-lock.json" => {
                meta.path == "node_modules/.package-lock.json"
                    || meta.path.ends_with("/node_modules/.package-lock.json")
            }
            _ => false,
        };
        Interest::read_if(own)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let lock: Lock = json::document(entry.bytes).map_err(|e| {
            DetectError(format!(
                "lock file is not JSON of its kind ({e}); write it again with npm"
            ))
        })?;
        let mut entries = Vec::new();
        for (folder, package) in &lock.packages.0 {
            // "" is the application; a key without node_modules is one of its workspaces.
            if let Some((_, name)) = folder.rsplit_once("node_modules/")
                && !package.link.is_true()
            {
                let name = package.name.text().unwrap_or(name);
                entries.push(Locked::new(folder.clone(), name, package));
            }
        }
        let tree: Vec<_> = lock
            .dependencies
            .0
            .iter()
            .map(|(name, package)| (&**name, package))
            .collect();
        add_tree("", &tree, &mut entries);
        let at: HashMap<&str, &Coordinate> = entries.iter().map(|e| (&*e.folder, &e.coordinate)).collect();
        let usual = origin::usual_host(entries.iter().filter_map(|e| e.package.resolved.text()));
        // What the application and its workspaces ask for themselves.
        let own = lock
            .packages
            .0
            .iter()
            .filter(|(folder, _)| !folder.contains("node_modules/"));
        let direct: HashSet<Coordinate> = own
            .flat_map(|(folder, package)| {
                let names = required_names(package);
                names.filter_map(|name| nearest(folder, name, &at)).collect::<Vec<_>>()
            })
            .collect();
        for entry in &entries {
            add(entry, &at, usual, direct.contains(&entry.coordinate), found);
        }
        Ok(())
    }
}

/// One package of the lock file, at its folder.
struct Locked<'l> {
    folder: String,
    coordinate: Coordinate,
    package: &'l Package,
    origin: Option<&'l str>,
}

impl<'l> Locked<'l> {
    fn new(folder: String, name: &str, package: &'l Package) -> Self {
        let version = package.version.text().unwrap_or_default();
        // Version 1 writes an alias as `npm:real-name@1.0.0`, and anything that is not from a registry as its URL.
        let (name, version, origin) = match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((real, version)) if !real.is_empty() => (real, Some(version), None),
            _ if version.contains(':') => (name, None, Some(version)),
            _ => (name, Some(version), None),
        };
        Self {
            folder,
            coordinate: NPM.coordinate(name, version),
            package,
            origin: origin.or(package.resolved.text()),
        }
    }
}

/// Names that a package requires; in version 1 `dependencies` holds packages and not names.
fn required_names(package: &Package) -> impl Iterator<Item = &str> {
    let ranges = package.dependencies.0.iter().filter(|(_, nested)| nested.0.is_none());
    let lists = [
        &package.requires,
        &package.optional_dependencies,
        &package.dev_dependencies,
    ];
    ranges.map(|(name, _)| &**name).chain(
        lists
            .into_iter()
            .flat_map(|list| list.0.iter().map(|(name, _)| &**name)),
    )
}

/// Version 1: recursion is bounded by the depth that the JSON parser allows.
fn add_tree<'l>(above: &str, packages: &[(&str, &'l Package)], entries: &mut Vec<Locked<'l>>) {
    for (name, package) in packages {
        let folder = format!("{above}node_modules/{name}");
        let nested: Vec<_> = package
            .dependencies
            .0
            .iter()
            .filter_map(|(name, n)| Some((&**name, &**n.0.as_ref()?)))
            .collect();
        add_tree(&format!("{folder}/"), &nested, entries);
        entries.push(Locked::new(folder, name, package));
    }
}

fn add(entry: &Locked<'_>, at: &HashMap<&str, &Coordinate>, usual: Option<&str>, direct: bool, found: &mut Sink<'_>) {
    let package = entry.package;
    let requires = required_names(package)
        .filter_map(|name| nearest(&entry.folder, name, at))
        .collect();
    let mut added = found
        .add(entry.coordinate.clone(), Proof::Locked, 1.0)
        .fact(Fact::At(entry.folder.as_str().into()))
        .requires(requires);
    if [&package.dev, &package.optional, &package.dev_optional, &package.peer]
        .iter()
        .any(|flag| flag.is_true())
    {
        added = added.fact(Fact::Dispensable);
    }
    if direct {
        added = added.fact(Fact::Direct);
    }
    if package.install_script.is_true() {
        added = added.fact(Fact::InstallScript);
    }
    if let Some(url) = entry.origin.filter(|url| origin::is_unusual(url, usual)) {
        added = added.fact(Fact::Origin(url.into()));
    }
    let texts = [
        (
            package.license.0.first().map(|l| &**l),
            Fact::Licence as fn(Box<str>) -> Fact,
        ),
        (package.integrity.text(), Fact::Integrity),
        (package.deprecated.text(), Fact::Deprecated),
    ];
    let _ = added.facts(texts.into_iter().filter_map(|(text, fact)| Some(fact(text?.into()))));
}

/// What `require(name)` finds from a package's folder, as Node looks: in its own `node_modules`, then upward.
fn nearest(folder: &str, name: &str, at: &HashMap<&str, &Coordinate>) -> Option<Coordinate> {
    let mut above = Some(folder);
    while let Some(here) = above {
        let place = if here.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{here}/node_modules/{name}")
        };
        if let Some(&found) = at.get(&*place) {
            return Some(found.clone());
        }
        above = match here.rfind("/node_modules/") {
            Some(cut) => here.get(..cut),
            None if here.is_empty() => None,
            None => Some(
                here.rfind("node_modules/")
                    .map_or("", |cut| here[..cut].trim_end_matches('/')),
            ),
        }
        .filter(|next| next.len() < here.len());
    }
    None
}
