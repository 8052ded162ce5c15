//! Rust binaries that carry cargo-auditable's list of crates, in ELF, PE, Mach-O and WebAssembly.
//!
//! The list is what cargo resolves, and that is more than it links: a feature such as `quinn?/rustls` brings `quinn` with all that it
//! needs into the list whether anybody asked for it or not. A whole branch that only such a feature brings, and of which the
//! binary shows nothing, is left out, and a gap names it.

use super::{
    DetectError, Detector, Interest, Sink,
    rust::{
        BINARIES,
        compile_time::is_macro_name,
        lock::System,
        names, paths,
        platform::platform,
        source::Built,
        spare::{Resolved, brought, is_macro},
        traces::traces,
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
use std::collections::{BTreeSet, HashMap, HashSet};

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
        let proofs = proofs(&info.packages);
        let unasked = unasked(&info.packages, &proofs, entry.bytes);
        if !unasked.is_empty() {
            let names: Vec<&str> = unasked.iter().map(|&i| &*info.packages[i].name).collect();
            found.partial(format!(
                "left out of its audit data, as nothing of them is in the binary and cargo lists what an optional dependency \
                 (`name?/feature`) might have asked for: {}",
                names.join(", ")
            ));
        }
        for (at, (package, proof)) in info.packages.iter().zip(proofs).enumerate() {
            if let Some(proof) = proof.filter(|_| unasked.binary_search(&at).is_err()) {
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
    // A macro, or a part of one (`darling_core`, `synstructure`), which is a library that nothing linked uses directly.
    let of_macros: Vec<bool> = packages.iter().map(|p| !p.root && is_macro_of(p, packages)).collect();
    let mut proofs = vec![None; packages.len()];
    let reach = |from: Vec<usize>, proof: Proof, shut: &[bool], runtime_only: bool, proofs: &mut Vec<Option<Proof>>| {
        let mut open = from;
        while let Some(i) = open.pop() {
            for next in linked_by(&packages[i], packages.len()) {
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
        for next in linked_by(&packages[i], packages.len()) {
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

/// Crates of an optional branch from which on it is believed that nobody asked for it if nothing of them is in the binary. One will
/// do where symbols are left: of the optional crates that six functions do have none hid from them. A third of all linked
/// crates leaves no other trace, so a stripped binary must hide more.
const BRANCH: usize = 1;
const STRIPPED_BRANCH: usize = 4;

/// Share of the other crates that must have left a trace: one in four does in the barest binaries.
const TELLING: usize = 6;

/// Crates of a list in which such branches are looked for; the largest programs have a quarter, and the work is quadratic.
const MOST: usize = 4_000;

/// Places of the crates that are proved, but listed for the sake of an optional dependency that nobody asked for, in order.
fn unasked(packages: &[Package], proofs: &[Option<Proof>], bytes: &[u8]) -> Vec<usize> {
    let roots: Vec<usize> = (0..packages.len()).filter(|&i| packages[i].root).collect();
    if roots.is_empty() || packages.len() > MOST || System::of(bytes) != System::Unix {
        return Vec::new();
    }
    let edges: Vec<Vec<usize>> = packages
        .iter()
        .map(|p| linked_by(p, packages.len()).collect())
        .collect();
    let versions: Vec<String> = packages.iter().map(|p| p.version.to_string()).collect();
    let is_macro: Vec<bool> = packages.iter().map(|p| is_macro_of(p, packages)).collect();
    let brought = |seen: &dyn Fn(usize) -> bool| {
        let resolved = |i: usize| Resolved {
            name: &packages[i].name,
            version: &versions[i],
            published: packages[i].source == Source::CratesIo,
            is_macro: is_macro[i],
            seen: seen(i),
        };
        let resolved: Vec<Resolved<'_>> = (0..packages.len()).map(resolved).collect();
        brought(&resolved, &edges, &roots)
    };
    // Most binaries have none; then their bytes need not be looked through.
    if proofs
        .iter()
        .zip(brought(&|_| false))
        .all(|(proof, brought)| proof.is_none() || brought)
    {
        return Vec::new();
    }
    let traces = traces(bytes);
    let paths: HashSet<(&str, &str)> = traces.sources.iter().filter_map(paths::Source::crate_version).collect();
    let names: HashSet<&str> = traces.symbols.keys().chain(traces.modules.keys()).copied().collect();
    let mut versions_of: HashMap<&str, usize> = HashMap::new();
    for package in packages {
        *versions_of.entry(&package.name).or_default() += 1;
    }
    // A name says which version is there where only one is listed.
    let is_named = |name: &str| versions_of.get(name) == Some(&1) && names.contains(&*names::identifier(name));
    let is_seen = |i: usize| {
        let name = &*packages[i].name;
        paths.contains(&(name, &*versions[i])) || is_named(name)
    };
    let shown = (0..packages.len()).filter(|&i| is_seen(i)).count();
    if shown * TELLING < packages.len() {
        return Vec::new();
    }
    let brought = brought(&is_seen);
    let branch = |head: usize| {
        let mut branch = BTreeSet::from([head]);
        let mut open = vec![head];
        while let Some(i) = open.pop() {
            open.extend(edges[i].iter().copied().filter(|&d| !brought[d] && branch.insert(d)));
        }
        branch
    };
    let asking = (0..packages.len()).filter(|&i| brought[i]);
    let heads: BTreeSet<usize> = asking
        .flat_map(|i| edges[i].iter().copied().filter(|&d| !brought[d]))
        .collect();
    let fewest = if traces.symbols.is_empty() {
        STRIPPED_BRANCH
    } else {
        BRANCH
    };
    let (large, small): (Vec<_>, Vec<_>) = heads.into_iter().map(branch).partition(|branch| branch.len() >= fewest);
    // What a small branch shares with a large one stays with it.
    let unasked: BTreeSet<usize> = large.into_iter().flatten().collect();
    let kept: BTreeSet<usize> = small.into_iter().flatten().collect();
    unasked
        .difference(&kept)
        .copied()
        .filter(|&i| proofs[i].is_some())
        .collect()
}

fn is_macro_of(package: &Package, packages: &[Package]) -> bool {
    let needs: Vec<(&str, String)> = linked_by(package, packages.len())
        .map(|i| (&*packages[i].name, packages[i].version.to_string()))
        .collect();
    let needs = needs.iter().map(|(name, version)| (*name, &**version));
    let published = package.source == Source::CratesIo;
    is_macro(&package.name, &package.version.to_string(), published, needs)
}

/// Places of what a crate depends on, of those that the list has.
fn linked_by(package: &Package, count: usize) -> impl Iterator<Item = usize> + '_ {
    package.dependencies.iter().copied().filter(move |&next| next < count)
}

/// Whether a binary carries its list of crates.
pub(super) fn is_audited(bytes: &[u8], limit: usize) -> bool {
    memmem::find(bytes, SECTION).is_some() && auditable_info::audit_info_from_slice(bytes, limit).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for() {
        // `reqwest` configures `quinn` if that is there (`quinn?/rustls`), so cargo resolves it with all that it needs.
        const CRATES: &[(&str, &str, &[usize])] = &[
            ("app", "0.1.0", &[1, 2]),
            ("reqwest", "0.12.9", &[2, 3]),
            ("hyper", "1.5.0", &[]),
            ("quinn", "0.11.5", &[4, 5, 6]),
            ("quinn-proto", "0.11.8", &[6]),
            ("quinn-udp", "0.5.5", &[]),
            ("rustc-hash", "2.0.0", &[]),
        ];
        let package = |(i, (name, version, needs)): (usize, &(&str, &str, &[usize]))| Package {
            name: (*name).to_owned(),
            version: version.parse().expect("a version"),
            source: if i == 0 { Source::Local } else { Source::CratesIo },
            kind: DependencyKind::Runtime,
            dependencies: needs.to_vec(),
            root: i == 0,
        };
        let packages: Vec<Package> = CRATES.iter().enumerate().map(package).collect();
        let path = |krate: &&str| format!("/registry/src/github.com-1ecc6299db9ec823/{krate}/src/lib.rs\0");
        let symbol = "_ZN5hyper5proto17h0123456789abcdefE\0";
        for (what, shown, count, unasked) in [
            (
                "nothing of it is there",
                &["hyper-1.5.0", "reqwest-0.12.9"][..],
                7,
                &[3, 4, 5, 6][..],
            ),
            ("some of it is", &["hyper-1.5.0", "quinn-0.11.5"], 7, &[]),
            ("the binary shows nothing", &[], 7, &[]),
            ("a crate or two may be all inlined", &["hyper-1.5.0"], 4, &[]),
            (
                "none of the optional ones hides where symbols are left",
                &["hyper"],
                4,
                &[3],
            ),
        ] {
            let shown: String = shown
                .iter()
                .map(|s| if *s == "hyper" { symbol.to_owned() } else { path(s) })
                .collect();
            let binary = format!("\x7fELF{shown}");
            let (packages, proofs) = (&packages[..count], proofs(&packages[..count]));
            assert_eq!(self::unasked(packages, &proofs, binary.as_bytes()), unasked, "{what}");
        }
    }
}
