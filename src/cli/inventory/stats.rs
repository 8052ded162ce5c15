//! `plimsoll inventory stats`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{ask, store::Mode};

#[derive(Args)]
pub(super) struct Stats {
    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Stats) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let table = ask::stats(&mut store).map_err(|e| e.to_string())?;
    Ok(args.answer.write(&table))
}
