//! What a sync may take of the machine at a time.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// What reading an artifact takes whatever its size: buffers, and what is found.
const LEAST: u64 = 2 << 20;

/// Bytes in memory for each byte of the artifact: the map of it, what is inflated at a time, and what is found.
const FACTOR: u64 = 3;

/// Lets artifacts in as long as there is room for them. One that is larger than all the room is read alone.
#[derive(Debug)]
pub struct Gate {
    room: u64,
    used: Mutex<u64>,
    left: Condvar,
}

/// Room that an artifact takes; it is given back with this.
#[derive(Debug)]
pub struct Room<'g> {
    gate: &'g Gate,
    size: u64,
}

impl Gate {
    /// With room for so many bytes.
    #[must_use]
    pub fn new(room: u64) -> Self {
        Self {
            room,
            used: Mutex::new(0),
            left: Condvar::new(),
        }
    }

    /// Waits until there is room for an artifact of so many bytes.
    pub fn enter(&self, bytes: u64) -> Room<'_> {
        let size = bytes.saturating_mul(FACTOR).saturating_add(LEAST);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && used.saturating_add(size) > self.room {
            used = self.left.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used = used.saturating_add(size);
        Room { gate: self, size }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut used = self.gate.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.saturating_sub(self.size);
        drop(used);
        self.gate.left.notify_all();
    }
}

/// Keeps what is fetched to so many bytes a second, over all threads and over time.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    free: Mutex<Instant>,
}

impl Pace {
    /// Of so many bytes a second.
    #[must_use]
    pub fn new(rate: u64) -> Self {
        Self {
            rate: rate.max(1),
            free: Mutex::new(Instant::now()),
        }
    }

    /// Waits as long as so many bytes should have taken.
    pub fn took(&self, bytes: u64) {
        let until = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
            let span = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            *free = (*free).max(Instant::now()) + span.min(Duration::from_hours(1));
            *free
        };
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}
