//! Outbound connection: a connection from a gate to another vault's gate, as any caller's: TLS to the pinned
//! certificate, hello, then calls by number.
//!
//! It ends with the last handle, with the other side, or at the first thing that is
//! no message; whatever waits then is told why. A vault whose ticket is linked dies with it, so such
//! a line beats and is kept. What is done for it, the vault pays that calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::accounting::charged;
use super::error::OutboundError;
use crate::gate::byte_accounts::{Backlog, BacklogShare};
use crate::vault::VaultHandle;
use hauki_contract::model::death::Death;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::model::trace::TraceContext;
use hauki_contract::rpc::builtin::{HEARTBEAT, Hello, Welcome, feature};
use hauki_contract::rpc::call_context::{CallContext, add_trace};
use hauki_contract::rpc::capability::TokenTarget;
use hauki_contract::rpc::connection::{AnswerSink, Connection, ConnectionEnd, GateOrder, Owner, Unsent};
use hauki_contract::rpc::dial::{DialError, dial};
use hauki_contract::rpc::message::{RpcError, write_request};
use hauki_contract::rpc::ndjson::LineError;
use hauki_contract::strict::{DocumentLimits, tolerant_reader};
use hauki_contract::system::tasks::{self, Owned, Task, TaskKind};

/// For TCP, TLS and hello together.
const CONNECT: Duration = Duration::from_secs(5);

type Answer = Result<Box<RawValue>, OutboundError>;

/// For whom a line is opened.
pub(super) struct OnBehalfOf {
    pub vault: VaultId,
    pub voucher: Secret,
    /// The longest answer that the vault takes.
    pub max_frame_bytes: usize,
    /// What answers hold before they have come to their end.
    pub answers: Backlog,
}

/// A handle: the connection goes with the last of them.
#[derive(Clone)]
pub(super) struct OutboundConnection(Arc<Inner>);

struct Inner {
    connection: Connection<Called>,
    /// While a vault lives by it.
    beats: Option<Owned<()>>,
}

/// The other end, and who pays for what comes from there.
struct Called {
    vault: VaultId,
    limit: usize,
    death: Arc<OnceLock<Death>>,
    payer: Weak<VaultHandle>,
    /// Of the last request.
    number: AtomicU64,
}

impl Owner for Called {
    /// What a worker prints and emits is not for other workers.
    fn hear(&self, _: String, _: &RawValue) {}

    fn dying(&self, death: &Death) {
        // Once is enough: the first word is the true one.
        let _ = self.death.set(death.clone());
    }

    /// A worker offers nothing to others.
    fn asked(&self, _: GateOrder<'_>, _: &AnswerSink) {}

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        tasks::spawn(TaskKind::Session, "dialled-connection", charged(Weak::clone(&self.payer), task))
    }
}

impl Called {
    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn unreachable(&self, reason: &str) -> OutboundError {
        OutboundError::Unreachable { vault: self.vault.clone(), reason: reason.to_owned() }
    }

    fn undialled(&self, error: &DialError) -> OutboundError {
        match error {
            DialError::Connect(error) | DialError::Tls(error) => self.unreachable(&error.to_string()),
            DialError::Setup(error) => self.unreachable(&error.to_string()),
        }
    }

    /// Everybody who still waits hears of the end.
    fn ended(&self, end: &ConnectionEnd) -> OutboundError {
        if let Some(death) = self.death.get() {
            return OutboundError::Dead { vault: self.vault.clone(), death: Box::new(death.clone()) };
        }
        match end {
            ConnectionEnd::Dead(death) => {
                OutboundError::Dead { vault: self.vault.clone(), death: Box::new(death.clone()) }
            }
            ConnectionEnd::Write(error) => self.unreachable(&error.to_string()),
            ConnectionEnd::Read(error) => match &**error {
                LineError::TooLong { .. } => OutboundError::Long(self.limit),
                LineError::Torn => self.unreachable("the connection broke"),
                LineError::Read(error) => self.unreachable(&error.to_string()),
            },
            ConnectionEnd::Foreign(error) => {
                self.unreachable(&format!("its gate sent what is no message: {error}"))
            }
            ConnectionEnd::Closed => self.unreachable("it closed the connection"),
            ConnectionEnd::Heaped => OutboundError::Heaped,
            ConnectionEnd::GivenUp(_) | ConnectionEnd::Gone => OutboundError::Closed,
        }
    }
}

impl OutboundConnection {
    /// Dials where the core's signature leads.
    pub(super) async fn open(
        caller: &OnBehalfOf,
        ticket: &Ticket,
        claims: &TokenTarget,
        death: Arc<OnceLock<Death>>,
        (place, payer): (OwnedSemaphorePermit, Weak<VaultHandle>),
    ) -> Result<Self, OutboundError> {
        let (vault, limit) = (claims.vault.clone(), caller.max_frame_bytes);
        let called = Called { vault: vault.clone(), limit, death, payer, number: AtomicU64::new(0) };
        let connecting = timeout(CONNECT, connect(caller, ticket, claims, called, place));
        let late = || OutboundError::Unreachable { vault, reason: "it did not answer in time".to_owned() };
        let (connection, welcome) = connecting.await.unwrap_or_else(|_| Err(late()))?;
        connection.may_cancel(welcome.has(feature::CANCEL));
        let beats = welcome.link.then(|| {
            let every = Duration::from_millis(welcome.lease_ms.min(welcome.link_silence_ms) / 3);
            connection.owner().spawn(beat(connection.clone(), every)).owned()
        });
        Ok(Self(Arc::new(Inner { connection, beats })))
    }

    /// What was not sent may be sent over another line.
    pub(super) async fn call(
        &self,
        method: &str,
        params: &str,
        (nested, trace): (&CallContext, Option<TraceContext>),
    ) -> Result<Answer, Unsent> {
        let connection = &self.0.connection;
        let id = connection.owner().number();
        let mut line = Vec::with_capacity(192 + params.len());
        nested.write_request(&mut line, id, method, params);
        if let Some(trace) = trace {
            add_trace(&mut line, trace, usize::MAX);
        }
        let call = connection.call(id, line).await?;
        Ok(match call.answer().await? {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(OutboundError::Refused(Box::new(shortened(error)))),
            Err(end) => Err(connection.owner().ended(&end)),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.connection.is_closed()
    }

    /// Whether it can be given up for another: nobody waits, and no vault lives by it.
    pub(super) fn is_spare(&self) -> bool {
        self.0.beats.is_none() && self.0.connection.waiting() == 0
    }
}

async fn connect(
    caller: &OnBehalfOf,
    ticket: &Ticket,
    claims: &TokenTarget,
    called: Called,
    place: OwnedSemaphorePermit,
) -> Result<(Connection<Called>, Welcome), OutboundError> {
    let stream = dial(&claims.endpoint, claims.cert_sha256).await;
    let stream = stream.map_err(|error| called.undialled(&error))?;
    let hello = Hello {
        client: Some(caller.vault.to_string()),
        voucher: Some(caller.voucher.clone()),
        ..Hello::new(ticket.auth.token.clone())
    };
    let hello = serde_json::to_string(&hello).map_err(|error| called.unreachable(&error.to_string()))?;
    let mut held = ReaderShare { share: caller.answers.own(), _place: place };
    let may_hold = move |bytes| held.may_be(bytes);
    let (connection, greeting) =
        Connection::start(stream, called, caller.max_frame_bytes, (0, &hello), may_hold);
    let welcome = match greeting.answer(&connection).await {
        Ok(Ok(welcome)) => welcome,
        Ok(Err(error)) => return Err(OutboundError::Refused(Box::new(error))),
        Err(end) => return Err(connection.owner().ended(&end)),
    };
    match tolerant_reader::from_str(welcome.get(), DocumentLimits::MESSAGE) {
        Ok(welcome) => Ok((connection, welcome)),
        Err(error) => Err(connection.owner().ended(&ConnectionEnd::Foreign(error))),
    }
}

/// What goes with the connection's reader.
struct ReaderShare {
    share: BacklogShare,
    _place: OwnedSemaphorePermit,
}

impl ReaderShare {
    fn may_be(&mut self, bytes: usize) -> bool {
        self.share.set(bytes);
        !self.share.is_over(bytes, 0)
    }
}

/// Its vault dies if these stop. The answers are for nobody.
async fn beat(connection: Connection<Called>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut line = Vec::new();
        write_request(&mut line, Some(connection.owner().number()), HEARTBEAT, None);
        if connection.post(line).await.is_err() {
            return;
        }
    }
}

/// An error goes into the vault beside nothing else, and must fit its frame.
fn shortened(mut error: RpcError) -> RpcError {
    const MESSAGE_BYTES: usize = 1024;
    error.message.truncate(error.message.floor_char_boundary(MESSAGE_BYTES));
    error
}
