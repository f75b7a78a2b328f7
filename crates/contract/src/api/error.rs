//! API error: the one shape of every failure, and the codes that machines may branch on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::vault::NodeScore;
use crate::model::open_word::OpenWord;
use crate::model::receipt::Receipt;
use crate::rpc::channel::WorkerError;
use crate::strict::{DocumentLimits, tolerant_reader};

/// Stable, public codes. Each has one HTTP status here and one exit code in `client::exit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is not well formed: not JSON, an unknown field, a value out of bounds.
    BadRequest,
    /// The body is over the limit.
    TooLarge,
    /// The peer or the ticket has no right to this.
    Denied,
    NotFound,
    /// The vault existed and is dead; `receipt` tells why.
    VaultDead,
    /// The phase, the generation or the name does not allow it now.
    Conflict,
    /// The idempotency key was used with another body.
    KeyReused,
    /// The source, the gem or an argument cannot be used.
    BadSource,
    /// The worker's own code failed: `worker` tells where.
    WorkerFailed,
    /// A limit of this installation refuses it.
    Quota,
    /// No node can take it now.
    NoCapacity,
    /// It did not work this time; the same request may work later.
    Temporary,
    /// A deadline passed.
    Timeout,
    /// The daemon's environment is not usable: no liblxc, no root, a full disk.
    Environment,
    /// The daemon has a defect.
    Internal,
}

impl ErrorCode {
    pub const ALL: [Self; 15] = [
        Self::BadRequest,
        Self::TooLarge,
        Self::Denied,
        Self::NotFound,
        Self::VaultDead,
        Self::Conflict,
        Self::KeyReused,
        Self::BadSource,
        Self::WorkerFailed,
        Self::Quota,
        Self::NoCapacity,
        Self::Temporary,
        Self::Timeout,
        Self::Environment,
        Self::Internal,
    ];

    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::TooLarge => 413,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::VaultDead => 410,
            Self::Conflict | Self::KeyReused => 409,
            Self::BadSource | Self::WorkerFailed => 422,
            Self::Quota => 429,
            Self::NoCapacity | Self::Temporary => 503,
            Self::Timeout => 504,
            Self::Environment | Self::Internal => 500,
        }
    }

    /// Whether the same request may succeed later without anybody changing it.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::NoCapacity | Self::Temporary | Self::Timeout)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLarge => "too_large",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::VaultDead => "vault_dead",
            Self::Conflict => "conflict",
            Self::KeyReused => "key_reused",
            Self::BadSource => "bad_source",
            Self::WorkerFailed => "worker_failed",
            Self::Quota => "quota",
            Self::NoCapacity => "no_capacity",
            Self::Temporary => "temporary",
            Self::Timeout => "timeout",
            Self::Environment => "environment",
            Self::Internal => "internal",
        }
    }
}

impl OpenWord<ErrorCode> {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.told(ErrorCode::as_str)
    }

    /// Of one that is not known, by whether it may be retried.
    #[must_use]
    pub fn http_status(self, retryable: bool) -> u16 {
        let code = if retryable { ErrorCode::Temporary } else { ErrorCode::Internal };
        self.known().unwrap_or(code).http_status()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiError {
    pub code: OpenWord<ErrorCode>,
    /// A lower-case fragment that says what failed and on what.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    pub retryable: bool,
    /// That the answer came with, for whoever does not know the code; nothing of what is written.
    #[serde(skip)]
    pub status: Option<u16>,
    /// The worker's own error, where its code or source is at fault.
    #[serde(default, deserialize_with = "as_known", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub worker: Option<Box<WorkerError>>,
    /// Every node with its refusal, where a dry run found no capacity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<NodeScore>,
    /// The tombstone, where the vault is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Box<Receipt>>,
}

/// Of a worker's error of a kind that is not known, what the message says of it is left.
pub(super) fn as_known<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Box<WorkerError>>, D::Error> {
    let text = Option::<Box<RawValue>>::deserialize(input)?;
    Ok(text.and_then(|text| tolerant_reader::from_str(text.get(), DocumentLimits::MESSAGE).ok()))
}

impl ApiError {
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            retryable: code.retryable(),
            status: None,
            worker: None,
            explanation: Vec::new(),
            receipt: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn worker(mut self, error: WorkerError) -> Self {
        self.worker = Some(Box::new(error));
        self
    }

    /// What anyone gets who asks something of a dead vault.
    #[must_use]
    pub fn vault_dead(receipt: Receipt) -> Self {
        let message = receipt.epitaph();
        Self { receipt: Some(Box::new(receipt)), ..Self::new(ErrorCode::VaultDead, message) }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_reads_the_same_in_json_and_in_words() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_value(code).expect("serializes");
            assert_eq!(json, code.as_str());
            assert!((400..600).contains(&code.http_status()));
        }
    }
}
