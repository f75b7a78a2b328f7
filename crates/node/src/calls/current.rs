//! Head of the queue: the call which the engine works on: whose it is, which trace it belongs to, and what it has
//! spent its time on.

use tokio::sync::watch;

use super::{CallWaiter, Calls};
use crate::gate::replies::ReplyTo;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::seam;
use hauki_contract::system::slow_log::{self, LONG_US, SlowKind};
use hauki_contract::system::trace;

impl CallWaiter {
    /// Of a call, whose span ends when it is answered.
    #[must_use]
    pub fn of_call(reply: ReplyTo, deadline_ms: u32, via: Vec<VaultId>, trace: Option<TraceContext>) -> Self {
        Self { reply, deadline_ms, via, trace: trace::open(trace, seam!("call")) }
    }
}

/// A call that took long.
#[derive(Debug, PartialEq, Eq)]
pub struct Long {
    took_us: u64,
    /// Since its turn came.
    ran_us: u64,
    trace: Option<TraceContext>,
}

impl Calls {
    /// Who waits for the call that the engine works on, and until when. What is subscribed to becomes true
    /// should nobody wait for it any more.
    #[must_use]
    pub fn running(&mut self) -> Option<(&[VaultId], Mono, watch::Receiver<bool>)> {
        let front = self.queue.front_mut().filter(|_| self.busy_until.is_none())?;
        let forsaken = front.forsaken.get_or_insert_default().subscribe();
        Some((&front.via, front.deadline, forsaken))
    }

    /// Who hears whose call it is that the engine works on.
    #[must_use]
    pub fn tag(&self) -> Option<(usize, Box<str>)> {
        let front = self.queue.front().filter(|_| self.busy_until.is_none())?;
        front.reply.as_ref()?.tag()
    }

    /// What the call belongs to that the engine works on.
    #[must_use]
    pub fn trace(&self) -> Option<TraceContext> {
        let front = self.queue.front().filter(|_| self.busy_until.is_none())?;
        front.trace.as_ref().map(|trace| trace.context)
    }

    /// What the call at the front has taken until now, if that is long.
    #[must_use]
    pub fn long(&self, now: Mono) -> Option<Long> {
        let front = self.queue.front()?;
        let asked = front.deadline.0.saturating_sub(u64::from(front.deadline_ms) * 1000);
        let took_us = now.since(Mono(asked));
        if took_us < LONG_US {
            return None;
        }
        let trace = front.trace.as_ref().map(|trace| trace.context);
        Some(Long { took_us, ran_us: now.since(self.front_since).min(took_us), trace })
    }
}

impl Long {
    pub fn tell(&self, vault: &VaultId) {
        let steps = [("waited", self.took_us - self.ran_us), ("ran", self.ran_us)].into();
        trace::saying(self.trace, || {
            slow_log::note(SlowKind::Call, || format!("a call of {vault}"), self.took_us, &steps);
        });
    }
}
