//! Error types: what can go wrong between a caller and a control plane.

use std::path::PathBuf;
use std::time::Duration;

use crate::exit::Exit;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::error_chain;
use hauki_contract::rpc::channel::WorkerError;
use hauki_contract::strict::StrictError;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The control plane answered, and the answer is no.
    #[error("{0}")]
    Api(ApiError),
    #[error("{endpoint} cannot be reached")]
    Unreachable {
        endpoint: String,
        #[source]
        source: reqwest::Error,
    },
    /// The request went out and no whole answer came back: it may or may not have been carried out.
    #[error("the connection to {endpoint} broke while {path} was being answered")]
    Broken {
        endpoint: String,
        path: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{endpoint} did not answer {path} within {after:?}")]
    Timeout { endpoint: String, path: String, after: Duration },
    #[error("{endpoint} answered {path} with status {status} and a body that is not hauki's")]
    Protocol {
        endpoint: String,
        path: String,
        status: u16,
        #[source]
        source: Option<StrictError>,
    },
    #[error("{0:?} is no endpoint: write unix:///path/to/hauki.sock or https://host[:port]")]
    Address(String),
    #[error("failed to set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    #[error("{0} is too long: a socket's path may have 107 bytes")]
    LongPath(String),
    #[error("nobody is trusted to vouch for {endpoint}")]
    NoAuthority { endpoint: String },
    #[error("{path} holds no certificate in PEM form")]
    Certificate {
        path: PathBuf,
        #[source]
        source: Option<reqwest::Error>,
    },
}

impl ClientError {
    /// The public code, the same words as in the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Api(error) => error.code.as_str(),
            Self::Unreachable { .. } => "unreachable",
            Self::Broken { .. } => "connection_broken",
            Self::Timeout { .. } => "timeout",
            Self::Protocol { .. } => "protocol",
            Self::Address(_)
            | Self::LongPath(_)
            | Self::Setup(_)
            | Self::NoAuthority { .. }
            | Self::Certificate { .. } => "config",
        }
    }

    /// What a worker threw while it was loaded or created.
    #[must_use]
    pub fn worker(&self) -> Option<&WorkerError> {
        match self {
            Self::Api(error) => error.worker.as_deref(),
            _ => None,
        }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Api(error) => Exit::of_api(error),
            Self::Unreachable { .. } | Self::Broken { .. } => Exit::Temporary,
            Self::Timeout { .. } => Exit::Timeout,
            Self::Protocol { .. } => Exit::Failure,
            Self::Address(_)
            | Self::LongPath(_)
            | Self::Setup(_)
            | Self::NoAuthority { .. }
            | Self::Certificate { .. } => Exit::Config,
        }
    }

    /// Whether sending the same request again, with the same key, can help at once. A lack of
    /// capacity is not of this kind: it passes in its own time, and the caller decides to wait.
    #[must_use]
    pub fn worth_repeating(&self) -> bool {
        match self {
            Self::Api(error) => error.code == ErrorCode::Temporary && error.retryable,
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Timeout { .. }
            | Self::Protocol { .. }
            | Self::Address(_)
            | Self::LongPath(_)
            | Self::Setup(_)
            | Self::NoAuthority { .. }
            | Self::Certificate { .. } => false,
        }
    }

    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    #[must_use]
    pub fn is(&self, code: ErrorCode) -> bool {
        self.api().is_some_and(|error| error.code == code)
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    // Layers of the HTTP client that tell only that something is wrong below.
    error_chain::told_but(error, |error| {
        error.is::<reqwest::Error>() || error.to_string().starts_with("client error (")
    })
}
