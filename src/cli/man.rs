//! `plimsoll man`.

use super::usage;
use clap::{Args, Command};
use clap_mangen::Man;
use plimsoll::escape::terminal;
use std::{fs, io, path::PathBuf, process::ExitCode};

pub(super) const HELP: &str = "\
Examples:
  plimsoll man | man -l -                 the page of plimsoll
  plimsoll man db update | man -l -       the page of a subcommand
  plimsoll man --dir ~/.local/share/man/man1";

/// Which pages.
#[derive(Args)]
pub(super) struct Manual {
    /// Subcommand whose page is written; unless given, plimsoll's own
    #[arg(value_name = "COMMAND")]
    names: Vec<String>,

    /// Write every page into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "names")]
    dir: Option<PathBuf>,
}

/// `plimsoll man`.
pub(super) fn run(args: &Manual, mut command: Command) -> ExitCode {
    command = command.disable_help_subcommand(true);
    if let Some(folder) = &args.dir {
        let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        return match written {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => usage(&format!("{}: {e}", terminal(&folder.to_string_lossy()))),
        };
    }
    // What belongs to all of them is given to each, and each learns its full name.
    command.build();
    let mut page = &command;
    for name in &args.names {
        page = match page.find_subcommand(name) {
            Some(found) => found,
            None => return usage(&format!("no command `{}`; `plimsoll help` lists them", terminal(name))),
        };
    }
    let page = Man::new(page.clone());
    super::to_stdout(|out: &mut dyn io::Write| page.render(out))
}
