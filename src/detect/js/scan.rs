//! One pass over a bundle for everything that bundlers leave in it.

use super::{
    banner, manifest,
    module_path::{self, PackagePath},
};
use aho_corasick::{AhoCorasick, MatchKind};
use std::{ops::Range, sync::LazyLock};

/// What a stretch of a bundle begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) enum Module {
    /// A module of a package, by its path.
    Package(PackagePath, /* the package's own package.json */ bool),
    /// One of the application's, or the bundler's glue.
    Own,
    /// A module whose path the bundler did not write.
    Unnamed,
}

/// Where a module begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Mark {
    pub(in crate::detect) at: usize,
    pub(in crate::detect) module: Module,
    /// A comment that any author could have written; counts only beside other signs of a bundler.
    loose: bool,
}

/// What the pass saw.
#[derive(Debug, Default)]
pub(in crate::detect) struct Marks<'t> {
    /// In the order of the text.
    pub(in crate::detect) modules: Vec<Mark>,
    /// A bundler's helper functions are there.
    pub(in crate::detect) helpers: bool,
    /// The last `sourceMappingURL`, and where it begins.
    pub(in crate::detect) map: Option<(usize, &'t [u8])>,
    /// Packages that licence comments name, and where.
    pub(in crate::detect) named: Vec<(usize, banner::Named<'t>)>,
    /// Inlined `package.json` objects, and where.
    pub(in crate::detect) manifests: Vec<(usize, manifest::Inlined<'t>)>,
    /// Version literals, and where.
    pub(in crate::detect) literals: Vec<(usize, &'t str)>,
    lists: usize,
    comments: usize,
}

#[derive(Clone, Copy)]
enum Sign {
    Helper,
    Path,
    Comment,
    LineComment,
    Boundary,
    Glue,
    MapUrl,
    Legal,
    EsbuildList,
    Version,
    Literal,
}

/// Each text once; none is the beginning of another that means something else.
const SIGNS: &[(&str, Sign)] = &[
    ("__commonJS", Sign::Helper),
    ("__toESM", Sign::Helper),
    ("__toCommonJS", Sign::Helper),
    ("__webpack_require__", Sign::Helper),
    ("__webpack_modules__", Sign::Helper),
    ("__nccwpck_require__", Sign::Helper),
    ("parcelRequire", Sign::Helper),
    ("$parcel$", Sign::Helper),
    ("commonjsGlobal", Sign::Helper),
    ("getDefaultExportFromCjs", Sign::Helper),
    ("webpackChunk", Sign::Helper),
    ("node_modules/", Sign::Path),
    ("!*** ", Sign::Comment),
    ("\n// ", Sign::LineComment),
    ("\n;// ", Sign::LineComment),
    ("\n//#region ", Sign::LineComment),
    ("\n/***/ ", Sign::Boundary),
    ("\n// The module cache", Sign::Glue),
    (
        "\n/************************************************************************/",
        Sign::Glue,
    ),
    ("sourceMappingURL=", Sign::MapUrl),
    ("Bundled license information:", Sign::EsbuildList),
    ("/*!", Sign::Legal),
    ("/** @license", Sign::Legal),
    ("version", Sign::Version),
    ("VERSION", Sign::Literal),
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(SIGNS.iter().map(|(text, _)| text))
        .ok()
});

/// What webpack writes before each module's key.
const BOUNDARY: &[u8] = b"\n/***/ ";

/// What a bundler's helper functions may take before the first module.
const HELPERS: usize = 4096;

/// Longest module path that is believed.
const PATH: usize = 1024;

/// Longest licence comment that is read; the name stands in its first lines.
const COMMENT: usize = 512;

/// Lists of licences that are read to their end, licence comments that are read, and manifests whose surroundings are looked
/// at: more than any bundle has, and a bound on what a made-up one can cost.
const LISTS: usize = 16;
const COMMENTS: usize = 50_000;
const MANIFESTS: usize = 4000;

/// Scans a bundle.
pub(in crate::detect) fn scan(text: &[u8]) -> Marks<'_> {
    let mut marks = Marks::default();
    let Some(search) = SEARCH.as_ref() else {
        return marks;
    };
    if text.starts_with(b"// ") {
        marks.line_comment(text, 0);
    }
    let mut map = None;
    for found in search.find_iter(text) {
        let Some((_, sign)) = SIGNS.get(found.pattern().as_usize()) else {
            continue;
        };
        let (at, end) = (found.start(), found.end());
        match sign {
            Sign::Helper => marks.helpers = true,
            Sign::Path => marks.path(text, at),
            Sign::Comment => marks.block_comment(text, at, end),
            Sign::LineComment => marks.line_comment(text, at + 1),
            Sign::Boundary => marks.boundary(text, at + 1, end),
            Sign::Glue => marks.push(at, Module::Own, false),
            Sign::MapUrl if is_comment(text, at) => map = Some(end),
            Sign::MapUrl => {}
            Sign::Legal => marks.legal(text, at),
            Sign::EsbuildList => marks.esbuild_list(text, at, end),
            Sign::Version => marks.version(text, at),
            Sign::Literal => {
                let word = at > 0
                    && text
                        .get(at - 1)
                        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
                if let Some(literal) = manifest::literal(text, at).filter(|_| !word) {
                    marks.literals.push((at, literal));
                }
            }
        }
    }
    marks.map = map.and_then(|at| Some((at, text.get(at..)?))).map(|(at, rest)| {
        let end = rest
            .iter()
            .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'\\'));
        (at, rest.get(..end.unwrap_or(rest.len())).unwrap_or_default())
    });
    marks.settle();
    marks
}

impl<'t> Marks<'t> {
    fn push(&mut self, at: usize, module: Module, loose: bool) {
        // A path with two `node_modules` in it is met twice.
        if self.modules.last().is_some_and(|last| last.at == at) {
            return;
        }
        self.modules.push(Mark { at, module, loose });
    }

    /// Comments count where more than one of them, or a helper, shows that a bundler wrote them.
    fn settle(&mut self) {
        self.modules.sort_by_key(|mark| mark.at);
        let loose = self.modules.iter().filter(|m| m.loose).count();
        if !self.helpers && loose < 2 {
            self.modules.retain(|m| !m.loose);
        }
        // `// util.js` may stand in any code that kept its comments. It begins a module only where packages' modules begin
        // with such a line too, or where one begins as early as after a bundler's helpers, in a bundle without packages.
        let begins = self
            .modules
            .iter()
            .any(|m| m.loose && matches!(m.module, Module::Package(..)));
        let alone = self.modules.iter().all(|m| m.module == Module::Own);
        let early = self.modules.first().is_some_and(|m| m.at < HELPERS);
        if !(begins || alone && early) {
            self.modules.retain(|m| !m.loose);
        }
    }

    /// The module that the byte at `at` lies in.
    pub(in crate::detect) fn module_of(&self, at: usize) -> Option<&Module> {
        let after = self.modules.partition_point(|mark| mark.at <= at);
        Some(&self.modules.get(after.checked_sub(1)?)?.module)
    }

    /// A path in a package: a module if the bundler wrote it, and not a string or a remark of somebody's code.
    fn path(&mut self, text: &[u8], at: usize) {
        let (range, quote) = path_around(text, at);
        let Some(path) = text.get(range.clone()).and_then(|p| std::str::from_utf8(p).ok()) else {
            return;
        };
        let before = text.get(..range.start).unwrap_or_default();
        let after = text.get(range.end..).unwrap_or_default();
        let begin = match quote {
            Some(quote) => {
                let after = after.get(quote.len()..).unwrap_or_default();
                let before = before.get(..before.len() - quote.len()).unwrap_or_default();
                let method = after.starts_with(b"(") || before.ends_with(BOUNDARY) && opens_below(after);
                let turbopack = path.starts_with("[project]/") && after.starts_with(b",");
                let key = after
                    .strip_prefix(b":")
                    .is_some_and(|value| is_key_place(before) && is_function(value));
                (method && is_key_place(before) || key || turbopack).then_some((before.len(), false))
            }
            None => comment_begin(before, after),
        };
        let Some((begin, loose)) = begin else { return };
        if path.starts_with("(disabled)") || (loose && !has_extension(path)) {
            return;
        }
        if let Some(package) = module_path::package(path) {
            let manifest = path
                .split('?')
                .next()
                .unwrap_or_default()
                .ends_with(&*format!("{}/package.json", package.at));
            self.push(begin, Module::Package(package, manifest), loose);
        }
    }

    /// webpack's `!*** ./src/index.js ***!`; a path in a package is seen by itself.
    fn block_comment(&mut self, text: &[u8], at: usize, end: usize) {
        let line = line_from(text, end);
        if memchr::memmem::find(line, b" ***!").is_some() && memchr::memmem::find(line, b"node_modules/").is_none() {
            self.push(at, Module::Own, false);
        }
    }

    /// esbuild's `// src/index.ts`, webpack's `;// ./src/index.ts`.
    fn line_comment(&mut self, text: &[u8], at: usize) {
        let line = line_from(text, at);
        let joined = line.starts_with(b";");
        let line = line.strip_prefix(b";").unwrap_or(line);
        let path = line
            .strip_prefix(b"//#region ")
            .or_else(|| line.strip_prefix(b"// "))
            .unwrap_or_default();
        let path = path.strip_prefix(b"CONCATENATED MODULE: ").unwrap_or(path);
        let Some(path) = std::str::from_utf8(path).ok() else {
            return;
        };
        if path.contains("node_modules/") || path.contains(char::is_whitespace) || !has_extension(path) {
            return;
        }
        self.push(at, Module::Own, !joined);
    }

    /// webpack's and ncc's `/***/ 1234:` and `/***/ "./src/index.js":`; without the colon where the module is a method, which
    /// begins on the next line.
    fn boundary(&mut self, text: &[u8], at: usize, end: usize) {
        let line = line_from(text, end);
        let below = text.get(end + line.len()..).unwrap_or_default();
        let key = line.strip_suffix(b":").or(opens_below(below).then_some(line));
        match key {
            Some(key) if memchr::memmem::find(key, b"node_modules/").is_some() => {}
            Some([b'"', ..]) => self.push(at, Module::Own, false),
            Some(key) if key.iter().all(u8::is_ascii_digit) => self.push(at, Module::Unnamed, false),
            _ => {}
        }
    }

    fn legal(&mut self, text: &'t [u8], at: usize) {
        self.comments += 1;
        if self.comments > COMMENTS {
            return;
        }
        let comment = text.get(at..text.len().min(at + COMMENT)).unwrap_or_default();
        let end = memchr::memmem::find(comment, b"*/").unwrap_or(comment.len());
        if let Some(comment) = utf8_prefix(comment.get(..end).unwrap_or_default())
            && let Some(named) = banner::comment(comment)
        {
            self.named.push((at, named));
        }
    }

    fn esbuild_list(&mut self, text: &'t [u8], at: usize, end: usize) {
        // One stands in a bundle, or one for each bundle that was put into another.
        let opens = text.get(..at).is_some_and(|before| before.ends_with(b"/*! "));
        if self.lists >= LISTS || !opens {
            return;
        }
        self.lists += 1;
        let list = text.get(end..).unwrap_or_default();
        let close = memchr::memmem::find(list, b"*/").unwrap_or(list.len());
        if let Some(list) = utf8_prefix(list.get(..close).unwrap_or_default()) {
            self.helpers = true;
            self.named
                .extend(banner::esbuild_list(list).into_iter().map(|named| (at, named)));
        }
    }

    fn version(&mut self, text: &'t [u8], at: usize) {
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        if before.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            return;
        }
        if before == Some(&b'.') {
            if let Some(literal) = manifest::literal(text, at) {
                self.literals.push((at, literal));
            }
        } else if self.manifests.len() < MANIFESTS
            && let Some(inlined) = manifest::inlined(text, at)
        {
            self.manifests.push((at, inlined));
        }
    }
}

/// Whether a method's parameters begin on the next line.
fn opens_below(after: &[u8]) -> bool {
    after.starts_with(b"\n(") || after.starts_with(b"\r\n(")
}

/// The line from `at` on, as far as a path could go: one line may be the whole bundle.
fn line_from(text: &[u8], at: usize) -> &[u8] {
    let rest = text.get(at..text.len().min(at + 2 * PATH)).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// As much of it as is UTF-8: a window may cut a character in two.
fn utf8_prefix(text: &[u8]) -> Option<&str> {
    match std::str::from_utf8(text) {
        Ok(text) => Some(text),
        Err(e) => std::str::from_utf8(text.get(..e.valid_up_to())?).ok(),
    }
}

/// The path around `node_modules/` at `at`, and the quote it stands in.
fn path_around(text: &[u8], at: usize) -> (Range<usize>, Option<&'static [u8]>) {
    let low = at.saturating_sub(PATH);
    let head = text.get(low..at).unwrap_or_default();
    let ends = |b: &u8| matches!(b, b'"' | b'\'' | b'`' | b'\n' | b'\r' | b'\t' | b' ');
    let start = low + head.iter().rposition(ends).map_or(0, |i| i + 1);
    let tail = text.get(at..text.len().min(at + PATH)).unwrap_or_default();
    let quote: Option<&'static [u8]> = match start.checked_sub(1).and_then(|i| text.get(i)) {
        Some(b'"') => Some(b"\""),
        Some(b'\'') => Some(b"'"),
        _ => None,
    };
    // Turbopack's keys hold blanks: `"[project]/node_modules/x/y.js [app] (ecmascript)"`.
    let close = |b: &u8| match quote {
        Some(quote) => Some(b) == quote.first() || matches!(b, b'\n' | b'\r'),
        None => ends(b),
    };
    let end = at + tail.iter().position(close).unwrap_or(tail.len());
    let closed = quote.filter(|q| text.get(end..).is_some_and(|rest| rest.starts_with(q)));
    (start..end, closed)
}

/// Whether the `sourceMappingURL` at `at` is this file's own. Others stand in strings: webpack's `eval` of a module with its
/// map, a loader that appends such comments to what it makes.
fn is_comment(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_ascii_end();
    let opened = [&b"//#"[..], b"//@", b"/*#", b"/*@"]
        .iter()
        .find_map(|open| before.strip_suffix(*open));
    opened.is_some_and(|code| !code.ends_with(b"\\n") && !matches!(code.last(), Some(b'"' | b'\'' | b'`')))
}

/// Whether a comment that a bundler writes ends right before and after a path, where it begins, and whether any author could
/// have written it.
fn comment_begin(before: &[u8], after: &[u8]) -> Option<(usize, bool)> {
    // ` + 3 modules` is webpack's, of modules that it put into one scope.
    let rest = after.get(..after.len().min(64)).unwrap_or_default();
    let rest = match rest.strip_prefix(b" + ") {
        Some(more) => {
            let digits = more.iter().take_while(|b| b.is_ascii_digit()).count();
            let more = more.get(digits..).unwrap_or_default();
            more.strip_prefix(b" modules")
                .or_else(|| more.strip_prefix(b" module"))
                .unwrap_or(rest)
        }
        None => rest,
    };
    if before.ends_with(b"!*** ") {
        return rest.starts_with(b" ***!").then_some((before.len() - 5, false));
    }
    let ends = rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r");
    if !ends {
        return None;
    }
    let near = before.len().saturating_sub(PATH);
    let line = memchr::memrchr(b'\n', before.get(near..)?).map_or(near, |i| near + i + 1);
    let lead = before.get(line..)?;
    let lead = lead.trim_ascii_start();
    match lead {
        b"// " | b"//#region " => Some((line, true)),
        b";// " | b";// CONCATENATED MODULE: " | b"// EXTERNAL MODULE: " => Some((line, false)),
        _ => None,
    }
}

/// Whether an object's key may begin after this: `{`, `,`, `[`, a comment, a line.
fn is_key_place(before: &[u8]) -> bool {
    let blank = before
        .iter()
        .rev()
        .take(64)
        .take_while(|b| b.is_ascii_whitespace())
        .count();
    let before = before.get(..before.len() - blank).unwrap_or_default();
    matches!(before.last(), Some(b'{' | b',' | b'[')) || before.ends_with(b"*/")
}

/// Whether a value begins like a module's function, after the comments that webpack puts before it.
fn is_function(value: &[u8]) -> bool {
    let mut rest = value.get(..value.len().min(2 * PATH)).unwrap_or_default();
    loop {
        rest = rest.trim_ascii_start();
        let Some(comment) = rest.strip_prefix(b"/*") else { break };
        let Some(end) = memchr::memmem::find(comment, b"*/") else {
            return false;
        };
        rest = comment.get(end + 2..).unwrap_or_default();
    }
    // browserify puts it and what it requires into an array.
    rest = rest.strip_prefix(b"[").unwrap_or(rest);
    if rest.starts_with(b"function") || rest.starts_with(b"((") || rest.starts_with(b"(function") {
        return true;
    }
    let arrow = |rest: &[u8]| rest.trim_ascii_start().starts_with(b"=>");
    if let Some(parameters) = rest.strip_prefix(b"(") {
        let end = parameters.iter().take(200).position(|b| *b == b')');
        return end.and_then(|end| parameters.get(end + 1..)).is_some_and(arrow);
    }
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$');
    let name = rest.iter().take_while(is_name).count();
    name > 0 && rest.get(name..).is_some_and(arrow)
}

/// Whether a path ends as a module's does.
fn has_extension(path: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "js", "mjs", "cjs", "json", "ts", "mts", "cts", "jsx", "tsx", "node", "wasm", "css", "txt", "html", "sql",
        "graphql", "vue", "svelte",
    ];
    let path = path.split('?').next().unwrap_or_default();
    path.rsplit_once('.')
        .is_some_and(|(stem, ext)| !stem.is_empty() && EXTENSIONS.contains(&ext))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(text: &str) -> Vec<String> {
        let marks = scan(text.as_bytes());
        let named = marks.modules.iter().filter_map(|m| match &m.module {
            Module::Package(package, _) => Some(package.name.clone()),
            _ => None,
        });
        named.collect()
    }

    #[test]
    fn what_bundlers_write() {
        for (text, expected) in [
            (
                "var x;\n// node_modules/a/i.js\nvar a = 1;\n// index.js\nlet b;\n",
                &["a"][..],
            ),
            (
                "var r = __commonJS({\n  \"node_modules/a/i.js\"(exports, module) {",
                &["a"],
            ),
            ("var r = __commonJS({\"../node_modules/@s/a/i.js\"(e,m){", &["@s/a"]),
            ("__esm({\n  'node_modules/a/i.mjs'() {", &["a"]),
            (
                "/***/ \"./node_modules/a/i.js\":\n/*!****!*\\\n  !*** ./node_modules/a/i.js ***!\n  \\****/\n/***/ ((module) => {",
                &["a", "a"],
            ),
            ("\n/***/ \"./node_modules/a/i.js\"\n(module) {\n", &["a"]),
            ("({\"./node_modules/a/i.js\":(e,t,n)=>{", &["a"]),
            ("({\"./node_modules/a/i.js\":function(e){", &["a"]),
            (",\"./node_modules/a/i.js\":e=>{", &["a"]),
            (
                "({\"/app/node_modules/a/i.js\":[function(require,module,exports){",
                &["a"],
            ),
            ("\n;// ./node_modules/a/i.js + 2 modules\n", &["a"]),
            ("\n;// CONCATENATED MODULE: ./node_modules/a/i.js\n", &["a"]),
            ("\n// EXTERNAL MODULE: ./node_modules/a/i.js\n", &["a"]),
            ("__toESM\n  // node_modules/a/i.js\n  var", &["a"]),
            (
                "\"[project]/node_modules/.pnpm/a@1.0.0/node_modules/a/i.js [app] (ecmascript)\", ((",
                &["a"],
            ),
        ] {
            assert_eq!(packages(text), expected, "{text}");
        }
    }

    #[test]
    fn modules_end_where_the_next_begins() {
        for function in [":\n/***/ ((module) => {", "\n(module) {"] {
            let key = |key: &str| format!("__webpack_require__;\n/***/ {key}{function}\n\n/***/ }},\n");
            let text = [key("\"./node_modules/a/i.js\""), key("12"), key("\"./src/x.js\"")].concat();
            let marks = scan(text.as_bytes());
            let modules: Vec<&Module> = marks.modules.iter().map(|m| &m.module).collect();
            assert!(
                matches!(modules[..], [Module::Package(..), Module::Unnamed, Module::Own]),
                "{text}: {modules:?}"
            );
        }
    }

    #[test]
    fn maps_of_ones_own() {
        for (text, expected) in [
            ("var a;\n//# sourceMappingURL=index.js.map\n", Some("index.js.map")),
            ("var a;//@ sourceMappingURL=a.map", Some("a.map")),
            ("/*# sourceMappingURL=a.map */", Some("a.map")),
            (
                "eval(\"x\\n//# sourceMappingURL=data:application/json;base64,e30=\\n\")",
                None,
            ),
            (
                "c=\"/*# sourceMappingURL=data:application/json;base64,\".concat(m)",
                None,
            ),
            ("r=/\\/\\/[#@] ?sourceMappingURL=([^\\s]*)/", None),
            ("s+='sourceMappingURL='+u\n//# sourceMappingURL=b.map", Some("b.map")),
        ] {
            let marks = scan(text.as_bytes());
            let url = marks.map.map(|(_, url)| String::from_utf8_lossy(url).into_owned());
            assert_eq!(url.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_authors_write() {
        for text in [
            "const p = \"./node_modules/a/i.js\";",
            "f(x,\n\"./node_modules/a/i.js\"\n(b))",
            "require(\"./node_modules/a/i.js\")(1)",
            "x = c ? \"node_modules/a/i.js\" : (b)",
            "log('see node_modules/a/i.js')",
            "// see node_modules/a/i.js\n",
            "// node_modules/a/i.js\nlet one = 'comment, and no sign of a bundler';\n",
            "files = {\n  \"node_modules/a/i.js\": 1,\n  \"node_modules/b/i.js\": \"x\", \"node_modules/c/i.js\": [1]}",
            "files = {\"node_modules/a/i.js\": (0)}",
            "__commonJS; f(\"node_modules/a/i.js\", 2)",
            "__commonJS; var s = `\n  at f (node_modules/a/i.js:1:2)\n`",
            "__toESM\n// (disabled):node_modules/a/i.js\n",
            "!*** node_modules/a/i.js",
        ] {
            assert_eq!(packages(text), [""; 0], "{text}");
        }
    }
}
