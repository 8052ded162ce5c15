//! The facts of the embedded records against the published ones: our words are our own, what they state is not.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::Path,
};

/// Published records of one ecosystem, by id.
fn published(zip: &Path) -> BTreeMap<String, Value> {
    let mut archive = zip::ZipArchive::new(File::open(zip).unwrap()).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut text = String::new();
            archive.by_index(i).unwrap().read_to_string(&mut text).unwrap();
            let record: Value = serde_json::from_str(&text).unwrap();
            (record["id"].as_str().unwrap().to_owned(), record)
        })
        .collect()
}

/// A list as a sorted one: the order of aliases, versions and ratings means nothing.
fn sorted(list: &Value, of: impl Fn(&Value) -> Value) -> Vec<String> {
    let mut texts: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| of(v).to_string())
        .collect();
    texts.sort();
    texts
}

/// Everything of a record that is a fact and that a scan may rest on. The order of the events in a range is kept.
fn facts(record: &Value) -> Value {
    let rating = |s: &Value| json!([s["type"], s["score"]]);
    let date = |member: &str| record.get(member).cloned().unwrap_or_default();
    json!({
        "id": record["id"],
        "modified": date("modified"),
        "published": date("published"),
        "withdrawn": date("withdrawn"),
        "aliases": sorted(&record["aliases"], Value::clone),
        "severity": sorted(&record["severity"], rating),
        "affected": sorted(&record["affected"], |a| json!({
            "package": [a["package"]["ecosystem"], a["package"]["name"]],
            "ranges": sorted(&a["ranges"], |r| json!([r["type"], r["events"]]))
                .into_iter()
                // Commits, which ours leave out: no version can be looked up in them.
                .filter(|range| !range.starts_with(r#"["GIT""#))
                .collect::<Vec<_>>(),
            "versions": sorted(&a["versions"], Value::clone),
            "severity": sorted(&a["severity"], rating),
            "informational": a["database_specific"].get("informational").cloned().unwrap_or_default(),
        })),
    })
}

#[test]
fn embedded_records_state_the_published_facts() {
    let mut wrong = Vec::new();
    let (mut compared, mut alone) = (0, 0);
    for ecosystem in ["npm", "PyPI", "crates.io"] {
        let Some(zip) = super::common::shared(&format!("osv/{ecosystem}/all.zip")) else {
            return;
        };
        let published = published(&zip);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("advisories").join(ecosystem);
        for entry in fs::read_dir(folder).unwrap() {
            let ours: Value = serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
            let Some(theirs) = published.get(ours["id"].as_str().unwrap()) else {
                alone += 1;
                continue;
            };
            compared += 1;
            let (ours, theirs) = (facts(&ours), facts(theirs));
            for (member, value) in ours.as_object().unwrap() {
                if *value != theirs[member] {
                    let cut = |v: &Value| v.to_string().chars().take(300).collect::<String>();
                    wrong.push(format!(
                        "{} {member}: {}, published {}",
                        ours["id"],
                        cut(value),
                        cut(&theirs[member])
                    ));
                }
            }
        }
    }
    println!("{compared} records compared, {alone} are not among the published ones here");
    assert!(wrong.is_empty(), "{} facts differ:\n{}", wrong.len(), wrong.join("\n"));
}
