//! `requirements.txt`, as pip reads it: pinned lines are locked, others are declared without a version.

use super::{
    DetectError, Detector, Interest, Sink,
    python::{folders, imports},
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::{Coordinate, Fact, Location, Proof},
    parse,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Requirements;

impl Detector for Requirements {
    fn id(&self) -> &'static str {
        "requirements"
    }

    fn reads(&self) -> &'static str {
        "`requirements.txt`: pinned lines (`==`) with their version, others without; `-r` and `-c` files beside it"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let in_package = |segment: &str| folders::stem(segment).is_some() || segment == "node_modules";
        Interest::read_if(meta.file_name() == "requirements.txt" && !meta.path.split('/').any(in_package))
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        if is_package_data(entry.meta.path, found) {
            return Ok(());
        }
        let mut reading = Reading::default();
        reading.file(&parse::text(entry.bytes), &entry.location, false, found);
        reading.report(found);
        Ok(())
    }
}

/// Whether it is a template that an installed package carries for projects that it makes: in a folder of data, inside a package
/// that is known.
fn is_package_data(path: &str, found: &Sink<'_>) -> bool {
    let is_package = |folder: &str| {
        ["py", "pyc"]
            .iter()
            .any(|end| found.neighbours.has(&format!("{folder}/__init__.{end}")))
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let above = folder.match_indices('/').map(|(at, _)| &folder[..at]);
    let known = |package: &&str| imports::split(package).is_some_and(|(_, import)| package.ends_with(import));
    !folder.is_empty() && !is_package(folder) && above.take(16).filter(known).any(is_package)
}

/// A requirements file and those that it names with `-r` and `-c`, read once each.
#[derive(Default)]
struct Reading {
    read: BTreeSet<String>,
    asked: Vec<Asked>,
    /// Pins of constraint files, by normalised name: they install nothing, and say which version is installed.
    constraints: BTreeMap<Box<str>, String>,
}

struct Asked {
    coordinate: Coordinate,
    conditional: bool,
    location: Location,
}

/// Files that one requirements file may lead to. Real ones lead to three or four.
const FILES: usize = 64;

impl Reading {
    fn file(&mut self, text: &str, location: &Location, constrains: bool, found: &mut Sink<'_>) {
        if self.read.len() >= FILES || !self.read.insert(location.path.to_string()) {
            return;
        }
        for (line, requirement) in logical_lines(text) {
            if let Some((constrains_too, target)) = include(&requirement) {
                self.include(target, location, line, constrains || constrains_too, found);
            } else if let Some(r) = Requirement::parse(&requirement) {
                let coordinate = PYPI.coordinate(r.name, r.version);
                if constrains {
                    if let Some(version) = r.version {
                        self.constraints.insert(coordinate.name, version.to_owned());
                    }
                } else {
                    self.asked.push(Asked {
                        coordinate,
                        conditional: r.conditional,
                        location: location.at_line(line),
                    });
                }
            }
        }
    }

    fn include(&mut self, target: &str, from: &Location, line: usize, constrains: bool, found: &mut Sink<'_>) {
        let path = beside(from.folder(), target);
        let contents = path.as_deref().and_then(|path| found.neighbours.read(path));
        match (path, contents) {
            (Some(path), Some(contents)) if path.len() < 4096 => {
                let location = Location::new(from.archives.clone(), &path);
                self.file(&parse::text(&contents.bytes), &location, constrains, found);
            }
            _ => found.partial(format!("line {line} includes `{target}`, which is not in the artifact")),
        }
    }

    fn report(self, found: &mut Sink<'_>) {
        for asked in self.asked {
            let mut coordinate = asked.coordinate;
            if coordinate.version.is_none() {
                coordinate.version = self.constraints.get(&coordinate.name).map(|v| v.as_str().into());
            }
            let proof = if coordinate.version.is_some() {
                Proof::Locked
            } else {
                Proof::Declared
            };
            let mut added = found.add(coordinate, proof, 1.0);
            if asked.conditional {
                added = added.fact(Fact::Dispensable);
            }
            added.at(asked.location);
        }
    }
}

/// The file that a line includes, and whether as constraints: `-r FILE`, `-rFILE`, `--requirement=FILE`, `-c …`.
fn include(line: &str) -> Option<(bool, &str)> {
    let line = line.trim();
    let options = [
        ("-r", false),
        ("--requirement", false),
        ("-c", true),
        ("--constraint", true),
    ];
    let (rest, constrains) = options
        .iter()
        .find_map(|(option, constrains)| Some((line.strip_prefix(option)?, *constrains)))?;
    let target = rest.trim_start_matches(['=', ' ', '\t']).trim();
    let option_ended = rest.starts_with(['=', ' ', '\t']) || !line.starts_with("--");
    (option_ended && !target.is_empty()).then_some((constrains, target))
}

/// A path relative to a folder of the artifact; `None` where it leads out of it, or is a URL.
fn beside(folder: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with('/') {
        return None;
    }
    let mut segments: Vec<&str> = folder.split('/').filter(|s| !s.is_empty()).collect();
    for segment in target.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

/// Lines with their 1-based number, joined where they end in a backslash, without comments.
pub(super) fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (i, raw) in text.lines().enumerate() {
        let (line, continues) = match raw.trim_end().strip_suffix('\\') {
            Some(line) => (line, true),
            None => (raw, false),
        };
        match out.last_mut() {
            Some((_, whole)) if open => whole.push_str(line),
            _ => out.push((i + 1, line.to_owned())),
        }
        open = continues;
    }
    for (_, line) in &mut out {
        // A comment starts a line or follows white space: `#egg=` in a URL is none.
        let comment = line
            .match_indices('#')
            .find(|(at, _)| line[..*at].chars().next_back().is_none_or(char::is_whitespace));
        if let Some((at, _)) = comment {
            line.truncate(at);
        }
    }
    out
}

#[derive(Debug, PartialEq)]
pub(super) struct Requirement<'t> {
    pub(super) name: &'t str,
    pub(super) version: Option<&'t str>,
    conditional: bool,
}

impl<'t> Requirement<'t> {
    /// A PEP 508 requirement; `None` for options, paths and URLs without a name.
    pub(super) fn parse(line: &'t str) -> Option<Self> {
        let line = line.trim();
        // pip takes `--hash` and other options after the requirement.
        let line = line
            .split_once(" --")
            .map_or(line, |(requirement, _)| requirement.trim_end());
        let name_end = line
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(line.len());
        let (name, rest) = line.split_at(name_end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || rest.starts_with([':', '/', '\\', '+']) {
            return None;
        }
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']')?.1.trim_start(),
            None => rest,
        };
        let (specifiers, conditional) = match rest.split_once(';') {
            Some((specifiers, _)) => (specifiers, true),
            None => (rest, false),
        };
        let specifiers = specifiers.trim().trim_start_matches('(').trim_end_matches(')');
        let pin = specifiers
            .strip_prefix("===")
            .or_else(|| specifiers.strip_prefix("=="))
            .map(str::trim);
        let version = pin.filter(|v| !v.is_empty() && !v.contains([',', '*', ' ']));
        Some(Self {
            name,
            version,
            conditional,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes() {
        for (line, expected) in [
            ("-r base.txt", Some((false, "base.txt"))),
            ("-rbase.txt", Some((false, "base.txt"))),
            ("--requirement=a/b.txt", Some((false, "a/b.txt"))),
            ("-c constraints.txt", Some((true, "constraints.txt"))),
            ("--constraint c.txt", Some((true, "c.txt"))),
            ("-e .", None),
            ("requests", None),
            ("-r", None),
        ] {
            assert_eq!(include(line), expected, "{line}");
        }
        assert_eq!(beside("a/b", "../c.txt").as_deref(), Some("a/c.txt"));
        assert_eq!(beside("", "../c.txt"), None);
        assert_eq!(beside("", "https://example.test/c.txt"), None);
    }

    #[test]
    fn lines_as_pip_reads_them() {
        let text = "# pinned\nFlask==1.1.2\nrequests[security] == 2.25.0 ; python_version >= '3'\n\
            urllib3==1.26.4 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n-r other.txt\n--index-url https://example.test\n\
            boto3>=1.20,<2\nnumpy==1.*\npkg @ https://example.test/pkg.zip#egg=pkg\n./local\ngit+https://example.test/x#egg=x\n\
            six===1.16.0  # why\n(bad\n";
        let lines = logical_lines(text);
        let found: Vec<_> = lines
            .iter()
            .filter_map(|(line, text)| Requirement::parse(text).map(|r| (*line, r.name, r.version, r.conditional)))
            .collect();
        assert_eq!(
            found,
            [
                (2, "Flask", Some("1.1.2"), false),
                (3, "requests", Some("2.25.0"), true),
                (4, "urllib3", Some("1.26.4"), false),
                (9, "boto3", None, false),
                (10, "numpy", None, false),
                (11, "pkg", None, false),
                (14, "six", Some("1.16.0"), false),
            ]
        );
    }
}
