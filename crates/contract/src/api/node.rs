//! The inner contract: what a core asks of a node.
//!
//! [`NodeApi`] is implemented by `node::api` directly, so that `haukid all` needs no socket
//! between its halves, and by `control::link` over a node's Unix socket. The node's socket is open to
//! root only; whoever can speak here is the node's control plane. What fails is a [`NodeError`].
//!
//! Cores and nodes of different age work together, because neither is told what it does not know. Bodies of `v1` have
//! the members below and never others; a question that came later has a path of its own. An older node has no such
//! path, and is asked in the older way (`control::link`); an older core does not ask, and is told in the older way.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clone::{CloneAnswer, CloneAsk, CloneAsks};
use super::node_error::NodeError;
use super::vault::Vitals;
use crate::model::check::Check;
use crate::model::death::Cause;
use crate::model::digest::Sha256;
use crate::model::id::{NodeName, TicketId, VaultId};
use crate::model::lease::Terms;
use crate::model::limits::{Controller, Limits};
use crate::model::open_word::OpenWord;
use crate::model::phase::Phase;
use crate::model::receipt::Receipt;
use crate::model::secret::Secret;
use crate::model::secret_use::{GrantedSecret, MOST_SECRETS};
use crate::model::text::short;

pub type NodeFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send + 'a>>;

pub trait NodeApi: Send + Sync {
    /// What a placement wants to know. It costs the node the same with one vault and with thousands.
    fn status(&self) -> NodeFuture<'_, NodeStatus>;

    /// Its vaults, or the one that is asked for, if it is there.
    fn vaults(&self, of: Option<VaultId>) -> NodeFuture<'_, NodeVaults>;

    /// Whether it has what a node needs.
    fn health(&self) -> NodeFuture<'_, NodeHealth>;

    /// Forges a vault, loads the worker and, if the order says so, opens the port. A dropped future
    /// forges nothing: what was begun is undone.
    /// `CodeMissing`: the order comes without its code, and the node does not have it.
    fn provision(&self, order: ProvisionOrder) -> NodeFuture<'_, Provisioned>;

    /// Takes code in before it is needed. It may be let go again when there is much of it.
    fn keep(&self, code: Code) -> NodeFuture<'_, ()>;

    /// Opens the vault's port, or tells the one that is open.
    fn open(&self, order: OpenOrder) -> NodeFuture<'_, OpenedPort>;

    fn beat(&self, order: BeatOrder) -> NodeFuture<'_, Leased>;

    /// Legal in every phase; the dead answer with their tombstone.
    fn destruct(&self, order: DestructOrder) -> NodeFuture<'_, TornDown>;

    /// How a vault died; it kills nobody. `NotYet`: it lives, or is still dying.
    fn receipt(&self, vault: VaultId) -> NodeFuture<'_, Receipt>;

    /// Kills all of these at once and waits for none of them; a destruct of each then has its receipt.
    /// Who is dead already, or not there, is passed over.
    fn doom(&self, doom: Doom) -> NodeFuture<'_, ()>;

    /// The workers' wishes to clone for whose answers somebody waits, after `after`, as soon as there is one or
    /// `wait_ms` has passed. From 0 on they are all told again.
    fn asks(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, CloneAsks>;

    /// The answer to a worker's wish to clone; `NotAwaited` if nobody waits for it any more.
    fn cloned(&self, answer: CloneAnswer) -> NodeFuture<'_, ()>;

    /// What happened after `after`, as soon as there is something or `wait_ms` has passed.
    fn news(&self, after: u64, wait_ms: u64) -> NodeFuture<'_, News>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisionOrder {
    pub vault: VaultId,
    pub generation: u64,
    /// Of the code; the node refuses what has another.
    pub sha256: Sha256,
    /// The code, where the node may not have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    pub file: String,
    pub args: Vec<serde_json::Value>,
    pub limits: Limits,
    pub terms: Terms,
    /// The core's public key, in hexadecimal: tickets for this vault, and those that it is given, are
    /// checked against it.
    pub issuer: String,
    /// The vault that this one dies with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<VaultId>,
    /// By this word the node shows other gates that it calls for this vault.
    pub voucher: Secret,
    /// Opens the port too, for a ticket that follows at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
    /// Those that its limits name, with their values: for this vault's requests, and kept nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_SECRETS))]
    pub secrets: Vec<GrantedSecret>,
}

/// What a ticket wishes of its vault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    pub sha256: Sha256,
    pub source: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provisioned {
    pub methods: Vec<String>,
    pub forged_us: u64,
    /// It was made of a blank vault that had been started before.
    #[serde(default)]
    pub warm: bool,
    /// If the order said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<OpenedPort>,
    /// Limits that it is without, as its node's configuration allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlimited: Vec<OpenWord<Controller>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenOrder {
    pub vault: VaultId,
    pub generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedPort {
    pub ip: IpAddr,
    pub port: u16,
    pub cert_sha256: Sha256,
    pub key_sha256: Sha256,
    pub methods: Vec<String>,
    pub terms: Terms,
    pub max_frame_bytes: u32,
    pub call_deadline_ms: u32,
    /// Until the vault's life-time ends.
    pub life_left_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatOrder {
    pub vault: VaultId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    #[serde(default, deserialize_with = "short", skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leased {
    pub lease_left_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestructOrder {
    pub vault: VaultId,
    pub cause: Cause,
    #[serde(default, deserialize_with = "short", skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How long `dest()` may run; zero kills at once.
    #[serde(default)]
    pub grace_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Doom {
    pub vaults: Vec<VaultId>,
    pub cause: Cause,
    #[serde(default, deserialize_with = "short", skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TornDown {
    pub receipt: Receipt,
    pub changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeStatus {
    pub name: NodeName,
    /// New at each start of the node's daemon: vaults do not survive it.
    pub boot_id: String,
    pub version: String,
    pub vault_build: String,
    pub data_plane: IpAddr,
    /// Why it is that address.
    pub data_plane_reason: String,
    pub draining: bool,
    pub max_vaults: u32,
    /// Blank vaults that wait for a worker; their memory is in use.
    #[serde(default)]
    pub warm_vaults: u32,
    pub free_memory_bytes: u64,
    pub load_percent: u32,
    pub vaults: u32,
    /// The code that it has, a few hundred at most.
    #[serde(default)]
    pub code: Vec<Sha256>,
}

impl AsRef<Self> for NodeStatus {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsMut<Self> for NodeStatus {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeVaults {
    pub word: NodeStatus,
    pub vaults: Vec<NodeVault>,
}

impl AsRef<NodeStatus> for NodeVaults {
    fn as_ref(&self) -> &NodeStatus {
        &self.word
    }
}

impl AsMut<NodeStatus> for NodeVaults {
    fn as_mut(&mut self) -> &mut NodeStatus {
        &mut self.word
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeHealth {
    pub word: NodeStatus,
    pub findings: Vec<Check>,
}

impl AsRef<NodeStatus> for NodeHealth {
    fn as_ref(&self) -> &NodeStatus {
        &self.word
    }
}

impl AsMut<NodeStatus> for NodeHealth {
    fn as_mut(&mut self) -> &mut NodeStatus {
        &mut self.word
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeVault {
    pub vault: VaultId,
    pub generation: u64,
    pub phase: OpenWord<Phase>,
    pub vitals: Vitals,
}

/// No node keeps more of them: who has read more has read all that there was at first.
pub const MOST_NEWS: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct News {
    pub boot_id: String,
    /// The number of the last item; pass it as `after` next time.
    pub last: u64,
    pub items: Vec<NewsItem>,
}

/// One `fetch` of a worker, without its query, its headers and its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fetched {
    pub method: String,
    /// Origin and path.
    pub to: String,
    /// Of the last answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of the answer's body, as far as it was read.
    pub bytes: u64,
    pub took_ms: u64,
    /// Why the worker was given no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewsItem {
    Claimed {
        vault: VaultId,
        ticket: TicketId,
        peer: String,
    },
    Log {
        vault: VaultId,
        text: String,
    },
    /// A worker wants to clone. Told here only as long as no core asks for such wishes, as older ones do not.
    Clone(CloneAsk),
    Died(Receipt),
    /// A worker has fetched, or tried to.
    Fetched {
        vault: VaultId,
        fetched: Box<Fetched>,
    },
    /// Of a later version, and nothing that this one could act on.
    #[schemars(skip)]
    Other,
}
