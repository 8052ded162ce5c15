//! Poetry's lock file.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::archive::{Entry, EntryKind, EntryMeta};

pub(super) struct PoetryLock;

impl Detector for PoetryLock {
    fn id(&self) -> &'static str {
        "poetry-lock"
    }

    fn reads(&self) -> &'static str {
        "`poetry.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        if meta.file_name() == "poetry.lock" && meta.kind == EntryKind::File {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        lock::extract(entry.bytes, "poetry", found)
    }
}
