//! VEX documents (`--vex`): somebody's word on whether a flaw does harm in a product. OpenVEX 0.2.0 and CycloneDX 1.4 to 1.6.
//!
//! A statement applies where one of its vulnerability's names is one of the finding's, and its product is the component:
//!
//! - a product that is a package (its purl, with a version or without): every component of that purl;
//! - a product with subcomponents: the subcomponents, inside that product. A product known by its SHA-256 must be this
//!   artifact. A product that is itself a package in this artifact is a dependency whose author speaks of its own use of the
//!   subcomponent: it applies only where nothing else in the artifact requires that;
//! - a product that is no package and has no subcomponents: the whole artifact, by its SHA-256 alone.
//!
//! Of several statements that apply the latest counts (OpenVEX 0.2.0, "Updating Statements"). `not_affected` and `fixed` take
//! the finding out of the count; `under_investigation` and `affected` are noted on it.

use super::{
    Pattern,
    range::{self, Range},
};
use crate::{
    inventory::Inventory,
    model::{Authority, Coordinate, Decision, Finding, Ignored, Justification, Status},
    report::{Artifact, Remark, Ruling},
};
use serde_json::Value;
use std::{collections::HashMap, path::Path};

/// Bytes of a document. 64 MiB: Red Hat's largest CSAF files are half of that.
const BYTES: u64 = 64 << 20;

/// A VEX document.
#[derive(Clone, Debug)]
pub struct Vex {
    path: String,
    sha256: String,
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    /// 1-based, as reports count them.
    number: usize,
    ids: Vec<String>,
    products: Vec<Product>,
    word: Word,
    justification: Option<Justification>,
    reason: String,
    /// RFC 3339; of one kind in one document, so that text orders as time.
    when: String,
}

/// A statement's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    NotAffected,
    Fixed,
    Affected,
    UnderInvestigation,
}

#[derive(Clone, Debug, Default)]
struct Product {
    package: Option<Pattern>,
    /// Versions beside the package's own (CycloneDX), and whether they are said to be unaffected.
    versions: Vec<(Range, bool)>,
    sha256: Option<String>,
    subcomponents: Vec<Pattern>,
}

impl Vex {
    /// Reads a document.
    ///
    /// # Errors
    /// When it cannot be read, or is no VEX document of a kind that is known.
    pub fn open(path: &Path) -> Result<Self, String> {
        let place = path.to_string_lossy().into_owned();
        let (bytes, sha256) = super::contents(path, BYTES).map_err(|e| format!("{place}: {e}"))?;
        let vex = Self::parse(&bytes, &place).map_err(|e| format!("{place}: {e}"))?;
        Ok(Self { sha256, ..vex })
    }

    /// Reads a document from its bytes; `place` is what reports call it.
    ///
    /// # Errors
    /// When it is no VEX document of a kind that is known.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Self, String> {
        let expected = "expected OpenVEX, or CycloneDX JSON with vulnerabilities";
        let document: Value = crate::parse::json::document(bytes).map_err(|e| format!("{e}; {expected}"))?;
        let statements = if text(&document["@context"]).contains("openvex") {
            openvex(&document)
        } else if text(&document["bomFormat"]) == "CycloneDX" {
            cyclonedx(&document)
        } else {
            None
        };
        let statements = statements.ok_or_else(|| format!("no VEX document that is known; {expected}"))?;
        Ok(Self {
            path: place.to_owned(),
            sha256: String::new(),
            statements,
        })
    }

    pub(super) fn ruling(&self) -> Ruling {
        Ruling {
            by: Authority::Vex,
            path: self.path.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

/// Applies all documents; a remark for each of which nothing applies.
pub(super) fn apply(documents: &[Vex], artifacts: &mut [Artifact]) -> Vec<Remark> {
    let mut used = vec![false; documents.len()];
    for artifact in artifacts {
        let findings = std::mem::take(&mut artifact.findings);
        for mut finding in findings {
            let speak = documents
                .iter()
                .enumerate()
                .flat_map(|(d, vex)| vex.statements.iter().map(move |s| (d, s)));
            let applying = speak.filter_map(|(d, s)| Some((d, s, s.says_of(&finding, artifact)?)));
            let Some((d, statement, word)) = applying.max_by(|(_, a, _), (_, b, _)| a.when.cmp(&b.when)) else {
                artifact.findings.push(finding);
                continue;
            };
            used[d] = true;
            let place = format!("{}, statement {}", documents[d].path, statement.number);
            let status = match word {
                Word::NotAffected => Status::NotAffected,
                Word::Fixed => Status::Fixed,
                Word::Affected | Word::UnderInvestigation => {
                    let told = if word == Word::Affected {
                        "affected"
                    } else {
                        "under investigation"
                    };
                    finding
                        .triage
                        .notes
                        .push(format!("{told}, says {place}: {}", statement.reason));
                    artifact.findings.push(finding);
                    continue;
                }
            };
            let decision = Decision {
                by: Authority::Vex,
                place,
                reason: statement.reason.clone(),
                status,
                justification: statement.justification,
                expires: None,
            };
            artifact.ignored.push(Ignored { finding, decision });
        }
    }
    let unused = documents.iter().zip(used).filter(|(_, used)| !used);
    let remark = |(vex, _): (&Vex, bool)| Remark {
        place: vex.path.clone(),
        message: format!("none of its {} statements applies", vex.statements.len()),
    };
    unused.map(remark).collect()
}

impl Statement {
    /// What it says of a finding; `None` where it is about something else.
    fn says_of(&self, finding: &Finding, artifact: &Artifact) -> Option<Word> {
        let mut names = finding.advisory.iter().chain(&finding.aliases);
        if !names.any(|name| self.ids.iter().any(|id| id.eq_ignore_ascii_case(name))) {
            return None;
        }
        let subject = finding.subject.as_ref()?;
        self.products
            .iter()
            .find_map(|product| product.says_of(subject, artifact, self.word))
    }
}

impl Product {
    fn says_of(&self, subject: &Coordinate, artifact: &Artifact, word: Word) -> Option<Word> {
        let is_artifact = self.sha256.as_ref().map(|sha256| {
            artifact
                .sha256
                .as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(sha256))
        });
        let applies = match (&self.package, self.subcomponents.is_empty()) {
            (None, true) => is_artifact == Some(true),
            (Some(package), true) => package.matches(subject),
            (package, false) => {
                is_artifact != Some(false)
                    && self.subcomponents.iter().any(|s| s.matches(subject))
                    && package
                        .as_ref()
                        .is_none_or(|package| owns(package, subject, &artifact.inventory))
            }
        };
        if !applies {
            return None;
        }
        if self.versions.is_empty() {
            return Some(word);
        }
        let version = subject.version.as_deref()?;
        let (_, unaffected) = self.versions.iter().find(|(range, _)| range.holds(version, subject))?;
        Some(if *unaffected { Word::NotAffected } else { word })
    }
}

/// Whether a package is the application, or all that requires the component is that package.
fn owns(package: &Pattern, component: &Coordinate, inventory: &Inventory) -> bool {
    if !inventory.iter().any(|c| package.matches(&c.coordinate)) {
        return true;
    }
    let mut dependents = inventory.iter().filter(|c| c.requires.contains(component)).peekable();
    dependents.peek().is_some() && dependents.all(|c| package.matches(&c.coordinate))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn openvex(document: &Value) -> Option<Vec<Statement>> {
    let statement = |(i, s): (usize, &Value)| {
        let word = match text(&s["status"]) {
            "not_affected" => Word::NotAffected,
            "fixed" => Word::Fixed,
            "affected" => Word::Affected,
            _ => Word::UnderInvestigation,
        };
        let vulnerability = &s["vulnerability"];
        let named = [&vulnerability["name"], &vulnerability["@id"], vulnerability];
        let ids = named
            .into_iter()
            .chain(list(&vulnerability["aliases"]))
            .filter_map(Value::as_str);
        let label = text(&s["justification"]);
        let reasons = ["impact_statement", "status_notes", "action_statement", "justification"];
        let reason = reasons
            .iter()
            .map(|key| text(&s[*key]))
            .find(|reason| !reason.is_empty());
        let when = [&s["timestamp"], &document["last_updated"], &document["timestamp"]];
        Statement {
            number: i + 1,
            ids: ids.map(str::to_owned).collect(),
            products: list(&s["products"]).map(openvex_product).collect(),
            word,
            justification: Justification::ALL.into_iter().find(|j| j.as_str() == label),
            reason: reason.unwrap_or("no reason is given").to_owned(),
            when: when
                .into_iter()
                .map(text)
                .find(|t| !t.is_empty())
                .unwrap_or_default()
                .to_owned(),
        }
    };
    Some(
        document["statements"]
            .as_array()?
            .iter()
            .enumerate()
            .map(statement)
            .collect(),
    )
}

fn openvex_product(product: &Value) -> Product {
    let purl = |p: &Value| {
        let all = [&p["identifiers"]["purl"], &p["@id"], p];
        all.into_iter()
            .map(text)
            .find(|t| t.starts_with("pkg:"))
            .unwrap_or_default()
            .to_owned()
    };
    let own = purl(product);
    let checksum = own
        .split_once("checksum=sha256:")
        .map(|(_, hash)| hash.split(['&', '#', ',']).next().unwrap_or(hash));
    let hashes = [&product["hashes"]["sha-256"], &product["hashes"]["sha256"]];
    let sha256 = hashes
        .into_iter()
        .find_map(Value::as_str)
        .or(checksum)
        .map(str::to_owned);
    let listed: Vec<&Value> = list(&product["subcomponents"]).collect();
    let subcomponents: Vec<Pattern> = listed.iter().filter_map(|s| Pattern::exact(&purl(s))).collect();
    // Subcomponents of which none is a package: it is about something else altogether.
    let foreign = !listed.is_empty() && subcomponents.is_empty();
    Product {
        package: Pattern::exact(&own).filter(|_| !foreign),
        sha256: sha256.filter(|_| !foreign),
        subcomponents,
        ..Product::default()
    }
}

fn cyclonedx(document: &Value) -> Option<Vec<Statement>> {
    let mut refs: HashMap<&str, &str> = HashMap::new();
    let mut open: Vec<&Value> = list(&document["components"]).collect();
    while let Some(component) = open.pop() {
        refs.insert(text(&component["bom-ref"]), text(&component["purl"]));
        open.extend(list(&component["components"]));
    }
    let whole = &document["metadata"]["component"];
    let statement = |(i, v): (usize, &Value)| {
        let analysis = &v["analysis"];
        let word = match text(&analysis["state"]) {
            "not_affected" | "false_positive" => Word::NotAffected,
            "resolved" | "resolved_with_pedigree" => Word::Fixed,
            "exploitable" => Word::Affected,
            _ => Word::UnderInvestigation,
        };
        let label = text(&analysis["justification"]);
        let justification = match label {
            "code_not_present" => Some(Justification::CodeNotPresent),
            "code_not_reachable" => Some(Justification::NotInExecutePath),
            l if l.starts_with("requires_") => Some(Justification::NotControlled),
            l if l.starts_with("protected_") => Some(Justification::Mitigated),
            _ => None,
        };
        let reason = [text(&analysis["detail"]), label].into_iter().find(|r| !r.is_empty());
        let ids = std::iter::once(&v["id"]).chain(list(&v["references"]).map(|r| &r["id"]));
        let when = [
            &analysis["lastUpdated"],
            &v["updated"],
            &document["metadata"]["timestamp"],
        ];
        Statement {
            number: i + 1,
            ids: ids.filter_map(Value::as_str).map(str::to_owned).collect(),
            products: list(&v["affects"]).map(|a| affected(a, &refs, whole)).collect(),
            word,
            justification,
            reason: reason.unwrap_or("no reason is given").to_owned(),
            when: when
                .into_iter()
                .map(text)
                .find(|t| !t.is_empty())
                .unwrap_or_default()
                .to_owned(),
        }
    };
    Some(
        document["vulnerabilities"]
            .as_array()?
            .iter()
            .enumerate()
            .map(statement)
            .collect(),
    )
}

/// What `affects` names: a component of this document or of another (a BOM-Link, `urn:cdx:…#ref`), or the whole.
fn affected(affects: &Value, refs: &HashMap<&str, &str>, whole: &Value) -> Product {
    let named = text(&affects["ref"]);
    let inner = match named.split_once('#') {
        Some((link, inner)) if link.starts_with("urn:cdx:") => percent_encoding::percent_decode_str(inner)
            .decode_utf8_lossy()
            .into_owned(),
        _ => named.to_owned(),
    };
    let purl = refs
        .get(&*inner)
        .copied()
        .filter(|purl| !purl.is_empty())
        .unwrap_or(&inner);
    let sha256 = list(&whole["hashes"])
        .find(|h| text(&h["alg"]) == "SHA-256")
        .map(|h| text(&h["content"]).to_owned());
    let is_whole = !inner.is_empty() && text(&whole["bom-ref"]) == inner;
    let versions = list(&affects["versions"]).filter_map(|v| {
        let range = match (&v["version"], &v["range"]) {
            (Value::String(version), _) => Range::exact(version),
            (_, Value::String(range)) => range::parse(range)?,
            _ => return None,
        };
        Some((range, text(&v["status"]) == "unaffected"))
    });
    let versions: Vec<(Range, bool)> = versions.collect();
    // Versions that cannot be read are not all versions.
    let unread = versions.len() < list(&affects["versions"]).count();
    Product {
        package: Pattern::exact(purl).filter(|_| !is_whole && !unread),
        versions,
        sha256: sha256.filter(|_| is_whole),
        subcomponents: Vec::new(),
    }
}
