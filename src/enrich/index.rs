//! A Python package index: which files were yanked (PEP 592), and what the index says of a project (PEP 792), in the JSON of
//! PEP 691.

use super::{ANSWER_BYTES, AskError, Cache, Enriched, shape};
use crate::{
    ecosystem::PYPI,
    http::{Answer, HttpError, Remote},
    model::{Coordinate, ProjectStatus},
};
use serde_json::Value;
use std::collections::BTreeMap;

const JSON: &str = "application/vnd.pypi.simple.v1+json";

pub(super) fn ask(
    remote: &Remote,
    cache: &Cache,
    coordinates: &[&Coordinate],
    enriched: &mut Enriched,
) -> Result<(), AskError> {
    let mut projects: BTreeMap<&str, Value> = BTreeMap::new();
    for coordinate in coordinates {
        let name = &*coordinate.name;
        let project = match projects.get(name) {
            Some(project) => project.clone(),
            None => projects.entry(name).or_insert(project(remote, cache, name)?).clone(),
        };
        let status = match project["project-status"]["status"].as_str() {
            Some("archived") => Some(ProjectStatus::Archived),
            Some("deprecated") => Some(ProjectStatus::Deprecated),
            Some("quarantined") => Some(ProjectStatus::Quarantined),
            _ => None,
        };
        let yanked = yanked(&project, coordinate);
        if status.is_some() || yanked.is_some() {
            let upstream = enriched.upstream.entry((*coordinate).clone()).or_default();
            upstream.status = status;
            let reason = project["project-status"]["reason"].as_str();
            upstream.status_reason = reason.filter(|_| status.is_some()).map(Into::into);
            upstream.yanked = yanked.or(upstream.yanked.take());
        }
    }
    Ok(())
}

/// A project's page; null where the index has none.
fn project(remote: &Remote, cache: &Cache, name: &str) -> Result<Value, AskError> {
    // A normalised name is its own path segment (PEP 503); any other is nobody's.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(Value::Null);
    }
    let path = format!("{name}/");
    let question = format!("{}/{path}", remote.base());
    let kept = cache.get(&question);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh) {
        return Ok(kept.answer.clone());
    }
    let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
    match remote.get_as(&path, Some(JSON), etag, ANSWER_BYTES) {
        Ok(Answer::Body(body, etag)) => {
            let page: Value = serde_json::from_slice(&body).map_err(|e| shape(&path, format!("not JSON: {e}")))?;
            cache.put(&question, etag.as_deref(), &page);
            Ok(page)
        }
        Ok(Answer::NotModified) => {
            let kept = kept.ok_or_else(|| shape(&path, "not modified, and nothing was kept"))?;
            cache.put(&question, kept.etag.as_deref(), &kept.answer);
            Ok(kept.answer)
        }
        Err(HttpError::Status { status: 404, .. }) => Ok(Value::Null),
        Err(e) => Err(e.into()),
    }
}

/// Whether every file of a version was yanked, and the first reason given.
fn yanked(project: &Value, coordinate: &Coordinate) -> Option<Box<str>> {
    let wanted = coordinate.version.as_deref()?;
    let files = project["files"].as_array().into_iter().flatten();
    let own = |file: &&Value| {
        let version = file["filename"]
            .as_str()
            .and_then(|name| version(name, &coordinate.name));
        version.is_some_and(|version| (PYPI.compare)(version, wanted).is_eq())
    };
    let own: Vec<&Value> = files.filter(own).collect();
    let is_yanked = |file: &&&Value| file["yanked"].as_bool().unwrap_or_else(|| file["yanked"].is_string());
    if own.is_empty() || own.iter().filter(is_yanked).count() < own.len() {
        return None;
    }
    let mut reasons = own.iter().filter_map(|file| file["yanked"].as_str());
    Some(reasons.next().unwrap_or_default().into())
}

/// The version in `NAME-VERSION.tar.gz` or `NAME-VERSION-….whl`; both write the name without hyphens, older sdists with.
fn version<'f>(file: &'f str, name: &str) -> Option<&'f str> {
    if let Some(stem) = file.strip_suffix(".whl") {
        return stem.split('-').nth(1);
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz"]
        .iter()
        .find_map(|ext| file.strip_suffix(ext))?;
    let rest = stem.get(name.len()..)?.strip_prefix('-')?;
    Some(rest)
}
