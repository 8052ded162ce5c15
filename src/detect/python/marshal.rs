//! Compiled modules (`.pyc`) of CPython 3.8 to 3.14: the header, and as much of the marshalled code object as tells what the
//! module assigns. Nothing is unmarshalled into an interpreter, and no opcode is executed.
//!
//! Format: `Python/marshal.c` and `Lib/importlib/_bootstrap_external.py` of CPython.

use super::literals;
use std::rc::Rc;

/// Deepest nesting of values. CPython stops at 2000; real modules stay below 40, and this reader's frames are small.
const DEPTH: usize = 200;

/// Bytes of the header of CPython 3.7 and later: magic, flags, and a time and size or a hash.
const HEADER: usize = 16;

/// A value, as far as anybody asks. Cloning is cheap: shared values are shared here too, so that references cannot grow
/// what was read.
#[derive(Clone, Debug)]
enum Value<'b> {
    Text(&'b [u8]),
    Number(i64),
    Tuple(Rc<[Value<'b>]>),
    Code(Rc<Code<'b>>),
    Other,
}

/// What is kept of a code object.
#[derive(Debug)]
struct Code<'b> {
    body: Value<'b>,
    consts: Value<'b>,
    names: Value<'b>,
}

/// Magic numbers of CPython 3.8's first and of the first after 3.14, and of the first with 3.11's code objects.
const MAGIC: std::ops::Range<u16> = 3400..3650;
const MAGIC_3_11: u16 = 3450;

/// The magic of a compiled module that this reader knows, by the first bytes.
pub(in crate::detect) fn magic(bytes: &[u8]) -> Option<u16> {
    let [a, b, b'\r', b'\n', ..] = *bytes else { return None };
    Some(u16::from_le_bytes([a, b])).filter(|magic| MAGIC.contains(magic))
}

/// A compiled module.
pub(in crate::detect) struct Module<'b> {
    code: Rc<Code<'b>>,
    magic: u16,
}

/// Reads a compiled module.
///
/// # Errors
/// When it is not a module of a known CPython, or breaks off.
pub(in crate::detect) fn module(bytes: &[u8]) -> Result<Module<'_>, String> {
    let Some(magic) = magic(bytes) else {
        return Err("not compiled by CPython 3.8 to 3.14".to_owned());
    };
    let mut reader = Reader::new(bytes, magic);
    match reader.value(0) {
        Some(Value::Code(code)) => Ok(Module { code, magic }),
        Some(_) => Err("does not begin with a code object".to_owned()),
        None => Err(format!("marshalled data breaks off after {} bytes", reader.at)),
    }
}

/// The identifiers that a compiled module holds, in code and as text, sorted: what every CPython makes of the same source.
/// Names with two underscores on each side are left out, compilers add their own.
pub(in crate::detect) fn words(bytes: &[u8]) -> Option<Vec<&str>> {
    let mut reader = Reader::new(bytes, magic(bytes)?);
    let _ = reader.value(0)?;
    let is_word = |text: &&str| {
        let own = text.len() > 4 && text.starts_with("__") && text.ends_with("__");
        let start = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        start && !own && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let texts = reader.texts.iter().filter_map(|text| std::str::from_utf8(text).ok());
    let mut words: Vec<&str> = texts.filter(is_word).collect();
    words.sort_unstable();
    words.dedup();
    Some(words)
}

impl<'b> Module<'b> {
    /// The version that it assigns to a name that holds one, with the rank of that name.
    pub(in crate::detect) fn version(&self) -> Option<(String, usize)> {
        self.code.version(opcodes(self.magic).as_ref())
    }

    /// The names that its own code uses, modules that it imports from among them.
    pub(in crate::detect) fn names(&self) -> impl Iterator<Item = &'b str> + '_ {
        let names = match &self.code.names {
            Value::Tuple(names) => &names[..],
            _ => &[],
        };
        names.iter().filter_map(text)
    }
}

/// Numbers of the few instructions that matter. Read from `opcode.opmap` of each release.
struct Opcodes {
    load_const: u8,
    store_name: u8,
    extended_arg: u8,
    /// `COPY`; `DUP_TOP` before 3.11.
    copy: u8,
    load_name: u8,
}

/// `None` where the numbers are not known (3.14): there the order of arguments alone has to do.
fn opcodes(magic: u16) -> Option<Opcodes> {
    let old = |copy| Opcodes {
        load_const: 100,
        store_name: 90,
        extended_arg: 144,
        copy,
        load_name: 101,
    };
    match magic {
        ..MAGIC_3_11 => Some(old(4)),
        MAGIC_3_11..3550 => Some(old(120)),
        3550..3600 => Some(Opcodes {
            load_const: 83,
            store_name: 114,
            extended_arg: 71,
            copy: 61,
            load_name: 92,
        }),
        _ => None,
    }
}

/// The best version so far, by the rank of the name that holds it.
struct Best(Option<(usize, String)>);

impl Best {
    fn offer(&mut self, rank: usize, version: Option<String>) {
        if let (Some(version), true) = (version, self.0.as_ref().is_none_or(|(known, _)| rank < *known)) {
            self.0 = Some((rank, version));
        }
    }
}

impl Code<'_> {
    fn version(&self, opcodes: Option<&Opcodes>) -> Option<(String, usize)> {
        let (Value::Text(code), Value::Tuple(consts), Value::Tuple(names)) = (&self.body, &self.consts, &self.names)
        else {
            return None;
        };
        let name = |at: usize| names.get(at).and_then(text);
        if (0..names.len()).any(|at| name(at) == Some("PackageNotFoundError")) {
            return None; // what is assigned is a fallback
        }
        let short = (0..names.len()).any(|at| name(at) == Some(literals::SHORTENS));
        let constant = |at: usize| consts.get(at).and_then(|value| stated(value, short));
        let pairs = code.as_chunks::<2>().0;
        let mut best = Best(None);
        let Some(opcodes) = opcodes else {
            // A store to a name that holds versions, with the constant that the instruction before it names.
            for pair in pairs.windows(2) {
                let ([_, value], [_, target]) = (pair[0], pair[1]);
                if let Some(rank) = name(target.into()).and_then(literals::rank) {
                    best.offer(rank, constant(value.into()));
                }
            }
            return best
                .0
                .map(|(rank, version)| (version, rank))
                .or_else(|| self.versioneer());
        };
        let mut numbers = [const { None }; 3];
        let (mut extended, mut pending) = (0_usize, None);
        let (mut callee, mut arguments) = (false, Vec::new());
        for &[op, low] in pairs {
            let argument = extended << 8 | usize::from(low);
            extended = 0;
            match op {
                0 => {} // inline caches
                op if op == opcodes.extended_arg => extended = argument & 0xff_ffff,
                op if op == opcodes.load_const => {
                    pending = Some(argument);
                    arguments.push(argument);
                }
                op if op == opcodes.copy => {}
                op if op == opcodes.store_name => {
                    if let (Some(slot), Some(at)) = (
                        name(argument)
                            .and_then(literals::part_of)
                            .and_then(|at| numbers.get_mut(at)),
                        pending,
                    ) {
                        *slot = consts.get(at).and_then(part);
                    }
                    if let Some(rank) = name(argument).and_then(literals::rank) {
                        let from_call = || {
                            let parts = arguments.iter().map_while(|&at| consts.get(at).and_then(part));
                            let mut parts: Vec<String> = parts.collect();
                            if parts.len() > 2 && parts[0].starts_with(|c: char| c.is_ascii_alphabetic()) {
                                parts.remove(0); // `Version("Twisted", 21, 7, 0)` names the package first
                            }
                            literals::from_parts(parts.iter().map(String::as_str), short).filter(|_| callee)
                        };
                        best.offer(rank, pending.map_or_else(from_call, constant));
                    }
                    arguments.clear();
                    callee = false;
                }
                op if op == opcodes.load_name => {
                    callee = name(argument).is_some_and(literals::makes_versions);
                    arguments.clear();
                    pending = None;
                }
                _ => pending = None,
            }
        }
        let joined = || {
            let parts = numbers.iter().map_while(Option::as_deref);
            literals::from_parts(parts, short)
                .filter(|_| numbers.iter().all(Option::is_some))
                .map(|version| (version, 0))
        };
        let best = best.0.map(|(rank, version)| (version, rank));
        best.or_else(joined).or_else(|| self.versioneer())
    }

    /// The version in the text that versioneer writes.
    fn versioneer(&self) -> Option<(String, usize)> {
        let Value::Tuple(consts) = &self.consts else {
            return None;
        };
        let mut texts = consts.iter().filter_map(text);
        texts.find_map(literals::versioneer).map(|version| (version, 0))
    }
}

fn text<'b>(value: &Value<'b>) -> Option<&'b str> {
    match value {
        Value::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// A number or a word of a version.
fn part(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Number(n) => Some(n.to_string()),
        value => text(value).map(str::to_owned),
    }
}

/// The version that a constant states.
fn stated(value: &Value<'_>, short: bool) -> Option<String> {
    match value {
        Value::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().take(8).map_while(part).collect();
            literals::from_parts(parts.iter().map(String::as_str), short)
        }
        value => text(value).and_then(literals::normal),
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    refs: Vec<Value<'b>>,
    /// Every text that was read; bytes are none.
    texts: Vec<&'b [u8]>,
    new_code: bool,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8], magic: u16) -> Self {
        Self {
            bytes: bytes.get(HEADER..).unwrap_or_default(),
            at: 0,
            refs: Vec::new(),
            texts: Vec::new(),
            new_code: magic >= MAGIC_3_11,
        }
    }

    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(n)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.int()?).ok()
    }

    /// The next value; `None` where the data is not what it should be. A place among the references is taken before what
    /// the value holds is read, as CPython does.
    fn value(&mut self, depth: usize) -> Option<Value<'b>> {
        if depth > DEPTH {
            return None;
        }
        let kind = self.byte()?;
        let place = (kind & 0x80 != 0).then(|| {
            self.refs.push(Value::Other);
            self.refs.len() - 1
        });
        let value = match kind & 0x7f {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => Value::Other,
            b'i' => Value::Number(self.int()?.into()),
            b'I' => Value::Number(i64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            b'g' => self.skip(8)?,
            b'y' => self.skip(16)?,
            b'f' => self.short()?,
            b'x' => {
                self.short()?;
                self.short()?
            }
            b'l' => {
                let digits = usize::try_from(self.int()?.unsigned_abs()).ok()?;
                self.skip(digits.checked_mul(2)?)?
            }
            b's' => {
                let size = self.size()?;
                Value::Text(self.take(size)?)
            }
            b't' | b'u' | b'a' | b'A' => {
                let size = self.size()?;
                self.text(size)?
            }
            b'z' | b'Z' => {
                let size = self.byte()?.into();
                self.text(size)?
            }
            b')' => {
                let size = self.byte()?.into();
                self.tuple(size, depth)?
            }
            b'(' => {
                let size = self.size()?;
                self.tuple(size, depth)?
            }
            b'[' | b'<' | b'>' => {
                for _ in 0..self.size()? {
                    self.value(depth + 1)?;
                }
                Value::Other
            }
            b'{' => {
                while self.bytes.get(self.at)? & 0x7f != b'0' {
                    self.value(depth + 1)?;
                    self.value(depth + 1)?;
                }
                self.skip(1)?
            }
            b':' => {
                for _ in 0..3 {
                    self.value(depth + 1)?;
                }
                Value::Other
            }
            b'r' => {
                let at = self.size()?;
                self.refs.get(at)?.clone()
            }
            b'c' => self.code(depth)?,
            _ => return None,
        };
        if let Some(slot) = place.and_then(|place| self.refs.get_mut(place)) {
            *slot = value.clone();
        }
        Some(value)
    }

    fn text(&mut self, size: usize) -> Option<Value<'b>> {
        let text = self.take(size)?;
        self.texts.push(text);
        Some(Value::Text(text))
    }

    fn skip(&mut self, n: usize) -> Option<Value<'b>> {
        self.take(n).map(|_| Value::Other)
    }

    fn short(&mut self) -> Option<Value<'b>> {
        let size = self.byte()?.into();
        self.skip(size)
    }

    /// Grows with what is read: a value takes a byte at least.
    fn tuple(&mut self, size: usize, depth: usize) -> Option<Value<'b>> {
        let mut values = Vec::new();
        for _ in 0..size {
            values.push(self.value(depth + 1)?);
        }
        Some(Value::Tuple(values.into()))
    }

    fn code(&mut self, depth: usize) -> Option<Value<'b>> {
        // Numbers first: 3.8 has positional-only arguments and still counts locals, 3.11 does not.
        self.skip(if self.new_code { 20 } else { 24 })?;
        let mut next = || self.value(depth + 1);
        let (body, consts, names) = (next()?, next()?, next()?);
        // varnames, freevars, cellvars, filename, name; from 3.11 localsplusnames, localspluskinds, filename, name, qualname.
        for _ in 0..5 {
            next()?;
        }
        self.skip(4)?; // first line
        let tables = if self.new_code { 2 } else { 1 };
        for _ in 0..tables {
            self.value(depth + 1)?;
        }
        Some(Value::Code(Rc::new(Code { body, consts, names })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module whose body is `NAME = VALUE`, as CPython 3.11 (`new`) or 3.8 writes it.
    fn compiled(magic: u16, new: bool, name: &str, value: &[u8]) -> Vec<u8> {
        let mut out = magic.to_le_bytes().to_vec();
        out.extend(b"\r\n");
        out.extend([0; 12]);
        let short = |text: &str| [&[b'z', u8::try_from(text.len()).unwrap_or(255)][..], text.as_bytes()].concat();
        out.push(b'c' | 0x80);
        out.extend(vec![0; if new { 20 } else { 24 }]);
        out.extend([b's', 4, 0, 0, 0, 100, 0, 90, 0]); // LOAD_CONST 0, STORE_NAME 0
        out.extend([b')', 1]);
        out.extend(value);
        out.extend([b')', 1]);
        out.extend(short(name));
        for _ in 0..5 {
            out.extend([b')', 0]);
        }
        out.extend([0; 4]);
        out.extend([b's', 0, 0, 0, 0]);
        if new {
            out.extend([b's', 0, 0, 0, 0]);
        }
        out
    }

    fn version(bytes: &[u8]) -> Result<Option<String>, String> {
        module(bytes).map(|module| module.version().map(|(version, _)| version))
    }

    #[test]
    fn what_modules_assign() {
        let tuple = [b')', 3, b'i', 1, 0, 0, 0, b'i', 2, 0, 0, 0, b'z', 1, b'3'];
        for (magic, new, name, value, expected) in [
            (3413, false, "__version__", &b"z\x051.2.3"[..], Some("1.2.3")),
            (3495, true, "__version__", b"z\x051.2.3", Some("1.2.3")),
            (3627, true, "VERSION", &tuple, Some("1.2.3")),
            (3495, true, "other", b"z\x051.2.3", None),
            (3495, true, "__version__", b"N", None),
        ] {
            let found = version(&compiled(magic, new, name, value)).expect("reads");
            assert_eq!(found.as_deref(), expected, "{magic} {name}");
        }
    }

    #[test]
    fn hostile_data_is_an_error() {
        let whole = compiled(3495, true, "__version__", b"z\x051.2.3");
        for end in 0..whole.len() {
            assert!(version(&whole[..end]).is_err(), "{end}");
        }
        let with = |body: &[u8]| [&whole[..HEADER], body].concat();
        assert!(version(&with(&[b')', 1].repeat(100_000))).is_err(), "deep");
        assert!(version(&with(b"(\xff\xff\xff\x7f")).is_err(), "long");
        assert!(version(&with(b"r\xff\xff\xff\x7f")).is_err(), "dangling");
        assert!(version(b"\0\0\r\n").is_err());
        // Tuples of references to tuples: 2^60 values if they were copied.
        let mut bomb = vec![b'(' | 0x80, 60, 0, 0, 0, b')' | 0x80, 0];
        for i in 1_u8..60 {
            bomb.extend([b')' | 0x80, 2, b'r', i, 0, 0, 0, b'r', i, 0, 0, 0]);
        }
        assert!(version(&with(&bomb)).is_err());
    }
}
