//! JavaScript outside of installed packages that a bundler or minifier wrote: the packages whose modules lie in it, by the
//! paths, comments, manifests and source map that the bundler left, and how much of it that explains.

use super::{
    DetectError, Detector, Interest, Sink,
    js::{
        aws_sdk, manifest,
        module_path::{self, PackagePath},
        scan::{self, Marks, Module},
        source_map,
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Bundle, Fact, Location, Mapped, Owner, Proof, Span},
};
use base64::Engine as _;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct JsBundle;

/// Packages of one source map. 20,000: the largest bundles seen have a thousand, and a line of a map becomes a component
/// that is a hundred times as large.
const PACKAGES: usize = 20_000;

/// Hand-written files are not minified; bytes per line above this are no hand's work.
const MINIFIED_LINE: usize = 500;

/// A file below this is not called minified: a one-line handler is a line of any length.
const MINIFIED_BYTES: usize = 16 << 10;

impl Detector for JsBundle {
    fn id(&self) -> &'static str {
        "js-bundle"
    }

    fn reads(&self) -> &'static str {
        "bundles of esbuild, webpack, ncc, rspack, rollup, parcel, bun outside of `node_modules`: module paths, licence \
         comments, inlined `package.json`, defaults of AWS's clients, inline source maps"
    }

    fn technique(&self) -> &'static str {
        "source-code-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        interest(meta)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = entry.bytes;
        let marks = scan::scan(text);
        let map_beside = format!("{}.map", entry.meta.path);
        let inline = marks.map.and_then(|(at, url)| Some((at, url.strip_prefix(b"data:")?)));
        let map = match marks.map {
            Some((_, url)) if inline.is_none() => neighbour(&entry.location, url),
            _ => None,
        };
        // The map itself is no code.
        let code = text.get(..inline.map_or(text.len(), |(at, _)| at)).unwrap_or(text);
        let map = map.or_else(|| found.neighbours.has(&map_beside).then_some(map_beside));
        let lines = memchr::memchr_iter(b'\n', code).count() + 1;
        let minified = code.len() > MINIFIED_BYTES && code.len() / lines > MINIFIED_LINE;
        let named = marks.modules.iter().any(is_package);
        if !(named || marks.helpers || minified || map.is_some() || marks.map.is_some()) {
            return Ok(());
        }
        if let Some((_, inline)) = inline {
            inline_map(inline, entry, found);
        }
        let mapped = map.is_some() || inline.is_some();
        modules(&marks, found);
        manifests(&marks, mapped, found);
        if !mapped {
            aws_clients(code, &marks, found);
        }
        // Where modules are named, a comment in one of them is about something that was copied into it.
        let nameless = |at: usize| matches!(marks.module_of(at), None | Some(Module::Unnamed));
        for (_, named) in marks.named.iter().filter(|(at, _)| !mapped && nameless(*at)) {
            let _ = found.add(NPM.coordinate(named.name, named.version), Proof::Inferred, 0.8);
        }
        let python_package = python_package(entry.meta.path, found).map(Into::into);
        found.bundles.push(Bundle {
            location: entry.location.clone(),
            bytes: code.len(),
            spans: if is_glue(code, &marks) {
                vec![Span {
                    bytes: 0..code.len(),
                    owner: Owner::Application,
                }]
            } else {
                spans(&marks, code)
            },
            lines: if map.is_some() || marks.map.is_some() {
                std::iter::once(0)
                    .chain(memchr::memchr_iter(b'\n', code).map(|at| at + 1))
                    .collect()
            } else {
                Vec::new()
            },
            map: map.map(Into::into),
            named: false,
            python_package,
        });
        Ok(())
    }
}

/// By what a bundler said of every module which package it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// A source map, inline or beside the bundle.
    Map,
    /// Paths in the code. Paths over a part of it are of a package that was bundled before, whose bundler named its modules as
    /// ours does not.
    Paths,
}

/// A bundle, without the map in it.
pub(super) struct Code<'t> {
    /// Its code.
    pub(super) text: &'t [u8],
    /// What names all its modules, if anything does.
    pub(super) naming: Option<Naming>,
    /// Packages that name themselves in it, with their versions.
    pub(super) told: BTreeMap<String, BTreeSet<String>>,
}

/// The code of a file, and what it says of itself.
pub(super) fn code<'t>(entry: &Entry<'t>, found: &Sink<'_>) -> Code<'t> {
    if found.neighbours.has(&format!("{}.map", entry.meta.path)) {
        // The map tells all that a second reading could.
        return Code {
            text: entry.bytes,
            naming: Some(Naming::Map),
            told: BTreeMap::new(),
        };
    }
    let marks = scan::scan(entry.bytes);
    let inline = marks.map.filter(|(_, url)| url.starts_with(b"data:"));
    let code = inline.and_then(|(at, _)| entry.bytes.get(..at)).unwrap_or(entry.bytes);
    let naming = if inline.is_some_and(|(_, url)| is_whole(url)) {
        Some(Naming::Map)
    } else if marks.modules.iter().any(is_package) && paths_cover(&spans(&marks, code), code) {
        Some(Naming::Paths)
    } else {
        None
    };
    let told = match naming {
        // The map tells them, if it tells any.
        Some(Naming::Map) => BTreeMap::new(),
        _ => told(&marks, code),
    };
    Code {
        text: code,
        naming,
        told,
    }
}

/// Packages that may name themselves in a text, and versions that each may be there in, before nothing of it is believed: real
/// bundles have some hundred, in three.
const NAMED: usize = 10_000;
const COPIES: usize = 4;

/// Packages that name themselves in a text, with their versions.
fn told(marks: &Marks<'_>, code: &[u8]) -> BTreeMap<String, BTreeSet<String>> {
    let manifests = marks.manifests.iter().filter(|(_, inlined)| inlined.certain);
    let manifests = manifests.filter_map(|(_, inlined)| Some((inlined.name?.to_owned(), inlined.version)));
    let clients = aws_sdk::clients(code)
        .into_iter()
        .filter_map(|client| Some((client.name, client.version?)));
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version) in manifests.chain(clients).take(NAMED) {
        told.entry(name).or_default().insert(version.to_owned());
    }
    told.retain(|_, versions| versions.len() <= COPIES);
    told
}

/// Whether an inline map ends as JSON does: that of a file over the limit ends in the midst.
fn is_whole(url: &[u8]) -> bool {
    let body = url.splitn(2, |byte| *byte == b',').nth(1).unwrap_or_default();
    // Each four letters are three bytes, whatever lies before them.
    let last = (body.len().saturating_sub(1) / 4 * 4).saturating_sub(4);
    let tail = base64().decode(&body[last..]).unwrap_or_default();
    tail.trim_ascii_end().ends_with(b"}")
}

/// Takes what encoders leave out or write too much at the end.
fn base64() -> impl base64::Engine {
    let lenient = base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, lenient)
}

fn is_package(mark: &scan::Mark) -> bool {
    matches!(mark.module, Module::Package(..))
}

/// Scripts that no installer put there.
pub(super) fn interest(meta: EntryMeta<'_>) -> Interest {
    const EXTENSIONS: &[&str] = &[".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts"];
    let script = EXTENSIONS.iter().any(|ext| meta.path.ends_with(ext)) && !module_path::declares(meta.path);
    // yarn's own loader is a lock file in the shape of code.
    let loader = matches!(meta.file_name(), ".pnp.cjs" | ".pnp.js" | ".pnp.loader.mjs");
    Interest::read_if(script && !meta.in_node_modules() && !loader)
}

fn inline_map(url: &[u8], entry: &Entry<'_>, found: &mut Sink<'_>) {
    let Some(comma) = memchr::memchr(b',', url) else {
        return;
    };
    let (head, body) = url.split_at(comma);
    let body = body.get(1..).unwrap_or_default();
    if !head.ends_with(b";base64") {
        return found.partial("inline source map in another encoding than base64; it was not read");
    }
    let map = base64().decode(body).map_err(|e| e.to_string());
    match map.and_then(|map| source_map::read(&map).map_err(|e| e.to_string())) {
        Ok(contents) => {
            add_map(&contents, found);
            found.maps.push(Mapped {
                location: entry.location.clone(),
                bundle: entry.meta.path.into(),
                turns: contents.turns,
            });
        }
        Err(e) => found.partial(format!(
            "inline source map cannot be read ({e}); build the bundle again"
        )),
    }
}

/// Adds what a source map says of packages, as evidence of the detector that met it.
pub(super) fn add_map(contents: &source_map::Contents, found: &mut Sink<'_>) {
    if contents.packages.len() > PACKAGES {
        found.blind(format!(
            "limit `packages` reached ({PACKAGES}): the source map names {}; the rest was not looked at",
            contents.packages.len()
        ));
    }
    for (package, said) in contents.packages.iter().take(PACKAGES) {
        add_package(package, said, found);
    }
    for name in &contents.repositories {
        let _ = found.add(NPM.coordinate(name, None), Proof::Inferred, 0.7);
    }
}

fn add_package(package: &PackagePath, said: &source_map::Manifest, found: &mut Sink<'_>) {
    // An alias is known by its folder's name until its manifest is seen.
    let name = said.name.as_deref().unwrap_or(&package.name);
    let version = package.version.as_deref().or(said.version.as_deref());
    let at = || Fact::At(package.at.as_str().into());
    let _ = found
        .add(NPM.coordinate(name, version), Proof::Installed, 0.95)
        .fact(at());
    if let (None, Some(literal)) = (version, &said.literal) {
        let _ = found
            .add(NPM.coordinate(name, Some(literal)), Proof::Inferred, 0.7)
            .fact(at());
    }
}

/// Packages by the paths of their modules, with what their bundled manifests and their code say of their versions.
fn modules(marks: &Marks<'_>, found: &mut Sink<'_>) {
    let mut packages: BTreeMap<&PackagePath, source_map::Manifest> = BTreeMap::new();
    for mark in &marks.modules {
        if let Module::Package(package, _) = &mark.module {
            packages.entry(package).or_default();
        }
    }
    for (at, inlined) in &marks.manifests {
        if let Some(Module::Package(package, true)) = marks.module_of(*at) {
            let known = packages.entry(package).or_default();
            // The first: what follows in the same file is nested in it.
            if known.version.is_none() {
                known.name = inlined.name.map(str::to_owned);
                known.version = Some(inlined.version.to_owned());
            }
        }
    }
    let mut literals: BTreeMap<&PackagePath, Option<&str>> = BTreeMap::new();
    for (at, literal) in &marks.literals {
        if let Some(Module::Package(package, false)) = marks.module_of(*at) {
            // Two different literals speak of two things; neither is believed.
            literals
                .entry(package)
                .and_modify(|known| *known = known.filter(|k| k == literal))
                .or_insert(Some(literal));
        }
    }
    for (package, literal) in literals {
        packages.entry(package).or_default().literal = literal.map(str::to_owned);
    }
    for (package, said) in &packages {
        add_package(package, said, found);
    }
}

/// Manifests that lie in no module whose path is known. Where a map names the modules it may be one deeper in the package,
/// which builds forget to renew (`dist/package.json`): no more than the code's own word.
fn manifests(marks: &Marks<'_>, mapped: bool, found: &mut Sink<'_>) {
    let (proof, confidence) = if mapped {
        (Proof::Inferred, 0.7)
    } else {
        (Proof::Installed, 0.9)
    };
    for (at, manifest::Inlined { name, version, certain }) in &marks.manifests {
        let unnamed = matches!(marks.module_of(*at), None | Some(Module::Unnamed));
        if let (Some(name), true, true) = (name, certain, unnamed) {
            let _ = found.add(NPM.coordinate(name, Some(version)), proof, confidence);
        }
    }
}

/// AWS's clients, which say what they are where nothing else does.
fn aws_clients(code: &[u8], marks: &Marks<'_>, found: &mut Sink<'_>) {
    for client in aws_sdk::clients(code) {
        if matches!(marks.module_of(client.at), None | Some(Module::Unnamed)) {
            let _ = found.add(NPM.coordinate(&client.name, client.version), Proof::Installed, 0.9);
        }
    }
}

/// The most that esbuild's helpers take by themselves.
const GLUE: usize = 4096;

/// Whether a file holds esbuild's helpers and nothing else: where several files share them, they lie in one of their own.
fn is_glue(code: &[u8], marks: &Marks<'_>) -> bool {
    let plain = code.len() <= GLUE && marks.helpers && marks.modules.is_empty() && marks.map.is_none();
    let mut lines = code.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    plain
        && lines.all(|line| {
            [&b"var __"[..], b" ", b"}", b"export {"]
                .iter()
                .any(|head| line.starts_with(head))
        })
}

/// The most that stands before the first module that is named: a banner and the bundler's helpers.
const PREFACE: usize = 16 << 10;

/// Hardly a module is longer; what is goes on to where the next that is named begins, over others that are not.
const LONG_MODULE: usize = 256 << 10;

/// What a module may have where no other tells.
const SHORT_MODULE: usize = 4 << 10;

/// Whether paths say of most of the code what it is.
fn paths_cover(spans: &[Span], code: &[u8]) -> bool {
    let named: usize = spans.iter().map(|span| span.bytes.len().min(LONG_MODULE)).sum();
    named >= code.len() / 2
}

/// Where the last module ends that has a path. In the midst of a line, as in minified code, paths are of what was bundled before:
/// hardly longer than the longest of them.
fn last_end(marks: &Marks<'_>, code: &[u8]) -> usize {
    let Some(last) = marks.modules.last().filter(|last| last.module != Module::Unnamed) else {
        return code.len();
    };
    let line = memchr::memrchr(b'\n', &code[..last.at.min(code.len())]).map_or(0, |at| at + 1);
    if code[line..last.at.min(code.len())].trim_ascii().is_empty() {
        return code.len();
    }
    let lengths = marks.modules.windows(2).map(|pair| pair[1].at - pair[0].at);
    let longest = lengths.max().unwrap_or(0).max(SHORT_MODULE);
    code.len().min(last.at + longest)
}

/// Whose the stretches of a bundle are that begin with a path.
fn spans(marks: &Marks<'_>, code: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let Some(first) = marks.modules.first() else {
        return spans;
    };
    // What stands before the first module is the bundler's helpers, if it names its modules at all.
    if marks.helpers && !matches!(first.module, Module::Unnamed) && first.at <= PREFACE {
        spans.push(Span {
            bytes: 0..first.at,
            owner: Owner::Application,
        });
    }
    let ends = marks
        .modules
        .iter()
        .skip(1)
        .map(|m| m.at)
        .chain([last_end(marks, code)]);
    for (mark, end) in marks.modules.iter().zip(ends) {
        let owner = match mark.module {
            Module::Package(..) => Owner::Component,
            Module::Own => Owner::Application,
            Module::Unnamed => continue,
        };
        spans.push(Span {
            bytes: mark.at..end,
            owner,
        });
    }
    if !paths_cover(&spans, code) {
        for span in &mut spans {
            span.bytes.end = span.bytes.end.min(span.bytes.start + LONG_MODULE);
        }
    }
    spans
}

/// The path in the archive that a relative URL in a file means; `None` for what lies elsewhere: nothing is ever fetched.
fn neighbour(place: &Location, url: &[u8]) -> Option<String> {
    let url = std::str::from_utf8(url).ok().filter(|url| !url.contains("://"))?;
    place.beside(url.split(['?', '#']).next()?)
}

/// The outermost folder around a file that is a Python package.
pub(super) fn python_package<'p>(path: &'p str, found: &Sink<'_>) -> Option<&'p str> {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    folders.take(32).find(|folder| {
        found.neighbours.has(&format!("{folder}/__init__.py"))
            || found.neighbours.has(&format!("{folder}/__init__.pyc"))
    })
}
