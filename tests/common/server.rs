//! A small HTTP server with the layout of OSV's bucket: ETag, If-None-Match, Range and If-Range as a real one has them, and
//! tricks that it plays once each.
#![allow(dead_code, clippy::format_collect, clippy::similar_names)] // each test binary uses a part of it

use std::{
    collections::{HashMap, VecDeque},
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

#[derive(Clone)]
pub(crate) enum Trick {
    /// This status and these headers, no body.
    Status(u16, &'static str),
    /// This body, as if it were the right one.
    Body(Vec<u8>),
    /// The right headers, and the connection closed after so many bytes of the body.
    CutAfter(usize),
    /// Another ETag than before, and everything from the start.
    NewVersion,
    /// A body that never ends.
    Endless,
    /// A body of which a byte comes ten times a second.
    Dribble,
}

#[derive(Default)]
struct State {
    files: HashMap<String, (Vec<u8>, u32)>,
    tricks: HashMap<String, VecDeque<Trick>>,
    asked: Vec<String>,
    version: u32,
}

#[derive(Clone)]
pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// One that speaks TLS.
    pub(crate) fn start_tls(config: Arc<rustls::ServerConfig>) -> Self {
        Self::start_with(Some(config))
    }

    fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let own = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, tls) = (own.clone(), tls.clone());
                thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
                    let Some(tls) = tls else { return own.serve(stream) };
                    let connection = rustls::ServerConnection::new(tls).unwrap();
                    own.serve(rustls::StreamOwned::new(connection, stream));
                });
            }
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        let version = state.version;
        state.files.insert(path.to_owned(), (bytes, version));
    }

    /// `all.zip`, `modified_id.csv` and single records, of (id, time, JSON).
    pub(crate) fn publish(&self, ecosystem: &str, records: &[(String, String, String)]) {
        let files: Vec<(String, String)> = records
            .iter()
            .map(|(id, _, json)| (format!("{id}.json"), json.clone()))
            .collect();
        self.put(&format!("/{ecosystem}/all.zip"), super::common::zip_of(&files));
        let list: String = records.iter().map(|(id, time, _)| format!("{time},{id}\n")).collect();
        self.put(&format!("/{ecosystem}/modified_id.csv"), list.into_bytes());
        for (id, _, json) in records {
            self.put(&format!("/{ecosystem}/{id}.json"), json.clone().into_bytes());
        }
    }

    pub(crate) fn trick(&self, path: &str, tricks: Vec<Trick>) {
        self.state.lock().unwrap().tricks.insert(path.to_owned(), tricks.into());
    }

    pub(crate) fn untrick(&self) {
        self.state.lock().unwrap().tricks.clear();
    }

    /// `path status` of every request since the last [`Server::forget`].
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn forget(&self) {
        self.state.lock().unwrap().asked.clear();
    }

    fn serve(&self, stream: impl Conversation) {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let length: u64 = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        let _ = reader.by_ref().take(length).read_to_end(&mut Vec::new());
        let (trick, file) = {
            let mut state = self.state.lock().unwrap();
            let trick = state.tricks.get_mut(&path).and_then(VecDeque::pop_front);
            if matches!(trick, Some(Trick::NewVersion)) {
                state.version += 1;
                let version = state.version;
                state.files.entry(path.clone()).and_modify(|f| f.1 = version);
            }
            (trick, state.files.get(&path).cloned())
        };
        let stream = reader.get_mut();
        let status = answer(stream, trick, file, &headers);
        self.state.lock().unwrap().asked.push(format!("{path} {status}"));
        stream.end();
    }
}

/// A connection, plain or not.
trait Conversation: Read + Write {
    fn end(&mut self);
}

impl Conversation for TcpStream {
    fn end(&mut self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }
}

impl Conversation for rustls::StreamOwned<rustls::ServerConnection, TcpStream> {
    fn end(&mut self) {
        self.conn.send_close_notify();
        let _ = self.conn.write_tls(&mut self.sock);
        self.sock.end();
    }
}

fn answer(
    stream: &mut dyn Write,
    trick: Option<Trick>,
    file: Option<(Vec<u8>, u32)>,
    headers: &HashMap<String, String>,
) -> u16 {
    let send = |stream: &mut dyn Write, status: u16, extra: &str, length: usize, body: &[u8]| {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n");
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let _ = stream.flush();
        status
    };
    match trick {
        Some(Trick::Status(status, extra)) => return send(stream, status, extra, 0, b""),
        Some(Trick::Body(body)) => return send(stream, 200, "", body.len(), &body),
        Some(Trick::Endless) => {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
            return 200;
        }
        Some(Trick::Dribble) => {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n");
            for _ in 0..600 {
                if stream.write_all(b"x").is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            return 200;
        }
        Some(Trick::CutAfter(_) | Trick::NewVersion) | None => {}
    }
    let Some((body, version)) = file else {
        return send(stream, 404, "", 0, b"");
    };
    let etag = format!("\"v{version}\"");
    let mark = format!("ETag: {etag}\r\n");
    if headers.get("if-none-match") == Some(&etag) {
        return send(stream, 304, &mark, 0, b"");
    }
    let range = headers
        .get("range")
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let whole = headers.get("if-range").is_some_and(|mark| *mark != etag);
    if let Some(from) = range.filter(|_| !whole) {
        let Some(part) = body.get(from..).filter(|part| !part.is_empty()) else {
            return send(stream, 416, &mark, 0, b"");
        };
        let extra = format!(
            "{mark}Content-Range: bytes {from}-{}/{}\r\n",
            body.len() - 1,
            body.len()
        );
        return send(stream, 206, &extra, part.len(), part);
    }
    let sent = match trick {
        Some(Trick::CutAfter(bytes)) => &body[..bytes.min(body.len())],
        _ => &body,
    };
    send(stream, 200, &mark, body.len(), sent)
}
