//! One file, one package: bundlers write each module that is no ECMAScript module into a function of its own, so what is in the body of
//! one is one file's, whatever else that file has copies of. `firebase-admin` loads a build of its database that has `faye-websocket`
//! in it, `fast-xml-parser` one with all that it depends on: both ask for these packages too, and none of them is there.

use super::{
    ground::{Candidate, Ground, Hit},
    record::Package,
    version_set::Tally,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    ops::Range,
};

/// The body of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// The first token in it, and the first behind it, as they are counted.
    pub first: u32,
    pub end: u32,
    /// Whether it is called where it is written.
    pub is_called: bool,
}

/// Of bodies those that are a file's or a part of one, as places of tokens and in order: the outermost, inside those that bundlers put
/// around all; `tokens` are there.
pub(super) fn of(mut bodies: Vec<Body>, tokens: usize) -> Vec<Range<u32>> {
    bodies.sort_unstable_by_key(|body| (body.first, Reverse(body.end)));
    let is_frame = |body: &Body| body.is_called && (body.end - body.first) as usize * 2 > tokens;
    let mut modules: Vec<Range<u32>> = Vec::new();
    for body in bodies {
        let is_inside = modules.last().is_some_and(|module| body.first < module.end);
        if !is_inside && !is_frame(&body) {
            modules.push(body.first..body.end);
        }
    }
    modules
}

/// Runs that a package has in a module at least which is its own, how many are sampled there, and the share of these that are its.
const FEWEST: usize = 40;
const SAMPLED: u32 = 12;
const SHARE: f64 = 0.6;

/// Part of these that one of which it has a copy has at most: what has more of it may be the one whose file it is. And of that one's
/// there the part that is the other's too, and of all of its runs in the bundle the part that is there.
const COPY: f64 = 0.6;
const SAME: f64 = 0.9;
const ALL: f64 = 0.5;

/// What a candidate has in a module.
struct Part {
    /// Its place among the candidates.
    at: usize,
    /// Of its hits.
    hits: Range<usize>,
}

/// Places of hits that a version has of which most is there.
fn of_one_version(package: &Package, hits: &[Hit]) -> HashSet<u32> {
    let versions = |hit: &Hit| package.set(hit.set).versions;
    let mut there = Tally::new(package.looked_into.len());
    for hit in hits {
        there.add(&versions(hit), 1);
    }
    let most = there
        .each()
        .enumerate()
        .max_by_key(|(_, hits)| *hits)
        .map_or(0, |(version, _)| version);
    hits.iter()
        .filter(|hit| versions(hit).contains(most))
        .map(|hit| hit.at)
        .collect()
}

/// What the candidates have in each module.
fn parts(modules: &[Range<u32>], candidates: &[Candidate]) -> Vec<Vec<Part>> {
    let mut parts: Vec<Vec<Part>> = modules.iter().map(|_| Vec::new()).collect();
    for (at, candidate) in candidates.iter().enumerate() {
        let hits = &candidate.hits;
        let mut first = 0;
        while let Some(hit) = hits.get(first) {
            let next = modules.partition_point(|module| module.end <= hit.at);
            let Some(module) = modules.get(next) else { break };
            first += hits[first..].partition_point(|hit| hit.at < module.start);
            let end = first + hits[first..].partition_point(|hit| hit.at < module.end);
            if end > first {
                parts[next].push(Part { at, hits: first..end });
            }
            first = end;
        }
    }
    parts
}

/// Takes from each candidate what is a copy in another's file.
pub(super) fn leave_copies(ground: &Ground<'_>, candidates: &mut [Candidate]) {
    let stream = ground.stream;
    let parts = parts(&stream.modules, candidates);
    // Of each candidate that has any, in order.
    let mut copies: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for (module, parts) in stream.modules.iter().zip(&parts).filter(|(_, parts)| parts.len() > 1) {
        let hits = |part: &Part| &candidates[part.at].hits[part.hits.clone()];
        let is_owner = |part: &&Part| {
            let shift = candidates[part.at].package.shift;
            let sampled = hits(part)
                .iter()
                .filter(|hit| Package::samples(shift, stream.grams[hit.at as usize]));
            let all = ground.between(shift, module.start, module.end - 1);
            hits(part).len() >= FEWEST && all >= SAMPLED && share(sampled.count(), all as usize) >= SHARE
        };
        let Some(owner) = parts.iter().filter(is_owner).max_by_key(|part| part.hits.len()) else {
            continue;
        };
        let places = of_one_version(&candidates[owner.at].package, hits(owner));
        for part in parts.iter().filter(|part| part.at != owner.at) {
            let same = hits(part).iter().filter(|hit| places.contains(&hit.at)).count();
            let all = candidates[part.at].hits.len();
            let is_copy = share(part.hits.len(), places.len()) <= COPY
                && share(same, part.hits.len()) >= SAME
                && share(part.hits.len(), all) >= ALL;
            if is_copy {
                copies.entry(part.at).or_default().push(part.hits.clone());
            }
        }
    }
    for (at, copies) in copies {
        // From the last, so that the others stay where they are.
        for copy in copies.into_iter().rev() {
            candidates[at].hits.drain(copy);
        }
    }
}

#[allow(clippy::cast_precision_loss)] // far below
fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_the_outermost_body_inside_what_is_around_all() {
        let body = |first, end, is_called| Body { first, end, is_called };
        for (what, bodies, modules) in [
            (
                "side by side",
                vec![body(0, 70, false), body(70, 200, false)],
                vec![(0, 70), (70, 200)],
            ),
            (
                "one in another",
                vec![body(10, 80, false), body(0, 99, false)],
                vec![(0, 99)],
            ),
            (
                "in a frame",
                vec![body(0, 70, false), body(80, 180, false), body(0, 190, true)],
                vec![(0, 70), (80, 180)],
            ),
            (
                "in two",
                vec![
                    body(2, 70, false),
                    body(80, 180, false),
                    body(1, 190, true),
                    body(0, 199, true),
                ],
                vec![(2, 70), (80, 180)],
            ),
            ("called, and not around all", vec![body(0, 99, true)], vec![(0, 99)]),
            ("none", Vec::new(), Vec::new()),
        ] {
            let of: Vec<(u32, u32)> = of(bodies, 200).iter().map(|one| (one.start, one.end)).collect();
            assert_eq!(of, modules, "{what}");
        }
    }
}
