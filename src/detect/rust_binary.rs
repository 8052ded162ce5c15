//! Rust binaries without audit data: what source paths, symbols and module paths still say of the crates in them, with the
//! versions of a `Cargo.lock` that lies beside.
//!
//! | trace | name | version | proof, confidence |
//! |---|---|---|---|
//! | path in a registry's folder | yes | yes | installed, 0.95 (0.9 where the registry is not crates.io) |
//! | path in another folder named `NAME-VERSION` | yes | yes | installed, 0.8 |
//! | symbol | spelled as a well-known crate or the lock file has it | from the lock file | installed, 0.7 |
//! | module path in text | the same | the same | inferred, 0.4 |
//! | none, but the source that was given links it | yes | yes | inferred, 0.8; used by macros alone: declared |
//! | none, but the lock file leads there | yes | yes | inferred, 0.3; used by macros alone: declared |
//! | none, but a crate that is there cannot be built without it | yes | where that one leaves no choice | inferred, 0.6; used by macros alone: declared |
//!
//! A crate that is all inlined or all types leaves nothing, so the list is never called complete: a gap says so.

use super::{
    DetectError, Detector, Interest, Sink,
    cargo_auditable::is_audited,
    rust::{
        BINARIES,
        lock::{Linked, Lock, Seen, System},
        names,
        paths::{self, Source},
        pins::Pins,
        platform::platform,
        requires::{self, Need},
        source::{self, Built},
        traces::{Traces, traces},
    },
};
use crate::{
    archive::{Entry, EntryKind, EntryMeta},
    ecosystem::CARGO,
    model::{Fact, Proof, Symbols},
    parse::{self, binary::is_executable},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct RustBinary;

impl Detector for RustBinary {
    fn id(&self) -> &'static str {
        "rust-binary"
    }

    fn reads(&self) -> &'static str {
        "Rust binaries without audit data, by magic: crates from source paths, symbols and a `Cargo.lock` beside"
    }

    fn technique(&self) -> &'static str {
        "binary-analysis"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Magic(BINARIES)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        if is_audited(entry.bytes, found.neighbours.limits().audit_bytes) {
            return Ok(()); // complete by its nature
        }
        let traces = traces(entry.bytes);
        if !traces.is_rust {
            return Ok(());
        }
        let crates = Crates::of(&traces);
        let platform = platform(entry.bytes);
        let workspaces = found.neighbours.workspaces();
        let built = Built::of(workspaces, entry.meta.path, entry.bytes, &platform);
        if built.is_none() && !workspaces.is_empty() && is_executable(entry.bytes) {
            found.partial("the source that was given builds no program of this name: they were not compared");
        }
        let versions = match built {
            Some(built) => Versions::Source(built),
            None => lock_beside(entry, found).map_or(Versions::Unknown, Versions::Lock),
        };
        crates.report(&traces, System::of(entry.bytes), &versions, found);
        if !traces.functions.is_empty() {
            let symbols = Symbols {
                location: found.place(),
                text: traces.functions.into(),
            };
            found.symbols.push(symbols);
        }
        for evidence in found.components.iter_mut().flat_map(|c| &mut c.evidence) {
            evidence.facts.extend(platform.iter().cloned());
        }
        Ok(())
    }
}

/// The nearest `Cargo.lock` in the binary's folder or one above it.
fn lock_beside(entry: &Entry<'_>, found: &Sink<'_>) -> Option<Lock> {
    let folder = entry.location.folder();
    let is_above = |path: &str| {
        let own = path.strip_suffix("Cargo.lock")?;
        let own = match own.strip_suffix('/') {
            Some(own) => own,
            None if own.is_empty() => own,
            None => return None,
        };
        let rest = folder.strip_prefix(own)?;
        (own.is_empty() || rest.is_empty() || rest.starts_with('/')).then_some(own.len())
    };
    let members = found.neighbours.entries().iter().filter(|m| m.kind == EntryKind::File);
    let (_, path) = members.filter_map(|m| Some((is_above(&m.path)?, &m.path))).max()?;
    let contents = found.neighbours.read(path)?;
    Lock::parse(&parse::text(&contents.bytes)).ok() // one that does not parse is the lock detector's to report
}

/// What else is there to say which versions the crates of a binary have.
enum Versions<'w> {
    Source(Built<'w>),
    Lock(Lock),
    Unknown,
}

/// Crates that a binary shows, by how.
#[derive(Default)]
struct Crates<'b> {
    /// Name and version, with the registry unless it is crates.io's; an empty one is a folder of no registry.
    exact: BTreeMap<(&'b str, &'b str), Option<&'b str>>,
    /// Repositories, with their revision.
    git: BTreeSet<(&'b str, &'b str)>,
}

impl<'b> Crates<'b> {
    fn of(traces: &Traces<'b>) -> Self {
        let mut crates = Self::default();
        for source in &traces.sources {
            match *source {
                Source::Registry {
                    registry,
                    name,
                    version,
                } => {
                    let elsewhere = (!paths::is_crates_io(registry)).then_some(registry);
                    crates.exact.insert((name, version), elsewhere);
                }
                Source::Folder { name, version } => {
                    crates.exact.entry((name, version)).or_insert(Some(""));
                }
                Source::Git { repository, revision } => drop(crates.git.insert((repository, revision))),
            }
        }
        crates
    }

    fn report(&self, traces: &Traces<'b>, system: System, versions: &Versions<'_>, found: &mut Sink<'_>) {
        let mut by_path: BTreeSet<String> = BTreeSet::new();
        let mut elsewhere: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (&(name, version), registry) in &self.exact {
            by_path.insert(names::identifier(name));
            let confidence = match *registry {
                None => 0.95,
                Some("") => 0.8,
                Some(registry) => {
                    elsewhere.entry(registry).or_default().push(format!("{name} {version}"));
                    0.9
                }
            };
            let added = found.add(CARGO.coordinate(name, Some(version)), Proof::Installed, confidence);
            if let Some(registry) = registry.filter(|r| !r.is_empty()) {
                let _ = added.fact(Fact::Registry(registry.into()));
            }
        }
        for (registry, crates) in elsewhere {
            found.partial(format!(
                "{} from the registry `{registry}`, which is not crates.io: advisories of crates.io may not be meant for \
                 them: {}",
                count(crates.len(), "crate"),
                some(crates.iter().map(String::as_str))
            ));
        }

        let in_symbols = traces.symbols.keys().map(|name| (*name, Proof::Installed, 0.7));
        // One mention is a word in a sentence.
        let in_text = traces
            .modules
            .iter()
            .filter(|(name, n)| **n > 1 && !traces.symbols.contains_key(*name));
        let in_text = in_text.map(|(name, _)| (*name, Proof::Inferred, 0.4));
        let named: Vec<_> = in_symbols
            .chain(in_text)
            .filter(|(name, ..)| !names::is_std(name) && !by_path.contains(*name))
            .collect();
        match versions {
            Versions::Source(built) => self.with_source(built, &named, found),
            Versions::Lock(lock) => self.with_lock(lock, &named, system, found),
            Versions::Unknown => self.without_lock(traces, &named, system, found),
        }
        let well_known = |repository: &str| names::published(&names::identifier(repository));
        for (repository, revision) in &self.git {
            if let (Some(name), Versions::Unknown) = (well_known(repository), versions) {
                let _ = found.add(CARGO.coordinate(name, None), Proof::Installed, 0.5);
            }
            found.partial(format!(
                "crates from the git repository `{repository}` at {revision}: their versions are not in the binary"
            ));
        }
    }

    /// Names without versions, and the gap that says what is missing.
    fn without_lock(&self, traces: &Traces<'_>, named: &[(&str, Proof, f32)], system: System, found: &mut Sink<'_>) {
        let (mut known, mut unknown) = (0, BTreeSet::new());
        // What a private registry calls by a public name needs what it needs.
        let public = self
            .exact
            .iter()
            .filter(|(_, registry)| registry.is_none_or(str::is_empty));
        let exact: Vec<(&str, &str)> = public.map(|(&crate_, _)| crate_).collect();
        let mut seen: Vec<_> = exact.iter().map(|&(name, version)| (name, Some(version))).collect();
        let mut claims = Vec::new();
        for &(name, proof, confidence) in named {
            if let Some(published) = names::published(name) {
                known += 1;
                if proof == Proof::Installed {
                    seen.push((published, None));
                }
                claims.push((published, proof, confidence, None));
            } else if proof == Proof::Installed {
                unknown.insert(name);
            }
        }
        let is_dated = requires::are_dated_by(&exact);
        let mut pins = Pins::of(&exact, is_dated);
        let led_to = requires::led_to(&seen, &|name| pins.only(name), system);
        claims.extend(led_to.iter().map(|(&name, &(need, root))| match need {
            Need::Linked => (name, Proof::Inferred, 0.6, Some(root)),
            Need::Macro => (name, Proof::Declared, 0.3, Some(root)),
        }));
        let all: BTreeSet<&str> = claims.iter().map(|&(name, ..)| name).collect();
        pins.ask(&all, &exact);
        let mut follow = 0;
        for (name, proof, confidence, root) in claims {
            let required_by = |root: &str| Fact::RequiredBy(root.into());
            let versions = pins.versions(name);
            if versions.len() == 0 || proof == Proof::Declared {
                let added = found.add(CARGO.coordinate(name, None), proof, confidence);
                let _ = added.facts(root.map(required_by));
                continue;
            }
            follow += 1;
            for (version, root) in versions {
                let added = found.add(CARGO.coordinate(name, Some(version)), proof, confidence);
                let _ = added.fact(required_by(root));
            }
        }
        let compiler = traces.compiler.map(|v| format!(" (rustc {v})")).unwrap_or_default();
        let own = if unknown.is_empty() {
            String::new()
        } else {
            format!(
                "; {} in its symbols may be its own or come from anywhere: {}",
                count(unknown.len(), "other name"),
                some(unknown.into_iter())
            )
        };
        found.partial(format!(
            "Rust binary without audit data{compiler}: {} by source paths, {known} more by name alone{own}, {} that \
             those cannot do without, {follow} of both with the version that those leave no choice of; what else left no trace \
             is missing: build it with `cargo auditable build`",
            count(self.exact.len(), "crate"),
            led_to.len(),
        ));
    }

    /// Names from the binary, versions and all that leaves no trace from the source.
    fn with_source(&self, built: &Built<'_>, named: &[(&str, Proof, f32)], found: &mut Sink<'_>) {
        let seen: BTreeSet<(&str, &str)> = self.exact.keys().copied().collect();
        let mut shown: BTreeSet<(&str, &str)> = seen.clone();
        let mut strangers = BTreeSet::new();
        for &(name, proof, confidence) in named {
            for unit in built.called(name) {
                shown.insert((&unit.name, &unit.version));
                let coordinate = CARGO.coordinate(&unit.name, Some(&unit.version));
                let _ = found.add(coordinate, proof, confidence).facts(source::facts(unit));
            }
            if let (false, Proof::Installed, Some(published)) = (built.knows(name), proof, names::published(name)) {
                let _ = found.add(CARGO.coordinate(published, None), proof, confidence);
                strangers.insert(published);
            }
        }
        for (unit, linked) in built.packages() {
            if shown.contains(&(&*unit.name, &*unit.version)) {
                continue;
            }
            let (proof, confidence) = match linked {
                source::Linked::Macro => (Proof::Declared, 0.3),
                _ => (Proof::Inferred, 0.8),
            };
            let coordinate = CARGO.coordinate(&unit.name, Some(&unit.version));
            let _ = found.add(coordinate, proof, confidence).facts(source::facts(unit));
        }
        built.compare(&seen, &strangers, false, found);
        found.partial(
            "Rust binary without audit data: crates that left no trace in it are taken from the source that was given; build \
             it with `cargo auditable build`",
        );
    }

    /// Names from the binary, versions from the lock file.
    fn with_lock(&self, lock: &Lock, named: &[(&str, Proof, f32)], system: System, found: &mut Sink<'_>) {
        let mut seen = vec![Seen::No; lock.packages.len()];
        let by_identifier = lock.by_identifier();
        let mut drifted = Vec::new();
        for &(name, version) in self.exact.keys() {
            let all = by_identifier.get(&names::identifier(name));
            let at = all.and_then(|all| all.iter().find(|&&i| lock.packages[i].version == version));
            match at {
                Some(&i) => seen[i] = Seen::Exactly,
                None => drifted.push(format!("{name} {version}")),
            }
        }
        let mut shown = vec![None; lock.packages.len()];
        let mut complete = false;
        for &(name, proof, confidence) in named {
            complete |= proof == Proof::Installed;
            let known = by_identifier.get(name).map(Vec::as_slice).unwrap_or_default();
            for &i in known {
                if seen[i] == Seen::Exactly {
                    continue;
                }
                seen[i] = if known.len() > 1 { Seen::ByName } else { Seen::Exactly };
                shown[i] = Some((proof, confidence));
            }
            // Text that names a crate which the lock file does not have is about that crate.
            if let ([], Proof::Installed, Some(published)) = (known, proof, names::published(name)) {
                let _ = found.add(CARGO.coordinate(published, None), proof, confidence);
            }
        }
        let mut left_out = 0;
        for (i, linked) in lock.linked(&seen, system, complete).into_iter().enumerate() {
            let package = &lock.packages[i];
            let (proof, confidence) = match (linked, shown[i]) {
                (Linked::No, _) => {
                    left_out += usize::from(package.source.is_some());
                    continue;
                }
                (Linked::Macro, _) => (Proof::Declared, 0.3),
                (Linked::Maybe, Some(shown)) => shown,
                (Linked::Maybe, None) => (Proof::Inferred, 0.3),
            };
            if package.source.is_some() && (shown[i].is_some() || seen[i] == Seen::No) {
                let coordinate = CARGO.coordinate(&package.name, Some(&package.version));
                let _ = found.add(coordinate, proof, confidence);
            }
        }
        if !drifted.is_empty() {
            found.partial(format!(
                "{} in the binary and not in the Cargo.lock beside it, which is not the one it was built with: {}",
                count(drifted.len(), "crate"),
                some(drifted.iter().map(String::as_str))
            ));
        }
        found.partial(format!(
            "Rust binary without audit data: crates that left no trace in it are taken from the Cargo.lock beside it, but for {} \
             that only macros, build scripts, tests, other systems or parts that nobody asked for need; build it with `cargo \
             auditable build`",
            count(left_out, "crate")
        ));
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The first few, for a sentence.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let all: Vec<&str> = names.take(SHOWN + 1).collect();
    let more = if all.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", all[..all.len().min(SHOWN)].join(", "))
}
