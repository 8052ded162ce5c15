//! deps.dev's API, `v3alpha` (the batches are in no other): `GetVersionBatch`, `GetProjectBatch`, `GetPackage`.

use super::{ANSWER_BYTES, AskError, Cache, Enriched, shape};
use crate::{
    ecosystem::{CARGO, NPM, PYPI},
    http::{Answer, HttpError, Remote},
    model::{Coordinate, Upstream},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, SystemTime},
};

/// Requests in one batch: the API takes no more.
const BATCH: usize = 5000;
/// Pages of one batch. 1,000: a page holds some hundred answers.
const PAGES: usize = 1000;
/// Packages that are asked for their versions, one request each; only those come to it that look abandoned.
const PACKAGES: usize = 500;
/// Published so long ago, a version may be the last: see the rule `unmaintained`.
const OLD: Duration = Duration::from_hours(3 * 365 * 24);

fn system(coordinate: &Coordinate) -> Option<&'static str> {
    [(NPM.id, "NPM"), (PYPI.id, "PYPI"), (CARGO.id, "CARGO")]
        .into_iter()
        .find_map(|(id, system)| (id == coordinate.ecosystem).then_some(system))
}

pub(super) fn ask(
    remote: &Remote,
    cache: &Cache,
    coordinates: &[&Coordinate],
    now: SystemTime,
    enriched: &mut Enriched,
) -> Result<(), AskError> {
    let keys: Vec<(&Coordinate, Value)> = coordinates
        .iter()
        .filter_map(|c| {
            let version = c.version.as_deref()?;
            Some((
                *c,
                json!({"versionKey": {"system": system(c)?, "name": c.name, "version": version}}),
            ))
        })
        .collect();
    let requests: Vec<&Value> = keys.iter().map(|(_, request)| request).collect();
    let versions = batch(remote, cache, "v3alpha/versionbatch", "version", &requests)?;
    let mut repositories: BTreeMap<&Coordinate, String> = BTreeMap::new();
    let mut flawed: BTreeSet<&Coordinate> = BTreeSet::new();
    for ((coordinate, _), version) in keys.iter().zip(&versions) {
        if version.is_null() {
            continue;
        }
        enriched
            .upstream
            .insert((*coordinate).clone(), upstream(coordinate, version));
        let projects = version["relatedProjects"].as_array().into_iter().flatten();
        let mut source = projects.filter(|p| p["relationType"] == "SOURCE_REPO");
        if let Some(id) = source.find_map(|p| p["projectKey"]["id"].as_str()) {
            repositories.insert(coordinate, id.to_owned());
        }
        if version["advisoryKeys"].as_array().is_some_and(|keys| !keys.is_empty()) {
            flawed.insert(coordinate);
        }
    }
    let ids: BTreeSet<&String> = repositories.values().collect();
    let requests: Vec<Value> = ids.iter().map(|id| json!({"projectKey": {"id": id}})).collect();
    let projects = batch(
        remote,
        cache,
        "v3alpha/projectbatch",
        "project",
        &requests.iter().collect::<Vec<_>>(),
    )?;
    let archived: BTreeSet<&String> = ids
        .into_iter()
        .zip(&projects)
        .filter(|(_, p)| is_archived(p))
        .map(|(id, _)| id)
        .collect();
    let mut doubtful = Vec::new();
    for (coordinate, upstream) in &mut enriched.upstream {
        upstream.archived = repositories.get(coordinate).is_some_and(|id| archived.contains(id));
        let published = upstream
            .published
            .as_deref()
            .and_then(|at| humantime::parse_rfc3339(at).ok());
        let is_old = published.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age >= OLD));
        if is_old && (upstream.archived || flawed.contains(coordinate)) {
            doubtful.push(coordinate.clone());
        }
    }
    for coordinate in doubtful.into_iter().take(PACKAGES) {
        let last = last_release(remote, cache, &coordinate)?;
        if let Some(upstream) = enriched.upstream.get_mut(&coordinate) {
            upstream.last_release = last;
        }
    }
    Ok(())
}

fn upstream(coordinate: &Coordinate, version: &Value) -> Upstream {
    let reason = || version["deprecatedReason"].as_str().unwrap_or_default().into();
    let is_deprecated = version["isDeprecated"].as_bool().unwrap_or_default();
    // Of versions npm knows deprecation alone, the two others yanking alone: the one flag means what the registry has.
    let can_yank = coordinate.ecosystem != NPM.id;
    Upstream {
        published: version["publishedAt"].as_str().map(Into::into),
        deprecated: (is_deprecated && !can_yank).then(reason),
        yanked: (is_deprecated && can_yank).then(reason),
        ..Upstream::default()
    }
}

/// Scorecard's check `Maintained` says so in words; there is no field for it.
fn is_archived(project: &Value) -> bool {
    let checks = project["scorecard"]["checks"].as_array().into_iter().flatten();
    let mut maintained = checks.filter(|check| check["name"] == "Maintained");
    maintained.any(|check| {
        check["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("project is archived"))
    })
}

/// When the newest version of a package was published.
fn last_release(remote: &Remote, cache: &Cache, coordinate: &Coordinate) -> Result<Option<Box<str>>, AskError> {
    let system = system(coordinate).unwrap_or_default().to_ascii_lowercase();
    let name = encode(&coordinate.name);
    let path = format!("v3alpha/systems/{system}/packages/{name}");
    let question = format!("{}/{path}", remote.base());
    let kept = cache.get(&question);
    let package = match kept {
        Some(kept) if kept.is_fresh => kept.answer,
        kept => match remote.get(&path, kept.as_ref().and_then(|k| k.etag.as_deref()), ANSWER_BYTES) {
            Ok(Answer::Body(body, etag)) => {
                let package: Value =
                    serde_json::from_slice(&body).map_err(|e| shape(&path, format!("not JSON: {e}")))?;
                cache.put(&question, etag.as_deref(), &package);
                package
            }
            Ok(Answer::NotModified) => {
                let kept = kept.ok_or_else(|| shape(&path, "not modified, and nothing was kept"))?;
                cache.put(&question, kept.etag.as_deref(), &kept.answer);
                kept.answer
            }
            Err(HttpError::Status { status: 404, .. }) => Value::Null,
            Err(e) => return Err(e.into()),
        },
    };
    let versions = package["versions"].as_array().into_iter().flatten();
    // RFC 3339 in UTC sorts as text.
    let newest = versions.filter_map(|v| v["publishedAt"].as_str()).max();
    Ok(newest.map(Into::into))
}

/// As one segment of a path.
fn encode(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// What a request is about: answers repeat their request, and come in any order.
fn key(request: &Value) -> String {
    let version = &request["versionKey"];
    let parts = [
        &version["system"],
        &version["name"],
        &version["version"],
        &request["projectKey"]["id"],
    ];
    parts.map(|part| part.as_str().unwrap_or_default()).join("\n")
}

/// Answers to requests, in their order; null for what nobody knows. What is kept and fresh is not asked again.
fn batch(
    remote: &Remote,
    cache: &Cache,
    path: &str,
    member: &str,
    requests: &[&Value],
) -> Result<Vec<Value>, AskError> {
    let question = |request: &Value| format!("{}/{path} {request}", remote.base());
    let fresh = |request: &&Value| {
        cache
            .get(&question(request))
            .filter(|kept| kept.is_fresh)
            .map(|kept| kept.answer)
    };
    let mut answers: Vec<Option<Value>> = requests.iter().map(fresh).collect();
    let open: Vec<usize> = (0..requests.len()).filter(|&i| answers[i].is_none()).collect();
    for chunk in open.chunks(BATCH) {
        let mut places: HashMap<String, usize> = chunk.iter().map(|&i| (key(requests[i]), i)).collect();
        let mut token = None::<String>;
        for page in 0.. {
            let asked: Vec<&Value> = chunk.iter().map(|&i| requests[i]).collect();
            let body = match &token {
                Some(token) => json!({"requests": asked, "pageToken": token}),
                None => json!({"requests": asked}),
            };
            let answer = remote.post(path, &body.to_string(), ANSWER_BYTES)?;
            let answer: Value = serde_json::from_slice(&answer).map_err(|e| shape(path, format!("not JSON: {e}")))?;
            let responses = answer["responses"]
                .as_array()
                .ok_or_else(|| shape(path, "expected `responses`"))?;
            for response in responses {
                let Some(i) = places.remove(&key(&response["request"])) else {
                    return Err(shape(path, "an answer to what was not asked"));
                };
                let value = response.get(member).cloned().unwrap_or_default();
                cache.put(&question(requests[i]), None, &value);
                answers[i] = Some(value);
            }
            token = answer["nextPageToken"]
                .as_str()
                .filter(|t| !t.is_empty())
                .map(str::to_owned);
            if token.is_none() {
                break;
            }
            if page >= PAGES {
                return Err(shape(path, format!("more than {PAGES} pages for one batch")));
            }
        }
        if !places.is_empty() {
            return Err(shape(
                path,
                format!("{} of {} requests without an answer", places.len(), chunk.len()),
            ));
        }
    }
    Ok(answers.into_iter().map(Option::unwrap_or_default).collect())
}
