//! Chunks: what a bundler wrote into files of their own, to be loaded when it is needed. The newest clients of AWS load half of
//! their code so.
//!
//! A chunk is judged with the bundle that it is of: what is needed in one is there in the other, and webpack writes a module into each
//! chunk that may be loaded without another. Which bundle that is follows from names alone, so that the bundle finds the same chunks
//! that leave themselves to it, and no file is read to tell it.

use crate::{archive::Contents, detect::Neighbours};
use std::sync::{Mutex, PoisonError};

/// Files of a folder that are looked at, and chunks of a bundle; more are judged each by itself.
const MOST: usize = 500;

/// Bytes of all chunks of a bundle that are kept at once.
pub(in crate::detect) const MOST_BYTES: usize = 32 << 20;

/// What begins a chunk, within so many bytes.
const HEAD_BYTES: usize = 2048;

/// A chunk and what is in it.
pub(in crate::detect) struct Chunk {
    /// Its path in the archive.
    pub(in crate::detect) path: String,
    /// Its text.
    pub(in crate::detect) text: Vec<u8>,
}

/// The bundle that a file is a chunk of, by its name; `None` where it is none, or more than one might be.
pub(in crate::detect) fn bundle_of(path: &str, neighbours: &dyn Neighbours) -> Option<String> {
    let (folder, name) = split(path);
    chunk(name)?;
    let (_, bundles) = scripts(folder, neighbours)?;
    let bundle = bundle_among(&bundles, name).map(|bundle| format!("{folder}{bundle}"));
    // A source map tells more than code does.
    bundle.filter(|bundle| !is_mapped(path, neighbours) && !is_mapped(bundle, neighbours))
}

/// Chunks of a bundle, by path; and how many more there are, for which there is no room.
pub(in crate::detect) fn of(bundle: &str, neighbours: &dyn Neighbours) -> (Vec<Chunk>, usize) {
    let (folder, own) = split(bundle);
    if chunk(own).is_some() || is_mapped(bundle, neighbours) {
        return (Vec::new(), 0);
    }
    let (chunks, bundles) = scripts(folder, neighbours).unwrap_or_default();
    let own_chunks = chunks
        .into_iter()
        .filter(|name| bundle_among(&bundles, name) == Some(own));
    let paths: Vec<String> = own_chunks
        .map(|name| format!("{folder}{name}"))
        .filter(|path| !is_mapped(path, neighbours))
        .collect();
    let read = Mutex::new((Vec::new(), 0, 0));
    let visited: Vec<&str> = paths.iter().map(|path| &**path).collect();
    neighbours.visit(&visited, &|at, Contents { bytes, .. }| {
        if is_chunk(&bytes) {
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            let (chunks, size, left) = &mut *read;
            if *size + bytes.len() > MOST_BYTES {
                *left += 1;
            } else {
                *size += bytes.len();
                chunks.push((at, bytes.into_owned()));
            }
        }
    });
    let (mut chunks, _, left) = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    chunks.sort_by_key(|(at, _)| *at);
    let chunk = |(at, text): (usize, Vec<u8>)| {
        Some(Chunk {
            path: paths.get(at)?.clone(),
            text,
        })
    };
    (chunks.into_iter().filter_map(chunk).collect(), left)
}

/// Whether a file's contents are those of a chunk: what it exports are modules, or it is one of several that import one another.
pub(in crate::detect) fn is_chunk(text: &[u8]) -> bool {
    const MODULES: [&[u8]; 4] = [
        b"exports.modules",
        b"exports.ids",
        b"__webpack_ids__",
        b"__rspack_esm_ids",
    ];
    let head = &text[..text.len().min(HEAD_BYTES)];
    let is_of_webpack = MODULES.iter().any(|mark| memchr::memmem::find(head, mark).is_some());
    is_of_webpack
        || [&b"export{"[..], b"export {", b"export default "]
            .iter()
            .any(|mark| memchr::memmem::rfind(text, mark).is_some())
}

enum Named<'n> {
    /// `12.index.js`, of `index.js`.
    After(&'n str),
    /// `12.js`; `chunk-ABCDEFG2.js`, or after what is loaded in it, `lodash-8dnrdygg.js`.
    Alone,
}

/// What the name of a file says of the bundle that it is a chunk of; `None` if it is no name of a chunk.
fn chunk(name: &str) -> Option<Named<'_>> {
    let (stem, ending) = name.split_once('.')?;
    let is_ending = |text: &str| ENDINGS.contains(&text);
    // Eight letters alone are a word.
    let is_mixed = |hash: &str| hash.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let is_hash = |hash: &str| hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_alphanumeric()) && is_mixed(hash);
    if !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit()) {
        let last = ending.rsplit('.').next()?;
        return match ending {
            _ if is_ending(ending) => Some(Named::Alone),
            _ if is_ending(last) => Some(Named::After(ending)),
            _ => None,
        };
    }
    let hash = stem.rsplit_once('-').map(|(_, hash)| hash);
    (hash.is_some_and(is_hash) && is_ending(ending)).then_some(Named::Alone)
}

const ENDINGS: [&str; 3] = ["js", "mjs", "cjs"];

/// The one of the bundles of a folder that a chunk in it is of.
fn bundle_among<'n>(bundles: &[&'n str], name: &str) -> Option<&'n str> {
    match (chunk(name)?, bundles) {
        (Named::After(bundle), _) => bundles.iter().copied().find(|name| *name == bundle),
        (Named::Alone, [only]) => Some(only),
        (Named::Alone, _) => None,
    }
}

fn is_mapped(path: &str, neighbours: &dyn Neighbours) -> bool {
    neighbours.has(&format!("{path}.map"))
}

/// Names of the scripts directly in a folder: those of chunks, and of what may load them; `None` where there are too many files.
fn scripts<'n>(folder: &str, neighbours: &'n dyn Neighbours) -> Option<(Vec<&'n str>, Vec<&'n str>)> {
    let names: Vec<&str> = neighbours.children(folder).take(MOST + 1).collect();
    let is_script = |name: &&str| {
        name.rsplit_once('.')
            .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
    };
    let is_chunk = |name: &&str| chunk(name).is_some();
    (names.len() <= MOST).then(|| names.into_iter().filter(is_script).partition(is_chunk))
}

/// A path's folder, with its slash, and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Member;

    /// Files by their paths, each a chunk with so many bytes more.
    struct Folder<'p>(&'p [&'p str], usize);

    impl Neighbours for Folder<'_> {
        fn entries(&self) -> &[Member] {
            &[]
        }
        fn has(&self, path: &str) -> bool {
            self.0.contains(&path)
        }
        fn below<'n>(&'n self, _: &str) -> Box<dyn Iterator<Item = &'n Member> + 'n> {
            Box::new(std::iter::empty())
        }
        fn children<'n>(&'n self, folder: &str) -> Box<dyn Iterator<Item = &'n str> + 'n> {
            let folder = folder.to_owned();
            let below = self.0.iter().filter_map(move |path| path.strip_prefix(&*folder));
            Box::new(below.filter(|name| !name.contains('/')))
        }
        fn visit(&self, paths: &[&str], visitor: &(dyn Fn(usize, Contents<'_>) + Sync)) {
            for at in 0..paths.len() {
                let bytes = [b"exports.id=1,exports.modules={}", &*vec![b' '; self.1]].concat();
                let problem = None;
                visitor(
                    at,
                    Contents {
                        bytes: bytes.into(),
                        problem,
                    },
                );
            }
        }
    }

    #[test]
    fn a_chunk_is_of_the_bundle_that_its_name_says() {
        for (paths, chunk, expected) in [
            // webpack and ncc: after the bundle.
            (
                &["a/12.index.js", "a/index.js", "a/other.js"][..],
                "a/12.index.js",
                Some("a/index.js"),
            ),
            (&["12.index.mjs", "index.js"], "12.index.mjs", None),
            // No chunk of a chunk.
            (&["12.34.js", "34.js", "index.js"], "12.34.js", None),
            (&["12.34.index.js", "34.index.js", "index.js"], "12.34.index.js", None),
            // By its number alone, where there is but one bundle.
            (
                &["a/12.js", "a/345.js", "a/main.cjs", "a/b.txt", "main.js"],
                "a/12.js",
                Some("a/main.cjs"),
            ),
            (&["12.js", "main.js", "other.js"], "12.js", None),
            (&["12.js", "345.js"], "12.js", None),
            // esbuild, bun and rollup.
            (&["chunk-ABCDEFG2.js", "main.js"], "chunk-ABCDEFG2.js", Some("main.js")),
            (
                &["a-8dnrdygg.js", "chunk-ABCDEFGH.js", "main.js"],
                "a-8dnrdygg.js",
                Some("main.js"),
            ),
            (&["lambda-function.js", "main.js"], "lambda-function.js", None),
            // The map of either tells more.
            (&["12.index.js", "index.js", "index.js.map"], "12.index.js", None),
            (&["12.js", "12.js.map", "index.js"], "12.js", None),
            (&["index.js", "main.js"], "index.js", None),
            (&[], ".js", None),
        ] {
            let folder = Folder(paths, 0);
            assert_eq!(bundle_of(chunk, &folder).as_deref(), expected, "{chunk} {paths:?}");
            // The bundle finds it, and no other does.
            for path in paths {
                let finds = of(path, &folder).0.iter().any(|found| found.path == chunk);
                assert_eq!(finds, expected == Some(path), "{path} {chunk}");
            }
        }
    }

    #[test]
    fn a_chunk_in_a_crowd_speaks_for_itself() {
        let crowd: Vec<String> = (0..MOST).map(|i| format!("{i}.index.js")).collect();
        for (more, expected) in [(&["index.js"][..], None), (&[], None)] {
            let paths: Vec<&str> = crowd.iter().map(|path| &**path).chain(more.iter().copied()).collect();
            let folder = Folder(&paths, 0);
            assert_eq!(bundle_of("7.index.js", &folder).as_deref(), expected);
            assert!(of("index.js", &folder).0.is_empty());
        }
        let paths: Vec<&str> = crowd[1..].iter().map(|path| &**path).chain(["index.js"]).collect();
        let folder = Folder(&paths, 0);
        assert_eq!(bundle_of("7.index.js", &folder).as_deref(), Some("index.js"));
        assert_eq!(of("index.js", &folder).0.len(), MOST - 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let folder = Folder(&["1.a.js", "2.a.js", "3.a.js", "a.js"], MOST_BYTES * 2 / 5);
        let (chunks, left) = of("a.js", &folder);
        assert_eq!((chunks.len(), left), (2, 1));
    }

    #[test]
    fn chunks_begin_as_their_bundlers_write_them() {
        for (text, expected) in [
            (
                &b"\"use strict\";exports.id=109,exports.ids=[109],exports.modules={1:e=>{}}"[..],
                true,
            ),
            (
                b"export const __webpack_ids__=[1];export const __webpack_modules__={}",
                true,
            ),
            (b"import{a}from'./chunk-XYZ.js';var b=a;export{b as c}", true),
            (b"module.exports = { id: 12 }", false),
            (b"", false),
        ] {
            assert_eq!(is_chunk(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }
}
