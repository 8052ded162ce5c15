//! Walks a tree and every archive inside it, and hands entries to the detectors that want them.

use super::{Options, blind, unreadable};
use crate::{
    archive::{
        Anomaly, Budget, Contents, Entry, EntryKind, EntryMeta, Member, Opened, PEEK_BYTES, ReadError, Tree,
        nested::{self, Guess},
    },
    detect::{self, Detector, Found, Interest, Neighbours, Sink},
    ecosystem::{NPM, PYPI},
    fingerprint::Index,
    limits::Limits,
    model::{EcosystemId, Gap, GapKind, Link, Location, Workspace},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Everything seen in one artifact, in no particular order.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) found: Found,
    pub(super) anomalies: Vec<(Location, Anomaly)>,
    pub(super) entries: usize,
    /// Files in the languages whose packages we know.
    pub(super) code_files: usize,
    /// Of these, in the artifact itself: those that look like its own code and no package's, by the ecosystem of its packages.
    pub(super) own_code: BTreeMap<EcosystemId, usize>,
}

/// One dig through one artifact.
pub(super) struct Dig<'a> {
    budget: &'a Budget,
    /// Ids of detectors that are not asked.
    silent: &'a [&'static str],
    fingerprints: Option<&'a Index>,
    workspaces: &'a [Workspace],
    seen: Mutex<Seen>,
}

impl<'a> Dig<'a> {
    /// Digs through everything. The order of what is seen depends on the threads; whoever reports it sorts it.
    pub(super) fn run(tree: &dyn Tree, budget: &'a Budget, options: &'a Options) -> Seen {
        let dig = Self {
            budget,
            silent: &options.silent,
            fingerprints: options.fingerprints.as_deref().or_else(|| Index::embedded()),
            workspaces: &options.workspaces,
            seen: Mutex::default(),
        };
        dig.tree(tree, &Arc::from([]));
        let mut seen = dig.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        seen.anomalies
            .sort_by(|(a, x), (b, y)| (a, x.code, &x.message).cmp(&(b, y.code, &y.message)));
        seen
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every detector that is not silenced.
    fn asked(&self) -> impl Iterator<Item = &'static dyn Detector> {
        let heard = |detector: &&dyn Detector| !self.silent.contains(&detector.id());
        detect::ALL.iter().copied().filter(heard)
    }

    fn tree(&self, tree: &dyn Tree, archives: &Arc<[Box<str>]>) {
        let entries = tree.entries();
        let files: Vec<usize> = (0..entries.len())
            .filter(|&i| matches!(entries[i].kind, EntryKind::File | EntryKind::Symlink))
            .collect();
        self.note(|seen| {
            seen.entries += entries.len();
            seen.code_files += files.iter().filter(|&&i| is_code(&entries[i].path)).count();
            if archives.is_empty() {
                for id in files.iter().filter_map(|&i| own_code(&entries[i].path)) {
                    *seen.own_code.entry(id).or_default() += 1;
                }
            }
            let anomalies = tree.anomalies().iter();
            seen.anomalies
                .extend(anomalies.map(|a| (Location::new(archives.clone(), &a.path), a.clone())));
        });
        let around = Around {
            tree,
            budget: self.budget,
            fingerprints: self.fingerprints,
            workspaces: self.workspaces,
            sorted: OnceLock::new(),
        };
        let place = Location::new(archives.clone(), "");
        let ask = |question: &dyn Fn(&dyn Detector, &mut Sink<'_>)| {
            for detector in self.asked() {
                let mut sink = Sink::new(detector, &place, &around);
                question(detector, &mut sink);
                self.note(|seen| seen.found.absorb(sink.into_found()));
            }
        };
        ask(&|detector, sink| detector.survey(sink));
        tree.visit(&files, self.budget, &|i, opened| {
            self.entry(&around, archives, entries[i].meta(), opened);
        });
        ask(&|detector, sink| detector.review(sink));
    }

    fn entry(&self, around: &Around<'_>, archives: &Arc<[Box<str>]>, meta: EntryMeta<'_>, opened: &mut Opened<'_>) {
        let limits = &self.budget.limits;
        let head = opened.peek();
        let location = Location::new(archives.clone(), meta.path);
        let mut meta = meta;
        if meta.kind == EntryKind::Symlink {
            if is_target(head) {
                if meta.path.contains("node_modules/") {
                    let link = std::str::from_utf8(head).ok().and_then(|to| Link::new(location, to));
                    self.note(|seen| seen.found.links.extend(link));
                }
                return;
            }
            meta.kind = EntryKind::File;
            let reason = "a symbolic link by its mode, yet what it holds is no path: a file for some readers";
            let gap = blind(location.clone(), reason.to_owned());
            self.note(|seen| seen.found.gaps.push(gap));
        }
        if let Some(gap) = not_opened(head, &location) {
            self.note(|seen| seen.found.gaps.push(gap));
        }
        let guess = nested::guess(head, meta.path);
        let detectors: Vec<&dyn Detector> = self.asked().filter(|d| d.interest(meta).takes(head)).collect();
        if detectors.is_empty() && guess == Guess::No && !opened.may_end_as_zip() {
            // Nobody reads on, but what cannot even be begun may be anything.
            if let Some(problem) = opened.finish() {
                let gap = unreadable(location, &problem);
                self.note(|seen| seen.found.gaps.push(gap));
            }
            return;
        }
        let by_name = detectors.iter().any(|d| d.interest(meta) == Interest::Read);
        let (limit, name) = match guess {
            Guess::Yes => (limits.nested_bytes, "nested-bytes"),
            _ if by_name => (limits.entry_bytes, "entry-bytes"),
            _ => (limits.binary_bytes, "binary-bytes"),
        };
        let contents = opened.read(limit, name);
        if let Some(problem) = &contents.problem {
            let gap = unreadable(location.clone(), problem);
            self.note(|seen| seen.found.gaps.push(gap));
        }
        let entry = Entry {
            meta,
            bytes: &contents.bytes,
            whole: contents.problem.is_none(),
            location,
        };
        for detector in detectors {
            self.detect(detector, &entry, around);
        }
        // Bytes that are read anyway are looked at for an archive behind them: nothing is hidden by what precedes it.
        self.nested(&entry);
    }

    fn detect(&self, detector: &dyn Detector, entry: &Entry<'_>, around: &Around<'_>) {
        let mut sink = Sink::new(detector, &entry.location, around);
        let result = detector.extract(entry, &mut sink);
        let mut found = sink.into_found();
        // One that is not whole is a gap already.
        if let (Err(e), true) = (result, entry.whole) {
            found.gaps.push(Gap {
                kind: GapKind::Blind,
                location: entry.location.clone(),
                stage: detector.id(),
                reason: e.to_string(),
            });
        }
        self.note(|seen| seen.found.absorb(found));
    }

    fn nested(&self, entry: &Entry<'_>) {
        let Some(nested) = nested::open(entry.bytes, entry.meta.path, self.budget) else {
            return;
        };
        let archives: Arc<[Box<str>]> = entry
            .location
            .archives
            .iter()
            .cloned()
            .chain([entry.meta.path.into()])
            .collect();
        let depth = self.budget.limits.depth;
        if archives.len() > depth {
            let gap = unreadable(entry.location.clone(), &ReadError::limit("depth", depth as u64));
            return self.note(|seen| seen.found.gaps.push(gap));
        }
        self.tree(&*nested.tree, &archives);
    }
}

/// The archive around an entry, read when a detector asks.
struct Around<'a> {
    tree: &'a dyn Tree,
    budget: &'a Budget,
    fingerprints: Option<&'a Index>,
    workspaces: &'a [Workspace],
    /// Indices of its files by path, sorted when first asked for.
    sorted: OnceLock<Vec<usize>>,
}

impl Around<'_> {
    /// Indices of files from the first whose path is not below `prefix`.
    fn from(&self, prefix: &str) -> &[usize] {
        let entries = self.tree.entries();
        let sorted = self.sorted.get_or_init(|| {
            let mut files: Vec<usize> = (0..entries.len())
                .filter(|&i| entries[i].kind == EntryKind::File)
                .collect();
            files.sort_by(|&a, &b| entries[a].path.cmp(&entries[b].path));
            files
        });
        &sorted[sorted.partition_point(|&i| *entries[i].path < *prefix)..]
    }
}

impl Neighbours for Around<'_> {
    fn fingerprints(&self) -> Option<&Index> {
        self.fingerprints
    }

    fn workspaces(&self) -> &[Workspace] {
        self.workspaces
    }

    fn limits(&self) -> &Limits {
        &self.budget.limits
    }

    fn has(&self, path: &str) -> bool {
        let first = self.from(path).first();
        first.is_some_and(|&i| *self.tree.entries()[i].path == *path)
    }

    fn entries(&self) -> &[Member] {
        self.tree.entries()
    }

    fn below<'n>(&'n self, prefix: &str) -> Box<dyn Iterator<Item = &'n Member> + 'n> {
        let entries = self.tree.entries();
        let from = self.from(prefix);
        let end = from.partition_point(|&i| entries[i].path.starts_with(prefix));
        Box::new(from[..end].iter().map(|&i| &entries[i]))
    }

    fn children<'n>(&'n self, folder: &str) -> Box<dyn Iterator<Item = &'n str> + 'n> {
        let entries = self.tree.entries();
        let from = self.from(folder);
        let length = folder.len();
        let mut rest = &from[..from.partition_point(|&i| entries[i].path.starts_with(folder))];
        Box::new(std::iter::from_fn(move || {
            let path = &entries[*rest.first()?].path;
            let name = path[length..].split('/').next().unwrap_or_default();
            // A folder is passed over in one step, however much it holds.
            let end = length + name.len();
            let here = |&i: &usize| {
                let other = &entries[i].path;
                other.get(..end) == path.get(..end) && matches!(other.as_bytes().get(end), None | Some(b'/'))
            };
            let is_folder = path.len() > end;
            let skip = if is_folder {
                rest.partition_point(here).max(1)
            } else {
                1
            };
            rest = &rest[skip..];
            Some(name)
        }))
    }

    fn visit(&self, paths: &[&str], visitor: &(dyn Fn(usize, Contents<'_>) + Sync)) {
        let entries = self.tree.entries();
        let at = |path: &str| self.from(path).first().copied().filter(|&i| *entries[i].path == *path);
        let places: BTreeMap<usize, usize> = paths
            .iter()
            .enumerate()
            .filter_map(|(n, path)| Some((at(path)?, n)))
            .collect();
        let wanted: Vec<usize> = places.keys().copied().collect();
        self.tree.visit(&wanted, self.budget, &|i, opened| {
            visitor(places[&i], opened.read(self.budget.limits.entry_bytes, "entry-bytes"));
        });
    }
}

/// What is packed in a format that is not looked through: blind where it is an archive, partial where it may be mere data.
fn not_opened(head: &[u8], location: &Location) -> Option<Gap> {
    let (format, is_archive) = nested::closed(head, &location.path)?;
    let reason = if is_archive {
        format!("an archive in {format}, which is not opened; scan what it unpacks to, or pack it as zip or tar.gz")
    } else {
        format!("packed by {format}, which is not looked through")
    };
    let gap = blind(location.clone(), reason);
    let kind = if is_archive { gap.kind } else { GapKind::Partial };
    Some(Gap { kind, ..gap })
}

/// Whether these may be the contents of a symbolic link: a path on one line.
fn is_target(head: &[u8]) -> bool {
    head.len() < PEEK_BYTES && !head.iter().any(|b| b.is_ascii_control() || *b == b'{') && !head.starts_with(b"PK")
}

/// The ecosystem whose packages a file of source code uses.
pub(super) fn language(path: &str) -> Option<EcosystemId> {
    match path.rsplit_once('.')?.1 {
        "js" | "mjs" | "cjs" | "ts" => Some(NPM.id),
        "py" | "pyc" => Some(PYPI.id),
        _ => None,
    }
}

/// As [`language`], of a file that lies where functions keep their own code. Deeper down, scripts of one language are often
/// assets and tools in the packages of another: what a Python page serves, what builds a Node binding.
fn own_code(path: &str) -> Option<EcosystemId> {
    let language = language(path)?;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let own = match folder {
        "" => true,
        "node_modules" => false,
        _ if folder.contains('/') => false,
        // Folders of scripts for browsers have many names; one function of several is an `index.js`.
        _ => language == PYPI.id || name.starts_with("index."),
    };
    own.then_some(language)
}

/// Files whose dependencies plimsoll is expected to name.
fn is_code(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ext)| matches!(ext, "js" | "mjs" | "cjs" | "ts" | "py" | "pyc" | "so" | "node" | "wasm"))
}
