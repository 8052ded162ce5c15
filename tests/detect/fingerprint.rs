//! Packages known by their code: from modules to an index to claims on a bundle, all written here.

use plimsoll::fingerprint::{
    Claim, Index, Told,
    build::{Published, Release, Source, build},
    claims,
    grams::Stream,
};
use std::fmt::Write as _;

/// A module of `functions` functions as a person writes it. No two names give a run in common; `version` changes the last.
fn module(name: &str, functions: usize, version: &str) -> String {
    let mut text = format!("'use strict';\nvar helper = require('./helper');\nexports.{name}Version = '{version}';\n");
    for i in 0..functions {
        let last = if i + 1 == functions { version } else { "any" };
        let _ = write!(
            text,
            "exports.{name}Method{i} = function (value) {{\n  if (typeof value.{name}Kind{i} === 'string') {{\n    throw new \
             TypeError('{name} {i} ' + 'wants {last}');\n  }}\n  return value['{name}Field{i}'].concat({{ {name}Key{i}: 60 * {i}00 }});\n}};\n"
        );
    }
    text
}

/// The same as a minifier writes it.
pub(super) fn minified(name: &str, functions: usize, version: &str) -> String {
    let mut text = format!("var a=b((c,d)=>{{var e=f(12);c.{name}Version=\"{version}\";");
    for i in 0..functions {
        let last = if i + 1 == functions { version } else { "any" };
        let _ = write!(
            text,
            "c.{name}Method{i}=function(g){{if(\"string\"==typeof g.{name}Kind{i})throw new TypeError(\"{name} {i} wants {last}\");return \
             g.{name}Field{i}.concat({{{name}Key{i}:{}}})}};",
            60 * i * 100
        );
    }
    text + "});"
}

fn source(name: &str, functions: usize, versions: &[&str], needs: &[&str]) -> Source {
    let release = |version: &&str| {
        let needs = needs.iter().map(|n| ((*n).to_owned(), "*".to_owned())).collect();
        Release::new(
            version,
            needs,
            &mut [module(name, functions, version).into_bytes()].into_iter(),
        )
    };
    Source::new(name, versions.iter().map(release).collect())
}

pub(super) fn index() -> Vec<u8> {
    build(
        vec![
            source("alpha", 12, &["1.0.0", "1.1.0", "2.0.0"], &["tiny"]),
            source("beta", 9, &["0.1.0"], &[]),
            source("tiny", 0, &["3.0.0"], &[]),
            source("gamma", 30, &["1.0.0"], &[]),
        ],
        6_000_000,
    )
}

fn found(bundle: &str) -> Vec<Claim> {
    let index = Index::from_bytes(index()).unwrap();
    claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap()
}

/// The program's report on a bundle, with the packages of [`index`] known by their code.
fn scanned(bundle: &str) -> String {
    report(&index(), &[("index.js", bundle)])
}

/// The program's report on a folder of files, with the packages of an index known by their code.
fn report(index: &[u8], files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, app) = (folder.path().join("own.bin"), folder.path().join("app"));
    std::fs::write(&file, index).unwrap();
    std::fs::create_dir(&app).unwrap();
    for (name, text) in files {
        std::fs::write(app.join(name), text).unwrap();
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["scan", "--offline", "--advisories", "embedded", "--quiet", "-o", "json"]);
    let output = command.arg("--fingerprints").args([&file, &app]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_package_says_its_version() {
    // The code of all is the same, and the version is in a module of its own that is too small for a run.
    let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"];
    let release = |version: &&str| {
        let said = format!("export const VERSION = '{version}';");
        let modules = [module("alpha", 12, "same"), said];
        Release::new(version, Vec::new(), &mut modules.into_iter().map(String::into_bytes))
    };
    let alpha = Source::new("alpha", versions.iter().map(release).collect());
    let index = build(vec![alpha, source("beta", 9, &["0.1.0"], &[])], 6_000_000);
    let index = Index::from_bytes(index).unwrap();
    let (alpha, beta) = (minified("alpha", 12, "same"), minified("beta", 9, "0.1.0"));
    for (bundle, expected) in [
        (format!("{alpha}{beta}"), &versions[..]),
        (format!("var a=\"1.2.0\";{alpha}{beta}"), &["1.2.0"]),
        (format!("{alpha}var a='1.2.0';{beta}"), &["1.2.0"]),
        // Far off, as bundlers that order modules by number leave it.
        (format!("{alpha}{beta}var a=`1.2.0`"), &["1.2.0"]),
        (format!("{alpha}{beta}var a='1.2.0',b='1.1.0'"), &versions),
        (format!("{alpha}var a='1.2.0 or so','7.0.0';{beta}"), &versions),
    ] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        assert_eq!(claims[0].versions, expected, "{bundle}");
    }
}

#[test]
fn a_package_that_was_given_another_name() {
    // The new one has all that the old one had, and a little more that lies apart: of its stretch of the bundle less is its own.
    let old = Source::new("old-name", vec![release_of("1.0.0", &[("alpha", 40)])]);
    let new = Source::new("new-name", vec![release_of("1.0.0", &[("alpha", 40), ("extra", 2)])]);
    let index = Index::from_bytes(build(vec![old, new], 6_000_000)).unwrap();
    let (alpha, extra) = (minified("alpha", 40, "same"), minified("extra", 2, "same"));
    for (bundle, expected) in [
        (alpha.clone() + &minified("other", 5, "1.0.0") + &extra, "new-name"),
        (alpha, "old-name"),
    ] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        let names: Vec<&str> = claims.iter().map(|claim| &*claim.name).collect();
        assert_eq!(names, [expected]);
    }
}

#[test]
fn a_list_of_licences_says_what_is_there_and_what_is_not() {
    let names: Vec<String> = (0..11).map(|i| format!("package{i}x")).collect();
    let sources = names.iter().map(|name| source(name, 9, &["1.0.0"], &[]));
    let index = build(sources.collect(), 6_000_000);
    let bundle: String = names.iter().map(|name| minified(name, 9, "1.0.0")).collect();
    let list = |names: &[String]| {
        let entries: Vec<String> = names.iter().map(|name| format!("{name}\nMIT\nText\n\n")).collect();
        entries.concat()
    };
    for (what, list, found) in [
        ("no list", String::new(), 11),
        ("all but one, which one of them carries", list(&names[..10]), 10),
        (
            "one of them has a licence of no known name",
            list(&names[..10]) + "package10x\nOwn\nText\n",
            11,
        ),
        ("of another bundle", list(&names[..5]), 11),
    ] {
        let report = report(&index, &[("index.js", &bundle), ("licenses.txt", &list)]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let components = report["artifacts"][0]["components"].as_array().unwrap();
        assert_eq!(components.len(), found, "{what}");
    }
}

#[test]
fn a_minified_module_is_named_with_its_version_and_its_place() {
    let own = "function handler(h){return h.orders.map(i=>i.customer.address.street)}".repeat(20);
    let bundle = [
        &*own,
        &minified("alpha", 12, "1.1.0"),
        &own,
        &minified("beta", 9, "0.1.0"),
    ]
    .concat();
    let claims = found(&bundle);
    let said: Vec<(&str, &[String])> = claims.iter().map(|c| (&*c.name, &*c.versions)).collect();
    // What is too small for runs is believed beside what needs it.
    assert_eq!(
        said,
        [
            ("alpha", &["1.1.0".to_owned()][..]),
            ("beta", &["0.1.0".to_owned()]),
            // Of what only its dependent tells, whatever that takes is possible.
            ("tiny", &["3.0.0".to_owned()])
        ]
    );
    let place = &claims[0].ranges[0];
    assert!(place.start >= own.len() && place.end <= own.len() + minified("alpha", 12, "1.1.0").len());
    assert!(place.len() * 10 > minified("alpha", 12, "1.1.0").len() * 8, "{place:?}");
}

#[test]
fn a_chunk_is_judged_with_the_bundle_that_loads_it() {
    let (alpha, beta) = (minified("alpha", 12, "1.1.0"), minified("beta", 9, "0.1.0"));
    let code = format!("7:e=>{{{alpha}}},8:e=>{{{beta}}}");
    for (chunk, of_alpha) in [
        // Its copy of the first package is that one.
        (
            format!("exports.id=7,exports.ids=[7],exports.modules={{{code}}};"),
            &["index.js"][..],
        ),
        (format!("var own={{{code}}};"), &["7.index.js", "index.js"]),
    ] {
        let report = report(&index(), &[("index.js", &alpha), ("7.index.js", &chunk)]);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let artifact = &report["artifacts"][0];
        let places = |name: &str| -> Vec<&str> {
            let components = artifact["components"].as_array().into_iter().flatten();
            let named = components.filter(|component| component["name"] == name);
            let evidence = named.flat_map(|component| component["evidence"].as_array().into_iter().flatten());
            let mut places: Vec<&str> = evidence.filter_map(|one| one["location"].as_str()).collect();
            places.sort_unstable();
            places
        };
        assert_eq!(places("alpha"), of_alpha, "{artifact:#}");
        assert_eq!(places("beta"), ["7.index.js"]);
    }
}

#[test]
fn other_code_is_nobodys() {
    for bundle in [
        module("delta", 40, "1.0.0"),
        // One function of thirty, copied.
        minified("gamma", 1, "any") + &minified("omega", 40, "1.0.0"),
        String::new(),
    ] {
        assert_eq!(found(&bundle), [], "{}", &bundle[..bundle.len().min(80)]);
    }
}

#[test]
fn the_copy_that_another_package_carries_is_that_ones() {
    let carrier = module("gamma", 30, "1.0.0") + &module("beta", 9, "0.1.0");
    let carrier = Release::new("1.0.0", Vec::new(), &mut [carrier.into_bytes()].into_iter());
    let sources = vec![Source::new("gamma", vec![carrier]), source("beta", 9, &["0.1.0"], &[])];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    let (gamma, beta) = (minified("gamma", 30, "1.0.0"), minified("beta", 9, "0.1.0"));
    for (bundle, expected) in [(gamma.clone() + &beta, &["gamma"][..]), (beta, &["beta"])] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        let mut names: Vec<&str> = claims.iter().map(|claim| &*claim.name).collect();
        names.dedup();
        assert_eq!(names, expected);
    }
}

/// A release of several modules, each a name with how many functions it has.
pub(super) fn release_of(version: &str, modules: &[(&str, usize)]) -> Release {
    let modules = modules
        .iter()
        .map(|(name, functions)| module(name, *functions, "same").into_bytes());
    Release::new(version, Vec::new(), &mut modules.collect::<Vec<_>>().into_iter())
}

/// Names that are claimed, with their versions.
pub(super) fn claimed(index: &Index, modules: &[(&str, usize)]) -> Vec<(String, Vec<String>)> {
    let bundle: String = modules
        .iter()
        .map(|(name, functions)| minified(name, *functions, "same"))
        .collect();
    let claims = claims(&Stream::of(bundle.as_bytes()), index, &Told::default()).unwrap();
    claims.into_iter().map(|claim| (claim.name, claim.versions)).collect()
}

#[test]
fn a_part_that_is_a_package_too_is_of_the_whole() {
    // Versions before it was cut out had other code, so that it is not known to be a copy.
    let old = |version, name| release_of(version, &[(name, 20)]);
    let part = vec![
        old("1.0.0", "one"),
        old("1.1.0", "two"),
        old("1.2.0", "three"),
        old("2.0.0", "part"),
    ];
    let whole = vec![release_of("4.0.0", &[("part", 20), ("rest", 40)])];
    let sources = vec![Source::new("part", part), Source::new("whole", whole)];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    for (bundle, expected) in [
        (&[("part", 20), ("rest", 40)][..], "whole"),
        (&[("part", 20)], "part"),
        // Less of it: what a bundler did not shake off.
        (&[("part", 20), ("rest", 30)], "whole"),
    ] {
        let names: Vec<String> = claimed(&index, bundle).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [expected], "{bundle:?}");
    }
}

#[test]
fn what_a_package_was_made_with_and_does_not_import_is_packed_into_it() {
    let old = |version, name| release_of(version, &[(name, 20)]);
    let color = || {
        vec![
            old("1.0.0", "one"),
            old("2.0.0", "two"),
            old("3.0.0", "three"),
            old("4.0.0", "color"),
        ]
    };
    for packed in [&["color"][..], &[]] {
        let mut space = release_of("1.0.0", &[("space", 20), ("color", 20)]);
        space.packed = packed.iter().map(|name| (*name).to_owned()).collect();
        let sources = vec![
            Source::new("color", color()),
            Source::new("space", vec![space, release_of("0.9.0", &[("space", 20)])]),
        ];
        let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
        let (_, color) = index.by_name("color").unwrap().unwrap();
        let (space, _) = index.by_name("space").unwrap().unwrap();
        assert_eq!(color.carriers, packed.iter().map(|_| space).collect::<Vec<_>>());
        let found = claimed(&index, &[("space", 20), ("color", 20)]);
        assert_eq!(found, [("space".to_owned(), vec!["1.0.0".to_owned()])]);
    }
}

#[test]
fn what_a_later_version_took_in_makes_no_such_version() {
    let host = vec![
        release_of("1.0.0", &[("host", 20)]),
        release_of("2.0.0", &[("host", 20), ("helper", 12), ("more", 10)]),
    ];
    let sources = vec![
        Source::new("host", host),
        Source::new("helper", vec![release_of("1.0.0", &[("helper", 20)])]),
    ];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    let one = |name: &str, versions: &[&str]| (name.to_owned(), versions.iter().map(|v| (*v).to_owned()).collect());
    // The helper's runs are the helper's; of the rest either has what is there.
    let found = claimed(&index, &[("host", 20), ("helper", 20)]);
    assert_eq!(found, [one("helper", &["1.0.0"]), one("host", &["1.0.0", "2.0.0"])]);
    let found = claimed(&index, &[("host", 20), ("helper", 12), ("more", 10)]);
    assert_eq!(found, [one("host", &["2.0.0"])]);
}

#[test]
fn a_package_that_reads_its_manifest_says_its_version_where_a_bundler_takes_that_apart() {
    let versions = ["1.0.0", "1.1.0", "1.2.0", "1.3.0"];
    for (reads_manifest, expected) in [(true, &["1.2.0"][..]), (false, &versions)] {
        let release = |version: &&str| Release {
            reads_manifest,
            ..release_of(version, &[("alpha", 12)])
        };
        let alpha = Source::new("alpha", versions.iter().map(release).collect());
        let index = Index::from_bytes(build(vec![alpha], 6_000_000)).unwrap();
        let bundle = minified("alpha", 12, "same") + "var a={clientVersion:\"1.2.0\"}";
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        assert_eq!(claims[0].versions, expected, "{claims:?}");
    }
}

#[test]
fn what_a_bundle_says_of_itself_leads_to_what_that_pins() {
    // Published together every week; every tenth was looked into.
    let versions: Vec<String> = (0..40).map(|i| format!("3.{i}.0")).collect();
    let published = |needs: &[&str]| {
        let line = |version: &String| {
            let needs = needs.iter().map(|name| format!("{name} {version}"));
            let parts: Vec<String> = std::iter::once(version.clone()).chain(needs).collect();
            Published::read(&parts.join("\t"))
        };
        versions.iter().map(line).collect::<Vec<_>>()
    };
    let known = |name: &str, functions: usize, needs: &[&str]| {
        let looked_into = published(needs).into_iter().step_by(10);
        let release = |Published { version, needs, .. }: Published| {
            Release::new(
                &version,
                needs,
                &mut [module(name, functions, &version).into_bytes()].into_iter(),
            )
        };
        Source::new(name, looked_into.map(release).collect()).with_published(published(needs), true)
    };
    let sources = vec![known("cloudClient", 20, &["cloudPart"]), known("cloudPart", 9, &[])];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    let bundle = minified("cloudClient", 20, "3.20.0") + &minified("cloudPart", 9, "3.20.0");
    let stream = Stream::of(bundle.as_bytes());
    for (told, expected) in [
        (&[][..], "3.20.0"),
        (&["3.20.0"], "3.20.0"),
        // Its code is not known, and so is that of what is published with it.
        (&["3.25.0"], "3.25.0"),
    ] {
        let is_told = !told.is_empty();
        let told = [("cloudClient".to_owned(), told.iter().map(|v| (*v).to_owned()).collect())];
        let claims = claims(&stream, &index, &Told::from(told)).unwrap();
        let said: Vec<(&str, bool)> = claims
            .iter()
            .map(|c| (&*c.name, c.versions.contains(&expected.to_owned())))
            .collect();
        assert_eq!(said, [("cloudClient", true), ("cloudPart", true)], "{claims:?}");
        let is_exact = claims.iter().all(|claim| claim.versions.len() == 1);
        assert!(is_exact || !is_told, "{claims:?}");
    }
}

#[test]
fn what_a_bundle_leads_to_is_told_from_what_a_later_version_took_in() {
    let core = vec![
        release_of("1.0.0", &[("core", 20)]),
        release_of("2.0.0", &[("core", 20), ("retry", 12)]),
    ];
    let needs = ["@cloud/core", "@cloud/retry"].map(|name| (name.to_owned(), "^1.0.0".to_owned()));
    let client = Release {
        needs: needs.to_vec(),
        ..release_of("1.0.0", &[("client", 20)])
    };
    let sources = vec![
        Source::new("@cloud/client", vec![client]),
        Source::new("@cloud/core", core),
        Source::new("@cloud/retry", vec![release_of("1.0.0", &[("retry", 20)])]),
    ];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    let bundle =
        [("client", 20), ("core", 20), ("retry", 8)].map(|(name, functions)| minified(name, functions, "same"));
    let stream = Stream::of(bundle.concat().as_bytes());
    for (told, of_core) in [
        (&[][..], "1.0.0 2.0.0"),
        // The client asks for the version before that.
        (&["1.0.0"], "1.0.0"),
    ] {
        let told = [(
            "@cloud/client".to_owned(),
            told.iter().map(|v| (*v).to_owned()).collect(),
        )];
        let claims = claims(&stream, &index, &Told::from(told)).unwrap();
        let found: Vec<String> = claims
            .iter()
            .map(|claim| format!("{} {}", claim.name, claim.versions.join(" ")))
            .collect();
        let core = format!("@cloud/core {of_core}");
        assert_eq!(found, ["@cloud/client 1.0.0", &core, "@cloud/retry 1.0.0"]);
    }
}

#[test]
fn what_was_taken_in_is_no_package_whose_newest_version_is_without() {
    let needs = [("@cloud/core", "^2.0.0"), ("@cloud/retry", "^1.0.0")];
    let client = Release {
        needs: needs.map(|(name, range)| (name.to_owned(), range.to_owned())).to_vec(),
        ..release_of("1.0.0", &[("client", 20)])
    };
    // Its code went to another package, and left other code behind, which nothing in the bundle calls.
    let retry = vec![
        release_of("1.0.0", &[("retry", 20)]),
        release_of("1.1.0", &[("forward", 20)]),
    ];
    let sources = vec![
        Source::new("@cloud/client", vec![client]),
        Source::new("@cloud/core", vec![release_of("2.0.0", &[("core", 20), ("retry", 20)])]),
        Source::new("@cloud/retry", retry),
    ];
    let index = Index::from_bytes(build(sources, 6_000_000)).unwrap();
    let bundle =
        [("client", 20), ("core", 20), ("retry", 8)].map(|(name, functions)| minified(name, functions, "same"));
    let told = [("@cloud/client".to_owned(), ["1.0.0".to_owned()].into())];
    let claims = claims(&Stream::of(bundle.concat().as_bytes()), &index, &Told::from(told)).unwrap();
    let found: Vec<String> = claims
        .iter()
        .map(|claim| format!("{} {}", claim.name, claim.versions.join(" ")))
        .collect();
    assert_eq!(found, ["@cloud/client 1.0.0", "@cloud/core 2.0.0"]);
}

#[test]
fn a_table_of_facts_is_nobodys_unless_all_of_it_is_there() {
    let table = |rows: std::ops::Range<usize>| {
        let rows = rows.fold(String::new(), |mut text, i| {
            let _ = write!(text, "entity{i}: 'sign {i}', ");
            text
        });
        format!("exports.entities = {{ {rows} }};\n")
    };
    let code = module("delta", 60, "1.0.0");
    let release = Release::new(
        "1.0.0",
        Vec::new(),
        &mut [(table(0..200) + &code).into_bytes()].into_iter(),
    );
    let source = Source::new("delta", vec![release]);
    let index = Index::from_bytes(build(vec![source], 6_000_000)).unwrap();
    let own = minified("omega", 40, "1.0.0");
    for (bundle, expected) in [
        (own.clone() + &table(0..200), 0),
        (own.clone() + &table(0..200) + &minified("delta", 60, "1.0.0"), 1),
    ] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        assert_eq!(claims.len(), expected, "{claims:?}");
    }
}

/// A dependency that was bundled before it was published names its own modules; the rest of the bundle is looked at all the same.
#[test]
fn paths_over_a_part_of_a_bundle_do_not_speak_for_the_rest() {
    let paths = |count: usize| -> String {
        (0..count).fold(String::new(), |mut text, i| {
            let _ = write!(
                text,
                "var m{i}=w({{\"node_modules/inner/lib/m{i}.js\"(t){{t.inner{i}=\"a module\"}}}});"
            );
            text
        })
    };
    let own = "function handler(h){return h.orders.map(i=>i.customer.address.street)}".repeat(300);
    let alpha = minified("alpha", 12, "1.1.0");
    for bundle in [
        [&*paths(9), &alpha, &own].concat(),
        [&*own, &paths(9), &alpha].concat(),
        [&*alpha, &paths(9), &own].concat(),
    ] {
        let report = scanned(&bundle);
        assert!(report.contains("pkg:npm/inner"), "{report}");
        assert!(report.contains("pkg:npm/alpha@1.1.0"), "{report}");
    }
}

/// What a bundler names needs no name from its code, which may be a copy of another's; a version is to be learned all the same.
#[test]
fn named_modules_learn_their_versions_from_their_code() {
    let own = "function handler(h) {\n  return h.orders;\n}\n";
    let copied = module("beta", 9, "0.1.0");
    let alpha = module("alpha", 12, "1.1.0");
    let bundle = format!(
        "var __commonJS = (cb, mod) => mod;\n// node_modules/host/index.js\n{copied}// node_modules/alpha/index.js\n{alpha}// \
         index.js\n{own}"
    );
    let report = scanned(&bundle);
    assert!(report.contains("pkg:npm/alpha@1.1.0"), "{report}");
    assert!(report.contains("pkg:npm/host\""), "{report}");
    assert!(!report.contains("pkg:npm/beta"), "{report}");
}

#[test]
fn versions_with_the_same_code_are_all_possible() {
    let same = || vec![module("alpha", 12, "same").into_bytes()].into_iter();
    let release = |version| Release::new(version, Vec::new(), &mut same());
    let published = ["1.0.0", "1.0.1", "1.0.2", "2.0.0"].map(Published::read).into();
    let source = Source::new("alpha", vec![release("1.0.0"), release("1.0.1")]).with_published(published, false);
    let index = Index::from_bytes(build(vec![source], 6_000_000)).unwrap();
    let claims = claims(
        &Stream::of(minified("alpha", 12, "same").as_bytes()),
        &index,
        &Told::default(),
    )
    .unwrap();
    assert_eq!(
        claims[0].versions,
        ["1.0.0", "1.0.1", "1.0.2"],
        "one that was not looked into may be the same"
    );
}
