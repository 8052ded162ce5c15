//! Every size, ratio, depth and count limit, with its reason.
//!
//! All limits are on actual bytes, never on what an artifact declares. A limit that is reached is a blind
//! [`crate::model::Gap`] that names it; what was found before is still reported.

use std::time::Duration;

const MIB: u64 = 1 << 20;

/// Values inside values in a document (JSON, TOML), beyond which it is a blind gap. The parsers' own bound, and the one limit
/// that no flag changes: it keeps their recursion inside a thread's stack. The deepest honest document, a lock file of version
/// 1, nests its packages some 20 deep.
pub const DOCUMENT_DEPTH: usize = 128;

/// What one artifact may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an artifact. 512 MiB: twice what AWS Lambda takes unpacked, so nothing deployable is refused.
    pub artifact_bytes: u64,
    /// Bytes inflated in all, nested archives included. 1 GiB: four times Lambda's unpacked limit of 250 MB.
    pub total_bytes: u64,
    /// Bytes of one document (a lock file, a METADATA) that a detector reads. 64 MiB: the largest package-lock.json seen in
    /// the wild is under 10 MB.
    pub entry_bytes: u64,
    /// Bytes of one binary that a detector reads. 160 MiB: compilers that ship as Node bindings reach 100 MB.
    pub binary_bytes: u64,
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
    /// Components of one entry. 50,000: seventy times the largest tree measured (634 packages), and an end to what a forged
    /// lock file can cost.
    pub components: usize,
    /// Archives inside archives. 8: the deepest honest nesting seen is 3 (image, layer, wheel).
    pub depth: usize,
    /// Bytes of one path. 4,096: Linux's `PATH_MAX`; a longer one cannot be unpacked.
    pub path_bytes: usize,
    /// Segments of one path. 256: the deepest `node_modules` seen in the wild has 40.
    pub path_parts: usize,
    /// Packed bytes of an archive up to which every entry is checked, whoever asks for it. 64 KiB: what costs nothing. In a
    /// larger archive an entry that no detector reads is looked at in its records and its first bytes alone.
    pub verify_bytes: u64,
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
            binary_bytes: 160 * MIB,
            nested_bytes: 256 * MIB,
            spool_bytes: 32 * MIB,
            ratio: 250,
            ratio_free_bytes: 8 * MIB,
            entries: 200_000,
            components: 50_000,
            depth: 8,
            path_bytes: 4096,
            path_parts: 256,
            verify_bytes: 64 << 10,
            audit_bytes: 8 << 20,
            deadline: Duration::from_secs(30),
        }
    }
}

/// One limit by its name, for the command line, the policy file and the messages of gaps.
pub struct Limit {
    /// Kebab-case name, the same that gaps give.
    pub name: &'static str,
    /// What it counts.
    pub unit: &'static str,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

impl Limit {
    /// Its value.
    #[must_use]
    pub fn get(&self, limits: &Limits) -> u64 {
        (self.get)(limits)
    }
}

fn small(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Every limit, in the order of [`Limits`].
#[rustfmt::skip]
pub static TABLE: &[Limit] = &[
    Limit { name: "artifact-bytes", unit: "bytes of an artifact", get: |l| l.artifact_bytes, set: |l, v| l.artifact_bytes = v },
    Limit { name: "total-bytes", unit: "bytes inflated in all", get: |l| l.total_bytes, set: |l, v| l.total_bytes = v },
    Limit { name: "entry-bytes", unit: "bytes of one document", get: |l| l.entry_bytes, set: |l, v| l.entry_bytes = v },
    Limit { name: "binary-bytes", unit: "bytes of one binary", get: |l| l.binary_bytes, set: |l, v| l.binary_bytes = v },
    Limit { name: "nested-bytes", unit: "bytes of a nested archive", get: |l| l.nested_bytes, set: |l, v| l.nested_bytes = v },
    Limit { name: "spool-bytes", unit: "bytes of a tarball held in memory", get: |l| l.spool_bytes, set: |l, v| l.spool_bytes = v },
    Limit { name: "ratio", unit: "bytes inflated per packed byte", get: |l| l.ratio, set: |l, v| l.ratio = v },
    Limit { name: "ratio-free-bytes", unit: "bytes inflated at any ratio", get: |l| l.ratio_free_bytes, set: |l, v| l.ratio_free_bytes = v },
    Limit { name: "entries", unit: "entries of one archive", get: |l| l.entries as u64, set: |l, v| l.entries = small(v) },
    Limit { name: "components", unit: "components of one entry", get: |l| l.components as u64, set: |l, v| l.components = small(v) },
    Limit { name: "depth", unit: "archives inside archives", get: |l| l.depth as u64, set: |l, v| l.depth = small(v) },
    Limit { name: "path-bytes", unit: "bytes of one path", get: |l| l.path_bytes as u64, set: |l, v| l.path_bytes = small(v) },
    Limit { name: "path-parts", unit: "segments of one path", get: |l| l.path_parts as u64, set: |l, v| l.path_parts = small(v) },
    Limit { name: "verify-bytes", unit: "packed bytes of an archive checked whole", get: |l| l.verify_bytes, set: |l, v| l.verify_bytes = v },
    Limit { name: "audit-bytes", unit: "bytes of a binary's audit data", get: |l| l.audit_bytes as u64, set: |l, v| l.audit_bytes = small(v) },
    Limit { name: "deadline", unit: "seconds for one artifact", get: |l| l.deadline.as_secs(), set: |l, v| l.deadline = Duration::from_secs(v) },
];

impl Limits {
    /// Sets one limit from `NAME=VALUE`; bytes take a suffix `K`, `M` or `G` (of 1024).
    ///
    /// ```
    /// let mut limits = plimsoll::limits::Limits::default();
    /// limits.set("total-bytes=4G").unwrap();
    /// assert_eq!(limits.total_bytes, 4 << 30);
    /// assert!(limits.set("breadth=3").is_err());
    /// ```
    ///
    /// # Errors
    /// When there is no such limit, or the value is no number.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        let names = || TABLE.iter().map(|limit| limit.name).collect::<Vec<_>>().join(", ");
        let limit = TABLE.iter().find(|limit| limit.name == name);
        let limit = limit.ok_or_else(|| format!("no limit `{name}`; there are: {}", names()))?;
        let (digits, unit) = match value.char_indices().next_back() {
            Some((at, 'K' | 'k')) => (&value[..at], 1 << 10),
            Some((at, 'M' | 'm')) => (&value[..at], 1 << 20),
            Some((at, 'G' | 'g')) => (&value[..at], 1 << 30),
            _ => (value, 1),
        };
        let number: u64 = digits
            .parse()
            .map_err(|_| format!("`{value}` is no number, or too large"))?;
        (limit.set)(self, number.saturating_mul(unit));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_and_seen() {
        let mut limits = Limits::default();
        for (i, limit) in TABLE.iter().enumerate() {
            limits.set(&format!("{}={}", limit.name, 1000 + i)).expect("is set");
        }
        for (i, limit) in TABLE.iter().enumerate() {
            assert_eq!(limit.get(&limits), 1000 + i as u64, "{}", limit.name);
        }
        // A field without a row would stay as it was.
        let fields = format!("{limits:?}").matches(": ").count();
        assert_eq!(fields, TABLE.len());
    }
}
