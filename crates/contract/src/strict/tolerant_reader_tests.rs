use serde::Serialize;
use serde_json::json;

use super::*;
use crate::api::event::Event;
use crate::api::node::{News, NewsItem};
use crate::api::swarm::{NodeAsk, NodeDetail, NodeStep};
use crate::model::receipt::Receipt;
use crate::model::ticket::Ticket;
use crate::strict;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    a: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Choice {
    One(Inner),
    Two { b: Inner },
    Word,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    inner: Option<Inner>,
    many: Vec<Choice>,
    by_name: std::collections::BTreeMap<String, Inner>,
    any: Value,
}

crate::wire_documents!(Choice, Inner, Outer, Vec<Choice>);

const PLAIN: &str = r#"{"inner":{"a":1},"many":[{"one":{"a":2}},{"two":{"b":{"a":3}}},"word"],
    "by_name":{"new":{"a":4}},"any":{"new":1}}"#;
const MORE: &str = r#"{"new":{"x":[1,{"y":"\ud83d\ude00"}]},"inner":{"a":1.0,"new":2},"many":[{"one":{"new":1,"a":2}},
    {"two":{"b":{"a":3,"newer":null},"new":[]}},"word"],"by_name":{"new":{"a":4,"newest":""}},"any":{"new":1}}"#;

const VAULT: &str = "vlt_01HF7YAT00000000000000001A";
const AT: &str = "2026-11-21T14:03:11.123456Z";

#[test]
fn what_an_answer_says_more_is_passed_over_at_every_level_and_named() {
    let limits = DocumentLimits::bytes(1000);
    let heard = PassedOver::default();
    let read: Outer = noting(MORE.as_bytes(), limits, &heard).expect("is read");
    assert_eq!(read, strict::from_str(PLAIN, limits).expect("is one"));
    assert_eq!(heard.names(), ["new", "newer", "newest"]);
    assert!(strict::from_str::<Outer>(MORE, limits).is_err(), "an order is read strictly");
    let told: WithText<Outer> = from_str(MORE, limits).expect("is read");
    assert_eq!((told.value, told.text.get()), (read, MORE));
}

#[test]
fn every_other_rule_holds_for_answers_too() {
    let limits = DocumentLimits { depth: 4, ..DocumentLimits::bytes(100) };
    for (wrong, told) in [
        (r#"{"a":1,"a":1}"#, "duplicate field"),
        (r#"{"a":1.5}"#, "whole number"),
        ("[1]", "expected an object"),
        (r#"{"new":1}"#, "missing field `a`"),
        (r#"{"a":1,"new":[[[[]]]]}"#, "deeper"),
    ] {
        let error = from_str::<Inner>(wrong, limits).expect_err(wrong);
        assert!(error.reason.contains(told), "{wrong}: {error}");
    }
    let many: String = (0..100).map(|number| format!(r#""n{number}":0,"#)).collect();
    let heard = PassedOver::default();
    noting::<Inner>(format!(r#"{{{many}"a":1}}"#).as_bytes(), DocumentLimits::MESSAGE, &heard)
        .expect("is read");
    assert_eq!(heard.names().len(), NAMES);
}

/// A member more in every object, but in those that are a choice with its one name, and those of people's own names.
fn newer(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (_, value) in members.iter_mut().filter(|(name, _)| *name != "labels") {
                newer(value);
            }
            if !members.contains_key("host_key") {
                members.insert("x_new".into(), json!({ "y": [1] }));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(newer),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn holds<T: WireDocument + Serialize>(plain: &Value) {
    let mut more = plain.clone();
    newer(&mut more);
    let read: T = from_value(&more).unwrap_or_else(|error| panic!("{error}: {more}"));
    assert_eq!(&serde_json::to_value(&read).expect("is written"), plain);
}

#[test]
fn what_serde_would_read_into_a_buffer_of_its_own_is_read_by_the_same_rule() {
    let receipt = json!({ "vault": VAULT, "node": "n1", "death": { "cause": "destruct", "at": AT }, "lived_ms": 1,
        "calls": 1, "reclaimed_us": 1,
        "reclaimed": [{ "what": "process", "name": "1", "gone_after_us": 1, "gone": true }] });
    holds::<Receipt>(&receipt);
    holds::<Event>(&json!({ "seq": 1, "at": AT, "event": "died", "vault": VAULT, "receipt": receipt }));
    let info = json!({ "name": "n1", "state": "ready", "data_plane": "127.0.0.1", "data_plane_reason": "r",
        "labels": { "a": "b" }, "vaults": 1, "max_vaults": 2, "warm_vaults": 0, "free_memory_bytes": 1,
        "load_percent": 1, "version": "1", "boot_id": "b" });
    let mut detail = info.clone();
    detail["place"] = json!({ "name": "n1", "ssh": "root@n1.example", "labels": { "a": "b" } });
    detail["findings"] = json!([{ "level": "ok", "what": "w" }]);
    holds::<NodeDetail>(&detail);
    let error = json!({ "code": "vault_dead", "message": "m", "retryable": false, "receipt": receipt });
    for step in [
        json!({ "step": "done", "what": "w" }),
        json!({ "step": "copied", "bytes": 1, "of": 2 }),
        json!({ "step": "added", "node": info }),
        json!({ "step": "failed", "error": error }),
        json!({ "step": "failed", "error": error, "asks": { "host_key": { "fingerprint": "f" } } }),
        json!({ "step": "failed", "error": error, "asks": "password" }),
    ] {
        holds::<NodeStep>(&step);
    }
    for wrong in [json!({ "step": "copied", "bytes": 1 }), json!({ "what": "w" })] {
        assert!(from_value::<NodeStep>(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_choice_that_is_not_known_is_passed_over_where_others_may_come() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Open {
        One(Inner),
        Word,
        Other,
    }
    crate::wire_documents!(Open, Vec<Open>);
    let limits = DocumentLimits::bytes(1000);
    let text = r#"[{"one":{"a":1}},{"newer":{"one":{"a":[1,"\ud83d"]}}},"newest","word",{"nothing":null}]"#;
    let heard = PassedOver::default();
    let read: Vec<Open> = noting(text.as_bytes(), limits, &heard).expect("is read");
    assert_eq!(read, [Open::One(Inner { a: 1 }), Open::Other, Open::Other, Open::Word, Open::Other]);
    assert_eq!(heard.names(), ["newer", "newest", "nothing"]);
    assert!(strict::from_str::<Vec<Open>>(text, limits).is_err(), "an order is read strictly");
    assert!(from_str::<Vec<Choice>>(text, limits).is_err(), "there are no others");
    for wrong in [r#"{"newer":{"#, r#"{"newer":1,"more":2}"#, r#"{"word":1}"#, r#"{"newer":[}}"#, "7"] {
        assert!(from_str::<Open>(wrong, limits).is_err(), "{wrong}");
    }
    let error = json!({ "code": "denied", "message": "m", "retryable": false });
    let asks = json!({ "step": "failed", "error": error, "asks": { "totp": { "digits": 6 } } });
    let read: NodeStep = from_value(&asks).expect("is read");
    assert!(matches!(read, NodeStep::Failed { asks: Some(NodeAsk::Other), .. }), "{read:?}");
    let read: NodeStep = from_value(&json!({ "step": "paused", "why": 1 })).expect("is read");
    assert_eq!(read, NodeStep::Other);
    let news = json!({ "boot_id": "b", "last": 2, "items": [{ "moved": { "vault": VAULT } }] });
    assert_eq!(from_value::<News>(&news).expect("is read").items, [NewsItem::Other]);
}

#[test]
fn a_ticket_is_read_strictly_in_an_answer_too() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "what counts is whether it is read")]
    struct Spawned {
        ticket: Ticket,
    }
    crate::wire_documents!(Spawned);
    let ticket = json!({ "v": 1, "kind": "ticket", "id": "tkt_01HF7YAT00000000000000003C", "vault": VAULT,
        "generation": 1, "node": "n1", "worker": { "name": "w", "sha256": "5e".repeat(32) },
        "endpoint": { "ip": "127.0.0.1", "port": 1 },
        "tls": { "version": "1.3", "cert_sha256": "5e".repeat(32), "key_sha256": "5e".repeat(32) },
        "auth": { "scheme": "biscuit", "token": "t" },
        "protocol": { "name": "jsonrpc-2.0", "framing": "ndjson", "max_frame_bytes": 4096, "call_deadline_ms": 1 },
        "methods": ["*"], "issued_at": AT, "expires_at": AT,
        "lease": { "claim_ms": 1, "lease_ms": 1, "link": false, "link_silence_ms": 1 } });
    let spawned = |ticket: &Value| from_value::<Spawned>(&json!({ "x_new": 1, "ticket": ticket }));
    spawned(&ticket).expect("is read");
    for place in ["", "/worker", "/lease"] {
        let mut more = ticket.clone();
        more.pointer_mut(place).expect("is there")["x_new"] = json!(1);
        let error = spawned(&more).expect_err("is no ticket of ours");
        assert!(error.reason.contains("unknown field `x_new`"), "{error}");
    }
}
