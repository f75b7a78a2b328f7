//! Health check of a machine: what was looked at, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::open_word::OpenWord;

/// One line of `hauki doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub level: OpenWord<CheckLevel>,
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    pub fn ok(what: impl Into<String>) -> Self {
        Self { level: CheckLevel::Ok.into(), what: what.into(), hint: None }
    }

    /// Something is not as it could be, and what would mend it.
    pub fn warn(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: CheckLevel::Warn.into(), what: what.into(), hint: Some(hint.into()) }
    }

    /// No vault can be made so, or something is lost.
    pub fn fail(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: CheckLevel::Fail.into(), what: what.into(), hint: Some(hint.into()) }
    }

    /// The same where there may be nothing that mends it.
    #[must_use]
    pub fn failed(what: String, hint: Option<String>) -> Self {
        Self { level: CheckLevel::Fail.into(), what, hint }
    }

    /// Of one among many.
    #[must_use]
    pub fn about(self, whom: impl std::fmt::Display) -> Self {
        Self { what: format!("{whom}: {}", self.what), ..self }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckLevel {
    Ok,
    Warn,
    Fail,
}
