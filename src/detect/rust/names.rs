//! Crate names: which identifiers are crates of crates.io, and which are the standard library's own.

use std::{collections::HashMap, sync::LazyLock};

/// Crates of crates.io by their published spelling, from `data/crate-names.txt`, by the identifier that code uses.
static PUBLISHED: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    include_str!("../../../data/crate-names.txt")
        .lines()
        .map(|name| (identifier(name), name))
        .collect()
});

/// The identifier of a crate in code: `-` is no letter there.
pub(in crate::detect) fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

/// The published spelling of an identifier, if a well-known crate has it.
pub(in crate::detect) fn published(identifier: &str) -> Option<&'static str> {
    PUBLISHED.get(identifier).copied()
}

/// Crates that every Rust program holds because the standard library is made of them. Seen in symbols they say nothing:
/// the same name from crates.io looks the same there.
pub(in crate::detect) fn is_std(identifier: &str) -> bool {
    matches!(
        identifier,
        "std"
            | "core"
            | "alloc"
            | "proc_macro"
            | "test"
            | "panic_unwind"
            | "panic_abort"
            | "unwind"
            | "std_detect"
            | "compiler_builtins"
            | "rustc_std_workspace_core"
            | "rustc_std_workspace_alloc"
            | "addr2line"
            | "adler"
            | "adler2"
            | "cfg_if"
            | "gimli"
            | "hashbrown"
            | "libc"
            | "memchr"
            | "miniz_oxide"
            | "object"
            | "rustc_demangle"
            | "rustc_literal_escaper"
            | "wasi"
            | "dlmalloc"
            | "hermit_abi"
            | "fortanix_sgx_abi"
            | "getopts"
            | "unicode_width"
            | "r_efi"
            | "r_efi_alloc"
            | "windows_targets"
            | "windows_link"
            | "backtrace"
            | "backtrace_rs"
    )
}

/// Whether these bytes may be the name of a crate: what crates.io accepts.
pub(in crate::detect) fn is_crate_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_as_published() {
        for (identifier, name) in [
            ("serde_json", Some("serde_json")),
            ("proc_macro2", Some("proc-macro2")),
            ("lambda_runtime", Some("lambda_runtime")),
            ("aho_corasick", Some("aho-corasick")),
            ("bootstrap_of_mine", None),
        ] {
            assert_eq!(published(identifier), name, "{identifier}");
        }
        assert!(PUBLISHED.len() > 1500);
        assert!(PUBLISHED.values().all(|name| is_crate_name(name)));
    }
}
