//! `plimsoll completions`.

use clap::{Args, Command};
use clap_complete::Shell;
use std::{io, process::ExitCode};

pub(super) const HELP: &str = "\
Examples:
  plimsoll completions bash > ~/.local/share/bash-completion/completions/plimsoll
  plimsoll completions zsh > ~/.zfunc/_plimsoll      (with ~/.zfunc in fpath)
  plimsoll completions fish > ~/.config/fish/completions/plimsoll.fish
  plimsoll completions powershell >> $PROFILE";

/// Which shell.
#[derive(Args)]
pub(super) struct Completions {
    /// Shell to write for
    #[arg(value_name = "SHELL", value_parser = ["bash", "zsh", "fish", "powershell"])]
    shell: String,
}

/// `plimsoll completions`.
pub(super) fn run(args: &Completions, command: &mut Command) -> ExitCode {
    let shell = match &*args.shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        "powershell" => Shell::PowerShell,
        _ => Shell::Bash,
    };
    // Into memory first: the generator panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "plimsoll", &mut script);
    super::to_stdout(|out: &mut dyn io::Write| out.write_all(&script))
}
