//! Whether the functions that hold a flaw (RustSec's `affected.functions`) are in the binary, as far as its symbols tell.
//!
//! A reason to look at one finding before another, and never one to leave a finding out: what was inlined has no symbol.

use crate::{
    advisory::Hit,
    model::{Component, Finding, Symbols},
};
use memchr::memmem;
use rustc_demangle::try_demangle;

/// Symbols that are demangled for one function. Few share the last part of a name; a table made to cost does not.
const TRIED: usize = 5_000;

/// Says it in the finding.
pub(crate) fn note(finding: &mut Finding, hit: &Hit, component: &Component, symbols: &[Symbols]) {
    let here = |symbols: &&Symbols| component.evidence.iter().any(|e| e.location == symbols.location);
    let tables: Vec<&Symbols> = symbols.iter().filter(here).collect();
    if tables.is_empty() || hit.functions.is_empty() {
        return;
    }
    let there: Vec<&str> = hit
        .functions
        .iter()
        .filter(|function| tables.iter().any(|table| holds(&table.text, function)))
        .map(|function| &**function)
        .collect();
    finding.triage.function = Some(!there.is_empty());
    let said = if there.is_empty() {
        let all = some(&hit.functions);
        format!("of the functions concerned ({all}) the binary has no symbol: unused, or inlined")
    } else {
        format!("the binary holds the function concerned: {}", some(&there))
    };
    finding.message = format!("{}; {said}", finding.message);
}

fn some<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(3)
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    format!("{}{}", shown.join(", "), if names.len() > 3 { ", …" } else { "" })
}

/// Whether one of the mangled symbols is of a function. `path` is as RustSec has it: `smallvec::SmallVec::insert_many`.
fn holds(text: &[u8], path: &str) -> bool {
    let wanted: Vec<&str> = path.split("::").map(bare).collect();
    let Some(last) = wanted.last().filter(|last| !last.is_empty()) else {
        return false;
    };
    let mut from = 0;
    for hit in memmem::find_iter(text, last.as_bytes()).take(TRIED) {
        if hit < from {
            continue; // the same symbol again
        }
        let start = text[..hit].iter().rposition(|b| *b == 0).map_or(0, |zero| zero + 1);
        let end = text[hit..]
            .iter()
            .position(|b| *b == 0)
            .map_or(text.len(), |length| hit + length);
        from = end;
        let symbol = std::str::from_utf8(&text[start..end])
            .ok()
            .and_then(|s| try_demangle(s).ok());
        if symbol.is_some_and(|symbol| is_of(&format!("{symbol:#}"), &wanted)) {
            return true;
        }
    }
    false
}

/// A segment without its generic parameters.
fn bare(segment: &str) -> &str {
    segment.split('<').next().unwrap_or_default().trim()
}

/// Whether a demangled symbol is of that path. Modules of the advisory's path may be missing or other: a type is often
/// re-exported from elsewhere than where it is made. The crate, the type and the function are the same.
fn is_of(symbol: &str, wanted: &[&str]) -> bool {
    let is_type = |segment: &&&str| segment.starts_with(|c: char| c.is_ascii_uppercase());
    let (Some(first), Some((last, above))) = (wanted.first(), wanted.split_last()) else {
        return false;
    };
    let kind = above
        .last()
        .filter(|segment| above.len() > 1 && is_type(segment))
        .copied();
    let found = segments(symbol);
    let Some((function, path)) = found.split_last() else {
        return false;
    };
    let Some(start) = path.iter().position(|segment| segment == first) else {
        return false;
    };
    // Closures in a function are parts of it.
    let inner = path.iter().skip(start).any(|segment| segment == last);
    (function == last || inner) && kind.is_none_or(|kind| path.contains(&kind))
}

/// Identifiers of a path in order, of generic parameters only those of what the function is implemented for:
/// `<a::B<c::D> as e::F>::g::<h>` is `a B e F g`.
fn segments(symbol: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0_usize, None);
    let mut nested = Vec::new();
    for (at, c) in symbol.char_indices().chain([(symbol.len(), ' ')]) {
        let is_word = c.is_alphanumeric() || c == '_';
        match (is_word, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let word = &symbol[from..at];
                if depth == 0 && word != "as" {
                    found.push(word);
                }
                start = None;
            }
            _ => {}
        }
        match c {
            // At the start of a path it opens what is implemented, elsewhere it opens parameters.
            '<' => {
                let opens_path = at == 0 || symbol[..at].ends_with([' ', '&', '<', '(', '[']) && depth == 0;
                nested.push(opens_path);
                depth += usize::from(!opens_path);
            }
            '>' if !symbol[..at].ends_with('-') => {
                if let Some(opened_path) = nested.pop() {
                    depth -= usize::from(!opened_path);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_in_symbols() {
        for (symbol, path, expected) in [
            (
                "_ZN8smallvec17SmallVec$LT$A$GT$11insert_many17h0123456789abcdefE",
                "smallvec::SmallVec::insert_many",
                true,
            ),
            (
                "_ZN8smallvec17SmallVec$LT$A$GT$11insert_many17h0123456789abcdefE",
                "smallvec::SmallVec::insert",
                false,
            ),
            (
                "_ZN8smallvec5Other11insert_many17h0123456789abcdefE",
                "smallvec::SmallVec::insert_many",
                false,
            ),
            ("_ZN4time2at17h0123456789abcdefE", "time::at", true),
            ("_ZN4time2at17h0123456789abcdefE", "time::at_utc", false),
            ("_ZN3app2at17h0123456789abcdefE", "time::at", false),
            (
                "_ZN4time16offset_date_time14OffsetDateTime13now_local_try17h0123456789abcdefE",
                "time::OffsetDateTime::now_local_try",
                true,
            ),
            (
                "_ZN68_$LT$lru..LruCache$LT$K$C$V$GT$$u20$as$u20$core..ops..drop..Drop$GT$4drop17h0123456789abcdefE",
                "lru::LruCache::drop",
                true,
            ),
            // `<smallvec::SmallVec<[u8; 4]>>::insert_many::<core::str::Bytes>`
            (
                "_RINvMs4_Csagz5dMpFIqB_8smallvecINtB6_8SmallVecAhj4_E11insert_manyNtNtNtCsldcM9EjLKW9_4core3str4iter5BytesE",
                "smallvec::SmallVec::insert_many",
                true,
            ),
        ] {
            let text = [b"_ZN1a1bE\0", symbol.as_bytes(), b"\0"].concat();
            assert_eq!(holds(&text, path), expected, "{path} in {symbol}");
        }
    }

    #[test]
    fn what_counts_of_a_path() {
        for (symbol, expected) in [
            ("<a::B<c::D> as e::F>::g", "a B e F g"),
            ("a::b::<c::D>::e", "a b e"),
            ("<[a::B]>::c", "a B c"),
            ("core::ptr::drop_in_place::<a::B>", "core ptr drop_in_place"),
            ("<a::B as c::D<fn() -> e::F>>::g", "a B c D g"),
            (">>>", ""),
        ] {
            assert_eq!(segments(symbol).join(" "), expected, "{symbol}");
        }
    }
}
