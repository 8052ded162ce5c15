//! The licence files that bundlers write beside a bundle: webpack's `*.LICENSE.txt`, ncc's and license-webpack-plugin's
//! `licenses.txt`. They name the packages in it, without versions.

use super::{DetectError, Detector, Interest, Sink, js::banner};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::Proof,
    parse,
};
use std::collections::HashSet;

pub(super) struct JsLicences;

/// What the lists are called that name all packages of a bundle; webpack's names those alone that have comments.
const LISTS: &[&str] = &[
    "licenses.txt",
    "LICENSES.txt",
    "3rdpartylicenses.txt",
    "third-party-licenses.txt",
];

/// Names of a list that are followed up; the longest real ones have a thousand.
const NAMES: usize = 10_000;

/// A list beside a bundle.
pub(super) struct List {
    /// Packages that it names.
    pub(super) names: Vec<String>,
    /// All its lines, one of which is the name of each package, whatever its licence is called.
    lines: HashSet<String>,
}

impl List {
    /// The one beside a bundle, if there is one.
    pub(super) fn beside(bundle: &Entry<'_>, found: &Sink<'_>) -> Option<Self> {
        let mut paths = LISTS.iter().filter_map(|name| bundle.location.beside(name));
        let list = paths.find_map(|path| found.neighbours.read(&path))?;
        let text = parse::text(&list.bytes);
        Some(Self {
            names: banner::licence_list(&text)
                .into_iter()
                .take(NAMES)
                .map(ToOwned::to_owned)
                .collect(),
            lines: text.lines().map(|line| line.trim_end().to_owned()).collect(),
        })
    }

    /// Whether it may name a package.
    pub(super) fn may_name(&self, package: &str) -> bool {
        self.lines.contains(package)
    }
}

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
        let named = name.ends_with("js.LICENSE.txt") || LISTS.contains(&name);
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
