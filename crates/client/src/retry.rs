//! Retry with backoff: sending again what may be sent again, bounded in number, spread in time.
//!
//! Every request of the control plane is either idempotent or carries an idempotency key that its
//! caller minted, so the same bytes are sent each time and a lost answer makes nothing twice. The
//! total time is not counted here: the whole command runs under one deadline.

use std::time::Duration;

use crate::error::ClientError;
use hauki_contract::system::random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a request is sent again after its first failure.
    pub times: u32,
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 3, first: Duration::from_millis(50), longest: Duration::from_secs(2) }
    }
}

impl Retry {
    pub const NEVER: Self = Self { times: 0, first: Duration::ZERO, longest: Duration::ZERO };

    /// The pause before attempt `attempt` (1 is the first repetition): doubled each time, with full
    /// jitter in its upper half, so that many callers do not come back in step.
    #[must_use]
    pub fn pause(&self, attempt: u32, random: u64) -> Duration {
        let whole = self.first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.longest);
        let half = whole / 2;
        let part = u32::try_from(random % 1_000).unwrap_or(0);
        half + half * part / 1_000
    }

    pub async fn run<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ClientError> {
        let mut failures = 0;
        loop {
            match attempt().await {
                Err(error) if error.worth_repeating() && failures < self.times => {
                    failures += 1;
                    tokio::time::sleep(self.pause(failures, random::u64())).await;
                }
                answer => return answer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use hauki_contract::api::{ApiError, ErrorCode};

    fn run(retry: Retry, code: ErrorCode, good_after: u32) -> (u32, bool) {
        let sent = Cell::new(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let answer = runtime.block_on(retry.run(|| {
            sent.set(sent.get() + 1);
            let good = sent.get() > good_after;
            async move { if good { Ok(()) } else { Err(ClientError::Api(ApiError::new(code, "no"))) } }
        }));
        (sent.get(), answer.is_ok())
    }

    const QUICK: Retry =
        Retry { times: 3, first: Duration::from_micros(10), longest: Duration::from_micros(20) };

    #[test]
    fn only_what_can_help_is_sent_again() {
        assert_eq!(run(QUICK, ErrorCode::Temporary, 2), (3, true));
        assert_eq!(run(QUICK, ErrorCode::Temporary, 9), (4, false));
        assert_eq!(run(QUICK, ErrorCode::Denied, 1), (1, false));
        assert_eq!(run(QUICK, ErrorCode::NoCapacity, 1), (1, false));
        assert_eq!(run(Retry::NEVER, ErrorCode::Temporary, 1), (1, false));
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        let retry = Retry::default();
        for random in [0, 499, 999] {
            assert!(retry.pause(1, random) >= Duration::from_millis(25));
            assert!(retry.pause(1, random) <= Duration::from_millis(50));
            assert!(retry.pause(40, random) <= retry.longest);
        }
    }
}
