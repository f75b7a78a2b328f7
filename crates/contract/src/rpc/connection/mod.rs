//! Client connection: the caller's end of a connection to a gate, for everybody who dials one: a ghost, and a gate
//! for its vault.
//!
//! Two tasks. The writer takes whole lines from a bounded queue and sends as many as there are at once. The
//! reader hands each reply to the call that waits for its id and each event to the [`Owner`].
//! Either's end ends the other, and settles every pending call. What a call is to its owner (numbers, deadlines,
//! the words of errors, what is done while it waits) is the owner's; what goes over the wire is here.

mod cancelled;
mod orders;
mod tasks;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use super::builtin::HELLO;
use super::message::{RpcError, write_request};
use super::ndjson::{LineError, LineReader};
use crate::model::death::Death;
use crate::model::lease::Mono;
use crate::strict::StrictError;
use crate::system::clock;
use crate::system::tasks::Task;
use cancelled::CancelledCalls;
pub use orders::{AnswerSink, GateOrder};
use tasks::{CloseGuard, read, write};

/// What a reply may have beyond the result that `max_frame_bytes` bounds.
const REPLY_OVERHEAD: usize = 4096;
/// Lines that wait for the writer; whoever has one more waits as well.
const QUEUE: usize = 256;

pub type RpcReply = Result<Box<RawValue>, RpcError>;
/// Their ids rise, and the first are answered first.
type Pending = BTreeMap<u64, oneshot::Sender<Result<RpcReply, Unsent>>>;

/// A line, and the call that it is, if somebody waits for the answer.
type Queued = (Option<u64>, Vec<u8>);

/// Whose connection it is.
pub trait Owner: Send + Sync + 'static {
    /// Something came that nobody asked for.
    fn hear(&self, method: String, params: &RawValue);

    /// The gate announces the end. It is heard as well.
    fn dying(&self, death: &Death);

    /// The gate asks for what was offered to its worker. Who offers nothing passes it over.
    fn asked(&self, order: GateOrder<'_>, answers: &AnswerSink);

    /// Runs one of the two tasks, at the owner's expense.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Task<()>;
}

/// Nothing was sent: the connection had ended before or took no more, so it may be sent over another.
#[derive(Debug)]
pub struct Unsent;

/// Why a connection ended. The first reason stands.
#[derive(Debug, Clone)]
pub enum ConnectionEnd {
    /// The gate announced it.
    Dead(Death),
    Write(Arc<io::Error>),
    /// A line, or the stream between lines.
    Read(Arc<LineError>),
    /// The gate sent what is no message.
    Foreign(StrictError),
    /// The gate closed it.
    Closed,
    /// More has come than the owner may hold.
    Heaped,
    /// The owner did not want it any more.
    GivenUp(String),
    /// The tasks that carried it are gone, with their runtime.
    Gone,
}

struct Shared<O> {
    owner: O,
    pending: Mutex<Pending>,
    end: watch::Sender<Option<ConnectionEnd>>,
    tasks: OnceLock<[Task<()>; 2]>,
    /// When the last lines came, in microseconds.
    heard: AtomicU64,
    given_up: CancelledCalls,
}

/// A handle: the connection goes with the last of them.
pub struct Connection<O: Owner> {
    shared: Arc<Shared<O>>,
    queue: Arc<CallQueue<O>>,
}

impl<O: Owner> Clone for Connection<O> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), queue: Arc::clone(&self.queue) }
    }
}

/// What goes with the last handle.
struct CallQueue<O> {
    lines: mpsc::Sender<Queued>,
    shared: Arc<Shared<O>>,
}

impl<O> Drop for CallQueue<O> {
    fn drop(&mut self) {
        self.shared.cancel();
    }
}

/// The answer to the hello, which is on its way.
pub struct Greeting(oneshot::Receiver<Result<RpcReply, Unsent>>);

impl Greeting {
    pub async fn answer<O: Owner>(self, connection: &Connection<O>) -> Result<RpcReply, ConnectionEnd> {
        // It stands in no queue, and is sent or the connection ends.
        self.0.await.ok().and_then(Result::ok).ok_or_else(|| connection.end())
    }
}

/// A call that was queued. Who stops waiting gives it up: it is not sent any more, or the gate is told.
pub struct QueuedCall<'a, O: Owner> {
    connection: &'a Connection<O>,
    id: u64,
    queued: bool,
    /// Who answers has taken its place back.
    answered: bool,
    /// Whether no other waited when it began.
    pub is_alone: bool,
    receiver: oneshot::Receiver<Result<RpcReply, Unsent>>,
}

impl<O: Owner> QueuedCall<'_, O> {
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !self.receiver.is_empty()
    }

    pub async fn answer(mut self) -> Result<Result<RpcReply, ConnectionEnd>, Unsent> {
        let came = (&mut self.receiver).await;
        self.answered = true;
        match came {
            Ok(came) => came.map(Ok),
            Err(_) => Ok(Err(self.connection.end())),
        }
    }
}

impl<O: Owner> Drop for QueuedCall<'_, O> {
    fn drop(&mut self) {
        let shared = &self.connection.shared;
        if !self.answered && shared.pending().remove(&self.id).is_some() && self.queued {
            shared.given_up.add(self.id);
            self.connection.wake();
        }
    }
}

impl<O> Shared<O> {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // The map is whole after any panic: each access is one operation.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stands. Dropping the senders wakes all who wait.
    fn end(&self, reason: ConnectionEnd) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(reason);
            }
            first
        });
        self.pending().clear();
        self.cancel();
    }

    /// Both halves go with their tasks, and with them the socket.
    fn cancel(&self) {
        self.tasks.get().into_iter().flatten().for_each(Task::cancel);
    }

    fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }
}

impl<O: Owner> Connection<O> {
    /// Begins with a hello of these parameters; what is called before its answer goes behind it. `may_hold` is asked
    /// after each piece that was read, with the bytes that have come and are not taken.
    pub fn start<S>(
        stream: S,
        owner: O,
        max_frame_bytes: usize,
        (id, hello): (u64, &str),
        may_hold: impl FnMut(usize) -> bool + Send + 'static,
    ) -> (Self, Greeting)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (input, output) = tokio::io::split(stream);
        let (lines, queue) = mpsc::channel(QUEUE);
        let (sender, greeting) = oneshot::channel();
        let mut first = Vec::with_capacity(96 + hello.len());
        write_request(&mut first, Some(id), HELLO, Some(hello));
        let shared = Arc::new(Shared {
            owner,
            pending: Mutex::new(Pending::from([(id, sender)])),
            end: watch::Sender::new(None),
            tasks: OnceLock::new(),
            heard: AtomicU64::new(clock::mono().0),
            given_up: CancelledCalls::default(),
        });
        let reader = LineReader::new(input, max_frame_bytes.saturating_add(REPLY_OVERHEAD));
        let answers = AnswerSink::new(&lines);
        let reader = shared.owner.spawn(read(CloseGuard(Arc::clone(&shared)), reader, may_hold, answers));
        let writer = shared.owner.spawn(write(CloseGuard(Arc::clone(&shared)), output, first, queue));
        let _ = shared.tasks.set([reader, writer]);
        if shared.has_ended() {
            // One of them was quicker than this.
            shared.cancel();
        }
        let queue = CallQueue { lines, shared: Arc::clone(&shared) };
        (Self { shared, queue: Arc::new(queue) }, Greeting(greeting))
    }

    #[must_use]
    pub fn owner(&self) -> &O {
        &self.shared.owner
    }

    /// Queues a request, which has this id and is one line.
    pub async fn call(&self, id: u64, line: Vec<u8>) -> Result<QueuedCall<'_, O>, Unsent> {
        let (sender, receiver) = oneshot::channel();
        let is_alone = {
            let mut pending = self.shared.pending();
            pending.insert(id, sender);
            pending.len() == 1
        };
        let mut call =
            QueuedCall { connection: self, id, queued: false, answered: false, is_alone, receiver };
        // Looked at after the slot is taken: an end in between has either cleared it or is seen here.
        self.queue(Some(id), line).await?;
        call.queued = true;
        Ok(call)
    }

    /// What the welcome says of calls that are given up.
    pub fn may_cancel(&self, heard: bool) {
        self.shared.given_up.set_heard(heard);
        self.wake();
    }

    /// Has the writer look at what was given up. Where its queue is full it comes by anyway.
    fn wake(&self) {
        let _ = self.queue.lines.try_send((None, Vec::new()));
    }

    /// Sends a line to which nobody waits for an answer. Waits for room only where there is none.
    pub async fn post(&self, line: Vec<u8>) -> Result<(), Unsent> {
        self.queue(None, line).await
    }

    /// The same without waiting: where there is no room, or no connection, it is not sent.
    pub fn post_now(&self, line: Vec<u8>) {
        let _ = self.queue.lines.try_send((None, line));
    }

    async fn queue(&self, id: Option<u64>, line: Vec<u8>) -> Result<(), Unsent> {
        if self.shared.has_ended() {
            return Err(Unsent);
        }
        match self.queue.lines.try_send((id, line)) {
            Err(TrySendError::Full(queued)) => self.queue.lines.send(queued).await.map_err(|_| Unsent),
            queued => queued.map_err(|_| Unsent),
        }
    }

    /// Whether it takes no more. Its [end](Self::end) may still be to come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.has_ended() || self.queue.lines.is_closed()
    }

    /// How many calls wait for an answer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.pending().len()
    }

    #[must_use]
    pub fn heard(&self) -> Mono {
        Mono(self.shared.heard.load(Ordering::Relaxed))
    }

    /// Ends the connection from this side; what waits fails with the reason.
    pub fn give_up(&self, reason: String) {
        self.shared.end(ConnectionEnd::GivenUp(reason));
    }

    /// Why it ended, or will have in a moment.
    #[must_use]
    pub fn end(&self) -> ConnectionEnd {
        self.shared
            .end
            .borrow()
            .clone()
            .unwrap_or_else(|| ConnectionEnd::GivenUp("the connection is closing".into()))
    }

    pub async fn closed(&self) -> ConnectionEnd {
        let mut end = self.shared.end.subscribe();
        // The sender lives in `shared`, which we hold.
        let _ = end.wait_for(Option::is_some).await;
        self.end()
    }

    #[cfg(test)]
    fn given_up(&self) -> &CancelledCalls {
        &self.shared.given_up
    }

    #[cfg(test)]
    fn queued(&self, id: u64, line: Vec<u8>) {
        self.queue.lines.try_send((Some(id), line)).expect("has room");
    }
}

#[cfg(test)]
mod tests;
