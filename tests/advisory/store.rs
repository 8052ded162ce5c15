//! The folder of a database under everything that can go wrong: kills, two writers, a full disk, a reader in the midst.

use super::server;

use plimsoll::advisory::{
    import::Import,
    store::{Store, StoreError},
};
use server::Server;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

const RECORDS: u32 = 60;

fn record(id: u32, second: u32) -> (String, String, String) {
    let (id, time) = (format!("GHSA-{id:04}"), format!("2026-01-01T00:00:{second:02}Z"));
    let json = format!(
        r#"{{"id":"{id}","modified":"{time}","summary":"bad","affected":[{{"package":{{"ecosystem":"npm","name":"p{id}"}},
            "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#
    );
    (id, time, json)
}

fn all(second: u32) -> Vec<(String, String, String)> {
    (0..RECORDS).map(|i| record(i, second)).collect()
}

fn plimsoll(db: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env_clear().env("PLIMSOLL_DB", db).env("PLIMSOLL_DB_URL", url);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The time of every record of the current generation: all of one publication, or the update was half.
fn state(store: &Store) -> String {
    let generation = store.current().expect("a usable database").expect("a generation");
    generation.index.verify().expect("a whole one");
    let all = generation.index.all().unwrap();
    assert_eq!(all.len(), RECORDS as usize);
    let first = all[0].modified.clone();
    assert!(all.iter().all(|r| r.modified == first), "half of an update");
    first
}

#[test]
fn two_hundred_kills_leave_a_whole_generation_each_time() {
    const KILLS: u32 = 200;
    let server = Server::start();
    server.publish("npm", &all(0));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().to_owned());
    assert!(
        plimsoll(folder.path(), &server.url(), &["db", "update", "--ecosystem", "npm"])
            .status()
            .unwrap()
            .success()
    );
    // How long one takes, so that the kills fall on all of it.
    let start = Instant::now();
    let force = ["db", "update", "--ecosystem", "npm", "--force"];
    server.publish("npm", &all(1));
    assert!(
        plimsoll(folder.path(), &server.url(), &force)
            .status()
            .unwrap()
            .success()
    );
    let mut whole = start.elapsed();

    let stop = AtomicBool::new(false);
    let reads = AtomicUsize::new(0);
    let (mut killed, mut finished, mut seen) = (0, 0, std::collections::BTreeSet::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                state(&store);
                thread::sleep(Duration::from_millis(2));
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        for i in 0..KILLS * 4 {
            if killed >= KILLS {
                break;
            }
            server.publish("npm", &all(i % 50));
            let before = store.current().unwrap().unwrap();
            let bytes = before.index.as_bytes().to_vec();
            let mut child = plimsoll(folder.path(), &server.url(), &force).spawn().unwrap();
            thread::sleep(whole * (i * 7 % KILLS) / KILLS);
            if child.try_wait().unwrap().is_some() {
                finished += 1;
                whole = whole * 9 / 10;
            } else {
                killed += 1;
                whole = whole * 101 / 100;
            }
            let _ = child.kill();
            child.wait().unwrap();
            assert!(before.index.as_bytes() == bytes, "a mapped generation changed");
            seen.insert(state(&store));
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!(
        "{killed} killed, {finished} had finished; {} reads meanwhile, {} states seen",
        reads.into_inner(),
        seen.len()
    );
    assert_eq!(killed, KILLS);
    // And the folder is as good as ever.
    server.publish("npm", &all(59));
    assert!(
        plimsoll(folder.path(), &server.url(), &force)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(state(&store), "2026-01-01T00:00:59Z");
    let generations = fs::read_dir(folder.path().join("generations")).unwrap().count();
    assert!(generations <= 2, "{generations} generations are left lying");
}

fn import(folder: &Path, second: u32) -> Import {
    let file = folder.join("all.zip");
    let files: Vec<_> = all(second)
        .into_iter()
        .map(|(id, _, json)| (format!("{id}.json"), json))
        .collect();
    fs::write(&file, super::common::zip_of(&files)).unwrap();
    let mut import = Import::default();
    import.path(&file).unwrap();
    import
}

#[test]
fn the_second_writer_is_told_and_readers_never_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("db"));
    let writer = store.lock().unwrap();
    assert!(matches!(store.lock(), Err(StoreError::Busy(_))));
    assert!(store.current().unwrap().is_none());
    let made = import(folder.path(), 1);
    writer.replace(made.records, made.sources, false).unwrap();
    assert_eq!(state(&store), "2026-01-01T00:00:01Z");
    drop(writer);
    store.lock().unwrap();
}

#[test]
fn two_updaters_at_once_leave_one_whole_state() {
    let server = Server::start();
    server.publish("npm", &all(3));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().to_owned());
    for _ in 0..5 {
        let update = ["db", "update", "--ecosystem", "npm", "--force"];
        let mut both: Vec<_> = (0..2)
            .map(|_| plimsoll(folder.path(), &server.url(), &update).spawn().unwrap())
            .collect();
        let done = both
            .iter_mut()
            .filter_map(|child| child.wait().ok())
            .filter(std::process::ExitStatus::success)
            .count();
        assert!(done >= 1);
        assert_eq!(state(&store), "2026-01-01T00:00:03Z");
    }
}

/// A limit on the size of files is a full disk to the writer: its write fails half-way.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_generation_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("db"));
    let made = import(folder.path(), 1);
    store
        .lock()
        .unwrap()
        .replace(made.records, made.sources, false)
        .unwrap();
    let before = store.current().unwrap().unwrap().index.as_bytes().to_vec();
    import(folder.path(), 2);
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" db import --force \"$1\""])
        .arg(env!("CARGO_BIN_EXE_plimsoll"))
        .arg(folder.path().join("all.zip"))
        .env("PLIMSOLL_DB", store.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stderr).into_owned();
    assert_eq!(status.status.code(), Some(2), "{said}");
    println!("{said}");
    assert!(store.current().unwrap().unwrap().index.as_bytes() == before);
}

#[test]
fn a_damaged_database_is_an_error_and_never_clean() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("db"));
    let made = import(folder.path(), 1);
    store
        .lock()
        .unwrap()
        .replace(made.records, made.sources, false)
        .unwrap();
    let path = store.current().unwrap().unwrap().path;
    let whole = fs::read(&path).unwrap();
    let artifact = folder.path().join("a/node_modules/pGHSA-0007");
    fs::create_dir_all(&artifact).unwrap();
    fs::write(
        artifact.join("package.json"),
        r#"{"name":"pGHSA-0007","version":"1.0.0"}"#,
    )
    .unwrap();
    let scan = || {
        let artifact = folder.path().join("a");
        let args = [
            "scan",
            "-q",
            "--offline",
            "--db",
            store.root().to_str().unwrap(),
            artifact.to_str().unwrap(),
        ];
        Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .env_clear()
            .args(args)
            .output()
            .unwrap()
    };
    assert_eq!(scan().status.code(), Some(1));
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let code = scan().status.code();
        assert!(matches!(code, Some(1 | 2)), "byte {at}: {code:?}");
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(scan().status.code(), Some(2));
    fs::remove_file(&path).unwrap();
    assert_eq!(scan().status.code(), Some(2));
}

#[test]
fn imports_of_every_kind_keep_what_they_do_not_replace() {
    let Some(osv) = super::common::shared("osv") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("db"));
    let take = |path: &Path, force| {
        let mut import = Import::default();
        import.path(path).unwrap();
        assert!(import.quarantined.is_empty(), "{:?}", import.quarantined);
        store.lock().unwrap().replace(import.records, import.sources, force)
    };
    let count = |ecosystem: &str| {
        let generation = store.current().unwrap().unwrap();
        generation.index.verify().unwrap();
        generation
            .index
            .meta()
            .sources
            .iter()
            .find(|s| s.ecosystem == ecosystem)
            .map(|s| s.records)
    };
    take(&osv.join("npm/all.zip"), false).unwrap();
    assert_eq!((count("npm"), count("PyPI")), (Some(183), None));
    take(&osv, false).unwrap();
    assert_eq!(
        (count("npm"), count("PyPI"), count("crates.io")),
        (Some(183), Some(2651), Some(1193))
    );
    let tarball = osv.join("rustsec-advisory-db.tar.gz");
    take(&tarball, false).unwrap();
    println!(
        "{:?} records of crates.io from RustSec's repository",
        count("crates.io")
    );
    assert!(count("crates.io").unwrap() > 1000 && count("npm") == Some(183));
    // Unpacked it is the same.
    let generation = store.current().unwrap().unwrap();
    let unpacked = folder.path().join("unpacked");
    tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(&tarball).unwrap()))
        .unpack(&unpacked)
        .unwrap();
    let inside = fs::read_dir(&unpacked).unwrap().next().unwrap().unwrap().path();
    take(&inside, false).unwrap();
    assert!(store.current().unwrap().unwrap().index.all().unwrap() == generation.index.all().unwrap());
    // An exported file makes the same database elsewhere.
    let exported = folder.path().join("exported");
    fs::write(&exported, generation.index.as_bytes()).unwrap();
    let other = Store::new(folder.path().join("other"));
    let mut import = Import::default();
    import.path(&exported).unwrap();
    let again = other
        .lock()
        .unwrap()
        .replace(import.records, import.sources, false)
        .unwrap();
    assert!(again.index.as_bytes() == generation.index.as_bytes());
    // Half of it is no index, and a folder of other things holds nothing.
    fs::write(&exported, &generation.index.as_bytes()[..5000]).unwrap();
    Import::default().path(&exported).unwrap_err();
    Import::default().path(&folder.path().join("db")).unwrap_err();
}

#[test]
fn rustsecs_repository_says_what_its_export_says() {
    let (Some(zip), Some(tarball)) = (
        super::common::shared("osv/crates.io/all.zip"),
        super::common::shared("osv/rustsec-advisory-db.tar.gz"),
    ) else {
        return;
    };
    let (mut exported, mut own) = (Import::default(), Import::default());
    exported.path(&zip).unwrap();
    own.path(&tarball).unwrap();
    let by_id: std::collections::HashMap<_, _> = own.records.iter().map(|r| (&r.id, r)).collect();
    let (mut compared, mut differ) = (0, Vec::new());
    for record in &exported.records {
        let Some(own) = by_id.get(&record.id) else { continue };
        compared += 1;
        let parts = |r: &plimsoll::advisory::Record| {
            let a = &r.affected[0];
            let specific = a.database_specific.clone().unwrap_or_default();
            (
                a.package.clone(),
                a.ranges.clone(),
                specific.informational,
                specific.categories,
                r.withdrawn.is_some(),
                r.aliases.clone(),
            )
        };
        if parts(record) != parts(own) {
            differ.push(format!("{}: {:?}\n  {:?}", record.id, parts(record), parts(own)));
        }
    }
    println!(
        "{compared} compared, {} differ: {:#?}",
        differ.len(),
        differ.iter().take(3).collect::<Vec<_>>()
    );
    assert!(
        compared > 1000 && differ.len() * 100 < compared,
        "{} of {compared} differ",
        differ.len()
    );
}

#[test]
fn waiting_for_nothing() {
    // A machine without network: a scan comes to its end soon, and says that it used the default.
    let folder = tempfile::tempdir().unwrap();
    let fixture = super::common::fixture("orders.zip");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .env_clear()
        .env("PLIMSOLL_DB", folder.path().join("db"))
        .env("PLIMSOLL_DB_URL", "http://127.0.0.1:9")
        .args(["scan", fixture.to_str().unwrap()])
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(out.contains("embedded"), "{out}");
    assert!(err.contains("cannot be fetched") && err.contains("--offline"), "{err}");
    assert!(!folder.path().join("db").exists());
}
