//! Clone request of a worker: from its node to the core, which asks for them, and the answer back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;
use super::invalid_request::InvalidClone;
use super::summons::{Origin, SpawnRequest, SummonsRequest};
use super::vault::TicketWishes;
use crate::model::gem::{SCHEME, Wishes};
use crate::model::id::VaultId;
use crate::model::ticket::Ticket;
use crate::model::units::{Amount, parse_duration, parse_size};
use crate::strict::{self, DocumentLimits};

/// What `clone_object` was called with; who calls is the node's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloneAsk {
    pub vault: VaultId,
    /// Unique in the vault's life.
    pub number: u64,
    /// A JSON array as text: the source, options, arguments of `create`.
    pub arguments: String,
    /// Of the call that wishes it; only to a core that asks for it ([`TRACES`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The header of a core that knows the traces of wishes. One of before would not read such a wish.
pub const TRACES: &str = "hauki-traces";

/// `GET /node/v1/asks`: the wishes for whose answers somebody waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloneAsks {
    pub boot_id: String,
    /// Of the last one that was looked at; pass it as `after` next time.
    pub last: u64,
    pub asks: Vec<CloneAsk>,
}

impl CloneAsks {
    /// As a core of before reads it.
    #[must_use]
    pub fn without_traces(mut self) -> Self {
        self.asks.iter_mut().for_each(|ask| ask.traceparent = None);
        self
    }
}

/// `POST /node/v1/vaults/{id}/clones`. Either a ticket or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloneAnswer {
    pub vault: VaultId,
    pub number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// How soon the parent's gate must be connected to its child, which it is at once.
const CLAIM_MS: u64 = 10_000;

/// The words of `hauki clone`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    args: Vec<Value>,
    file_name: Option<String>,
    memory: Option<Amount>,
    cpu: Option<u32>,
    deadline: Option<Amount>,
    max_frame: Option<Amount>,
    lifetime: Option<Amount>,
    spawn: Option<u32>,
    label: BTreeMap<String, String>,
}

/// An object that has one of them is meant as options.
const OPTIONS: [&str; 9] =
    ["args", "file_name", "memory", "cpu", "deadline", "max_frame", "lifetime", "spawn", "label"];

impl CloneAsk {
    /// What the worker asks the core for, as anybody would; the key is this very ask's.
    pub fn request(&self) -> Result<SpawnRequest, InvalidClone> {
        let mut arguments: Vec<Value> =
            strict::from_str(&self.arguments, DocumentLimits::bytes(self.arguments.len()))
                .map_err(InvalidClone::Arguments)?;
        if arguments.is_empty() || !arguments[0].is_string() {
            return Err(InvalidClone::NoSource);
        }
        let text = arguments.remove(0).as_str().unwrap_or_default().to_owned();
        let are_options = arguments.first().and_then(Value::as_object).is_some_and(|fields| {
            fields.is_empty() || fields.keys().any(|name| OPTIONS.contains(&name.as_str()))
        });
        let options: Options = if are_options {
            strict::from_value(&arguments.remove(0)).map_err(InvalidClone::Options)?
        } else {
            Options::default()
        };
        let origin = if text.starts_with(SCHEME) {
            Origin::Gem(text.parse()?)
        } else {
            Origin::Source {
                text,
                file: options.file_name.unwrap_or_else(|| "clone.js".into()),
                compilation: None,
            }
        };
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let wishes = Wishes {
            memory_bytes: Amount::read("memory", options.memory.as_ref(), parse_size)?,
            cpu_percent: options.cpu,
            call_deadline_ms: Amount::read("deadline", options.deadline.as_ref(), parse_duration)?.map(short),
            max_frame_bytes: Amount::read("max_frame", options.max_frame.as_ref(), parse_size)?.map(short),
            claim_ms: Some(CLAIM_MS),
            lifetime_ms: Amount::read("lifetime", options.lifetime.as_ref(), parse_duration)?,
            link: Some(true),
            spawn: options.spawn,
            ..Wishes::default()
        };
        let within = wishes.limits().check().and_then(|()| wishes.terms().check());
        within.map_err(InvalidClone::Limits)?;
        let mut args = options.args;
        args.append(&mut arguments);
        Ok(SpawnRequest {
            summons: SummonsRequest {
                key: format!("{}.{}", self.vault, self.number),
                origin,
                args,
                wishes,
                labels: options.label,
                name: None,
                dry_run: false,
            },
            placement: Default::default(),
            ticket: TicketWishes { link: Some(true), ..TicketWishes::default() },
            get_or_create: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error_chain;

    fn request(arguments: &str) -> Result<SpawnRequest, InvalidClone> {
        CloneAsk { vault: VaultId::mint(1, 1), number: 7, arguments: arguments.into(), traceparent: None }
            .request()
    }

    #[test]
    fn options_and_arguments_are_told_apart() {
        let asked = request(r#"["gem-pointer://workers/scout", {"depth": 2}, 1]"#).expect("is one");
        assert!(matches!(asked.summons.origin, Origin::Gem(_)));
        assert_eq!(asked.summons.args.len(), 2);
        let asked = request(r#"["function f() {}", {"memory": "2MiB", "spawn": 3, "args": [1]}, 2]"#);
        let asked = asked.expect("is one").summons;
        assert_eq!((asked.wishes.memory_bytes, asked.wishes.spawn), (Some(2 << 20), Some(3)));
        assert_eq!(asked.args, [1, 2]);
        assert_eq!((asked.wishes.link, asked.name), (Some(true), None));
    }

    #[test]
    fn what_cannot_be_cloned_is_named() {
        for wrong in [
            "[]",
            "{}",
            "[1]",
            r#"["x",{"memory":"lots"}]"#,
            r#"["x",{"cpu":1,"link":false}]"#,
            r#"["gem-pointer://../x"]"#,
        ] {
            assert!(request(wrong).is_err(), "{wrong}");
        }
    }

    /// As a body of the same words would be.
    #[test]
    fn arguments_are_read_strictly_and_numbers_to_the_last_bit() {
        let deep = format!(r#"["x",{}1{}]"#, "[".repeat(120), "]".repeat(120));
        for (wrong, reason) in [
            (r#"["x",{"a":1,"a":2}]"#, "there twice"),
            (r#"["x",{"args":[{"a":1,"a":2}]}]"#, "there twice"),
            (r#"["x","\ud800"]"#, "surrogate"),
            (deep.as_str(), "deeper than 120 levels"),
        ] {
            let told = error_chain::told(&request(wrong).expect_err(wrong));
            assert!(told.contains(reason), "{wrong}: {told}");
        }
        let asked = request(r#"["x",{"args":[10928588.983213553]},10928588.983213553]"#).expect("is one");
        assert_eq!(asked.summons.args, [10_928_588.983_213_553, 10_928_588.983_213_553]);
    }
}
