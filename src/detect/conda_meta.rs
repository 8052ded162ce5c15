//! `conda-meta/NAME-VERSION-BUILD.json`: what conda installed into an environment.

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::PYPI,
    model::Proof,
    parse::json::{self, Scalar},
};
use serde::Deserialize;

pub(super) struct CondaMeta;

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    version: Scalar,
    #[serde(default)]
    files: Vec<Scalar>,
}

impl Detector for CondaMeta {
    fn id(&self) -> &'static str {
        "conda-meta"
    }

    fn reads(&self) -> &'static str {
        "`conda-meta/*.json`: Python packages; others are reported as gaps"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let folder = meta
            .path
            .strip_suffix(".json")
            .and_then(|stem| stem.rsplit_once('/'))
            .map_or("", |(folder, _)| folder);
        let record = folder == "conda-meta" || folder.ends_with("/conda-meta");
        Interest::read_if(record)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let record: Record = json::document(entry.bytes)
            .map_err(|e| DetectError(format!("not a record of conda ({e}); install the environment again")))?;
        let Some(name) = record.name.text().filter(|name| !name.is_empty()) else {
            return Err(DetectError(
                "record of conda without a name; install the environment again".to_owned(),
            ));
        };
        // Conda's names are its own; where a package lies in site-packages they are PyPI's but for a few.
        let is_python = record
            .files
            .iter()
            .filter_map(Scalar::text)
            .any(|f| f.contains("site-packages/"));
        if is_python {
            let _ = found.add(PYPI.coordinate(name, record.version.text()), Proof::Installed, 0.7);
        } else {
            found.partial(format!(
                "conda package {name} {} is not Python: no advisories are known here for it",
                record.version.text().unwrap_or_default()
            ));
        }
        Ok(())
    }
}
