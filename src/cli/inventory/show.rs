//! `plimsoll inventory show`.

use super::{Answer, At, Done};
use crate::cli::to_stdout;
use clap::Args;
use plimsoll::{
    escape,
    fleet::{
        ask,
        store::Mode,
        table::{Format, Table},
    },
};
use serde_json::{Map, Value};
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct Show {
    /// The function's name
    #[arg(value_name = "FUNCTION")]
    name: String,

    #[command(flatten)]
    at: At,

    #[command(flatten)]
    answer: Answer,
}

pub(super) fn run(args: &Show) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let rows = ask::functions_named(&mut store, &args.name).map_err(|e| e.to_string())?;
    if rows.is_empty() {
        return Err(format!(
            "no function is called `{}`; `plimsoll inventory list` names them",
            args.name
        ));
    }
    let shown: Vec<ask::Shown> = rows
        .iter()
        .map(|row| ask::show(&mut store, row))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let format = args.answer.format();
    Ok(match format {
        Format::Json => to_stdout(|out| {
            let all: Vec<Value> = shown.iter().map(json).collect();
            escape::json(&Value::Array(all), out)?;
            out.write_all(b"\n")
        }),
        // One table to a file: what it ships is what tables of functions are joined with.
        Format::Csv => shown
            .iter()
            .map(|one| args.answer.write(&one.components))
            .next()
            .unwrap_or(ExitCode::SUCCESS),
        Format::Text => to_stdout(|out| {
            for one in &shown {
                for (head, table) in parts(one) {
                    if !head.is_empty() {
                        writeln!(out, "\n{head}")?;
                    }
                    table.write(format, out)?;
                }
            }
            Ok(())
        }),
    })
}

fn parts(one: &ask::Shown) -> [(&'static str, &Table); 5] {
    [
        ("", &one.facts),
        ("components", &one.components),
        ("findings", &one.findings),
        ("gaps", &one.gaps),
        ("deployments", &one.deployments),
    ]
}

fn json(one: &ask::Shown) -> Value {
    let mut object = Map::new();
    for (head, table) in parts(one) {
        if head.is_empty() {
            let rows = table.json();
            for row in rows.as_array().into_iter().flatten() {
                if let Some(name) = row["fact"].as_str() {
                    object.insert(name.to_owned(), row["value"].clone());
                }
            }
        } else {
            object.insert(head.to_owned(), table.json());
        }
    }
    Value::Object(object)
}
