//! A static binary as a plain child process with its channel: no LXC, no name spaces.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use hauki::rpc::channel::{CHANNEL_FD, FromVault, Load, ToVault, WorkerError};

const FRAME_LIMIT: usize = 64 << 20;

pub(crate) struct Init {
    child: Child,
    pub channel: Option<UnixStream>,
    input: Vec<u8>,
}

impl Init {
    pub(crate) fn start(binary: &Path) -> Self {
        Self::start_after(binary, || Ok(()))
    }

    /// `before` runs in the child, where only system calls may be made.
    pub(crate) fn start_after(
        binary: &Path,
        before: impl Fn() -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let fd = theirs.as_raw_fd();
        let mut command = Command::new(binary);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: between fork and exec only system calls are made.
        unsafe {
            command.pre_exec(move || {
                let result = if fd == CHANNEL_FD {
                    libc::fcntl(fd, libc::F_SETFD, 0)
                } else {
                    libc::dup2(fd, CHANNEL_FD)
                };
                if result < 0 { Err(std::io::Error::last_os_error()) } else { before() }
            });
        }
        let child = command.spawn().expect("the binary starts");
        Self { child, channel: Some(ours), input: Vec::new() }
    }

    pub(crate) fn channel(&mut self) -> &mut UnixStream {
        self.channel.as_mut().expect("the channel is open")
    }

    pub(crate) fn send(&mut self, message: &ToVault) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.channel().write_all(&bytes).expect("the init reads");
    }

    /// The next message, or `None` at the end of the channel.
    pub(crate) fn receive(&mut self) -> Option<FromVault> {
        loop {
            if let Some((message, used)) =
                FromVault::decode(&self.input, FRAME_LIMIT).expect("frames are whole")
            {
                self.input.drain(..used);
                return Some(message);
            }
            let mut chunk = [0; 64 * 1024];
            let count = self.channel().read(&mut chunk).unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.input.extend_from_slice(&chunk[..count]);
        }
    }

    /// The kernel's list of what the process has mapped.
    #[allow(dead_code, reason = "not every test target looks")]
    pub(crate) fn maps(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/maps", self.child.id())).expect("the process lives")
    }

    /// Closes the channel and awaits the end of the process.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.channel = None;
        self.child.wait().expect("the child is ours")
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the child is ours")
    }

    /// A loaded worker: `Ready` and `Loaded` have been read.
    pub(crate) fn loaded(binary: &Path, source: &str) -> Self {
        let mut init = Self::start(binary);
        assert!(matches!(init.receive(), Some(FromVault::Ready(_))));
        init.send(&load(source));
        match init.receive() {
            Some(FromVault::Loaded(_)) => init,
            other => panic!("{other:?} instead of Loaded"),
        }
    }

    pub(crate) fn ask(&mut self, call: u64, method: &str, params: Option<&str>, deadline_ms: u32) {
        let (method, caller, params) = (method.to_owned(), "{}".to_owned(), params.map(str::to_owned));
        self.send(&ToVault::Call { call, deadline_ms, method, caller, params });
    }

    /// Calls and awaits the answer, which must be the next message.
    pub(crate) fn call(&mut self, method: &str, params: Option<&str>) -> Result<String, WorkerError> {
        self.ask(1, method, params, 60_000);
        match self.receive() {
            Some(FromVault::Result { call: 1, value }) => Ok(value),
            Some(FromVault::Error { call: 1, error }) => Err(error),
            other => panic!("{other:?} instead of an answer"),
        }
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        self.channel = None;
        // The child is ours and not yet reaped, so its pid is its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn load(source: &str) -> ToVault {
    ToVault::Load(Box::new(Load {
        fetch: false,
        source: source.to_owned(),
        file: "workers/w.js".to_owned(),
        args: "[]".to_owned(),
        heap_bytes: 1 << 20,
        deadline_ms: 60_000,
        max_frame_bytes: 1 << 20,
        seed: 7,
        vault: "vlt_test".to_owned(),
    }))
}
