//! Error types: why the control plane did not do what it was asked, errors by operation, each with what stands behind
//! it.
//!
//! A phase says what it refused and why; what that is to a client, `api_error` alone knows. Nothing here is kept but what
//! an entry of the queue or an answer takes with it, and that is the API's error by then: two variants hold one.

use std::error::Error;

use tokio::task::JoinError;

use super::gems::{GemError, SourceError};
use super::ledger::LedgerError;
use super::scheduler::PlacementError;
use super::user_limits::UserLimitError;
use hauki_contract::api::invalid_request::{InvalidClone, InvalidRequest};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::gem::ManifestError;
use hauki_contract::model::id::{NodeName, SpoolId, SummonsId, VaultId};
use hauki_contract::model::labels::LabelError;
use hauki_contract::model::limits::LimitError;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::receipt::Receipt;
use hauki_contract::model::secret_use::{SecretName, SecretUseError, SecretValueError};
use hauki_contract::model::swarm::SwarmNodeError;
use hauki_contract::rpc::capability::CapabilityError;

/// Of any operation.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Gem(#[from] GemError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Charge(#[from] UserLimitError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Summon(#[from] SummonError),
    #[error(transparent)]
    Place(#[from] PlacementError),
    #[error(transparent)]
    Forge(#[from] ForgeError),
    #[error(transparent)]
    Ticket(#[from] TicketError),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("the daemon is stopping")]
    Stopping,
    #[error("carry out an order")]
    Carry(#[source] JoinError),
    /// By its own words.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error(transparent)]
    Clone(#[from] InvalidClone),
}

impl Failure {
    /// Whether the vault that was meant is dead.
    pub(super) fn is_death(&self) -> bool {
        matches!(
            self,
            Self::Vault(VaultError::Dead(_) | VaultError::Forgotten { .. } | VaultError::Unreadable { .. })
                | Self::Node(NodeError { fault: NodeFault::Dead(_), .. })
        )
    }

    /// Whether what was meant is not there.
    pub(super) fn is_absence(&self) -> bool {
        match self {
            Self::Vault(VaultError::Unknown { .. })
            | Self::Name(NameError::Nobody { .. })
            | Self::Summon(SummonError::Unknown { .. })
            | Self::Spool(SpoolError::Unknown { .. })
            | Self::Place(PlacementError::NoNode { .. })
            | Self::Member(MemberError::Unknown { .. } | MemberError::Foreign { .. })
            | Self::Gem(GemError::Missing { .. }) => true,
            Self::Node(error) => error.fault.code() == ErrorCode::NotFound,
            _ => false,
        }
    }

    /// Whether there was no room for it, and may be later.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Place(PlacementError::NoRoom { .. } | PlacementError::Unplanned { .. })
            | Self::Spool(SpoolError::Waits { .. }) => true,
            Self::Node(error) => matches!(error.fault, NodeFault::Full | NodeFault::Draining),
            _ => false,
        }
    }

    /// Whether it is about the one vault only, and others may go well: neither the store's nor a silent node's.
    pub(super) fn is_of_one(&self) -> bool {
        match self {
            Self::Node(error) => !error.fault.is_silence(),
            Self::Ledger(error) => !matches!(error, LedgerError::Store(_)),
            Self::Vault(_) => true,
            _ => false,
        }
    }

    /// Whether another core is at it.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Key(KeyError::LostRace) | Self::Ledger(LedgerError::Elsewhere { .. }))
    }

    /// Whether its node was asked in vain, or cannot be asked.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Node(error) => error.fault.is_silence(),
            Self::Member(MemberError::Gone { .. }) => true,
            _ => false,
        }
    }
}

/// Using an idempotency key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the idempotency key must have 1 to 128 characters, none of them a control one")]
    Ill,
    #[error("the idempotency key {key:?} was used for another {what}")]
    Reused { key: String, what: String },
    /// The store saw it used by somebody else, who is not in this process.
    #[error("another core used the same idempotency key at the same time")]
    LostRace,
    #[error("digest a request")]
    Digest(#[source] serde_json::Error),
}

/// Summoning a worker.
#[derive(Debug, thiserror::Error)]
pub enum SummonError {
    #[error("there is no summons {summons}")]
    Unknown { summons: SummonsId },
    #[error("its manifest")]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Labels(#[from] LabelError),
    #[error("with its gem's")]
    GemLabels(#[source] LabelError),
    #[error("{worker} cannot have that")]
    Limits { worker: String, source: LimitError },
    #[error("{summons} summons {whose} are kept, {mib} MiB of them: no more are taken")]
    Hoard { whose: String, summons: u64, mib: u64, most_summons: u64, most_mib: u64 },
    #[error("{worker} cannot have that")]
    Secrets { worker: String, source: SecretUseError },
    #[error("a clone cannot have more {what} than the worker that clones it")]
    OverParent { what: &'static str },
}

/// Forging a vault, or answering for one that was forged before.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    #[error("the key's record names no vault")]
    NoVault,
    #[error("vouch for a vault")]
    Vouch(#[source] CapabilityError),
    #[error("record a vault")]
    Record(#[source] JoinError),
}

/// Signing what a caller may do.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("the worker has no public method {method:?}")]
    NoMethod { method: String, methods: Vec<String> },
    #[error(transparent)]
    Names(CapabilityError),
    #[error("mint a ticket")]
    Mint(#[source] CapabilityError),
    #[error("{vault} is changing: try again")]
    Changing { vault: VaultId },
}

/// The three phases in one.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("a spawn cannot be a dry run")]
    DryRun,
    #[error("get_or_create needs a name to look for")]
    Nameless,
    #[error("node {node} did not open the port")]
    Unopened { node: NodeName },
    #[error("a ticket was wished and none was minted")]
    Unminted,
    #[error("the key's record holds no ticket")]
    NoTicket,
}

/// Asking for a vault, or ending one.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("there is no vault {vault}")]
    Unknown { vault: VaultId },
    #[error("{}", .0.epitaph())]
    Dead(Box<Receipt>),
    /// It was made, so it has lived; only why it died is not known any more.
    #[error("{vault} is dead, and its tombstone is not kept any more")]
    Forgotten { vault: VaultId },
    #[error("{vault} is dead, and its tombstone is damaged")]
    Unreadable { vault: VaultId },
    #[error("more than one node says that {vault} is its own")]
    Disputed { vault: VaultId },
    #[error("the end of {vault} was lost")]
    Lost { vault: VaultId },
    #[error("reap without a rule would end every vault")]
    NoRule,
}

impl VaultError {
    pub(super) fn dead(receipt: Receipt) -> Self {
        Self::Dead(Box::new(receipt))
    }
}

/// Taking a name, or finding who has it.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("the name {name} is taken by a live worker")]
    Taken { name: ServiceName },
    #[error("the name {name} is another user's")]
    Foreign { name: ServiceName },
    #[error("no live worker is called {name}")]
    Nobody { name: ServiceName },
    #[error("the name {name} changes hands too fast")]
    ChangesHands { name: ServiceName },
}

/// Waiting for room.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("there is no spool entry {entry}")]
    Unknown { entry: SpoolId },
    /// As it is on its entry, where it was written down for whoever asks.
    #[error(transparent)]
    Dead(Box<ApiError>),
    #[error("the priority {priority} is not within 0 to {most}")]
    Priority { priority: u8, most: u8 },
    #[error("it waits in the spool as {entry}{}", place.map(|place| format!(" at place {place}")).unwrap_or_default())]
    Waits { entry: SpoolId, place: Option<u64> },
    #[error("{all} summons wait, {own} of them of {owner}: no more are taken")]
    Crowd { all: usize, own: usize, owner: String, most: usize, most_of_one: usize },
    /// What it waited for at last.
    #[error("it was not forged before its deadline")]
    Expired(#[source] Box<dyn Error + Send + Sync>),
}

/// Keeping a secret, or handing it to the node of a vault that uses it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret {name}")]
    Unknown { name: SecretName },
    #[error("the secret {name}")]
    Value { name: SecretName, source: SecretValueError },
    #[error("{most} secrets are kept: no more are taken")]
    Many { most: usize },
    /// Secrets are a user's, and the kernel said nothing of who asks.
    #[error("nobody knows whose secrets are meant")]
    Nobodys,
    /// By what kept the key.
    #[error("the secret {name}")]
    Sealed { name: SecretName, source: Box<dyn Error + Send + Sync> },
    #[error("use the data key")]
    Lost(#[from] JoinError),
}

/// A node of the swarm: added, changed, taken out, or looked for.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("there is no node {node}")]
    Unknown { node: NodeName, known: Vec<String> },
    #[error("node {node} is not among this core's nodes")]
    Gone { node: NodeName },
    #[error("node {node} was changed by somebody else meanwhile")]
    Changed { node: NodeName },
    /// It is the daemon's own, or its configuration's: it is not there for who changes what was added.
    #[error("node {node} is not one that was added")]
    Foreign { node: NodeName },
    /// As before, for who would take it out.
    #[error("node {node} is not one that was added")]
    Own { node: NodeName },
    #[error("node {node} has {vaults} vaults")]
    Inhabited { node: NodeName, vaults: u64 },
    #[error("a vault is being made on node {node}")]
    Forging { node: NodeName },
    /// As it was told of the first of its vaults that could not be ended.
    #[error(transparent)]
    Unsettled(Box<ApiError>),
    /// What it has nobody knows.
    #[error(transparent)]
    Unasked(NodeError),
    #[error(transparent)]
    Described(#[from] SwarmNodeError),
    #[error("node {node} is at {place} already")]
    Elsewhere { node: NodeName, place: String },
    #[error("node {node} is the daemon's own, or in its configuration")]
    Configured { node: NodeName },
    #[error("reach it over SSH: no answer")]
    NoAnswer,
    #[error("the upgrade of {node} was given up while it drained")]
    GivenUp { node: NodeName },
    #[error(transparent)]
    Link(Box<dyn Error + Send + Sync>),
    #[error(transparent)]
    Installing(#[from] JoinError),
    #[error(transparent)]
    Install(Box<super::install::InstallError>),
    #[error("node {node}")]
    Of { node: NodeName, source: Box<Failure> },
}
