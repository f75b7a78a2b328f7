//! Process lifecycle: one confined child, a runner or a compiler, from its start to its end.
//!
//! It is started without an environment, at the root, with one end of a socket pair as its standard input
//! and nothing else of ours; what is not closed on exec by itself, it closes first of all. What it writes
//! to its standard error stays in a pipe of the kernel's size until it has ended, and is looked at then.

use std::io::{self, Read as _};
use std::marker::PhantomData;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::{ChildError, ChildFault, ChildProgram};
use hauki_contract::rpc::channel::{self, FrameError, OVERHEAD};
use hauki_contract::rpc::script::{Decoded, FromRunner, RunnerReady, ToRunner};

/// Of what it has written to its standard error.
const WORDS_BYTES: u64 = 4096;

const BUFFER: usize = 16 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 16 * BUFFER;

/// How long one may take to end whose channel has ended.
const END: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What one of the programs is asked and answers.
pub(crate) trait ChildProtocol {
    const PROGRAM: ChildProgram;
    type Request;
    type Report;

    fn encode(request: &Self::Request, out: &mut Vec<u8>, number: u64);
    fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<Self::Report>, FrameError>;
    /// What it says first, unasked; anything else comes back.
    fn ready(report: Self::Report) -> Result<RunnerReady, Self::Report>;
}

/// The engine's.
pub(crate) struct RunnerProtocol;

impl ChildProtocol for RunnerProtocol {
    const PROGRAM: ChildProgram = ChildProgram::Runner;
    type Request = ToRunner;
    type Report = FromRunner;

    fn encode(request: &ToRunner, out: &mut Vec<u8>, number: u64) {
        request.encode(out, number);
    }

    fn decode(bytes: &[u8], limit: usize) -> Result<Decoded<FromRunner>, FrameError> {
        FromRunner::decode(bytes, limit)
    }

    fn ready(report: FromRunner) -> Result<RunnerReady, FromRunner> {
        match report {
            FromRunner::Ready(ready) => Ok(ready),
            other => Err(other),
        }
    }
}

/// A process that is on its way; it needs no runtime yet, so it can start beside it.
pub(crate) struct StartedChild {
    program: ChildProgram,
    process: Process,
    channel: Pair,
}

/// One that is spoken to.
pub(crate) struct ConfinedChild<P> {
    process: Process,
    channel: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The longest frame that it may send.
    limit: usize,
    is_ready: bool,
    /// Counts requests.
    number: u64,
    protocol: PhantomData<P>,
}

/// Killed and reaped when it is dropped.
struct Process {
    child: Child,
    pidfd: OwnedFd,
    words: Option<ChildStderr>,
}

impl StartedChild {
    /// With so many bytes that it may map. The thread that calls this must live as long as the runner.
    pub(crate) fn new(program: ChildProgram, path: &Path, most_bytes: u64) -> Result<Self, ChildError> {
        let failed = |source: io::Error| ChildError {
            program,
            fault: ChildFault::Start { path: path.to_owned(), source },
        };
        let (channel, theirs) = Pair::pair().map_err(failed)?;
        let mut command = Command::new(path);
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
        Ok(Self { program, process: Process { child, pidfd, words }, channel })
    }

    /// Called inside of a runtime.
    pub(crate) fn attach<P: ChildProtocol>(
        self,
        most_payload: usize,
    ) -> Result<ConfinedChild<P>, ChildError> {
        let Self { program, process, channel } = self;
        let failed = |error| ChildError { program, fault: ChildFault::Channel(error) };
        channel.set_nonblocking(true).map_err(failed)?;
        let channel = UnixStream::from_std(channel).map_err(failed)?;
        let (input, output, limit) = (Vec::new(), Vec::new(), most_payload.saturating_add(OVERHEAD));
        let protocol = PhantomData;
        Ok(ConfinedChild { process, channel, input, output, limit, is_ready: false, number: 0, protocol })
    }
}

impl<P: ChildProtocol> ConfinedChild<P> {
    /// Asks something; what comes next has to do with it.
    pub(crate) async fn request(&mut self, request: &P::Request) -> Result<(), ChildError> {
        self.number += 1;
        self.send(request).await
    }

    /// Goes on with the last request. Dropped halfway, what follows is no frame any more.
    pub(crate) async fn send(&mut self, message: &P::Request) -> Result<(), ChildError> {
        P::encode(message, &mut self.output, self.number);
        let sent = self.channel.write_all(&self.output).await;
        self.output.clear();
        self.output.shrink_to(KEPT);
        match sent {
            Ok(()) => Ok(()),
            // It has ended, and how is told by its process; what it said before that is there to be read.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
            {
                Err(Self::failed(self.process.end()))
            }
            Err(error) => Err(Self::failed(ChildFault::Channel(error))),
        }
    }

    /// What it says next: an efun, or the answer to the last request. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Result<P::Report, ChildError> {
        loop {
            while let Some((number, message, used)) =
                P::decode(&self.input, self.limit).map_err(ChildFault::Frame).map_err(Self::failed)?
            {
                self.input.drain(..used);
                if self.input.is_empty() {
                    self.input.shrink_to(KEPT);
                }
                match P::ready(message) {
                    Ok(ready) if !self.is_ready && number == 0 => {
                        self.welcome(ready).map_err(Self::failed)?;
                    }
                    Err(message) if self.is_ready && number == self.number => return Ok(message),
                    _ => return Err(Self::failed(ChildFault::OutOfTurn)),
                }
            }
            // The length of the frame that begins here has been accepted.
            let whole = channel::length(&self.input).unwrap_or(BUFFER);
            self.input.reserve(whole.saturating_sub(self.input.len()).clamp(1, KEPT));
            match self.channel.read_buf(&mut self.input).await {
                Ok(0) => return Err(Self::failed(self.process.end())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(Self::failed(self.process.end()));
                }
                Err(error) => return Err(Self::failed(ChildFault::Channel(error))),
            }
        }
    }

    fn failed(fault: ChildFault) -> ChildError {
        ChildError { program: P::PROGRAM, fault }
    }

    fn welcome(&mut self, ready: RunnerReady) -> Result<(), ChildFault> {
        const OURS: &str = env!("CARGO_PKG_VERSION");
        if ready.version != OURS {
            let theirs = ready.version.chars().filter(char::is_ascii_graphic).take(32).collect();
            return Err(ChildFault::Foreign { ours: OURS, theirs });
        }
        self.is_ready = true;
        Ok(())
    }
}

impl Process {
    /// How it ended whose channel has ended; one that has not ended by itself is killed.
    fn end(&mut self) -> ChildFault {
        // Whatever poll says, the process is dead after this.
        let gone = matches!(poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&END)), Ok(1..));
        if !gone {
            self.kill();
        }
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(error) => return ChildFault::Channel(error),
        };
        if !gone {
            return ChildFault::OutOfTurn;
        }
        ChildFault::ended(status, &self.last_words())
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
