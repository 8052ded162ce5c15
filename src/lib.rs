//! plimsoll says what is really inside a serverless deployment zip, and which of it is dangerous.
//!
//! The house, from the ground up; imports go one way only, and `tests/house.rs` holds it to that:
//!
//! | room | holds |
//! |---|---|
//! | [`limits`], [`escape`], [`http`], [`disk`], [`model`] | what everything may cost, untrusted text on its way out, downloads, files written whole, the nouns |
//! | [`ecosystem`] | one row of data per ecosystem |
//! | [`archive`], [`parse`] | zips and folders as trees of entries; documents into values |
//! | [`fingerprint`] | packages known by their code: tokens that survive minifiers, the file of those that are known, what a bundle shows |
//! | [`detect`], [`inventory`], [`names`] | one file per format recognised; what they saw, merged; names by popularity |
//! | [`advisory`] | OSV records, and which of them concern a component |
//! | [`check`] | one file per rule |
//! | [`report`], [`enrich`] | one file per output format; the rules that SARIF describes come from [`check`]; what the world says of packages today |
//! | [`policy`] | what people decided beforehand: what fails a run, what does not count, and why |
//! | [`audit`] | the pipeline, of one run; the only module that knows all those above |
//! | `fleet` | every deployed function, remembered from night to night; left out of a build without the feature of its name |
//!
//! Where this differs from the first sketch: [`parse`] is a room of its own, because several detectors read the same kinds
//! of documents and each kind has one hostile shape to survive; `advisory` stands above `inventory`, because matching is
//! asked of a whole inventory at once, so that every check shares one look-up per component.
//!
//! ```
//! use plimsoll::{advisory::Database, audit::{self, Input, Options}};
//! use std::{io::Write as _, time::SystemTime};
//!
//! let folder = tempfile::tempdir()?;
//! let package = folder.path().join("node_modules/minimist");
//! std::fs::create_dir_all(&package)?;
//! write!(std::fs::File::create(package.join("package.json"))?, r#"{{"name":"minimist","version":"1.2.5"}}"#)?;
//!
//! let inputs = [Input::Path(folder.path().to_owned())];
//! let report = audit::audit(&inputs, &Options::default(), &Database::embedded(), SystemTime::now(), &|| {});
//! let finding = &report.artifacts[0].findings[0];
//! assert_eq!(finding.advisory.as_deref(), Some("GHSA-xvch-5gv4-984h"));
//! assert_eq!(&*finding.fixed_in[0], "1.2.6");
//! assert_eq!(report.exit_code, 1);
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod advisory;
pub mod archive;
pub mod audit;
pub mod check;
pub mod detect;
pub mod disk;
pub mod ecosystem;
pub mod enrich;
pub mod escape;
pub mod fingerprint;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod http;
pub mod inventory;
pub mod limits;
pub mod model;
pub mod names;
pub mod parse;
pub mod policy;
pub mod report;
