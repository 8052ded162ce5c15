//! Every size, ratio, depth and count limit, with its reason.
//!
//! All limits are on actual bytes, never on what an artifact declares. A limit that is reached is a blind
//! [`crate::model::Gap`] that names it; what was found before is still reported.

use std::time::Duration;

const MIB: u64 = 1 << 20;

/// What one artifact may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an artifact. 512 MiB: twice what AWS Lambda takes unpacked, so nothing deployable is refused.
    pub artifact_bytes: u64,
    /// Bytes inflated in all, nested archives included. 1 GiB: four times Lambda's unpacked limit of 250 MB.
    pub total_bytes: u64,
    /// Bytes of one document (a lock file, a METADATA) or binary that a detector reads. 64 MiB: the largest
    /// package-lock.json seen in the wild is under 10 MB.
    pub entry_bytes: u64,
    /// Bytes of a nested archive, which must be held in memory for its directory to be read. 256 MiB.
    pub nested_bytes: u64,
    /// Bytes up to which a tar inside gzip is held in memory; a larger one is inflated once for its list and again for its
    /// contents. 32 MiB: an npm or sdist tarball fits, an image layer need not.
    pub spool_bytes: u64,
    /// Output bytes per input byte beyond the first [`Limits::ratio_free_bytes`]. 250: deflate's maximum is 1032, real
    /// entries of that size stay below 50.
    pub ratio: u64,
    /// Bytes that may be inflated at any ratio. 8 MiB.
    pub ratio_free_bytes: u64,
    /// Entries of one archive. 200,000: a zip without zip64 ends at 65,535.
    pub entries: usize,
    /// Archives inside archives. 8: the deepest honest nesting seen is 3 (image, layer, wheel).
    pub depth: usize,
    /// Bytes of one path. 4,096: Linux's `PATH_MAX`; a longer one cannot be unpacked.
    pub path_bytes: usize,
    /// Segments of one path. 256: the deepest `node_modules` seen in the wild has 40.
    pub path_parts: usize,
    /// Packed bytes of an archive up to which every entry is checked, whoever asks for it. 64 KiB: what costs nothing. In a
    /// larger archive an entry that no detector reads is looked at in its records and its first bytes alone.
    pub verify_bytes: u64,
    /// Values inside values in a document (JSON, TOML). 128: as deep as serde_json goes by itself; the deepest honest
    /// document, a lock file of version 1, nests its packages 20 deep.
    pub document_depth: usize,
    /// Bytes of a Rust binary's audit data once inflated. 8 MiB: cargo-auditable's own default.
    pub audit_bytes: usize,
    /// Time for one artifact. 30 s.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            artifact_bytes: 512 * MIB,
            total_bytes: 1024 * MIB,
            entry_bytes: 64 * MIB,
            nested_bytes: 256 * MIB,
            spool_bytes: 32 * MIB,
            ratio: 250,
            ratio_free_bytes: 8 * MIB,
            entries: 200_000,
            depth: 8,
            path_bytes: 4096,
            path_parts: 256,
            verify_bytes: 64 << 10,
            document_depth: 128,
            audit_bytes: 8 << 20,
            deadline: Duration::from_secs(30),
        }
    }
}
