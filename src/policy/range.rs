//! Ranges of versions as CycloneDX writes them: the VERS notation (`vers:npm/>=1.0.0|<2.0.0`), in the component's own order.

use crate::{ecosystem, model::Coordinate};
use std::cmp::Ordering;

/// A range; the scheme that it names is not needed, for a component brings its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range(Vec<(Sign, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Any,
    Equal,
    Other,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Reads `vers:SCHEME/CONSTRAINT|CONSTRAINT…`; `None` for anything else.
pub(super) fn parse(text: &str) -> Option<Range> {
    let (_, constraints) = text.trim().strip_prefix("vers:")?.split_once('/')?;
    let constraint = |part: &str| {
        let part = percent_encoding::percent_decode_str(part.trim())
            .decode_utf8_lossy()
            .into_owned();
        let signs = [
            (">=", Sign::AtLeast),
            ("<=", Sign::AtMost),
            ("!=", Sign::Other),
            (">", Sign::Greater),
            ("<", Sign::Less),
            ("=", Sign::Equal),
        ];
        if part == "*" {
            return Some((Sign::Any, part));
        }
        let found = signs
            .iter()
            .find_map(|(sign, is)| Some((*is, part.strip_prefix(sign)?.trim().to_owned())));
        let (sign, version) = found.unwrap_or((Sign::Equal, part));
        (!version.is_empty()).then_some((sign, version))
    };
    let constraints: Option<Vec<_>> = constraints
        .split('|')
        .filter(|part| !part.trim().is_empty())
        .map(constraint)
        .collect();
    constraints.filter(|all| !all.is_empty()).map(Range)
}

impl Range {
    /// One version alone.
    pub(super) fn exact(version: &str) -> Self {
        Self(vec![(Sign::Equal, version.to_owned())])
    }

    /// Whether a version lies in it, as the VERS specification says ("Checking if a version is contained within a range").
    pub(super) fn holds(&self, version: &str, of: &Coordinate) -> bool {
        let compare = ecosystem::of(of.ecosystem).compare;
        let order = |at: &str| {
            if version == at {
                Ordering::Equal
            } else {
                compare(version, at)
            }
        };
        let is = |sign: Sign| self.0.iter().any(|(s, at)| *s == sign && order(at).is_eq());
        if self.0.iter().any(|(sign, _)| *sign == Sign::Any) || is(Sign::Equal) {
            return true;
        }
        if is(Sign::Other) {
            return false;
        }
        let within = |(sign, at): &&(Sign, String)| match sign {
            Sign::Less => order(at).is_lt(),
            Sign::AtMost => order(at).is_le(),
            Sign::Greater => order(at).is_gt(),
            _ => order(at).is_ge(),
        };
        let is_bound = |c: &&(Sign, String)| !matches!(c.0, Sign::Any | Sign::Equal | Sign::Other);
        let mut bounds: Vec<&(Sign, String)> = self.0.iter().filter(is_bound).collect();
        bounds.sort_by(|(_, a), (_, b)| compare(a, b));
        let lower = |c: &(Sign, String)| matches!(c.0, Sign::Greater | Sign::AtLeast);
        bounds.first().is_some_and(|first| !lower(first) && within(first))
            || bounds.last().is_some_and(|last| lower(last) && within(last))
            || bounds.windows(2).any(|pair| lower(pair[0]) && !lower(pair[1]) && within(&pair[0]) && within(&pair[1]))
            // Nothing but `!=`: all others.
            || bounds.is_empty() && self.0.iter().any(|(sign, _)| *sign == Sign::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystem::NPM;

    #[test]
    fn intervals() {
        for (range, inside, outside) in [
            (
                "vers:npm/>=1.0.0|<2.0.0",
                &["1.0.0", "1.10.0"][..],
                &["0.9.0", "2.0.0"][..],
            ),
            (
                "vers:npm/<1.0.0|>=2.0.0|<3.0.0|5.0.0",
                &["0.1.0", "2.5.0", "5.0.0"],
                &["1.0.0", "3.0.0", "5.0.1"],
            ),
            ("vers:npm/>1.0.0", &["1.0.1"], &["1.0.0"]),
            ("vers:npm/<=1.0.0|!=0.5.0", &["1.0.0", "0.4.0"], &["0.5.0", "1.0.1"]),
            ("vers:npm/!=0.5.0", &["1.0.0"], &["0.5.0"]),
            ("vers:npm/*", &["1.0.0"], &[]),
        ] {
            let parsed = parse(range).expect(range);
            let holds = |version: &&&str| parsed.holds(version, &NPM.coordinate("a", Some(version)));
            assert_eq!(inside.iter().filter(holds).count(), inside.len(), "{range}");
            assert_eq!(outside.iter().filter(holds).count(), 0, "{range}");
        }
        for none in ["", "vers:", "vers:npm/", "vers:npm/>=", ">=1.0.0", "vers:npm/|"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
