//! Compiles `advisories/<ecosystem>/<ID>.json` into one blob that the binary embeds: a line of JSON per record, sorted by
//! id. A record that does not parse, or whose file is not named by its id, stops the build.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=advisories");
    let mut records: Vec<(String, String)> = Vec::new();
    for ecosystem in ["npm", "PyPI", "crates.io"] {
        let folder = Path::new("advisories").join(ecosystem);
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("folder can be listed").path();
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let record: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let id = record["id"].as_str().unwrap_or_default().to_owned();
            assert!(
                path.file_stem().is_some_and(|stem| *stem == *id)
                    && record["modified"].is_string()
                    && record["affected"].is_array(),
                "{}: an OSV record has `id` (as the file is named), `modified` and `affected`",
                path.display()
            );
            records.push((id, record.to_string()));
        }
    }
    records.sort();
    let blob: String = records.into_iter().map(|(_, line)| line + "\n").collect();
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("advisories.jsonl");
    fs::write(&out, blob).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
}
