//! Wire documents: whatever tool, control plane and nodes send each other whole, so that its reader is compiled here and
//! nowhere else ([`Document`](crate::strict::WireDocument)).

use crate::api::clone::{CloneAnswer, CloneAsks};
use crate::api::error::ApiError;
use crate::api::event::Event;
use crate::api::gem::{Gem, GemList, GemPush, GemRemoved};
use crate::api::health::Health;
use crate::api::node::{
    BeatOrder, Code, DestructOrder, Doom, Leased, News, NodeHealth, NodeStatus, NodeVaults, OpenOrder,
    OpenedPort, ProvisionOrder, Provisioned, TornDown,
};
use crate::api::node_error::NodeErrorBody;
use crate::api::registry::{Holder, ResolveRequest, Resolved, ServiceList};
use crate::api::secret::{SecretInfo, SecretList, SecretPut, SecretRemoved};
use crate::api::spool::{SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolRequest, Spooled};
use crate::api::summons::{SpawnRequest, Spawned, Summons, SummonsFound, SummonsRequest};
use crate::api::swarm::{NodeAdd, NodeDetail, NodeDrain, NodeOrder, NodeOrdered, NodeStep, NodeUpgrade};
use crate::api::teardown::{
    BeatReply, BeatRequest, DestructReply, DestructRequest, Destructed, ReapRequest, Reaped,
};
use crate::api::vault::{NodeInfo, NodeList, ProvisionRequest, TicketRequest, Vault, VaultList};
use crate::model::check::Check;
use crate::model::config::Config;
use crate::model::receipt::Receipt;
use crate::model::ticket::Ticket;
use crate::rpc::body::WorkerError;
use crate::rpc::builtin::{Dying, Welcome};

// Between tool and control plane, and what verbs hand on.
crate::wire_documents! {
    ApiError, BeatReply, BeatRequest, Check, DestructReply, DestructRequest, Destructed, Event, Gem, GemList, GemPush,
    GemRemoved, Health, Holder, NodeAdd, NodeDetail, NodeDrain, NodeInfo, NodeList, NodeOrder, NodeOrdered, NodeStep,
    NodeUpgrade, ProvisionRequest, ReapRequest, Reaped, ResolveRequest, Resolved, SecretInfo, SecretList, SecretPut,
    SecretRemoved, ServiceList,
    SpawnRequest, Spawned, SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolRequest, Spooled, Summons,
    SummonsFound, SummonsRequest, Ticket, TicketRequest, Vault, VaultList,
}

// Between control plane and node.
crate::wire_documents! {
    (), BeatOrder, CloneAnswer, CloneAsks, Code, DestructOrder, Doom, Leased, News, NodeErrorBody, NodeHealth,
    NodeStatus, NodeVaults, OpenOrder, OpenedPort, ProvisionOrder, Provisioned, Receipt, TornDown,
}

// Of a gate.
crate::wire_documents!(Dying, Welcome, WorkerError);

// What a daemon on another machine tells who installs it.
crate::wire_documents!(Config, Vec<Check>);

// For who hands on what he is told.
crate::wire_documents!(serde_json::Value);
