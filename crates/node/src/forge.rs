//! Provisioning on the node, phase 2: from an order to a worker that can be called.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::time::sleep;

use super::channel::VaultChannel;
use super::supervisor::Supervisor;
use super::vault::VaultHandle;
use hauki_contract::api::node::ProvisionOrder;
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::death::Cause;
use hauki_contract::model::error_chain;
use hauki_contract::model::method::{self, MethodError};
use hauki_contract::rpc::channel::{FromVault, Load, MAX_LINE, ToVault, WorkerError, WorkerErrorKind};
use hauki_contract::rpc::reference::TravelError;
use hauki_contract::step;
use hauki_contract::system::random;
use hauki_sandbox::{StartError, Started, UNLOCKED_HINT};

/// How long the init may take to say `Ready`.
const READY: Duration = Duration::from_secs(5);
/// What a line or an event costs here, about.
const FRAME_NS: u64 = 3_000;
/// How much longer than its deadline loading may take before the forge gives up.
const LOAD_GRACE: Duration = Duration::from_millis(500);
/// Of each text of an error, which is a frame long where the init is nobody's any more.
const MOST_SAID: usize = 4096;

impl Supervisor {
    /// Starts the sandbox, unless there is one. Not given up half way when the vault is doomed meanwhile: what has started
    /// must be in hand, or its receipt would speak of nothing.
    pub(super) async fn start(&self, blank: Option<Started>) -> Result<OwnedFd, ForgeFailure> {
        let vault = &*self.vault;
        let started = match blank {
            Some(blank) => blank,
            None => self
                .driver
                .start(&vault.id, &vault.limits)
                .await
                .map_err(|error| ForgeFailure::start(&error))?,
        };
        let _ = vault.sandbox.set(started.sandbox);
        if !vault.state().phase.is_alive() {
            return Err(ForgeFailure::doomed(vault));
        }
        Ok(started.channel)
    }

    pub(super) async fn forge(
        &self,
        channel: OwnedFd,
        order: ProvisionOrder,
        inbox: &mut Vec<u8>,
    ) -> Result<Vec<String>, ForgeFailure> {
        let vault = &*self.vault;
        let pipe = VaultChannel::new(channel).map_err(|error| {
            ForgeFailure::new(
                Cause::Crashed,
                NodeFault::Failed,
                format!("the channel could not be used: {error}"),
            )
        })?;
        let pipe = vault.pipe.get_or_init(|| pipe);
        let limit = self.frame_limit();
        match step!("ready", vault.waking.within(READY, next_frame(pipe, inbox, limit))).await {
            Some(Ok(FromVault::Ready(ready))) if ready.locked => {}
            Some(Ok(FromVault::Error { call: 0, mut error })) => {
                error.cut(MOST_SAID);
                let message = format!("the init could not lock itself down: {}", error.message);
                let mut failure = ForgeFailure::new(Cause::LoadFailed, NodeFault::Environment, message);
                failure.error = failure.error.hint(UNLOCKED_HINT);
                return Err(failure);
            }
            Some(Ok(_)) => return Err(ForgeFailure::protocol("the init did not begin with a locked Ready")),
            Some(Err(failure)) => return Err(failure),
            None => {
                return Err(ForgeFailure::new(
                    Cause::LoadFailed,
                    NodeFault::Failed,
                    "the init did not get ready in time",
                ));
            }
        }
        let deadline_ms = vault.limits.call_deadline_ms;
        let args = serde_json::to_string(&order.args).unwrap_or_else(|_| "[]".into());
        let refused = |error: TravelError| {
            ForgeFailure::new(
                Cause::LoadFailed,
                NodeFault::BadOrder,
                format!("the arguments of create: {error}"),
            )
        };
        let load = Load {
            source: order.source,
            file: order.file,
            args: vault.reach.take_in(&args, true).map_err(refused)?.into_owned(),
            heap_bytes: vault.limits.memory_bytes,
            deadline_ms,
            max_frame_bytes: vault.limits.max_frame_bytes,
            seed: random::u64(),
            vault: vault.id.to_string(),
            fetch: !vault.limits.net.is_empty(),
        };
        pipe.push(|out| ToVault::Load(Box::new(load)).encode(out));
        let patience = Duration::from_millis(deadline_ms.into()) + LOAD_GRACE;
        let loading = async {
            let mut blocked = false;
            pipe.send();
            if order.opening.is_some() {
                // While the init is busy with the source.
                self.port.prepare(self.data_plane);
            }
            loop {
                let frame = tokio::select! {
                    frame = next_frame(pipe, inbox, limit) => frame?,
                    () = pipe.blocked.notified() => { blocked = true; continue }
                    () = pipe.writable(), if blocked => { blocked = false; pipe.send(); continue }
                };
                if !frame.is_answer() {
                    let pause = {
                        let mut allowance = vault.allowance();
                        allowance.came(frame.bytes());
                        // One by one, so that measuring would cost as much.
                        allowance.spend(FRAME_NS);
                        allowance.pause(|| vault.now())
                    };
                    if let Some(pause) = pause {
                        sleep(pause).await;
                    }
                }
                match frame {
                    FromVault::Loaded(loaded) => return Ok(loaded.methods),
                    FromVault::Error { call: 0, error } => return Err(ForgeFailure::worker(error)),
                    FromVault::Log { text } if text.len() > MAX_LINE => {
                        return Err(ForgeFailure::protocol("a line that no init sends in one piece"));
                    }
                    FromVault::Log { text } => self.log(text),
                    FromVault::Event { .. } => {}
                    ask @ FromVault::Ask { .. } => {
                        if !self.ask(ask) {
                            return Err(ForgeFailure::protocol("a call of an object that no init makes"));
                        }
                    }
                    _ => return Err(ForgeFailure::protocol("an unexpected frame while loading")),
                }
            }
        };
        let methods = match step!("load", vault.waking.within(patience, loading)).await {
            Some(methods) => methods?,
            None => {
                let message = format!("loading did not end within {deadline_ms} ms");
                return Err(ForgeFailure::new(Cause::LoadFailed, NodeFault::WorkerFailed(None), message));
            }
        };
        method::check(&methods).map_err(|error| ForgeFailure::unfit(&error))?;
        vault.loaded(methods.clone()).map_err(|_| ForgeFailure::doomed(vault))?;
        Ok(methods)
    }
}

async fn next_frame(
    pipe: &VaultChannel,
    inbox: &mut Vec<u8>,
    limit: usize,
) -> Result<FromVault, ForgeFailure> {
    loop {
        match FromVault::decode(inbox, limit) {
            Ok(Some((frame, length))) => {
                inbox.drain(..length);
                return Ok(frame);
            }
            Ok(None) => {}
            Err(error) => return Err(ForgeFailure::protocol(&error.to_string())),
        }
        match pipe.read(inbox).await {
            Ok(count) if count > 0 => {}
            _ => {
                return Err(ForgeFailure::new(
                    Cause::Crashed,
                    NodeFault::Failed,
                    "the init ended while it was being forged",
                ));
            }
        }
    }
}

/// Why forging ended without a worker.
pub(super) struct ForgeFailure {
    pub(super) cause: Cause,
    pub(super) error: NodeError,
}

impl ForgeFailure {
    fn new(cause: Cause, fault: NodeFault, message: impl Into<String>) -> Self {
        Self { cause, error: NodeError::new(fault, message) }
    }

    fn protocol(what: &str) -> Self {
        Self::new(Cause::ProtocolViolation, NodeFault::Defect, what)
    }

    /// An init of ours names no method like that: either it is not ours any more, or there are too many.
    fn unfit(error: &MethodError) -> Self {
        match error {
            MethodError::Name(_) => Self::protocol(&error.to_string()),
            MethodError::TooMany(_) => Self::new(
                Cause::LoadFailed,
                NodeFault::BadSource(None),
                format!("the worker is too wide: {error}"),
            ),
        }
    }

    pub(super) fn doomed(vault: &VaultHandle) -> Self {
        let why = match vault.doomed.borrow().as_ref().and_then(|death| death.cause.known()) {
            None | Some(Cause::Destruct | Cause::Cancelled) => "was destructed",
            Some(cause) => &format!("died ({})", cause.describe()),
        };
        let message = format!("{} {why} while it was being forged", vault.id);
        // That its node stops says nothing of the worker: another, or the same a little later, may take it.
        let fault = match vault.doomed.borrow().as_ref().and_then(|death| death.cause.known()) {
            Some(Cause::NodeShutdown | Cause::DaemonLost) => NodeFault::Failed,
            _ => NodeFault::Ended,
        };
        Self::new(Cause::Cancelled, fault, message)
    }

    fn start(error: &StartError) -> Self {
        let fault = match error {
            StartError::Full { .. } => NodeFault::Full,
            error if error.is_passing() => NodeFault::Failed,
            _ => NodeFault::Environment,
        };
        let hint = error.hint().unwrap_or_else(|| "hauki doctor checks this machine".into());
        Self { cause: Cause::LoadFailed, error: NodeError::new(fault, error_chain::told(error)).hint(hint) }
    }

    fn worker(mut error: WorkerError) -> Self {
        error.cut(MOST_SAID);
        let column = error.column.map(|column| format!(":{column}")).unwrap_or_default();
        let place = match (&error.file, error.line) {
            (Some(file), Some(line)) => format!("  ({file}:{line}{column})"),
            _ => String::new(),
        };
        let message = format!("{}{place}", error.message);
        let fault = match error.kind {
            WorkerErrorKind::Syntax => NodeFault::BadSource(Some(Box::new(error))),
            _ => NodeFault::WorkerFailed(Some(Box::new(error))),
        };
        Self::new(Cause::LoadFailed, fault, message)
    }
}
