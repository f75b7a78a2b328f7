//! Time types: the times by which something is decided, as types.

use jiff::Timestamp;

use super::{kernel, manual};
use crate::model::lease::Mono;

/// The last second of the wall clock, so far before the end of what can be written that no term, however long,
/// leads behind it.
const LATEST_S: i64 = 253_000_000_000;

/// A clock that is beyond all reason stands still here: what is written can be read again.
#[must_use]
pub fn now() -> Timestamp {
    manual::wall().unwrap_or_else(|| match kernel::wall() {
        Some(since) => within_reason(
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            i32::try_from(since.subsec_nanos()).unwrap_or(0),
        ),
        None => Timestamp::UNIX_EPOCH,
    })
}

/// Not before 1970, from where everybody counts.
fn within_reason(seconds: i64, nanos: i32) -> Timestamp {
    match Timestamp::new(seconds.clamp(0, LATEST_S), nanos) {
        Ok(time) if (0..LATEST_S).contains(&seconds) => time,
        Ok(_) | Err(_) if seconds < 0 => Timestamp::UNIX_EPOCH,
        Ok(_) | Err(_) => Timestamp::from_second(LATEST_S).unwrap_or(Timestamp::MAX),
    }
}

/// The node's monotonic clock, which goes on while the machine is suspended: that it
/// slept can be seen, and a vault's life-time does not stand still.
#[must_use]
pub fn mono() -> Mono {
    manual::mono().unwrap_or_else(|| Mono(kernel::boot_us()))
}

#[must_use]
pub fn unix_ms() -> u64 {
    u64::try_from(now().as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_clock_beyond_all_reason_gives_a_time_that_can_be_written_and_added_to() {
        let usual = Timestamp::new(1_764_478_385, 123_456_789).expect("is in range");
        assert_eq!(within_reason(1_764_478_385, 123_456_789), usual);
        assert_eq!(within_reason(0, 0), Timestamp::UNIX_EPOCH);
        // The last seconds that can be written, the first that cannot, and what no calendar has.
        let far = [LATEST_S, 253_402_207_200, 253_402_207_201, 253_402_300_800, i64::MAX];
        for seconds in far.into_iter().chain([-1, i64::MIN]) {
            for nanos in [0, 999_999_999, i32::MAX, -1] {
                let time = within_reason(seconds, nanos);
                assert_eq!(time.to_string().parse::<Timestamp>().expect("reads"), time, "{seconds}");
                let later = time.checked_add(SignedDuration::from_hours(2 * 366 * 24)).expect("has room");
                assert_eq!(later.to_string().parse::<Timestamp>().expect("reads"), later, "{seconds}");
                assert!(later.to_string().starts_with(|digit: char| digit.is_ascii_digit()));
            }
        }
    }
}
