//! The page live, and the JSON behind it: read-only, for a browser on this machine or behind whatever authenticates people.

use super::{
    page,
    store::{Mode, Store, StoreError},
    tasks::wait,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use std::{
    io,
    net::{IpAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// What is served, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The store.
    pub store: String,
    /// What a request has to bring: `Authorization: Bearer TOKEN`, or TOKEN as the password that a browser asks for.
    pub token: Option<String>,
    /// Names by which this server may be called, besides addresses and `localhost`.
    pub hosts: Vec<String>,
}

struct Served {
    settings: Settings,
    /// As of the newest run that it knows.
    made: Mutex<Option<Arc<Made>>>,
}

struct Made {
    state: String,
    html: Vec<u8>,
    json: Vec<u8>,
}

/// Serves until the process ends.
///
/// # Errors
/// When the socket fails.
pub fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let served = Arc::new(Served {
        settings,
        made: Mutex::new(None),
    });
    wait(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // One handler for everything: what is checked of a request is checked of every one.
        axum::serve(listener, Router::new().fallback(answer).with_state(served)).await
    })
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let header = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // A page elsewhere whose name was made to mean this address is no guest (DNS rebinding).
    let host = header(header::HOST).or(parts.uri.host()).unwrap_or_default();
    if !known_host(host, &served.settings.hosts) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this server is not called so; see --host",
        );
    }
    if !admitted(header(header::AUTHORIZATION), served.settings.token.as_deref()) {
        let mut response = plain(StatusCode::UNAUTHORIZED, "a token is needed");
        let ask = HeaderValue::from_static("Basic realm=\"plimsoll: any name, the token as the password\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        return response;
    }
    if !matches!(parts.method, axum::http::Method::GET | axum::http::Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "read-only");
    }
    let path = parts.uri.path().to_owned();
    if !matches!(&*path, "/" | "/data.json" | "/state.json") {
        return plain(StatusCode::NOT_FOUND, "there are /, /data.json and /state.json");
    }
    // The store is synchronous.
    let made = tokio::task::spawn_blocking(move || served.made()).await;
    match made {
        Ok(Ok(made)) => match &*path {
            "/" => body(StatusCode::OK, "text/html; charset=utf-8", made.html.clone()),
            "/data.json" => body(StatusCode::OK, "application/json", made.json.clone()),
            _ => {
                let state = serde_json::json!({ "state": made.state });
                body(StatusCode::OK, "application/json", state.to_string().into_bytes())
            }
        },
        Ok(Err(e)) => plain(StatusCode::SERVICE_UNAVAILABLE, &e.to_string()),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made"),
    }
}

impl Served {
    fn made(&self) -> Result<Arc<Made>, StoreError> {
        let mut store = Store::open(&self.settings.store, Mode::Read)?;
        let state = state(&mut store)?;
        let mut kept = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = kept.as_ref().filter(|made| made.state == state) {
            return Ok(Arc::clone(made));
        }
        let now = SystemTime::now();
        let overview = page::data::gather(&mut store, now)?;
        let mut html = Vec::new();
        let time = humantime::format_rfc3339_seconds(now).to_string();
        page::write(&overview, &time, Some(&state), &mut html).map_err(|e| StoreError::Damaged(e.to_string()))?;
        let made = Arc::new(Made {
            html,
            json: page::json(&overview).to_string().into_bytes(),
            state,
        });
        *kept = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// Another one whenever a run has ended.
fn state(store: &mut Store) -> Result<String, StoreError> {
    let runs = store.runs()?;
    let ended = runs.iter().filter(|run| run.finished.is_some()).count();
    Ok(format!("{ended}-{}", runs.iter().map(|run| run.id).max().unwrap_or(0)))
}

fn known_host(host: &str, known: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.');
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn admitted(header: Option<&str>, token: Option<&str>) -> bool {
    let Some(token) = token else {
        return true;
    };
    let Some((scheme, value)) = header.and_then(|header| header.split_once(' ')) else {
        return false;
    };
    let value = value.trim();
    let brought = if scheme.eq_ignore_ascii_case("bearer") {
        value.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let text = BASE64_STANDARD
            .decode(value)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((_, password)) => password.to_owned(),
            None => return false,
        }
    } else {
        return false;
    };
    // Digests are compared, so that time tells nothing of how much of it was right.
    Sha256::digest(brought.as_bytes()) == Sha256::digest(token.as_bytes())
}

fn plain(status: StatusCode, text: &str) -> Response {
    body(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
}

fn body(status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let policy = format!("{}; frame-ancestors 'none'", page::policy(true));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_called() {
        let known = ["inventory.example".to_owned()];
        for (host, yes) in [
            ("127.0.0.1:8477", true),
            ("[::1]:8477", true),
            ("localhost", true),
            ("Inventory.Example:443", true),
            ("evil.example:8477", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(known_host(host, &known), yes, "{host}");
        }
    }

    #[test]
    fn who_is_admitted() {
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        for (header, token, yes) in [
            (None, None, true),
            (None, Some("t"), false),
            (Some("Bearer t".to_owned()), Some("t"), true),
            (Some("bearer  t".to_owned()), Some("t"), true),
            (Some("Bearer x".to_owned()), Some("t"), false),
            (Some("Bearer".to_owned()), Some("t"), false),
            (Some(basic("anybody:t")), Some("t"), true),
            (Some(basic("t")), Some("t"), false),
        ] {
            assert_eq!(admitted(header.as_deref(), token), yes, "{header:?}");
        }
    }
}
