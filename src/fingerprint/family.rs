//! Packages that are published together: those of one scope that have the same versions (`@middy`, `@nestjs`, `@aws-sdk`). An
//! application takes them together too, so that of one which code does not tell the others do.

use super::{
    likely::LIKELY,
    needs::{self, Member},
    record::Package,
};
use crate::ecosystem::NPM;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashSet},
};

/// Versions around the one in question that are compared: a package may have joined its family late, or left it.
const AROUND: usize = 20;

/// Of these that both could have, how many both must have, and in which share: many a version is of two packages by accident.
const SHARED: (usize, f64) = (8, 0.8);

/// Members of one version by the scope of their names.
pub(super) struct Families<'m>(BTreeMap<&'m str, Vec<&'m Member>>);

impl<'m> Families<'m> {
    /// Of those of the members that `stands` says stand for their families.
    pub(super) fn of(members: &'m [Member], stands: impl Fn(&Member) -> bool) -> Self {
        let mut families: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
        for member in members
            .iter()
            .filter(|member| member.versions.len() == 1 && stands(member))
        {
            if let Some((scope, _)) = member.package.scoped() {
                families.entry(scope).or_default().push(member);
            }
        }
        Self(families)
    }

    /// Those of the versions that a member can be which its relatives speak for, oldest first; `None` where none does, or for none
    /// of these.
    pub(super) fn likely(&self, member: &Member, possible: &[String]) -> Option<Vec<String>> {
        let relatives = self.0.get(member.package.scoped()?.0)?;
        // One of each version is enough.
        let mut asked: BTreeSet<&String> = BTreeSet::new();
        let mut told: BTreeSet<&String> = BTreeSet::new();
        for relative in relatives.iter().filter(|other| other.number != member.number) {
            let version = &relative.versions[0];
            let place = needs::newest_place(&member.package, version);
            let newest = place.and_then(|place| member.package.published.get(place));
            let newest = newest.filter(|newest| possible.contains(newest) && !asked.contains(version));
            if let Some(newest) = newest.filter(|_| is_together(&member.package, &relative.package, version)) {
                asked.insert(version);
                told.insert(newest);
                // What came out no more since goes with all that did: `@sendgrid/helpers` 8.0.0 with `@sendgrid/mail` 8.1.4.
                if relative.package.published.last() == Some(version) {
                    told.extend(possible.iter().skip_while(|one| *one != newest));
                }
            }
        }
        let likely = possible.iter().filter(|version| told.contains(version));
        let likely: Vec<String> = likely.cloned().collect();
        let newest = likely.len().saturating_sub(LIKELY);
        (!likely.is_empty()).then(|| likely[newest..].to_vec())
    }
}

/// Places of the versions of a package that relatives of it have which are published together with it: it is asked for with them for
/// package managers alone too, and that is not known of what no module imports.
pub(super) fn of_relatives<'p>(
    package: &Package,
    relatives: impl Iterator<Item = (&'p Package, &'p BTreeSet<String>)>,
) -> BTreeSet<usize> {
    let Some((scope, _)) = package.scoped() else {
        return BTreeSet::new();
    };
    let is_relative = |one: &Package| one.scoped().is_some_and(|(other, _)| other == scope);
    let relatives = relatives.filter(|(one, _)| is_relative(one));
    let versions = relatives.flat_map(|(one, versions)| versions.iter().map(move |version| (one, version)));
    let place = |(one, version): (&Package, &String)| {
        let place = package.published.iter().position(|own| own == version)?;
        is_together(package, one, version).then_some(place)
    };
    versions.filter_map(place).collect()
}

/// Whether two packages are published together around a version.
fn is_together(one: &Package, other: &Package, version: &str) -> bool {
    let (one, other) = (around(one, version), around(other, version));
    // What both could have: one may be published more often than the other.
    let (one, other) = (within(one, other), within(other, one));
    let versions: HashSet<&String> = one.iter().collect();
    let shared = other.iter().filter(|version| versions.contains(version)).count();
    #[allow(clippy::cast_precision_loss)] // far below
    let share = shared as f64 / one.len().min(other.len()).max(1) as f64;
    shared >= SHARED.0 && share >= SHARED.1
}

fn around<'p>(package: &'p Package, version: &str) -> &'p [String] {
    let at = needs::newest_place(package, version).unwrap_or_default();
    let end = (at + AROUND).min(package.published.len());
    &package.published[at.saturating_sub(AROUND)..end]
}

/// Those of some versions that are neither older nor newer than all of others; both oldest first.
fn within<'p>(versions: &'p [String], others: &[String]) -> &'p [String] {
    let (Some(first), Some(last)) = (others.first(), others.last()) else {
        return &[];
    };
    let from = versions.partition_point(|version| (NPM.compare)(version, first) == Ordering::Less);
    let end = versions.partition_point(|version| (NPM.compare)(version, last) != Ordering::Greater);
    versions.get(from..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One whose versions `1.0.0` to `1.19.0` were published, but for those that `left_out` says.
    fn member(name: &str, left_out: impl Fn(u32) -> bool, versions: &[&str]) -> Member {
        let published = (0..20).filter(|minor| !left_out(*minor));
        let package = Package {
            name: name.to_owned(),
            published: published.map(|minor| format!("1.{minor}.0")).collect(),
            ..Package::default()
        };
        let number = name.bytes().fold(0, |sum, byte| sum + u16::from(byte));
        Member::new(number, package, versions.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn relatives_tell_what_was_installed_with_them() {
        const OPEN: [&str; 5] = ["1.9.0", "1.10.0", "1.11.0", "1.12.0", "1.13.0"];
        let all = |_: u32| false;
        for (what, relatives, expected) in [
            (
                "the same",
                vec![member("@a/core", all, &["1.11.0"])],
                Some(&["1.11.0"][..]),
            ),
            ("one of two", vec![member("@a/core", all, &["1.11.0", "1.12.0"])], None),
            ("of another scope", vec![member("@b/core", all, &["1.11.0"])], None),
            ("itself", vec![member("@a/part", all, &["1.11.0"])], None),
            ("of another day", vec![member("@a/core", all, &["1.2.0"])], None),
            (
                "two days",
                vec![member("@a/core", all, &["1.11.0"]), member("@a/util", all, &["1.13.0"])],
                Some(&["1.11.0", "1.13.0"]),
            ),
            (
                "published more often",
                vec![member("@a/core", |n| n % 2 == 1, &["1.12.0"])],
                Some(&["1.12.0"]),
            ),
            (
                "came out no more",
                vec![member("@a/core", |n| n > 11, &["1.11.0"])],
                Some(&["1.11.0", "1.12.0", "1.13.0"]),
            ),
            ("by accident", vec![member("@a/core", |n| n > 6, &["1.6.0"])], None),
        ] {
            let likely =
                Families::of(&relatives, |_| true).likely(&member("@a/part", all, &[]), &OPEN.map(str::to_owned));
            let expected: Option<Vec<String>> = expected.map(|all| all.iter().map(|v| (*v).to_owned()).collect());
            assert_eq!(likely, expected, "{what}");
        }
        // The newest that is not newer: not each of them comes out each time.
        let part = member("@a/part", |n| n == 11, &[]);
        let core = [member("@a/core", all, &["1.11.0"])];
        let likely = Families::of(&core, |_| true).likely(&part, &["1.9.0", "1.10.0", "1.12.0"].map(str::to_owned));
        assert_eq!(likely, Some(vec!["1.10.0".to_owned()]));
    }
}
