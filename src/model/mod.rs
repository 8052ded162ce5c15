//! The nouns of the field: component, bundle, evidence, location, finding, rule, gap.
//!
//! No I/O, and no imports from the rest of the crate, so that every other room may speak of these.

mod bundle;
mod component;
mod decision;
mod finding;
mod gap;
mod location;
mod observation;
mod plan;
mod symbols;
mod upstream;
mod wish;
mod workspace;

pub use bundle::{Account, Bundle, Coverage, Mapped, Owner, Span, Turn};
pub use component::{Component, Coordinate, EcosystemId, Evidence, Fact, Proof};
pub use decision::{Authority, Decision, Epss, Exploited, Ignored, Justification, Status, Triage};
pub use finding::{Finding, Level, Rule, Severity};
pub use gap::{Gap, GapKind};
pub use location::{Link, Location};
pub use observation::{Observation, ObservationKind};
pub use plan::{Action, Step};
pub use symbols::Symbols;
pub use upstream::{ProjectStatus, Upstream};
pub use wish::Wish;
pub use workspace::{Need, SourceKind, Unit, Workspace};
