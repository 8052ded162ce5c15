//! `plimsoll inventory list`.

use super::{Answer, At, Done};
use clap::Args;
use plimsoll::fleet::{store::Mode, table::Table};
use serde_json::{Value, json};

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,

    /// Also functions that are gone
    #[arg(long)]
    gone: bool,
}

pub(super) fn run(args: &List) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let columns = [
        "name",
        "source",
        "runtime",
        "memory_mb",
        "timeout_s",
        "owner",
        "last_modified",
        "sha256",
        "layers",
        "tags",
        "first_run",
        "gone_run",
        "failed",
    ];
    let mut table = Table::new(&columns, "no function is known; `plimsoll inventory sync` reads some");
    let mut rows = Vec::new();
    let listed = store.functions(&mut |row| {
        if row.gone_run.is_none() || args.gone {
            rows.push(row);
        }
        Ok(())
    });
    listed.map_err(|e| e.to_string())?;
    rows.sort_by(|a, b| (&a.function.name, &a.source).cmp(&(&b.function.name, &b.source)));
    for row in rows {
        let function = row.function;
        table.push(vec![
            json!(function.name),
            json!(row.source),
            json!(function.runtime),
            json!(function.memory_mb),
            json!(function.timeout_s),
            json!(function.owner),
            json!(function.last_modified),
            json!(row.digest),
            json!(function.layers),
            json!(function.tags),
            json!(row.first_run),
            row.gone_run.map_or(Value::Null, |run| json!(run)),
            json!(row.failed),
        ]);
    }
    Ok(args.answer.write(&table))
}
