//! `plimsoll inventory diff`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{diff, store::Mode};

#[derive(Args)]
pub(super) struct Diff {
    /// A run's number, or a day (2026-11-20) or time; since the run before the last sync unless given
    #[arg(long, value_name = "DATE|RUN")]
    since: Option<String>,

    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Diff) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let since = diff::since(&mut store, args.since.as_deref())?;
    let table = diff::diff(&mut store, since).map_err(|e| e.to_string())?;
    Ok(args.answer.write(&table))
}
