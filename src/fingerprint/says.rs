//! Versions that packages say of themselves, as `const VERSION = "4.20.0"` does, and `"a-client/4.20.0"`.

use super::{
    claims::Claim,
    literals::Hash,
    needs::{self, Member},
    record::Package,
    source::Release,
    version_set::VersionSet,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

/// Longest literal that is looked into.
const LONGEST: usize = 80;

/// The version that a literal is which begins at `at`, or the one at its end behind a name, as user agents are told: minifiers put
/// what a constant holds where it is used.
///
/// ```js
/// const version = "1.15.2", headers = {"X-Client-Info": "postgrest-js/1.15.2"}, sdk = `${name}@v1.15.2`;
/// ```
///
/// A template's literal begins behind the quote, or behind the brace. Addresses and sentences (`removed in winston@3.0.0`) end in
/// versions of many things.
pub(super) fn version(text: &[u8], at: usize) -> Option<&[u8]> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let (quote, begin, is_rest) = match (text.get(at), before) {
        (Some(quote @ (b'"' | b'\'')), _) => (*quote, at + 1, false),
        (_, Some(b'`')) => (b'`', at, false),
        (_, Some(b'}')) => (b'`', at, true),
        _ => return None,
    };
    let rest = text.get(begin..)?;
    let literal = &rest[..rest.iter().take(LONGEST).position(|byte| *byte == quote)?];
    let behind = literal.iter().rposition(|byte| b"/@".contains(byte));
    let version = match behind {
        Some(_) if literal.iter().any(|byte| b": ".contains(byte)) => return None,
        Some(mark) => &literal[mark + 1..],
        None if is_rest => return None,
        None => literal,
    };
    let version = version.strip_prefix(b"v").unwrap_or(version);
    is_version(version).then_some(version)
}

fn is_version(text: &[u8]) -> bool {
    let mut parts = text.splitn(3, |byte| *byte == b'.');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    let is_last = |part: &[u8]| {
        let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
        part.first().is_some_and(u8::is_ascii_digit) && part.iter().all(is_inside)
    };
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some_and(is_last)
}

/// Versions in a row that must say which they are: what fewer do is a chance.
const FEWEST: usize = 3;

/// Releases that may name another: more do so on purpose.
const MOST_NAMING: usize = 3;

/// Which of the releases of a package, oldest first, say which they are. Not those that many others name, as `axios` 0.26 says since
/// when there is no more of what it warns of; one or two were published with the version before in them.
pub(super) fn saying(releases: &[Release]) -> VersionSet {
    let named: Vec<(u64, BTreeSet<&u64>)> = releases
        .iter()
        .map(|release| (Hash::of(release.version.as_bytes()), release.named.iter().collect()))
        .collect();
    let mut naming: BTreeMap<u64, usize> = BTreeMap::new();
    for hash in named.iter().flat_map(|(_, all)| all) {
        *naming.entry(**hash).or_default() += 1;
    }
    let mut saying = VersionSet::default();
    for (place, (own, all)) in named.iter().enumerate() {
        if all.contains(own) && naming.get(own).is_some_and(|naming| *naming <= MOST_NAMING) {
            saying.insert(place);
        }
    }
    let mut sure = VersionSet::default();
    for (first, last) in saying.stretches().filter(|(first, last)| last - first + 1 >= FEWEST) {
        sure.insert_stretch(first, last);
    }
    sure
}

/// End of versions that anything may name.
const ROUND: &str = ".0.0";

/// A version that a bundle names in quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) hash: u64,
    /// Where it begins, in bytes.
    pub(super) at: usize,
    /// The package whose code is next before it, and the one next behind it.
    pub(super) beside: [Option<u16>; 2],
}

/// Places of a version that are looked at: a hostile bundle names one a million times.
const MOST_PLACES: usize = 64;

/// Leaves of the versions that the code of a package allows those that it says: in the midst of its code, or, of one that is there
/// once and whose code allows only few, anywhere.
pub(super) fn heed(named: &[Named], members: &mut [Member], claims: &[Claim]) {
    let mut copies = needs::places(members);
    copies.retain(|_, places| members[places[0]].package.saying.count() > 0);
    let mut places: HashMap<u64, Vec<&Named>> = HashMap::new();
    for one in named {
        let places = places.entry(one.hash).or_default();
        if places.len() < MOST_PLACES {
            places.push(one);
        }
    }
    for (number, copies) in copies {
        let words = words(&members[copies[0]].package);
        let mut own: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        let mut elsewhere: BTreeSet<u64> = BTreeSet::new();
        let said = words
            .iter()
            .filter_map(|(hash, versions)| Some((versions, places.get(hash)?)));
        for (versions, one) in said.flat_map(|(versions, places)| places.iter().map(move |one| (versions, one))) {
            if one.beside.contains(&Some(number)) {
                // Of several copies each has what is nearest to it.
                let nearest = copies.iter().min_by_key(|i| distance(&claims[**i].ranges, one.at));
                own.entry(*nearest.unwrap_or(&copies[0])).or_default().insert(one.hash);
            } else if !versions.iter().any(|version| version.ends_with(ROUND)) {
                elsewhere.insert(one.hash);
            }
        }
        for &i in &copies {
            let member = &mut members[i];
            let said = match own.get(&i) {
                Some(own) => own,
                None if copies.len() == 1 && !member.versions.is_empty() => &elsewhere,
                None => continue,
            };
            let is_allowed = |version: &&String| member.versions.is_empty() || member.versions.contains(version);
            let allowed = said.iter().filter_map(|hash| words.get(hash));
            let allowed = allowed.map(|versions| versions.iter().filter(is_allowed).cloned().collect());
            let mut told = allowed.filter(|versions: &Vec<String>| !versions.is_empty());
            if let (Some(versions), None) = (told.next(), told.next()) {
                member.pinned = versions.len() == 1;
                member.tell(versions);
            }
        }
    }
}

/// What the versions of a package say, as hashes, with those that may say it: the version itself, and the next ones that do not
/// say which they are.
fn words(package: &Package) -> BTreeMap<u64, Vec<String>> {
    let is_saying = |place: usize| {
        // One that was not looked into does as the one before it.
        let after = package.looked_into.partition_point(|looked_into| *looked_into <= place);
        after.checked_sub(1).is_some_and(|at| package.saying.contains(at))
    };
    let published = package.published.iter().enumerate();
    let saying = published.filter(|(place, _)| is_saying(*place));
    let words = saying.map(|(place, version)| {
        let next = package
            .published
            .iter()
            .enumerate()
            .skip(place + 1)
            .take(MOST_NAMING - 1);
        let next = next.take_while(|(next, _)| !is_saying(*next));
        let versions = std::iter::once(version).chain(next.map(|(_, version)| version));
        (Hash::of(version.as_bytes()), versions.cloned().collect())
    });
    words.collect()
}

/// Bytes from a place to the nearest of some ranges.
fn distance(ranges: &[Range<usize>], at: usize) -> usize {
    let to = |range: &Range<usize>| range.start.saturating_sub(at).max(at.saturating_sub(range.end));
    ranges.iter().map(to).min().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{tokens, unseen::unseen},
        *,
    };

    #[test]
    fn versions_in_quotes() {
        for (text, expected) in [
            (r#"a="4.20.0""#, Some("4.20.0")),
            ("a='4.20.0'", Some("4.20.0")),
            ("a=`4.20.0`", Some("4.20.0")),
            (r#"a="v4.20.0""#, Some("4.20.0")),
            (r#"a="1.0.0-rc.10""#, Some("1.0.0-rc.10")),
            (r#"a="1.0.0+build-7""#, Some("1.0.0+build-7")),
            (r#"a="postgrest-js/1.15.2""#, Some("1.15.2")),
            (r#"a="@upstash/redis@v1.31.1""#, Some("1.31.1")),
            ("a=`supabase-js-${b}/2.43.0`", Some("2.43.0")),
            ("a=`${b}@2.43.0`", Some("2.43.0")),
            (r#"a="4.20""#, None),
            (r#"a="4.20.x""#, None),
            (r#"a=">=4.20.0""#, None),
            (r#"a="127.0.0.1 is here""#, None),
            (r#"a="a/4.20.0 or more""#, None),
            (r#"a="since 4.20.0""#, None),
            (r#"a="removed in b@4.20.0""#, None),
            (r#"a="https://example.org/4.20.0""#, None),
            (r#"a="4.20.0"#, None),
            (
                r#"a="1.2.3456789012345678901234567890123456789012345678901234567890123456789012345678901234567890""#,
                None,
            ),
            ("a=`v${b}4.20.0`", None),
            ("a=`a/4.20.0${b}`", None),
            ("if(a){}b/4.20.0", None),
        ] {
            let mut found: BTreeSet<&[u8]> = BTreeSet::new();
            tokens::tokens(text.as_bytes(), |token| {
                found.extend(version(text.as_bytes(), token.at as usize));
            });
            let expected: BTreeSet<&[u8]> = expected.iter().map(|version| version.as_bytes()).collect();
            assert_eq!(found, expected, "{text}");
        }
        for text in ["", "'", "}", "`"] {
            assert_eq!(
                version(text.as_bytes(), 0).or(version(text.as_bytes(), 1)),
                None,
                "{text}"
            );
        }
        assert_eq!(version(b"'1.0.0'", usize::MAX), None);
    }

    #[test]
    fn which_releases_say_which_they_are() {
        let saying = |named: &[&[&str]]| -> Vec<usize> {
            let release = |(i, named): (usize, &&[&str])| Release {
                version: format!("1.{i}.0"),
                named: named.iter().map(|version| Hash::of(version.as_bytes())).collect(),
                ..Release::default()
            };
            let releases: Vec<Release> = named.iter().enumerate().map(release).collect();
            let saying = saying(&releases);
            (0..releases.len()).filter(|place| saying.contains(*place)).collect()
        };
        let own: [&[&str]; 4] = [&["1.0.0"], &["1.1.0", "7.0.0"], &["1.2.0"], &["1.3.0"]];
        assert_eq!(saying(&own), [0, 1, 2, 3]);
        // Two in a row do so by chance.
        assert_eq!(saying(&[&["1.0.0"], &["1.1.0"], &[], &["1.3.0"]]), [0usize; 0]);
        // All name the last one.
        let of_last = ["1.4.0"];
        let all: [&[&str]; 5] = [
            &["1.0.0", "1.4.0"],
            &["1.1.0", "1.4.0"],
            &["1.2.0", "1.4.0"],
            &of_last,
            &of_last,
        ];
        assert_eq!(saying(&all), [0, 1, 2]);
        // One was published with the version before it in it.
        assert_eq!(saying(&[&["1.0.0"], &["1.1.0"], &["1.2.0"], &["1.2.0"]]), [0, 1, 2]);
    }

    #[test]
    fn what_a_bundle_says() {
        let package = Package {
            name: "a".to_owned(),
            published: (0..8).map(|i| format!("1.{i}.0")).collect(),
            // 1.1.0 was not, and does as the one before it; the last two say nothing of themselves.
            looked_into: vec![0, 2, 3, 4, 5, 6, 7],
            saying: VersionSet::stretch(0, 4),
            ..Package::default()
        };
        let own = [Some(7), Some(9)];
        let (other, nobody) = ([Some(9), Some(9)], [None, None]);
        for (code, named, expected) in [
            (&["1.2.0", "1.3.0", "1.4.0"][..], &[("1.3.0", own)][..], &["1.3.0"][..]),
            (&["1.2.0", "1.3.0"], &[("1.3.0", other)], &["1.3.0"]),
            (&["1.0.0", "1.1.0"], &[("1.1.0", nobody)], &["1.1.0"]),
            (&[], &[("1.3.0", own)], &["1.3.0"]),
            // Where code allows any, a version is anybody's.
            (&[], &[("1.3.0", other)], &[]),
            // What code does not allow is another's.
            (&["1.2.0", "1.3.0"], &[("1.4.0", own)], &["1.2.0", "1.3.0"]),
            (
                &["1.2.0", "1.3.0"],
                &[("1.2.0", own), ("1.3.0", own)],
                &["1.2.0", "1.3.0"],
            ),
            (&["1.2.0", "1.3.0"], &[("1.2.0", other), ("1.3.0", own)], &["1.3.0"]),
            // The two behind it may say the same.
            (
                &["1.5.0", "1.6.0", "1.7.0"],
                &[("1.5.0", own)],
                &["1.5.0", "1.6.0", "1.7.0"],
            ),
            (&["1.4.0", "1.5.0", "1.6.0"], &[("1.5.0", own)], &["1.5.0", "1.6.0"]),
            (&["1.6.0", "1.7.0"], &[("1.6.0", own)], &["1.6.0", "1.7.0"]),
        ] {
            let code = code.iter().map(|version| (*version).to_owned()).collect();
            let (claim, member) = unseen(7, package.clone(), code);
            let named = named.iter().map(|(version, beside)| Named {
                hash: Hash::of(version.as_bytes()),
                at: 0,
                beside: *beside,
            });
            let named: Vec<Named> = named.collect();
            let mut members = [member];
            heed(&named, &mut members, &[claim]);
            assert_eq!(members[0].versions, expected, "{named:?}");
            assert_eq!(members[0].pinned, expected.len() == 1);
        }
    }
}
