//! SARIF 2.1.0, for code scanning.
//!
//! Besides the rules themselves there is one reporting descriptor for each advisory (`vulnerable/GHSA-…`), because viewers
//! take `security-severity` from the descriptor and not from the result.

use super::{Artifact, Report, Reporter, Style, sbom};
use crate::{
    check, ecosystem, escape,
    model::{Decision, Finding, Gap, GapKind, Level, Location, Rule, Severity, Status},
    parse,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    io,
};

pub(super) struct Sarif;

/// GitHub takes 25,000 results of a run and shows the first 5,000 of them.
const RESULTS: usize = 5_000;
/// Gaps that are told one by one; they are notifications, and no viewer shows many.
const GAPS: usize = 1_000;
/// What URIs are relative to; the name that code scanning knows for the top of the repository.
const ROOT: &str = "%SRCROOT%";
/// Places of one result besides the first.
const RELATED: usize = 20;

impl Reporter for Sarif {
    fn id(&self) -> &'static str {
        "sarif"
    }

    fn purpose(&self) -> &'static str {
        "SARIF 2.1.0, for code scanning; at most 5,000 results, the worst first"
    }

    fn write(&self, report: &Report, _: Style, out: &mut dyn io::Write) -> io::Result<()> {
        escape::json(&document(report), out)?;
        out.write_all(b"\n")
    }
}

/// One result to be.
struct Entry<'r> {
    artifact: &'r Artifact,
    finding: &'r Finding,
    decision: Option<&'r Decision>,
}

impl Entry<'_> {
    fn rule_id(&self) -> String {
        match &self.finding.advisory {
            Some(advisory) => format!("{}/{advisory}", self.finding.rule.id),
            None => self.finding.rule.id.to_owned(),
        }
    }
}

fn document(report: &Report) -> Value {
    let mut entries: Vec<Entry<'_>> = report.artifacts.iter().flat_map(of_artifact).collect();
    let all = entries.len();
    let worst = |e: &Entry<'_>| {
        (
            e.decision.is_some(),
            Reverse(e.finding.level),
            Reverse(e.finding.severity),
        )
    };
    entries.sort_by_key(worst);
    entries.truncate(RESULTS);
    let (rules, index) = rules(&entries);
    let mut seen = HashMap::new();
    let results: Vec<Value> = entries.iter().map(|e| result(e, &index, &mut seen)).collect();
    let mut notifications: Vec<Value> = Vec::new();
    if all > entries.len() {
        notifications.push(notification(
            "warning",
            &format!(
                "{} of {all} results are left out, the least severe; `-o json` has all of them",
                all - entries.len()
            ),
            None,
        ));
    }
    let gaps = report
        .artifacts
        .iter()
        .flat_map(|a| a.gaps.iter().map(move |gap| (gap, Some(a))));
    let gaps: Vec<_> = report.gaps.iter().map(|gap| (gap, None)).chain(gaps).collect();
    notifications.extend(gaps.iter().take(GAPS).map(|(gap, artifact)| told(gap, *artifact)));
    if gaps.len() > GAPS {
        let text = format!(
            "{} more gaps are left out; `-o json` has all of them",
            gaps.len() - GAPS
        );
        notifications.push(notification("warning", &text, None));
    }
    let failures = report.failures.iter();
    notifications.extend(failures.map(|f| notification("error", &f.message, Some(&input_uri(&f.path)))));
    let mut properties = json!({"components": report.counts().components});
    if let Some(a) = &report.advisories {
        properties["advisories"] = json!({"generated": a.generated, "records": a.records, "digest": a.digest});
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": report.failures.is_empty(),
                "exitCode": report.exit_code,
                "toolExecutionNotifications": notifications,
            }],
            "originalUriBaseIds": {ROOT: {"description": {"text": "the folder that plimsoll was started in"}}},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": properties,
        }],
    })
}

fn of_artifact(artifact: &Artifact) -> impl Iterator<Item = Entry<'_>> {
    let entry = move |finding, decision| Entry {
        artifact,
        finding,
        decision,
    };
    let counted = artifact.findings.iter().map(move |f| entry(f, None));
    counted.chain(
        artifact
            .ignored
            .iter()
            .map(move |i| entry(&i.finding, Some(&i.decision))),
    )
}

/// The registry's rules, then one for each advisory, and where each is in the list.
fn rules(entries: &[Entry<'_>]) -> (Vec<Value>, HashMap<String, usize>) {
    let mut rules = Vec::new();
    let mut index = HashMap::new();
    for rule in check::ALL.iter().map(|check| check.rule()) {
        index.insert(rule.id.to_owned(), rules.len());
        rules.push(descriptor(rule.id, rule.title, rule, rule.level, None));
    }
    for entry in entries {
        let id = entry.rule_id();
        let finding = entry.finding;
        index.entry(id).or_insert_with_key(|id| {
            rules.push(descriptor(
                id,
                &finding.message,
                finding.rule,
                finding.level,
                Some(finding),
            ));
            rules.len() - 1
        });
    }
    (rules, index)
}

fn descriptor(id: &str, title: &str, rule: &Rule, level: Level, finding: Option<&Finding>) -> Value {
    let mut tags = vec!["security", "supply-chain"];
    let mut value = json!({
        "id": id,
        "name": pascal_case(rule.id),
        "shortDescription": {"text": text(title)},
        "fullDescription": {"text": text(rule.title)},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": level.as_str()},
    });
    let mut properties = json!({"precision": "high"});
    if let Some(finding) = finding {
        let names: Vec<&str> = finding
            .advisory
            .iter()
            .chain(&finding.aliases)
            .map(|id| &**id)
            .collect();
        value["help"] = json!({
            "text": format!("{}. {}", names.join(", "), rule.help),
            "markdown": format!("{}: {}\n\n{}", names.iter().map(|n| escape::markdown_code(n)).collect::<Vec<_>>().join(", "),
                escape::markdown(&finding.message), rule.help),
        });
        if let Some(advisory) = &finding.advisory {
            value["helpUri"] = sbom::advisory_url(advisory).into();
        }
        if let Some(score) = security_severity(finding) {
            properties["security-severity"] = score.into();
        }
        tags.push("vulnerability");
    }
    properties["tags"] = json!(tags);
    value["properties"] = properties;
    value
}

/// A score as text. A finding that only has a word for its severity gets the lowest score of that word, which GitHub shows
/// as the same word.
fn security_severity(finding: &Finding) -> Option<String> {
    let score = finding.score.or_else(|| {
        finding.severity.map(|severity| match severity {
            Severity::None => 0.0,
            Severity::Low => 0.1,
            Severity::Medium => 4.0,
            Severity::High => 7.0,
            Severity::Critical => 9.0,
        })
    })?;
    Some(format!("{score:.1}"))
}

fn pascal_case(id: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    id.split('-').map(word).collect()
}

/// Messages are shown in terminals and pages that do their own escaping of markup, but not of what cannot be seen.
fn text(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn result(entry: &Entry<'_>, index: &HashMap<String, usize>, seen: &mut HashMap<String, usize>) -> Value {
    let finding = entry.finding;
    let id = entry.rule_id();
    let purl = finding.subject.as_ref().map(ecosystem::purl);
    let subject = finding.subject.as_ref().map_or_else(String::new, |s| {
        format!("{} {}: ", s.name, s.version.as_deref().unwrap_or("(version unknown)"))
    });
    let remedy = match &*finding.fixed_in {
        [] => String::new(),
        versions => format!("; fixed in {}", versions.join(", ")),
    };
    let mut value = json!({
        "ruleId": id,
        "ruleIndex": index.get(&id),
        "level": finding.level.as_str(),
        "message": {"text": text(&format!("{subject}{}{remedy}", finding.message))},
        "locations": [location(entry.artifact, &finding.primary, purl.as_deref())],
        "partialFingerprints": fingerprints(entry, purl.as_deref(), seen),
        "properties": {
            "purl": purl,
            "aliases": finding.aliases,
            "severity": finding.severity.map(Severity::as_str),
            "fixedIn": finding.fixed_in,
        },
    });
    let related: Vec<Value> = finding
        .related
        .iter()
        .take(RELATED)
        .map(|place| location(entry.artifact, place, None))
        .collect();
    // The same place twice is one place (SARIF 2.1.0, 3.27.22: unique items).
    let related: BTreeSet<String> = related.iter().map(Value::to_string).collect();
    if !related.is_empty() {
        value["relatedLocations"] = related
            .iter()
            .filter_map(|text| serde_json::from_str(text).ok())
            .collect::<Vec<Value>>()
            .into();
    }
    if let Some(decision) = entry.decision {
        let status = match decision.status {
            Status::NotAffected | Status::Fixed | Status::Accepted => "accepted",
        };
        value["suppressions"] =
            json!([{"kind": "external", "status": status, "justification": text(&decision.reason)}]);
    }
    value
}

/// Stable from run to run and from version to version of the artifact: which flaw, of which package, in which file. The
/// version of the package is left out, so that an upgrade that does not mend the flaw keeps the alert. What would be the same
/// (two archives of one name from elsewhere, two versions beside each other) is numbered: GitHub shows equal ones once.
fn fingerprints(entry: &Entry<'_>, purl: Option<&str>, seen: &mut HashMap<String, usize>) -> Value {
    let finding = entry.finding;
    let package = purl.map(|purl| purl.rsplit_once('@').map_or(purl, |(package, _)| package));
    let mut hash = Sha256::new();
    let message = finding.advisory.is_none().then_some(&*finding.message);
    for part in [
        &input_uri(&entry.artifact.path),
        finding.rule.id,
        finding.advisory.as_deref().or(message).unwrap_or_default(),
        package.unwrap_or_default(),
        &finding.primary.to_string(),
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = parse::hexadecimal(&hash.finalize());
    // The key that GitHub reads, though nothing here has lines to hash.
    let n = seen.entry(digest.clone()).and_modify(|n| *n += 1).or_insert(1);
    json!({"primaryLocationLineHash": format!("{}:{n}", &digest[..32]), "plimsoll/v1": format!("{digest}:{n}")})
}

fn location(artifact: &Artifact, place: &Location, purl: Option<&str>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(artifact, place), "uriBaseId": ROOT}});
    if let Some(line) = place.line.filter(|line| *line > 0) {
        physical["region"] = json!({"startLine": line});
    }
    let mut value = json!({"physicalLocation": physical});
    if let Some(purl) = purl {
        value["logicalLocations"] = json!([{"fullyQualifiedName": purl, "kind": "package"}]);
    }
    value
}

/// `dist/orders.zip!/node_modules/a/package.json`, `build/node_modules/a/package.json`.
fn uri(artifact: &Artifact, place: &Location) -> String {
    let own = input_uri(&artifact.path);
    let mut place = place.clone();
    place.line = None;
    match escape::uri(&place.to_string()) {
        inner if inner.is_empty() => own,
        inner if artifact.kind == "directory" => format!("{own}/{inner}"),
        inner => format!("{own}!/{inner}"),
    }
}

/// Of a path that leads elsewhere only the file's name is told: where it lies is of no use to a viewer, and may name a person.
fn input_uri(path: &str) -> String {
    let mut segments = path.split(['/', '\\']);
    let elsewhere = path.starts_with(['/', '\\']) || path.contains(':') || segments.any(|s| s == "..");
    let own = if elsewhere {
        path.trim_end_matches(['/', '\\'])
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
    } else {
        path
    };
    match escape::uri(own) {
        own if own.is_empty() => "artifact".to_owned(),
        own if own == "-" => "stdin".to_owned(),
        own => own,
    }
}

fn told(gap: &Gap, artifact: Option<&Artifact>) -> Value {
    let level = match gap.kind {
        GapKind::Blind => "error",
        GapKind::Partial => "warning",
    };
    let place = artifact.map(|artifact| uri(artifact, &gap.location));
    notification(
        level,
        &format!("{} gap ({}): {}", gap.kind.as_str(), gap.stage, gap.reason),
        place.as_deref(),
    )
}

fn notification(level: &str, message: &str, uri: Option<&str>) -> Value {
    let mut value = json!({"level": level, "message": {"text": text(message)}});
    if let Some(uri) = uri {
        value["locations"] = json!([{"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": ROOT}}}]);
    }
    value
}
