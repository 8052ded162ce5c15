//! `plimsoll inventory report`.

use super::{At, Done};
use crate::cli::{output, to_stdout};
use clap::Args;
use plimsoll::fleet::{
    page::{self, data},
    store::Mode,
};
use std::{fs, path::PathBuf, process::ExitCode};

pub(super) const HELP: &str = "\
Example:
  plimsoll inventory report -o html=inventory.html   loads nothing from anywhere: mail it, or put it where people look";

#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    at: At,

    /// html, or html=FILE; to standard output unless a file is given
    #[arg(short = 'o', long = "output", value_name = "FORMAT[=FILE]", default_value = "html", value_parser = output)]
    output: Output,
}

#[derive(Clone)]
struct Output(Option<PathBuf>);

fn output(text: &str) -> Result<Output, String> {
    match text.split_once('=') {
        None if text == "html" => Ok(Output(None)),
        Some(("html", "")) => Err("no file after `=`".to_owned()),
        Some(("html", file)) => Ok(Output(Some(file.into()))),
        _ => Err(format!("no format `{text}`; there is: html")),
    }
}

pub(super) fn run(args: &Report) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let now = output::now();
    let overview = data::gather(&mut store, now).map_err(|e| e.to_string())?;
    let made = humantime::format_rfc3339_seconds(now).to_string();
    let Some(file) = &args.output.0 else {
        return Ok(to_stdout(|out| page::write(&overview, &made, None, out)));
    };
    let mut html = Vec::new();
    let written = page::write(&overview, &made, None, &mut html).and_then(|()| fs::write(file, html));
    written.map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(ExitCode::SUCCESS)
}
