//! Answers on disk, each in a file named by the SHA-256 of what was asked.

use crate::parse::hexadecimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// A folder of answers, or none.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    now: SystemTime,
    fresh: Duration,
}

/// One answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What was asked: two questions may share a file name only if SHA-256 is broken, but a file may be anything.
    question: String,
    /// Seconds since 1970.
    at: u64,
    /// The server's mark of it.
    pub(super) etag: Option<String>,
    pub(super) answer: Value,
    #[serde(skip)]
    pub(super) is_fresh: bool,
}

impl Cache {
    pub(super) fn new(folder: Option<PathBuf>, now: SystemTime, fresh: Duration) -> Self {
        Self { folder, now, fresh }
    }

    fn path(&self, question: &str) -> Option<PathBuf> {
        let name = format!("{}.json", hexadecimal(&Sha256::digest(question)));
        Some(self.folder.as_ref()?.join(name))
    }

    fn seconds(&self) -> u64 {
        let since = self.now.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    /// What was answered before. A file that cannot be read is no answer.
    pub(super) fn get(&self, question: &str) -> Option<Kept> {
        let mut kept: Kept = serde_json::from_slice(&fs::read(self.path(question)?).ok()?).ok()?;
        // One of the future was written by another clock.
        let age = self.seconds().checked_sub(kept.at);
        kept.is_fresh = age.is_some_and(|age| age < self.fresh.as_secs());
        (kept.question == question).then_some(kept)
    }

    /// Keeps an answer. One that cannot be kept is asked for again the next time.
    pub(super) fn put(&self, question: &str, etag: Option<&str>, answer: &Value) {
        let Some(path) = self.path(question) else { return };
        let kept = Kept {
            question: question.to_owned(),
            at: self.seconds(),
            etag: etag.map(str::to_owned),
            answer: answer.clone(),
            is_fresh: true,
        };
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            // Another run may write the same answer at the same time: each to a file of its own, the last rename counts.
            let partial = path.with_extension(format!("{}.partial", std::process::id()));
            fs::write(&partial, serde_json::to_vec(&kept)?)?;
            fs::rename(&partial, &path)
        };
        let _ = write();
    }
}
