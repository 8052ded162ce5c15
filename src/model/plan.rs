//! What to do about what was found, by component.

use super::{Coordinate, Severity};

/// What to do about one component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It does harm by intent.
    Remove,
    /// To this version.
    Upgrade(Box<str>),
    /// No version clears any of its flaws: see whether it can be reached, or do without it.
    Replace,
}

/// One step of the plan: a component, over all artifacts that hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The component.
    pub subject: Coordinate,
    /// What to do.
    pub action: Action,
    /// How many flaws that clears...
    pub clears: usize,
    /// ...of how many.
    pub flaws: usize,
    /// The worst of them; `None` where none is rated.
    pub severity: Option<Severity>,
    /// Whether attackers are known to use one of them.
    pub exploited: bool,
    /// The highest EPSS score among them.
    pub epss: Option<f64>,
    /// Whether the application itself asks for it; `None` where nothing tells.
    pub direct: Option<bool>,
    /// The outermost components by way of which it came in, sorted.
    pub by_way_of: Vec<Coordinate>,
    /// How many artifacts hold it.
    pub artifacts: usize,
}
