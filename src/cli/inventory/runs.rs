//! `plimsoll inventory runs`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{store::Mode, table::Table};
use serde_json::{Value, json};

#[derive(Args)]
pub(super) struct Runs {
    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Runs) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let columns = [
        "run", "kind", "state", "part", "started", "finished", "program", "summary",
    ];
    let mut table = Table::new(&columns, "there was no run");
    for run in store.runs().map_err(|e| e.to_string())? {
        let summary: Value = serde_json::from_str(&run.summary).unwrap_or(Value::Null);
        table.push(vec![
            json!(run.id),
            json!(run.kind),
            json!(run.state),
            json!(run.part),
            json!(run.started),
            json!(run.finished),
            json!(run.program),
            summary,
        ]);
    }
    Ok(args.answer.write(&table))
}
