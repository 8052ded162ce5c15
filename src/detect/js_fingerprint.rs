//! Packages in bundles and minified files by their code: their names where nothing else tells them, and their versions where only the
//! names are told.

use super::{
    DetectError, Detector, Interest, Sink,
    js::chunks::{self, Chunk},
    js_bundle::{self, Code, Naming},
    js_licences::List,
};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::NPM,
    fingerprint::{
        Claim, claims,
        grams::{Joined, Stream},
    },
    model::{Bundle, Fact, Location, Owner, Proof, Span},
};
use std::{collections::HashSet, ops::Range};

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
        "the same files, chunks with the bundle that loads them: packages by what minifiers keep of their code, each with the \
         versions that it can be"
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
        let path = entry.meta.path;
        if naming.is_none() && chunks::bundle_of(path, found.neighbours).is_some() && chunks::is_chunk(code) {
            // The bundle speaks for it.
            return Ok(());
        }
        let (chunks, left) = chunks::of(path, found.neighbours);
        if left > 0 {
            found.partial(format!(
                "{left} of its chunks were not looked into for packages by their code: together they have more than {} MiB; a source \
                 map beside each tells what is in it",
                chunks::MOST_BYTES >> 20
            ));
        }
        if naming == Some(Naming::Map) && code.len() > MAPPED_BYTES && chunks.is_empty() {
            return Ok(());
        }
        let list = List::beside(entry, found).filter(|_| naming.is_none());
        for name in list.iter().flat_map(|list| &list.names) {
            told.entry(name.clone()).or_default();
        }
        let mut parts = vec![Part {
            location: entry.location.clone(),
            bytes: 0..code.len(),
        }];
        let mut stream = Joined::new(Stream::of(code));
        for chunk in &chunks {
            let location = Location::new(entry.location.archives.clone(), &chunk.path);
            let Some(code) = nameless(chunk, location.clone(), found) else {
                continue;
            };
            let from = parts.last().map_or(0, |part| part.bytes.end);
            stream.add(Stream::of(code.text), u32::try_from(from).unwrap_or(u32::MAX));
            parts.push(Part {
                location,
                bytes: from..from + code.text.len(),
            });
            for (name, versions) in code.told {
                told.entry(name).or_default().extend(versions);
            }
        }
        let mut all = claims(&stream.into_stream(), index, &told).map_err(|e| DetectError(e.to_string()))?;
        if let Some(list) = list.filter(|list| is_of(list, &all)) {
            // What it does not name is a copy that a package carries in files of its own.
            all.retain(|claim| list.may_name(&claim.name));
        }
        if all.is_empty() {
            return Ok(());
        }
        for part in &parts {
            let python_package = js_bundle::python_package(&part.location.path, found).map(Into::into);
            let spans = all.iter().flat_map(|claim| &claim.ranges);
            let spans = spans.filter_map(|bytes| part.own(bytes)).map(|bytes| Span {
                bytes,
                owner: Owner::Component,
            });
            let bundle = Bundle {
                location: part.location.clone(),
                bytes: part.bytes.len(),
                spans: spans.collect(),
                lines: Vec::new(),
                map: None,
                named: naming.is_some(),
                python_package,
            };
            found.bundles.push(bundle);
        }
        let told: HashSet<String> = all
            .iter()
            .filter(|c| !c.versions.is_empty())
            .map(|c| c.name.clone())
            .collect();
        for claim in all {
            let is_another = claim.versions.is_empty() && told.contains(&claim.name);
            let is_here = |part: &&Part| claim.ranges.iter().any(|bytes| part.own(bytes).is_some());
            let place = parts.iter().find(is_here).unwrap_or(&parts[0]).location.clone();
            add(claim, is_another, place, found);
        }
        Ok(())
    }
}

/// A file of a bundle: the bundle's own, or a chunk.
struct Part {
    location: Location,
    /// Which bytes of all these are in it.
    bytes: Range<usize>,
}

impl Part {
    /// What of a stretch of all is in it, in its own bytes.
    fn own(&self, all: &Range<usize>) -> Option<Range<usize>> {
        let (start, end) = (all.start.max(self.bytes.start), all.end.min(self.bytes.end));
        (start < end).then(|| start - self.bytes.start..end - self.bytes.start)
    }
}

/// The code of a chunk, unless it names its modules: then it speaks for itself.
fn nameless<'c>(chunk: &'c Chunk, location: Location, found: &Sink<'_>) -> Option<Code<'c>> {
    let entry = Entry {
        meta: EntryMeta {
            path: &chunk.path,
            size: chunk.text.len() as u64,
            kind: EntryKind::File,
        },
        bytes: &chunk.text,
        whole: true,
        location,
    };
    Some(js_bundle::code(&entry, found)).filter(|code| code.naming.is_none())
}

/// Claims from which on, and the share of them that a list of licences must name, so that it is taken for the bundle's own.
const LISTED: (usize, usize) = (10, 85);

/// Whether a list is of the bundle in which those are claimed.
fn is_of(list: &List, claims: &[Claim]) -> bool {
    let (fewest, percent) = LISTED;
    let by_code: Vec<&Claim> = claims.iter().filter(|claim| !claim.ranges.is_empty()).collect();
    let named = by_code.iter().filter(|claim| list.may_name(&claim.name)).count();
    by_code.len() >= fewest && named * 100 >= by_code.len() * percent
}

/// `is_another`: a copy of unknown version, of a package that has one of a known version.
fn add(claim: Claim, is_another: bool, place: Location, found: &mut Sink<'_>) {
    let version = match &*claim.versions {
        [one] => Some(&**one),
        _ => None,
    };
    let added = found.add(NPM.coordinate(&claim.name, version), Proof::Inferred, claim.confidence);
    let list = |versions: Vec<String>| versions.into_iter().map(Into::into).collect();
    let facts = match claim.versions.len() {
        0 if is_another => vec![Fact::Copy],
        0 | 1 => Vec::new(),
        _ if claim.unlikely.is_empty() => vec![Fact::OneOf(list(claim.versions))],
        _ => vec![Fact::OneOf(list(claim.versions)), Fact::Unlikely(list(claim.unlikely))],
    };
    added.facts(facts).at(place);
}
