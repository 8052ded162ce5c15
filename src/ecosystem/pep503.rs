//! Names of Python packages. `build.rs` includes this file, so it imports nothing of the crate.

use std::borrow::Cow;

/// PEP 503: small letters, runs of `-`, `_` and `.` become one `-`.
#[must_use]
pub(crate) fn normalise(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let doubled = bytes.windows(2).any(|pair| pair == b"--");
    let normal = !doubled && !bytes.iter().any(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'.'));
    if normal {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    if gap {
        out.push('-');
    }
    Cow::Owned(out)
}
