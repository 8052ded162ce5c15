//! PyPI: PEP 503 names, PEP 440 versions.

use super::{Ecosystem, Place, Witness, natural, pep503};
use crate::model::EcosystemId;
use pep440_rs::Version;
use std::{cmp::Ordering, str::FromStr as _};

/// PyPI.
pub static PYPI: Ecosystem = Ecosystem {
    id: EcosystemId("pypi"),
    purl_type: "pypi",
    language: "Python",
    osv: "PyPI",
    advisory_prefix: "PYSEC-",
    normalise: pep503::normalise,
    compare: pep440_order,
    place: pep440_place,
    segments: 4,
    is_version: |version| Version::from_str(version).is_ok(),
    witness: Witness::MostOfTheLock,
};

/// PEP 440, epochs, pre, post, dev and local versions included. What does not parse is a version from before PEP 440,
/// which sorts below all that do, as `packaging`'s `LegacyVersion` did.
fn pep440_order(a: &str, b: &str) -> Ordering {
    match (Version::from_str(a), Version::from_str(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Greater,
        (Err(_), Ok(_)) => Ordering::Less,
        (Err(_), Err(_)) => natural::order(a, b),
    }
}

/// Pre-releases, and development releases of the release itself, stand before it; post-releases and local versions behind.
fn pep440_place(version: &str) -> Option<Place> {
    let parsed = Version::from_str(version).ok()?;
    if parsed.epoch() != 0 {
        return None;
    }
    let side = if parsed.pre().is_some() || (parsed.dev().is_some() && parsed.post().is_none()) {
        Ordering::Less
    } else if parsed.post().is_some() || parsed.is_local() {
        Ordering::Greater
    } else {
        Ordering::Equal
    };
    Place::new(parsed.release(), side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_pep_503_says() {
        for (raw, normal) in [
            ("requests", "requests"),
            ("PyYAML", "pyyaml"),
            ("zope.interface", "zope-interface"),
            ("ruamel._yaml", "ruamel-yaml"),
            ("a--b__c", "a-b-c"),
            ("backports.zoneinfo", "backports-zoneinfo"),
        ] {
            assert_eq!(pep503::normalise(raw), normal);
        }
    }
}
