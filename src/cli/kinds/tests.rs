//! How each kind of record looks: a file for each in `tests/tables`, compared, and written by `make bless`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::*;
use crate::api::gem::{Gem, GemRemoved};
use crate::api::registry::Holder;
use crate::api::secret::{SecretInfo, SecretRemoved};
use crate::api::spool::SpoolEntry;
use crate::api::summons::Summons;
use crate::api::swarm::NodeDetail;
use crate::api::vault::{NodeInfo, Vault};
use crate::cli::output::{Format, Style};
use crate::cli::record::{Body, Record};
use crate::cli::table;
use crate::model::check::Check;
use crate::model::ticket::Ticket;
use hauki_contract::strict;
use hauki_contract::system::clock::ManualClock;

const VAULT: &str = "vlt_01HF7YAT00000000000000001A";
const SUMMONS: &str = "sum_01HF7YAT00000000000000002B";
const TICKET: &str = "tkt_01HF7YAT00000000000000003C";
const ENTRY: &str = "spl_01HF7YAT00000000000000004D";
const AT: &str = "2026-11-21T14:03:11.123456Z";

/// A record as verbs make it, of a value of its type.
fn of<T: Body + serde::de::DeserializeOwned>(value: Value) -> Record {
    Record::new(&strict::from_value::<T>(&value).expect("is of its type"))
}

fn worker() -> Value {
    json!({ "name": "workers/scout", "version": "3", "sha256": "5e".repeat(32) })
}

fn limits() -> Value {
    json!({ "memory_bytes": 4_194_304, "cpu_percent": 100, "pids": 8, "call_deadline_ms": 10_000,
        "max_frame_bytes": 1_048_576, "spawn": 0 })
}

fn terms() -> Value {
    json!({ "claim_ms": 30_000, "lease_ms": 60_000, "lifetime_ms": 86_400_000, "link": false,
        "link_silence_ms": 750 })
}

fn receipt(cause: &str, more: &Value) -> Value {
    let mut receipt = json!({ "vault": VAULT, "node": "n3", "generation": 1, "witness": "node",
        "death": { "cause": cause, "at": AT }, "lived_ms": 48_000, "calls": 1_204, "reclaimed_us": 900,
        "reclaimed": [
            { "what": "process", "name": "4242", "gone_after_us": 60, "gone": true },
            { "what": "port", "name": "41873", "gone_after_us": 20, "gone": true },
            { "what": "mounts", "name": "2", "gone_after_us": 20, "gone": false },
        ] });
    let fields = receipt.as_object_mut().expect("is one");
    fields.extend(more.as_object().expect("is one").clone());
    receipt
}

fn vault(more: &Value) -> Record {
    let mut vault = json!({ "id": VAULT, "summons": SUMMONS, "worker": worker(), "node": "n3", "generation": 1,
        "phase": "live", "methods": ["observe", "report"], "limits": limits(), "terms": terms(),
        "forged_at": AT, "forged_us": 2_480, "changed": true });
    let fields = vault.as_object_mut().expect("is one");
    fields.extend(more.as_object().expect("is one").clone());
    of::<Vault>(vault)
}

fn vaults() -> Vec<Record> {
    let live = json!({ "name": "scout/eu", "endpoint": { "ip": "fd00::3", "port": 41_873 },
        "vitals": { "lease_left_ms": 8_100, "calls": 1_204, "memory_bytes": 626_688, "age_ms": 120_000,
            "connections": 1, "init_pid": 4_242 } });
    let dead = json!({ "phase": "dead", "receipt": receipt("heartbeat_lost", &json!({})) });
    vec![vault(&live), vault(&dead)]
}

fn ticket() -> Record {
    let ticket = json!({ "v": 1, "kind": "ticket", "id": TICKET, "vault": VAULT, "generation": 1, "node": "n3",
        "worker": worker(), "endpoint": { "ip": "10.0.0.7", "port": 41_873 },
        "tls": { "version": "1.3", "cert_sha256": "ce".repeat(32), "key_sha256": "6e".repeat(32) },
        "auth": { "scheme": "biscuit", "token": "hush" },
        "protocol": { "name": "jsonrpc-2.0", "framing": "ndjson", "max_frame_bytes": 1_048_576,
            "call_deadline_ms": 10_000 },
        "methods": ["observe", "report"],
        "lease": { "claim_ms": 30_000, "lease_ms": 60_000, "link": false, "link_silence_ms": 750 },
        "issued_at": AT, "expires_at": "2026-11-21T15:33:16Z" });
    Record::ticket(&strict::from_value::<Ticket>(&ticket).expect("is one"))
}

fn node(more: &Value) -> Value {
    let mut node = json!({ "name": "n3", "state": "ready", "data_plane": "10.0.0.7",
        "data_plane_reason": "the address of wg0", "labels": { "zone": "a" }, "vaults": 1_204,
        "max_vaults": 4_096, "warm_vaults": 8, "free_memory_bytes": 3_221_225_472_u64, "load_percent": 12,
        "version": "0.1.0", "boot_id": "0f2c" });
    node.as_object_mut().expect("is one").extend(more.as_object().expect("is one").clone());
    node
}

fn events() -> Vec<Record> {
    let (ticketed, named) =
        (json!({ "vault": VAULT, "ticket": TICKET }), json!({ "vault": VAULT, "name": "s/eu" }));
    let what = [
        ("summoned", json!({ "summons": SUMMONS, "worker": "workers/scout" })),
        ("forged", json!({ "vault": VAULT, "node": "n3", "worker": "workers/scout", "forged_us": 2_480 })),
        ("ticketed", ticketed),
        ("claimed", json!({ "vault": VAULT, "ticket": TICKET, "peer": "10.0.0.9:5000" })),
        ("log", json!({ "vault": VAULT, "text": "a\nb" })),
        ("named", named.clone()),
        ("freed", named),
        ("died", json!({ "vault": VAULT, "receipt": receipt("destruct", &json!({})) })),
        ("node_up", json!({ "node": "n3", "boot_id": "0f2c" })),
        ("node_lost", json!({ "node": "n3", "message": "it fell silent" })),
        ("lost", json!({ "node": "n3", "lost": 12 })),
        ("lost", json!({ "lost": 3 })),
    ];
    let recorded = what.into_iter().map(|(name, mut event)| {
        let fields = event.as_object_mut().expect("is one");
        fields.extend([("seq".into(), 7.into()), ("at".into(), AT.into()), ("event".into(), name.into())]);
        Record::told::<EventRecord>(&to_raw_value(&event).expect("is JSON"))
    });
    let heard = [
        json!({ "vault": VAULT, "at": AT, "event": "log", "text": "half" }),
        json!({ "vault": VAULT, "at": AT, "event": "emitted", "name": "seen", "data": { "n": 1.10 } }),
        json!({ "vault": VAULT, "at": AT, "event": "lost", "lost": 9 }),
    ];
    recorded.chain(heard.into_iter().map(of::<Happened>)).collect()
}

fn receipts() -> Vec<Record> {
    let torn = |mut receipt: Value, changed: bool| {
        receipt.as_object_mut().expect("is one").insert("changed".into(), changed.into());
        of::<TeardownRecord>(receipt)
    };
    let at = json!({ "cause": "crashed", "at": AT, "detail": "exit status 7", "by": "uid 0 pid 4242" });
    let concluded = json!({ "death": at, "witness": "core", "calls": 1, "reclaimed": [], "reclaimed_us": 0 });
    let mut by_gate = receipt("self_destruct", &json!({ "reclaimed": [] }));
    by_gate.as_object_mut().expect("is one").remove("witness");
    vec![
        torn(receipt("destruct", &json!({})), true),
        torn(receipt("destruct", &concluded), false),
        torn(by_gate, true),
        of::<TeardownRecord>(json!({ "vault": VAULT, "changed": false })),
        of::<TeardownRecord>(json!({ "vault": VAULT, "changed": false, "dry_run": true })),
    ]
}

fn entries() -> Vec<Record> {
    let entry = |more: Value| {
        let mut entry = json!({ "id": ENTRY, "state": "waiting", "summons": SUMMONS, "worker": "workers/scout",
            "owner": "root", "placement": {}, "memory_bytes": 4_194_304, "priority": 5, "at": AT, "attempts": 0,
            "changed": true });
        entry.as_object_mut().expect("is one").extend(more.as_object().expect("is one").clone());
        of::<SpoolEntry>(entry)
    };
    let error = json!({ "code": "no_capacity", "message": "no node has room", "retryable": true });
    vec![
        entry(json!({ "place": 1, "next_at": AT, "expires_at": AT })),
        entry(json!({ "state": "dead", "attempts": 12, "error": error, "done_at": AT })),
        entry(json!({ "state": "forged", "attempts": 1, "vault": VAULT, "done_at": AT })),
    ]
}

/// Every kind, with what its columns and its sentences can say.
fn samples() -> Vec<Vec<Record>> {
    let service = json!({ "name": "s/eu", "vault": VAULT, "worker": worker(), "node": "n3", "since": AT });
    let gem = |found: Value, more: Value| {
        let mut gem = json!({ "pointer": "gem-pointer://workers/scout@3", "path": "workers/scout", "version": "3",
            "sha256": "5e".repeat(32), "bytes": 2_048, "manifest": {}, "found_in": found, "changed": true });
        gem.as_object_mut().expect("is one").extend(more.as_object().expect("is one").clone());
        of::<Gem>(gem)
    };
    let check = |level: &str, hint: Value| {
        of::<Check>(json!({ "level": level, "what": "cgroups: memory, pids, cpu", "hint": hint }))
    };
    let scored = json!({ "fits": "yes", "node": "n3", "score": 940_000, "chosen": true,
        "free_memory_bytes": 3_221_225_472_u64, "load_percent": 12, "rtt_us": 310, "warm_vaults": 8, "code": true });
    vec![
        vaults(),
        vec![of::<Summons>(
            json!({ "id": SUMMONS, "worker": worker(), "file": "scout.js", "source_bytes": 2_048,
            "args": [], "limits": limits(), "terms": terms(), "key": "01HF", "created_at": AT, "changed": true }),
        )],
        vec![ticket()],
        vec![of::<BeatRecord>(json!({ "vault": VAULT, "lease_left_ms": 60_000, "at": AT }))],
        receipts(),
        events(),
        vec![
            gem(json!("pushed"), json!({ "pushed_at": AT })),
            gem(json!({ "directory": "/srv/gems" }), json!({})),
        ],
        vec![of::<GemRemoved>(json!({ "removed": ["gem-pointer://workers/scout@3"], "changed": true }))],
        vec![of::<SecretInfo>(json!({ "name": "openai", "set_at": AT, "key_version": 1, "changed": true }))],
        vec![
            of::<SecretRemoved>(json!({ "name": "openai", "changed": true })),
            of::<SecretRemoved>(json!({ "name": "maps", "changed": false })),
        ],
        vec![of::<NodeInfo>(node(&json!({}))), of::<NodeDetail>(node(&json!({ "findings": [] })))],
        vec![
            of::<Score>(scored),
            of::<Score>(json!({ "fits": "no: it is full", "node": "n4", "refused": "it is full", "score": 0,
                "chosen": false })),
        ],
        vec![
            of::<Holder>(json!({ "name": "s/eu", "service": service })),
            of::<Holder>(json!({ "name": "s/us", "service": null })),
        ],
        entries(),
        vec![
            of::<SettingRecord>(json!({ "key": "endpoint", "value": null, "origin": "default" })),
            of::<SettingRecord>(
                json!({ "key": "timeout", "value": "9s", "origin": "file /etc/hauki/hauki.yaml" }),
            ),
        ],
        vec![of::<Figure>(
            json!({ "name": "one call", "rounds": 500, "min_us": 31, "p50_us": 40, "p95_us": 90,
            "p99_us": 1_300, "max_us": 4_000, "plot": [400, 60, 20, 10, 5, 0, 0, 0, 2, 0, 0, 1, 0, 1, 0, 1] }),
        )],
        vec![
            of::<Reply>(json!({ "vault": VAULT, "method": "observe", "result": ["a", "b"] })),
            of::<Reply>(
                json!({ "vault": VAULT, "method": "observe", "input": "line 1", "result": { "n": 1.5 } }),
            ),
        ],
        vec![
            of::<Listening>(json!({ "vault": VAULT, "address": "unix:/run/x.sock" })),
            of::<Listening>(json!({ "vault": VAULT, "address": "127.0.0.1:5000", "token": "hush" })),
        ],
        vec![check("ok", Value::Null), check("warn", json!("mount it")), check("fail", json!("mount it"))],
        vec![of::<Version>(json!({ "version": "0.1.0", "api": "v2", "ticket": 1,
            "daemon": { "version": "0.1.0", "role": "all", "vault_build": "b1" } }))],
        vec![Record::failed(&json!({ "v": 1, "kind": "error", "ok": false, "code": "usage" }))],
    ]
}

fn style(format: Format, width: Option<usize>, columns: &[&str]) -> Style {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let color = anstream::ColorChoice::Never;
    Style { format, color, columns, header: true, reveal: false, mute: false, width }
}

fn drawn(records: &[Record], style: &Style) -> String {
    let all: Vec<_> = records.iter().collect();
    table::draw(records[0].form, &all, style).expect("has such columns")
}

/// All that people are shown of a kind.
fn page(records: &[Record]) -> String {
    let form = records[0].form;
    let mut page = String::new();
    let shapes = [("80 columns", Format::Table, Some(80)), ("200 columns", Format::Table, Some(200))];
    for (name, format, width) in shapes.into_iter().chain([("wide", Format::Wide, None)]) {
        if !form.titles().is_empty() {
            let _ = write!(page, "== {name}\n{}", drawn(records, &style(format, width, &[])));
        }
    }
    if form.titles().is_empty() && !form.speaks() {
        page += &drawn(records, &style(Format::Table, None, &[]));
    }
    if form.speaks() {
        page += "== sentences\n";
        for record in records {
            let told = form.sentence(&record.json).expect("is of its type");
            page += &anstream::adapter::strip_str(&told).to_string();
        }
    }
    let ids: Vec<_> = records.iter().map(|record| record.id().unwrap_or_else(|| "none".into())).collect();
    page + "== id\n" + &ids.join("\n") + "\n"
}

#[test]
fn every_kind_looks_as_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables");
    // How far away a time is depends on it.
    let _clock = ManualClock::at(AT.parse().expect("is a time"));
    let mut there = Vec::new();
    for records in samples() {
        let path = folder.join(format!("{}.txt", records[0].kind()));
        let made = page(&records);
        if std::env::var_os("HAUKI_BLESS").is_some() {
            fs::write(&path, &made).expect("writes");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "{} is not what is drawn; `make bless` writes it anew:\n{made}",
            path.display()
        );
        there.push(path);
    }
    for entry in fs::read_dir(folder).expect("is there") {
        let path = entry.expect("can be read").path();
        assert!(there.contains(&path), "{} is of no kind", path.display());
    }
}

#[test]
fn columns_are_titles_or_fields_as_they_are_written() {
    let records = vaults();
    let named = style(Format::Table, None, &["phase", "vitals.calls", "receipt.death.cause", "id"]);
    insta::assert_snapshot!(drawn(&records, &named), @r"
    PHASE  VITALS.CALLS  RECEIPT.DEATH.CAUSE  ID
    live   1204                               vlt_01HF7YAT00000000000000001A
    dead                 heartbeat_lost       vlt_01HF7YAT00000000000000001A
    ");
    let form = records[0].form;
    let refused = table::draw(form, &[&records[0]], &style(Format::Table, None, &["phases"]));
    assert!(refused.expect_err("has none").message.contains("no column \"phases\""));
}

#[test]
fn a_token_is_masked_and_control_characters_are_shown() {
    let mut record = ticket();
    record.json = record.json.replace("workers/scout", "a\\u001b[2J");
    let columns = ["vault", "worker", "worker.name", "token", "auth.token", "auth"];
    let text = drawn(&[record.clone()], &style(Format::Table, None, &columns));
    assert!(text.contains("a\\u001b[2J") && !text.contains("hush") && !text.contains('\u{1b}'), "{text}");
    let shown = Style { reveal: true, ..style(Format::Table, None, &columns) };
    assert_eq!(drawn(&[record], &shown).matches("hush").count(), 3);
}
