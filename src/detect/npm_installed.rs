//! Installed npm packages: `node_modules/NAME/package.json`, below any folder.

use super::{
    DetectError, Detector, Interest, Sink,
    js::{
        module_path::{is_package_name, is_test_data, is_version},
        package_json::PackageJson,
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::{self, json},
};

pub(super) struct NpmInstalled;

impl Detector for NpmInstalled {
    fn id(&self) -> &'static str {
        "npm-installed"
    }

    fn reads(&self) -> &'static str {
        "`node_modules/**/package.json`: npm, yarn, pnpm's virtual store, layers, several trees"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(folder_name(meta.path).is_some())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let folder = folder_name(entry.meta.path).unwrap_or_default();
        // Lossily: an author's name in another encoding hides nothing else.
        let read = match json::document::<PackageJson>(parse::text(entry.bytes).as_bytes()) {
            Ok(read) => read,
            Err(e) => {
                // The folder still shows that a package of that name is here.
                let _ = found.add(NPM.coordinate(folder, None), Proof::Installed, 0.8);
                return Err(DetectError(format!(
                    "package.json is not JSON ({e}); reinstall `{folder}`"
                )));
            }
        };
        let mut names: Vec<&str> = read.names.iter().map(|n| &**n).collect();
        if names.is_empty() {
            names.push(folder);
        }
        if different(&read.names) || different(&read.versions) {
            found.blind("`name` or `version` is given twice with different values; both were considered");
        }
        let requires: Vec<Coordinate> = read.requires.iter().map(|name| NPM.coordinate(name, None)).collect();
        let script = read.runs_script.then_some(Fact::InstallScript);
        let fetching = read.fetching.iter().map(|s| Fact::FetchingScript(s.as_str().into()));
        let licence = read.licence().map(|l| Fact::Licence(l.into()));
        let authors = read.authors.iter().map(|a| Fact::Author(a.as_str().into()));
        let facts: Vec<Fact> = script
            .into_iter()
            .chain(fetching)
            .chain(licence)
            .chain(authors)
            .chain(read.calls.iter().map(|name| Fact::Calls(name.as_str().into())))
            .chain(declared_above(entry, folder, &names, found))
            .collect();
        for name in names {
            if read.versions.is_empty() {
                // A workspace of the application's own has no version, and says that it is private.
                if read.has_version {
                    found.blind(format!("`version` of {name} is not a text; reinstall it"));
                } else if !read.private {
                    found.blind(format!(
                        "{name} has no version, and npm installs none without; reinstall it"
                    ));
                }
                let _ = found.add(NPM.coordinate(name, None), Proof::Installed, 0.9);
            }
            for version in &read.versions {
                let added = found.add(NPM.coordinate(name, Some(version)), Proof::Installed, 1.0);
                let _ = added.requires(requires.clone()).facts(facts.iter().cloned());
            }
        }
        Ok(())
    }
}

/// The folder's name, where it is not the package's and the application's own `package.json` calls it so.
fn declared_above(entry: &Entry<'_>, folder: &str, names: &[&str], found: &Sink<'_>) -> Option<Fact> {
    if names.contains(&folder) || folder.starts_with('.') {
        return None;
    }
    let (above, _) = entry.meta.path.split_once("node_modules/")?;
    let contents = found.neighbours.read(&format!("{above}package.json"))?;
    let application = json::document::<PackageJson>(parse::text(&contents.bytes).as_bytes()).ok()?;
    application.calls.contains(folder).then(|| Fact::Calls(folder.into()))
}

fn different(values: &[String]) -> bool {
    values.windows(2).any(|pair| pair[0] != pair[1])
}

/// The package's folder name (`lodash`, `@scope/name`) if `path` is an installed package's own `package.json`.
///
/// A `package.json` deeper inside a package (`dist/esm/package.json`) only sets options for its folder. Trees that a
/// package carries as test data are not installed.
fn folder_name(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/package.json")?;
    let name = match folder.rsplit_once("node_modules/") {
        Some((above, name)) if above.is_empty() || above.ends_with('/') => name,
        _ => return None,
    };
    let segments = name.split('/').count();
    let own = match name.chars().next()? {
        '@' => segments == 2,
        // A store, to which the names in `node_modules` are links: yarn's `.store/NAME-npm-VERSION-HASH/package`, and
        // `.nitro/NAME@VERSION` of what traces the files that a server needs.
        '.' => segments == 3 && name.starts_with(".store/") && name.ends_with("/package") || is_stored(name),
        _ => segments == 1,
    };
    (own && !is_test_data(folder)).then_some(name)
}

/// `.STORE/NAME@VERSION`, `.STORE/@SCOPE/NAME@VERSION`.
fn is_stored(path: &str) -> bool {
    let entry = path.split_once('/').map_or("", |(_, entry)| entry);
    let parted = entry.rsplit_once('@');
    parted.is_some_and(|(name, version)| is_package_name(name) && is_version(version))
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn what_is_a_package_of_its_own() {
        for (path, name) in [
            ("node_modules/lodash/package.json", Some("lodash")),
            ("nodejs/node_modules/@a/b/package.json", Some("@a/b")),
            ("node_modules/.pnpm/ws@8.0.0/node_modules/ws/package.json", Some("ws")),
            ("a/node_modules/x/node_modules/y/package.json", Some("y")),
            (
                "node_modules/.store/ms-npm-2.0.0-9e11/package/package.json",
                Some(".store/ms-npm-2.0.0-9e11/package"),
            ),
            ("node_modules/.store/ms-npm-2.0.0-9e11/package.json", None),
            ("node_modules/.nitro/@a/b@1.0.0/package.json", Some(".nitro/@a/b@1.0.0")),
            ("node_modules/.nitro/ms@2.0.0/package.json", Some(".nitro/ms@2.0.0")),
            ("node_modules/.nitro/ms@2.0.0/dist/package.json", None),
            ("node_modules/.cache/ms/package.json", None),
            ("tests/node_modules/x/package.json", Some("x")),
            ("node_modules/lodash/fp/package.json", None),
            ("node_modules/@a/package.json", None),
            ("node_modules/@a/b/dist/package.json", None),
            ("node_modules/.bin/package.json", None),
            ("my_node_modules/x/package.json", None),
            (
                "node_modules/resolve/test/resolver/node_modules/fake/package.json",
                None,
            ),
            ("package.json", None),
            ("lib/package.json", None),
        ] {
            assert_eq!(folder_name(path), name, "{path}");
        }
    }
}
