//! Tables of what the registry's index says of crates, as `data/rust-requires.py` writes them: a line for each run of versions of
//! which the same is true.

use crate::ecosystem::CARGO;
use std::cmp::Ordering;

/// Text of lines that begin with a name and a tab, sorted by name. Searched as it is: to take a megabyte apart costs more than
/// the few hundred names that a binary asks for.
pub(super) struct Table(pub(super) &'static str);

impl Table {
    /// What follows the name and the tab in each line of that name.
    pub(super) fn rows<'n>(&self, name: &'n str) -> impl Iterator<Item = &'static str> + use<'n> {
        let lines = self.0;
        let line_at = |at: usize| lines[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let first_of = |line: usize| lines[line..].split(['\t', '\n']).next().unwrap_or_default();
        let (mut low, mut high) = (0, lines.len());
        while low < high {
            let line = line_at(low.midpoint(high));
            if first_of(line) < name {
                low = lines[line..].find('\n').map_or(lines.len(), |length| line + length + 1);
            } else {
                high = line;
            }
        }
        let own = move |line: &'static str| line.strip_prefix(name)?.strip_prefix('\t');
        lines[low..].lines().map_while(own)
    }
}

/// Whether a run of versions has one.
pub(super) fn holds(first: &str, last: &str, version: &str) -> bool {
    let order = |a: &str, b: &str| (CARGO.compare)(a, b);
    order(first, version) != Ordering::Greater && order(version, last) != Ordering::Greater
}

/// What compatible versions have in common: `1`, `0.8`, `0.0.3`.
pub(super) fn series(version: &str) -> Option<&str> {
    let mut zeros = 0;
    let first = version.split('.').find(|number| {
        zeros += usize::from(*number == "0");
        *number != "0"
    })?;
    version.get(..2 * zeros + first.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_versions() {
        for (version, all) in [
            ("1.2.3", Some("1")),
            ("0.38.40", Some("0.38")),
            ("0.0.12", Some("0.0.12")),
            ("10.0.0", Some("10")),
            ("0.0.0", None),
            ("", Some("")),
        ] {
            assert_eq!(series(version), all, "{version}");
        }
    }
}
