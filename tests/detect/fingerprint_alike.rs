//! Packages that have the same code under several names, and that minifiers took apart: which of them is there.

use super::fingerprint::{claimed, minified, release_of};
use plimsoll::fingerprint::{
    Index, Told,
    build::{Release, Source, build},
    claims,
    grams::Stream,
};

fn asking(release: Release, needs: &[&str]) -> Release {
    Release {
        needs: needs.iter().map(|name| ((*name).to_owned(), "*".to_owned())).collect(),
        ..release
    }
}

fn index(sources: Vec<Source>) -> Index {
    Index::from_bytes(build(sources, 6_000_000)).unwrap()
}

/// What is claimed, as `NAME VERSION...`.
fn said(index: &Index, modules: &[(&str, usize)]) -> Vec<String> {
    let claimed = claimed(index, modules).into_iter();
    claimed
        .map(|(name, versions)| format!("{name} {}", versions.join(" ")))
        .collect()
}

#[test]
fn what_lies_between_a_package_may_be_others() {
    let alpha = Source::new("alpha", vec![release_of("1.0.0", &[("alpha", 60)])]);
    let index = index(vec![alpha]);
    let code = minified("alpha", 60, "same");
    let functions: Vec<&str> = code.split_inclusive("};").collect();
    // Each function with some that a minifier inlined beside it.
    let bundle = |functions: &[&str], others: usize| -> String {
        let with =
            |(i, function): (usize, &&str)| (*function).to_owned() + &minified(&format!("other{i}x"), others, "any");
        functions.iter().enumerate().map(with).collect()
    };
    for (what, bundle, expected) in [
        ("all in one place", bundle(&functions, 0), 1),
        ("all, and three times as much between", bundle(&functions, 3), 1),
        ("a tenth of it", bundle(&functions[..6], 3), 0),
    ] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        assert_eq!(claims.len(), expected, "{what}: {claims:?}");
    }
}

#[test]
fn what_is_in_a_file_of_another_is_its_copy() {
    let part = Source::new("part", vec![release_of("1.0.0", &[("part", 20)])]);
    let host = release_of("2.0.0", &[("host", 40), ("part", 20)]);
    let index = index(vec![Source::new("host", vec![asking(host, &["part"])]), part]);
    let (host, part) = (minified("host", 40, "same"), minified("part", 20, "same"));
    let (open, copy) = (host.strip_suffix("});").unwrap(), part.split_once('{').unwrap().1);
    let in_one = format!("{open}{copy}");
    // Bundlers put all into a function that is called, and each module into one that is not.
    let framed = |code: &str| format!("(()=>{{{code}}})();");
    for (what, bundle, expected) in [
        ("in one file", in_one.clone(), &["host"][..]),
        ("in one file and a frame", framed(&in_one), &["host"]),
        ("in files of their own", format!("{host}{part}"), &["host", "part"]),
        (
            "the same in a frame",
            framed(&format!("{host}{part}")),
            &["host", "part"],
        ),
        (
            "in one file, and in one of its own",
            format!("{in_one}{part}"),
            &["host", "part"],
        ),
    ] {
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        let names: Vec<&str> = claims.iter().map(|claim| &*claim.name).collect();
        assert_eq!(names, expected, "{what}");
    }
}

#[test]
fn what_the_newest_took_in_of_what_it_was_made_with_is_its_copy() {
    let old = |minor: usize| release_of(&format!("1.{minor}.0"), &[("host", 40)]);
    let newest = || release_of("2.0.0", &[("host", 40), ("part", 20)]);
    let (host, part) = (minified("host", 40, "same"), minified("part", 20, "same"));
    let (open, copy) = (host.strip_suffix("});").unwrap(), part.split_once('{').unwrap().1);
    let bundle = format!("{open}{copy}");
    for (what, newest, expected) in [
        ("made with it", asking(newest(), &["part"]), &["host"][..]),
        // What one version of many has was packed by accident.
        ("not made with it", newest(), &["host", "part"]),
    ] {
        let host = (0..20).map(old).chain([newest]).collect();
        let part = Source::new("part", vec![release_of("1.0.0", &[("part", 20)])]);
        let index = index(vec![Source::new("host", host), part]);
        let claims = claims(&Stream::of(bundle.as_bytes()), &index, &Told::default()).unwrap();
        let names: Vec<&str> = claims.iter().map(|claim| &*claim.name).collect();
        assert_eq!(names, expected, "{what}");
    }
}

#[test]
fn what_several_have_that_are_asked_for_is_theirs() {
    let parts = ["one", "two", "three"];
    // A bundler shook off some, so that more is there of the whole than of each of them.
    let part = |name: &&str| {
        let more = format!("{name}More");
        Source::new(name, vec![release_of("1.0.0", &[(name, 20), (&more, 16)])])
    };
    let whole = [("one", 20), ("two", 20), ("three", 20), ("rest", 10)];
    for (what, needs, bundle, expected) in [
        (
            "asked for",
            &parts[..],
            &[("app", 20), ("one", 20), ("two", 20), ("three", 20)][..],
            &["app", "one", "three", "two"][..],
        ),
        (
            "asked for, beside the whole",
            &parts,
            &[("app", 20), ("one", 20), ("two", 20), ("three", 20), ("rest", 10)],
            &["app", "one", "three", "two", "whole"],
        ),
        (
            "not asked for",
            &[],
            &[("app", 20), ("one", 20), ("two", 20), ("three", 20), ("rest", 10)],
            &["app", "whole"],
        ),
    ] {
        let app = Source::new("app", vec![asking(release_of("1.0.0", &[("app", 20)]), needs)]);
        let whole = Source::new("whole", vec![release_of("1.0.0", &whole)]);
        let index = index(parts.iter().map(part).chain([app, whole]).collect());
        let mut names: Vec<String> = claimed(&index, bundle).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, expected, "{what}");
    }
}

#[test]
fn of_a_scope_that_was_given_another_name_one_is_there() {
    let parts = ["one", "two", "three"];
    let of = |scope: &str, more: &str| -> Vec<Source> {
        let part = |name: &&str| {
            let own = format!("{name}{more}");
            Source::new(
                &format!("{scope}/{name}"),
                vec![release_of("1.0.0", &[(name, 20), (&own, 10)])],
            )
        };
        let same = Source::new(&format!("{scope}/same"), vec![release_of("1.0.0", &[("same", 30)])]);
        parts.iter().map(part).chain([same]).collect()
    };
    let client = |version, scope: &str| {
        let needs: Vec<String> = parts
            .iter()
            .chain(&["same"])
            .map(|name| format!("{scope}/{name}"))
            .collect();
        let needs: Vec<&str> = needs.iter().map(|name| &**name).collect();
        asking(release_of(version, &[("client", 20)]), &needs)
    };
    let versions = vec![client("1.0.0", "@old"), client("2.0.0", "@new")];
    let mut sources = vec![Source::new("client", versions)];
    sources.extend(of("@old", "Before"));
    sources.extend(of("@new", "Now"));
    let index = index(sources);
    for (more, scope, version) in [("Before", "@old", "1.0.0"), ("Now", "@new", "2.0.0")] {
        let own: Vec<String> = parts.iter().map(|name| format!("{name}{more}")).collect();
        let mut bundle = vec![("client", 20), ("same", 30)];
        for (name, own) in parts.iter().zip(&own) {
            bundle.extend([(*name, 20), (&**own, 10)]);
        }
        let mut expected: Vec<String> = parts
            .iter()
            .chain(&["same"])
            .map(|name| format!("{scope}/{name} 1.0.0"))
            .collect();
        expected.push(format!("client {version}"));
        expected.sort();
        let mut said = said(&index, &bundle);
        said.sort();
        assert_eq!(said, expected);
    }
}

#[test]
fn what_another_explains_whole_is_there_where_that_asks_for_it() {
    // Nothing tells two versions of the application, or of the host, from one another.
    let either = |name: &str, modules: &[(&str, usize)], asks: [&[&str]; 2]| {
        let release = |(version, asks)| asking(release_of(version, modules), asks);
        Source::new(name, ["1.0.0", "2.0.0"].into_iter().zip(asks).map(release).collect())
    };
    let code = &[("host", 40), ("part", 9)];
    for (what, app, host, expected) in [
        (
            "a version of it does",
            [&["host"][..]; 2],
            [&["part"][..], &[]],
            &["app", "host", "part"][..],
        ),
        (
            "it is a fork, and asked for as the part is",
            [&["host"], &["part"]],
            [&[], &[]],
            &["app", "host"],
        ),
    ] {
        let part = Source::new("part", vec![release_of("1.0.0", &[("part", 9)])]);
        let index = index(vec![
            either("app", &[("app", 20)], app),
            either("host", code, host),
            part,
        ]);
        let found = claimed(&index, &[&[("app", 20)], &code[..]].concat());
        let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, expected, "{what}");
    }
}

#[test]
fn a_fork_with_code_of_its_own_is_the_original_where_something_asks_for_that() {
    let index = index(vec![
        Source::new("app", vec![asking(release_of("1.0.0", &[("app", 20)]), &["original"])]),
        Source::new("fork", vec![release_of("1.0.0", &[("code", 32), ("forked", 8)])]),
        Source::new("original", vec![release_of("1.0.0", &[("code", 32), ("kept", 8)])]),
    ]);
    // Of the fork's own code a little is in the bundle, from elsewhere.
    let code = [("code", 32), ("forked", 6), ("kept", 5)];
    let names = |modules: &[(&str, usize)]| -> Vec<String> {
        claimed(&index, modules).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&[&[("app", 20)], &code[..]].concat()), ["app", "original"]);
    assert_eq!(names(&code), ["fork"]);
}

#[test]
fn what_is_known_by_the_code_of_its_old_name_is_there_where_its_new_one_is_asked_for() {
    let client = |version, own: &str, needs: &str| asking(release_of(version, &[("client", 20), (own, 10)]), &[needs]);
    let versions = vec![
        client("1.0.0", "early", "@old/part"),
        client("2.0.0", "late", "@new/part"),
    ];
    let part = |name: &str, modules: &[(&str, usize)]| Source::new(name, vec![release_of("1.0.0", modules)]);
    let index = index(vec![
        Source::new("client", versions),
        part("@old/part", &[("part", 40)]),
        // Of its first version, which is what the old one was, nothing is known.
        part("@new/part", &[("later", 40), ("mark", 3)]),
        // Of the same name, and no other's.
        part("@other/part", &[("other", 40)]),
    ]);
    for (what, bundle, expected) in [
        (
            "the new name",
            &[("client", 20), ("late", 10), ("part", 40), ("mark", 3)][..],
            &["@new/part", "client"][..],
        ),
        (
            "the old name",
            &[("client", 20), ("early", 10), ("part", 40), ("mark", 3)],
            &["@old/part", "client"],
        ),
        (
            "another's",
            &[("client", 20), ("late", 10), ("other", 40), ("mark", 3)],
            &["@new/part", "@other/part", "client"],
        ),
    ] {
        let claimed = claimed(&index, bundle).into_iter();
        let mut names: Vec<String> = claimed.map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, expected, "{what}");
    }
}
