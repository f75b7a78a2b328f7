//! The one table of what a core serves. OpenAPI and the mesh manifest are made from it, and a test of
//! `control::routes` holds it against the router.

pub use super::endpoint::{Area, EndpointReply, EndpointSpec, Method, Who};
use super::endpoint::{get, of, post, query_of};
use super::{event, gem, health, registry, secret, spool, summons, swarm, teardown, vault};
use crate::model::ticket::Ticket;

/// Where each is. A `{…}` is a parameter, written as axum and OpenAPI both do.
pub mod paths {
    pub const SPAWN: &str = "/api/v2/swarm_spawn_ephemeral";
    pub const SUMMONS: &str = "/api/v2/summons";
    pub const SUMMONS_ONE: &str = "/api/v2/summons/{id}";
    pub const PROVISION: &str = "/api/v2/lxc_provision";
    pub const TICKETS: &str = "/api/v2/tickets";
    pub const HEARTBEATS: &str = "/api/v2/heartbeats";
    pub const VAULTS: &str = "/api/v2/vaults";
    pub const VAULT: &str = "/api/v2/vaults/{id}";
    pub const DESTRUCTS: &str = "/api/v2/destructs";
    pub const REAP: &str = "/api/v2/reap";
    pub const GEMS: &str = "/api/v2/gems";
    pub const GEM_RESOLVE: &str = "/api/v2/gems/resolve";
    pub const SECRETS: &str = "/api/v2/secrets";
    pub const REGISTRY: &str = "/api/v2/service_registry";
    pub const REGISTRY_RESOLVE: &str = "/api/v2/service_registry/resolve";
    pub const REGISTRY_WATCH: &str = "/api/v2/service_registry/watch";
    pub const SPOOL: &str = "/api/v2/omega_spool";
    pub const SPOOL_ONE: &str = "/api/v2/omega_spool/{id}";
    pub const SPOOL_RETRY: &str = "/api/v2/omega_spool/{id}/retry";
    pub const SPOOL_ORDERS: &str = "/api/v2/omega_spool/orders";
    pub const NODE_ORDERS: &str = "/api/v2/node_orders";
    pub const NODES: &str = "/api/v2/nodes";
    pub const NODE: &str = "/api/v2/nodes/{id}";
    pub const NODE_DRAIN: &str = "/api/v2/nodes/{id}/drain";
    pub const NODE_UPGRADE: &str = "/api/v2/nodes/{id}/upgrade";
    pub const EVENTS: &str = "/api/v2/events";
    pub const OPENAPI: &str = "/openapi.json";
    pub const MANIFEST: &str = "/mesh/manifest";
    pub const HEALTH: &str = "/healthz";
    pub const METRICS: &str = "/metrics";

    pub use crate::api::node_paths as node;

    /// Puts an id into a path that has one parameter.
    #[must_use]
    pub fn with_id(path: &str, id: &str) -> String {
        path.replace("{id}", id)
    }
}

/// Every endpoint that a core serves.
pub static ENDPOINTS: &[EndpointSpec] = &[
    post(
        paths::SPAWN,
        "swarm_spawn_ephemeral",
        "Summon, forge and ticket a worker in one round trip; idempotent by key",
        &[Area::Summoning, Area::Forge, Area::Handshake],
        of::<summons::SpawnRequest>,
        of::<summons::Spawned>,
    ),
    post(
        paths::SUMMONS,
        "summon",
        "Ask for a worker: resolved, hashed and held against the limits; idempotent by key",
        &[Area::Summoning],
        of::<summons::SummonsRequest>,
        of::<summons::Summons>,
    ),
    EndpointSpec {
        who: Who::Owner,
        areas: &[Area::Summoning],
        query: Some(query_of::<summons::SummonsQuery>),
        ..get(
            paths::SUMMONS,
            "find_summons",
            "The summons whose id begins so",
            EndpointReply::Json(of::<summons::SummonsFound>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        areas: &[Area::Summoning],
        ..get(paths::SUMMONS_ONE, "get_summons", "One summons", EndpointReply::Json(of::<summons::Summons>))
    },
    post(
        paths::PROVISION,
        "lxc_provision",
        "Place a summons on a node and forge its vault; idempotent by key",
        &[Area::Forge],
        of::<vault::ProvisionRequest>,
        of::<vault::Vault>,
    ),
    post(
        paths::TICKETS,
        "ticket",
        "Open a vault's port and mint a capability ticket for it",
        &[Area::Handshake],
        of::<vault::TicketRequest>,
        of::<Ticket>,
    ),
    post(
        paths::HEARTBEATS,
        "heartbeat",
        "Renew leases; one answer per vault, in the order of the request",
        &[Area::GhostProxy],
        of::<teardown::BeatRequest>,
        of::<teardown::BeatReply>,
    ),
    EndpointSpec {
        who: Who::Owner,
        query: Some(query_of::<vault::VaultQuery>),
        ..get(
            paths::VAULTS,
            "list_vaults",
            "The vaults, the oldest first",
            EndpointReply::Json(of::<vault::VaultList>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        ..get(paths::VAULT, "get_vault", "One vault, living or dead", EndpointReply::Json(of::<vault::Vault>))
    },
    EndpointSpec {
        who: Who::Owner,
        method: Method::Delete,
        areas: &[Area::Teardown],
        query: Some(query_of::<teardown::DestructQuery>),
        ..get(
            paths::VAULT,
            "destruct",
            "End a vault; legal in every phase, and the dead answer with their tombstone",
            EndpointReply::Json(of::<teardown::Destructed>),
        )
    },
    post(
        paths::DESTRUCTS,
        "destruct_many",
        "End all of these vaults, to the end, whatever becomes of who asked",
        &[Area::Teardown],
        of::<teardown::DestructRequest>,
        of::<teardown::DestructReply>,
    ),
    post(
        paths::REAP,
        "reap",
        "End every vault that fits all the given rules",
        &[Area::Teardown],
        of::<teardown::ReapRequest>,
        of::<teardown::Reaped>,
    ),
    EndpointSpec {
        areas: &[Area::Summoning],
        ..get(
            paths::GEMS,
            "list_gems",
            "The gems that can be summoned by name",
            EndpointReply::Json(of::<gem::GemList>),
        )
    },
    EndpointSpec {
        who: Who::Admin,
        ..post(
            paths::GEMS,
            "push_gem",
            "Push a version of a gem; versions are never overwritten",
            &[Area::Summoning],
            of::<gem::GemPush>,
            of::<gem::Gem>,
        )
    },
    EndpointSpec {
        who: Who::Admin,
        method: Method::Delete,
        areas: &[Area::Summoning],
        query: Some(query_of::<gem::GemQuery>),
        ..get(
            paths::GEMS,
            "remove_gem",
            "Remove a pushed version, or all of them if the pointer has none",
            EndpointReply::Json(of::<gem::GemRemoved>),
        )
    },
    EndpointSpec {
        areas: &[Area::Summoning],
        query: Some(query_of::<gem::GemQuery>),
        ..get(
            paths::GEM_RESOLVE,
            "resolve_gem",
            "Find a gem, check its hash, and show it with its source",
            EndpointReply::Json(of::<gem::Gem>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        areas: &[Area::Summoning],
        ..get(
            paths::SECRETS,
            "list_secrets",
            "The names of one's own secrets, in their order; their values are told to nobody",
            EndpointReply::Json(of::<secret::SecretList>),
        )
    },
    post(
        paths::SECRETS,
        "set_secret",
        "Keep a secret for the requests of one's own workers, sealed; one of the same name is replaced",
        &[Area::Summoning],
        of::<secret::SecretPut>,
        of::<secret::SecretInfo>,
    ),
    EndpointSpec {
        who: Who::Owner,
        method: Method::Delete,
        areas: &[Area::Summoning],
        query: Some(query_of::<secret::SecretQuery>),
        ..get(
            paths::SECRETS,
            "remove_secret",
            "Remove a secret of one's own; workers that use it keep it until they end",
            EndpointReply::Json(of::<secret::SecretRemoved>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        ..get(
            paths::REGISTRY,
            "list_services",
            "The names of live workers, in their order",
            EndpointReply::Json(of::<registry::ServiceList>),
        )
    },
    post(
        paths::REGISTRY_RESOLVE,
        "resolve_service",
        "Find the live worker of a name, and mint a ticket to it if one is wished",
        &[Area::Handshake],
        of::<registry::ResolveRequest>,
        of::<registry::Resolved>,
    ),
    EndpointSpec {
        who: Who::Owner,
        query: Some(query_of::<registry::WatchQuery>),
        ..get(
            paths::REGISTRY_WATCH,
            "watch_services",
            "Who holds a name, and each change of it",
            EndpointReply::Lines(of::<registry::Holder>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        query: Some(query_of::<spool::SpoolQuery>),
        ..get(
            paths::SPOOL,
            "list_spool",
            "The queue in its order, then what is done",
            EndpointReply::Json(of::<spool::SpoolList>),
        )
    },
    post(
        paths::SPOOL,
        "omega_spool",
        "Queue a summons for a node with room, durably; idempotent by key",
        &[Area::Summoning],
        of::<spool::SpoolRequest>,
        of::<spool::SpoolEntry>,
    ),
    EndpointSpec {
        who: Who::Owner,
        query: Some(query_of::<spool::SpoolWait>),
        ..get(
            paths::SPOOL_ONE,
            "get_spooled",
            "One entry and its vault, at once or when it has moved on",
            EndpointReply::Json(of::<spool::Spooled>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        method: Method::Delete,
        areas: &[Area::Summoning],
        ..get(
            paths::SPOOL_ONE,
            "remove_spooled",
            "Forget an entry, whatever its state",
            EndpointReply::Json(of::<spool::SpoolEntry>),
        )
    },
    EndpointSpec {
        who: Who::Owner,
        method: Method::Post,
        areas: &[Area::Summoning],
        ..get(
            paths::SPOOL_RETRY,
            "retry_spooled",
            "Let a dead letter wait again",
            EndpointReply::Json(of::<spool::SpoolEntry>),
        )
    },
    post(
        paths::SPOOL_ORDERS,
        "order_spooled",
        "Remove or retry many entries, to the end, whatever becomes of who asked",
        &[Area::Summoning],
        of::<spool::SpoolOrder>,
        of::<spool::SpoolOrdered>,
    ),
    EndpointSpec {
        who: Who::Admin,
        ..post(
            paths::NODE_ORDERS,
            "order_nodes",
            "Drain, undrain or remove nodes, to the end, whatever becomes of who asked",
            &[Area::Observation],
            of::<swarm::NodeOrder>,
            of::<swarm::NodeOrdered>,
        )
    },
    get(paths::NODES, "list_nodes", "The nodes of the swarm", EndpointReply::Json(of::<vault::NodeList>)),
    EndpointSpec {
        who: Who::Admin,
        reply: EndpointReply::Lines(of::<swarm::NodeStep>),
        ..post(
            paths::NODES,
            "add_node",
            "Install and start a node over SSH and list it; repeated, it repairs",
            &[Area::Observation],
            of::<swarm::NodeAdd>,
            of::<swarm::NodeStep>,
        )
    },
    get(
        paths::NODE,
        "get_node",
        "One node, and what there is to say of it",
        EndpointReply::Json(of::<swarm::NodeDetail>),
    ),
    EndpointSpec {
        who: Who::Admin,
        method: Method::Delete,
        query: Some(query_of::<swarm::NodeRemove>),
        ..get(
            paths::NODE,
            "remove_node",
            "Take a node out of the swarm",
            EndpointReply::Json(of::<vault::NodeInfo>),
        )
    },
    EndpointSpec {
        who: Who::Admin,
        ..post(
            paths::NODE_DRAIN,
            "drain_node",
            "Give a node no new vaults, or give it some again",
            &[Area::Observation],
            of::<swarm::NodeDrain>,
            of::<vault::NodeInfo>,
        )
    },
    EndpointSpec {
        who: Who::Admin,
        reply: EndpointReply::Lines(of::<swarm::NodeStep>),
        ..post(
            paths::NODE_UPGRADE,
            "upgrade_node",
            "Drain a node and install the core's own version there",
            &[Area::Observation],
            of::<swarm::NodeUpgrade>,
            of::<swarm::NodeStep>,
        )
    },
    EndpointSpec {
        who: Who::Owner,
        query: Some(query_of::<event::EventQuery>),
        ..get(
            paths::EVENTS,
            "events",
            "What happened, and what happens",
            EndpointReply::Lines(of::<event::Event>),
        )
    },
    get(paths::OPENAPI, "openapi", "This document", EndpointReply::Document),
    get(
        paths::MANIFEST,
        "manifest",
        "The services and what they serve in each phase",
        EndpointReply::Document,
    ),
    get(paths::HEALTH, "health", "Whether the daemon can work", EndpointReply::Json(of::<health::Health>)),
    get(
        paths::METRICS,
        "metrics",
        "Counters for Prometheus",
        EndpointReply::Text("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ),
];
