//! Packages that lie where another one is looked for.

use super::{ADVICE, Check, Context, about};
use crate::{
    ecosystem::{NPM, PYPI},
    model::{Component, Fact, Finding, Level, Rule},
};
use std::collections::HashSet;

pub(super) struct Misnamed;

static RULE: Rule = Rule {
    id: "misnamed",
    title: "component lies under another package's name",
    help: "Its package.json names another package than the folder that it is in, and neither a lock file nor a package.json in \
           the artifact declares such an alias (`\"nick\": \"npm:name@1\"`). Whoever requires the folder's name gets this package. \
           Install again from the lock file, and compare. A note by itself, for the package.json that declares the alias may be \
           left out of the artifact; with a second signal on the same package, both count for more. Of a Python distribution: \
           its METADATA names another than the `*.dist-info` folder, which installers name by METADATA: a warning, for no \
           installer does that.",
    level: Level::Note,
};

impl Check for Misnamed {
    fn rule(&self) -> &'static Rule {
        &RULE
    }

    fn run(&self, cx: Context<'_>, out: &mut Vec<Finding>) {
        for component in cx.inventory.iter().filter(|c| c.coordinate.ecosystem == PYPI.id) {
            if let Some(folder) = metadata_folder(component) {
                let message =
                    format!("its metadata lies in the folder {folder}, which is named after another distribution");
                out.extend(about(component, &RULE, ADVICE, message));
            }
        }
        let suspects: Vec<(&Component, &str)> = cx
            .inventory
            .iter()
            .filter(|c| c.coordinate.ecosystem == NPM.id)
            .filter_map(|c| Some((c, folder(c)?)))
            .collect();
        if suspects.is_empty() {
            return;
        }
        let called: HashSet<&str> = cx
            .inventory
            .iter()
            .flat_map(Component::facts)
            .filter_map(|fact| match fact {
                Fact::Calls(name) | Fact::Alias(name) => Some(&**name),
                Fact::At(folder) => Some(folder.rsplit_once("node_modules/").map_or(&**folder, |(_, name)| name)),
                _ => None,
            })
            .collect();
        for (component, folder) in suspects.into_iter().filter(|(_, folder)| !called.contains(folder)) {
            let message = format!("lies in the folder of {folder}, and nothing in the artifact declares that alias");
            out.extend(about(component, &RULE, RULE.level, message));
        }
    }
}

/// `NAME-VERSION.dist-info`, where its name is not the distribution's own (PEP 376; a version has no `-` in a folder's name).
fn metadata_folder(component: &Component) -> Option<&str> {
    let installed = component.evidence.iter().filter(|e| e.detector == "dist-info");
    let mut folders = installed.filter_map(|e| e.location.path.rsplit('/').nth(1));
    folders.find(|folder| {
        let stem = folder.rsplit_once('.').map_or(*folder, |(stem, _)| stem);
        let name = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
        (PYPI.normalise)(name) != *component.coordinate.name
    })
}

/// The folder's name, where it is not the package's own.
fn folder(component: &Component) -> Option<&str> {
    let installed = component.evidence.iter().filter(|e| e.detector == "npm-installed");
    let folders = installed.filter_map(|e| {
        let folder = e.location.path.strip_suffix("/package.json")?;
        folder.rsplit_once("node_modules/").map(|(_, name)| name)
    });
    // A store of yarn's or pnpm's has names of its own.
    let mut others =
        folders.filter(|name| !name.starts_with('.') && (NPM.normalise)(name) != *component.coordinate.name);
    others.next()
}
