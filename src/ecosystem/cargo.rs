//! crates.io: names as they are, SemVer 2.0.

use super::{Ecosystem, Witness, npm};
use crate::model::EcosystemId;
use std::borrow::Cow;

/// crates.io. `-` and `_` are one name to the registry, but a crate is always written as it was published.
pub static CARGO: Ecosystem = Ecosystem {
    id: EcosystemId("crates.io"),
    purl_type: "cargo",
    language: "Rust",
    osv: "crates.io",
    advisory_prefix: "RUSTSEC-",
    normalise: |name| Cow::Borrowed(name),
    compare: npm::semver_order,
    place: npm::semver_place,
    segments: 3,
    is_version: |version| npm::parse(version).is_some(),
    witness: Witness::MostOfTheTree,
};
