//! `plimsoll inventory sync`.

use super::{At, Done};
use anstream::eprintln;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll::{
    audit,
    escape::terminal,
    fleet::{
        Shard, source,
        store::Mode,
        sync::{self, Options, Summary, Watch},
    },
    limits::Limits,
};
use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
    thread,
};

pub(super) const HELP: &str = "\
Sources:
  FOLDER                every archive below it
  FILE.zip              one archive
  s3://BUCKET/PREFIX    an object store (also gs://, az://), with the environment variables of its own tools
  lambda://REGION       deployed Lambda functions and layers (also PROFILE@REGION,REGION), as the AWS tools find credentials
  FILE.csv, FILE.jsonl  a manifest: name, path or url, runtime, owner, memory, timeout, layers, tags, sha256, etag

Examples:
  plimsoll inventory sync dist/
  plimsoll inventory sync functions.csv --store postgres://plimsoll@db.example/inventory --shard 2/4

What has not changed since the last run is not read again. --shard is also taken from Kubernetes' Indexed Jobs
(JOB_COMPLETION_INDEX, with PLIMSOLL_SHARDS for how many), AWS Batch's array jobs and Slurm's job arrays.

Exit codes:
  0  everything was looked at
  2  usage, input/output or store error; something could not be read: it is told, and stays in the store";

#[derive(Args)]
pub(super) struct Sync {
    /// Where artifacts come from
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,

    #[command(flatten)]
    at: At,

    /// Only this part of the functions: I of N, from 1
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,

    /// Artifacts to read at the same time; as many as there are processors unless given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    /// Memory for artifacts that are being read; takes a suffix K, M or G
    #[arg(long, value_name = "BYTES", default_value = "128M", value_parser = bytes)]
    memory: u64,

    /// Bytes a second to fetch at most, over all jobs; takes a suffix K, M or G
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    bandwidth: Option<u64>,

    /// What one artifact may cost, repeatable, as for `plimsoll scan`
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = super::super::inputs::limit)]
    limits: Vec<String>,

    /// Account profile to ask with, repeatable, where a source has such
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,

    /// No progress on standard error
    #[arg(short, long)]
    quiet: bool,
}

/// A number of bytes with a suffix.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no number of bytes; expected one like 128M");
    let (number, shift) = match text.trim_end_matches(['B', 'b']).as_bytes() {
        [number @ .., b'k' | b'K'] => (number, 10),
        [number @ .., b'm' | b'M'] => (number, 20),
        [number @ .., b'g' | b'G'] => (number, 30),
        number => (number, 0),
    };
    let number: u64 = std::str::from_utf8(number)
        .ok()
        .and_then(|n| n.parse().ok())
        .ok_or_else(wrong)?;
    number.checked_mul(1 << shift).filter(|n| *n > 0).ok_or_else(wrong)
}

/// Counts, rate and time left, on a terminal.
struct Progress(ProgressBar);

impl Progress {
    fn new(quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let template = "{bar:24} {pos}/{len} functions, {per_sec}, {eta} left{msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Watch for Progress {
    fn listed(&self, functions: usize, _: bool) {
        self.0.set_length(functions as u64);
    }

    fn done(&self, functions: usize, failed: usize) {
        self.0.set_position(functions as u64);
        if failed > 0 {
            self.0.set_message(format!(", {failed} failed"));
        }
    }
}

pub(super) fn run(args: &Sync) -> Done {
    let shard = match args.shard {
        Some(shard) => shard,
        None => Shard::of_scheduler(|name| env::var(name).ok())?.unwrap_or(Shard::WHOLE),
    };
    let jobs = match args.jobs {
        Some(jobs) => usize::from(jobs),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build_global();
    pool.map_err(|e| format!("threads cannot be started: {e}"))?;
    let mut limits = Limits::default();
    for text in &args.limits {
        limits.set(text).map_err(|e| format!("--limit {text}: {e}"))?;
    }
    let settings = source::Settings {
        profiles: args.profiles.clone(),
    };
    let mut sources = Vec::new();
    for text in &args.sources {
        sources.extend(source::open(text, &settings).map_err(|e| e.to_string())?);
    }
    let mut store = args.at.open(Mode::Make)?;
    let options = Options {
        scan: audit::Options {
            limits,
            ..audit::Options::default()
        },
        shard,
        jobs,
        memory: args.memory,
        bandwidth: args.bandwidth,
    };
    let progress = Progress::new(args.quiet);
    let done = sync::sync(&mut store, &sources, &options, &progress, super::super::output::now());
    progress.0.finish_and_clear();
    let summary = done.map_err(|e| e.to_string())?;
    for (source, name, message) in &summary.failures {
        eprintln!("error: {} {}: {}", terminal(source), terminal(name), terminal(message));
    }
    if !args.quiet {
        eprintln!("{}", told(&summary));
    }
    Ok(ExitCode::from(if summary.failures.is_empty() { 0 } else { 2 }))
}

fn told(summary: &Summary) -> String {
    format!(
        "run {}: {} functions, {} unchanged, {} artifacts read, {} shared, {} retold, {} gone, {} failed",
        summary.run,
        summary.listed,
        summary.unchanged,
        summary.read,
        summary.shared,
        summary.retold,
        summary.gone,
        summary.failures.len()
    )
}
