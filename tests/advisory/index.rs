//! The index against the plainest evaluation there is, over real and generated records, and against damage.

use super::naive;

use plimsoll::{
    advisory::{
        Affected, Affects, DatabaseSpecific, EcosystemSpecific, Event, Package, Range, RangeType, Record,
        SeverityVector,
        index::{self, Index, Query, Source},
    },
    ecosystem::{self, CARGO, Ecosystem, NPM, PYPI},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, fs::File, io::Read as _};

fn sources() -> Vec<Source> {
    let source = |e: &&Ecosystem| Source {
        ecosystem: e.osv.to_owned(),
        from: "a test".to_owned(),
        ..Source::default()
    };
    ecosystem::ALL.iter().map(source).collect()
}

fn real() -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for ecosystem in ["npm", "PyPI", "crates.io"] {
        let zip = super::common::shared(&format!("osv/{ecosystem}/all.zip"))?;
        let mut zip = zip::ZipArchive::new(File::open(zip).unwrap()).unwrap();
        for i in 0..zip.len() {
            let mut text = String::new();
            zip.by_index(i).unwrap().read_to_string(&mut text).unwrap();
            let mut record: Record = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            record.condense();
            records.push(record);
        }
    }
    Some(records)
}

/// Ids that the index finds for a version, by the packed evaluation and by that of the decoded text.
fn found(index: &Index, ecosystem: &Ecosystem, name: &str, version: &str) -> BTreeSet<String> {
    let code = index::code(ecosystem.osv).unwrap();
    let affecting = index.affecting(code, name, &Query::new(version, ecosystem)).unwrap();
    let ids: BTreeSet<String> = affecting.iter().map(|found| found.record.id.clone()).collect();
    let all = index.lookup(code, name).unwrap().into_iter();
    let by_text = all.map(|found| found.whole().unwrap()).filter(|record| {
        let affects = |a| plimsoll::advisory::range::affects(a, version, ecosystem);
        record.affected.iter().any(affects)
    });
    assert_eq!(ids, by_text.map(|r| r.id).collect(), "{name} {version}");
    ids
}

/// Versions that records of a package name, and some around them: the first of each record, and at most some hundred of a
/// package, because the plainest evaluation reads a thousand lists of versions for some of them.
fn interesting(records: &[Record]) -> BTreeSet<(String, String, String)> {
    let mut all = BTreeSet::new();
    let mut per_package = std::collections::HashMap::new();
    for affected in records.iter().flat_map(|r| &r.affected) {
        let package = affected.package.as_ref().unwrap();
        let bounds = affected.ranges.iter().flat_map(|r| &r.events).map(|e| match e {
            Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) | Event::Limit(v) => v,
        });
        let listed = affected
            .versions
            .iter()
            .take(1)
            .chain(affected.versions.iter().rev().take(1));
        let named: usize = *per_package
            .entry(package.clone().name)
            .and_modify(|n| *n += 1)
            .or_insert(1_usize);
        if named > 2 {
            continue;
        }
        for version in bounds.chain(listed) {
            for version in [version.clone(), format!("{version}-rc.1"), format!("{version}.post1")] {
                all.insert((package.ecosystem.clone(), package.name.clone(), version));
            }
        }
    }
    all
}

#[test]
fn real_records_are_judged_as_the_plainest_evaluation_judges_them() {
    let Some(records) = real() else { return };
    let index = Index::from_bytes(index::build(records.clone(), sources())).unwrap();
    index.verify().unwrap();
    println!("{} records in {} bytes", records.len(), index.as_bytes().len());
    let naive = naive::Naive::new(&records);
    let (mut asked, mut hits) = (0, 0);
    for (osv, name, version) in interesting(&records) {
        let Some(ecosystem) = ecosystem::by_osv_name(&osv) else {
            continue;
        };
        let name = (ecosystem.normalise)(&name).into_owned();
        let expected = naive.affecting(ecosystem, &name, &version);
        assert_eq!(
            found(&index, ecosystem, &name, &version),
            expected,
            "{osv} {name} {version}"
        );
        asked += 1;
        hits += expected.len();
    }
    println!("{asked} versions asked for, {hits} hits");
    assert!(asked > 2_000 && hits > 1_000);
}

/// What the index keeps of a record, its parts in the order of their packages.
fn kept(record: &Record) -> Record {
    let mut kept = record.clone();
    if kept.withdrawn.is_some() {
        return Record {
            id: kept.id,
            modified: kept.modified,
            withdrawn: kept.withdrawn,
            aliases: kept.aliases,
            summary: kept.summary,
            ..Record::default()
        };
    }
    kept.affected.retain_mut(|affected| {
        let Some(package) = affected.package.as_mut() else {
            return false;
        };
        let Some(row) = ecosystem::by_osv_name(&package.ecosystem) else {
            return false;
        };
        row.osv.clone_into(&mut package.ecosystem);
        package.name = (row.normalise)(&package.name).into_owned();
        for range in &mut affected.ranges {
            if matches!(range.kind, RangeType::Git | RangeType::Other) {
                range.events.clear();
            }
        }
        if affected
            .ecosystem_specific
            .as_ref()
            .is_some_and(|e| e.affects.is_none())
        {
            affected.ecosystem_specific = None;
        }
        true
    });
    kept.affected.sort_by_key(|a| {
        let package = a.package.clone().unwrap();
        (index::code(&package.ecosystem), package.name)
    });
    kept
}

#[test]
fn real_records_come_out_as_they_went_in() {
    let Some(mut records) = real() else { return };
    let index = Index::from_bytes(index::build(records.clone(), sources())).unwrap();
    records.sort_by(|a, b| (&a.id, &b.modified).cmp(&(&b.id, &a.modified)));
    records.dedup_by(|a, b| a.id == b.id);
    let all = index.all().unwrap();
    assert_eq!(all.len(), records.len());
    for (before, after) in records.iter().zip(&all) {
        assert_eq!(&kept(before), after);
    }
    // And each alone by its id.
    for before in records.iter().step_by(7) {
        assert_eq!(index.record(&before.id).unwrap().unwrap(), kept(before));
    }
    assert!(index.record("GHSA-none").unwrap().is_none());
    // What came out makes the same bytes again.
    assert!(index::build(all, sources()) == index.as_bytes());
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..4u32, 0..4u32, 0..4u32).prop_map(|(a, b, c)| format!("{a}.{b}.{c}")),
        1 => Just("0".to_owned()),
        1 => (0..4u32, 0..3u32).prop_map(|(a, b)| format!("{a}.{b}")),
        1 => (0..4u32, 0..3u32, 0..3u32).prop_map(|(a, b, c)| format!("{a}.{b}.0-rc.{c}")),
        1 => (0..4u32, 0..3u32, 0..3u32).prop_map(|(a, b, c)| format!("{a}.{b}.post{c}")),
        1 => (0..4u32, 0..3u32).prop_map(|(a, b)| format!("{a}.{b}.dev1")),
        1 => (0..3u32, 0..3u32).prop_map(|(a, b)| format!("1!{a}.{b}")),
        1 => (0..3u32, 0..3u32).prop_map(|(a, b)| format!("{a}.{b}.0.0.{a}")),
        1 => (0..3u32).prop_map(|a| format!("{a}.0.0+build")),
        1 => (0..3u32).prop_map(|a| format!("{a}.4294967296.0")),
        1 => (0..3u32).prop_map(|a| format!("0{a}.1.0")),
        1 => "[a-z0-9.*!+-]{0,6}",
    ]
}

fn range() -> impl Strategy<Value = Range> {
    let kind = prop_oneof![
        4 => Just(RangeType::Ecosystem),
        4 => Just(RangeType::Semver),
        1 => Just(RangeType::Git),
    ];
    let event = (0..8u8, version()).prop_map(|(kind, version)| match kind {
        0..=2 => Event::Introduced(version),
        3..=5 => Event::Fixed(version),
        6 => Event::LastAffected(version),
        _ => Event::Limit(version),
    });
    (kind, prop::collection::vec(event, 0..5)).prop_map(|(kind, events)| Range { kind, events })
}

fn affected() -> impl Strategy<Value = Affected> {
    let package = prop_oneof![
        (Just("npm"), "[ab]{1,2}"),
        (Just("PyPI"), "[aB_.]{1,3}"),
        (Just("crates.io"), "[ab]{1,2}"),
        (Just("PyPI:https://example.test"), "[ab]{1,2}"),
        (Just("Debian:12"), "[ab]{1,2}"),
    ];
    let lists = (
        prop::collection::vec(range(), 0..3),
        prop::collection::vec(version(), 0..4),
        prop::option::of(Just(SeverityVector {
            kind: "Ubuntu".to_owned(),
            score: "high".to_owned(),
        })),
        prop::option::of("[a-z]{1,9}"),
        prop::option::of(prop::collection::vec("[a-z]{1,5}", 0..3)),
    );
    (package, lists).prop_map(|((ecosystem, name), (ranges, versions, severity, word, os))| Affected {
        package: Some(Package {
            ecosystem: ecosystem.to_owned(),
            name,
        }),
        ranges,
        versions,
        severity: severity.into_iter().collect(),
        database_specific: word.map(|word| DatabaseSpecific {
            severity: None,
            categories: vec![word.clone()],
            informational: Some(word),
        }),
        ecosystem_specific: os.map(|os| EcosystemSpecific {
            affects: Some(Affects {
                os,
                ..Affects::default()
            }),
        }),
    })
}

fn record() -> impl Strategy<Value = Record> {
    let names = ("[A-C]-[0-9]{1,2}", "2024-0[1-9]-1[0-9]T00:00:0[0-9](\\.[0-9]{1,9})?Z?");
    let rest = (
        prop::bool::weighted(0.1),
        prop::collection::vec("[A-C]-[0-9]{1,2}", 0..3),
        any::<bool>(),
    );
    (names, rest, prop::collection::vec(affected(), 0..4)).prop_map(
        |((id, modified), (withdrawn, aliases, stock), affected)| {
            let first = affected.first().and_then(|a| a.package.as_ref());
            let stock = first
                .filter(|_| stock)
                .map(|p| format!("Malicious code in {} ({})", p.name, p.ecosystem));
            Record {
                id,
                modified: modified.clone(),
                withdrawn: withdrawn.then_some(modified),
                aliases,
                summary: stock.unwrap_or_default(),
                affected,
                ..Record::default()
            }
        },
    )
}

/// Of records of one id, the one that counts: the last changed, and of these the first.
fn unique(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by(|a, b| (&a.id, &b.modified).cmp(&(&b.id, &a.modified)));
    records.dedup_by(|a, b| a.id == b.id);
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn generated_records_are_judged_alike(
        records in prop::collection::vec(record(), 1..30),
        versions in prop::collection::vec(version(), 8),
    ) {
        let bytes = index::build(records.clone(), sources());
        let records = unique(records);
        let mut backwards = records.clone();
        backwards.reverse();
        prop_assert!(bytes == index::build(backwards, sources()), "the order of the records shows");
        let index = Index::from_bytes(bytes).unwrap();
        index.verify().unwrap();
        for (before, after) in records.iter().zip(index.all().unwrap()) {
            prop_assert_eq!(kept(before), after);
        }
        let naive = naive::Naive::new(&records);
        for row in [&NPM, &PYPI, &CARGO] {
            for name in ["a", "b", "ab", "aa", "a-b", "-a", "a-"] {
                for version in versions.iter().filter(|v| !v.is_empty()) {
                    prop_assert_eq!(found(&index, row, name, version), naive.affecting(row, name, version), "{} {} {}", row.osv, name, version);
                }
            }
        }
    }

    #[test]
    fn an_increment_makes_the_bytes_that_building_makes(
        old in prop::collection::vec(record(), 0..60),
        new in prop::collection::vec(record(), 0..12),
        gone in prop::collection::btree_set("[A-C]-[0-9]{1,2}", 0..12),
    ) {
        let index = Index::from_bytes(index::build(old.clone(), sources())).unwrap();
        let renewed = index::renew(&index, &mut |r| !gone.contains(&r.id), new.clone(), sources()).unwrap();
        let whole: Vec<Record> = new.into_iter().chain(unique(old).into_iter().filter(|r| !gone.contains(&r.id))).collect();
        prop_assert!(renewed == index::build(whole.clone(), sources()));
        let index = Index::from_bytes(renewed).unwrap();
        index.verify().unwrap();
        for record in unique(whole) {
            for alias in &record.aliases {
                prop_assert!(index.aliased(alias).unwrap().contains(&kept(&record)), "{} for {alias}", record.id);
            }
        }
    }
}

/// A few records of every shape, so that every bit can be tried.
fn few() -> Vec<Record> {
    let text = r#"[
      {"id":"MAL-2025-1","modified":"2025-09-17T00:29:08.25Z","summary":"Malicious code in evil (npm)",
       "affected":[{"package":{"ecosystem":"npm","name":"evil"},"versions":["1.0.0"]}]},
      {"id":"MAL-2025-2","modified":"2025-09-17T00:29:08Z","summary":"Malicious code in evil-too (npm)",
       "affected":[{"package":{"ecosystem":"npm","name":"evil-too"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]},
      {"id":"GHSA-1","modified":"2025-01-01T00:00:00Z","aliases":["CVE-1"],"summary":"bad",
       "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"}],
       "affected":[{"package":{"ecosystem":"PyPI","name":"Some_Thing"},
         "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"fixed":"1.2rc1"}]}]}],
       "database_specific":{"severity":"HIGH"}}]"#;
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_flipped_bit_gives_an_error_or_the_right_answer() {
    let bytes = index::build(few(), sources());
    let questions = [
        (&NPM, "evil", "1.0.0"),
        (&NPM, "evil-too", "7.0.0"),
        (&PYPI, "some-thing", "1.1"),
        (&NPM, "none", "1.0.0"),
    ];
    let ask = |index: &Index, (row, name, version): (&Ecosystem, &str, &str)| {
        let found = index.affecting(index::code(row.osv).unwrap(), name, &Query::new(version, row))?;
        found
            .into_iter()
            .map(index::Found::whole)
            .collect::<Result<Vec<_>, _>>()
    };
    let whole = Index::from_bytes(bytes.clone()).unwrap();
    let right: Vec<_> = questions.iter().map(|&q| ask(&whole, q).unwrap()).collect();
    assert_eq!(right.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 0]);
    let (mut refused, mut right_all_the_same) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let Ok(index) = Index::from_bytes(damaged) else {
            refused += 1;
            continue;
        };
        assert!(index.verify().is_err(), "bit {bit} is not noticed by verify");
        for (question, right) in questions.iter().zip(&right) {
            match ask(&index, *question) {
                Ok(answer) => {
                    assert_eq!(&answer, right, "bit {bit}");
                    right_all_the_same += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!(
        "{} bits: {refused} refused, {right_all_the_same} answered right",
        bytes.len() * 8
    );
}

#[test]
fn whatever_the_bytes_nothing_panics() {
    let bytes = index::build(few(), sources());
    for end in 0..bytes.len() {
        assert!(Index::from_bytes(bytes[..end].to_vec()).is_err(), "cut at {end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Index::from_bytes(longer).is_err());
    // Damage behind checksums that hold: what somebody who wants to harm would make.
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut forged = bytes.clone();
            forged[at] = value;
            index::fuzz::reseal(&mut forged);
            index::fuzz::exercise(&forged);
        }
    }
}

#[test]
fn scans_of_the_real_zips_find_what_the_plainest_evaluation_finds() {
    use plimsoll::{advisory::Database, audit};
    let (Some(records), Some(corpus)) = (real(), super::common::shared("corpus")) else {
        return;
    };
    let naive = naive::Naive::new(&records);
    let aliases: std::collections::HashMap<&str, &Record> = records.iter().map(|r| (&*r.id, r)).collect();
    let database = Database::of_records(records.clone(), "a test".to_owned(), "").unwrap();
    let (mut zips, mut components, mut pairs) = (0, 0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "zip") {
            continue;
        }
        let input = [audit::Input::Path(path.clone())];
        let report = audit::audit(
            &input,
            &audit::Options::default(),
            &database,
            std::time::SystemTime::UNIX_EPOCH,
            &|| {},
        );
        for artifact in &report.artifacts {
            let mut found: BTreeSet<(String, String)> = BTreeSet::new();
            for finding in &artifact.findings {
                if let (Some(c), Some(advisory)) = (&finding.subject, &finding.advisory) {
                    let purl = ecosystem::purl(c);
                    // A finding speaks for every record of its flaw; those that concern the version are records by name.
                    let names = std::iter::once(advisory).chain(&finding.aliases);
                    found.extend(
                        names
                            .filter(|n| aliases.contains_key(&***n))
                            .map(|n| (purl.clone(), n.to_string())),
                    );
                }
            }
            // Of a component without a version what concerns every version is told: nothing to compare with.
            let unknown: BTreeSet<String> = artifact
                .inventory
                .iter()
                .filter(|c| c.coordinate.version.is_none() && c.candidates().is_empty())
                .map(|c| ecosystem::purl(&c.coordinate))
                .collect();
            found.retain(|(purl, _)| !unknown.contains(purl));
            let mut expected = BTreeSet::new();
            for component in artifact.inventory.iter() {
                components += 1;
                let c = &component.coordinate;
                // Of several versions that a component can be, what concerns any is told.
                for version in c.version.iter().chain(component.candidates().iter()) {
                    for id in naive.affecting(ecosystem::of(c.ecosystem), &c.name, version) {
                        expected.insert((ecosystem::purl(c), id));
                    }
                }
            }
            let missing: Vec<_> = expected.difference(&found).collect();
            assert!(missing.is_empty(), "{}: not found: {missing:?}", path.display());
            // What is found beyond the expected is an alias of a record that concerns the version, never a flaw of its own.
            for (purl, id) in found.difference(&expected) {
                let names = |id: &str| aliases.get(id).map(|r| &r.aliases);
                let linked = expected.iter().any(|(p, e)| {
                    p == purl && (names(e).is_some_and(|a| a.contains(id)) || names(id).is_some_and(|a| a.contains(e)))
                });
                assert!(linked, "{}: {purl} {id} is not affected", path.display());
            }
            pairs += expected.len();
        }
        zips += 1;
    }
    println!("{zips} zips, {components} components, {pairs} (component, advisory) pairs");
    assert!(zips >= 30 && pairs > 100);
}

#[test]
fn whatever_an_advisory_is_about_there_is_a_rule_that_tells_it() {
    use plimsoll::{advisory::Database, audit};
    let cases = [
        ("flaw", "", "vulnerable"),
        ("unsound", "unsound", "unsound"),
        ("unmaintained", "unmaintained", "unmaintained"),
        ("notice", "notice", "notice"),
        ("later", "of-a-later-time", "notice"),
    ];
    let record = |(name, word, _): &(&str, &str, &str)| Record {
        id: format!("RUSTSEC-{name}"),
        modified: "2026-01-01T00:00:00Z".to_owned(),
        affected: vec![Affected {
            package: Some(Package {
                ecosystem: "crates.io".to_owned(),
                name: (*name).to_owned(),
            }),
            versions: vec!["1.0.0".to_owned()],
            database_specific: Some(DatabaseSpecific {
                informational: (!word.is_empty()).then(|| (*word).to_owned()),
                ..DatabaseSpecific::default()
            }),
            ..Affected::default()
        }],
        ..Record::default()
    };
    let database = Database::of_records(cases.iter().map(record).collect(), "a test".to_owned(), "").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let package = |(name, ..): &(&str, &str, &str)| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.test/index\"\n"
        )
    };
    let packages: Vec<String> = cases.iter().map(package).collect();
    let lock = format!("version = 4\n\n{}", packages.join("\n"));
    std::fs::write(folder.path().join("Cargo.lock"), lock).unwrap();
    let input = [audit::Input::Path(folder.path().to_owned())];
    let options = audit::Options::default();
    let report = audit::audit(&input, &options, &database, std::time::SystemTime::UNIX_EPOCH, &|| {});
    let findings = report.artifacts[0].findings.iter();
    let told: BTreeSet<(String, &str)> = findings
        .filter_map(|f| Some((f.subject.as_ref()?.name.to_string(), f.rule.id)))
        .collect();
    for (name, _, rule) in cases {
        assert!(told.contains(&(name.to_owned(), rule)), "{name}: {told:?}");
    }
}
