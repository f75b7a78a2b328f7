//! Script errors: what a script is told when something outside of it fails: the public words of errors, in one shape.

use serde_json::json;

use crate::compiler::{CompileError, ToolchainError};
use crate::error::{ClientError, with_causes};
use crate::exit::Exit;
use crate::ghost::GhostError;
use crate::runner::{CheckError, ChildError};
use hauki_contract::api::ApiError;
use hauki_contract::model::death::Cause;
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::rpc::builtin::Dying;
use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::rpc::compile::SourceFault;
use hauki_contract::rpc::message::code;
use hauki_contract::strict::tolerant_reader;

/// The Error that the script can catch.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ScriptFailure {
    pub message: String,
    /// As in the API and in the tool's own errors.
    pub code: &'static str,
    pub exit: Exit,
    /// Boxed, because an error should not make every result large.
    pub more: Box<FailureDetail>,
}

#[derive(Debug, Clone, Default)]
pub struct FailureDetail {
    /// The worker's kind of error; the code again where no worker speaks.
    pub kind: String,
    pub retryable: bool,
    pub hint: Option<String>,
    pub vault: Option<String>,
    pub method: Option<String>,
    /// The number of a JSON-RPC error.
    pub rpc_code: Option<i32>,
    /// Why the vault died.
    pub cause: Option<OpenWord<Cause>>,
    pub worker: Option<WorkerError>,
    /// All that is wrong with a source, of which `worker` has the first.
    pub faults: Vec<SourceFault>,
    /// Lines that explain more to a person, as the end of a log.
    pub notes: Vec<String>,
}

impl ScriptFailure {
    #[must_use]
    pub fn new(code: &'static str, exit: Exit, message: impl Into<String>) -> Self {
        let more =
            FailureDetail { kind: code.to_owned(), retryable: exit.retryable(), ..FailureDetail::default() };
        Self { message: message.into(), code, exit, more: Box::new(more) }
    }

    /// The fields of the Error, as the prelude reads them; those that say nothing are left out.
    pub(super) fn told(&self, number: u64) -> serde_json::Value {
        let FailureDetail {
            kind,
            retryable,
            hint,
            vault,
            method,
            rpc_code,
            cause,
            worker,
            faults: _,
            notes: _,
        } = &*self.more;
        let worker = worker.as_ref();
        let mut fields = json!({
            "number": number,
            "message": self.message,
            "code": self.code,
            "kind": kind,
            "exit": self.exit.code(),
            "retryable": retryable,
            "hint": hint,
            "vault": vault,
            "method": method,
            "rpc_code": rpc_code,
            "cause": cause,
            "remote_file": worker.and_then(|error| error.file.as_deref()),
            "remote_line": worker.and_then(|error| error.line),
            "remote_column": worker.and_then(|error| error.column),
            "remote_stack": worker.and_then(|error| error.stack.as_deref()),
        });
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        fields
    }

    /// The script asked for what cannot be.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", Exit::Data, message)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.more.hint = Some(hint.into());
        self
    }

    /// What failed: a method of a vault.
    pub(super) fn of_call(mut self, vault: &str, method: &str) -> Self {
        (self.more.vault, self.more.method) = (Some(vault.to_owned()), Some(method.to_owned()));
        self
    }

    pub(super) fn worker(mut self, error: WorkerError) -> Self {
        let kind = serde_json::to_value(error.kind).ok();
        if let Some(kind) = kind.as_ref().and_then(serde_json::Value::as_str) {
            kind.clone_into(&mut self.more.kind);
        }
        self.more.worker = Some(error);
        self
    }
}

impl From<ApiError> for ScriptFailure {
    fn from(error: ApiError) -> Self {
        let mut this = Self::new(error.code.as_str(), Exit::of_api(&error), error.message);
        (this.more.retryable, this.more.hint) = (error.retryable, error.hint);
        if let Some(receipt) = &error.receipt {
            this.more.cause = Some(receipt.death.cause);
        }
        match error.worker {
            Some(worker) => this.worker(*worker),
            None => this,
        }
    }
}

impl From<ClientError> for ScriptFailure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Api(error) => error.into(),
            error => Self::new(error.code(), error.exit(), with_causes(&error)),
        }
    }
}

impl From<ChildError> for ScriptFailure {
    fn from(error: ChildError) -> Self {
        let mut this = Self::new(error.code(), error.exit(), with_causes(&error));
        this.more.hint = error.hint().map(str::to_owned);
        this.more.notes = error.last_words().iter().map(|line| format!("   | {line}")).collect();
        this
    }
}

impl From<CheckError> for ScriptFailure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Refused(error) => {
                Self::new("bad_source", Exit::Data, error.message.clone()).worker(*error)
            }
            CheckError::Slow(_) => Self::new("bad_source", Exit::Data, error.to_string()),
            CheckError::Runner(error) => error.into(),
        }
    }
}

impl From<CompileError> for ScriptFailure {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Refused(faults) => {
                let mut this = Self::new("bad_source", Exit::Data, told(&faults));
                let first = faults.first().map(|fault| as_thrown(fault, None));
                this.more.faults = faults;
                match first {
                    Some(first) => this.worker(first),
                    None => this,
                }
            }
            CompileError::Slow(_) => Self::new("bad_source", Exit::Data, error.to_string()),
            CompileError::Child(error) => error.into(),
        }
    }
}

impl From<ToolchainError> for ScriptFailure {
    fn from(error: ToolchainError) -> Self {
        match error {
            ToolchainError::Check(error) => error.into(),
            ToolchainError::Compile(error) => error.into(),
            ToolchainError::Uncompiled { why, source } => {
                let mut this = Self::from(source);
                this.message = format!("{why}: {}", this.message);
                this
            }
            ToolchainError::Miscompiled(_) => Self::new("miscompiled", Exit::Bug, error.to_string())
                .hint("this is a defect of hauki: keep the source"),
            ToolchainError::TooLong { .. } => Self::new("bad_source", Exit::Data, error.to_string()),
        }
    }
}

/// The first fault in words, and how many there are.
fn told(faults: &[SourceFault]) -> String {
    let first = faults.first().map(|fault| fault.message.as_str()).unwrap_or_default();
    match faults.len() {
        0 | 1 => first.to_owned(),
        more => format!("{first} (and {} more)", more - 1),
    }
}

/// As the engine tells of a source that it does not take.
#[must_use]
pub fn as_thrown(fault: &SourceFault, file: Option<&str>) -> WorkerError {
    WorkerError {
        kind: WorkerErrorKind::Syntax,
        message: fault.message.clone(),
        file: file.map(str::to_owned),
        line: Some(fault.line),
        column: Some(fault.column),
        stack: None,
    }
}

impl From<GhostError> for ScriptFailure {
    fn from(error: GhostError) -> Self {
        let mut this = Self::new(error.code(), error.exit(), with_causes(&error));
        match error {
            GhostError::Rpc { error: rpc, .. } => {
                this.more.rpc_code = Some(rpc.code);
                let data = rpc.data.unwrap_or_default();
                if rpc.code == code::VAULT_DEAD {
                    let dying = tolerant_reader::from_value::<Dying>(&data).ok();
                    this.more.cause = dying.map(|dying| dying.death.cause);
                    return this;
                }
                match tolerant_reader::from_value::<WorkerError>(&data) {
                    Ok(worker) => this.worker(worker),
                    Err(_) => this,
                }
            }
            GhostError::Dead { death, .. } => {
                this.more.cause = Some(death.cause);
                this
            }
            _ => this,
        }
    }
}
