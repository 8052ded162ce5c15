//! How much evidence is enough, and what it says of versions.

use super::index::Package;
use crate::ecosystem::NPM;

/// Runs below which nothing is claimed.
pub(super) const FEWEST: usize = 2;

/// What speaks for a package.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// Runs that nobody else explains, each counted by how few packages have it.
    pub(super) weight: f64,
    /// Those that no other package has.
    pub(super) own: u32,
    /// Share of the sampled runs in its stretches that are the package's.
    pub(super) share: f64,
    /// The same of the best stretch.
    pub(super) best: f64,
    /// Share of the package's sampled runs that are there, of the version of which most is.
    pub(super) complete: f64,
    /// Runs in the index of an average version.
    pub(super) size: f64,
    sampled: f64,
    beside: bool,
}

impl Evidence {
    /// Adds a stretch.
    pub(super) fn add(&mut self, hits: u32, weight: f64, own: u32, share: f64, all: u32) {
        if hits < 2 {
            return;
        }
        self.weight += weight;
        self.own += own;
        let before = self.share * self.sampled;
        self.sampled += f64::from(all);
        self.share = (before + share * f64::from(all)) / self.sampled;
        if weight >= 3.0 || hits >= 6 {
            self.best = self.best.max(share);
        }
    }

    /// Order in which candidates are judged.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small and positive
    pub(super) fn rank(&self) -> u64 {
        (self.weight * (0.2 + self.complete) * (0.1 + self.share.min(1.0)) * 1e4) as u64
    }

    pub(super) fn is_some(&self) -> bool {
        self.weight > 0.0
    }

    /// Whether it can be claimed. What other packages carry a copy of shows as much code, at a small part of the package
    /// that is known for it; what is alike and no more, at a small share of a stretch.
    pub(super) fn is_enough(&self) -> bool {
        // Of claims with less of the package, 10 in 19 were true on two applications, one of which nothing was tuned to.
        let whole = self.complete >= 0.3
            && self.share >= 0.35
            && self.share + self.complete >= 0.65
            && self.weight >= 4.0
            && self.own >= 3;
        let small = self.own >= 3 && self.complete >= 0.6 && self.share >= 0.5;
        // Most of what is there must be nobody else's: forks and parts of a package show what it has too.
        let own = f64::from(self.own) >= 0.4 * self.weight;
        own && (whole || small)
    }

    /// The same where something that depends on the package is there.
    pub(super) fn is_enough_beside_dependent(&self) -> bool {
        let small = self.complete >= 0.4 && self.share >= 0.4 && self.weight >= 0.9;
        let part = self.share >= 0.6 && self.own >= 12 && self.complete >= 0.05;
        let bent = self.complete >= 0.15 && self.share >= 0.25 && self.own >= 6;
        small || part || bent
    }

    pub(super) fn beside_dependent(mut self) -> Self {
        self.beside = true;
        self
    }

    #[allow(clippy::cast_possible_truncation)] // 0 to 1
    pub(super) fn share_f32(&self) -> f32 {
        self.share.min(1.0) as f32
    }

    /// Of claims with as much evidence, the share that proved true on nine bundles of two applications whose contents the
    /// bundlers told: 53 of 53 beside a dependent, 790 of 823 with many runs, 114 of 120 with some, 9 of 12 with few.
    pub(super) fn confidence(&self) -> f32 {
        match (self.own, self.beside) {
            (_, true) | (5.., _) => 0.95,
            _ => 0.75,
        }
    }
}

/// Sampled runs of each version.
fn expected(package: &Package, version: usize) -> u32 {
    let has = |s: &&super::index::Set| s.versions >> version & 1 == 1;
    package.sets.iter().filter(has).map(|s| s.runs).sum()
}

pub(super) fn size(package: &Package) -> f64 {
    let all: u32 = (0..package.versions.len()).map(|v| expected(package, v)).sum();
    let versions = u32::try_from(package.versions.len().max(1)).unwrap_or(u32::MAX);
    f64::from(all) / f64::from(versions)
}

/// Share of a version's runs that were found, of the version of which it is greatest.
pub(super) fn completeness(package: &Package, found: &[u32]) -> f64 {
    let of = |version: usize| {
        let mut there = 0;
        for (set, found) in package.sets.iter().zip(found) {
            if set.versions >> version & 1 == 1 {
                there += found;
            }
        }
        f64::from(there) / f64::from(expected(package, version).max(1))
    };
    (0..package.versions.len()).map(of).fold(0.0, f64::max)
}

/// A package that shows hardly any runs, whoever looks: it is believed where what depends on it is there.
pub(super) const TINY: f64 = 6.0;

/// Names that a bundler for Node resolves to Node's own modules.
pub(super) const BUILT_IN: &[&str] = &[
    "assert",
    "buffer",
    "console",
    "constants",
    "crypto",
    "events",
    "http",
    "https",
    "os",
    "path",
    "process",
    "punycode",
    "querystring",
    "stream",
    "string_decoder",
    "timers",
    "tty",
    "url",
    "util",
    "vm",
    "zlib",
];

/// What a run costs a version that does not have it, in natural logarithms; and at most, for all that share its versions.
const STRANGE: (f64, f64) = (3.5, 14.0);

/// What it costs a version at most that none of the runs which it alone has with some others is there, and that all such
/// are not: code that is not called is often left out together.
const ABSENT: (f64, f64) = (2.0, 4.5);

/// Versions this much less likely than the likeliest are ruled out.
const RULED_OUT: f64 = 3.0;

/// What the likeliest version may leave unexplained, and the share of it that must be there: below that, what was found may
/// be what it has in common with the version that is there.
const UNEXPLAINED: f64 = 12.0;
const LEAST: f64 = 0.25;

/// Runs that must be there before versions are told.
const FEWEST_TELL: u32 = 6;

/// Versions that what was found allows, as bits; and what the likeliest cannot explain.
fn possible(package: &Package, found: &[u32]) -> (u64, f64) {
    let there = completeness(package, found).clamp(0.05, 0.97);
    let absent = (1.0 - there).ln();
    let weigh = |version: usize| {
        let (mut strange, mut missing) = (0.0, 0.0);
        for (set, &found) in package.sets.iter().zip(found) {
            let has = set.versions >> version & 1 == 1;
            if !has && found > 0 {
                strange += (STRANGE.0 * f64::from(found)).min(STRANGE.1);
            } else if has && found == 0 {
                missing += (absent * f64::from(set.runs) * -0.5).min(ABSENT.0);
            }
        }
        (strange, strange + missing.min(ABSENT.1))
    };
    let costs: Vec<(f64, f64)> = (0..package.versions.len()).map(weigh).collect();
    let best = costs
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or_default();
    let near = costs
        .iter()
        .enumerate()
        .filter(|(_, cost)| cost.1 <= best.1 + RULED_OUT);
    let near = near.fold(0, |all, (version, _)| all | 1 << version);
    // No version that is known explains it: it is another.
    let told = best.0 < UNEXPLAINED && there >= LEAST && found.iter().sum::<u32>() >= FEWEST_TELL;
    (if told { near } else { 0 }, best.0)
}

/// The copies of a package, by stretches that cannot be of one version, and the versions that each can be.
pub(super) fn instances<S: Copy>(
    package: &Package,
    stretches: &[S],
    found: impl Fn(&[S]) -> Vec<u32>,
) -> Vec<(Vec<S>, Vec<String>)> {
    let (all, strange) = possible(package, &found(stretches));
    let one = vec![(stretches.to_vec(), versions(package, all))];
    if strange < 2.0 * STRANGE.0 || stretches.len() < 2 || stretches.len() > MOST_COPIES {
        return one;
    }
    // What tells most first; a stretch joins the first copy that it can be a part of.
    let mut parts: Vec<(S, Vec<u32>)> = stretches.iter().map(|s| (*s, found(&[*s]))).collect();
    parts.sort_by_key(|(_, found)| std::cmp::Reverse(found.iter().sum::<u32>()));
    let mut copies: Vec<(Vec<S>, Vec<u32>, u64)> = Vec::new();
    for (stretch, found) in parts {
        let joined = copies.iter_mut().find_map(|copy| {
            let sum: Vec<u32> = copy.1.iter().zip(&found).map(|(a, b)| a + b).collect();
            let (together, strange) = possible(package, &sum);
            (strange < 2.0 * STRANGE.0).then_some((copy, sum, together))
        });
        if let Some((copy, sum, together)) = joined {
            copy.0.push(stretch);
            (copy.1, copy.2) = (sum, together);
        } else {
            let (alone, _) = possible(package, &found);
            copies.push((vec![stretch], found, alone));
        }
    }
    // A copy of a few runs is no copy but a coincidence.
    let big = copies.iter().map(|c| c.1.iter().sum::<u32>()).max().unwrap_or_default();
    copies.retain(|c| c.1.iter().sum::<u32>() * 3 >= big);
    if copies.len() < 2 {
        return one;
    }
    let named = copies
        .into_iter()
        .map(|(stretches, _, all)| (stretches, versions(package, all)));
    named.collect()
}

/// Stretches of one package beyond which no copies are told apart.
const MOST_COPIES: usize = 64;

/// Names of versions, with those beside them that were not looked into and may be the same.
fn versions(package: &Package, possible: u64) -> Vec<String> {
    let known = |i: usize| possible >> i & 1 == 1;
    let mut named: Vec<String> = Vec::new();
    for (i, version) in package.versions.iter().enumerate().filter(|(i, _)| known(*i)) {
        let below = i.checked_sub(1).and_then(|i| package.versions.get(i));
        let above = package.versions.get(i + 1);
        for other in &package.others {
            let order = |a: &str, b: &str| (NPM.compare)(a, b);
            let after = below.is_none_or(|below| order(other, below).is_gt());
            let before = above.is_none_or(|above| order(other, above).is_lt());
            if after && before && line(other) == line(version) && !named.contains(other) {
                named.push(other.clone());
            }
        }
        named.push(version.clone());
    }
    named.sort_by(|a, b| (NPM.compare)(a, b));
    named
}

/// Versions that promise to be compatible: `1`, `0.3`.
fn line(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    (
        major,
        if major == "0" {
            parts.next().unwrap_or_default()
        } else {
            ""
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{super::index::Set, *};

    fn package(sets: &[(u64, u32)]) -> Package {
        Package {
            versions: ["1.0.0", "1.1.0", "1.2.0"].map(str::to_owned).to_vec(),
            others: ["1.1.1", "1.2.1", "2.0.0"].map(str::to_owned).to_vec(),
            sets: sets
                .iter()
                .map(|&(versions, runs)| Set {
                    versions,
                    runs,
                    sampled: runs,
                })
                .collect(),
            ..Package::default()
        }
    }

    #[test]
    fn versions_are_those_that_nothing_speaks_against() {
        // What all have, what the last two have, what each has alone.
        let package = package(&[(0b111, 40), (0b110, 10), (0b001, 10), (0b010, 10), (0b100, 10)]);
        for (found, expected) in [
            ([40, 0, 10, 0, 0], &["1.0.0"][..]),
            // 1.1.1 was not looked into, and may be as 1.1.0 is.
            ([40, 10, 0, 10, 0], &["1.1.0", "1.1.1"]),
            ([40, 10, 0, 0, 10], &["1.1.1", "1.2.0", "1.2.1"]),
            // Nothing tells.
            ([0, 0, 0, 0, 0], &[]),
            // Code of two versions at once is code of neither.
            ([40, 0, 10, 0, 10], &[]),
        ] {
            let (possible, _) = possible(&package, &found);
            assert_eq!(versions(&package, possible), expected, "{found:?}");
        }
    }
}
