//! What bundlers write about their own output: esbuild's metafile, webpack's and rspack's stats, rollup's chunks.

use super::module_path::{self, PackagePath};
use crate::parse::json::{self, Members, Scalar};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// One file that the bundler wrote.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Output {
    pub(in crate::detect) file_name: String,
    pub(in crate::detect) bytes: Option<usize>,
    pub(in crate::detect) packages: BTreeSet<PackagePath>,
    /// How the modules' sizes divide between packages and the application; of the output, or of the sources.
    pub(in crate::detect) components: usize,
    pub(in crate::detect) application: usize,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    outputs: Members<EsbuildOutput>,
    #[serde(default)]
    assets: Vec<Asset>,
    #[serde(default)]
    modules: Vec<Module>,
    #[serde(default)]
    output: Vec<Chunk>,
}

#[derive(Deserialize)]
struct EsbuildOutput {
    #[serde(default)]
    bytes: Option<usize>,
    #[serde(default)]
    inputs: Members<EsbuildInput>,
}

#[derive(Deserialize)]
struct EsbuildInput {
    #[serde(default, rename = "bytesInOutput")]
    bytes: usize,
}

#[derive(Deserialize)]
struct Asset {
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    size: Option<usize>,
}

/// A module of webpack's; one that others were joined to lists them in turn, as deep as JSON may nest.
#[derive(Deserialize)]
struct Module {
    #[serde(default, rename = "nameForCondition")]
    path: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    size: Value,
    #[serde(default)]
    modules: Vec<Module>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default, rename = "fileName")]
    file_name: Scalar,
    #[serde(default)]
    modules: Members<RollupModule>,
}

#[derive(Deserialize)]
struct RollupModule {
    #[serde(default, rename = "renderedLength")]
    length: usize,
}

impl Output {
    fn add(&mut self, path: &str, bytes: usize) {
        match module_path::package(path) {
            Some(package) => {
                self.components = self.components.saturating_add(bytes);
                self.packages.insert(package);
            }
            None => self.application = self.application.saturating_add(bytes),
        }
    }

    fn add_all(&mut self, modules: &[Module]) {
        for module in modules {
            if module.modules.is_empty() {
                let path = module.path.text().or(module.name.text()).unwrap_or_default();
                let size = module.size.as_u64().and_then(|s| usize::try_from(s).ok());
                self.add(path, size.unwrap_or_default());
            } else {
                self.add_all(&module.modules);
            }
        }
    }
}

/// The outputs that a document describes; none where it is something else.
///
/// # Errors
/// When it is not JSON, or of another shape.
pub(in crate::detect) fn outputs(bytes: &[u8]) -> Result<Vec<Output>, serde_json::Error> {
    let document: Document = json::document(bytes)?;
    let mut outputs = Vec::new();
    for (path, written) in &document.outputs.0 {
        let mut output = Output {
            file_name: file_name(path).to_owned(),
            bytes: written.bytes,
            ..Output::default()
        };
        // Inputs that were shaken out are listed with no bytes.
        for (path, input) in written.inputs.0.iter().filter(|(_, input)| input.bytes > 0) {
            output.add(path, input.bytes);
        }
        outputs.push(output);
    }
    let mut all = Output::default();
    all.add_all(&document.modules);
    for asset in &document.assets {
        let name = asset.name.text().unwrap_or_default();
        if is_script(name) && !document.modules.is_empty() {
            outputs.push(Output {
                file_name: file_name(name).to_owned(),
                bytes: asset.size,
                ..all.clone()
            });
        }
    }
    for chunk in &document.output {
        let mut output = Output {
            file_name: file_name(chunk.file_name.text().unwrap_or_default()).to_owned(),
            ..Output::default()
        };
        for (path, module) in chunk.modules.0.iter().filter(|(_, module)| module.length > 0) {
            output.add(path, module.length);
        }
        outputs.push(output);
    }
    outputs.retain(|o| is_script(&o.file_name) && o.components + o.application > 0);
    Ok(outputs)
}

fn is_script(name: &str) -> bool {
    [".js", ".mjs", ".cjs"].iter().any(|ext| name.ends_with(ext))
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bundlers() {
        let esbuild = r#"{"inputs":{},"outputs":{"dist/index.js":{"bytes":90,"inputs":{
            "node_modules/a/i.js":{"bytesInOutput":50},"node_modules/b/i.js":{"bytesInOutput":0},"src/x.ts":{"bytesInOutput":7}}}}}"#;
        let webpack = r#"{"assets":[{"name":"index.js","size":90},{"name":"index.js.map","size":1}],"modules":[
            {"nameForCondition":null,"name":"./src/x.ts + 1 modules","modules":[
                {"nameForCondition":"/app/node_modules/a/i.js","size":50},{"nameForCondition":"/app/src/x.ts","size":7}]}]}"#;
        let rollup = r#"{"output":[{"fileName":"index.js","modules":{"\u0000/app/node_modules/a/i.js?commonjs-es-import":
            {"renderedLength":50},"/app/src/x.ts":{"renderedLength":7}}},{"fileName":"x.css"}]}"#;
        for text in [esbuild, webpack, rollup] {
            let found = outputs(text.as_bytes()).expect("reads");
            assert_eq!(found.len(), 1, "{text}");
            let names: Vec<&str> = found[0].packages.iter().map(|p| &*p.name).collect();
            assert_eq!((&*found[0].file_name, names), ("index.js", vec!["a"]));
            assert_eq!((found[0].components, found[0].application), (50, 7));
        }
        assert_eq!(outputs(b"{\"outputs\":[1],\"x\":{}}").expect("another document"), []);
        assert!(outputs(b"{\"modules\":3}").is_err());
    }
}
