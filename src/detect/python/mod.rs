//! What the Python detectors share: import names, versions written in code, compiled modules.

pub(super) mod files;
pub(super) mod folders;
pub(super) mod imports;
pub(super) mod literals;
pub(super) mod lock;
pub(super) mod marshal;
pub(super) mod metadata;
pub(super) mod native;
pub(super) mod stated;
