//! Rate limit and concurrency limit of one vault's fetches, and the room that their answers have on this node.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::FetchError;
use hauki_contract::model::lease::Mono;

/// At once, of one vault.
const AT_ONCE: usize = 4;
/// So many may come together, and so many a second after that.
const BURST: u64 = 40;
const PER_SECOND: u64 = 20;
/// In a vault's life.
const MOST: u64 = 100_000;
/// Of all vaults of the process together: what has been read and not been handed over.
const ROOM_KIB: usize = 64 * 1024;

static ROOM: Semaphore = Semaphore::const_new(ROOM_KIB);

pub(in crate::outbound) struct FetchAccount {
    places: Arc<Semaphore>,
    spent: Mutex<RequestCount>,
}

#[derive(Default)]
struct RequestCount {
    count: u64,
    /// What is left of the burst, in millionths, and when that was so.
    left_millionths: Option<u64>,
    at: Mono,
}

impl Default for FetchAccount {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), spent: Mutex::default() }
    }
}

impl FetchAccount {
    /// The right to one request; or why there is none.
    pub(super) fn take(&self, now: Mono) -> Result<(), FetchError> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = now.since(spent.at).saturating_mul(PER_SECOND);
        let full = BURST * 1_000_000;
        let left = spent.left_millionths.map_or(full, |left| left.saturating_add(grown).min(full));
        spent.at = now;
        if spent.count >= MOST {
            return Err(FetchError::Spent(MOST));
        }
        spent.left_millionths = Some(left);
        let Some(left) = left.checked_sub(1_000_000) else { return Err(FetchError::Hasty(PER_SECOND)) };
        spent.left_millionths = Some(left);
        spent.count += 1;
        Ok(())
    }

    /// A place among those that are under way; who comes later waits.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, FetchError> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| FetchError::Crowded)
    }
}

/// Room for what has come, which goes back when the answer has been handed over.
pub(super) struct AnswerRoom {
    held: Option<SemaphorePermit<'static>>,
    bytes: usize,
}

impl AnswerRoom {
    pub(super) fn new() -> Self {
        Self { held: None, bytes: 0 }
    }

    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), FetchError> {
        let had = self.bytes.div_ceil(1024);
        self.bytes += bytes;
        let more = self.bytes.div_ceil(1024) - had;
        let more = ROOM.try_acquire_many(u32::try_from(more).unwrap_or(u32::MAX));
        let more = more.map_err(|_| FetchError::Crowded)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_the_rate_and_no_pause_saves_up_more() {
        let account = FetchAccount::default();
        let second = 1_000_000;
        for (at, granted) in
            [(0, BURST), (second, PER_SECOND), (second + second / 20, 1), (1000 * second, BURST)]
        {
            for _ in 0..granted {
                account.take(Mono(at)).expect("is granted");
            }
            assert!(matches!(account.take(Mono(at)), Err(FetchError::Hasty(_))), "at {at}");
        }
    }

    #[test]
    fn room_comes_back() {
        let before = ROOM.available_permits();
        let mut room = AnswerRoom::new();
        for _ in 0..100 {
            room.grow(100).expect("is there");
        }
        assert_eq!(before - ROOM.available_permits(), 10);
        assert!(matches!(AnswerRoom::new().grow(usize::MAX / 2), Err(FetchError::Crowded)));
        drop(room);
        assert_eq!(ROOM.available_permits(), before);
    }
}
