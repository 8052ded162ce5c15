//! `plimsoll inventory find`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{ask, store::Mode};

pub(super) const HELP: &str = "\
Examples:
  plimsoll inventory find npm:lodash
  plimsoll inventory find 'npm:lodash@<4.17.21'
  plimsoll inventory find 'pypi:django@>=4.0,<4.2' -o csv
  plimsoll inventory find 'npm:@scope/*'";

#[derive(Args)]
pub(super) struct Find {
    /// The package: ECOSYSTEM:NAME, with bounds on its version after @; or a purl
    #[arg(value_name = "PACKAGE")]
    package: String,

    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Find) -> Done {
    let pattern = ask::pattern(&args.package)?;
    let mut store = args.at.open(Mode::Read)?;
    let table = ask::find(&mut store, &pattern).map_err(|e| e.to_string())?;
    Ok(args.answer.write(&table))
}
