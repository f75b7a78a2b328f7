//! Adaptive spin: waiting awake, for what will come at once.
//!
//! A caller and a lane that wait for each other sleep and wake twice in every call. To wake a core that
//! sleeps costs tens of microseconds, in a virtual machine more than all the work of a call together. So
//! whoever has reason to expect an answer looks for it for a moment before it sleeps. It gives way to
//! whoever else wants the core, and the more often it has looked in vain, the more often it sleeps at
//! once: a habit that does not pay costs next to nothing.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task;

use crate::system::clock;

/// One wait in vain is followed by one that is slept through, the next by two, and so on up to so many.
const LONGEST_PAUSE: u32 = 64;
/// Somebody else who keeps a core for longer, when it is offered, has work to do on it.
const WANTED_US: u64 = 30;

/// A thread that waits awake on the only core keeps from it who would end the wait.
static SPARE_CORE: LazyLock<bool> =
    LazyLock::new(|| thread::available_parallelism().is_ok_and(|cores| cores.get() > 1));

/// The habit of one who waits again and again for the same thing.
#[derive(Debug)]
pub struct AdaptiveSpin {
    /// How many waits are still to be slept through.
    pause: AtomicU32,
    /// How many will be after one in vain.
    next_pause: AtomicU32,
}

impl Default for AdaptiveSpin {
    fn default() -> Self {
        Self { pause: AtomicU32::new(0), next_pause: AtomicU32::new(1) }
    }
}

impl AdaptiveSpin {
    /// Looks out until `came`, for `limit_us` at most; the caller sleeps afterwards if it must. Other tasks
    /// of the thread go on meanwhile, and only a thread that has its runtime for itself does this.
    pub async fn keep(&self, limit_us: u64, came: impl Fn() -> bool) {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            return self.pause.store(pause - 1, Ordering::Relaxed);
        }
        if !*SPARE_CORE || Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
            return;
        }
        let begun = clock::mono();
        while !came() {
            task::yield_now().await;
            if came() {
                break;
            }
            let given = clock::mono();
            thread::yield_now();
            let now = clock::mono();
            if now.since(given) > WANTED_US || now.since(begun) >= limit_us {
                return self.in_vain();
            }
        }
        self.next_pause.store(1, Ordering::Relaxed);
    }

    fn in_vain(&self) {
        let pause = self.next_pause.load(Ordering::Relaxed);
        self.pause.store(pause, Ordering::Relaxed);
        self.next_pause.store((pause * 2).min(LONGEST_PAUSE), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[tokio::test]
    async fn what_comes_ends_the_wait_and_one_in_vain_ends_the_habit_for_a_while() {
        let spin = AdaptiveSpin::default();
        spin.keep(u64::MAX, || true).await;
        assert_eq!(spin.pause.load(Ordering::Relaxed), 0);
        let looks = Cell::new(0);
        let never = || {
            looks.set(looks.get() + 1);
            false
        };
        if !*SPARE_CORE {
            spin.keep(u64::MAX, never).await;
            assert_eq!(
                looks.get(),
                0,
                "who waits awake on the only core keeps it from who would end the wait"
            );
            return;
        }
        for pause in [1, 2, 4, 8, 16, 32, 64, 64] {
            spin.keep(1, never).await;
            assert!(looks.replace(0) > 0, "nobody looked");
            for _ in 0..pause {
                spin.keep(u64::MAX, never).await;
            }
            assert_eq!(looks.get(), 0, "of {pause}");
        }
        spin.keep(u64::MAX, || true).await;
        spin.keep(1, never).await;
        spin.keep(u64::MAX, never).await;
        looks.set(0);
        spin.keep(1, never).await;
        assert!(looks.get() > 0, "one that paid did not bring the habit back");
    }

    #[tokio::test]
    async fn other_tasks_of_the_thread_go_on() {
        let done = Rc::new(Cell::new(false));
        let (spin, said) = (AdaptiveSpin::default(), Rc::clone(&done));
        let tasks = task::LocalSet::new();
        tasks.spawn_local(async move { said.set(true) });
        let limit_us = 5_000_000;
        let begun = clock::mono();
        tasks.run_until(spin.keep(limit_us, || done.get())).await;
        assert!(clock::mono().since(begun) < limit_us, "it kept the thread for itself");
        assert!(done.get() || !*SPARE_CORE || spin.pause.load(Ordering::Relaxed) > 0);
    }
}
