//! The arithmetic of leases: which clock ends a vault next. Pure; what the node's clocks say is an
//! argument, and no other clock ever judges. Silence is counted in waking time, while the node could
//! hear somebody, and the life-time on the monotonic clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::death::Cause;
use super::phase::Phase;

/// A reading of the node's monotonic clock, in microseconds since some fixed point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mono(pub u64);

impl Mono {
    #[must_use]
    pub fn plus_ms(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Microseconds from `earlier` to `self`, zero if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a node's clocks say at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    pub mono: Mono,
    /// The monotonic clock without the time in which nothing could be heard.
    pub waking: Mono,
    /// Waking time before which nobody is silent: what was said in a pause may still be on its way.
    pub patient: Mono,
}

/// For how long a vault may live without a sign of its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// From forging, and again from each ticket, to the first use of a ticket.
    pub claim_ms: u64,
    /// From one sign of life (a heartbeat or a call) to the next.
    pub lease_ms: u64,
    /// From forging to the end, whatever happens.
    pub lifetime_ms: u64,
    /// The vault dies with the connection that claimed it.
    pub link: bool,
    /// How long that connection may be silent.
    pub link_silence_ms: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            claim_ms: 30_000,
            lease_ms: 60_000,
            lifetime_ms: 24 * 3_600_000,
            link: false,
            link_silence_ms: 750,
        }
    }
}

impl Terms {
    pub const LONGEST_LIFE_MS: u64 = 366 * 24 * 3_600_000;

    pub fn check(&self) -> Result<(), super::limits::LimitError> {
        let bounds = [
            ("claim_ms", self.claim_ms, 100, 3_600_000),
            ("lease_ms", self.lease_ms, 100, 24 * 3_600_000),
            ("lifetime_ms", self.lifetime_ms, 100, Self::LONGEST_LIFE_MS),
            ("link_silence_ms", self.link_silence_ms, 50, 60_000),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(super::limits::LimitError { name, value, least, most });
            }
        }
        Ok(())
    }
}

/// What a ticket says of its vault's life; what it does not say is as the vault was summoned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promise {
    /// For how long each sign of life of its holder keeps the vault.
    pub lease_ms: Option<u64>,
    /// The vault dies with the connection that used this ticket first.
    pub link: Option<bool>,
}

/// The signs of life of one vault, in waking time but for its forging.
#[derive(Debug, Clone)]
pub struct Lease {
    pub terms: Terms,
    /// On the monotonic clock.
    forged_at: Mono,
    claim_from: Mono,
    used_at: Mono,
    kept: LeasePromise,
    /// The end of the longest lease that a beat has asked for.
    held_until: Mono,
    /// The last byte from the owning connection, if the vault is linked and claimed.
    owner_heard_at: Option<Mono>,
}

/// What the signs of life so far promise: each of them its own ticket's lease, and the latest end stands. So
/// no ticket takes what another has promised, and one that nobody uses promises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeasePromise {
    /// By this sign of life,
    pub since: Mono,
    /// for so long.
    pub lease_ms: u64,
}

impl LeasePromise {
    fn until(self) -> Mono {
        self.since.plus_ms(self.lease_ms)
    }
}

impl Lease {
    #[must_use]
    pub fn new(terms: Terms, now: Reading) -> Self {
        let Reading { mono, waking, .. } = now;
        let kept = LeasePromise { since: waking, lease_ms: 0 };
        Self {
            terms,
            forged_at: mono,
            claim_from: waking,
            used_at: waking,
            kept,
            held_until: waking,
            owner_heard_at: None,
        }
    }

    /// A ticket goes out: its receiver has the whole claim lease to use it.
    pub fn ticketed(&mut self, now: Mono) {
        self.claim_from = self.claim_from.max(now);
    }

    /// A sign of life of somebody who was promised that: the use of a ticket, or a call. `true` if by this the
    /// vault now lives longest.
    pub fn used(&mut self, now: Mono, promised: Promise) -> bool {
        self.used_at = self.used_at.max(now);
        let kept = self.kept_from(now, promised);
        let latest = kept.until() >= self.kept.until();
        if latest {
            self.kept = kept;
        }
        latest
    }

    /// A sign of life that asks for nothing but the lease: whoever gives it wants the vault for all of that, and
    /// need not come again before.
    pub fn beat(&mut self, now: Mono, promised: Promise) -> bool {
        self.held_until = self.held_until.max(self.kept_from(now, promised).until());
        self.used(now, promised)
    }

    fn kept_from(&self, now: Mono, promised: Promise) -> LeasePromise {
        LeasePromise { since: now, lease_ms: promised.lease_ms.unwrap_or(self.terms.lease_ms) }
    }

    /// Whether somebody who is promised that owns the vault by coming now.
    #[must_use]
    pub fn is_owned_by(&self, promised: Promise) -> bool {
        promised.link.unwrap_or(self.terms.link) && !self.has_owner()
    }

    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.owner_heard_at.is_some()
    }

    pub fn owner_heard(&mut self, now: Mono) {
        self.owner_heard_at = self.owner_heard_at.max(Some(now));
    }

    #[must_use]
    pub fn kept(&self) -> LeasePromise {
        self.kept
    }

    /// Since when nobody uses it and nobody holds it, by a beat's lease or by a ticket that may still be claimed;
    /// later than now if somebody does.
    #[must_use]
    pub fn idle_from(&self, phase: Phase) -> Mono {
        let promised = match phase {
            Phase::Forging | Phase::Forged | Phase::Ticketed => self.expires(phase),
            Phase::Live | Phase::Dying | Phase::Dead => self.held_until,
        };
        let used = self.used_at.max(promised);
        self.owner_heard_at.map_or(used, |heard| heard.max(used))
    }

    /// When the lease that the caller must renew runs out.
    #[must_use]
    pub fn expires(&self, phase: Phase) -> Mono {
        match phase {
            Phase::Live => self.kept.until(),
            Phase::Forging | Phase::Forged | Phase::Ticketed | Phase::Dying | Phase::Dead => {
                self.claim_from.plus_ms(self.terms.claim_ms)
            }
        }
    }

    /// The microseconds from `now` to the next end, zero if it has come, and its cause; `None` for a vault
    /// that is dying already. While it is forged only its life-time runs, because the forge has a deadline
    /// of its own.
    #[must_use]
    pub fn next_end(&self, phase: Phase, now: Reading) -> Option<(u64, Cause)> {
        let lifetime = self.forged_at.plus_ms(self.terms.lifetime_ms).since(now.mono);
        let lifetime = (lifetime, Cause::LifetimeExpired);
        let silent = |from: Mono| from.max(now.patient).since(now.waking);
        let lease = match phase {
            Phase::Dying | Phase::Dead => return None,
            Phase::Forging => return Some(lifetime),
            Phase::Forged | Phase::Ticketed => (silent(self.expires(phase)), Cause::Unclaimed),
            Phase::Live => (silent(self.expires(phase)), Cause::HeartbeatLost),
        };
        let owner = self.owner_heard_at.map(|heard| heard.plus_ms(self.terms.link_silence_ms));
        let owner = owner.map(|until| (silent(until), Cause::LinkSilent));
        [Some(lease), Some(lifetime), owner].into_iter().flatten().min_by_key(|(left, _)| *left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Mono = Mono(1_000_000);

    fn lease() -> Lease {
        let terms = Terms { claim_ms: 30, lease_ms: 60, lifetime_ms: 100, link: false, link_silence_ms: 10 };
        Lease::new(terms, after(0))
    }

    /// A node that has not slept.
    fn after(ms: u64) -> Reading {
        Reading { mono: T0.plus_ms(ms), waking: T0.plus_ms(ms), patient: Mono(0) }
    }

    #[test]
    fn a_vault_that_nobody_claims_dies_of_that() {
        assert_eq!(lease().next_end(Phase::Forged, after(0)), Some((30_000, Cause::Unclaimed)));
        assert_eq!(lease().next_end(Phase::Forged, after(31)), Some((0, Cause::Unclaimed)));
    }

    #[test]
    fn a_late_ticket_still_gives_the_whole_claim_lease() {
        let mut lease = lease();
        lease.ticketed(T0.plus_ms(29));
        assert_eq!(lease.next_end(Phase::Ticketed, after(29)), Some((30_000, Cause::Unclaimed)));
    }

    #[test]
    fn beats_extend_but_never_beyond_the_life_time_and_never_back() {
        let mut lease = lease();
        lease.beat(T0.plus_ms(20), Promise::default());
        lease.beat(T0.plus_ms(5), Promise::default());
        assert_eq!(lease.next_end(Phase::Live, after(20)), Some((60_000, Cause::HeartbeatLost)));
        lease.beat(T0.plus_ms(90), Promise::default());
        assert_eq!(lease.next_end(Phase::Live, after(90)), Some((10_000, Cause::LifetimeExpired)));
    }

    #[test]
    fn no_ticket_takes_what_another_promises() {
        let (long, short) = (
            Promise { lease_ms: Some(70), ..Promise::default() },
            Promise { lease_ms: Some(5), ..Promise::default() },
        );
        // In every order, and whoever of them goes on: each sign of life is good for its own lease.
        for beats in [
            vec![(0, long), (1, short)],
            vec![(0, short), (1, long), (2, short), (60, short)],
            vec![(0, short), (3, short)],
            vec![(0, Promise::default()), (9, short)],
            vec![(0, short), (4, Promise::default()), (6, long), (20, short)],
        ] {
            let mut lease = lease();
            let mut until = 0;
            for (at, promise) in beats {
                lease.beat(T0.plus_ms(at), promise);
                until = until.max(at + promise.lease_ms.unwrap_or(60));
                assert_eq!(lease.expires(Phase::Live), T0.plus_ms(until));
            }
        }
    }

    #[test]
    fn the_first_who_was_promised_it_owns_the_vault() {
        let mut lease = lease();
        let of = |link| Promise { link, ..Promise::default() };
        assert!(!lease.is_owned_by(of(None)) && !lease.is_owned_by(of(Some(false))));
        assert!(lease.is_owned_by(of(Some(true))), "also when a guest has come before");
        lease.owner_heard(T0);
        assert!(!lease.is_owned_by(of(Some(true))), "there is one already");
    }

    #[test]
    fn a_silent_owner_ends_a_linked_vault_first() {
        let mut lease = lease();
        lease.beat(T0, Promise::default());
        lease.owner_heard(T0.plus_ms(3));
        assert_eq!(lease.next_end(Phase::Live, after(3)), Some((10_000, Cause::LinkSilent)));
    }

    #[test]
    fn time_that_a_node_has_slept_is_nobodys_silence_and_everybodys_life_time() {
        let mut lease = lease();
        lease.beat(T0, Promise::default());
        lease.owner_heard(T0);
        let slept = |patient| Reading { waking: T0.plus_ms(4), patient: T0.plus_ms(patient), ..after(44) };
        assert_eq!(lease.next_end(Phase::Live, slept(0)), Some((6_000, Cause::LinkSilent)));
        assert_eq!(lease.next_end(Phase::Live, slept(24)), Some((20_000, Cause::LinkSilent)), "it waits");
        lease.owner_heard(T0.plus_ms(90));
        let late = Reading { waking: T0.plus_ms(10), patient: T0.plus_ms(99), ..after(101) };
        assert_eq!(lease.next_end(Phase::Live, late), Some((0, Cause::LifetimeExpired)));
    }

    #[test]
    fn nobody_is_idle_for_whom_a_beat_or_a_ticket_promises_something() {
        let mut lease = lease();
        lease.ticketed(T0.plus_ms(8));
        assert_eq!(lease.idle_from(Phase::Ticketed), T0.plus_ms(38), "somebody may still claim it");
        lease.used(T0.plus_ms(10), Promise::default());
        assert_eq!(lease.idle_from(Phase::Live), T0.plus_ms(10), "a call holds nothing");
        let of = |lease_ms| Promise { lease_ms: Some(lease_ms), ..Promise::default() };
        lease.used(T0.plus_ms(11), of(1_000));
        lease.beat(T0.plus_ms(12), of(20));
        lease.beat(T0.plus_ms(13), of(2));
        assert_eq!(lease.idle_from(Phase::Live), T0.plus_ms(32), "by the longest of the beats' own leases");
        lease.used(T0.plus_ms(33), of(2));
        lease.owner_heard(T0.plus_ms(34));
        assert_eq!(lease.idle_from(Phase::Live), T0.plus_ms(34));
        assert_eq!(lease.expires(Phase::Live), T0.plus_ms(1_011), "which is another matter");
    }

    #[test]
    fn the_dying_have_no_further_end() {
        assert_eq!(lease().next_end(Phase::Dying, after(0)), None);
        assert_eq!(lease().next_end(Phase::Dead, after(0)), None);
    }
}
