//! The licence files that bundlers write beside a bundle: webpack's `*.LICENSE.txt`, ncc's and license-webpack-plugin's
//! `licenses.txt`. They name the packages in it, without versions.

use super::{DetectError, Detector, Interest, Sink, js::banner};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::Proof,
    parse,
};

pub(super) struct JsLicences;

impl Detector for JsLicences {
    fn id(&self) -> &'static str {
        "js-licences"
    }

    fn reads(&self) -> &'static str {
        "`*.js.LICENSE.txt`, `licenses.txt` beside bundles"
    }

    fn technique(&self) -> &'static str {
        "attestation"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let name = meta.file_name();
        let named = name.ends_with("js.LICENSE.txt")
            || matches!(
                name,
                "licenses.txt" | "LICENSES.txt" | "3rdpartylicenses.txt" | "third-party-licenses.txt"
            );
        Interest::read_if(named && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        // A source map beside the bundle names every module by its path; this would only name the same without.
        let bundle = entry.meta.path.trim_end_matches(".LICENSE.txt");
        if bundle != entry.meta.path && found.neighbours.has(&format!("{bundle}.map")) {
            return Ok(());
        }
        let text = parse::text(entry.bytes);
        if entry.meta.file_name().ends_with(".LICENSE.txt") {
            for comment in text.split("*/") {
                let comment = comment.trim_start();
                // A comment after `module: path` is in a form of its own; what it is about is read off the comment alone.
                if let Some(named) = banner::comment(comment) {
                    let _ = found.add(NPM.coordinate(named.name, named.version), Proof::Inferred, 0.8);
                }
            }
            return Ok(());
        }
        for name in banner::licence_list(&text) {
            // ncc lists itself for the few lines of glue that it adds.
            if name != "@vercel/ncc" {
                let _ = found.add(NPM.coordinate(name, None), Proof::Inferred, 0.9);
            }
        }
        Ok(())
    }
}
