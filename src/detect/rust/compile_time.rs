//! Crates that run in the compiler or beside it, and are in no binary: procedural macros, what they are made of, and what build
//! scripts and tests use. Neither a lock file nor audit data says which those are.

/// Crates that only make sense to macros; whatever else depends on one of them directly is a macro, or a part of one.
pub(in crate::detect) fn is_toolkit(name: &str) -> bool {
    matches!(name, "proc-macro2" | "quote" | "syn")
}

/// Whether a crate is a procedural macro, or a part of one, by its name and by whether it depends on the toolkit.
pub(in crate::detect) fn is_macro(name: &str, uses_toolkit: bool) -> bool {
    uses_toolkit && !is_toolkit(name) || is_plain_macro(name) || is_derive(name)
}

/// Some crates that are called so are macros by example, and libraries.
fn is_derive(name: &str) -> bool {
    has_ending(name, &["derive"]) && !matches!(name, "custom_derive" | "enum_derive" | "newtype_derive")
}

/// Procedural macros that are made without the toolkit and are not called so.
fn is_plain_macro(name: &str) -> bool {
    matches!(
        name,
        "rustversion"
            | "time-macros"
            | "paste"
            | "pastey"
            | "seq-macro"
            | "indoc"
            | "proc-macro-hack"
            | "const-random-macro"
            | "multiversion_no_op"
            | "array-const-fn-init"
    )
}

/// Of what macros are made of: whether it is one itself, by its name, and no library that runs in one.
pub(in crate::detect) fn is_macro_name(name: &str) -> bool {
    is_plain_macro(name) || has_ending(name, &["macro", "macros", "derive", "attr", "impl"])
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    let mut endings = endings.iter().filter_map(|end| name.strip_suffix(end));
    endings.any(|start| start.ends_with(['-', '_']))
}

/// Crates that tests and benchmarks use, and programs hardly ever.
pub(super) fn is_test_tool(name: &str) -> bool {
    matches!(
        name,
        "assert_cmd"
            | "assert_fs"
            | "assert_matches"
            | "axum-test"
            | "criterion"
            | "divan"
            | "fake"
            | "httpmock"
            | "insta"
            | "mockall"
            | "mockito"
            | "predicates"
            | "pretty_assertions"
            | "proptest"
            | "quickcheck"
            | "rstest"
            | "serial_test"
            | "similar-asserts"
            | "snapbox"
            | "temp-env"
            | "test-case"
            | "test-log"
            | "testcontainers"
            | "tokio-test"
            | "tracing-test"
            | "trybuild"
            | "trycmd"
            | "wiremock"
    )
}

/// Crates that build scripts use, and programs do not.
pub(super) fn is_build_tool(name: &str) -> bool {
    let is_generator = ["-build", "_build", "-codegen", "_codegen", "bindgen"];
    is_generator.iter().any(|end| name.ends_with(end))
        || matches!(
            name,
            "autocfg"
                | "autotools"
                | "cc"
                | "cfg_aliases"
                | "cmake"
                | "find-msvc-tools"
                | "jobserver"
                | "pkg-config"
                | "rustc_version"
                | "shlex"
                | "vcpkg"
                | "vergen"
                | "version_check"
        )
}
