//! What people decided about findings and gaps: a policy file, a VEX document, an earlier report.

use super::Finding;

/// Whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authority {
    /// `plimsoll.toml`.
    Policy,
    /// A VEX document (`--vex`).
    Vex,
    /// An earlier report (`--baseline`).
    Baseline,
}

impl Authority {
    /// The word that reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Vex => "vex",
            Self::Baseline => "baseline",
        }
    }
}

/// What a decision says of a flaw, in the words of VEX (OpenVEX 0.2.0, "Status Labels").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The flaw does no harm here.
    NotAffected,
    /// It was mended without a new version.
    Fixed,
    /// It is there, and somebody answers for that: OpenVEX's `affected`.
    Accepted,
}

impl Status {
    /// OpenVEX's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Accepted => "affected",
        }
    }
}

/// Why a flaw does no harm: OpenVEX 0.2.0, "Status Justifications".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Justification {
    /// The component is not there.
    ComponentNotPresent,
    /// The component is there without the flawed code.
    CodeNotPresent,
    /// The flawed code is there and never runs.
    NotInExecutePath,
    /// It runs, and no attacker reaches it.
    NotControlled,
    /// Something around it prevents the harm.
    Mitigated,
}

impl Justification {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::ComponentNotPresent,
        Self::CodeNotPresent,
        Self::NotInExecutePath,
        Self::NotControlled,
        Self::Mitigated,
    ];

    /// OpenVEX's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "component_not_present",
            Self::CodeNotPresent => "vulnerable_code_not_present",
            Self::NotInExecutePath => "vulnerable_code_not_in_execute_path",
            Self::NotControlled => "vulnerable_code_cannot_be_controlled_by_adversary",
            Self::Mitigated => "inline_mitigations_already_exist",
        }
    }

    /// The nearest of CycloneDX 1.6's `impactAnalysisJustification`.
    #[must_use]
    pub fn cyclonedx(self) -> &'static str {
        match self {
            Self::ComponentNotPresent | Self::CodeNotPresent => "code_not_present",
            Self::NotInExecutePath => "code_not_reachable",
            Self::NotControlled => "requires_environment",
            Self::Mitigated => "protected_by_mitigating_control",
        }
    }
}

/// Why something that was found does not count. It stays in every report, with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whose word it is.
    pub by: Authority,
    /// Where it is written (`plimsoll.toml:12`).
    pub place: String,
    /// Why, in the words of whoever decided.
    pub reason: String,
    /// What it says of the flaw.
    pub status: Status,
    /// Why there is no harm, where the decision says so.
    pub justification: Option<Justification>,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub expires: Option<Box<str>>,
}

/// A finding that does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// What was found.
    pub finding: Finding,
    /// Why it does not count.
    pub decision: Decision,
}

/// What else is known of a finding that says how urgent it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triage {
    /// Whether the application itself asks for the component; `None` where nothing in the artifact tells.
    pub direct: Option<bool>,
    /// The outermost components by way of which it came in, sorted; empty where nothing tells.
    pub by_way_of: Vec<super::Coordinate>,
    /// Attackers use the flaw, as CISA's catalogue of known exploited vulnerabilities says.
    pub exploited: Option<Exploited>,
    /// How likely it is that attackers will, as FIRST's Exploit Prediction Scoring System says.
    pub epss: Option<Epss>,
    /// Whether the binary has a symbol of a function that the advisory names; `None` where either names none.
    pub function: Option<bool>,
    /// The report that this run is compared with has it already.
    pub known: bool,
    /// What a policy or VEX document says of it that leaves it a finding.
    pub notes: Vec<String>,
}

/// An entry of CISA's catalogue (KEV).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploited {
    /// The day on which it was added, `YYYY-MM-DD`.
    pub added: Box<str>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

/// An EPSS score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epss {
    /// Probability of exploitation within 30 days, 0 to 1.
    pub score: f64,
    /// The share of all scored flaws that are at most as likely, 0 to 1.
    pub percentile: f64,
}
