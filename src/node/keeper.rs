//! The keeper: one task that owns a vault from its order to its receipt.
//!
//! It forges, reads the channel, watches the clock, and buries. Whatever ends the vault, wherever
//! it is noticed, comes here, so there is one teardown. Dropping the task would leak the vault:
//! only the end of the process does that, and then the channel's end of file kills the init.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::calls::Overdue;
use super::gate::port::Port;
use super::pipe::Pipe;
use super::vault::Vault;
use crate::api::node::{NewsItem, ProvisionOrder, Provisioned};
use crate::api::{ApiError, ErrorCode};
use crate::model::death::Cause;
use crate::model::lease::Mono;
use crate::model::phase::{self, Event};
use crate::model::receipt::Receipt;
use crate::rpc::channel::{FromVault, Load, OVERHEAD, ToVault, WorkerError, WorkerErrorKind};
use crate::rpc::message::{RpcError, code};
use crate::rpc::reserved;
use crate::sandbox::{Driver, Exit, StartError};
use crate::system::{clock, random};

/// How long the init may take to say `Ready`.
const READY: Duration = Duration::from_secs(5);
/// How much longer than its deadline loading may take before the forge gives up.
const LOAD_GRACE: Duration = Duration::from_millis(500);

pub type Forged = oneshot::Sender<Result<Provisioned, ApiError>>;

/// The keeper's own things; the rest is in [`Vault`].
pub struct Keeper {
    pub vault: Arc<Vault>,
    pub driver: Arc<dyn Driver>,
    /// The open port, shared with the intake which opens it.
    pub port: Arc<Port>,
}

impl Keeper {
    /// Lives the vault's whole life. `forged` is told when the worker can be called.
    pub async fn live(self, order: ProvisionOrder, forged: Forged) {
        let ordered_at = clock::mono();
        let mut inbox = Vec::new();
        let outcome = {
            let mut doomed = self.vault.doomed.subscribe();
            tokio::select! {
                outcome = self.forge(order, &mut inbox) => outcome,
                _ = doomed.wait_for(Option::is_some) => Err(Failure::doomed(&self.vault)),
            }
        };
        match outcome {
            Ok(methods) => {
                let provisioned = Provisioned { methods, forged_us: clock::mono().since(ordered_at) };
                if forged.send(Ok(provisioned)).is_err() {
                    self.vault.doom(Cause::Cancelled, None, None, 0);
                }
                self.watch(inbox).await;
                self.bury().await;
            }
            Err(failure) => {
                self.vault.doom(failure.cause, Some(failure.error.message.clone()), None, 0);
                // The order has failed only when nothing of it is left.
                self.bury().await;
                let _ = forged.send(Err(failure.error));
            }
        }
    }

    async fn forge(&self, order: ProvisionOrder, inbox: &mut Vec<u8>) -> Result<Vec<String>, Failure> {
        let vault = &*self.vault;
        let started =
            self.driver.start(&vault.id, &vault.limits).await.map_err(|error| Failure::start(&error))?;
        let _ = vault.sandbox.set(started.sandbox);
        if !vault.state().phase.is_alive() {
            return Err(Failure::doomed(vault));
        }
        let pipe = Pipe::new(started.channel).map_err(|error| {
            Failure::new(
                Cause::Crashed,
                ErrorCode::Temporary,
                format!("the channel could not be used: {error}"),
            )
        })?;
        let pipe = vault.pipe.get_or_init(|| pipe);
        let limit = self.frame_limit();
        match timeout(READY, next_frame(pipe, inbox, limit)).await {
            Ok(Ok(FromVault::Ready(ready))) if ready.locked => {}
            Ok(Ok(_)) => return Err(Failure::protocol("the init did not begin with a locked Ready")),
            Ok(Err(failure)) => return Err(failure),
            Err(_) => {
                return Err(Failure::new(
                    Cause::LoadFailed,
                    ErrorCode::Temporary,
                    "the init did not get ready in time",
                ));
            }
        }
        let deadline_ms = vault.limits.call_deadline_ms;
        let load = Load {
            source: order.source,
            file: order.file,
            args: serde_json::to_string(&order.args).unwrap_or_else(|_| "[]".into()),
            heap_bytes: vault.limits.memory_bytes,
            deadline_ms,
            max_frame_bytes: vault.limits.max_frame_bytes,
            seed: random::u64(),
            vault: vault.id.to_string(),
        };
        pipe.push(|out| ToVault::Load(Box::new(load)).encode(out));
        let patience = Duration::from_millis(deadline_ms.into()) + LOAD_GRACE;
        let loading = async {
            loop {
                pipe.send();
                let frame = tokio::select! {
                    frame = next_frame(pipe, inbox, limit) => frame?,
                    () = pipe.blocked.notified() => { pipe.writable().await; continue }
                };
                match frame {
                    FromVault::Loaded(loaded) => return Ok(loaded.methods),
                    FromVault::Error { call: 0, error } => return Err(Failure::worker(error)),
                    FromVault::Log { text } => self.log(text),
                    FromVault::Event { .. } => {}
                    _ => return Err(Failure::protocol("an unexpected frame while loading")),
                }
            }
        };
        let methods = match timeout(patience, loading).await {
            Ok(methods) => methods?,
            Err(_) => {
                let message = format!("loading did not end within {deadline_ms} ms");
                return Err(Failure::new(Cause::LoadFailed, ErrorCode::WorkerFailed, message));
            }
        };
        vault.loaded(methods.clone()).map_err(|_| Failure::doomed(vault))?;
        Ok(methods)
    }

    fn frame_limit(&self) -> usize {
        self.vault.limits.max_frame_bytes as usize + OVERHEAD
    }

    /// Reads the channel and the clock until the vault is to be killed.
    async fn watch(&self, mut inbox: Vec<u8>) {
        let vault = &*self.vault;
        let (Some(pipe), Some(sandbox)) = (vault.pipe.get(), vault.sandbox.get()) else { return };
        let mut alarm = pin!(sleep(Duration::ZERO));
        let mut grace_asked = false;
        let mut died = pin!(sandbox.died());
        // What came with the last frame of the forge.
        let mut alive = self.process(&mut inbox);
        while alive {
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
                    alarm.as_mut().reset(Instant::now() + Duration::from_millis(grace_ms.into()));
                }
            } else if let Some(next) = self.look_at_clock() {
                set(alarm.as_mut(), next);
            } else {
                continue;
            }
            tokio::select! {
                read = pipe.read(&mut inbox) => match read {
                    Ok(count) if count > 0 => alive = self.process(&mut inbox),
                    // End of file: only the death of the init, which tells more, closes this end.
                    _ => { self.crashed(died.as_mut().await); return }
                },
                exit = died.as_mut() => { self.process(&mut inbox); self.crashed(exit); return }
                () = vault.nudge.notified() => {}
                () = pipe.blocked.notified() => { pipe.writable().await; pipe.send(); }
                () = alarm.as_mut() => if grace_asked { return },
            }
        }
    }

    /// When to look again; `None` if the vault was doomed just now.
    fn look_at_clock(&self) -> Option<Mono> {
        let vault = &*self.vault;
        let now = clock::mono();
        let (end, cause) = {
            let state = vault.state();
            state.lease.next_end(state.phase)
        }?;
        if end <= now {
            vault.doom(cause, None, None, 0);
            return None;
        }
        let next_call = {
            let mut calls = vault.calls();
            match calls.next_deadline() {
                Some(at) if at <= now => {
                    if calls.expire(now) == Overdue::Stuck {
                        drop(calls);
                        vault.doom(Cause::CallOverran, None, None, 0);
                        return None;
                    }
                    calls.next_deadline()
                }
                at => at,
            }
        };
        let next = next_call.map_or(end, |call| call.min(end));
        vault.wake_at.store(next.0, Ordering::Relaxed);
        Some(next)
    }

    /// Handles every whole frame; `false` ends the vault.
    fn process(&self, inbox: &mut Vec<u8>) -> bool {
        let limit = self.frame_limit();
        let mut used = 0;
        let alive = loop {
            match FromVault::decode(&inbox[used..], limit) {
                Ok(None) => break true,
                Ok(Some((frame, length))) => {
                    used += length;
                    if !self.handle(frame) {
                        break false;
                    }
                }
                Err(error) => {
                    self.vault.doom(Cause::ProtocolViolation, Some(error.to_string()), None, 0);
                    break false;
                }
            }
        };
        inbox.drain(..used);
        alive
    }

    fn handle(&self, frame: FromVault) -> bool {
        let vault = &*self.vault;
        let violation = |what: &str| {
            vault.doom(Cause::ProtocolViolation, Some(what.to_owned()), None, 0);
            false
        };
        let due = |call| vault.calls().answered(call, clock::mono());
        match frame {
            FromVault::Result { call, value } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(_) if !is_one_line_of_json(&value) => violation("a result that is not one line of JSON"),
                Ok(reply) => {
                    reply.into_iter().for_each(|reply| reply.value(&value));
                    true
                }
            },
            FromVault::Error { call, error } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    reply.into_iter().for_each(|reply| reply.error(&worker_error(&error)));
                    true
                }
            },
            FromVault::Stats { call, stats } => match due(call) {
                Err(error) => violation(&error.to_string()),
                Ok(reply) => {
                    let vitals = vault.vitals();
                    let stats = reserved::VaultStats {
                        calls: vitals.calls,
                        heap_used_bytes: stats.heap_used_bytes,
                        heap_limit_bytes: stats.heap_limit_bytes,
                        memory_bytes: vitals.memory_bytes,
                        age_ms: vitals.age_ms,
                        lease_left_ms: vitals.lease_left_ms,
                        connections: vitals.connections,
                    };
                    reply.into_iter().for_each(|reply| reply.serialize(&stats));
                    true
                }
            },
            FromVault::Event { event, data } if is_one_line_of_json(&data) => {
                let name = serde_json::Value::String(event).to_string();
                vault.each_connection(|outbox| {
                    outbox.event(reserved::EVENT, |lost| match lost {
                        0 => format!("{{\"event\":{name},\"data\":{data}}}"),
                        lost => format!("{{\"event\":{name},\"data\":{data},\"lost\":{lost}}}"),
                    });
                });
                true
            }
            FromVault::Event { .. } => violation("an event that is not one line of JSON"),
            FromVault::Log { text } => {
                self.log(text);
                true
            }
            FromVault::Destruct => {
                vault.doom(Cause::SelfDestruct, None, None, 0);
                false
            }
            FromVault::DestDone => vault.state().phase.is_alive() && violation("an unasked DestDone"),
            FromVault::Ready(_) | FromVault::Loaded(_) => violation("a frame that comes once only"),
        }
    }

    fn log(&self, text: String) {
        let line = serde_json::json!({ "text": text }).to_string();
        self.vault.each_connection(|outbox| outbox.event(reserved::LOG, |_| line.clone()));
        self.vault.news.publish(NewsItem::Log { vault: self.vault.id.clone(), text });
    }

    fn crashed(&self, exit: Exit) {
        let (cause, detail) = match exit {
            Exit::OutOfMemory => (Cause::OutOfMemory, None),
            Exit::Status(status) => (Cause::Crashed, Some(format!("exit status {status}"))),
            Exit::Signal(signal) => (Cause::Crashed, Some(format!("signal {signal}"))),
            Exit::Unknown => (Cause::Crashed, None),
        };
        self.vault.doom(cause, detail, None, 0);
    }

    /// Kills, lets go of everything, checks, and publishes the receipt.
    async fn bury(&self) {
        let vault = &*self.vault;
        let killed_at = {
            let mut state = vault.state();
            *state.killed_at.get_or_insert_with(clock::mono)
        };
        let mut reclaimed = Vec::new();
        if let Some(sandbox) = vault.sandbox.get() {
            sandbox.kill();
            let port = self.port.close(killed_at);
            let (lines, port) = tokio::join!(sandbox.reclaim(), port);
            reclaimed = lines;
            reclaimed.extend(port);
        }
        let death = vault.doomed.borrow().clone();
        let Some(death) = death else { return };
        // Calls that slipped in between the announcement and the kill.
        vault.calls().fail_all(&vault.dead_error(&death));
        let (lived_ms, calls) = {
            let mut state = vault.state();
            if let Ok(phase) = phase::transition(state.phase, Event::Reclaimed) {
                state.phase = phase;
            }
            (killed_at.since(state.forged_at) / 1000, state.calls)
        };
        let receipt = Receipt {
            vault: vault.id.clone(),
            node: vault.node.clone(),
            death,
            lived_ms,
            calls,
            reclaimed_us: clock::mono().since(killed_at),
            reclaimed,
        };
        if !receipt.is_clean() {
            tracing::error!(vault = %vault.id, ?receipt, "something of a dead vault is left");
        }
        vault.news.publish(NewsItem::Died(receipt.clone()));
        vault.receipt.send_replace(Some(receipt));
    }
}

fn set(alarm: std::pin::Pin<&mut Sleep>, at: Mono) {
    let wait = Duration::from_micros(at.since(clock::mono()));
    // A reset takes a lock of the timer; most iterations do not move the alarm.
    let target = Instant::now() + wait;
    if alarm.deadline() > target || alarm.is_elapsed() {
        alarm.reset(target);
    }
}

async fn next_frame(pipe: &Pipe, inbox: &mut Vec<u8>, limit: usize) -> Result<FromVault, Failure> {
    loop {
        match FromVault::decode(inbox, limit) {
            Ok(Some((frame, length))) => {
                inbox.drain(..length);
                return Ok(frame);
            }
            Ok(None) => {}
            Err(error) => return Err(Failure::protocol(&error.to_string())),
        }
        match pipe.read(inbox).await {
            Ok(count) if count > 0 => {}
            _ => {
                return Err(Failure::new(
                    Cause::Crashed,
                    ErrorCode::Temporary,
                    "the init ended while it was being forged",
                ));
            }
        }
    }
}

fn is_one_line_of_json(text: &str) -> bool {
    !text.as_bytes().contains(&b'\n') && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn worker_error(error: &WorkerError) -> RpcError {
    let code = match error.kind {
        WorkerErrorKind::NoMethod => code::METHOD_NOT_FOUND,
        WorkerErrorKind::Params => code::INVALID_PARAMS,
        WorkerErrorKind::Deadline => code::DEADLINE,
        WorkerErrorKind::Memory => code::MEMORY,
        WorkerErrorKind::TooLarge => code::TOO_LARGE,
        WorkerErrorKind::Throw | WorkerErrorKind::Stack | WorkerErrorKind::Unserializable => code::WORKER,
        WorkerErrorKind::Syntax | WorkerErrorKind::Protocol => code::INTERNAL,
    };
    RpcError::new(code, error.message.clone()).data(error)
}

/// Why forging ended without a worker.
struct Failure {
    cause: Cause,
    error: ApiError,
}

impl Failure {
    fn new(cause: Cause, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { cause, error: ApiError::new(code, message) }
    }

    fn protocol(what: &str) -> Self {
        Self::new(Cause::ProtocolViolation, ErrorCode::Internal, what)
    }

    fn doomed(vault: &Vault) -> Self {
        Self::new(
            Cause::Cancelled,
            ErrorCode::Conflict,
            format!("{} was destructed while it was being forged", vault.id),
        )
    }

    fn start(error: &StartError) -> Self {
        let code = match error {
            StartError::NoSlot { .. } => ErrorCode::NoCapacity,
            StartError::SpawnerLost { .. } | StartError::Timeout { .. } => ErrorCode::Temporary,
            StartError::Lxc { .. } | StartError::System { .. } => ErrorCode::Environment,
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self {
            cause: Cause::LoadFailed,
            error: ApiError::new(code, message).hint("hauki doctor checks this machine"),
        }
    }

    fn worker(error: WorkerError) -> Self {
        let code = match error.kind {
            WorkerErrorKind::Syntax => ErrorCode::BadSource,
            _ => ErrorCode::WorkerFailed,
        };
        let place = match (&error.file, error.line) {
            (Some(file), Some(line)) => format!("  ({file}:{line})"),
            _ => String::new(),
        };
        let message = format!("{}{place}", error.message);
        Self { cause: Cause::LoadFailed, error: ApiError::new(code, message).worker(error) }
    }
}
