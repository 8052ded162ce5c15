//! Whether a packed part of a record concerns a version, without decoding it.

use super::{
    cursor::{Bound, Cursor},
    format::{self, part},
    osv::RangeType,
    range::{self, Point},
    read::IndexError,
};
use crate::ecosystem::{Ecosystem, Place};
use std::cmp::Ordering;

/// A version, ready to be compared with many.
#[derive(Clone, Copy, Debug)]
pub struct Query<'v> {
    version: &'v str,
    place: Option<Place>,
    ecosystem: &'v Ecosystem,
}

impl<'v> Query<'v> {
    /// Reads a version once.
    #[must_use]
    pub fn new(version: &'v str, ecosystem: &'v Ecosystem) -> Self {
        let place = (ecosystem.place)(version);
        Self {
            version,
            place,
            ecosystem,
        }
    }

    /// The usual comparison is of two integers; where one of the two is no plain version, of the texts.
    fn compare(&self, bound: &Bound<'_>) -> Ordering {
        match (self.place, bound) {
            (Some(place), Bound::Plain(segments, count)) if *count <= self.ecosystem.segments => {
                place.number.cmp(&format::key(*segments)).then(place.side)
            }
            _ => (self.ecosystem.compare)(self.version, &bound.text()),
        }
    }

    fn order(&self, a: &Bound<'_>, b: &Bound<'_>) -> Ordering {
        let plain = self.ecosystem.segments;
        match (a, b) {
            (Bound::Plain(a, n), Bound::Plain(b, m)) if *n <= plain && *m <= plain => {
                format::key(*a).cmp(&format::key(*b))
            }
            _ => (self.ecosystem.compare)(&a.text(), &b.text()),
        }
    }

    /// Whether any of some affected packages concerns the version.
    pub(super) fn concerned<'b>(
        &self,
        mut parts: Cursor<'b>,
        scratch: &mut Vec<(Point, Bound<'b>)>,
    ) -> Result<bool, IndexError> {
        let mut any = false;
        while !any && !parts.is_empty() {
            any = self.judge(&mut parts, scratch)?;
        }
        Ok(any)
    }

    /// Reads one affected package and says whether it concerns the version: what [`range::affects`] says of its text.
    fn judge<'b>(&self, cursor: &mut Cursor<'b>, scratch: &mut Vec<(Point, Bound<'b>)>) -> Result<bool, IndexError> {
        let flags = cursor.byte()?;
        let mut affected = false;
        if flags & part::VERSIONS != 0 {
            let mut list = Cursor::new(cursor.bytes()?);
            while !affected && !list.is_empty() {
                affected = self.same(&list.version()?.1);
            }
        }
        if flags & part::RANGES != 0 {
            for _ in 0..cursor.count()? {
                let kind = cursor.range_type()?;
                scratch.clear();
                for _ in 0..cursor.count()? {
                    let (event, bound) = cursor.version()?;
                    let point = [Point::Introduced, Point::Fixed, Point::LastAffected, Point::Limit]
                        .get(usize::from(event))
                        .copied()
                        .ok_or(IndexError::Malformed("the kind of an event"))?;
                    scratch.push((point, bound));
                }
                if !affected && matches!(kind, RangeType::Semver | RangeType::Ecosystem) {
                    affected = range::holds(
                        scratch.as_slice(),
                        Bound::is_zero,
                        |bound| matches!(bound, Bound::Text("*")),
                        |a, b| self.order(a, b),
                        |bound| self.compare(bound),
                    );
                }
            }
        }
        cursor.rest_of_affected(flags)?;
        Ok(affected)
    }

    fn same(&self, listed: &Bound<'_>) -> bool {
        matches!(listed, Bound::Text(text) if *text == self.version) || self.compare(listed).is_eq()
    }
}
