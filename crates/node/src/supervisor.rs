//! Supervisor: one task that owns a vault from its order to its receipt, and keeps it.
//!
//! It forges, reads the channel, watches the clock, and buries. Whatever ends the vault, wherever
//! it is noticed, comes here, so there is one teardown. Dropping the task would leak the vault:
//! only the end of the process does that, and then the channel's end of file kills the init.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep, timeout};

use super::affinity::Affinity;
use super::calls::Overdue;
use super::forge::ForgeFailure;
use super::gate::port::Port;
use super::inbound::Flow;
use super::shards;
use super::vault::VaultHandle;
use hauki_contract::api::node::{NewsItem, ProvisionOrder, Provisioned};
use hauki_contract::api::node_error::NodeError;
use hauki_contract::model::death::Cause;
use hauki_contract::model::lease::Mono;
use hauki_contract::model::phase::{self, PhaseEvent};
use hauki_contract::model::receipt::Receipt;
use hauki_contract::rpc::channel::{OVERHEAD, ToVault};
use hauki_contract::system::slow_log::{self, SlowKind};
use hauki_contract::system::{clock, trace};
use hauki_contract::{seam, step};
use hauki_sandbox::{Driver, InitExit, Started, signal_words};

/// From the end of the channel to the exit status.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the clock says of a vault.
enum Look {
    /// It was doomed just now, or before.
    Doomed,
    /// Somebody seems to be silent or late.
    Due,
    /// When to look again.
    Next(Mono),
}

pub(crate) type ForgeReply = oneshot::Sender<Result<Provisioned, NodeError>>;

/// The supervisor's own things; the rest is in [`VaultHandle`].
pub(crate) struct Supervisor {
    pub vault: Arc<VaultHandle>,
    pub driver: Arc<dyn Driver>,
    /// The open port, shared with the service, which opens it.
    pub port: Arc<Port>,
    /// Where it opens.
    pub data_plane: IpAddr,
}

impl Supervisor {
    /// Lives the vault's whole life, in a blank vault if there is one. `forged` is told when the worker
    /// can be called.
    pub(crate) async fn live(self, order: ProvisionOrder, blank: Option<Started>, forged: ForgeReply) {
        let ordered_at = clock::mono();
        let _judged = self.vault.waking.judge();
        let mut inbox = Vec::new();
        let warm = blank.is_some();
        let forging = async {
            let channel = step!("sandbox", self.start(blank)).await?;
            let mut doomed = self.vault.doomed.subscribe();
            tokio::select! {
                outcome = self.forge(channel, order, &mut inbox) => outcome,
                _ = doomed.wait_for(Option::is_some) => Err(ForgeFailure::doomed(&self.vault)),
            }
        };
        let forging = trace::spanned(seam!("forge"), forging);
        let (outcome, steps) = trace::watched(trace::current(), forging).await;
        let took_us = clock::mono().since(ordered_at);
        slow_log::note(SlowKind::Start, || format!("the start of {}", self.vault.id), took_us, &steps);
        match outcome {
            Ok(methods) => {
                let forged_us = clock::mono().since(ordered_at);
                let unlimited = self.driver.unlimited().into_iter().map(Into::into).collect();
                let provisioned = Provisioned { methods, forged_us, warm, opened: None, unlimited };
                if forged.send(Ok(provisioned)).is_err() {
                    self.vault.doom(Cause::Cancelled, None, None, 0);
                }
                self.watch(inbox).await;
                self.end().await;
            }
            Err(failure) => {
                let first = self.vault.doom(failure.cause, Some(failure.error.message.clone()), None, 0);
                // A kill is seen on the channel as well, and may be seen there first.
                let cause = self.vault.doomed.borrow().as_ref().and_then(|death| death.cause.known());
                let ours = first || cause == Some(failure.cause);
                let failure = if ours { failure } else { ForgeFailure::doomed(&self.vault) };
                // The order has failed only when nothing of it is left.
                self.end().await;
                let _ = forged.send(Err(failure.error));
            }
        }
    }

    pub(super) fn frame_limit(&self) -> usize {
        self.vault.limits.max_frame_bytes as usize + OVERHEAD
    }

    /// Reads the channel and the clock until the vault is to be killed.
    async fn watch(&self, mut inbox: Vec<u8>) {
        let vault = &*self.vault;
        let (Some(pipe), Some(sandbox)) = (vault.pipe.get(), vault.sandbox.get()) else { return };
        let mut alarm = pin!(sleep(Duration::ZERO));
        let mut affinity = Affinity::default();
        let mut grace_asked = false;
        let mut heard = false;
        // The socket took no more. The supervisor goes on reading meanwhile: an init that waits for room
        // itself would never read again if both waited for each other.
        let mut blocked = false;
        let mut died = pin!(sandbox.died());
        let mut nudged = pin!(vault.nudge.notified());
        let mut full = pin!(pipe.blocked.notified());
        // What came with the last frame of the forge.
        let mut flow = self.process(&mut inbox);
        // Nothing is read before then: the vault owes for what it has said.
        let mut resume = pin!(sleep(Duration::ZERO));
        let mut paused = false;
        // Since when something lies there, or may, that nobody has read because of a pause.
        let mut behind: Option<Mono> = None;
        // Many a vault says nothing more for a long time, and has room again when it does.
        inbox.shrink_to_fit();
        while flow != Flow::Over {
            if !paused && let Some(pause) = vault.allowance().pause(|| vault.now()) {
                paused = true;
                behind.get_or_insert_with(|| vault.now());
                resume.as_mut().reset(clock::alarm(pause));
            }
            if flow == Flow::More && !paused {
                shards::turn().await;
                flow = self.process(&mut inbox);
            }
            if let Some(from) = behind.as_mut() {
                let (said, now) = (vault.allowance().said(), vault.now());
                vault.calls().excuse(*from, now, said);
                *from = now;
            }
            let doomed = !vault.state().phase.is_alive();
            if doomed {
                let (killed, grace_ms) = {
                    let state = vault.state();
                    (state.killed_at.is_some(), state.grace_ms)
                };
                if killed {
                    return;
                }
                if !grace_asked {
                    grace_asked = true;
                    pipe.push(|out| ToVault::Dest { deadline_ms: grace_ms }.encode(out));
                    pipe.send();
                    alarm.as_mut().reset(clock::alarm(Duration::from_millis(grace_ms.into())));
                }
            } else {
                match self.look_at_clock(heard) {
                    Look::Doomed => continue,
                    // What has arrived is heard before anybody is judged.
                    Look::Due => {
                        shards::turn().await;
                        heard = true;
                        let _ = pipe.read(&mut inbox).now_or_never();
                        flow = self.process(&mut inbox);
                        continue;
                    }
                    Look::Next(next) => {
                        heard = false;
                        let next = affinity.look_at().map_or(next, |look| look.min(next));
                        set(alarm.as_mut(), next, vault.now());
                    }
                }
            }
            if flow == Flow::More && !paused {
                continue;
            }
            if behind.is_some() && !paused {
                match pipe.read(&mut inbox).now_or_never() {
                    Some(Ok(1..)) => {
                        flow = self.process(&mut inbox);
                        continue;
                    }
                    // All has been heard, or the end is: that is heard again.
                    _ => behind = None,
                }
            }
            tokio::select! {
                () = resume.as_mut(), if paused => paused = false,
                read = pipe.read(&mut inbox), if !paused => match read {
                    Ok(count) if count > 0 => {
                        flow = self.process(&mut inbox);
                        let alone = vault.calls().is_alone();
                        if alone {
                            shards::answered();
                        }
                        affinity.answered(alone, vault.now(), &**sandbox);
                    }
                    _ => { self.lost(died.as_mut()).await; return }
                },
                exit = died.as_mut() => { pipe.read_rest(&mut inbox); self.process_rest(&mut inbox); self.crashed(exit); return }
                () = nudged.as_mut() => nudged.set(vault.nudge.notified()),
                () = full.as_mut() => { blocked = true; full.set(pipe.blocked.notified()); }
                () = pipe.writable(), if blocked => { blocked = false; pipe.send(); }
                () = alarm.as_mut() => {
                    if grace_asked {
                        return;
                    }
                    let busy_since = vault.calls().busy_since();
                    affinity.look(busy_since, vault.now(), &**sandbox);
                }
            }
        }
    }

    /// Judges who is silent or late, once it was `heard` whether they are.
    fn look_at_clock(&self, heard: bool) -> Look {
        let vault = &*self.vault;
        let reading = vault.waking.look();
        let now = reading.waking;
        let next_end = {
            let state = vault.state();
            state.lease.next_end(state.phase, reading)
        };
        let Some((left_us, cause)) = next_end else { return Look::Doomed };
        let is_due = |at: &Mono| *at <= now;
        if !heard && (left_us == 0 || vault.calls().next_deadline().as_ref().is_some_and(is_due)) {
            return Look::Due;
        }
        if left_us == 0 {
            vault.doom(cause, None, None, 0);
            return Look::Doomed;
        }
        let next_call = {
            let mut calls = vault.calls();
            match calls.next_deadline() {
                Some(at) if at <= now => {
                    if calls.expire(now) == Overdue::Stuck {
                        drop(calls);
                        vault.doom(Cause::CallOverran, None, None, 0);
                        return Look::Doomed;
                    }
                    calls.next_deadline()
                }
                at => at,
            }
        };
        let end = Mono(now.0.saturating_add(left_us));
        let next = next_call.map_or(end, |call| call.min(end));
        vault.wake_at.store(next.0, Ordering::Relaxed);
        Look::Next(next)
    }

    /// The channel is at its end. Mostly the init died, which tells more; one that only closed it is
    /// out of reach of every rule, so nobody waits for it.
    async fn lost(&self, died: impl Future<Output = InitExit>) {
        match timeout(LAST_WORDS, died).await {
            Ok(exit) => self.crashed(exit),
            // Dead, and how is told when it is buried: the word of it takes longer in a crowd.
            Err(_) if self.vault.sandbox.get().is_some_and(|sandbox| sandbox.is_dead()) => {
                self.crashed(InitExit::Unknown);
            }
            Err(_) => {
                let detail = Some("it closed its channel and lived on".to_owned());
                self.vault.doom(Cause::ProtocolViolation, detail, None, 0);
            }
        }
    }

    fn crashed(&self, exit: InitExit) {
        let (cause, detail) = match exit {
            InitExit::OutOfMemory => (Cause::OutOfMemory, None),
            InitExit::Status(status) => (Cause::Crashed, Some(format!("exit status {status}"))),
            InitExit::Signal(signal) => (Cause::Crashed, Some(signal_words(signal))),
            InitExit::Unknown => (Cause::Crashed, None),
        };
        self.vault.doom(cause, detail, None, 0);
    }

    /// Buries the vault, and tells it where that was long: from the kill until nothing is left.
    async fn end(&self) {
        let burying = trace::spanned(seam!("bury"), self.bury());
        let (took_us, steps) = trace::watched(trace::current(), burying).await;
        slow_log::note(SlowKind::End, || format!("the end of {}", self.vault.id), took_us, &steps);
    }

    /// Kills, lets go of everything, checks, and publishes the receipt. How long that took.
    async fn bury(&self) -> u64 {
        let vault = &*self.vault;
        vault.reach.close();
        let killed_at = {
            let mut state = vault.state();
            *state.killed_at.get_or_insert_with(clock::mono)
        };
        let mut reclaimed = Vec::new();
        if let Some(sandbox) = vault.sandbox.get() {
            sandbox.kill();
            let port = self.port.close(killed_at);
            let (lines, port) = tokio::join!(step!("reclaim", sandbox.reclaim()), step!("port", port));
            reclaimed = lines;
            reclaimed.extend(port);
        }
        let death = vault.doomed.borrow().clone();
        let Some(death) = death else { return 0 };
        // Whoever doomed it may still be on his way to say so, and connections close with the receipt;
        // or calls slipped in behind him.
        vault.announce(&death);
        let (lived_ms, calls) = {
            let mut state = vault.state();
            if let Ok(phase) = phase::transition(state.phase, PhaseEvent::Reclaimed) {
                state.phase = phase;
            }
            (killed_at.since(state.forged_at) / 1000, state.calls)
        };
        let receipt = Receipt {
            vault: vault.id.clone(),
            node: vault.node.clone(),
            generation: Some(vault.generation),
            witness: None,
            death,
            lived_ms,
            calls,
            reclaimed_us: clock::mono().since(killed_at),
            reclaimed,
        };
        if !receipt.is_clean() {
            tracing::error!(vault = %vault.id, ?receipt, "something of a dead vault is left");
        }
        let took_us = receipt.reclaimed_us;
        vault.news.publish(NewsItem::Died(receipt.clone()));
        vault.receipt.send_replace(Some(receipt));
        took_us
    }
}

fn set(alarm: std::pin::Pin<&mut Sleep>, at: Mono, now: Mono) {
    let wait = Duration::from_micros(at.since(now));
    // A reset takes a lock of the timer; most iterations do not move the alarm.
    let target = clock::alarm(wait);
    if alarm.deadline() > target || alarm.is_elapsed() {
        alarm.reset(target);
    }
}
