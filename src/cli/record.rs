//! What verbs write: one JSON object, with its version and kind in front.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::id::VaultId;
use crate::model::ticket::Ticket;

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) kind: &'static str,
    /// One line, in the order of the fields of the type that it was made of.
    pub(crate) json: String,
    /// What was made and is lost if this record is.
    pub(crate) made: Option<VaultId>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u32,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

impl Record {
    pub(crate) fn new(kind: &'static str, body: &impl Serialize) -> Self {
        let json = serde_json::to_string(&Envelope { v: 1, kind, body })
            .expect("the bodies are structs and maps with string keys");
        Self { kind, json, made: None }
    }

    /// A ticket is a document of its own, and printed as exactly that.
    pub(crate) fn ticket(ticket: &Ticket) -> Self {
        let json = serde_json::to_string(ticket).expect("a ticket has string keys");
        Self { kind: "ticket", json, made: None }
    }

    /// A record that is JSON already: an error, or one that is passed on.
    pub(crate) fn of_value(kind: &'static str, value: &Value) -> Self {
        Self { kind, json: value.to_string(), made: None }
    }

    pub(crate) fn made(mut self, vault: &VaultId) -> Self {
        self.made = Some(vault.clone());
        self
    }

    /// As far as a value of ours can hold it: what is carried in it may be half of a surrogate pair, a number
    /// beyond all doubles, or deeper than a reader goes.
    pub(crate) fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.json).ok()
    }

    /// What the next verb would be given.
    pub(crate) fn id(&self) -> Option<String> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&self.json).ok()?;
        // A summons that was only looked at has an id that nobody knows.
        if self.kind == "summons" && fields.get("dry_run").is_some_and(|tried| tried.get() == "true") {
            return None;
        }
        let name = match self.kind {
            "summons" | "vault" | "spool" => "id",
            "gem" => "pointer",
            "node" | "service" => "name",
            _ => "vault",
        };
        serde_json::from_str(fields.get(name)?.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_kind_come_first_and_order_is_kept() {
        let body = serde_json::json!({ "id": "vlt_1", "b": 1, "a": { "z": 1, "y": 2 } });
        let record = Record::new("vault", &body);
        assert_eq!(record.json, r#"{"v":1,"kind":"vault","id":"vlt_1","b":1,"a":{"z":1,"y":2}}"#);
        assert_eq!(record.id().as_deref(), Some("vlt_1"));
    }

    #[test]
    fn raw_json_stays_as_it_was() {
        #[derive(Serialize)]
        struct Reply<'a> {
            result: &'a serde_json::value::RawValue,
        }
        let result = serde_json::value::RawValue::from_string("1.10".into()).expect("is JSON");
        assert_eq!(
            Record::new("reply", &Reply { result: &result }).json,
            r#"{"v":1,"kind":"reply","result":1.10}"#
        );
        // What no value can hold is a record all the same.
        let half = serde_json::value::RawValue::from_string(r#"{"\ud800":1e400}"#.into()).expect("is JSON");
        let record = Record::new("reply", &serde_json::json!({ "vault": "vlt_1" }));
        assert_eq!(record.id().as_deref(), Some("vlt_1"));
        assert!(record.value().is_some() && Record::new("reply", &Reply { result: &half }).value().is_none());
    }
}
