//! `plimsoll inventory serve`.

use super::{At, Done};
use anstream::eprintln;
use clap::Args;
use plimsoll::{
    escape::terminal,
    fleet::{
        serve::{self, Settings},
        store::Mode,
    },
};
use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

pub(super) const HELP: &str = "\
  /            the page of `plimsoll inventory report`; says when there is news
  /data.json   the data behind it
  /state.json  another text whenever a run has ended

Read-only. The only authentication is the token (--token-file, or PLIMSOLL_TOKEN): `Authorization: Bearer TOKEN`, or TOKEN as
the password that a browser asks for. There is no encryption: to other machines, put it behind a proxy that has both.";

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    at: At,

    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8477")]
    listen: SocketAddr,

    /// File with the token that every request has to bring; PLIMSOLL_TOKEN unless given
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Name by which browsers may call it, repeatable, besides addresses and localhost
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

pub(super) fn run(args: &Serve) -> Done {
    let token = match &args.token_file {
        Some(file) => Some(fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?),
        None => env::var("PLIMSOLL_TOKEN").ok(),
    };
    let token = token.map(|token| token.trim().to_owned());
    if token.as_deref() == Some("") {
        return Err("the token is empty; leave it out, or give one".to_owned());
    }
    // What is wrong with the store is told now, and not to the first who looks.
    args.at.open(Mode::Read)?;
    let listener = TcpListener::bind(args.listen).map_err(|e| format!("{}: {e}", args.listen))?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    eprintln!("serving http://{address}/ (read-only)");
    if token.is_none() {
        eprintln!(
            "note: without a token, whoever reaches this address reads everything; there is no other authentication"
        );
    } else if !address.ip().is_loopback() {
        eprintln!(
            "note: the token and all answers go over the network as they are; put a proxy with TLS before this address"
        );
    }
    let settings = Settings {
        store: args.at.place()?,
        token,
        hosts: args.hosts.clone(),
    };
    serve::serve(listener, settings).map_err(|e| terminal(&e.to_string()).into_owned())?;
    Ok(std::process::ExitCode::SUCCESS)
}
