//! The time of leases, for stores that have no clock of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest lease: 100 years, in milliseconds. Every store can count that far.
const LONGEST: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// The system's time, in milliseconds since 1970-01-01T00:00:00Z.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// How long a lease lasts, in milliseconds: at least one.
pub(super) fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(LONGEST).clamp(1, LONGEST)
}

/// When a lease that is taken at `now` runs out.
pub(super) fn end(now: u64, ttl: Duration) -> u64 {
    now.saturating_add(millis(ttl))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lease_is_too_short_or_too_long_to_count() {
        assert_eq!(end(5, Duration::ZERO), 6);
        assert_eq!(end(5, Duration::from_millis(7)), 12);
        assert_eq!(millis(Duration::MAX), LONGEST);
        assert_eq!(end(u64::MAX, Duration::from_millis(1)), u64::MAX);
    }
}
