//! Listener, a local endpoint: many programs, one session.
//!
//! A Unix socket asks the kernel who the peer is; nobody but this user and root gets an answer. The
//! peers of a loopback port are unknown, and a web page can make a browser write to it, so the first
//! line there must be `hauki.hello` with the token that was made for this listener.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fair_queue::{FairQueue, ProgramQueue};
use super::forward::{RelayOptions, carry_one};
use super::hangup::left;
use super::listen_address::{ListenAddress, ListenAddressError, SocketFile};
use crate::ghost::{Ghost, GhostError};
use hauki_contract::model::secret::Secret;
use hauki_contract::rpc::builtin::{HELLO, Hello};
use hauki_contract::rpc::message::{Incoming, Request, RpcError, code, write_error, write_result};
use hauki_contract::rpc::ndjson::LineReader;
use hauki_contract::system::random;

/// Programs that are connected at a time.
const MOST: usize = 64;
/// Further ones, which have no place or have not shown the token yet.
const MOST_STRANGERS: usize = 64;
/// From the connection to the token.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// As a gate's, so that a hello is no longer for the one than for the other.
const HELLO_BYTES: usize = 32 * 1024;
/// How long a program may take nothing of what is there for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// For the last words when the session has ended, or a program has no place.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Listener {
    place: ListenAddress,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Unix { _file: SocketFile, listener: UnixListener },
    Tcp { listener: TcpListener, token: Secret },
}

impl Listener {
    /// Must be called within a runtime.
    pub fn bind(place: ListenAddress) -> Result<Self, ListenAddressError> {
        let socket = match &place {
            ListenAddress::Unix(path) => {
                let (listener, file) = SocketFile::bind(path)?;
                let listener = listener.set_nonblocking(true).and_then(|()| UnixListener::from_std(listener));
                let failed = |source| ListenAddressError::Bind { place: place.clone(), source };
                return Ok(Self {
                    socket: Socket::Unix { _file: file, listener: listener.map_err(failed)? },
                    place,
                });
            }
            ListenAddress::Tcp(address) => std::net::TcpListener::bind(address)
                .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
                .and_then(TcpListener::from_std)
                .and_then(|listener| Ok((listener.local_addr()?, listener))),
        };
        let (address, listener) = socket.map_err(|source| ListenAddressError::Bind { place, source })?;
        let token = Secret::new(format!("{:032x}", random::u128()));
        Ok(Self { place: ListenAddress::Tcp(address), socket: Socket::Tcp { listener, token } })
    }

    /// Where it listens, the port that it got included.
    #[must_use]
    pub fn place(&self) -> &ListenAddress {
        &self.place
    }

    /// What a program must say first; absent where the kernel knows who it is.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        match &self.socket {
            Socket::Unix { .. } => None,
            Socket::Tcp { token, .. } => Some(token),
        }
    }

    /// Serves until the session is over, and tells why.
    pub async fn serve(self, ghost: Ghost) -> GhostError {
        let (places, turns) = (Arc::new(Semaphore::new(MOST)), Arc::<FairQueue>::default());
        let mut programs = JoinSet::new();
        let mut over = std::pin::pin!(ghost.closed());
        let error = loop {
            tokio::select! {
                error = &mut over => break error,
                accepted = self.accept(&ghost, &places, &turns) => match accepted {
                    Ok(Some(program)) if programs.len() < MOST_STRANGERS + MOST => drop(programs.spawn(program)),
                    Ok(_) => {}
                    // Out of descriptors, mostly: give others time to close some.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = programs.join_next(), if !programs.is_empty() => {}
            }
        };
        let farewell = async { while programs.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, farewell).await;
        error
    }

    /// The next program that may be served.
    async fn accept(
        &self,
        ghost: &Ghost,
        places: &Arc<Semaphore>,
        turns: &Arc<FairQueue>,
    ) -> io::Result<Option<BoxFuture<'static, ()>>> {
        let ours = (ghost.clone(), ProgramQueue::of(turns), Arc::clone(places));
        Ok(match &self.socket {
            Socket::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let own = [0, rustix::process::geteuid().as_raw()];
                let allowed = stream.peer_cred().is_ok_and(|peer| own.contains(&peer.uid()));
                let watched = stream.as_fd().try_clone_to_owned()?;
                let (input, output) = stream.into_split();
                allowed.then(|| serve(ours, (input, output), left(watched), None).boxed())
            }
            Socket::Tcp { listener, token } => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                let watched = stream.as_fd().try_clone_to_owned()?;
                let (input, output) = stream.into_split();
                Some(serve(ours, (input, output), left(watched), Some(token.clone())).boxed())
            }
        })
    }
}

async fn serve<R, W>(
    (ghost, program, places): (Ghost, ProgramQueue, Arc<Semaphore>),
    (input, mut output): (R, W),
    left: impl Future<Output = ()>,
    token: Option<Secret>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    // The last line may lack its end.
    let mut lines = LineReader::new(input.chain(&b"\n"[..]), HELLO_BYTES);
    let greeted = match &token {
        Some(token) => timeout(HELLO_DEADLINE, greet(&ghost, &mut lines, &mut output, token, &places)).await,
        None => match places.try_acquire() {
            Ok(place) => Ok(Ok(place)),
            Err(_) => timeout(HELLO_DEADLINE, turn_away(&mut lines, &mut output)).await,
        },
    };
    let Ok(Ok(_place)) = greeted else { return farewell(lines, output).await };
    // Whatever ends it ends this program's connection only; the session's own end is told by `over`.
    let options = RelayOptions { events: true, patience: Some(PATIENCE) };
    let _ = carry_one(&ghost, &program, lines, output, options, left).await;
}

/// The first line must be a hello with the token, and find a place; anything else is the end.
async fn greet<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    ghost: &Ghost,
    lines: &mut LineReader<R>,
    output: &mut W,
    token: &Secret,
    places: &'a Semaphore,
) -> io::Result<SemaphorePermit<'a>> {
    let line = lines.next().await.map_err(io::Error::other)?.unwrap_or_default();
    let (id, outcome) = match Incoming::decode(line) {
        Incoming::Single(Ok(request)) => (request.id, admitted(&request, token)),
        Incoming::Single(Err(invalid)) => {
            let shown = Request::glimpse(line).ok_or_else(stranger);
            let odd = RpcError::new(code::INVALID_PARAMS, invalid.message);
            (Some("null"), shown.and_then(|hello| admitted(&hello, token)).and(Err(odd)))
        }
        Incoming::Batch(_) => (Some("null"), Err(stranger())),
    };
    // A notification has no answer, whatever becomes of it.
    match outcome.and_then(|()| places.try_acquire().map_err(|_| crowded())) {
        Ok(place) => {
            let welcome = serde_json::to_string(ghost.welcome().await.map_err(io::Error::other)?)?;
            if let Some(id) = id {
                answer(output, |out| write_result(out, id, &welcome)).await?;
            }
            Ok(place)
        }
        Err(error) => {
            if let Some(id) = id {
                answer(output, |out| write_error(out, Some(id), &error)).await?;
            }
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

/// Where there is no place: that is the answer to the first line, whatever it asks.
async fn turn_away<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    lines: &mut LineReader<R>,
    output: &mut W,
) -> io::Result<SemaphorePermit<'a>> {
    let line = lines.next().await.map_err(io::Error::other)?.unwrap_or_default();
    let id = match Incoming::decode(line) {
        Incoming::Single(Ok(request)) => request.id,
        _ => None,
    };
    answer(output, |out| write_error(out, id, &crowded())).await?;
    Err(io::ErrorKind::PermissionDenied.into())
}

fn crowded() -> RpcError {
    RpcError::new(code::BUSY, format!("{MOST} programs are connected: try again when one of them has left"))
}

/// Lets the program finish: closing on bytes that were not read could take the last word back.
async fn farewell<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(mut lines: LineReader<R>, mut output: W) {
    let parting = async {
        if output.shutdown().await.is_ok() {
            lines.discard().await;
        }
    };
    let _ = timeout(FAREWELL, parting).await;
}

/// As a gate judges a hello: what else is wrong with it hears only who has shown the token.
fn admitted(request: &Request<'_>, token: &Secret) -> Result<(), RpcError> {
    let hello = request.params.filter(|_| request.method == HELLO).and_then(Hello::read);
    match hello {
        Some((hello, None)) if hello.token == *token => Ok(()),
        Some((hello, Some(fault))) if hello.token == *token => {
            Err(RpcError::new(code::INVALID_PARAMS, fault))
        }
        _ => Err(stranger()),
    }
}

fn stranger() -> RpcError {
    RpcError::new(code::UNAUTHENTICATED, "the first line must be hauki.hello with the token")
}

async fn answer<W: AsyncWrite + Unpin>(output: &mut W, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
    let mut line = Vec::new();
    write(&mut line);
    line.push(b'\n');
    output.write_all(&line).await?;
    output.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_judged_as_a_gate_judges_it() {
        let token = Secret::new("open sesame".into());
        let judged = |method: &str, params: Option<&str>| {
            let request = Request { method: method.into(), params, id: Some("1"), nested: None, trace: None };
            admitted(&request, &token).map_err(|error| (error.code, error.message))
        };
        for good in [r#"{"token":"open sesame"}"#, r#"{"token":"open sesame","v":1,"features":["new"]}"#] {
            assert_eq!(judged(HELLO, Some(good)), Ok(()));
        }
        for (odd, reason) in [
            (r#"{"token":"open sesame","v":2}"#, "2 is not spoken here"),
            (r#"{"token":"open sesame","v":2,"zz":1}"#, "zz"),
            (r#"{"token":"open sesame","call_deadline_ms":-1}"#, "call_deadline_ms"),
        ] {
            let (number, told) = judged(HELLO, Some(odd)).expect_err(odd);
            assert!(number == code::INVALID_PARAMS && told.contains(reason), "{odd}: {number} {told}");
        }
        for (method, params) in [
            (HELLO, None),
            (HELLO, Some("{}")),
            (HELLO, Some("[]")),
            (HELLO, Some(r#"{"token":""}"#)),
            (HELLO, Some(r#"{"token":"open","v":2}"#)),
            ("add", Some(r#"{"token":"open sesame"}"#)),
        ] {
            assert_eq!(judged(method, params).expect_err(method).0, code::UNAUTHENTICATED, "{params:?}");
        }
    }
}
