//! Paths of modules as bundlers write them, and the package that each belongs to.

/// A package, read off the path of one of its files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::detect) struct PackagePath {
    /// The folder's name: the package's, unless the application gave it an alias.
    pub(in crate::detect) name: String,
    /// Where the layout writes it into the path: pnpm's and bun's store, yarn's cache, cnpm.
    pub(in crate::detect) version: Option<String>,
    /// The package's folder from the first `node_modules` on (`node_modules/a/node_modules/b`).
    pub(in crate::detect) at: String,
}

const FOLDER: &str = "node_modules/";

/// The package of a module's path, by its last `node_modules` folder. `None` for the application's own modules.
pub(in crate::detect) fn package(path: &str) -> Option<PackagePath> {
    // `?commonjs-entry` and `?v=1` are questions to a plugin; `loader!file` names the file last.
    let path = path.split('?').next().unwrap_or_default();
    let path = path.rsplit('!').next().unwrap_or_default();
    let path = &*path.replace('\\', "/");
    let first = folders(path).next()?;
    let last = folders(path).last()?;
    let inside = path.get(last + FOLDER.len()..)?;
    let store = STORES.iter().find_map(|store| inside.strip_prefix(store));
    if let Some(entry) = store {
        // yarn's pnpm linker: `node_modules/.store/NAME-npm-VERSION-HASH/package/…`
        let (name, version) = cache_entry(entry.split('/').next()?)?;
        return Some(PackagePath {
            at: format!("{FOLDER}{name}"),
            name,
            version,
        });
    }
    let folder = package_folder(inside);
    if folder.is_none_or(is_left)
        && let Some(stored) = pnpm_entry(path)
    {
        return Some(stored);
    }
    let folder = folder.filter(|folder| !(folder.starts_with('@') && is_left(folder)))?;
    let above = path.get(..last).unwrap_or_default();
    let (name, version) = match cnpm(folder) {
        Some((name, version)) => (name, Some(version)),
        None => (folder.to_owned(), stored_version(above, folder)),
    };
    Some(PackagePath {
        at: path.get(first..last + FOLDER.len() + folder.len())?.to_owned(),
        name,
        version,
    })
}

/// The folder of the package that a file belongs to, from the beginning of its path on. `None` outside of `node_modules`.
pub(in crate::detect) fn folder(path: &str) -> Option<&str> {
    let inside = folders(path).last()? + FOLDER.len();
    let rest = path.get(inside..)?;
    let length = match STORES.iter().find_map(|store| rest.strip_prefix(store)) {
        Some(entry) => rest.len() - entry.len() + entry.find("/package/")? + "/package".len(),
        None => package_folder(rest)?.len(),
    };
    path.get(..inside + length)
}

/// Whether a folder lies in the test data of a package around it: what is there was never installed.
pub(in crate::detect) fn is_test_data(folder: &str) -> bool {
    const NAMES: &[&str] = &["test", "tests", "__tests__", "fixtures", "__fixtures__", "testdata"];
    let (Some(outer), Some(inner)) = (folder.find(FOLDER), folder.rfind(FOLDER)) else {
        return false;
    };
    let between = folder.get(outer + FOLDER.len()..inner).unwrap_or_default();
    between.split('/').any(|segment| NAMES.contains(&segment))
}

/// Whether a file holds TypeScript's declarations, which are no code.
pub(in crate::detect) fn declares(path: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"].iter().any(|ext| path.ends_with(ext))
}

/// `src`, `@scope/src`: what a map that was published with a package calls `../src` of its folder.
fn is_left(folder: &str) -> bool {
    folder == "src" || folder.starts_with('@') && folder.ends_with("/src")
}

/// The package of an entry of pnpm's store, where what follows lies in no package: a map that was published with it calls its
/// sources by paths that lead out of its folder (`.pnpm/xmlchars@2.2.0/src/ed5.ts`).
fn pnpm_entry(path: &str) -> Option<PackagePath> {
    let (above, rest) = path.rsplit_once("node_modules/.pnpm/")?;
    let entry = rest.split('/').next()?;
    let (name, version) = entry.get(1..)?.split_once('@')?;
    let name = format!("{}{name}", entry.get(..1)?).replacen('+', "/", 1);
    let scoped = name.starts_with('@') == name.contains('/');
    (scoped && is_package_name(&name)).then(|| PackagePath {
        at: format!("{}{FOLDER}.pnpm/{entry}/{FOLDER}{name}", first_folder(above)),
        version: version_prefix(version),
        name,
    })
}

/// What a path has from its first `node_modules` on.
fn first_folder(path: &str) -> &str {
    folders(path)
        .next()
        .and_then(|first| path.get(first..))
        .unwrap_or_default()
}

const STORES: &[&str] = &[".store/"];

/// Where `node_modules/` stands as a folder of its own, and not as the tail of another name.
fn folders(path: &str) -> impl Iterator<Item = usize> {
    path.match_indices(FOLDER)
        .map(|(at, _)| at)
        .filter(move |&at| at == 0 || path.as_bytes().get(at - 1).is_some_and(|b| !is_name_byte(*b)))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'~')
}

/// `lodash` or `@scope/name` at the beginning of what lies in a `node_modules` folder.
fn package_folder(inside: &str) -> Option<&str> {
    let end = inside.find('/').unwrap_or(inside.len());
    let end = if inside.starts_with('@') {
        let rest = inside.get(end + 1..)?;
        end + 1 + rest.find('/').unwrap_or(rest.len())
    } else {
        end
    };
    let folder = inside.get(..end)?;
    is_package_name(folder).then_some(folder)
}

/// Whether npm would have taken it: what old packages are named is allowed, what no package can be named is not (`.bin`,
/// `.prisma`, an expression in a template string).
pub(in crate::detect) fn is_package_name(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_name_byte);
    let parts = match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| plain(scope) && plain(name)),
        None => plain(name) && !name.starts_with('_') || cnpm(name).is_some(),
    };
    parts && name.len() <= 214 && name.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// `_lodash@4.17.21@lodash`, as cnpm lays packages out.
fn cnpm(folder: &str) -> Option<(String, String)> {
    let rest = folder.strip_prefix('_')?;
    let (version_and, name) = rest.rsplit_once('@')?;
    let (_, version) = version_and.rsplit_once('@')?;
    (is_version(version) && !name.is_empty()).then(|| (name.to_owned(), version.to_owned()))
}

/// The version that a store's folder above the package's own gives it.
fn stored_version(above: &str, name: &str) -> Option<String> {
    let mut parts = above.trim_end_matches('/').rsplit('/');
    let entry = parts.next()?;
    let store = parts.next()?;
    let flat = name.replace('/', "+");
    match store {
        // pnpm before version 7 wrote a host, or a scope as a folder: the entry is still `name@version` or `version`.
        ".pnpm" | ".deno" | ".bun" => {
            let rest = entry.strip_prefix(&*flat)?.strip_prefix('@')?;
            version_prefix(rest)
        }
        "unplugged" | "cache" => {
            let (cached, version) = cache_entry(entry)?;
            (cached == name).then_some(version)?
        }
        _ => None,
    }
}

/// `1.0.0` of `1.0.0_peer@2.0.0`, `1.0.0(peer@2.0.0)`, `1.0.0+hash`.
fn version_prefix(text: &str) -> Option<String> {
    let end = text.find(['_', '(', '+']).unwrap_or(text.len());
    let version = text.get(..end)?;
    is_version(version).then(|| version.to_owned())
}

/// `NAME-npm-VERSION-HASH[-KEY].zip`, `@scope-NAME-npm-VERSION-HASH`, as yarn names files of its cache.
fn cache_entry(entry: &str) -> Option<(String, Option<String>)> {
    let entry = entry.strip_suffix(".zip").unwrap_or(entry);
    let (slug, rest) = entry.split_once("-npm-")?;
    let name = match slug.strip_prefix('@').and_then(|scoped| scoped.split_once('-')) {
        Some((scope, name)) => format!("@{scope}/{name}"),
        None => slug.to_owned(),
    };
    // The hash is the first part of ten hexadecimal digits; a prerelease may hold dashes of its own.
    let hash = rest
        .match_indices('-')
        .find(|(at, _)| {
            let part = rest
                .get(at + 1..)
                .and_then(|tail| tail.split('-').next())
                .unwrap_or_default();
            part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit())
        })
        .map_or(rest.len(), |(at, _)| at);
    let version = rest.get(..hash).filter(|v| is_version(v)).map(str::to_owned);
    is_package_name(&name).then_some((name, version))
}

/// Three numbers, and what SemVer allows after them.
pub(in crate::detect) fn is_version(text: &str) -> bool {
    text.len() <= 64 && semver::Version::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{folder, package};

    #[test]
    fn folders_of_packages() {
        for (path, expected) in [
            ("app/node_modules/ms/lib/index.js", Some("app/node_modules/ms")),
            (
                "node_modules/a/node_modules/@s/b/x.js",
                Some("node_modules/a/node_modules/@s/b"),
            ),
            (
                "node_modules/.store/ms-npm-2.0.0-9e1101a471/package/index.js",
                Some("node_modules/.store/ms-npm-2.0.0-9e1101a471/package"),
            ),
            ("node_modules/.bin/x.js", None),
            ("src/index.js", None),
        ] {
            assert_eq!(folder(path), expected, "{path}");
        }
    }

    #[test]
    fn packages_by_path() {
        for (path, expected) in [
            (
                "../app/node_modules/depd/lib/index.js",
                Some(("depd", None, "node_modules/depd")),
            ),
            (
                "webpack://orders/./node_modules/@a/b/x.js",
                Some(("@a/b", None, "node_modules/@a/b")),
            ),
            (
                "node_modules/a/node_modules/b/i.js?commonjs-proxy",
                Some(("b", None, "node_modules/a/node_modules/b")),
            ),
            (
                "node_modules/.pnpm/depd@1.1.2/node_modules/depd/index.js",
                Some(("depd", Some("1.1.2"), "node_modules/.pnpm/depd@1.1.2/node_modules/depd")),
            ),
            (
                "node_modules/.pnpm/@a+b@1.0.0-rc.1_react@18.2.0/node_modules/@a/b/i.js",
                Some((
                    "@a/b",
                    Some("1.0.0-rc.1"),
                    "node_modules/.pnpm/@a+b@1.0.0-rc.1_react@18.2.0/node_modules/@a/b",
                )),
            ),
            (
                "node_modules/.pnpm/x@2.0.0(y@1.0.0)/node_modules/x/i.js",
                Some(("x", Some("2.0.0"), "node_modules/.pnpm/x@2.0.0(y@1.0.0)/node_modules/x")),
            ),
            (
                ".yarn/cache/lodash-npm-4.17.21-6382451519-eb835a2e51.zip/node_modules/lodash/lodash.js",
                Some(("lodash", Some("4.17.21"), "node_modules/lodash")),
            ),
            (
                "../.yarn/cache/@a-b-npm-1.0.0-beta-1-0123456789-8.zip/node_modules/@a/b/x.js",
                Some(("@a/b", Some("1.0.0-beta-1"), "node_modules/@a/b")),
            ),
            (
                "node_modules/.store/ms-npm-2.0.0-9e1101a471/package/index.js",
                Some(("ms", Some("2.0.0"), "node_modules/ms")),
            ),
            (
                "node_modules/_ms@2.0.0@ms/index.js",
                Some(("ms", Some("2.0.0"), "node_modules/_ms@2.0.0@ms")),
            ),
            (
                "C:\\app\\node_modules\\ms\\index.js",
                Some(("ms", None, "node_modules/ms")),
            ),
            (
                "\0/app/node_modules/ms/index.js?x",
                Some(("ms", None, "node_modules/ms")),
            ),
            (
                "css-loader!./node_modules/ms/a.css",
                Some(("ms", None, "node_modules/ms")),
            ),
            // What leads out of a package's folder, in a map that was published with it.
            (
                "../app/node_modules/.pnpm/xmlchars@2.2.0/src/xml/ed5.ts",
                Some((
                    "xmlchars",
                    Some("2.2.0"),
                    "node_modules/.pnpm/xmlchars@2.2.0/node_modules/xmlchars",
                )),
            ),
            (
                "node_modules/.pnpm/@a+b@1.0.0_c@2.0.0/node_modules/@a/src/x.ts",
                Some((
                    "@a/b",
                    Some("1.0.0"),
                    "node_modules/.pnpm/@a+b@1.0.0_c@2.0.0/node_modules/@a/b",
                )),
            ),
            ("node_modules/@a/src/x.ts", None),
            (
                "node_modules/.pnpm/hash-it@6.0.1/node_modules/src/hash.ts",
                Some((
                    "hash-it",
                    Some("6.0.1"),
                    "node_modules/.pnpm/hash-it@6.0.1/node_modules/hash-it",
                )),
            ),
            (
                "node_modules/.pnpm/node_modules/x.ts",
                Some(("x.ts", None, "node_modules/.pnpm/node_modules/x.ts")),
            ),
            ("node_modules/.pnpm/@2.0.0/x.ts", None),
            ("src/node_modules.js", None),
            ("my_node_modules/ms/index.js", None),
            ("node_modules/.prisma/client/index.js", None),
            ("node_modules/${name}/index.js", None),
            ("node_modules/", None),
            ("node_modules/@a", None),
            ("node_modules/@a/", None),
        ] {
            let found = package(path);
            let shown = found.as_ref().map(|p| (&*p.name, p.version.as_deref(), &*p.at));
            // cnpm's folder names hold a character of their own, `@`; its `at` ends with the folder
            assert_eq!(shown, expected, "{path}");
        }
    }
}
