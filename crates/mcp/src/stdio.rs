//! Stdio transport: newline-delimited JSON-RPC between a client and this process, bounded in both directions.
//!
//! Each line that is no message has an answer. A line that is too long is passed over as it comes and never kept. Requests
//! that are not answered yet are counted: beyond so many each is refused at once, and since a refusal is written before the
//! next line is read, who does not read is not read either.

use std::collections::HashSet;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError};
use std::time::Duration;

use hauki_contract::strict::{self, DocumentLimits};
use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorCode, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Mutex, Notify, mpsc, watch};

/// Of one message: the longest source that is taken, spelled in JSON, and something around it.
const MOST_LINE: usize = 12 << 20;

/// Requests that wait for their answers.
const MOST_UNANSWERED: usize = 256;

/// Of values in one message, each of which costs many times its text.
const MOST_VALUES: usize = 1 << 20;

/// What requests may still take whose client has closed the input and not the output: it may wait for their answers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// JSON-RPC leaves these numbers to servers.
const BUSY: ErrorCode = ErrorCode(-32007);

/// The writing half, which answers, errors and notifications share.
struct MessageWriter<W> {
    out: Mutex<W>,
    unanswered: SyncMutex<HashSet<RequestId>>,
    /// That one is answered.
    answered: Notify,
}

impl<W: AsyncWrite + Unpin> MessageWriter<W> {
    fn unanswered(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, message: &ServerJsonRpcMessage) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut out = self.out.lock().await;
        let written = async {
            out.write_all(&line).await?;
            out.flush().await
        };
        let written = written.await;
        // Only now: who does not read its answers has asked for enough.
        match message {
            JsonRpcMessage::Response(answer) => drop(self.unanswered().remove(&answer.id)),
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.unanswered().remove(id);
                }
            }
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => {}
        }
        self.answered.notify_one();
        written
    }

    async fn all_answered(&self) {
        while !self.unanswered().is_empty() {
            self.answered.notified().await;
        }
    }

    async fn refuse(&self, id: Option<RequestId>, code: ErrorCode, why: String) -> io::Result<()> {
        // The library would leave an id out that is none, and JSON-RPC wants it.
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": why } });
        let line = format!("{error}\n").into_bytes();
        let mut out = self.out.lock().await;
        out.write_all(&line).await?;
        out.flush().await
    }

    /// Whether the message may go on; it has its answer if not.
    async fn admit(&self, message: &ClientJsonRpcMessage) -> io::Result<bool> {
        match message {
            JsonRpcMessage::Request(request) => {
                let id = &request.id;
                let (is_new, is_full) = {
                    let mut unanswered = self.unanswered();
                    let is_full = unanswered.len() >= MOST_UNANSWERED;
                    (!is_full && unanswered.insert(id.clone()), is_full)
                };
                if is_new {
                    return Ok(true);
                }
                if is_full {
                    let why = format!("{MOST_UNANSWERED} requests are not answered yet: try again later");
                    self.refuse(Some(id.clone()), BUSY, why).await?;
                } else {
                    let why = format!("a request with the id {id} is not answered yet");
                    self.refuse(Some(id.clone()), ErrorCode::INVALID_REQUEST, why).await?;
                }
                Ok(false)
            }
            JsonRpcMessage::Notification(notification) => {
                // It is not answered any more.
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered().remove(id);
                }
                Ok(true)
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => Ok(true),
        }
    }
}

enum LineEnd {
    Whole,
    TooLong,
    Input,
}

/// The next line, without its end; one that is too long is not kept.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<LineEnd> {
    line.clear();
    let mut is_too_long = false;
    loop {
        let buffer = input.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(LineEnd::Input);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        if line.len() + part.len() > MOST_LINE {
            (is_too_long, *line) = (true, Vec::new());
        }
        if !is_too_long {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            return Ok(if is_too_long { LineEnd::TooLong } else { LineEnd::Whole });
        }
    }
}

/// A message, or why there is none: with its id where one can be read.
fn read(line: &[u8]) -> Result<ClientJsonRpcMessage, (Option<RequestId>, ErrorCode, String)> {
    let limits = DocumentLimits::bytes(MOST_LINE).values(MOST_VALUES);
    let value: Value = strict::from_slice(line, limits)
        .map_err(|error| (None, ErrorCode::PARSE_ERROR, format!("the line is not JSON: {error}")))?;
    let id = value.get("id").and_then(|id| strict::from_value::<RequestId>(id).ok());
    strict::from_value(&value)
        .map_err(|_| (id, ErrorCode::INVALID_REQUEST, "the line is no message of the protocol".to_owned()))
}

async fn read_all<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    input: R,
    out: &MessageWriter<W>,
    messages: &mpsc::Sender<ClientJsonRpcMessage>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut line = Vec::new();
    loop {
        match next_line(&mut input, &mut line).await? {
            LineEnd::Input => return Ok(()),
            LineEnd::TooLong => {
                let why = format!("a message is at most {MOST_LINE} bytes long");
                out.refuse(None, ErrorCode::INVALID_REQUEST, why).await?;
            }
            LineEnd::Whole if strict::is_blank(&line) => {}
            LineEnd::Whole => match read(&line) {
                Ok(message) => {
                    if out.admit(&message).await? && messages.send(message).await.is_err() {
                        return Ok(());
                    }
                }
                Err((id, code, why)) => out.refuse(id, code, why).await?,
            },
        }
        // One long message is no reason to keep the room for another.
        line.shrink_to(64 * 1024);
    }
}

pub(crate) struct StdioTransport<W> {
    out: Arc<MessageWriter<W>>,
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
}

impl<W: AsyncWrite + Unpin + Send + 'static> StdioTransport<W> {
    /// `gone` becomes true when the client has left: when nobody reads the output any more, as `closed` tells, or when
    /// nobody writes the input and the last requests are answered or have had their time.
    pub(crate) fn new<R: AsyncRead + Unpin + Send + 'static>(
        input: R,
        out: W,
        closed: impl Future<Output = ()> + Send + 'static,
        gone: watch::Sender<bool>,
    ) -> Self {
        let (unanswered, answered) = Default::default();
        let out = Arc::new(MessageWriter { out: Mutex::new(out), unanswered, answered });
        let (sender, messages) = mpsc::channel(1);
        let answers = out.clone();
        tokio::spawn(async move {
            let mut closed = pin!(closed);
            let is_at_end = tokio::select! {
                read = read_all(input, &answers, &sender) => read.is_ok(),
                () = &mut closed => false,
            };
            drop(sender);
            if is_at_end {
                tokio::select! {
                    () = answers.all_answered() => {}
                    () = tokio::time::sleep(LAST_ANSWERS) => {}
                    () = closed => {}
                }
            }
            gone.send_replace(true);
        });
        Self { out, messages }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> Transport<RoleServer> for StdioTransport<W> {
    type Error = io::Error;

    fn send(
        &mut self,
        item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let out = self.out.clone();
        async move { out.write(&item).await }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    /// What is answered to these bytes by the transport alone, and which methods go on.
    async fn told(bytes: Vec<u8>) -> (Vec<Value>, usize) {
        let (mut theirs, ours) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(ours);
        let (gone, _) = watch::channel(false);
        let (tell, closed) = tokio::sync::oneshot::channel::<()>();
        let closed = async { drop(closed.await) };
        let mut transport = StdioTransport::new(input, output, closed, gone);
        let writing = async {
            theirs.write_all(&bytes).await.expect("is read");
            theirs.shutdown().await.expect("ends");
            let mut said = String::new();
            theirs.read_to_string(&mut said).await.expect("is text");
            said
        };
        let reading = async move {
            let mut taken = 0;
            while transport.receive().await.is_some() {
                taken += 1;
            }
            // The pipe's end is what the other side waits for.
            drop((transport, tell));
            taken
        };
        let (said, taken) = tokio::join!(writing, reading);
        let said = said.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
        (said, taken)
    }

    #[tokio::test]
    async fn what_is_no_message_has_an_answer_and_the_next_line_is_read() {
        let mut bytes =
            b"garbage\n\n[]\n{\"jsonrpc\":\"2.0\",\"id\":7}\n{\"a\":1,\"a\":2}\n\xff\xfe\n".to_vec();
        bytes.extend(vec![b'['; 4096]);
        bytes.push(b'\n');
        bytes.extend(vec![b'x'; MOST_LINE + 1]);
        bytes.extend(b"\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\n");
        let (said, taken) = told(bytes).await;
        let codes: Vec<_> =
            said.iter().map(|line| line["error"]["code"].as_i64().expect("is an error")).collect();
        assert_eq!(codes, [-32700, -32600, -32600, -32700, -32700, -32700, -32600, -32600]);
        assert_eq!((said[2]["id"].as_i64(), said[7]["id"].as_str(), taken), (Some(7), Some("a"), 1));
    }

    #[tokio::test]
    async fn requests_without_an_answer_are_counted_and_a_cancelled_one_is_not() {
        let ping = |id: usize| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n");
        let mut lines: String = (0..=MOST_UNANSWERED).map(ping).collect();
        lines.push_str(
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}\n",
        );
        lines.push_str(&ping(9999));
        let (said, taken) = told(lines.into_bytes()).await;
        assert_eq!(said.len(), 1);
        assert_eq!((said[0]["error"]["code"].as_i64(), said[0]["id"].as_u64()), (Some(-32007), Some(256)));
        assert_eq!(taken, MOST_UNANSWERED + 2);
    }
}
