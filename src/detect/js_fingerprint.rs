//! Packages in bundles and minified files by their code, where nothing names them.

use super::{DetectError, Detector, Interest, Sink, js_bundle};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    fingerprint::{Claim, claims, grams::Stream},
    model::{Bundle, Fact, Owner, Proof, Span},
};

pub(super) struct JsFingerprint;

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
        // A bundler that names its modules names them all.
        if js_bundle::names_modules(entry, found) {
            return Ok(());
        }
        let stream = Stream::of(entry.bytes);
        let all = claims(&stream, index).map_err(|e| DetectError(e.to_string()))?;
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
            bytes: entry.bytes.len(),
            spans: spans.collect(),
            lines: Vec::new(),
            map: None,
            python_package,
        });
        for claim in all {
            add(claim, found);
        }
        Ok(())
    }
}

fn add(claim: Claim, found: &mut Sink<'_>) {
    let version = match &*claim.versions {
        [one] => Some(&**one),
        _ => None,
    };
    let added = found.add(NPM.coordinate(&claim.name, version), Proof::Inferred, claim.confidence);
    if claim.versions.len() > 1 {
        let _ = added.fact(Fact::OneOf(claim.versions.into_iter().map(Into::into).collect()));
    }
}
