//! `--notify` of `plimsoll inventory audit`.

use anstream::eprintln;
use clap::{Args, ValueEnum};
use plimsoll::{
    escape::terminal,
    fleet::{
        notify::{self, Shape},
        store::Store,
    },
};
use std::env;

/// Whom to tell what is new.
#[derive(Args)]
pub(super) struct Notify {
    /// Post what is new to this URL, where anything is; PLIMSOLL_NOTIFY_URL unless given (an address that is a secret is better
    /// there)
    #[arg(long, value_name = "URL")]
    notify: Option<String>,

    /// What is posted: json (plimsoll/notify/1), or slack, a message as Slack's incoming webhooks take it
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t = As::Json)]
    notify_as: As,
}

#[derive(Clone, Copy, ValueEnum)]
enum As {
    Json,
    Slack,
}

impl Notify {
    /// Tells it. `false` where somebody should have been told and could not be.
    pub(super) fn tell(&self, store: &mut Store, run: i64) -> bool {
        let set = || env::var("PLIMSOLL_NOTIFY_URL").ok().filter(|url| !url.is_empty());
        let Some(url) = self.notify.clone().or_else(set) else {
            return true;
        };
        let shape = match self.notify_as {
            As::Json => Shape::Json,
            As::Slack => Shape::Slack,
        };
        let news = notify::news(store, run).map_err(|e| e.to_string());
        let told = news.and_then(|news| match &*news.new {
            [] => Ok(()),
            _ => notify::post(&url, &notify::document(&news, shape)),
        });
        if let Err(e) = &told {
            eprintln!("error: {}", terminal(e));
        }
        told.is_ok()
    }
}
