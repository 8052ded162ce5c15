//! yarn's lock file, `yarn.lock`: version 1 (classic) and what yarn 2 and later (berry) write.

use super::{
    DetectError, Detector, Interest, Sink,
    js::{
        module_path::{is_package_name, is_version},
        origin,
        wishes::{Manifest, Wishes},
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::NPM,
    model::{Coordinate, Fact, Proof},
    parse::{
        self,
        indented::{self, Line},
    },
};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) struct YarnLock;

/// Workspaces whose manifests are read. 1,000: the largest monorepos have a few hundred, and each is opened by itself.
const WORKSPACES: usize = 1000;

/// One block: the descriptors that it answers, and what it answers them with.
#[derive(Default)]
struct Block {
    descriptors: Vec<String>,
    version: Option<String>,
    resolution: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    soft: bool,
    dependencies: Vec<(String, String)>,
    /// Of these, the names that it can do without.
    optional: HashSet<String>,
}

impl Detector for YarnLock {
    fn id(&self) -> &'static str {
        "yarn-lock"
    }

    fn reads(&self) -> &'static str {
        "`yarn.lock` of yarn 1 and of yarn 2 and later"
    }

    fn interest(&self, meta: EntryMeta<'_>) -> Interest {
        Interest::read_if(meta.file_name() == "yarn.lock" && !meta.in_node_modules())
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let text = parse::text(entry.bytes);
        let blocks = blocks(&text);
        if blocks.is_empty() && !text.contains("# yarn lockfile") && !text.contains("__metadata") {
            return Err(DetectError(
                "no entry in it; write the lock file again with yarn".to_owned(),
            ));
        }
        let coordinates: Vec<Option<Coordinate>> = blocks.iter().map(coordinate).collect();
        let mut answers: HashMap<&str, &Coordinate> = HashMap::new();
        for (block, coordinate) in blocks.iter().zip(&coordinates) {
            let names = block.descriptors.iter().zip(std::iter::repeat(coordinate));
            answers.extend(names.filter_map(|(d, c)| Some((&**d, c.as_ref()?))));
        }
        // yarn 4 writes `npm:` before the range, yarn 2 only in the descriptor.
        let answer = |name: &str, range: &str| -> Option<Coordinate> {
            let exact = answers.get(&*format!("{name}@{range}"));
            exact
                .or_else(|| answers.get(&*format!("{name}@npm:{range}")))
                .map(|c| (*c).clone())
        };
        let judged = wishes(&blocks, found, answer).judge(&needs(&blocks, &coordinates, answer));
        let usual = origin::usual_host(blocks.iter().filter_map(|b| b.resolved.as_deref()));
        for (block, coordinate) in blocks.iter().zip(&coordinates) {
            let Some(coordinate) = coordinate.as_ref().filter(|_| !block.soft) else {
                continue;
            };
            let requires = block.dependencies.iter();
            let requires = requires.filter_map(|(name, range)| answer(name, range));
            let mut added = found
                .add(coordinate.clone(), Proof::Locked, 1.0)
                .requires(requires.collect())
                .facts(judged.facts(coordinate));
            for descriptor in &block.descriptors {
                match split(descriptor) {
                    Some((alias, _)) if *alias != *coordinate.name => added = added.fact(Fact::Alias(alias.into())),
                    _ => {}
                }
            }
            if let Some(integrity) = &block.integrity {
                added = added.fact(Fact::Integrity(integrity.as_str().into()));
            }
            let from = block.resolved.as_deref().filter(|url| origin::is_unusual(url, usual));
            let reference = block
                .resolution
                .as_deref()
                .and_then(split)
                .map(|(_, reference)| reference);
            let elsewhere = reference.filter(|r| !r.starts_with("npm:") && !r.starts_with("patch:"));
            if let Some(url) = from.or(elsewhere) {
                let _ = added.fact(Fact::Origin(url.into()));
            }
        }
        Ok(())
    }
}

/// What the application asks for: its `package.json` beside the lock file says it, and what of that is for development
/// alone; berry lists the rest in the blocks of its workspaces.
fn wishes(blocks: &[Block], found: &Sink<'_>, answer: impl Fn(&str, &str) -> Option<Coordinate>) -> Wishes {
    let mut wishes = Wishes::default();
    let mut workspaces: BTreeMap<&str, &[(String, String)]> = BTreeMap::new();
    for block in blocks {
        let resolution = block.resolution.as_deref().and_then(split);
        if let Some(folder) = resolution.and_then(|(_, reference)| reference.strip_prefix("workspace:")) {
            workspaces.insert(folder, &block.dependencies);
        }
    }
    if workspaces.is_empty() {
        workspaces.insert(".", &[]);
    }
    for (folder, listed) in workspaces.into_iter().take(WORKSPACES) {
        let manifest = Manifest::beside(found, folder).unwrap_or_default();
        let mut told: HashSet<&str> = HashSet::new();
        for (name, range, needed) in manifest.all() {
            told.insert(name);
            if let Some(coordinate) = answer(name, range) {
                wishes.add(coordinate, needed);
            }
        }
        for (name, range) in listed.iter().filter(|(name, _)| !told.contains(&**name)) {
            if let Some(coordinate) = answer(name, range) {
                wishes.add(coordinate, true);
            }
        }
    }
    wishes
}

/// What each package needs, without what it can do without.
fn needs(
    blocks: &[Block],
    coordinates: &[Option<Coordinate>],
    answer: impl Fn(&str, &str) -> Option<Coordinate>,
) -> HashMap<Coordinate, Vec<Coordinate>> {
    let mut needs: HashMap<Coordinate, Vec<Coordinate>> = HashMap::new();
    for (block, coordinate) in blocks.iter().zip(coordinates) {
        let Some(coordinate) = coordinate else { continue };
        let needed = block
            .dependencies
            .iter()
            .filter(|(name, _)| !block.optional.contains(name));
        let answers = needed.filter_map(|(name, range)| answer(name, range));
        needs.entry(coordinate.clone()).or_default().extend(answers);
    }
    needs
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut list, mut about) = ("", "");
    for Line { indent, key, value } in indented::lines(text) {
        match (indent, blocks.last_mut()) {
            (0, _) => {
                let descriptors = key.split(", ").map(|d| d.trim_matches(['"', '\'', ' ']).to_owned());
                blocks.push(Block {
                    descriptors: descriptors.collect(),
                    ..Block::default()
                });
                list = "";
            }
            (2, Some(block)) => {
                list = key;
                match key {
                    "version" => block.version = Some(value.into_owned()),
                    "resolution" => block.resolution = Some(value.into_owned()),
                    "resolved" => block.resolved = Some(value.into_owned()),
                    "integrity" => block.integrity = Some(value.into_owned()),
                    "linkType" => block.soft = value == "soft",
                    _ => {}
                }
            }
            (4, Some(block)) if matches!(list, "dependencies" | "optionalDependencies") => {
                let name = indented::unquote(key).into_owned();
                if list == "optionalDependencies" {
                    block.optional.insert(name.clone());
                }
                block.dependencies.push((name, value.into_owned()));
            }
            // berry: `dependenciesMeta:`, a name, `optional: true`
            (4, _) => about = key,
            (6, Some(block)) if list == "dependenciesMeta" && key == "optional" && value == "true" => {
                block.optional.insert(indented::unquote(about).into_owned());
            }
            _ => {}
        }
    }
    blocks.retain(|b| b.version.is_some() && b.descriptors.iter().any(|d| split(d).is_some()));
    blocks
}

/// `@scope/name@range` in two.
fn split(descriptor: &str) -> Option<(&str, &str)> {
    let at = descriptor.get(1..)?.find('@')? + 1;
    let (name, range) = (descriptor.get(..at)?, descriptor.get(at + 1..)?);
    is_package_name(name).then_some((name, range))
}

/// berry names the package in `resolution`; yarn 1 in an alias's range (`nick@npm:name@^1`).
fn coordinate(block: &Block) -> Option<Coordinate> {
    let version = block.version.as_deref().filter(|v| is_version(v));
    if let Some((name, _)) = block.resolution.as_deref().and_then(split) {
        return Some(NPM.coordinate(name, version));
    }
    let (name, range) = block.descriptors.iter().find_map(|d| split(d))?;
    let real = range.strip_prefix("npm:").and_then(split).map(|(real, _)| real);
    Some(NPM.coordinate(real.unwrap_or(name), version))
}
