//! `hauki heartbeat`: what keeps phase 4 alive.

use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use clap::Args;
use clap_complete::ArgValueCompleter;
use futures_util::stream::{self, FuturesUnordered, SelectAll, Stream, StreamExt as _};
use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::batch;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::keep_alive::{self, KeepAlive};
use crate::cli::signals::{is_ignored, look_who_interrupts, was_terminals};
use crate::cli::{broken_pipe, complete, input};
use crate::client::Exit;
use crate::model::id::VaultId;

const AFTER: &str = "\
A ticket is kept straight at its node, an id through the control plane. With a command, hauki beats
while it runs and ends with its status; if a lease is lost all the same, the command gets SIGTERM and
hauki ends with 5. It gets the SIGTERM, SIGHUP, SIGQUIT and SIGINT that hauki gets, and SIGTERM when
hauki is killed; the SIGINT of a terminal, which sends it to both, is not passed on. 127 is a command
that is not there, 126 one that cannot be executed. A vault that was made with --link lives only as
long as the connection that first used its ticket, so keep it with --watch or a command.

Examples:
  hauki heartbeat t.json
  hauki heartbeat t.jsonl -- ./feed.sh t.jsonl
  hauki heartbeat t.json --watch -o jsonl";

/// Renew leases, once, for ever, or while a command runs
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct HeartbeatArgs {
    /// Vault ids, files of tickets, or - for standard input
    #[arg(value_name = "TICKET", add = ArgValueCompleter::new(complete::items))]
    items: Vec<String>,
    /// Go on until a vault is lost
    #[arg(short, long, conflicts_with = "command")]
    watch: bool,
    /// Beat while this command runs
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(ctx: &Ctx, args: &HeartbeatArgs) -> Result<Exit, CliError> {
    if let Some((program, words)) = args.command.split_first() {
        return ctx.block_on(Limit::OwnSignals, beside(ctx, args, program, words));
    }
    if args.watch {
        return ctx.block_on(Limit::OnlyIfSet, async {
            let mut keepers = keepers(ctx, &args.items).await?;
            let is_told = Cell::new(false);
            let lost = first_lost(ctx, &mut keepers, async |vault: &VaultId, left| {
                match ctx.out.stream(keep_alive::record(vault, left)) {
                    // A full disk is no reason to let them die; who leaves has had enough.
                    Err(error) if error.kind.exit != Exit::BrokenPipe => {
                        if !is_told.replace(true) {
                            ctx.say(&format!("the beats go on, their records are lost: {}\n", error.message));
                        }
                        Ok(())
                    }
                    outcome => outcome,
                }
            });
            tokio::select! {
                error = lost => Err(error),
                () = broken_pipe::reader() => Err(CliError::unread()),
            }
        });
    }
    ctx.block_on(Limit::Usual, async {
        // A pipeline may have nothing to say; a file of tickets that is empty was not written.
        let piped = args.items.iter().any(|item| item == "-");
        let items = if piped {
            input::read(ctx, &args.items).await?
        } else {
            input::read_some(ctx, &args.items).await?
        };
        batch::run_to_end(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
            let mut keep_alive = KeepAlive::new(&item, false)?;
            let left = keep_alive.beat(ctx).await?;
            Ok(vec![keep_alive::record(keep_alive.vault(), left)])
        })
        .await
    })
}

async fn keepers(ctx: &Ctx, arguments: &[String]) -> Result<Vec<KeepAlive>, CliError> {
    input::read_some(ctx, arguments).await?.iter().map(|item| KeepAlive::new(item, true)).collect()
}

/// Keeps them all; the first loss ends it.
async fn first_lost(
    ctx: &Ctx,
    keepers: &mut [KeepAlive],
    told: impl AsyncFn(&VaultId, u64) -> Result<(), CliError>,
) -> CliError {
    let mut all: FuturesUnordered<_> =
        keepers.iter_mut().map(|keep_alive| keep_alive.keep(ctx, &told)).collect();
    match all.next().await {
        Some(error) => error,
        None => std::future::pending().await,
    }
}

async fn beside(
    ctx: &Ctx,
    args: &HeartbeatArgs,
    program: &OsString,
    words: &[OsString],
) -> Result<Exit, CliError> {
    let mut keepers = keepers(ctx, &args.items).await?;
    // The command must not start on vaults that are gone.
    for keep_alive in &mut keepers {
        keep_alive.beat(ctx).await?;
    }
    let mut signals = signals()?;
    let mut child = start(program, words)?;
    let mut lost = std::pin::pin!(first_lost(ctx, &mut keepers, async |_: &VaultId, _| Ok(())));
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(|error| CliError::io("wait for the command", &error))?;
                ctx.status.set(Some(code(status)));
                return Ok(Exit::Ok);
            }
            error = &mut lost => {
                pass_on(&child, Signal::TERM);
                let _ = child.wait().await;
                return Err(error);
            }
            Some(got) = signals.next() => got.into_iter().for_each(|signal| pass_on(&child, signal)),
        }
    }
}

/// Those that end a command, each with what the command gets of it. One that we were started to ignore, as
/// nohup(1) and shells do, the command ignores as well.
fn signals() -> Result<impl Stream<Item = Option<Signal>> + Unpin, CliError> {
    let wanted = [
        (SignalKind::terminate(), Signal::TERM),
        (SignalKind::hangup(), Signal::HUP),
        (SignalKind::quit(), Signal::QUIT),
        (SignalKind::interrupt(), Signal::INT),
    ];
    let mut all = SelectAll::new();
    for (kind, passed) in wanted {
        if is_ignored(kind) {
            continue;
        }
        if passed == Signal::INT {
            look_who_interrupts()?;
        }
        let heard = signal(kind).map_err(|error| CliError::io("listen for signals", &error))?;
        all.push(Box::pin(stream::unfold((heard, passed), async |(mut heard, passed)| {
            heard.recv().await?;
            // A terminal has sent it to the command as well, whose answer to it counts.
            let has_it = passed == Signal::INT && was_terminals();
            Some(((!has_it).then_some(passed), (heard, passed)))
        })));
    }
    Ok(all)
}

/// The command, which gets SIGTERM when we are killed.
fn start(program: &OsString, words: &[OsString]) -> Result<Child, CliError> {
    let mut command = Command::new(program);
    let own = rustix::process::getpid();
    let bound = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        // We may have been killed before that.
        if rustix::process::getppid() == Some(own) {
            Ok(())
        } else {
            Err(std::io::ErrorKind::NotConnected.into())
        }
    };
    // SAFETY: between fork and exec only prctl(2) and getppid(2) are called, which are async-signal-safe.
    unsafe { command.args(words).pre_exec(bound) };
    command.spawn().map_err(|error| {
        let exit =
            if error.kind() == std::io::ErrorKind::NotFound { Exit::NoCommand } else { Exit::CannotRun };
        let shown = program.to_string_lossy();
        CliError::new(ErrorKind::new("bad_command", exit), format!("failed to start {shown}: {error}"))
    })
}

fn pass_on(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It has not been waited for, so the number is still its own.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// As a shell tells it.
fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
