//! Exit codes: what a process of ours ends with. The numbers are public and stable: scripts branch on them.
//!
//! 64 to 78 are those of sysexits(3) where one fits; the small numbers are ours, because clap owns 2
//! for usage. 126 and 127 are what shells say of a command that does not start, 125 stays free, and 255 is never used, because xargs stops at it.

use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::rpc::message::code;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    Ok,
    Failure,
    Usage,
    NotFound,
    Denied,
    Conflict,
    Partial,
    WorkerFailed,
    Quota,
    Data,
    Bug,
    Io,
    Temporary,
    Config,
    Timeout,
    CannotRun,
    NoCommand,
    HungUp,
    Interrupted,
    BrokenPipe,
    Terminated,
}

impl Exit {
    pub const ALL: [Self; 21] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::NotFound,
        Self::Denied,
        Self::Conflict,
        Self::Partial,
        Self::WorkerFailed,
        Self::Quota,
        Self::Data,
        Self::Bug,
        Self::Io,
        Self::Temporary,
        Self::Config,
        Self::Timeout,
        Self::CannotRun,
        Self::NoCommand,
        Self::HungUp,
        Self::Interrupted,
        Self::BrokenPipe,
        Self::Terminated,
    ];

    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Conflict => 5,
            Self::Partial => 6,
            Self::WorkerFailed => 7,
            Self::Quota => 8,
            Self::Data => 65,
            Self::Bug => 70,
            Self::Io => 74,
            Self::Temporary => 75,
            Self::Config => 78,
            Self::Timeout => 124,
            Self::CannotRun => 126,
            Self::NoCommand => 127,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::BrokenPipe => 141,
            Self::Terminated => 143,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::Partial => "partial",
            Self::WorkerFailed => "worker_failed",
            Self::Quota => "quota",
            Self::Data => "data",
            Self::Bug => "bug",
            Self::Io => "io",
            Self::Temporary => "temporary",
            Self::Config => "config",
            Self::Timeout => "timeout",
            Self::CannotRun => "cannot_run",
            Self::NoCommand => "no_command",
            Self::HungUp => "hung_up",
            Self::Interrupted => "interrupted",
            Self::BrokenPipe => "broken_pipe",
            Self::Terminated => "terminated",
        }
    }

    /// When it is used, for `hauki help exit-codes` and the man page.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Ok => "done, or so already",
            Self::Failure => "a failure that has no class of its own",
            Self::Usage => "the command line is wrong; also a missing --yes or a missing -",
            Self::NotFound => "no such summons, vault, gem or method",
            Self::Denied => "the ticket or the peer has no right to this, or the ticket is expired",
            Self::Conflict => "the vault is dead, the phase does not allow it, or the key was used before",
            Self::Partial => "some items of a batch failed; their error records are on stdout",
            Self::WorkerFailed => "the worker's own code failed",
            Self::Quota => "a limit of the installation refuses it",
            Self::Data => "a source, record, ticket or argument cannot be used as it is",
            Self::Bug => "a defect in hauki",
            Self::Io => "standard output or a file could not be written",
            Self::Temporary => "no capacity, not reachable, or a lock is held: try again later",
            Self::Config => "the configuration or the machine is not usable; see hauki doctor",
            Self::Timeout => "--timeout or a call's deadline ran out",
            Self::CannotRun => "the command of hauki heartbeat -- COMMAND cannot be executed",
            Self::NoCommand => "the command of hauki heartbeat -- COMMAND is not there",
            Self::HungUp => "the terminal went away (SIGHUP), unless it was ignored from the start",
            Self::Interrupted => "interrupted by Ctrl-C (SIGINT)",
            Self::BrokenPipe => "the reader of standard output went away (SIGPIPE)",
            Self::Terminated => "terminated (SIGTERM)",
        }
    }

    /// Whether the same command may succeed later without anybody changing it.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::Temporary | Self::Timeout)
    }

    /// What a batch ends with: one code where all items agree, [`Exit::Partial`] where they differ.
    #[must_use]
    pub fn merge(items: impl IntoIterator<Item = Self>) -> Self {
        let mut items = items.into_iter();
        let Some(first) = items.next() else { return Self::Ok };
        if items.all(|exit| exit == first) { first } else { Self::Partial }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    /// Of an answer that is no. A code that is not known counts as the first with its status, and among the defects of
    /// others, which are not ours, as a failure.
    #[must_use]
    pub fn of_api(error: &ApiError) -> Self {
        let of_status = |status| ErrorCode::ALL.into_iter().find(|code| code.http_status() == status);
        match (error.code, error.status) {
            (OpenWord::Known(code), _) => code.into(),
            (OpenWord::Other(_), _) if error.retryable => Self::Temporary,
            (OpenWord::Other(_), Some(status @ 400..500)) => {
                of_status(status).map_or(Self::Failure, Self::from)
            }
            (OpenWord::Other(_), _) => Self::Failure,
        }
    }
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::BadRequest | ErrorCode::TooLarge | ErrorCode::BadSource => Self::Data,
            ErrorCode::Denied => Self::Denied,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::VaultDead | ErrorCode::Conflict | ErrorCode::KeyReused => Self::Conflict,
            ErrorCode::WorkerFailed => Self::WorkerFailed,
            ErrorCode::Quota => Self::Quota,
            ErrorCode::NoCapacity | ErrorCode::Temporary => Self::Temporary,
            ErrorCode::Timeout => Self::Timeout,
            ErrorCode::Environment => Self::Config,
            ErrorCode::Internal => Self::Bug,
        }
    }
}

/// The public code and the exit of a JSON-RPC error number.
#[must_use]
pub fn of_rpc(number: i32) -> (&'static str, Exit) {
    let exit = match number {
        code::PARSE | code::INVALID_REQUEST | code::INVALID_PARAMS | code::TOO_LARGE => Exit::Data,
        code::METHOD_NOT_FOUND => Exit::NotFound,
        code::WORKER | code::MEMORY | code::LOOP | code::CANCELLED => Exit::WorkerFailed,
        code::UNAUTHENTICATED | code::DENIED => Exit::Denied,
        code::VAULT_DEAD => Exit::Conflict,
        code::DEADLINE => Exit::Timeout,
        code::BUSY | code::BROKEN => Exit::Temporary,
        code::INTERNAL => Exit::Bug,
        _ => Exit::Failure,
    };
    (code::word(number), exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_leave_the_shells_alone() {
        for (index, exit) in Exit::ALL.iter().enumerate() {
            assert!(Exit::ALL[..index].iter().all(|other| other.code() != exit.code()), "{exit:?}");
            let shells = matches!(exit, Exit::CannotRun | Exit::NoCommand);
            assert!(shells || !(125..=127).contains(&exit.code()), "{exit:?}");
            assert_ne!(exit.code(), 255, "{exit:?}");
        }
    }

    #[test]
    fn what_the_server_says_decides_the_exit() {
        for (code, number) in [
            (ErrorCode::NoCapacity, 75),
            (ErrorCode::BadSource, 65),
            (ErrorCode::VaultDead, 5),
            (ErrorCode::Denied, 4),
            (ErrorCode::WorkerFailed, 7),
            (ErrorCode::Environment, 78),
        ] {
            assert_eq!(Exit::from(code).code(), number, "{code:?}");
        }
        for code in ErrorCode::ALL {
            assert_ne!(Exit::from(code), Exit::Ok);
        }
    }

    #[test]
    fn a_code_that_is_not_known_exits_by_its_status() {
        let exit = |retryable, status| {
            let bare = ApiError::new(ErrorCode::Internal, "m");
            Exit::of_api(&ApiError { code: OpenWord::Other("frozen"), retryable, status, ..bare })
        };
        for (status, expected) in
            [(400, 65), (403, 4), (404, 3), (409, 5), (422, 65), (429, 8), (418, 1), (500, 1)]
        {
            assert_eq!(exit(false, Some(status)).code(), expected, "{status}");
            assert_eq!(exit(true, Some(status)), Exit::Temporary, "{status}");
        }
        assert_eq!((exit(false, None), exit(true, None)), (Exit::Failure, Exit::Temporary));
    }

    #[test]
    fn a_batch_agrees_or_is_partial() {
        assert_eq!(Exit::merge([]), Exit::Ok);
        assert_eq!(Exit::merge([Exit::Ok, Exit::Ok]), Exit::Ok);
        assert_eq!(Exit::merge([Exit::Conflict, Exit::Conflict]), Exit::Conflict);
        assert_eq!(Exit::merge([Exit::Conflict, Exit::Ok]), Exit::Partial);
        assert_eq!(Exit::merge([Exit::Conflict, Exit::Denied]), Exit::Partial);
    }
}
