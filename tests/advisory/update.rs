//! Updates over real HTTP, from a server on this machine that serves the layout of OSV's bucket and misbehaves on demand.

use super::server;

use plimsoll::{
    advisory::{
        index::Index,
        store::{Store, StoreError},
        update::{self, Done, Options, UpdateError, Updated},
    },
    ecosystem::NPM,
    http::HttpError,
};
use server::{Server, Trick};
use std::time::{Duration, Instant, SystemTime};

fn record(id: u32, second: u32) -> (String, String, String) {
    let (id, time) = (format!("GHSA-{id:04}"), format!("2026-01-01T00:00:{second:02}Z"));
    let json = format!(
        r#"{{"id":"{id}","modified":"{time}","summary":"bad","affected":[{{"package":{{"ecosystem":"npm","name":"p{id}"}},
            "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.0.{second}"}}]}}]}}]}}"#
    );
    (id, time, json)
}

fn options(server: &Server) -> Options {
    Options {
        url: server.url(),
        ecosystems: vec!["npm".to_owned()],
        force: false,
        patient: true,
        now: SystemTime::now(),
    }
}

fn run(store: &Store, server: &Server) -> Result<Updated, UpdateError> {
    update::update(store, &options(server), &|_, _, _| {})
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("db"));
    (folder, store)
}

fn serving(count: u32) -> Server {
    let server = Server::start();
    server.publish("npm", &(0..count).map(|i| record(i, 1)).collect::<Vec<_>>());
    server
}

fn records(index: &Index) -> u64 {
    index.verify().unwrap();
    index.meta().records
}

#[test]
fn whole_then_nothing_then_increments() {
    let (server, (_folder, store)) = (serving(50), store());
    let first = run(&store, &server).unwrap();
    assert_eq!(first.done, [("npm".to_owned(), Done::Whole)]);
    assert_eq!(records(&first.generation.index), 50);

    server.forget();
    let again = run(&store, &server).unwrap();
    assert_eq!(again.done, [("npm".to_owned(), Done::Current)]);
    assert_eq!(server.asked(), ["/npm/modified_id.csv 304"]);
    assert_eq!(again.generation.pointer.generation, first.generation.pointer.generation);
    assert!(again.generation.pointer.checked.contains_key("npm"));

    // Two changed, one new, one gone.
    let mut next: Vec<_> = (0..49).map(|i| record(i, if i < 2 { 9 } else { 1 })).collect();
    next.push(record(77, 9));
    server.publish("npm", &next);
    server.forget();
    let increment = run(&store, &server).unwrap();
    assert_eq!(increment.done, [("npm".to_owned(), Done::Increment(3, 1))]);
    assert!(
        !server.asked().iter().any(|path| path.contains("all.zip")),
        "{:?}",
        server.asked()
    );
    assert_eq!(records(&increment.generation.index), 50);
    assert!(increment.generation.index.record("GHSA-0049").unwrap().is_none());
    let query = plimsoll::advisory::index::Query::new("1.0.5", &NPM);
    assert_eq!(
        increment
            .generation
            .index
            .affecting(0, "pGHSA-0001", &query)
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        increment
            .generation
            .index
            .affecting(0, "pGHSA-0003", &query)
            .unwrap()
            .len(),
        0
    );

    // The same as if it had been fetched whole.
    let (_other_folder, other) = self::store();
    let whole = run(&other, &server).unwrap();
    assert_eq!(
        whole.generation.index.all().unwrap(),
        increment.generation.index.all().unwrap()
    );
}

#[test]
fn one_time_written_in_two_ways_is_no_change() {
    let (server, (_folder, store)) = (serving(0), store());
    let all: Vec<_> = (0..5)
        .map(|i| {
            let (id, _, json) = record(i, 1);
            let json = json.replace(":01Z", ":01.250Z");
            (id, "2026-01-01T00:00:01.250000+00:00".to_owned(), json)
        })
        .collect();
    server.publish("npm", &all);
    run(&store, &server).unwrap();
    // Another list, that says the same.
    server.publish("npm", &all);
    assert_eq!(
        run(&store, &server).unwrap().done,
        [("npm".to_owned(), Done::Increment(0, 0))]
    );
}

#[test]
fn a_zip_of_something_else_is_not_taken_for_the_ecosystem() {
    let (server, (_folder, store)) = (serving(5), store());
    let (id, time, json) = record(1, 1);
    server.publish("npm", &[(id, time, json.replace(r#""npm""#, r#""PyPI""#))]);
    let error = run(&store, &server).expect_err("nothing of npm").to_string();
    assert!(error.contains("holds no advisory of npm"), "{error}");
    assert!(store.current().unwrap().is_none());
}

#[test]
fn a_server_without_a_list_of_changes_is_fetched_whole() {
    let (server, (_folder, store)) = (serving(5), store());
    server.trick("/npm/modified_id.csv", vec![Trick::Status(404, ""); 9]);
    let done = || run(&store, &server).unwrap().done;
    assert_eq!(done(), [("npm".to_owned(), Done::Whole)]);
    server.forget();
    assert_eq!(done(), [("npm".to_owned(), Done::Current)]);
    assert!(
        server.asked().contains(&"/npm/all.zip 304".to_owned()),
        "{:?}",
        server.asked()
    );
    server.publish("npm", &(0..6).map(|i| record(i, 1)).collect::<Vec<_>>());
    assert_eq!(done(), [("npm".to_owned(), Done::Whole)]);
    // The mark of the one file is none of the other's.
    server.untrick();
    assert_eq!(done(), [("npm".to_owned(), Done::Increment(0, 0))]);
}

#[test]
fn a_download_that_breaks_off_is_continued() {
    let (server, (_folder, store)) = (serving(400), store());
    server.trick("/npm/all.zip", vec![Trick::CutAfter(20_000)]);
    assert_eq!(records(&run(&store, &server).unwrap().generation.index), 400);
    let asked = server.asked();
    assert!(asked.contains(&"/npm/all.zip 206".to_owned()), "{asked:?}");
}

#[test]
fn a_download_that_changed_meanwhile_begins_again() {
    let (server, (_folder, store)) = (serving(400), store());
    server.trick("/npm/all.zip", vec![Trick::CutAfter(20_000), Trick::NewVersion]);
    assert_eq!(records(&run(&store, &server).unwrap().generation.index), 400);
    let asked = server.asked();
    assert_eq!(
        asked.iter().filter(|a| **a == "/npm/all.zip 200").count(),
        2,
        "{asked:?}"
    );
}

#[test]
fn a_range_that_cannot_be_begins_again() {
    let (server, (_folder, store)) = (serving(400), store());
    server.trick("/npm/all.zip", vec![Trick::CutAfter(20_000), Trick::Status(416, "")]);
    assert_eq!(records(&run(&store, &server).unwrap().generation.index), 400);
}

#[test]
fn busy_servers_are_asked_again() {
    let (server, (_folder, store)) = (serving(5), store());
    server.trick("/npm/modified_id.csv", vec![Trick::Status(429, "Retry-After: 1\r\n")]);
    server.trick("/npm/all.zip", vec![Trick::Status(500, ""), Trick::Status(503, "")]);
    let start = Instant::now();
    assert_eq!(records(&run(&store, &server).unwrap().generation.index), 5);
    assert!(start.elapsed() >= Duration::from_secs(1), "Retry-After is kept to");
}

#[test]
fn what_fails_leaves_the_generation_as_it_was() {
    let (server, (_folder, store)) = (serving(50), store());
    let first = run(&store, &server).unwrap().generation;
    let before = first.index.as_bytes().to_vec();
    let cases: [(&str, &str, Trick); 7] = [
        ("refused", "/npm/modified_id.csv", Trick::Status(403, "")),
        (
            "no list",
            "/npm/modified_id.csv",
            Trick::Body(b"<html>sign in</html>".to_vec()),
        ),
        ("an empty list", "/npm/modified_id.csv", Trick::Body(Vec::new())),
        (
            "a list with a path",
            "/npm/modified_id.csv",
            Trick::Body(b"2026-01-01T00:00:00Z,../../x\n".to_vec()),
        ),
        ("a lost record", "/npm/GHSA-0001.json", Trick::Status(404, "")),
        ("no zip", "/npm/all.zip", Trick::Body(b"<html>sign in</html>".to_vec())),
        (
            "half a zip",
            "/npm/all.zip",
            Trick::Body(b"PK\x03\x04 and no more".to_vec()),
        ),
    ];
    for (what, path, trick) in cases {
        if path.ends_with("zip") {
            server.trick("/npm/modified_id.csv", vec![Trick::Status(404, "")]);
        } else {
            let next: Vec<_> = (0..50).map(|i| record(i, if i == 1 { 9 } else { 1 })).collect();
            server.publish("npm", &next);
        }
        server.trick(path, vec![trick; 9]);
        let error = run(&store, &server).expect_err(what);
        println!("{what}: {error}");
        server.untrick();
        let now = store.current().unwrap().unwrap();
        assert!(now.index.as_bytes() == before, "{what}");
        assert_eq!(now.pointer, first.pointer, "{what}");
    }
}

#[test]
fn less_or_older_is_refused_unless_forced() {
    let (server, (_folder, store)) = (serving(50), store());
    run(&store, &server).unwrap();
    server.publish("npm", &(0..30).map(|i| record(i, 1)).collect::<Vec<_>>());
    let error = run(&store, &server).expect_err("fewer");
    assert!(
        matches!(error, UpdateError::Store(StoreError::Drop { old: 50, new: 30, .. })),
        "{error}"
    );
    server.publish("npm", &(0..50).map(|i| record(i, 0)).collect::<Vec<_>>());
    let error = run(&store, &server).expect_err("older");
    assert!(
        matches!(error, UpdateError::Store(StoreError::Rollback { .. })),
        "{error}"
    );
    let mut forced = options(&server);
    forced.force = true;
    update::update(&store, &forced, &|_, _, _| {}).unwrap();
}

#[test]
fn unreadable_records_are_put_aside() {
    let (server, (_folder, store)) = (serving(5), store());
    let mut all: Vec<_> = (0..5).map(|i| record(i, 1)).collect();
    all.push((
        "GHSA-0100".to_owned(),
        "2026-01-01T00:00:01Z".to_owned(),
        r#"{"id":7}"#.to_owned(),
    ));
    server.publish("npm", &all);
    let updated = run(&store, &server).unwrap();
    assert_eq!(records(&updated.generation.index), 5);
    assert_eq!(updated.quarantined.len(), 1);
    assert!(updated.quarantined[0].place.ends_with("GHSA-0100.json"));
    let unread = |index: &Index| index.meta().sources[0].unread.count;
    assert_eq!(unread(&updated.generation.index), 1);
    // It is asked for again each time, and told of until it can be read.
    all.push(record(101, 2));
    server.publish("npm", &all);
    let again = run(&store, &server).unwrap();
    assert_eq!(
        (again.done, again.quarantined.len()),
        (vec![("npm".to_owned(), Done::Increment(1, 0))], 1)
    );
    assert_eq!(unread(&again.generation.index), 1);
    let (_, _, json) = record(100, 1);
    all[5].2 = json;
    server.publish("npm", &all);
    assert_eq!(unread(&run(&store, &server).unwrap().generation.index), 0);
}

#[test]
fn sizes_are_capped_whatever_was_announced() {
    let server = serving(5);
    let remote = plimsoll::http::Remote::new(&server.url(), Duration::from_secs(5), true).unwrap();
    server.trick("/big", vec![Trick::Endless; 2]);
    let error = remote.get("big", None, 100_000).expect_err("endless");
    assert!(matches!(error, HttpError::TooLarge { limit: 100_000, .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = remote
        .download("big", None, &folder.path().join("x"), 100_000, &|_, _, _| {})
        .expect_err("endless");
    assert!(matches!(error, HttpError::TooLarge { .. }), "{error}");
}

#[test]
fn a_server_that_dribbles_is_given_up() {
    let server = serving(5);
    let remote = plimsoll::http::Remote::new(&server.url(), Duration::from_secs(5), true).unwrap();
    server.trick("/slow", vec![Trick::Dribble]);
    let start = Instant::now();
    let error = remote.get("slow", None, 100_000).expect_err("too slow");
    println!("given up after {:?}: {error}", start.elapsed());
    assert!(matches!(error, HttpError::TooSlow { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(40));
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let connect = Duration::from_secs(1);
    for url in [
        "http://mirror.example.test",
        "ftp://localhost",
        "mirror",
        "http://127.0.0.1.example.test",
    ] {
        let error = plimsoll::http::Remote::new(url, connect, false).expect_err(url);
        assert!(matches!(error, HttpError::Url { .. }), "{error}");
    }
    let (server, (_folder, store)) = (serving(5), store());
    server.trick(
        "/npm/modified_id.csv",
        vec![Trick::Status(
            302,
            "Location: http://mirror.example.test/npm/modified_id.csv\r\n",
        )],
    );
    let error = run(&store, &server).expect_err("a redirect away").to_string();
    assert!(error.contains("plain http"), "{error}");
}

#[test]
fn nobody_there_is_found_out_at_once_and_leaves_nothing() {
    let (_folder, store) = store();
    let start = Instant::now();
    let mut options = options(&serving(1));
    options.url = "http://127.0.0.1:9".to_owned();
    options.patient = false;
    update::update(&store, &options, &|_, _, _| {}).expect_err("nobody");
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(!store.root().exists());
}

#[test]
fn the_api_answers_for_a_scan() {
    let server = Server::start();
    server.publish("v1/vulns", &[]);
    let (_, _, json) = record(1, 9);
    server.put("/v1/vulns/GHSA-0001", json.into_bytes());
    let page = |ids: &str, token: &str| format!(r#"{{"results":[{{"vulns":[{ids}]{token}}}]}}"#).into_bytes();
    server.trick(
        "/v1/querybatch",
        vec![
            Trick::Body(page("", r#","next_page_token":"more""#)),
            Trick::Body(page(r#"{"id":"GHSA-0001"}"#, "")),
        ],
    );
    let coordinate = NPM.coordinate("pGHSA-0001", Some("1.0.2"));
    let asked = std::iter::once(&coordinate).collect();
    let database = plimsoll::advisory::osv_api::ask(&server.url(), &asked, SystemTime::now()).unwrap();
    assert_eq!(database.affecting(&coordinate, "1.0.2").unwrap().len(), 1);
    assert!(database.provenance().source.contains("sent"));
    // No more than a thousand in one request.
    let many: Vec<_> = (0..1001)
        .map(|i| NPM.coordinate(&format!("p{i}"), Some("1.0.0")))
        .collect();
    let nothing = |count: usize| {
        let results = vec!["{}"; count].join(",");
        Trick::Body(format!(r#"{{"results":[{results}]}}"#).into_bytes())
    };
    server.trick("/v1/querybatch", vec![nothing(1000), nothing(1)]);
    plimsoll::advisory::osv_api::ask(&server.url(), &many.iter().collect(), SystemTime::now()).unwrap();
    // Half of an answer is none.
    server.trick("/v1/querybatch", vec![Trick::Body(br#"{"results":[]}"#.to_vec())]);
    plimsoll::advisory::osv_api::ask(&server.url(), &asked, SystemTime::now()).expect_err("no results");
}

/// The whole of what a scan does about its database: fetched on first use, of the artifact's ecosystem alone; used as it is for a
/// day; warned of after that; refused after five.
#[test]
fn a_scan_fetches_on_first_use_and_says_how_old_its_advisories_are() {
    let server = Server::start();
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    let written = humantime::format_rfc3339_seconds(hour_ago).to_string();
    for ecosystem in ["npm", "PyPI", "crates.io"] {
        let record = |i: u32| {
            let (id, time, json) = record(i, 1);
            (
                id,
                written.clone(),
                json.replace(&time, &written)
                    .replace("\"npm\"", &format!("{ecosystem:?}")),
            )
        };
        server.publish(ecosystem, &(0..3).map(record).collect::<Vec<_>>());
    }
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("f.zip");
    let package = r#"{"name":"pGHSA-0001","version":"1.0.0"}"#;
    std::fs::write(
        &bundle,
        super::common::zip_of(&[("node_modules/pGHSA-0001/package.json", package)]),
    )
    .unwrap();
    let scan = |days: u64, url: &str, args: &[&str]| {
        let now = SystemTime::now() + Duration::from_hours(24 * days);
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["scan", "-o", "json"])
            .args(args)
            .arg(&bundle)
            .env_clear()
            .envs([("HOME", folder.path().to_str().unwrap()), ("PLIMSOLL_DB_URL", url)])
            .env("SOURCE_DATE_EPOCH", seconds.to_string())
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let told = String::from_utf8(out.stderr).unwrap();
        let records = report["advisories"]["records"].as_u64().unwrap();
        (out.status.code().unwrap(), records, told)
    };
    let (code, records, told) = scan(0, &server.url(), &[]);
    assert_eq!((code, records, &*told), (1, 3, ""));
    let asked = server.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|request| request.contains("/npm/")),
        "{asked:?}"
    );
    server.forget();
    assert_eq!(scan(0, &server.url(), &[]).0, 1);
    assert_eq!(server.asked(), Vec::<String>::new());
    let nobody = "http://127.0.0.1:9";
    for (days, args, code, says) in [
        (2, &[][..], 1, "2 days old"),
        (6, &[], 2, "more than the limit of 5 days"),
        (6, &["--allow-stale"], 1, "6 days old"),
        (6, &["--offline"], 1, "6 days old"),
    ] {
        let (got, records, told) = scan(days, nobody, args);
        assert!(
            (got, records) == (code, 3) && told.contains(says),
            "{days} {args:?}: {got} {told}"
        );
        assert_eq!(told.contains("cannot be fetched"), args != ["--offline"], "{told}");
    }
}
