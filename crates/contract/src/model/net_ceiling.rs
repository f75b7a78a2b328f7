//! Egress ceiling: the most that any worker may be invited to, by whoever configures a core or a node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invitation::Invitation;

/// Nothing is written like this, so it is read as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetSwitch {
    Off,
}

/// `off`, or a list of invitations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NetCeiling {
    /// Nobody is invited anywhere, by administrators neither.
    Switch(NetSwitch),
    /// Whoever summons may invite to these, and nobody to anything else.
    Within(Vec<Invitation>),
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CeilingError {
    #[error("no worker may fetch here: net.allow is off")]
    Off,
    #[error("no worker may be invited to {to} here: it is not within net.allow")]
    Beyond { to: String },
}

impl NetCeiling {
    pub fn check(&self, net: &[Invitation]) -> Result<(), CeilingError> {
        let beyond = |invitation: &&Invitation| match self {
            Self::Switch(NetSwitch::Off) => true,
            Self::Within(most) => !most.iter().any(|one| one.covers(invitation)),
        };
        match (net.iter().find(beyond), self) {
            (None, _) => Ok(()),
            (Some(_), Self::Switch(NetSwitch::Off)) => Err(CeilingError::Off),
            (Some(invitation), Self::Within(_)) => Err(CeilingError::Beyond { to: invitation.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;

    fn ceiling(text: &str) -> NetCeiling {
        let config = Config::read(format!("net: {{allow: {text}}}").as_bytes()).expect(text);
        config.net.allow.expect("is said")
    }

    #[test]
    fn what_may_be_invited_to_is_the_whole_of_an_entry_or_less() {
        let most = ceiling("['GET,POST https://api.example.com/v1/', 'http://127.0.0.1:8080/']");
        for (net, fits) in [
            (&[][..], true),
            (&["GET https://api.example.com/v1/"][..], true),
            (&["POST https://api.example.com/v1/a/b"], true),
            (&["http://127.0.0.1:8080/", "GET https://api.example.com/v1"], true),
            (&["https://api.example.com/v1/"], false),
            (&["GET https://api.example.com/"], false),
            (&["GET https://api.example.com/v10"], false),
            (&["GET http://api.example.com/v1/"], false),
            (&["GET https://api.example.com:8443/v1/"], false),
            (&["GET https://evil.example/v1/"], false),
            (&["GET https://api.example.com/v1/", "http://127.0.0.1:8081/"], false),
        ] {
            let read: Vec<Invitation> = net.iter().map(|text| text.parse().expect(text)).collect();
            assert_eq!(most.check(&read).is_ok(), fits, "{net:?}");
            assert_eq!(ceiling("off").check(&read).is_ok(), net.is_empty());
            assert_eq!(ceiling("[]").check(&read).is_ok(), net.is_empty());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "on",
            "true",
            "'*'",
            "['https://*.example.com/']",
            "https://api.example.com/",
            "{}",
            "",
            "null",
            "~",
        ] {
            assert!(Config::read(format!("net: {{allow: {wrong}}}").as_bytes()).is_err(), "{wrong}");
        }
        assert_eq!(Config::read(b"net: {}").expect("reads").net.allow, None);
        let shown = serde_json::to_value(ceiling("off")).expect("is written");
        assert_eq!(shown, serde_json::json!("off"));
    }
}
