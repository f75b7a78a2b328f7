//! Connection of one caller: a stranger until its hello, then a [`GateSession`].
//!
//! A stranger gets a deadline, one message and no information.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authorization::TokenCache;
use super::byte_accounts::Backlog;
use super::hello::HelloRefusal;
use super::identity::Identity;
use super::offload::{Debts, LongLine, is_long};
use super::rate_limit::{MessageCount, RateLimit, UnpaidCalls};
use super::receiving::{GOES_ON, Leaves, ReadVerdict, stalled};
use super::sending::{Sending, WRITE_DEADLINE, has_passed};
use super::session::GateSession;
use super::unauthenticated::{CountedStranger, Unauthenticated};
use crate::shards;
use crate::vault::VaultHandle;
use hauki_contract::rpc::message::{self, RpcError, code};
use hauki_contract::rpc::ndjson::{LineError, LineReader};
use hauki_contract::system::tasks::{self, TaskKind};
use hauki_contract::system::{clock, cpu_latency};

/// From the connection to a valid hello.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// A hello is a token and little else.
const HELLO_BYTES: usize = 32 * 1024;
pub const MAX_CALLERS: usize = 64;
/// Beyond the lease a silent connection is of no use to anybody.
const IDLE_GRACE: Duration = Duration::from_secs(10);

/// Who holds much is looked at as often, whatever happens to him: others may come who have no room by it. Nobody who is
/// kept waiting is silent for longer.
const WATCH: Duration = Duration::from_millis(100);
/// How long the other side may take to close after us.
const FAREWELL: Duration = Duration::from_secs(1);
/// Lines of one caller, after which others of the shard have a turn; and a long one counts as so many as this goes into.
const TURN: usize = 64;
const LINE_BYTES: usize = 4096;

/// What the connections of one vault share.
pub struct Gate {
    pub vault: Arc<VaultHandle>,
    pub signed: TokenCache,
    pub sending: Backlog,
    pub receiving: Backlog,
    pub leaves: Arc<Leaves>,
    pub debts: Debts,
    pub(super) unpaid: UnpaidCalls,
    identity: Arc<Identity>,
    callers: Arc<Semaphore>,
    unauthenticated: Unauthenticated,
}

type Reader = LineReader<ReadHalf<TlsStream<TcpStream>>>;
pub(super) type TlsWriter = WriteHalf<TlsStream<TcpStream>>;

impl Gate {
    #[must_use]
    pub fn new(vault: Arc<VaultHandle>, identity: Arc<Identity>) -> Arc<Self> {
        let callers = Arc::new(Semaphore::new(MAX_CALLERS));
        let longest = vault.limits.max_frame_bytes as usize;
        let (sending, receiving) = (Backlog::sending(longest), Backlog::receiving(longest));
        let (signed, unauthenticated, debts) =
            (TokenCache::default(), Unauthenticated::default(), Debts::default());
        let leaves = Arc::default();
        Arc::new(Self {
            vault,
            identity,
            callers,
            signed,
            sending,
            receiving,
            leaves,
            debts,
            unpaid: UnpaidCalls::default(),
            unauthenticated,
        })
    }

    /// How many callers there are.
    pub(super) fn callers(&self) -> usize {
        MAX_CALLERS - self.callers.available_permits()
    }

    /// A place for one more caller, if there is one.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.callers).try_acquire_owned().ok()
    }

    pub fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        cpu_latency::expect_anybody();
        let known = Arc::new(AtomicBool::new(false));
        let serving = serve(Arc::clone(self), stream, peer, Arc::clone(&known), CountedStranger::new());
        let task = tasks::spawn(TaskKind::Session, "caller", serving);
        self.unauthenticated.enter(peer.ip().into(), task, known);
    }
}

async fn serve(
    gate: Arc<Gate>,
    stream: TcpStream,
    peer: SocketAddr,
    known: Arc<AtomicBool>,
    nameless: CountedStranger,
) {
    let greeting = gate.vault.waking.within(HELLO_DEADLINE, greet(&gate, stream, peer));
    let Some(Ok((reader, writer, session))) = greeting.await else { return };
    known.store(true, Ordering::Relaxed);
    drop(nameless);
    let _ = converse(reader, writer, Arc::new(session)).await;
}

/// TLS, one line, a valid token.
async fn greet(
    gate: &Arc<Gate>,
    stream: TcpStream,
    peer: SocketAddr,
) -> io::Result<(Reader, TlsWriter, GateSession)> {
    stream.set_nodelay(true)?;
    let tls = TlsAcceptor::from(Arc::clone(&gate.identity.config)).accept(stream).await?;
    let (reader, mut writer) = tokio::io::split(tls);
    let mut reader = LineReader::new(reader, HELLO_BYTES);
    let outcome = match reader.next().await {
        Ok(Some(line)) => GateSession::open(gate, line, peer).await,
        Ok(None) | Err(LineError::Torn | LineError::Read(_)) => {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Err(LineError::TooLong { .. }) => Err(HelloRefusal::stranger()),
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
            farewell(&mut reader, &mut writer).await;
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

/// Reads and writes at the same time: a caller that is being sent much, or whose calls take long,
/// still has its beats heard, its `hauki.destruct` obeyed and its end noticed.
async fn converse(mut reader: Reader, mut writer: TlsWriter, session: Arc<GateSession>) -> io::Result<()> {
    let gate = Arc::clone(&session.gate);
    let vault = Arc::clone(&gate.vault);
    let reply_queue = Arc::clone(&session.reply_queue);
    let Some(pipe) = vault.pipe.get() else { return Ok(()) };
    let limit = vault.limits.max_frame_bytes as usize;
    let idle = Duration::from_millis(session.lease_ms()) + IDLE_GRACE;
    let look = idle.min(WRITE_DEADLINE).min(GOES_ON);
    let mut receipt = vault.receipt.subscribe();
    let mut burial = pin!(async { drop(receipt.wait_for(Option::is_some).await) });
    let mut buried = false;
    let mut woken = pin!(reply_queue.wake.notified());
    let mut alarm = pin!(sleep(look));
    let mut heard = vault.now();
    let mut sending = Sending::default();
    let mut closing = false;
    let mut receiving = session.receiving(limit, heard);
    let (mut chatter, mut words) = (RateLimit::new(heard), MessageCount::default());
    chatter.given_up(gate.unpaid.take(session.ticket(), heard));
    let mut job: Option<LongLine> = None;
    // Lines since others had a turn; and until when nothing is read of who says too much.
    let mut lines = 0;
    let mut resume = pin!(sleep(Duration::ZERO));
    let mut paused = false;
    loop {
        if lines >= TURN {
            lines = 0;
            tokio::task::yield_now().await;
        }
        if !paused && let Some(pause) = chatter.pause(gate.callers(), || vault.now()) {
            paused = true;
            resume.as_mut().reset(clock::alarm(pause));
        }
        if sending.is_done() {
            sending.refill(&reply_queue, &vault);
        }
        if !sending.is_done() {
            // Nearly always the socket takes it all at once, which spares a turn of the whole loop.
            poll_fn(|cx| match sending.poll(&mut writer, &gate, cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => Poll::Ready(Ok(())),
            })
            .await?;
        }
        if (closing || buried) && job.is_none() && sending.is_done() && reply_queue.is_quiet() {
            farewell(&mut reader, &mut writer).await;
            return Ok(());
        }
        let full = pipe.is_full();
        let reads = !closing && !paused;
        let admits = reads && job.is_none() && !full && reply_queue.admits();
        if admits && is_long(reader.length(), limit) {
            job = reader.take_whole().ok().flatten().map(|line| LongLine::new(&session, line));
            continue;
        }
        let (queued, unread, given_up) = reply_queue.held();
        chatter.given_up(given_up);
        if unread && !sending.is_on_time(vault.now()) && reply_queue.is_lost() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let queued = queued + job.as_ref().map_or(0, |job| job.bytes);
        let room = receiving.holds(reader.held() + queued, || vault.now());
        let over = room != ReadVerdict::Enough;
        // Nothing of it is taken before it has an end, which comes from nobody but this caller.
        let ends = over && admits && !reader.has_line() && queued == 0;
        if !closing && (room == ReadVerdict::Lost || ends && receiving.asks_in_vain()) {
            (closing, job) = (true, None);
            reader.forget();
            session.gives_up();
            continue;
        }
        let admits = admits && (!over || reader.has_line());
        let ahead = reads && !admits && !over && reader.has_room();
        receiving.reads(admits || ahead, unfinished(&reader), || vault.now());
        // Where nothing is read because of what he has sent, that is not his silence.
        let held_up = over && reads && !admits && job.is_none();
        if receiving.asks() || held_up {
            session.heard();
        }
        let watched = unread || receiving.is_watched();
        if let Some(job) = &job {
            job.keeps(closing || (!over && reader.has_room()));
        }
        tokio::select! {
            sent = poll_fn(|cx| sending.poll(&mut writer, &gate, cx)), if !sending.is_done() => sent?,
            came = listen(&mut reader, admits), if admits || ahead => {
                heard = vault.now();
                shards::called();
                chatter.begin();
                let before = lines;
                match came {
                    Came::Line(Ok(Some(line))) => {
                        lines += weight(line);
                        session.handle(line, &mut words);
                    }
                    // A caller may close its half and wait for what it asked for; an owner's end is
                    // its vault's end at once.
                    Came::Line(Ok(None)) if !session.is_owner() => closing = true,
                    Came::Line(Ok(None) | Err(LineError::Read(_))) | Came::Ahead(Err(_)) => return Ok(()),
                    Came::Line(Err(LineError::Torn)) | Came::Ahead(Ok(0)) if session.is_owner() => return Ok(()),
                    Came::Line(Err(error @ LineError::Torn)) => {
                        closing = true;
                        session.complain(&RpcError::new(code::PARSE, error.to_string()));
                    }
                    Came::Line(Err(error @ LineError::TooLong { .. })) => {
                        closing = true;
                        reader.forget();
                        session.complain(&RpcError::new(code::TOO_LARGE, error.to_string()));
                    }
                    // A part of a long line is a sign of life too; whole lines are taken below.
                    Came::Ahead(Ok(_)) => {
                        if !(admits && reader.has_line()) || is_long(reader.length(), limit) {
                            session.heard();
                        }
                    }
                }
                let short = |reader: &Reader| reader.has_line() && !is_long(reader.length(), limit);
                while !closing && job.is_none() && lines < TURN && short(&reader) && reply_queue.admits() && !pipe.is_full() {
                    let Ok(Some(line)) = reader.next().await else { break };
                    lines += weight(line);
                    session.handle(line, &mut words);
                }
                if lines > before {
                    shards::asked();
                }
                pipe.send();
                // What may not be taken yet can still give up what it waits for.
                while !closing && (job.is_some() || pipe.is_full() || !reply_queue.admits()) && let Some(line) = reader.ahead() {
                    session.look(line, &mut words);
                    lines += 1;
                    if lines.is_multiple_of(TURN) {
                        chatter.end(&mut words);
                        tokio::task::yield_now().await;
                        chatter.begin();
                    }
                }
                chatter.end(&mut words);
                receiving.came(unfinished(&reader), heard);
                // Bytes that are no line yet are a part of a turn as well.
                lines = lines.max(before + 1);
            }
            () = LongLine::end(&mut job), if job.is_some() => {
                job = None;
                shards::asked();
                pipe.send();
            }
            () = receiving.leave(|| vault.now()), if receiving.asks() => {}
            () = async { sleep(WATCH).await }, if watched => {}
            () = resume.as_mut(), if paused => paused = false,
            () = woken.as_mut() => woken.set(reply_queue.wake.notified()),
            () = pipe.room.notified(), if full => {}
            () = burial.as_mut(), if !buried => buried = true,
            () = alarm.as_mut() => {
                let now = vault.waking.look().waking;
                let silent = has_passed(idle, heard, now) && sending.is_done() && reply_queue.is_quiet();
                if sending.is_stalled(now) || silent {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                if !closing && receiving.is_stalled(unfinished(&reader), now) {
                    closing = true;
                    reader.forget();
                    session.complain(&stalled());
                }
                // Who takes nothing now is looked at again when its time is over, and not a whole round later.
                let next = sending.patience(now).map_or(look, |left| left.min(look));
                alarm.as_mut().reset(clock::alarm(next));
            }
        }
    }
}

/// How many lines it counts as.
fn weight(line: &[u8]) -> usize {
    1 + line.len() / LINE_BYTES
}

/// How much of a line there is that has not come to its end, where no other is before it.
fn unfinished(reader: &Reader) -> usize {
    if reader.has_line() { 0 } else { reader.held() }
}

enum Came<'a> {
    Line(Result<Option<&'a [u8]>, LineError>),
    /// So many bytes, which are no line yet or must wait.
    Ahead(io::Result<usize>),
}

async fn listen(reader: &mut Reader, admits: bool) -> Came<'_> {
    // What `next` answers without reading: a line, one that is too long, or the end.
    let settled = reader.has_line() || !reader.has_room();
    if admits && settled { Came::Line(reader.next().await) } else { Came::Ahead(reader.fill().await) }
}

/// Says that no more comes and lets the other side finish. Closing on bytes that were not read would
/// make the kernel reset the connection, and the last words could be lost on their way.
async fn farewell(reader: &mut Reader, writer: &mut TlsWriter) {
    let parting = async {
        if writer.shutdown().await.is_ok() {
            reader.discard().await;
        }
    };
    let _ = timeout(FAREWELL, parting).await;
}
