//! What a package's tarball holds that a bundler could take: its manifest and its modules.

use super::build::{Dependency, Release};
use aho_corasick::AhoCorasick;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

/// A package that unpacks to more than this is not read: no bundle holds it whole.
const MOST_BYTES: u64 = 256 << 20;

/// A module longer than this is data or a build for browsers.
const MODULE_BYTES: usize = 4 << 20;

/// Folders whose files nobody imports, unless a module that the manifest leads to does.
const APART: &[&str] = &[
    "bin",
    "test",
    "tests",
    "__tests__",
    "__mocks__",
    "spec",
    "example",
    "examples",
    "doc",
    "docs",
    "benchmark",
    "benchmarks",
    "bench",
    "umd",
    "scripts",
    "fixtures",
    "coverage",
    "demo",
    "demos",
    "tasks",
    "tools",
    "website",
    // What a bundler for Node takes lies elsewhere, and here lie whole bundles, with what they carry.
    "browser",
    "min",
];

/// Folders whose files are not the package's own, or not it: copies of others; and of a hundred languages a bundle has one or all, of
/// which a sample of the package would be.
const NEVER: &[&str] = &["node_modules", "locale", "locales"];

/// Files beside the modules that nobody imports.
const BESIDE: &[&str] = &[
    "test.js",
    "tests.js",
    "bench.js",
    "benchmark.js",
    "example.js",
    "Gruntfile.js",
    "Gulpfile.js",
    "gulpfile.js",
    "Makefile.js",
    "karma.conf.js",
];

/// Folders of builds or sources, of which a package has several and a bundler takes what the manifest names.
const BUILDS: &[&str] = &[
    "dist", "build", "src", "source", "bundle", "bundles", "out", "types", "amd", "system",
];

/// Name of the package and its release.
///
/// # Errors
/// When it is no tarball of a package.
pub fn read(tarball: impl Read) -> Result<(String, Release), String> {
    let mut manifest: Option<Value> = None;
    let mut modules: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(tarball).take(MOST_BYTES));
    for entry in archive.entries().map_err(|e| e.to_string())? {
        let entry = entry.map_err(|e| e.to_string())?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The first folder is `package`, or whatever its packer called it.
        let Some((_, path)) = path.split_once('/') else {
            continue;
        };
        let wanted = path == "package.json" || is_script(path);
        if !wanted || !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        entry
            .take(MODULE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| e.to_string())?;
        if path == "package.json" {
            manifest = Some(serde_json::from_slice(&bytes).map_err(|e| format!("its package.json: {e}"))?);
        } else if bytes.len() <= MODULE_BYTES {
            modules.insert(path.to_owned(), bytes);
        }
    }
    let manifest = manifest.ok_or("no package.json in it")?;
    let text = |key: &str| manifest[key].as_str().map(str::to_owned);
    let (name, version) = text("name")
        .zip(text("version"))
        .ok_or("no name or no version in its package.json")?;
    let mut named = Vec::new();
    for key in ["main", "module", "exports", "es2015", "jsnext:main"] {
        paths(&manifest[key], &mut named, 0);
    }
    let needs = ["dependencies", "peerDependencies"]
        .iter()
        .filter_map(|key| manifest[*key].as_object());
    let range = |value: &Value| value.as_str().unwrap_or("*").to_owned();
    let needs = needs.flat_map(|list| list.iter().map(|(name, value)| (name.clone(), range(value))));
    // What it can do without is seldom there.
    let is_optional = |name: &String| manifest["peerDependenciesMeta"][name]["optional"] == true;
    let needs = needs.filter(|(name, _)| !is_optional(name));
    let needs: Vec<Dependency> = needs.collect();
    // What browsers get in place of what Node gets.
    let mut replaced = Vec::new();
    paths(&manifest["browser"], &mut replaced, 0);
    if manifest["main"].is_null() {
        named.push("index.js".to_owned());
    }
    // Before what lies apart is left out: `lib/doc` is a folder of documentation, unless the package loads it.
    let reached = reached(&modules, &named);
    let is_reached = |path: &String| reached.as_ref().is_some_and(|reached| reached.contains(path));
    let is_kept = |path: &String| is_reached(path) && !is_in(path, NEVER) || is_module(path);
    modules.retain(|path, _| is_named(path, &named) || is_kept(path));
    let unasked: BTreeSet<String> = replaced
        .into_iter()
        .filter(|path| !is_reached(path) && !is_asked_for(path, &modules))
        .collect();
    modules.retain(|path, _| is_named(path, &named) || !unasked.contains(path));
    let builds = builds(&modules, &named);
    modules.retain(|path, _| build_of(path).is_none_or(|folder| builds.contains(folder)));
    modules.retain(|path, _| !is_served(path) || is_named(path, &named) || is_reached(path));
    let imports = modules.iter().filter(|(path, _)| reached.is_none() || is_reached(path));
    let imports: Vec<&[u8]> = imports.map(|(_, text)| &**text).collect();
    let (needs, mut packed) = imported(needs, &imports);
    let for_itself = manifest["devDependencies"].as_object().into_iter().flatten();
    let for_itself = for_itself.map(|(name, value)| (name.clone(), range(value)));
    packed.extend(imported(for_itself.collect(), &imports).1);
    let reads_manifest = |text: &&[u8]| relative_paths(text).any(|path| path.ends_with("/package.json"));
    let reads_manifest = imports.iter().any(reads_manifest);
    let mut release = Release::new(&version, needs, &mut modules.into_values());
    release.reads_manifest = reads_manifest;
    release.packed = packed.into_iter().map(|(name, _)| name).collect();
    Ok((name, release))
}

/// Of what a package depends on, what its modules name; and the rest, which is for its command line, for browsers, or packed into them.
fn imported(needs: Vec<Dependency>, modules: &[&[u8]]) -> (Vec<Dependency>, Vec<Dependency>) {
    let Ok(finder) = AhoCorasick::new(needs.iter().map(|(name, _)| name)) else {
        return (needs, Vec::new());
    };
    let mut imports = vec![false; needs.len()];
    for text in modules {
        for hit in finder.find_overlapping_iter(text) {
            let before = text[..hit.start()]
                .split_last()
                .filter(|(quote, _)| b"'\"`".contains(quote));
            let after = text.get(hit.end());
            imports[hit.pattern().as_usize()] |= before
                .is_some_and(|(_, before)| is_import(before) && !is_comment(before))
                && after.is_some_and(|end| b"'\"`/".contains(end));
        }
    }
    let (imported, others): (Vec<_>, Vec<_>) = needs
        .into_iter()
        .zip(imports)
        .partition(|(_, is_imported)| *is_imported);
    let needs = |all: Vec<(Dependency, bool)>| all.into_iter().map(|(need, _)| need).collect();
    (needs(imported), needs(others))
}

/// Whether what stands before a string makes it a name of a module: many a package is called as what it does.
fn is_import(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"(").map_or(before, <[u8]>::trim_ascii_end);
    [&b"require"[..], b"from", b"import", b"resolve"]
        .iter()
        .any(|word| before.ends_with(word))
}

/// The modules that the ones which the manifest names lead to: sources beside a build of them are not. `None` where one is chosen when it
/// runs, or where the manifest names none.
fn reached(modules: &BTreeMap<String, Vec<u8>>, named: &[String]) -> Option<BTreeSet<String>> {
    let mut open: Vec<&String> = modules.keys().filter(|path| is_named(path, named)).collect();
    if open.is_empty() || named.iter().any(|path| path.contains('*')) {
        return None;
    }
    let mut reached: BTreeSet<String> = open.iter().copied().cloned().collect();
    while let Some(path) = open.pop() {
        let Some(text) = modules.get(path) else { continue };
        if is_chosen_when_run(text) {
            return None;
        }
        for other in relative_paths(text) {
            let other = join(path, other);
            let endings = ["", ".js", ".cjs", ".mjs", "/index.js", "/index.cjs", "/index.mjs"];
            let file = |ending: &&str| modules.get_key_value(format!("{other}{ending}").trim_start_matches('/'));
            let found = endings.iter().find_map(file);
            if let Some((path, _)) = found.filter(|(path, _)| reached.insert((*path).clone())) {
                open.push(path);
            }
        }
    }
    Some(reached)
}

/// Whether a file lies where files do that are sent to browsers as they are.
fn is_served(path: &str) -> bool {
    is_in(path, &["static", "public", "assets"])
}

/// Bytes of a line beyond which it is none that somebody wrote.
const LINE_BYTES: usize = 400;

/// Whether a text ends in a comment, as far as its last line tells: `require('x')` in one asks for nothing.
fn is_comment(text: &[u8]) -> bool {
    // Of a file of one line no more is looked at for each import in it.
    let near = &text[text.len().saturating_sub(LINE_BYTES + 1)..];
    let line = &near[memchr::memrchr(b'\n', near).map_or(0, |end| end + 1)..];
    let begin = line.trim_ascii_start();
    let is_open = |begin: &[u8]| memchr::memmem::find(begin, b"*/").is_none();
    // Not that of an address.
    let is_slashes = |at: usize| at.checked_sub(1).is_none_or(|before| line[before] != b':');
    let is_inside = begin.starts_with(b"*") || begin.starts_with(b"/*");
    line.len() <= LINE_BYTES && (is_inside && is_open(begin) || memchr::memmem::find_iter(line, b"//").any(is_slashes))
}

/// Whether a module asks for one whose name stands in no quotes.
fn is_chosen_when_run(text: &[u8]) -> bool {
    [&b"require("[..], b"import("].iter().any(|word| {
        let mut asked = memchr::memmem::find_iter(text, word).filter(|at| !is_comment(&text[..*at]));
        asked.any(|at| {
            let after = text[at + word.len()..].trim_ascii_start();
            let quoted = after.split_first().filter(|(quote, _)| b"'\"`".contains(quote));
            quoted.is_none_or(|(quote, rest)| {
                *quote == b'`' && rest.iter().take_while(|b| *b != quote).any(|b| *b == b'$')
            })
        })
    })
}

/// Bytes of a path beyond which a string is none.
const PATH_BYTES: usize = 256;

/// Strings that are paths from where a module lies.
fn relative_paths(text: &[u8]) -> impl Iterator<Item = &str> {
    memchr::memchr_iter(b'.', text).filter_map(|at| {
        let quote = text[..at].last().filter(|quote| b"'\"`".contains(quote))?;
        let rest = &text[at..text.len().min(at + PATH_BYTES)];
        let path = std::str::from_utf8(&rest[..memchr::memchr(*quote, rest)?]).ok()?;
        let is_path = matches!(path, "." | "..") || path.starts_with("./") || path.starts_with("../");
        is_path.then_some(path)
    })
}

/// A path from the folder of a module.
fn join(module: &str, path: &str) -> String {
    let mut parts: Vec<&str> = module.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_script(path: &str) -> bool {
    [".js", ".cjs", ".mjs"].iter().any(|ext| path.ends_with(ext))
}

/// Whether a script may be imported though no manifest names it.
fn is_module(path: &str) -> bool {
    let apart = [
        ".min.js",
        ".test.js",
        ".spec.js",
        ".config.js",
        ".config.mjs",
        ".config.cjs",
        // Builds for browsers, which carry what they depend on.
        ".standalone.js",
        ".bundle.js",
        ".iife.js",
        "-browser.js",
        ".browser.js",
        ".umd.js",
        // And for telephones.
        ".native.js",
    ];
    let is_beside = BESIDE.contains(&path.rsplit('/').next().unwrap_or(path));
    // `.yarn/releases` is a package manager whole.
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    !is_beside
        && !is_hidden
        && !apart.iter().any(|ext| path.ends_with(ext))
        && !is_in(path, APART)
        && !is_in(path, NEVER)
}

/// Whether one of the folders that a file lies in has such a name.
fn is_in(path: &str, names: &[&str]) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    folders.any(|folder| names.contains(&folder))
}

/// Whether another module names one, as it does that chooses what to load itself.
fn is_asked_for(path: &str, modules: &BTreeMap<String, Vec<u8>>) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let name = memchr::memmem::Finder::new(stem.as_bytes());
    let is_import = |text: &[u8], at: usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let after = text.get(at + stem.len());
        before == Some(&b'/') && after.is_some_and(|after| b"'\"`.".contains(after))
    };
    let mut others = modules.iter().filter(|(other, _)| *other != path);
    others.any(|(_, text)| name.find_iter(text).any(|at| is_import(text, at)))
}

/// Whether a manifest names a module, with its ending or without.
fn is_named(path: &str, named: &[String]) -> bool {
    let is_ending = |rest: &str| matches!(rest, "" | ".js" | ".cjs" | ".mjs" | "/index.js");
    named
        .iter()
        .any(|name| path.strip_prefix(&**name).is_some_and(is_ending))
}

/// The folder of builds that a file is in.
fn build_of(path: &str) -> Option<&'static str> {
    let (first, _) = path.split_once('/')?;
    BUILDS.iter().copied().find(|folder| *folder == first)
}

/// Folders of builds in which the manifest names a file, or of which a module does that is taken.
fn builds(modules: &BTreeMap<String, Vec<u8>>, named: &[String]) -> BTreeSet<&'static str> {
    let inside = |name: &String, folder: &str| {
        name.strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let by_manifest = |folder: &&&str| named.iter().any(|name| inside(name, folder));
    let mut builds: BTreeSet<&'static str> = BUILDS.iter().filter(by_manifest).copied().collect();
    let asked: Vec<_> = BUILDS
        .iter()
        .map(|folder| {
            (
                *folder,
                memchr::memmem::Finder::new(&format!("./{folder}")).into_owned(),
            )
        })
        .collect();
    let is_asked = |text: &[u8], name: &memchr::memmem::Finder<'_>| {
        let mut ends = name.find_iter(text).map(|at| text.get(at + name.needle().len()));
        ends.any(|end| end.is_some_and(|end| b"/'\"`".contains(end)))
    };
    // Each round finds one more, or is the last.
    for _ in BUILDS {
        let before = builds.len();
        for (path, text) in modules {
            if build_of(path).is_none_or(|folder| builds.contains(folder)) {
                let mentioned = asked.iter().filter(|(_, name)| is_asked(text, name));
                builds.extend(mentioned.map(|(folder, _)| *folder));
            }
        }
        if builds.len() == before {
            break;
        }
    }
    builds
}

/// Paths in a field of a manifest, `exports` with its conditions included.
fn paths(value: &Value, out: &mut Vec<String>, depth: usize) {
    match value {
        Value::String(path) => out.push(path.trim_start_matches("./").to_owned()),
        Value::Object(fields) if depth < 8 => {
            for (key, value) in fields {
                if !matches!(&**key, "types" | "typings" | "browser") {
                    paths(value, out, depth + 1);
                }
            }
        }
        Value::Array(all) if depth < 8 => all.iter().for_each(|value| paths(value, out, depth + 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that the modules of a package export, of those that are taken.
    fn taken(manifest: &str, modules: &[&str]) -> Vec<String> {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut add = |path: &str, text: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            archive
                .append_data(&mut header, format!("package/{path}"), text.as_bytes())
                .expect("into memory");
        };
        add("package.json", manifest);
        let text = |path: &str| {
            format!(
                "exports.one.two.three['{path}']; require('./build/inner.js');require('./doc/loaded.js');import('./locale/x.js');"
            )
        };
        for path in modules {
            add(path, &text(path));
        }
        let bytes = archive.into_inner().and_then(flate2::write::GzEncoder::finish);
        let (name, release) = read(&bytes.expect("into memory")[..]).expect("a tarball");
        assert_eq!((&*name, &*release.version), ("a", "1.0.0"));
        let is_taken = |path: &&&str| {
            let grams = super::super::grams::Stream::of(text(path).as_bytes()).grams;
            grams.first().is_some_and(|gram| release.grams.contains(gram))
        };
        modules.iter().filter(is_taken).map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn dependencies_that_modules_import() {
        let needs = ["a", "@b/c", "d", "e-f", "g", "h"].map(|name| (name.to_owned(), "*".to_owned()));
        let text =
            "/* 'a' */ require('a'); import x from\"@b/c/deep\"; // d\nf('d'); import( 'e-f'); require('g2'); u='s://h',require(`h`)
  * require('g')";
        let (imported, others) = imported(needs.to_vec(), &[text.as_bytes()]);
        let names = |all: Vec<Dependency>| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(imported), ["a", "@b/c", "e-f", "h"]);
        assert_eq!(names(others), ["d", "g"]);
    }

    #[test]
    fn modules_that_the_manifest_leads_to() {
        let of_three = [
            ("a.mjs", "import'./b';export*from\"./c/\""),
            ("b/index.js", "require('..')"),
            ("c/index.mjs", ""),
        ];
        for (modules, named, expected) in [
            // Beside a build lie the sources that it was packed from.
            (
                &[("dist/a.js", "require('./b')"), ("dist/b.js", ""), ("a.js", "")][..],
                &["dist/a.js"][..],
                Some(&["dist/a.js", "dist/b.js"][..]),
            ),
            (&of_three, &["a"], Some(&["a.mjs", "b/index.js", "c/index.mjs"])),
            (
                &[("a.js", "require( `./b` )"), ("b.js", ""), ("c.js", "")],
                &["a.js"],
                Some(&["a.js", "b.js"]),
            ),
            // Which are asked for is told when it runs, or nothing is told.
            (&[("a.js", "require(`./${b}`)"), ("b.js", "")], &["a.js"], None),
            (&[("a.js", "import( name )"), ("b.js", "")], &["a.js"], None),
            (
                &[("a.js", "f() // import( name )"), ("b.js", "")],
                &["a.js"],
                Some(&["a.js"]),
            ),
            (&[("a.js", ""), ("b.js", "")], &["c.js"], None),
            (&[("a.js", ""), ("b.js", "")], &["a.js", "b/*.js"], None),
        ] {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            let modules = modules
                .iter()
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
            let expected = expected.map(|all| all.iter().map(|path| (*path).to_owned()).collect());
            assert_eq!(reached(&modules.collect(), &named), expected, "{named:?}");
        }
    }

    #[test]
    fn folders_of_builds_that_modules_name() {
        for (text, expected) in [
            ("require(\"./dist\")", &["dist"][..]),
            ("require('./build/a')", &["build"]),
            ("export * from './src'; import './out/b.js'", &["out", "src"]),
            ("require('./distance'); f(./bundle)", &[]),
            ("'./dist", &[]),
        ] {
            let modules = BTreeMap::from([("index.js".to_owned(), text.as_bytes().to_vec())]);
            assert!(builds(&modules, &[]).iter().eq(expected), "{text}");
        }
    }

    #[test]
    fn modules_that_a_bundler_for_node_can_take() {
        for (manifest, modules, expected) in [
            // What the manifest names, and what is beside it.
            (
                r#""main":"lib/a.js""#,
                &["lib/a.js", "lib/b.js", "dist/a.js"][..],
                &["lib/a.js", "lib/b.js"][..],
            ),
            (
                r#""main":"dist/a.js""#,
                &["dist/a.js", "dist/b.js", "src/a.js"],
                &["dist/a.js", "dist/b.js"],
            ),
            // A folder that a module names: all of these do.
            (
                r#""main":"a.js""#,
                &["a.js", "build/inner.js", "umd/a.js"],
                &["a.js", "build/inner.js"],
            ),
            // What browsers get instead, unless Node gets it too.
            (
                r#""main":"a.js","browser":{"./a.js":"./b.js","./c.js":"./a.js","d":false}"#,
                &["a.js", "b.js", "c.js", "browser/e.js", "f.umd.js"],
                &["a.js", "c.js"],
            ),
            (r#""main":"a","browser":"a.js""#, &["a.js"], &["a.js"]),
            // As the folder that it stands for.
            (
                r#""main":"a.js","browser":{"./a.js":"./build/inner.js/index.js"}"#,
                &["a.js", "build/inner.js/index.js"],
                &["a.js", "build/inner.js/index.js"],
            ),
            // Unless a module for Node asks for it.
            (
                r#""main":"a.js","browser":"build/inner.js""#,
                &["a.js", "build/inner.js"],
                &["a.js", "build/inner.js"],
            ),
            // One that is minified already.
            (
                r#""main":"a.min.js""#,
                &["a.min.js", "b.js", "c.min.js"],
                &["a.min.js", "b.js"],
            ),
            (
                r#""main":"a.js""#,
                &[
                    "a.js",
                    "attest.js",
                    "lib/test.js",
                    "locale/de.js",
                    "test.js",
                    ".yarn/releases/yarn.js",
                    ".pnp.js",
                ],
                &["a.js", "attest.js"],
            ),
            // A folder of documentation, of which a module loads one file; a language is none of the package.
            (
                r#""main":"a.js""#,
                &["a.js", "doc/loaded.js", "doc/other.js", "locale/x.js"],
                &["a.js", "doc/loaded.js"],
            ),
            (
                r#""exports":{".":{"browser":"./dist/b.js","node":"./a.js"}}"#,
                &["a.js", "dist/b.js"],
                &["a.js"],
            ),
        ] {
            let manifest = format!(r#"{{"name":"a","version":"1.0.0",{manifest}}}"#);
            assert_eq!(taken(&manifest, modules), expected, "{manifest}");
        }
    }
}
