//! `--enrich` over real HTTP, from a server on this machine with answers in the shapes of deps.dev's API and PEP 691.

use super::server;

use plimsoll::{
    advisory::Database,
    audit::{self, Input, Options},
    ecosystem::{CARGO, NPM, PYPI},
    enrich::{self, Enriched},
    model::{Coordinate, ProjectStatus},
    report::Report,
};
use serde_json::json;
use server::{Server, Trick};
use std::{
    path::Path,
    time::{Duration, SystemTime},
};

fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-11-24T00:00:00Z").unwrap()
}

fn all() -> Vec<Coordinate> {
    vec![
        CARGO.coordinate("bytes", Some("1.0.0")),
        NPM.coordinate("@a/old", Some("2.0.0")),
        NPM.coordinate("plain", Some("1.0.0")),
        NPM.coordinate("unknown", Some("1.0.0")),
        PYPI.coordinate("held", Some("0.1")),
        PYPI.coordinate("pulled", Some("1.0")),
    ]
}

fn ask(server: &Server, cache: Option<&Path>, at: SystemTime) -> Enriched {
    let all = all();
    let options = enrich::Options {
        url: server.url(),
        index: Some(format!("{}/simple", server.url())),
        cache: cache.map(Path::to_owned),
        now: at,
    };
    enrich::ask(&all.iter().collect(), &options)
}

fn request(system: &str, name: &str, version: &str) -> serde_json::Value {
    json!({"versionKey": {"system": system, "name": name, "version": version}})
}

fn serve(server: &Server) {
    batches(server);
    files(server);
}

/// Answers in another order than the questions, over two pages.
fn batches(server: &Server) {
    let old = json!({"publishedAt": "2019-05-01T00:00:00Z", "isDeprecated": true, "deprecatedReason": "gone",
        "advisoryKeys": [{"id": "GHSA-0000"}],
        "relatedProjects": [{"projectKey": {"id": "github.com/a/old"}, "relationType": "SOURCE_REPO"}]});
    let first = json!({"nextPageToken": "two", "responses": [
        {"request": request("PYPI", "pulled", "1.0"), "version": {"publishedAt": "2024-01-01T00:00:00Z"}},
        {"request": request("NPM", "@a/old", "2.0.0"), "version": old},
        {"request": request("NPM", "unknown", "1.0.0")},
    ]});
    let second = json!({"responses": [
        {"request": request("CARGO", "bytes", "1.0.0"), "version": {"isDeprecated": true}},
        {"request": request("PYPI", "held", "0.1"), "version": {}},
        {"request": request("NPM", "plain", "1.0.0"), "version": {"publishedAt": "2018-01-01T00:00:00Z"}},
    ]});
    let body = |value: serde_json::Value| Trick::Body(value.to_string().into_bytes());
    server.trick("/v3alpha/versionbatch", vec![body(first), body(second)]);
    let archived = json!({"name": "Maintained", "score": 0, "reason": "project is archived"});
    let projects = json!({"responses": [{"request": {"projectKey": {"id": "github.com/a/old"}},
        "project": {"scorecard": {"checks": [archived]}}}]});
    server.trick("/v3alpha/projectbatch", vec![body(projects)]);
}

fn files(server: &Server) {
    let package =
        json!({"versions": [{"publishedAt": "2019-05-01T00:00:00Z"}, {"publishedAt": "2020-02-01T00:00:00Z"}]});
    server.put(
        "/v3alpha/systems/npm/packages/%40a%2Fold",
        package.to_string().into_bytes(),
    );
    let held = json!({"project-status": {"status": "quarantined", "reason": "steals tokens"}, "files": []});
    server.put("/simple/held/", held.to_string().into_bytes());
    let pulled = json!({"files": [
        {"filename": "pulled-1.0-py3-none-any.whl", "yanked": "broken"},
        {"filename": "pulled-1.0.0.tar.gz", "yanked": true},
        {"filename": "pulled-1.1.tar.gz"},
    ]});
    server.put("/simple/pulled/", pulled.to_string().into_bytes());
}

#[test]
fn what_is_known_today() {
    let server = Server::start();
    serve(&server);
    let Enriched { upstream, gaps } = ask(&server, None, now());
    assert!(gaps.is_empty(), "{gaps:?}");
    let of = |i: usize| upstream.get(&all()[i]);
    assert_eq!(of(0).unwrap().yanked.as_deref(), Some(""));
    let old = of(1).unwrap();
    assert_eq!((old.deprecated.as_deref(), old.archived), (Some("gone"), true));
    assert_eq!(old.last_release.as_deref(), Some("2020-02-01T00:00:00Z"));
    // Old, and nothing else against it: nobody asks further.
    assert_eq!(of(2).unwrap().last_release, None);
    assert_eq!(of(3), None);
    assert_eq!(of(4).unwrap().status, Some(ProjectStatus::Quarantined));
    assert_eq!(of(4).unwrap().status_reason.as_deref(), Some("steals tokens"));
    assert_eq!(of(5).unwrap().yanked.as_deref(), Some("broken"));
}

#[test]
fn answers_are_kept_for_a_day_and_then_asked_for_with_their_mark() {
    let (server, cache) = (Server::start(), tempfile::tempdir().unwrap());
    serve(&server);
    let first = ask(&server, Some(cache.path()), now());
    server.forget();
    let again = ask(&server, Some(cache.path()), now() + Duration::from_hours(23));
    assert_eq!(again.upstream, first.upstream);
    // What nobody knew is asked about again; a 404 is not kept.
    assert!(
        server.asked().iter().all(|a| a.ends_with(" 404")),
        "{:?}",
        server.asked()
    );
    server.forget();
    batches(&server);
    let later = ask(&server, Some(cache.path()), now() + Duration::from_hours(25));
    assert_eq!(later.upstream, first.upstream);
    assert!(
        server.asked().contains(&"/simple/held/ 304".to_owned()),
        "{:?}",
        server.asked()
    );
}

#[test]
fn what_cannot_be_asked_is_a_gap() {
    let cases = [
        Trick::Status(403, ""),
        Trick::Body(b"<html>".to_vec()),
        Trick::Body(br#"{"responses":[]}"#.to_vec()),
        Trick::Body(br#"{"responses":[{"request":{"versionKey":{"name":"other"}}}]}"#.to_vec()),
        Trick::Body(b"[]".to_vec()),
    ];
    for trick in cases {
        let server = Server::start();
        serve(&server);
        server.untrick();
        server.trick("/v3alpha/versionbatch", vec![trick; 9]);
        let Enriched { gaps, .. } = ask(&server, None, now());
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(gaps[0].reason.contains("could not be asked"), "{}", gaps[0].reason);
    }
}

fn findings(report: &Report) -> Vec<String> {
    let all = &report.artifacts[0].findings;
    let show = |f: &plimsoll::model::Finding| {
        let name = f.subject.as_ref().map_or("-", |s| &s.name);
        format!("{} {} {name}: {}", f.level.as_str(), f.rule.id, f.message)
    };
    all.iter().map(show).collect()
}

#[test]
fn findings_of_a_scan() {
    let server = Server::start();
    serve(&server);
    let folder = tempfile::tempdir().unwrap();
    let lock = "pulled==1.0\nheld==0.1\n";
    std::fs::write(folder.path().join("requirements.txt"), lock).unwrap();
    let package = json!({"lockfileVersion": 3, "packages": {
        "node_modules/@a/old": {"version": "2.0.0"}, "node_modules/plain": {"version": "1.0.0"}}});
    std::fs::write(folder.path().join("package-lock.json"), package.to_string()).unwrap();
    let inputs = [Input::Path(folder.path().to_owned())];
    let mut options = Options::default();
    options.checks.upstream = ask(&server, None, now()).upstream;
    let report = audit::audit(&inputs, &options, &Database::embedded(), now(), &|| {});
    assert_eq!(
        findings(&report),
        [
            "error quarantined held: its index holds the project back as suspected malware: steals tokens",
            "warning unmaintained @a/old: its publisher deprecated it: gone",
            "warning yanked pulled: its publisher took this version back: broken",
        ]
    );
    options.checks.upstream.values_mut().for_each(|u| u.deprecated = None);
    let report = audit::audit(&inputs, &options, &Database::embedded(), now(), &|| {});
    let corroborated = "warning unmaintained @a/old: no release since 2020-02-01, and its repository is archived";
    assert!(
        findings(&report).contains(&corroborated.to_owned()),
        "{:?}",
        findings(&report)
    );
}
