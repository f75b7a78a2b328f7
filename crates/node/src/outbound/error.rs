//! Error types of outbound calls: why a call did not get from one vault to another, and what the calling worker is
//! told.

use super::fetch::FetchError;
use crate::gate::callbacks::CallbackFailure;
use hauki_contract::api::ApiError;
use hauki_contract::model::death::{Cause, Death};
use hauki_contract::model::id::VaultId;
use hauki_contract::rpc::channel::{Unanswered, WorkerError};
use hauki_contract::rpc::forwarded_ticket::Stray;
use hauki_contract::rpc::message::{RpcError, code};
use hauki_contract::rpc::reference::TravelError;
use hauki_contract::strict::{self, tolerant_reader};

#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum OutboundError {
    #[error("{0}")]
    Travel(#[from] TravelError),
    #[error("{0}")]
    Stray(String),
    #[error("the ticket could not be checked in time")]
    Unchecked,
    #[error("{}", .death.epitaph(.vault))]
    Dead { vault: VaultId, death: Box<Death> },
    #[error("{vault} cannot be reached: {reason}")]
    Unreachable { vault: VaultId, reason: String },
    /// The other gate or the other worker said no.
    #[error("{}", .0.message)]
    Refused(Box<RpcError>),
    #[error("the answer is longer than this vault's limit of {0} bytes")]
    Long(usize),
    #[error("{0} connections to other vaults are in use, no more may be opened")]
    Crowded(usize),
    #[error("too much is being answered to this vault or its node at once")]
    Heaped,
    #[error("the deadline passed while {method} ran")]
    Deadline { method: String },
    #[error("this worker may not clone: it was summoned without a spawn budget")]
    NoBudget,
    #[error("too many workers of this node want to clone just now")]
    Besieged,
    /// The core did not make the child.
    #[error("{}", .0.message)]
    Core(Box<ApiError>),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Callback(#[from] CallbackFailure),
    #[error("the vault is being buried")]
    Closed,
}

impl From<Stray> for OutboundError {
    fn from(stray: Stray) -> Self {
        Self::Stray(stray.to_string())
    }
}

impl OutboundError {
    fn word(&self) -> &'static str {
        match self {
            Self::Travel(TravelError::NotGiven | TravelError::Offered) => "not_given",
            Self::Travel(TravelError::Ticket(_) | TravelError::Deep) => "bad_ticket",
            Self::Travel(TravelError::Full(_))
            | Self::Crowded(_)
            | Self::Heaped
            | Self::Unchecked
            | Self::Besieged => code::word(code::BUSY),
            Self::Travel(TravelError::Long(_)) | Self::Long(_) => code::word(code::TOO_LARGE),
            Self::Stray(_) => "bad_ticket",
            Self::Dead { .. } | Self::Closed => code::word(code::VAULT_DEAD),
            Self::Unreachable { .. } => "unreachable",
            Self::Refused(error) => code::word(error.code),
            Self::Deadline { .. } => code::word(code::DEADLINE),
            Self::NoBudget => code::word(code::DENIED),
            Self::Core(error) => error.code.as_str(),
            Self::Fetch(error) => error.word(),
            Self::Callback(CallbackFailure::Gone) => "caller_gone",
            Self::Callback(CallbackFailure::NoMethod { .. }) => code::word(code::METHOD_NOT_FOUND),
            Self::Callback(CallbackFailure::NoList) => code::word(code::INVALID_PARAMS),
            Self::Callback(CallbackFailure::Unread) => code::word(code::BUSY),
            // Whatever went wrong there, the code is the caller's own.
            Self::Callback(CallbackFailure::Refused(error)) if error.code == code::WORKER => {
                "callback_failed"
            }
            Self::Callback(CallbackFailure::Refused(error)) => code::word(error.code),
        }
    }

    /// Whether the vault may simply be gone, so that its tombstone says more.
    pub(super) fn may_be_dead(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(error) => error.code == code::UNAUTHENTICATED,
            Self::Dead { .. }
            | Self::Travel(_)
            | Self::Stray(_)
            | Self::Unchecked
            | Self::Long(_)
            | Self::Crowded(_)
            | Self::Heaped
            | Self::Deadline { .. }
            | Self::NoBudget
            | Self::Besieged
            | Self::Core(_)
            | Self::Fetch(_)
            | Self::Callback(_)
            | Self::Closed => false,
        }
    }

    /// What is thrown into the worker.
    pub(super) fn tell(&self, vault: Option<&VaultId>, method: &str) -> Unanswered {
        let mut told = Unanswered::new(self.word(), self.to_string());
        told.vault = vault.map(VaultId::to_string);
        told.method = Some(method.to_owned());
        match self {
            Self::Dead { death, .. } => told.cause = serde_json::to_value(death.cause).ok(),
            Self::Refused(error) | Self::Callback(CallbackFailure::Refused(error)) => {
                refused(&mut told, error)
            }
            Self::Core(error) => error.worker.iter().for_each(|worker| failed(&mut told, *worker.clone())),
            _ => {}
        }
        // What others have written; it stands in a frame beside nothing else and must fit.
        let texts = [
            (Some(&mut told.message), 1024),
            (told.method.as_mut(), 256),
            (told.remote_file.as_mut(), 256),
            (told.remote_stack.as_mut(), 4096),
        ];
        for (text, most) in texts {
            if let Some(text) = text {
                text.truncate(text.floor_char_boundary(most));
            }
        }
        told
    }
}

fn refused(told: &mut Unanswered, error: &RpcError) {
    told.rpc_code = Some(error.code);
    let Some(data) = &error.data else { return };
    let cause = data.pointer("/death/cause");
    told.cause = cause.filter(|cause| strict::from_value::<Cause>(cause).is_ok()).cloned();
    if let Ok(worker) = tolerant_reader::from_value(data) {
        failed(told, worker);
    }
}

fn failed(told: &mut Unanswered, worker: WorkerError) {
    // Through many vaults the name of the error would stand there many times.
    if let Some(message) = told.message.strip_prefix("HaukiError: ") {
        told.message = message.to_owned();
    }
    if let Some(kind) =
        serde_json::to_value(worker.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned))
    {
        told.kind = kind;
    }
    told.remote_file = worker.file;
    told.remote_line = worker.line;
    told.remote_column = worker.column;
    told.remote_stack = worker.stack;
}
