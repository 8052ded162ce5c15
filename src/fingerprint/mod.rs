//! Packages known by their code: which tokens of JavaScript survive a minifier ([`tokens`]), what of them is compared
//! ([`grams`]).

pub mod grams;
mod literals;
pub mod tokens;
