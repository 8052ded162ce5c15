//! Fingerprints of what a registry has: a server on this machine that answers as npm's does.

use super::{fingerprint::minified, server::Server};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha512};
use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Output},
};

fn tarball(name: &str, version: &str) -> Vec<u8> {
    let manifest = format!(r#"{{"name":"{name}","version":"{version}","main":"index.js"}}"#);
    let base = name.rsplit('/').next().unwrap();
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in [
        ("package/package.json", manifest),
        ("package/index.js", minified(base, 12, version)),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Puts a package onto the server, its integrity stated as of these bytes or of others.
fn publish(server: &Server, name: &str, versions: &[&str], honest: bool) {
    let base = name.rsplit('/').next().unwrap();
    let mut manifests = String::new();
    for version in versions {
        let bytes = tarball(name, version);
        let stated = Sha512::digest(if honest { &bytes } else { &b"other bytes"[..] });
        let comma = if manifests.is_empty() { "" } else { "," };
        write!(
            manifests,
            r#"{comma}"{version}":{{"dependencies":{{"beta":"^1.0.0"}},"dist":{{"integrity":"sha512-{}","tarball":"https://elsewhere.example/x.tgz"}}}}"#,
            BASE64_STANDARD.encode(stated)
        )
        .unwrap();
        server.put(&format!("/{name}/-/{base}-{version}.tgz"), bytes);
    }
    let packument = format!(r#"{{"name":"{name}","versions":{{{manifests}}}}}"#);
    server.put(&format!("/{}", name.replace('/', "%2f")), packument.into_bytes());
}

fn build(server: &Server, folder: &Path, names: &str, rule: &str) -> Output {
    let list = folder.join("names.txt");
    std::fs::write(&list, names).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["fingerprints", "build", "--registry", &server.url(), "--versions", rule]);
    command.arg("--from").arg(folder.join("tarballs"));
    command.arg("--packages").arg(&list);
    command.arg("-o").arg(folder.join("own.fingerprints"));
    command.output().unwrap()
}

fn list(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    let output = command
        .args(["fingerprints", "list"])
        .arg(folder.join("own.fingerprints"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_registry_fills_the_folder_once() {
    let server = Server::start();
    publish(&server, "alpha", &["1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"], true);
    publish(&server, "@scope/gamma", &["0.1.0", "0.2.0"], true);
    let folder = tempfile::tempdir().unwrap();
    let names = "# ours\nalpha\n\n@scope/gamma\n";

    let output = build(&server, folder.path(), names, "lines:1");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("2 of 2 packages, 4 tarballs fetched, 0 there before"),
        "{said}"
    );
    assert_eq!(list(folder.path()), "@scope/gamma 0.1.0 0.2.0\nalpha 1.1.0 2.0.0\n");
    let published = std::fs::read_to_string(folder.path().join("tarballs/alpha.versions")).unwrap();
    assert_eq!(
        published, "2.0.0\tbeta ^1.0.0\n1.1.0\tbeta ^1.0.0\n1.0.0\tbeta ^1.0.0",
        "what was published, without the prerelease"
    );

    // What is there is not asked for again; what the rule takes more of is.
    server.forget();
    let output = build(&server, folder.path(), names, "all");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("2 of 2 packages, 1 tarballs fetched, 4 there before"),
        "{said}"
    );
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(
        asked,
        ["/@scope%2fgamma 200", "/alpha 200", "/alpha/-/alpha-1.0.0.tgz 200"]
    );
}

#[test]
fn what_does_not_come_is_said_and_the_rest_comes() {
    let server = Server::start();
    publish(&server, "alpha", &["1.0.0"], true);
    publish(&server, "forged", &["1.0.0"], false);
    server.put("/nonsense", b"<html>".to_vec());
    server.put("/empty", br#"{"versions":{"../../x":{},"latest":{}}}"#.to_vec());
    let folder = tempfile::tempdir().unwrap();
    let names = "alpha\nforged\nnonsense\nempty\nmissing\n../outside\n";

    let output = build(&server, folder.path(), names, "all");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    for part in [
        "forged@1.0.0: its SHA-512 is not the one that the registry states; it was not kept",
        "nonsense: not what a registry says of a package",
        "empty: the registry has no version of it",
        "/missing: status 404, expected 200",
        "\"../outside\" is not a package name",
        "2 of 6 packages, 1 tarballs fetched",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert_eq!(list(folder.path()), "alpha 1.0.0\n");
    let mut kept: Vec<_> = std::fs::read_dir(folder.path().join("tarballs"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    kept.sort();
    assert_eq!(kept, ["alpha-1.0.0.tgz", "alpha.versions", "forged.versions"]);

    let output = build(&server, folder.path(), "missing\n", "all");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("none of 1 packages came"),
        "{said}"
    );
}
