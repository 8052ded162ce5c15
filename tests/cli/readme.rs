//! The README's tables are what the registries say. `UPDATE=1 cargo test --test cli readme` writes them again.

use std::fmt::Write as _;

fn table(rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    rows.fold(String::new(), |mut table, (id, says)| {
        writeln!(table, "| `{id}` | {says} |").unwrap();
        table
    })
}

#[test]
fn tables_derive_from_the_registries() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let mut readme = std::fs::read_to_string(path).unwrap();
    let before = readme.clone();
    for (name, rows) in [
        (
            "detectors",
            table(plimsoll::detect::ALL.iter().map(|d| (d.id(), d.reads()))),
        ),
        (
            "rules",
            table(plimsoll::check::ALL.iter().map(|c| (c.rule().id, c.rule().title))),
        ),
        (
            "formats",
            table(plimsoll::report::ALL.iter().map(|r| (r.id(), r.purpose()))),
        ),
    ] {
        let (from, to) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = readme.find(&from).unwrap() + from.len();
        let end = readme.find(&to).unwrap();
        readme.replace_range(start..end, &rows);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &readme).unwrap();
    } else {
        assert!(
            before == readme,
            "README.md differs from the registries: UPDATE=1 cargo test --test cli readme"
        );
    }
}
