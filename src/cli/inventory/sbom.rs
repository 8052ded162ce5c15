//! `plimsoll inventory sbom`.

use super::{At, Done};
use crate::cli::to_stdout;
use clap::{Args, ValueEnum};
use plimsoll::{
    audit,
    fleet::{
        ask,
        store::{FunctionRow, Mode, Store},
    },
    report::{self, Report, Reporter, Style},
};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll inventory sbom orders > orders.cdx.json
  plimsoll inventory sbom --all sboms/ -o spdx";

#[derive(Args)]
pub(super) struct Sbom {
    /// The function's name
    #[arg(value_name = "FUNCTION", required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,

    /// One file for every deployed function, in this folder
    #[arg(long, value_name = "DIR")]
    all: Option<PathBuf>,

    /// Its format
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum, default_value_t = Format::Cyclonedx)]
    format: Format,

    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Cyclonedx,
    Spdx,
    Json,
}

impl Format {
    fn reporter(self) -> Option<&'static dyn Reporter> {
        let id = match self {
            Self::Cyclonedx => "cyclonedx",
            Self::Spdx => "spdx",
            Self::Json => "json",
        };
        report::ALL.iter().copied().find(|r| r.id() == id)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Cyclonedx => "cdx.json",
            Self::Spdx => "spdx.json",
            Self::Json => "json",
        }
    }
}

const STYLE: Style = Style {
    width: 80,
    verbose: true,
};

pub(super) fn run(args: &Sbom) -> Done {
    let mut store = args.at.open(Mode::Read)?;
    let reporter = args.format.reporter().ok_or("there is no such format")?;
    if let Some(folder) = &args.all {
        return all(&mut store, folder, args.format, reporter);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let rows = ask::functions_named(&mut store, name).map_err(|e| e.to_string())?;
    let [row] = &*rows else {
        return Err(match rows.len() {
            0 => format!("no function is called `{name}`; `plimsoll inventory list` names them"),
            n => format!("{n} functions of different sources are called `{name}`; --all writes one for each"),
        });
    };
    let report = listed(&mut store, row)?.ok_or_else(|| format!("nothing was ever read of `{name}`"))?;
    Ok(to_stdout(|out| reporter.write(&report, STYLE, out)))
}

fn listed(store: &mut Store, row: &FunctionRow) -> Result<Option<Report>, String> {
    let artifact = ask::contents(store, row).map_err(|e| e.to_string())?;
    let options = audit::Options::default();
    let now = crate::cli::output::now();
    Ok(artifact.map(|artifact| {
        let mut report = audit::conclude(vec![artifact], Vec::new(), Vec::new(), &options, None, now);
        report.created = crate::cli::output::epoch();
        report
    }))
}

fn all(store: &mut Store, folder: &Path, format: Format, reporter: &dyn Reporter) -> Done {
    let failed = |place: &Path, e: &io::Error| format!("{}: {e}", place.display());
    fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    let mut rows = Vec::new();
    let deployed = store.functions(&mut |row| {
        if row.gone_run.is_none() {
            rows.push(row);
        }
        Ok(())
    });
    deployed.map_err(|e| e.to_string())?;
    let mut taken = HashSet::new();
    let mut code = ExitCode::SUCCESS;
    for row in &rows {
        let Some(report) = listed(store, row)? else {
            anstream::eprintln!(
                "error: {}: nothing was ever read of it",
                plimsoll::escape::terminal(&row.function.name)
            );
            code = ExitCode::from(2);
            continue;
        };
        let stem = stem(&row.function.name);
        let mut names = std::iter::once(stem.clone()).chain((2_usize..).map(|n| format!("{stem}-{n}")));
        let name = names.find(|name| taken.insert(name.clone())).unwrap_or(stem.clone());
        let path = folder.join(format!("{name}.{}", format.extension()));
        let write = || -> io::Result<()> {
            let mut out = BufWriter::new(File::create(&path)?);
            reporter.write(&report, STYLE, &mut out)?;
            out.flush()
        };
        write().map_err(|e| failed(&path, &e))?;
    }
    Ok(code)
}

/// A function's name as a file's: it leads nowhere else, and is no hidden file.
fn stem(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "._-@+".contains(c) {
            c
        } else {
            '_'
        }
    };
    let stem: String = name.chars().map(plain).take(150).collect();
    match stem.trim_start_matches('.') {
        "" => "function".to_owned(),
        stem => stem.to_owned(),
    }
}
