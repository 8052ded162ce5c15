//! Which records are about one flaw: GHSA, PYSEC, RUSTSEC and CVE names, joined by true union-find, so that a chain of
//! aliases makes one group whatever the order of the records.

use super::Record;
use std::collections::HashMap;

/// Groups of indices into `records` that are connected through ids and aliases; in the order of their first record.
pub(super) fn groups(records: &[&Record]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..records.len()).collect();
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    for (i, record) in records.iter().enumerate() {
        for name in std::iter::once(&record.id).chain(&record.aliases) {
            let known = *first_with.entry(name).or_insert(i);
            let (a, b) = (root(&mut parent, known), root(&mut parent, i));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); records.len()];
    for i in 0..records.len() {
        groups[root(&mut parent, i)].push(i);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_aliases_is_one_group_in_any_order() {
        let record = |id: &str, aliases: &[&str]| -> Record {
            let aliases = serde_json::json!(aliases);
            serde_json::from_value(serde_json::json!({"id": id, "modified": "", "aliases": aliases})).expect("a record")
        };
        let chain = [
            record("GHSA-1", &["CVE-1"]),
            record("PYSEC-9", &[]),
            record("PYSEC-1", &["CVE-2"]),
            record("OSV-1", &["CVE-1", "CVE-2"]),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let records: Vec<&Record> = order.iter().map(|&i| &chain[i]).collect();
            let mut sizes: Vec<usize> = groups(&records).iter().map(Vec::len).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, [1, 3]);
        }
    }
}
