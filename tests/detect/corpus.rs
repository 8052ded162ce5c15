//! The real zips beside the project, one test per ecosystem: every component of the truth, and nothing else.

use plimsoll::audit::Input;
use std::{collections::BTreeSet, path::Path};

type Names = BTreeSet<(String, String)>;

/// Components of one ecosystem that plimsoll sees and that are there.
fn seen_and_there(folder: &Path, zip: &str, ecosystem: &str) -> (Vec<serde_json::Value>, Names) {
    let truth = std::fs::read_to_string(folder.join(format!("{zip}.truth.json"))).unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let there = truth["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c[0] == ecosystem);
    let there = there
        .map(|c| (c[1].as_str().unwrap().to_owned(), c[2].as_str().unwrap().to_owned()))
        .collect();
    let report = super::common::scan(Input::Path(folder.join(format!("{zip}.zip"))));
    let seen = report["artifacts"][0]["components"].as_array().unwrap().iter();
    (seen.filter(|c| c["ecosystem"] == ecosystem).cloned().collect(), there)
}

fn names<'a>(components: impl Iterator<Item = &'a serde_json::Value>) -> Names {
    components
        .map(|c| {
            (
                c["name"].as_str().unwrap().to_owned(),
                c["version"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

fn exact(ecosystem: &str, zips: &[&str]) {
    let Some(folder) = super::common::shared("corpus") else {
        return;
    };
    for zip in zips {
        let (seen, there) = seen_and_there(&folder, zip, ecosystem);
        assert_eq!(names(seen.iter()), there, "{zip}");
    }
}

#[test]
fn node() {
    exact(
        "npm",
        &[
            "node-modules",
            "node-modules-nolock",
            "node-layer",
            "node-azure",
            "node-pnpm",
        ],
    );
}

#[test]
fn python() {
    exact(
        "pypi",
        &[
            "py-pip-target",
            "py-layer",
            "py-layer-site",
            "py-bytecode",
            "py-eggs",
            "py-requirements",
        ],
    );
}

#[test]
fn rust() {
    exact("crates.io", &["rust-auditable"]);
}

#[test]
fn rust_with_a_lock_beside_it() {
    let Some(folder) = super::common::shared("corpus") else {
        return;
    };
    let (seen, there) = seen_and_there(&folder, "rust-lock", "crates.io");
    assert!(names(seen.iter()).is_superset(&there));
    let installed = |c: &&serde_json::Value| {
        c["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["proof"] == "installed")
    };
    let extra: Vec<_> = names(seen.iter().filter(installed))
        .difference(&there)
        .cloned()
        .collect();
    assert!(
        extra.is_empty(),
        "locked and not linked, yet called installed: {extra:?}"
    );
}
