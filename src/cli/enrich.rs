//! Flags of a scan that are about asking the world (`--enrich`).

use clap::Args;
use plimsoll::{
    advisory::store,
    audit::{Looked, Options},
    enrich,
};
use std::time::SystemTime;

/// Flags of a scan that are about the world outside the artifact.
#[derive(Args)]
#[group(skip)]
pub(super) struct Flags {
    /// Ask deps.dev what it knows of the packages today (yanked, deprecated, archived): their names and versions leave this
    /// machine
    #[arg(long)]
    enrich: bool,

    /// Server with deps.dev's API, for --enrich
    #[arg(long, value_name = "URL", requires = "enrich")]
    enrich_url: Option<String>,

    /// Python package index with the JSON interface of PEP 691, its path included (`https://mirror.example.com/simple`): asked
    /// with --enrich which projects are quarantined or archived
    #[arg(long, value_name = "URL", requires = "enrich")]
    index_url: Option<String>,

    /// Runtime that the artifacts are deployed to (`nodejs20.x`), for the rule `runtime-eol`
    #[arg(long, value_name = "NAME")]
    runtime: Option<String>,
}

impl Flags {
    /// Whether these can be carried out.
    pub(super) fn refuse(&self, offline: bool) -> Result<(), String> {
        if self.enrich && offline {
            return Err(
                "--offline and --enrich exclude each other: what is yanked or archived today is asked over the network"
                    .to_owned(),
            );
        }
        if let Some(runtime) = &self.runtime {
            let known: Vec<&str> = plimsoll::check::runtimes().collect();
            if !known.contains(&runtime.as_str()) {
                return Err(format!(
                    "--runtime {runtime}: nothing is known of it; there are: {}",
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Tells the checks what the flags say, and what the world does.
    pub(super) fn apply(&self, options: &mut Options, looked: &Looked, now: SystemTime) {
        options.checks.runtime.clone_from(&self.runtime);
        if !self.enrich {
            return;
        }
        let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let url = self.enrich_url.clone().or_else(|| set("PLIMSOLL_ENRICH_URL"));
        let asked = enrich::Options {
            url: url.unwrap_or_else(|| enrich::DEFAULT_URL.to_owned()),
            index: self.index_url.clone().or_else(|| set("PLIMSOLL_INDEX_URL")),
            cache: store::default_folder().map(|folder| folder.join("enrich")),
            now,
        };
        let enriched = enrich::ask(&looked.coordinates(), &asked);
        options.checks.upstream = enriched.upstream;
        options.unasked = enriched.gaps;
    }
}
