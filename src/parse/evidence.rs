//! Evidence as a line of text beside a place, so that an SBOM that was made here loses nothing on its way back.

use super::json::{self, Scalar};
use crate::model::{Evidence, Fact, Proof};
use serde::Deserialize;
use serde_json::json;

/// Systems and processors that binaries are told apart by.
const PLATFORMS: &[&str] = &["linux", "windows", "x86", "arm", "x86_64", "aarch64"];

/// What a place alone does not say: the detector, the proof, the confidence and the facts. Licences, authors and hashes are
/// left out: every SBOM format has members of its own for them.
#[must_use]
pub fn write(evidence: &Evidence) -> String {
    let facts = facts(evidence);
    let mut context = json!({
        "detector": evidence.detector,
        "proof": evidence.proof.as_str(),
        "confidence": rounded(evidence.confidence),
    });
    if !facts.is_empty() {
        context["facts"] = json!(facts);
    }
    context.to_string()
}

/// The facts, each as a word or as `word=text`; without those that every format has members of its own for.
#[must_use]
pub fn facts(evidence: &Evidence) -> Vec<String> {
    evidence.facts.iter().filter_map(word).collect()
}

/// Two decimals are all that a detector means.
#[must_use]
pub fn rounded(confidence: f32) -> f64 {
    (f64::from(confidence) * 100.0).round() / 100.0
}

/// What [`write`] wrote, but for the place.
#[derive(Debug, PartialEq)]
pub struct Context {
    /// Id of the detector.
    pub detector: String,
    /// How strongly.
    pub proof: Proof,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// What else.
    pub facts: Vec<Fact>,
}

/// Reads it; `None` where it is something else. Facts that are not known are left out.
#[must_use]
pub fn read(text: &str) -> Option<Context> {
    #[derive(Deserialize)]
    struct Written {
        detector: String,
        proof: String,
        confidence: f32,
        #[serde(default)]
        facts: Vec<Scalar>,
    }
    let written: Written = json::document(text.as_bytes()).ok()?;
    let proofs = [Proof::Inferred, Proof::Declared, Proof::Locked, Proof::Installed];
    Some(Context {
        detector: written.detector,
        proof: proofs.into_iter().find(|p| p.as_str() == written.proof)?,
        confidence: Some(written.confidence).filter(|c| (0.0..=1.0).contains(c))?,
        facts: written.facts.iter().filter_map(|f| fact(f.text()?)).collect(),
    })
}

/// Any fact as a word, those included that SBOMs have members of their own for.
#[must_use]
pub fn word_of(fact: &Fact) -> String {
    match fact {
        Fact::Licence(text) => format!("licence={text}"),
        Fact::Author(text) => format!("author={text}"),
        Fact::Integrity(text) => format!("integrity={text}"),
        other => word(other).unwrap_or_default(),
    }
}

/// The fact of a word of [`word_of`]; `None` where it is not known.
#[must_use]
pub fn fact_of(word: &str) -> Option<Fact> {
    match word.split_once('=') {
        Some(("licence", text)) => Some(Fact::Licence(text.into())),
        Some(("author", text)) => Some(Fact::Author(text.into())),
        Some(("integrity", text)) => Some(Fact::Integrity(text.into())),
        _ => fact(word),
    }
}

fn word(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Dispensable => "dispensable".to_owned(),
        Fact::Direct => "direct".to_owned(),
        Fact::Given => "given".to_owned(),
        Fact::Candidate => "candidate".to_owned(),
        Fact::Copy => "copy".to_owned(),
        Fact::OneOf(versions) => format!("one-of={}", versions.join(" ")),
        Fact::Unlikely(versions) => format!("unlikely={}", versions.join(" ")),
        Fact::InstallScript => "install-script".to_owned(),
        Fact::Inactive => "inactive".to_owned(),
        Fact::FetchingScript(text) => format!("fetching-script={text}"),
        Fact::Os(text) => format!("os={text}"),
        Fact::Arch(text) => format!("arch={text}"),
        Fact::Deprecated(text) => format!("deprecated={text}"),
        Fact::At(text) => format!("at={text}"),
        Fact::Alias(text) => format!("alias={text}"),
        Fact::Calls(text) => format!("calls={text}"),
        Fact::Origin(text) => format!("origin={text}"),
        Fact::Registry(text) => format!("registry={text}"),
        Fact::RequiredBy(text) => format!("required-by={text}"),
        Fact::Licence(_) | Fact::Author(_) | Fact::Integrity(_) => return None,
    })
}

fn fact(word: &str) -> Option<Fact> {
    let (key, text) = word.split_once('=').unwrap_or((word, ""));
    let platform = || PLATFORMS.iter().copied().find(|known| *known == text);
    Some(match key {
        "dispensable" => Fact::Dispensable,
        "direct" => Fact::Direct,
        "given" => Fact::Given,
        "candidate" => Fact::Candidate,
        "copy" => Fact::Copy,
        "one-of" => Fact::OneOf(text.split(' ').map(Into::into).collect()),
        "unlikely" => Fact::Unlikely(text.split(' ').map(Into::into).collect()),
        "install-script" => Fact::InstallScript,
        "inactive" => Fact::Inactive,
        "fetching-script" => Fact::FetchingScript(text.into()),
        "os" => Fact::Os(platform()?),
        "arch" => Fact::Arch(platform()?),
        "deprecated" => Fact::Deprecated(text.into()),
        "at" => Fact::At(text.into()),
        "alias" => Fact::Alias(text.into()),
        "calls" => Fact::Calls(text.into()),
        "origin" => Fact::Origin(text.into()),
        "registry" => Fact::Registry(text.into()),
        "required-by" => Fact::RequiredBy(text.into()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Location;

    #[test]
    fn what_is_written_is_read() {
        let facts = vec![
            Fact::Dispensable,
            Fact::Direct,
            Fact::Given,
            Fact::Candidate,
            Fact::Copy,
            Fact::OneOf(["1.0.0".into(), "1.0.1".into()].into()),
            Fact::Unlikely(["1.0.0".into()].into()),
            Fact::InstallScript,
            Fact::Inactive,
            Fact::FetchingScript("curl x=y".into()),
            Fact::Os("linux"),
            Fact::Arch("aarch64"),
            Fact::Deprecated("use = \"b\"\n".into()),
            Fact::At("node_modules/a".into()),
            Fact::Alias("nick".into()),
            Fact::Calls("nick".into()),
            Fact::Origin("git+ssh://x?a=b".into()),
            Fact::Registry("r".into()),
            Fact::RequiredBy("cc".into()),
        ];
        for proof in [Proof::Inferred, Proof::Declared, Proof::Locked, Proof::Installed] {
            let evidence = Evidence {
                detector: "npm-lock",
                location: Location::new([].into(), "x"),
                proof,
                confidence: 0.75,
                facts: facts.clone(),
            };
            let read = read(&write(&evidence)).expect("reads");
            assert_eq!(
                (read.detector.as_str(), read.proof, read.confidence),
                ("npm-lock", proof, 0.75)
            );
            assert_eq!(read.facts, facts);
        }
        for text in [
            "",
            "{}",
            "npm-lock",
            r#"{"detector":"x","proof":"sure","confidence":1}"#,
            r#"{"detector":"x","proof":"locked","confidence":7}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
