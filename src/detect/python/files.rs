//! Versions of distributions whose code states none, by the contents of a few of their files: `data/python-files.tsv`.

use super::marshal;
use crate::{detect::Neighbours, parse::hexadecimal};
use pep440_rs::Version;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr as _,
    sync::LazyLock,
};

/// By distribution, then by file: hash and versions of each known content, of source and of bytecode.
type Files = BTreeMap<&'static str, [HashMap<&'static str, &'static str>; 2]>;

static FILES: LazyLock<HashMap<&'static str, Files>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Files> = HashMap::new();
    for line in include_str!("../../../data/python-files.tsv").lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().filter(|field| !field.is_empty());
        if let (Some(distribution), Some(file), Some(kind @ ("s" | "b")), Some(hash), Some(versions)) =
            (next(), next(), next(), next(), next())
        {
            let forms = all.entry(distribution).or_default().entry(file).or_default();
            forms[usize::from(kind == "b")].insert(hash, versions);
        }
    }
    all
});

/// First digits of a SHA-256 that are kept: of the few contents of one file, no two share them by chance.
const DIGITS: usize = 16;

/// The versions that can have the files that are there, oldest first; none where a file is none that is known. `name` is
/// normalised.
pub(in crate::detect) fn versions(
    name: &str,
    root: &str,
    compiled: bool,
    around: &dyn Neighbours,
) -> Vec<&'static str> {
    let mut possible: Option<Vec<&str>> = None;
    for (file, forms) in FILES.get(name).into_iter().flatten() {
        let path = format!("{root}{file}{}", if compiled { "c" } else { "" });
        let Some(contents) = around.has(&path).then(|| around.read(&path)).flatten() else {
            continue;
        };
        let Some(hash) = hash(&contents.bytes, compiled) else {
            return Vec::new();
        };
        let Some(versions) = forms[usize::from(compiled)].get(hash.as_str()) else {
            return Vec::new();
        };
        let known: Vec<&str> = versions.split(' ').collect();
        possible = Some(match possible {
            Some(possible) => possible.into_iter().filter(|version| known.contains(version)).collect(),
            None => known,
        });
    }
    possible.unwrap_or_default()
}

/// Of the versions that its files can be of the only one of the release that its code states, which may be one made after it:
/// `2026.10.19.post1` still calls itself `2026.10.19`.
pub(in crate::detect) fn of_release(stated: &str, versions: &[&'static str]) -> Option<&'static str> {
    let release = |version: &str| Some(Version::from_str(version).ok()?.only_release());
    let own = release(stated)?;
    let mut same = versions
        .iter()
        .filter(|version| release(version).as_ref() == Some(&own));
    same.next().copied().filter(|_| same.next().is_none())
}

fn hash(bytes: &[u8], compiled: bool) -> Option<String> {
    let digest = if compiled {
        Sha256::digest(marshal::words(bytes)?.join("\n"))
    } else {
        Sha256::digest(bytes)
    };
    hexadecimal(&digest).get(..DIGITS).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_released_again() {
        for (stated, versions, version) in [
            (
                "2026.10.19",
                &["2026.10.18", "2026.10.19.post1"][..],
                Some("2026.10.19.post1"),
            ),
            ("1.0", &["1.0.0", "1.1"], Some("1.0.0")),
            ("1.0", &["1.0.0", "1.0.0.post1"], None),
            ("1.2", &["1.0.0"], None),
            ("not a version", &["1.0.0"], None),
        ] {
            assert_eq!(of_release(stated, versions), version, "{stated}");
        }
    }

    #[test]
    fn the_table_is_what_it_says() {
        for (name, files) in FILES.iter() {
            assert_eq!(*name, crate::ecosystem::PYPI.coordinate(name, None).name.as_ref());
            for (file, forms) in files {
                assert!(
                    file.strip_suffix(".py").is_some() && !forms[0].is_empty(),
                    "{name} {file}"
                );
                let hashes = forms.iter().flat_map(HashMap::keys);
                assert!(hashes.clone().all(|hash| hash.len() == DIGITS), "{name} {file}");
            }
        }
    }
}
