//! Service manifest, `/mesh/manifest`: what the services serve in each of the five phases.

use serde_json::{Value, json};

use hauki_contract::api::endpoints::{Area, ENDPOINTS};

const PHASES: [(Area, &str); 5] = [
    (Area::Summoning, "the caller asks for a worker by gem-pointer or by source"),
    (Area::Forge, "the optimal node provisions an LXC vault and injects the code"),
    (Area::Handshake, "the node opens an ephemeral port and a capability ticket goes back"),
    (Area::GhostProxy, "calls go as JSON-RPC 2.0 straight to the node; heartbeats keep the vault alive"),
    (
        Area::Teardown,
        "destruct or loss of the heartbeat ends the vault, and a receipt tells what was reclaimed",
    ),
];

#[must_use]
pub(crate) fn document(role: &str) -> Value {
    let phases: Vec<Value> = PHASES
        .into_iter()
        .enumerate()
        .map(|(number, (area, about))| {
            let endpoints: Vec<Value> = ENDPOINTS
                .iter()
                .filter(|endpoint| endpoint.areas.contains(&area))
                .map(|endpoint| {
                    json!({
                        "operation": endpoint.id,
                        "method": endpoint.method.as_str().to_uppercase(),
                        "path": endpoint.path,
                        "summary": endpoint.summary,
                    })
                })
                .collect();
            json!({ "number": number + 1, "phase": area, "about": about, "endpoints": endpoints })
        })
        .collect();
    json!({
        "v": 1,
        "kind": "manifest",
        "name": "uah-core",
        "version": env!("CARGO_PKG_VERSION"),
        "role": role,
        "openapi": hauki_contract::api::paths::OPENAPI,
        "services": {
            "swarm_spawn_ephemeral": { "state": "ready", "path": hauki_contract::api::paths::SPAWN },
            "lxc_provision": { "state": "ready", "path": hauki_contract::api::paths::PROVISION },
            "service_registry": { "state": "ready", "path": hauki_contract::api::paths::REGISTRY },
            "omega_spool": { "state": "ready", "path": hauki_contract::api::paths::SPOOL },
        },
        "data_plane": {
            "protocol": "jsonrpc-2.0",
            "framing": "ndjson",
            "tls": "1.3, key pinned by the ticket",
            "reserved": [
                hauki_contract::rpc::builtin::HELLO,
                hauki_contract::rpc::builtin::METHODS,
                hauki_contract::rpc::builtin::HEARTBEAT,
                hauki_contract::rpc::builtin::STATS,
                hauki_contract::rpc::builtin::DESTRUCT,
                hauki_contract::rpc::builtin::EVALUATE,
            ],
        },
        "phases": phases,
    })
}
