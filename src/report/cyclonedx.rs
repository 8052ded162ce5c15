//! CycloneDX 1.6 in JSON: an SBOM, and with findings a vulnerability disclosure report (VDR).
//!
//! One document describes one artifact. Nothing in it changes from run to run: no serial number, and a time only where
//! `SOURCE_DATE_EPOCH` gives one.

use super::{Artifact, Report, Reporter, Scope, Style, sbom};
use crate::{
    detect, ecosystem, escape,
    model::{Component, Coordinate, Decision, Fact, Finding, Gap, Severity, Status},
    parse::{evidence, licence::Licence},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

pub(super) struct CycloneDx;

/// What refers to the artifact itself.
const ARTIFACT: &str = "artifact";

type References<'r> = BTreeMap<&'r Coordinate, String>;

impl Reporter for CycloneDx {
    fn id(&self) -> &'static str {
        "cyclonedx"
    }

    fn purpose(&self) -> &'static str {
        "SBOM: CycloneDX 1.6 in JSON, with `scan` the vulnerabilities too (a VDR); one document for each artifact"
    }

    fn scope(&self) -> Scope {
        Scope::Artifact("cdx.json")
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(artifact) = super::only(report)? {
            escape::json(&document(report, artifact), out)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn document(report: &Report, artifact: &Artifact) -> Value {
    let references = sbom::references(&artifact.inventory);
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata(report, artifact),
        "components": artifact.inventory.iter().map(|c| component(c, &references)).collect::<Vec<_>>(),
        "dependencies": dependencies(artifact, &references),
        "compositions": [{
            "aggregate": if is_incomplete(artifact) { "incomplete" } else { "complete" },
            "assemblies": [ARTIFACT],
        }],
    });
    if report.advisories.is_some() {
        document["vulnerabilities"] = vulnerabilities(artifact, &references).into();
    }
    document
}

/// Gaps of stage `advisories` are about what is known of components, not about which there are.
fn is_incomplete(artifact: &Artifact) -> bool {
    artifact.gaps.iter().any(|gap| gap.stage != "advisories")
}

fn metadata(report: &Report, artifact: &Artifact) -> Value {
    let mut metadata = Map::new();
    if let Some(time) = report.created {
        metadata.insert(
            "timestamp".to_owned(),
            humantime::format_rfc3339_seconds(time).to_string().into(),
        );
    }
    metadata.insert("lifecycles".to_owned(), json!([{"phase": "post-build"}]));
    let tool = json!({"type": "application", "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    metadata.insert("tools".to_owned(), json!({"components": [tool]}));
    let mut subject = json!({
        "type": "application",
        "bom-ref": ARTIFACT,
        "name": sbom::artifact_name(artifact),
        "properties": [property("kind", artifact.kind), property("size", &artifact.size.to_string())],
    });
    if let Some(sha256) = &artifact.sha256 {
        // Stores of SBOMs keep what was uploaded by name and version, and one build from another.
        subject["version"] = format!("sha256:{sha256}").into();
        subject["hashes"] = json!([{"alg": "SHA-256", "content": sha256}]);
    }
    metadata.insert("component".to_owned(), subject);
    let mut properties = Vec::new();
    if let Some(a) = &report.advisories {
        properties.push(property("advisories:digest", &a.digest));
        properties.push(property("advisories:generated", &a.generated));
        properties.push(property("advisories:records", &a.records.to_string()));
    }
    properties.extend(report.gaps.iter().chain(&artifact.gaps).map(gap));
    metadata.insert("properties".to_owned(), properties.into());
    metadata.into()
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": format!("plimsoll:{name}"), "value": value})
}

fn gap(gap: &Gap) -> Value {
    let value = json!({
        "kind": gap.kind.as_str(),
        "stage": gap.stage,
        "location": gap.location.to_string(),
        "reason": gap.reason,
    });
    property("gap", &value.to_string())
}

fn component(component: &Component, references: &References<'_>) -> Value {
    let coordinate = &component.coordinate;
    let reference = references.get(coordinate);
    // npm's scope is CycloneDX's group.
    let (group, name) = match coordinate.name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') && !name.is_empty() => (Some(scope), name),
        _ => (None, &*coordinate.name),
    };
    let mut value = json!({"type": "library", "bom-ref": reference});
    if let Some(group) = group {
        value["group"] = group.into();
    }
    value["name"] = name.into();
    if let Some(version) = &coordinate.version {
        value["version"] = short(version).into();
    }
    if component.evidence.iter().all(|e| e.facts.contains(&Fact::Dispensable)) {
        value["scope"] = "optional".into();
    }
    let authors: Vec<Value> = sbom::authors(component).into_iter().filter_map(author).collect();
    if !authors.is_empty() {
        value["authors"] = authors.into();
    }
    let hashes = sbom::hashes(component);
    if !hashes.is_empty() {
        let hash = |d: &crate::parse::integrity::Digest| json!({"alg": d.algorithm, "content": d.hexadecimal});
        value["hashes"] = hashes.iter().map(hash).collect();
    }
    if let Some(licences) = licences(component) {
        value["licenses"] = licences;
    }
    value["purl"] = ecosystem::purl(coordinate).into();
    value["evidence"] = evidence_of(component);
    value["properties"] = json!([
        property("proof", component.proof().as_str()),
        property("direct", if sbom::is_direct(component) { "true" } else { "false" }),
    ]);
    value
}

/// As much of a version as the schema takes; the purl has all of it.
fn short(version: &str) -> &str {
    version
        .char_indices()
        .nth(1024)
        .map_or(version, |(end, _)| &version[..end])
}

fn author(author: &str) -> Option<Value> {
    let (name, mail) = sbom::name_and_mail(author);
    let mut value = Map::new();
    value.extend(name.map(|name| ("name".to_owned(), name.into())));
    value.extend(mail.map(|mail| ("email".to_owned(), mail.into())));
    (!value.is_empty()).then(|| value.into())
}

fn licences(component: &Component) -> Option<Value> {
    let licences = sbom::licences(component);
    if let Some(expression) = sbom::expression(&licences) {
        return Some(json!([{"expression": expression, "acknowledgement": "declared"}]));
    }
    let one = |licence: &Licence| match licence {
        Licence::Id(id) => json!({"license": {"id": id, "acknowledgement": "declared"}}),
        other => json!({"license": {"name": other.as_str(), "acknowledgement": "declared"}}),
    };
    (!licences.is_empty()).then(|| licences.iter().map(one).collect())
}

/// Occurrences carry in `additionalContext` what [`evidence::read`] makes evidence of again.
fn evidence_of(component: &Component) -> Value {
    let mut methods: BTreeSet<(&'static str, String, &str)> = BTreeSet::new();
    for e in &component.evidence {
        let technique = detect::ALL
            .iter()
            .find(|d| d.id() == e.detector)
            .map_or("other", |d| d.technique());
        methods.insert((technique, format!("{:.2}", e.confidence), e.detector));
    }
    let methods: Vec<Value> = methods
        .into_iter()
        .map(|(technique, confidence, detector)| {
            json!({"technique": technique, "confidence": confidence.parse::<f64>().unwrap_or_default(), "value": detector})
        })
        .collect();
    let confidence = component.evidence.iter().map(|e| e.confidence).fold(0.0, f32::max);
    let field = if component.coordinate.version.is_some() {
        "purl"
    } else {
        "name"
    };
    let occurrences: Vec<Value> = component
        .evidence
        .iter()
        .map(|e| {
            let mut place = e.location.clone();
            let line = place.line.take();
            let mut occurrence = json!({"location": place.to_string(), "additionalContext": evidence::write(e)});
            if let Some(line) = line {
                occurrence["line"] = line.into();
            }
            occurrence
        })
        .collect();
    json!({
        "identity": [{"field": field, "confidence": evidence::rounded(confidence), "methods": methods}],
        "occurrences": occurrences,
    })
}

/// Only what is known: a component without an entry may depend on anything.
fn dependencies(artifact: &Artifact, references: &References<'_>) -> Vec<Value> {
    let known = |c: &Coordinate| references.get(c);
    let roots: Vec<_> = sbom::roots(&artifact.inventory)
        .filter_map(|c| known(&c.coordinate))
        .collect();
    let of = |c: &Component| {
        let on: Vec<_> = c.requires.iter().filter_map(known).collect();
        (!on.is_empty()).then(|| json!({"ref": known(&c.coordinate), "dependsOn": on}))
    };
    let root = json!({"ref": ARTIFACT, "dependsOn": roots});
    std::iter::once(root)
        .chain(artifact.inventory.iter().filter_map(of))
        .collect()
}

/// One entry for each flaw, and for each decision on it; what an advisory says is said once for all that it affects.
fn vulnerabilities(artifact: &Artifact, references: &References<'_>) -> Vec<Value> {
    type Key<'k> = (&'static str, Option<&'k str>, Option<&'k str>, Option<&'k str>);
    let mut order: Vec<Key<'_>> = Vec::new();
    let mut groups: BTreeMap<Key<'_>, Vec<(&Finding, Option<&Decision>)>> = BTreeMap::new();
    let counted = artifact.findings.iter().map(|f| (f, None));
    let ignored = artifact.ignored.iter().map(|i| (&i.finding, Some(&i.decision)));
    for (finding, decision) in counted.chain(ignored) {
        let alone = finding.advisory.is_none().then_some(&*finding.message);
        let key = (
            finding.rule.id,
            finding.advisory.as_deref(),
            alone,
            decision.map(|d| &*d.place),
        );
        groups.entry(key).or_insert_with(|| {
            order.push(key);
            Vec::new()
        });
        groups.entry(key).and_modify(|group| group.push((finding, decision)));
    }
    order
        .iter()
        .filter_map(|key| vulnerability(groups.get(key)?, references))
        .collect()
}

fn vulnerability(group: &[(&Finding, Option<&Decision>)], references: &References<'_>) -> Option<Value> {
    let (first, decision) = *group.first()?;
    let id = first.advisory.as_deref().unwrap_or(first.rule.id);
    let source = |id: &str| json!({"name": "OSV", "url": sbom::advisory_url(id)});
    let mut value = json!({"id": id});
    if first.advisory.is_some() {
        value["source"] = source(id);
    }
    if !first.aliases.is_empty() {
        value["references"] = first
            .aliases
            .iter()
            .map(|id| json!({"id": id, "source": source(id)}))
            .collect();
    }
    let mut rating = json!({"severity": first.severity.map_or("unknown", Severity::as_str)});
    if let Some(score) = first.score {
        rating["score"] = score.into();
    }
    value["ratings"] = json!([rating]);
    value["description"] = first.message.as_str().into();
    value["recommendation"] = sbom::remedy(first).into();
    if let Some(decision) = decision {
        value["analysis"] = analysis(decision);
    }
    let mut affected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (finding, _) in group {
        let reference = finding
            .subject
            .as_ref()
            .and_then(|s| references.get(s))
            .map_or(ARTIFACT, |r| &**r);
        let versions = affected.entry(reference).or_default();
        versions.extend(finding.subject.as_ref().and_then(|s| s.version.as_deref()));
    }
    let affects = affected.into_iter().map(|(reference, versions)| {
        let mut value = json!({"ref": reference});
        if !versions.is_empty() {
            value["versions"] = versions
                .iter()
                .map(|v| json!({"version": short(v), "status": "affected"}))
                .collect();
        }
        value
    });
    value["affects"] = affects.collect();
    let mut properties = vec![property("rule", first.rule.id), property("level", first.level.as_str())];
    if let Some(exploited) = &first.triage.exploited {
        properties.push(property("kev:added", &exploited.added));
    }
    if let Some(epss) = first.triage.epss {
        properties.push(property("epss:score", &epss.score.to_string()));
        properties.push(property("epss:percentile", &epss.percentile.to_string()));
    }
    value["properties"] = properties.into();
    Some(value)
}

fn analysis(decision: &Decision) -> Value {
    let state = match decision.status {
        Status::NotAffected => "not_affected",
        Status::Fixed => "resolved",
        Status::Accepted => "exploitable",
    };
    let mut value = json!({"state": state, "detail": decision.reason});
    if let Some(justification) = decision.justification {
        value["justification"] = justification.cyclonedx().into();
    }
    if decision.status == Status::Accepted {
        value["response"] = json!(["will_not_fix"]);
    }
    value
}
