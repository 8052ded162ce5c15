//! HTTPS and proxies as companies have them: a certificate authority of their own (`SSL_CERT_FILE`), a proxy that alone
//! reaches the mirror (`HTTPS_PROXY`, `NO_PROXY`).

use super::server;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use server::{Server, Trick};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

/// Nothing answers to this name but the proxy.
const MIRROR: &str = "mirror.example.test";

struct Company {
    folder: tempfile::TempDir,
    server: Server,
}

impl Company {
    fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), MIRROR.to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let company = Self {
            folder: tempfile::tempdir().unwrap(),
            server: Server::start_tls(Arc::new(config)),
        };
        let base64 = base64::engine::general_purpose::STANDARD.encode(authority.der());
        let lines: Vec<&str> = (0..base64.len())
            .step_by(64)
            .map(|at| &base64[at..(at + 64).min(base64.len())])
            .collect();
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        );
        fs::write(company.authority(), pem).unwrap();
        let json = r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","summary":"bad","affected":[
            {"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;
        let record = ("GHSA-1".to_owned(), "2026-01-01T00:00:00Z".to_owned(), json.to_owned());
        company.server.publish("npm", &[record]);
        company
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Exit code and standard error of an update in this environment.
    fn update(&self, url: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
        let db = tempfile::tempdir_in(self.folder.path()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .args(["db", "update", "--ecosystem", "npm", "--url", url, "--db"])
            .arg(db.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{url} {environment:?}: {:?} {said}", output.status.code());
        (output.status.code(), said)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_companys_own_authority_is_trusted_where_the_environment_names_it() {
    let company = Company::new();
    let (url, authority) = (
        format!("https://localhost:{}", company.server.port()),
        company.authority(),
    );
    let trusting = [("SSL_CERT_FILE", text(&authority))];
    let (code, said) = company.update(&url, &trusting);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        company.server.asked().contains(&"/npm/all.zip 200".to_owned()),
        "{:?}",
        company.server.asked()
    );

    company.server.forget();
    let empty = company.folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    for (what, url, environment) in [
        ("another authority", url.clone(), &[][..]),
        ("none at all", url.clone(), &[("SSL_CERT_FILE", text(&empty))]),
        ("another name", url.replace("localhost", "127.0.0.1"), &trusting[..]),
    ] {
        let (code, said) = company.update(&url, environment);
        assert_eq!(code, Some(2), "{what}: {said}");
        assert!(said.to_lowercase().contains("certificate"), "{what}: {said}");
    }
    assert!(company.server.asked().is_empty(), "{:?}", company.server.asked());

    // Not even to this machine: who asked for https does not want less.
    let plain = Server::start();
    company
        .server
        .trick("/npm/modified_id.csv", vec![Trick::Status(404, "")]);
    let location: &'static str = Box::leak(format!("Location: {}/npm/all.zip\r\n", plain.url()).into_boxed_str());
    company.server.trick("/npm/all.zip", vec![Trick::Status(302, location)]);
    let (code, said) = company.update(&url, &trusting);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("redirect to plain http refused"), "{said}");
    assert!(plain.asked().is_empty());
}

/// A proxy that leads every name to one port of this machine; what it was asked.
fn proxy(port: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let all = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let asked = Arc::clone(&all);
            thread::spawn(move || lead(&client, port, &asked));
        }
    });
    (url, asked)
}

fn lead(mut client: &TcpStream, port: u16, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    asked.lock().unwrap().push(line.trim().to_owned());
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    let server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut up, mut down) = (server.try_clone().ok()?, server);
    thread::spawn(move || io::copy(&mut reader, &mut up));
    io::copy(&mut down, &mut client).ok()?;
    client.shutdown(std::net::Shutdown::Both).ok()
}

#[test]
fn a_proxy_of_the_environment_is_used_unless_the_environment_takes_a_name_out() {
    let company = Company::new();
    let (url, authority) = (format!("https://{MIRROR}"), company.authority());
    let (proxy, asked) = proxy(company.server.port());
    let trusting = ("SSL_CERT_FILE", text(&authority));
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        asked.lock().unwrap().clear();
        let (code, said) = company.update(&url, &[trusting, (name, &proxy)]);
        assert_eq!(code, Some(0), "{name}: {said}");
        let asked = asked.lock().unwrap();
        assert!(
            !asked.is_empty() && asked.iter().all(|a| *a == format!("CONNECT {MIRROR}:443 HTTP/1.1")),
            "{asked:?}"
        );
    }
    asked.lock().unwrap().clear();
    for taken_out in [MIRROR, ".example.test", "*"] {
        let (code, said) = company.update(&url, &[trusting, ("HTTPS_PROXY", &proxy), ("NO_PROXY", taken_out)]);
        assert_eq!(code, Some(2), "{taken_out}: {said}");
    }
    assert!(asked.lock().unwrap().is_empty(), "{:?}", asked.lock().unwrap());
    // A proxy that is not there is told of, and never passed by.
    let (code, said) = company.update(&url, &[trusting, ("HTTPS_PROXY", "http://127.0.0.1:9")]);
    assert_eq!(code, Some(2), "{said}");
}
