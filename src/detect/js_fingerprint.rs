//! Packages in bundles and minified files by their code: their names where nothing else tells them, and their versions where only the
//! names are told.

use super::{
    DetectError, Detector, Interest, Sink,
    js_bundle::{self, Code, Naming},
    js_licences::List,
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    fingerprint::{Claim, claims, grams::Stream},
    model::{Bundle, Fact, Owner, Proof, Span},
};
use std::collections::HashSet;

pub(super) struct JsFingerprint;

/// Bundles with a source map are looked into for versions up to this length. It takes some 25 ms for each megabyte, several times
/// what the map does; the lock file that they were built with says it too, and the gap that counts names without versions asks
/// for it.
const MAPPED_BYTES: usize = 8 << 20;

impl Detector for JsFingerprint {
    fn id(&self) -> &'static str {
        "js-fingerprint"
    }

    fn reads(&self) -> &'static str {
        "the same files: packages by what minifiers keep of their code, each with the versions that it can be"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        js_bundle::interest(meta)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let Some(index) = found.neighbours.fingerprints() else {
            return Ok(());
        };
        // A bundler that names its modules names them all, and seldom says their versions.
        let Code {
            text: code,
            naming,
            mut told,
        } = js_bundle::code(entry, found);
        if naming == Some(Naming::Map) && code.len() > MAPPED_BYTES {
            return Ok(());
        }
        let list = List::beside(entry, found).filter(|_| naming.is_none());
        for name in list.iter().flat_map(|list| &list.names) {
            told.entry(name.clone()).or_default();
        }
        let stream = Stream::of(code);
        let mut all = claims(&stream, index, &told).map_err(|e| DetectError(e.to_string()))?;
        if let Some(list) = list.filter(|list| is_of(list, &all)) {
            // What it does not name is a copy that a package carries in files of its own.
            all.retain(|claim| list.may_name(&claim.name));
        }
        if all.is_empty() {
            return Ok(());
        }
        let spans = all.iter().flat_map(|claim| &claim.ranges).map(|bytes| Span {
            bytes: bytes.clone(),
            owner: Owner::Component,
        });
        let python_package = js_bundle::python_package(entry.meta.path, found).map(Into::into);
        found.bundles.push(Bundle {
            location: entry.location.clone(),
            bytes: code.len(),
            spans: spans.collect(),
            lines: Vec::new(),
            map: None,
            named: naming.is_some(),
            python_package,
        });
        let told: HashSet<String> = all
            .iter()
            .filter(|c| !c.versions.is_empty())
            .map(|c| c.name.clone())
            .collect();
        for claim in all {
            let is_another = claim.versions.is_empty() && told.contains(&claim.name);
            add(claim, is_another, found);
        }
        Ok(())
    }
}

/// Claims from which on, and the share of them that a list of licences must name, so that it is taken for the bundle's own.
const LISTED: (usize, usize) = (10, 85);

/// Whether a list is of the bundle in which those are claimed.
fn is_of(list: &List, claims: &[Claim]) -> bool {
    let (fewest, percent) = LISTED;
    let named = claims.iter().filter(|claim| list.may_name(&claim.name)).count();
    claims.len() >= fewest && named * 100 >= claims.len() * percent
}

/// `is_another`: a copy of unknown version, of a package that has one of a known version.
fn add(claim: Claim, is_another: bool, found: &mut Sink<'_>) {
    let version = match &*claim.versions {
        [one] => Some(&**one),
        _ => None,
    };
    let added = found.add(NPM.coordinate(&claim.name, version), Proof::Inferred, claim.confidence);
    let list = |versions: Vec<String>| versions.into_iter().map(Into::into).collect();
    let facts = match claim.versions.len() {
        0 if is_another => vec![Fact::Copy],
        0 | 1 => return,
        _ if claim.unlikely.is_empty() => vec![Fact::OneOf(list(claim.versions))],
        _ => vec![Fact::OneOf(list(claim.versions)), Fact::Unlikely(list(claim.unlikely))],
    };
    let _ = added.facts(facts);
}
