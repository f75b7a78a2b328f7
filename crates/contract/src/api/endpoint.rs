//! Endpoint descriptors: what an endpoint is, and the short forms in which the table of them is written.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

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

/// Who may ask for it. Root and `daemon.admin_uids` may ask for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Every user who may use the socket: it is about nobody's vault.
    User,
    /// Every user, for what is their own; what is others' is not there.
    Owner,
    /// It is about all of the swarm.
    Admin,
}

type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What an endpoint answers with.
#[derive(Clone, Copy)]
pub enum EndpointReply {
    Json(Describe),
    /// One such object per line.
    Lines(Describe),
    Text(&'static str),
    /// A document that describes itself.
    Document,
}

pub struct EndpointSpec {
    pub method: Method,
    pub path: &'static str,
    /// The name of the operation, unique.
    pub id: &'static str,
    pub summary: &'static str,
    pub areas: &'static [Area],
    pub who: Who,
    pub query: Option<Describe>,
    pub body: Option<Describe>,
    pub reply: EndpointReply,
}

pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

pub(super) fn query_of<T: JsonSchema>(_: &mut SchemaGenerator) -> Schema {
    // Parameters are listed one by one, so their schema must not be a reference.
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let settings = settings.with_transform(crate::model::schema::standard());
    settings.into_generator().into_root_schema_for::<T>()
}

pub(super) const fn get(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    reply: EndpointReply,
) -> EndpointSpec {
    EndpointSpec {
        method: Method::Get,
        path,
        id,
        summary,
        areas: &[Area::Observation],
        who: Who::User,
        query: None,
        body: None,
        reply,
    }
}

pub(super) const fn post(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    areas: &'static [Area],
    body: Describe,
    reply: Describe,
) -> EndpointSpec {
    EndpointSpec {
        method: Method::Post,
        path,
        id,
        summary,
        areas,
        who: Who::Owner,
        query: None,
        body: Some(body),
        reply: EndpointReply::Json(reply),
    }
}
