//! Programs that plimsoll cannot take apart: written in another language, or a whole Node or Python application packed into
//! one file. They say nothing of what is in them, so the report does: a `bootstrap` that nobody could see into is never clean.

use super::{
    DetectError, Detector, Interest, Sink,
    python::folders,
    rust::{BINARIES, traces::is_rust},
};
use crate::{
    archive::{Entry, EntryMeta},
    parse::binary::is_executable,
};
use memchr::memmem;

pub(super) struct NativeBinary;

/// What packs an application with its runtime, by what it leaves in the file, and how often at least: the runtime alone holds
/// some of these texts once, to look for them.
const PACKERS: &[(&[u8], usize, &str)] = &[
    (
        b"\n---- Bun! ----\n",
        2,
        "a JavaScript application packed by `bun build --compile`",
    ),
    (b"d3n0l4nd", 2, "a JavaScript application packed by `deno compile`"),
    (
        b"NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1",
        1,
        "a JavaScript application packed as Node's single executable",
    ),
    (b"pkg/prelude/bootstrap.js", 1, "a JavaScript application packed by pkg"),
    (b"<nexe~~sentinel>", 1, "a JavaScript application packed by nexe"),
    (
        b"MEI\x0c\x0b\x0a\x0b\x0e",
        1,
        "a Python application packed by PyInstaller",
    ),
    (b"NUITKA_ONEFILE_PARENT", 1, "a Python application packed by Nuitka"),
];

impl Detector for NativeBinary {
    fn id(&self) -> &'static str {
        "native-binary"
    }

    fn reads(&self) -> &'static str {
        "programs that are not Rust, by magic (reported as gaps): Go, C, applications packed by bun, deno, pkg, PyInstaller"
    }

    fn technique(&self) -> &'static str {
        "binary-analysis"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        // Those that an installed package carries are that package's own.
        if meta.in_node_modules() {
            Interest::Skip
        } else {
            Interest::Magic(BINARIES)
        }
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let bytes = entry.bytes;
        // What a Lambda function starts is a program, whatever is left of its header.
        let (program, go) = (
            is_executable(bytes) || entry.meta.path == "bootstrap",
            memmem::find(bytes, b"\xff Go buildinf:").is_some(),
        );
        let left_behind =
            |(mark, times, _): &&(&[u8], usize, _)| memmem::find_iter(bytes, mark).take(*times).count() == *times;
        if let Some((.., what)) = PACKERS.iter().filter(|_| program).find(left_behind) {
            found.blind(format!(
                "{what}: what is in it was not seen; scan what it is packed from"
            ));
        } else if go || program && !is_rust(bytes) && !in_python_package(entry.meta.path, found) {
            let language = if go { "Go" } else { "not Rust" };
            let reason = format!("native code ({language}): what it was built from was not identified");
            // The function itself, or something that comes with it.
            if entry.meta.path == "bootstrap" || found.neighbours.entries().len() < 2 {
                found.blind(reason);
            } else {
                found.partial(reason);
            }
        }
        Ok(())
    }
}

/// Whether a Python distribution brought it: inside a package, or in the folder of scripts beside the metadata.
fn in_python_package(path: &str, found: &Sink<'_>) -> bool {
    let is_metadata = |name: &str| folders::stem(name).is_some();
    path.match_indices('/').take(32).any(|(at, _)| {
        let folder = &path[..at];
        found.neighbours.has(&format!("{folder}/__init__.py"))
            || folder
                .strip_suffix("bin")
                .is_some_and(|site| found.neighbours.children(site).any(is_metadata))
    })
}
