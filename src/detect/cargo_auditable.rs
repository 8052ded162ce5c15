//! Rust binaries that carry cargo-auditable's list of crates, in ELF, PE, Mach-O and WebAssembly.

use super::{
    DetectError, Detector, Interest, Sink,
    rust::{
        BINARIES,
        compile_time::{is_macro, is_macro_name, is_toolkit},
        platform::platform,
        source::Built,
    },
};
use crate::{
    archive::{Entry, EntryMeta},
    ecosystem::CARGO,
    model::{Coordinate, Fact, Proof},
};
use auditable_info::Error;
use auditable_serde::{DependencyKind, Package, Source};
use memchr::memmem;
use std::collections::{BTreeSet, HashSet};

pub(super) struct CargoAuditable;

/// A file that cannot be parsed as a binary and does not name the section has nothing to hide in it.
const SECTION: &[u8] = b".dep-v0";

impl Detector for CargoAuditable {
    fn id(&self) -> &'static str {
        "cargo-auditable"
    }

    fn reads(&self) -> &'static str {
        "Rust binaries with cargo-auditable's section, by magic: ELF, PE, Mach-O, WebAssembly"
    }

    fn technique(&self) -> &'static str {
        "binary-analysis"
    }

    fn interest(&self, _: EntryMeta<'_>) -> Interest {
        Interest::Magic(BINARIES)
    }

    fn extract(&self, entry: &Entry<'_>, found: &mut Sink<'_>) -> Result<(), DetectError> {
        let info = match auditable_info::audit_info_from_slice(entry.bytes, found.neighbours.limits().audit_bytes) {
            Ok(info) => info,
            Err(Error::NoAuditData | Error::BinaryParsing(_)) if memmem::find(entry.bytes, SECTION).is_none() => {
                return Ok(());
            }
            Err(Error::NoAuditData) => return Ok(()), // a tool that reads audit data names the section too
            Err(e) => {
                return Err(DetectError(format!(
                    "audit data cannot be read ({e}); build with cargo auditable again"
                )));
            }
        };
        let platform = platform(entry.bytes);
        let roots = info.packages.iter().filter(|p| p.root);
        let direct: HashSet<usize> = roots.flat_map(|root| root.dependencies.iter().copied()).collect();
        for (at, (package, proof)) in info.packages.iter().zip(proofs(&info.packages)).enumerate() {
            if let Some(proof) = proof {
                let requires = package.dependencies.iter().filter_map(|&i| info.packages.get(i));
                let added = found
                    .add(coordinate(package), proof, 1.0)
                    .requires(requires.map(coordinate).collect())
                    .facts(platform.iter().cloned())
                    .facts(origin(&package.source));
                let _ = added.facts(direct.contains(&at).then_some(Fact::Direct));
            }
        }
        if let Some(built) = Built::of(found.neighbours.workspaces(), entry.meta.path, entry.bytes, &platform) {
            let linked = |p: &&Package| !p.root && p.kind == DependencyKind::Runtime && p.source != Source::Local;
            let versions = info.packages.iter().filter(linked);
            let versions: Vec<(&str, String)> = versions.map(|p| (&*p.name, p.version.to_string())).collect();
            let seen = versions
                .iter()
                .map(|(name, version)| (*name, version.as_str()))
                .collect();
            built.compare(&seen, &BTreeSet::new(), true, found);
        }
        Ok(())
    }
}

/// The audit data says of what kind a source is, and not which: `registry` is any but crates.io.
fn origin(source: &Source) -> Option<Fact> {
    match source {
        Source::CratesIo => None,
        Source::Git => Some(Fact::Origin("git:".into())),
        Source::Local => Some(Fact::Origin("file:".into())),
        Source::Registry => Some(Fact::Registry("not crates.io".into())),
        // What it is called then is all that is known.
        other => Some(Fact::Origin(String::from(other.clone()).into())),
    }
}

fn coordinate(package: &Package) -> Coordinate {
    CARGO.coordinate(&package.name, Some(&package.version.to_string()))
}

/// What the audit data proves of each of its crates.
///
/// It lists what `cargo tree` would, and does not say which crates are procedural macros: those ran in the compiler. They
/// are told by what they depend on. What is reached without passing through one, or through a build dependency, is linked:
/// installed. What only a macro uses is declared: asked for, but not in the binary. The macros themselves, and what only
/// build scripts use (`cc`, `autocfg`), are left out.
fn proofs(packages: &[Package]) -> Vec<Option<Proof>> {
    let name = |i: &usize| packages.get(*i).map(|p| p.name.as_str());
    let uses_toolkit = |p: &Package| p.dependencies.iter().filter_map(name).any(is_toolkit);
    // A macro, or a part of one (`darling_core`, `synstructure`), which is a library that nothing linked uses directly.
    let of_macros: Vec<bool> = packages
        .iter()
        .map(|p| !p.root && is_macro(&p.name, uses_toolkit(p)))
        .collect();
    let mut proofs = vec![None; packages.len()];
    let reach = |from: Vec<usize>, proof: Proof, shut: &[bool], runtime_only: bool, proofs: &mut Vec<Option<Proof>>| {
        let mut open = from;
        while let Some(i) = open.pop() {
            for &next in packages[i].dependencies.iter().filter(|&&next| next < packages.len()) {
                let build = packages[next].kind == DependencyKind::Build;
                if !shut[next] && proofs[next].is_none() && !(runtime_only && build) {
                    proofs[next] = Some(proof);
                    open.push(next);
                }
            }
        }
    };
    let all = |wanted: &dyn Fn(usize) -> bool| (0..packages.len()).filter(|&i| wanted(i)).collect::<Vec<_>>();
    reach(
        all(&|i| packages[i].root),
        Proof::Installed,
        &of_macros,
        true,
        &mut proofs,
    );
    let mut runs_alone: Vec<bool> = (0..packages.len())
        .map(|i| of_macros[i] && is_macro_name(&packages[i].name))
        .collect();
    for i in all(&|i| packages[i].root || proofs[i].is_some()) {
        for &next in packages[i].dependencies.iter().filter(|&&next| next < packages.len()) {
            runs_alone[next] |= of_macros[next];
        }
    }
    reach(
        all(&|i| runs_alone[i]),
        Proof::Declared,
        &runs_alone,
        false,
        &mut proofs,
    );
    for (i, package) in packages.iter().enumerate() {
        if package.root {
            proofs[i] = None;
        } else if proofs[i].is_none() && !of_macros[i] && package.kind == DependencyKind::Runtime {
            // Audit data without a root or with edges left out: its own word on the kind is all there is.
            proofs[i] = Some(Proof::Installed);
        }
    }
    proofs
}

/// Whether a binary carries its list of crates.
pub(super) fn is_audited(bytes: &[u8], limit: usize) -> bool {
    memmem::find(bytes, SECTION).is_some() && auditable_info::audit_info_from_slice(bytes, limit).is_ok()
}
