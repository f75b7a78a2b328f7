//! Readiness notification: telling whoever started the daemon that it serves, or why it cannot.

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};

use sd_notify::NotifyState;

/// Says "ready" or "failed: …" once, to the starter's pipe and to systemd.
#[derive(Debug)]
pub(crate) struct ReadyNotice {
    pipe: Option<File>,
}

impl ReadyNotice {
    /// # Safety
    /// The descriptor, if any, must be open and owned by nobody else in this process: a starter
    /// passes it for this one purpose.
    #[must_use]
    pub(crate) unsafe fn from_raw(fd: Option<i32>) -> Self {
        // SAFETY: the caller vouches for the descriptor; 0, 1 and 2 are never handed over.
        let pipe = fd.filter(|fd| *fd > 2).map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) }));
        Self { pipe }
    }

    pub(crate) fn serving(&mut self) {
        self.say("ready");
        let _ = sd_notify::notify(&[NotifyState::Ready]);
    }

    pub(crate) fn failed(&mut self, reason: &str) {
        self.say(&format!("failed: {}", reason.replace('\n', " ")));
    }

    /// The starter may have gone; that is no reason to stop.
    fn say(&mut self, words: &str) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = writeln!(pipe, "{words}");
        }
    }
}
