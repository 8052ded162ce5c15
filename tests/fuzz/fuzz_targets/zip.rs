//! The zip walker and the reading of what it lists.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::{
    archive::{Budget, Tree as _, zip::Zip},
    limits::Limits,
};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { total_bytes: 16 << 20, ..Limits::default() };
    let Some(zip) = Zip::open(bytes, &limits) else { return };
    let budget = Budget::for_artifact(&limits, bytes.len() as u64);
    let all: Vec<usize> = (0..zip.entries().len()).collect();
    zip.visit(&all, &budget, &|i, opened| {
        let member = &zip.entries()[i];
        assert!(opened.peek().len() <= plimsoll::archive::PEEK_BYTES, "{member:?}");
        // One half is read, the other one only finished.
        if i % 2 == 0 {
            let _ = opened.read(1 << 20, "entry-bytes");
        } else {
            let _ = opened.finish();
        }
    });
});
