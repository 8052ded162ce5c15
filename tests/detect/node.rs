//! Node in every form that it ships in: bundles with and without maps, lock files of four tools, installed trees.

use base64::Engine as _;
use plimsoll::audit::{Given, Input, Options};
use serde_json::Value;

fn options(locks: &[(&str, &str)]) -> Options {
    let folder = tempfile::tempdir().unwrap();
    let mut given = Given::default();
    for (name, text) in locks {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        given.add_lock(&path, &plimsoll::limits::Limits::default()).unwrap();
    }
    Options {
        given,
        ..Options::default()
    }
}

fn scan(files: &[(&str, &str)], locks: &[(&str, &str)]) -> Value {
    super::common::scan_with(Input::Stdin(super::common::zip_of(files)), &options(locks))
}

/// `name version` of each component, sorted.
fn names(report: &Value) -> Vec<String> {
    let all = report["artifacts"][0]["components"].as_array().unwrap().iter();
    all.map(|c| {
        format!(
            "{} {}",
            c["name"].as_str().unwrap(),
            c["version"].as_str().unwrap_or("-")
        )
    })
    .collect()
}

fn reasons(report: &Value) -> String {
    let all = report["artifacts"][0]["gaps"].as_array().unwrap().iter();
    let lines: Vec<String> = all
        .map(|g| format!("{}: {}\n", g["stage"].as_str().unwrap(), g["reason"].as_str().unwrap()))
        .collect();
    lines.concat()
}

fn coverage(report: &Value) -> [u64; 4] {
    let c = &report["artifacts"][0]["coverage"][0];
    ["bytes", "components", "application", "unidentified"].map(|key| c[key].as_u64().unwrap())
}

/// esbuild's output: one package installed twice, in two versions.
const ESBUILD: &str = r#"var __getOwnPropNames = Object.getOwnPropertyNames;
var __commonJS = (cb, mod) => function __require() {
  return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
};

// node_modules/tiny/index.js
var require_tiny = __commonJS({
  "node_modules/tiny/index.js"(exports, module) {
    module.exports = "tiny";
  }
});

// node_modules/outer/node_modules/tiny/index.js
var require_tiny2 = __commonJS({
  "node_modules/outer/node_modules/tiny/index.js"(exports, module) {
    module.exports = "older";
  }
});

// node_modules/outer/package.json
var require_package = __commonJS({
  "node_modules/outer/package.json"(exports, module) {
    module.exports = {
      name: "outer",
      version: "3.1.0",
      license: "MIT"
    };
  }
});

// src/handler.js
exports.handler = () => [require_tiny(), "node_modules/not-there/index.js"];
"#;

const NPM_LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
  "": {"name": "orders", "dependencies": {"outer": "^3", "tiny": "^2"}},
  "node_modules/tiny": {"version": "2.0.0"},
  "node_modules/outer": {"version": "3.1.0", "dependencies": {"tiny": "^1"}},
  "node_modules/outer/node_modules/tiny": {"version": "1.0.0"},
  "node_modules/not-bundled": {"version": "9.0.0"}}}"#;

#[test]
fn a_bundle_names_and_a_lock_file_versions() {
    let alone = scan(&[("index.js", ESBUILD)], &[]);
    assert_eq!(names(&alone), ["outer 3.1.0", "tiny -"]);
    assert!(
        reasons(&alone).contains("1 package there without a version: tiny"),
        "{}",
        reasons(&alone)
    );
    let [bytes, components, application, unidentified] = coverage(&alone);
    assert_eq!((bytes, unidentified), (ESBUILD.len() as u64, 0));
    assert!(components > application && application > 0);

    let exact = ["outer 3.1.0", "tiny 1.0.0", "tiny 2.0.0"];
    for lock in [
        ("package-lock.json", NPM_LOCK),
        (
            "package-lock.json",
            r#"{"lockfileVersion": 1, "dependencies": {"tiny": {"version": "2.0.0"},
                "outer": {"version": "3.1.0", "requires": {"tiny": "^1"}, "dependencies": {"tiny": {"version": "1.0.0"}}}}}"#,
        ),
        (
            "bun.lock",
            r#"{"lockfileVersion": 1, "packages": { // comment
                "tiny": ["tiny@2.0.0", "", {}, "sha512-x"],
                "outer": ["outer@3.1.0", "", {"dependencies": {"tiny": "^1"}}, "sha512-x"],
                "outer/tiny": ["tiny@1.0.0", "", {}, "sha512-x"],}}"#,
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\n\nouter@^3:\n  version \"3.1.0\"\n  dependencies:\n    tiny \"^1\"\n\ntiny@^1:\n  version \
             \"1.0.0\"\n\ntiny@^2:\n  version \"2.0.0\"\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n\npackages:\n\n  outer@3.1.0:\n    resolution: {integrity: sha512-x}\n\n  tiny@1.0.0:\n    \
             resolution: {integrity: sha512-x}\n\n  tiny@2.0.0:\n    resolution: {integrity: sha512-x}\n\nsnapshots:\n\n  \
             outer@3.1.0:\n    dependencies:\n      tiny: 1.0.0\n\n  tiny@1.0.0: {}\n\n  tiny@2.0.0: {}\n",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\n\"outer@npm:^3\":\n  version: 3.1.0\n  resolution: \"outer@npm:3.1.0\"\n  \
             dependencies:\n    tiny: \"npm:^1\"\n  linkType: hard\n\n\"tiny@npm:^1\":\n  version: 1.0.0\n  resolution: \
             \"tiny@npm:1.0.0\"\n\n\"tiny@npm:^2\":\n  version: 2.0.0\n  resolution: \"tiny@npm:2.0.0\"\n\n\"orders@workspace:.\":\n  \
             version: 0.0.0-use.local\n  resolution: \"orders@workspace:.\"\n  linkType: soft\n",
        ),
    ] {
        let locked = scan(&[("index.js", ESBUILD)], &[lock]);
        assert_eq!(names(&locked), exact, "{}", lock.1);
    }
    let beside = scan(&[("index.js", ESBUILD), ("package-lock.json", NPM_LOCK)], &[]);
    assert_eq!(
        names(&beside),
        exact,
        "what an explained bundle does not show is not there"
    );
}

#[test]
fn a_folder_decides_between_versions_and_an_alias_is_told() {
    let bundle = "__toESM;\n// node_modules/nick/index.js\nvar a;\n// node_modules/tiny/index.js\nvar b;\n";
    let lock = r#"{"lockfileVersion": 3, "packages": {
        "node_modules/nick": {"name": "real", "version": "1.0.0"},
        "node_modules/tiny": {"version": "2.0.0"}, "node_modules/x/node_modules/tiny": {"version": "1.0.0"}}}"#;
    let report = scan(&[("index.js", bundle)], &[("package-lock.json", lock)]);
    assert_eq!(names(&report), ["real 1.0.0", "tiny 2.0.0"]);
    let lock = "# yarn lockfile v1\n\n\"nick@npm:real@^1\":\n  version \"1.0.0\"\n\ntiny@1:\n  version \"1.0.0\"\n\ntiny@2:\n  version \
                \"2.0.0\"\n";
    let report = scan(&[("index.js", bundle)], &[("yarn.lock", lock)]);
    assert_eq!(
        names(&report),
        ["real 1.0.0", "tiny 1.0.0", "tiny 2.0.0"],
        "nothing decides: both are candidates"
    );
    let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      nick:\n        specifier: npm:real@^1\n        version: \
                real@1.0.0\n      tiny:\n        specifier: ^2\n        version: 2.0.0\n\npackages:\n\n  real@1.0.0:\n    resolution: {integrity: \
                sha512-x}\n\n  tiny@1.0.0:\n    resolution: {integrity: sha512-x}\n\n  tiny@2.0.0:\n    resolution: {integrity: sha512-x}\n";
    let report = scan(&[("index.js", bundle)], &[("pnpm-lock.yaml", lock)]);
    assert_eq!(
        names(&report),
        ["real 1.0.0", "tiny 2.0.0"],
        "what the application asks for"
    );
}

/// Two modules of a package and one of the application on the only line of a minified bundle.
const MAP: &str = r#"{"version":3,"sources":["../node_modules/tiny/index.js","../node_modules/tiny/package.json","../src/x.ts"],
    "sourcesContent":["var x","{\"name\":\"tiny\",\"version\":\"2.0.0\"}",null],"mappings":"AAAA,UCAA,UCAA"}"#;
const MINIFIED: &str = "var a=1234;var b=1234;var c=1234;\n//# sourceMappingURL=";

#[test]
fn source_maps_of_every_kind() {
    let index_map = format!(r#"{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{MAP}}}]}}"#);
    let inline = base64::engine::general_purpose::STANDARD.encode(MAP);
    let own = format!("{MINIFIED}data:application/json;base64,{inline}\n");
    let beside = format!("{MINIFIED}index.js.map\n");
    let elsewhere = format!("{MINIFIED}maps/other.js.map?v=1\n");
    for files in [
        &[("dist/index.js", &*beside), ("dist/index.js.map", MAP)][..],
        &[("dist/index.js", &*beside), ("dist/index.js.map", &*index_map)],
        &[("dist/index.js", &*elsewhere), ("dist/maps/other.js.map", MAP)],
        &[("index.js", &*own)],
        // The comment may have been cut off.
        &[("index.js", "var a=1234;var b=1234;var c=1234;"), ("index.js.map", MAP)],
    ] {
        let report = scan(files, &[]);
        assert_eq!(names(&report), ["tiny 2.0.0"], "{files:?}");
        let [bytes, components, application, unidentified] = coverage(&report);
        assert_eq!((components, unidentified), (20, 0), "{files:?}");
        assert_eq!(application, bytes - 20);
    }
}

#[test]
fn maps_that_cannot_be_used_are_gaps() {
    let orphan = scan(&[("index.js.map", MAP)], &[]);
    assert_eq!(
        orphan["artifacts"][0]["components"][0]["evidence"][0]["proof"],
        "inferred"
    );
    assert!(reasons(&orphan).contains("without its bundle"));
    let broken = scan(&[("index.js", MINIFIED), ("index.js.map", "{\"sources\":[")], &[]);
    assert!(reasons(&broken).contains("not a source map"), "{}", reasons(&broken));
    let broken = format!("{MINIFIED}data:application/json;base64,%%%\n");
    assert!(reasons(&scan(&[("index.js", &broken)], &[])).contains("inline source map cannot be read"));
}

#[test]
fn paths_of_stores_and_caches_carry_versions() {
    let bundle = "__toESM;\n// node_modules/.pnpm/tiny@1.0.0/node_modules/tiny/index.js\nvar a;\n\
                  // .yarn/cache/other-npm-2.0.0-0123456789-8.zip/node_modules/other/index.js\nvar b;\n";
    assert_eq!(
        names(&scan(&[("index.js", bundle)], &[])),
        ["other 2.0.0", "tiny 1.0.0"]
    );
}

#[test]
fn webpack_ncc_and_licence_files() {
    let dev = "/******/ (() => { // webpackBootstrap\n/******/ \tvar __webpack_modules__ = ({\n\n/***/ \"./node_modules/tiny/index.js\":\n\
               /*!***!*\\\n  !*** ./node_modules/tiny/index.js ***!\n  \\***/\n/***/ ((module) => {\n\nmodule.exports = 1\n\n/***/ }),\n\n\
               /***/ \"./src/x.js\":\n/***/ ((module, __unused, __webpack_require__) => {\n__webpack_require__(/*! tiny */ \
               \"./node_modules/tiny/index.js\")\n/***/ })\n});\n";
    let report = scan(&[("index.js", dev)], &[]);
    assert_eq!(names(&report), ["tiny -"]);
    assert!(coverage(&report)[2] > 0, "the application's own module");

    let ncc = format!(
        "__nccwpck_require__;{}",
        "\n/***/ 12:\n/***/ ((module) => {\nmodule.exports = 'some code of a module';\n".repeat(99)
    );
    let licences = "@vercel/ncc\nMIT\ntext\n\ntiny\nISC\nthe text\n\n@s/other\n(MIT OR Apache-2.0)\nthe text\n";
    let report = scan(
        &[("index.js", &*ncc), ("licenses.txt", licences)],
        &[("package-lock.json", NPM_LOCK)],
    );
    assert_eq!(
        names(&report),
        ["@s/other -", "tiny 2.0.0"],
        "nothing that is there asks for the older"
    );
    assert!(reasons(&report).contains("could not be attributed"));
    assert!(
        reasons(&report).contains("2 packages of this lock file not seen"),
        "{}",
        reasons(&report)
    );

    let text = "/*!\n * tiny\n * Copyright(c) 2014 Somebody\n * MIT Licensed\n */\n\n/*! other v1.2.3 | MIT */\n";
    let files = [
        (
            "index.js",
            "/*! For license information please see index.js.LICENSE.txt */",
        ),
        ("index.js.LICENSE.txt", text),
    ];
    assert_eq!(names(&scan(&files, &[])), ["other 1.2.3", "tiny -"]);
}

#[test]
fn helpers_in_a_file_of_their_own_are_no_mystery() {
    let helpers = "var __defProp = Object.defineProperty;\nvar __commonJS = (cb, mod) => function __require() {\n  return mod;\n};\n\nexport \
                   {\n  __commonJS\n};\n";
    let report = scan(&[("chunk-A.mjs", helpers)], &[]);
    assert_eq!(coverage(&report)[3], 0);
    assert!(!reasons(&report).contains("could not be attributed"));
    let more = format!("{helpers}let a = 1;\n");
    assert_eq!(coverage(&scan(&[("chunk-A.mjs", &more)], &[]))[3], more.len() as u64);
}

#[test]
fn what_is_no_bundle_claims_nothing() {
    let own = "const path = require('path');\n// node_modules/remark/index.js\nmodule.exports = path.join('node_modules/tiny/index.js');\n";
    let report = scan(&[("index.js", own)], &[]);
    assert!(names(&report).is_empty() && report["artifacts"][0]["coverage"].as_array().unwrap().is_empty());
}

#[test]
fn a_minified_bundle_that_nobody_explains_is_measured() {
    let opaque = "var a=function(){return 1};".repeat(2000);
    let report = scan(&[("index.js", &opaque)], &[]);
    assert_eq!(coverage(&report), [opaque.len() as u64, 0, 0, opaque.len() as u64]);
    assert!(reasons(&report).contains("could not be attributed"));
    let locked = scan(&[("index.js", &opaque)], &[("package-lock.json", NPM_LOCK)]);
    assert_eq!(names(&locked).len(), 4, "nothing else speaks, so the lock file does");
}

#[test]
fn packages_without_their_manifest_are_named_by_their_folder() {
    let files = [
        ("dist/node_modules/tiny/lib/index.js", "exports.x = 1"),
        ("dist/node_modules/tiny/lib/other.js", "exports.x = 2"),
        (
            "dist/node_modules/outer/package.json",
            r#"{"name":"outer","version":"3.1.0"}"#,
        ),
        ("dist/node_modules/outer/index.js", ""),
        ("dist/node_modules/outer/node_modules/tiny/index.mjs", ""),
        ("dist/node_modules/.pnpm/@s+x@1.2.3/node_modules/@s/x/a.cjs", ""),
        ("dist/node_modules/@types/tiny/index.d.ts", ""),
        ("dist/node_modules/@types/other/index.d.mts", ""),
        ("dist/node_modules/outer/test/node_modules/fake/index.js", ""),
        ("dist/node_modules/.cache/x.js", ""),
    ];
    let alone = scan(&files, &[]);
    assert_eq!(names(&alone), ["@s/x 1.2.3", "outer 3.1.0", "tiny -"]);
    assert!(
        reasons(&alone).contains("1 package there without a version: tiny"),
        "{}",
        reasons(&alone)
    );
    assert!(
        reasons(&alone).contains("its test data holds 1 package"),
        "{}",
        reasons(&alone)
    );
    let locked = scan(&files, &[("package-lock.json", NPM_LOCK)]);
    assert_eq!(
        names(&locked),
        ["@s/x 1.2.3", "outer 3.1.0", "tiny 1.0.0", "tiny 2.0.0"]
    );
}

#[test]
fn scripts_of_an_installed_python_package_are_its_own() {
    let opaque = "var a=function(){return 1};".repeat(2000);
    let report = scan(
        &[
            (
                "flask-3.0.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: flask\nVersion: 3.0.0\n",
            ),
            ("flask/__init__.py", ""),
            ("flask/static/big.js", &opaque),
            ("web/big.js", &opaque),
        ],
        &[],
    );
    let covered = report["artifacts"][0]["coverage"].as_array().unwrap();
    assert_eq!(covered.len(), 1, "{covered:?}");
    assert_eq!(covered[0]["location"], "web/big.js");
}

#[test]
fn a_metafile_counts_for_the_file_it_describes() {
    let opaque = "var a=function(){return 1};".repeat(2000);
    let meta = |bytes: usize| {
        format!(
            r#"{{"inputs":{{}},"outputs":{{"out/index.js":{{"bytes":{bytes},"inputs":{{
                "node_modules/tiny/index.js":{{"bytesInOutput":3}},"src/x.js":{{"bytesInOutput":1}}}}}}}}}}"#
        )
    };
    let own = scan(&[("index.js", &*opaque), ("meta.json", &*meta(opaque.len()))], &[]);
    assert_eq!(names(&own), ["tiny -"]);
    assert_eq!(coverage(&own)[1], opaque.len() as u64 * 3 / 4);
    let guessed = format!("/*! copied v1.0.0 */\n/*! tiny v2.5.0 */\n{opaque}");
    let told = scan(&[("index.js", &*guessed), ("meta.json", &*meta(guessed.len()))], &[]);
    assert_eq!(names(&told), ["tiny 2.5.0"], "the bundler knows what it put there");
    let untold = scan(&[("index.js", &*guessed)], &[]);
    assert_eq!(names(&untold), ["copied 1.0.0", "tiny 2.5.0"]);
    let other = scan(&[("index.js", &*opaque), ("meta.json", &*meta(7))], &[]);
    assert!(names(&other).is_empty());
    assert!(reasons(&other).contains("describes no file of this artifact"));
}

#[test]
fn the_code_and_the_lock_file_disagree() {
    let bundle = "__toESM;\n// node_modules/tiny/index.js\nvar VERSION = \"2.5.0\";\n// src/x.js\nvar b;\n";
    assert_eq!(names(&scan(&[("index.js", bundle)], &[])), ["tiny 2.5.0"]);
    let report = scan(&[("index.js", bundle)], &[("package-lock.json", NPM_LOCK)]);
    assert_eq!(names(&report), ["tiny 2.0.0"]);
    assert!(reasons(&report).contains("calls itself tiny 2.5.0"));
}

#[test]
fn yarn_plug_n_play() {
    let table = "#!/usr/bin/env node\nconst RAW_RUNTIME_STATE =\n'{\\\n  \"packageRegistryData\": [\\\n    [null, [[null, \
                 {\"packageLocation\": \"./\", \"linkType\": \"SOFT\"}]]],\\\n    [\"tiny\", [[\"npm:2.0.0\", {\"packageLocation\": \
                 \"./.yarn/cache/tiny.zip/node_modules/tiny/\", \"packageDependencies\": [[\"other\", \"npm:1.0.0\"]], \"linkType\": \
                 \"HARD\"}]]],\\\n    [\"other\", [[\"npm:1.0.0\", {\"linkType\": \"HARD\"}]]]\\\n  ]\\\n}';\n";
    let cached = super::common::zip_of(&[("node_modules/tiny/package.json", r#"{"name":"tiny","version":"2.0.0"}"#)]);
    let zip = super::common::zip_of(&[
        (".pnp.cjs", table.as_bytes()),
        (".yarn/cache/tiny-npm-2.0.0-0123456789-8.zip", &cached),
    ]);
    let report = super::common::scan(Input::Stdin(zip));
    assert_eq!(names(&report), ["other 1.0.0", "tiny 2.0.0"]);
    assert_eq!(
        report["artifacts"][0]["components"][1]["evidence"][0]["proof"],
        "installed"
    );
}

/// What evidence of one detector says of a component.
fn facts(report: &Value, name: &str, detector: &str) -> Vec<String> {
    let all = report["artifacts"][0]["components"].as_array().unwrap().iter();
    let evidence = all
        .filter(|c| c["name"] == name)
        .flat_map(|c| c["evidence"].as_array().unwrap());
    let lists = evidence
        .filter(|e| e["detector"] == detector)
        .filter_map(|e| e["facts"].as_array());
    lists.flatten().map(|f| f.as_str().unwrap().to_owned()).collect()
}

#[test]
fn lock_files_say_what_the_application_asks_for() {
    let manifest = r#"{"dependencies": {"outer": "^3"}, "devDependencies": {"tool": "^1"}}"#;
    for (lock, text) in [
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      outer:\n        specifier: ^3\n        version: \
             3.1.0(x@1.0.0)\n    devDependencies:\n      tool:\n        specifier: ^1\n        version: 1.0.0\n\npackages:\n\n  outer@3.1.0:\n    \
             resolution: {integrity: sha512-x}\n\n  tiny@1.0.0:\n    resolution: {integrity: sha512-x}\n\n  tool@1.0.0:\n    resolution: \
             {integrity: sha512-x}\n\n  system@1.0.0:\n    resolution: {integrity: sha512-x}\n\nsnapshots:\n\n  outer@3.1.0(x@1.0.0):\n    \
             dependencies:\n      tiny: 1.0.0\n    optionalDependencies:\n      system: 1.0.0\n\n  tiny@1.0.0: {}\n\n  tool@1.0.0: {}\n",
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: 5.4\n\nspecifiers:\n  outer: ^3\n  tool: ^1\n\ndependencies:\n  outer: 3.1.0_x@1.0.0\n\ndevDependencies:\n  tool: \
             1.0.0\n\npackages:\n\n  /outer/3.1.0_x@1.0.0:\n    resolution: {integrity: sha512-x}\n    dependencies:\n      tiny: 1.0.0\n    \
             optionalDependencies:\n      system: 1.0.0\n    dev: false\n\n  /tiny/1.0.0:\n    resolution: {integrity: sha512-x}\n    dev: \
             false\n\n  /tool/1.0.0:\n    resolution: {integrity: sha512-x}\n    dev: true\n\n  /system/1.0.0:\n    resolution: {integrity: \
             sha512-x}\n    optional: true\n",
        ),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\n\nouter@^3:\n  version \"3.1.0\"\n  dependencies:\n    tiny \"^1\"\n  optionalDependencies:\n    system \
             \"^1\"\n\ntiny@^1:\n  version \"1.0.0\"\n\ntool@^1:\n  version \"1.0.0\"\n\nsystem@^1:\n  version \"1.0.0\"\n",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\n\"outer@npm:^3\":\n  version: 3.1.0\n  resolution: \"outer@npm:3.1.0\"\n  dependencies:\n    \
             system: \"npm:^1\"\n    tiny: \"npm:^1\"\n  dependenciesMeta:\n    system:\n      optional: true\n  linkType: \
             hard\n\n\"tiny@npm:^1\":\n  version: 1.0.0\n  resolution: \"tiny@npm:1.0.0\"\n\n\"tool@npm:^1\":\n  version: 1.0.0\n  resolution: \
             \"tool@npm:1.0.0\"\n\n\"system@npm:^1\":\n  version: 1.0.0\n  resolution: \"system@npm:1.0.0\"\n\n\"orders@workspace:.\":\n  \
             version: 0.0.0-use.local\n  resolution: \"orders@workspace:.\"\n  dependencies:\n    outer: \"npm:^3\"\n    tool: \"npm:^1\"\n  \
             linkType: soft\n",
        ),
        (
            "bun.lock",
            r#"{"lockfileVersion": 1, "workspaces": {"": {"name": "orders", "dependencies": {"outer": "^3"}, "devDependencies": {"tool": "^1"}}},
                "packages": {"outer": ["outer@3.1.0", "", {"dependencies": {"tiny": "^1"}, "optionalDependencies": {"system": "^1"}}, "sha512-x"],
                "tiny": ["tiny@1.0.0", "", {}, "sha512-x"], "tool": ["tool@1.0.0", "", {}, "sha512-x"],
                "system": ["system@1.0.0", "", {}, "sha512-x"],}}"#,
        ),
    ] {
        let report = scan(&[(lock, text), ("package.json", manifest)], &[]);
        let detector = lock.split(['-', '.']).next().unwrap();
        let of = |name: &str| {
            let mut facts = facts(&report, name, &format!("{detector}-lock"));
            facts.retain(|f| f == "direct" || f == "dispensable");
            facts.sort();
            facts.join(" ")
        };
        let expected = ["direct", "", "direct dispensable", "dispensable"];
        assert_eq!(["outer", "tiny", "tool", "system"].map(of), expected, "{text}");
    }
}

#[test]
fn addresses_in_a_pnpm_lock_are_no_names() {
    let text = "lockfileVersion: 5.4\n\ndependencies:\n  own: git.example.test/somebody/own/0123456\n\npackages:\n\n  \
                git.example.test/somebody/own/0123456:\n    resolution: {tarball: https://git.example.test/x.tgz}\n    name: own\n    version: \
                1.2.3\n    dependencies:\n      tiny: 1.0.0\n\n  mirror.example.test/tiny/1.0.0:\n    resolution: {integrity: sha512-x}\n";
    let report = scan(&[("pnpm-lock.yaml", text)], &[]);
    assert_eq!(names(&report), ["own 1.2.3", "tiny 1.0.0"]);
    assert!(facts(&report, "own", "pnpm-lock").contains(&"direct".to_owned()));
}

#[test]
fn the_applications_manifest_says_what_is_direct() {
    let manifest = |name: &str, more: &str| format!(r#"{{"name":"{name}","version":"1.0.0"{more}}}"#);
    let tree = [
        ("package.json", manifest("orders", r#","dependencies":{"outer":"^1"}"#)),
        (
            "node_modules/outer/package.json",
            manifest("outer", r#","dependencies":{"tiny":"^1"}"#),
        ),
        ("node_modules/tiny/package.json", manifest("tiny", "")),
        (
            "node_modules/.nitro/@s/traced@1.0.0/package.json",
            manifest("@s/traced", ""),
        ),
    ];
    let tree: Vec<(&str, &str)> = tree.iter().map(|(path, text)| (*path, &**text)).collect();
    let report = scan(&tree, &[]);
    assert_eq!(names(&report), ["@s/traced 1.0.0", "outer 1.0.0", "tiny 1.0.0"]);
    let all = report["artifacts"][0]["components"].as_array().unwrap();
    let direct: Vec<bool> = all.iter().map(|c| c["direct"].as_bool().unwrap()).collect();
    assert_eq!(direct, [false, true, false]);
    assert_eq!(all[1]["requires"][0], "pkg:npm/tiny@1.0.0");
}

#[test]
fn candidates_are_told_and_narrowed_by_what_is_there() {
    // Of `outer` the bundle shows the newer version, which wants the newer `tiny`.
    let bundle =
        "__toESM;\n// node_modules/outer/index.js\nvar VERSION = \"2.0.0\";\n// node_modules/tiny/index.js\nvar b;\n";
    let lock = |outer: &str| {
        format!(
            "__metadata:\n  version: 8\n\n\"outer@npm:^1\":\n  version: 1.0.0\n  resolution: \"outer@npm:1.0.0\"\n  dependencies:\n    tiny: \
             \"npm:^1\"\n\n\"outer@npm:^2\":\n  version: 2.0.0\n  resolution: \"outer@npm:2.0.0\"\n  dependencies:\n    tiny: \
             \"npm:^2\"\n\n\"tiny@npm:^1\":\n  version: 1.0.0\n  resolution: \"tiny@npm:1.0.0\"\n\n\"tiny@npm:^2\":\n  version: 2.0.0\n  \
             resolution: \"tiny@npm:2.0.0\"\n\n\"orders@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \
             \"orders@workspace:.\"\n  dependencies:\n    outer: \"npm:{outer}\"\n  linkType: soft\n"
        )
    };
    let report = scan(&[("index.js", bundle)], &[("yarn.lock", &lock("^2"))]);
    assert_eq!(names(&report), ["outer 2.0.0", "tiny 2.0.0"]);
    let opaque = "__toESM;\n// node_modules/outer/index.js\nvar a;\n// node_modules/tiny/index.js\nvar b;\n";
    let classic = "# yarn lockfile v1\n\n\ntiny@^1:\n  version \"1.0.0\"\n\ntiny@^2:\n  version \"2.0.0\"\n";
    let report = scan(&[("index.js", opaque)], &[("yarn.lock", classic)]);
    assert!(names(&report).contains(&"tiny 1.0.0".to_owned()) && names(&report).contains(&"tiny 2.0.0".to_owned()));
    assert!(facts(&report, "tiny", "js-bundle").contains(&"candidate".to_owned()));
}
