//! Signal handling: what ends a command from outside, Ctrl-C, SIGTERM, and a terminal that hangs up.
//!
//! A hang-up that we were started to ignore, as nohup(1) does it, stays ignored.

use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, SelectAll};
use tokio::signal::unix::{SignalKind, signal};

use super::error::{CliError, ErrorKind};
use crate::client::Exit;
use crate::client::script::Stop;
use crate::model::units::show_millis;

/// Heard from now on.
pub(crate) type Endings = SelectAll<BoxStream<'static, Stop>>;

/// Must be called where a runtime is.
pub(crate) fn endings() -> Result<Endings, CliError> {
    let mut all = SelectAll::new();
    for (kind, why) in [
        (SignalKind::interrupt(), Stop::Interrupted),
        (SignalKind::terminate(), Stop::Terminated),
        (SignalKind::hangup(), Stop::HungUp),
    ] {
        if why == Stop::HungUp && is_ignored(kind) {
            continue;
        }
        let heard = signal(kind).map_err(|error| CliError::io("listen for signals", &error))?;
        let heard = stream::unfold(heard, async |mut heard| heard.recv().await.map(|()| ((), heard)));
        all.push(heard.map(move |()| why).boxed());
    }
    Ok(all)
}

/// The first of them; never, where all are ignored.
pub(crate) async fn first(endings: &mut Endings) -> Stop {
    match endings.next().await {
        Some(why) => why,
        None => std::future::pending().await,
    }
}

/// Whether the latest SIGINT was a terminal's, which sends it to all that stand in front of it.
static IS_TERMINALS: AtomicBool = AtomicBool::new(false);

/// What the kernel sends by itself has a code above zero; what a process sends never has, whatever it writes there.
extern "C" fn note_sender(_: libc::c_int, sent: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands it over for as long as this runs.
    IS_TERMINALS.store(unsafe { (*sent).si_code } > 0, Ordering::Release);
}

/// From now on it is known of each SIGINT. Before anybody listens to it: a listener calls whom it finds there, and
/// this calls nobody.
pub(crate) fn look_who_interrupts() -> Result<(), CliError> {
    // SAFETY: the handler has the form that SA_SIGINFO asks for, and it does what is async-signal-safe: it loads a
    // number and stores into an atomic.
    let is_set = unsafe {
        let mut wanted: libc::sigaction = std::mem::zeroed();
        wanted.sa_sigaction = note_sender as *const () as libc::sighandler_t;
        wanted.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(libc::SIGINT, &wanted, null_mut()) == 0
    };
    if is_set { Ok(()) } else { Err(CliError::io("listen for signals", &std::io::Error::last_os_error())) }
}

pub(crate) fn was_terminals() -> bool {
    IS_TERMINALS.load(Ordering::Acquire)
}

pub(crate) fn is_ignored(kind: SignalKind) -> bool {
    // SAFETY: nothing is changed, and the structure to write to is of this frame.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(kind.as_raw_value(), null(), &mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// What a command ends with that was stopped.
pub(crate) fn stopped(why: Stop) -> CliError {
    let (code, exit, message) = match why {
        Stop::Interrupted => ("interrupted", Exit::Interrupted, "interrupted".to_owned()),
        Stop::Terminated => ("terminated", Exit::Terminated, "terminated".to_owned()),
        Stop::HungUp => ("hung_up", Exit::HungUp, "the terminal has hung up".to_owned()),
        Stop::TimedOut(after) => {
            let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            ("timeout", Exit::Timeout, format!("not done within {}", show_millis(ms)))
        }
        Stop::Unheard => ("broken_pipe", Exit::BrokenPipe, "nobody reads".to_owned()),
        Stop::Exit(_) => ("ok", Exit::Ok, "it called exit".to_owned()),
    };
    CliError::new(ErrorKind::new(code, exit), message)
}
