//! Versions that Python code states about itself, read as text: nothing is imported or evaluated.

use crate::ecosystem::PYPI;
use pep440_rs::Version;
use std::str::FromStr as _;

/// Files of a package that state its version, in the order in which they are believed.
pub(in crate::detect) const FILES: &[&str] = &[
    "__init__",
    "_version",
    "__version__",
    "version",
    "__about__",
    "_version_info",
    "__pkginfo__",
    "__meta__",
    "package_data",
    "_metadata",
    "metadata",
    "_meta",
    "meta",
    "_about",
    "about",
    "release",
    "constants",
    "_constants",
    "const",
    "shared/version",
    "core/_version",
    "_package_version",
    "_version_meson",
    "_dist_ver",
    "consts",
    "sku",
];

/// What else the name of a file of versions holds; there, only the surest names count.
pub(in crate::detect) const HINTS: &[&str] = &["version", "metadata", "about", "pkginfo", "const"];

/// Names of a lower rank hold the version of the package and no other.
pub(in crate::detect) const SURE: usize = 4;

/// Names that hold a version, the surest first.
const NAMES: &[&str] = &[
    // Where it stands beside `__version__`, that one is kept for what looks for another package (PyMySQL).
    "VERSION_STRING",
    "__versionstr__",
    "__version__",
    "__VERSION__",
    "VERSION",
    "version",
    "Version",
    "_VERSION",
    "SDK_VERSION",
    "PACKAGE_VERSION",
    "_package_version",
    "__version_info__",
    "version_info",
    "version_tuple",
    "__version_tuple__",
    "VERSION_INFO",
    "version_string",
    "full_version",
];

/// How sure a name is, 0 the surest.
pub(in crate::detect) fn rank(name: &str) -> Option<usize> {
    NAMES.iter().position(|known| *known == name)
}

/// A version as PEP 440 writes it, from what code holds (`2022.09.24` is published as `2022.9.24`). Placeholders that stand
/// where a build should have put a version are none.
pub(in crate::detect) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > 64 || !text.contains('.') && !text.bytes().all(|b| b.is_ascii_digit()) || !(PYPI.is_version)(text) {
        return None;
    }
    let version = Version::from_str(text).ok()?;
    let release = version.release();
    let zero = release.iter().all(|n| *n == 0);
    let nines = release.iter().all(|n| *n == 99 || *n == 999);
    // What an index has is no snapshot: the literal was left as the branch had it.
    (!zero && !nines && version.dev().is_none() && text.bytes().next()?.is_ascii_digit()).then(|| version.to_string())
}

/// The function that turns `VERSION` into a text in Django and in what took it over from there: without the third number of a final
/// version where that is 0.
pub(in crate::detect) const SHORTENS: &str = "get_version";

/// A version from the parts of a tuple: numbers joined, and what follows them as PEP 440 has it (`(1, 2, 0, 'final', 0)`).
/// `short`: the code has [`SHORTENS`].
pub(in crate::detect) fn from_parts<'p>(parts: impl Iterator<Item = &'p str>, short: bool) -> Option<String> {
    let mut text = String::new();
    for (at, part) in parts.take(5).enumerate() {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number {
            match part {
                "final" if short && at == 3 => text.truncate(text.strip_suffix(".0").unwrap_or(&text).len()),
                "final" | "" | "stable" => {}
                pre => text.push_str(pre.trim_start_matches('.')),
            }
            break;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(part);
    }
    // A lone number is an API level, not a version.
    text.contains('.').then(|| normal(&text)).flatten()
}

/// The version in the JSON that versioneer writes into a module.
pub(in crate::detect) fn versioneer(text: &str) -> Option<String> {
    let (_, json) = text
        .split_once("\"full-revisionid\"")
        .and_then(|(_, rest)| rest.split_once("\"version\":"))?;
    quoted(json.trim_start()).and_then(normal)
}

/// Parts of a version that are assigned one by one, in order.
const PARTS: [&[&str]; 3] = [&["MAJOR"], &["MINOR"], &["MICRO", "PATCH"]];

/// Which part of a version has that name.
pub(in crate::detect) fn part_of(name: &str) -> Option<usize> {
    PARTS.iter().position(|names| names.contains(&name))
}

/// The version that a module's text states of itself, with the rank of the name that holds it.
pub(in crate::detect) fn version(text: &str) -> Option<(String, usize)> {
    /// Lines that are looked at: versions stand near the start.
    const LINES: usize = 4000;
    let mut best: Option<(usize, String)> = None;
    let mut numbers = [const { None }; 3];
    let mut openers: Vec<(usize, bool)> = Vec::new(); // indentation, and whether what it holds counts
    let lines: Vec<&str> = text.lines().take(LINES).collect();
    let short = text.contains(SHORTENS);
    for (i, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        let indent = line.len() - code.len();
        while openers.last().is_some_and(|(at, _)| *at >= indent) {
            openers.pop();
        }
        let counts = openers.iter().all(|(_, counts)| *counts);
        if code.trim_end().ends_with(':') {
            // What stands in an `except` is a fallback for when the metadata is gone; in a `def` it is something else.
            let outer = ["try:", "else:", "if ", "with ", "finally:"]
                .iter()
                .any(|k| code.starts_with(k));
            openers.push((indent, outer));
            continue;
        }
        if !counts {
            continue;
        }
        if let Some((name, number)) = code.split_once(" = ")
            && let Some(slot) = part_of(name).and_then(|at| numbers.get_mut(at))
        {
            *slot = Some(number.trim());
        }
        let Some((name, value)) = assignment(code) else {
            continue;
        };
        let rest = || lines.get(i + 1..).unwrap_or_default();
        if let Some(version) = literal(value, rest(), short)
            && best.as_ref().is_none_or(|(rank, ..)| name < *rank)
        {
            best = Some((name, version));
        }
    }
    if let Some((rank, version)) = best {
        return Some((version, rank));
    }
    let parts = numbers.iter().map_while(|number| *number);
    let joined = from_parts(parts, short).filter(|_| numbers.iter().all(Option::is_some));
    joined.or_else(|| versioneer(text)).map(|version| (version, 0))
}

/// `__version__ = …`, `__version__: str = …`, `__version__ = version = …`, and the `__version__='…'` of a keyword: rank
/// of the best name, and what is assigned.
fn assignment(code: &str) -> Option<(usize, &str)> {
    let mut rest = code;
    let mut best = None;
    loop {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
        let (name, after) = rest.split_at(end);
        let mut after = after.trim_start();
        if let Some(annotated) = after.strip_prefix(':') {
            after = annotated.get(annotated.find('=')?..)?;
        }
        let Some(value) = after.strip_prefix('=').filter(|v| !v.starts_with('=')) else {
            break;
        };
        if let Some(rank) = rank(name) {
            best = Some(best.map_or(rank, |b: usize| b.min(rank)));
        }
        rest = value.trim_start();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            break;
        }
    }
    best.map(|rank| (rank, rest))
}

/// A string, a tuple, or a call with numbers (`Version(4, 1, 2, "final")`); `more` are the lines after it.
fn literal(value: &str, more: &[&str], short: bool) -> Option<String> {
    if let Some(text) = quoted(value) {
        return normal(text);
    }
    let joined;
    let call = value.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let open = call.strip_prefix(['(', '['])?;
    let body = if open.contains([')', ']']) {
        open
    } else {
        joined = more
            .iter()
            .take(8)
            .fold(open.to_owned(), |all, line| all + line.split('#').next().unwrap_or(""));
        &joined
    };
    let body = body.get(..body.find([')', ']'])?)?;
    let is_plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit()) || quoted(part).is_some();
    let mut parts: Vec<&str> = body.split(',').map(str::trim).take_while(|p| is_plain(p)).collect();
    // `Version("Twisted", 21, 7, 0)` names the package first.
    if parts.len() > 2 && quoted(parts[0]).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        parts.remove(0);
    }
    let first = parts.first()?;
    let callee = &value[..value.len() - call.len()];
    let takes_parts = makes_versions(callee) && first.bytes().all(|b| b.is_ascii_digit());
    if !(callee.is_empty() || takes_parts) {
        return None; // `get_version("name")`
    }
    from_parts(parts.into_iter().map(|part| quoted(part).unwrap_or(part)), short)
}

/// Whether what is called by that name takes the parts of a version: a class, or a named tuple.
pub(in crate::detect) fn makes_versions(callee: &str) -> bool {
    let lower = callee.to_ascii_lowercase();
    lower.contains("version")
        && !["get", "read", "find", "load", "parse"]
            .iter()
            .any(|verb| lower.contains(verb))
}

/// The text of a plain string literal at the start.
fn quoted(value: &str) -> Option<&str> {
    let value = value
        .strip_prefix(['u', 'r'])
        .filter(|v| v.starts_with(['"', '\'']))
        .unwrap_or(value);
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.get(..rest.find(quote)?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_code_states_them() {
        for (text, expected) in [
            ("__version__ = '1.2.3'\n", Some("1.2.3")),
            ("__version__: str = \"2022.09.24\"  # noqa\n", Some("2022.9.24")),
            ("__version__ = version = '2.9.0.post0'\n", Some("2.9.0.post0")),
            (
                "VERSION = (3, 1, 0, 'final', 0)\n__version__ = '.'.join(map(str, VERSION))\n",
                Some("3.1.0"),
            ),
            (
                "VERSION = (4, 2, 0, 'final', 0)\n__version__ = get_version(VERSION)\n",
                Some("4.2"),
            ),
            (
                "VERSION = (4, 2, 1, 'final', 0)\n__version__ = get_version(VERSION)\n",
                Some("4.2.1"),
            ),
            (
                "VERSION = (4, 0, 'final')\n__version__ = get_version(VERSION)\n",
                Some("4.0"),
            ),
            ("version_info = (3, '20', '0')\n", Some("3.20.0")),
            ("VERSION = (\n    1,  # major\n    4,\n)\n", Some("1.4")),
            ("__version_info__ = Version(4, 1, 2, \"final\")\n", Some("4.1.2")),
            (
                "_package_data = dict(\n    full_package_name='x',\n    version_info=(0, 18, 6),\n    __version__='0.18.6',\n)\n",
                Some("0.18.6"),
            ),
            (
                "try:\n    __version__ = metadata.version('x')\nexcept Exception:\n    __version__ = '9.9.9'\n",
                None,
            ),
            (
                "try:\n    from ._version import version as __version__\nexcept ImportError:\n    __version__ = 'unknown'\n",
                None,
            ),
            ("MAJOR = 2\nMINOR = 9\nMICRO = 2\n", Some("2.9.2")),
            ("__version__ = \"\"\"1.39.0\"\"\"", Some("1.39.0")),
            ("__version__ = Version(\"Twisted\", 21, 7, 0)\n", Some("21.7.0")),
            ("Version = \"5.1.0\"\n__version__=Version\n", Some("5.1.0")),
            (
                "VERSION = (1, 2, 4)\nVERSION_STRING = \"1.2.4\"\n__version__ = \"2.2.8\"\n",
                Some("1.2.4"),
            ),
            (
                "version_json = '''\n{\n \"full-revisionid\": \"bd66\",\n \"version\": \"0.19.2\"\n}\n'''\n",
                Some("0.19.2"),
            ),
            ("__version__ = get_version(1, 2)\n", None),
            ("class A:\n    version = '1.0'\n", None),
            ("def f():\n    version = '1.0'\n", None),
            ("__version__ = '99.99.99'\n", None),
            ("__version__ = '0.0.0'\n", None),
            ("__version__ = '2.0.dev0'\n", None),
            ("__version__ = get_version('1.0')\n", None),
            ("version = 1\n", None),
            ("__version__ == '1.0'\n", None),
            ("__version__ = version = x =\n", None),
            ("version = '1.0'\n__version__ = '2.0'\n", Some("2.0")),
            ("__version__ = '\n(", None),
            ("é__version__ = '1.0'", None),
        ] {
            assert_eq!(version(text).map(|v| v.0).as_deref(), expected, "{text}");
        }
    }
}
