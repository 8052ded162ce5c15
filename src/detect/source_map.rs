//! Source maps that lie beside their bundle: the modules that went into it, and whose code lies where.

use super::{DetectError, Detector, Interest, Sink, js::source_map, js_bundle};
use crate::{
    archive::{Entry, EntryMeta},
    model::Mapped,
};

pub(super) struct SourceMap;

impl Detector for SourceMap {
    fn id(&self) -> &'static str {
        "source-map"
    }

    fn reads(&self) -> &'static str {
        "`*.map` beside bundles, index maps included; never fetched from elsewhere"
    }

    fn technique(&self) -> &'static str {
        "source-code-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        // Of declarations and style sheets there are maps too.
        let others = [".d.ts.map", ".d.mts.map", ".d.cts.map", ".css.map"];
        let map = meta.path.rsplit('.').next() == Some("map") && !others.iter().any(|ext| meta.path.ends_with(ext));
        Interest::read_if(map && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let contents = match source_map::read(entry.bytes) {
            Ok(contents) => contents,
            Err(e) if is_of_script(entry.meta.path) => {
                return Err(DetectError(format!("not a source map ({e}); build the bundle again")));
            }
            // Other tools have maps of their own.
            Err(_) => return Ok(()),
        };
        if contents.turns.is_empty() && contents.packages.is_empty() && !is_of_script(entry.meta.path) {
            return Ok(());
        }
        js_bundle::add_map(&contents, found);
        let bundle = entry.meta.path.strip_suffix(".map").unwrap_or_default();
        found.maps.push(Mapped {
            location: entry.location.clone(),
            bundle: bundle.into(),
            turns: contents.turns,
        });
        Ok(())
    }
}

fn is_of_script(path: &str) -> bool {
    [".js.map", ".mjs.map", ".cjs.map"]
        .iter()
        .any(|ext| path.ends_with(ext))
}
