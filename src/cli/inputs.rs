//! What a command looks into, and what that may cost.

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll::{
    audit::{self, Features, Given, Input, Looked, Options},
    escape::terminal,
    fingerprint::Index,
    limits::{Limits, TABLE},
    model::Workspace,
    report::Failure,
};
use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Flags of a command that looks into artifacts.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools)] // flags are
pub(super) struct Inputs {
    /// Zip archives, wheels, executables, SBOMs (CycloneDX or SPDX in JSON), or folders that are each one unpacked artifact;
    /// `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Look into every archive and SBOM below a folder, instead of the folder as one artifact
    #[arg(long)]
    each: bool,

    /// What an artifact may cost, repeatable
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<String>,

    /// Lock file that the artifact was built with, repeatable: names the versions of what is bundled in it
    #[arg(long = "lock", value_name = "FILE")]
    locks: Vec<PathBuf>,

    /// Cargo workspace that Rust binaries in the artifact were built from, repeatable: cargo resolves it (and may fetch what
    /// is missing), what the binary shows is compared with it
    #[arg(long = "source", value_name = "DIR")]
    sources: Vec<PathBuf>,

    /// Features that they were built with, as cargo's `--features`
    #[arg(long, value_name = "FEATURES", value_delimiter = ',', requires = "sources")]
    source_features: Vec<String>,

    /// They were built without their default features
    #[arg(long, requires = "sources")]
    source_no_default_features: bool,

    /// What the bundler said of its output, repeatable: esbuild's metafile, webpack's stats, rollup's output
    #[arg(long = "bundle-meta", value_name = "FILE")]
    bundle_meta: Vec<PathBuf>,

    /// Fingerprints by which packages in bundles are known, as `plimsoll fingerprints build` makes them
    #[arg(long, value_name = "FILE")]
    fingerprints: Option<PathBuf>,

    /// Do not compare installed Python files with the hashes in their RECORD
    #[arg(long)]
    pub(super) no_verify_records: bool,

    /// No progress and no warnings on standard error
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// Threads to use; as many as there are processors unless given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// A `--limit` that [`Limits::set`] will take.
pub(super) fn limit(text: &str) -> Result<String, String> {
    Limits::default().set(text).map(|()| text.to_owned())
}

/// Adds to the help what the table of limits says.
pub(super) fn describe(command: clap::Command) -> clap::Command {
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
    command.mut_arg("limits", |arg| arg.long_help(limits))
}

impl Inputs {
    /// Starts the threads.
    pub(super) fn start(&self) -> Result<(), String> {
        let threads = self.jobs.map_or(0, usize::from); // 0: as many as there are processors
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| format!("threads cannot be started: {e}"))
    }

    /// What to look for and at what cost; `limits` come before those of the flags. `offline`: nothing may use
    /// the network.
    pub(super) fn options<'t>(
        &'t self,
        limits: impl IntoIterator<Item = &'t String>,
        offline: bool,
    ) -> Result<Options, String> {
        let mut options = Options::default();
        for text in limits.into_iter().chain(&self.limits) {
            let set = options.limits.set(text);
            set.map_err(|e| format!("--limit {}: {e}", terminal(text)))?;
        }
        let shown =
            |flag: &str, path: &Path, e: &str| format!("{flag} {}: {}", terminal(&path.to_string_lossy()), terminal(e));
        let mut given = Given::default();
        for path in &self.locks {
            given
                .add_lock(path, &options.limits)
                .map_err(|e| shown("--lock", path, &e))?;
        }
        for path in &self.bundle_meta {
            given
                .add_bundle_meta(path, &options.limits)
                .map_err(|e| shown("--bundle-meta", path, &e))?;
        }
        options.given = given;
        let features = Features {
            on: self.source_features.clone(),
            no_default: self.source_no_default_features,
            offline,
        };
        for folder in &self.sources {
            let workspace = Workspace::open(folder, &features).map_err(|e| shown("--source", folder, &e))?;
            options.workspaces.push(workspace);
        }
        let open = |path: &PathBuf| Index::open(path).map_err(|e| shown("--fingerprints", path, &e.to_string()));
        options.fingerprints = self.fingerprints.as_ref().map(open).transpose()?.map(Arc::new);
        if self.no_verify_records {
            options.silent.push("python-record");
        }
        Ok(options)
    }

    /// What there is to look into, and what cannot even be found.
    pub(super) fn list(&self, limits: &Limits) -> (Vec<Input>, Vec<Failure>) {
        let (mut inputs, mut failures) = (Vec::new(), Vec::new());
        for path in &self.paths {
            if path.as_os_str() == "-" {
                match stdin(limits) {
                    Ok(bytes) => inputs.push(Input::Stdin(bytes)),
                    Err(message) => failures.push(Failure {
                        path: "-".to_owned(),
                        message,
                    }),
                }
            } else if self.each {
                let (more, failed) = audit::expand(vec![path.clone()]);
                inputs.extend(more);
                failures.extend(failed);
            } else {
                inputs.push(Input::Path(path.clone()));
            }
        }
        (inputs, failures)
    }

    /// Looks into them.
    pub(super) fn look(&self, inputs: &[Input], options: &Options) -> Looked {
        let bar = progress(inputs.len(), self.quiet);
        let looked = audit::look(inputs, options, &|| bar.inc(1));
        bar.finish_and_clear();
        looked
    }
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
