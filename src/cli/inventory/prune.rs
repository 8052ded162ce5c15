//! `plimsoll inventory prune`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{diff, prune, store::Mode, table::Table};
use serde_json::json;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Prune {
    /// How much history to keep: so many runs (30), or days (90d)
    #[arg(long, value_name = "RUNS|DAYS")]
    keep: String,

    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Prune) -> Done {
    let mut store = args.at.open(Mode::Change)?;
    let now = super::super::output::now();
    let wrong = || format!("--keep {}: expected a number of runs, or of days like 90d", args.keep);
    let before = if let Some(days) = args.keep.strip_suffix('d') {
        let days: u64 = days.parse().map_err(|_| wrong())?;
        let then = days
            .checked_mul(86_400)
            .and_then(|s| now.checked_sub(Duration::from_secs(s)))
            .ok_or_else(wrong)?;
        let then = humantime::format_rfc3339_seconds(then).to_string();
        diff::since(&mut store, Some(&then))? + 1
    } else {
        let keep: usize = args.keep.parse().map_err(|_| wrong())?;
        let runs = store.runs().map_err(|e| e.to_string())?;
        let last = runs.last().map_or(0, |run| run.id + 1);
        keep.checked_sub(1)
            .and_then(|n| runs.iter().rev().nth(n.min(runs.len().saturating_sub(1))))
            .map_or(last, |run| run.id)
    };
    let time = humantime::format_rfc3339_seconds(now).to_string();
    let pruned = prune::prune(&mut store, before, &time).map_err(|e| e.to_string())?;
    let mut table = Table::new(&["forgotten", "count"], "");
    for (what, count) in [
        ("functions", pruned.functions),
        ("findings", pruned.findings),
        ("artifacts", pruned.artifacts),
        ("runs", pruned.runs),
    ] {
        table.push(vec![json!(what), json!(count)]);
    }
    Ok(args.answer.write(&table))
}
