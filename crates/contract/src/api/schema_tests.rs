//! Schema conformance: the published schemas say what the server enforces: for documents at the edges of every field,
//! both give the same verdict.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::gem::GemPush;
use super::openapi;
use super::registry::ResolveRequest;
use super::spool::SpoolRequest;
use super::summons::{SpawnRequest, SummonsRequest};
use super::teardown::{DestructRequest, ReapRequest};
use super::vault::{Placement, ProvisionRequest, TicketRequest};
use crate::model::{gem, labels};
use crate::strict::{self, DocumentLimits};

const VAULT: &str = "vlt_01HF7YAT00000000000000001A";
const SUMMONS: &str = "sum_01HF7YAT00000000000000001A";
const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// What any field may be given instead.
fn edges() -> Vec<Value> {
    let mut edges =
        vec![json!(null), json!(true), json!(false), json!([]), json!({}), json!([1]), json!({ "a": "b" })];
    let numbers = [-1.0, 0.5, 1.0, 100.0, 60_000.0, 1e300, 18_446_744_073_709_551_616.0];
    edges.extend(numbers.map(|number| json!(number)));
    for edge in [
        0_u64,
        1,
        9,
        100,
        4_096,
        10_000,
        65_536,
        3_600_000,
        86_400_000,
        67_108_864,
        1_073_741_824,
        31_622_400_000,
        u64::MAX,
    ] {
        edges.extend([edge.saturating_sub(1), edge, edge.saturating_add(1)].map(|number| json!(number)));
    }
    for length in [1, 63, 64, 127, 128, 129, 255, 256, 257, 512, 513] {
        edges.extend(["a", "ä", "a/"].map(|letter| json!(letter.repeat(length))));
    }
    for text in [
        "",
        " ",
        "\t\n",
        "\u{a0}",
        "a\0",
        "a\n",
        "a\u{7f}",
        "a\u{85}",
        "a\u{202e}",
        ".",
        "..",
        "a/../b",
        "a//b",
        "/a",
        "a/",
        "a.b-c_d",
        "-a",
        "a@1",
        "a#b",
        "vlt_",
        "vlt_a",
        VAULT,
        SUMMONS,
        "spl_01HF7YAT00000000000000001A",
        "vlt_81HF7YAT00000000000000001A",
        "gem-pointer://a",
        "gem-pointer://a/b@1",
        "gem-pointer://a@",
        "gem-pointer://",
        "gem-pointer://a#sha256=12",
        "gem-pointer://a@1@2",
        "gem-pointer://.a",
        "n1",
        "N1",
        "1n",
        "n_1",
        "größe",
    ] {
        edges.push(json!(text));
    }
    edges.push(json!(format!("gem-pointer://a@1#sha256={HASH}")));
    edges.push(json!(format!("gem-pointer://{}", "a/".repeat(256) + "b")));
    edges.push(json!(format!("gem-pointer://{}b", "a/".repeat(255))));
    for count in [63, 64, 65] {
        edges.push(
            (0..count)
                .map(|number| (format!("l{number}"), json!("v")))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        );
    }
    for (name, value) in [("", "v"), ("a\u{1b}", "v"), ("a", "v\n"), ("a", ""), ("größe", "€")] {
        edges.push(json!({ name: value }));
    }
    edges.push(json!({ "ä".repeat(256): "ä".repeat(256) }));
    edges.push(json!({ "ä".repeat(257): "v" }));
    edges
}

/// Every place in a document, the outermost last.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found))
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(at.to_owned());
}

/// Puts every edge into every place of the whole document, and leaves every member away once.
fn agree<T: DeserializeOwned>(name: &str, whole: Value, check: impl Fn(&T) -> bool) {
    let document = openapi::document();
    let definitions =
        document["components"]["schemas"].to_string().replace("#/components/schemas/", "#/$defs/");
    let definitions: Value = serde_json::from_str(&definitions).expect("is JSON");
    let schema = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": definitions }))
        .expect("is a schema");
    let compare = |document: &Value, what: &str| {
        let taken = strict::from_str::<T>(&document.to_string(), DocumentLimits::bytes(usize::MAX));
        let is_taken = taken.as_ref().is_ok_and(&check);
        let fits = schema.is_valid(document);
        let shown: String = document.to_string().chars().take(300).collect();
        assert_eq!(fits, is_taken, "{name}{what}: the schema says {fits}: {:?} {shown}", taken.err());
    };
    assert!(schema.is_valid(&whole), "{name}: {:?}", schema.iter_errors(&whole).next());
    compare(&whole, "");
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let edges = edges();
    for place in &all {
        for edge in &edges {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).expect("is there") = edge.clone();
            compare(&changed, place);
        }
        if let Some((parent, member)) = place.rsplit_once('/') {
            let mut less = whole.clone();
            if let Some(fields) = less.pointer_mut(parent).and_then(Value::as_object_mut) {
                fields.remove(member);
                compare(&less, place);
                let mut more = whole.clone();
                more.pointer_mut(parent).expect("is there")["one_more"] = json!(1);
                // Where any name may stand the type of its value is what is wrong.
                compare(&more, place);
            }
        }
    }
}

fn summons() -> Value {
    json!({
        "key": "k", "origin": { "source": { "text": "function f() {}", "file": "w.js" } }, "args": [1, "a"],
        "wishes": { "memory_bytes": 65_536, "cpu_percent": 1, "call_deadline_ms": 1, "max_frame_bytes": 4_096,
            "claim_ms": 100, "lease_ms": 100, "lifetime_ms": 100, "link": true, "spawn": 0 },
        "labels": { "app": "scout" }, "name": "scout/eu", "dry_run": true,
    })
}

fn wishes() -> Value {
    json!({ "methods": ["f"], "expires_ms": 1, "lease_ms": 100, "link": false, "label": "ops" })
}

fn is_summons(request: &SummonsRequest) -> bool {
    let has_source = match &request.origin {
        super::summons::Origin::Source { text, .. } => !text.bytes().all(|byte| byte.is_ascii_whitespace()),
        super::summons::Origin::Gem(_) => true,
    };
    has_source && labels::is_key(&request.key) && request.check().is_ok()
}

fn is_place(placement: &Placement) -> bool {
    labels::check_labels(&placement.labels).is_ok() && labels::check_labels(&placement.anti_affinity).is_ok()
}

#[test]
fn what_the_schema_of_a_summons_refuses_the_server_refuses_and_the_reverse() {
    agree("SummonsRequest", summons(), is_summons);
    let gem = json!({ "key": "k", "origin": { "gem": format!("gem-pointer://a/b@1#sha256={HASH}") } });
    agree("SummonsRequest", gem, is_summons);
    let spawn = json!({ "summons": { "key": "k", "origin": { "gem": "gem-pointer://a" } }, "ticket": wishes(),
        "placement": { "node": "n1", "labels": { "a": "b" }, "anti_affinity": { "a": "b" } }, "get_or_create": true });
    agree("SpawnRequest", spawn, |spawn: &SpawnRequest| {
        is_summons(&spawn.summons) && spawn.ticket.check().is_ok() && is_place(&spawn.placement)
    });
}

#[test]
fn the_other_requests_agree_as_well() {
    agree("TicketRequest", json!({ "vault": VAULT, "wishes": wishes() }), |request: &TicketRequest| {
        request.wishes.check().is_ok()
    });
    let provision = json!({ "key": "k", "summons": SUMMONS, "placement": { "node": "n1", "labels": { "a": "b" }, "anti_affinity": { "a": "b" } }, "dry_run": true });
    agree("ProvisionRequest", provision, |request: &ProvisionRequest| {
        labels::is_key(&request.key) && is_place(&request.placement)
    });
    let spool = json!({ "key": "k", "summons": SUMMONS, "placement": {}, "priority": 9, "deadline_ms": 1 });
    agree("SpoolRequest", spool, |request: &SpoolRequest| {
        labels::is_key(&request.key) && request.priority <= 9 && is_place(&request.placement)
    });
    let reap = json!({ "older_than_ms": 1, "dry_run": true });
    agree("ReapRequest", reap, |reap: &ReapRequest| {
        reap.has_rule() && labels::check_labels(&reap.labels).is_ok()
    });
    let reap = json!({ "idle_ms": 1, "node": "n1", "worker": "w", "labels": { "a": "b" } });
    agree("ReapRequest", reap, |reap: &ReapRequest| {
        reap.has_rule() && labels::check_labels(&reap.labels).is_ok()
    });
    agree(
        "DestructRequest",
        json!({ "vaults": [VAULT], "grace_ms": 1, "dry_run": true }),
        |request: &DestructRequest| !request.vaults.is_empty(),
    );
    agree("ResolveRequest", json!({ "name": "scout", "ticket": wishes() }), |request: &ResolveRequest| {
        request.ticket.as_ref().is_none_or(|wishes| wishes.check().is_ok())
    });
    let push = json!({ "path": "workers/scout", "version": "1", "source": "function f() {}",
        "manifest": { "description": "d", "cpu_percent": 1, "spawn": 0, "labels": { "a": "b" } } });
    agree("GemPush", push, |push: &GemPush| {
        gem::check_path(&push.path).is_ok()
            && push.version.as_deref().is_none_or(|version| gem::check_version(version).is_ok())
            && !push.source.bytes().all(|byte| byte.is_ascii_whitespace())
            && labels::check_labels(&push.manifest.labels).is_ok()
            && push.manifest.wishes().is_ok_and(|wishes| wishes.limits().check().is_ok())
    });
}
