//! The version that a package's code states of itself, wherever in the package it does: source, bytecode, the extension
//! modules beside it, a file named `VERSION`.

use super::{literals, marshal, native};
use crate::{detect::Neighbours, parse};
use std::collections::BTreeSet;

/// Where to look.
pub(in crate::detect) struct Code<'c> {
    /// Folder that Python imports from, with its slash; empty at the top.
    pub(in crate::detect) root: &'c str,
    /// Path of the import below it.
    pub(in crate::detect) import: &'c str,
    /// Whether it is a folder.
    pub(in crate::detect) package: bool,
    /// `.py`, `.pyc` or `.so`.
    pub(in crate::detect) extension: &'static str,
}

/// Files of one package that are read because of their names, and because its first module imports from them.
const FILES: usize = 12;

/// Extension modules of one package that are looked at, and how large they may be.
const MODULES: (usize, usize) = (4, 48 << 20);

/// A file that was read.
#[derive(Default)]
struct Read {
    version: Option<String>,
    /// Whether the name that holds it can hold no other version.
    sure: bool,
    /// Modules of the package that it imports versions from, as paths below the import root.
    leads: Vec<String>,
}

impl Code<'_> {
    fn folder(&self) -> String {
        format!("{}{}/", self.root, self.import)
    }

    /// The version, or why what was asked could not be read.
    pub(in crate::detect) fn version(&self, bytes: &[u8], around: &dyn Neighbours) -> Result<Option<String>, String> {
        if self.extension == ".so" {
            return Ok(native::version(bytes));
        }
        let own = self.read(bytes)?;
        if own.version.is_some() || !self.package {
            return Ok(own.version);
        }
        Ok(self
            .beside(own.leads, around)
            .or_else(|| self.in_text(around))
            .or_else(|| self.in_modules(around)))
    }

    /// The version that the file itself states by a name that can hold no other.
    pub(in crate::detect) fn states(&self, bytes: &[u8]) -> bool {
        self.extension != ".so" && self.read(bytes).is_ok_and(|read| read.version.is_some() && read.sure)
    }

    fn read(&self, bytes: &[u8]) -> Result<Read, String> {
        if self.extension == ".py" {
            let text = parse::text(bytes);
            let stated = literals::version(&text);
            return Ok(Read {
                sure: stated.as_ref().is_some_and(|(_, rank)| *rank < literals::SURE),
                version: stated.map(|(version, _)| version),
                leads: self.leads(&text),
            });
        }
        let module = marshal::module(bytes)?;
        let stated = module.version();
        Ok(Read {
            sure: stated.as_ref().is_some_and(|(_, rank)| *rank < literals::SURE),
            version: stated.map(|(version, _)| version),
            leads: module.names().map(|name| format!("{}/{name}", self.import)).collect(),
        })
    }

    /// Modules that its text imports a version from: `from .consts import version`, `from pkg.util import __version__`,
    /// `from pkg import gapic_version`, `from ._main import *`.
    fn leads(&self, text: &str) -> Vec<String> {
        let mut leads = Vec::new();
        let dotted = self.import.replace('/', ".");
        for line in text
            .lines()
            .filter(|line| line.starts_with("from ") || line.starts_with("    from "))
        {
            let Some((module, names)) = line.trim_start()["from ".len()..].split_once(" import ") else {
                continue;
            };
            let (module, below) = (module.trim(), names.trim().trim_start_matches('('));
            let path = if let Some(inner) = module.strip_prefix('.').filter(|inner| !inner.starts_with('.')) {
                format!("{}/{}", self.import, inner.replace('.', "/"))
            } else if module == dotted
                || module
                    .strip_prefix(&*dotted)
                    .is_some_and(|rest| rest.starts_with(['.', '_']))
            {
                module.replace('.', "/")
            } else {
                continue;
            };
            let path = path.trim_end_matches('/');
            for name in below.split(',').filter_map(|name| name.split_whitespace().next()) {
                if name.to_ascii_lowercase().contains("version") {
                    leads.push(format!("{path}/{name}"));
                    leads.push(path.to_owned());
                } else if name == "*" {
                    leads.push(path.to_owned());
                }
            }
        }
        leads
    }

    /// Other files of the package: those of known names first, then those whose name speaks of versions, then those that the
    /// first one imports from.
    fn beside(&self, leads: Vec<String>, around: &dyn Neighbours) -> Option<String> {
        let folder = self.folder();
        let extension = self.extension;
        let mut tried = BTreeSet::new();
        let mut attempt = |path: String, sure: bool| -> Option<String> {
            if !around.has(&path) || !tried.insert(path.clone()) {
                return None;
            }
            let read = self.read(&around.read(&path)?.bytes).ok()?;
            read.version.filter(|_| read.sure || !sure)
        };
        for file in &literals::FILES[1..] {
            for path in [
                format!("{folder}{file}{extension}"),
                format!("{folder}{file}/__init__{extension}"),
            ] {
                if let Some(version) = attempt(path, false) {
                    return Some(version);
                }
            }
        }
        let speaks = |name: &&str| {
            let stem = name.strip_suffix(extension).map(str::to_ascii_lowercase);
            stem.is_some_and(|stem| literals::HINTS.iter().any(|hint| stem.contains(hint)))
        };
        let named: Vec<String> = around
            .children(&folder)
            .filter(speaks)
            .take(FILES)
            .map(str::to_owned)
            .collect();
        for name in named {
            if let Some(version) = attempt(format!("{folder}{name}"), true) {
                return Some(version);
            }
        }
        let mut budget = FILES;
        for lead in leads {
            for path in [
                format!("{}{lead}{extension}", self.root),
                format!("{}{lead}/__init__{extension}", self.root),
            ] {
                if budget > 0 && around.has(&path) {
                    budget -= 1;
                    if let Some(version) = attempt(path, true) {
                        return Some(version);
                    }
                }
            }
        }
        None
    }

    /// `VERSION`, as a file that holds nothing else.
    fn in_text(&self, around: &dyn Neighbours) -> Option<String> {
        let folder = self.folder();
        ["VERSION", "VERSION.txt", "version.txt", "_version.txt"]
            .iter()
            .find_map(|name| {
                let path = format!("{folder}{name}");
                let contents = around.has(&path).then(|| around.read(&path)).flatten()?;
                let text = parse::text(&contents.bytes);
                literals::normal(text.lines().next()?)
            })
    }

    /// Extension modules in the package's folder.
    fn in_modules(&self, around: &dyn Neighbours) -> Option<String> {
        let (folder, (count, size)) = (self.folder(), MODULES);
        let inside = around.below(&folder).filter(|member| {
            let name = &member.path[folder.len()..];
            let module = [".so", ".pyd"].iter().any(|end| name.ends_with(end));
            module && !name.contains('/') && member.size <= size as u64
        });
        let paths: Vec<String> = inside.take(count).map(|member| member.path.to_string()).collect();
        let mut found = paths
            .iter()
            .filter_map(|path| native::version(&around.read(path)?.bytes));
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }
}
