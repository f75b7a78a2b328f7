//! Rate limit of what callers say and their vault is not asked: beats, words that give up calls, what is refused
//! at the gate, and calls that are given up before the vault has them.
//!
//! Calls wait for the vault, whose processor limit is their measure. All else is done by the shard, which other vaults
//! share, and would be at nobody's expense. So the callers of a vault have a tenth of a core for it, in equal shares, as
//! it is measured; who has used up his is not read for a moment. That moment is far shorter than any silence that ends a
//! vault, and a share is worth many beats.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::offload::BYTE_NS;
use hauki_contract::model::id::TicketId;
use hauki_contract::model::lease::Mono;
use hauki_contract::system::clock;

/// Nanoseconds for each microsecond: of all callers of a vault, and of each at least.
const ALL: u64 = 100;
const LEAST: u64 = 3;
/// What is spared, which is also what who comes has: much less than it costs to come.
const SPARE_NS: i64 = 1_000_000;
/// What is owed is not more than so much time brings.
const OWED_US: u64 = 100_000;
/// A pause is worth at least so much time, so that waking up is not what costs most.
const SLICE_US: u64 = 1_000;
/// What a word costs, about, where it was not measured.
const WORD_NS: u64 = 3_000;

/// What connections that have ended have given up, in bytes, for the next one of their tickets to pay: to come again is
/// cheaper than what can be sent in between.
#[derive(Default)]
pub(super) struct UnpaidCalls(Mutex<HashMap<TicketId, (usize, Mono)>>);

impl UnpaidCalls {
    fn lock(&self) -> MutexGuard<'_, HashMap<TicketId, (usize, Mono)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more is owed than comes in [`OWED_US`], so after that it is paid.
    pub(super) fn leave(&self, ticket: &TicketId, bytes: usize, now: Mono) {
        if bytes == 0 {
            return;
        }
        let mut left = self.lock();
        left.retain(|_, (_, at)| now.since(*at) < OWED_US);
        let (owed, at) = left.entry(ticket.clone()).or_insert((0, now));
        (*owed, *at) = (owed.saturating_add(bytes), now);
    }

    pub(super) fn take(&self, ticket: &TicketId, now: Mono) -> usize {
        let (bytes, at) = self.lock().remove(ticket).unwrap_or_default();
        if now.since(at) < OWED_US { bytes } else { 0 }
    }
}

/// How many words were heard, and for how many of them the vault was asked.
#[derive(Debug, Default)]
pub(super) struct MessageCount {
    heard: usize,
    asked: usize,
}

impl MessageCount {
    /// A word is heard.
    pub(super) fn word(&mut self) {
        self.heard += 1;
    }

    /// Of what was spent on them, the part of which the vault is not asked.
    pub(super) fn own_part(&self, spent_ns: u64) -> u64 {
        match self.heard.saturating_sub(self.asked) {
            0 => 0,
            own => part(spent_ns, own, self.heard),
        }
    }

    /// The vault is asked for what the last word wants.
    pub(super) fn asked(&mut self) {
        self.asked += 1;
    }
}

/// One caller's.
#[derive(Debug)]
pub(super) struct RateLimit {
    balance_ns: i64,
    at: Mono,
    /// Whether the last words were of this kind: who only calls is not looked at.
    goes_on: bool,
    began: Option<u64>,
}

impl RateLimit {
    pub(super) fn new(now: Mono) -> Self {
        Self { balance_ns: SPARE_NS, at: now, goes_on: false, began: None }
    }

    /// Words are about to be heard.
    pub(super) fn begin(&mut self) {
        self.began = self.goes_on.then(clock::thread_ns);
    }

    /// They have been.
    pub(super) fn end(&mut self, words: &mut MessageCount) {
        let spent_ns = self.began.take().map(|began| clock::thread_ns().saturating_sub(began));
        self.heard(std::mem::take(words), spent_ns);
    }

    /// They have been, and that has cost so much if it was measured.
    pub(super) fn heard(&mut self, MessageCount { heard, asked }: MessageCount, spent_ns: Option<u64>) {
        let own = heard.saturating_sub(asked);
        self.goes_on = own > 0;
        if own > 0 {
            self.spend(spent_ns.map_or(WORD_NS * own as u64, |spent| part(spent, own, heard)));
        }
    }

    /// So many bytes were calls that were given up before their vault had a part in them.
    pub(super) fn given_up(&mut self, bytes: usize) {
        self.spend(BYTE_NS * bytes as u64);
    }

    fn spend(&mut self, ns: u64) {
        self.balance_ns = self.balance_ns.saturating_sub(signed(ns));
    }

    /// How long nothing more is read, as one of so many callers; `None` if there is something left.
    pub(super) fn pause(&mut self, callers: usize, now: impl FnOnce() -> Mono) -> Option<Duration> {
        if self.balance_ns >= 0 {
            return None;
        }
        let now = now();
        let rate = (ALL / (callers as u64).max(1)).max(LEAST);
        let earned = signed(rate.saturating_mul(now.since(self.at)));
        self.at = now;
        let owed = self.balance_ns.max(-signed(rate * OWED_US));
        self.balance_ns = owed.saturating_add(earned).min(SPARE_NS);
        let owed = u64::try_from(-self.balance_ns).ok().filter(|owed| *owed > 0)?;
        Some(Duration::from_micros(owed / rate + SLICE_US))
    }
}

fn part(spent_ns: u64, own: usize, words: usize) -> u64 {
    crate::inbound::part(spent_ns, own, words)
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is spent on somebody within so many seconds who says ten words at a time, at 5 us each, as soon as he may.
    fn spent_us(callers: usize, seconds: u64) -> u64 {
        let (mut chatter, mut now, mut spent) = (RateLimit::new(Mono(0)), Mono(0), 0);
        while now.0 < seconds * 1_000_000 {
            match chatter.pause(callers, || now) {
                Some(pause) => {
                    assert!(pause <= Duration::from_micros(OWED_US + SLICE_US), "{pause:?}");
                    now = Mono(now.0 + u64::try_from(pause.as_micros()).expect("is short"));
                }
                None => {
                    chatter.spend(50_000);
                    (now, spent) = (Mono(now.0 + 50), spent + 50);
                }
            }
        }
        spent
    }

    #[test]
    fn what_was_given_up_by_going_is_paid_for_by_coming_again() {
        let unpaid = UnpaidCalls::default();
        let [one, other] = [1, 2].map(|number| TicketId::mint(1, number));
        let now = Mono(1_000_000);
        unpaid.leave(&one, 500, now);
        unpaid.leave(&one, 0, now);
        unpaid.leave(&one, 300, now.plus_ms(60));
        assert_eq!(unpaid.take(&other, now.plus_ms(60)), 0);
        assert_eq!([60, 60].map(|ms| unpaid.take(&one, now.plus_ms(ms))), [800, 0], "once");
        unpaid.leave(&one, 7, now);
        assert_eq!(unpaid.take(&one, now.plus_ms(100)), 0, "so much is forgiven by then");
        for number in 0..1000 {
            unpaid.leave(
                &TicketId::mint(1, number),
                7,
                now.plus_ms(2 * u64::try_from(number).expect("is small")),
            );
        }
        assert!(unpaid.lock().len() <= 50, "what is paid is not kept");
    }

    #[test]
    fn who_gives_up_long_calls_pays_for_their_bytes() {
        let mut limit = RateLimit::new(Mono(0));
        limit.given_up(0);
        assert_eq!(limit.pause(1, || Mono(0)), None);
        limit.given_up(3 << 20);
        // Two nanoseconds for a byte, less what is spared, at a tenth of a core.
        let pause = limit.pause(1, || Mono(0)).expect("has nothing left");
        assert!((52_000..55_000).contains(&pause.as_micros()), "{pause:?}");
    }

    #[test]
    fn all_callers_of_a_vault_have_a_tenth_of_a_core_for_what_it_is_not_asked() {
        for (callers, most_us) in [(1, 100_000), (4, 25_000), (20, 5_000), (64, 3_000)] {
            let spent = spent_us(callers, 10);
            let most = 10 * most_us + 2_000;
            assert!((most / 2..=most).contains(&spent), "{callers}: {spent} of {most}");
        }
    }

    #[test]
    fn one_dear_word_is_paid_for_in_a_moment_and_calls_cost_nothing() {
        let mut chatter = RateLimit::new(Mono(0));
        chatter.spend(u64::MAX);
        let pause = chatter.pause(64, || Mono(0)).expect("is owed");
        assert!(pause <= Duration::from_millis(101), "{pause:?}");
        assert_eq!(chatter.pause(64, || Mono(0).plus_ms(101)), None);
        let (mut calls, mut words) = (RateLimit::new(Mono(0)), MessageCount::default());
        for _ in 0..100_000 {
            calls.begin();
            words.word();
            words.asked();
            calls.end(&mut words);
        }
        assert_eq!((calls.balance_ns, calls.pause(64, || Mono(0))), (SPARE_NS, None));
    }

    /// At its quickest, by many who do the same, where a beat costs as much as in an unoptimized build.
    #[test]
    fn who_only_beats_is_never_kept_waiting() {
        let (mut chatter, mut now) = (RateLimit::new(Mono(0)), Mono(0));
        for _ in 0..10_000 {
            now = now.plus_ms(20);
            chatter.spend(50_000);
            assert_eq!(chatter.pause(64, || now), None, "at {now:?}");
        }
    }
}
