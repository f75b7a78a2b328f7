//! Request forwarding: one program's lines, there and back.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::answer::{array, one};
use super::fair_queue::ProgramQueue;
use super::write_buffer::{WriteBuffer, until};
use crate::ghost::{CallNumber, Ghost, GhostError, GhostEvent, GhostEvents};
use hauki_contract::rpc::builtin::{CANCEL, Cancel};
use hauki_contract::rpc::early_cancel::EarlyCancels;
use hauki_contract::rpc::message::{
    Incoming, Invalid, Request, RpcError, code, is_same_id, write_error, write_request, write_result,
};
use hauki_contract::rpc::ndjson::{LineError, LineReader};
use hauki_contract::strict::{self, DocumentLimits};

/// Calls of one program in flight, as many as a gate takes of one connection.
const IN_FLIGHT: usize = 64;
/// Their lines, in bytes; one alone may be as long as a frame.
const IN_FLIGHT_BYTES: usize = 4 * 1024 * 1024;
/// Replies are written together up to so many bytes.
const TOGETHER: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, Default)]
pub struct RelayOptions {
    /// Pass events on, as notifications.
    pub events: bool,
    /// How long the program may take nothing of what is there for it; absent: for ever.
    pub patience: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("failed to read requests")]
    Read(#[source] io::Error),
    #[error("failed to write replies")]
    Write(#[source] io::Error),
    #[error("a request is longer than the {limit} bytes that the ticket allows")]
    TooLong { limit: usize },
    #[error("the session ended")]
    Ended(#[source] GhostError),
}

/// A request of the program's own, answered: the line, empty where none is due, and what it held of
/// the bounds.
struct Answer {
    line: Vec<u8>,
    calls: Vec<CallNumber>,
    bytes: usize,
}

struct Flying {
    /// The program's own; notifications have none.
    id: Option<Box<str>>,
    /// The program gives it up.
    stop: oneshot::Sender<()>,
}

struct Relay<'a, W> {
    ghost: &'a Ghost,
    program: &'a ProgramQueue,
    output: W,
    out: WriteBuffer,
    calls: FuturesUnordered<BoxFuture<'a, Answer>>,
    /// What is in flight.
    flying: HashMap<CallNumber, Flying>,
    /// What is given up further back in what has been read.
    foreseen: EarlyCancels,
    bytes: usize,
    is_first: bool,
}

/// Answers every request of `lines` on `output`, until the input ends and all are answered, or the
/// session does. Requests are sent in their order; replies come as they come.
///
/// When `left` resolves nobody takes replies any more, and what is in flight is given up.
pub async fn carry<R, W>(
    ghost: &Ghost,
    lines: LineReader<R>,
    output: W,
    options: RelayOptions,
    left: impl Future<Output = ()>,
) -> Result<(), RelayError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    carry_one(ghost, &ProgramQueue::default(), lines, output, options, left).await
}

/// The same for one of the programs that share a session.
pub(super) async fn carry_one<R, W>(
    ghost: &Ghost,
    program: &ProgramQueue,
    mut lines: LineReader<R>,
    output: W,
    options: RelayOptions,
    left: impl Future<Output = ()>,
) -> Result<(), RelayError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let limit = ghost.welcome().await.map_err(RelayError::Ended)?.max_frame_bytes as usize;
    lines.set_limit(limit);
    let mut relay = Relay {
        ghost,
        program,
        output,
        out: WriteBuffer::default(),
        calls: FuturesUnordered::new(),
        flying: HashMap::new(),
        foreseen: EarlyCancels::default(),
        bytes: 0,
        is_first: true,
    };
    let mut events = options.events.then(|| ghost.events());
    let mut over = pin!(ghost.closed());
    let mut left = pin!(left);
    let mut outcome = Ok(());
    let mut open = true;
    while open || !relay.calls.is_empty() || relay.out.has_more() {
        // Whoever takes nothing holds up himself, and none of those whose calls wait for their turn.
        let (takes, has_more) = (relay.out.unsent() < TOGETHER, relay.out.has_more());
        let (admits, has_room) = (relay.admits(), lines.has_room());
        let too_late = options.patience.map(|patience| relay.out.moved() + patience);
        tokio::select! {
            biased;
            sent = relay.out.send(&mut relay.output), if has_more => sent.map_err(RelayError::Write)?,
            Some(event) = next(&mut events), if takes => relay.event(&event),
            Some(answer) = relay.calls.next(), if !relay.calls.is_empty() => relay.answered(&answer, &mut events),
            () = until(too_late), if has_more => {
                return Err(RelayError::Write(io::ErrorKind::TimedOut.into()));
            }
            error = &mut over, if open => {
                open = false;
                outcome = Err(RelayError::Ended(error));
            }
            () = &mut left => return Err(RelayError::Write(io::ErrorKind::BrokenPipe.into())),
            // Also where nothing may be taken: what waits there may give up what it waits for.
            came = came(&mut lines, admits), if open && (admits || has_room) => match came {
                Came::Ahead(read) => {
                    read.map_err(RelayError::Read)?;
                }
                Came::Line(Ok(Some(line))) => relay.request(line),
                Came::Line(Ok(None) | Err(LineError::Torn)) => open = false,
                Came::Line(Err(LineError::TooLong { limit })) => {
                    open = false;
                    let error = RpcError::new(code::TOO_LARGE, format!("a line is longer than {limit} bytes"));
                    relay.line(|out| write_error(out, None, &error));
                    outcome = Err(RelayError::TooLong { limit });
                }
                Came::Line(Err(LineError::Read(error))) => return Err(RelayError::Read(error)),
            },
        }
        // As many as are there go out together.
        while relay.out.unsent() < TOGETHER
            && let Some(Some(answer)) = relay.calls.next().now_or_never()
        {
            relay.answered(&answer, &mut events);
        }
        while open
            && relay.admits()
            && lines.has_line()
            && let Ok(Some(line)) = lines.next().await
        {
            relay.request(line);
        }
        while open
            && !relay.admits()
            && let Some(line) = lines.ahead()
        {
            relay.look(line);
        }
        program.leaves(relay.out.unsent());
    }
    // The last words, `hauki.dying` among them, are there when the session is over.
    while outcome.is_err()
        && let Some(event) = events.as_mut().and_then(GhostEvents::try_next)
    {
        relay.event(&event);
    }
    while relay.out.has_more() {
        let sent = relay.out.send(&mut relay.output);
        let sent = match options.patience {
            Some(patience) => {
                tokio::time::timeout(patience, sent).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
            }
            None => sent.await,
        };
        sent.map_err(RelayError::Write)?;
    }
    outcome
}

/// What comes from the program.
enum Came<'a> {
    Line(Result<Option<&'a [u8]>, LineError>),
    /// So many bytes, of which none may be taken yet.
    Ahead(io::Result<usize>),
}

async fn came<R: AsyncRead + Unpin>(lines: &mut LineReader<R>, admits: bool) -> Came<'_> {
    if admits { Came::Line(lines.next().await) } else { Came::Ahead(lines.fill().await) }
}

/// Never, where nobody wants events or none come any more.
async fn next(events: &mut Option<GhostEvents>) -> Option<GhostEvent> {
    match events {
        Some(stream) => {
            let event = stream.next().await;
            if event.is_none() {
                *events = None;
            }
            event
        }
        None => std::future::pending().await,
    }
}

impl<'a, W: AsyncWrite + Unpin> Relay<'a, W> {
    fn admits(&self) -> bool {
        self.out.unsent() < TOGETHER && self.flying.len() < IN_FLIGHT && self.bytes < IN_FLIGHT_BYTES
    }

    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.out.more();
        write(out);
        out.push(b'\n');
    }

    /// What the worker said in a call goes before its answer, as it came.
    fn answered(&mut self, answer: &Answer, events: &mut Option<GhostEvents>) {
        while let Some(event) = events.as_mut().and_then(GhostEvents::try_next) {
            self.event(&event);
        }
        for call in &answer.calls {
            self.flying.remove(call);
        }
        self.bytes -= answer.bytes;
        if !answer.line.is_empty() {
            self.line(|out| out.extend_from_slice(&answer.line));
        }
    }

    /// The program's call is told by the program's id, and another program's not at all.
    fn event(&mut self, event: &GhostEvent) {
        let Some(call) = event.call() else {
            return write_request(self.out.more(), None, &event.method, Some(event.params.get()));
        };
        let id = self.flying.get(&call).and_then(|flying| flying.id.as_deref());
        let id = id.and_then(|id| strict::raw(id).ok());
        let mut params: BTreeMap<&str, &RawValue> =
            strict::from_str(event.params.get(), DocumentLimits::MESSAGE).unwrap_or_default();
        match id {
            Some(id) => params.insert("call", id),
            None => params.remove("call"),
        };
        let params = serde_json::to_string(&params).expect("text serializes");
        write_request(self.out.more(), None, &event.method, Some(&params));
    }

    /// A line that waits for its turn.
    fn look(&mut self, line: &[u8]) {
        if let Some(id) = self.foreseen.look(line) {
            self.give_up(&id);
        }
    }

    fn request(&mut self, line: &[u8]) {
        // Some editors begin a file with a mark.
        let line = if std::mem::take(&mut self.is_first) { strict::without_mark(line) } else { line };
        if strict::is_blank(line) {
            return;
        }
        let bytes = line.len();
        let answer: BoxFuture<'a, Answer> = match Incoming::decode(line) {
            Incoming::Single(request) => {
                let (number, answer) = self.numbered(request, true);
                Box::pin(async move { Answer { line: answer.await, calls: vec![number], bytes } })
            }
            Incoming::Batch(requests) => {
                let numbered = requests.into_iter().map(|request| self.numbered(request, false));
                let (calls, answers): (_, Vec<_>) = numbered.unzip();
                let answers = join_all(answers);
                Box::pin(async move { Answer { line: array(&answers.await), calls, bytes } })
            }
        };
        self.bytes += bytes;
        self.calls.push(answer);
    }

    fn numbered(
        &mut self,
        request: Result<Request<'_>, Invalid>,
        is_single: bool,
    ) -> (CallNumber, BoxFuture<'a, Vec<u8>>) {
        let number = self.ghost.number();
        if let Ok(request) = &request
            && request.method == CANCEL
        {
            return (number, Box::pin(ready(self.cancel(request, is_single))));
        }
        let id = request.as_ref().ok().and_then(|request| request.id);
        let (stop, stopped) = oneshot::channel();
        if id.is_some_and(|id| self.foreseen.dooms(id)) {
            let _ = stop.send(());
        } else {
            self.flying.insert(number, Flying { id: id.map(Into::into), stop });
        }
        (number, one((self.ghost, self.program), number, request, stopped))
    }

    /// Gives up what the program asked for under the id, and says whether there was any.
    fn cancel(&mut self, request: &Request<'_>, is_single: bool) -> Vec<u8> {
        let mut line = Vec::new();
        let asked = request
            .params
            .map(|params| strict::from_str::<Cancel>(params, DocumentLimits::bytes(params.len())));
        let Some(Ok(Cancel { id: given_up })) = asked else {
            let error = RpcError::new(code::INVALID_PARAMS, "{\"id\": …} says which request is given up");
            request.id.into_iter().for_each(|id| write_error(&mut line, Some(id), &error));
            return line;
        };
        let cancelled = self.give_up(given_up.get());
        match request.id {
            Some(id) => write_result(&mut line, id, &format!("{{\"cancelled\":{cancelled}}}")),
            // As it was seen, in a line of its own.
            None if is_single => self.foreseen.heard(given_up.get()),
            None => {}
        }
        line
    }

    /// It is answered at once. Whether there was such a call.
    fn give_up(&mut self, id: &str) -> bool {
        let of = |flying: &Flying| flying.id.as_deref().is_some_and(|own| is_same_id(own, id));
        let found: Vec<CallNumber> =
            self.flying.iter().filter(|(_, flying)| of(flying)).map(|(number, _)| *number).collect();
        let stopped = found.iter().filter_map(|number| self.flying.remove(number));
        // Each of them is told.
        stopped.filter_map(|flying| flying.stop.send(()).ok()).count() > 0
    }
}
