//! `_vendor/vendor.txt`: what pip, and tools that follow its custom, write beside the packages that they carry inside.

use super::{
    DetectError, Detector, Interest, Sink,
    requirements::{Requirement, logical_lines},
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::Proof,
    parse,
};

pub(super) struct PythonVendorList;

impl Detector for PythonVendorList {
    fn id(&self) -> &'static str {
        "python-vendor-list"
    }

    fn reads(&self) -> &'static str {
        "`_vendor/vendor.txt`, pip's list of the packages that it carries"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let list = ["/_vendor/vendor.txt", "/_vendor/vendored.txt"];
        Interest::read_if(list.iter().any(|list| meta.path.ends_with(list)))
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        for (line, requirement) in logical_lines(&parse::text(entry.bytes)) {
            if let Some(r) = Requirement::parse(requirement.trim()).filter(|r| r.version.is_some()) {
                let added = found.add(PYPI.coordinate(r.name, r.version), Proof::Installed, 0.9);
                added.at_line(line);
            }
        }
        Ok(())
    }
}
