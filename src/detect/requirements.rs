//! `requirements.txt`, as pip reads it: pinned lines are locked, others are declared without a version.

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::PYPI,
    model::{Fact, Proof},
    parse,
};

pub(super) struct Requirements;

impl Detector for Requirements {
    fn id(&self) -> &'static str {
        "requirements"
    }

    fn reads(&self) -> &'static str {
        "`requirements.txt`: pinned lines (`==`) with their version, others without"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let in_package = |segment: &str| {
            segment.ends_with(".dist-info") || segment.ends_with(".egg-info") || segment == "node_modules"
        };
        if meta.file_name() == "requirements.txt"
            && meta.kind == EntryKind::File
            && !meta.path.split('/').any(in_package)
        {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        for (line, requirement) in logical_lines(&text) {
            if let Some(r) = Requirement::parse(&requirement) {
                let proof = if r.version.is_some() {
                    Proof::Locked
                } else {
                    Proof::Declared
                };
                let mut added = found.add(PYPI.coordinate(r.name, r.version), proof, 1.0);
                if r.conditional {
                    added = added.fact(Fact::Dispensable);
                }
                added.at_line(line);
            }
        }
        Ok(())
    }
}

/// Lines with their 1-based number, joined where they end in a backslash, without comments.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
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
struct Requirement<'t> {
    name: &'t str,
    version: Option<&'t str>,
    conditional: bool,
}

impl<'t> Requirement<'t> {
    /// A PEP 508 requirement; `None` for options, paths and URLs without a name.
    fn parse(line: &'t str) -> Option<Self> {
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
