//! SSH session of one node: a thread that keeps one session, and what it is doing now.
//!
//! The thread listens on a Unix socket of its own, in a directory that only the core's user can
//! enter, and carries each connection there through a channel to the node's socket. It ends when the
//! [`SshLink`] is dropped. Nobody waits for it: a request asks first how the link is.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::sync::watch;

use super::event_loop::{EventLoop, SessionLost};
use super::login::{LoginKeys, Secrets, login};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::ssh::SshAddress;
use hauki_contract::system::{clock, random};

/// The buffers of a hundred links must not be a hundred times eight megabytes.
const STACK: usize = 256 * 1024;

const BACKOFF: Duration = Duration::from_millis(100);
/// For what may pass by itself.
const BACKOFF_MOST: Duration = Duration::from_secs(5);
/// For what a person has to mend: a server counts refused logins.
const BACKOFF_REFUSED: Duration = Duration::from_secs(30);

/// A session that lasted so long was a good one: the next attempt comes at once.
const STEADY_US: u64 = 5_000_000;

/// Where the node is and how to get there.
#[derive(Debug, Clone)]
pub struct SshTarget {
    pub address: SshAddress,
    pub keys: LoginKeys,
    /// The node's control socket, on the node.
    pub socket: PathBuf,
    /// `haukid` on the node, for where the server does not forward to sockets.
    pub bridge: String,
    /// Only root may speak on the node's socket, so another user can come by the bridge alone.
    pub bridge_only: bool,
}

/// What the link is doing now.
#[derive(Debug, Clone)]
pub enum LinkState {
    /// For the first time.
    Connecting,
    Up,
    Down(NodeError),
}

#[derive(Debug, thiserror::Error)]
pub enum SshSetupError {
    #[error("make the link's socket {}", path.display())]
    Socket { path: PathBuf, source: io::Error },
    #[error("start the link's thread")]
    Thread(#[source] io::Error),
}

/// What the thread and its owner share.
pub(super) struct LinkShared {
    pub(super) state: watch::Sender<LinkState>,
    /// Why the node's socket could not be reached although the session stands.
    pub(super) refusal: Mutex<Option<String>>,
    /// Readable once the link is to end.
    pub(super) stop: OwnedFd,
}

impl LinkShared {
    pub(super) fn refused(&self, reason: Option<String>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Waits, and tells whether the link is to end.
    fn stopped_within(&self, time: Duration) -> bool {
        let mut wait = [PollFd::new(&self.stop, PollFlags::IN)];
        let time = Timespec::try_from(time).ok();
        matches!(poll(&mut wait, time.as_ref()), Ok(ready) if ready > 0)
    }
}

/// Ends the session when dropped.
pub struct SshLink {
    pub target: SshTarget,
    path: PathBuf,
    shared: Arc<LinkShared>,
}

impl SshLink {
    /// Starts the thread; it connects at once. `directory` is made if it is not there.
    pub fn start(target: SshTarget, directory: &Path, name: &str) -> Result<Self, SshSetupError> {
        // The name is short, because a socket's path has room for 107 bytes.
        let path = directory.join(format!("{:016x}", random::u64()));
        let listener =
            bind(directory, &path).map_err(|source| SshSetupError::Socket { path: path.clone(), source })?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| SshSetupError::Thread(error.into()))?;
        let (state, _) = watch::channel(LinkState::Connecting);
        let shared = Arc::new(LinkShared { state, refusal: Mutex::default(), stop });
        let thread = std::thread::Builder::new().name(format!("ssh-{name}")).stack_size(STACK);
        let (inner, wanted) = (shared.clone(), target.clone());
        thread.spawn(move || keep(&wanted, &listener, &inner)).map_err(SshSetupError::Thread)?;
        Ok(Self { target, path, shared })
    }

    /// Where the HTTP client connects to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.path
    }

    /// How the link is now; waits while it connects for the first time.
    pub async fn ready(&self) -> Result<(), NodeError> {
        let mut state = self.shared.state.subscribe();
        let decided = state.wait_for(|state| !matches!(state, LinkState::Connecting)).await;
        match decided.as_deref() {
            Ok(LinkState::Down(error)) => Err(error.clone()),
            Ok(LinkState::Up | LinkState::Connecting) => Ok(()),
            Err(_) => Err(NodeError::new(NodeFault::Silent, "the link has ended")),
        }
    }

    /// Why the last attempt to reach the node's socket through a standing session failed.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.shared.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LinkState> {
        self.shared.state.subscribe()
    }
}

impl Drop for SshLink {
    fn drop(&mut self) {
        // The counter cannot be full.
        let _ = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes());
        let _ = fs::remove_file(&self.path);
    }
}

fn bind(directory: &Path, path: &Path) -> io::Result<UnixListener> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Connects, carries, and connects again, until it is told to stop.
fn keep(target: &SshTarget, listener: &UnixListener, shared: &LinkShared) {
    let mut backoff = BACKOFF;
    loop {
        let error = match login(&target.address, &target.keys, &Secrets::default()) {
            Ok(entered) => {
                let since = clock::mono();
                shared.state.send_replace(LinkState::Up);
                tracing::debug!(address = %target.address, "the SSH session stands");
                match EventLoop::new(entered, target, listener, shared).and_then(EventLoop::run) {
                    Ok(()) => return,
                    Err(lost) => {
                        // One that floods is let in ever more slowly, however long it takes for it.
                        let floods = matches!(lost, SessionLost::Hoard(_));
                        if clock::mono().since(since) > STEADY_US && !floods {
                            backoff = BACKOFF;
                        }
                        let message = format!("the SSH session to {} ended: {lost}", target.address);
                        NodeError::new(NodeFault::Silent, message)
                            .hint("it connects again by itself; is the machine up?")
                    }
                }
            }
            Err(error) => NodeError::from(error),
        };
        if error.fault == NodeFault::Barred {
            backoff = BACKOFF_REFUSED;
        }
        shared.state.send_replace(LinkState::Down(error));
        turn_away(listener);
        // Up to a quarter more, so that a hundred links do not come back at the same moment.
        let jitter = backoff.mul_f64(f64::from(u8::try_from(random::u64() % 256).unwrap_or(0)) / 1024.0);
        if shared.stopped_within(backoff + jitter) {
            return;
        }
        backoff = (backoff * 2).min(BACKOFF_MOST);
    }
}

/// Who connected to a link that is down hears so at once.
fn turn_away(listener: &UnixListener) {
    while listener.accept().is_ok() {}
}
