//! Python without metadata, compiled, vendored, locked and tampered with.

use super::common::{components, fixture, scan, scan_with, zip_of, zip_tree};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use plimsoll::{
    audit::{Input, Options},
    limits::Limits,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn of(name: &str) -> Value {
    scan(Input::Stdin(zip_tree(&fixture("python").join(name))))
}

fn texts(report: &Value, part: &str, keys: &[&str]) -> Vec<String> {
    let all = report["artifacts"][0][part].as_array().unwrap().iter();
    let show = |item: &Value| {
        keys.iter()
            .map(|k| item[*k].as_str().unwrap_or("-"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    all.map(show).collect()
}

#[test]
fn fixtures_hold_what_they_say() {
    for (name, expected) in [
        (
            "slim",
            &[
                "pillow 10.2.0 installed",
                "protobuf 4.25.3 installed",
                "pyyaml 6.0 installed",
                "six 1.17.0 installed",
                "typing-extensions - installed",
            ][..],
        ),
        ("vendored", &["six 1.16.0 installed", "urllib3 1.26.4 installed"]),
        ("locks/poetry", &["alpha-beta 1.0 locked", "tests-only 2.0 locked"]),
        ("locks/uv", &["gamma 2.0.post1 locked"]),
        ("locks/pdm", &["delta 3.0 locked"]),
        ("locks/pylock", &["epsilon 4.0 locked", "from-vcs - declared"]),
        (
            "locks/pipenv",
            &["eta - declared", "theta 6.0 locked", "zeta 5.0 locked"],
        ),
        ("includes", &["alpha 1.0 locked", "beta 3.1 locked", "gamma 2.0 locked"]),
    ] {
        assert_eq!(components(&of(name)), expected, "{name}");
    }
}

#[test]
fn what_is_missing_is_told() {
    let gaps = texts(&of("includes"), "gaps", &["stage", "reason"]);
    assert!(
        gaps.iter()
            .any(|g| g.starts_with("requirements line 5 includes `gone.txt`")),
        "{gaps:?}"
    );
    let gaps = texts(&of("slim"), "gaps", &["stage", "location"]);
    assert!(
        gaps.contains(&"python-module typing_extensions.py".to_owned()),
        "{gaps:?}"
    );
    let gaps = texts(&of("vendored"), "gaps", &["stage", "reason"]);
    assert!(
        gaps.iter()
            .any(|g| g.starts_with("python-module vendored copy of requests")),
        "{gaps:?}"
    );
}

#[test]
fn tampered_files_are_findings() {
    let report = of("tampered");
    assert_eq!(
        texts(&report, "findings", &["rule", "level", "component", "message"]),
        [
            "tampered error pkg:pypi/alpha@1.0 code differs from the hash in the package's RECORD",
            "tampered warning pkg:pypi/alpha@1.0 code inside the package that its RECORD does not list",
            "tampered note pkg:pypi/alpha@1.0 file differs from the hash in the package's RECORD",
        ]
    );
    assert_eq!(
        report["artifacts"][0]["findings"][0]["locations"][0],
        "alpha/changed.py"
    );
    assert_eq!(report["summary"]["exit_code"], 1);
}

/// A record that could be read in part would accuse every file that the rest lists.
#[test]
fn a_record_that_is_cut_off_accuses_nobody() {
    let files: Vec<String> = (0..40).map(|i| format!("alpha/module_{i}.py")).collect();
    let lines: Vec<String> = files.iter().map(|f| format!("{f},sha256=wrong,1")).collect();
    let mut zip = vec![
        ("alpha/__init__.py", "VALUE = 1\n"),
        ("alpha-1.0.dist-info/METADATA", "Name: alpha\nVersion: 1.0\n"),
    ];
    let record = format!("alpha/__init__.py,,\n{}\n", lines.join("\n"));
    zip.push(("alpha-1.0.dist-info/RECORD", &record));
    zip.extend(files.iter().map(|f| (&**f, "VALUE = 2\n")));
    let zip = zip_of(&zip);
    for (limit, findings, gaps) in [(u64::MAX, 40, 0), (record.len() as u64 / 2, 0, 1)] {
        let options = Options {
            limits: Limits {
                entry_bytes: limit,
                ..Limits::default()
            },
            ..Options::default()
        };
        let report = scan_with(Input::Stdin(zip.clone()), &options);
        assert_eq!(texts(&report, "findings", &["rule"]).len(), findings, "{limit}");
        assert_eq!(texts(&report, "gaps", &["reason"]).len(), gaps, "{limit}");
    }
}

/// A compressed tarball that is too large to hold is inflated anew for whoever reads in it: the files of all records are
/// compared in one pass.
#[test]
fn records_in_a_large_tarball() {
    let mut tarball = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut add = |path: String, text: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tarball.append_data(&mut header, path, text).unwrap();
    };
    let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(b"VALUE = 1\n"));
    for n in 0..40 {
        let record = format!("p{n}/__init__.py,sha256={hash},10\n");
        add(format!("p{n}-1.0.dist-info/RECORD"), record.as_bytes());
        add(
            format!("p{n}-1.0.dist-info/METADATA"),
            format!("Name: p{n}\nVersion: 1.0\n").as_bytes(),
        );
        add(
            format!("p{n}/__init__.py"),
            if n == 7 { b"VALUE = 2\n" } else { b"VALUE = 1\n" },
        );
        let text: Vec<u8> = (0..100_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        add(format!("p{n}/data.bin"), &text);
    }
    let tarball = tarball.into_inner().unwrap().finish().unwrap();
    let options = Options {
        limits: Limits {
            spool_bytes: 1 << 20,
            total_bytes: 20 << 20,
            ..Limits::default()
        },
        ..Options::default()
    };
    let report = scan_with(Input::Stdin(tarball), &options);
    assert_eq!(texts(&report, "gaps", &["reason"]), Vec::<String>::new());
    assert_eq!(
        texts(&report, "findings", &["rule", "component"]),
        ["tampered pkg:pypi/p7@1.0"]
    );
}

/// The body of a CPython 3.11 module that is `NAME = TEXT`.
fn compiled(name: &str, value: &str) -> Vec<u8> {
    let short = |text: &str| [&[b'z', u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    let mut out = [&3495_u16.to_le_bytes()[..], b"\r\n", &[0; 12], b"\xe3", &[0; 20]].concat();
    out.extend([b's', 4, 0, 0, 0, 100, 0, 90, 0, b')', 1]);
    out.extend(short(value));
    out.extend([b')', 1]);
    out.extend(short(name));
    out.extend([b')', 0].repeat(5));
    out.extend([0; 4]);
    out.extend([b's', 0, 0, 0, 0].repeat(2));
    out
}

#[test]
fn bytecode_says_what_source_did() {
    let module = compiled("__version__", "1.26.4");
    let cut = &module[..module.len() / 2];
    let zip = zip_of(&[
        ("python/urllib3/__init__.pyc", &module[..]),
        ("python/urllib3/util.pyc", cut),
        ("python/requests/__init__.pyc", cut),
        ("python/app/__init__.pyc", &module),
    ]);
    let report = scan(Input::Stdin(zip));
    assert_eq!(
        components(&report),
        ["requests - installed", "urllib3 1.26.4 installed"]
    );
    let gaps = texts(&report, "gaps", &["reason"]);
    assert!(
        gaps.iter()
            .any(|g| g.contains("`requests` cannot be read: marshalled data breaks off")),
        "{gaps:?}"
    );
}

#[test]
fn what_metadata_claims_is_left_to_it() {
    let metadata = "Metadata-Version: 2.1\nName: attrs\nVersion: 23.2.0\n";
    let zip = zip_of(&[
        ("attr/__init__.py", "__version__ = '1.0'\n"),
        ("attrs-23.2.0.dist-info/METADATA", metadata),
        (
            "fork_of_yaml-1.0.dist-info/METADATA",
            "Name: fork-of-yaml\nVersion: 1.0\n",
        ),
        ("fork_of_yaml-1.0.dist-info/RECORD", "yaml/__init__.py,,\n"),
        ("yaml/__init__.py", "__version__ = '6.0'\n"),
        ("requests/__init__.py", "__version__ = '2.0.0'\n"),
    ]);
    let found = components(&scan(Input::Stdin(zip)));
    assert_eq!(
        found,
        [
            "attrs 23.2.0 installed",
            "fork-of-yaml 1.0 installed",
            "requests 2.0.0 installed"
        ]
    );
}

#[test]
fn two_distributions_of_one_name() {
    for (marker, name) in [("jwt/api_jwt.py", "pyjwt"), ("jwt/jwkset.py", "jwt")] {
        let zip = zip_of(&[("jwt/__init__.py", "__version__ = '2.0.0'\n"), (marker, "")]);
        assert_eq!(
            components(&scan(Input::Stdin(zip))),
            [format!("{name} 2.0.0 installed")]
        );
    }
}

#[test]
fn three_known_names_make_a_folder_an_import_root_unless_it_lies_in_a_package() {
    let of = |init: &'static str| {
        let name = |name: &str| {
            (
                format!("shop/ways/{name}/__init__.py"),
                "__version__ = '1.2.3'\n".to_owned(),
            )
        };
        let mut files: Vec<(String, String)> = ["stripe", "openai", "redis"].map(name).into();
        files.push((init.to_owned(), String::new()));
        components(&scan(Input::Stdin(zip_of(&files))))
    };
    let three = [
        "openai 1.2.3 installed",
        "redis 1.2.3 installed",
        "stripe 1.2.3 installed",
    ];
    assert_eq!(of("shop/README"), three);
    assert!(of("shop/__init__.py").is_empty());
    assert!(of("shop/ways/__init__.pyc").is_empty());
}

#[test]
fn sboms_in_wheels_and_conda_records() {
    let cyclonedx = r#"{"bomFormat":"CycloneDX","components":[
        {"name":"openssl","purl":"pkg:cargo/openssl@0.10.64"},{"name":"libxml2","purl":"pkg:generic/libxml2@2.12.6"}]}"#;
    let spdx = r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"x","externalRefs":[
        {"referenceType":"purl","referenceLocator":"pkg:pypi/alpha@1.0"}]}]}"#;
    let zip = zip_of(&[
        ("a-1.dist-info/sboms/anything", cyclonedx),
        ("a-1.dist-info/sboms/b.spdx.json", spdx),
        ("a-1.dist-info/sboms/c.json", "{}"),
        (
            "gamma-3.DIST-INFO/sboms/d.json",
            r#"{"bomFormat":"CycloneDX","components":[{"name":"delta","purl":"pkg:pypi/delta@4.0"}]}"#,
        ),
        (
            "conda-meta/beta-2.0-py311_0.json",
            r#"{"name":"beta","version":"2.0","files":["lib/python3.11/site-packages/beta/__init__.py"]}"#,
        ),
        (
            "conda-meta/zlib-1.2-0.json",
            r#"{"name":"zlib","version":"1.2","files":["lib/libz.so"]}"#,
        ),
    ]);
    let report = scan(Input::Stdin(zip));
    assert_eq!(
        components(&report),
        [
            "openssl 0.10.64 installed",
            "a 1 installed",
            "alpha 1.0 installed",
            "beta 2.0 installed",
            "delta 4.0 installed",
            "gamma 3 installed"
        ]
    );
    let gaps = texts(&report, "gaps", &["kind", "stage", "location"]);
    for gap in [
        "blind python-sbom a-1.dist-info/sboms/c.json",
        "partial python-sbom a-1.dist-info/sboms/anything",
        "partial conda-meta conda-meta/zlib-1.2-0.json",
    ] {
        assert!(gaps.contains(&gap.to_owned()), "{gap}: {gaps:?}");
    }
}

#[test]
fn versions_wherever_the_code_states_them() {
    let library = "\u{7f}ELF\0__version__\u{0}4.0.2\0";
    for (files, expected) in [
        (
            &[
                ("ecdsa/__init__.py", ""),
                (
                    "ecdsa/_version.py",
                    "version_json = '''\n{\n \"full-revisionid\": \"bd66\",\n \"version\": \"0.19.2\"\n}\n'''",
                ),
            ][..],
            "ecdsa 0.19.2",
        ),
        (
            &[("scrapy/__init__.py", ""), ("scrapy/VERSION", "2.5.0\n")],
            "scrapy 2.5.0",
        ),
        (
            &[
                ("grpc/__init__.py", ""),
                ("grpc/_grpcio_metadata.py", "__version__ = \"\"\"1.39.0\"\"\""),
            ],
            "grpcio 1.39.0",
        ),
        (
            &[
                (
                    "authlib/__init__.py",
                    "from .consts import version\n__version__ = version\n",
                ),
                ("authlib/consts.py", "name = 'x'\nversion = '1.9.10'\n"),
            ],
            "authlib 1.9.10",
        ),
        (
            &[
                (
                    "geopy/__init__.py",
                    "from geopy.util import __version__, get_version  # noqa\n",
                ),
                ("geopy/util.py", "__version__ = \"2.5.0\"\n"),
            ],
            "geopy 2.5.0",
        ),
        (
            &[
                ("geopy/__init__.py", "from geopy.util import get_version\n"),
                ("geopy/util.py", "version = \"1.1\"\n"),
            ],
            "geopy -",
        ),
        (&[("ujson.cpython-311-x86_64-linux-gnu.so", library)], "ujson 4.0.2"),
        (
            &[
                ("psycopg2/__init__.py", ""),
                ("psycopg2/_psycopg.cpython-311-x86_64-linux-gnu.so", library),
            ],
            "psycopg2 4.0.2",
        ),
        // A folder that has become a module, and an application's own module of a package's name.
        (&[("tabulate.py", "__version__ = '0.8.9'\n")], "tabulate 0.8.9"),
        (&[("jinja2.py", "__version__ = '3.0.0'\n")], "jinja2 3.0.0"),
        (
            &[
                ("stripe.py", "def charge(): pass\n"),
                ("six.py", "__version__ = '1.16.0'\n"),
            ],
            "six 1.16.0",
        ),
    ] {
        let found = components(&scan(Input::Stdin(zip_of(files))));
        assert_eq!(found, [format!("{expected} installed")], "{files:?}");
    }
}

#[test]
fn a_copy_says_nothing_of_another() {
    let zip = zip_of(&[
        ("dynaconf/__init__.py", "__version__ = '3.3.5'\n"),
        ("dynaconf/vendor/click/__init__.py", "__version__ = '8.0.0'\n"),
        ("click/__init__.py", "def __getattr__(name): ...\n"),
        ("chalice/__init__.py", "__version__ = '1.34.0'\n"),
        ("chalice/templates/one/requirements.txt", "aws-cdk-lib\n"),
    ]);
    assert_eq!(
        components(&scan(Input::Stdin(zip))),
        [
            "chalice 1.34.0 installed",
            "click - installed",
            "click 8.0.0 installed",
            "dynaconf 3.3.5 installed"
        ]
    );
}

#[test]
fn a_zipped_egg_says_what_it_requires() {
    let egg = zip_of(&[
        ("EGG-INFO/PKG-INFO", "Name: alpha\nVersion: 1.0\nLicense: MIT\n"),
        (
            "EGG-INFO/requires.txt",
            "beta>=1\n\n[:python_version < \"3\"]\ngamma\n\n[tests]\npytest\n",
        ),
    ]);
    let zip = zip_of(&[
        ("alpha-1.0-py3.11.egg", egg),
        ("beta-2.0.dist-info/METADATA", b"Name: beta\nVersion: 2.0\n".to_vec()),
        (
            "pytest-8.0.dist-info/METADATA",
            b"Name: pytest\nVersion: 8.0\n".to_vec(),
        ),
    ]);
    let report = scan(Input::Stdin(zip));
    let alpha = &report["artifacts"][0]["components"][0];
    assert_eq!(alpha["name"], "alpha");
    assert_eq!(alpha["requires"], serde_json::json!(["pkg:pypi/beta@2.0"]));
    assert_eq!(alpha["licences"], serde_json::json!(["MIT"]));
}
