//! Source paths that the compiler leaves in a binary for panics and debuggers, and what they say of a crate.
//!
//! | form | means |
//! |---|---|
//! | `…/registry/src/HOST-HASH/NAME-VERSION/…` | a crate from the registry of that host |
//! | `…/vendor/NAME-VERSION/src/…`, `/NAME-VERSION/src/…` | vendored, or behind `--remap-path-prefix` |
//! | `…/git/checkouts/REPO-HASH/REV/…` | a crate from a git repository |
//! | `/rust/deps/NAME-VERSION/…`, `/rustc/COMMIT/…` | the standard library's own; never a component |
//!
//! Strings of a binary lie one after the other without an end mark, so a path may begin in the middle of a word; what
//! stands before `/registry/` is never looked at.

use super::names::{identifier, is_crate_name, published};
use crate::ecosystem::{CARGO, Ecosystem};

/// What one path says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Source<'b> {
    /// A crate in a registry's folder; the folder is `HOST-HASH`.
    Registry {
        /// The registry's folder in cargo's home.
        registry: &'b str,
        /// As published.
        name: &'b str,
        /// As published.
        version: &'b str,
    },
    /// A crate by its folder alone.
    Folder {
        /// As published.
        name: &'b str,
        /// As published.
        version: &'b str,
    },
    /// A checkout of a git repository.
    Git {
        /// Name of the repository, which is often the crate's.
        repository: &'b str,
        /// Short commit.
        revision: &'b str,
    },
}

impl<'b> Source<'b> {
    /// Name and version of the crate, where the path tells them.
    pub(in crate::detect) fn crate_version(&self) -> Option<(&'b str, &'b str)> {
        match *self {
            Self::Registry { name, version, .. } | Self::Folder { name, version } => Some((name, version)),
            Self::Git { .. } => None,
        }
    }
}

/// Registry folders of crates.io itself: its two hosts, over git and over the sparse protocol.
pub(in crate::detect) fn is_crates_io(registry: &str) -> bool {
    let host = registry.rsplit_once('-').map_or(registry, |(host, _)| host);
    host == "github.com" || host.ends_with(".crates.io")
}

/// Longest segment of a path that is looked at. Linux's `NAME_MAX`.
const SEGMENT: usize = 255;

fn is_separator(b: u8) -> bool {
    matches!(b, b'/' | b'\\')
}

/// The segment that starts at `from`, and where its separator is. Only text that may be in such a path.
fn segment(bytes: &[u8], from: usize) -> Option<(&str, usize)> {
    let rest = bytes.get(from..)?;
    let end = rest.iter().take(SEGMENT).position(|b| !is_segment_byte(*b))?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    (is_separator(*rest.get(end)?) && !text.is_empty()).then_some((text, from + end))
}

fn is_segment_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+' | b'~' | b'%')
}

/// The separators that may be doubled, as Windows paths in debug data are.
fn after_separators(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|b| is_separator(*b)) {
        at += 1;
    }
    at
}

/// `NAME-VERSION` as cargo names the folders of crates.
pub(in crate::detect) fn name_and_version<'t>(folder: &'t str, ecosystem: &Ecosystem) -> Option<(&'t str, &'t str)> {
    let (name, version) = crate::detect::split_stem(folder, ecosystem)?;
    (is_crate_name(name) && version.starts_with(|c: char| c.is_ascii_digit())).then_some((name, version))
}

/// What the path says whose segment `src` lies at `at..at + 3` between separators.
pub(in crate::detect) fn at_src(bytes: &[u8], at: usize) -> Option<Source<'_>> {
    let before = bytes.get(..at)?;
    let folder_end = before.iter().rposition(|b| !is_separator(*b))? + 1;
    let start = before[..folder_end]
        .iter()
        .rev()
        .take(SEGMENT)
        .position(|b| !is_segment_byte(*b))
        .map_or(folder_end.saturating_sub(SEGMENT), |back| folder_end - back);
    let folder = std::str::from_utf8(before.get(start..folder_end)?).ok()?;
    if folder == "registry" || folder.ends_with(".cargo-registry") {
        let (registry, end) = segment(bytes, after_separators(bytes, at + 3))?;
        let (folder, _) = segment(bytes, after_separators(bytes, end))?;
        let (name, version) = name_and_version(folder, &CARGO)?;
        return Some(Source::Registry {
            registry,
            name,
            version,
        });
    }
    let above = before.get(..start)?;
    // The standard library's crates lie in the compiler's own tree; a registry's folder has been seen at its own `src`.
    let std_tree = [&b"/rust/deps/"[..], b"library/vendor/", b"\\rust\\deps\\"];
    if std_tree.iter().any(|tree| above.ends_with(tree)) || in_registry(above) {
        return None;
    }
    if !leads_to_rust(&bytes[at..]) {
        return None; // `/opt/node-18.0.0/src/node.cc`
    }
    let bounded = above.last().is_none_or(|b| is_separator(*b) || !b.is_ascii_graphic());
    let folder = if bounded { folder } else { after_glue(folder)? };
    let (name, version) = name_and_version(folder, &CARGO)?;
    Some(Source::Folder { name, version })
}

/// Whether the path goes on to a Rust source file.
fn leads_to_rust(rest: &[u8]) -> bool {
    let end = rest
        .iter()
        .take(SEGMENT)
        .position(|b| !is_segment_byte(*b) && !is_separator(*b));
    memchr::memmem::find(&rest[..end.unwrap_or(rest.len().min(SEGMENT))], b".rs").is_some()
}

/// Whether what lies above a folder is a registry's folder: `registry/src/HOST-HASH/`.
fn in_registry(above: &[u8]) -> bool {
    let tail = &above[above.len().saturating_sub(SEGMENT)..];
    [&b"registry/src/"[..], b"registry\\src\\"].iter().any(|tree| {
        memchr::memmem::rfind(tail, tree).is_some_and(|at| {
            let rest = &tail[at + tree.len()..];
            rest.iter().filter(|b| is_separator(**b)).count() == 1 && rest.last().is_some_and(|b| is_separator(*b))
        })
    })
}

/// A bare folder that is glued to the end of the text before it: after the `.rs` of another path, or where a well-known
/// crate's name begins.
fn after_glue(folder: &str) -> Option<&str> {
    if let Some((_, rest)) = folder.rsplit_once(".rs") {
        return Some(rest).filter(|rest| name_and_version(rest, &CARGO).is_some());
    }
    let (name, _) = name_and_version(folder, &CARGO)?;
    published(&identifier(name)).map(|_| folder)
}

/// What the path says whose segment `checkouts` lies at `at` between separators, with `git` above it.
pub(in crate::detect) fn at_checkouts(bytes: &[u8], at: usize) -> Option<Source<'_>> {
    let (repository, end) = segment(bytes, after_separators(bytes, at + "checkouts".len()))?;
    let (revision, _) = segment(bytes, after_separators(bytes, end))?;
    let (repository, hash) = repository.rsplit_once('-')?;
    let hexadecimal = |text: &str| text.len() >= 7 && text.bytes().all(|b| b.is_ascii_hexdigit());
    (is_crate_name(repository) && hexadecimal(hash) && hexadecimal(revision))
        .then_some(Source::Git { repository, revision })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        let bytes = text.as_bytes();
        let at = memchr::memmem::find(bytes, b"src")?;
        match at_src(bytes, at)? {
            Source::Registry {
                registry,
                name,
                version,
            } => Some((format!("{name} {version}"), registry.to_owned())),
            Source::Folder { name, version } => Some((format!("{name} {version}"), String::new())),
            Source::Git { .. } => None,
        }
    }

    #[test]
    fn forms_of_paths() {
        for (path, crate_, registry) in [
            (
                "/home/me/.cargo/registry/src/github.com-1ecc6299db9ec823/h2-0.3.15/src/lib.rs",
                "h2 0.3.15",
                "github.com-1ecc6299db9ec823",
            ),
            (
                "message/cargo/registry/src/github.com-1ecc6299db9ec823/time-0.1.43/src/lib.rs",
                "time 0.1.43",
                "github.com-1ecc6299db9ec823",
            ),
            (
                r"C:\Users\me\.cargo\registry\src\github.com-1ecc6299db9ec823\ring-0.17.8\src\lib.rs",
                "ring 0.17.8",
                "github.com-1ecc6299db9ec823",
            ),
            (
                "/registry/src/crates.example-0011223344556677/in-house-1.0.0-rc.1/build.rs",
                "in-house 1.0.0-rc.1",
                "crates.example-0011223344556677",
            ),
            ("/app/vendor/serde_json-1.0.96/src/de.rs", "serde_json 1.0.96", ""),
            ("\0bytes-1.5.0/src/lib.rs", "bytes 1.5.0", ""),
            ("src-unseen.rsbytes-1.5.0", "", ""),
            ("/rust/deps/hashbrown-0.15.2/src/lib.rs", "", ""),
            ("/rustc/59807616e/library/std/src/io.rs", "", ""),
            ("/app/src/main.rs", "", ""),
            ("/opt/node-18.0.0/src/x.cc", "", ""),
            ("src", "", ""),
            ("//src//", "", ""),
        ] {
            let found = read(path);
            let expected = (!crate_.is_empty()).then(|| (crate_.to_owned(), registry.to_owned()));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn a_registry_is_read_once() {
        let path = b"/registry/src/github.com-1ecc6299db9ec823/h2-0.3.15/src/lib.rs";
        let second = memchr::memmem::rfind(path, b"src").expect("is there");
        assert_eq!(at_src(path, second), None);
    }

    #[test]
    fn checkouts() {
        let path = b"/git/checkouts/my-crate-0123456789abcdef/1a2b3c4/src/lib.rs";
        let at = memchr::memmem::find(path, b"checkouts").expect("is there");
        let expected = Source::Git {
            repository: "my-crate",
            revision: "1a2b3c4",
        };
        assert_eq!(at_checkouts(path, at), Some(expected));
        assert_eq!(at_checkouts(b"checkouts/x/y/", 0), None);
    }
}
