//! The endpoints' paths. A `{…}` is a parameter, written as axum and OpenAPI both do.

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

/// The inner contract: core to node.
pub mod node {
    pub const WORD: &str = "/node/v1/word";
    pub const HEALTH: &str = "/node/v1/health";
    pub const VAULTS: &str = "/node/v1/vaults";
    pub const PROVISION: &str = "/node/v1/vaults";
    pub const CODE: &str = "/node/v1/code";
    pub const OPEN: &str = "/node/v1/vaults/{id}/port";
    pub const BEAT: &str = "/node/v1/vaults/{id}/beat";
    pub const DESTRUCT: &str = "/node/v1/vaults/{id}/destruct";
    pub const DOOM: &str = "/node/v1/doom";
    pub const CLONES: &str = "/node/v1/vaults/{id}/clones";
    pub const NEWS: &str = "/node/v1/news";
    pub const RECEIPT: &str = "/node/v1/vaults/{id}/receipt";
    pub const ASKS: &str = "/node/v1/asks";

    /// Each of them; of two that are the same, one.
    pub const ALL: [&str; 12] =
        [WORD, HEALTH, VAULTS, CODE, OPEN, BEAT, DESTRUCT, DOOM, CLONES, NEWS, RECEIPT, ASKS];
}

/// Puts an id into a path that has one parameter.
#[must_use]
pub fn with_id(path: &str, id: &str) -> String {
    path.replace("{id}", id)
}
