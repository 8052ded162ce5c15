//! JavaScript outside of installed packages that looks like a bundler's or minifier's output. What is bundled in it is not
//! identified yet; that it is there is never left unsaid.

use super::{DetectError, Detector, Interest, Sink};
use crate::archive::{Entry, EntryKind, EntryMeta};
use memchr::memmem;

pub(super) struct JsBundle;

/// What bundlers leave in their output, whatever their settings.
const MARKERS: &[&str] = &[
    "__webpack_require__",
    "__commonJS",
    "__toESM",
    "node_modules/",
    "sourceMappingURL=",
];

/// Hand-written files are not minified; bytes per line above this are no hand's work.
const MINIFIED_LINE: usize = 500;

impl Detector for JsBundle {
    fn id(&self) -> &'static str {
        "js-bundle"
    }

    fn reads(&self) -> &'static str {
        "bundled or minified JavaScript outside of `node_modules` (reported as a gap: not identified yet)"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let script = [".js", ".mjs", ".cjs"].iter().any(|ext| meta.path.ends_with(ext));
        let installed = meta.path.starts_with("node_modules/") || meta.path.contains("/node_modules/");
        if script && !installed && meta.kind == EntryKind::File {
            Interest::Read
        } else {
            Interest::Skip
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let bytes = entry.bytes;
        let marked = MARKERS
            .iter()
            .any(|marker| memmem::find(bytes, marker.as_bytes()).is_some());
        let lines = memchr::memchr_iter(b'\n', bytes).count() + 1;
        if marked || (bytes.len() > 16 << 10 && bytes.len() / lines > MINIFIED_LINE) {
            found.partial(format!(
                "bundled JavaScript ({} KB): the packages inside it are not identified",
                bytes.len().div_ceil(1000)
            ));
        }
        Ok(())
    }
}
