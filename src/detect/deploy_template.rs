//! Runtimes that a template inside the artifact names: AWS SAM and CloudFormation (`Runtime`), the Serverless Framework
//! (`runtime`).

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryMeta},
    parse::{self, indented, json},
};
use serde_json::Value;

pub(super) struct DeployTemplate;

impl Detector for DeployTemplate {
    fn id(&self) -> &'static str {
        "deploy-template"
    }

    fn reads(&self) -> &'static str {
        "`template.yaml`, `*.template.json`, `serverless.yml`: the runtime that a function is deployed to"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        let name = meta.file_name();
        let own = matches!(
            name,
            "template.yaml"
                | "template.yml"
                | "template.json"
                | "serverless.yml"
                | "serverless.yaml"
                | "serverless.json"
        );
        let installed = meta.path.starts_with("node_modules/") || meta.path.contains("/node_modules/");
        Interest::read_if((own || name.ends_with(".template.json") || name.ends_with(".template.yaml")) && !installed)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        let mut runtimes = Vec::new();
        if entry.meta.file_name().rsplit('.').next() == Some("json") {
            // Any document may be called `template.json`; one that is none says nothing.
            if let Ok(document) = json::document::<Value>(text.as_bytes()) {
                let functions = ["/Globals/Function", "/provider"]
                    .into_iter()
                    .filter_map(|at| document.pointer(at));
                let members = |at: &str| document.get(at).and_then(Value::as_object).into_iter().flatten();
                let resources = members("Resources").filter_map(|(_, r)| r.get("Properties"));
                let own = functions.chain(resources).chain(members("functions").map(|(_, f)| f));
                let named = own.filter_map(|f| f.get("Runtime").or_else(|| f.get("runtime")).and_then(Value::as_str));
                runtimes.extend(named.map(|runtime| (runtime.to_owned(), None)));
            }
        } else {
            let template =
                |key: &str| matches!(key, "Resources" | "AWSTemplateFormatVersion" | "Transform" | "provider");
            if indented::lines(&text).any(|line| line.indent == 0 && template(line.key)) {
                for (number, line) in text.lines().enumerate() {
                    let named = indented::lines(line)
                        .next()
                        .filter(|l| matches!(l.key, "Runtime" | "runtime"));
                    let value = named.map(|l| l.value.split(" #").next().unwrap_or_default().trim().to_owned());
                    runtimes.extend(value.map(|runtime| (runtime, Some(number + 1))));
                }
            }
        }
        for (runtime, line) in runtimes.into_iter().filter(|(runtime, _)| is_runtime(runtime)) {
            let place = found.place();
            let place = line.map_or(place.clone(), |line| place.at_line(line));
            found.runtimes.push((place, runtime.into()));
        }
        Ok(())
    }
}

/// `nodejs20.x`, `python3.12`, `provided.al2023`; no reference to something else (`!Ref`, `${…}`).
fn is_runtime(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    !text.is_empty() && text.len() <= 32 && text.bytes().all(plain)
}
