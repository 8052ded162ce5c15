//! HTTP as downloads need it: sizes capped, waits bounded, what is worth trying again tried again, and never plain HTTP but to
//! this machine itself.

use reqwest::{
    StatusCode, Url,
    blocking::{Client, RequestBuilder, Response},
    header::{ETAG, HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use std::{
    fs::{self, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// What can go wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A URL that cannot be used.
    #[error("{url}: {reason}")]
    Url {
        /// Which.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// No connection, or one that broke off.
    #[error("{url}: {reason}")]
    Transport {
        /// Which.
        url: String,
        /// Why, with all its causes.
        reason: String,
        /// Whether there never was a connection.
        connect: bool,
    },
    /// An answer that is none.
    #[error("{url}: status {status}, expected 200")]
    Status {
        /// Which.
        url: String,
        /// What came.
        status: u16,
    },
    /// Too much.
    #[error("{url}: over the limit of {limit} bytes")]
    TooLarge {
        /// Which.
        url: String,
        /// Bytes.
        limit: u64,
    },
    /// Too slow to be honest.
    #[error("{url}: under {FLOOR} bytes a second; try again later, or another mirror (--url)")]
    TooSlow {
        /// Which.
        url: String,
    },
    /// The file that is downloaded to.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

type Result<T> = std::result::Result<T, HttpError>;

/// Bytes a second below which a download is given up, once it has had [`GRACE`].
const FLOOR: u64 = 1024;
const GRACE: Duration = Duration::from_secs(20);
/// Without a byte.
const STALL: Duration = Duration::from_secs(20);
/// Times that a request is made in all.
const TRIES: u32 = 4;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Requests at a time.
const WORKERS: usize = 8;

/// A client and where it asks.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    base: String,
    /// Whether to wait and try again; a scan that only wants to be current does not.
    patient: bool,
}

/// What a conditional request was answered.
#[derive(Debug)]
pub enum Answer {
    /// 304.
    NotModified,
    /// The body, and its mark.
    Body(Vec<u8>, Option<String>),
}

/// What a conditional download was answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Download {
    /// 304: there is no newer one.
    NotModified,
    /// It is there, with its mark.
    Done(Option<String>),
}

/// Told of every piece of a download: what is downloaded, bytes so far, bytes in all where known.
pub type Progress<'p> = &'p (dyn Fn(&str, u64, Option<u64>) + Sync);

impl Remote {
    /// A client of the server at `base`, a URL without a trailing slash. Proxies and certificates are those of the
    /// environment (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`).
    ///
    /// # Errors
    /// When the URL is none, or plain HTTP to another machine.
    pub fn new(base: &str, connect: Duration, patient: bool) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        let url = Url::parse(&base).map_err(|_| HttpError::Url {
            url: base.clone(),
            reason: "not a URL; expected https://…",
        })?;
        if !allowed(&url, true) {
            return Err(HttpError::Url {
                url: base,
                reason: "not https; plain http is taken from this machine alone",
            });
        }
        // That it was installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Who asked for https does not want less, not even from this machine.
        let local = url.scheme() == "http" && is_local(&url);
        let policy = Policy::custom(move |attempt| {
            if attempt.previous().len() > 5 {
                attempt.error("more than five redirects")
            } else if allowed(attempt.url(), local) {
                attempt.follow()
            } else {
                attempt.error("redirect to plain http refused")
            }
        });
        let client = Client::builder()
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .timeout(STALL)
            .redirect(policy)
            .build()
            .map_err(|e| transport(&base, &e))?;
        Ok(Self { client, base, patient })
    }

    /// Where it asks.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A whole body of at most `limit` bytes.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried.
    pub fn get(&self, path: &str, etag: Option<&str>, limit: u64) -> Result<Answer> {
        self.get_as(path, None, etag, limit)
    }

    /// A whole body of at most `limit` bytes, whatever was there before.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried.
    pub fn body(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        Ok(match self.get(path, None, limit)? {
            Answer::Body(body, _) => body,
            // Only a request with a mark is answered so.
            Answer::NotModified => Vec::new(),
        })
    }

    /// A whole body of at most `limit` bytes, of this media type where the server has several.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried.
    pub fn get_as(&self, path: &str, accept: Option<&str>, etag: Option<&str>, limit: u64) -> Result<Answer> {
        let url = format!("{}/{path}", self.base);
        self.tried(|| {
            let mut request = self.client.get(&url);
            if let Some(accept) = accept {
                request = request.header("Accept", accept);
            }
            if let Some(etag) = etag {
                request = request.header("If-None-Match", etag);
            }
            let response = send(&url, request)?;
            match response.status() {
                StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Answer::NotModified),
                StatusCode::OK => {
                    let mark = mark(response.headers());
                    Ok(Answer::Body(body(&url, response, limit)?, mark))
                }
                status => Err(status_error(&url, status, response.headers())),
            }
        })
    }

    /// The bodies of several paths, of at most `limit` bytes each, several at a time: `take` gets the position of each in any
    /// order.
    ///
    /// # Errors
    /// The first that went wrong, a path that the server does not have included: to go on without one would be to say that
    /// there is nothing.
    pub fn each(&self, paths: &[String], limit: u64, take: &mut (dyn FnMut(usize, Vec<u8>) + Send)) -> Result<()> {
        let next = AtomicUsize::new(0);
        let state = Mutex::new((take, Ok(())));
        thread::scope(|scope| {
            for _ in 0..WORKERS.min(paths.len()) {
                scope.spawn(|| {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(path) = paths.get(i) else { return };
                        let answer = self.body(path, limit);
                        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                        match answer {
                            _ if state.1.is_err() => return,
                            Err(e) => state.1 = Err(e),
                            Ok(body) => (state.0)(i, body),
                        }
                    }
                });
            }
        });
        state.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }

    /// The mark of what is there, by a request for the headers alone; `None` where the server has none.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried.
    pub fn mark(&self, path: &str) -> Result<Option<String>> {
        let url = format!("{}/{path}", self.base);
        self.tried(|| {
            let response = send(&url, self.client.head(&url))?;
            match response.status() {
                StatusCode::OK => Ok(mark(response.headers())),
                status => Err(status_error(&url, status, response.headers())),
            }
        })
    }

    /// Posts JSON and takes a whole body of at most `limit` bytes.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried.
    pub fn post(&self, path: &str, json: &str, limit: u64) -> Result<Vec<u8>> {
        let url = format!("{}/{path}", self.base);
        self.tried(|| {
            let request = self.client.post(&url).header("Content-Type", "application/json");
            let response = send(&url, request.body(json.to_owned()))?;
            match response.status() {
                status if status.is_success() => Ok(body(&url, response, limit)?),
                status => Err(status_error(&url, status, response.headers())),
            }
        })
    }

    /// Downloads to a file unless the version of the mark `etag` is still current, continuing a download that was broken off
    /// (`file` and the mark beside it, `file.etag`) where the server still has the same version.
    ///
    /// # Errors
    /// What went wrong, the last time that it was tried; what was downloaded stays for the next time.
    pub fn download(
        &self,
        path: &str,
        etag: Option<&str>,
        file: &Path,
        limit: u64,
        progress: Progress<'_>,
    ) -> Result<Download> {
        let url = format!("{}/{path}", self.base);
        let mark_file = file.with_extension("etag");
        let io = |source| HttpError::File {
            path: file.display().to_string(),
            source,
        };
        self.tried(|| {
            let there = fs::metadata(file).map_or(0, |m| m.len());
            let known = fs::read_to_string(&mark_file).ok();
            // A weak mark says nothing of bytes.
            let resume = known.filter(|mark| there > 0 && there < limit && mark.starts_with('"'));
            let mut request = self.client.get(&url);
            if let Some(etag) = etag {
                request = request.header("If-None-Match", etag);
            }
            if let Some(mark) = &resume {
                request = request
                    .header("Range", format!("bytes={there}-"))
                    .header("If-Range", mark);
            }
            let response = send(&url, request)?;
            let mark = mark(response.headers());
            let from = match response.status() {
                StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Download::NotModified),
                StatusCode::OK => 0,
                StatusCode::PARTIAL_CONTENT
                    if resume.is_some() && mark == resume && starts_at(response.headers(), there) =>
                {
                    there
                }
                status => {
                    // 416, or a part that was not asked for: from the start the next time.
                    let _ = fs::remove_file(&mark_file);
                    let error = status_error(&url, status, response.headers());
                    let again = resume.is_some() && (status.as_u16() == 416 || status.is_success());
                    return Err(if again {
                        Trouble::Again(error.error(), Duration::ZERO)
                    } else {
                        error
                    });
                }
            };
            let total = response.content_length().map(|length| length + from);
            if total.is_some_and(|total| total > limit) {
                return Err(HttpError::TooLarge {
                    url: url.clone(),
                    limit,
                }
                .into());
            }
            let mut out = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(from == 0)
                .append(from > 0)
                .open(file)
                .map_err(io)?;
            fs::write(&mark_file, mark.as_deref().unwrap_or_default()).map_err(io)?;
            let mut at = from;
            read(&url, response, &mut |piece| {
                at += piece.len() as u64;
                if at > limit {
                    return Err(HttpError::TooLarge {
                        url: url.clone(),
                        limit,
                    });
                }
                progress(path, at, total);
                out.write_all(piece).map_err(io)
            })?;
            out.sync_all().map_err(io)?;
            let _ = fs::remove_file(&mark_file);
            if total.is_some_and(|total| total != at) {
                let reason = format!("{at} bytes, expected {}", total.unwrap_or_default());
                let error = HttpError::Transport {
                    url: url.clone(),
                    reason,
                    connect: false,
                };
                return Err(Trouble::Again(error, Duration::ZERO));
            }
            Ok(Download::Done(mark))
        })
    }

    fn tried<T>(&self, mut once: impl FnMut() -> std::result::Result<T, Trouble>) -> Result<T> {
        for tried in 1.. {
            match once() {
                Ok(value) => return Ok(value),
                Err(Trouble::Again(_, asked)) if self.patient && tried < TRIES => {
                    let wait = Duration::from_millis(250 << tried).max(asked).min(LONGEST_WAIT);
                    thread::sleep(wait + jitter(wait / 4));
                }
                // At once and once: a resumption that the server does not go along with is nobody's fault.
                Err(Trouble::Again(HttpError::Status { status: 416 | 206, .. }, _)) if tried < 2 => {}
                Err(trouble) => return Err(trouble.error()),
            }
        }
        unreachable!("the last try returns")
    }
}

fn send(url: &str, request: RequestBuilder) -> std::result::Result<Response, Trouble> {
    request.send().map_err(|e| {
        let error = transport(url, &e);
        // Nobody there, or a redirect refused: that does not pass by itself.
        if e.is_connect() || e.is_redirect() || e.is_builder() {
            Trouble::Final(error)
        } else {
            Trouble::Again(error, Duration::ZERO)
        }
    })
}

fn body(url: &str, response: Response, limit: u64) -> std::result::Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    read(url, response, &mut |piece| {
        if (bytes.len() + piece.len()) as u64 > limit {
            let url = url.to_owned();
            return Err(HttpError::TooLarge { url, limit });
        }
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(bytes)
}

fn read(
    url: &str,
    mut response: Response,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> std::result::Result<(), Trouble> {
    let (start, mut read) = (Instant::now(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match response.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                take(&buffer[..n])?;
                read += n as u64;
                let time = start.elapsed();
                if time > GRACE && read / time.as_secs().max(1) < FLOOR {
                    return Err(HttpError::TooSlow { url: url.to_owned() }.into());
                }
            }
            Err(e) => {
                let reason = chain(&e);
                let error = HttpError::Transport {
                    url: url.to_owned(),
                    reason,
                    connect: false,
                };
                return Err(Trouble::Again(error, Duration::ZERO));
            }
        }
    }
}

/// Whether trying again could help, and after how long.
enum Trouble {
    Again(HttpError, Duration),
    Final(HttpError),
}

impl Trouble {
    fn error(self) -> HttpError {
        match self {
            Self::Again(error, _) | Self::Final(error) => error,
        }
    }
}

impl From<HttpError> for Trouble {
    fn from(error: HttpError) -> Self {
        Self::Final(error)
    }
}

fn status_error(url: &str, status: StatusCode, headers: &HeaderMap) -> Trouble {
    let error = HttpError::Status {
        url: url.to_owned(),
        status: status.as_u16(),
    };
    if matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504) {
        let asked = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok());
        let wait = asked.and_then(|asked| retry_after(asked, SystemTime::now()));
        Trouble::Again(error, wait.unwrap_or_default())
    } else {
        Trouble::Final(error)
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

fn transport(url: &str, e: &reqwest::Error) -> HttpError {
    HttpError::Transport {
        url: url.to_owned(),
        reason: chain(&e),
        connect: e.is_connect() || e.is_timeout(),
    }
}

/// The innermost cause: the outer ones say the URL again.
fn chain(e: &dyn std::error::Error) -> String {
    let mut last = e;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn mark(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(ETAG)?.to_str().ok()?;
    (text.len() <= 256).then(|| text.to_owned())
}

fn starts_at(headers: &HeaderMap, at: u64) -> bool {
    let range = headers.get("content-range").and_then(|v| v.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {at}-")))
}

fn allowed(url: &Url, local: bool) -> bool {
    url.scheme() == "https" || (local && url.scheme() == "http" && is_local(url))
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// So that a thousand machines do not come back in the same second; nothing that anybody could gain by guessing.
fn jitter(most: Duration) -> Duration {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    most.mul_f64(f64::from(now.subsec_nanos() % 1000) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_say_when_in_seconds_or_by_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:38 GMT", Some(1)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
