//! Manual clock, which a test holds: both times stand still in its thread until they are moved.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::lease::Mono;

thread_local! {
    static HELD: Cell<Option<(Timestamp, Mono)>> = const { Cell::new(None) };
}

pub(super) fn wall() -> Option<Timestamp> {
    HELD.get().map(|(wall, _)| wall)
}

pub(super) fn mono() -> Option<Mono> {
    HELD.get().map(|(_, mono)| mono)
}

/// As long as this lives, and in this thread only.
#[derive(Debug)]
pub struct ManualClock(PhantomData<*const ()>);

impl ManualClock {
    /// From now on it is this time, however long that takes.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        HELD.set(Some((wall, super::mono())));
        Self(PhantomData)
    }

    /// Time passes, for both alike.
    pub fn pass(&self, time: Duration) {
        let (wall, mono) = HELD.get().expect("it is held until this is dropped");
        let later = SignedDuration::try_from(time).ok().and_then(|time| wall.checked_add(time).ok());
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        HELD.set(Some((later.unwrap_or(Timestamp::MAX), Mono(mono.0.saturating_add(micros)))));
    }

    /// Somebody sets the wall clock; what was measured does not notice.
    pub fn set(&self, wall: Timestamp) {
        let (_, mono) = HELD.get().expect("it is held until this is dropped");
        HELD.set(Some((wall, mono)));
    }
}

impl Drop for ManualClock {
    fn drop(&mut self) {
        HELD.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{mono, now};
    use super::*;

    #[test]
    fn a_held_clock_stands_still_moves_when_it_is_told_and_goes_again() {
        let at: Timestamp = "2026-11-21T14:03:11Z".parse().expect("is one");
        let before = mono();
        let held = ManualClock::at(at);
        let began = mono();
        assert!(began >= before);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((now(), mono()), (at, began));
        held.pass(Duration::from_secs(3600));
        assert_eq!(
            (now().to_string().as_str(), mono().since(began)),
            ("2026-11-21T15:03:11Z", 3_600_000_000)
        );
        held.set(at);
        assert_eq!((now(), mono().since(began)), (at, 3_600_000_000));
        // Another thread goes by the kernel's.
        let elsewhere = std::thread::spawn(|| (now(), mono())).join().expect("ends");
        assert!(elsewhere.0 > at && elsewhere.1 < mono());
        drop(held);
        assert!(now() > at && mono() < Mono(began.0 + 3_600_000_000));
    }
}
