//! A file of fingerprints, and a bundle read with the embedded one: the first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll::fingerprint::{Index, claims, grams::Stream};

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    if choice % 2 == 0 {
        if let Some(index) = Index::embedded() {
            let _ = claims(&Stream::of(bytes), index);
        }
    } else if let Ok(index) = Index::from_bytes(bytes.to_vec()) {
        let _ = index.verify();
        let _ = claims(&Stream::of(bytes), &index);
    }
});
