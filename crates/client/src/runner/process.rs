//! Process lifecycle: one runner from its start to its end.
//!
//! It is started without an environment, at the root, with one end of a socket pair as its standard input
//! and nothing else of ours; what is not closed on exec by itself, it closes first of all. What it writes
//! to its standard error stays in a pipe of the kernel's size until it has ended, and is looked at then.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::RunnerError;
use hauki_contract::rpc::channel::{self, OVERHEAD};
use hauki_contract::rpc::script::{FromRunner, RunnerReady, ToRunner};

/// Of what it has written to its standard error.
const WORDS_BYTES: u64 = 4096;

const BUFFER: usize = 16 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 16 * BUFFER;

/// How long one may take to end whose channel has ended.
const END: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// A process that is on its way; it needs no runtime yet, so it can start beside it.
pub(crate) struct StartedRunner {
    process: Process,
    channel: Pair,
}

/// One that is spoken to.
pub(crate) struct Runner {
    process: Process,
    channel: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The longest frame that it may send.
    limit: usize,
    is_ready: bool,
    /// Counts requests.
    number: u64,
}

/// Killed and reaped when it is dropped.
struct Process {
    child: Child,
    pidfd: OwnedFd,
    words: Option<ChildStderr>,
}

impl StartedRunner {
    /// With so many bytes that it may map. The thread that calls this must live as long as the runner.
    pub(crate) fn new(program: &Path, most_bytes: u64) -> Result<Self, RunnerError> {
        let failed = |source: io::Error| RunnerError::Start { program: program.to_owned(), source };
        let (channel, theirs) = Pair::pair().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg(most_bytes.to_string()).env_clear().current_dir("/");
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let words = child.stderr.take();
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a number");
        // Nobody has waited for it, so the number is its own.
        let pidfd = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(error.into()));
            }
        };
        Ok(Self { process: Process { child, pidfd, words }, channel })
    }

    /// Called inside of a runtime.
    pub(crate) fn attach(self, most_payload: usize) -> Result<Runner, RunnerError> {
        let Self { process, channel } = self;
        channel.set_nonblocking(true).map_err(RunnerError::Channel)?;
        let channel = UnixStream::from_std(channel).map_err(RunnerError::Channel)?;
        let (input, output, limit) = (Vec::new(), Vec::new(), most_payload.saturating_add(OVERHEAD));
        Ok(Runner { process, channel, input, output, limit, is_ready: false, number: 0 })
    }
}

impl Runner {
    /// Asks something; what comes next has to do with it.
    pub(crate) async fn request(&mut self, request: &ToRunner) -> Result<(), RunnerError> {
        self.number += 1;
        self.send(request).await
    }

    /// Goes on with the last request. Dropped halfway, what follows is no frame any more.
    pub(crate) async fn send(&mut self, message: &ToRunner) -> Result<(), RunnerError> {
        message.encode(&mut self.output, self.number);
        let sent = self.channel.write_all(&self.output).await;
        self.output.clear();
        self.output.shrink_to(KEPT);
        match sent {
            Ok(()) => Ok(()),
            // It has ended, and how is told by its process; what it said before that is there to be read.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                Err(self.process.end())
            }
            Err(error) => Err(RunnerError::Channel(error)),
        }
    }

    /// What it says next: an efun, or the answer to the last request. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Result<FromRunner, RunnerError> {
        loop {
            while let Some((number, message, used)) =
                FromRunner::decode(&self.input, self.limit).map_err(RunnerError::Frame)?
            {
                self.input.drain(..used);
                if self.input.is_empty() {
                    self.input.shrink_to(KEPT);
                }
                match message {
                    FromRunner::Ready(ready) if !self.is_ready && number == 0 => self.welcome(ready)?,
                    FromRunner::Ready(_) => return Err(RunnerError::OutOfTurn),
                    message if self.is_ready && number == self.number => return Ok(message),
                    _ => return Err(RunnerError::OutOfTurn),
                }
            }
            // The length of the frame that begins here has been accepted.
            let whole = channel::length(&self.input).unwrap_or(BUFFER);
            self.input.reserve(whole.saturating_sub(self.input.len()).clamp(1, KEPT));
            match self.channel.read_buf(&mut self.input).await {
                Ok(0) => return Err(self.process.end()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(self.process.end());
                }
                Err(error) => return Err(RunnerError::Channel(error)),
            }
        }
    }

    fn welcome(&mut self, ready: RunnerReady) -> Result<(), RunnerError> {
        const OURS: &str = env!("CARGO_PKG_VERSION");
        if ready.version != OURS {
            let theirs = ready.version.chars().filter(char::is_ascii_graphic).take(32).collect();
            return Err(RunnerError::Foreign { ours: OURS, theirs });
        }
        self.is_ready = true;
        Ok(())
    }
}

impl Process {
    /// How it ended whose channel has ended; one that has not ended by itself is killed.
    fn end(&mut self) -> RunnerError {
        // Whatever poll says, the process is dead after this.
        let gone = matches!(poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&END)), Ok(1..));
        if !gone {
            self.kill();
        }
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(error) => return RunnerError::Channel(error),
        };
        if !gone {
            return RunnerError::OutOfTurn;
        }
        RunnerError::ended(status, &self.last_words())
    }

    fn last_words(&mut self) -> String {
        let Some(words) = self.words.take() else { return String::new() };
        let mut bytes = Vec::new();
        // Whoever else may have the other end: nobody waits for him. What was not read was not important.
        let _ = rustix::io::ioctl_fionbio(&words, true);
        let _ = words.take(WORDS_BYTES).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn kill(&self) {
        // One that is dead already needs no killing.
        let _ = pidfd_send_signal(self.pidfd.as_fd(), Signal::KILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // It was reaped already if its end was looked at.
        let _ = self.child.wait();
    }
}
