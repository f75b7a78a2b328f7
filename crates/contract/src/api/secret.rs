//! Secrets: kept for the requests of their owner's workers. A value goes in and never comes out again.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::secret::Secret;
use crate::model::secret_use::SecretName;

/// `POST /api/v2/secrets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretPut {
    pub name: SecretName,
    /// 8 to 4096 printable letters of ASCII, without a blank at either end.
    #[schemars(with = "String", regex(pattern = r"^[!-~][ -~]{6,4094}[!-~]$"))]
    pub value: Secret,
}

/// What is told of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretInfo {
    pub name: SecretName,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub set_at: Timestamp,
    /// The version of the data key under which it is sealed.
    pub key_version: u32,
    pub changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretList {
    pub secrets: Vec<SecretInfo>,
}

/// The query of `DELETE /api/v2/secrets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretQuery {
    pub name: SecretName,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRemoved {
    pub name: SecretName,
    /// `false`: there was none.
    pub changed: bool,
}
