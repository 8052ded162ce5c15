//! The version that an extension module states of itself.
//!
//! C ends its strings with a zero byte, so a version stands alone among them; Rust does not, and there it follows the name that
//! it is given to. A module is linked with other libraries, which have versions too: what is not the only one is none.

use super::literals;
use memchr::{memchr_iter, memmem};

/// Longest version that is looked at.
const LENGTH: usize = 40;

/// The only version that can be the module's own.
pub(in crate::detect) fn version(bytes: &[u8]) -> Option<String> {
    glued(bytes).or_else(|| alone(bytes))
}

/// `__version__1.2.3The next text`: the name of the attribute, and its value right behind it.
fn glued(bytes: &[u8]) -> Option<String> {
    for name in [&b"__version__"[..], b"__version_ex__"] {
        for at in memmem::find_iter(bytes, name).take(16) {
            let rest = &bytes[at + name.len()..];
            let end = rest
                .iter()
                .take(LENGTH)
                .position(|b| !(b.is_ascii_digit() || *b == b'.'))
                .unwrap_or(0); // what is longer is none
            let text = std::str::from_utf8(&rest[..end])
                .unwrap_or_default()
                .trim_end_matches('.');
            if text.matches('.').count() >= 2
                && let Some(version) = literals::normal(text)
            {
                return Some(version);
            }
        }
    }
    None
}

/// A string that is a version and nothing else, or a version and what follows in parentheses.
fn alone(bytes: &[u8]) -> Option<String> {
    memmem::find(bytes, b"version")?;
    let is_version = |b: &u8| b.is_ascii_alphanumeric() || *b == b'.';
    let (mut only, mut from): (Option<String>, usize) = (None, 0);
    for dot in memchr_iter(b'.', bytes) {
        let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        if dot < from || !digit(dot.checked_sub(1)) || !digit(Some(dot + 1)) {
            continue;
        }
        let start = dot
            - bytes[..dot]
                .iter()
                .rev()
                .take(LENGTH)
                .take_while(|b| is_version(b))
                .count();
        let end = dot + bytes[dot..].iter().take(LENGTH).take_while(|b| is_version(b)).count();
        from = end;
        let begins = start.checked_sub(1).is_some_and(|at| bytes[at] == 0);
        let ends = bytes[end..].starts_with(b"\0") || bytes[end..].starts_with(b" (");
        let Some(text) = std::str::from_utf8(&bytes[start..end]).ok().filter(|_| begins && ends) else {
            continue;
        };
        let Some(version) = literals::normal(text).filter(|_| text.matches('.').count() >= 2) else {
            continue;
        };
        match &only {
            Some(known) if *known != version => return None,
            _ => only = Some(version),
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn what_modules_state() {
        for (bytes, expected) in [
            (&b"\x7fELF\0__version__\x004.0.2\0"[..], Some("4.0.2")),
            (b"\x7fELF\0__version__\x002.9.13 (dt dec pq3)\x002.0\0", Some("2.9.13")),
            (b"\x7fELF\0__version__\x004.0.2\x001.2.11\0", None),
            (b"\x7fELF\0__version__\x004.0.2\0x\x004.0.2\0", Some("4.0.2")),
            (b"\x7fELF uri____version_ex__5.0.0The Authority", Some("5.0.0")),
            (b"\x7fELF __version__WatchfilesRust1.2.3", None),
            (b"\x7fELF\x001.2.3\0", None),
            (b"\x7fELF\0GLIBC_2.17\0version\0", None),
            (b"version.1.", None),
        ] {
            assert_eq!(version(bytes).as_deref(), expected, "{}", bytes.escape_ascii());
        }
    }
}
