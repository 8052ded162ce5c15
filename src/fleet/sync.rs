//! Reads what is deployed now, and nothing that was read before.
//!
//! One thread lists the sources and says of each function whether anything is new; several fetch and read artifacts; one
//! writes. Between them are short queues, so that a slow database stops the reading and not the memory.

use super::{
    Listed, Shard,
    limit::{Gate, Pace},
    source::{Fetched, Source},
    store::{Change, Draft, Kind, Known, Names, Outcome, State, Store, StoreError, facts},
};
use crate::{
    audit::{self, Input},
    parse::hexadecimal,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read as _},
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::SystemTime,
};

/// Functions that are written in one transaction, where their artifacts are written already.
const BATCH: usize = 256;

/// What a sync is told.
#[derive(Debug)]
pub struct Options {
    /// How artifacts are read.
    pub scan: audit::Options,
    /// Which part of the functions.
    pub shard: Shard,
    /// Artifacts that are read at the same time.
    pub jobs: usize,
    /// Bytes of memory that those may take.
    pub memory: u64,
    /// Bytes a second that are fetched.
    pub bandwidth: Option<u64>,
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The run's number.
    pub run: i64,
    /// Functions in the part that was asked for.
    pub listed: usize,
    /// Of these, those of which nothing is new.
    pub unchanged: usize,
    /// Artifacts that were read.
    pub read: usize,
    /// Functions whose artifact was known by another function, or before.
    pub shared: usize,
    /// Functions of which only what their source tells is new.
    pub retold: usize,
    /// Functions that are gone.
    pub gone: usize,
    /// Source, function (empty for the source itself), why.
    pub failures: Vec<(String, String, String)>,
}

/// Who is told how it goes, from any thread.
pub trait Watch: Sync {
    /// So many functions are listed so far; `all` when there are no more.
    fn listed(&self, functions: usize, all: bool);
    /// So many are done, so many of them failed.
    fn done(&self, functions: usize, failed: usize);
    /// Whether to stop.
    fn stops(&self) -> bool {
        false
    }
}

/// A function whose artifact is to be had.
#[derive(Debug)]
struct Task {
    source: usize,
    listed: Listed,
}

/// What the writer is told.
enum News {
    /// Nothing is new of so many.
    Unchanged(usize),
    /// Only what the source tells.
    Retold(Task, i64),
    /// An artifact was read, for this function and those that wait for it.
    Read(Task, Box<Draft>),
    /// An artifact that is written already.
    Known(Task, i64),
    /// It could not be had.
    Failed(Task, String),
    /// These functions are gone.
    Gone(Vec<i64>),
    /// A source could not be listed to its end.
    Unlisted(usize, String),
}

/// What is known of an artifact by its digest.
enum Artifact {
    Written(i64),
    /// Somebody is reading it, and these wait for that.
    Awaited(Vec<Task>),
}

type Artifacts = Mutex<HashMap<String, Artifact>>;

fn locked(artifacts: &Artifacts) -> std::sync::MutexGuard<'_, HashMap<String, Artifact>> {
    artifacts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings a store up to date with what the sources hold now.
///
/// # Errors
/// When the store cannot be written; what was written before is whole, and the next run goes on from there.
pub fn sync(
    store: &mut Store,
    sources: &[Box<dyn Source>],
    options: &Options,
    watch: &dyn Watch,
    now: SystemTime,
) -> Result<Summary, StoreError> {
    let time = || humantime::format_rfc3339_seconds(now).to_string();
    let run = store.begin_run(Kind::Sync, &options.shard.to_string(), &time())?;
    let result = filled(store, run, sources, options, watch);
    let state = match &result {
        Ok(_) if !watch.stops() => State::Done,
        _ => State::Aborted,
    };
    let mut summary = result.as_ref().cloned().unwrap_or_default();
    summary.run = run;
    let finished = humantime::format_rfc3339_seconds(SystemTime::now().max(now)).to_string();
    let ended = store.transaction(|store| {
        store.write_failures(run, &summary.failures)?;
        store.finish_run(run, state, &finished, &told(&summary))
    });
    store.release_run(run)?;
    result?;
    ended?;
    Ok(summary)
}

fn told(summary: &Summary) -> String {
    json!({
        "listed": summary.listed,
        "unchanged": summary.unchanged,
        "read": summary.read,
        "shared": summary.shared,
        "retold": summary.retold,
        "gone": summary.gone,
        "failed": summary.failures.len(),
    })
    .to_string()
}

fn filled(
    store: &mut Store,
    run: i64,
    sources: &[Box<dyn Source>],
    options: &Options,
    watch: &dyn Watch,
) -> Result<Summary, StoreError> {
    let mut numbers = Vec::new();
    let mut known = Vec::new();
    for source in sources {
        let number = store.source(&source.name())?;
        numbers.push(number);
        known.push(store.known(number)?);
    }
    let written = store.read_artifacts()?;
    let artifacts: Artifacts = Mutex::new(written.into_iter().map(|(d, id)| (d, Artifact::Written(id))).collect());
    let names = store.names()?;

    let stop = AtomicBool::new(false);
    let (tasks, todo) = mpsc::sync_channel::<Task>(options.jobs * 4);
    let (news, told) = mpsc::sync_channel::<News>(options.jobs * 4);
    let todo = Arc::new(Mutex::new(todo));
    let gate = Gate::new(options.memory);
    let pace = options.bandwidth.map(Pace::new);
    thread::scope(|scope| {
        let lister = Lister {
            sources,
            known: &known,
            options,
            watch,
            stop: &stop,
        };
        let (list_news, stop, gate, pace, artifacts) = (news.clone(), &stop, &gate, pace.as_ref(), &artifacts);
        scope.spawn(move || lister.run(&tasks, &list_news));
        for _ in 0..options.jobs.max(1) {
            let (todo, news) = (Arc::clone(&todo), news.clone());
            let reader = Reader {
                sources,
                options,
                artifacts,
                gate,
                pace,
                stop,
            };
            scope.spawn(move || reader.run(&todo, &news));
        }
        drop((news, todo));
        let mut writer = Writer {
            store,
            run,
            sources,
            numbers: &numbers,
            artifacts,
            names,
            watch,
            summary: Summary::default(),
            waiting: Vec::new(),
        };
        let result = told.iter().try_for_each(|news| {
            if watch.stops() {
                stop.store(true, Ordering::Relaxed);
            }
            writer.take(news)
        });
        // Whoever waits for room in the queue is let go.
        stop.store(true, Ordering::Relaxed);
        drop(told);
        result.and_then(|()| writer.flush())?;
        Ok(writer.summary)
    })
}

struct Lister<'s> {
    sources: &'s [Box<dyn Source>],
    known: &'s [HashMap<String, Known>],
    options: &'s Options,
    watch: &'s dyn Watch,
    stop: &'s AtomicBool,
}

impl Lister<'_> {
    fn run(&self, tasks: &SyncSender<Task>, news: &SyncSender<News>) {
        let mut listed = 0;
        for (i, source) in self.sources.iter().enumerate() {
            let place = source.name();
            let known = &self.known[i];
            let mut seen: HashSet<String> = HashSet::new();
            let mut unchanged = 0;
            let told = source.list(&mut |one| {
                if self.stop.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                if !self.options.shard.holds(&place, &one.function.name) || !seen.insert(one.function.name.clone()) {
                    return ControlFlow::Continue(());
                }
                listed += 1;
                self.watch.listed(listed, false);
                let before = known.get(&one.function.name);
                let same = before.filter(|k| !k.failed && k.stamp.is_some() && k.stamp == one.stamp);
                let sent = match same.and_then(|k| Some((k, k.artifact?))) {
                    Some((k, _)) if !k.gone && k.facts == facts(&one.function) => {
                        unchanged += 1;
                        if unchanged < BATCH {
                            return ControlFlow::Continue(());
                        }
                        news.send(News::Unchanged(std::mem::take(&mut unchanged))).is_ok()
                    }
                    Some((_, artifact)) => {
                        let task = Task { source: i, listed: one };
                        news.send(News::Retold(task, artifact)).is_ok()
                    }
                    None => tasks.send(Task { source: i, listed: one }).is_ok(),
                };
                if sent {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            let _ = news.send(News::Unchanged(unchanged));
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            match told {
                Err(e) => drop(news.send(News::Unlisted(i, e.to_string()))),
                Ok(()) if source.is_whole() => {
                    let gone = known.iter().filter(|(name, known)| {
                        !known.gone && !seen.contains(*name) && self.options.shard.holds(&place, name)
                    });
                    let mut gone: Vec<i64> = gone.map(|(_, known)| known.id).collect();
                    gone.sort_unstable();
                    let _ = news.send(News::Gone(gone));
                }
                Ok(()) => {}
            }
        }
        self.watch.listed(listed, true);
    }
}

struct Reader<'s> {
    sources: &'s [Box<dyn Source>],
    options: &'s Options,
    artifacts: &'s Artifacts,
    gate: &'s Gate,
    pace: Option<&'s Pace>,
    stop: &'s AtomicBool,
}

impl Reader<'_> {
    fn run(&self, todo: &Mutex<Receiver<Task>>, news: &SyncSender<News>) {
        loop {
            let task = todo.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(task) = task else { return };
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            if let Some(said) = self.one(task)
                && news.send(said).is_err()
            {
                return;
            }
        }
    }

    /// `None` where somebody else is reading the same artifact, and answers for this function too.
    fn one(&self, task: Task) -> Option<News> {
        // Where the source knows the digest, what is known is not even fetched.
        let given = task.listed.digest.clone();
        let task = match given {
            Some(digest) => match self.claim(&digest, task) {
                Claim::Mine(task) => task,
                Claim::Written(task, id) => return Some(News::Known(task, id)),
                Claim::Waits => return None,
            },
            None => task,
        };
        let claimed = task.listed.digest.clone();
        let limit = self.options.scan.limits.artifact_bytes;
        let fetched = match self.sources[task.source].fetch(&task.listed, limit) {
            Ok(fetched) => fetched,
            Err(e) => return Some(News::Failed(task, e.to_string())),
        };
        let size = std::fs::metadata(fetched.path()).map_or(0, |m| m.len());
        if fetched.is_fetched()
            && let Some(pace) = self.pace
        {
            pace.took(size);
        }
        let (task, claimed) = match (claimed, digest(fetched.path())) {
            (_, Err(e)) => return Some(News::Failed(task, format!("cannot be read: {e}"))),
            // What the source said of it was true, or there is nothing to compare.
            (Some(claimed), Ok(got)) if got.as_ref().is_none_or(|got| *got == claimed) => (task, Some(claimed)),
            (Some(claimed), Ok(got)) => {
                let got = got.unwrap_or_default();
                let message = format!("its digest is {got}, and its source says {claimed}; fetch it again");
                return Some(News::Failed(task, message));
            }
            (None, Ok(None)) => (task, None),
            (None, Ok(Some(got))) => match self.claim(&got, task) {
                Claim::Mine(mut task) => {
                    task.listed.digest = Some(got.clone());
                    (task, Some(got))
                }
                Claim::Written(task, id) => return Some(News::Known(task, id)),
                Claim::Waits => return None,
            },
        };
        Some(self.read(task, &fetched, size, claimed.as_deref()))
    }

    fn read(&self, task: Task, fetched: &Fetched, size: u64, claimed: Option<&str>) -> News {
        let _room = self.gate.enter(size);
        let read = audit::dossier(&Input::Path(fetched.path().to_owned()), &self.options.scan);
        match read {
            Err(message) => News::Failed(task, message),
            Ok(dossier) if claimed.is_some() && dossier.sha256.as_deref() != claimed => News::Failed(
                task,
                "it changed while it was read; the next run reads it again".to_owned(),
            ),
            Ok(dossier) => News::Read(task, Box::new(Draft::new(&dossier))),
        }
    }

    fn claim(&self, digest: &str, task: Task) -> Claim {
        let mut artifacts = locked(self.artifacts);
        match artifacts.get_mut(digest) {
            Some(Artifact::Written(id)) => Claim::Written(task, *id),
            Some(Artifact::Awaited(waiting)) => {
                waiting.push(task);
                Claim::Waits
            }
            None => {
                artifacts.insert(digest.to_owned(), Artifact::Awaited(Vec::new()));
                Claim::Mine(task)
            }
        }
    }
}

enum Claim {
    Mine(Task),
    Written(Task, i64),
    Waits,
}

/// SHA-256 of a file in hexadecimal; `None` of a folder.
fn digest(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok(Some(hexadecimal(&hash.finalize())));
        }
        hash.update(&piece[..n]);
    }
}

struct Writer<'s> {
    store: &'s mut Store,
    run: i64,
    sources: &'s [Box<dyn Source>],
    numbers: &'s [i64],
    artifacts: &'s Artifacts,
    names: Names,
    watch: &'s dyn Watch,
    summary: Summary,
    /// Functions whose artifacts are written, or failed.
    waiting: Vec<(Task, Result<i64, String>)>,
}

impl Writer<'_> {
    fn take(&mut self, news: News) -> Result<(), StoreError> {
        match news {
            News::Unchanged(functions) => {
                self.summary.listed += functions;
                self.summary.unchanged += functions;
                self.tell();
            }
            News::Retold(task, artifact) => {
                self.summary.retold += 1;
                self.wait(task, Ok(artifact))?;
            }
            News::Known(task, artifact) => {
                self.summary.shared += 1;
                self.wait(task, Ok(artifact))?;
            }
            News::Read(task, draft) => {
                let change = Change {
                    source: self.numbers[task.source],
                    listed: &task.listed,
                };
                let id = self.store.write_artifact(self.run, &draft, &change, &mut self.names)?;
                self.summary.read += 1;
                self.summary.listed += 1;
                self.tell();
                for task in self.settle(draft.digest(), Some(id)) {
                    self.summary.shared += 1;
                    self.wait(task, Ok(id))?;
                }
            }
            News::Failed(task, message) => {
                let others = match task.listed.digest.clone() {
                    Some(digest) => self.settle(&digest, None),
                    None => Vec::new(),
                };
                for task in std::iter::once(task).chain(others) {
                    self.fail(task.source, &task.listed.function.name, &message);
                    self.wait(task, Err(message.clone()))?;
                }
            }
            News::Gone(functions) => {
                self.summary.gone += functions.len();
                self.store.write_gone(self.run, &functions)?;
            }
            News::Unlisted(source, message) => self.fail(source, "", &message),
        }
        Ok(())
    }

    fn fail(&mut self, source: usize, name: &str, message: &str) {
        let place = self.sources[source].name();
        self.summary.failures.push((place, name.to_owned(), message.to_owned()));
    }

    /// Those that waited for an artifact, which is written now, or will not be.
    fn settle(&mut self, digest: &str, id: Option<i64>) -> Vec<Task> {
        let mut artifacts = locked(self.artifacts);
        let before = match id {
            Some(id) => artifacts.insert(digest.to_owned(), Artifact::Written(id)),
            None => artifacts.remove(digest),
        };
        match before {
            Some(Artifact::Awaited(tasks)) => tasks,
            _ => Vec::new(),
        }
    }

    fn wait(&mut self, task: Task, outcome: Result<i64, String>) -> Result<(), StoreError> {
        self.summary.listed += 1;
        self.waiting.push((task, outcome));
        self.tell();
        if self.waiting.len() < BATCH {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let changes: Vec<(Change<'_>, Outcome<'_>)> = waiting
            .iter()
            .map(|(task, outcome)| {
                let change = Change {
                    source: self.numbers[task.source],
                    listed: &task.listed,
                };
                let outcome = match outcome {
                    Ok(id) => Outcome::Ships(*id),
                    Err(message) => Outcome::Failed(message),
                };
                (change, outcome)
            })
            .collect();
        self.store.write_functions(self.run, &changes)
    }

    fn tell(&self) {
        self.watch.done(self.summary.listed, self.summary.failures.len());
    }
}
