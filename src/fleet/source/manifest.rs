//! A manifest: CSV with a head, or JSON lines, one function a line.
//!
//! | field | is |
//! |---|---|
//! | `name` | required, unique in the manifest |
//! | `path` or `url` | where the artifact lies; a relative path is one from the manifest's folder |
//! | `runtime`, `owner`, `memory`, `timeout` | as in [`Function`] |
//! | `layers` | a list; in CSV parted by blanks |
//! | `tags` | an object; in CSV `key=value`, parted by `;` |
//! | `sha256`, `etag` | what is another one whenever the artifact is |

use super::{
    Bucket, Fetched, Listed, Source, SourceError, absolute,
    folder::{at_hand, rfc3339, stamp},
    web::Web,
};
use crate::fleet::Function;
use rayon::prelude::*;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Bytes of a line; a function has a name, a place and a few tags.
const LINE: u64 = 1 << 20;
/// Lines whose servers are asked at the same time for the mark of what they have.
const ASKED: usize = 64;

/// A list of functions in a file.
#[derive(Debug)]
pub struct Manifest {
    path: PathBuf,
    web: Web,
}

/// Whether a path is one of a manifest, by its ending.
pub(super) fn is_manifest(path: &Path) -> bool {
    ending(path).is_some()
}

#[derive(Clone, Copy)]
enum Ending {
    Csv,
    JsonLines,
}

fn ending(path: &Path) -> Option<Ending> {
    match &*path.extension()?.to_string_lossy().to_ascii_lowercase() {
        "csv" => Some(Ending::Csv),
        "jsonl" | "ndjson" => Some(Ending::JsonLines),
        _ => None,
    }
}

/// A line as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    runtime: Option<String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    memory: Option<i64>,
    #[serde(default)]
    timeout: Option<i64>,
    #[serde(default)]
    layers: Layers,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    etag: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Layers {
    List(Vec<String>),
    Text(String),
    Nothing(()),
}

impl Default for Layers {
    fn default() -> Self {
        Self::Nothing(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    Object(BTreeMap<String, String>),
    Text(String),
    Nothing(()),
}

impl Default for Tags {
    fn default() -> Self {
        Self::Nothing(())
    }
}

impl Manifest {
    /// Of a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(path: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            path: absolute(path)?,
            web: Web::default(),
        })
    }

    fn lines(&self, each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Result<(), SourceError> {
        let failed = |place: String, e: String| SourceError::Failed(format!("{}{place}: {e}", self.path.display()));
        let file = File::open(&self.path).map_err(|e| failed(String::new(), e.to_string()))?;
        match ending(&self.path) {
            Some(Ending::Csv) | None => {
                let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
                for line in reader.deserialize::<Line>() {
                    let line = line.map_err(|e| {
                        let at = e.position().map_or_else(String::new, |p| format!(":{}", p.line()));
                        failed(at, e.to_string())
                    })?;
                    if each(line).is_break() {
                        return Ok(());
                    }
                }
            }
            Some(Ending::JsonLines) => {
                let mut reader = BufReader::new(file);
                for number in 1_usize.. {
                    let mut line = Vec::new();
                    let at = || format!(":{number}");
                    let mut short = std::io::Read::take(&mut reader, LINE);
                    let read = short
                        .read_until(b'\n', &mut line)
                        .map_err(|e| failed(at(), e.to_string()))?;
                    if read as u64 == LINE {
                        return Err(failed(at(), format!("a line of over {LINE} bytes")));
                    }
                    if read == 0 {
                        break;
                    }
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    let line = serde_json::from_slice(&line).map_err(|e| failed(at(), e.to_string()))?;
                    if each(line).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn listed(&self, line: Line) -> Listed {
        let text = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let (path, url, etag) = (text(line.path), text(line.url), text(line.etag));
        let digest = text(line.sha256)
            .map(|d| d.trim_start_matches("sha256:").to_ascii_lowercase())
            .filter(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let path = path.map(|p| self.path.parent().unwrap_or(Path::new("")).join(p));
        let meta = path.as_ref().and_then(|p| fs::metadata(p).ok());
        let layers = match line.layers {
            Layers::List(list) => list,
            Layers::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Layers::Nothing(()) => Vec::new(),
        };
        let tags = match line.tags {
            Tags::Object(tags) => tags,
            Tags::Text(text) => pairs(&text),
            Tags::Nothing(()) => BTreeMap::new(),
        };
        let location = match (&path, url) {
            (Some(path), _) => path.to_string_lossy().into_owned(),
            (None, url) => url.unwrap_or_default(),
        };
        Listed {
            function: Function {
                name: line.name,
                location,
                runtime: text(line.runtime),
                memory_mb: line.memory,
                timeout_s: line.timeout,
                layers,
                last_modified: meta.as_ref().and_then(|m| m.modified().ok()).map(rfc3339),
                owner: text(line.owner),
                tags,
            },
            stamp: digest.clone().or(etag).or_else(|| meta.as_ref().and_then(stamp)),
            digest,
        }
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

impl Manifest {
    /// Passes lines on, with the mark of what their servers have where the manifest gives none.
    fn told(&self, mut lines: Vec<Listed>, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> ControlFlow<()> {
        lines
            .par_iter_mut()
            .filter(|line| line.stamp.is_none())
            .for_each(|line| {
                let location = &line.function.location;
                line.stamp = match location.split_once("://") {
                    Some(("http" | "https", _)) => self.web.stamp(location),
                    Some(("s3" | "gs" | "az", _)) => Bucket::new(location).ok().and_then(|object| object.stamp()),
                    _ => None,
                };
            });
        lines.into_iter().try_for_each(each)
    }
}

impl Source for Manifest {
    fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn list(&self, each: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> Result<(), SourceError> {
        let mut waiting = Vec::new();
        let mut stopped = false;
        self.lines(&mut |line| {
            waiting.push(self.listed(line));
            if waiting.len() >= ASKED {
                stopped = self.told(std::mem::take(&mut waiting), each).is_break();
            }
            if stopped {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if !stopped {
            let _ = self.told(waiting, each);
        }
        Ok(())
    }

    fn fetch(&self, listed: &Listed, limit: u64) -> Result<Fetched, SourceError> {
        let location = &listed.function.location;
        if location.is_empty() {
            return Err(SourceError::Failed(
                "the manifest gives neither path nor url".to_owned(),
            ));
        }
        match location.split_once("://") {
            Some(("http" | "https", _)) => return self.web.fetch(location, limit),
            Some(("s3" | "gs" | "az", _)) => return Bucket::new(location)?.fetch(listed, limit),
            Some((scheme, _)) => {
                return Err(SourceError::Failed(format!(
                    "`{scheme}://` is not fetched from manifests; expected https://, s3://, gs:// or az://"
                )));
            }
            None => {}
        }
        at_hand(Path::new(location), limit)
    }
}
