//! `plimsoll fingerprints`.

use anstream::{eprintln, println};
use clap::{Args, Subcommand};
use plimsoll::{
    advisory::store::Store,
    disk,
    ecosystem::NPM,
    escape::terminal,
    fingerprint::{
        Index, Rule,
        build::{self, Published, Release, Source},
        registry, tarball,
    },
    http::Remote,
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

pub(super) const HELP: &str = "\
Examples:
  plimsoll fingerprints build --from tarballs/ -o own.fingerprints    of every package in a folder of .tgz files
  plimsoll fingerprints build --from tarballs/ --registry https://npm.example.com --packages names.txt --versions lines:5 -o own.fingerprints
                                                                      of what is fetched into that folder
  plimsoll scan --fingerprints own.fingerprints f.zip                 use them, and not those of the program
  plimsoll db import own.fingerprints                                 use them from now on
  plimsoll fingerprints list                                          what is known";

/// Keeps the fingerprints by which packages in bundles are known
#[derive(Args)]
pub(super) struct Fingerprints {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Names the packages that are known by their code, each with the versions that were looked into
    List {
        /// File of fingerprints; those of the program unless given
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Makes a file of fingerprints from the tarballs of packages
    Build {
        /// Folder of .tgz files, as `npm pack` writes them; beside them NAME.versions files may list what else was
        /// published, a version a line, with what it depends on behind it (`NAME RANGE`, parted by tabs), and `!` at the end
        /// of a version that a package manager takes where nothing else serves
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// File with the names of the packages to take, one a line; all that are there unless given
        #[arg(long, value_name = "FILE")]
        packages: Option<PathBuf>,
        /// Versions to take of each package: `all`, `newest:N`, or `lines:N` (the newest N of each major version)
        #[arg(long, value_name = "RULE", default_value = "all")]
        versions: Rule,
        /// Registry that speaks npm's protocol: what the folder does not have yet of --packages is fetched into it
        #[arg(long, value_name = "URL", requires = "packages")]
        registry: Option<String>,
        /// About how large the file may be, in bytes
        #[arg(long, value_name = "BYTES", default_value_t = 6_000_000)]
        most: usize,
        /// File to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// What a database's folder holds beside its advisories.
fn kept(folder: &Path) -> PathBuf {
    folder.join("npm.fingerprints")
}

/// Opens what was imported into a database's folder; `None` where nothing was.
pub(super) fn imported(folder: Option<&Path>) -> Result<Option<Arc<Index>>, String> {
    let Some(path) = folder.map(kept).filter(|path| path.is_file()) else {
        return Ok(None);
    };
    let opened = Index::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Some(Arc::new(opened)))
}

/// Takes those of the paths that are files of fingerprints; the others are left.
pub(super) fn import<'p>(store: &Store, paths: Vec<&'p PathBuf>) -> Result<Vec<&'p PathBuf>, String> {
    let mut rest = Vec::new();
    for path in paths {
        let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut first = Vec::new();
        if path.is_file() {
            let file = fs::File::open(path).map_err(|e| failed(&e))?;
            file.take(8).read_to_end(&mut first).map_err(|e| failed(&e))?;
        }
        if !Index::is_one(&first) {
            rest.push(path);
            continue;
        }
        let index = Index::open(path).map_err(|e| failed(&e))?;
        index.verify().map_err(|e| failed(&e))?;
        let _writer = store.lock().map_err(|e| e.to_string())?;
        // Whoever has the old one open keeps it.
        disk::replace(&kept(store.root()), index.as_bytes()).map_err(|e| failed(&e))?;
    }
    Ok(rest)
}

/// Says what was imported, and verifies it.
pub(super) fn status(store: &Store) -> Result<(), String> {
    if let Some(index) = imported(Some(store.root()))? {
        index
            .verify()
            .map_err(|e| format!("{}: {e}", kept(store.root()).display()))?;
        println!("fingerprints of {} packages", index.len());
    }
    Ok(())
}

pub(super) fn run(args: &Fingerprints) -> ExitCode {
    let done = match &args.command {
        Command::List { file } => list(file.as_deref()),
        Command::Build {
            from,
            packages,
            versions,
            registry,
            most,
            output,
        } => names(packages.as_deref())
            .and_then(|wanted| {
                if let (Some(url), Some(wanted)) = (registry, &wanted) {
                    fetch(url, from, wanted, *versions)?;
                }
                make(from, wanted.as_ref(), *versions, *most, output)
            })
            .map(|said| eprintln!("{said}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => super::usage(&terminal(&e)),
    }
}

fn list(file: Option<&Path>) -> Result<(), String> {
    let opened = file.map(Index::open).transpose().map_err(|e| e.to_string())?;
    let index = opened.as_ref().or_else(|| Index::embedded());
    let index = index.ok_or("the program's own fingerprints are damaged; install it again")?;
    for number in 0..u16::try_from(index.len()).unwrap_or(u16::MAX) {
        let package = index.package(number).map_err(|e| e.to_string())?;
        let versions: Vec<&str> = package.versions().map(|version| &**version).collect();
        println!("{} {}", terminal(&package.name), terminal(&versions.join(" ")));
    }
    Ok(())
}

/// What a tarball's file is called before the version: `express` of `express-4.19.2.tgz`.
fn package_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let parts = stem.match_indices('-');
    let mut ends = parts.map(|(at, _)| at).filter(|at| {
        let version = &stem[at + 1..];
        let major = version.trim_start_matches(|c: char| c.is_ascii_digit());
        major.len() < version.len() && major.starts_with('.')
    });
    let end = ends.next().unwrap_or(stem.len());
    stem[..end].to_owned()
}

/// With what a list beside the tarballs says was published.
fn published(from: &Path, source: Source) -> Result<Source, String> {
    let path = from.join(format!("{}.versions", source.name().replace('/', "+")));
    if !path.is_file() {
        return Ok(source);
    }
    let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    Ok(source.with_published(text.lines().map(Published::read).collect(), text.contains('\t')))
}

fn cannot(path: &Path, e: &io::Error) -> String {
    format!("cannot read {}: {e}", path.display())
}

/// The names in a file, one a line; `#` begins a remark.
fn names(file: Option<&Path>) -> Result<Option<BTreeSet<String>>, String> {
    let Some(path) = file else { return Ok(None) };
    let text = fs::read_to_string(path).map_err(|e| cannot(path, &e))?;
    let names = text.lines().map(str::trim);
    let names = names.filter(|name| !name.is_empty() && !name.starts_with('#'));
    Ok(Some(names.map(str::to_owned).collect()))
}

/// Fills the folder from a registry, and says what did not come: the rest is worth having without it.
fn fetch(url: &str, folder: &Path, names: &BTreeSet<String>, rule: Rule) -> Result<(), String> {
    let remote = Remote::new(url, Duration::from_secs(10), true).map_err(|e| e.to_string())?;
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fetched = registry::fetch(&remote, folder, &names, rule);
    for failed in &fetched.failed {
        eprintln!("warning: {}", terminal(&failed.to_string()));
    }
    if fetched.packages == 0 {
        return Err(format!("{}: none of {} packages came", terminal(url), names.len()));
    }
    eprintln!(
        "{}: {} of {} packages, {} tarballs fetched, {} there before",
        terminal(url),
        fetched.packages,
        names.len(),
        fetched.tarballs,
        fetched.kept
    );
    Ok(())
}

fn make(
    from: &Path,
    wanted: Option<&BTreeSet<String>>,
    versions: Rule,
    most: usize,
    output: &Path,
) -> Result<String, String> {
    // By what their files are called, so that a package is dealt with before the next is read: all at once would fill memory.
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in fs::read_dir(from).map_err(|e| cannot(from, &e))? {
        let path = entry.map_err(|e| cannot(from, &e))?.path();
        if path.extension().is_some_and(|ext| ext == "tgz") {
            groups.entry(package_of(&path)).or_default().push(path);
        }
    }
    let sources: Vec<Source> = groups
        .into_par_iter()
        .flat_map_iter(|(_, mut files)| {
            files.sort();
            let mut releases: BTreeMap<String, Vec<Release>> = BTreeMap::new();
            for path in files {
                let opened = fs::File::open(&path).map_err(|e| e.to_string());
                match opened.and_then(tarball::read) {
                    Err(e) => eprintln!("warning: {}: {}", path.display(), terminal(&e)),
                    Ok((name, release)) if wanted.is_none_or(|wanted| wanted.contains(&name)) => {
                        releases.entry(name).or_default().push(release);
                    }
                    Ok(_) => {}
                }
            }
            releases.into_iter().map(|(name, mut releases)| {
                releases.sort_by(|a, b| (NPM.compare)(&a.version, &b.version));
                Source::new(&name, versions.of(releases, |release| &release.version))
            })
        })
        .map(|source| published(from, source))
        .collect::<Result<_, String>>()?;
    let (packages, releases) = (sources.len(), sources.iter().map(Source::versions).sum::<usize>());
    let bytes = build::build(sources, most);
    fs::write(output, &bytes).map_err(|e| format!("cannot write {}: {e}", output.display()))?;
    Ok(format!(
        "{}: {packages} packages, {releases} versions, {} bytes",
        output.display(),
        bytes.len()
    ))
}
