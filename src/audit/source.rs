//! `--source`: a Cargo workspace, resolved by cargo itself. The one place that runs a program, and only where asked to:
//! cargo reads the configuration of the folder, which may name programs of its own.

use crate::model::{Need, SourceKind, Unit, Workspace};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use std::{collections::HashMap, path::Path};

/// How a source was built.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// As cargo's `--features`.
    pub on: Vec<String>,
    /// Whether it was built without the default ones.
    pub no_default: bool,
    /// Whether cargo may not use the network.
    pub offline: bool,
}

impl Workspace {
    /// Has cargo resolve the workspace of a folder, as its lock file says.
    ///
    /// # Errors
    /// When there is none, when its lock file is missing or old, or when cargo cannot be run.
    pub fn open(folder: &Path, features: &Features) -> Result<Self, String> {
        let manifest = folder.join("Cargo.toml");
        if !manifest.is_file() {
            return Err("no Cargo.toml there; expected the folder of a package or of a workspace".to_owned());
        }
        let mut command = MetadataCommand::new();
        // Without its lock file, cargo would choose other versions than those that were built.
        let mut others = vec!["--locked".to_owned()];
        others.extend(features.offline.then(|| "--offline".to_owned()));
        command.manifest_path(&manifest).other_options(others);
        if features.no_default {
            command.features(CargoOpt::NoDefaultFeatures);
        }
        if !features.on.is_empty() {
            command.features(CargoOpt::SomeFeatures(features.on.clone()));
        }
        let metadata = command.exec().map_err(|e| match e {
            cargo_metadata::Error::CargoMetadata { stderr } => format!("cargo metadata failed: {}", stderr.trim()),
            e => format!("cargo metadata failed: {e}"),
        })?;
        Ok(workspace(folder, &metadata))
    }
}

fn workspace(folder: &Path, metadata: &Metadata) -> Workspace {
    let places: HashMap<&PackageId, usize> = metadata.packages.iter().enumerate().map(|(i, p)| (&p.id, i)).collect();
    let mut units: Vec<Unit> = metadata
        .packages
        .iter()
        .map(|package| unit(package, metadata.workspace_members.contains(&package.id)))
        .collect();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let Some(unit) = places.get(&node.id).and_then(|&at| units.get_mut(at)) else {
            continue;
        };
        for dependency in &node.deps {
            let Some(&to) = places.get(&dependency.pkg) else {
                continue;
            };
            let normal = dependency
                .dep_kinds
                .iter()
                .filter(|kind| kind.kind == DependencyKind::Normal);
            unit.needs.extend(normal.map(|kind| Need {
                unit: to,
                platform: kind.target.as_ref().map(|platform| platform.to_string().into()),
            }));
        }
    }
    Workspace {
        folder: folder.to_string_lossy().into(),
        units,
    }
}

fn unit(package: &Package, member: bool) -> Unit {
    let source = match package.source.as_ref() {
        None => SourceKind::Local,
        Some(source) if source.is_crates_io() => SourceKind::CratesIo,
        Some(source) => match source.repr.strip_prefix("git+") {
            Some(url) => SourceKind::Git(url.into()),
            None => SourceKind::Registry(source.repr.as_str().into()),
        },
    };
    let is = |kinds: &[TargetKind], wanted: &[TargetKind]| kinds.iter().any(|kind| wanted.contains(kind));
    let libraries = [
        TargetKind::Lib,
        TargetKind::RLib,
        TargetKind::DyLib,
        TargetKind::CDyLib,
        TargetKind::StaticLib,
    ];
    let library = package
        .targets
        .iter()
        .find(|t| is(&t.kind, &libraries) || is(&t.kind, &[TargetKind::ProcMacro]));
    let built = package
        .targets
        .iter()
        .filter(|t| is(&t.kind, &[TargetKind::Bin, TargetKind::CDyLib]));
    Unit {
        name: package.name.as_str().into(),
        version: package.version.to_string().into(),
        source,
        identifier: library.map(|target| target.name.replace('-', "_").into()),
        is_macro: library.is_some_and(|target| is(&target.kind, &[TargetKind::ProcMacro])),
        builds: if member {
            built.map(|target| target.name.as_str().into()).collect()
        } else {
            Vec::new()
        },
        needs: Vec::new(),
    }
}
