//! Time, and arithmetic with it. Whatever comes from the wire is added here and nowhere else.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time, in seconds since 1970-01-01T00:00:00Z, and waits.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> u64;

    /// Now, on a clock that nobody sets: it tells how much time has passed. By default tokio's. A clock of which `sleep` does not wait
    /// has to move it on.
    fn monotonic(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// Waits. By default tokio's timer does.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }
}

/// A duration in whole seconds, the last one begun.
pub(crate) fn seconds_of(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// `now` plus `seconds`, never overflowing.
pub(crate) fn after(now: u64, seconds: u64) -> u64 {
    now.saturating_add(seconds)
}

/// The moment so much later than `now`.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

/// The seconds from `earlier` to `later`; 0 if it is not later.
pub(crate) const fn since(earlier: u64, later: u64) -> u64 {
    later.saturating_sub(earlier)
}
