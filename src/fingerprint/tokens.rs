//! The tokens of JavaScript that minifiers keep: string literals, property names and object keys, regular expressions,
//! numbers and well-known globals, each as a hash of its value, in the order of the text.
//!
//! Minifiers rename variables and reshape statements; these tokens and their order are what the code means to the outside,
//! so the file of a package and the same module in a bundle give nearly the same stream. What minifiers do change is left
//! out or written in one way here: `"a" + "b"` is `"ab"`, `60 * 1000` is `6e4`, `o["a"]`, `{"a": 1}` and `{a}` are as `.a`,
//! `"x" === y.z` is as `y.z === "x"`; arguments of `require`, names of one or two letters (mangled exports, module ids), `0`,
//! `1` and directives do not count.
//!
//! Ours, and not `oxc`'s parser: that is as fast (1.2 MB of esbuild's output in 16 ms), yet it is 80 crates that take a
//! minute to compile, gives nothing for a file with one error, and overflows the stack, which ends the process, on a file of
//! 200,000 brackets.

use super::{
    literals::{Hash, Text, is_name, is_well_known, line_end, number, regex_end},
    modules::Body,
};

/// Version of what is a token and how it is hashed. An index holds the hashes of one version and is of use to that alone.
pub const DEFINITION: u32 = 1;

/// A token that minifiers keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it begins, in bytes. Files are shorter than 4 GiB by far ([`crate::limits`]).
    pub at: u32,
    /// Hash of its value.
    pub hash: u64,
    /// What it is, as far as it matters for what it proves.
    pub kind: Kind,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name, a key, a string, a regular expression.
    Word,
    /// A number. Tables of them (of a cipher, an encoding) are alike in whatever implements the same.
    Number,
    /// A literal in a list or an object of literals, or its key: names of entities, of types, of characters are alike in
    /// whatever knows the same facts.
    Cell,
}

/// Tokens below which a body is not told.
const LEAST: u32 = 64;

/// What stands before a token, as far as the meaning of the token depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// An operand has ended: `/` divides.
    Value,
    /// An operand that is a plain name has ended.
    Name,
    /// `.` or `?.`.
    Dot,
    /// Any other punctuation, by its last byte; a closing brace of a block and a closing bracket of `if (…)` too.
    Mark(u8),
    /// `=>`.
    Arrow,
    /// A keyword before an expression.
    Keyword,
    /// `else`, `do`, `try`, `finally`: a block follows.
    Opener,
    /// `if`, `while`, `for`, `with`: a parenthesis follows that is no operand.
    Control,
    /// `require`, by any name that bundlers give it.
    Require,
    /// `from`, or `import` of a file.
    From,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    Paren,
    Control,
    /// The arguments of a plain name.
    Call,
    Require,
    Square,
    Block,
    /// Of a function.
    Body,
    Object,
    Class,
    /// Names that are imported or exported.
    List,
    Template,
}

/// A literal that stands before a comparison and counts behind it.
#[derive(Clone, Copy)]
struct Held {
    token: Token,
    depth: usize,
}

struct Lexer<'t, F> {
    text: &'t [u8],
    at: usize,
    before: Before,
    open: Vec<Bracket>,
    /// Tokens so far, and where each body that is open began.
    count: u32,
    begun: Vec<u32>,
    bodies: Vec<Body>,
    held: Option<Held>,
    /// Depth at which a `class` waits for its body.
    class: Option<usize>,
    /// Between `case` or `default` and its colon.
    label: bool,
    /// Between `import` and the name of the file.
    import: bool,
    /// No regular expression is looked for before this: one was, and its line or its longest length ended first.
    no_regex: usize,
    see: F,
}

/// Calls `see` for each stable token, in the order of the text; one after a comparison may begin before the one before it. Gives the
/// bodies of functions that are long, in the order of their ends.
/// Takes any bytes; time is linear in them, and memory in the number of their brackets.
pub fn tokens(text: &[u8], see: impl FnMut(Token)) -> Vec<Body> {
    let mut lexer = Lexer {
        text,
        at: 0,
        before: Before::Mark(b';'),
        open: Vec::new(),
        count: 0,
        begun: Vec::new(),
        bodies: Vec::new(),
        held: None,
        class: None,
        label: false,
        import: false,
        no_regex: 0,
        see,
    };
    if text.starts_with(b"#!") {
        lexer.at = line_end(text, 0);
    }
    while lexer.step() {}
    lexer.release();
    lexer.bodies
}

/// Values that bundlers and minifiers add or take away.
const UNSTABLE: [u64; 6] = [
    Hash::of(b"use strict"),
    Hash::of(b"default"),
    Hash::of(b"__esModule"),
    Hash::of(b"undefined"),
    Hash::of(b"exports"),
    Hash::of(b"prototype"),
];

/// Names of up to this many letters are not told from those that bundlers give.
const SHORT: usize = 2;

impl<F: FnMut(Token)> Lexer<'_, F> {
    fn byte(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// Passes over blanks and comments from `at`.
    fn blank(&self, mut at: usize) -> usize {
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            match rest {
                [b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, ..] => at += 1,
                [b'/', b'/', ..] => at = line_end(self.text, at),
                [b'/', b'*', ..] => {
                    at = memchr::memmem::find(&rest[2..], b"*/").map_or(self.text.len(), |i| at + i + 4);
                }
                _ => return at,
            }
        }
    }

    /// The next byte that is no blank and in no comment; zero at the end.
    fn next(&self) -> u8 {
        self.text.get(self.blank(self.at)).copied().unwrap_or_default()
    }

    fn emit(&mut self, at: usize, hash: u64, kind: Kind) {
        if !UNSTABLE.contains(&hash) {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            self.show(Token { at, hash, kind });
        }
    }

    fn show(&mut self, token: Token) {
        // There are fewer tokens than bytes.
        self.count = self.count.saturating_add(1);
        (self.see)(token);
    }

    /// The kind of a string that was just read, which began behind `before`.
    fn kind(&self, before: Before) -> Kind {
        let ends = self.blank(self.at);
        let is_cell = match (self.open.last(), before, self.text.get(ends)) {
            (Some(Bracket::Object), Before::Mark(b':'), Some(b',' | b'}'))
            | (Some(Bracket::Square), Before::Mark(b',' | b'['), Some(b',' | b']')) => true,
            (Some(Bracket::Object), Before::Mark(b',' | b'{'), Some(b':')) => self.is_literal(ends + 1),
            _ => false,
        };
        if is_cell { Kind::Cell } else { Kind::Word }
    }

    /// Whether a literal begins at the next byte that is no blank.
    fn is_literal(&self, at: usize) -> bool {
        let next = self.text.get(self.blank(at)).copied().unwrap_or_default();
        matches!(next, b'"' | b'\'' | b'0'..=b'9')
    }

    /// A literal: held back where it is compared with what follows.
    fn literal(&mut self, at: usize, hash: u64, kind: Kind) {
        let next = self.blank(self.at);
        let compared = matches!(self.text.get(next..next + 2), Some(b"==" | b"!="));
        if compared && self.held.is_none() && !UNSTABLE.contains(&hash) {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let depth = self.open.len();
            self.at = next
                + self.text[next..]
                    .iter()
                    .take(3)
                    .take_while(|b| matches!(b, b'=' | b'!'))
                    .count();
            self.before = Before::Mark(b'=');
            self.held = Some(Held {
                token: Token { at, hash, kind },
                depth,
            });
        } else {
            self.emit(at, hash, kind);
        }
    }

    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            self.show(held.token);
        }
    }

    /// An operator or a closing bracket ends what a held literal is compared with.
    fn end_operand(&mut self) {
        if self.held.is_some_and(|held| self.open.len() <= held.depth) {
            self.release();
        }
    }

    /// Whether a name here is a key.
    fn is_key_place(&self) -> bool {
        match self.open.last() {
            Some(Bracket::Object) => matches!(self.before, Before::Mark(b'{' | b',')),
            Some(Bracket::Class) => matches!(self.before, Before::Mark(b'{' | b'}' | b';')),
            _ => false,
        }
    }

    fn step(&mut self) -> bool {
        self.at = self.blank(self.at);
        let Some(&byte) = self.text.get(self.at) else {
            return false;
        };
        match byte {
            b'"' | b'\'' => self.string(byte),
            b'`' => {
                self.at += 1;
                self.template();
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'.' if self.byte(1) == b'.' => {
                self.at += 3;
                self.before = Before::Mark(b'.');
            }
            b'.' => {
                self.at += 1;
                self.before = Before::Dot;
            }
            b'?' if self.byte(1) == b'.' && !self.byte(2).is_ascii_digit() => {
                self.at += 2;
                self.before = Before::Dot;
            }
            b'/' => self.slash(),
            b'#' | b'\\' | b'@' => {
                // A private name, which minifiers change, or an escape in a name.
                self.at += 1;
                while is_name(self.byte(0)) {
                    self.at += 1;
                }
                if !self.is_key_place() {
                    self.before = Before::Value;
                }
            }
            b'(' | b'[' | b'{' => self.opening(byte),
            b')' | b']' | b'}' => self.closing(byte),
            _ if is_name(byte) => self.word(),
            _ => self.operator(byte),
        }
        true
    }

    fn string(&mut self, quote: u8) {
        let begin = self.at;
        let mut text = Text::new();
        loop {
            // A string ends with its line, whatever was meant.
            let end = text.read(self.text, self.at + 1, |b, _| b == quote || b == b'\n');
            self.at = (end + 1).min(self.text.len());
            // `"a" + "b"`: minifiers join them.
            let plus = self.blank(self.at);
            if self.text.get(plus) != Some(&b'+') {
                break;
            }
            let second = self.blank(plus + 1);
            if self.text.get(second) != Some(&quote) {
                break;
            }
            self.at = second;
        }
        let path = self.open.last() == Some(&Bracket::Require) || self.before == Before::From || self.import;
        self.import = false;
        let before = std::mem::replace(&mut self.before, Before::Value);
        if !path {
            self.text(begin, &text, before);
        }
    }

    fn text(&mut self, at: usize, text: &Text, before: Before) {
        let short = text.name && text.length <= SHORT;
        if text.solid && !short && !text.is_relative() {
            self.literal(at, text.hash.get(), self.kind(before));
        }
    }

    /// From behind the backquote, or behind the brace that ends an inserted expression.
    fn template(&mut self) {
        let begin = self.at;
        let mut text = Text::new();
        let end = text.read(self.text, self.at, |b, rest| {
            b == b'`' || (b == b'$' && rest.first() == Some(&b'{'))
        });
        let before = std::mem::replace(&mut self.before, Before::Value);
        if self.text.get(end) == Some(&b'$') {
            self.at = end + 2;
            self.open.push(Bracket::Template);
            self.before = Before::Mark(b'(');
            if text.solid && !(text.name && text.length <= SHORT) {
                self.emit(begin, text.hash.get(), Kind::Word);
            }
        } else {
            self.at = (end + 1).min(self.text.len());
            self.text(begin, &text, before);
        }
    }

    fn number(&mut self) {
        let begin = self.at;
        let (mut value, end) = number(self.text, begin);
        self.at = end;
        // `60 * 1000`: minifiers reckon. Not behind another factor: `x * 60 * 1000` stays.
        if !matches!(self.before, Before::Mark(b'*' | b'/' | b'%')) {
            value = self.product(value);
        }
        let id = matches!(self.open.last(), Some(Bracket::Call | Bracket::Require))
            && self.before == Before::Mark(b'(')
            && self.next() == b')';
        self.before = Before::Value;
        // Zero and one are written as `!1`, `!0` and in many other ways.
        if !id && value.to_bits() != 0 && value.to_bits() != 1f64.to_bits() {
            let mut hash = Hash::new();
            hash.byte(b'#');
            value.to_bits().to_le_bytes().into_iter().for_each(|b| hash.byte(b));
            self.literal(begin, hash.get(), Kind::Number);
        }
    }

    fn product(&mut self, mut value: f64) -> f64 {
        loop {
            let sign = self.blank(self.at);
            let shift = self.text.get(sign..sign + 2) == Some(b"<<");
            let times = self.text.get(sign) == Some(&b'*') && self.text.get(sign + 1) != Some(&b'*');
            let second = self.blank(sign + 1 + usize::from(shift));
            if !(shift || times) || !self.text.get(second).is_some_and(u8::is_ascii_digit) {
                return value;
            }
            let (by, end) = number(self.text, second);
            value *= if shift { by.min(64.0).exp2() } else { by };
            self.at = end;
        }
    }

    /// Division or a regular expression.
    fn slash(&mut self) {
        let divides = matches!(
            self.before,
            Before::Value | Before::Name | Before::Require | Before::From
        );
        let begin = self.at;
        if divides || begin < self.no_regex {
            return self.operator(b'/');
        }
        let end = match regex_end(self.text, begin) {
            Ok(end) => end,
            Err(looked_at) => {
                self.no_regex = looked_at;
                return self.operator(b'/');
            }
        };
        let mut hash = Hash::new();
        let body = self.text.get(begin..end).unwrap_or_default();
        // `[/]` and `[\/]` are one.
        for (i, &byte) in body.iter().enumerate() {
            if !(byte == b'\\' && body.get(i + 1) == Some(&b'/')) {
                hash.byte(byte);
            }
        }
        self.at = end;
        while is_name(self.byte(0)) {
            hash.byte(self.byte(0));
            self.at += 1;
        }
        self.before = Before::Value;
        self.emit(begin, hash.get(), Kind::Word);
    }

    fn operator(&mut self, byte: u8) {
        self.end_operand();
        let doubled = self.byte(1) == byte;
        self.at += 1;
        match byte {
            b'+' | b'-' if doubled => {
                self.at += 1;
                // Behind an operand it belongs to that.
                if !matches!(self.before, Before::Value | Before::Name) {
                    self.before = Before::Mark(byte);
                }
                return;
            }
            b'=' if self.byte(0) == b'>' => {
                self.at += 1;
                self.before = Before::Arrow;
                return;
            }
            b'=' | b'!' => {
                while self.byte(0) == b'=' {
                    self.at += 1;
                }
            }
            // A generator among keys.
            b'*' if self.is_key_place() => return,
            b':' if self.label => {
                self.label = false;
                self.before = Before::Mark(b';');
                return;
            }
            b';' => self.import = false,
            _ => {}
        }
        self.before = Before::Mark(byte);
    }

    fn opening(&mut self, byte: u8) {
        self.at += 1;
        let bracket = match (byte, self.before) {
            (b'(', Before::Control) => Bracket::Control,
            (b'(', Before::Require) => Bracket::Require,
            (b'(', Before::Name) => Bracket::Call,
            (b'(', _) => Bracket::Paren,
            (b'[', _) => Bracket::Square,
            (_, _) if self.class == Some(self.open.len()) => {
                self.class = None;
                Bracket::Class
            }
            (_, before) if self.import || before == Before::From => Bracket::List,
            (_, Before::Mark(mark)) if !matches!(mark, b';' | b'{' | b'}' | b')') => Bracket::Object,
            (_, Before::Keyword) => Bracket::Object,
            (_, Before::Value | Before::Arrow) => {
                self.begun.push(self.count);
                Bracket::Body
            }
            (_, _) => Bracket::Block,
        };
        self.open.push(bracket);
        self.before = Before::Mark(byte);
    }

    fn closing(&mut self, byte: u8) {
        self.at += 1;
        let bracket = self.open.pop();
        if bracket == Some(Bracket::Body) {
            self.end_body();
        }
        if self.held.is_some_and(|held| self.open.len() < held.depth) {
            self.release();
        }
        if self.class.is_some_and(|depth| depth > self.open.len()) {
            self.class = None;
        }
        self.before = match bracket {
            Some(Bracket::Template) => return self.template(),
            Some(Bracket::Control) => Before::Mark(b')'),
            Some(Bracket::Block | Bracket::Body | Bracket::Class) if byte == b'}' => Before::Mark(b'}'),
            _ => Before::Value,
        };
    }

    fn end_body(&mut self) {
        let end = self.count;
        if let Some(first) = self.begun.pop().filter(|first| end - first >= LEAST) {
            let is_called = self.is_called();
            self.bodies.push(Body { first, end, is_called });
        }
    }

    /// Whether what ends here is called: `(function(){…})()`, `(()=>{…}).call(…)`.
    fn is_called(&self) -> bool {
        let mut at = self.blank(self.at);
        if self.text.get(at) == Some(&b')') {
            at = self.blank(at + 1);
        }
        let rest = self.text.get(at..).unwrap_or_default();
        [&b"("[..], b".call(", b".apply("]
            .iter()
            .any(|call| rest.starts_with(call))
    }

    fn word(&mut self) {
        let begin = self.at;
        let rest = &self.text[begin..];
        let length = rest.iter().take_while(|b| is_name(**b) || **b == b'\\').count();
        let word = &rest[..length];
        self.at += length;
        if self.before == Before::Dot {
            self.before = Before::Value;
            return self.name(begin, word, Kind::Word);
        }
        if self.is_key_place() {
            let next = self.next();
            let modifier = matches!(word, b"get" | b"set" | b"async" | b"static");
            if modifier && !matches!(next, b'(' | b':' | b',' | b'}' | b'=' | b';') {
                // What follows stands in a key's place too.
                return;
            }
            self.before = Before::Value;
            if matches!(next, b'(' | b':' | b',' | b'}' | b'=' | b';') && word != b"constructor" {
                let colon = self.blank(self.at);
                let cell = next == b':' && self.is_literal(colon + 1);
                self.name(begin, word, if cell { Kind::Cell } else { Kind::Word });
            }
            return;
        }
        if self.import || self.open.last() == Some(&Bracket::List) {
            self.before = Before::Value;
            return;
        }
        self.before = match word {
            b"return" | b"typeof" | b"in" | b"of" | b"new" | b"delete" | b"void" | b"throw" | b"instanceof"
            | b"yield" | b"await" | b"extends" | b"const" | b"let" | b"var" => Before::Keyword,
            b"case" => {
                self.label = true;
                Before::Keyword
            }
            b"default" => {
                self.label = self.next() == b':';
                Before::Keyword
            }
            b"else" | b"do" | b"try" | b"finally" => Before::Opener,
            b"if" | b"while" | b"for" | b"with" | b"switch" | b"catch" => Before::Control,
            b"class" => {
                self.class = Some(self.open.len());
                Before::Opener
            }
            b"import" => match self.next() {
                b'(' => Before::Require,
                b'.' => Before::Value,
                _ => {
                    self.import = true;
                    Before::From
                }
            },
            b"export" => Before::From,
            b"from" if matches!(self.next(), b'"' | b'\'') => Before::From,
            _ if word.ends_with(b"equire") || word.ends_with(b"equire__") => Before::Require,
            _ => Before::Name,
        };
        if self.before == Before::Name && is_well_known(word) {
            self.before = Before::Value;
            self.emit(begin, Hash::of(word), Kind::Word);
        }
    }

    fn name(&mut self, at: usize, name: &[u8], kind: Kind) {
        if name.len() > SHORT {
            self.emit(at, Hash::of(name), kind);
        }
    }
}

#[cfg(test)]
mod tests;
