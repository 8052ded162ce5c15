//! The tar walker, plain and inflated, held in memory and streamed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::{
    archive::{Budget, Tree, gzip, nested, tar::Tar},
    limits::Limits,
};

fn visit(tree: &dyn Tree, budget: &Budget) {
    let all: Vec<usize> = (0..tree.entries().len()).collect();
    tree.visit(&all, budget, &|i, opened| {
        let _ = (opened.peek().len(), i);
        let _ = opened.read(1 << 20, "entry-bytes");
    });
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { total_bytes: 16 << 20, ..Limits::default() };
    let budget = Budget::for_artifact(&limits, bytes.len() as u64);
    let _ = nested::guess(bytes, "x.tgz");
    if gzip::is_magic(bytes) {
        visit(&Tar::open_gzip(bytes, &budget), &budget);
        let limits = Limits { spool_bytes: 64, ..limits };
        let budget = Budget::for_artifact(&limits, bytes.len() as u64);
        visit(&Tar::open_gzip(bytes, &budget), &budget);
    } else {
        visit(&Tar::open(bytes, &limits), &budget);
    }
});
