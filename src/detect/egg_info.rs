//! Older Python metadata: `*.egg-info/PKG-INFO`, the flat `*.egg-info` file that distutils wrote, and `EGG-INFO/PKG-INFO`
//! inside an egg.

use super::{
    DetectError, Detector, Interest, Sink, dist_info::python_metadata, python::folders, requirements::Requirement,
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::Coordinate,
    parse,
};

pub(super) struct EggInfo;

impl Detector for EggInfo {
    fn id(&self) -> &'static str {
        "egg-info"
    }

    fn reads(&self) -> &'static str {
        "`*.egg-info/PKG-INFO`, flat `*.egg-info` files, `EGG-INFO/PKG-INFO` in eggs"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(stem(meta.path).is_some())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let result = python_metadata(entry, without_python(stem(entry.meta.path).unwrap_or_default()), found);
        let requires = requires(entry, found);
        for component in &mut found.components {
            component.requires.extend(requires.iter().cloned());
        }
        result
    }
}

/// What `requires.txt` beside the metadata asks for without an extra: setuptools wrote it before the metadata had a field for it.
fn requires(entry: &Entry<'_>, found: &Sink<'_>) -> Vec<Coordinate> {
    let path = match entry.meta.path.strip_suffix("PKG-INFO") {
        Some(folder) if !folder.is_empty() => format!("{folder}requires.txt"),
        _ => return Vec::new(),
    };
    let contents = found
        .neighbours
        .has(&path)
        .then(|| found.neighbours.read(&path))
        .flatten();
    let text = contents
        .map(|contents| parse::text(&contents.bytes).into_owned())
        .unwrap_or_default();
    let mut asked = true;
    let mut requires = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            // `[:python_version<"3"]` is a condition, `[tests]` an extra.
            asked = section.starts_with(':');
        } else if let Some(requirement) = Requirement::parse(line).filter(|_| asked) {
            requires.push(PYPI.coordinate(requirement.name, None));
        }
    }
    requires
}

/// The `name-version` part of the name of the folder or file, empty where the name says nothing (an unpacked `EGG-INFO`).
fn stem(path: &str) -> Option<&str> {
    let last = |path: &'_ str| path.rfind('/').map_or(0, |at| at + 1);
    if let Some(folder) = folders::strip_ending(path, "/PKG-INFO") {
        let name = &folder[last(folder)..];
        if name.eq_ignore_ascii_case("EGG-INFO") {
            let egg = folders::strip_ending(folder, "/EGG-INFO").unwrap_or_default();
            return Some(folders::strip_ending(&egg[last(egg)..], ".egg").unwrap_or_default());
        }
        return folders::strip_ending(name, ".egg-info");
    }
    folders::strip_ending(&path[last(path)..], ".egg-info").filter(|stem| !stem.is_empty())
}

/// `itsdangerous-1.1.0-py3.11-linux-x86_64` without what follows the version.
fn without_python(stem: &str) -> &str {
    stem.find("-py")
        .filter(|at| stem[at + 3..].starts_with(|c: char| c.is_ascii_digit()))
        .map_or(stem, |at| &stem[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems() {
        for (path, name) in [
            ("legacy_pkg-1.2.3.egg-info/PKG-INFO", Some("legacy_pkg-1.2.3")),
            ("a/flatpkg-0.9.egg-info", Some("flatpkg-0.9")),
            (
                "itsdangerous-1.1.0-py3.11.egg/EGG-INFO/PKG-INFO",
                Some("itsdangerous-1.1.0"),
            ),
            ("EGG-INFO/PKG-INFO", Some("")),
            ("x.egg-info/requires.txt", None),
            ("PKG-INFO", None),
        ] {
            assert_eq!(stem(path).map(without_python), name, "{path}");
        }
    }
}
