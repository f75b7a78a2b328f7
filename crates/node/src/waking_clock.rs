//! Waking time: the clock by which silence is judged, which stands still while nobody could listen.
//!
//! A daemon that was stopped, frozen or swapped out, or whose machine was, has heard nothing meanwhile, and
//! that is nobody's silence. So each shard looks at the clock at every tick for as long as it has vaults:
//! one that comes far too late has slept, and the time is left out. Leases, claims, links and deadlines
//! of calls are counted in what remains; a vault's life-time is not, so whoever could stop a shard again
//! and again keeps nothing beyond that.
//!
//! After a pause of the whole machine what was said to it comes later still, because TCP sends it again at
//! growing intervals. So nobody is judged for as long as the pause was, `PATIENCE_MS` at most. Such
//! patience is granted for a fifth of the time at most, however often pauses come.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use hauki_contract::model::lease::{Mono, Reading};
use hauki_contract::system::clock;

const TICK_MS: u64 = 100;
/// On a busy machine a tick may be that late; a beat that is due meanwhile has a third of its lease to spare.
const LATE_MS: u64 = 100;
const PATIENCE_MS: u64 = 5_000;
/// So many times as long as patience lasted there is none.
const IMPATIENT: u64 = 4;
/// What is worth a line in the log.
const WORTH_TELLING_MS: u64 = 500;

/// One shard's. Only the shard itself looks; anybody may read.
#[derive(Debug, Default)]
pub struct WakingClock {
    /// Both change together, and who reads one without the other would be ahead or behind by a whole pause.
    looked: Mutex<Looked>,
    /// Waking time, in microseconds, before which nobody is silent.
    patient: AtomicU64,
    /// Waking time before which no patience is granted again.
    impatient: AtomicU64,
    vaults: AtomicUsize,
    begun: Notify,
}

#[derive(Debug, Default, Clone, Copy)]
struct Looked {
    /// When the shard last looked.
    seen: Mono,
    /// All that was slept until then.
    slept_us: u64,
}

/// A vault that is judged by this clock, which ticks for as long as there is one.
pub struct Judged<'a>(&'a WakingClock);

impl Drop for Judged<'_> {
    fn drop(&mut self) {
        self.0.vaults.fetch_sub(1, Ordering::Relaxed);
    }
}

impl WakingClock {
    /// To be called on the shard, as [`WakingClock::look`].
    pub fn judge(&self) -> Judged<'_> {
        if self.vaults.fetch_add(1, Ordering::Relaxed) == 0 {
            self.looked().seen = clock::mono();
            self.begun.notify_one();
        }
        Judged(self)
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, mono: Mono) -> Reading {
        let looked = *self.looked();
        let slept_us = looked.slept_us.saturating_add(self.unseen(looked, mono));
        // Who asked the clock before a pause, and is here after the look at it, is where that look was.
        let waking = Mono(mono.max(looked.seen).since(Mono(slept_us)));
        Reading { mono, waking, patient: Mono(self.patient.load(Ordering::Relaxed)) }
    }

    /// What the clock said when the shard last looked, and what has gone by since.
    pub fn read(&self) -> Reading {
        self.at(clock::mono())
    }

    /// The same, once it is seen whether the shard has slept. Who judges looks first.
    pub fn look(&self) -> Reading {
        let mono = clock::mono();
        if let Some(slept_us) = self.wake(mono) {
            tell(mono, slept_us);
        }
        self.at(mono)
    }

    /// How long the shard has slept since it last looked, by what is evident already. What is said in the first moment
    /// after a pause is of that moment, though nobody has looked yet.
    fn unseen(&self, looked: Looked, mono: Mono) -> u64 {
        let passed_us = mono.since(looked.seen);
        match self.vaults.load(Ordering::Relaxed) {
            1.. if passed_us > (TICK_MS + LATE_MS) * 1000 => passed_us - TICK_MS * 1000,
            _ => 0,
        }
    }

    /// How long the shard has slept, if it has.
    fn wake(&self, mono: Mono) -> Option<u64> {
        let slept_us = {
            let mut looked = self.looked();
            let slept_us = self.unseen(*looked, mono);
            *looked = Looked { seen: mono, slept_us: looked.slept_us.saturating_add(slept_us) };
            slept_us
        };
        if slept_us == 0 {
            return None;
        }
        let now = self.at(mono).waking;
        if now.0 >= self.impatient.load(Ordering::Relaxed) {
            let patience_us = slept_us.min(PATIENCE_MS * 1000);
            self.patient.store(now.0 + patience_us, Ordering::Relaxed);
            self.impatient.store(now.0 + patience_us * (1 + IMPATIENT), Ordering::Relaxed);
        }
        Some(slept_us)
    }

    /// Ticks for ever.
    pub async fn tick(&self) {
        loop {
            if self.vaults.load(Ordering::Relaxed) == 0 {
                self.begun.notified().await;
            }
            sleep(Duration::from_millis(TICK_MS)).await;
            self.look();
        }
    }

    /// As tokio's timeout, in waking time: `None` when it is over.
    pub async fn within<F: Future>(&self, limit: Duration, work: F) -> Option<F::Output> {
        let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let end = Mono(self.look().waking.0.saturating_add(limit_us));
        let mut work = pin!(work);
        loop {
            let left_us = end.since(self.look().waking);
            match timeout(Duration::from_micros(left_us), work.as_mut()).await {
                Ok(output) => return Some(output),
                Err(_) if end <= self.look().waking => return None,
                Err(_) => {}
            }
        }
    }
}

/// Says it once, though every shard has slept.
fn tell(woke: Mono, slept_us: u64) {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    if slept_us < WORTH_TELLING_MS * 1000 {
        return;
    }
    let told = Mono(TOLD.swap(woke.0, Ordering::Relaxed));
    if woke.since(told) >= slept_us {
        tracing::warn!(
            "a pause of {} ms was seen, of this daemon or its machine: nobody's silence is judged by it",
            slept_us / 1000
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_000_000_000;

    fn awake() -> WakingClock {
        let waking = WakingClock { vaults: 1.into(), ..WakingClock::default() };
        waking.looked().seen = Mono(T0);
        waking
    }

    fn after(ms: u64) -> Mono {
        Mono(T0).plus_ms(ms)
    }

    #[test]
    fn what_is_read_before_anybody_has_looked_is_what_the_look_says() {
        let waking = awake();
        let before = waking.at(after(60_100)).waking;
        assert_eq!(waking.wake(after(60_100)), Some(60_000_000));
        assert_eq!((before, waking.at(after(60_100)).waking), (after(100), after(100)));
        assert_eq!(waking.at(after(60_300)).waking, after(300), "a little late is not asleep");
    }

    /// Whoever asked the clock when: before the pause, and after it and before the look.
    #[test]
    fn who_reads_while_the_lane_looks_is_neither_ahead_nor_behind_by_the_pause() {
        let waking = awake();
        waking.wake(after(60_100));
        assert_eq!(waking.at(after(50)).waking, after(100), "he had it before the pause");
        assert_eq!(waking.at(after(60_099)).waking, after(100));

        let (waking, now) = (std::sync::Arc::new(awake()), std::sync::Arc::new(AtomicU64::new(0)));
        let (its, told) = (std::sync::Arc::clone(&waking), std::sync::Arc::clone(&now));
        let shard = std::thread::spawn(move || {
            for pause in 1..=100_000 {
                told.store(pause * 10_000, Ordering::SeqCst);
                its.wake(after(pause * 10_000));
            }
        });
        let mut last = after(0);
        while !shard.is_finished() {
            let read = waking.at(after(now.load(Ordering::SeqCst))).waking;
            // Each pause of ten seconds is worth a tick.
            let most = after(now.load(Ordering::SeqCst) / 10_000 * TICK_MS);
            assert!(last <= read && read <= most, "{read:?}, after {last:?} and at most {most:?}");
            last = read;
        }
        shard.join().expect("ends");
    }

    #[test]
    fn time_that_was_slept_does_not_count_and_ticks_that_are_a_little_late_do() {
        let waking = awake();
        assert_eq!(waking.wake(after(100)), None);
        assert_eq!(waking.wake(after(290)), None, "a busy machine");
        assert_eq!(waking.at(after(290)).waking, after(290));
        assert_eq!(waking.wake(after(3_390)), Some(3_000_000));
        let reading = waking.at(after(3_390));
        assert_eq!((reading.mono, reading.waking), (after(3_390), after(390)));
        assert_eq!(reading.patient, after(390 + 3_000), "what was said meanwhile may still be on its way");
    }

    #[test]
    fn patience_is_no_longer_than_the_pause_or_its_limit_and_not_granted_again_and_again() {
        let waking = awake();
        assert_eq!(waking.wake(after(60_100)), Some(60_000_000));
        assert_eq!(waking.at(after(60_100)).patient, after(100 + 5_000));
        // Whoever stops the shard for a second, ten times a minute.
        let (mut now, mut patient_us, mut waking_us) = (60_100, 0, 0);
        for _ in 0..100 {
            for _ in 0..50 {
                now += 100;
                waking.wake(after(now));
                let reading = waking.at(after(now));
                waking_us += 100_000;
                patient_us += if reading.waking < reading.patient { 100_000 } else { 0 };
            }
            now += 1_100;
            assert_eq!(waking.wake(after(now)), Some(1_000_000));
        }
        assert!(patient_us * 5 <= waking_us + 5_000_000, "{patient_us} of {waking_us}");
    }

    #[tokio::test]
    async fn a_limit_ends_what_does_not_end_and_nothing_else() {
        let waking = awake();
        waking.looked().seen = clock::mono();
        assert_eq!(waking.within(Duration::from_secs(60), std::future::ready(1)).await, Some(1));
        assert_eq!(waking.within(Duration::from_millis(1), std::future::pending::<()>()).await, None);
    }
}
