//! The header block of METADATA and PKG-INFO: what the core metadata specification has a distribution say of itself.

use crate::{
    detect::requirements::Requirement,
    ecosystem::PYPI,
    model::{Coordinate, Fact},
    parse::headers,
};

/// What the fields say. A name or version that is given twice is here twice.
#[derive(Debug, Default)]
pub(in crate::detect) struct Metadata {
    /// Different ones.
    pub(in crate::detect) names: Vec<String>,
    /// Different ones.
    pub(in crate::detect) versions: Vec<String>,
    /// Licence and authors.
    pub(in crate::detect) facts: Vec<Fact>,
    /// Names in `Requires-Dist` that are asked for without an extra; which versions they find is seen beside it.
    pub(in crate::detect) requires: Vec<Coordinate>,
}

/// A `License` field that is longer is the text of a licence, and names none.
const LICENCE_NAME: usize = 120;

impl Metadata {
    pub(in crate::detect) fn read(text: &str) -> Self {
        let mut read = Self::default();
        let (mut expression, mut licence, mut classifiers) = (None, None, Vec::new());
        let mut people: [Option<String>; 4] = Default::default();
        for (field, value) in headers::fields(text) {
            if value.is_empty() || value == "UNKNOWN" {
                continue;
            }
            match &*field.to_ascii_lowercase() {
                "name" if !read.names.contains(&value) => read.names.push(value),
                "version" if !read.versions.contains(&value) => read.versions.push(value),
                "license-expression" => expression = Some(value),
                "license" if value.len() <= LICENCE_NAME => licence = Some(value),
                "classifier" if value.contains("7 - Inactive") => read.facts.push(Fact::Inactive),
                "classifier" => classifiers.extend(classified(&value).map(str::to_owned)),
                "author" => people[0] = Some(value),
                "author-email" => people[1] = Some(value),
                "maintainer" => people[2] = Some(value),
                "maintainer-email" => people[3] = Some(value),
                "requires-dist" => read.requires.extend(required(&value)),
                _ => {}
            }
        }
        // The specification deprecates `License` and the classifiers in favour of the expression; of the two, the field is
        // the one that names a version (`BSD-3-Clause` where the classifier knows only `BSD License`).
        let licences = expression.or(licence).map_or(classifiers, |one| vec![one]);
        let [author, author_mail, maintainer, maintainer_mail] = people;
        let author = person(author, author_mail).or_else(|| person(maintainer, maintainer_mail));
        read.facts.extend(licences.into_iter().map(|l| Fact::Licence(l.into())));
        read.facts.extend(author.map(|a| Fact::Author(a.into())));
        read
    }
}

/// `License :: OSI Approved :: MIT License` names the licence last.
fn classified(value: &str) -> Option<&str> {
    let rest = value.strip_prefix("License ::")?;
    let last = rest.rsplit("::").next()?.trim();
    (!last.is_empty() && last != "OSI Approved").then_some(last)
}

/// `Author-email` may hold both, as an e-mail header does.
fn person(name: Option<String>, mail: Option<String>) -> Option<String> {
    match (name, mail) {
        (Some(name), Some(mail)) if !mail.contains('<') => Some(format!("{name} <{mail}>")),
        (name, mail) => mail.or(name),
    }
}

/// The name in a requirement, unless it is asked for with an extra alone.
fn required(value: &str) -> Option<Coordinate> {
    let (requirement, marker) = value.split_once(';').unwrap_or((value, ""));
    let name = Requirement::parse(requirement)?.name;
    (!marker.contains("extra")).then(|| PYPI.coordinate(name, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_authors_and_requirements() {
        let head = "Name: x\nVersion: 1\n";
        let licence = |text: &str| Fact::Licence(text.into());
        let author = |text: &str| Fact::Author(text.into());
        for (fields, facts) in [
            (
                "License-Expression: MIT OR Apache-2.0\nLicense: other\n",
                vec![licence("MIT OR Apache-2.0")],
            ),
            (
                "License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License\n",
                vec![licence("BSD-3-Clause")],
            ),
            (
                "License: UNKNOWN\nClassifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: MIT License\n",
                vec![licence("MIT License")],
            ),
            (
                "Author: A\nAuthor-email: a@example.test\n",
                vec![author("A <a@example.test>")],
            ),
            (
                "Author-email: A <a@example.test>\nMaintainer: B\n",
                vec![author("A <a@example.test>")],
            ),
            ("Maintainer: B\n", vec![author("B")]),
            ("Classifier: Development Status :: 7 - Inactive\n", vec![Fact::Inactive]),
        ] {
            assert_eq!(Metadata::read(&format!("{head}{fields}")).facts, facts, "{fields}");
        }
        let long = format!("{head}License: {}\nClassifier: License :: X\n", "word ".repeat(100));
        assert_eq!(Metadata::read(&long).facts, [licence("X")]);
        let text = "Requires-Dist: Zope.Interface (>=5)\nRequires-Dist: a[b]>1; python_version<'4'\nRequires-Dist: c; extra == 'd'\n";
        let requires: Vec<_> = Metadata::read(text).requires.into_iter().map(|c| c.name).collect();
        assert_eq!(requires, ["zope-interface".into(), "a".into()] as [Box<str>; 2]);
    }
}
