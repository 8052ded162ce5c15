//! Native libraries that auditwheel, delocate and delvewheel copy into a wheel (`NAME.libs/`, `.dylibs/`). They are of no
//! ecosystem whose advisories are known here, so they are told, once for each folder.

use super::{DetectError, Detector, Interest, Sink};
use crate::archive::{Entry, EntryMeta};
use memchr::memmem;

pub(super) struct BundledLibrary;

/// Words before a version in the strings of common libraries, as `strings` shows them.
const BANNERS: &[(&str, &str)] = &[
    ("OpenSSL ", "openssl"),
    ("deflate ", "zlib"),
    ("libpng version ", "libpng"),
    ("libcurl/", "libcurl"),
    ("LIBTIFF, Version ", "libtiff"),
    ("PostgreSQL ", "libpq"),
];

impl Detector for BundledLibrary {
    fn id(&self) -> &'static str {
        "bundled-library"
    }

    fn reads(&self) -> &'static str {
        "native libraries in `*.libs/` and `.dylibs/` (reported as gaps: no advisories are known here for them)"
    }

    fn technique(&self) -> &'static str {
        "binary-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(library(meta.path).is_some())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let folder = format!("{}/", entry.location.folder());
        let all = found.neighbours.below(&folder);
        let libraries: Vec<&str> = all.filter_map(|member| library(&member.path)).collect();
        let stated = BANNERS
            .iter()
            .find_map(|(banner, name)| Some((*name, version_after(entry.bytes, banner)?)));
        let name = library(entry.meta.path).unwrap_or_default();
        if let Some((product, version)) = stated {
            found.partial(format!(
                "bundled native library {name} is {product} {version}; no advisories are known here for it"
            ));
        } else if libraries.first() == Some(&name) {
            let shown: Vec<&str> = libraries.iter().copied().take(8).collect();
            let more = if libraries.len() > shown.len() { ", …" } else { "" };
            found.partial(format!(
                "{} bundled native libraries, no advisories are known here for them: {}{more}",
                libraries.len(),
                shown.join(", ")
            ));
        }
        Ok(())
    }
}

/// The file name of a bundled library.
fn library(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    let bundled = [".libs", ".dylibs"].iter().any(|end| folder.ends_with(end));
    let native = name.contains(".so") || [".dylib", ".dll"].iter().any(|end| name.ends_with(end));
    (bundled && native).then_some(name)
}

/// `1.1.1k` in `OpenSSL 1.1.1k  25 Mar 2021`.
fn version_after<'b>(bytes: &'b [u8], banner: &str) -> Option<&'b str> {
    /// Places that are looked at: a banner's word may stand in other text first.
    const PLACES: usize = 32;
    memmem::find_iter(bytes, banner).take(PLACES).find_map(|at| {
        let rest = &bytes[at + banner.len()..];
        let end = rest
            .iter()
            .take(24)
            .position(|b| !(b.is_ascii_alphanumeric() || *b == b'.'))?;
        let version = std::str::from_utf8(&rest[..end]).ok()?;
        (version.contains('.') && version.starts_with(|c: char| c.is_ascii_digit())).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_their_banners() {
        for (path, name) in [
            (
                "psycopg2_binary.libs/libssl-0898e44a.so.1.1",
                Some("libssl-0898e44a.so.1.1"),
            ),
            ("PIL/.dylibs/libpng16.16.dylib", Some("libpng16.16.dylib")),
            ("numpy/core/_multiarray.so", None),
            ("libssl.so", None),
        ] {
            assert_eq!(library(path), name, "{path}");
        }
        assert_eq!(
            version_after(b"x OpenSSL error\0OpenSSL 1.1.1k  25 Mar 2021\0", "OpenSSL "),
            Some("1.1.1k")
        );
        assert_eq!(version_after(b"OpenSSL ", "OpenSSL "), None);
    }
}
