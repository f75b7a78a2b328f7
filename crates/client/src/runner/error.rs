//! Error types: what can go wrong with a confined child itself. What is wrong with a program or a source is no error
//! of it.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::exit::Exit;
use hauki_contract::rpc::channel::FrameError;
use hauki_contract::rpc::script::UNLOCKED;

/// The programs that are installed beside `hauki` and started by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildProgram {
    /// `hauki-script`, the engine.
    Runner,
    /// `hauki-compile`.
    Compiler,
    /// `hauki-mcp`, which `hauki mcp` becomes.
    AgentServer,
}

impl ChildProgram {
    /// What the program's file is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runner => "hauki-script",
            Self::Compiler => "hauki-compile",
            Self::AgentServer => "hauki-mcp",
        }
    }
}

/// What went wrong with which of them.
#[derive(Debug)]
pub struct ChildError {
    pub program: ChildProgram,
    pub fault: ChildFault,
}

/// Reads on after the program's name.
#[derive(Debug, thiserror::Error)]
pub enum ChildFault {
    #[error("is not installed: it is neither in {} nor in ../libexec/hauki from there", folder.display())]
    Missing { folder: PathBuf },
    #[error("cannot be started ({})", path.display())]
    Start {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot lock itself down, and without that it reads nothing: {reason}")]
    Unlocked { reason: String },
    #[error("is of version {theirs}, and hauki of {ours}")]
    Foreign { ours: &'static str, theirs: String },
    #[error("crashed ({how}); it was locked down, and nothing else came to harm")]
    Crashed { how: String, last_words: Vec<String> },
    #[error("was killed by somebody else ({how})")]
    Killed { how: String },
    #[error("broke the rules of its channel and was ended")]
    Frame(#[source] FrameError),
    #[error("said something out of turn and was ended")]
    OutOfTurn,
    #[error("cannot be spoken to")]
    Channel(#[source] io::Error),
    /// An earlier error has ended it.
    #[error("has ended, and with it all that it had")]
    Gone,
}

impl fmt::Display for ChildError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.program.name(), self.fault)
    }
}

impl Error for ChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

impl ChildError {
    /// The public code, the same words as in errors of the tool.
    #[must_use]
    pub fn code(&self) -> &'static str {
        use ChildFault::{
            Channel, Crashed, Foreign, Frame, Gone, Killed, Missing, OutOfTurn, Start, Unlocked,
        };
        use ChildProgram::{AgentServer, Compiler, Runner};
        match (self.program, &self.fault) {
            (Runner, Missing { .. }) => "runner_missing",
            (Runner, Start { .. } | Unlocked { .. } | Foreign { .. }) => "runner_unusable",
            (Runner, Crashed { .. } | Frame(_) | OutOfTurn) => "runner_crashed",
            (Runner, Killed { .. } | Channel(_) | Gone) => "runner_ended",
            (Compiler, Missing { .. }) => "compiler_missing",
            (Compiler, Start { .. } | Unlocked { .. } | Foreign { .. }) => "compiler_unusable",
            (Compiler, Crashed { .. } | Frame(_) | OutOfTurn) => "compiler_crashed",
            (Compiler, Killed { .. } | Channel(_) | Gone) => "compiler_ended",
            (AgentServer, Missing { .. }) => "mcp_missing",
            // It has no channel: this process becomes it, or does not.
            (AgentServer, _) => "mcp_unusable",
        }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.fault {
            ChildFault::Start { source, .. } if is_passing(source) => Exit::Temporary,
            ChildFault::Missing { .. }
            | ChildFault::Start { .. }
            | ChildFault::Unlocked { .. }
            | ChildFault::Foreign { .. } => Exit::Config,
            ChildFault::Crashed { .. } | ChildFault::Frame(_) | ChildFault::OutOfTurn => Exit::Bug,
            ChildFault::Killed { .. } | ChildFault::Channel(_) | ChildFault::Gone => Exit::Temporary,
        }
    }

    /// What mends it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match &self.fault {
            ChildFault::Missing { .. } | ChildFault::Foreign { .. } => Some(match self.program {
                ChildProgram::Runner => {
                    "install hauki-script of the same build beside hauki; make install does"
                }
                ChildProgram::Compiler => {
                    "install hauki-compile of the same build beside hauki; make install does. ES5 needs none"
                }
                ChildProgram::AgentServer => {
                    "install hauki-mcp of the same build beside hauki; make install does"
                }
            }),
            ChildFault::Start { source, .. } if is_passing(source) => None,
            ChildFault::Start { .. } => Some("hauki doctor tries it"),
            ChildFault::Unlocked { .. } => {
                Some("it needs a kernel with seccomp, which containers can forbid; hauki doctor tries it")
            }
            ChildFault::Crashed { .. } | ChildFault::Frame(_) | ChildFault::OutOfTurn => {
                Some("this is a defect of hauki, or an attack on it: keep the source")
            }
            ChildFault::Killed { .. } | ChildFault::Channel(_) | ChildFault::Gone => None,
        }
    }

    /// Lines that the runner wrote last.
    #[must_use]
    pub fn last_words(&self) -> &[String] {
        match &self.fault {
            ChildFault::Crashed { last_words, .. } => last_words,
            _ => &[],
        }
    }
}

impl ChildFault {
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
        let ended = |status: i32| ChildError {
            program: ChildProgram::Runner,
            fault: ChildFault::ended(ExitStatus::from_raw(status), "why\x1b[2J\n\n\u{9b}x\n"),
        };
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
