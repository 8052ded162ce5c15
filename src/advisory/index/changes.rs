//! Of which packages two indexes say different things: all that a new generation can change for what was already scanned.

use super::{
    cursor::Cursor,
    decode,
    read::{Index, IndexError, LOST},
};
use crate::{ecosystem, model::EcosystemId};
use std::collections::BTreeSet;

type Result<T> = std::result::Result<T, IndexError>;

/// What a record says of itself but for the time of its last change, which comes without any other.
type Heads<'i> = Vec<(Box<[u8]>, (u8, &'i [u8]))>;

/// Packages, by ecosystem and normalised name, for which a look-up can be answered in another way by `new` than by `old`: a
/// record about them came, went, was withdrawn, or says something else. A record of which only the time of its last change
/// is another makes no difference: publishers write that anew by the thousand.
///
/// Both are read once, in order, and compared as they are packed: two indexes of 300,000 records take a fraction of a second,
/// two of the same digest no time. That an index begins or ceases to hold an ecosystem ([`super::Meta::sources`]) is not told
/// beyond the packages that have records: then the embedded default ceases or begins to stand in, and all of that ecosystem
/// is to be looked at.
///
/// # Errors
/// When any part of either is damaged.
pub fn changes(old: &Index, new: &Index) -> Result<BTreeSet<(EcosystemId, Box<str>)>> {
    let mut changed = BTreeSet::new();
    if old.digest() == new.digest() {
        return Ok(changed);
    }
    let (old_heads, new_heads) = (heads(old)?, heads(new)?);
    let mut before: Vec<(Box<[u8]>, Cursor<'_>)> = Vec::new();
    old.names.each(&old.bytes, &mut |key, body| {
        before.push((key.into(), body));
        Ok(())
    })?;
    let mut note = |key: &[u8]| -> Result<()> {
        let (code, name) = decode::name(key)?;
        if let Some(row) = ecosystem::ALL.iter().find(|row| super::code(row.osv) == Some(code)) {
            changed.insert((row.id, name.into()));
        }
        Ok(())
    };
    let mut before = before.into_iter().peekable();
    new.names.each(&new.bytes, &mut |key, body| {
        while let Some((gone, _)) = before.next_if(|(old, _)| **old < *key) {
            note(&gone)?;
        }
        let same = match before.next_if(|(old, _)| **old == *key) {
            Some((_, was)) => alike(was, &old_heads, body, &new_heads)?,
            None => false,
        };
        if same { Ok(()) } else { note(key) }
    })?;
    before.try_for_each(|(gone, _)| note(&gone))?;
    Ok(changed)
}

fn heads(index: &Index) -> Result<Heads<'_>> {
    let mut heads = Vec::new();
    index.records.each(&index.bytes, &mut |key, body| {
        heads.push((key.into(), decode::timeless(body)?));
        Ok(())
    })?;
    Ok(heads)
}

/// Whether two lists of what records say of a package are the same, of the same records.
fn alike(mut a: Cursor<'_>, a_heads: &Heads<'_>, mut b: Cursor<'_>, b_heads: &Heads<'_>) -> Result<bool> {
    while !a.is_empty() && !b.is_empty() {
        let lost = IndexError::Malformed(LOST);
        let (Some(a_head), Some(b_head)) = (a_heads.get(a.usize()?), b_heads.get(b.usize()?)) else {
            return Err(lost);
        };
        if a_head != b_head || a.bytes()? != b.bytes()? {
            return Ok(false);
        }
    }
    Ok(a.is_empty() && b.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{advisory::Record, ecosystem::NPM};

    fn index(records: &[String]) -> Index {
        let records: Vec<Record> = records
            .iter()
            .map(|json| serde_json::from_str(json).expect("a record"))
            .collect();
        Index::from_bytes(super::super::build(records, Vec::new())).expect("an index")
    }

    fn record(id: u32, name: &str, rest: &str) -> String {
        format!(
            r#"{{"id":"X-{id}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"versions":["1.0.0"]}},
                {{"package":{{"ecosystem":"Debian","name":"else"}}}}],{rest}}}"#
        )
    }

    #[test]
    fn names_of_records_that_say_something_else() {
        let time = r#""modified":"2026-01-01T00:00:00Z""#;
        let old = [record(1, "a", time), record(2, "b", time), record(3, "b", time)];
        let later = r#""modified":"2026-02-01T00:00:00.5Z""#;
        let alias = [time, r#""aliases":["CVE-1"]"#].join(",");
        let withdrawn = [time, r#""withdrawn":"2026-02-01T00:00:00Z""#].join(",");
        let one = |i: usize, with: String| {
            let mut new = old.to_vec();
            new[i] = with;
            new
        };
        for (what, new, expected) in [
            ("nothing", old.to_vec(), &[][..]),
            ("the time alone", one(0, record(1, "a", later)), &[]),
            ("another name of the flaw", one(0, record(1, "a", &alias)), &["a"]),
            ("withdrawn", one(1, record(2, "b", &withdrawn)), &["b"]),
            ("gone", old[..2].to_vec(), &["b"]),
            ("all gone", Vec::new(), &["a", "b"]),
            ("another package", one(2, record(3, "c", time)), &["b", "c"]),
            ("another id", one(0, record(0, "a", time)), &["a"]),
            ("another version", one(0, old[0].replace("1.0.0", "1.0.1")), &["a"]),
            (
                "one before all others",
                [&[record(0, "A", time)], &old[..]].concat(),
                &["A"],
            ),
        ] {
            let (old, new) = (index(&old), index(&new));
            let named = |found: BTreeSet<(EcosystemId, Box<str>)>| -> Vec<String> {
                found
                    .into_iter()
                    .map(|(ecosystem, name)| {
                        assert_eq!(ecosystem, NPM.id);
                        name.into()
                    })
                    .collect()
            };
            assert_eq!(named(changes(&old, &new).expect("whole")), expected, "{what}");
            assert_eq!(
                named(changes(&new, &old).expect("whole")),
                expected,
                "{what}, backwards"
            );
        }
    }
}
