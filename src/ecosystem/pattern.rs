//! Packages and ranges of their versions, as people write them: `pkg:npm/lodash@<4.17.21`.

use super::Ecosystem;
use crate::model::Coordinate;
use percent_encoding::percent_decode_str;
use std::cmp::Ordering;

/// A package URL whose version may be a range, in the ecosystem's own order of versions.
///
/// ```
/// use plimsoll::ecosystem::{NPM, Pattern};
/// let pattern = Pattern::parse("pkg:npm/@scope/name@>=1.2, <2").unwrap();
/// assert!(pattern.matches(&NPM.coordinate("@scope/name", Some("1.10.0"))));
/// assert!(!pattern.matches(&NPM.coordinate("@scope/name", Some("2.0.0"))));
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    ecosystem: &'static Ecosystem,
    /// Normalised; a glob where it holds a `*`.
    name: String,
    /// All of them must hold; none for every version, an unknown one included.
    bounds: Vec<(Bound, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Other,
}

/// Longer signs first: `<=` begins with `<`.
const SIGNS: [(&str, Bound); 7] = [
    ("<=", Bound::AtMost),
    (">=", Bound::AtLeast),
    ("!=", Bound::Other),
    ("==", Bound::Equal),
    ("<", Bound::Less),
    (">", Bound::Greater),
    ("=", Bound::Equal),
];

impl Pattern {
    /// Reads `pkg:TYPE/NAME`, `pkg:TYPE/NAME@VERSION` or `pkg:TYPE/NAME@BOUND,BOUND…`; a `*` in the name stands for any part
    /// of it. Qualifiers and a subpath are read over.
    ///
    /// # Errors
    /// What was expected; one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ecosystem, name, version) = split(text)?;
        let bounds = version.map_or(Ok(Vec::new()), |version| bounds(&version, ecosystem))?;
        Ok(Self {
            ecosystem,
            name,
            bounds,
        })
    }

    /// Reads the package of a document that a tool wrote: what stands for a version is one, whatever it looks like. `None`
    /// for packages that are not looked for.
    pub(crate) fn exact(text: &str) -> Option<Self> {
        let (ecosystem, name, version) = split(text).ok()?;
        Some(Self {
            ecosystem,
            name,
            bounds: version.into_iter().map(|version| (Bound::Equal, version)).collect(),
        })
    }

    /// Whether it names exact packages of one version, or of every one.
    #[must_use]
    pub fn matches(&self, coordinate: &Coordinate) -> bool {
        self.is_about(coordinate)
            && (self.bounds.is_empty()
                || coordinate
                    .version
                    .as_deref()
                    .is_some_and(|version| self.bounds.iter().all(|(bound, at)| self.holds(*bound, version, at))))
    }

    /// The ecosystem.
    #[must_use]
    pub fn ecosystem(&self) -> &'static Ecosystem {
        self.ecosystem
    }

    /// The normalised name, or a glob of names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it names the package, whatever the version.
    #[must_use]
    pub fn is_about(&self, coordinate: &Coordinate) -> bool {
        coordinate.ecosystem == self.ecosystem.id
            && (*coordinate.name == *self.name
                || self.name.contains('*') && fast_glob::glob_match(&self.name, &*coordinate.name))
    }

    fn holds(&self, bound: Bound, version: &str, at: &str) -> bool {
        let order = if version == at {
            Ordering::Equal
        } else {
            (self.ecosystem.compare)(version, at)
        };
        match bound {
            Bound::Less => order.is_lt(),
            Bound::AtMost => order.is_le(),
            Bound::Greater => order.is_gt(),
            Bound::AtLeast => order.is_ge(),
            Bound::Equal => order.is_eq(),
            Bound::Other => order.is_ne(),
        }
    }
}

/// Ecosystem, normalised name, and what stands for the version.
fn split(text: &str) -> Result<(&'static Ecosystem, String, Option<String>), String> {
    let shape = || format!("`{text}` is no package; expected one like pkg:npm/lodash or pkg:npm/lodash@<4.17.21");
    let rest = text.trim().strip_prefix("pkg:").ok_or_else(shape)?;
    let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or_else(shape)?;
    let known = || super::ALL.iter().map(|e| e.purl_type).collect::<Vec<_>>().join(", ");
    let ecosystem = super::ALL
        .iter()
        .copied()
        .find(|e| e.purl_type.eq_ignore_ascii_case(kind))
        .ok_or_else(|| {
            format!(
                "`{text}`: packages of type `{kind}` are not looked for; there are: {}",
                known()
            )
        })?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // The `@` of a scope begins the name, or follows a slash.
    let at = rest
        .rmatch_indices('@')
        .map(|(at, _)| at)
        .find(|&at| at > 0 && rest.as_bytes().get(at - 1) != Some(&b'/'));
    let (name, version) = match at {
        Some(at) => (&rest[..at], Some(decoded(&rest[at + 1..]))),
        None => (rest, None),
    };
    let name = decoded(name);
    if name.is_empty() {
        return Err(shape());
    }
    Ok((ecosystem, (ecosystem.normalise)(&name).into_owned(), version))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().trim().to_owned()
}

fn bounds(text: &str, ecosystem: &Ecosystem) -> Result<Vec<(Bound, String)>, String> {
    let bound = |part: &str| {
        let part = part.trim();
        let sign = SIGNS
            .iter()
            .find_map(|(sign, bound)| Some((*bound, part.strip_prefix(sign)?)));
        let (bound, version) = sign.unwrap_or((Bound::Equal, part));
        let version = version.trim();
        if (ecosystem.is_version)(version) {
            Ok((bound, version.to_owned()))
        } else {
            let id = ecosystem.id.0;
            Err(format!(
                "`{part}` is no version of {id}; expected one, or bounds like >=1.2.0,<2.0.0"
            ))
        }
    };
    text.split(',').map(bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::{CARGO, NPM, PYPI};

    #[test]
    fn names_and_ranges() {
        for (pattern, ecosystem, name, version, expected) in [
            ("pkg:npm/lodash", &NPM, "lodash", Some("4.17.20"), true),
            ("pkg:npm/lodash", &NPM, "lodash", None, true),
            ("pkg:npm/lodash", &PYPI, "lodash", Some("4.17.20"), false),
            ("pkg:npm/lodash@4.17.20", &NPM, "lodash", Some("4.17.20"), true),
            ("pkg:npm/lodash@4.17.20", &NPM, "lodash", None, false),
            ("pkg:npm/lodash@<4.17.21", &NPM, "lodash", Some("4.9.0"), true),
            ("pkg:npm/lodash@<4.17.21", &NPM, "lodash", Some("4.17.21"), false),
            (
                "pkg:npm/lodash@<=4.17.21,!=4.17.19",
                &NPM,
                "lodash",
                Some("4.17.19"),
                false,
            ),
            ("pkg:npm/%40scope/name@>1", &NPM, "@scope/name", Some("1.0.1"), true),
            ("pkg:npm/@scope/name", &NPM, "@scope/name", Some("1.0.1"), true),
            ("pkg:npm/@scope/*@<2.0.0", &NPM, "@scope/other", Some("1.0.1"), true),
            ("pkg:npm/@scope/*", &NPM, "@scoped/other", Some("1.0.1"), false),
            ("pkg:pypi/Flask_Cors@<4.0", &PYPI, "flask-cors", Some("4.0rc1"), true),
            ("pkg:pypi/django@1!2.0", &PYPI, "Django", Some("1!2.0.0"), true),
            ("pkg:cargo/time@=0.1.43", &CARGO, "time", Some("0.1.43"), true),
            ("pkg:cargo/time@0.1.43?x=y#z", &CARGO, "time", Some("0.1.43"), true),
        ] {
            let found = Pattern::parse(pattern).expect(pattern);
            let found = found.matches(&ecosystem.coordinate(name, version));
            assert_eq!(found, expected, "{pattern} {name} {version:?}");
        }
    }

    #[test]
    fn what_is_none() {
        for (pattern, error) in [
            ("lodash", "`lodash` is no package; expected one like pkg:npm/lodash or"),
            ("pkg:npm/", "`pkg:npm/` is no package"),
            (
                "pkg:maven/a/b",
                "`pkg:maven/a/b`: packages of type `maven` are not looked for; there are: npm, pypi, cargo",
            ),
            ("pkg:npm/a@<", "`<` is no version of npm; expected one, or bounds like"),
            ("pkg:npm/a@^1.0.0", "`^1.0.0` is no version of npm"),
            ("pkg:cargo/a@>=1.0.0 <2", "`>=1.0.0 <2` is no version of crates.io"),
        ] {
            let told = Pattern::parse(pattern).expect_err(pattern);
            assert!(told.starts_with(error), "{pattern}: {told}");
        }
    }
}
