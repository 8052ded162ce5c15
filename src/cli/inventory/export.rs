//! `plimsoll inventory export`.

use super::{At, Done};
use clap::{Args, ValueEnum};
use plimsoll::fleet::{export, store::Mode};
use std::{path::PathBuf, process::ExitCode};

pub(super) const HELP: &str = "\
Tables, partitioned by the day of the last run (DIR/components/date=2026-11-25/part-0.parquet):
  functions   name, source, location, digest, runtime, memory_mb, timeout_s, layers, last_modified, owner, tags, failed,
              first_seen, gone
  components  digest, ecosystem, name, version, purl, proof, confidence, direct, by_way_of
  edges       digest, ecosystem, from_name, from_version, to_name, to_version
  findings    function, source, rule, level, severity, score, ecosystem, name, version, advisory, aliases, fixed_in, message,
              exploited, epss, first_seen, last_seen, fixed_on
  gaps        digest, kind, stage, location, reason

Example, in DuckDB:
  SELECT f.name FROM 'DIR/functions/*/*.parquet' f JOIN 'DIR/components/*/*.parquet' c USING (digest, date)
  WHERE c.name = 'lodash' AND f.gone IS NULL";

#[derive(Args)]
pub(super) struct Export {
    /// Folder to write to; a night that is exported again replaces its own files
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    #[command(flatten)]
    at: At,

    /// What the tables are written as
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Parquet)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
}

pub(super) fn run(args: &Export) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let Format::Parquet = args.format;
    let written = export::parquet(&mut store, &args.folder).map_err(|e| e.to_string())?;
    for (table, rows) in written.rows {
        anstream::println!("{table:<12} {rows:>9} rows, date={}", written.date);
    }
    Ok(ExitCode::SUCCESS)
}
