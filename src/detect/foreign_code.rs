//! Code in languages whose packages plimsoll does not know. It is told, so that a report on a Java function is not a clean one.

use super::{DetectError, Detector, Interest, Sink};
use crate::archive::{Entry, EntryKind, EntryMeta};

pub(super) struct ForeignCode;

/// Languages and the extensions of what their runtimes load, archives of theirs included.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("Java", &["class", "jar", "war"]),
    ("Ruby", &["rb"]),
    ("PHP", &["php", "phar"]),
    (".NET", &["dll"]),
    ("PowerShell", &["ps1", "psm1"]),
    ("Lua", &["lua"]),
    ("V8 bytecode", &["jsc"]),
];

/// Extensions of code that is looked into.
const OWN: &[&str] = &["js", "mjs", "cjs", "ts", "py", "pyc", "so", "node"];

impl Detector for ForeignCode {
    fn id(&self) -> &'static str {
        "foreign-code"
    }

    fn reads(&self) -> &'static str {
        "files of Java, Ruby, PHP, .NET and others, by their names (reported as gaps)"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Skip
    }

    fn survey(&self, found: &mut Sink<'_>) {
        let mut counts = [0_usize; LANGUAGES.len()];
        let mut own = false;
        for entry in found.neighbours.entries() {
            // What an installed package carries is that package's own.
            if entry.kind != EntryKind::File || entry.meta().in_node_modules() {
                own |= entry.kind == EntryKind::File;
                continue;
            }
            let name = entry.path.rsplit_once('/').map_or(&*entry.path, |(_, name)| name);
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            let is = |known: &&str| extension.eq_ignore_ascii_case(known);
            own |= OWN.iter().any(is);
            if let Some(i) = LANGUAGES.iter().position(|(_, known)| known.iter().any(is)) {
                counts[i] += 1;
            }
        }
        // The artifact itself, and not something inside it that brings a little along.
        let whole = !own && found.place().archives.is_empty();
        for ((language, _), count) in LANGUAGES.iter().zip(counts).filter(|(_, count)| *count > 0) {
            let files = if count == 1 { "file" } else { "files" };
            let reason = format!("{count} {files} of {language} code: what it depends on was not looked for");
            if whole {
                found.blind(reason);
            } else {
                found.partial(reason);
            }
        }
    }

    fn extract(&self, _: &Entry<'_>, _: &mut Sink<'_>) -> Result<(), DetectError> {
        Ok(())
    }
}
