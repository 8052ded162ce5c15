//! Documents that two readers read differently, or that cost more than they are (group E).

use crate::{
    build::*,
    own::{
        Must::{See, SeeAndGap, Tell},
        hidden,
    },
    scan,
};
use plimsoll::parse::{json, json::Scalar, toml};

const BOTH: &str = "both were considered";

#[test]
fn e_documents() {
    let json = |text: &[u8]| with_index([deflated(CANARY, text)]).bytes();
    let file = |path: &str, text: &[u8]| with_index([deflated(path, text)]).bytes();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(
            String::from_utf8_lossy(CANARY_JSON)
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    let dist = "plimsoll_canary-6.6.6.dist-info/METADATA";
    let lock = "package-lock.json";
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    hidden(vec![
        ("75 name twice", json(br#"{"name":"plimsoll-canary","version":"6.6.6","name":"benign"}"#), SeeAndGap(BOTH)),
        ("75 version twice", json(br#"{"name":"plimsoll-canary","version":"1.0.0","version":"6.6.6"}"#), SeeAndGap(BOTH)),
        ("75 twice in a lock file", file(lock, br#"{"lockfileVersion":3,"packages":{"node_modules/plimsoll-canary":{"version":"6.6.6","version":"1.0.0"}}}"#), Tell("duplicate")),
        ("76 deep JSON", json(deep("[", "]").as_bytes()), Tell("expected an object")),
        ("76 deep objects in a lock file", file(lock, deep("{\"dependencies\":{\"a\":", "}}").as_bytes()), Tell("recursion limit")),
        ("76 deep TOML", file("Cargo.lock", format!("a = {}", deep("[", "]")).as_bytes()), Tell("Cargo.lock")),
        ("77 byte order mark", json(&[b"\xef\xbb\xbf", CANARY_JSON].concat()), See),
        ("77 UTF-16", json(&utf16), See),
        ("78 padded", json(&[vec![b' '; 32 << 20], CANARY_JSON.to_vec()].concat()), Tell("limit `ratio`")),
        ("broken", json(&CANARY_JSON[..30]), Tell("not JSON")),
        ("version of another type", json(br#"{"name":"plimsoll-canary","version":{"x":[6,6,6]}}"#), Tell("not a text")),
        ("version missing", json(br#"{"name":"plimsoll-canary"}"#), Tell("no version")),
        ("digits of another script", json(r#"{"name":"plimsoll-canary","version":"٦.٦.٦"}"#.as_bytes()), Tell("characters that no registry")),
        ("a hyphen that is none", json("{\"name\":\"plimsoll\u{2010}canary\",\"version\":\"6.6.6\"}".as_bytes()), Tell("characters that no registry")),
        ("81 metadata", file(dist, b"Name: plimsoll-canary\nVersion: 6.6.6\n"), See),
        ("81 folded", file(dist, b"Name:\r\n plimsoll-canary\r\nVersion:\r\n 6.6.6\r\n"), See),
        ("81 doubled", file(dist, b"Name: benign\nVersion: 1\nName: plimsoll-canary\nVersion: 6.6.6\n"), SeeAndGap(BOTH)),
        ("81 folder and metadata", file("benign-1.0.dist-info/METADATA", b"Name: plimsoll-canary\nVersion: 6.6.6\n"), SeeAndGap(BOTH)),
        ("81 metadata without a name", file(dist, b"Summary: x\n"), See),
        ("81 metadata missing", file("plimsoll_canary-6.6.6.dist-info/RECORD", b""), See),
        ("83 a cycle", file(lock, br#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","dependencies":{"plimsoll-canary":"*"}},"node_modules/plimsoll-canary":{"version":"6.6.6","dependencies":{"a":"*"}}}}"#), See),
    ]);
}

#[test]
fn e_grammars() {
    // 74: what RFC 8259 takes, and what some readers take besides.
    for (text, parses) in [
        (r#"[1e-2, -0, "\ud83d\ude00"]"#, true),
        (r#" {"a": [], "": null} "#, true),
        ("\"\u{7f}\"", true),
        ("[1,]", false),
        (r#"{"a":1,}"#, false),
        ("[01]", false),
        ("[.5]", false),
        ("[NaN]", false),
        ("{'a':1}", false),
        ("[\"\t\"]", false),
        ("[1] x", false),
        ("", false),
    ] {
        assert_eq!(json::document::<Scalar>(text.as_bytes()).is_ok(), parses, "{text}");
    }
    // 79
    for (text, parses) in [
        ("a.b = 1\n[[c]]\nd = '''x'''\n", true),
        ("\"a b\" = 1979-05-27T07:32:00Z\n", true),
        ("a = 1\na = 2\n", false),
        ("[a]\n[a]\n", false),
        ("a = 01\n", false),
        ("a = \"\u{1}\"\n", false),
        ("a =\n", false),
    ] {
        let parsed = toml::document::<::toml::Table>(text.as_bytes());
        assert_eq!(parsed.is_ok(), parses, "{text}");
    }
}

#[test]
fn e_what_refers_to_itself_and_elsewhere() {
    // 80: lock files are written without YAML's aliases, which are never followed.
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for i in 1..40 {
        let nine = vec![format!("*a{}", i - 1); 9].join(", ");
        bomb += &format!("a{i}: &a{i} [{nine}]\n");
    }
    let own = "a: &a\n  b: *a\n  <<: *a\n";
    let merged = "x: &x {<<: [*y, *y]}\ny: &y {<<: [*x, *x]}\n";
    for text in [&bomb, own, merged] {
        let packages = "packages:\n  plimsoll-canary@6.6.6:\n    resolution: {integrity: sha512-x}\n";
        let lock = format!("lockfileVersion: '9.0'\n{text}{packages}");
        let verdict = scan(with_index([deflated("pnpm-lock.yaml", lock.as_bytes())]).bytes());
        assert!(verdict.canary, "{text}: {verdict:?}");
    }
    // 82: what a source map names is a name, and no place to go to.
    let sections = r#"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":"#;
    for map in [
        r#"{"version":3,"sources":["../node_modules/plimsoll-canary/index.js"],"mappings":"!!!!,~~;AAAAAAAAAAAAAAAA"}"#
            .to_owned(),
        r#"{"version":3,"sources":["/etc/passwd","https://example.test/x.js","file:///etc/passwd"],"mappings":"AAAA"}"#
            .to_owned(),
        format!("{}{{}}{}", sections.repeat(3_000), "}]}".repeat(3_000)),
        format!("{}{{}}{}", sections.repeat(20), "}]}".repeat(20)),
    ] {
        let bundle = b"exports.handler=async()=>1;\n//# sourceMappingURL=index.js.map\n";
        let files = [stored("index.js", bundle), deflated("index.js.map", map.as_bytes())];
        let verdict = scan(zip(files).bytes());
        assert!(verdict.failures.is_empty(), "{verdict:?}");
    }
}
