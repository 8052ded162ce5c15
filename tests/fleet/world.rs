//! A company of its own: functions in a folder, a store, and plimsoll asked about them.

use super::common;
use serde_json::Value;
use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

pub struct World(TempDir);

impl World {
    pub fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::create_dir(world.functions()).unwrap();
        world
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn functions(&self) -> PathBuf {
        self.folder().join("functions")
    }

    pub fn store(&self) -> PathBuf {
        self.folder().join("store.db")
    }

    /// A function that ships these npm packages; `salt` makes its artifact another one.
    pub fn function(&self, name: &str, salt: &str, packages: &[(&str, &str)]) {
        let mut files = vec![("index.js".to_owned(), format!("exports.handler = '{salt}'"))];
        for (name, version) in packages {
            let json = format!(r#"{{"name":"{name}","version":"{version}"}}"#);
            files.push((format!("node_modules/{name}/package.json"), json));
        }
        self.write(name, &common::zip_of(&files));
    }

    pub fn tree(&self, name: &str, files: &[(&str, &str)]) {
        self.write(name, &common::zip_of(files));
    }

    fn write(&self, name: &str, zip: &[u8]) {
        fs::write(self.functions().join(format!("{name}.zip")), zip).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.functions().join(format!("{name}.zip"))).unwrap();
    }

    pub fn touch(&self, name: &str) {
        let file = File::options()
            .write(true)
            .open(self.functions().join(format!("{name}.zip")))
            .unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1000))
            .unwrap();
    }

    /// Functions that share packages, and every third one its whole artifact with another.
    pub fn many(&self, count: usize) {
        for n in 0..count {
            let own = if n % 3 == 2 { n - 1 } else { n };
            let shared = format!("4.17.{}", 15 + own % 7);
            let packages = [("minimist", "1.2.5"), ("lodash", &*shared), ("express", "4.18.2")];
            self.function(&format!("function-{n:02}"), &own.to_string(), &packages[..=own % 3]);
        }
    }

    /// A database of these records alone.
    pub fn advisories(&self, records: &[(String, String)]) {
        let bucket = self.folder().join("bucket/npm");
        fs::create_dir_all(&bucket).unwrap();
        fs::write(bucket.join("all.zip"), common::zip_of(records)).unwrap();
        let mut command = self.command(&["db", "import", "--force"]);
        let output = command.arg(self.folder().join("bucket")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command
            .env_clear()
            .env("PLIMSOLL_DB", self.folder().join("db"))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    fn inventory(&self, args: &[&str]) -> Output {
        let mut command = self.command(&["inventory"]);
        command.args(args).arg("--store").arg(self.store()).output().unwrap()
    }

    /// Adds what a verb needs besides its name.
    pub fn arguments(&self, command: &mut Command, verb: &str) {
        command.current_dir(self.folder()).arg("--store").arg(self.store());
        match verb {
            "sync" => command.arg(self.functions()),
            _ => command.args(["--advisories", "embedded"]),
        };
    }

    pub fn start(&self, verb: &str) -> Child {
        let mut command = self.command(&["inventory", verb]);
        self.arguments(&mut command, verb);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// What a sync says on standard error.
    pub fn sync(&self, args: &[&str]) -> String {
        let (code, told) = self.sync_of(self.functions().to_str().unwrap(), args);
        assert_eq!(code, 0, "{told}");
        told
    }

    pub fn sync_of(&self, source: &str, args: &[&str]) -> (i32, String) {
        let output = self.inventory(&[&["sync", source][..], args].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), told)
    }

    /// The exit code of an audit by the embedded advisories.
    pub fn audit(&self, args: &[&str]) -> i32 {
        let output = self.inventory(&[&["audit", "--advisories", "embedded"][..], args].concat());
        let code = output.status.code().unwrap_or(-1);
        assert_ne!(code, 2, "{}", String::from_utf8_lossy(&output.stderr));
        code
    }

    pub fn audit_with_database(&self, args: &[&str]) -> (i32, String) {
        let output = self.inventory(&[&["audit", "--offline"][..], args].concat());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code().unwrap_or(-1),
            told + &String::from_utf8_lossy(&output.stderr),
        )
    }

    pub fn run(&self, args: &[&str]) -> Output {
        let output = self.inventory(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    pub fn ask(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn fails(&self, args: &[&str]) -> String {
        let output = self.inventory(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The JSON of any command, whatever it ends with.
    pub fn report(&self, args: &[&str]) -> Value {
        let output = self.command(args).output().unwrap();
        let shown = || String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", shown()))
    }

    pub fn forget(&self) {
        for entry in fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store()).unwrap()
    }

    pub fn sql(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    pub fn is_whole(&self) -> bool {
        let connection = self.connection();
        let one = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        let keys: i64 = connection
            .query_row("SELECT COUNT(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .unwrap();
        one("PRAGMA integrity_check") == "ok" && keys == 0
    }

    /// All that is remembered, without the numbers of rows and runs, which depend on what happened on the way.
    pub fn dump(&self) -> String {
        let connection = self.connection();
        let mut dump = String::new();
        for sql in DUMP {
            let mut statement = connection.prepare(sql).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            let _ = writeln!(dump, "-- {sql}");
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let value: rusqlite::types::Value = row.get(column).unwrap();
                    let _ = write!(dump, "{value:?}|");
                }
                dump.push('\n');
            }
        }
        // Two worlds have two folders.
        dump.replace(&*self.folder().canonicalize().unwrap().to_string_lossy(), "")
    }
}

const DUMP: &[&str] = &[
    "SELECT s.name, f.name, f.location, a.digest, f.runtime, f.owner, f.layers, f.tags, f.failed, f.gone_run IS NULL
     FROM function f JOIN source s ON s.id = f.source_id LEFT JOIN artifact a ON a.id = f.artifact_id ORDER BY 1, 2",
    "SELECT digest, format, kind, size, dated, document FROM artifact ORDER BY 1",
    "SELECT f.name, a.digest, d.to_run IS NULL FROM deployment d JOIN function f ON f.id = d.function_id
     JOIN artifact a ON a.id = d.artifact_id ORDER BY 1, d.from_run",
    "SELECT a.digest, n.ecosystem, n.name, n.version, c.proof, c.confidence, c.direct, c.way IS NULL FROM component c
     JOIN artifact a ON a.id = c.artifact_id JOIN coordinate n ON n.id = c.coordinate_id ORDER BY 1, 2, 3, 4",
    "SELECT a.digest, x.name, x.version, y.name, y.version FROM edge e JOIN artifact a ON a.id = e.artifact_id
     JOIN coordinate x ON x.id = e.from_id JOIN coordinate y ON y.id = e.to_id ORDER BY 1, 2, 3, 4, 5",
    "SELECT a.digest, g.number, g.kind, g.stage, g.location, g.reason FROM gap g JOIN artifact a ON a.id = g.artifact_id ORDER BY 1, 2",
    "SELECT w.rule, n.name, n.version, w.advisory, w.about, w.aliases, w.fixed_in, w.message FROM flaw w
     LEFT JOIN coordinate n ON n.id = w.coordinate_id ORDER BY 1, 2, 3, 4, 5",
    "SELECT a.digest, w.rule, w.advisory, w.about, n.name, v.level, v.severity, v.places FROM verdict v
     JOIN artifact a ON a.id = v.artifact_id JOIN flaw w ON w.id = v.flaw_id
     LEFT JOIN coordinate n ON n.id = w.coordinate_id ORDER BY 1, 2, 3, 4, 5",
    "SELECT f.name, w.rule, w.advisory, w.about, n.name, n.version, d.fixed_run IS NULL, d.level, d.severity FROM finding d
     JOIN function f ON f.id = d.function_id JOIN flaw w ON w.id = d.flaw_id
     LEFT JOIN coordinate n ON n.id = w.coordinate_id ORDER BY 1, 2, 3, 4, 5, 6, d.first_run",
    "SELECT a.digest FROM judged j JOIN artifact a ON a.id = j.artifact_id ORDER BY 1",
];
