//! OSV's API instead of a database: what concerns the packages of this scan, and nothing else. Their names leave the machine.

use super::{Database, IndexError, Record, import};
use crate::http::{HttpError, Remote};
use crate::{ecosystem, model::Coordinate};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

/// OSV's API.
pub const DEFAULT_URL: &str = "https://api.osv.dev";

/// Queries in one request: OSV takes no more.
const BATCH: usize = 1000;
/// Pages of one query. 100: no package has a tenth as many records.
const PAGES: usize = 100;
/// Bytes of an answer.
const ANSWER_BYTES: u64 = 64 << 20;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// On the way.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Building the index of what came.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// An answer of another shape.
    #[error("{0}")]
    Answer(String),
}

/// The records that concern these packages, as a database.
///
/// # Errors
/// When any part of the answer is missing: half of an answer would be a clean bill for the rest.
pub fn ask(url: &str, coordinates: &BTreeSet<&Coordinate>, now: SystemTime) -> Result<Database, ApiError> {
    let remote = Remote::new(url, Duration::from_secs(10), true)?;
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<(Value, usize)> = coordinates
        .iter()
        .map(|c| {
            let package = json!({"ecosystem": ecosystem::of(c.ecosystem).osv, "name": c.name});
            let query = match &c.version {
                Some(version) => json!({"package": package, "version": version}),
                None => json!({"package": package}),
            };
            (query, 0)
        })
        .collect();
    while !open.is_empty() {
        let batch: Vec<(Value, usize)> = open.drain(..open.len().min(BATCH)).collect();
        let queries: Vec<&Value> = batch.iter().map(|(query, _)| query).collect();
        let answer = remote.post("v1/querybatch", &json!({"queries": queries}).to_string(), ANSWER_BYTES)?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|e| ApiError::Answer(format!("querybatch: not JSON: {e}")))?;
        let results = answer["results"]
            .as_array()
            .filter(|results| results.len() == batch.len());
        let results = results.ok_or_else(|| {
            ApiError::Answer(format!(
                "querybatch: expected {} results, as many as queries",
                batch.len()
            ))
        })?;
        for ((mut query, page), result) in batch.into_iter().zip(results) {
            let found = result["vulns"].as_array().into_iter().flatten();
            ids.extend(found.filter_map(|v| v["id"].as_str()).map(str::to_owned));
            if let Some(token) = result["next_page_token"].as_str().filter(|token| !token.is_empty()) {
                if page >= PAGES {
                    return Err(ApiError::Answer(format!(
                        "querybatch: more than {PAGES} pages for one package"
                    )));
                }
                query["page_token"] = json!(token);
                open.push((query, page + 1));
            }
        }
    }
    let plain = |id: &String| {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        id.bytes().all(good) && !id.starts_with('.')
    };
    if !ids.iter().all(plain) {
        return Err(ApiError::Answer("querybatch: an id that is not one".to_owned()));
    }
    let paths: Vec<String> = ids.iter().map(|id| format!("v1/vulns/{id}")).collect();
    let mut read: Vec<(usize, Result<Record, String>)> = Vec::new();
    remote.each(&paths, ANSWER_BYTES, &mut |i, body| {
        read.push((i, import::parse(&body)));
    })?;
    // They come in any order.
    read.sort_by_key(|(i, _)| *i);
    let records = read
        .into_iter()
        .map(|(i, record)| record.map_err(|reason| ApiError::Answer(format!("{}: {reason}", paths[i]))))
        .collect::<Result<Vec<Record>, ApiError>>()?;
    let as_of = humantime::format_rfc3339_seconds(now).to_string();
    let source = format!("{url} (the names and versions of the packages were sent there)");
    Ok(Database::of_records(records, source, &as_of)?)
}
