//! PyPI: PEP 503 names, PEP 440 versions.

use super::{Ecosystem, Witness, natural};
use crate::model::EcosystemId;
use pep440_rs::Version;
use std::{borrow::Cow, cmp::Ordering, str::FromStr as _};

/// PyPI.
pub static PYPI: Ecosystem = Ecosystem {
    id: EcosystemId("pypi"),
    purl_type: "pypi",
    osv: "PyPI",
    advisory_prefix: "PYSEC-",
    normalise: pep503,
    compare: pep440_order,
    is_version: |version| Version::from_str(version).is_ok(),
    witness: Witness::MostOfTheLock,
};

/// PEP 503: small letters, runs of `-`, `_` and `.` become one `-`.
fn pep503(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let doubled = bytes.windows(2).any(|pair| pair == b"--");
    let normal = !doubled && !bytes.iter().any(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'.'));
    if normal {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    if gap {
        out.push('-');
    }
    Cow::Owned(out)
}

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
            assert_eq!(pep503(raw), normal);
        }
    }
}
