//! Python packages without metadata: what a stripped tree still shows by import names, and by the versions that code states
//! of itself, in source or compiled.
//!
//! | what | where |
//! |---|---|
//! | stripped packages | a name of the table at an import root: the top, `python/`, `site-packages/`, or any folder that holds three such names |
//! | vendored copies | the same below `_vendor/`, `vendored/` and their like, and `packages/` inside a package |
//!
//! What a dist-info, an egg-info or an egg at the same root claims is theirs to report. The application's own modules are
//! never guessed at: a name that the table does not hold is no component.

use super::{
    DetectError, Detector, Interest, Sink,
    python::{
        files, folders,
        imports::{self, Form, Import},
        stated::Code,
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::{Fact, Proof},
    parse,
};

pub(super) struct PythonModule;

impl Detector for PythonModule {
    fn id(&self) -> &'static str {
        "python-module"
    }

    fn reads(&self) -> &'static str {
        "Python packages without metadata, by import name: source, bytecode (CPython 3.8 to 3.14), extension modules, \
         vendored copies"
    }

    fn technique(&self) -> &'static str {
        "source-code-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(place(meta.path).is_some())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let Some(place) = place(entry.meta.path) else {
            return Ok(());
        };
        if entry.meta.path.starts_with(".bootstrap/") {
            // A pex's own runtime: what it vendors is used before the application starts, and never by it.
            found.partial("part of the runtime that pex puts into its archives: not looked into");
            return Ok(());
        }
        // Source says more than its compiled twin.
        let twin = || {
            entry
                .meta
                .path
                .strip_suffix('c')
                .is_some_and(|source| has(found, source))
        };
        if (place.extension == ".pyc" && twin()) || !is_import_root(&place, found) {
            return Ok(());
        }
        let Some(import) = distribution(&place, found) else {
            return Ok(());
        };
        // Packages become folders and stop being ones; an application's own `stripe.py` does not say which version it is.
        if place.unusual && (root_kind(place.root) != Root::Known || !place.code().states(entry.bytes)) {
            return Ok(());
        }
        if is_claimed(&place, import, found) {
            return Ok(());
        }
        let confidence = match root_kind(place.root) {
            Root::Vendored => 0.8,
            _ => 0.9,
        };
        let by_files = versions_by_files(&place, import, found);
        let Some(version) = version(&place, entry, found) else {
            if report_any(import, &by_files, found) {
                return Ok(());
            }
            if !stands_for_another(&place, import, found) {
                let name = import.distribution;
                if root_kind(place.root) == Root::Vendored {
                    // Often only a stub of a few files, kept for old imports: no package, but not to be passed over either.
                    found.partial(format!(
                        "vendored copy of {name}, or a part of it, whose version its code does not say"
                    ));
                    return Ok(());
                }
                let _ = found.add(PYPI.coordinate(name, None), Proof::Installed, confidence - 0.2);
                found.partial(format!(
                    "{name} is here without its metadata, and its code does not say which version; keep *.dist-info in the \
                     artifact"
                ));
            }
            return Ok(());
        };
        let version = files::of_release(&version, &by_files).unwrap_or(&version);
        let _ = found.add(
            PYPI.coordinate(import.distribution, Some(version)),
            Proof::Installed,
            confidence,
        );
        Ok(())
    }
}

/// An entry that stands for an import name of the table.
struct Place<'p> {
    /// The import root, with its slash; empty at the top.
    root: &'p str,
    /// Path of the import below it.
    import: &'static str,
    form: Form,
    /// `.py`, `.pyc` or `.so`.
    extension: &'static str,
    /// The table has the name in the other form alone.
    unusual: bool,
}

impl<'p> Place<'p> {
    fn code(&self) -> Code<'p> {
        Code {
            root: self.root,
            import: self.import,
            package: self.form == Form::Package,
            extension: self.extension,
        }
    }
}

fn place(path: &str) -> Option<Place<'_>> {
    let (stem, extension) = if let Some(stem) = path.strip_suffix(".py") {
        (stem, ".py")
    } else if let Some(stem) = path.strip_suffix(".pyc") {
        (stem, ".pyc")
    } else {
        let stem = path.strip_suffix(".so").or_else(|| path.strip_suffix(".pyd"))?;
        let name = stem.rfind('/').map_or(0, |at| at + 1);
        let tag = stem[name..].find('.').map_or(stem.len(), |at| name + at);
        (&stem[..tag], ".so")
    };
    let (whole, form) = match stem.strip_suffix("/__init__") {
        Some(folder) => (folder, Form::Package),
        None => (stem, Form::Module),
    };
    let (root, import) = imports::split(whole)?;
    let unusual = !imports::rows(import).iter().any(|row| row.form == form);
    // What is always a folder of many files is no compiled module, and what lies deeper than the root is a part of something.
    let possible = !unusual || extension != ".so" && !import.contains('/');
    possible.then_some(Place {
        root,
        import,
        form,
        extension,
        unusual,
    })
}

fn has(found: &Sink<'_>, path: &str) -> bool {
    found
        .neighbours
        .below(path)
        .next()
        .is_some_and(|member| *member.path == *path)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Known,
    Vendored,
    Other,
}

fn root_kind(root: &str) -> Root {
    let folder = root.trim_end_matches('/');
    match folder.rsplit('/').next().unwrap_or_default() {
        "" | "python" | "site-packages" | "dist-packages" => Root::Known,
        "_vendor" | "_vendored" | "vendored" | "vendor" | "_vendored_packages" | "third_party" | "packages"
        | "extern" => Root::Vendored,
        _ => Root::Other,
    }
}

/// Whether a folder is one that Python imports from.
fn is_import_root(place: &Place<'_>, found: &Sink<'_>) -> bool {
    /// Names of the table that make a folder an import root.
    const NAMES: usize = 3;
    match root_kind(place.root) {
        Root::Known => true,
        // A lone module of a common name is no copy of a package, and `packages/` holds all sorts of things.
        Root::Vendored => place.form == Form::Package || !place.root.ends_with("packages/"),
        Root::Other => {
            // A folder of a package is no import root, however its modules are called (`agno/models/openai.py`).
            let folders = place.root.match_indices('/').map(|(at, _)| &place.root[..=at]);
            let is_package = |folder: &str| {
                let mut inits = ["__init__.py", "__init__.pyc"].iter();
                inits.any(|init| has(found, &format!("{folder}{init}")))
            };
            let inside = folders.into_iter().any(is_package);
            let known = |child: &&str| {
                let stem = child.split('.').next().unwrap_or_default();
                !imports::rows(stem).is_empty()
            };
            !inside && found.neighbours.children(place.root).filter(known).take(NAMES).count() == NAMES
        }
    }
}

/// The row whose marker is there; the one without a marker otherwise.
fn distribution(place: &Place<'_>, found: &Sink<'_>) -> Option<&'static Import> {
    let rows = imports::rows(place.import)
        .iter()
        .filter(|row| place.unusual || row.form == place.form);
    let marked = |row: &&Import| {
        row.marker.is_none_or(|marker| {
            let there = |path: String| found.neighbours.below(&path).next().is_some();
            there(format!("{}{marker}", place.root))
        })
    };
    rows.filter(marked).max_by_key(|row| row.marker.is_some())
}

/// Whether metadata at the same root speaks of this import.
fn is_claimed(place: &Place<'_>, import: &Import, found: &Sink<'_>) -> bool {
    let wanted = PYPI.coordinate(import.distribution, None).name;
    let own = format!("{}/", place.import);
    let own_file = format!("{}.", place.import);
    let mut others = Vec::new();
    for child in found.neighbours.children(place.root) {
        if child.eq_ignore_ascii_case("EGG-INFO") {
            return true;
        }
        let Some(stem) = folders::stem(child) else {
            continue;
        };
        let name = super::split_stem(stem, &PYPI).map_or(stem, |(name, _)| name);
        if PYPI.coordinate(name, None).name == wanted {
            return true;
        }
        others.push(child);
    }
    let lists = |child: &&str| {
        ["RECORD", "installed-files.txt", "top_level.txt"].iter().any(|list| {
            let path = format!("{}{child}/{list}", place.root);
            has(found, &path)
                && found.neighbours.read(&path).is_some_and(|contents| {
                    let text = parse::text(&contents.bytes);
                    let named = |line: &str| {
                        let line = line.trim_start_matches("../");
                        line.starts_with(&own) || line.starts_with(&own_file) || line.trim_end() == place.import
                    };
                    text.lines().any(named)
                })
        })
    };
    others.iter().any(lists)
}

/// A second import name of a distribution (`pkg_resources` of setuptools) says nothing new beside the first.
fn stands_for_another(place: &Place<'_>, import: &Import, found: &Sink<'_>) -> bool {
    imports::primary(import.distribution).is_some_and(|primary| {
        let path = format!("{}{primary}", place.root);
        // A folder without a file of its own is a namespace, which is nobody's.
        let package = || {
            ["/__init__.py", "/__init__.pyc"]
                .iter()
                .any(|init| has(found, &format!("{path}{init}")))
        };
        let module = || found.neighbours.below(&format!("{path}.")).next().is_some();
        primary != place.import && (package() || module())
    })
}

/// Versions that a few of its files can be of.
fn versions_by_files(place: &Place<'_>, import: &Import, found: &Sink<'_>) -> Vec<&'static str> {
    let name = PYPI.coordinate(import.distribution, None).name;
    match place.extension {
        ".py" => files::versions(&name, place.root, false, found.neighbours),
        ".pyc" => files::versions(&name, place.root, true, found.neighbours),
        _ => Vec::new(),
    }
}

/// Whether there is a version, or several that are possible, to report of a distribution whose code states none.
fn report_any(import: &Import, versions: &[&str], found: &mut Sink<'_>) -> bool {
    match *versions {
        [] => return false,
        [version] => {
            let coordinate = PYPI.coordinate(import.distribution, Some(version));
            let _ = found.add(coordinate, Proof::Installed, 0.9);
        }
        ref several => {
            let versions = several.iter().map(|version| Box::from(*version)).collect();
            let coordinate = PYPI.coordinate(import.distribution, None);
            let _ = found.add(coordinate, Proof::Installed, 0.7).fact(Fact::OneOf(versions));
        }
    }
    true
}

/// The version that the code states, wherever in the package it does.
fn version(place: &Place<'_>, entry: &Entry<'_>, found: &mut Sink<'_>) -> Option<String> {
    match place.code().version(entry.bytes, found.neighbours) {
        Ok(version) => version,
        Err(e) => {
            found.partial(format!("compiled module of `{}` cannot be read: {e}", place.import));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (path, expected) in [
            ("yaml/__init__.py", Some(("", "yaml", ".py"))),
            ("python/yaml/__init__.pyc", Some(("python/", "yaml", ".pyc"))),
            ("google/protobuf/__init__.py", Some(("", "google/protobuf", ".py"))),
            ("six.py", Some(("", "six", ".py"))),
            ("six/__init__.py", Some(("", "six", ".py"))),
            ("ujson.cpython-311-x86_64-linux-gnu.so", Some(("", "ujson", ".so"))),
            ("yaml/loader.py", None),
            ("yaml.py", Some(("", "yaml", ".py"))),
            ("yaml.so", None),
            ("app/handlers/__init__.py", None),
        ] {
            let found = place(path).map(|p| (p.root, p.import, p.extension));
            assert_eq!(found, expected, "{path}");
        }
    }
}
