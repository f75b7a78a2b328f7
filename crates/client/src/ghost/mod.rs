//! RPC client, the ghost, a ticket as an object: connect once, call as often as you like.
//!
//! A [`Ghost`] owns one TLS connection to the node's gate at a time. Clones share it, and their calls
//! are pipelined: one task writes, one reads and hands replies to those who wait for them by id.
//! Every call has a finite deadline on our side as well as on the gate's, and may be dropped at any
//! time, which gives it up: a node that can (`cancel` among the features of its welcome) does not begin it any
//! more, or stops the worker in the middle of it.
//!
//! When the connection ends, all calls in flight fail at once with the reason, `hauki.dying` if the
//! gate sent one. Where it broke and the ticket is still valid a new one is made, and
//! [`Ghost::events`] tells of both. When the last clone is dropped, the connection is closed; a
//! linked vault dies of that, also by `kill -9`, because the kernel closes the socket.
//!
//! This program is `examples/ghost.rs`, which a test builds and runs:
//!
//! ```ignore
#![doc = include_str!("../../../../examples/ghost.rs")]
//! ```

mod error;
mod event;
mod handshake;
mod offer;
mod session;
mod connection;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use error::GhostError;
pub use event::{CallNumber, GhostEvent, GhostEvents, ParsedEvent};
pub use offer::{CallbackCall, CallbackThrown, OfferHandle};

use connection::CallFailure;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::builtin::{self, LeaseResult, VaultStats, Welcome};
use hauki_contract::rpc::callback::OfferResult;
use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use hauki_contract::system::{clock, trace};
use session::GhostSession;

/// What a call may take beyond the gate's own deadline before we give up on the gate.
const SLACK: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct GhostOptions {
    /// For TCP, TLS and `hauki.hello` together.
    pub connect_timeout: Duration,
    /// For one call; absent: the ticket's call deadline.
    pub call_deadline: Option<Duration>,
    /// Keep the lease alive in the background while connected.
    pub beat: bool,
    /// Make a new connection where one is lost.
    pub reconnect: bool,
    /// Who calls, for the node's logs.
    pub client: Option<String>,
}

impl Default for GhostOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            call_deadline: None,
            beat: true,
            reconnect: true,
            client: Some(super::identity::pid_and_host()),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Ghost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    vault: VaultId,
    session: GhostSession,
    /// How long a call may take.
    deadline: Duration,
    /// When the hello must have been answered, which a call that is made before waits for.
    greeted_by: Instant,
    keep_alive: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.keep_alive.abort();
    }
}

impl Ghost {
    /// Claims the ticket, and waits for what the node says to it.
    pub async fn connect(ticket: &Ticket, options: GhostOptions) -> Result<Self, GhostError> {
        let ghost = Self::open(ticket, options).await?;
        ghost.welcome().await?;
        Ok(ghost)
    }

    /// As [`Ghost::connect`], a round trip earlier: the first calls go behind the hello, and a ticket
    /// that the node refuses is what they fail with. Nothing is sent before the node has proved that it
    /// holds the pinned key.
    ///
    /// The ticket is claimed once the node has read the hello: [`Ghost::welcome`] tells, and the answer
    /// to a call, but not that a notification was sent. A connection that breaks before is not made anew.
    pub async fn open(ticket: &Ticket, options: GhostOptions) -> Result<Self, GhostError> {
        let listeners = Arc::default();
        let opened = handshake::open(ticket, &options, &listeners).await?;
        let session = GhostSession::new(opened.wire.clone(), listeners);
        // The gate does the same with what the hello says.
        let most = Duration::from_millis(ticket.protocol.call_deadline_ms.into());
        let deadline = options.call_deadline.map_or(most, |wished| wished.min(most)) + SLACK;
        let greeted_by = opened.by;
        let keep_alive = tokio::spawn(session.clone().keep(opened, ticket.clone(), options));
        let vault = ticket.vault.clone();
        Ok(Self { inner: Arc::new(Inner { vault, session, deadline, greeted_by, keep_alive }) })
    }

    #[must_use]
    pub fn vault(&self) -> &VaultId {
        &self.inner.vault
    }

    /// What the node said at the first connection, or why it let us in at none.
    pub async fn welcome(&self) -> Result<&Welcome, GhostError> {
        self.inner.session.welcome().await
    }

    /// Calls a method. `params` is JSON text, an array or an object; so is the result, any value.
    pub async fn call(&self, method: &str, params: Option<&str>) -> Result<Box<RawValue>, GhostError> {
        self.call_as(self.number(), method, params).await
    }

    /// For a call that is to be made: [`GhostEvent::call`] of what the worker says in it will be this.
    #[must_use]
    pub fn number(&self) -> CallNumber {
        self.inner.session.listeners.number()
    }

    /// As [`Ghost::call`], under a number that was taken for it.
    pub async fn call_as(
        &self,
        number: CallNumber,
        method: &str,
        params: Option<&str>,
    ) -> Result<Box<RawValue>, GhostError> {
        self.send(method, params, Some(number), self.inner.deadline).await
    }

    /// Sends once, over the first connection that takes it.
    async fn send(
        &self,
        method: &str,
        params: Option<&str>,
        answered: Option<CallNumber>,
        deadline: Duration,
    ) -> Result<Box<RawValue>, GhostError> {
        let session = &self.inner.session;
        let sent = pin!(async {
            // Who looks wants the whole way of a call, and the gate is told of a trace only once it has said that it
            // knows what that is.
            if trace::is_wanted() {
                session.welcome().await?;
            }
            loop {
                let wire = session.wire().await?;
                let answer = match answered {
                    Some(number) => wire.call_as(number, method, params).await,
                    None => wire.notify(method, params).await.map(|()| RawValue::NULL.to_owned()),
                };
                match answer {
                    // The hello was answered before: who answers must be who the ticket names.
                    Ok(answer) if answered.is_some() => {
                        session.welcome().await?;
                        return Ok(answer);
                    }
                    Ok(answer) => return Ok(answer),
                    // A hello that was refused is the reason for whatever happened behind it.
                    Err(CallFailure::Failed(error)) => {
                        return Err(session.welcome().await.err().unwrap_or(error));
                    }
                    Err(CallFailure::Unsent) => {}
                }
            }
        });
        let deadline = match session.is_welcome() {
            true => deadline,
            false => {
                deadline.saturating_add(self.inner.greeted_by.saturating_duration_since(clock::timer_now()))
            }
        };
        let vault = || self.inner.vault.clone();
        match tokio::time::timeout(deadline, sent).await {
            Ok(answer) => answer,
            Err(_) if session.is_up() => {
                Err(GhostError::Silent { vault: vault(), method: method.to_owned(), after: deadline })
            }
            Err(_) => {
                Err(GhostError::Broken { vault: vault(), reason: format!("no new one within {deadline:?}") })
            }
        }
    }

    /// The same with types: `params` becomes an array or an object, and `()` no argument.
    pub async fn call_typed<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, GhostError> {
        let params = to_json(params)?;
        let result = self.call(method, Some(params.as_str()).filter(|text| *text != "null")).await?;
        from_json(method, &result)
    }

    /// Calls and does not ask for an answer.
    pub async fn notify(&self, method: &str, params: Option<&str>) -> Result<(), GhostError> {
        self.send(method, params, None, self.inner.deadline).await.map(drop)
    }

    /// From now on: what the worker prints and emits, the announcement of its death, and what becomes
    /// of the connection. Each caller of this has its own stream.
    #[must_use]
    pub fn events(&self) -> GhostEvents {
        self.inner.session.listeners.join()
    }

    /// Offers an object to the worker: its calls of one of these methods are `handler`'s, until the handle is dropped or
    /// the ghost ends. The worker gets it as an argument, [`OfferHandle::reference`], and what is called `tools` as
    /// `previous_object().tools` with every call. The same name again takes the place of what was offered before.
    pub async fn offer<F, A>(
        &self,
        name: &str,
        methods: &[&str],
        handler: F,
    ) -> Result<OfferHandle, GhostError>
    where
        F: Fn(CallbackCall) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Box<RawValue>, CallbackThrown>> + Send + 'static,
    {
        let session = &self.inner.session;
        if !session.welcome().await?.has(builtin::feature::OFFER) {
            return Err(GhostError::NoOffers { vault: self.inner.vault.clone() });
        }
        let (handle, before) = OfferHandle::new(session, name, methods, handler);
        match self.call(builtin::OFFER, Some(handle.params())).await {
            Ok(answer) => {
                handle.is_known_as(from_json::<OfferResult>(builtin::OFFER, &answer)?.object);
                Ok(handle)
            }
            Err(error) => {
                handle.refused(before);
                Err(error)
            }
        }
    }

    /// Waits for the end: a death, a ticket that is no longer valid, or a connection that broke
    /// where no new one is wanted.
    pub async fn closed(&self) -> GhostError {
        self.inner.session.over().await
    }

    pub async fn heartbeat(&self) -> Result<LeaseResult, GhostError> {
        let lease = self.call(builtin::HEARTBEAT, None).await?;
        from_json(builtin::HEARTBEAT, &lease)
    }

    pub async fn stats(&self) -> Result<VaultStats, GhostError> {
        let stats = self.call(builtin::STATS, None).await?;
        from_json(builtin::STATS, &stats)
    }

    /// Ends the vault; the worker's `dest()` may run for `grace`. Answers when everything is gone.
    pub async fn destruct(&self, grace: Duration) -> Result<Receipt, GhostError> {
        let params = to_json(&builtin::Destruct { grace_ms: to_ms(grace) })?;
        let deadline = self.inner.deadline + grace;
        let answer = self.send(builtin::DESTRUCT, Some(&params), Some(self.number()), deadline).await?;
        Ok(from_json::<builtin::DestructResult>(builtin::DESTRUCT, &answer)?.receipt)
    }
}

fn to_ms(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn to_json(value: &impl Serialize) -> Result<String, GhostError> {
    serde_json::to_string(value).map_err(|source| GhostError::Params { source: Arc::new(source) })
}

fn from_json<T: DeserializeOwned>(method: &str, text: &RawValue) -> Result<T, GhostError> {
    tolerant_reader::fields(text.get(), DocumentLimits::MESSAGE)
        .map_err(|source| GhostError::Answer { method: method.to_owned(), source })
}

#[cfg(test)]
mod tests;
