//! Main loop: from the command line to the exit: build, serve, wait for a reason to leave, leave in order.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::level_filters::LevelFilter;

use super::accept::{self, Listed};
use super::args::Role;
use super::findings;
use super::ready::ReadyNotice;
use super::request_trace;
use super::role::{RoleError, RoleParts, halves};
use super::settings::{DaemonSettings, DaemonSettingsError};
use super::state_dir::{ControlSocket, StateDir, StateDirError};
use hauki_contract::model::error_chain;
use hauki_contract::system::config_layers::LayerError;
use hauki_contract::system::export::{self, Exporter};
use hauki_contract::system::signals::{self, SignalMeaning};
use hauki_contract::system::tasks::{self, OnFault};
use hauki_contract::system::{clock, cpu_latency, logging};

/// From SIGTERM until the vaults must be gone.
const DRAIN: Duration = Duration::from_secs(10);
/// What open requests get after that.
const GOODBYE: Duration = Duration::from_secs(1);
/// What orders that are still carried out get in the end.
const LAST_ORDERS: Duration = Duration::from_millis(500);
/// What spans that were not sent yet get after everything else.
const LAST_SPANS: Duration = Duration::from_millis(500);
/// How long a daemon that leaves is waited for: all that it may take, and a little.
const PATIENCE: Duration = Duration::from_secs(20);
/// As sysexits(3) has them: another one runs here, come again, and somebody has to do something first.
const ALREADY: u8 = 69;
const AGAIN: u8 = 75;
const CONFIG: u8 = 78;
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// The whole of `haukid`, its spawner and the bridge aside.
///
/// # Safety
/// The process must have inherited `--ready-fd`, if it is given, for this purpose only.
#[must_use]
pub unsafe fn main(role: &Role) -> ExitCode {
    let serve = role.args();
    logging::start(LevelFilter::INFO, serve.log_json);
    // Every file says itself who may see it, whatever the shell was set to that we come from.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    // SAFETY: passed on to our caller.
    let mut ready = unsafe { ReadyNotice::from_raw(serve.ready_fd) };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&mut ready, &error),
    };
    let code = runtime.block_on(async {
        match run(role, &mut ready).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&mut ready, &*error),
        }
    });
    runtime.shutdown_background();
    export::finish(LAST_SPANS);
    code
}

fn refuse(ready: &mut ReadyNotice, error: &(dyn std::error::Error + 'static)) -> ExitCode {
    let mut words = error_chain::told(error);
    let role = error.downcast_ref::<RoleError>();
    if let Some(way) = role.and_then(RoleError::way_back) {
        words.push_str(&format!(" ({way})"));
    }
    let what = if role.is_some_and(RoleError::has_served) { "has left" } else { "cannot start" };
    tracing::error!("haukid {what}: {words}");
    ready.failed(&words);
    ExitCode::from(code(error))
}

/// Every signal that has a meaning.
struct SignalStream(Vec<(i32, Signal)>);

impl SignalStream {
    fn new() -> io::Result<Self> {
        let heard = signals::numbers().filter(|number| signals::meaning(*number) != SignalMeaning::Kernel);
        let heard = heard.map(|number| Ok((number, signal(SignalKind::from_raw(number))?)));
        heard.collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> i32 {
        poll_fn(|cx| {
            let came = self.0.iter_mut().find_map(|(number, signal)| {
                matches!(signal.poll_recv(cx), Poll::Ready(Some(()))).then_some(*number)
            });
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Whether it is worth to start it again, for whoever supervises it.
fn code(error: &(dyn std::error::Error + 'static)) -> u8 {
    let lost = error.downcast_ref::<RoleError>().is_some_and(|error| error.way_back().is_some());
    match error.downcast_ref::<StateDirError>() {
        Some(StateDirError::Taken { .. } | StateDirError::Listening { .. }) => ALREADY,
        // It leaves: this one is to be tried again.
        Some(StateDirError::Busy { .. }) => AGAIN,
        Some(StateDirError::Exposed { .. } | StateDirError::InPlace { .. }) => CONFIG,
        // What could not be read may be there the next time.
        _ if matches!(error.downcast_ref(), Some(DaemonSettingsError::Layer(LayerError::Read { .. }))) => 1,
        _ if lost || error.is::<DaemonSettingsError>() => CONFIG,
        _ => 1,
    }
}

async fn run(role: &Role, ready: &mut ReadyNotice) -> Result<(), Box<dyn std::error::Error>> {
    let settings = DaemonSettings::resolve(role.args(), role.name())?;
    if let Role::Findings(_) = role {
        return Ok(findings::print(&settings).await?);
    }
    if let Some(target) = &settings.trace {
        export::begin(Exporter::start(target.clone(), "haukid")?);
    }
    // First: whoever ends this daemon, from now on, ends it in order.
    let mut signals = SignalStream::new()?;
    let stays = settings.idle_exit_ms.is_none();
    let home = StateDir::claim(&settings.state_dir, halves(role), stays, PATIENCE).await?;
    // Bound before anything is made, so that a path that cannot be bound costs nothing.
    // A node's control plane is root's, whoever may use a core.
    let (uids, admins) = match role {
        Role::Node(_) => (&[][..], &[][..]),
        _ => (&*settings.config.daemon.allow_uids, &*settings.config.daemon.admin_uids),
    };
    if !stays && rustix::process::geteuid().is_root() {
        hauki_sandbox::leave_starter();
    }
    let socket = ControlSocket::bind(&settings.socket, !uids.is_empty() || !admins.is_empty())?;
    let parts = RoleParts::start(role, &home, &settings).await?;
    let listed = Listed::new(uids, admins);
    let router = parts.router().layer(from_fn(hasten)).layer(from_fn(request_trace::seen));
    let ((close, closing), (stop, stopped)) = (watch::channel(false), watch::channel(false));
    let mut door = Some((socket, router, listed, closing, stopped));
    let serving = tasks::stand("door", OnFault::EndProcess, move || {
        let door = door.take();
        async move {
            if let Some((socket, router, listed, closing, stopped)) = door {
                accept::serve(socket, router, listed, closing, stopped).await;
            }
        }
    });
    tracing::info!(role = role.name(), socket = %settings.socket.display(), pid = std::process::id(), "serving");
    ready.serving();
    let hurry = Notify::new();
    let asked = async {
        loop {
            let number = signals.next().await;
            let word = signals::word(number);
            match signals::meaning(number) {
                SignalMeaning::Drain => return tracing::info!("{word}: draining"),
                SignalMeaning::Retire => {
                    tracing::info!("asked to make room for another haukid: leaving when no vault lives");
                    hurry.notify_one();
                }
                SignalMeaning::Nothing | SignalMeaning::Kernel
                    if number == SignalKind::hangup().as_raw_value() =>
                {
                    tracing::info!(
                        "{word}: nothing is read anew; restart the daemon to change its configuration"
                    );
                }
                SignalMeaning::Nothing | SignalMeaning::Kernel => {
                    tracing::info!("{word}: it means nothing here")
                }
            }
        }
    };
    let (mut lost, mut broken) = (None, None);
    tokio::select! {
        () = idle(&parts, settings.idle_exit_ms, &hurry) => tracing::info!("idle and empty: leaving"),
        path = evicted(&home) => {
            tracing::error!("{} was removed or replaced: draining", path.display());
            lost = Some(path);
        }
        name = tasks::process().fault() => {
            broken = Some(name);
            tracing::error!(task = name, "leaving, because nothing works without it");
        }
        () = asked => {}
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    // New clients find no socket and start another daemon, which waits for the locks to be free.
    home.leaving();
    let _ = close.send(true);
    let left = parts.shut_down(DRAIN).await;
    if left > 0 {
        tracing::error!(left, "vaults were still there at the deadline; they die with this process");
    }
    let _ = stop.send(true);
    let _ = timeout(GOODBYE, serving).await;
    for left in tasks::process().end(LAST_ORDERS).await {
        tracing::warn!(task = left.name, kind = ?left.kind, age_us = left.age_us, "was cut off at the end");
    }
    if let Some(path) = lost {
        return Err(Box::new(RoleError::Homeless { path }));
    }
    if let Some(task) = broken {
        return Err(Box::new(RoleError::Broken { task }));
    }
    Ok(())
}

/// Resolves with what of the state directory is not what was claimed any more: nothing that is promised from then on
/// would be found again.
async fn evicted(home: &StateDir) -> PathBuf {
    // Twice in a row: one that is moved away and back in a moment is the same.
    let mut missed = 0;
    loop {
        sleep(IDLE_LOOK).await;
        match home.lost() {
            Some(path) if missed > 0 => return path.to_owned(),
            Some(_) => missed += 1,
            None => missed = 0,
        }
    }
}

/// What is to be changed somewhere goes through several processes.
async fn hasten(request: Request, next: Next) -> Response {
    if !request.method().is_safe() {
        cpu_latency::expect();
    }
    next.run(request).await
}

/// Resolves when nothing has been asked for as long as that, no vault lives, and no more work is
/// taken: a request that arrives meanwhile either keeps the daemon here, or is refused before it has
/// done anything, with the hint to ask again. Who is in a `hurry` does not wait to be idle for long.
async fn idle(parts: &RoleParts, limit_ms: Option<u64>, hurry: &Notify) {
    let Some(mut limit_ms) = limit_ms else { return std::future::pending().await };
    let look = IDLE_LOOK.min(Duration::from_millis(limit_ms.max(1)));
    let mut quiet_since = clock::mono();
    loop {
        tokio::select! {
            () = sleep(look) => {}
            () = hurry.notified() => limit_ms = 0,
        }
        let now = clock::mono();
        match parts.quiet_us().await {
            Some(quiet) if quiet / 1000 >= limit_ms && now.since(quiet_since) / 1000 >= limit_ms => {
                if parts.retire().await {
                    return;
                }
            }
            Some(_) => {}
            None => quiet_since = now,
        }
    }
}
