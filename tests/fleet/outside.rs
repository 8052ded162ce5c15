//! What leaves the store: the page, the server, the export, and what is posted.

use super::world::World;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

fn two_nights() -> World {
    let world = World::new();
    world.function("orders", "a", &[("minimist", "1.2.5"), ("lodash", "4.17.20")]);
    world.function("users & <b>co", "b", &[("express", "4.18.2")]);
    world.sync(&[]);
    assert_eq!(world.audit(&[]), 1);
    world.function("orders", "c", &[("minimist", "1.2.6"), ("lodash", "4.17.20")]);
    world.function("billing", "d", &[("minimist", "1.2.5")]);
    world.sync(&[]);
    assert_eq!(world.audit(&[]), 1);
    world
}

#[test]
fn the_page_is_one_file_in_which_names_stay_text() {
    let world = two_nights();
    let manifest = world.folder().join("hostile.jsonl");
    let zip = world.functions().join("billing.zip");
    let line = serde_json::json!({
        "name": "</script><script>alert(1)</script>", "path": zip, "owner": "<img src=x onerror=alert(2)>",
    });
    fs::write(&manifest, line.to_string()).unwrap();
    world.sync_of(manifest.to_str().unwrap(), &[]);
    assert_eq!(world.audit(&[]), 1);
    let page = String::from_utf8(world.run(&["report", "-o", "html"]).stdout).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    for forbidden in ["<img", "<b>co", "http://", "src=\"", "href="] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
    let data = page
        .split_once("id=\"data\">")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let data: Value = serde_json::from_str(data).unwrap();
    let names: Vec<&str> = data["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f[0].as_str().unwrap())
        .collect();
    assert!(names.contains(&"</script><script>alert(1)</script>"), "{names:?}");
    assert!(page.contains("lodash <small>npm</small>"), "an upgrade to start with");
}

fn rows(folder: &Path, table: &str) -> Vec<BTreeMap<String, String>> {
    let nights: Vec<_> = fs::read_dir(folder.join(table))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(nights.len(), 1, "{nights:?}");
    let files: Vec<_> = fs::read_dir(&nights[0])
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(files, ["part-0.parquet"]);
    let reader = SerializedFileReader::new(File::open(nights[0].join("part-0.parquet")).unwrap()).unwrap();
    let row = |row: parquet::record::Row| {
        let cells = row
            .get_column_iter()
            .map(|(name, cell)| (name.clone(), cell.to_string()));
        cells.collect()
    };
    reader.get_row_iter(None).unwrap().map(|r| row(r.unwrap())).collect()
}

#[test]
fn parquet_has_what_the_store_has() {
    let world = two_nights();
    let lake = world.folder().join("lake");
    for _ in 0..2 {
        world.run(&["export", "--format", "parquet", lake.to_str().unwrap()]);
    }
    let functions = rows(&lake, "functions");
    let mut names: Vec<&str> = functions.iter().map(|f| f["name"].trim_matches('"')).collect();
    names.sort_unstable();
    assert_eq!(names, ["billing.zip", "orders.zip", "users & <b>co.zip"]);
    let components = rows(&lake, "components");
    assert_eq!(components.len(), 4, "of what is shipped now: {components:?}");
    let purls: Vec<&String> = components.iter().map(|c| &c["purl"]).collect();
    assert!(purls.contains(&&"\"pkg:npm/minimist@1.2.6\"".to_owned()), "{purls:?}");
    let fixed = rows(&lake, "findings");
    let fixed: Vec<_> = fixed.iter().filter(|f| f["fixed_on"] != "null").collect();
    assert!(
        !fixed.is_empty() && fixed.iter().all(|f| f["name"] == "\"minimist\""),
        "{fixed:?}"
    );
    rows(&lake, "edges");
    rows(&lake, "gaps");
}

/// A server that answers with these statuses, one a request, and passes on what it was sent.
fn server(statuses: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/s3cret?token=s3cret", listener.local_addr().unwrap());
    let (send, receive) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            );
            send.send(String::from_utf8(body).unwrap()).unwrap();
        }
    });
    (url, receive)
}

fn audit(world: &World, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["inventory", "audit"]).args(args);
    world.arguments(&mut command, "audit");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), told)
}

#[test]
fn what_is_new_is_posted_once() {
    let world = World::new();
    world.function("orders", "a", &[("minimist", "1.2.5")]);
    world.sync(&[]);
    let (url, posted) = server(&["503 x", "204 x"]);
    let (code, told) = audit(&world, &["--notify", &url]);
    assert_eq!(code, 1, "{told}");
    let document: Value = serde_json::from_str(&posted.iter().last().unwrap()).unwrap();
    assert_eq!(document["schema"], "plimsoll/notify/1");
    assert_eq!(document["flaws"][0]["package"], "minimist");
    assert_eq!(
        document["flaws"][0]["first_functions"],
        serde_json::json!(["orders.zip"])
    );
    let places = world.folder().to_str().unwrap();
    assert!(!document.to_string().contains(places), "no place of it: {document}");

    // Nothing is new: nobody is there to be told.
    let (code, told) = audit(&world, &["--notify", "http://127.0.0.1:9/hook/s3cret"]);
    assert_eq!(code, 1, "{told}");

    world.function("users", "b", &[("lodash", "4.17.20")]);
    world.sync(&[]);
    let (url, posted) = server(&["404 x"]);
    let (code, told) = audit(&world, &["--notify", &url, "--notify-as", "slack"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("404") && !told.contains("s3cret"), "{told}");
    let text = posted.recv().unwrap();
    assert!(
        text.starts_with("{\"text\":") && text.contains("lodash 4.17.20 (npm)"),
        "{text}"
    );
}

struct Serving(Child, String);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Serving {
    fn start(world: &World, token: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command
            .args(["inventory", "serve", "--listen", "127.0.0.1:0", "--store"])
            .arg(world.store());
        let mut child = command
            .env("PLIMSOLL_TOKEN", token)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split("http://")
            .nth(1)
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned();
        Self(child, address)
    }

    fn ask(&self, request: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn the_server_reads_and_lets_nobody_else_in() {
    let world = two_nights();
    let serving = Serving::start(&world, "t0ken");
    let auth = "Host: localhost\r\nAuthorization: Bearer t0ken\r\n";
    for (request, headers, status) in [
        ("GET /", "Host: localhost\r\n", "401"),
        ("GET /", "Host: localhost\r\nAuthorization: Bearer other\r\n", "401"),
        ("GET /", "Host: evil.example\r\nAuthorization: Bearer t0ken\r\n", "421"),
        ("POST /", auth, "405"),
        ("DELETE /data.json", auth, "405"),
        ("GET /etc/passwd", auth, "404"),
        ("GET /", auth, "200"),
        ("GET /data.json", auth, "200"),
    ] {
        let answer = serving.ask(request, headers);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request} {headers}");
        assert!(
            answer.contains("default-src 'none'") && answer.contains("nosniff"),
            "{request}"
        );
    }
    let state = |serving: &Serving| {
        serving
            .ask("GET /state.json", auth)
            .rsplit("\r\n")
            .next()
            .unwrap()
            .to_owned()
    };
    let before = state(&serving);
    world.sync(&[]);
    assert_ne!(state(&serving), before, "a run has ended");
}
