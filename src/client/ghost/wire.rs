//! One connection and its two tasks.
//!
//! The writer takes whole lines from a bounded queue and sends as many as there are at once. The
//! reader hands each reply to the call that waits for its id and each event to whoever listens.
//! Either's end ends the other, and settles every pending call.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::GhostError;
use super::event::{CallNumber, Event, Listeners};
use super::given_up::{self, GivenUp};
use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::model::lease::Mono;
use crate::rpc::line::{LineError, LineReader};
use crate::rpc::message::{Outgoing, RpcError, write_request};
use crate::rpc::reserved::{DYING, Dying, HELLO};
use hauki_contract::strict::{self, Limits};
use hauki_contract::system::clock;
use hauki_contract::system::vigil::Vigil;

/// What a reply may have beyond the result that `max_frame_bytes` bounds.
const REPLY_OVERHEAD: usize = 4096;
/// Lines that wait for the writer; whoever has one more waits as well.
const QUEUE: usize = 256;
/// Lines are sent together up to so many bytes.
const TOGETHER: usize = 64 * 1024;
/// A short call's reply is there within that time.
const AWAKE_US: u64 = 200;

type Reply = Result<Box<RawValue>, RpcError>;
/// Their ids rise, and the first are answered first.
type Pending = BTreeMap<u64, oneshot::Sender<Reply>>;

/// Why a call has no result.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection had ended before: nothing was sent, so it may be sent over another.
    Unsent,
    /// It may have run.
    Failed(GhostError),
}

impl From<GhostError> for Fault {
    fn from(error: GhostError) -> Self {
        Self::Failed(error)
    }
}

/// Why the connection ended.
#[derive(Debug, Clone)]
enum End {
    Dead(Death),
    Broken(String),
}

#[derive(Debug)]
struct Shared {
    vault: VaultId,
    pending: Mutex<Pending>,
    end: watch::Sender<Option<End>>,
    listeners: Arc<Listeners>,
    /// When the last lines came, in microseconds.
    heard: AtomicU64,
    vigil: Vigil,
    given_up: GivenUp,
}

#[derive(Debug, Clone)]
pub(super) struct Wire {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
}

#[derive(Debug)]
struct Tasks {
    lines: mpsc::Sender<Vec<u8>>,
    limit: usize,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        // Both halves go with their tasks, and with them the socket.
        self.reader.abort();
        self.writer.abort();
    }
}

/// Takes the slot back when the caller stops waiting, and gives the call up.
struct Waiting<'a> {
    wire: &'a Wire,
    id: u64,
    sent: bool,
    /// Who answers has taken it back.
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered && self.wire.shared.pending().remove(&self.id).is_some() && self.sent {
            self.wire.shared.given_up.add(self.id);
            self.wire.wake();
        }
    }
}

/// The answer to the hello, which is on its way.
pub(super) struct Greeting(oneshot::Receiver<Reply>);

impl Greeting {
    pub(super) async fn answer(self, wire: &Wire) -> Result<Box<RawValue>, GhostError> {
        wire.shared.settled(self.0.await)
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // The map is whole after any panic: each access is one operation.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stands. Dropping the senders wakes all who wait.
    fn end(&self, reason: End) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(reason);
            }
            first
        });
        self.pending().clear();
    }

    /// What came for a call, or why nothing did.
    fn settled(&self, came: Result<Reply, oneshot::error::RecvError>) -> Result<Box<RawValue>, GhostError> {
        match came {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(GhostError::of_rpc(&self.vault, error)),
            Err(_) => Err(self.error()),
        }
    }

    fn error(&self) -> GhostError {
        let vault = self.vault.clone();
        match self.end.borrow().clone() {
            Some(End::Dead(death)) => GhostError::Dead { vault, death: Box::new(death) },
            Some(End::Broken(reason)) => GhostError::Broken { vault, reason },
            None => GhostError::Broken { vault, reason: "the connection is closing".into() },
        }
    }
}

impl Wire {
    /// Begins with a hello of these parameters; what is called before its answer goes behind it.
    pub(super) fn start<S>(
        stream: S,
        vault: VaultId,
        max_frame_bytes: usize,
        listeners: Arc<Listeners>,
        hello: &str,
    ) -> (Self, Greeting)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (input, output) = tokio::io::split(stream);
        let (lines, queue) = mpsc::channel(QUEUE);
        let (sender, greeting) = oneshot::channel();
        let CallNumber(id) = listeners.number();
        let mut first = Vec::with_capacity(96 + hello.len());
        write_request(&mut first, Some(id), HELLO, Some(hello));
        let shared = Arc::new(Shared {
            vault,
            pending: Mutex::new(Pending::from([(id, sender)])),
            end: watch::Sender::new(None),
            listeners,
            heard: AtomicU64::new(clock::mono().0),
            vigil: Vigil::default(),
            given_up: GivenUp::default(),
        });
        let limit = max_frame_bytes.saturating_add(REPLY_OVERHEAD);
        let reader = tokio::spawn(read(Arc::clone(&shared), input, limit));
        let writer = tokio::spawn(write(Arc::clone(&shared), output, first, queue));
        let tasks = Tasks { lines, limit: max_frame_bytes, reader, writer };
        (Self { shared, tasks: Arc::new(tasks) }, Greeting(greeting))
    }

    pub(super) async fn call(&self, method: &str, params: Option<&str>) -> Result<Box<RawValue>, Fault> {
        self.call_as(self.shared.listeners.number(), method, params).await
    }

    pub(super) async fn call_as(
        &self,
        CallNumber(id): CallNumber,
        method: &str,
        params: Option<&str>,
    ) -> Result<Box<RawValue>, Fault> {
        let line = self.line(Some(id), method, params)?;
        let (sender, receiver) = oneshot::channel();
        let alone = {
            let mut pending = self.shared.pending();
            pending.insert(id, sender);
            pending.len() == 1
        };
        let mut waiting = Waiting { wire: self, id, sent: false, answered: false };
        // Looked at after the slot is taken: an end in between has either cleared it or is seen here.
        self.post(line).await?;
        waiting.sent = true;
        if alone {
            self.shared.vigil.keep(AWAKE_US, || !receiver.is_empty()).await;
        }
        let came = receiver.await;
        waiting.answered = true;
        Ok(self.shared.settled(came)?)
    }

    pub(super) async fn notify(&self, method: &str, params: Option<&str>) -> Result<(), Fault> {
        let line = self.line(None, method, params)?;
        self.post(line).await
    }

    /// What the welcome says of calls that are given up.
    pub(super) fn may_cancel(&self, heard: bool) {
        self.shared.given_up.set_heard(heard);
        self.wake();
    }

    /// Has the writer look at what was given up. Where its queue is full it comes by anyway.
    fn wake(&self) {
        let _ = self.tasks.lines.try_send(Vec::new());
    }

    /// Waits for room only where there is none.
    async fn post(&self, line: Vec<u8>) -> Result<(), Fault> {
        if self.is_closed() {
            return Err(Fault::Unsent);
        }
        let sent = match self.tasks.lines.try_send(line) {
            Err(TrySendError::Full(line)) => self.tasks.lines.send(line).await.is_ok(),
            sent => sent.is_ok(),
        };
        if !sent {
            // Nobody has said so where the runtime of the tasks is gone.
            self.shared.end(End::Broken("the tasks that carried it have ended".into()));
            return Err(Fault::Unsent);
        }
        Ok(())
    }

    fn line(&self, id: Option<u64>, method: &str, params: Option<&str>) -> Result<Vec<u8>, GhostError> {
        let mut line = Vec::with_capacity(96 + params.map_or(0, str::len));
        // Legal JSON may hold newlines between its tokens, and only there; a line may not.
        match params {
            Some(text) if text.contains('\n') || text.contains('\r') => {
                let flat = text.replace(['\n', '\r'], " ");
                write_request(&mut line, id, method, Some(&flat));
            }
            params => write_request(&mut line, id, method, params),
        }
        if line.len() - 1 > self.tasks.limit {
            let (vault, bytes, limit) = (self.shared.vault.clone(), line.len() - 1, self.tasks.limit);
            return Err(GhostError::TooLarge { vault, bytes, limit });
        }
        Ok(line)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.end.borrow().is_some()
    }

    /// How many calls wait for an answer.
    pub(super) fn waiting(&self) -> usize {
        self.shared.pending().len()
    }

    pub(super) fn heard(&self) -> Mono {
        Mono(self.shared.heard.load(Ordering::Relaxed))
    }

    /// Ends the connection from this side; what waits fails with the reason.
    pub(super) fn give_up(&self, reason: String) {
        self.shared.end(End::Broken(reason));
        self.tasks.reader.abort();
        self.tasks.writer.abort();
    }

    pub(super) async fn closed(&self) -> GhostError {
        let mut end = self.shared.end.subscribe();
        // The sender lives in `shared`, which we hold.
        let _ = end.wait_for(Option::is_some).await;
        self.shared.error()
    }
}

async fn write<S: AsyncWrite>(
    shared: Arc<Shared>,
    mut output: WriteHalf<S>,
    first: Vec<u8>,
    mut queue: mpsc::Receiver<Vec<u8>>,
) {
    let mut next = Some(first);
    // What was given up, and how many lines were taken since: the calls' own are among as many as the queue holds.
    let (mut leaving, mut taken) = (Vec::new(), 0);
    while let Some(mut lines) = next {
        taken += 1;
        if leaving.is_empty() {
            (leaving, taken) = (shared.given_up.take(), 0);
        }
        while lines.len() < TOGETHER && taken < QUEUE {
            let Ok(line) = queue.try_recv() else {
                taken = QUEUE;
                break;
            };
            lines.extend_from_slice(&line);
            taken += 1;
        }
        if taken >= QUEUE {
            leaving.drain(..).for_each(|id| given_up::write(id, &mut lines));
            taken = 0;
        }
        let sent = match output.write_all(&lines).await {
            Ok(()) if lines.is_empty() => Ok(()),
            Ok(()) => output.flush().await,
            error => error,
        };
        if let Err(error) = sent {
            // The reader may still find `hauki.dying` in what has arrived, which says more.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            shared.end(End::Broken(format!("failed to write: {error}")));
            return;
        }
        next = match leaving.is_empty() {
            true => queue.recv().await,
            // They wait for nothing but their own lines, if these are not there yet.
            false => Some(queue.try_recv().unwrap_or_default()),
        };
    }
}

async fn read<S: AsyncRead>(shared: Arc<Shared>, input: ReadHalf<S>, limit: usize) {
    let mut lines = LineReader::new(input, limit);
    let mut dying = None;
    let reason = loop {
        match lines.next().await {
            Ok(Some(line)) => match Outgoing::decode(line) {
                Ok(message) => {
                    deliver(&shared, message, &mut dying);
                    // Those that came together were heard at the same time.
                    if !lines.has_line() {
                        shared.heard.store(clock::mono().0, Ordering::Relaxed);
                    }
                }
                Err(error) => break format!("the gate sent what is no message: {error}"),
            },
            Ok(None) => break "the gate closed it".to_owned(),
            // A gate that is killed does not take its leave; its last words still count.
            Err(LineError::Read(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                break "the node's daemon has gone, or something between closed it".into();
            }
            Err(error) => break error.chain(),
        }
    };
    shared.end(match dying {
        Some(Dying { death, .. }) => End::Dead(death),
        None => End::Broken(reason),
    });
}

fn deliver(shared: &Shared, message: Outgoing<'_>, dying: &mut Option<Dying>) {
    if let Some(method) = message.method {
        let params = message.params.unwrap_or(RawValue::NULL);
        if method == DYING {
            *dying = strict::from_str(params.get(), Limits::MESSAGE).ok().or(dying.take());
        }
        shared.listeners.tell(|| Event { method, params: params.to_owned() });
        return;
    }
    let Some(id) = message.id.and_then(|id| id.get().parse().ok()) else { return };
    // A call that timed out is not there any more.
    let Some(waiting) = shared.pending().remove(&id) else { return };
    let reply = match message.error {
        Some(error) => Err(error),
        None => Ok(message.result.unwrap_or(RawValue::NULL).to_owned()),
    };
    let _ = waiting.send(reply);
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
