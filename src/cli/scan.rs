//! `plimsoll scan`.

use super::{advisories, enrich, policy, usage};
use anstream::{AutoStream, ColorChoice, eprintln};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll::{
    audit::{self, Given, Input, Options},
    check::Settings,
    ecosystem::Pattern,
    escape::terminal,
    fingerprint::Index,
    limits::{Limits, TABLE},
    model::{Gap, GapKind, Location, Severity},
    policy::{Baseline, Decisions, Vex},
    report::{self, Bar, Failure, Report, Reporter, Style},
};
use std::{
    env,
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll scan orders.zip                       a deployment zip
  plimsoll scan --each dist/                     every archive below a folder
  plimsoll scan -o text -o json=report.json f.zip  two reports of one scan
  plimsoll scan --fail-on high f.zip             a gate that lets medium and low pass
  plimsoll scan --policy gate.toml f.zip         what fails, and what is ignored (plimsoll policy init)
  plimsoll scan --baseline main.json f.zip       fails only on what main.json (of -o json) has not
  curl -s https://example.test/f.zip | plimsoll scan -

Exit codes:
  0  looked at everything, nothing at or above the bar (--fail-on)
  1  findings at or above the bar
  2  usage, input/output or database error
  3  no failing finding, but something could not be seen into at all";

#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // flags are
pub(super) struct Scan {
    /// Zip archives, wheels, executables, or folders that are each one unpacked artifact; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Scan every archive below a folder, instead of the folder as one artifact
    #[arg(long)]
    each: bool,

    /// Report to write, repeatable; to standard output unless a file is given
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    outputs: Vec<Output>,

    /// What makes exit code 1: a vulnerability at least this severe, or any finding of level error; any unless the policy
    /// says otherwise
    #[arg(long, value_name = "LEVEL", value_enum)]
    fail_on: Option<FailOn>,

    /// Policy to judge by; unless given, `plimsoll.toml` of the working directory or of a folder above it, up to the top of
    /// the repository
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// VEX document, repeatable: OpenVEX, or CycloneDX with vulnerabilities; what it says is not affected or fixed is ignored
    #[arg(long = "vex", value_name = "FILE")]
    vex: Vec<PathBuf>,

    /// Fail only on what is new since this report of `plimsoll scan -o json`
    #[arg(long, value_name = "REPORT.json")]
    baseline: Option<PathBuf>,

    /// Judge by no policy
    #[arg(long, conflicts_with = "policy")]
    no_policy: bool,

    /// Exit with 3 also when something could be seen into only in part
    #[arg(long)]
    require_coverage: bool,

    /// What an artifact may cost, repeatable
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<String>,

    #[command(flatten)]
    advisories: advisories::Flags,

    #[command(flatten)]
    enrich: enrich::Flags,

    /// Lock file that the artifact was built with, repeatable: names the versions of what is bundled in it
    #[arg(long = "lock", value_name = "FILE")]
    locks: Vec<PathBuf>,

    /// What the bundler said of its output, repeatable: esbuild's metafile, webpack's stats, rollup's output
    #[arg(long = "bundle-meta", value_name = "FILE")]
    bundle_meta: Vec<PathBuf>,

    /// Fingerprints by which packages in bundles are known, as `plimsoll fingerprints build` makes them
    #[arg(long, value_name = "FILE")]
    fingerprints: Option<PathBuf>,

    /// Do not compare installed Python files with the hashes in their RECORD
    #[arg(long)]
    no_verify_records: bool,

    /// No progress and no warnings on standard error
    #[arg(short, long)]
    quiet: bool,

    /// Every package, every location, every gap in the text report
    #[arg(short, long)]
    verbose: bool,

    /// Colours in the text report
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    color: When,

    /// Threads to use; as many as there are processors unless given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FailOn {
    None,
    Low,
    Medium,
    High,
    Critical,
    Any,
}

impl From<FailOn> for Bar {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::None => Self::Never,
            FailOn::Low => Self::AtLeast(Severity::Low),
            FailOn::Medium => Self::AtLeast(Severity::Medium),
            FailOn::High => Self::AtLeast(Severity::High),
            FailOn::Critical => Self::AtLeast(Severity::Critical),
            FailOn::Any => Self::Any,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// One `-o`.
#[derive(Clone)]
struct Output {
    reporter: &'static dyn Reporter,
    file: Option<PathBuf>,
}

impl Output {
    fn parse(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("no file after `=`".to_owned()),
            Some((format, file)) => (format, Some(file.into())),
            None => (text, None),
        };
        let reporter = report::ALL.iter().find(|reporter| reporter.id() == format);
        let known = || report::ALL.iter().map(|r| r.id()).collect::<Vec<_>>().join(", ");
        let reporter = *reporter.ok_or_else(|| format!("no format `{format}`; there are: {}", known()))?;
        Ok(Self { reporter, file })
    }
}

/// A `--limit` that [`Limits::set`] will take.
fn limit(text: &str) -> Result<String, String> {
    Limits::default().set(text).map(|()| text.to_owned())
}

/// Adds to the help what the registries say.
pub(super) fn describe(scan: clap::Command) -> clap::Command {
    let mut help = "Report to write, repeatable; to standard output unless a file is given\n".to_owned();
    for reporter in report::ALL {
        let _ = write!(help, "\n- {}: {}", reporter.id(), reporter.purpose());
    }
    let mut limits = "What an artifact may cost, repeatable; bytes take a suffix K, M or G\n".to_owned();
    for limit in TABLE {
        let _ = write!(
            limits,
            "\n- {}: {} (default {})",
            limit.name,
            limit.unit,
            limit.get(&Limits::default())
        );
    }
    scan.mut_arg("outputs", |arg| arg.long_help(help))
        .mut_arg("limits", |arg| arg.long_help(limits))
}

/// `plimsoll scan`.
pub(super) fn run(args: &mut Scan) -> ExitCode {
    if args.outputs.iter().filter(|o| o.file.is_none()).count() > 1 {
        return usage("standard output takes one report; give the others a file (-o FORMAT=FILE)");
    }
    let threads = args.jobs.map_or(0, usize::from); // 0: as many as there are processors
    if let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        return usage(&format!("threads cannot be started: {e}"));
    }
    let decided = match decisions(args) {
        Ok(decided) => decided,
        Err(message) => {
            for line in message.lines() {
                usage(&terminal(line));
            }
            return ExitCode::from(2);
        }
    };
    if let Err(message) = args.enrich.refuse(args.advisories.is_offline()) {
        return usage(&terminal(&message));
    }
    let mut options = match options(args, decided) {
        Ok(options) => options,
        Err(message) => return usage(&message),
    };
    let (inputs, failures) = inputs(args, &options.limits);
    let bar = progress(inputs.len(), args.quiet);
    let looked = audit::look(&inputs, &options, &|| bar.inc(1));
    bar.finish_and_clear();
    let chosen = match advisories::choose(&args.advisories, &looked, now(), args.quiet) {
        Ok(chosen) => chosen,
        Err(message) => return usage(&terminal(&message)),
    };
    args.enrich.apply(&mut options, &looked, now());
    let mut report = looked.judge(&options, &chosen.database, now());
    if let Some(reason) = chosen.stale {
        report.gaps.push(Gap {
            kind: GapKind::Partial,
            location: Location::new([].into(), ""),
            stage: "advisories",
            reason: reason.clone(),
        });
        report.exit_code = 2;
        eprintln!("error: {}", terminal(&reason));
    }
    if !failures.is_empty() {
        report.failures.extend(failures);
        report.exit_code = 2;
    }
    // Errors are told however quiet it is: an exit code alone helps nobody.
    for failure in &report.failures {
        eprintln!("error: {}: {}", terminal(&failure.path), terminal(&failure.message));
    }
    match write_all(&report, args) {
        Ok(()) => ExitCode::from(report.exit_code),
        // Whoever reads the report has seen enough.
        Err((_, e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(report.exit_code),
        Err((place, e)) => {
            eprintln!("error: {}: report cannot be written: {e}", terminal(&place));
            ExitCode::from(2)
        }
    }
}

fn open_fingerprints(path: &Path) -> Result<Arc<Index>, String> {
    Index::open(path)
        .map(Arc::new)
        .map_err(|e| format!("--fingerprints {}: {e}", terminal(&path.display().to_string())))
}

/// What was decided beforehand; a flag wins over the policy.
fn decisions(args: &mut Scan) -> Result<Decisions, String> {
    let mut policy = if args.no_policy {
        None
    } else {
        policy::of_scan(args.policy.as_deref())?
    };
    if let Some(policy) = &mut policy {
        args.advisories.govern(policy);
        args.require_coverage |= policy.require_coverage.unwrap_or_default();
        args.no_verify_records |= policy.verify_records == Some(false);
        // The flag speaks of the whole run: `--fail-on none` fails nothing.
        if args.fail_on.is_some() {
            policy.rules.clear();
            policy.fail_on_exploited = false;
        }
    }
    Ok(Decisions {
        policy,
        vex: args.vex.iter().map(|path| Vex::open(path)).collect::<Result<_, _>>()?,
        baseline: args.baseline.as_deref().map(Baseline::open).transpose()?,
    })
}

fn options(args: &Scan, decisions: Decisions) -> Result<Options, String> {
    let mut limits = Limits::default();
    let policy = decisions.policy.as_ref();
    for text in policy.iter().flat_map(|p| &p.limits).chain(&args.limits) {
        limits
            .set(text)
            .map_err(|e| format!("--limit {}: {e}", terminal(text)))?;
    }
    let shown =
        |flag: &str, path: &Path, e: &str| format!("{flag} {}: {}", terminal(&path.to_string_lossy()), terminal(e));
    let mut given = Given::default();
    for path in &args.locks {
        given.add_lock(path, &limits).map_err(|e| shown("--lock", path, &e))?;
    }
    for path in &args.bundle_meta {
        given
            .add_bundle_meta(path, &limits)
            .map_err(|e| shown("--bundle-meta", path, &e))?;
    }
    let allow = policy.iter().flat_map(|p| &p.typosquat_allow);
    let checks = Settings {
        typosquat_allow: allow
            .map(|text| Pattern::parse(text).map_err(|e| format!("[typosquat] allow: `{}`: {e}", terminal(text))))
            .collect::<Result<_, _>>()?,
        ..Settings::default()
    };
    Ok(Options {
        limits,
        given,
        fail_on: args
            .fail_on
            .map(Bar::from)
            .or(policy.and_then(|p| p.fail_on))
            .unwrap_or(Bar::Any),
        require_coverage: args.require_coverage,
        checks,
        fingerprints: args.fingerprints.as_deref().map(open_fingerprints).transpose()?,
        silent: if args.no_verify_records {
            vec!["python-record"]
        } else {
            Vec::new()
        },
        decisions,
        unasked: Vec::new(),
    })
}

fn inputs(args: &Scan, limits: &Limits) -> (Vec<Input>, Vec<Failure>) {
    let (mut inputs, mut failures) = (Vec::new(), Vec::new());
    for path in &args.paths {
        if path.as_os_str() == "-" {
            match stdin(limits) {
                Ok(bytes) => inputs.push(Input::Stdin(bytes)),
                Err(message) => failures.push(Failure {
                    path: "-".to_owned(),
                    message,
                }),
            }
        } else if args.each {
            let (more, failed) = audit::expand(vec![path.clone()]);
            inputs.extend(more);
            failures.extend(failed);
        } else {
            inputs.push(Input::Path(path.clone()));
        }
    }
    (inputs, failures)
}

fn stdin(limits: &Limits) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = io::stdin()
        .lock()
        .take(limits.artifact_bytes + 1)
        .read_to_end(&mut bytes);
    match read {
        Err(e) => Err(format!("standard input cannot be read: {e}")),
        Ok(n) if n as u64 > limits.artifact_bytes => Err(format!(
            "over the limit of {} bytes for one artifact",
            limits.artifact_bytes
        )),
        Ok(_) => Ok(bytes),
    }
}

/// On standard error, where that is a terminal and there is more than one thing to wait for.
fn progress(inputs: usize, quiet: bool) -> ProgressBar {
    if quiet || inputs < 2 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(inputs as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} artifacts, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// The time of the run; `SOURCE_DATE_EPOCH` makes it reproducible.
fn now() -> SystemTime {
    let epoch = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|seconds| seconds.parse().ok());
    epoch.map_or_else(SystemTime::now, |seconds| {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    })
}

fn write_all(report: &Report, args: &Scan) -> Result<(), (String, io::Error)> {
    let text = || Output::parse("text").into_iter().collect::<Vec<_>>();
    let outputs = if args.outputs.is_empty() {
        text()
    } else {
        args.outputs.clone()
    };
    for output in outputs {
        match &output.file {
            None => to_stdout(output.reporter, report, args).map_err(|e| ("standard output".to_owned(), e))?,
            Some(path) => {
                to_file(output.reporter, report, args, path).map_err(|e| (path.to_string_lossy().into_owned(), e))?;
            }
        }
    }
    Ok(())
}

fn to_stdout(reporter: &dyn Reporter, report: &Report, args: &Scan) -> io::Result<()> {
    let choice = match args.color {
        When::Auto => AutoStream::choice(&io::stdout()),
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    };
    let mut out = BufWriter::new(AutoStream::new(io::stdout(), choice));
    reporter.write(report, style(args, true), &mut out)?;
    out.flush()
}

fn to_file(reporter: &dyn Reporter, report: &Report, args: &Scan, path: &PathBuf) -> io::Result<()> {
    let mut out = BufWriter::new(AutoStream::never(File::create(path)?));
    reporter.write(report, style(args, false), &mut out)?;
    out.flush()
}

fn style(args: &Scan, terminal: bool) -> Style {
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    Style {
        width: columns.or_else(|| seen().filter(|_| terminal)).unwrap_or(80),
        verbose: args.verbose,
    }
}
