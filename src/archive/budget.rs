//! What one artifact has cost so far.

use super::ReadError;
use crate::limits::Limits;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Counts what is inflated over all entries and nested archives of one artifact, and watches its deadline.
#[derive(Debug)]
pub struct Budget {
    /// The limits it enforces.
    pub limits: Limits,
    total: u64,
    inflated: AtomicU64,
    end: Instant,
}

impl Budget {
    /// A fresh budget; its deadline starts now.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            total: limits.total_bytes,
            inflated: AtomicU64::new(0),
            end: Instant::now() + limits.deadline,
        }
    }

    /// A budget for an artifact of so many bytes: the ratio holds for it as a whole too, or a thousand small bombs would do
    /// what one large one may not. [`Limits::ratio_free_bytes`] are free eight times over.
    #[must_use]
    pub fn for_artifact(limits: &Limits, bytes: u64) -> Self {
        let most = bytes
            .saturating_mul(limits.ratio)
            .saturating_add(limits.ratio_free_bytes.saturating_mul(8));
        Self {
            total: limits.total_bytes.min(most),
            ..Self::new(limits)
        }
    }

    /// Bytes read so far, inflated or copied.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.inflated.load(Ordering::Relaxed)
    }

    /// Takes `bytes` from the budget.
    ///
    /// # Errors
    /// When the total or the deadline is passed.
    pub fn spend(&self, bytes: u64) -> Result<(), ReadError> {
        let total = self.inflated.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > self.limits.total_bytes {
            return Err(ReadError::limit("total-bytes", self.limits.total_bytes));
        }
        if total > self.total {
            return Err(ReadError::limit("ratio", self.limits.ratio));
        }
        self.in_time()
    }

    /// # Errors
    /// When the deadline is passed.
    pub fn in_time(&self) -> Result<(), ReadError> {
        if Instant::now() > self.end {
            return Err(ReadError::limit("deadline", self.limits.deadline.as_secs()));
        }
        Ok(())
    }
}
