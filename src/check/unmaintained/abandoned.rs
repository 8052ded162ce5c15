//! Well-known packages that nobody maintains any more: `advisories/unmaintained.tsv`.

use crate::{
    ecosystem::{self, Pattern},
    model::{Coordinate, EcosystemId},
};
use std::{collections::HashMap, sync::LazyLock};

const LIST: &str = include_str!("../../../advisories/unmaintained.tsv");

/// One line of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abandoned {
    /// A range, as in a purl of a policy; empty for every version.
    versions: &'static str,
    /// When that was said, or when support ended.
    pub(super) year: &'static str,
    pub(super) reason: &'static str,
    pub(super) replacement: &'static str,
}

type Rows = HashMap<(EcosystemId, &'static str), Abandoned>;

fn rows() -> impl Iterator<Item = Option<((EcosystemId, &'static str), Abandoned)>> {
    LIST.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        let id = columns.next()?;
        let ecosystem = ecosystem::ALL.iter().find(|e| e.id.0 == id)?.id;
        let name = columns.next()?;
        let row = Abandoned {
            versions: columns.next()?,
            year: columns.next()?,
            reason: columns.next()?,
            replacement: columns.next()?,
        };
        columns.next().is_none().then_some(((ecosystem, name), row))
    })
}

/// What the list says of a component.
pub(super) fn of(coordinate: &Coordinate) -> Option<Abandoned> {
    static ROWS: LazyLock<Rows> = LazyLock::new(|| rows().flatten().collect());
    let row = *ROWS.get(&(coordinate.ecosystem, &*coordinate.name))?;
    let in_range = row.versions.is_empty() || pattern(coordinate, row).is_some_and(|p| p.matches(coordinate));
    in_range.then_some(row)
}

fn pattern(coordinate: &Coordinate, row: Abandoned) -> Option<Pattern> {
    let purl_type = ecosystem::of(coordinate.ecosystem).purl_type;
    Pattern::parse(&format!("pkg:{purl_type}/{}@{}", coordinate.name, row.versions)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_whole_and_means_something() {
        let mut known = HashSet::new();
        for (line, row) in LIST.lines().filter(|line| !line.starts_with('#')).zip(rows()) {
            let ((ecosystem, name), row) = row.unwrap_or_else(|| panic!("{line}"));
            let coordinate = ecosystem::of(ecosystem).coordinate(name, Some("1.0.0"));
            assert_eq!(&*coordinate.name, name, "not normalised");
            let year: u16 = row.year.parse().unwrap_or_default();
            assert!((2010..=2026).contains(&year), "{line}");
            assert!(!row.reason.is_empty() && !row.replacement.is_empty(), "{line}");
            assert!(row.versions.is_empty() || pattern(&coordinate, row).is_some(), "{line}");
            assert!(known.insert((ecosystem, name)), "twice: {line}");
        }
        assert!(known.len() >= 120, "{}", known.len());
    }
}
