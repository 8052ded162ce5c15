//! Files that are written whole or not at all.

use std::{fs, io, path::Path};

/// Writes a file beside where it belongs (`NAME.draft`) and renames it into place: whoever has the old one open keeps it, and half a
/// file is never found under its name.
///
/// # Errors
/// When it cannot be written or renamed; what was there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".draft");
    fs::write(&draft, bytes)?;
    fs::rename(&draft, path)
}
