//! Packages known by their code: which tokens of JavaScript survive a minifier ([`tokens`]), the runs of them that are
//! compared ([`grams`]), the file of those that are known ([`index`]) and how it is made ([`registry`], [`tarball`], [`build`]),
//! what they say for each package (`ground`), and what a bundle shows ([`claims`]).

mod apart;
pub mod build;
mod carried;
pub mod claims;
mod family;
mod fresh;
pub mod grams;
mod ground;
pub mod index;
mod judge;
mod led_to;
mod likely;
mod literals;
mod modules;
mod needs;
mod pinned;
mod range;
pub mod record;
pub mod registry;
mod rule;
mod says;
mod served;
mod source;
pub mod tarball;
pub mod tokens;
mod twins;
mod unseen;
mod verdict;
pub mod version_set;
mod versions;

pub use claims::{Claim, claims};
pub use index::{Index, IndexError};
pub use pinned::Told;
pub use rule::Rule;
