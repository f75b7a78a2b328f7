//! Error types: what can go wrong with the runner itself. What is wrong with a program or a source is no error of it.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::PROGRAM;
use crate::exit::Exit;
use hauki_contract::rpc::channel::FrameError;
use hauki_contract::rpc::script::UNLOCKED;

#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("{PROGRAM} is not installed: it is neither in {} nor in ../libexec/hauki from there", folder.display())]
    Missing { folder: PathBuf },
    #[error("failed to start {}", program.display())]
    Start {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{PROGRAM} cannot lock itself down, and without that it reads nothing: {reason}")]
    Unlocked { reason: String },
    #[error("{PROGRAM} is of version {theirs}, and hauki of {ours}")]
    Foreign { ours: &'static str, theirs: String },
    #[error("{PROGRAM} crashed ({how}); it was locked down, and nothing else came to harm")]
    Crashed { how: String, last_words: Vec<String> },
    #[error("{PROGRAM} was killed by somebody else ({how})")]
    Killed { how: String },
    #[error("{PROGRAM} broke the rules of its channel and was ended")]
    Frame(#[source] FrameError),
    #[error("{PROGRAM} said something out of turn and was ended")]
    OutOfTurn,
    #[error("failed to speak to {PROGRAM}")]
    Channel(#[source] io::Error),
    /// An earlier error has ended it.
    #[error("{PROGRAM} has ended, and with it all that the script had")]
    Gone,
}

impl RunnerError {
    /// The public code, the same words as in errors of the tool.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "runner_missing",
            Self::Start { .. } | Self::Unlocked { .. } | Self::Foreign { .. } => "runner_unusable",
            Self::Crashed { .. } | Self::Frame(_) | Self::OutOfTurn => "runner_crashed",
            Self::Killed { .. } | Self::Channel(_) | Self::Gone => "runner_ended",
        }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Start { source, .. } if is_passing(source) => Exit::Temporary,
            Self::Missing { .. } | Self::Start { .. } | Self::Unlocked { .. } | Self::Foreign { .. } => {
                Exit::Config
            }
            Self::Crashed { .. } | Self::Frame(_) | Self::OutOfTurn => Exit::Bug,
            Self::Killed { .. } | Self::Channel(_) | Self::Gone => Exit::Temporary,
        }
    }

    /// What mends it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } | Self::Foreign { .. } => {
                Some("install hauki-script of the same build beside hauki; make install does")
            }
            Self::Start { source, .. } if is_passing(source) => None,
            Self::Start { .. } => Some("hauki doctor tries it"),
            Self::Unlocked { .. } => {
                Some("it needs a kernel with seccomp, which containers can forbid; hauki doctor tries it")
            }
            Self::Crashed { .. } | Self::Frame(_) | Self::OutOfTurn => {
                Some("this is a defect of hauki, or an attack on it: keep the source")
            }
            Self::Killed { .. } | Self::Channel(_) | Self::Gone => None,
        }
    }

    /// Lines that the runner wrote last.
    #[must_use]
    pub fn last_words(&self) -> &[String] {
        match self {
            Self::Crashed { last_words, .. } => last_words,
            _ => &[],
        }
    }

    /// From how a process ended that should have gone on.
    pub(super) fn ended(status: ExitStatus, words: &str) -> Self {
        let last_words = cleaned(words);
        match (status.code(), status.signal()) {
            (Some(UNLOCKED), _) => {
                let reason = last_words.into_iter().next();
                Self::Unlocked { reason: reason.unwrap_or_else(|| "it does not say why".to_owned()) }
            }
            (_, Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT)) => {
                Self::Killed { how: status.to_string() }
            }
            (_, Some(libc::SIGSYS)) => {
                Self::Crashed { how: "it made a system call that it may not make".to_owned(), last_words }
            }
            _ => Self::Crashed { how: status.to_string(), last_words },
        }
    }
}

/// What may be otherwise in a moment.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
}

/// A few lines of what a stranger wrote, without what would move a terminal's cursor.
fn cleaned(words: &str) -> Vec<String> {
    const LINES: usize = 4;
    const LENGTH: usize = 160;
    let lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let plain = |line: &str| -> String {
        line.chars().take(LENGTH).map(|letter| if letter.is_ascii_graphic() { letter } else { ' ' }).collect()
    };
    lines.take(LINES).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_ended_is_told_apart() {
        let ended = |status: i32| RunnerError::ended(ExitStatus::from_raw(status), "why\x1b[2J\n\n\u{9b}x\n");
        let signal = |number: i32| ended(number);
        assert_eq!(ended(78 << 8).code(), "runner_unusable");
        assert_eq!(ended(78 << 8).exit(), Exit::Config);
        for (number, code, exit) in [
            (libc::SIGSEGV, "runner_crashed", Exit::Bug),
            (libc::SIGSYS, "runner_crashed", Exit::Bug),
            (libc::SIGABRT, "runner_crashed", Exit::Bug),
            (libc::SIGKILL, "runner_ended", Exit::Temporary),
        ] {
            let error = signal(number);
            assert_eq!((error.code(), error.exit()), (code, exit), "{number}");
        }
        assert!(ended(3 << 8).to_string().contains("exit status: 3"));
        assert!(signal(libc::SIGSYS).to_string().contains("system call"));
        assert_eq!(signal(libc::SIGSEGV).last_words(), ["why [2J", " x"]);
    }
}
