//! OpenVEX 0.2.0: what was decided about each vulnerability of an artifact, for whoever runs or scans it next.
//!
//! | in the report | status |
//! |---|---|
//! | ignored by the policy with a justification | `not_affected`, with it, and the reason as `impact_statement` |
//! | ignored by the policy without one | `affected`, the reason as `action_statement`: nobody said that there is no harm |
//! | ignored by a VEX document | what that says |
//! | any other finding with an advisory | `under_investigation`: nobody has decided |
//!
//! The product is the artifact, by name and SHA-256, the component its subcomponent. The time is that of the newest advisory
//! used, so that the same artifact, policy and advisories give the same bytes.

use super::{Artifact, Report, Reporter, Style, sbom};
use crate::{
    ecosystem, escape,
    model::{Decision, Finding, Status},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, io};

pub(super) struct OpenVex;

impl Reporter for OpenVex {
    fn id(&self) -> &'static str {
        "openvex"
    }

    fn purpose(&self) -> &'static str {
        "VEX: what the policy decided about each vulnerability (OpenVEX 0.2.0)"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        escape::json(&document(report), out)?;
        out.write_all(b"\n")
    }
}

/// The time of a document that no advisory was used for.
const NEVER: &str = "1970-01-01T00:00:00Z";

fn document(report: &Report) -> Value {
    let statements: Vec<Value> = report.artifacts.iter().flat_map(statements).collect();
    let digest = Sha256::digest(Value::from(statements.clone()).to_string());
    let id = digest.iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    });
    let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("https://openvex.dev/docs/public/vex-{id}"),
        "author": tool,
        "timestamp": report.advisories.as_ref().map_or(NEVER, |a| &*a.generated),
        "version": 1,
        "tooling": tool,
        "statements": statements,
    })
}

fn statements(artifact: &Artifact) -> Vec<Value> {
    let ignored = artifact.ignored.iter().map(|i| (&i.finding, Some(&i.decision)));
    let open = artifact.findings.iter().map(|finding| (finding, None));
    ignored
        .chain(open)
        .filter_map(|(finding, decision)| statement(artifact, finding, decision))
        .collect()
}

fn statement(artifact: &Artifact, finding: &Finding, decision: Option<&Decision>) -> Option<Value> {
    let (advisory, subject) = (finding.advisory.as_ref()?, finding.subject.as_ref()?);
    let mut vulnerability = json!({"name": advisory});
    if !finding.aliases.is_empty() {
        vulnerability["aliases"] = json!(finding.aliases);
    }
    let mut statement = json!({
        "vulnerability": vulnerability,
        "products": [product(artifact, &ecosystem::purl(subject))],
        "status": decision.map_or("under_investigation", |d| d.status.as_str()),
    });
    let told = |d: &Decision| {
        let until = d
            .expires
            .as_ref()
            .map(|day| format!(" (until {day})"))
            .unwrap_or_default();
        format!("{}{until}", d.reason)
    };
    match decision.map(|d| (d, d.status)) {
        None => {}
        Some((d, Status::NotAffected)) => {
            if let Some(justification) = d.justification {
                statement["justification"] = json!(justification.as_str());
            }
            statement["impact_statement"] = json!(told(d));
        }
        Some((d, Status::Fixed)) => statement["status_notes"] = json!(told(d)),
        Some((d, Status::Accepted)) => statement["action_statement"] = json!(told(d)),
    }
    Some(statement)
}

/// The artifact as a product. Its purl is of the type for what no registry holds.
fn product(artifact: &Artifact, component: &str) -> Value {
    let name = sbom::artifact_name(artifact);
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
    // The purl specification leaves these as they are.
    let name = name
        .replace("%2E", ".")
        .replace("%2D", "-")
        .replace("%5F", "_")
        .replace("%7E", "~");
    let subcomponents = json!([{"@id": component}]);
    match &artifact.sha256 {
        Some(sha256) => json!({
            "@id": format!("pkg:generic/{name}?checksum=sha256:{sha256}"),
            "hashes": {"sha-256": sha256},
            "subcomponents": subcomponents,
        }),
        None => json!({"@id": format!("pkg:generic/{name}"), "subcomponents": subcomponents}),
    }
}
