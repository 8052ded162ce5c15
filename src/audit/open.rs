//! An input, opened as what it is: a folder, an archive, an SBOM, a single file.

use super::{Input, Options, dossier::Dossier, sbom, scan};
use crate::{
    archive::{Budget, Folder, Mapped, Single, Tree as _, nested},
    detect,
    parse::hexadecimal,
};
use sha2::{Digest as _, Sha256};
use std::{io, path::Path};

pub(super) fn artifact(input: &Input, options: &Options) -> Result<Dossier, String> {
    let name = input.name();
    match input {
        Input::Path(path) => {
            let meta = std::fs::metadata(path).map_err(|e| cannot_read(path, &e))?;
            if meta.is_dir() {
                let folder = Folder::open(path, &options.limits).map_err(|e| cannot_read(path, &e))?;
                let size = folder.entries().iter().map(|m| m.size).sum();
                let budget = Budget::for_artifact(&options.limits, size);
                return Ok(scan(
                    &folder,
                    "directory",
                    &budget,
                    options,
                    Meta {
                        name,
                        sha256: None,
                        size,
                    },
                ));
            }
            let size = meta.len();
            if size > options.limits.artifact_bytes {
                return Err(format!(
                    "{size} bytes, over the limit of {} for one artifact",
                    options.limits.artifact_bytes
                ));
            }
            let file = std::fs::File::open(path).map_err(|e| cannot_read(path, &e))?;
            let bytes = Mapped::file(&file).map_err(|e| cannot_read(path, &e))?;
            of_bytes(name, &bytes, options)
        }
        Input::Stdin(bytes) => of_bytes(name, bytes, options),
    }
}

pub(super) fn cannot_read(path: &Path, e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "no such file or folder; check the path".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; check who may read it".to_owned(),
        _ => format!(
            "cannot be read: {e} ({})",
            if path.is_dir() { "a folder" } else { "a file" }
        ),
    }
}

/// What is known of an artifact before it is looked into.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) sha256: Option<String>,
    pub(super) size: u64,
}

fn of_bytes(name: String, bytes: &[u8], options: &Options) -> Result<Dossier, String> {
    if bytes.is_empty() {
        return Err("the file is empty; check the step that builds it".to_owned());
    }
    let file_name = Path::new(&name)
        .file_name()
        .map_or_else(|| name.clone(), |n| n.to_string_lossy().into_owned());
    let budget = Budget::for_artifact(&options.limits, bytes.len() as u64);
    let digest = || hexadecimal(&Sha256::digest(bytes));
    let meta = Meta {
        name,
        sha256: None,
        size: bytes.len() as u64,
    };
    // Not larger than any other document: it is read whole.
    if bytes.len() as u64 <= options.limits.entry_bytes
        && let Some(read) = sbom::open(&meta, bytes)
    {
        let mut dug = read?;
        dug.sha256 = Some(digest());
        return Ok(dug);
    }
    let archive = nested::open(bytes, &file_name, &budget);
    let single = Single::new(&file_name, bytes);
    if archive.is_none() && !anybody_wants(&single, bytes) {
        return Err(format!(
            "not an artifact: begins with {}, expected a zip or tar archive, a wheel, an executable, a lock \
             file or an SBOM in JSON",
            first_bytes(bytes)
        ));
    }
    let (sha256, mut dug) = rayon::join(digest, || match &archive {
        Some(archive) => scan(&*archive.tree, archive.kind, &budget, options, meta),
        None => scan(&single, "file", &budget, options, meta),
    });
    dug.sha256 = Some(sha256);
    Ok(dug)
}

fn anybody_wants(single: &Single<'_>, bytes: &[u8]) -> bool {
    let meta = single.entries()[0].meta();
    detect::ALL.iter().any(|detector| detector.interest(meta).takes(bytes))
}

fn first_bytes(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(8)];
    if head.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        format!("`{}`", String::from_utf8_lossy(head))
    } else {
        format!("the bytes {}", hexadecimal(head))
    }
}
