//! Compiles `advisories/<ecosystem>/<ID>.json` into an index that the binary embeds, with the crate's own writer. A record that
//! does not parse, or whose file is not named by its id, stops the build.

use std::{borrow::Cow, env, fs, path::Path};

// The crate's own files, each of which names only its siblings here.
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
#[path = "src/advisory/index/format.rs"]
mod format;
#[allow(dead_code, unreachable_pub)]
#[path = "src/advisory/index/meta.rs"]
mod meta;
#[allow(dead_code, unreachable_pub)]
#[path = "src/advisory/osv.rs"]
mod osv;
#[allow(unreachable_pub)]
#[path = "src/ecosystem/pep503.rs"]
mod pep503;
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
#[path = "src/advisory/index/write.rs"]
mod write;

fn main() {
    println!("cargo::rerun-if-changed=advisories");
    let (mut packed, mut sources) = (write::Packed::default(), Vec::new());
    for ecosystem in format::ECOSYSTEMS {
        println!("cargo::rerun-if-changed=advisories/{ecosystem}");
        let folder = Path::new("advisories").join(ecosystem);
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("folder can be listed").path();
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut record: osv::Record =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert!(
                path.file_stem().is_some_and(|stem| *stem == *record.id) && !record.affected.is_empty(),
                "{}: an OSV record has `id` (as the file is named), `modified` and `affected`",
                path.display()
            );
            record.condense();
            packed.push(&record, &name);
        }
        sources.push(meta::Source {
            ecosystem: ecosystem.to_owned(),
            from: "embedded".to_owned(),
            ..meta::Source::default()
        });
    }
    let index = packed.write(sources);
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("advisories.index");
    fs::write(&out, index).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
}

fn name<'p>(ecosystem: &str, name: &'p str) -> write::Named<'p> {
    let code = format::ECOSYSTEMS.iter().position(|known| *known == ecosystem)?;
    let name = match ecosystem {
        "PyPI" => pep503::normalise(name),
        _ => Cow::Borrowed(name),
    };
    Some((u8::try_from(code).ok()?, name))
}
