//! What is seen in artifacts: every detector, every language, the real zips beside the project.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod crashes;
mod fingerprint;
mod fingerprint_alike;
mod fingerprint_file;
mod fingerprint_registry;
mod node;
mod python;
mod rust;
#[path = "../common/server.rs"]
mod server;
mod table;
