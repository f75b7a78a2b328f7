//! One caller's connection: a stranger until its hello, then a [`Session`].
//!
//! A stranger gets a deadline, one message and no information, and cannot keep others out: when
//! too many are in the hall the oldest is shown the door.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::identity::Identity;
use super::session::{Refusal, Session};
use crate::node::vault::Vault;
use crate::rpc::capability::Issuer;
use crate::rpc::line::{LineError, LineReader};
use crate::rpc::message::{self, RpcError, code};

/// From the connection to a valid hello.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// A hello is a token and little else.
const HELLO_BYTES: usize = 32 * 1024;
const MAX_STRANGERS: usize = 32;
const MAX_CALLERS: usize = 64;
/// How long a caller may leave us sitting on bytes for it.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Beyond the lease a silent connection is of no use to anybody.
const IDLE_GRACE: Duration = Duration::from_secs(10);

/// What the connections of one vault share.
pub struct Gate {
    pub vault: Arc<Vault>,
    pub issuer: Issuer,
    identity: Arc<Identity>,
    callers: Arc<Semaphore>,
    strangers: Mutex<VecDeque<Stranger>>,
}

struct Stranger {
    task: AbortHandle,
    known: Arc<AtomicBool>,
}

type Reader = LineReader<ReadHalf<TlsStream<TcpStream>>>;
type Writer = WriteHalf<TlsStream<TcpStream>>;

impl Gate {
    #[must_use]
    pub fn new(vault: Arc<Vault>, issuer: Issuer, identity: Arc<Identity>) -> Arc<Self> {
        let callers = Arc::new(Semaphore::new(MAX_CALLERS));
        Arc::new(Self { vault, issuer, identity, callers, strangers: Mutex::default() })
    }

    pub fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let known = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(serve(Arc::clone(self), stream, peer, Arc::clone(&known)));
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|stranger| !stranger.known.load(Ordering::Relaxed) && !stranger.task.is_finished());
        strangers.push_back(Stranger { task: task.abort_handle(), known });
        if strangers.len() > MAX_STRANGERS
            && let Some(oldest) = strangers.pop_front()
        {
            oldest.task.abort();
        }
    }
}

async fn serve(gate: Arc<Gate>, stream: TcpStream, peer: SocketAddr, known: Arc<AtomicBool>) {
    let greeting = timeout(HELLO_DEADLINE, greet(&gate, stream, peer));
    let Ok(Ok((reader, writer, mut session))) = greeting.await else { return };
    known.store(true, Ordering::Relaxed);
    let Ok(_place) = Arc::clone(&gate.callers).try_acquire_owned() else { return };
    let _ = converse(reader, writer, &mut session).await;
}

/// TLS, one line, a valid token.
async fn greet(
    gate: &Arc<Gate>,
    stream: TcpStream,
    peer: SocketAddr,
) -> io::Result<(Reader, Writer, Session)> {
    stream.set_nodelay(true)?;
    let tls = TlsAcceptor::from(Arc::clone(&gate.identity.config)).accept(stream).await?;
    let (reader, mut writer) = tokio::io::split(tls);
    let mut reader = LineReader::new(reader, HELLO_BYTES);
    let outcome = match reader.next().await {
        Ok(Some(line)) => Session::open(gate, line, peer).await,
        Ok(None) | Err(LineError::Torn | LineError::Read(_)) => {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Err(LineError::TooLong { .. }) => Err(Refusal::stranger()),
    };
    match outcome {
        Ok(session) => {
            reader.set_limit(gate.vault.limits.max_frame_bytes as usize);
            Ok((reader, writer, session))
        }
        Err(refusal) => {
            let mut reply = Vec::new();
            message::write_error(&mut reply, refusal.id.as_deref(), &refusal.error);
            reply.push(b'\n');
            writer.write_all(&reply).await?;
            writer.shutdown().await?;
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

async fn converse(mut reader: Reader, mut writer: Writer, session: &mut Session) -> io::Result<()> {
    let vault = Arc::clone(&session.gate.vault);
    let outbox = Arc::clone(&session.outbox);
    let Some(pipe) = vault.pipe.get() else { return Ok(()) };
    let idle = Duration::from_millis(vault.state().lease.terms.lease_ms) + IDLE_GRACE;
    let mut receipt = vault.receipt.subscribe();
    let mut alarm = pin!(sleep(idle));
    let mut heard = Instant::now();
    let mut buffer = Vec::new();
    let mut closing = false;
    loop {
        if outbox.take(&mut buffer).is_err() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        if !buffer.is_empty() {
            let sent = timeout(WRITE_DEADLINE, async {
                writer.write_all(&buffer).await?;
                writer.flush().await
            });
            sent.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            buffer.clear();
            if buffer.capacity() > 1024 * 1024 {
                buffer = Vec::new();
            }
            continue;
        }
        let buried = receipt.borrow().is_some();
        if (closing || buried) && outbox.is_quiet() {
            let _ = timeout(Duration::from_secs(1), writer.shutdown()).await;
            return Ok(());
        }
        let full = pipe.is_full();
        let admits = !closing && !full && outbox.admits();
        tokio::select! {
            line = reader.next(), if admits => {
                heard = Instant::now();
                match line {
                    Ok(Some(line)) => session.handle(line),
                    Ok(None) | Err(LineError::Torn | LineError::Read(_)) => return Ok(()),
                    Err(error @ LineError::TooLong { .. }) => {
                        closing = true;
                        let error = RpcError::new(code::TOO_LARGE, error.to_string());
                        outbox.line(|out| message::write_error(out, None, &error));
                    }
                }
                while !closing && reader.has_line() && outbox.admits() && !pipe.is_full() {
                    let Ok(Some(line)) = reader.next().await else { break };
                    session.handle(line);
                }
                pipe.send();
            }
            () = outbox.wake.notified() => {}
            () = pipe.room.notified(), if full => {}
            _ = receipt.changed() => {}
            () = alarm.as_mut() => {
                if heard.elapsed() >= idle && outbox.is_quiet() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                alarm.as_mut().reset(heard.max(Instant::now() - idle) + idle + Duration::from_millis(1));
            }
        }
    }
}
