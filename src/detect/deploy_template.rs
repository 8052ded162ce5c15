//! Runtimes that a template inside the artifact names: AWS SAM and CloudFormation (`Runtime`), the Serverless Framework
//! (`runtime`).

use super::{DetectError, Detector, Interest, Sink};
use crate::{
    archive::{Entry, EntryMeta},
    parse::{self, indented, json},
};
use serde_json::Value;

pub(super) struct DeployTemplate;

const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "template"];
const WORDS: [&str; 7] = [
    "template",
    "serverless",
    "cloudformation",
    "cfn",
    "sam",
    "stack",
    "packaged",
];

impl Detector for DeployTemplate {
    fn id(&self) -> &'static str {
        "deploy-template"
    }

    fn reads(&self) -> &'static str {
        "`template.yaml`, `*.template.json`, `cloudformation*.yml`, `serverless.yml` and their like: the runtime that a \
         function is deployed to"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        // By the words that such files are called by: what is none says nothing once it is read.
        let name = meta.file_name();
        let document = name.rsplit_once('.').filter(|(_, ending)| ENDINGS.contains(ending));
        let named = document.is_some_and(|_| name.split(['.', '-', '_']).any(|word| WORDS.contains(&word)));
        Interest::read_if(named && !meta.in_node_modules())
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
                    // `provider: {name: aws, runtime: nodejs20.x}` is one line as well.
                    let parts = line
                        .split(['{', ',', '}'])
                        .filter_map(|part| indented::lines(part).next());
                    let named = parts.filter(|l| matches!(&*indented::unquote(l.key), "Runtime" | "runtime"));
                    let value = named.map(|l| {
                        let value = l.value.split(" #").next().unwrap_or_default().trim();
                        indented::unquote(value).into_owned()
                    });
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{archive::EntryKind, detect::Alone, model::Location};

    fn meta(path: &str) -> EntryMeta<'_> {
        EntryMeta {
            path,
            size: 0,
            kind: EntryKind::File,
        }
    }

    /// Runtimes and their lines, as a file of that name says.
    fn said(path: &str, text: &str) -> Vec<String> {
        assert_eq!(DeployTemplate.interest(meta(path)), Interest::Read, "{path}");
        let location = Location::new([].into(), path);
        let entry = Entry {
            meta: meta(path),
            bytes: text.as_bytes(),
            whole: true,
            location: location.clone(),
        };
        let mut sink = Sink::new(&DeployTemplate, &location, &Alone);
        DeployTemplate.extract(&entry, &mut sink).unwrap();
        let runtimes = sink.into_found().runtimes;
        let shown = |(place, runtime): &(Location, Box<str>)| match place.line {
            Some(line) => format!("{runtime}:{line}"),
            None => runtime.to_string(),
        };
        runtimes.iter().map(shown).collect()
    }

    #[test]
    fn templates() {
        let sam = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    Runtime: nodejs16.x # old\nResources:\n  \
                   A:\n    Properties:\n      Runtime: 'python3.8'\n  B:\n    Properties:\n      Runtime: !Ref Which\n";
        let flow = "service: x\nprovider: {name: aws, runtime: nodejs14.x}\nfunctions:\n  a: {handler: a.b, \"runtime\": \"python3.7\"}\n";
        let cloudformation = r#"{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Runtime":"nodejs12.x"}},
            "G":{"Properties":{"Runtime":{"Ref":"R"}}}}}"#;
        let json = r#"{"Globals":{"Function":{"Runtime":"nodejs16.x"}},"Resources":{}}"#;
        let serverless = r#"{"provider":{"runtime":"nodejs14.x"},"functions":{"a":{"runtime":"python3.6"}}}"#;
        for (path, text, expected) in [
            ("template.yaml", sam, &["nodejs16.x:4", "python3.8:8"][..]),
            ("infra/packaged-template.yml", sam, &["nodejs16.x:4", "python3.8:8"]),
            ("serverless.yml", flow, &["nodejs14.x:2", "python3.7:4"]),
            ("cdk.out/App.template.json", cloudformation, &["nodejs12.x"]),
            (
                "cloudformation-template-update-stack.json",
                cloudformation,
                &["nodejs12.x"],
            ),
            ("template.json", json, &["nodejs16.x"]),
            ("serverless.json", serverless, &["nodejs14.x", "python3.6"]),
            ("template.yaml", "runtime: nodejs12.x\n", &[]),
            ("email/template.json", "{\"runtime\":\"nodejs12.x\"", &[]),
        ] {
            assert_eq!(said(path, text), expected, "{path}");
        }
        for path in ["node_modules/x/template.yaml", "template.py", "contemplate.json"] {
            assert_eq!(DeployTemplate.interest(meta(path)), Interest::Skip, "{path}");
        }
    }
}
