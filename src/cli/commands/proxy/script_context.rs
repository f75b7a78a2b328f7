//! Script context: where a script of `proxy run` and `proxy repl` plays: this process's output, signals and settings.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::context::Ctx;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::sanitize;
use crate::cli::signals::{self, Endings};
use crate::cli::source_faults;
use crate::client::script::{
    CancelHandle, FailureDetail, LineSink, ProgramEnd, ScriptFailure, ScriptSession, ScriptSetupError, Setup,
    Stop, World,
};
use crate::client::{ControlPlane, Exit};
use crate::rpc::channel::{WorkerError, WorkerErrorKind};

pub(in crate::cli::commands) use crate::cli::signals::stopped;

pub(in crate::cli::commands) struct Stage<'a> {
    ctx: &'a Ctx,
    connect_timeout: Duration,
}

impl World for Stage<'_> {
    async fn endpoint(&self) -> Result<&ControlPlane, ScriptFailure> {
        self.ctx.endpoint().await.map_err(CliError::into_failure)
    }

    async fn endpoint_if_live(&self) -> Option<&ControlPlane> {
        self.ctx.endpoint_if_live().await
    }

    fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    fn print(&self, line: &str) -> io::Result<()> {
        self.ctx.out.line(line)
    }
}

/// What somebody said about the script.
pub(in crate::cli::commands) struct Play {
    pub(in crate::cli::commands) args: Vec<String>,
    pub(in crate::cli::commands) base: PathBuf,
    pub(in crate::cli::commands) heap_bytes: u64,
    /// Whether statements come one by one, of which any may be a modern one.
    pub(in crate::cli::commands) compiled: bool,
    /// Whether its workers' lines stand for themselves, without their names.
    pub(in crate::cli::commands) bare: bool,
}

/// A session that is cancelled by Ctrl-C, SIGTERM and `--timeout`.
pub(in crate::cli::commands) fn open<'a>(
    ctx: &'a Ctx,
    play: Play,
) -> Result<(ScriptSession<Stage<'a>>, CancelHandle), CliError> {
    let stage = Stage { ctx, connect_timeout: ctx.connect_timeout()? };
    let cancel = CancelHandle::default();
    let Play { args, base, heap_bytes, compiled, bare } = play;
    let (lines, trace) = (lines(ctx, bare), ctx.trace);
    let setup =
        Setup { args, base, heap_bytes, cancel: cancel.clone(), lines, trace, compiled, runner: None };
    let mut session = ScriptSession::new(stage, setup).map_err(unset)?;
    let endings = {
        let _inside = session.enter();
        signals::endings()?
    };
    session.spawn(heed(endings, cancel.clone()));
    session.begin().map_err(unset)?;
    Ok((session, cancel))
}

fn unset(error: ScriptSetupError) -> CliError {
    let kind = match error {
        ScriptSetupError::Runner(error) => return ScriptFailure::from(error).into(),
        ScriptSetupError::Stopped(why) => return stopped(why),
        ScriptSetupError::Runtime(_) => ErrorKind::new("io", Exit::Io),
        ScriptSetupError::Heap(_) => ErrorKind::new("usage", Exit::Usage),
    };
    CliError::of(kind, &error)
}

async fn heed(mut endings: Endings, cancel: CancelHandle) {
    loop {
        cancel.cancel(signals::first(&mut endings).await);
    }
}

/// A worker's lines, on standard error.
fn lines(ctx: &Ctx, bare: bool) -> LineSink {
    let quiet = ctx.globals.quiet > 0;
    Arc::new(move |worker, line| {
        if !quiet {
            let name = if bare { String::new() } else { format!("{}: ", sanitize::line(worker)) };
            // That it is closed is nothing anybody could be told.
            let _ = writeln!(io::stderr(), "{name}{}", sanitize::line(line));
        }
    })
}

/// What the command ends with.
pub(in crate::cli::commands) fn outcome(
    ctx: &Ctx,
    end: ProgramEnd,
    source: &str,
    file: &str,
) -> Result<Exit, CliError> {
    match end {
        ProgramEnd::Stopped(Stop::Exit(code)) => {
            ctx.status.set(Some(code));
            Ok(Exit::Ok)
        }
        ProgramEnd::Stopped(why) => Err(stopped(why)),
        ProgramEnd::Uncaught(error, failure) => Err(uncaught(&error, failure, source, file)),
        ProgramEnd::Unprepared(error) => Err(source_faults::unprepared(*error, source, file)),
        ProgramEnd::Lost(error) => Err(ScriptFailure::from(error).into()),
    }
}

pub(in crate::cli::commands) fn uncaught(
    error: &WorkerError,
    failure: Option<ScriptFailure>,
    source: &str,
    file: &str,
) -> CliError {
    let Some(failure) = failure else {
        return match error.kind {
            WorkerErrorKind::Syntax => source_faults::refusal(source, file, error),
            kind => {
                let shown =
                    CliError::new(ErrorKind::new("script_failed", Exit::Failure), error.message.clone());
                let shown = source_faults::thrown_at(shown, error, source, file).thrown("script", error);
                if kind == WorkerErrorKind::Memory {
                    shown.hint("--memory gives the script more")
                } else {
                    shown
                }
            }
        };
    };
    let FailureDetail { worker, vault, method, .. } = (*failure.more).clone();
    let shown = CliError::from(failure).thrown("script", error);
    match worker {
        Some(worker) => {
            let method = method.map(|method| format!("{method} of ")).unwrap_or_default();
            let shown = shown.note(format!("   in {method}{}", vault.as_deref().unwrap_or("the worker")));
            shown.behind("worker", &worker)
        }
        None => shown,
    }
}
