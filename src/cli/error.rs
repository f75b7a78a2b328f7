//! Command error: one for all verbs. Its kind alone decides the exit; its words are for people, its object for
//! machines.

use std::error::Error;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::sanitize;
use crate::api::{ApiError, ErrorCode};
use crate::client::autostart::AutostartError;
use crate::client::config::ConfigError;
use crate::client::error::with_causes;
use crate::client::ghost::GhostError;
use crate::client::relay::{ListenAddressError, RelayError};
use crate::client::script::{self, ScriptFailure};
use crate::client::{ClientError, Exit};
use crate::rpc::channel::WorkerError;
use crate::rpc::message::code;
use hauki_contract::strict::tolerant_reader;

/// What the kernel takes, less the zero at the end.
const LONG_PATH: &str =
    "a socket's path may have 107 bytes: set daemon.socket or daemon.state_dir to a shorter one";

/// Where two do not understand one another who should.
const VERSIONS: &str = "hauki version shows whether the daemon is of another version";

const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorKind {
    /// Public, the same words as in the API.
    pub(crate) code: &'static str,
    pub(crate) exit: Exit,
}

impl ErrorKind {
    pub(crate) const fn new(code: &'static str, exit: Exit) -> Self {
        Self { code, exit }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct CliError {
    pub(crate) kind: ErrorKind,
    /// A lower-case fragment, causes included.
    pub(crate) message: String,
    /// Boxed, because an error should not make every result large.
    more: Box<More>,
}

#[derive(Debug, Clone, Default)]
struct More {
    /// Shown between message and hints as they are: a source line and its caret, a log's end.
    notes: Vec<String>,
    hints: Vec<String>,
    retryable: bool,
    /// Further fields of the JSON form.
    extra: Map<String, Value>,
}

impl CliError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            more: Box::new(More { retryable: kind.exit.retryable(), ..More::default() }),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::new("usage", Exit::Usage), message)
    }

    /// Input that cannot be used as it is.
    pub(crate) fn data(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::new(code, Exit::Data), message)
    }

    /// A file, or standard input, that a verb was told to read.
    pub(crate) fn unreadable(shown: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::data("unreadable", format!("failed to read {shown}: {error}"))
    }

    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => ErrorKind::new("broken_pipe", Exit::BrokenPipe),
            _ => ErrorKind::new("io", Exit::Io),
        };
        Self::new(kind, format!("failed to {what}: {error}"))
    }

    /// The reader of standard output has left.
    pub(crate) fn unread() -> Self {
        Self::io("write to standard output", &std::io::ErrorKind::BrokenPipe.into())
    }

    pub(crate) fn of(kind: ErrorKind, error: &dyn Error) -> Self {
        Self::new(kind, with_causes(error))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.more.hints.push(hint.into());
        self
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.more.hints
    }

    pub(crate) fn without_hints(&self) -> Self {
        Self { more: Box::new(More { hints: Vec::new(), ..(*self.more).clone() }), ..self.clone() }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.more.notes.push(note.into());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.extra.insert(name.to_owned(), value.into());
        self
    }

    /// An error of JavaScript, a worker's or a script's: its place and its stack.
    pub(crate) fn thrown(mut self, by: &str, error: &WorkerError) -> Self {
        if let (Some(file), Some(line)) = (&error.file, error.line) {
            let column = error.column.map(|column| format!(":{column}")).unwrap_or_default();
            let place = format!("{file}:{line}{column}");
            if !self.message.contains(&place) {
                let _ = write!(self.message, "  ({place})");
            }
        }
        self.behind(by, error)
    }

    /// The stack of an error of JavaScript that is the cause of this one.
    pub(crate) fn behind(mut self, by: &str, error: &WorkerError) -> Self {
        if let Some(stack) = &error.stack {
            self.more.notes.extend(stack.lines().map(|line| format!("   {}", line.trim())));
        }
        match serde_json::to_value(error) {
            Ok(value) => self.with(by, value),
            Err(_) => self,
        }
    }

    /// As a script may catch it.
    pub(crate) fn into_failure(self) -> ScriptFailure {
        let failure = ScriptFailure::new(self.kind.code, self.kind.exit, self.message);
        let (retryable, notes) = (self.more.retryable, self.more.notes);
        let hint = (!self.more.hints.is_empty()).then(|| self.more.hints.join("; "));
        ScriptFailure {
            more: Box::new(script::FailureDetail { retryable, notes, hint, ..*failure.more }),
            ..failure
        }
    }

    /// Nothing is said where the reader is gone.
    pub(crate) fn is_silent(&self) -> bool {
        self.kind.exit == Exit::BrokenPipe
    }

    /// The JSON form, on standard error for a command and on standard output for an item.
    pub(crate) fn json(&self, input: Option<&str>) -> Value {
        let mut object = json!({
            "v": 1,
            "kind": "error",
            "ok": false,
            "code": self.kind.code,
            "exit": self.kind.exit.code(),
            "message": self.message,
        });
        let fields = object.as_object_mut().expect("it was written as an object");
        if !self.more.hints.is_empty() {
            fields.insert("hint".into(), self.more.hints.join("; ").into());
        }
        fields.insert("retryable".into(), self.more.retryable.into());
        if let Some(input) = input {
            fields.insert("input".into(), input.into());
        }
        fields.extend(self.more.extra.clone());
        object
    }

    /// The human form, a newline at its end.
    pub(crate) fn text(&self, input: Option<&str>) -> String {
        use super::color::{ERROR, HINT};
        let about = input.filter(|input| !self.message.contains(input));
        let about = about.map(|input| format!("{}: ", sanitize::line(input))).unwrap_or_default();
        // A worker's error may have lines of its own, and none of them is one of ours.
        let message = sanitize::lines(&self.message).replace('\n', "\n   ");
        let mut text = format!("{ERROR}error:{ERROR:#} {about}{message}\n");
        for note in &self.more.notes {
            let _ = writeln!(text, "{}", sanitize::lines(note));
        }
        for hint in &self.more.hints {
            let _ = writeln!(text, "{HINT}hint:{HINT:#} {}", sanitize::lines(hint));
        }
        text
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        let kind = ErrorKind::new(error.code.as_str(), Exit::of_api(&error));
        let mut this = Self::new(kind, error.message);
        this.more.retryable = error.retryable;
        this.more.hints.extend(error.hint);
        // This tool writes no member that its own version does not have.
        if error.code == ErrorCode::BadRequest && this.message.contains("unknown field `") {
            this = this.hint(VERSIONS);
        }
        if let Some(worker) = &error.worker {
            this = this.thrown("worker", worker);
        }
        if let Some(receipt) = &error.receipt {
            if this.more.hints.is_empty() && receipt.death.cause == crate::model::death::Cause::HeartbeatLost
            {
                this = this.hint("keep it alive with  hauki heartbeat TICKET -- COMMAND");
            }
            if let Ok(receipt) = serde_json::to_value(receipt) {
                this = this.with("receipt", receipt);
            }
        }
        this
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Api(error) => error.into(),
            error @ ClientError::NoAuthority { .. } => {
                Self::of(ErrorKind::new(error.code(), error.exit()), &error)
                    .hint("--ca-file FILE (HAUKI_CA_FILE, ca_file) names who signs its certificate")
                    .hint("for one that everybody knows: --ca-file /etc/ssl/certs/ca-certificates.crt")
            }
            error @ ClientError::Protocol { .. } => {
                Self::of(ErrorKind::new(error.code(), error.exit()), &error).hint(VERSIONS)
            }
            error => Self::of(ErrorKind::new(error.code(), error.exit()), &error),
        }
    }
}

impl From<ScriptFailure> for CliError {
    fn from(failure: ScriptFailure) -> Self {
        let mut this = Self::new(ErrorKind::new(failure.code, failure.exit), failure.message);
        let more = *failure.more;
        this.more.retryable = more.retryable;
        this.more.notes = more.notes;
        this.more.hints.extend(more.hint);
        for (name, value) in [("vault", more.vault), ("method", more.method)] {
            if let Some(value) = value {
                this = this.with(name, value);
            }
        }
        match more.rpc_code {
            Some(code) => this.with("rpc_code", code),
            None => this,
        }
    }
}

impl From<GhostError> for CliError {
    fn from(error: GhostError) -> Self {
        let kind = ErrorKind::new(error.code(), error.exit());
        match &error {
            GhostError::Rpc { vault, error: rpc } => {
                let this = Self::of(kind, &error).with("rpc_code", rpc.code);
                let this = match rpc.code == code::UNAUTHENTICATED {
                    true => Self { message: format!("{vault}: {}", this.message), ..this }
                        .hint(format!("hauki ticket {vault} gives a new one")),
                    false => this,
                };
                match &rpc.data {
                    Some(data) => match tolerant_reader::from_value::<WorkerError>(data) {
                        Ok(worker) => this.thrown("worker", &worker),
                        Err(_) => this.with("data", data.clone()),
                    },
                    None => this,
                }
            }
            GhostError::Expired { vault, .. } => {
                Self::of(kind, &error).hint(format!("hauki ticket {vault} gives a new one"))
            }
            GhostError::Connect { source, .. } if source.raw_os_error() == Some(EMFILE) => {
                Self::of(kind, &error)
                    .hint("this process has too many files open: ulimit -n, or fewer with -j")
            }
            GhostError::Tls { .. } => Self::of(kind, &error)
                .hint("a node's key is new at each of its starts, and its vaults died with the old one"),
            _ => Self::of(kind, &error),
        }
    }
}

impl From<ListenAddressError> for CliError {
    fn from(error: ListenAddressError) -> Self {
        let kind = match &error {
            ListenAddressError::Unknown { .. } | ListenAddressError::Public { .. } => {
                ErrorKind::new("usage", Exit::Usage)
            }
            ListenAddressError::Taken { .. } => ErrorKind::new("conflict", Exit::Conflict),
            ListenAddressError::NoSocket { .. } | ListenAddressError::Bind { .. } => {
                ErrorKind::new("io", Exit::Io)
            }
        };
        Self::of(kind, &error)
    }
}

impl From<RelayError> for CliError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Read(error) => Self::io("read requests", &error),
            RelayError::Write(error) => Self::io("write replies", &error),
            RelayError::TooLong { .. } => Self::of(ErrorKind::new("too_large", Exit::Data), &error),
            RelayError::Ended(error) => error.into(),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        // What stands on the command line is no matter of the configuration.
        let kind = match &error {
            ConfigError::Choice { origin, .. } | ConfigError::Value { origin, .. } if origin.is_flag() => {
                return Self::of(ErrorKind::new("usage", Exit::Usage), &error);
            }
            _ => ErrorKind::new("config", Exit::Config),
        };
        Self::of(kind, &error).hint("hauki config show --origin lists every setting and where it comes from")
    }
}

impl From<AutostartError> for CliError {
    fn from(error: AutostartError) -> Self {
        let this = Self::of(ErrorKind::new("environment", Exit::Config), &error);
        match &error {
            AutostartError::Refused { passing: true, .. } => {
                let passing = ErrorKind::new("unreachable", Exit::Temporary);
                Self::of(passing, &error)
                    .hint("another haukid has the state directory and is not to be heard: try again")
            }
            AutostartError::Refused { log, last_lines, .. }
            | AutostartError::Ended { log, last_lines, .. }
            | AutostartError::Silent { log, last_lines, .. } => {
                let mut this = this.with("log", log.display().to_string());
                for line in last_lines {
                    this = this.note(format!("   | {line}"));
                }
                if let AutostartError::Ended { passing: true, .. } = &error {
                    let kind = ErrorKind::new("temporary", Exit::Temporary);
                    return Self { kind, ..this }.hint("somebody ended it: try again");
                }
                this.hint(format!("the whole log is {}", log.display()))
                    .hint("hauki doctor says what is missing and what mends it")
            }
            AutostartError::Missing { .. } => {
                this.hint("install haukid, or name a control plane with --endpoint")
            }
            AutostartError::Socket { source, .. } if source.kind() == std::io::ErrorKind::InvalidInput => {
                this.hint(LONG_PATH)
            }
            AutostartError::Socket { path, .. } => {
                this.hint(format!("only root and daemon.allow_uids may use {}", path.display()))
            }
            AutostartError::Stranger { path, .. } | AutostartError::Exposed { path, .. } => Self {
                kind: ErrorKind::new("untrusted", Exit::Config),
                ..this
            }
            .hint(format!("if it is meant all the same: --endpoint unix://{}", path.display()))
            .hint(
                "what is found without being named must be root's or one's own, where nobody else may write",
            ),
            AutostartError::InPlace { .. } => this.hint("move it away; haukid then makes its socket again"),
            AutostartError::NotRoot { uid } => {
                this.hint("sudo hauki … , or --endpoint for a control plane elsewhere").hint(format!(
                    "or root starts haukid with  daemon: {{allow_uids: [{uid}]}}  in /etc/hauki/hauki.yaml"
                ))
            }
            AutostartError::Narrow { .. } => {
                this.hint("start it where that limit is not set, as a service or with  haukid all")
            }
            AutostartError::Held { .. } => Self { kind: ErrorKind::new("locked", Exit::Temporary), ..this }
                .hint("end that process, or try again"),
            AutostartError::Spawn { .. } | AutostartError::State { .. } | AutostartError::Unsafe { .. } => {
                this
            }
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
