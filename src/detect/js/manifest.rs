//! What a package says of itself inside a bundle: its `package.json`, inlined as an object or a string, and the version
//! literals in its code.

use super::module_path::{is_package_name, is_version};
use crate::parse::json::{self, Members, Scalar};
use memchr::memmem;

/// Name and version of a `package.json`.
pub(in crate::detect) fn document(text: &str) -> Option<(Option<String>, Option<String>)> {
    let Members(members) = json::document::<Members<Scalar>>(text.as_bytes()).ok()?;
    let value = |key: &str| {
        let mut all = members.iter().filter(|(k, _)| k == key).filter_map(|(_, v)| v.text());
        all.next().map(str::to_owned)
    };
    let name = value("name").filter(|name| is_package_name(name));
    Some((name, value("version").filter(|version| is_version(version))))
}

/// An inlined manifest.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::detect) struct Inlined<'t> {
    /// `None` where a bundler kept only the version (`{ version: "1.0.0" }`).
    pub(in crate::detect) name: Option<&'t str>,
    pub(in crate::detect) version: &'t str,
    /// Enough other members of a published `package.json` follow, so that it cannot be taken for anything else.
    pub(in crate::detect) certain: bool,
}

/// How far before `version` the name may stand, and how far after it the other members are looked for.
const BEFORE: usize = 700;
const AFTER: usize = 2048;

/// Members that a published `package.json` has and hardly anything else does.
const MEMBERS: &[&str] = &[
    "description",
    "main",
    "repository",
    "license",
    "author",
    "scripts",
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "keywords",
    "homepage",
    "bugs",
    "engines",
    "files",
    "exports",
    "module",
    "types",
    "publishConfig",
    "maintainers",
    "contributors",
    "sideEffects",
];

/// The manifest around a `version` at `at`, if it is one: `name:"x",version:"1.0.0"`, quoted, escaped inside a string, or as
/// rollup's two variables.
pub(in crate::detect) fn inlined(text: &[u8], at: usize) -> Option<Inlined<'_>> {
    let after = text.get(at + "version".len()..)?;
    let (version, rest) = value(after)?;
    if !is_version(version) {
        return None;
    }
    let before = text.get(at.saturating_sub(BEFORE)..at)?;
    let name = name_before(before);
    let window = rest.get(..rest.len().min(AFTER)).unwrap_or(rest);
    let certain = certain(window, name.map_or(&[][..], |(_, between)| between));
    Some(Inlined {
        name: name.map(|(name, _)| name),
        version,
        certain,
    })
}

/// At least two other members of the same object, and not the application's own: that is private, or has nothing that
/// publishing needs. Members of what stands after the object say nothing: code is full of `main =` and `files:`.
fn certain(after: &[u8], between: &[u8]) -> bool {
    let mut known = 0;
    for (key, value) in own_members(between).chain(own_members(after)) {
        if key == "private" && [&b"true"[..], b"!0"].iter().any(|yes| value.starts_with(yes)) {
            return false;
        }
        known += usize::from(MEMBERS.contains(&key));
    }
    known >= 2
}

/// Keys and the beginnings of values of what follows a member, to the end of the object that it belongs to: `,key:value`,
/// quoted or not, inside a string or not; or rollup's `;var key$1=value`.
fn own_members(text: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let (mut at, mut depth) = (0, 0_usize);
    std::iter::from_fn(move || {
        while let Some(&byte) = text.get(at) {
            match byte {
                b'"' | b'\'' | b'`' => {
                    let close = text.get(at + 1..)?.iter().zip(&text[at..]);
                    let escaped = at > 0 && text[at - 1] == b'\\';
                    at += 2 + close
                        .take_while(|(b, before)| **b != byte || !escaped && **before == b'\\')
                        .count();
                    continue;
                }
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth = depth.checked_sub(1)?,
                b',' | b';' if depth == 0 => {
                    at += 1;
                    if let Some(member) = text.get(at..).and_then(member) {
                        return Some(member);
                    }
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        None
    })
}

/// `key: value`, `"key": value`, `\"key\": value`, `var key$1 = value`.
fn member(text: &[u8]) -> Option<(&str, &[u8])> {
    let mut rest = trim_start(text);
    for keyword in [&b"var "[..], b"const ", b"let "] {
        rest = rest.strip_prefix(keyword).unwrap_or(rest);
    }
    let quotes = |text: &[u8]| text.iter().take_while(|b| matches!(b, b'\\' | b'"' | b'\'')).count();
    rest = rest.get(quotes(rest)..)?;
    let word = rest.iter().take_while(|b| is_word(**b)).count();
    let (key, mut rest) = rest.split_at_checked(word)?;
    rest = after_number(rest);
    rest = trim_start(rest.get(quotes(rest)..)?);
    rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?;
    Some((std::str::from_utf8(key).ok()?, trim_start(rest)))
}

/// What follows rollup's `$1`, `$b` or `$1e`, by which it tells variables of one name apart.
fn after_number(text: &[u8]) -> &[u8] {
    let Some(number) = text.strip_prefix(b"$") else {
        return text;
    };
    &number[number.iter().take_while(|b| is_word(**b)).count()..]
}

/// After a key: its closing quote, `:` or `=`, and a string. What follows the string comes with it.
fn value(after: &[u8]) -> Option<(&str, &[u8])> {
    let mut rest = after_number(after);
    rest = rest.strip_prefix(b"\\").unwrap_or(rest);
    rest = rest
        .strip_prefix(b"\"")
        .or_else(|| rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    rest = trim_start(rest);
    rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?;
    rest = trim_start(rest);
    string(rest)
}

/// A short string literal, in quotes or in escaped quotes.
fn string(text: &[u8]) -> Option<(&str, &[u8])> {
    let (quote, body): (&[u8], &[u8]) = match text {
        [b'\\', b'"', body @ ..] => (b"\\\"", body),
        [b'"', body @ ..] => (b"\"", body),
        [b'\'', body @ ..] => (b"'", body),
        _ => return None,
    };
    let end = memmem::find(body.get(..body.len().min(600))?, quote)?;
    let value = std::str::from_utf8(body.get(..end)?).ok()?;
    Some((value, body.get(end + quote.len()..)?))
}

/// The name that stands before `version` with nothing but other string members between, and what lies between.
fn name_before(before: &[u8]) -> Option<(&str, &[u8])> {
    // The nearest one: an outer object's name is not this one's.
    for at in memmem::rfind_iter(before, b"name") {
        let starts = at == 0 || !is_word(before[at - 1]);
        let Some((name, mut rest)) = before.get(at + 4..).and_then(value).filter(|_| starts) else {
            continue;
        };
        let between = rest;
        // `, key: "…"` any number of times, then `,` and what introduces `version`
        loop {
            rest = trim_start(rest);
            rest = rest.strip_prefix(b",").or_else(|| rest.strip_prefix(b";"))?;
            rest = trim_start(rest);
            for keyword in [&b"var "[..], b"const ", b"let "] {
                rest = rest.strip_prefix(keyword).unwrap_or(rest);
            }
            let quoted = rest.iter().take_while(|b| matches!(b, b'\\' | b'"' | b'\'')).count();
            let key = rest.get(quoted..)?;
            if key.is_empty() {
                return is_package_name(name).then_some((name, between));
            }
            let word = key.iter().take_while(|b| is_word(**b)).count();
            (_, rest) = value(key.get(word..)?)?;
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn trim_start(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

/// Versions that code states of itself: `VERSION = "1.0.0"`, `x.version = '1.0.0'`.
pub(in crate::detect) fn version_literals(text: &[u8]) -> impl Iterator<Item = &str> {
    let capitals = memmem::find_iter(text, b"VERSION").filter(|&at| at == 0 || !is_word(text[at - 1]));
    let members = memmem::find_iter(text, b".version").map(|at| at + 1);
    capitals.chain(members).filter_map(|at| literal(text, at))
}

/// The version that a `VERSION` or `version` at `at` is set to.
pub(in crate::detect) fn literal(text: &[u8], at: usize) -> Option<&str> {
    let after = text.get(at + "VERSION".len()..)?;
    let after = trim_start(after.strip_prefix(b"\"").unwrap_or(after));
    let after = after.strip_prefix(b"=").or_else(|| after.strip_prefix(b":"))?;
    let (version, _) = string(trim_start(after))?;
    // `0.0.0-unknown` stands in for a version that the build was to fill in.
    (is_version(version) && !version.starts_with("0.0.0")).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_by_shape() {
        for (text, expected) in [
            (
                r#"{name:"axios",version:"0.21.0",description:"x",main:"index.js"}"#,
                Some((Some("axios"), true)),
            ),
            (
                r#"JSON.parse('{"name":"axios","version":"0.21.0","main":"x","license":"MIT"}')"#,
                Some((Some("axios"), true)),
            ),
            (
                r#""{\"name\":\"axios\",\"version\":\"0.21.0\",\"main\":\"x\",\"license\":\"MIT\"}""#,
                Some((Some("axios"), true)),
            ),
            (
                "var name$1 = \"axios\";\nvar version$3 = \"0.21.0\";\nvar main$2 = \"x\";\nvar license = \"MIT\";",
                Some((Some("axios"), true)),
            ),
            (
                "var name$8 = \"axios\";\nvar version$b = \"0.21.0\";\nvar main$1e = \"x\";\nvar license$z = \"MIT\";",
                Some((Some("axios"), true)),
            ),
            (
                r#"{"name":"a","description":"says \u0022 so","version":"0.21.0","license":"MIT"}"#,
                Some((Some("a"), true)),
            ),
            (
                r#"{name:"orders",version:"0.21.0",private:true,main:"x",scripts:{}}"#,
                Some((Some("orders"), false)),
            ),
            (r#"{name:"job",version:"0.21.0",queue:"x"}"#, Some((Some("job"), false))),
            (r#"{version:"0.21.0"}"#, Some((None, false))),
            (
                r#"{name:"a",nested:{version:"0.21.0"},main:"",license:""}"#,
                Some((None, false)),
            ),
            (
                r#"{name:"x.js",version:"0.21.0",tags:["{{","}}"],parse:function(){return{main:1,files:2}}};main=1;files=2"#,
                Some((Some("x.js"), false)),
            ),
            (
                r#"{name:"a",version:"0.21.0",keywords:["b",'c"}'],author:{name:"d"}}"#,
                Some((Some("a"), true)),
            ),
            (r#"{name:"a",version:"latest"}"#, None),
            ("version", None),
        ] {
            let at = text.find("version").expect("in every case");
            let found = inlined(text.as_bytes(), at);
            assert_eq!(found.map(|f| (f.name, f.certain)), expected, "{text}");
        }
    }

    #[test]
    fn literals() {
        let text = br#"var VERSION = '4.17.20'; hooks.version = "2.29.1"; SPEC_VERSION = '2.0.0'; o.version = 1; x.VERSION=\"1.0.0\""#;
        let found: Vec<_> = version_literals(text).collect();
        assert_eq!(found, ["4.17.20", "1.0.0", "2.29.1"]);
    }
}
