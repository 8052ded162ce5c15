//! A bundler's account of what it wrote: esbuild's metafile, webpack's stats, rollup's output, where it lies in the artifact
//! or was given beside it. Believed only of files that are there.

use super::{DetectError, Detector, Interest, Sink, js::metadata};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Account, Fact, Proof},
};

pub(super) struct BundleMetadata;

impl Detector for BundleMetadata {
    fn id(&self) -> &'static str {
        "bundle-metadata"
    }

    fn reads(&self) -> &'static str {
        "esbuild's metafile, webpack's and rspack's stats, rollup's output, by the names that they usually have"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let name = meta.file_name();
        let usual = matches!(
            name,
            "meta.json"
                | "metafile.json"
                | "stats.json"
                | "webpack-stats.json"
                | "rspack-stats.json"
                | "bundle-stats.json"
        ) || name.ends_with(".meta.json")
            || name.ends_with("esbuild-meta.json")
            // tsup's: `metafile-cjs.json`
            || name.strip_prefix("metafile-").is_some_and(|rest| matches!(rest, "cjs.json" | "esm.json" | "iife.json"));
        Interest::read_if(usual && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // Files of these names are often something else, which is none of this detector's business.
        for output in metadata::outputs(entry.bytes).unwrap_or_default() {
            account(output, found);
        }
        Ok(())
    }
}

fn account(output: metadata::Output, found: &mut Sink<'_>) {
    let components = found.components.len();
    for package in &output.packages {
        let coordinate = NPM.coordinate(&package.name, package.version.as_deref());
        let at = Fact::At(package.at.as_str().into());
        let _ = found.add(coordinate, Proof::Installed, 0.95).fact(at);
    }
    let packages = found.components.split_off(components);
    let location = found.place();
    found.accounts.push(Account {
        location,
        file_name: output.file_name.into(),
        bytes: output.bytes,
        packages,
        components: output.components,
        application: output.application,
    });
}
