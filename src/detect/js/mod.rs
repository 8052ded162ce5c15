//! What the detectors of bundled JavaScript share: paths of modules, the one pass over a bundle, source maps, licence
//! comments, inlined manifests; and those of lock files.

pub(super) mod aws_sdk;
pub(super) mod banner;
pub(super) mod chunks;
pub(super) mod manifest;
pub(super) mod metadata;
pub(super) mod module_path;
pub(super) mod origin;
pub(super) mod package_json;
pub(super) mod scan;
pub(super) mod source_map;
pub(super) mod wishes;
