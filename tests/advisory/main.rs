//! Advisories: what a record means, the index, its updates over HTTP, what else is known of packages.
#![allow(
    clippy::format_collect,
    clippy::print_stdout,
    clippy::similar_names,
    clippy::unwrap_used,
    dead_code,
    missing_docs
)]

#[path = "../common/mod.rs"]
mod common;
mod enrich;
mod facts;
mod index;
mod naive;
#[path = "../common/server.rs"]
mod server;
mod signals;
mod store;
mod tls;
mod typosquat;
mod update;
mod versions;
