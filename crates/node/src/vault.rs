//! Vault handle: one vault as the node's other parts see it: its phase, its lease, its calls, its end.
//!
//! The fields are shared between the supervisor, the connections and the service; each lock is held for
//! a few instructions and never across an await.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, watch};

use super::calls::{CallWaiter, Calls};
use super::channel::VaultChannel;
use super::gate::replies::ReplyTo;
use super::host_load;
use super::journal::Journal;
use super::outbound::Outbound;
use super::requests::BorrowedRequest;
use super::subscribers::Subscribers;
use super::token_bucket::TokenBucket;
use super::waking_clock::WakingClock;
use hauki_contract::api::node::{NewsItem, NodeVault};
use hauki_contract::api::vault::Vitals;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::{NodeName, TicketId, VaultId};
use hauki_contract::model::lease::{Lease, Mono, Promise, Reading, Terms};
use hauki_contract::model::limits::Limits;
use hauki_contract::model::phase::{self, IllegalTransition, Phase, PhaseEvent};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::text;
use hauki_contract::model::units::show_millis;
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::rpc::{builtin, channel};
use hauki_contract::system::{clock, cpu_latency};
use hauki_sandbox::Sandbox;

pub struct VaultHandle {
    pub id: VaultId,
    pub generation: u64,
    pub node: NodeName,
    pub limits: Limits,
    pub state: Mutex<VaultState>,
    pub calls: Mutex<Calls>,
    allowance: Mutex<TokenBucket>,
    pub pipe: OnceLock<VaultChannel>,
    pub sandbox: OnceLock<Arc<dyn Sandbox>>,
    /// Wakes the supervisor: doomed, or an earlier deadline.
    pub nudge: Notify,
    pub doomed: watch::Sender<Option<Death>>,
    pub receipt: watch::Sender<Option<Receipt>>,
    /// When the supervisor will next look at the clock by itself, in microseconds of waking time.
    pub wake_at: AtomicU64,
    pub audience: Subscribers,
    pub news: Arc<Journal>,
    /// The clock of its shard.
    pub waking: Arc<WakingClock>,
    /// The objects that it was given.
    pub reach: Outbound,
    /// The vault that made it, whose gate holds the link.
    parent: Option<VaultId>,
}

pub struct VaultState {
    pub phase: Phase,
    pub lease: Lease,
    pub methods: Arc<[String]>,
    pub forged_at: Mono,
    pub killed_at: Option<Mono>,
    /// How long `dest` may still run.
    pub grace_ms: u32,
    pub calls: u64,
    last_beat_by: Option<String>,
}

impl VaultHandle {
    #[must_use]
    pub fn new(
        (id, generation, node): (VaultId, u64, NodeName),
        limits: Limits,
        terms: Terms,
        (news, waking): (Arc<Journal>, Arc<WakingClock>),
        (reach, parent): (Outbound, Option<VaultId>),
    ) -> Arc<Self> {
        let now = waking.read();
        let allowance = TokenBucket::new(limits.cpu_percent, now.waking);
        let state = VaultState {
            phase: Phase::Forging,
            lease: Lease::new(terms, now),
            methods: Arc::from([]),
            forged_at: now.mono,
            killed_at: None,
            grace_ms: 0,
            calls: 0,
            last_beat_by: None,
        };
        Arc::new(Self {
            id,
            generation,
            node,
            limits,
            state: Mutex::new(state),
            calls: Mutex::default(),
            allowance: Mutex::new(allowance),
            pipe: OnceLock::new(),
            sandbox: OnceLock::new(),
            nudge: Notify::new(),
            doomed: watch::Sender::new(None),
            receipt: watch::Sender::new(None),
            wake_at: AtomicU64::new(0),
            audience: Subscribers::default(),
            news,
            waking,
            reach,
            parent,
        })
    }

    pub fn state(&self) -> MutexGuard<'_, VaultState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time by which calls and silence are judged.
    pub fn now(&self) -> Mono {
        self.waking.read().waking
    }

    /// What is done for it that nobody has asked for.
    pub fn allowance(&self) -> MutexGuard<'_, TokenBucket> {
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(state: &mut VaultState, event: PhaseEvent) -> Result<(), IllegalTransition> {
        state.phase = phase::transition(state.phase, event)?;
        Ok(())
    }

    pub fn loaded(&self, methods: Vec<String>) -> Result<(), IllegalTransition> {
        let mut state = self.state();
        Self::advance(&mut state, PhaseEvent::Loaded)?;
        // The claim lease counts from now: forging is not the caller's time.
        let now = self.waking.read();
        state.lease = Lease::new(state.lease.terms.clone(), now);
        state.forged_at = now.mono;
        state.methods = methods.into();
        Ok(())
    }

    /// A ticket is about to go out.
    pub fn ticketed(&self) -> Result<(), IllegalTransition> {
        let mut state = self.state();
        Self::advance(&mut state, PhaseEvent::TicketOpened)?;
        state.lease.ticketed(self.now());
        drop(state);
        self.nudge.notify_one();
        Ok(())
    }

    /// A ticket was used. `true` if this claims a linked vault for the connection.
    pub fn claimed(
        &self,
        ticket: &TicketId,
        promised: Promise,
        peer: &str,
    ) -> Result<bool, IllegalTransition> {
        let mut state = self.state();
        let first = state.phase == Phase::Ticketed;
        Self::advance(&mut state, PhaseEvent::Claimed)?;
        let now = self.now();
        state.lease.used(now, promised);
        let owns = state.lease.is_owned_by(promised);
        if owns {
            state.lease.owner_heard(now);
        }
        drop(state);
        if first {
            let (vault, ticket) = (self.id.clone(), ticket.clone());
            self.news.publish(NewsItem::Claimed { vault, ticket, peer: peer.to_owned() });
        }
        self.nudge.notify_one();
        Ok(owns)
    }

    /// Renews the lease; the answer is what is left of it.
    pub fn beat(&self, promised: Promise, by: Option<&str>) -> u64 {
        let mut state = self.state();
        let now = self.now();
        // Before the claim only the ticket's use counts, or an orphan could be kept for ever by cron.
        if state.phase == Phase::Live && state.lease.beat(now, promised) && by.is_some() {
            state.last_beat_by = by.map(text::name);
        }
        state.lease.expires(state.phase).since(now) / 1000
    }

    /// Bytes of somebody who was promised that, whatever they say. They keep it alive, if it was claimed.
    pub fn heard(&self, promised: Promise) {
        let mut state = self.state();
        if state.phase == Phase::Live {
            state.lease.used(self.now(), promised);
        }
    }

    pub fn owner_heard(&self) {
        self.state().lease.owner_heard(self.now());
    }

    /// Ends the vault, or hastens an end that is under way. Returns whether this was the first cause.
    pub fn doom(&self, cause: Cause, detail: Option<String>, by: Option<String>, grace_ms: u32) -> bool {
        let (cause, by) = match (&self.parent, cause) {
            (Some(parent), Cause::LinkClosed | Cause::LinkSilent) => {
                (Cause::ParentDied, Some(parent.to_string()))
            }
            _ => (cause, by),
        };
        let mut state = self.state();
        let first = state.phase.is_alive();
        if phase::transition(state.phase, PhaseEvent::Doomed) == Ok(Phase::Dying) {
            state.phase = Phase::Dying;
            if grace_ms == 0 && state.killed_at.is_none() {
                state.killed_at = Some(clock::mono());
                if let Some(sandbox) = self.sandbox.get() {
                    sandbox.kill();
                }
            }
        }
        if first {
            state.grace_ms = grace_ms;
            let detail = detail.or_else(|| state.explain(cause, self.now()));
            let death = Death::new(cause, clock::now(), detail, by);
            // Under the lock: whoever sees the phase finds the cause.
            self.doomed.send_replace(Some(death.clone()));
            drop(state);
            cpu_latency::expect();
            self.announce(&death);
        } else {
            drop(state);
        }
        self.nudge.notify_one();
        first
    }

    /// Tells every caller at once, and who comes later when he comes. A second time only the calls
    /// that slipped in since the first hear of it.
    pub fn announce(&self, death: &Death) {
        let error = self.dead_error(death);
        self.calls().fail_all(&error);
        self.audience.part(|| {
            // In the words of the answers to calls, so that all clients have the same.
            let Self { id: vault, .. } = self;
            serde_json::json!({"vault": vault, "death": death, "message": error.message}).to_string()
        });
    }

    /// What a call to this vault gets once it is doomed.
    #[must_use]
    pub fn dead_error(&self, death: &Death) -> RpcError {
        let dying = builtin::Dying { vault: self.id.clone(), death: death.clone() };
        RpcError::new(code::VAULT_DEAD, death.epitaph(&self.id)).data(&dying)
    }

    /// Takes what a connection asks of the vault.
    pub fn ask(&self, asked: BorrowedRequest<'_>, promised: Promise, patience: CallWaiter) {
        if !channel::takes_call(self.limits.max_frame_bytes, asked.bytes()) {
            let message = "the call is too long together with the rights of its caller";
            return patience.reply.error(&RpcError::new(code::TOO_LARGE, message));
        }
        let deadline_ms = patience.deadline_ms;
        let order = asked.order(|| patience.reply.charge());
        let now = self.now();
        let mut state = self.state();
        let Some(pipe) = self.pipe.get().filter(|_| state.phase.is_alive()) else {
            drop(state);
            let death = self.doomed.borrow().clone();
            return match death {
                Some(death) => patience.reply.error(&self.dead_error(&death)),
                None => patience
                    .reply
                    .error(&RpcError::new(code::VAULT_DEAD, format!("{} is not ready", self.id))),
            };
        };
        state.lease.used(now, promised);
        state.calls += 1;
        // The queue and the channel must have the same order, so the lock covers both.
        let mut calls = self.calls();
        let earlier = now.plus_ms(deadline_ms.into()).0 < self.wake_at.load(Ordering::Relaxed);
        calls.push(order, patience, now, |call, order, left_ms| order.hand(pipe, call, left_ms));
        drop(calls);
        drop(state);
        if earlier {
            self.nudge.notify_one();
        }
    }

    /// Gives the vault what has waited for its turn, once it has answered something.
    pub fn hand_over(&self) {
        let Some(pipe) = self.pipe.get() else { return };
        let mut any = false;
        self.calls().hand_over(self.now(), |call, order, left_ms| {
            any = true;
            order.hand(pipe, call, left_ms);
        });
        if any {
            pipe.send();
        }
    }

    /// The connection whose calls these are is gone, so nobody waits for them.
    pub fn forsake(&self, owner: usize) {
        drop(self.give_up(|reply| reply.owner() == owner && reply.is_awaited()));
    }

    /// A caller gives up its request of this id, which is answered at once. Whether there was one.
    pub fn cancel(&self, owner: usize, id: &str) -> bool {
        let left = self.give_up(|reply| reply.owner() == owner && reply.is_of(id));
        let any = !left.is_empty();
        for reply in left {
            reply.error(&RpcError::new(code::CANCELLED, "the call was given up"));
        }
        any
    }

    /// What a caller has asked and the vault has not got is refused.
    pub fn refuse(&self, owner: usize, error: &RpcError) {
        let left = self.calls().take_back(|reply| reply.owner() == owner);
        left.into_iter().for_each(|reply| reply.error(error));
    }

    fn give_up(&self, of: impl Fn(&ReplyTo) -> bool) -> Vec<ReplyTo> {
        let Some(pipe) = self.pipe.get() else { return Vec::new() };
        // Each behind its call: the queue and the channel have the same order.
        let left =
            self.calls().give_up(of, |call| pipe.push(|out| channel::ToVault::Cancel { call }.encode(out)));
        if !left.is_empty() {
            pipe.send();
        }
        left
    }

    #[must_use]
    pub fn vitals(&self) -> Vitals {
        let connections = self.audience.size();
        let init_pid = self.sandbox.get().map_or(0, |sandbox| sandbox.init_pid());
        let memory_bytes = host_load::resident_bytes(init_pid);
        let state = self.state();
        let Reading { mono, waking, .. } = self.waking.read();
        Vitals {
            lease_left_ms: state.lease.expires(state.phase).since(waking) / 1000,
            age_ms: mono.since(state.forged_at) / 1000,
            idle_ms: Some(waking.since(state.lease.idle_from(state.phase)) / 1000),
            calls: state.calls,
            memory_bytes,
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
            init_pid,
        }
    }

    #[must_use]
    pub fn describe(&self) -> NodeVault {
        let vitals = self.vitals();
        NodeVault {
            vault: self.id.clone(),
            generation: self.generation,
            phase: self.state().phase.into(),
            vitals,
        }
    }
}

impl VaultState {
    /// What is worth knowing about a death beyond its cause.
    fn explain(&self, cause: Cause, now: Mono) -> Option<String> {
        match cause {
            Cause::HeartbeatLost => {
                let kept = self.lease.kept();
                let (ago, lease) = (show_millis(now.since(kept.since) / 1000), show_millis(kept.lease_ms));
                let by = self.last_beat_by.as_deref().map(|by| format!(" from {by}")).unwrap_or_default();
                Some(format!("last sign of life {ago} before{by}, lease {lease}"))
            }
            Cause::Unclaimed => Some(format!("claim lease {}", show_millis(self.lease.terms.claim_ms))),
            Cause::LifetimeExpired => {
                Some(format!("life-time {}", show_millis(self.lease.terms.lifetime_ms)))
            }
            Cause::LinkSilent => {
                Some(format!("silent for {}", show_millis(self.lease.terms.link_silence_ms)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
