//! One file per ecosystem, one row of data each: name normalising, version order, purl type, OSV name.

use crate::model::{Coordinate, EcosystemId};
use packageurl::PackageUrl;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{borrow::Cow, cmp::Ordering, fmt::Write as _, str::FromStr as _};

mod cargo;
mod natural;
mod npm;
mod pattern;
mod pep503;
mod pypi;

pub use cargo::CARGO;
pub use npm::NPM;
pub use pattern::Pattern;
pub use pypi::PYPI;

/// Every ecosystem.
pub static ALL: &[&Ecosystem] = &[&NPM, &PYPI, &CARGO];

/// Everything that differs between ecosystems, as plain data and functions.
#[derive(Debug)]
pub struct Ecosystem {
    /// Id in our own reports.
    pub id: EcosystemId,
    /// purl type.
    pub purl_type: &'static str,
    /// The language that its packages are for.
    pub language: &'static str,
    /// Name in OSV records (without a `:suffix`).
    pub osv: &'static str,
    /// Id prefix of the ecosystem's own advisory database; it names a finding when several databases know the flaw.
    pub advisory_prefix: &'static str,
    /// Normalises a name; borrows when it is already normal.
    pub normalise: fn(&str) -> Cow<'_, str>,
    /// Orders two versions. Total: what does not parse sorts before everything that does, and naturally among itself.
    pub compare: fn(&str, &str) -> Ordering,
    /// Where a version stands among plain decimal versions; `None` where that cannot be said in the integers of a [`Place`].
    /// Agrees with `compare` for every plain version of at most `segments` segments.
    pub place: fn(&str) -> Option<Place>,
    /// How many segments a plain decimal version may have so that missing ones are zeros.
    pub segments: usize,
    /// Whether a version is one that the ecosystem's registry accepts, so that its place in the order means something.
    pub is_version: fn(&str) -> bool,
    /// When an installed tree may contradict a lock file beside it.
    pub witness: Witness,
}

/// Where a version stands among plain decimal versions (`1.2.3`), so that it is compared with those as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first four segments, 32 bits each, the first the highest.
    pub number: u128,
    /// Before that plain version (`1.2.3-rc.1`), at it, or between it and the next (`1.2.3.post1`).
    pub side: Ordering,
}

impl Place {
    /// Of segments, those missing being zero; `None` where they do not fit.
    fn new(segments: &[u64], side: Ordering) -> Option<Self> {
        let significant = segments.iter().rposition(|&s| s != 0).map_or(0, |last| last + 1);
        if significant > 4 {
            return None;
        }
        let mut number = 0;
        for i in 0..4 {
            let segment = segments.get(i).copied().unwrap_or_default();
            number = number << 32 | u128::from(u32::try_from(segment).ok()?);
        }
        Some(Self { number, side })
    }
}

/// When an installed tree is taken to be all that a lock file describes, so that a locked package missing from it is
/// really missing. A bundle with two externals installed beside it has a tree too, but one that says nothing of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// At least half of what the lock says production needs is installed.
    MostOfTheLock,
    /// Nearly all that is installed (nine in ten) is in the lock: the tree was made from it, and complete by its nature.
    /// For audited binaries: a `Cargo.lock` covers every target, feature and test, and may hold several times the crates.
    MostOfTheTree,
}

impl Ecosystem {
    /// A coordinate with a normalised name. An empty version is no version.
    #[must_use]
    pub fn coordinate(&self, name: &str, version: Option<&str>) -> Coordinate {
        Coordinate {
            ecosystem: self.id,
            name: (self.normalise)(name.trim()).into(),
            version: version.map(str::trim).filter(|v| !v.is_empty()).map(Into::into),
        }
    }
}

/// The row of an id.
#[must_use]
pub fn of(id: EcosystemId) -> &'static Ecosystem {
    ALL.iter().copied().find(|e| e.id == id).unwrap_or(&NPM)
}

/// The row that OSV calls `name`; a suffix (`Debian:12`) is left off as the OSV schema says.
#[must_use]
pub fn by_osv_name(name: &str) -> Option<&'static Ecosystem> {
    let name = name.split_once(':').map_or(name, |(base, _)| base);
    ALL.iter().copied().find(|e| e.osv == name)
}

/// The package URL of a coordinate (`pkg:npm/%40scope/name@1.0.0`), as the purl specification writes it.
#[must_use]
pub fn purl(coordinate: &Coordinate) -> String {
    // A slash that parts no scope from its name belongs to the name, and is encoded there: of the empty segments in
    // `http://x` no reader of a purl would keep any.
    let (namespace, name) = match coordinate.name.split_once('/') {
        Some((scope, name)) if coordinate.ecosystem == NPM.id && scope.starts_with('@') && !name.is_empty() => {
            (Some(scope), name)
        }
        _ => (None, &*coordinate.name),
    };
    let own = of(coordinate.ecosystem).purl_type;
    let Ok(mut purl) = PackageUrl::new(ANY_TYPE, name) else {
        return format!("pkg:{own}/");
    };
    if let Some(namespace) = namespace {
        let _ = purl.with_namespace(namespace);
    }
    let mut text = purl.to_string().replacen(ANY_TYPE, own, 1);
    if let Some(version) = &coordinate.version {
        // Not by the crate, which leaves slashes as they are, and then reads what precedes the last of them as the name.
        let _ = write!(text, "@{}", utf8_percent_encode(version, VERSION));
    }
    text
}

/// The coordinate of a purl; `None` for what is no purl, or of an ecosystem that is not known here.
#[must_use]
pub fn coordinate(purl: &str) -> Option<Coordinate> {
    // By the rules of its own type, which refuse a namespace where there is none.
    let known = PackageUrl::from_str(purl).ok()?;
    let row = ALL.iter().find(|e| e.purl_type == known.ty())?;
    let (_, rest) = purl.split_once(':')?.1.trim_start_matches('/').split_once('/')?;
    let parsed = PackageUrl::from_str(&format!("pkg:{ANY_TYPE}/{rest}")).ok()?;
    let name: Cow<'_, str> = match parsed.namespace() {
        Some(namespace) => format!("{namespace}/{}", parsed.name()).into(),
        None => parsed.name().into(),
    };
    (!name.trim().is_empty()).then(|| row.coordinate(&name, parsed.version()))
}

/// The type under which the crate changes nothing. Under `npm` it writes small letters, as the specification has it; but the
/// registry holds `JSONStream` and `jsonstream`, which are two packages with advisories of their own.
const ANY_TYPE: &str = "generic";

/// What of a version is encoded: all that the purl specification does not name as free.
const VERSION: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls() {
        for (ecosystem, name, version, purl_text) in [
            (&NPM, "lodash", Some("4.17.20"), "pkg:npm/lodash@4.17.20"),
            (&NPM, "@babel/core", Some("7.0.0"), "pkg:npm/%40babel/core@7.0.0"),
            (&NPM, "JSONStream", Some("1.0.0"), "pkg:npm/JSONStream@1.0.0"),
            (&NPM, "http://x/", Some("1.0.0"), "pkg:npm/http:%2F%2Fx%2F@1.0.0"),
            (&NPM, "x", Some("</b>@"), "pkg:npm/x@%3C%2Fb%3E%40"),
            (&PYPI, "Flask_Cors", None, "pkg:pypi/flask-cors"),
            (&CARGO, "serde", Some("1.0.0+x"), "pkg:cargo/serde@1.0.0%2Bx"),
        ] {
            let coordinate = ecosystem.coordinate(name, version);
            assert_eq!(purl(&coordinate), purl_text);
            assert_eq!(super::coordinate(purl_text), Some(coordinate));
        }
        assert_eq!(super::coordinate("pkg:deb/debian/zlib@1"), None);
        assert_eq!(super::coordinate("npm/zlib@1"), None);
        assert_eq!(super::coordinate("pkg:pypi/somebody/requests@2.31.0"), None);
    }

    #[test]
    fn osv_names_lose_their_suffix() {
        assert_eq!(
            by_osv_name("PyPI:https://example.test/simple").map(|e| e.id.0),
            Some("pypi")
        );
        assert!(by_osv_name("Debian:12").is_none());
    }
}
