//! A new generation from OSV's bucket, or from a mirror with its layout.

use super::{
    import::{self, Import, ImportError, Quarantined},
    index::{Seen, Source},
    moment,
    osv::Record,
    store::{Generation, Store, StoreError},
};
use crate::http::{Answer, Download, HttpError, Progress, Remote};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    time::{Duration, SystemTime},
};

/// OSV's public bucket.
pub const DEFAULT_URL: &str = "https://osv-vulnerabilities.storage.googleapis.com";

/// Bytes of an `all.zip`. 4 GiB: npm's was below 300 MiB in 2026.
const ZIP_BYTES: u64 = 4 << 30;
/// Bytes of a `modified_id.csv`.
const CSV_BYTES: u64 = 256 << 20;
/// Bytes of one record.
const RECORD_BYTES: u64 = 16 << 20;
/// Changed records up to which they are fetched one by one. A record costs a request of some 50 ms, eight at a time: a
/// thousand take as long as the download and the reading of 50 MB.
const INCREMENT: usize = 1000;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// On the way.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// In the folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// In what came.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// In what is there.
    #[error(transparent)]
    Index(#[from] super::IndexError),
    /// A list of changes that is none.
    #[error("{0}: not a list of changes; expected lines of `time,id`")]
    List(String),
}

/// What was done for one ecosystem.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing had changed.
    Current,
    /// So many records were fetched, so many left out.
    Increment(usize, usize),
    /// Everything was fetched.
    Whole,
}

/// What was done.
#[derive(Debug)]
pub struct Updated {
    /// By ecosystem.
    pub done: Vec<(String, Done)>,
    /// What could not be read.
    pub quarantined: Vec<Quarantined>,
    /// What counts now.
    pub generation: Generation,
}

/// How to update.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where from.
    pub url: String,
    /// Which, as OSV names them.
    pub ecosystems: Vec<String>,
    /// Whether older or much fewer records are taken.
    pub force: bool,
    /// Whether to wait for a server that is busy.
    pub patient: bool,
    /// The time, for the age of what is fetched.
    pub now: SystemTime,
}

/// Brings the ecosystems up to date. Nothing changes unless all of them can be.
///
/// # Errors
/// What went wrong; the generation that counts is then what it was.
pub fn update(store: &Store, options: &Options, progress: Progress<'_>) -> Result<Updated, UpdateError> {
    let connect = Duration::from_secs(if options.patient { 10 } else { 3 });
    let remote = Remote::new(&options.url, connect, options.patient)?;
    // Asked before the lock is taken or a folder made: where there is no network nothing is left behind.
    let now = humantime::format_rfc3339_seconds(options.now).to_string();
    let mut plan = Plan::default();
    let current = store.current().ok().flatten();
    let mut lists = Vec::new();
    for ecosystem in &options.ecosystems {
        let mut sources = current.iter().flat_map(|c| &c.index.meta().sources);
        let source = sources.find(|s| s.ecosystem == *ecosystem);
        match list(&remote, ecosystem, source) {
            Ok(list) => lists.push((ecosystem, source, list)),
            Err(e) => {
                // To drop a client waits for its look-ups of names, which may take much longer than we would.
                std::mem::forget(remote);
                return Err(e);
            }
        }
    }
    let writer = store.lock()?;
    let unchanged = store.current().ok().flatten().map(|c| c.pointer.generation);
    if unchanged != current.as_ref().map(|c| c.pointer.generation.clone()) {
        return Err(StoreError::Busy(store.root().to_owned()).into());
    }
    let job = Job {
        remote: &remote,
        store,
        now: &now,
        progress,
    };
    let mut known: Option<HashMap<String, Known>> = None;
    for (ecosystem, source, list) in lists {
        match (list, source, &current) {
            (List::Same, ..) => plan.current(ecosystem, &now),
            (List::Changes(changes, mark), Some(source), Some(current)) if is_ours(source, &remote) => {
                let known = match &mut known {
                    Some(known) => known,
                    none => none.insert(knowledge(current)?),
                };
                let stale: Vec<&String> = changes
                    .iter()
                    .filter(|(id, at)| known.get(*id).is_none_or(|r| !moment::same(&r.modified, at)))
                    .map(|(id, _)| id)
                    .collect();
                if stale.len() > INCREMENT {
                    plan.whole(&job, ecosystem, Some(mark), None)?;
                    continue;
                }
                let (records, quarantined) = fetch(&remote, ecosystem, &stale, progress)?;
                for record in &records {
                    known
                        .entry(record.id.clone())
                        .or_default()
                        .modified
                        .clone_from(&record.modified);
                    plan.replaced.insert(record.id.clone());
                }
                let gone =
                    |(id, r): &(&String, &Known)| !changes.contains_key(*id) && r.alone == Some(ecosystem.as_str());
                let gone: Vec<String> = known.iter().filter(gone).map(|(id, _)| id.clone()).collect();
                plan.done
                    .push((ecosystem.clone(), Done::Increment(records.len(), gone.len())));
                plan.records.extend(records);
                plan.replaced.extend(gone);
                // What could not be read the last time is not known, and was asked for again.
                plan.source(&job, ecosystem, Some(mark), quarantined);
            }
            (list, ..) => {
                let source = source.filter(|source| is_ours(source, &remote));
                let known = source.and_then(|source| source.etag.as_deref()?.strip_prefix(OF_WHOLE));
                plan.whole(&job, ecosystem, list.mark(), known)?;
            }
        }
    }
    let generation = if plan.sources.is_empty() {
        writer.checked(plan.checked)?;
        store.current()?
    } else {
        Some(plan.commit(&writer, current.as_ref(), options.force)?)
    };
    let generation = generation.ok_or_else(|| StoreError::Pointer(store.root().join("current")))?;
    Ok(Updated {
        done: plan.done,
        quarantined: plan.quarantined,
        generation,
    })
}

/// How what is downloaded ends where it is counted in records, not in bytes.
pub const RECORDS: &str = " records";

/// Set before the mark of an `all.zip` where that is what is kept, because there is no list of changes.
const OF_WHOLE: &str = "all.zip ";

/// What all of an update shares.
struct Job<'j> {
    remote: &'j Remote,
    store: &'j Store,
    now: &'j str,
    progress: Progress<'j>,
}

/// What a new generation is made of.
#[derive(Default)]
struct Plan {
    done: Vec<(String, Done)>,
    quarantined: Vec<Quarantined>,
    /// What was fetched.
    records: Vec<Record>,
    /// Ecosystems that were fetched whole.
    whole: BTreeSet<String>,
    /// Ids of what was fetched alone, or is gone.
    replaced: HashSet<String>,
    sources: Vec<Source>,
    checked: BTreeMap<String, String>,
}

impl Plan {
    /// `mark` is that of the list of changes, `known` that of an `all.zip` that is there.
    fn whole(
        &mut self,
        job: &Job<'_>,
        ecosystem: &str,
        mark: Option<String>,
        known: Option<&str>,
    ) -> Result<(), UpdateError> {
        let folder = job.store.root().join("downloads");
        fs::create_dir_all(&folder).map_err(|source| StoreError::Io {
            path: folder.clone(),
            source,
        })?;
        let file = folder.join(format!("{ecosystem}.zip"));
        let path = format!("{ecosystem}/all.zip");
        let own = match job.remote.download(&path, known, &file, ZIP_BYTES, job.progress)? {
            Download::NotModified => {
                self.current(ecosystem, job.now);
                return Ok(());
            }
            Download::Done(mark) => mark.map(|mark| [OF_WHOLE, &mark].concat()),
        };
        let mut import = Import::default();
        let read = import.zip(&file, Some(ecosystem));
        // A broken one is no good for the next time either.
        let _ = fs::remove_file(&file);
        read?;
        self.records.append(&mut import.records);
        self.whole.insert(ecosystem.to_owned());
        self.source(job, ecosystem, mark.or(own), import.quarantined);
        self.done.push((ecosystem.to_owned(), Done::Whole));
        Ok(())
    }

    fn current(&mut self, ecosystem: &str, now: &str) {
        self.done.push((ecosystem.to_owned(), Done::Current));
        self.checked.insert(ecosystem.to_owned(), now.to_owned());
    }

    fn source(&mut self, job: &Job<'_>, ecosystem: &str, mark: Option<String>, mut quarantined: Vec<Quarantined>) {
        self.sources.push(Source {
            ecosystem: ecosystem.to_owned(),
            as_of: job.now.to_owned(),
            from: job.remote.base().to_owned(),
            etag: mark.filter(|mark| !mark.is_empty()),
            unread: Quarantined::told(&quarantined),
            ..Source::default()
        });
        self.quarantined.append(&mut quarantined);
    }

    fn commit(
        &mut self,
        writer: &super::store::Writer<'_>,
        current: Option<&Generation>,
        force: bool,
    ) -> Result<Generation, UpdateError> {
        let mut sources = std::mem::take(&mut self.sources);
        let new: BTreeSet<String> = sources.iter().map(|s| s.ecosystem.clone()).collect();
        let records = std::mem::take(&mut self.records);
        let mut checked = BTreeMap::new();
        if let Some(current) = current {
            sources.extend(
                current
                    .index
                    .meta()
                    .sources
                    .iter()
                    .filter(|s| !new.contains(&s.ecosystem))
                    .cloned(),
            );
            checked.clone_from(&current.pointer.checked);
        }
        checked.append(&mut self.checked);
        let (whole, replaced) = (&self.whole, &self.replaced);
        let mut stays = |r: &Seen<'_>| {
            let elsewhere = || r.packages.iter().any(|(ecosystem, _)| !whole.contains(*ecosystem));
            !replaced.contains(&r.id) && (r.packages.is_empty() || elsewhere())
        };
        Ok(writer.write(records, sources, checked, current, &mut stays, force)?)
    }
}

/// Whether what is there came from the same server, so that its list of changes says what to fetch.
fn is_ours(source: &Source, remote: &Remote) -> bool {
    source.from == remote.base()
}

/// What is known of a record that is there.
#[derive(Default)]
struct Known {
    modified: String,
    /// The ecosystem, of one that is about no other.
    alone: Option<&'static str>,
}

fn knowledge(generation: &Generation) -> Result<HashMap<String, Known>, UpdateError> {
    let mut known = HashMap::new();
    generation.index.each(&mut |record| {
        let first = record.packages.first().map(|(ecosystem, _)| *ecosystem);
        let alone = first.filter(|first| record.packages.iter().all(|(ecosystem, _)| ecosystem == first));
        let modified = record.modified;
        known.insert(record.id, Known { modified, alone });
    })?;
    Ok(known)
}

/// What a server says of changes.
enum List {
    /// None since the last time.
    Same,
    /// Every id and the time of its last change; and the mark of this list.
    Changes(HashMap<String, String>, String),
    /// It has no such list.
    None,
}

impl List {
    fn mark(self) -> Option<String> {
        match self {
            Self::Changes(_, mark) => Some(mark),
            Self::Same | Self::None => None,
        }
    }
}

fn list(remote: &Remote, ecosystem: &str, source: Option<&Source>) -> Result<List, UpdateError> {
    let path = format!("{ecosystem}/modified_id.csv");
    let mark = source.filter(|s| is_ours(s, remote)).and_then(|s| s.etag.as_deref());
    let mark = mark.filter(|mark| !mark.starts_with(OF_WHOLE));
    let (body, mark) = match remote.get(&path, mark, CSV_BYTES) {
        Ok(Answer::NotModified) => return Ok(List::Same),
        Ok(Answer::Body(body, mark)) => (body, mark),
        Err(HttpError::Status { status: 404, .. }) => return Ok(List::None),
        Err(e) => return Err(e.into()),
    };
    let wrong = || UpdateError::List(format!("{}/{path}", remote.base()));
    let text = String::from_utf8(body).map_err(|_| wrong())?;
    let mut changes = HashMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (time, id) = line.trim().split_once(',').ok_or_else(wrong)?;
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        if id.is_empty()
            || id.starts_with('.')
            || !id.bytes().all(good)
            || !time.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(wrong());
        }
        changes.insert(id.to_owned(), time.to_owned());
    }
    if changes.is_empty() {
        return Err(wrong());
    }
    Ok(List::Changes(changes, mark.unwrap_or_default()))
}

type Fetched = (Vec<Record>, Vec<Quarantined>);

/// Single records. One that the list names and the server does not have is an error.
fn fetch(remote: &Remote, ecosystem: &str, ids: &[&String], progress: Progress<'_>) -> Result<Fetched, UpdateError> {
    let paths: Vec<String> = ids.iter().map(|id| format!("{ecosystem}/{id}.json")).collect();
    let what = format!("{ecosystem}{RECORDS}");
    let (mut records, mut aside) = Fetched::default();
    remote.each(&paths, RECORD_BYTES, &mut |i, body| {
        let place = paths[i].clone();
        match import::parse(&body) {
            Ok(record) if record.id == *ids[i] => records.push(record),
            Ok(record) => aside.push(Quarantined {
                place,
                reason: format!("is record {}", record.id),
            }),
            Err(reason) => aside.push(Quarantined { place, reason }),
        }
        progress(&what, (records.len() + aside.len()) as u64, Some(ids.len() as u64));
    })?;
    // They come in any order.
    aside.sort_by(|a, b| a.place.cmp(&b.place));
    Ok((records, aside))
}
