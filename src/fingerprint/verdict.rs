//! How much evidence is enough, and what it says of versions.

use super::{record::Package, version_set::Tally};

/// Runs below which nothing is claimed.
pub(super) const FEWEST: usize = 2;

/// Power of the share of what is nobody else's in the order of candidates.
const OWN: i32 = 4;

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
    /// Runs that are of tables, and those that are not, each counted by how few packages have it; numbers too.
    pub(super) table: f64,
    pub(super) code: f64,
    /// Weight of the stretch that has most.
    longest: f64,
    sampled: f64,
}

impl Evidence {
    /// Adds a stretch.
    pub(super) fn add(&mut self, hits: u32, weight: f64, own: u32, share: f64, all: u32) {
        if hits < 2 {
            return;
        }
        self.weight += weight;
        self.longest = self.longest.max(weight);
        self.own += own;
        let before = self.share * self.sampled;
        self.sampled += f64::from(all);
        self.share = (before + share * f64::from(all)) / self.sampled;
        if weight >= 3.0 || hits >= 6 {
            self.best = self.best.max(share);
        }
    }

    /// Order in which candidates are judged: what was packed with others shows much, of which little is nobody else's.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small and positive
    pub(super) fn rank(&self) -> u64 {
        let own = (f64::from(self.own) / self.weight.max(1.0)).min(1.0);
        (self.weight * (0.2 + self.complete) * (0.1 + self.share.min(1.0)) * own.powi(OWN) * 1e4) as u64
    }

    /// Whether it can be claimed. What other packages carry a copy of shows as much code, at a small part of the package
    /// that is known for it; what is alike and no more, at a small share of a stretch.
    pub(super) fn is_enough(&self) -> bool {
        // Of claims with less of the package, 10 in 19 were true on two applications, one of which nothing was tuned to.
        let whole = self.complete >= 0.3
            && self.share >= 0.35
            && self.share * self.complete >= if self.own >= 100 { 0.15 } else { 0.25 }
            && self.weight >= 4.0
            && self.own >= 5;
        // Most of what is there must be nobody else's: forks and parts of a package show what it has too.
        let own = f64::from(self.own) >= 0.4 * self.weight;
        own && (whole || self.is_complete())
    }

    /// Most is there, and that is much: what lies between says nothing against it. Of 558 such candidates with too small a share,
    /// on the bundles of three applications, all were true; of 224 with fewer runs or less of them, 46 were not.
    fn is_complete(&self) -> bool {
        self.complete >= 0.7 && self.own >= 12 || self.complete >= 0.9 && self.own >= 8
    }

    /// The same of a large package of which little is there and that alone: the rest was shaken off. Asked when what is there
    /// whole has been told.
    pub(super) fn is_shaken(&self) -> bool {
        let own = f64::from(self.own) >= 0.6 * self.weight;
        // Of a small one not so much is shaken off.
        let large = self.size >= 200.0 || self.complete >= 0.2;
        let much_seen = self.longest >= 10.0 && self.sampled >= 12.0 && self.complete >= 0.04;
        // Of 89 candidates of which so little is sampled, a fifth is there and hardly anything else, all were true; it was not
        // of 22 of `chrono-node`, which is among the carried.
        let little_seen = self.complete >= 0.2 && self.own >= 8;
        // Of a large one few runs are sampled.
        let own_seen = self.own >= 40 && self.complete >= 0.1;
        let pure = self.share >= 0.76 && (much_seen || little_seen || own_seen);
        // Much that no other has is a part of it, whatever lies between.
        let much =
            f64::from(self.own) >= 0.8 * self.weight && self.own >= 200 && self.share >= 0.25 && self.complete >= 0.1;
        own && large && (pure || much)
    }

    /// The same of one that is hardly anybody else's and in one place, whose functions have others' code between them: minifiers
    /// inline it. `alone` is the share of its runs that would be there were nothing else.
    pub(super) fn is_interspersed(&self, alone: impl FnOnce() -> f64) -> bool {
        let own = f64::from(self.own) >= 0.8 * self.weight;
        // Of a few that were sampled none may be there.
        let shared = |least: f64, few: f64| self.share >= least || self.sampled < few;
        // Of 36 such candidates on the bundles of 22 applications, all were true.
        let much = self.own >= 40 && self.complete >= 0.2 && shared(0.1, 4.0);
        // Of 10 all were; where less of what lies between was theirs, a fork was not, and a client that is generated as its siblings
        // are. Copies are what others explain a part of.
        let unexplained = || self.longest >= 0.9 * self.weight && self.complete >= 0.95 * alone();
        let some = || self.own >= 12 && self.complete >= 0.35 && shared(0.35, 2.0) && unexplained();
        own && (much || some())
    }

    /// Whether it can be claimed where nothing that is there depends on it: of 287 candidates with less, 57 were copies that others
    /// carry, or alike; of 694 just above, 27.
    ///
    /// Of what many others carry (`carried`) so much as hardly one of them does: it is there, whoever brought it.
    pub(super) fn is_enough_alone(&self, carried: bool) -> bool {
        if carried {
            return self.own >= 60 && self.is_whole();
        }
        let most = self.share * self.complete;
        // In one place: of 60 such candidates on eighteen applications three were forks, and there as their originals.
        let in_one_place = self.longest >= 0.75 * self.weight;
        // Of less than half that much is oftener what another took in.
        let least = if self.complete < 0.5 { 12 } else { 8 };
        most >= 0.35 && self.own >= least
            || most >= 0.25 && self.own >= 16 && in_one_place
            || self.own >= 60
            || self.is_complete()
            || self.is_shaken()
    }

    /// Whether what is there may well be another's where nothing asks for it: whoever knows the same facts has the same tables, and of
    /// a few runs others wrote some alike.
    pub(super) fn is_anybodys(&self) -> bool {
        let is_tables = self.code <= 0.1 * self.table;
        (is_tables || self.size < FEW) && self.complete < 0.9
    }

    /// Whether what is there is tables of facts and hardly any code: names of entities, characters of an encoding. Whoever knows
    /// the same facts has the same tables.
    pub(super) fn is_tabular(&self) -> bool {
        self.table >= 0.9 * self.code
    }

    /// Whether so much of it is there that it was not taken for another that it was cut out of.
    pub(super) fn is_most(&self) -> bool {
        self.complete >= 0.7
    }

    /// Whether a package is there whose functions a minifier inlined into one another, so that hardly a run outlived it that
    /// reached from one into the next. Asked where parts of it were found.
    pub(super) fn is_scattered(&self) -> bool {
        let own = f64::from(self.own) >= 0.5 * self.weight;
        own && self.own >= 60 && self.longest >= 60.0 && self.share >= 0.25 && self.complete >= 0.2
    }

    /// The same of a package that others carry copies of, or that is tables.
    pub(super) fn is_whole(&self) -> bool {
        self.complete >= 0.7 && self.share >= 0.75 && self.own >= 5
    }

    /// The same of a package that something asks for, whoever else explains its runs: larger packages had its code once,
    /// before it was one.
    pub(super) fn is_there_beside_dependent(&self) -> bool {
        self.complete >= 0.5 && self.share >= 0.5 && self.own >= 2
    }

    /// The same where something that depends on the package is there.
    pub(super) fn is_enough_beside_dependent(&self) -> bool {
        let small = self.complete >= 0.4 && self.share >= 0.4 && self.weight >= 0.9;
        let part = self.share >= 0.6 && self.own >= 12 && self.complete >= 0.05;
        let bent = self.complete >= 0.15 && self.share >= 0.3 && self.own >= 8;
        small || part || bent
    }

    /// The same where the bundle's own words lead to the package: of 25 such candidates on twelve bundles with AWS's clients, which the
    /// rules above leave, one was not there.
    pub(super) fn is_enough_where_led_to(&self) -> bool {
        let own = f64::from(self.own);
        let pure = own >= 3.0 && own >= 0.6 * self.weight && self.share >= 0.5;
        let much = own >= 5.0 && own >= 0.8 * self.weight && self.complete >= 0.15;
        pure || much
    }

    /// Share of claims like this one that proved true, rounded down: of 10,109 with most of the package 99.8 %, of 2,647 with less,
    /// or that something else asks for, 99.8 % on 43 minified bundles of four applications whose contents the bundlers told; the
    /// latter were 98.3 % before, which is why they say less. What was false was mostly code that others carry copies of.
    /// `tests/real/node/fingerprints.mjs` prints the table.
    pub(super) fn confidence(&self) -> f32 {
        if self.complete >= 0.6 { 0.95 } else { 0.9 }
    }

    #[allow(clippy::cast_possible_truncation)] // 0 to 1
    pub(super) fn share_f32(&self) -> f32 {
        self.share.min(1.0) as f32
    }
}

/// Runs of a package below which hardly one may be missing where nothing asks for it.
const FEW: f64 = 12.0;

/// Share of true claims of packages that are too small to show themselves and that what is there needs; as measured with those of
/// which little is there.
pub(super) const TINY_CONFIDENCE: f32 = 0.9;

/// Runs of an average version that are in the index.
#[allow(clippy::cast_precision_loss)] // far below
pub(super) fn size(package: &Package) -> f64 {
    let all: i64 = package.expected().iter().sum();
    all as f64 / package.looked_into.len().max(1) as f64
}

/// Share of a version's runs that were found, of the version of which it is greatest.
pub(super) fn completeness(package: &Package, found: &[u32]) -> f64 {
    shares(package, found).fold(0.0, f64::max)
}

/// Share of each version's runs that were found.
#[allow(clippy::cast_precision_loss)] // far below
pub(super) fn shares(package: &Package, found: &[u32]) -> impl Iterator<Item = f64> {
    let mut there = Tally::new(package.looked_into.len());
    for (set, found) in package.sets.iter().zip(found).filter(|(_, found)| **found > 0) {
        there.add(&set.versions, i64::from(*found));
    }
    let there: Vec<i64> = there.each().collect();
    let shares = there.into_iter().zip(package.expected());
    shares.map(|(there, expected)| there as f64 / (*expected).max(1) as f64)
}

/// Share of a small package's runs that must be there, wherever they lie, where what is there surely needs it.
pub(super) const TRACE: f64 = 0.1;

/// Runs below which a package shows hardly any, whoever looks: it is believed where what depends on it is there.
const TINY: i64 = 6;

/// Whether a package is that, or all of its versions that what depends on it takes are: they have so many runs at `most`. Versions
/// of none, where others have many, are of types alone. That the smallest is says nothing: it may only hand on to a package that
/// took the code in, and bundlers leave nothing of such a one.
pub(super) fn is_tiny(package: &Package, most: Option<i64>) -> bool {
    let all: i64 = package.expected().iter().sum();
    let is_on_average = all < TINY * i64::try_from(package.looked_into.len()).unwrap_or(i64::MAX);
    is_on_average || most.is_some_and(|runs| runs < TINY && runs > 0)
}

/// The package that another was cut out of, by its authors' names: each function of `lodash` is a package too.
pub(super) fn cut_out_of(name: &str) -> Option<&'static str> {
    (name == "lodash-es" || name.starts_with("lodash.")).then_some("lodash")
}

/// Packages that others carry copies of in their own files (`fs-extra` of `rimraf`; `buffer` and `punycode` are also what bundlers for
/// Node replace by Node's own modules), and two that are known by copies of others: `chrono-node` by dayjs's code.
pub(super) const CARRIED: &[&str] = &["buffer", "chrono-node", "node-html-parser", "punycode", "rimraf"];

/// Tables of facts that whoever deals with them has: believed where something asks for the package, and only there.
pub(super) const TABLES: &[&str] = &["color-name"];

/// Packages that only modules ask for which no bundler takes along: `thread-stream` starts its worker by its path.
pub(super) const LOADED_APART: &[&str] = &["real-require"];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_minifier_put_others_code_between_is_believed_where_it_is_nobody_elses() {
        let one = |own: u32, complete: f64, share: f64, sampled: f64| Evidence {
            weight: f64::from(own),
            longest: f64::from(own),
            own,
            complete,
            share,
            sampled,
            ..Evidence::default()
        };
        for (what, evidence, alone, expected) in [
            ("much of it", one(50, 0.3, 0.15, 60.0), 0.8, true),
            (
                "of which nothing was sampled where something was",
                one(50, 0.3, 0.0, 60.0),
                0.3,
                false,
            ),
            ("where hardly anything was", one(50, 0.3, 0.0, 3.0), 0.3, true),
            ("little of it", one(50, 0.1, 0.15, 60.0), 0.1, false),
            ("less, and nothing of it explained", one(20, 0.5, 0.4, 30.0), 0.5, true),
            ("of which others explain a part", one(20, 0.5, 0.4, 30.0), 0.7, false),
            ("with more between", one(20, 0.5, 0.25, 30.0), 0.5, false),
            (
                "in several places",
                Evidence {
                    longest: 12.0,
                    ..one(20, 0.5, 0.4, 30.0)
                },
                0.5,
                false,
            ),
            (
                "others have much of it",
                Evidence {
                    weight: 80.0,
                    ..one(50, 0.3, 0.15, 60.0)
                },
                0.3,
                false,
            ),
        ] {
            assert_eq!(evidence.is_interspersed(|| alone), expected, "{what}");
        }
    }
}
