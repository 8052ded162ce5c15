//! One file that is an artifact by itself: a Rust binary, a lock file.

use super::{Budget, EntryKind, Member, Opened, Tree, Visitor};

/// A tree of one entry.
#[derive(Debug)]
pub struct Single<'a> {
    member: [Member; 1],
    bytes: &'a [u8],
}

impl<'a> Single<'a> {
    /// The file of that name.
    #[must_use]
    pub fn new(name: &str, bytes: &'a [u8]) -> Self {
        Self {
            member: [Member {
                path: name.into(),
                size: bytes.len() as u64,
                kind: EntryKind::File,
            }],
            bytes,
        }
    }
}

impl Tree for Single<'_> {
    fn entries(&self) -> &[Member] {
        &self.member
    }

    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        for &i in wanted {
            visitor(i, &mut Opened::stored(self.bytes, None, budget));
        }
    }
}
