//! npm: names as they are, SemVer 2.0.

use super::{Ecosystem, Place, Witness, natural};
use crate::model::EcosystemId;
use std::{borrow::Cow, cmp::Ordering};

/// npm. Old names may hold capitals (`JSONStream`), and differ from their small-letter twins.
pub static NPM: Ecosystem = Ecosystem {
    id: EcosystemId("npm"),
    purl_type: "npm",
    language: "JavaScript",
    osv: "npm",
    advisory_prefix: "GHSA-",
    normalise: |name| Cow::Borrowed(name),
    compare: semver_order,
    place: semver_place,
    segments: 3,
    is_version: |version| parse(version).is_some(),
    witness: Witness::MostOfTheLock,
};

/// SemVer 2.0 section 11: precedence, build metadata ignored. A leading `v` or `=` is forgiven, as npm does.
pub(super) fn semver_order(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a.cmp_precedence(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => natural::order(a, b),
    }
}

/// Build metadata does not count; a pre-release stands before its release.
pub(super) fn semver_place(version: &str) -> Option<Place> {
    let parsed = parse(version)?;
    let side = if parsed.pre.is_empty() {
        Ordering::Equal
    } else {
        Ordering::Less
    };
    Place::new(&[parsed.major, parsed.minor, parsed.patch], side)
}

pub(super) fn parse(version: &str) -> Option<semver::Version> {
    let bare = version.trim().trim_start_matches(['v', '=']).trim_start();
    semver::Version::parse(bare).ok().or_else(|| {
        // OSV bounds are now and then short of a number ("1.0", "2"); the missing ones are zero.
        let numbers = bare.split('.').count();
        let plain = bare.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (plain && numbers < 3).then(|| semver::Version::parse(&format!("{bare}{}", ".0".repeat(3 - numbers))).ok())?
    })
}
