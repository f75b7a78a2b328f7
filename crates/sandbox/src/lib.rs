//! The sandbox driver: one vault is one process tree that sees nothing of its node.
//!
//! [`Driver`] is the whole of what the node knows about sandboxes, and [`open()`] of what the daemon does. The real
//! one is [`lxc`]; the [`fake`] runs the same init as a plain child process without any isolation, for tests of
//! failure paths, and both pass one conformance suite. State: a driver owns the processes, cgroups and
//! mounts that it made; a crash leaves what [`Driver::sweep`] of the next start removes.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;

use hauki_contract::model::check::Check;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::{Controller, Limits};
use hauki_contract::model::receipt::Reclaimed;

pub mod fake;
pub mod lxc;
mod open;
pub mod pidfd;
pub mod stable_fd;
pub mod stopwatch;

pub use open::{DriverConfig, DriverOpenError, NAMES, dispatch, leave_starter, open};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub trait Driver: Send + Sync {
    /// Starts a blank vault: an init that will say `Ready` on its channel. On failure nothing is
    /// left behind.
    fn start<'a>(&'a self, id: &'a VaultId, limits: &'a Limits)
    -> BoxFuture<'a, Result<Started, StartError>>;

    /// Removes what a predecessor with the same state directory left: processes, cgroups, mounts.
    /// Vaults of this driver that still live are not touched.
    fn sweep(&self) -> BoxFuture<'_, Result<Swept, SweepError>>;

    /// Whether a blank vault that was started with these limits can be given a worker with those. What the engine and
    /// the gate enforce can still be chosen; what holds the sandbox cannot.
    fn serves(&self, blank: &Limits, wanted: &Limits) -> bool;

    /// Limits that none of its vaults has, because the machine cannot enforce them and the configuration
    /// says that this may be.
    fn unlimited(&self) -> Vec<Controller>;

    /// What this driver can do on this machine, for `hauki doctor`: one line per check.
    fn diagnose(&self) -> BoxFuture<'_, Vec<Check>>;

    /// Resolves when no vault of this driver lives or is being started.
    fn idle(&self) -> BoxFuture<'_, ()>;

    /// Ends what it keeps for its vaults, which must have been reclaimed.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A running vault.
pub struct Started {
    /// The node's end of the channel (`rpc::channel`), non-blocking.
    pub channel: OwnedFd,
    pub sandbox: Arc<dyn Sandbox>,
}

pub trait Sandbox: Send + Sync {
    /// The init's pid as the node sees it; for display only, never to be signalled.
    fn init_pid(&self) -> u32;

    /// Draws the init to one core, or lets it go back to all that this thread may use. A wish: where it
    /// cannot be had the vault runs on as it was.
    fn settle(&self, core: Option<usize>);

    /// Whether the init is gone, now.
    fn is_dead(&self) -> bool;

    /// Kills every process of the vault now (SIGKILL through a pidfd). Returns at once; legal in
    /// every state and as often as one likes.
    fn kill(&self);

    /// Resolves when the init is gone, however it went.
    fn died(&self) -> BoxFuture<'_, InitExit>;

    /// Kills, waits until the kernel shows that everything is gone, mends what is left, and tells
    /// what was checked. Idempotent: the second caller gets the same lines.
    fn reclaim(&self) -> BoxFuture<'_, Vec<Reclaimed>>;
}

/// What of the limits holds a sandbox from outside, whatever it is made of: memory, processor, processes. The same for
/// two vaults that one sandbox could be given to.
#[must_use]
pub fn outer_limits(limits: &Limits) -> (u64, u32, u32) {
    (limits.footprint_bytes(), limits.cpu_percent, limits.pids)
}

/// What mends a machine on which the init could not lock itself down within its sandbox.
pub const UNLOCKED_HINT: &str =
    "run a kernel with CONFIG_SECCOMP_FILTER, and haukid where system call filters may be installed";

/// How the init ended, as far as the node can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitExit {
    /// It exited by itself with this status.
    Status(i32),
    /// A signal ended it.
    Signal(i32),
    /// The kernel killed it for its memory limit.
    OutOfMemory,
    /// Its end was seen but not its status: the monitor was lost.
    Unknown,
}

/// What a signal says of the program that it ended: that it did what is forbidden, that it is broken, or nothing.
#[must_use]
pub fn signal_words(signal: i32) -> String {
    match signal {
        libc::SIGSYS => format!("signal {signal}: a forbidden system call"),
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGABRT | libc::SIGTRAP => {
            format!("signal {signal}: a crash of its program")
        }
        _ => format!("signal {signal}"),
    }
}

/// Whether this error of the kernel speaks of the moment, and not of the machine.
#[must_use]
pub fn is_passing(error: &io::Error) -> bool {
    use libc::{
        EAGAIN, EBUSY, ECONNRESET, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EPIPE, ESRCH, ETIMEDOUT,
    };
    const PASSING: [i32; 12] =
        [EAGAIN, EBUSY, ECONNRESET, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EPIPE, ESRCH, ETIMEDOUT];
    match error.raw_os_error() {
        Some(number) => PASSING.contains(&number),
        None => matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::TimedOut
                | io::ErrorKind::UnexpectedEof
        ),
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    pub processes: usize,
    pub cgroups: usize,
    pub mounts: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("this node has no room for another vault ({used} are in use)")]
    Full {
        /// All that there are, and of what: `4096 id ranges`.
        used: String,
    },
    /// What starts vaults for the driver was lost meanwhile.
    #[error("the {helper} is gone")]
    HelperLost {
        helper: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("the {helper} cannot work here: {step}")]
    NoHelper {
        helper: &'static str,
        step: String,
        #[source]
        source: std::io::Error,
    },
    /// Something that every vault must have around it cannot be had: what, each driver says in its own words.
    #[error("{vault} does not start")]
    Wall {
        vault: VaultId,
        #[source]
        wall: Box<dyn std::error::Error + Send + Sync>,
        hint: String,
        is_passing: bool,
    },
    /// What makes the sandbox says no, in its own words.
    #[error("{maker} could not start {vault}: {detail}")]
    Refused { maker: &'static str, vault: VaultId, detail: String },
    /// Where others have started.
    #[error("{vault} was ended while it started: {detail}")]
    Ended { vault: VaultId, detail: String },
    #[error("{vault} did not start within {waited_ms} ms")]
    Timeout { vault: VaultId, waited_ms: u64 },
    #[error("{vault}: {step}")]
    System {
        vault: VaultId,
        step: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl StartError {
    /// Whether another try may succeed with nothing mended.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Full { .. } | Self::HelperLost { .. } | Self::Ended { .. } | Self::Timeout { .. } => true,
            Self::NoHelper { source, .. } | Self::System { source, .. } => is_passing(source),
            Self::Wall { is_passing, .. } => *is_passing,
            Self::Refused { .. } => false,
        }
    }

    /// What mends it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Wall { hint, .. } => Some(hint.clone()),
            _ => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("{step} {path}")]
    System {
        step: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}
