//! Everything that a Rust binary's bytes say of the crates in it, in one pass over the bytes and in no format's terms: the
//! same strings lie in ELF, PE, Mach-O and WebAssembly, in section and out, and a reader of sections is blinded by a
//! section table that lies.

use super::{
    names::is_std,
    paths::{self, Source},
    symbols,
};
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// What was seen in one binary.
#[derive(Debug, Default)]
pub(in crate::detect) struct Traces<'b> {
    /// From source paths.
    pub(in crate::detect) sources: BTreeSet<Source<'b>>,
    /// Crate identifiers in symbols, with how many symbols name them.
    pub(in crate::detect) symbols: BTreeMap<&'b str, usize>,
    /// First segments of module paths (`hyper::proto::h1`) that lie in text, as logging and type names leave them.
    pub(in crate::detect) modules: BTreeMap<&'b str, usize>,
    /// The compiler's version (`1.95.0`), from the linker's comment.
    pub(in crate::detect) compiler: Option<&'b str>,
    /// Symbols that name a crate other than the standard library's, each ended by a zero byte.
    pub(in crate::detect) functions: Vec<u8>,
    /// Whether the standard library's paths are there.
    pub(in crate::detect) is_rust: bool,
}

const SRC: usize = 0;
const CHECKOUTS: usize = 2;
const RUSTC: usize = 4;
const VERSION: usize = 5;
const MODULE: usize = 6;
const SYMBOL: usize = 7;

static PATTERNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let fixed: [&[u8]; SYMBOL] = [
        b"/src/",
        b"\\src\\",
        b"git/checkouts/",
        b"git\\checkouts\\",
        b"/rustc/",
        b"rustc version ",
        b"::",
    ];
    // None begins in another, so it does not matter which is preferred; that one is lets the bytes be searched by vectors.
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(fixed.iter().chain(symbols::STARTS))
        .ok()
});

/// Different names kept of each kind. A binary with more is made to cost; the largest real one has a few hundred.
const NAMES: usize = 10_000;

/// Bytes of symbols kept. A debug build of a web service has about 8 MB.
const FUNCTIONS: usize = 16 << 20;

/// Reads the bytes once.
pub(in crate::detect) fn traces(bytes: &[u8]) -> Traces<'_> {
    let mut traces = Traces::default();
    let Some(patterns) = PATTERNS.as_ref() else {
        return traces;
    };
    let mut symbol_end = 0;
    for hit in patterns.find_iter(bytes) {
        let at = hit.start();
        match hit.pattern().as_usize() {
            SRC..CHECKOUTS => traces.source(paths::at_src(bytes, at + 1)),
            CHECKOUTS..RUSTC => traces.source(paths::at_checkouts(bytes, at + "git/".len())),
            RUSTC => traces.is_rust = true,
            VERSION => traces.compiler = traces.compiler.or_else(|| version(&bytes[hit.end()..])),
            MODULE => {
                if let Some(name) = module(bytes, at) {
                    bump(&mut traces.modules, name);
                }
            }
            _ if at < symbol_end => {}
            _ => {
                let (symbols, mut own) = (&mut traces.symbols, false);
                symbol_end = at
                    + symbols::crates(&bytes[at..], &mut |name| {
                        bump(symbols, name);
                        own |= !is_std(name);
                    });
                if own && traces.functions.len() < FUNCTIONS {
                    traces.functions.extend(&bytes[at..symbol_end]);
                    traces.functions.push(0);
                }
            }
        }
    }
    traces.is_rust |= traces.compiler.is_some()
        || traces.symbols.contains_key("core")
        || traces.sources.iter().any(|s| matches!(s, Source::Registry { .. }));
    traces
}

/// Whether a binary is Rust at all, from its least: paths of the standard library, the linker's comment, audit data.
pub(in crate::detect) fn is_rust(bytes: &[u8]) -> bool {
    let marks: [&[u8]; 3] = [b"/rustc/", b"rustc version ", b".dep-v0"];
    marks.iter().any(|mark| memmem::find(bytes, mark).is_some())
}

fn bump<'b>(names: &mut BTreeMap<&'b str, usize>, name: &'b str) {
    if names.len() < NAMES || names.contains_key(name) {
        *names.entry(name).or_default() += 1;
    }
}

impl<'b> Traces<'b> {
    fn source(&mut self, source: Option<Source<'b>>) {
        if let Some(source) = source.filter(|_| self.sources.len() < NAMES) {
            self.sources.insert(source);
        }
    }
}

/// `1.95.0` of `rustc version 1.95.0 (…)`.
fn version(rest: &[u8]) -> Option<&str> {
    let end = rest
        .iter()
        .take(40)
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')))?;
    std::str::from_utf8(&rest[..end])
        .ok()
        .filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))
}

/// The identifier before a `::` if it is the first of its path and stands free. Text is not ended in a binary, so a word
/// may be glued to it: whoever uses the name has to know it from elsewhere.
fn module(bytes: &[u8], at: usize) -> Option<&str> {
    let before = bytes.get(..at)?;
    let is_word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    let length = before.iter().rev().take(65).take_while(|b| is_word(b)).count();
    let start = at - length;
    let free = match start.checked_sub(1).and_then(|i| before.get(i)) {
        None => true,
        Some(b) => !(b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-' | b'.' | b'/' | b'#' | b'@')),
    };
    let followed = bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic);
    let name = std::str::from_utf8(before.get(start..)?).ok()?;
    (free && followed && (2..=64).contains(&length) && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass() {
        let bytes = b"\x7fELF\0/rustc/0123/library/core/src/x.rs\0rustc version 1.95.0 (5980 2026)\0\
            x/registry/src/github.com-1ecc6299db9ec823/h2-0.3.15/src/a.rs\0_ZN2h25proto17h0123456789abcdefE\0\
            tower::buffer\0a.b::c\0/home/me/.cargo/git/checkouts/fork-0123456789abcdef/89abcde/src/lib.rs\0";
        let t = traces(bytes);
        assert!(t.is_rust);
        assert_eq!(t.compiler, Some("1.95.0"));
        assert_eq!(t.sources.len(), 2);
        assert_eq!(t.symbols.keys().copied().collect::<Vec<_>>(), ["h2"]);
        assert_eq!(t.modules.keys().copied().collect::<Vec<_>>(), ["tower"]);
    }

    #[test]
    fn overlapping_starts_cost_nothing() {
        let bytes = b"_RN".repeat(2 << 20);
        assert!(traces(&bytes).symbols.is_empty());
    }
}
