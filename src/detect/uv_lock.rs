//! uv's lock file.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::archive::{Entry, EntryMeta};

pub(super) struct UvLock;

impl Detector for UvLock {
    fn id(&self) -> &'static str {
        "uv-lock"
    }

    fn reads(&self) -> &'static str {
        "`uv.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "uv.lock")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        lock::extract(entry.bytes, "uv", found)
    }
}
