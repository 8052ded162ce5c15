//! Tarballs of packages from a registry that speaks npm's protocol, kept in a folder as [`super::tarball`] reads them.
//!
//! Only the server that was named is asked, whatever its answers say: a tarball comes from `NAME/-/BASE-VERSION.tgz` below its
//! URL, where every such registry has it, and not from where `dist.tarball` points. What `dist.integrity` says is verified.

use super::{Rule, range, source::AVOIDED};
use crate::{
    disk,
    ecosystem::NPM,
    http::{HttpError, Remote},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rayon::prelude::*;
use semver::Version;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// Bytes of what a registry says of a package. The longest were some 40 MiB in 2026.
const PACKUMENT_BYTES: u64 = 256 << 20;
/// Bytes of a tarball.
const TARBALL_BYTES: u64 = 256 << 20;
/// Requests at a time.
const WORKERS: usize = 8;

/// What can go wrong with one package or version; the others are fetched all the same.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name that is none.
    #[error("{0:?} is not a package name")]
    Name(String),
    /// On the way.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer that is not what a registry says of a package.
    #[error("{0}: not what a registry says of a package: {1}")]
    Packument(String, serde_json::Error),
    /// Nothing that could be taken.
    #[error("{0}: the registry has no version of it")]
    Empty(String),
    /// Other bytes than were published.
    #[error("{0}: its SHA-512 is not the one that the registry states; it was not kept")]
    Integrity(String),
    /// In the folder.
    #[error("cannot write {0}: {1}")]
    File(PathBuf, io::Error),
}

/// What was there, what came, and what did not.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Packages that the registry has.
    pub packages: usize,
    /// Tarballs that were fetched.
    pub tarballs: usize,
    /// Tarballs that were in the folder before.
    pub kept: usize,
    /// What did not come, and why.
    pub failed: Vec<RegistryError>,
}

/// What a registry says of a package; all else that it says is passed over.
#[derive(Deserialize)]
struct Packument {
    versions: BTreeMap<String, Manifest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    dependencies: Value,
    #[serde(default)]
    peer_dependencies: Value,
    #[serde(default)]
    peer_dependencies_meta: Value,
    #[serde(default)]
    deprecated: Value,
    #[serde(default)]
    engines: Value,
    #[serde(default)]
    dist: Dist,
}

/// The oldest Node that functions run on: what asks for a newer one is taken by those that have it, and by others what came before.
const NODE: Version = Version::new(20, 19, 0);

impl Manifest {
    /// Whether npm takes others before this one.
    fn is_avoided(&self) -> bool {
        let is_deprecated = match &self.deprecated {
            Value::String(why) => !why.is_empty(),
            other => *other == true,
        };
        let node = self.engines["node"].as_str().and_then(range::of);
        is_deprecated || node.is_some_and(|node| !node.iter().any(|range| range.matches(&NODE)))
    }
}

#[derive(Default, Deserialize)]
struct Dist {
    integrity: Option<String>,
}

/// Fetches what the rule takes of each package and is not in the folder yet, and writes beside it what else was published
/// (`NAME.versions`). Prereleases are left out unless a package has nothing else.
#[must_use]
pub fn fetch(remote: &Remote, folder: &Path, names: &[&str], rule: Rule) -> Fetched {
    let each = |name: &&str| {
        package(remote, folder, name, rule).unwrap_or_else(|e| Fetched {
            failed: vec![e],
            ..Fetched::default()
        })
    };
    let all = |mut a: Fetched, b: Fetched| {
        a.packages += b.packages;
        a.tarballs += b.tarballs;
        a.kept += b.kept;
        a.failed.extend(b.failed);
        a
    };
    // Their own, and more than there are cores: they wait for the network.
    match rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build() {
        Ok(pool) => pool.install(|| names.par_iter().map(each).reduce(Fetched::default, all)),
        Err(_) => names.iter().map(each).fold(Fetched::default(), all),
    }
}

fn package(remote: &Remote, folder: &Path, name: &str, rule: Rule) -> Result<Fetched, RegistryError> {
    if !is_name(name) {
        return Err(RegistryError::Name(name.to_owned()));
    }
    let body = remote.body(&name.replace('/', "%2f"), PACKUMENT_BYTES)?;
    let said: Packument = serde_json::from_slice(&body).map_err(|e| RegistryError::Packument(name.to_owned(), e))?;
    let mut published: Vec<&String> = said.versions.keys().filter(|v| is_version(v)).collect();
    if published.iter().any(|v| !is_prerelease(v)) {
        published.retain(|v| !is_prerelease(v));
    }
    published.sort_by(|a, b| (NPM.compare)(a, b));
    if published.is_empty() {
        return Err(RegistryError::Empty(name.to_owned()));
    }
    let stem = name.replace('/', "+");
    let list: Vec<String> = published.iter().rev().map(|v| line(v, &said.versions[*v])).collect();
    write(&folder.join(format!("{stem}.versions")), list.join("\n").as_bytes())?;
    let mut fetched = Fetched {
        packages: 1,
        ..Fetched::default()
    };
    for version in rule.of(published, |version| version) {
        let file = folder.join(format!("{stem}-{version}.tgz"));
        if file.is_file() {
            fetched.kept += 1;
            continue;
        }
        match tarball(remote, name, version, &said.versions[version].dist).and_then(|bytes| write(&file, &bytes)) {
            Ok(()) => fetched.tarballs += 1,
            Err(e) => fetched.failed.push(e),
        }
    }
    Ok(fetched)
}

fn tarball(remote: &Remote, name: &str, version: &str, dist: &Dist) -> Result<Vec<u8>, RegistryError> {
    let base = name.rsplit('/').next().unwrap_or(name);
    let bytes = remote.body(&format!("{name}/-/{base}-{version}.tgz"), TARBALL_BYTES)?;
    // Several may be stated, of which one is enough; a registry that states only weaker ones has nothing to hold it to.
    let mut stated = dist.integrity.iter().flat_map(|all| all.split_whitespace());
    let stated = stated.find_map(|one| one.strip_prefix("sha512-"));
    let is_it = |stated: &str| stated == BASE64_STANDARD.encode(Sha512::digest(&bytes));
    if stated.is_some_and(|stated| !is_it(stated)) {
        return Err(RegistryError::Integrity(format!("{name}@{version}")));
    }
    Ok(bytes)
}

/// Whole or not at all: half a file would be taken for a whole one the next time.
fn write(file: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    disk::replace(file, bytes).map_err(|e| RegistryError::File(file.to_owned(), e))
}

/// A version, and what it depends on behind it. What it can do without is seldom there.
fn line(version: &str, manifest: &Manifest) -> String {
    let is_optional = |name: &str| manifest.peer_dependencies_meta[name]["optional"] == true;
    let mut needs: BTreeMap<&str, &str> = BTreeMap::new();
    for (list, is_peer) in [(&manifest.peer_dependencies, true), (&manifest.dependencies, false)] {
        for (name, range) in list.as_object().into_iter().flatten() {
            if !(is_peer && is_optional(name)) {
                needs.insert(name, range.as_str().unwrap_or("*"));
            }
        }
    }
    let is_plain = |text: &str| !text.contains(|c: char| c.is_control());
    let needs = needs.iter().filter(|(name, range)| is_name(name) && is_plain(range));
    let needs: Vec<String> = needs.map(|(name, range)| format!("\t{name} {range}")).collect();
    let mark = if manifest.is_avoided() {
        AVOIDED.to_string()
    } else {
        String::new()
    };
    format!("{version}{mark}{}", needs.concat())
}

/// `NAME` or `@SCOPE/NAME`, of what npm takes: a name becomes part of a URL and of a file's path.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!*'()".contains(&b);
        !part.is_empty() && part.len() <= 214 && !part.starts_with('.') && part.bytes().all(is_safe)
    };
    match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| is_part(scope) && is_part(name)),
        None => is_part(name),
    }
}

fn is_version(version: &str) -> bool {
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-.+".contains(&b);
    (NPM.is_version)(version) && version.len() <= 256 && version.bytes().all(is_safe)
}

fn is_prerelease(version: &str) -> bool {
    version.split('+').next().is_some_and(|version| version.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_takes_last_is_marked() {
        for (manifest, expected) in [
            (r"{}", "1.0.0"),
            (r#"{"dependencies":{"a":"^1.0.0"}}"#, "1.0.0\ta ^1.0.0"),
            (
                r#"{"deprecated":"use b","dependencies":{"a":"^1.0.0"}}"#,
                "1.0.0!\ta ^1.0.0",
            ),
            (r#"{"deprecated":true}"#, "1.0.0!"),
            (r#"{"deprecated":""}"#, "1.0.0"),
            (r#"{"deprecated":false}"#, "1.0.0"),
            (r#"{"engines":{"node":">=18"}}"#, "1.0.0"),
            (r#"{"engines":{"node":"^18 || ^20"}}"#, "1.0.0"),
            (r#"{"engines":{"node":">= 22.0.0"}}"#, "1.0.0!"),
            (r#"{"engines":{"node":"^18 || ^22"}}"#, "1.0.0!"),
            // What old ones write, and what is no range.
            (r#"{"engines":["node >= 22"]}"#, "1.0.0"),
            (r#"{"engines":{"node":"any"}}"#, "1.0.0"),
        ] {
            let read: Manifest = serde_json::from_str(manifest).expect(manifest);
            assert_eq!(line("1.0.0", &read), expected, "{manifest}");
        }
    }
}
