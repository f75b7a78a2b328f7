//! Error types of the inner contract: why a node, or the way to it, did not do what was asked.
//!
//! [`NodeFault`] is what its asker acts on: another node, the code along with it, a tombstone to write down. Some
//! faults are told apart that have one code of the outer API, because a core does different things about them: a
//! node that refuses has answered, and one that is silent may have done it.
//!
//! On the wire it is the body that nodes have always sent, that of an API error, and beside its code a `reason`. A core
//! that does not know the member passes it over; a node that does not send it, or sends one from later, is taken at
//! its code. What only the asker's side can say (silence, an answer that is none) is never taken from a node.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{ErrorCode, as_known};
use crate::model::open_word::OpenWord;
use crate::model::receipt::Receipt;
use crate::rpc::channel::WorkerError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFault {
    /// The order cannot be read, or asks for what no node allows.
    BadOrder,
    /// More than a node takes in one piece.
    TooLarge,
    /// The order came without its code, and the code is not here: it is to be sent along.
    CodeMissing,
    /// It has never heard of the vault, or not kept its tombstone.
    Unknown,
    Dead(Box<Receipt>),
    /// The vault is of another generation than the order.
    StaleGeneration,
    /// The vault's phase forbids it, and no later one will allow it.
    Untimely,
    /// The vault cannot do it yet, or cannot be told of yet.
    NotYet,
    /// There is a vault of that id, living or dead.
    Exists,
    /// The vault was ended by somebody while it was being forged.
    Ended,
    /// Nobody waits any more for what was brought.
    NotAwaited,
    Full,
    Draining,
    /// The worker's source cannot be used.
    BadSource(Option<Box<WorkerError>>),
    /// The worker's own code failed.
    WorkerFailed(Option<Box<WorkerError>>),
    /// It did not work this time. The node is well, and has undone it.
    Failed,
    /// The node's machine is not fit for it.
    Environment,
    /// The node has a defect.
    Defect,
    /// The node is of a version that does not know the question.
    NotAsked,
    /// It did not answer: nobody knows what became of the order.
    Silent,
    /// It was waited for as long as the order may take, and no longer.
    Late,
    /// Its machine lets nobody in.
    Barred,
    /// What it answered cannot be read.
    Strange,
    /// What it answered contradicts what it was asked.
    Disbelieved,
}

/// Those that a node itself can have, and that are no more than their word.
const PLAIN: [NodeFault; 16] = [
    NodeFault::BadOrder,
    NodeFault::TooLarge,
    NodeFault::CodeMissing,
    NodeFault::Unknown,
    NodeFault::StaleGeneration,
    NodeFault::Untimely,
    NodeFault::NotYet,
    NodeFault::Exists,
    NodeFault::Ended,
    NodeFault::NotAwaited,
    NodeFault::Full,
    NodeFault::Draining,
    NodeFault::Failed,
    NodeFault::Environment,
    NodeFault::Defect,
    NodeFault::NotAsked,
];

impl NodeFault {
    /// Its name on the wire.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadOrder => "bad_order",
            Self::TooLarge => "too_large",
            Self::CodeMissing => "code_missing",
            Self::Unknown => "unknown",
            Self::Dead(_) => "dead",
            Self::StaleGeneration => "stale_generation",
            Self::Untimely => "untimely",
            Self::NotYet => "not_yet",
            Self::Exists => "exists",
            Self::Ended => "ended",
            Self::NotAwaited => "not_awaited",
            Self::Full => "full",
            Self::Draining => "draining",
            Self::BadSource(_) => "bad_source",
            Self::WorkerFailed(_) => "worker_failed",
            Self::Failed => "failed",
            Self::Environment => "environment",
            Self::Defect => "defect",
            Self::NotAsked => "not_asked",
            Self::Silent => "silent",
            Self::Late => "late",
            Self::Barred => "barred",
            Self::Strange => "strange",
            Self::Disbelieved => "disbelieved",
        }
    }

    /// What it is in the outer API, if it is told there at all.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::BadOrder => ErrorCode::BadRequest,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::CodeMissing | Self::Unknown | Self::NotAwaited | Self::NotAsked => ErrorCode::NotFound,
            Self::Dead(_) => ErrorCode::VaultDead,
            Self::StaleGeneration | Self::Untimely | Self::Exists | Self::Ended => ErrorCode::Conflict,
            Self::Full | Self::Draining => ErrorCode::NoCapacity,
            Self::BadSource(_) => ErrorCode::BadSource,
            Self::WorkerFailed(_) => ErrorCode::WorkerFailed,
            Self::NotYet | Self::Failed | Self::Silent | Self::Disbelieved => ErrorCode::Temporary,
            Self::Late => ErrorCode::Timeout,
            Self::Environment => ErrorCode::Environment,
            Self::Barred => ErrorCode::Denied,
            Self::Defect | Self::Strange => ErrorCode::Internal,
        }
    }

    /// Whether the node was asked in vain, so that it is not known what it did.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Silent | Self::Barred)
    }

    /// As a node of an older version means its code.
    fn of_code(code: ErrorCode) -> Self {
        match code {
            ErrorCode::BadRequest => Self::BadOrder,
            ErrorCode::TooLarge => Self::TooLarge,
            ErrorCode::NotFound => Self::Unknown,
            ErrorCode::Conflict => Self::Untimely,
            ErrorCode::BadSource => Self::BadSource(None),
            ErrorCode::WorkerFailed => Self::WorkerFailed(None),
            ErrorCode::NoCapacity => Self::Full,
            ErrorCode::Temporary | ErrorCode::Timeout => Self::Failed,
            ErrorCode::Environment => Self::Environment,
            // A node says none of the others: its vaults are dead with a receipt.
            ErrorCode::VaultDead
            | ErrorCode::Denied
            | ErrorCode::KeyReused
            | ErrorCode::Quota
            | ErrorCode::Internal => Self::Defect,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeError {
    pub fault: NodeFault,
    /// A lower-case fragment that says what failed and on what.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl NodeError {
    #[must_use]
    pub fn new(fault: NodeFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What anyone gets who asks something of a dead vault.
    #[must_use]
    pub fn dead(receipt: Receipt) -> Self {
        let message = receipt.epitaph();
        Self::new(NodeFault::Dead(Box::new(receipt)), message)
    }

    /// Whether the vault that was asked for is not alive there, as far as its node knows.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.fault, NodeFault::Unknown | NodeFault::Dead(_))
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

/// What goes over the wire, and is read there. Of an error of the outer API it leaves out what only a core says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeErrorBody {
    code: OpenWord<ErrorCode>,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default)]
    retryable: bool,
    #[serde(default, deserialize_with = "as_known", skip_serializing_if = "Option::is_none")]
    worker: Option<Box<WorkerError>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<Box<Receipt>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<NodeError> for NodeErrorBody {
    fn from(error: NodeError) -> Self {
        let NodeError { fault, message, hint } = error;
        let (code, reason) = (fault.code(), Some(fault.reason().to_owned()));
        let (worker, receipt) = match fault {
            NodeFault::Dead(receipt) => (None, Some(receipt)),
            NodeFault::BadSource(worker) | NodeFault::WorkerFailed(worker) => (worker, None),
            _ => (None, None),
        };
        Self { code: code.into(), message, hint, retryable: code.retryable(), worker, receipt, reason }
    }
}

impl NodeErrorBody {
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.code.http_status(self.retryable)
    }

    /// What it means; `unsaid` is what a node that gives no reason means by "not found" where it was asked.
    #[must_use]
    pub fn read(self, unsaid: NodeFault) -> NodeError {
        let Self { code, message, hint, worker, receipt, reason, retryable } = self;
        let by_code = || match code {
            OpenWord::Known(ErrorCode::NotFound) => unsaid,
            OpenWord::Known(code) => NodeFault::of_code(code),
            OpenWord::Other(_) if retryable => NodeFault::Failed,
            OpenWord::Other(_) => NodeFault::Defect,
        };
        let plain = reason.and_then(|reason| PLAIN.into_iter().find(|fault| fault.reason() == reason));
        let fault = match (plain.unwrap_or_else(by_code), receipt) {
            (_, Some(receipt)) => NodeFault::Dead(receipt),
            (NodeFault::BadSource(_), None) => NodeFault::BadSource(worker),
            (NodeFault::WorkerFailed(_), None) => NodeFault::WorkerFailed(worker),
            (fault, None) => fault,
        };
        NodeError { fault, message, hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::ApiError;
    use crate::model::death::{Cause, Death};
    use crate::model::id::VaultId;
    use crate::rpc::channel::WorkerErrorKind;

    fn receipt() -> Receipt {
        Receipt {
            vault: VaultId::mint(1, 1),
            node: "n1".parse().expect("a name"),
            generation: Some(1),
            witness: None,
            death: Death {
                cause: Cause::Destruct.into(),
                at: jiff::Timestamp::UNIX_EPOCH,
                detail: None,
                by: None,
            },
            lived_ms: 1,
            calls: 0,
            reclaimed_us: 1,
            reclaimed: Vec::new(),
        }
    }

    fn worker() -> Option<Box<WorkerError>> {
        let (kind, message) = (WorkerErrorKind::Throw, "no".into());
        Some(Box::new(WorkerError { kind, message, file: None, line: None, column: None, stack: None }))
    }

    fn over_the_wire(error: NodeError) -> NodeError {
        let body = serde_json::to_vec(&NodeErrorBody::from(error)).expect("is written");
        let body: NodeErrorBody =
            crate::strict::from_slice(&body, crate::strict::DocumentLimits::bytes(body.len()))
                .expect("is read");
        body.read(NodeFault::NotAsked)
    }

    #[test]
    fn what_a_node_says_arrives_as_it_was_meant() {
        let told = [
            NodeFault::Dead(Box::new(receipt())),
            NodeFault::BadSource(worker()),
            NodeFault::WorkerFailed(None),
        ];
        for fault in PLAIN.into_iter().chain(told) {
            let error = NodeError::new(fault, "that").hint("so");
            assert_eq!(over_the_wire(error.clone()), error);
        }
    }

    /// They would take a node off the list, or let its words be passed over.
    #[test]
    fn what_only_the_askers_side_can_know_is_not_taken_from_a_node() {
        for (fault, taken) in [
            (NodeFault::Silent, NodeFault::Failed),
            (NodeFault::Disbelieved, NodeFault::Failed),
            (NodeFault::Late, NodeFault::Failed),
            (NodeFault::Barred, NodeFault::Defect),
            (NodeFault::Strange, NodeFault::Defect),
        ] {
            assert_eq!(over_the_wire(NodeError::new(fault, "that")).fault, taken);
        }
    }

    /// The type of commit a5924ab; what it does not know it passes over.
    #[derive(Deserialize)]
    struct OldBody {
        code: ErrorCode,
        message: String,
        retryable: bool,
        #[serde(default)]
        receipt: Option<Box<Receipt>>,
    }

    #[test]
    fn an_older_core_reads_the_code_and_an_older_node_is_taken_at_its_code() {
        let body = serde_json::to_vec(&NodeErrorBody::from(NodeError::dead(receipt()))).expect("is written");
        let old: OldBody = crate::strict::from_slice(&body, crate::strict::DocumentLimits::bytes(body.len()))
            .expect("is read");
        assert_eq!((old.code, old.retryable), (ErrorCode::VaultDead, false));
        assert_eq!(old.receipt.as_deref(), Some(&receipt()));
        assert!(old.message.ends_with("is dead: destruct"), "{}", old.message);

        let read = |error: ApiError, unsaid| {
            let body = serde_json::to_value(&error).expect("is written");
            let body: NodeErrorBody = serde_json::from_value(body).expect("is read");
            body.read(unsaid).fault
        };
        let bare = |code| ApiError::new(code, "said");
        assert_eq!(read(bare(ErrorCode::NotFound), NodeFault::CodeMissing), NodeFault::CodeMissing);
        assert_eq!(read(bare(ErrorCode::NoCapacity), NodeFault::Unknown), NodeFault::Full);
        assert_eq!(read(bare(ErrorCode::Temporary), NodeFault::Unknown), NodeFault::Failed);
        assert_eq!(
            read(ApiError::vault_dead(receipt()), NodeFault::Unknown),
            NodeFault::Dead(Box::new(receipt()))
        );
        // Of a later node, whose reasons are not known here.
        let later =
            serde_json::json!({"code": "conflict", "message": "m", "retryable": false, "reason": "frozen"});
        let later: NodeErrorBody = serde_json::from_value(later).expect("is read");
        assert_eq!(later.read(NodeFault::Unknown).fault, NodeFault::Untimely);
    }
}
