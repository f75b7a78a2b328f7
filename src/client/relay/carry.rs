//! One program's lines, there and back.

use std::io;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::client::ghost::{Event, Events, Ghost, GhostError};
use crate::rpc::line::{LineError, LineReader};
use crate::rpc::message::{
    Incoming, Invalid, Request, RpcError, code, write_error, write_request, write_result,
};
use crate::rpc::reserved::HELLO;

/// Calls of one program in flight, as many as a gate takes of one connection.
const IN_FLIGHT: usize = 64;
/// Their lines, in bytes; one alone may be as long as a frame.
const IN_FLIGHT_BYTES: usize = 4 * 1024 * 1024;
/// Replies are written together up to so many bytes.
const TOGETHER: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
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
    calls: usize,
    bytes: usize,
}

struct Relay<'a, W> {
    ghost: &'a Ghost,
    output: W,
    options: Options,
    /// What is to be written.
    out: Vec<u8>,
    calls: FuturesUnordered<BoxFuture<'a, Answer>>,
    in_flight: usize,
    bytes: usize,
}

/// Answers every request of `lines` on `output`, until the input ends and all are answered, or the
/// session does. Requests are sent in their order; replies come as they come.
pub async fn carry<R, W>(
    ghost: &Ghost,
    mut lines: LineReader<R>,
    output: W,
    options: Options,
) -> Result<(), RelayError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let limit = ghost.welcome().max_frame_bytes as usize;
    lines.set_limit(limit);
    let mut relay = Relay {
        ghost,
        output,
        options,
        out: Vec::new(),
        calls: FuturesUnordered::new(),
        in_flight: 0,
        bytes: 0,
    };
    let mut events = options.events.then(|| ghost.events());
    let mut over = std::pin::pin!(ghost.closed());
    let mut outcome = Ok(());
    let mut open = true;
    while open || !relay.calls.is_empty() {
        tokio::select! {
            biased;
            Some(answer) = relay.calls.next(), if !relay.calls.is_empty() => relay.answered(&answer),
            Some(event) = next(&mut events) => relay.event(&event),
            error = &mut over, if open => {
                open = false;
                outcome = Err(RelayError::Ended(error));
            }
            line = lines.next(), if open && relay.admits() => match line {
                Ok(Some(line)) => relay.request(line),
                Ok(None) => open = false,
                Err(LineError::TooLong { limit }) => {
                    open = false;
                    let error = RpcError::new(code::TOO_LARGE, format!("a line is longer than {limit} bytes"));
                    relay.line(|out| write_error(out, None, &error));
                    outcome = Err(RelayError::TooLong { limit });
                }
                Err(LineError::Torn) => open = false,
                Err(LineError::Read(error)) => return Err(RelayError::Read(error)),
            },
        }
        // As many as are there go out together.
        while relay.out.len() < TOGETHER
            && let Some(Some(answer)) = relay.calls.next().now_or_never()
        {
            relay.answered(&answer);
        }
        while open
            && relay.out.is_empty()
            && relay.admits()
            && lines.has_line()
            && let Ok(Some(line)) = lines.next().await
        {
            relay.request(line);
        }
        relay.flush().await?;
    }
    // The last words, `hauki.dying` among them, are there when the session is over.
    while outcome.is_err()
        && let Some(event) = events.as_mut().and_then(Events::try_next)
    {
        relay.event(&event);
    }
    relay.flush().await?;
    outcome
}

/// Never, where nobody wants events or none come any more.
async fn next(events: &mut Option<Events>) -> Option<Event> {
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
        self.in_flight < IN_FLIGHT && self.bytes < IN_FLIGHT_BYTES
    }

    fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.out);
        self.out.push(b'\n');
    }

    fn answered(&mut self, answer: &Answer) {
        self.in_flight -= answer.calls;
        self.bytes -= answer.bytes;
        if !answer.line.is_empty() {
            self.line(|out| out.extend_from_slice(&answer.line));
        }
    }

    fn event(&mut self, event: &Event) {
        write_request(&mut self.out, None, &event.method, Some(event.params.get()));
    }

    fn request(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let (ghost, bytes) = (self.ghost, line.len());
        let (answer, calls): (BoxFuture<'a, Answer>, usize) = match Incoming::decode(line) {
            Incoming::Single(request) => {
                let answer = one(ghost, request);
                (Box::pin(async move { Answer { line: answer.await, calls: 1, bytes } }), 1)
            }
            Incoming::Batch(requests) => {
                let calls = requests.len();
                let answers = join_all(requests.into_iter().map(|request| one(ghost, request)));
                (Box::pin(async move { Answer { line: array(&answers.await), calls, bytes } }), calls)
            }
        };
        self.in_flight += calls;
        self.bytes += bytes;
        self.calls.push(answer);
    }

    async fn flush(&mut self) -> Result<(), RelayError> {
        if self.out.is_empty() {
            return Ok(());
        }
        let (output, out) = (&mut self.output, &self.out);
        let written = async {
            output.write_all(out).await?;
            output.flush().await
        };
        let written = match self.options.patience {
            Some(patience) => tokio::time::timeout(patience, written)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            None => written.await,
        };
        if self.out.capacity() > 4 * TOGETHER {
            self.out = Vec::new();
        }
        self.out.clear();
        written.map_err(RelayError::Write)
    }
}

/// The reply to one request; nothing to a notification.
fn one<'a>(ghost: &'a Ghost, request: Result<Request<'_>, Invalid>) -> BoxFuture<'a, Vec<u8>> {
    let (method, params, id) = match request {
        Ok(Request { method, params, id, .. }) => {
            (method.into_owned(), params.map(str::to_owned), id.map(str::to_owned))
        }
        Err(invalid) => {
            let mut line = Vec::new();
            let id = invalid.id.clone();
            write_error(&mut line, id.as_deref(), &invalid.into());
            return Box::pin(std::future::ready(line));
        }
    };
    Box::pin(async move {
        let mut line = Vec::new();
        let Some(id) = id else {
            // Nobody is there to be told.
            let _ = ghost.notify(&method, params.as_deref()).await;
            return line;
        };
        if method == HELLO {
            // The session is open already: whoever greets it is welcome.
            let welcome = serde_json::to_string(ghost.welcome()).expect("a welcome has string keys");
            write_result(&mut line, &id, &welcome);
            return line;
        }
        match ghost.call(&method, params.as_deref()).await {
            Ok(result) => write_result(&mut line, &id, result.get()),
            Err(error) => write_error(&mut line, Some(&id), &error.to_rpc()),
        }
        line
    })
}

/// The replies of a batch in one line; nothing where all were notifications.
fn array(answers: &[Vec<u8>]) -> Vec<u8> {
    let mut line = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.is_empty()) {
        line.push(if line.is_empty() { b'[' } else { b',' });
        line.extend_from_slice(answer);
    }
    if !line.is_empty() {
        line.push(b']');
    }
    line
}
