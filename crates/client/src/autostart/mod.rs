//! Autostart: bringing up `haukid all` where nothing is configured and nobody listens.
//!
//! Any number of tools may find the socket dead at the same moment. They queue at an advisory lock
//! on `<state_dir>/autostart.lock`; who gets it looks again, starts the daemon if there is still
//! none, and holds the lock until the daemon has said through a pipe that it listens or why it
//! cannot. The kernel drops the lock of a tool that dies. The daemon itself inherits nothing, see
//! `daemonize`, writes its own log file, and leaves by itself when it is idle, so a crash here leaves
//! at worst a daemon that goes away in a few minutes.

mod inherited_limits;
mod daemonize;
mod server_identity;
mod start_lock;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use serde::{Deserialize, Serialize};

use hauki_contract::system::{clock, dirs};

pub use server_identity::is_live;

/// The ids of vaults pass through it, and nobody lists it.
const STATE_MODE: u32 = 0o711;

/// The status of a haukid beside which another one serves, and of one that gave up waiting for a brief one.
const TAKEN: i32 = 69;
const AGAIN: i32 = 75;

/// How soon a process ends that has said why, and how soon the one that serves is to be heard of again.
const ENDS_MS: u64 = 1_000;
const APPEARS_MS: u64 = 5_000;
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub socket: PathBuf,
    pub state_dir: PathBuf,
    /// The daemon to start instead of the one beside our own executable.
    pub program: Option<PathBuf>,
    pub idle_exit: String,
    /// A configuration file that was named to us by a flag.
    pub config: Option<PathBuf>,
    /// For how long the daemon may be silent.
    pub patience: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    /// It passes where another one serves here, or is about to.
    #[error("haukid could not start: {reason}")]
    Refused { reason: String, passing: bool, log: PathBuf, last_lines: Vec<String> },
    #[error("haukid ended before it was ready")]
    Ended {
        /// By a signal, or because it was asked to: the next one may not.
        passing: bool,
        log: PathBuf,
        last_lines: Vec<String>,
    },
    #[error("haukid was not ready within {after:?}")]
    Silent { after: Duration, log: PathBuf, last_lines: Vec<String> },
    #[error("haukid is not installed: neither beside {beside} nor on PATH")]
    Missing { beside: String },
    #[error("failed to start {program}")]
    Spawn {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to prepare {path} for haukid")]
    State {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the state directory is not safe: another user could exchange {}; it and what is above it must be root's or your \
         own, and closed to the writing of others",
        path.display()
    )]
    Unsafe { path: PathBuf },
    #[error("vaults need root, and this is uid {uid}: no haukid was started")]
    NotRoot { uid: u32 },
    #[error("haukid would not last under `{limit}`, which cannot be lifted here")]
    Narrow { limit: String },
    #[error("{path} is held by {holder}, and was not let go within {after:?}")]
    Held { path: PathBuf, holder: String, after: Duration },
    #[error("the daemon that listens on {} is user {uid}'s, and may be anybody", path.display())]
    Stranger { path: PathBuf, uid: u32 },
    #[error("any user could listen on {} in the daemon's place: {} is not closed to others", path.display(), what.display())]
    Exposed { path: PathBuf, what: PathBuf },
    /// Where haukid would serve, or does.
    #[error("{} is in the control socket's place and is no socket", path.display())]
    InPlace { path: PathBuf },
    #[error("failed to connect to {path}")]
    Socket {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Makes sure that somebody listens on the socket; tells whether a daemon had to be started. Blocks.
pub fn ensure(plan: &Plan) -> Result<bool, AutostartError> {
    if is_live(&plan.socket)? {
        return Ok(false);
    }
    let state = |path: &Path| {
        let path = path.to_owned();
        move |source| AutostartError::State { path, source }
    };
    let uid = rustix::process::geteuid();
    // Whoever names a program knows what it is.
    if !uid.is_root() && plan.program.is_none() {
        return Err(AutostartError::NotRoot { uid: uid.as_raw() });
    }
    if let Some(limit) = inherited_limits::too_narrow() {
        return Err(AutostartError::Narrow { limit });
    }
    dirs::make(&plan.state_dir, STATE_MODE).map_err(state(&plan.state_dir))?;
    // Before anything is written there: it would go wherever a link of his leads.
    if let Some(path) = dirs::exposed_within(&plan.state_dir).map_err(state(&plan.state_dir))? {
        return Err(AutostartError::Unsafe { path });
    }
    // A start that is slow, and then one's own look at what came of it.
    let _turn = start_lock::wait(&plan.state_dir.join("autostart.lock"), plan.patience * 2)?;
    if is_live(&plan.socket)? {
        return Ok(false);
    }
    match start(plan) {
        // The one that is there makes a socket anew that was removed, or is not ready yet.
        Err(AutostartError::Refused { passing: true, .. }) if appears(&plan.socket)? => return Ok(false),
        started => started?,
    }
    // It may listen where others can as well.
    is_live(&plan.socket)?;
    Ok(true)
}

/// Whether somebody listens before long.
fn appears(socket: &Path) -> Result<bool, AutostartError> {
    let end = clock::mono().plus_ms(APPEARS_MS);
    while end.since(clock::mono()) > 0 {
        if is_live(socket)? {
            return Ok(true);
        }
        thread::sleep(LOOK);
    }
    Ok(false)
}

fn start(plan: &Plan) -> Result<(), AutostartError> {
    let program = match &plan.program {
        Some(program) => program.clone(),
        None => find()?,
    };
    let log_path = plan.state_dir.join("haukid.log");
    let state = |source| AutostartError::State { path: log_path.clone(), source };
    let mut log = OpenOptions::new();
    let log = log.create(true).append(true).read(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut log = log.open(&log_path).map_err(state)?;
    let from = log.seek(SeekFrom::End(0)).map_err(state)?;
    let (reader, writer) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|error| state(error.into()))?;
    let mut child = spawn(plan, &program, &log, writer.as_fd())
        .map_err(|source| AutostartError::Spawn { program: program.clone(), source })?;
    drop(writer);
    let said = listen(&reader, plan.patience);
    let mut last_lines = || last_lines(&mut log, from);
    match said {
        Ok(text) if text.trim_end() == "ready" => Ok(()),
        Ok(text) => match text.trim().strip_prefix("failed:") {
            Some(reason) => Err(AutostartError::Refused {
                reason: reason.trim().to_owned(),
                passing: ended(&mut child).is_some_and(|how| matches!(how.code(), Some(TAKEN | AGAIN))),
                last_lines: last_lines(),
                log: log_path,
            }),
            None => Err(AutostartError::Ended {
                passing: ended(&mut child).is_some_and(|how| how.success() || how.signal().is_some()),
                last_lines: last_lines(),
                log: log_path,
            }),
        },
        Err(_) => {
            Err(AutostartError::Silent { after: plan.patience, last_lines: last_lines(), log: log_path })
        }
    }
}

/// What it ended with, once it has said why; nothing where it goes on all the same.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let end = clock::mono().plus_ms(ENDS_MS);
    loop {
        match child.try_wait() {
            Ok(None) if end.since(clock::mono()) > 0 => thread::sleep(LOOK),
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
}

/// `haukid` beside our own executable, or on `PATH`.
pub fn find() -> Result<PathBuf, AutostartError> {
    let path = std::env::var_os("PATH");
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let on_path = path.iter().flat_map(std::env::split_paths);
    beside
        .iter()
        .cloned()
        .chain(on_path)
        .map(|directory| directory.join("haukid"))
        .find(|program| program.is_file())
        .ok_or_else(|| AutostartError::Missing {
            beside: own.unwrap_or_else(|| "hauki".into()).display().to_string(),
        })
}

fn spawn(plan: &Plan, program: &Path, log: &File, ready: BorrowedFd<'_>) -> io::Result<Child> {
    let number = ready.as_raw_fd();
    let mut command = Command::new(program);
    command
        .args(["all", "--idle-exit", &plan.idle_exit, "--ready-fd", &number.to_string()])
        // Said in full, so that both mean the same place whatever files and variables they read.
        .arg("--state-dir")
        .arg(&plan.state_dir)
        .arg("--socket")
        .arg(&plan.socket)
        .args(plan.config.iter().flat_map(|path| [OsStr::new("--config"), path.as_os_str()]))
        .current_dir("/")
        .env_clear()
        .envs(daemonize::environment())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    let machine = daemonize::namespaces_of_machine();
    // SAFETY: it runs between fork and exec, for which it is made, and the parent keeps the pipe open until
    // spawn has returned, so the number is valid there.
    unsafe { command.pre_exec(move || daemonize::detach(number, &machine)) };
    // Nobody waits for one that serves: it outlives us, and init adopts it.
    command.spawn()
}

/// The one line that the daemon writes, or what came before the end of the pipe.
fn listen(pipe: &OwnedFd, patience: Duration) -> io::Result<String> {
    let end = clock::mono().plus_ms(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
    let mut text = Vec::new();
    loop {
        let left = end.since(clock::mono());
        if left == 0 {
            return Err(ErrorKind::TimedOut.into());
        }
        let left = Timespec::try_from(Duration::from_micros(left)).map_err(|_| ErrorKind::InvalidInput)?;
        match rustix::event::poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&left)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut chunk = [0; 512];
        let length = rustix::io::read(pipe, &mut chunk)?;
        text.extend_from_slice(&chunk[..length]);
        if length == 0 || text.ends_with(b"\n") || text.len() > 64 * 1024 {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

/// What this start wrote into the log, at most its last ten lines.
fn last_lines(log: &mut File, from: u64) -> Vec<String> {
    const MOST: u64 = 16 * 1024;
    let end = log.seek(SeekFrom::End(0)).unwrap_or(from);
    let mut bytes = Vec::new();
    let begin = from.max(end.saturating_sub(MOST));
    if log.seek(SeekFrom::Start(begin)).is_err() || log.take(MOST).read_to_end(&mut bytes).is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn plan(directory: &Path, script: &str) -> Plan {
        let program = directory.join("fake-haukid");
        fs::write(&program, format!("#!/bin/bash\n{script}\n")).expect("writes");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("marks");
        Plan {
            socket: directory.join("hauki.sock"),
            state_dir: directory.join("state"),
            program: Some(program),
            idle_exit: "5m".into(),
            config: None,
            patience: Duration::from_secs(10),
        }
    }

    #[test]
    fn what_the_daemon_says_is_the_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let says = "echo one; echo two >&2; echo \"failed: no root\" >&$5";
        match ensure(&plan(directory.path(), says)) {
            Err(AutostartError::Refused { reason, last_lines, .. }) => {
                assert_eq!((reason.as_str(), last_lines), ("no root", vec!["one".into(), "two".into()]));
            }
            other => panic!("{other:?}"),
        }
        match ensure(&plan(directory.path(), "echo segfault; exit 3")) {
            Err(AutostartError::Ended { last_lines, passing: false, .. }) => {
                assert_eq!(last_lines, ["segfault"])
            }
            other => panic!("{other:?}"),
        }
        // As it ends when somebody kills it, or stops it in order.
        for ended in ["kill -9 $$", "exit 0"] {
            let outcome = ensure(&plan(directory.path(), ended));
            assert!(matches!(outcome, Err(AutostartError::Ended { passing: true, .. })), "{outcome:?}");
        }
        let silent = Plan { patience: Duration::from_millis(50), ..plan(directory.path(), "exec sleep 1") };
        assert!(matches!(ensure(&silent), Err(AutostartError::Silent { .. })));
    }

    #[test]
    fn nothing_is_written_where_another_user_may_have_left_a_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let (plan, victim) = (plan(directory.path(), "echo ready >&$5"), directory.path().join("victim"));
        fs::create_dir(&plan.state_dir).expect("is made");
        std::os::unix::fs::symlink(&victim, plan.state_dir.join("haukid.log")).expect("is made");
        assert!(matches!(ensure(&plan), Err(AutostartError::State { .. })), "the log is no link");
        for open in [0o777, 0o1777] {
            fs::set_permissions(&plan.state_dir, fs::Permissions::from_mode(open)).expect("is ours");
            assert!(matches!(ensure(&plan), Err(AutostartError::Unsafe { path }) if path == plan.state_dir));
        }
        assert!(!victim.exists());
    }

    #[test]
    fn one_that_serves_already_is_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let (given, socket) = (directory.path().join("hauki.sock"), directory.path().join("later"));
        let gives_way = |code: u8| format!("echo \"failed: another one serves\" >&$5; exit {code}");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("binds");
        // As the daemon does that finds its socket gone.
        let made = plan(
            directory.path(),
            &format!("mv {} {}; {}", socket.display(), given.display(), gives_way(69)),
        );
        assert!(!ensure(&made).expect("somebody listens"));
        drop(listener);
        std::fs::remove_file(&given).expect("is there");
        match ensure(&plan(directory.path(), &gives_way(78))) {
            Err(AutostartError::Refused { passing: false, .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stale_socket_is_no_daemon() {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("hauki.sock");
        assert!(!is_live(&socket).expect("looks"));
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("binds");
        assert!(is_live(&socket).expect("looks"));
        // A copy lives on for a moment in a child that another test has forked and that has not executed.
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).expect("was open");
        drop(listener);
        assert!(socket.exists() && !is_live(&socket).expect("looks"));
    }
}
