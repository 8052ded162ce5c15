//! Licence comments that minifiers keep, and the lists that bundlers make of them.

use super::module_path::{is_package_name, is_version};

/// A package that a comment names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub(in crate::detect) struct Named<'t> {
    pub(in crate::detect) name: &'t str,
    pub(in crate::detect) version: Option<&'t str>,
}

/// The package that a licence comment introduces, in one of the shapes that name it beyond doubt. Free prose is not read:
/// most comments of this kind are about something that was copied into another package.
pub(in crate::detect) fn comment(text: &str) -> Option<Named<'_>> {
    let mut lines = text
        .lines()
        .map(|line| line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '/' | '!')))
        .filter(|line| !line.is_empty() && *line != "@license" && *line != "@preserve");
    let first = lines.next()?;
    let first = first.strip_prefix("@license").unwrap_or(first).trim();
    // `accepts` over `Copyright(c) 2014 …`
    if is_published_name(first) && lines.next().is_some_and(|next| next.starts_with("Copyright")) {
        return Some(Named {
            name: first,
            version: None,
        });
    }
    // `safe-buffer. MIT License. Feross Aboukhadijeh <…>`: others write such lines about what they copied.
    if first.contains("Feross")
        && let Some((name, rest)) = first.split_once(". ")
        && is_published_name(name)
        && rest
            .split(". ")
            .next()
            .is_some_and(|licence| licence.ends_with("License"))
    {
        return Some(Named { name, version: None });
    }
    // `axios v1.2.3 …`
    let (name, rest) = first.split_once(' ')?;
    let version = rest.split_whitespace().next()?;
    let version = version.strip_prefix('v').filter(|v| is_version(v))?;
    is_published_name(name).then_some(Named {
        name,
        version: Some(version),
    })
}

/// A name in the form that npm has asked for since 2014; capitals in a comment are prose as often as not.
fn is_published_name(name: &str) -> bool {
    is_package_name(name) && !name.bytes().any(|b| b.is_ascii_uppercase()) && !name.ends_with('.') && name.len() > 1
}

/// Folders in which applications and packages keep their own code; a path that begins so names no package.
pub(in crate::detect) const OWN: &[&str] = &[
    "src",
    "lib",
    "app",
    "apps",
    "dist",
    "build",
    "out",
    "packages",
    "vendor",
    "public",
    "server",
    "shared",
    "common",
    "assets",
    "static",
    "test",
    "tests",
    "functions",
    "handlers",
    "lambda",
    "modules",
    "third_party",
    "third-party",
];

/// esbuild's `/*! Bundled license information: … */`, from after those words: one section for each group of modules that
/// share a comment. Paths in packages are written from the package's name on.
pub(in crate::detect) fn esbuild_list(text: &str) -> Vec<Named<'_>> {
    let text = text.split("*/").next().unwrap_or_default();
    let mut found: Vec<Named<'_>> = Vec::new();
    let mut section: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(path) = line.strip_suffix(':').filter(|l| !l.starts_with(char::is_whitespace)) {
            if inside {
                section.clear();
                inside = false;
            }
            if let Some(name) = path_head(path) {
                section.push(name);
                found.push(Named { name, version: None });
            }
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            inside = true;
            if let [name] = section[..]
                && let Some(version) = version_in(line, name)
            {
                found.push(Named {
                    name,
                    version: Some(version),
                });
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn path_head(path: &str) -> Option<&str> {
    let (head, rest) = path.split_once('/')?;
    if !head.starts_with('@') {
        return (is_package_name(head) && !OWN.contains(&head)).then_some(head);
    }
    let (name, _) = rest.split_once('/')?;
    let whole = path.get(..head.len() + 1 + name.len())?;
    is_package_name(whole).then_some(whole)
}

/// `version : 2.29.1`, or the package's own name before `v2.29.1`.
fn version_in<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let words: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || matches!(c, '*' | '(' | ')' | '!' | ':' | ','))
        .filter(|w| !w.is_empty())
        .collect();
    words.windows(2).find_map(|pair| {
        let [before, version] = pair else { return None };
        let version = version.strip_prefix('v').unwrap_or(version);
        let about = before.eq_ignore_ascii_case("version") || before.eq_ignore_ascii_case(name);
        (about && is_version(version)).then_some(version)
    })
}

/// What ncc and license-webpack-plugin write: a name, its licence's SPDX expression, the text, an empty line, for each.
pub(in crate::detect) fn licence_list(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut found = Vec::new();
    for (i, pair) in lines.windows(2).enumerate() {
        let [name, licence] = pair else { continue };
        let opens = i == 0 || lines.get(i - 1).is_some_and(|l| l.is_empty());
        if opens && is_published_name(name) && is_spdx(licence) {
            found.push(*name);
        }
    }
    found
}

/// An SPDX expression of the licences that packages have; a line of prose is none.
fn is_spdx(line: &str) -> bool {
    const HEADS: &[&str] = &[
        "MIT",
        "ISC",
        "BSD",
        "Apache",
        "0BSD",
        "Unlicense",
        "CC0",
        "CC-BY",
        "MPL",
        "LGPL",
        "GPL",
        "AGPL",
        "BlueOak",
        "Python",
        "Zlib",
        "WTFPL",
        "Artistic",
        "EPL",
        "PSF",
        "Unicode",
        "BSL",
        "UNLICENSED",
        "SEE",
    ];
    let head = line.trim_start_matches('(');
    let head = head.split([' ', '-', ')']).next().unwrap_or_default();
    line.len() <= 80 && HEADS.contains(&head) && line.split_whitespace().count() <= 9 && !line.contains("icense ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_that_name_a_package() {
        for (text, expected) in [
            (
                "/*!\n * accepts\n * Copyright(c) 2014 Somebody\n */",
                Some(("accepts", None)),
            ),
            (
                "/*! safe-buffer. MIT License. Feross Aboukhadijeh <https://example.test> */",
                Some(("safe-buffer", None)),
            ),
            ("/*! a-polyfill. MIT License. Some Body */", None),
            ("/*! axios v1.2.3 Copyright (c) 2022 */", Some(("axios", Some("1.2.3")))),
            (
                "/** @license tiny-lib v16.13.1\n * x */",
                Some(("tiny-lib", Some("16.13.1"))),
            ),
            ("/*! https://example.test/fromcodepoint v0.1.0 by @somebody */", None),
            ("/*! For license information please see index.js.LICENSE.txt */", None),
            ("/*! Copyright (c) 2014. All rights reserved */", None),
            ("/*! React v16.13.1 */", None),
            ("/*! negotiator */", None),
            ("/*!", None),
        ] {
            let found = comment(text);
            assert_eq!(found.map(|n| (n.name, n.version)), expected, "{text}");
        }
    }

    #[test]
    fn esbuilds_list() {
        let text = "\n\nbytes/index.js:\n  (*!\n   * bytes\n   *)\n\na/x.js:\na/y.js:\n@s/b/z.js:\n  (*! x *)\n\nmoment/moment.js:\n  \
                    (*! version : 2.29.1 *)\n\nsrc/own.js:\n  (*! x *)\n*/\nnot/this.js:\n";
        let found: Vec<_> = esbuild_list(text).iter().map(|n| (n.name, n.version)).collect();
        let expected = [
            ("@s/b", None),
            ("a", None),
            ("bytes", None),
            ("moment", None),
            ("moment", Some("2.29.1")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn licence_files() {
        let text = "accepts\nMIT\n(The MIT License)\n\nCopyright\n\n\n@a/b\n(MIT OR Apache-2.0)\ntext\nmore\nMIT\n\nthe text\nMIT License as it is\n";
        assert_eq!(licence_list(text), ["accepts", "@a/b"]);
    }
}
