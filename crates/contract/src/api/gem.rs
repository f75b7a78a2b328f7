//! Gems: named, versioned, hashed sources.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compilation::Compilation;
use super::summons::MAX_SOURCE_BYTES;
use crate::model::digest::Sha256;
use crate::model::gem::{self, GemPointer, Manifest};

/// `POST /api/v2/gems`. Pushing the same source again changes nothing; a version once pushed is
/// never overwritten with another source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GemPush {
    #[schemars(schema_with = "gem::path_schema")]
    pub path: String,
    /// Absent: the next whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "gem::version_schema")]
    pub version: Option<String>,
    /// Not blank; at most 4 MiB as UTF-8.
    #[schemars(length(max = MAX_SOURCE_BYTES), regex(pattern = r"[^\t\n\f\r ]"))]
    pub source: String,
    /// Of what it was compiled; absent where it is as its author wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compilation: Option<Compilation>,
    /// Its author's text, where that is another: kept beside it, and never run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SOURCE_BYTES))]
    pub original: Option<String>,
    #[serde(default)]
    pub manifest: Manifest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gem {
    /// The whole pointer, hash included: what it names can never change.
    pub pointer: GemPointer,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub sha256: Sha256,
    pub bytes: u64,
    pub manifest: Manifest,
    pub found_in: GemPlace,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub pushed_at: Option<Timestamp>,
    /// Only where one gem was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Of what its source was compiled; absent where that is as its author wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compilation: Option<Compilation>,
    /// Its author's text, where that is another. Only where one gem was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    pub changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GemPlace {
    Pushed,
    /// A directory of the configuration.
    Directory(String),
    /// Of a later version.
    #[schemars(skip)]
    Other,
}

/// The query of `GET /api/v2/gems/resolve` and `DELETE /api/v2/gems`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GemQuery {
    pub pointer: GemPointer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GemList {
    pub gems: Vec<Gem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GemRemoved {
    pub removed: Vec<GemPointer>,
    pub changed: bool,
}
