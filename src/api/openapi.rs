//! The API as a document: one table of endpoints, from which OpenAPI 3.1 and the mesh manifest are
//! made. A test of `core::routes` holds the table against the router.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::{ApiError, ErrorCode};
use super::{event, gem, health, paths, summons, teardown, vault};
use crate::model::ticket::Ticket;

/// The five phases, and what stands beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    Summoning,
    Forge,
    Handshake,
    GhostProxy,
    Teardown,
    Observation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What an endpoint answers with.
#[derive(Clone, Copy)]
pub enum Reply {
    Json(Describe),
    /// One such object per line.
    Lines(Describe),
    Text(&'static str),
    /// A document that describes itself.
    Document,
}

pub struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    /// The name of the operation, unique.
    pub id: &'static str,
    pub summary: &'static str,
    pub areas: &'static [Area],
    pub query: Option<Describe>,
    pub body: Option<Describe>,
    pub reply: Reply,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn query_of<T: JsonSchema>(_: &mut SchemaGenerator) -> Schema {
    // Parameters are listed one by one, so their schema must not be a reference.
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>()
}

const fn get(path: &'static str, id: &'static str, summary: &'static str, reply: Reply) -> Endpoint {
    Endpoint {
        method: Method::Get,
        path,
        id,
        summary,
        areas: &[Area::Observation],
        query: None,
        body: None,
        reply,
    }
}

const fn post(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    areas: &'static [Area],
    body: Describe,
    reply: Describe,
) -> Endpoint {
    Endpoint {
        method: Method::Post,
        path,
        id,
        summary,
        areas,
        query: None,
        body: Some(body),
        reply: Reply::Json(reply),
    }
}

/// Every endpoint that a core serves.
pub static ENDPOINTS: &[Endpoint] = &[
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
    Endpoint {
        areas: &[Area::Summoning],
        ..get(paths::SUMMONS_ONE, "get_summons", "One summons", Reply::Json(of::<summons::Summons>))
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
    Endpoint {
        query: Some(query_of::<vault::VaultQuery>),
        ..get(
            paths::VAULTS,
            "list_vaults",
            "The vaults, the oldest first",
            Reply::Json(of::<vault::VaultList>),
        )
    },
    get(paths::VAULT, "get_vault", "One vault, living or dead", Reply::Json(of::<vault::Vault>)),
    Endpoint {
        method: Method::Delete,
        areas: &[Area::Teardown],
        query: Some(query_of::<teardown::DestructQuery>),
        ..get(
            paths::VAULT,
            "destruct",
            "End a vault; legal in every phase, and the dead answer with their tombstone",
            Reply::Json(of::<teardown::Destructed>),
        )
    },
    post(
        paths::REAP,
        "reap",
        "End every vault that fits all the given rules",
        &[Area::Teardown],
        of::<teardown::ReapRequest>,
        of::<teardown::Reaped>,
    ),
    Endpoint {
        areas: &[Area::Summoning],
        ..get(
            paths::GEMS,
            "list_gems",
            "The gems that can be summoned by name",
            Reply::Json(of::<gem::GemList>),
        )
    },
    post(
        paths::GEMS,
        "push_gem",
        "Push a version of a gem; versions are never overwritten",
        &[Area::Summoning],
        of::<gem::GemPush>,
        of::<gem::Gem>,
    ),
    Endpoint {
        method: Method::Delete,
        areas: &[Area::Summoning],
        query: Some(query_of::<gem::GemQuery>),
        ..get(
            paths::GEMS,
            "remove_gem",
            "Remove a pushed version, or all of them if the pointer has none",
            Reply::Json(of::<gem::GemRemoved>),
        )
    },
    Endpoint {
        areas: &[Area::Summoning],
        query: Some(query_of::<gem::GemQuery>),
        ..get(
            paths::GEM_RESOLVE,
            "resolve_gem",
            "Find a gem, check its hash, and show it with its source",
            Reply::Json(of::<gem::Gem>),
        )
    },
    get(paths::NODES, "list_nodes", "The nodes of the swarm", Reply::Json(of::<vault::NodeList>)),
    Endpoint {
        query: Some(query_of::<event::EventQuery>),
        ..get(paths::EVENTS, "events", "What happened, and what happens", Reply::Lines(of::<event::Event>))
    },
    get(paths::OPENAPI, "openapi", "This document", Reply::Document),
    get(paths::MANIFEST, "manifest", "The services and what they serve in each phase", Reply::Document),
    get(paths::HEALTH, "health", "Whether the daemon can work", Reply::Json(of::<health::Health>)),
    get(
        paths::METRICS,
        "metrics",
        "Counters for Prometheus",
        Reply::Text("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ),
];

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut by_path: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut generator);
        let path = by_path.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str()] = operation;
    }
    let error = of::<ApiError>(&mut generator);
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "hauki, UAH CORE",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control plane. Calls to workers go straight to the node that a ticket names.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "http://hauki", "description": "over the daemon's Unix socket" }],
        "paths": by_path,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {
                "Error": {
                    "description": format!("Every failure has this shape; `code` is one of {}.", codes.join(", ")),
                    "content": { "application/json": { "schema": error } },
                }
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let content = match endpoint.reply {
        Reply::Json(describe) => json!({ "application/json": { "schema": describe(generator) } }),
        Reply::Lines(describe) => json!({ "application/x-ndjson": { "schema": describe(generator) } }),
        Reply::Text(kind) => json!({ kind: { "schema": { "type": "string" } } }),
        Reply::Document => json!({ "application/json": { "schema": { "type": "object" } } }),
    };
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "tags": endpoint.areas,
        "responses": {
            "200": { "description": "It is done, or was done already.", "content": content },
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    if let Some(describe) = endpoint.body {
        let content = json!({ "application/json": { "schema": describe(generator) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    let parameters = parameters(endpoint, generator);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

fn parameters(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    if endpoint.path.contains("{id}") {
        let schema = json!({ "type": "string" });
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
    }
    let Some(describe) = endpoint.query else { return parameters };
    let schema = describe(generator).to_value();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let must = required.iter().any(|required| required == name);
        parameters.push(json!({ "name": name, "in": "query", "required": must, "schema": schema }));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 30);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("is local");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn operations_are_named_once_and_every_path_is_listed() {
        let ids: BTreeSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.id).collect();
        assert_eq!(ids.len(), ENDPOINTS.len());
        let document = document();
        // Read from the source, so that a new path cannot be forgotten here.
        let outer = include_str!("paths.rs").split("pub mod node").next().expect("has a first part");
        let listed: Vec<&str> = outer
            .lines()
            .filter(|line| line.starts_with("pub const"))
            .filter_map(|line| line.split('"').nth(1))
            .collect();
        assert_eq!(listed.len(), 17);
        for path in listed {
            assert!(document["paths"].get(path).is_some(), "{path} is not documented");
        }
    }

    #[test]
    fn queries_become_parameters() {
        let document = document();
        let parameters = &document["paths"]["/api/v2/vaults/{id}"]["delete"]["parameters"];
        let names: Vec<&str> = parameters
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(names, ["id", "grace_ms", "dry_run"]);
    }
}
