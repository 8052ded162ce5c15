//! Poetry's lock file.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::archive::{Entry, EntryMeta};

pub(super) struct PoetryLock;

impl Detector for PoetryLock {
    fn id(&self) -> &'static str {
        "poetry-lock"
    }

    fn reads(&self) -> &'static str {
        "`poetry.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "poetry.lock")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        lock::extract(entry.bytes, "poetry", found)
    }
}
