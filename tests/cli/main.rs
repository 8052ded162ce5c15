//! The commands and what they print: scans, reports, policy, manual, README.
#![allow(clippy::unwrap_used, missing_docs)]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod determinism;
mod manual;
mod policy;
mod readme;
mod report;
mod scan;
