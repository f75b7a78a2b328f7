//! A connection from a gate to another vault's gate, as any caller's: TLS to the pinned certificate,
//! hello, then calls by number.
//!
//! One task owns it. It ends with the last handle, with the other side, or at the first thing that is
//! no message; whatever waits then is told why. A vault whose ticket is linked dies with it, so such
//! a line beats and is kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde_json::value::RawValue;
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::client::TlsStream;

use super::charge::charged;
use super::error::ReachError;
use crate::gate::backlog::{Backlog, Share};
use crate::vault::Vault;
use hauki_contract::model::death::Death;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::capability::Claims;
use hauki_contract::rpc::channel::MAX_ASKS;
use hauki_contract::rpc::line::{LineError, LineReader};
use hauki_contract::rpc::message::{Outgoing, RpcError};
use hauki_contract::rpc::nested::Nested;
use hauki_contract::rpc::pin;
use hauki_contract::rpc::reserved::{self, Dying, Hello, Welcome, feature};
use hauki_contract::strict::{self, Limits, StrictError};
use hauki_contract::system::tasks::{self, Kind};

/// For TCP, TLS and hello together.
const CONNECT: Duration = Duration::from_secs(5);
/// What a reply may have beyond its result.
const REPLY_OVERHEAD: usize = 4096;

type Answer = Result<Box<RawValue>, ReachError>;

/// For whom a line is opened.
pub struct Caller {
    pub vault: VaultId,
    pub voucher: Secret,
    /// The longest answer that the vault takes.
    pub max_frame_bytes: usize,
    /// What answers hold before they have come to their end.
    pub answers: Backlog,
}

/// A handle: the connection goes with the last of them.
#[derive(Clone)]
pub struct Line {
    orders: mpsc::Sender<Order>,
    waiting: Arc<AtomicUsize>,
    given_up: Arc<Notify>,
    linked: bool,
}

struct Order {
    method: String,
    params: String,
    nested: Nested,
    reply: oneshot::Sender<Answer>,
}

/// What the two directions share.
struct Shared {
    vault: VaultId,
    limit: usize,
    pending: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    death: Arc<OnceLock<Death>>,
}

/// One of those who wait for an answer. Who leaves before it is there has the other gate told.
struct Waiting<'a> {
    line: &'a Line,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.line.given_up.notify_one();
        }
    }
}

impl Line {
    /// Dials where the core's signature leads.
    pub async fn open(
        caller: &Caller,
        ticket: &Ticket,
        claims: &Claims,
        death: Arc<OnceLock<Death>>,
        (place, payer): (OwnedSemaphorePermit, Weak<Vault>),
    ) -> Result<Self, ReachError> {
        let limit = caller.max_frame_bytes;
        let shared = Shared { vault: claims.vault.clone(), limit, pending: Mutex::default(), death };
        let connecting = timeout(CONNECT, connect(caller, ticket, claims, &shared));
        let (reader, writer, welcome) =
            connecting.await.unwrap_or_else(|_| Err(shared.unreachable("it did not answer in time")))?;
        let (orders, queue) = mpsc::channel(MAX_ASKS);
        let linked = welcome.link;
        let given_up = Arc::new(Notify::new());
        let gone = welcome.has(feature::CANCEL).then(|| Arc::clone(&given_up));
        let beat = linked.then(|| Duration::from_millis(welcome.lease_ms.min(welcome.link_silence_ms) / 3));
        let share = caller.answers.own();
        let carrying = charged(payer, async move {
            let _place = place;
            let end = tokio::select! {
                end = shared.read(reader, share) => end,
                end = shared.write(writer, queue, gone, beat) => end,
            };
            shared.settle(&end);
        });
        drop(tasks::spawn(Kind::Session, "dialled-connection", carrying));
        Ok(Self { orders, waiting: Arc::default(), given_up, linked })
    }

    pub async fn call(&self, method: &str, params: String, nested: Nested) -> Answer {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut waiting = Waiting { line: self, answered: false };
        // What is declared last goes first: the word that it was given up finds nobody waiting.
        let (reply, mut answer) = oneshot::channel();
        let order = Order { method: method.to_owned(), params, nested, reply };
        if self.orders.send(order).await.is_err() {
            return Err(ReachError::Closed);
        }
        let said = (&mut answer).await.unwrap_or(Err(ReachError::Closed));
        waiting.answered = true;
        said
    }

    pub fn is_closed(&self) -> bool {
        self.orders.is_closed()
    }

    /// Whether it can be given up for another: nobody waits, and no vault lives by it.
    pub fn is_spare(&self) -> bool {
        !self.linked && self.waiting.load(Ordering::Relaxed) == 0
    }
}

type Reader = LineReader<ReadHalf<TlsStream<TcpStream>>>;
type Writer = WriteHalf<TlsStream<TcpStream>>;

async fn connect(
    caller: &Caller,
    ticket: &Ticket,
    claims: &Claims,
    shared: &Shared,
) -> Result<(Reader, Writer, Welcome), ReachError> {
    let lost = |error: std::io::Error| shared.unreachable(&error.to_string());
    let tcp = TcpStream::connect((claims.endpoint.ip, claims.endpoint.port)).await.map_err(lost)?;
    tcp.set_nodelay(true).map_err(lost)?;
    let connector =
        pin::connector(claims.cert_sha256).map_err(|error| shared.unreachable(&error.to_string()))?;
    let tls = connector.connect(ServerName::IpAddress(claims.endpoint.ip.into()), tcp).await.map_err(lost)?;
    let (reader, mut writer) = tokio::io::split(tls);
    let mut reader = LineReader::new(reader, caller.max_frame_bytes + REPLY_OVERHEAD);
    let hello = Hello {
        client: Some(caller.vault.to_string()),
        voucher: Some(caller.voucher.clone()),
        ..Hello::new(ticket.auth.token.clone())
    };
    let hello = serde_json::to_string(&hello).map_err(|error| shared.unreachable(&error.to_string()))?;
    let mut line = Vec::new();
    hauki_contract::rpc::message::write_request(&mut line, Some(0), reserved::HELLO, Some(&hello));
    writer.write_all(&line).await.map_err(lost)?;
    writer.flush().await.map_err(lost)?;
    loop {
        let line = match reader.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(shared.unreachable("it closed the connection")),
            Err(error) => return Err(shared.broken(&error)),
        };
        let message = Outgoing::decode(line).map_err(|error| shared.rubbish(&error))?;
        if message.method.is_some() {
            continue;
        }
        if let Some(error) = message.error {
            return Err(ReachError::Refused(Box::new(error)));
        }
        let welcome = message.result.map_or("null", RawValue::get);
        let welcome = strict::from_str(welcome, Limits::MESSAGE).map_err(|error| shared.rubbish(&error))?;
        return Ok((reader, writer, welcome));
    }
}

impl Shared {
    fn unreachable(&self, reason: &str) -> ReachError {
        ReachError::Unreachable { vault: self.vault.clone(), reason: reason.to_owned() }
    }

    fn rubbish(&self, error: &StrictError) -> ReachError {
        self.unreachable(&format!("its gate sent what is no message: {error}"))
    }

    fn broken(&self, error: &LineError) -> ReachError {
        match error {
            LineError::TooLong { .. } => ReachError::Long(self.limit),
            LineError::Torn => self.unreachable("the connection broke"),
            LineError::Read(error) => self.unreachable(&error.to_string()),
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody who still waits hears of the end.
    fn settle(&self, end: &ReachError) {
        let end = match self.death.get() {
            Some(death) => ReachError::Dead { vault: self.vault.clone(), death: Box::new(death.clone()) },
            None => end.clone(),
        };
        for (_, waiting) in self.pending().drain() {
            let _ = waiting.send(Err(end.clone()));
        }
    }

    async fn write(
        &self,
        mut writer: Writer,
        mut queue: mpsc::Receiver<Order>,
        given_up: Option<Arc<Notify>>,
        beat: Option<Duration>,
    ) -> ReachError {
        let gone = || async {
            match &given_up {
                Some(given_up) => given_up.notified().await,
                None => std::future::pending().await,
            }
        };
        let mut ticks = interval(beat.unwrap_or(Duration::MAX / 4).max(Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut number = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            number += 1;
            tokio::select! {
                order = queue.recv() => {
                    let Some(Order { method, params, nested, reply }) = order else { return ReachError::Closed };
                    if reply.is_closed() {
                        continue;
                    }
                    nested.write_request(&mut line, number, &method, &params);
                    self.pending().insert(number, reply);
                }
                () = gone() => self.give_up(&mut line),
                // The answer is for nobody, like one to a call that was given up.
                _ = ticks.tick(), if beat.is_some() => {
                    hauki_contract::rpc::message::write_request(&mut line, Some(number), reserved::HEARTBEAT, None);
                }
            }
            let written = async {
                writer.write_all(&line).await?;
                writer.flush().await
            };
            if let Err(error) = written.await {
                return self.unreachable(&error.to_string());
            }
        }
    }

    /// Nobody waits for these any more.
    fn give_up(&self, line: &mut Vec<u8>) {
        self.pending().retain(|number, waiting| {
            let gone = waiting.is_closed();
            if gone {
                let params = format!("{{\"id\":{number}}}");
                hauki_contract::rpc::message::write_request(line, None, reserved::CANCEL, Some(&params));
            }
            !gone
        });
    }

    async fn read(&self, mut reader: Reader, mut share: Share) -> ReachError {
        loop {
            while !reader.has_line() && reader.has_room() {
                if let Err(error) = reader.fill().await {
                    return self.broken(&LineError::Read(error));
                }
                share.set(reader.held());
                if share.is_over(reader.held(), 0) {
                    return ReachError::Heaped;
                }
            }
            let line = match reader.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return self.unreachable("it closed the connection"),
                Err(error) => return self.broken(&error),
            };
            let message = match Outgoing::decode(line) {
                Ok(message) => message,
                Err(error) => return self.rubbish(&error),
            };
            if message.method.as_deref() == Some(reserved::DYING)
                && let Some(Ok(Dying { death, .. })) =
                    message.params.map(|params| strict::from_str(params.get(), Limits::MESSAGE))
            {
                // Once is enough: the first word is the true one.
                let _ = self.death.set(death);
            }
            let Some(number) = message.id.and_then(|id| id.get().parse().ok()) else { continue };
            let Some(waiting) = self.pending().remove(&number) else { continue };
            let _ = waiting.send(match message.error {
                Some(error) => Err(ReachError::Refused(Box::new(shortened(error)))),
                None => Ok(message.result.unwrap_or(RawValue::NULL).to_owned()),
            });
        }
    }
}

/// An error goes into the vault beside nothing else, and must fit its frame.
fn shortened(mut error: RpcError) -> RpcError {
    const MESSAGE_BYTES: usize = 1024;
    error.message.truncate(error.message.floor_char_boundary(MESSAGE_BYTES));
    error
}
