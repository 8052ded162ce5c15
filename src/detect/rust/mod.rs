//! What the Rust detectors share: which files are binaries, what their bytes say, what a lock file says.

pub(super) mod compile_time;
pub(super) mod lock;
pub(super) mod names;
pub(super) mod paths;
pub(super) mod pins;
pub(super) mod platform;
pub(super) mod requires;
pub(super) mod source;
pub(super) mod spare;
pub(super) mod symbols;
mod table;
pub(super) mod traces;

/// First bytes of the formats that rustc links: ELF, PE, Mach-O (thin and fat) and WebAssembly.
pub(super) const BINARIES: &[&[u8]] = &[
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
];
