//! The inventory: what is remembered from night to night, and what survives whatever happens to it. SQLite alone; what needs a
//! PostgreSQL server is `tests/real/fleet/postgres.sh`.
#![cfg(feature = "fleet")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod outside;
mod world;

use serde_json::Value;
use std::{fs, process::Command, thread, time::Instant};
use world::World;

#[test]
fn a_night_is_remembered_and_repeating_it_changes_nothing() {
    let world = World::new();
    world.function("orders", "a", &[("minimist", "1.2.5"), ("lodash", "4.17.20")]);
    world.function("billing", "a", &[("minimist", "1.2.5"), ("lodash", "4.17.20")]);
    world.function("users", "b", &[("express", "4.18.2")]);
    let told = world.sync(&[]);
    assert!(
        told.contains("3 functions, 0 unchanged, 2 artifacts read, 1 shared"),
        "{told}"
    );
    assert_eq!(world.audit(&[]), 1);
    let before = world.dump();
    let told = world.sync(&[]);
    assert!(told.contains("3 functions, 3 unchanged, 0 artifacts read"), "{told}");
    assert_eq!(world.audit(&[]), 1);
    assert_eq!(world.dump(), before);

    // A new time of change alone: what it holds is the same, and is known by its digest.
    world.touch("orders");
    let told = world.sync(&[]);
    assert!(told.contains("2 unchanged, 0 artifacts read, 1 shared"), "{told}");

    let list = world.ask(&["list"]);
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["billing.zip", "orders.zip", "users.zip"]);
}

#[test]
fn findings_have_a_life() {
    let world = World::new();
    world.function("orders", "a", &[("minimist", "1.2.5")]);
    world.function("users", "b", &[("express", "4.18.2")]);
    world.sync(&[]);
    assert_eq!(world.audit(&["--new-only"]), 1);
    assert_eq!(world.audit(&["--new-only"]), 0, "it was known the night before");
    assert_eq!(world.audit(&[]), 1);

    world.function("orders", "c", &[("minimist", "1.2.6")]);
    world.function("users", "d", &[("minimist", "1.2.5")]);
    world.sync(&[]);
    assert_eq!(world.audit(&["--new-only"]), 1);
    let shown = world.ask(&["show", "orders.zip"]);
    let finding = &shown[0]["findings"][0];
    assert_eq!(finding["advisory"], "GHSA-xvch-5gv4-984h");
    for time in ["first_seen", "last_seen", "fixed_on"] {
        assert!(finding[time].is_string(), "{time}: {finding}");
    }
    let shown = world.ask(&["show", "users.zip"]);
    assert_eq!(shown[0]["findings"][0]["fixed_on"], Value::Null);
    assert_eq!(shown[0]["deployments"].as_array().unwrap().len(), 2);

    // It comes back: a second life, and the first is not forgotten.
    world.function("orders", "a", &[("minimist", "1.2.5")]);
    world.sync(&[]);
    world.audit(&[]);
    let shown = world.ask(&["show", "orders.zip"]);
    let lives: Vec<bool> = shown[0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["fixed_on"].is_null())
        .collect();
    assert_eq!(lives, [false, true]);

    let diff = world.ask(&["diff", "--since", "1"]);
    let changes: Vec<String> = diff
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{} {} {}",
                c["change"].as_str().unwrap(),
                c["what"].as_str().unwrap(),
                c["name"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        changes[..3],
        [
            "~ function users.zip",
            "- component pkg:npm/express@4.18.2",
            "+ finding pkg:npm/minimist@1.2.5 GHSA-xvch-5gv4-984h"
        ],
        "{changes:?}"
    );

    world.remove("users");
    let told = world.sync(&[]);
    assert!(told.contains("1 gone"), "{told}");
    world.audit(&[]);
    assert!(world.ask(&["show", "users.zip"])[0]["gone_run"].is_number());
    assert_eq!(world.ask(&["find", "npm:minimist"]).as_array().unwrap().len(), 1);

    world.run(&["prune", "--keep", "1"]);
    assert_eq!(world.ask(&["list", "--gone"]).as_array().unwrap().len(), 1);
    world.run(&["prune", "--keep", "1"]);
    assert_eq!(world.audit(&["--new-only"]), 0);
}

#[test]
fn a_package_is_found_in_all_who_ship_it_and_by_way_of_what() {
    let world = World::new();
    world.tree(
        "orders",
        &[
            ("package.json", r#"{"name":"orders","dependencies":{"express":"^4"}}"#),
            (
                "node_modules/express/package.json",
                r#"{"name":"express","version":"4.18.2","dependencies":{"qs":"6"}}"#,
            ),
            ("node_modules/qs/package.json", r#"{"name":"qs","version":"6.11.0"}"#),
            ("index.js", "require('express')"),
        ],
    );
    world.function("users", "b", &[("qs", "6.5.2")]);
    world.sync(&[]);
    for (package, expected) in [
        ("npm:qs", vec!["orders.zip", "users.zip"]),
        ("npm:qs@<6.11.0", vec!["users.zip"]),
        ("npm:qs@>=6.11.0,<7.0.0", vec!["orders.zip"]),
        ("pkg:npm/qs@6.5.2", vec!["users.zip"]),
        ("npm:q*", vec!["orders.zip", "users.zip"]),
        ("pypi:qs", vec![]),
    ] {
        let found = world.ask(&["find", package]);
        let mut names: Vec<&str> = found
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["function"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{package}");
    }
    let found = world.ask(&["find", "npm:qs@6.11.0"]);
    assert_eq!(found[0]["through"][0], "pkg:npm/express@4.18.2");
}

#[test]
fn what_cannot_be_read_is_told_and_tried_again() {
    let world = World::new();
    world.function("orders", "a", &[("lodash", "4.17.21")]);
    fs::write(
        world.functions().join("fleet.csv"),
        "name,path,runtime,owner,tags\norders,orders.zip,nodejs16.x,shop,a=b;c=d\nlost,lost.zip,,,\n",
    )
    .unwrap();
    let manifest = world.functions().join("fleet.csv");
    let (code, told) = world.sync_of(manifest.to_str().unwrap(), &[]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("lost") && told.contains("1 failed"), "{told}");
    let list = world.ask(&["list"]);
    assert!(list[0]["failed"].is_string(), "{list}");
    assert_eq!(list[1]["tags"]["c"], "d");
    // Its runtime's end is a finding of the function; what could not be read is a blind gap.
    assert_eq!(world.audit(&[]), 3);
    let shown = world.ask(&["show", "orders"]);
    assert_eq!(shown[0]["findings"][0]["rule"], "runtime-eol");

    world.function("lost", "b", &[]);
    let (code, _) = world.sync_of(manifest.to_str().unwrap(), &[]);
    assert_eq!(code, 0);
    assert_eq!(world.ask(&["list"])[0]["failed"], Value::Null);
}

#[test]
fn parts_together_are_the_whole() {
    let (whole, parts) = (World::new(), World::new());
    for world in [&whole, &parts] {
        world.many(24);
    }
    whole.sync(&[]);
    whole.audit(&[]);
    for part in ["3/3", "1/3", "2/3"] {
        parts.sync(&["--shard", part]);
    }
    parts.audit(&[]);
    assert_eq!(parts.dump(), whole.dump());
    // A part marks as gone only what is its own.
    parts.remove("function-07");
    for part in ["1/3", "2/3", "3/3"] {
        parts.sync(&["--shard", part]);
    }
    let gone: Vec<Value> = parts
        .ask(&["list", "--gone"])
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| !f["gone_run"].is_null())
        .cloned()
        .collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["name"], "function-07.zip");
}

#[test]
fn two_writers_at_once_write_what_one_does() {
    let (one, two) = (World::new(), World::new());
    for world in [&one, &two] {
        world.many(30);
    }
    one.sync(&[]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| two.sync(&[]));
        }
    });
    assert_eq!(two.dump(), one.dump());
    assert!(two.is_whole());
}

/// Kills at moments spread over all of a sync and an audit. `PLIMSOLL_KILLS` asks for more of them (CI: 300).
#[test]
fn kills_leave_a_whole_store_and_the_next_run_ends_as_it_would_have() {
    let kills: u32 = std::env::var("PLIMSOLL_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(16);
    let (world, untouched) = (World::new(), World::new());
    for world in [&world, &untouched] {
        world.many(24);
    }
    let start = Instant::now();
    untouched.sync(&[]);
    let sync = start.elapsed();
    let start = Instant::now();
    untouched.audit(&[]);
    let audit = start.elapsed();
    let expected = untouched.dump();
    let mut aborted = 0;
    for kill in 0..kills {
        if kill % 8 == 0 {
            world.forget();
        }
        let audits = kill % 2 == 1;
        let span = if audits { audit } else { sync };
        let mut child = world.start(if audits { "audit" } else { "sync" });
        thread::sleep(span * (kill * 7 % 23) / 20);
        let _ = child.kill();
        child.wait().unwrap();
        if !world.store().exists() {
            continue;
        }
        assert!(world.is_whole(), "kill {kill}");
        if kill % 4 == 3 {
            world.sync(&[]);
            world.audit(&[]);
            assert_eq!(world.dump(), expected, "after kill {kill}");
            let runs = world.ask(&["runs"]);
            let runs = runs.as_array().unwrap();
            assert!(runs.iter().all(|r| r["state"] != "running"), "kill {kill}");
            aborted += runs.iter().filter(|r| r["state"] == "aborted").count();
        }
    }
    assert!(aborted > 0, "no kill fell on a run");
    println!("{kills} kills, {aborted} runs aborted among those counted");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_a_run_and_loses_nothing() {
    let world = World::new();
    world.many(40);
    // A limit on the size of files is a disk that is full.
    let limited = |blocks: u32, verb: &str| {
        let shell = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &shell, "bash", env!("CARGO_BIN_EXE_plimsoll"), "inventory", verb]);
        world.arguments(&mut command, verb);
        command.output().unwrap()
    };
    let output = limited(150, "sync");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("full") || told.contains("I/O"), "{told}");
    assert!(world.is_whole());
    let whole = World::new();
    whole.many(40);
    whole.sync(&[]);
    whole.audit(&[]);
    world.sync(&[]);
    world.audit(&[]);
    assert_eq!(world.dump(), whole.dump());
}

#[cfg(unix)]
#[test]
fn a_store_that_may_not_be_written_is_read_and_not_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.function("orders", "a", &[("lodash", "4.17.20")]);
    world.sync(&[]);
    world.audit(&[]);
    let readable = |mode: u32| {
        for entry in fs::read_dir(world.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        let folder = if mode == 0o444 { 0o555 } else { 0o755 };
        fs::set_permissions(world.folder(), fs::Permissions::from_mode(folder)).unwrap();
    };
    readable(0o444);
    let writable = fs::write(world.folder().join("probe"), b"").is_ok();
    if writable {
        // Whoever is root may write everything.
        let _ = fs::remove_file(world.folder().join("probe"));
        readable(0o644);
        println!("skipped: this user may write files that nobody may write");
        return;
    }
    assert_eq!(world.ask(&["list"]).as_array().unwrap().len(), 1);
    let (code, told) = world.sync_of(world.functions().to_str().unwrap(), &[]);
    readable(0o644);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("cannot be written"), "{told}");
}

#[test]
fn stores_of_other_versions() {
    let world = World::new();
    world.function("orders", "a", &[("lodash", "4.17.20")]);
    world.sync(&[]);
    world.sql("UPDATE schema_version SET version = 99");
    let told = world.fails(&["list"]);
    assert!(told.contains("has schema 99, this plimsoll knows up to"), "{told}");

    // As the first schema was: without findings.
    world.sql(
        "UPDATE schema_version SET version = 1; DROP TABLE judged; DROP TABLE doubt; DROP TABLE finding; DROP TABLE verdict; \
         DROP TABLE flaw",
    );
    let told = world.fails(&["list"]);
    assert!(
        told.contains("has schema 1") && told.contains("inventory sync"),
        "{told}"
    );
    let told = world.sync(&[]);
    assert!(
        told.contains("brought from schema 1") && told.contains(".v1.bak"),
        "{told}"
    );
    assert_eq!(world.audit(&[]), 1);
    assert!(world.folder().join("store.db.v1.bak").exists());

    fs::write(
        world.folder().join("store.db"),
        b"this is no database, and longer than a header of one would have to be",
    )
    .unwrap();
    let _ = fs::remove_file(world.folder().join("store.db-wal"));
    let told = world.fails(&["list"]);
    assert!(told.contains("not a database"), "{told}");
    let none = World::new();
    let told = none.fails(&["list"]);
    assert!(told.contains("there is no inventory"), "{told}");
}

#[test]
fn an_audit_says_what_a_scan_says() {
    let world = World::new();
    world.tree(
        "orders",
        &[
            ("node_modules/lodash/package.json", r#"{"name":"lodash","version":"4.17.20","deprecated":"use something else"}"#),
            ("node_modules/minimist/package.json", r#"{"name":"minimist","version":"1.2.5"}"#),
            ("node_modules/expresss/package.json", r#"{"name":"expresss","version":"1.0.0"}"#),
            ("node_modules/axios/package.json", r#"{"name":"axios"}"#),
            ("template.yaml", "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: nodejs14.x\n"),
            ("package-lock.json", r#"{"name":"a","lockfileVersion":3,"packages":{"":{"name":"a"},"node_modules/left-pad":{"version":"1.3.0","deprecated":"use pad","resolved":"https://example.test/x.tgz"}}}"#),
        ],
    );
    world.sync(&[]);
    let zip = world.functions().join("orders.zip");
    let facts = |report: &Value| {
        let mut facts: Vec<String> = report["artifacts"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                format!(
                    "{} {} {} {} {} {} {}",
                    f["rule"], f["level"], f["component"], f["advisory"], f["severity"], f["fixed_in"], f["locations"]
                )
            })
            .collect();
        facts.sort();
        facts
    };
    let scan = world.report(&["scan", "--advisories", "embedded", "-o", "json", zip.to_str().unwrap()]);
    let audit = world.report(&[
        "inventory",
        "audit",
        "--advisories",
        "embedded",
        "-o",
        "json",
        "--store",
        world.store().to_str().unwrap(),
    ]);
    assert!(facts(&scan).len() > 4, "{:?}", facts(&scan));
    assert_eq!(facts(&audit), facts(&scan));
    assert_eq!(audit["summary"]["exit_code"], scan["summary"]["exit_code"]);
    let gaps = |report: &Value| -> Vec<String> {
        report["artifacts"][0]["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| format!("{} {} {} {}", g["kind"], g["stage"], g["location"], g["reason"]))
            .collect()
    };
    assert_eq!(gaps(&audit), gaps(&scan));

    let sbom = world.report(&["sbom", "-o", "cyclonedx", zip.to_str().unwrap()]);
    let kept = world.report(&[
        "inventory",
        "sbom",
        "orders.zip",
        "--store",
        world.store().to_str().unwrap(),
    ]);
    assert_eq!(kept["components"], sbom["components"]);
    assert_eq!(kept["dependencies"], sbom["dependencies"]);
}

#[test]
fn only_what_changed_in_the_advisories_is_looked_at_again() {
    let world = World::new();
    world.function("orders", "a", &[("one", "1.0.0")]);
    world.function("users", "b", &[("two", "1.0.0")]);
    world.sync(&[]);
    let record = |id: &str, name: &str, day: u32| {
        let json = format!(
            r#"{{"id":"{id}","modified":"2026-01-{day:02}T00:00:00Z","summary":"bad","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#
        );
        (format!("{id}.json"), json)
    };
    world.advisories(&[record("GHSA-1", "one", 1), record("GHSA-9", "other", 1)]);
    let audit = |args: &[&str]| {
        let (_, told) = world.audit_with_database(args);
        told
    };
    let told = audit(&[]);
    assert!(
        told.contains("2 artifacts judged\n") && told.contains("1 new, 0 gone, 1 open"),
        "{told}"
    );
    let told = audit(&[]);
    assert!(
        told.contains("0 artifacts judged, the others") && told.contains("0 new, 0 gone, 1 open"),
        "{told}"
    );
    world.advisories(&[
        record("GHSA-1", "one", 1),
        record("GHSA-2", "two", 2),
        record("GHSA-9", "other", 2),
    ]);
    let told = audit(&[]);
    assert!(
        told.contains("1 artifacts judged, the others") && told.contains("1 new, 0 gone, 2 open"),
        "{told}"
    );
    let incremental = world.dump();
    let told = audit(&["--all"]);
    assert!(told.contains("0 new, 0 gone, 2 open"), "{told}");
    assert_eq!(world.dump(), incremental);
}
