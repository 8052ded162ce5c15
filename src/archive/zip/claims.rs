//! Which bytes of a zip belong to what; what is left over is where an archive hides something.

use super::super::{Member, anomaly::Anomalies};
use std::ops::Range;

/// Ranges of the file that some record accounts for.
#[derive(Debug, Default)]
pub(super) struct Claims {
    ranges: Vec<(Range<usize>, Option<usize>)>,
    comments: Vec<Range<usize>>,
    sorted: usize,
}

impl Claims {
    /// `entry`: whose bytes they are, as an index; `None` for the archive's own records.
    pub(super) fn claim(&mut self, range: Range<usize>, entry: Option<usize>) {
        if range.start < range.end {
            self.ranges.push((range, entry));
        }
    }

    /// An archive comment: free text, and a place to hide records in.
    pub(super) fn comment(&mut self, range: Range<usize>) {
        self.comments.push(range);
    }

    pub(super) fn is_comment(&self, gap: &Range<usize>) -> bool {
        self.comments.iter().any(|c| c.start <= gap.start && gap.end <= c.end)
    }

    /// Offset behind the last record and its comment.
    pub(super) fn last(&self) -> usize {
        let ends = self.ranges.iter().map(|(range, _)| range.end);
        ends.chain(self.comments.iter().map(|c| c.end)).max().unwrap_or(0)
    }

    fn sort(&mut self) {
        if self.sorted != self.ranges.len() {
            self.ranges
                .sort_by_key(|(range, entry)| (range.start, range.end, *entry));
            self.sorted = self.ranges.len();
        }
    }

    /// What nothing accounts for, in order; comments are gaps of their own.
    pub(super) fn gaps(&mut self, len: usize) -> Vec<Range<usize>> {
        self.sort();
        let mut gaps = Vec::new();
        let mut at = 0;
        for (range, _) in &self.ranges {
            if range.start > at {
                gaps.push(at..range.start.min(len));
            }
            at = at.max(range.end);
        }
        if at < len {
            gaps.push(at..len);
        }
        // A comment and what trails it are two things.
        for comment in &self.comments {
            if let Some(i) = gaps
                .iter()
                .position(|gap| gap.start == comment.start && comment.end < gap.end)
                && let Some(gap) = gaps.get_mut(i)
                && comment.start < comment.end
            {
                let behind = comment.end..gap.end;
                gap.end = comment.end;
                gaps.insert(i + 1, behind);
            }
        }
        gaps
    }

    /// Tells where two of them share bytes.
    pub(super) fn overlaps(&mut self, len: usize, members: &[Member], anomalies: &mut Anomalies) {
        self.sort();
        let (mut end, mut owner) = (0, None);
        for (range, entry) in &self.ranges {
            if range.start < end {
                let path = |entry: Option<usize>| entry.and_then(|i| members.get(i)).map_or("", |m| &*m.path);
                let (one, other) = (path(owner), path(*entry));
                let place = if other.is_empty() { one } else { other };
                anomalies.contradiction("overlap", place, || match (one, other) {
                    ("", _) | (_, "") => "an entry and the archive's own records share bytes".to_owned(),
                    (one, _) => format!("shares bytes with `{one}`: contents counted twice, or hidden in one another"),
                });
            }
            if range.end > end {
                (end, owner) = (range.end, *entry);
            }
        }
        if end > len {
            let path = owner.and_then(|i| members.get(i)).map_or("", |m| &*m.path);
            anomalies.contradiction("beyond-the-end", path, || {
                "the data goes on beyond the end of the file".to_owned()
            });
        }
    }
}
