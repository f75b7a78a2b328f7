//! The API as a document: OpenAPI 3.1, made from the table of endpoints.

use std::collections::BTreeSet;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema as _, Schema};
use serde_json::{Map, Value, json};

use super::endpoint::{EndpointReply, EndpointSpec, of};
use super::endpoints::ENDPOINTS;
use super::error::{ApiError, ErrorCode};
use crate::model::id::{NodeName, SpoolId, SummonsId, VaultId};
use crate::model::schema;

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .with_transform(schema::standard())
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

fn operation(endpoint: &EndpointSpec, generator: &mut SchemaGenerator) -> Value {
    let content = match endpoint.reply {
        EndpointReply::Json(describe) => json!({ "application/json": { "schema": describe(generator) } }),
        EndpointReply::Lines(describe) => {
            json!({ "application/x-ndjson": { "schema": describe(generator) } })
        }
        EndpointReply::Text(kind) => json!({ kind: { "schema": { "type": "string" } } }),
        EndpointReply::Document => json!({ "application/json": { "schema": { "type": "object" } } }),
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
    let responses = operation["responses"].as_object_mut().expect("it was written as an object");
    for status in statuses(endpoint) {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Error" }));
    }
    let parameters = parameters(endpoint, generator);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

/// What an endpoint may answer besides: the codes' own statuses, and those of HTTP.
fn statuses(endpoint: &EndpointSpec) -> BTreeSet<u16> {
    let mut statuses: BTreeSet<u16> = ErrorCode::ALL.iter().map(|code| code.http_status()).collect();
    if endpoint.body.is_some() {
        statuses.extend([408, 415]);
    }
    statuses
}

/// What an id in a path is the id of.
fn named(path: &str, generator: &mut SchemaGenerator) -> Schema {
    match path.split("/{id}").next().and_then(|before| before.rsplit('/').next()) {
        Some("summons") => SummonsId::json_schema(generator),
        Some("vaults") => VaultId::json_schema(generator),
        Some("omega_spool") => SpoolId::json_schema(generator),
        _ => NodeName::json_schema(generator),
    }
}

fn parameters(endpoint: &EndpointSpec, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    if endpoint.path.contains("{id}") {
        let schema = named(endpoint.path, generator);
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
        let listed: BTreeSet<&str> = include_str!("endpoints.rs")
            .lines()
            .filter(|line| line.trim_start().starts_with("pub const"))
            .filter_map(|line| line.split('"').nth(1))
            .collect();
        let documented = document["paths"].as_object().expect("is one").keys().map(String::as_str).collect();
        assert_eq!(listed, documented);
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
