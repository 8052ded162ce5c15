//! Artifacts behind a URL, by the client that also fetches advisories.

use super::{Fetched, SourceError};
use crate::http::{HttpError, Remote};
use reqwest::Url;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tempfile::NamedTempFile;

/// Until somebody answers at all.
const CONNECT: Duration = Duration::from_secs(10);

/// Connections, kept for each server.
#[derive(Debug, Default)]
pub(super) struct Web(Mutex<BTreeMap<String, Arc<Remote>>>);

impl Web {
    /// Downloads into a temporary file.
    pub(super) fn fetch(&self, url: &str, limit: u64) -> Result<Fetched, SourceError> {
        let (remote, path) = self.remote(url)?;
        let file = NamedTempFile::new()
            .map_err(|e| SourceError::Failed(format!("no temporary file: {e}")))?
            .into_temp_path();
        match remote.download(&path, None, &file, limit, &|_, _, _| {}) {
            Ok(_) => Ok(Fetched::Temporary(file)),
            Err(e) => {
                forget_part(&file);
                Err(told(e, url))
            }
        }
    }

    /// The `ETag` of what is there now; `None` where the server gives none, or does not say without sending it all.
    pub(super) fn stamp(&self, url: &str) -> Option<String> {
        let (remote, path) = self.remote(url).ok()?;
        remote.mark(&path).ok()?
    }

    fn remote(&self, url: &str) -> Result<(Arc<Remote>, String), SourceError> {
        let (server, path) = split(url)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remote) = kept.get(&server) {
            return Ok((Arc::clone(remote), path));
        }
        let remote = Arc::new(Remote::new(&server, CONNECT, true).map_err(|e| told(e, url))?);
        kept.insert(server, Arc::clone(&remote));
        Ok((remote, path))
    }
}

/// A URL as its server and what is asked of it.
pub(in crate::fleet) fn split(url: &str) -> Result<(String, String), SourceError> {
    let parsed = Url::parse(url).map_err(|_| SourceError::Failed(format!("{}: not a URL", public(url))))?;
    let query = parsed.query().map_or_else(String::new, |query| format!("?{query}"));
    let path = format!("{}{query}", parsed.path().trim_start_matches('/'));
    Ok((parsed.origin().ascii_serialization(), path))
}

/// The mark that a broken download leaves beside its file.
fn forget_part(file: &Path) {
    let _ = std::fs::remove_file(file.with_extension("etag"));
}

fn told(e: HttpError, url: &str) -> SourceError {
    match e {
        HttpError::TooLarge { limit, .. } => SourceError::TooLarge { got: limit + 1, limit },
        e => SourceError::Failed(e.to_string().replace(url, &public(url))),
    }
}

/// A URL without its query and without a name and password: signatures are there, and tokens.
pub(super) fn public(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_secrets() {
        for (url, shown) in [
            ("https://host/a.zip?X-Amz-Signature=s3cret", "https://host/a.zip"),
            ("https://user:s3cret@host/a.zip#s3cret", "https://host/a.zip"),
            ("https://host/a@b.zip", "https://host/a@b.zip"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(public(url), shown);
        }
    }
}
