//! What ends a command from outside: Ctrl-C, SIGTERM, and a terminal that hangs up.
//!
//! A hang-up that we were started to ignore, as nohup(1) does it, stays ignored.

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, SelectAll};
use tokio::signal::unix::{SignalKind, signal};

use super::error::{CliError, Kind};
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

pub(crate) fn is_ignored(kind: SignalKind) -> bool {
    // SAFETY: nothing is changed, and the structure to write to is of this frame.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(kind.as_raw_value(), std::ptr::null(), &mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
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
    CliError::new(Kind::new(code, exit), message)
}
