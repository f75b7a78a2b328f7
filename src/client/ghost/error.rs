//! What can go wrong between a ghost and its vault.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::exit::{self, Exit};
use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::rpc::message::RpcError;

#[derive(Debug, thiserror::Error)]
pub enum GhostError {
    #[error("{vault} cannot be reached at {address}")]
    Connect {
        vault: VaultId,
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("{vault} did not answer the handshake within {after:?}")]
    ConnectTimeout { vault: VaultId, after: Duration },
    #[error("the node of {vault} is not the one of the ticket, or does not speak TLS 1.3")]
    Tls {
        vault: VaultId,
        #[source]
        source: io::Error,
    },
    #[error("failed to set up TLS")]
    Setup(#[source] rustls::Error),
    #[error("the ticket for {vault} has {what} {found:?}, which this hauki does not know")]
    Foreign { vault: VaultId, what: &'static str, found: String },
    #[error("the ticket for {vault} expired at {at}")]
    Expired { vault: VaultId, at: Timestamp },
    /// The gate or the worker said no.
    #[error("{}", .error.message)]
    Rpc { vault: VaultId, error: Box<RpcError> },
    /// The gate announced it before the connection closed.
    #[error("{vault} is dead: {}{}", .death.cause.describe(), detail(.death))]
    Dead { vault: VaultId, death: Box<Death> },
    #[error("the connection to {vault} broke: {reason}")]
    Broken { vault: VaultId, reason: String },
    #[error("{vault} did not answer {method} within {after:?}")]
    Silent { vault: VaultId, method: String, after: Duration },
    #[error("a request for {vault} is {bytes} bytes long, its ticket allows {limit}")]
    TooLarge { vault: VaultId, bytes: usize, limit: usize },
    #[error("failed to write the parameters as JSON")]
    Params {
        #[source]
        source: serde_json::Error,
    },
    #[error("the answer to {method} is not of the promised form")]
    Answer {
        method: String,
        #[source]
        source: serde_json::Error,
    },
}

fn detail(death: &Death) -> String {
    death.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default()
}

impl GhostError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.class().0
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        self.class().1
    }

    fn class(&self) -> (&'static str, Exit) {
        match self {
            Self::Connect { .. } | Self::ConnectTimeout { .. } => ("unreachable", Exit::Temporary),
            Self::Tls { .. } => ("wrong_node", Exit::Denied),
            Self::Setup(_) => ("config", Exit::Config),
            Self::Foreign { .. } => ("bad_ticket", Exit::Data),
            Self::Expired { .. } => ("ticket_expired", Exit::Denied),
            Self::Rpc { error, .. } => exit::of_rpc(error.code),
            Self::Dead { .. } => ("vault_dead", Exit::Conflict),
            Self::Broken { .. } => ("connection_broken", Exit::Temporary),
            Self::Silent { .. } => ("timeout", Exit::Timeout),
            Self::TooLarge { .. } => ("too_large", Exit::Data),
            Self::Params { .. } => ("bad_request", Exit::Data),
            Self::Answer { .. } => ("protocol", Exit::Failure),
        }
    }

    /// Whether the vault may simply be gone, so that its tombstone says more than this error.
    #[must_use]
    pub fn may_be_dead(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::ConnectTimeout { .. } | Self::Broken { .. } => true,
            // Another node has the address now, or the same one after a restart.
            Self::Tls { .. } => true,
            Self::Rpc { error, .. } => error.code == crate::rpc::message::code::VAULT_DEAD,
            Self::Dead { .. }
            | Self::Setup(_)
            | Self::Foreign { .. }
            | Self::Expired { .. }
            | Self::Silent { .. }
            | Self::TooLarge { .. }
            | Self::Params { .. }
            | Self::Answer { .. } => false,
        }
    }
}
