//! The advisory index: as it comes, and with every checksum made to hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::advisory::index::fuzz::{exercise, reseal};

fuzz_target!(|bytes: &[u8]| {
    exercise(bytes);
    let mut sealed = bytes.to_vec();
    reseal(&mut sealed);
    exercise(&sealed);
});
