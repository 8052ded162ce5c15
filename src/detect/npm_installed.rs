//! Installed npm packages: `node_modules/NAME/package.json`, below any folder.

use super::{DetectError, Detector, Interest, Sink, js::module_path::is_test_data};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::json::{self, Members, Scalar},
};
use serde::{Deserialize, de::IgnoredAny};
use std::collections::BTreeSet;

pub(super) struct NpmInstalled;

impl Detector for NpmInstalled {
    fn id(&self) -> &'static str {
        "npm-installed"
    }

    fn reads(&self) -> &'static str {
        "`node_modules/**/package.json`: npm, yarn, pnpm's virtual store, layers, several trees"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        match folder_name(meta.path) {
            Some(_) if meta.kind == EntryKind::File => Interest::Read,
            _ => Interest::Skip,
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let folder = folder_name(entry.meta.path).unwrap_or_default();
        let members = match json::document::<Members<Scalar>>(entry.bytes) {
            Ok(Members(members)) => members,
            Err(e) => {
                // The folder still shows that a package of that name is here.
                let _ = found.add(NPM.coordinate(folder, None), Proof::Installed, 0.8);
                return Err(DetectError(format!(
                    "package.json is not JSON ({e}); reinstall `{folder}`"
                )));
            }
        };
        let values = |key: &str| -> Vec<&str> {
            let all = members.iter().filter(|(k, _)| k == key).filter_map(|(_, v)| v.text());
            all.filter(|v| !v.trim().is_empty()).collect()
        };
        let (mut names, versions) = (values("name"), values("version"));
        if names.is_empty() {
            names.push(folder);
        }
        // Parsers keep the first or the last of two equal keys; nobody knows which one the reader of this file takes.
        if different(&names) || different(&versions) {
            found.blind("`name` or `version` is given twice with different values; both were considered");
        }
        let Wishes { requires, runs_script } = wishes(entry.bytes);
        let requires: Vec<Coordinate> = requires.iter().map(|name| NPM.coordinate(name, None)).collect();
        for name in names {
            if versions.is_empty() {
                // A workspace of the application's own has no version, and says that it is private.
                let private = members.iter().any(|(key, value)| key == "private" && value.is_true());
                if members.iter().any(|(key, _)| key == "version") {
                    found.blind(format!("`version` of {name} is not a text; reinstall it"));
                } else if !private {
                    found.blind(format!(
                        "{name} has no version, and npm installs none without; reinstall it"
                    ));
                }
                let _ = found.add(NPM.coordinate(name, None), Proof::Installed, 0.9);
            }
            for version in &versions {
                let added = found.add(NPM.coordinate(name, Some(version)), Proof::Installed, 1.0);
                let added = added.requires(requires.clone());
                if runs_script {
                    let _ = added.fact(Fact::InstallScript);
                }
            }
        }
        Ok(())
    }
}

/// What a package asks for, by name; which versions it finds is seen in the tree.
struct Wishes {
    requires: BTreeSet<String>,
    runs_script: bool,
}

fn wishes(bytes: &[u8]) -> Wishes {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Document {
        dependencies: Members<IgnoredAny>,
        optional_dependencies: Members<IgnoredAny>,
        peer_dependencies: Members<IgnoredAny>,
        scripts: Members<IgnoredAny>,
    }
    let document: Document = json::document(bytes).unwrap_or_default();
    let lists = [
        document.dependencies,
        document.optional_dependencies,
        document.peer_dependencies,
    ];
    let mut scripts = document.scripts.0.iter();
    Wishes {
        requires: lists
            .into_iter()
            .flat_map(|list| list.0)
            .map(|(name, _)| name)
            .collect(),
        runs_script: scripts.any(|(name, _)| matches!(&**name, "preinstall" | "install" | "postinstall")),
    }
}

fn different(values: &[&str]) -> bool {
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
        // yarn's own store, to which the names in `node_modules` are links: `.store/NAME-npm-VERSION-HASH/package`
        '.' => segments == 3 && name.starts_with(".store/") && name.ends_with("/package"),
        _ => segments == 1,
    };
    (own && !is_test_data(folder)).then_some(name)
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
