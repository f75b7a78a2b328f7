//! Builtin methods and events: those that belong to hauki, not to the worker.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::message::check_id;
use crate::model::death::Death;
use crate::model::id::VaultId;
use crate::model::receipt::Receipt;
use crate::model::secret::Secret;
use crate::strict;

/// No worker's method may start with this.
pub const PREFIX: &str = "hauki.";

pub const HELLO: &str = "hauki.hello";
pub const METHODS: &str = "hauki.methods";
pub const HEARTBEAT: &str = "hauki.heartbeat";
pub const DESTRUCT: &str = "hauki.destruct";
pub const STATS: &str = "hauki.stats";
/// Text for the worker that takes turns, [`Evaluate`](super::evaluation::Evaluate).
pub use super::evaluation::EVALUATE;
/// The caller gives up a request of its own on the same connection, [`Cancel`].
pub const CANCEL: &str = "hauki.cancel";
/// The caller offers an object of its own to the worker, or takes it back: [`Offer`](super::callback::Offer).
pub const OFFER: &str = "hauki.offer";
/// From a gate to a caller: the worker calls what was offered, [`CallbackOrder`](super::callback::CallbackOrder).
pub const CALL: &str = "hauki.call";

/// Event: a line of the worker's `print`, `{"text": …}`. This and the next have `"call"`, the id of
/// their receiver's call, where the worker was in it.
pub const LOG: &str = "hauki.log";
/// Event: what the worker emitted, `{"event": …, "data": …}`.
pub const EVENT: &str = "hauki.event";
/// Event: the vault is doomed, [`Dying`]; the connection closes behind it.
pub const DYING: &str = "hauki.dying";

/// Event of a ghost, never of a gate: the connection was lost, `{"reason": …}`.
pub const BROKEN: &str = "hauki.broken";
/// Event of a ghost, never of a gate: the connection is there again, `{"after_ms": …}`.
pub const RECONNECTED: &str = "hauki.reconnected";
/// Event of a ghost, never of a gate: its reader was too slow for some, `{"lost": …}`.
pub const MISSED: &str = "hauki.missed";

/// Every reserved method and event.
pub const ALL: [&str; 15] = [
    HELLO,
    METHODS,
    HEARTBEAT,
    DESTRUCT,
    STATS,
    EVALUATE,
    CANCEL,
    OFFER,
    CALL,
    LOG,
    EVENT,
    DYING,
    BROKEN,
    RECONNECTED,
    MISSED,
];

/// What a ticket for all methods allows besides the worker's, and another if it was granted by name.
pub const GRANTABLE: [&str; 2] = [DESTRUCT, EVALUATE];

/// Whether it is a request that comes once the hello has been answered.
#[must_use]
pub fn is_request(method: &str) -> bool {
    [HELLO, METHODS, HEARTBEAT, STATS].contains(&method) || GRANTABLE.contains(&method)
}

/// The version of the hello and of what follows it. What can be told by a feature needs no new one:
/// `hauki-ticket.5` has the rule.
pub const VERSION: u32 = 1;

/// What this node can beyond what every node of this version can. A client leaves names alone that it does not
/// know, and asks for nothing whose name is not there.
pub const FEATURES: [&str; 3] = [feature::CANCEL, feature::OFFER, feature::EVALUATE];

pub mod feature {
    /// `hauki.cancel` is obeyed.
    pub const CANCEL: &str = "cancel";
    /// `hauki.offer` is obeyed.
    pub const OFFER: &str = "offer";
    /// `hauki.evaluate` is there, for workers that take turns.
    pub const EVALUATE: &str = "evaluate";
}

/// The most names, and the longest, that a hello may have in `features`.
pub const MAX_FEATURES: usize = 64;
pub const MAX_FEATURE: usize = 64;

/// The parameters of each of them.
pub const FIELDS: strict::DocumentLimits =
    strict::DocumentLimits { bytes: 32 * 1024, depth: 4, values: usize::MAX };

/// The parameters of `hauki.hello`, the first message on a connection. It does not grow: a node that is older
/// refuses what it does not know, so what comes later is a feature that the welcome announces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Only who asks for none may go without.
    #[serde(default)]
    pub token: Secret,
    /// Calls on this connection may run so long, and never longer than the vault's limit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "deadline")]
    pub call_deadline_ms: Option<u32>,
    /// Who calls, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// From a gate: the core's word for which vault it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<Secret>,
    /// Of this protocol; absent is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<u32>,
    /// What the caller can. Names that a node does not know are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

impl Hello {
    /// As every node reads it.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self { token, call_deadline_ms: None, client: None, voucher: None, v: None, features: Vec::new() }
    }

    /// What a hello says, and what is wrong with it; nothing if no token can be read from it.
    #[must_use]
    pub fn read(params: &str) -> Option<(Self, Option<String>)> {
        match strict::from_str::<Self>(params, FIELDS) {
            Ok(hello) if hello.token.reveal().is_empty() => None,
            Ok(hello) => {
                let fault = hello.check().err();
                Some((hello, fault))
            }
            Err(error) => {
                let Shown { token } = strict::from_str(params, FIELDS).ok()?;
                Some((Self::new(token), Some(error.to_string())))
            }
        }
    }

    /// What is wrong with a hello to somebody who asks for no token.
    #[must_use]
    pub fn fault(params: &str) -> Option<String> {
        match strict::from_str::<Self>(params, FIELDS) {
            Ok(hello) => hello.check().err(),
            Err(error) => Some(error.to_string()),
        }
    }

    /// What no type says.
    fn check(&self) -> Result<(), String> {
        if let Some(v) = self.v.filter(|v| *v != VERSION) {
            return Err(format!("v: {v} is not spoken here, {VERSION} is"));
        }
        if self.features.len() > MAX_FEATURES {
            return Err(format!(
                "features: there are {} names, allowed are {MAX_FEATURES}",
                self.features.len()
            ));
        }
        if let Some(long) = self.features.iter().find(|name| name.len() > MAX_FEATURE) {
            return Err(format!("features: a name has {} bytes, allowed are {MAX_FEATURE}", long.len()));
        }
        Ok(())
    }
}

fn deadline<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    Option::<Number>::deserialize(input)?.map(|number| whole("call_deadline_ms", &number)).transpose()
}

fn grace<'de, D: Deserializer<'de>>(input: D) -> Result<u32, D::Error> {
    whole("grace_ms", &Number::deserialize(input)?)
}

/// By value, as JSON Schema has integers; the range is part of the refusal.
fn whole<E: serde::de::Error>(name: &str, number: &Number) -> Result<u32, E> {
    let value = number.as_f64().filter(|value| value.fract() == 0.0);
    match value.filter(|value| (0.0..=f64::from(u32::MAX)).contains(value)) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at")]
        Some(value) => Ok(value as u32),
        None => Err(E::custom(format!("{name} is {number}, and no whole number from 0 to {}", u32::MAX))),
    }
}

/// Of a hello whose other fields cannot be used: who shows a good token may know why.
#[derive(Deserialize)]
struct Shown {
    token: Secret,
}

/// The parameters of `hauki.cancel`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The request's, as it stands there: what an id may be, and nothing else.
    #[serde(deserialize_with = "id")]
    pub id: Box<RawValue>,
}

fn id<'de, D: Deserializer<'de>>(input: D) -> Result<Box<RawValue>, D::Error> {
    let id = Box::<RawValue>::deserialize(input)?;
    check_id(id.get()).map(|()| id).map_err(serde::de::Error::custom)
}

/// What `hauki.cancel` answers to who asks it as a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Whether there was such a request and it is given up now.
    pub cancelled: bool,
}

/// The parameters of what takes none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub vault: VaultId,
    pub generation: u64,
    pub methods: Vec<String>,
    pub lease_ms: u64,
    pub lease_left_ms: u64,
    pub link: bool,
    pub link_silence_ms: u64,
    pub max_frame_bytes: u32,
    pub call_deadline_ms: u32,
    /// The highest version of this protocol that the node speaks; nodes that do not say it speak 1.
    #[serde(default = "first")]
    pub v: u32,
    /// [`FEATURES`] of the node.
    #[serde(default)]
    pub features: Vec<String>,
}

fn first() -> u32 {
    1
}

impl Welcome {
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseResult {
    pub lease_left_ms: u64,
}

/// The parameters of `hauki.destruct`; absent is the same as zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Destruct {
    /// How long the worker's `dest()` may run.
    #[serde(deserialize_with = "grace")]
    pub grace_ms: u32,
}

/// What `hauki.destruct` answers, when everything is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestructResult {
    pub receipt: Receipt,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultStats {
    pub calls: u64,
    pub heap_used_bytes: u64,
    pub heap_limit_bytes: u64,
    pub memory_bytes: u64,
    pub age_ms: u64,
    pub lease_left_ms: u64,
    pub connections: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dying {
    pub vault: VaultId,
    pub death: Death,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_without_a_token_is_none_where_one_is_asked_for() {
        assert!(Hello::read("{}").is_none() && Hello::read(r#"{"v":2}"#).is_none());
        assert_eq!(Hello::fault("{}"), None);
        assert_eq!(Hello::fault(r#"{"token":"t","v":1}"#), None);
        for odd in ["[]", r#"{"v":2}"#, r#"{"zz":1}"#, r#"{"token":null}"#, r#"{"token":"t","v":2,"zz":1}"#] {
            assert!(Hello::fault(odd).is_some(), "{odd}");
        }
    }

    #[test]
    fn a_welcome_has_integers_by_their_value() {
        let text = r#"{"vault":"vlt_01HF7YAT00000000000000001A","generation":1.0,"methods":[],"lease_ms":60000.0,
            "lease_left_ms":6e4,"link":false,"link_silence_ms":0.0,"max_frame_bytes":4096.0,"call_deadline_ms":5e2}"#;
        let welcome: Welcome = strict::from_str(text, strict::DocumentLimits::MESSAGE).expect("is one");
        assert_eq!(
            (welcome.lease_ms, welcome.lease_left_ms, welcome.max_frame_bytes),
            (60_000, 60_000, 4096)
        );
    }
}
