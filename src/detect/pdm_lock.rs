//! PDM's lock file.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::archive::{Entry, EntryMeta};

pub(super) struct PdmLock;

impl Detector for PdmLock {
    fn id(&self) -> &'static str {
        "pdm-lock"
    }

    fn reads(&self) -> &'static str {
        "`pdm.lock`"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "pdm.lock")
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        lock::extract(entry.bytes, "pdm", found)
    }
}
