//! The house rules, as tests: which room may import which, and that every file of a registry's folder is registered.
#![allow(missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Lower floors first; a module may name modules of lower floors only.
const FLOORS: &[&[&str]] = &[
    &["limits", "escape", "http", "disk", "model"],
    &["ecosystem"],
    &["archive", "parse"],
    &["fingerprint"],
    &["detect", "inventory", "names"],
    &["advisory"],
    &["check"],
    &["report", "enrich"],
    &["policy"],
    &["audit"],
    &["fleet"],
    &["cli"],
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("folder can be listed") {
            let path = entry.expect("entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Top-level modules that a file's code names, tests included, comments left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let head = |s: &str| -> String {
        s.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut named = BTreeSet::new();
    for part in code.split("crate::").chain(code.split("plimsoll::")).skip(1) {
        let Some(list) = part.strip_prefix('{') else {
            named.insert(head(part));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    named.insert(head(&std::mem::take(&mut item)));
                }
                _ => {}
            }
            if c != ',' || depth > 0 {
                item.push(c);
            }
        }
        named.insert(head(&item));
    }
    named
}

#[test]
fn imports_go_one_way() {
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut wrong = Vec::new();
    for file in sources(Path::new("src")) {
        let own = file
            .strip_prefix("src")
            .expect("below src")
            .iter()
            .next()
            .expect("not empty")
            .to_string_lossy();
        let own = own.trim_end_matches(".rs").to_owned();
        if matches!(&*own, "lib" | "main") {
            continue;
        }
        let own_floor = floor(&own).unwrap_or_else(|| panic!("{own} is on no floor: give it one in tests/house.rs"));
        for named in imports(&fs::read_to_string(&file).expect("source can be read")) {
            if named != own && floor(&named).is_some_and(|named_floor| named_floor >= own_floor) {
                wrong.push(format!("{} names {named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports upward or sideways: {wrong:#?}");
}

#[test]
fn every_file_of_a_registry_folder_is_registered_under_its_name() {
    let detectors = plimsoll::detect::ALL.iter().map(|d| d.id()).collect();
    let checks = plimsoll::check::ALL.iter().map(|c| c.rule().id).collect();
    let reporters = plimsoll::report::ALL.iter().map(|r| r.id()).collect();
    let registries: [(&str, BTreeSet<&str>); 3] = [("detect", detectors), ("check", checks), ("report", reporters)];
    for (folder, ids) in registries {
        let files: BTreeSet<String> = fs::read_dir(Path::new("src").join(folder))
            .expect("folder can be listed")
            .map(|entry| entry.expect("entry can be read").path())
            .filter(|path| path.is_file()) // a folder holds what several of them share
            .map(|path| {
                path.file_stem()
                    .expect("has a name")
                    .to_string_lossy()
                    .replace('_', "-")
            })
            .filter(|stem| stem != "mod")
            .collect();
        let ids: BTreeSet<String> = ids.into_iter().map(str::to_owned).collect();
        assert_eq!(files, ids, "src/{folder} and its registry differ");
    }
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    let rules = plimsoll::check::ALL.iter().map(|c| c.rule().id);
    let ids: Vec<&str> = plimsoll::detect::ALL.iter().map(|d| d.id()).chain(rules).collect();
    for id in &ids {
        assert!(
            id.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{id}"
        );
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn files_are_as_long_as_a_reader_wants() {
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("source can be read");
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        assert!(
            lines <= 600,
            "{}: {lines} lines without its tests; which second idea lives there?",
            file.display()
        );
    }
}
