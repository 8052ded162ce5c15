//! Values of JavaScript's literals, as hashes and numbers that do not depend on how they are written.

/// FNV-1a, 64 bits: no allocation, one multiplication a byte, and the same on every machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) const fn of(text: &[u8]) -> u64 {
        let mut hash = Self::new();
        let mut i = 0;
        while i < text.len() {
            hash.byte(text[i]);
            i += 1;
        }
        hash.0
    }

    pub(super) const fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn char(&mut self, c: u32) {
        // A lone half of a surrogate pair has no UTF-8; its number will do.
        match char::from_u32(c) {
            Some(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| self.byte(b)),
            None => c.to_le_bytes().into_iter().for_each(|b| self.byte(b)),
        }
    }

    pub(super) const fn get(self) -> u64 {
        self.0
    }
}

/// What was seen of a string while it was hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) hash: Hash,
    /// Characters, roughly: bytes that are no escape's.
    pub(super) length: usize,
    /// Something other than blanks.
    pub(super) solid: bool,
    /// Only what an ASCII name may hold.
    pub(super) name: bool,
    first: [u8; 3],
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            hash: Hash::new(),
            length: 0,
            solid: false,
            name: true,
            first: [0; 3],
        }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.first.get_mut(self.length) {
            *slot = byte;
        }
        self.hash.byte(byte);
        self.length += 1;
        self.solid |= byte > b' ';
        self.name &= byte.is_ascii() && is_name(byte);
    }

    fn char(&mut self, c: u32) {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => self.byte(byte),
            _ => {
                self.hash.char(c);
                self.length += 1;
                self.solid = true;
                self.name = false;
            }
        }
    }

    /// A path that bundlers resolve and replace.
    pub(super) fn is_relative(&self) -> bool {
        self.first.starts_with(b"./") || self.first.starts_with(b"../")
    }

    /// Reads on from `at` to the end of the text or to a byte that `ends`; where that is.
    pub(super) fn read(&mut self, text: &[u8], mut at: usize, ends: impl Fn(u8, &[u8]) -> bool) -> usize {
        while let Some(&byte) = text.get(at) {
            let rest = &text[at + 1..];
            if ends(byte, rest) {
                return at;
            }
            at += 1;
            if byte != b'\\' {
                self.byte(byte);
                continue;
            }
            at += self.escape(rest);
        }
        at
    }

    /// What stands behind a backslash; the number of bytes that it takes.
    fn escape(&mut self, rest: &[u8]) -> usize {
        let Some(&kind) = rest.first() else { return 0 };
        match kind {
            b'n' => self.byte(b'\n'),
            b't' => self.byte(b'\t'),
            b'r' => self.byte(b'\r'),
            b'b' => self.byte(8),
            b'f' => self.byte(12),
            b'v' => self.byte(11),
            b'\n' => {}
            b'\r' => return 1 + usize::from(rest.get(1) == Some(&b'\n')),
            b'0' if !rest.get(1).is_some_and(u8::is_ascii_digit) => self.byte(0),
            b'x' => {
                if let Some(c) = hex(rest.get(1..3)) {
                    self.char(c);
                    return 3;
                }
            }
            b'u' => return self.unicode(rest),
            other => self.byte(other),
        }
        1
    }

    fn unicode(&mut self, rest: &[u8]) -> usize {
        if rest.get(1) == Some(&b'{') {
            let digits = rest[2..].iter().take(8).take_while(|b| b.is_ascii_hexdigit()).count();
            if let Some(c) = hex(rest.get(2..2 + digits)) {
                self.char(c);
            }
            return 3 + digits;
        }
        let Some(high) = hex(rest.get(1..5)) else { return 1 };
        let low = rest
            .get(5..7)
            .filter(|mark| mark == b"\\u")
            .and_then(|_| hex(rest.get(7..11)));
        match low {
            Some(low) if (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low) => {
                self.char(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                11
            }
            _ => {
                self.char(high);
                5
            }
        }
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = digits.filter(|d| !d.is_empty() && d.len() <= 8)?;
    digits
        .iter()
        .try_fold(0u32, |n, &b| Some((n << 4) | char::from(b).to_digit(16)?))
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// The number that begins at `at`, and where it ends.
pub(super) fn number(text: &[u8], at: usize) -> (f64, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let radix = match rest.get(..2) {
        Some(b"0x" | b"0X") => 16,
        Some(b"0b" | b"0B") => 2,
        Some(b"0o" | b"0O") => 8,
        _ => 10,
    };
    if radix != 10 {
        let length = rest[2..].iter().take_while(|b| is_name(**b)).count();
        let value = rest[2..2 + length]
            .iter()
            .filter_map(|&b| char::from(b).to_digit(radix))
            .fold(0.0, |n, digit| n * f64::from(radix) + f64::from(digit));
        return (value, at + 2 + length);
    }
    let mut end = 0;
    let mut point = false;
    while let Some(&byte) = rest.get(end) {
        let exponent = |i: usize| matches!(rest.get(i), Some(b'e' | b'E'));
        match byte {
            b'0'..=b'9' | b'_' => {}
            b'.' if !point && !exponent(end.wrapping_sub(1)) => point = true,
            b'e' | b'E'
                if rest
                    .get(end + 1)
                    .is_some_and(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')) =>
            {
                point = true;
            }
            b'+' | b'-' if end > 0 && exponent(end - 1) => {}
            _ => break,
        }
        end += 1;
    }
    // The longest number that is written out; anything longer is a hostile one, and its beginning will do.
    let mut plain = [0u8; 64];
    let mut length = 0;
    for &byte in rest[..end].iter().filter(|b| **b != b'_').take(plain.len()) {
        plain[length] = byte;
        length += 1;
    }
    let value = std::str::from_utf8(&plain[..length]).ok().and_then(|n| n.parse().ok());
    end += usize::from(rest.get(end) == Some(&b'n'));
    (value.unwrap_or_default(), at + end.max(1))
}

/// Behind the slash that ends the regular expression which begins at `at`; how far was looked if there is none.
pub(super) fn regex_end(text: &[u8], at: usize) -> Result<usize, usize> {
    /// No regular expression is longer.
    const LONGEST: usize = 1 << 16;
    let (mut class, mut escaped) = (false, false);
    let body = text.get(at + 1..).unwrap_or_default();
    for (i, &byte) in body.iter().take(LONGEST).enumerate() {
        match byte {
            b'\n' => return Err(at + 1 + i),
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Ok(at + 2 + i),
            _ => {}
        }
    }
    Err(at + 1 + body.len().min(LONGEST))
}

/// Globals that code seldom redefines: `Buffer`, `URL` or `fetch` are often imported, and then renamed.
#[rustfmt::skip]
const WELL_KNOWN: &[&str] = &[
    "AggregateError", "Array", "ArrayBuffer", "Atomics", "BigInt", "BigInt64Array", "DataView", "Date", "Error",
    "EvalError", "FinalizationRegistry", "Float32Array", "Float64Array", "Function", "Int16Array", "Int32Array",
    "Int8Array", "Intl", "JSON", "Map", "Math", "Number", "Object", "Promise", "Proxy", "RangeError",
    "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String", "Symbol", "SyntaxError",
    "TypeError", "URIError", "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap", "WeakRef",
    "WeakSet", "WebAssembly", "XMLHttpRequest", "atob", "btoa", "clearImmediate", "clearInterval", "clearTimeout",
    "console", "decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "isFinite", "isNaN",
    "navigator", "parseFloat", "parseInt", "process", "queueMicrotask", "setImmediate", "setInterval",
    "setTimeout", "structuredClone", "unescape",
];

/// Whether a name is one of those.
pub(super) fn is_well_known(word: &[u8]) -> bool {
    let candidate = word.len() > 2 && (word[0].is_ascii_uppercase() || word[0].is_ascii_lowercase() || word[0] == b'_');
    candidate && WELL_KNOWN.binary_search_by(|known| known.as_bytes().cmp(word)).is_ok()
}

/// The end of the line at a place.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', text.get(at..).unwrap_or_default()).map_or(text.len(), |i| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_names_are_sorted() {
        assert!(WELL_KNOWN.is_sorted());
        assert!(WELL_KNOWN.iter().all(|name| is_well_known(name.as_bytes())));
    }
}
