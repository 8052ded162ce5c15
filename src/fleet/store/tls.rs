//! Encrypted connections to a server.

use super::StoreError;
use postgres::{
    Config,
    config::{Host, SslMode},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a URL says of encryption, and the rest of it, which the client reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The URL without what the client does not know.
    pub(super) url: String,
    /// A file with the certificates to trust (PEM); the system's unless given.
    roots: Option<String>,
    /// Whether it says anything.
    told: bool,
}

impl Wishes {
    /// Reads a URL. `verify-ca` and `verify-full` are what `require` is here: a certificate that nobody verifies keeps no
    /// one out who can answer in the server's place.
    pub(super) fn read(url: &str) -> Self {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut roots, mut told) = (None, false);
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", file)) => {
                    roots = Some(
                        percent_encoding::percent_decode_str(file)
                            .decode_utf8_lossy()
                            .into_owned(),
                    );
                }
                Some(("sslmode", mode)) => {
                    told = true;
                    let verified = matches!(mode, "verify-ca" | "verify-full");
                    kept.push(format!("sslmode={}", if verified { "require" } else { mode }));
                }
                _ => kept.push(pair.to_owned()),
            }
        }
        let query = if kept.is_empty() {
            String::new()
        } else {
            format!("?{}", kept.join("&"))
        };
        Self {
            url: format!("{base}{query}"),
            roots,
            told,
        }
    }

    /// What encrypts the connection, where it is to be: always to another machine, unless the URL turns it off.
    pub(super) fn connector(&self, config: &mut Config) -> Result<Option<MakeRustlsConnect>, StoreError> {
        let here = |host: &Host| match host {
            Host::Tcp(name) => matches!(&**name, "localhost" | "127.0.0.1" | "::1"),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if !self.told && self.roots.is_none() && config.get_hosts().iter().all(here) {
            config.ssl_mode(SslMode::Disable);
        } else if !self.told {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_ssl_mode() == SslMode::Disable {
            return Ok(None);
        }
        let trouble = StoreError::Tls;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| trouble(e.to_string()))?;
        let tls = match &self.roots {
            None => builder
                .with_platform_verifier()
                .map_err(|e| trouble(e.to_string()))?
                .with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                let certificates =
                    CertificateDer::pem_file_iter(file).map_err(|e| trouble(format!("sslrootcert {file}: {e}")))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|e| trouble(format!("sslrootcert {file}: {e}")))?;
                    roots
                        .add(certificate)
                        .map_err(|e| trouble(format!("sslrootcert {file}: {e}")))?;
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        Ok(Some(MakeRustlsConnect::new(tls)))
    }
}

#[cfg(test)]
mod tests {
    use super::Wishes;

    #[test]
    fn what_the_client_does_not_know_is_taken_out() {
        for (url, expected, roots, told) in [
            ("postgres://a@b/c", "postgres://a@b/c", None, false),
            (
                "postgres://a@b/c?sslmode=disable",
                "postgres://a@b/c?sslmode=disable",
                None,
                true,
            ),
            (
                "postgres://a@b/c?sslmode=verify-full&sslrootcert=%2Fca.pem&connect_timeout=3",
                "postgres://a@b/c?sslmode=require&connect_timeout=3",
                Some("/ca.pem"),
                true,
            ),
        ] {
            let wishes = Wishes::read(url);
            let read = (&*wishes.url, wishes.roots.as_deref(), wishes.told);
            assert_eq!(read, (expected, roots, told));
        }
    }
}
