//! By what a command judges: policy, VEX, the bar.

use super::{advisories, policy};
use clap::{Args, ValueEnum};
use plimsoll::{
    audit::Options,
    check::Settings,
    ecosystem::Pattern,
    escape::terminal,
    model::Severity,
    policy::{Decisions, Policy, Vex},
    report::Bar,
};
use std::path::PathBuf;

/// Flags of a command that judges.
#[derive(Args)]
pub(super) struct Judgement {
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

    /// Judge by no policy
    #[arg(long, conflicts_with = "policy")]
    no_policy: bool,

    /// Exit with 3 also when something could be seen into only in part
    #[arg(long)]
    require_coverage: bool,
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

impl Judgement {
    /// What was decided beforehand; a flag wins over the policy.
    pub(super) fn decisions(&mut self, advisories: &mut advisories::Flags) -> Result<Decisions, String> {
        let mut policy = if self.no_policy {
            None
        } else {
            policy::of_scan(self.policy.as_deref())?
        };
        if let Some(policy) = &mut policy {
            advisories.govern(policy);
            self.require_coverage |= policy.require_coverage.unwrap_or_default();
            // The flag speaks of the whole run: `--fail-on none` fails nothing.
            if self.fail_on.is_some() {
                policy.rules.clear();
                policy.fail_on_exploited = false;
            }
        }
        Ok(Decisions {
            policy,
            vex: self.vex.iter().map(|path| Vex::open(path)).collect::<Result<_, _>>()?,
            baseline: None,
        })
    }

    /// Options that judge by all that.
    pub(super) fn options(&self, options: Options, decisions: Decisions) -> Result<Options, String> {
        let policy: Option<&Policy> = decisions.policy.as_ref();
        let asked = self.fail_on.map(Bar::from).or(policy.and_then(|p| p.fail_on));
        let allow = policy.iter().flat_map(|p| &p.typosquat_allow);
        let checks = Settings {
            typosquat_allow: allow
                .map(|text| Pattern::parse(text).map_err(|e| format!("[typosquat] allow: `{}`: {e}", terminal(text))))
                .collect::<Result<_, _>>()?,
            ..Settings::default()
        };
        Ok(Options {
            fail_on: asked.unwrap_or(Bar::Any),
            require_coverage: self.require_coverage,
            checks,
            decisions,
            ..options
        })
    }
}
