//! Reports on their way out: `-o`, standard output, files, folders of files.

use anstream::{AutoStream, ColorChoice, eprintln};
use clap::{Args, ValueEnum};
use plimsoll::{
    escape::terminal,
    report::{self, Artifact, Report, Reporter, Scope, Style},
};
use std::{
    collections::HashSet,
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

/// Flags of a command that reports.
#[derive(Args)]
pub(super) struct Outputs {
    /// Report to write, repeatable; to standard output unless a file is given
    #[arg(short = 'o', long = "output", value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    formats: Vec<Output>,

    /// Every package, every location, every gap in the text report
    #[arg(short, long)]
    verbose: bool,

    /// Colours in the text report
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    color: When,
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

    /// The folder that takes a file for each artifact.
    fn folder(&self) -> Option<&Path> {
        let is_folder =
            |path: &&PathBuf| path.is_dir() || path.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        self.file.as_ref().filter(is_folder).map(PathBuf::as_path)
    }
}

/// Adds to the help what the registry says.
pub(super) fn describe(command: clap::Command) -> clap::Command {
    let mut help =
        "Report to write, repeatable; to standard output unless a file is given. A format that describes one \
                    artifact takes a folder where there are several (FORMAT=FOLDER/)\n"
            .to_owned();
    for reporter in report::ALL {
        let _ = write!(help, "\n- {}: {}", reporter.id(), reporter.purpose());
    }
    command.mut_arg("formats", |arg| arg.long_help(help))
}

/// The time that `SOURCE_DATE_EPOCH` gives, which makes a run reproducible.
pub(super) fn epoch() -> Option<SystemTime> {
    let seconds = env::var("SOURCE_DATE_EPOCH").ok()?.parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The time of the run.
pub(super) fn now() -> SystemTime {
    epoch().unwrap_or_else(SystemTime::now)
}

impl Outputs {
    /// Takes a format for what nobody asked for.
    pub(super) fn or(&mut self, format: &str) {
        if self.formats.is_empty() {
            self.formats.extend(Output::parse(format));
        }
    }

    /// Whether nobody asked for one.
    #[cfg(feature = "fleet")]
    pub(super) fn is_empty(&self) -> bool {
        self.formats.is_empty()
    }

    /// Whether what was asked for can be done, before anything is looked at.
    pub(super) fn check(&self, inputs: usize) -> Result<(), String> {
        if self.formats.iter().filter(|o| o.file.is_none()).count() > 1 {
            return Err("standard output takes one report; give the others a file (-o FORMAT=FILE)".to_owned());
        }
        for output in self.formats.iter().filter(|o| o.reporter.scope() != Scope::Run) {
            if inputs > 1 && output.folder().is_none() {
                let id = output.reporter.id();
                return Err(format!(
                    "{id} describes one artifact, and there are {inputs}; give a folder that takes a file for each \
                     (-o {id}=FOLDER/)"
                ));
            }
        }
        Ok(())
    }

    /// Writes every report, and says what the process ends with.
    pub(super) fn write(&self, mut report: Report) -> ExitCode {
        // Errors are told however quiet it is: an exit code alone helps nobody.
        for failure in &report.failures {
            eprintln!("error: {}: {}", terminal(&failure.path), terminal(&failure.message));
        }
        report.created = epoch();
        for output in &self.formats {
            match self.one(output, &mut report) {
                Ok(()) => {}
                // Whoever reads the report has seen enough.
                Err((_, e)) if e.kind() == io::ErrorKind::BrokenPipe => break,
                Err((place, e)) => {
                    eprintln!("error: {}: report cannot be written: {e}", terminal(&place));
                    return ExitCode::from(2);
                }
            }
        }
        ExitCode::from(report.exit_code)
    }

    fn one(&self, output: &Output, report: &mut Report) -> Result<(), (String, io::Error)> {
        let at = |path: &Path| path.to_string_lossy().into_owned();
        let (reporter, folder) = (output.reporter, output.folder());
        match (reporter.scope(), &output.file, folder) {
            (Scope::Artifact(extension), _, Some(folder)) => self
                .to_folder(reporter, extension, report, folder)
                .map_err(|e| (at(folder), e)),
            // There is nothing to describe; why was told already.
            (Scope::Artifact(_), ..) if report.artifacts.is_empty() => Ok(()),
            (_, Some(path), _) => self.to_file(reporter, report, path).map_err(|e| (at(path), e)),
            (_, None, _) => self
                .to_stdout(reporter, report)
                .map_err(|e| ("standard output".to_owned(), e)),
        }
    }

    /// One file for each artifact, under its name; the second of a name is `NAME-2`.
    fn to_folder(
        &self,
        reporter: &dyn Reporter,
        extension: &str,
        report: &mut Report,
        folder: &Path,
    ) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut taken = HashSet::new();
        let artifacts = std::mem::take(&mut report.artifacts);
        let mut result = Ok(());
        let mut written = Vec::with_capacity(artifacts.len());
        for artifact in artifacts {
            let stem = stem(&artifact);
            let names = std::iter::once(stem.clone()).chain((2_usize..).map(|n| format!("{stem}-{n}")));
            let name = names
                .into_iter()
                .find(|name| taken.insert(name.clone()))
                .unwrap_or(stem);
            report.artifacts.push(artifact);
            if result.is_ok() {
                result = self.to_file(reporter, report, &folder.join(format!("{name}.{extension}")));
            }
            written.append(&mut report.artifacts);
        }
        report.artifacts = written;
        result
    }

    fn to_stdout(&self, reporter: &dyn Reporter, report: &Report) -> io::Result<()> {
        let choice = match self.color {
            When::Auto => AutoStream::choice(&io::stdout()),
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
        let mut out = BufWriter::new(AutoStream::new(io::stdout(), choice));
        reporter.write(report, self.style(true), &mut out)?;
        out.flush()
    }

    fn to_file(&self, reporter: &dyn Reporter, report: &Report, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(AutoStream::never(File::create(path)?));
        reporter.write(report, self.style(false), &mut out)?;
        out.flush()
    }

    fn style(&self, terminal: bool) -> Style {
        let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let seen = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        Style {
            width: columns.or_else(|| seen().filter(|_| terminal)).unwrap_or(80),
            verbose: self.verbose,
        }
    }
}

fn stem(artifact: &Artifact) -> String {
    match Path::new(&artifact.path).file_name() {
        Some(name) if name != "-" => name.to_string_lossy().into_owned(),
        Some(_) => "stdin".to_owned(),
        None => "artifact".to_owned(),
    }
}
