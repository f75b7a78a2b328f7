//! Error types: what can go wrong between a ghost and its vault.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::exit::{self, Exit};
use hauki_contract::model::death::Death;
use hauki_contract::model::id::VaultId;
use hauki_contract::model::ticket::Foreign;
use hauki_contract::rpc::builtin::Dying;
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::strict::{StrictError, tolerant_reader};

/// Cheap to clone: an end is told to everybody who waits.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GhostError {
    #[error("{vault} cannot be reached at {address}{}", refusal(.source))]
    Connect {
        vault: VaultId,
        address: String,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("{vault} did not answer the handshake within {after:?}")]
    ConnectTimeout { vault: VaultId, after: Duration },
    #[error("the node of {vault} is not the one of the ticket, or does not speak TLS 1.3")]
    Tls {
        vault: VaultId,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("failed to set up TLS")]
    Setup(#[source] rustls::Error),
    #[error("the ticket for {vault} cannot be used")]
    Foreign {
        vault: VaultId,
        #[source]
        source: Foreign,
    },
    #[error("the ticket names {vault}, and {answers} answers to its token")]
    OtherVault { vault: VaultId, answers: VaultId },
    #[error("the ticket for {vault} expired at {at}")]
    Expired { vault: VaultId, at: Timestamp },
    /// The gate or the worker said no.
    #[error("{}", .error.message)]
    Rpc { vault: VaultId, error: Box<RpcError> },
    /// The gate announced it before the connection closed.
    #[error("{}", .death.epitaph(.vault))]
    Dead { vault: VaultId, death: Box<Death> },
    /// A call that was under way may have run; it is not sent again.
    #[error("the connection to {vault} broke: {reason}")]
    Broken { vault: VaultId, reason: String },
    #[error("{vault} did not answer {method} within {after:?}")]
    Silent { vault: VaultId, method: String, after: Duration },
    #[error("a request for {vault} is {bytes} bytes long, its ticket allows {limit}")]
    TooLarge { vault: VaultId, bytes: usize, limit: usize },
    #[error("the node of {vault} is too old for objects that a caller offers")]
    NoOffers { vault: VaultId },
    #[error("failed to write the parameters as JSON")]
    Params {
        #[source]
        source: Arc<serde_json::Error>,
    },
    #[error("the answer to {method} is not of the promised form")]
    Answer {
        method: String,
        #[source]
        source: StrictError,
    },
}

/// What a refusal means, in the words of the other clients.
fn refusal(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => ": nobody listens there, as when it is dead",
        _ => "",
    }
}

impl GhostError {
    /// What a gate said; of a death it says the reason as well.
    pub(super) fn of_rpc(vault: &VaultId, error: RpcError) -> Self {
        let vault = vault.clone();
        let dying = error.data.as_ref().filter(|_| error.code == code::VAULT_DEAD);
        match dying.and_then(|data| tolerant_reader::from_value::<Dying>(data).ok()) {
            Some(Dying { death, .. }) => Self::Dead { vault, death: Box::new(death) },
            None => Self::Rpc { vault, error: Box::new(error) },
        }
    }

    /// The same for a program that speaks JSON-RPC and knows nothing of ghosts.
    #[must_use]
    pub fn to_rpc(&self) -> RpcError {
        let (number, data) = match self {
            Self::Rpc { error, .. } => return RpcError::clone(error),
            Self::Dead { vault, death } => {
                let dying = Dying { vault: vault.clone(), death: Death::clone(death) };
                return RpcError::new(code::VAULT_DEAD, self.to_string()).data(&dying);
            }
            Self::Silent { .. } => (code::DEADLINE, self.code()),
            Self::TooLarge { .. } => (code::TOO_LARGE, self.code()),
            Self::Expired { .. } => (code::UNAUTHENTICATED, self.code()),
            Self::Params { .. } => (code::INVALID_PARAMS, self.code()),
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Tls { .. }
            | Self::Setup(_)
            | Self::Foreign { .. }
            | Self::OtherVault { .. }
            | Self::Broken { .. }
            | Self::NoOffers { .. }
            | Self::Answer { .. } => (code::BROKEN, self.code()),
        };
        RpcError::new(number, self.to_string()).data(&serde_json::json!({ "kind": data }))
    }

    /// Whether another attempt to connect may end otherwise, with the same ticket.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Broken { .. }
            | Self::Silent { .. } => true,
            // A connection that ends in the middle of the handshake, not one that proves to be another's.
            Self::Tls { source, .. } => source.kind() != io::ErrorKind::InvalidData,
            Self::Rpc { error, .. } => error.code == code::BUSY,
            Self::Setup(_)
            | Self::Foreign { .. }
            | Self::OtherVault { .. }
            | Self::Expired { .. }
            | Self::Dead { .. }
            | Self::TooLarge { .. }
            | Self::NoOffers { .. }
            | Self::Params { .. }
            | Self::Answer { .. } => false,
        }
    }

    /// Nobody listens there, which a gate does for as long as its vault lives.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused)
    }

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
            Self::Foreign { .. } | Self::OtherVault { .. } => ("bad_ticket", Exit::Data),
            Self::Expired { .. } => ("ticket_expired", Exit::Denied),
            Self::Rpc { error, .. } => exit::of_rpc(error.code),
            Self::Dead { .. } => ("vault_dead", Exit::Conflict),
            Self::Broken { .. } => ("connection_broken", Exit::Temporary),
            Self::Silent { .. } => ("timeout", Exit::Timeout),
            Self::TooLarge { .. } => ("too_large", Exit::Data),
            Self::NoOffers { .. } => ("unsupported", Exit::Failure),
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
            Self::Rpc { error, .. } => error.code == code::VAULT_DEAD,
            Self::Dead { .. }
            | Self::Setup(_)
            | Self::Foreign { .. }
            | Self::OtherVault { .. }
            | Self::Expired { .. }
            | Self::Silent { .. }
            | Self::TooLarge { .. }
            | Self::NoOffers { .. }
            | Self::Params { .. }
            | Self::Answer { .. } => false,
        }
    }
}
