//! The standard lock file (PEP 751): `pylock.toml` and `pylock.NAME.toml`.

use super::{DetectError, Detector, Interest, Sink, python::lock};
use crate::archive::{Entry, EntryMeta};

pub(super) struct Pylock;

impl Detector for Pylock {
    fn id(&self) -> &'static str {
        "pylock"
    }

    fn reads(&self) -> &'static str {
        "`pylock.toml`, `pylock.*.toml` (PEP 751)"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(is_pylock(meta.file_name()))
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        lock::extract(entry.bytes, "the tool that wrote it", found)
    }
}

/// PEP 751, "File name": the name in the middle has no dot.
fn is_pylock(name: &str) -> bool {
    let middle = name.strip_prefix("pylock.").and_then(|rest| rest.strip_suffix(".toml"));
    name == "pylock.toml" || middle.is_some_and(|middle| !middle.is_empty() && !middle.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::is_pylock;

    #[test]
    fn names() {
        for (name, is) in [
            ("pylock.toml", true),
            ("pylock.dev.toml", true),
            ("pylock.a.b.toml", false),
            ("xpylock.toml", false),
        ] {
            assert_eq!(is_pylock(name), is, "{name}");
        }
    }
}
