//! `plimsoll/report/1`: for machines. Written by hand from the report, so that a renamed field inside never changes it.

use super::{Artifact, Report, Reporter, Rulings, Style, sbom};
use crate::{
    ecosystem, escape,
    model::{Action, Component, Coverage, Decision, Evidence, Fact, Finding, Gap, Ignored, Location, Step},
    parse::{self, licence::Licence},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io};

pub(super) struct Json;

impl Reporter for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn purpose(&self) -> &'static str {
        "for machines; its shape is versioned (`plimsoll/report/1`)"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        escape::json(&document(report), out)?;
        out.write_all(b"\n")
    }
}

fn document(report: &Report) -> Value {
    let counts = report.counts();
    let advisories = report
        .advisories
        .as_ref()
        .map(|a| json!({"source": a.source, "generated": a.generated, "records": a.records, "digest": a.digest}));
    json!({
        "schema": "plimsoll/report/1",
        "tool": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
        "advisories": advisories,
        "artifacts": report.artifacts.iter().map(artifact).collect::<Vec<_>>(),
        "errors": report.failures.iter().map(|f| json!({"path": f.path, "message": f.message})).collect::<Vec<_>>(),
        "gaps": report.gaps.iter().map(|g| gap(g, &report.accepted)).collect::<Vec<_>>(),
        "rulings": rulings(&report.rulings),
        "plan": report.plan.iter().map(step).collect::<Vec<_>>(),
        "summary": {
            "components": counts.components,
            "findings": {"error": counts.errors, "warning": counts.warnings, "note": counts.notes},
            "ignored": counts.ignored,
            "known": counts.known,
            "gaps": {"blind": counts.blind, "partial": counts.partial},
            "exit_code": report.exit_code,
        },
    })
}

fn artifact(artifact: &Artifact) -> Value {
    json!({
        "path": artifact.path,
        "sha256": artifact.sha256,
        "size": artifact.size,
        "kind": artifact.kind,
        "entries": artifact.entries,
        "bytes_read": artifact.bytes_read,
        "components": artifact.inventory.iter().flat_map(Component::copies).map(|c| component(&c)).collect::<Vec<_>>(),
        "coverage": artifact.coverage.iter().map(coverage).collect::<Vec<_>>(),
        "findings": artifact.findings.iter().map(finding).collect::<Vec<_>>(),
        "ignored": artifact.ignored.iter().map(ignored).collect::<Vec<_>>(),
        "gaps": artifact.gaps.iter().map(|g| gap(g, &artifact.accepted)).collect::<Vec<_>>(),
    })
}

fn rulings(rulings: &Rulings) -> Value {
    let documents = rulings.documents.iter();
    let remarks = rulings.remarks.iter();
    json!({
        "documents": documents.map(|d| json!({"by": d.by.as_str(), "path": d.path, "sha256": d.sha256})).collect::<Vec<_>>(),
        "remarks": remarks.map(|r| json!({"place": r.place, "message": r.message})).collect::<Vec<_>>(),
    })
}

fn coverage(coverage: &Coverage) -> Value {
    json!({
        "location": coverage.location.to_string(),
        "bytes": coverage.bytes,
        "components": coverage.components,
        "application": coverage.application,
        "unidentified": coverage.unidentified,
    })
}

fn component(component: &Component) -> Value {
    let c = &component.coordinate;
    let mut value = json!({
        "ecosystem": c.ecosystem.0,
        "name": c.name,
        "version": c.version,
        "purl": ecosystem::purl(c),
        "direct": sbom::is_direct(component),
        "requires": component.requires.iter().map(ecosystem::purl).collect::<Vec<_>>(),
        "licences": sbom::licences(component).iter().map(Licence::as_str).collect::<Vec<_>>(),
        "authors": sbom::authors(component),
        "hashes": sbom::hashes(component).iter().map(|d| json!({"algorithm": d.algorithm, "content": d.hexadecimal}))
            .collect::<Vec<_>>(),
        "evidence": component.evidence.iter().map(evidence).collect::<Vec<_>>(),
    });
    // Versions that its code allows, where none is known; apart from them those that are left when what is likely is taken.
    let (all, unlikely) = (component.candidates(), component.unlikely());
    if !all.is_empty() {
        let likely: Vec<_> = all.iter().filter(|version| !unlikely.contains(version)).collect();
        value["candidates"] = json!(likely);
    }
    if !unlikely.is_empty() {
        value["unlikely"] = json!(unlikely);
    }
    value
}

/// Why a component is believed to be there, and what else the same entry says of it (`candidate`, `deprecated=…`); what is
/// inferred from another one names that under `required_by`.
fn evidence(evidence: &Evidence) -> Value {
    let mut value = json!({
        "detector": evidence.detector,
        "location": evidence.location.to_string(),
        "proof": evidence.proof.as_str(),
        "confidence": (f64::from(evidence.confidence) * 100.0).round() / 100.0,
    });
    let facts = parse::evidence::facts(evidence);
    if !facts.is_empty() {
        value["facts"] = json!(facts);
    }
    for fact in &evidence.facts {
        let (key, text) = match fact {
            Fact::RequiredBy(name) => ("required_by", name),
            Fact::Origin(origin) => ("origin", origin),
            Fact::Registry(registry) => ("registry", registry),
            _ => continue,
        };
        value[key] = json!(text);
    }
    value
}

fn finding(finding: &Finding) -> Value {
    let locations = std::iter::once(&finding.primary).chain(&finding.related);
    json!({
        "rule": finding.rule.id,
        "level": finding.level.as_str(),
        "component": finding.subject.as_ref().map(ecosystem::purl),
        "advisory": finding.advisory,
        "aliases": finding.aliases,
        "severity": finding.severity.map(crate::model::Severity::as_str),
        "score": finding.score,
        "fixed_in": finding.fixed_in,
        "message": finding.message,
        "locations": locations.map(Location::to_string).collect::<Vec<_>>(),
        "direct": finding.triage.direct,
        "by_way_of": finding.triage.by_way_of.iter().map(ecosystem::purl).collect::<Vec<_>>(),
        "exploited": finding.triage.exploited.as_ref().map(|e| json!({"added": e.added, "ransomware": e.ransomware})),
        "epss": finding.triage.epss.map(|e| json!({"score": e.score, "percentile": e.percentile})),
        "function": finding.triage.function,
        "known": finding.triage.known,
        "notes": finding.triage.notes,
    })
}

fn step(step: &Step) -> Value {
    let (action, to) = match &step.action {
        Action::Remove => ("remove", None),
        Action::Upgrade(to) => ("upgrade", Some(to)),
        Action::Replace => ("replace", None),
    };
    json!({
        "component": ecosystem::purl(&step.subject),
        "action": action,
        "to": to,
        "clears": step.clears,
        "flaws": step.flaws,
        "severity": step.severity.map(crate::model::Severity::as_str),
        "exploited": step.exploited,
        "epss": step.epss,
        "direct": step.direct,
        "by_way_of": step.by_way_of.iter().map(ecosystem::purl).collect::<Vec<_>>(),
        "artifacts": step.artifacts,
    })
}

/// A finding, and the decision on it under `decision`.
fn ignored(ignored: &Ignored) -> Value {
    let mut value = finding(&ignored.finding);
    value["decision"] = decision(&ignored.decision);
    value
}

fn decision(decision: &Decision) -> Value {
    json!({
        "by": decision.by.as_str(),
        "place": decision.place,
        "reason": decision.reason,
        "status": decision.status.as_str(),
        "justification": decision.justification.map(crate::model::Justification::as_str),
        "expires": decision.expires,
    })
}

/// A gap; one that is accepted has the decision under `accepted`.
fn gap(gap: &Gap, accepted: &BTreeMap<Gap, Decision>) -> Value {
    let mut value = json!({
        "kind": gap.kind.as_str(),
        "stage": gap.stage,
        "location": gap.location.to_string(),
        "reason": gap.reason,
    });
    if let Some(by) = accepted.get(gap) {
        value["accepted"] = decision(by);
    }
    value
}
