//! An unpacked artifact on disk. Symbolic links are listed and never followed.

use super::{Anomaly, Budget, EntryKind, Gravity, Member, Opened, ReadError, Tree, Visitor};
use crate::limits::Limits;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A tree over a directory, sorted by path.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    members: Vec<Member>,
    anomalies: Vec<Anomaly>,
}

impl Folder {
    /// Lists everything below `root`. What cannot be listed is an anomaly.
    ///
    /// # Errors
    /// When `root` itself cannot be listed.
    pub fn open(root: &Path, limits: &Limits) -> io::Result<Self> {
        let mut folder = Self {
            root: root.to_owned(),
            members: Vec::new(),
            anomalies: Vec::new(),
        };
        fs::read_dir(root)?;
        let mut open = vec![(root.to_owned(), String::new())];
        while let Some((path, prefix)) = open.pop() {
            if folder.members.len() > limits.entries {
                folder.anomaly(
                    "limit",
                    &prefix,
                    format!("limit `entries` reached ({})", limits.entries),
                );
                break;
            }
            match fs::read_dir(&path) {
                Ok(entries) => {
                    for entry in entries {
                        match entry {
                            Ok(entry) => folder.add(&entry, &prefix, &mut open, limits),
                            Err(e) => folder.anomaly("unreadable", &prefix, format!("cannot be listed: {e}")),
                        }
                    }
                }
                Err(e) => folder.anomaly("unreadable", &prefix, format!("cannot be listed: {e}")),
            }
        }
        folder.members.sort_by(|a, b| a.path.cmp(&b.path));
        folder.anomalies.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(folder)
    }

    fn add(&mut self, entry: &fs::DirEntry, prefix: &str, open: &mut Vec<(PathBuf, String)>, limits: &Limits) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if path.len() > limits.path_bytes {
            return self.anomaly(
                "limit",
                prefix,
                format!("limit `path-bytes` reached ({})", limits.path_bytes),
            );
        }
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(e) => return self.anomaly("unreadable", &path, format!("cannot be read: {e}")),
        };
        let kind = match meta.file_type() {
            t if t.is_dir() => EntryKind::Directory,
            t if t.is_file() => EntryKind::File,
            t if t.is_symlink() => EntryKind::Symlink,
            _ => EntryKind::Special,
        };
        if kind == EntryKind::Directory {
            open.push((entry.path(), format!("{path}/")));
        }
        self.members.push(Member {
            path: path.into(),
            size: meta.len(),
            kind,
        });
    }

    fn anomaly(&mut self, code: &'static str, path: &str, message: String) {
        self.anomalies.push(Anomaly {
            code,
            gravity: Gravity::Contradiction,
            path: path.trim_end_matches('/').into(),
            message,
        });
    }
}

impl Tree for Folder {
    fn entries(&self) -> &[Member] {
        &self.members
    }

    fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    fn visit(&self, wanted: &[usize], budget: &Budget, visitor: &Visitor<'_>) {
        super::visit_in_parallel(wanted, &self.members, &|i| {
            let member = &self.members[i];
            let path = self.root.join(&*member.path);
            if member.kind == EntryKind::Symlink {
                // Its contents are where it leads to, and no more.
                let target = fs::read_link(&path).map(|target| target.to_string_lossy().into_owned());
                let target = target.unwrap_or_default();
                return visitor(i, &mut Opened::stored(target.as_bytes(), None, budget));
            }
            let mut opened = match fs::File::open(path) {
                Ok(file) => Opened::reader(Box::new(file), member.size, budget),
                Err(e) => Opened::closed(ReadError::Io(e), budget),
            };
            visitor(i, &mut opened);
        });
    }
}
