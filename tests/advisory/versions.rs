//! The order of versions: tables that a person can check, the laws of an order, agreement with the libraries that define it, and
//! that the integers of the index never say otherwise.

use plimsoll::{
    advisory::index::{self, Index, Query, Source},
    ecosystem::{CARGO, Ecosystem, NPM, PYPI},
};
use proptest::prelude::*;
use std::{cmp::Ordering, fs, str::FromStr as _};

/// Groups of equal versions, ascending.
fn table(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(super::common::fixture("versions").join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn holds(row: &Ecosystem, name: &str) {
    let table = table(name);
    for (i, group) in table.iter().enumerate() {
        for (j, other) in table.iter().enumerate() {
            for a in group {
                for b in other {
                    // Of texts that are no version, equal is only the same text.
                    let expected = i.cmp(&j);
                    assert_eq!((row.compare)(a, b), expected, "{}: {a} {b}", row.osv);
                    assert_eq!(by_index(row, a, b), expected, "{}: {a} {b} in an index", row.osv);
                }
            }
        }
    }
}

/// The order of two versions as an index sees it: by asking whether ranges that begin or end at `b` hold `a`.
fn by_index(row: &Ecosystem, a: &str, b: &str) -> Ordering {
    let record = |id: &str, events: &str| -> plimsoll::advisory::Record {
        let json = format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{}","name":"p"}},
                "ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]}}]}}"#,
            row.osv
        );
        serde_json::from_str(&json).unwrap()
    };
    // As a bound "0" alone is before everything, so it is asked for as a listed version there.
    let b = if b == "0" { "0.0" } else { b };
    let b = serde_json::to_string(b).unwrap();
    let records = vec![
        record("FROM", &format!(r#"{{"introduced":{b}}}"#)),
        record("UNTIL", &format!(r#"{{"introduced":"0"}},{{"last_affected":{b}}}"#)),
    ];
    let source = Source {
        ecosystem: row.osv.to_owned(),
        ..Source::default()
    };
    let index = Index::from_bytes(index::build(records, vec![source])).unwrap();
    let code = index::code(row.osv).unwrap();
    let found = index.affecting(code, "p", &Query::new(a, row)).unwrap();
    match found.iter().map(|r| &*r.record.id).collect::<Vec<_>>().as_slice() {
        ["FROM"] => Ordering::Greater,
        ["UNTIL"] => Ordering::Less,
        _ => Ordering::Equal,
    }
}

#[test]
fn npm_and_crates_io_order_as_the_table_says() {
    holds(&NPM, "semver.txt");
    holds(&CARGO, "semver.txt");
}

#[test]
fn pypi_orders_as_the_table_says() {
    holds(&PYPI, "pep440.txt");
}

fn any_version() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,2}(\\.[0-9]{1,2}){0,4}",
        4 => "[0-9]\\.[0-9]\\.[0-9](-(alpha|beta|rc|0|1)(\\.[0-9]{1,2})?)?(\\+[a-z0-9]{1,3})?",
        4 => "([0-2]!)?[0-9](\\.[0-9]){0,3}(a[0-9]|b[0-9]|rc[0-9])?(\\.post[0-9])?(\\.dev[0-9])?(\\+[a-z0-9]{1,3})?",
        1 => "[vr=]?[0-9a-z.-]{0,8}",
        1 => "[0-9]{9,22}(\\.[0-9]{9,22}){0,2}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_is_one(a in any_version(), b in any_version(), c in any_version()) {
        for row in [&NPM, &PYPI, &CARGO] {
            let order = |x: &String, y: &String| (row.compare)(x, y);
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b).is_le() && order(&b, &c).is_le() {
                prop_assert!(order(&a, &c).is_le(), "{} {} {} {}", row.osv, a, b, c);
            }
        }
    }

    #[test]
    fn the_libraries_agree(a in any_version(), b in any_version()) {
        if let (Ok(x), Ok(y)) = (semver::Version::parse(&a), semver::Version::parse(&b)) {
            prop_assert_eq!((NPM.compare)(&a, &b), x.cmp_precedence(&y));
        }
        if let (Ok(x), Ok(y)) = (pep440_rs::Version::from_str(&a), pep440_rs::Version::from_str(&b)) {
            prop_assert_eq!((PYPI.compare)(&a, &b), x.cmp(&y));
        }
    }

    #[test]
    fn integers_say_what_texts_say(a in any_version(), b in any_version()) {
        prop_assume!(!a.is_empty() && !b.is_empty() && b != "0");
        for row in [&NPM, &PYPI, &CARGO] {
            prop_assert_eq!(by_index(row, &a, &b), (row.compare)(&a, &b), "{} {} {}", row.osv, a, b);
            if let (Some(x), Some(y)) = ((row.place)(&a), (row.place)(&b)) {
                let decided = x.number.cmp(&y.number).then(x.side.cmp(&y.side));
                if x.number != y.number || x.side != y.side {
                    prop_assert_eq!(decided, (row.compare)(&a, &b), "{} {} {}", row.osv, a, b);
                }
            }
        }
    }
}
