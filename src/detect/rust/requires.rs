//! Which crates a crate cannot be built without, from `data/rust-requires.tsv`: what is inlined to nothing is known all the
//! same where something that needs it is seen.

use super::{
    lock::System,
    table::{self, Table, series},
};
use crate::ecosystem::CARGO;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Versions in a row that need the same.
struct Run {
    first: &'static str,
    last: &'static str,
    /// When the first one was published.
    since: Month,
    /// When a compatible version that needs something else was.
    until: Option<Month>,
    /// When an incompatible one was.
    left: Option<Month>,
    /// Names; one that ends in [`LINUX`] is needed there only.
    needs: &'static str,
    /// Whether nothing popular uses these versions any more.
    old: bool,
}

/// Year and month: `2411`.
type Month = u16;

/// A year.
const YEAR: Month = 100;

/// Endings of names: needed there only, and by macros only.
const LINUX: &str = "@linux";
const MACRO: &str = "@macro";

/// How a crate is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Need {
    /// It is linked.
    Linked,
    /// A macro is made of it: it ran in the compiler.
    Macro,
}

const REQUIRES: Table = Table(include_str!("../../../data/rust-requires.tsv"));

/// Runs of a crate, by version.
fn runs(name: &str) -> Vec<Run> {
    let run = |row: &'static str| {
        let mut fields = row.split('\t');
        let (first, last, since) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Run {
            first,
            last,
            since: since.parse().ok()?,
            until: None,
            left: None,
            needs: fields.next()?,
            old: fields.next().is_some(),
        })
    };
    let mut runs: Vec<Run> = REQUIRES.rows(name).filter_map(run).collect();
    for at in 1..runs.len() {
        let next = series(runs[at].first);
        // A run that began with an earlier incompatible version goes on: nobody takes the next one unasked.
        if series(runs[at - 1].first) == next && series(runs[at - 1].last) == next {
            runs[at - 1].until = Some(runs[at].since);
        }
        runs[at - 1].left = runs[at..]
            .iter()
            .find(|run| series(run.first) != series(runs[at - 1].last))
            .map(|run| run.since);
    }
    runs
}

impl Run {
    fn holds(&self, version: &str) -> bool {
        table::holds(self.first, self.last, version)
    }

    fn needs(&self, system: System) -> impl Iterator<Item = (Need, &'static str)> + use<> {
        let names = self.needs.split(',').filter(|name| !name.is_empty());
        names.filter_map(move |name| match (name.strip_suffix(LINUX), name.strip_suffix(MACRO)) {
            (Some(name), _) => (system == System::Unix).then_some((Need::Linked, name)),
            (_, Some(name)) => Some((Need::Macro, name)),
            _ => Some((Need::Linked, name)),
        })
    }
}

/// What a crate directly leads to in every case; without a version, in every version that was still the newest compatible one
/// a year before `built`, of those that nothing popular uses any more only where they were the newest of all. Of a version that
/// the table does not have nothing is said.
fn needs(name: &str, version: Option<&str>, system: System, built: Month) -> Vec<(Need, &'static str)> {
    let is_current = |run: &Run| {
        let was_newest = |left| built.checked_sub(YEAR).is_some_and(|then| left > then);
        let is_used = !run.old || run.left.is_some_and(was_newest);
        is_used && run.until.is_none_or(|until| until + YEAR > built)
    };
    let possible: Vec<Run> = runs(name)
        .into_iter()
        .filter(|run| version.map_or_else(|| is_current(run), |version| run.holds(version)))
        .collect();
    let Some((first, others)) = possible.split_first() else {
        return Vec::new();
    };
    let in_all = |need: &(Need, &str)| others.iter().all(|run| run.needs(system).any(|other| other == *need));
    first.needs(system).filter(in_all).collect()
}

/// Share of the crates that are seen which may be older than what was chosen with the others: an application holds a few of its own
/// back, and takes the rest as it finds them.
const HELD_BACK: usize = 8;

/// When the crates of a binary were chosen, at the earliest.
struct Built {
    /// Those that others need: not before the newest of those that are seen was published, for whatever chose it chose the others
    /// as well; but where many are older, before the oldest one was followed by another, for who left those as they were may
    /// have left others.
    needed: Month,
    /// Those that the application may have chosen itself: the same where any is older.
    chosen: Month,
}

impl Built {
    fn of(seen: &[(&str, Option<&str>)]) -> Self {
        let exact = |(name, version): &(&str, Option<&str>)| {
            let version = (*version)?;
            runs(name).into_iter().find(|run| run.holds(version))
        };
        let seen: Vec<Run> = seen.iter().filter_map(exact).collect();
        let newest = seen.iter().map(|run| run.since).max().unwrap_or_default();
        let left = seen.iter().filter_map(|run| run.until).filter(|until| *until <= newest);
        let chosen = left.clone().fold(newest, Month::min);
        let is_fresh = left.count() * HELD_BACK <= seen.len();
        Self {
            needed: if is_fresh { newest } else { chosen },
            chosen,
        }
    }
}

/// Crates that are seen in a version.
struct Exact<'s> {
    versions: BTreeMap<&'s str, Vec<&'s str>>,
    /// Crates younger than some of them that only later versions of those need, with those.
    outgrown: BTreeMap<&'static str, BTreeSet<&'s str>>,
    system: System,
}

impl<'s> Exact<'s> {
    fn of(seen: &[(&'s str, Option<&'s str>)], system: System) -> Self {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for &(name, version) in seen {
            if let Some(version) = version {
                versions.entry(name).or_default().push(version);
            }
        }
        let mut outgrown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, versions) in &versions {
            let runs = runs(name);
            let is_there = |run: &&Run| versions.iter().any(|version| run.holds(version));
            let Some(at) = runs
                .iter()
                .rposition(|run| is_there(&run))
                .filter(|at| at + 1 < runs.len())
            else {
                continue;
            };
            let linked = |run: &Run| run.needs(system).filter(|(need, _)| *need == Need::Linked);
            let own: BTreeSet<&str> = runs
                .iter()
                .filter(is_there)
                .flat_map(linked)
                .map(|(_, needed)| needed)
                .collect();
            // What is older others may bring as well.
            let is_newer = |needed: &str| {
                self::runs(needed)
                    .first()
                    .is_some_and(|first| first.since > runs[at].since)
            };
            let later = runs[at + 1..].iter().flat_map(linked);
            for (_, needed) in later.filter(|(_, needed)| !own.contains(needed) && is_newer(needed)) {
                outgrown.entry(needed).or_default().insert(name);
            }
        }
        Self {
            versions,
            outgrown,
            system,
        }
    }

    /// What the versions that are seen of a crate need.
    fn needs(&self, name: &str) -> impl Iterator<Item = &'static str> {
        let versions = self.versions.get(name).into_iter().flatten();
        let needs = versions.flat_map(move |version| needs(name, Some(version), self.system, Month::MAX));
        needs.filter_map(|(need, name)| (need == Need::Linked).then_some(name))
    }

    /// Whether `root` has `needed` from a crate that is there in a version which does not need it yet: the table was made with the
    /// newest that a crate takes.
    fn is_outgrown(&self, needed: &str, root: &str) -> bool {
        let Some(by) = self.outgrown.get(needed) else {
            return false;
        };
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.needs(root).collect();
        while let Some(name) = open.pop() {
            if by.contains(name) {
                return true;
            }
            if reached.insert(name) {
                open.extend(self.needs(name));
            }
        }
        false
    }
}

/// Whether one of `seen` (name and version) is newer than all that the tables know of it.
pub(in crate::detect) fn are_dated_by(seen: &[(&str, &str)]) -> bool {
    let is_newer = |(name, version): &(&str, &str)| {
        let newest = runs(name).last().map(|run| run.last);
        newest.is_some_and(|newest| (CARGO.compare)(newest, version) == Ordering::Less)
    };
    seen.iter().any(is_newer)
}

/// Crates that must be there because one of `seen` (name and version) is, with how, and the one that leads to them. `told` says
/// which version a crate that is led to has, where that is known.
pub(in crate::detect) fn led_to<'s, 't>(
    seen: &[(&'s str, Option<&str>)],
    told: &dyn Fn(&str) -> Option<&'t str>,
    system: System,
) -> BTreeMap<&'static str, (Need, &'s str)> {
    let built = Built::of(seen);
    let is_known = |name: &str, version: &str| runs(name).iter().any(|run| run.holds(version));
    let exact = Exact::of(seen, system);
    let mut found: BTreeMap<&str, (Need, &str)> = BTreeMap::new();
    // Where others lead to one whose version is not seen, it was chosen with them: asked once that is known.
    for is_needed in [false, true] {
        for &(root, version) in seen {
            let of_others = version.is_none() && found.get(root).is_some_and(|(_, other)| *other != root);
            if is_needed && !of_others {
                continue;
            }
            let chosen = if is_needed { built.needed } else { built.chosen };
            // What was left for an incompatible one needs what was there then.
            let left = version.and_then(|version| runs(root).into_iter().find(|run| run.holds(version))?.left);
            let needed = left.map_or(built.needed, |left| built.needed.min(left));
            let mut open = needs(root, version, system, chosen);
            open.retain(|(_, name)| !exact.is_outgrown(name, root));
            while let Some((need, name)) = open.pop() {
                if found.get(name).is_none_or(|(known, _)| need < *known) {
                    found.insert(name, (need, root));
                    // What is seen in a version leads on from that one.
                    if need == Need::Linked && !exact.versions.contains_key(name) {
                        let version = told(name).filter(|version| is_known(name, version));
                        open.extend(needs(name, version, system, needed));
                    }
                }
            }
        }
    }
    found.retain(|name, _| !seen.iter().any(|(other, _)| other == name));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::rust::names::is_crate_name;

    #[test]
    fn the_table_is_sound() {
        let names = |table: &Table| -> Vec<&'static str> {
            let lines = table.0.lines().filter(|line| !line.starts_with('#'));
            lines.filter_map(|line| line.split('\t').next()).collect()
        };
        assert!(names(&REQUIRES).is_sorted());
        assert!(names(&REQUIRES).iter().all(|name| REQUIRES.rows(name).next().is_some()));
        for name in names(&REQUIRES) {
            assert!(is_crate_name(name), "{name}");
            let runs = runs(name);
            for pair in runs.windows(2) {
                assert_eq!((CARGO.compare)(pair[0].last, pair[1].first), Ordering::Less, "{name}");
            }
            for run in &runs {
                assert!(run.holds(run.first) && run.holds(run.last), "{name} {}", run.first);
                assert!(
                    run.needs(System::Unix).all(|(_, n)| is_crate_name(n) && n != name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn what_a_version_that_is_told_leads_to() {
        // Of another crate an old version is there, so that what has none may be old too.
        let seen = [("icu_normalizer", Some("2.1.0")), ("serde_json", Some("1.0.96"))];
        for (told, is_there) in [(None, false), (Some("2.1.1"), true), (Some("900.0.0"), false)] {
            let told = |name: &str| told.filter(|_| name == "icu_provider");
            let found = led_to(&seen, &told, System::Unix);
            assert_eq!(found.contains_key("icu_locale_core"), is_there);
        }
    }

    #[test]
    fn what_a_crate_that_is_there_does_not_need_yet() {
        // `aws-runtime` 1.5.5 as it is built today has what `aws-smithy-runtime` began to need in 1.8.1.
        let root = ("aws-runtime", Some("1.5.5"));
        for (beside, is_there) in [
            (None, true),
            (Some(("aws-smithy-runtime", Some("1.8.1"))), true),
            (Some(("aws-smithy-runtime", Some("1.7.8"))), false),
            // It is nothing that the root leads to.
            (Some(("aws-sdk-sqs", Some("1.49.0"))), true),
        ] {
            let seen: Vec<_> = [root].into_iter().chain(beside).collect();
            let found = led_to(&seen, &|_| None, System::Unix);
            assert_eq!(found.contains_key("aws-smithy-observability"), is_there, "{beside:?}");
        }
    }

    #[test]
    fn what_is_led_to() {
        for (name, version, system, needed, not) in [
            (
                "hyper",
                Some("0.14.32"),
                System::Unix,
                &["want", "try-lock", "httpdate", "pin-project-lite"][..],
                &["h2"][..],
            ),
            (
                "hyper",
                Some("1.4.0"),
                System::Unix,
                &["http-body", "http"],
                &["want", "httpdate"],
            ),
            (
                "hyper",
                None,
                System::Unix,
                &["http-body", "tokio"],
                &["want", "httpdate"],
            ),
            ("hyper", Some("99.0.0"), System::Unix, &[], &["http-body"]),
            ("socket2", None, System::Unix, &["libc"], &["windows-sys"]),
            ("socket2", None, System::Windows, &[], &["libc"]),
            (
                "serde_json",
                Some("1.0.96"),
                System::Unix,
                &["itoa", "ryu", "serde"],
                &["serde_derive", "syn"],
            ),
            ("nobody-knows-it", None, System::Unix, &[], &["serde"]),
            ("url", None, System::Unix, &["idna"], &["idna_adapter"]),
        ] {
            let found = led_to(&[(name, version)], &|_| None, system);
            for expected in needed {
                assert_eq!(
                    found.get(expected),
                    Some(&(Need::Linked, name)),
                    "{name} {version:?} {system:?} needs {expected}: {found:?}"
                );
            }
            assert!(
                !not.iter()
                    .any(|n| found.get(n).is_some_and(|(need, _)| *need == Need::Linked)),
                "{name} {version:?} {system:?}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_led_to_today() {
        let adapter = |seen: &[_]| {
            led_to(&[seen, &[("url", None)]].concat(), &|_| None, System::Unix).contains_key("idna_adapter")
        };
        for (seen, is_there) in [
            (("libc", None), false),
            (("reqwest", Some("0.12.0")), false),
            (("zip", Some("9.8.0")), true),
        ] {
            assert_eq!(adapter(&[seen]), is_there, "{seen:?}");
        }
        let left_as_it_was = ("rustls", Some("0.21.0"));
        assert!(!adapter(&[("zip", Some("9.8.0")), left_as_it_was]));
        // Beside many of today it was held back, and what others need was not; url by itself may have been, too.
        let lines = REQUIRES.0.lines().filter_map(|line| line.split_once('\t'));
        let newest = |name: &'static str| Some((name, runs(name).last().filter(|run| run.since >= 2600)?.last));
        let of_today = lines
            .filter_map(|(name, _)| newest(name))
            .map(|(name, version)| (name, Some(version)));
        let leads = |one: &_| led_to(&[*one], &|_| None, System::Unix).contains_key("idna_adapter");
        let of_today: Vec<_> = of_today.filter(|one| !leads(one)).take(2 * HELD_BACK).collect();
        for (count, dependent, is_there) in [(3, "reqwest", false), (15, "reqwest", true), (15, "serde", false)] {
            let seen = [&of_today[..count], &[left_as_it_was, (dependent, None)]].concat();
            assert_eq!(adapter(&seen), is_there, "{count} {dependent}");
        }
    }
}
