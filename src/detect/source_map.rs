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
        "`*.js.map` beside bundles, index maps included; never fetched from elsewhere"
    }

    fn technique(&self) -> &'static str {
        "source-code-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let map = [".js.map", ".mjs.map", ".cjs.map"]
            .iter()
            .any(|ext| meta.path.ends_with(ext));
        Interest::read_if(map && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let contents = source_map::read(entry.bytes)
            .map_err(|e| DetectError(format!("not a source map ({e}); build the bundle again")))?;
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
