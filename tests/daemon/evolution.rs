//! Old clients on a new node and new clients on an old one, from the line of commit a5924ab on; and so a core and its
//! nodes.
//!
//! What an old client writes stands here as it wrote it, and what it reads is read as it did. `hauki-ticket(5)` has
//! the rule that these tests keep, and `hauki-architecture(7)` that of the nodes.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::newer;
use crate::support::old_node::OldNode;
use crate::support::old_swarm;
use crate::support::puppet;
use crate::support::stranger::Stranger;
use crate::support::until;
use hauki::api::ErrorCode;
use hauki::api::clone::CloneAsk;
use hauki::api::node::{BeatOrder, NewsItem, NodeApi as _};
use hauki::api::node_error::NodeFault;
use hauki::api::vault::TicketRequest;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::Cause;
use hauki::model::gem::Wishes;
use hauki::model::limits::{Controller, Limits};
use hauki::model::open_word::OpenWord;
use hauki::model::ticket::Ticket;
use hauki_control::link::HttpNode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;

const WORKER: &str = "function echo(x) { return x; }";
const PATIENCE: Duration = Duration::from_secs(60);

/// As `Ghost` of then read it.
#[derive(Deserialize)]
#[allow(dead_code, reason = "what counts is that it can be read")]
struct OldWelcome {
    vault: String,
    generation: u64,
    methods: Vec<String>,
    lease_ms: u64,
    lease_left_ms: u64,
    link: bool,
    link_silence_ms: u64,
    max_frame_bytes: u32,
    call_deadline_ms: u32,
}

async fn ticket(daemon: &Daemon) -> Ticket {
    daemon.spawn(WORKER).await.ticket
}

#[tokio::test]
async fn an_old_client_is_served_by_a_new_node() {
    let daemon = Daemon::start();
    let ticket = ticket(&daemon).await;
    let document = serde_json::to_value(&ticket).expect("serializes");
    let token = ticket.auth.token.reveal();
    // The library and the tool; Node.js; Python; bash.
    let rust = format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"hauki.hello","params":{{"token":"{token}","call_deadline_ms":300,"client":"pid 7 on host"}}}}"#
    );
    let node = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"hauki.hello","params":{{"token":"{token}","client":"node pid 7 on host"}}}}"#
    );
    let python = format!(
        r#"{{"jsonrpc": "2.0", "id": 0, "method": "hauki.hello", "params": {{"token": "{token}", "client": "python pid 7", "call_deadline_ms": null}}}}"#
    );
    let bash = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"hauki.hello","params":{{"token":"{token}","client":"hauki-call.sh"}}}}"#
    );
    let rest: [&[&str]; 4] = [
        &[
            r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":3,"method":"hauki.heartbeat"}"#,
            r#"{"jsonrpc":"2.0","id":4,"method":"hauki.stats"}"#,
        ],
        &[
            r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":3,"method":"hauki.heartbeat"}"#,
        ],
        &[
            r#"{"jsonrpc": "2.0", "id": 1, "method": "echo", "params": [1]}"#,
            r#"{"jsonrpc": "2.0", "id": 2, "method": "hauki.heartbeat", "params": []}"#,
            r#"{"jsonrpc": "2.0", "id": 3, "method": "hauki.methods", "params": []}"#,
        ],
        &[r#"{"jsonrpc":"2.0","id":2,"method":"echo","params":[1]}"#],
    ];
    for (hello, rest) in [rust, node, python, bash].iter().zip(rest) {
        let mut client = Stranger::knock(&document).await.expect("connects");
        client.send(hello).await;
        let welcome = client.reply().await;
        let read: OldWelcome = serde_json::from_value(welcome["result"].clone()).expect("as it was");
        assert_eq!(read.vault, ticket.vault.as_str(), "{welcome}");
        for line in rest {
            client.send(line).await;
            let reply = client.reply().await;
            assert!(reply["error"].is_null() && !reply["result"].is_null(), "{line}: {reply}");
        }
    }
    let mut client = Stranger::enter(&document).await;
    client.send(r#"{"jsonrpc":"2.0","id":2,"method":"hauki.destruct","params":{"grace_ms":0}}"#).await;
    assert_eq!(client.reply().await["result"]["receipt"]["death"]["cause"], "destruct");
}

/// A reader of then refuses a member that it does not know.
/// As the tool of version 0.1 reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what counts is that it can be read")]
struct OldReceipt {
    vault: String,
    node: String,
    death: Value,
    lived_ms: u64,
    calls: u64,
    reclaimed_us: u64,
    reclaimed: Vec<Value>,
}

/// What a tool says of itself decides: only that one is so strict.
#[tokio::test]
async fn the_tool_of_version_one_reads_the_receipt_of_what_it_ended() {
    let daemon = Daemon::start();
    let ask = async |agent: &str, method: &str, path: &str| {
        let mut stream = UnixStream::connect(&daemon.socket).await.expect("listens");
        let head = format!("{method} {path} HTTP/1.0\r\nhost: hauki\r\nuser-agent: {agent}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("is text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("has a head");
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        serde_json::from_str::<Value>(body).expect("is JSON")
    };
    for (agent, is_old) in [("hauki/0.1.0", true), (concat!("hauki/", env!("CARGO_PKG_VERSION")), false)] {
        let vault = ticket(&daemon).await.vault;
        let one = format!("/api/v2/vaults/{vault}");
        let (destructed, shown) = (ask(agent, "DELETE", &one).await, ask(agent, "GET", &one).await);
        for receipt in [&destructed["receipt"], &shown["receipt"]] {
            assert_eq!(receipt["vault"], vault.as_str(), "{receipt}");
            let read = serde_json::from_value::<OldReceipt>(receipt.clone());
            assert_eq!(read.is_ok(), is_old, "{agent}: {receipt}: {read:?}");
        }
    }
}

#[tokio::test]
async fn a_ticket_of_version_one_has_the_members_that_it_always_had() {
    let daemon = Daemon::start();
    let document = serde_json::to_value(ticket(&daemon).await).expect("serializes");
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<_> = value.as_object().expect("is one").keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(document["v"], 1);
    for (member, expected) in [
        (
            &document,
            "auth endpoint expires_at generation id issued_at kind lease methods node protocol tls v vault worker",
        ),
        (&document["worker"], "name sha256"),
        (&document["endpoint"], "ip port"),
        (&document["tls"], "cert_sha256 key_sha256 version"),
        (&document["auth"], "scheme token"),
        (&document["protocol"], "call_deadline_ms framing max_frame_bytes name"),
        (&document["lease"], "claim_ms lease_ms link link_silence_ms"),
    ] {
        assert_eq!(names(member).join(" "), expected);
    }
}

const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
const kind = await worker.$with({ timeoutMs: 200 }).hang().then(() => null, (error) => error.kind);
console.log(JSON.stringify([kind, await worker.echo(7)]));
await worker.$close();
"#;

const PYTHON: &str = r#"
import json, sys
from hauki_client import ghost, HaukiError
with ghost(sys.argv[1]) as worker:
    try:
        worker.call("hang", timeout=0.2)
    except HaukiError as error:
        kind = error.kind
    print(json.dumps([kind, worker.echo(7)]))
"#;

const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import aio, HaukiError

async def main():
    async with aio(sys.argv[1]) as worker:
        try:
            await worker.call("hang", timeout=0.2)
        except HaukiError as error:
            kind = error.kind
        print(json.dumps([kind, await worker.echo(7)]))

asyncio.run(main())
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_clients_are_served_by_an_old_node_and_ask_nothing_new_of_it() {
    let daemon = Daemon::start();
    let mut ticket = ticket(&daemon).await;
    let old = OldNode::start(&mut ticket).await;
    let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("is welcome");
    let welcome = ghost.welcome().await.expect("is welcome");
    assert_eq!((welcome.v, &welcome.features[..]), (1, &[][..]));
    assert!(tokio::time::timeout(Duration::from_millis(100), ghost.call("hang", None)).await.is_err());
    assert_eq!(ghost.call("echo", Some("[7]")).await.expect("answers").get(), "7");

    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients");
    let path = daemon.dir.path().join("old.json");
    std::fs::write(&path, serde_json::to_string(&ticket).expect("is JSON")).expect("writes");
    let script = clients.join("hauki-call.sh");
    let script = script.to_str().expect("is text");
    let file = path.to_str().expect("is text");
    for (program, words, expected) in [
        ("node", vec!["--input-type=module", "-e", NODE, file], json!(["timeout", 7])),
        ("python3", vec!["-B", "-c", PYTHON, file], json!(["timeout", 7])),
        ("python3", vec!["-B", "-c", ASYNCIO, file], json!(["timeout", 7])),
        ("bash", vec![script, file, "echo", "7"], json!(7)),
    ] {
        let mut command = Command::new(program);
        command.current_dir(&clients).env("PYTHONPATH", &clients).args(words).stdin(Stdio::null());
        let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await;
        let output = output.expect("hangs").expect("is installed");
        let said = serde_json::from_slice::<Value>(&output.stdout);
        assert_eq!(said.unwrap_or_else(|_| panic!("{output:?}")), expected, "{program}");
    }
    let mut tool = Command::from(daemon.hauki());
    let output = tool.args(["proxy", "call", file, "echo", "7"]).output().await.expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "7", "{output:?}");
    assert_eq!(old.strange(), [""; 0], "it was asked for what it never announced");
}

/// A core of today over a node that has no list of wishes, no question for a receipt and no reasons.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_node_serves_a_new_core_in_its_own_way() {
    let node = old_swarm::node().await;
    let nodes = format!("nodes: [{{name: n1, socket: {}}}]\n", node.socket.display());
    let core = Daemon::start_in(Daemon::ground(&nodes), "core", &[]);
    let parent = core.spawn_with(WORKER, Wishes { spawn: Some(1), ..Wishes::default() }).await.vault.id;
    // It let go of the code, and says so in the words of then.
    node.fake.forget_code();
    let spawned = core.spawn(WORKER).await.vault.id;
    assert_eq!(node.fake.came().len(), 2);

    let link = HttpNode::new(&node.socket).expect("is set up");
    let lives = link.receipt(parent.clone()).await.expect_err("lives");
    assert_eq!((lives.fault, node.fake.living().len()), (NodeFault::NotYet, 2), "asked, and not killed");
    node.fake.kill(&spawned, Cause::OutOfMemory);
    let told = link.receipt(spawned.clone()).await.expect("is told");
    assert_eq!(told.death.cause, Cause::OutOfMemory);
    let never = hauki_contract::system::random::vault_id();
    assert_eq!(link.receipt(never).await.expect_err("was never there").fault, NodeFault::Unknown);
    assert_eq!(link.asks(0, 0).await.expect_err("has no such list").fault, NodeFault::NotAsked);
    until::until("its death is on record", async || {
        let shown = core.endpoint().vault(&spawned).await.expect("shows");
        shown.receipt.is_some_and(|receipt| receipt.death.cause == Cause::OutOfMemory)
    })
    .await;

    // A wish comes with its news.
    let ask = CloneAsk {
        vault: parent.clone(),
        number: 1,
        arguments: r#"["function f() {}"]"#.into(),
        traceparent: None,
    };
    node.fake.wish(ask.clone());
    node.fake.say(NewsItem::Clone(ask));
    until::until("the wish is answered", async || !node.fake.answers().is_empty()).await;
    assert_eq!(node.fake.answers()[0].error, None);
    let torn = core.endpoint().destruct(&parent, &Default::default()).await.expect("ends");
    assert!(torn.changed);
}

/// What a core of then asks, read as it read it.
#[tokio::test]
async fn a_new_node_serves_an_old_core_in_its_own_way() {
    let mut stage = puppet::Stage::build().await;
    let core = old_swarm::Core::of(Arc::new(stage.api())).await;
    let limits = Limits { spawn: 1, call_deadline_ms: 600_000, ..Limits::default() };
    let (mut puppet, provisioned) = stage.provision(limits, Default::default()).await;
    provisioned.expect("is forged");
    let vault = puppet.vault.clone();
    puppet.ask(1, "", "clone_object", r#"["function f() {}"]"#).await;
    let (mut after, mut wish) = (0, None);
    while wish.is_none() {
        let news: old_swarm::News =
            core.get(&format!("/node/v1/news?after={after}&wait_ms=10000")).await.expect("tells");
        after = news.last;
        wish = news.items.into_iter().find_map(|item| match item {
            old_swarm::NewsItem::Clone(ask) => Some(ask),
            _ => None,
        });
    }
    let wish = wish.expect("is there");
    assert_eq!((&wish["vault"], &wish["arguments"]), (&json!(vault), &json!(r#"["function f() {}"]"#)));
    let error = json!({"code": "quota", "message": "no more", "retryable": false});
    let answer = json!({"vault": vault, "number": wish["number"], "error": error});
    core.post(&format!("/node/v1/vaults/{vault}/clones"), &answer).await.expect("is awaited");
    assert_eq!(puppet.refused(1).await, "quota");
    // Its refusals are read by their codes.
    let beat = json!({"vault": vault, "generation": 2});
    let refused = core.post(&format!("/node/v1/vaults/{vault}/beat"), &beat).await.expect_err("is another");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::Conflict, false));
    let destruct = json!({"vault": vault, "cause": "destruct", "grace_ms": 0});
    let path = format!("/node/v1/vaults/{vault}/destruct");
    let torn = core.post(&path, &destruct).await.expect("ends");
    assert_eq!(torn["receipt"]["vault"], json!(vault));
    let beat = json!({"vault": vault});
    until::until("it is buried", async || {
        let refused = core.post(&format!("/node/v1/vaults/{vault}/beat"), &beat).await.expect_err("is dead");
        refused.code == ErrorCode::VaultDead && refused.receipt.is_some()
    })
    .await;
}

/// What asks nobody, or wants a machine of its own.
const ASK_NOBODY: [&str; 6] =
    ["completions", "help", "config show", "ticket narrow", "node rm", "mcp install"];

/// Whoever answers may say more: each verb works, and what is in no record is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_works_with_a_newer_daemon() {
    let daemon = Daemon::start();
    let newer = newer::Newer::of(&daemon.socket);
    let hauki = Hauki { daemon: &daemon, socket: newer.socket.clone(), used: RefCell::default() };
    let file = |name: &str, text: &str| {
        let path = daemon.dir.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path.to_str().expect("is text").to_owned()
    };
    let worker = file(
        "w.js",
        "function echo(x) { print(\"heard\"); emit(\"e\", {}); return x; } function boom() { throw new Error(\"b\"); }",
    );
    let script = file("s.js", "var o = clone_object(\"w.js\"); print(o->echo(7)); destruct(o);");
    let (worker, script) = (worker.as_str(), script.as_str());
    let at = |name: &str| daemon.dir.path().join(name).to_str().expect("is text").to_owned();

    let summons = hauki.ok(&["summon", worker, "--claim", "1h", "--lease", "1h", "-o", "jsonl"], "").await;
    // So it is in pipes: a record with a member more.
    let with_more = |record: &str| record.replacen('{', r#"{"x_new":{"y":[1]},"#, 1);
    let vault = hauki.ok(&["forge", "-", "-o", "jsonl"], &with_more(&summons)).await;
    let ticket = at("t.json");
    hauki.ok(&["ticket", "-", "--out", &ticket], &with_more(&vault)).await;
    let id: Value = serde_json::from_str(&vault).expect("is a record");
    assert_eq!((&id["phase"], &id["unlimited"]), (&json!("x_forged"), &json!(["x_gpu", "pids"])));
    let id = id["id"].as_str().expect("has one");
    for words in [
        &["version"][..],
        &["doctor"],
        &["ls"],
        &["ls", "-o", "wide"],
        &["show", id],
        &["heartbeat", &ticket],
        &["proxy", "call", &ticket, "echo", "7"],
        &["proxy", "call", &ticket, "echo", "7", "-o", "jsonl"],
        &["proxy", "run", script],
        &["clone", worker, "--name", "a/b", "--claim", "1h"],
        &["resolve", "a/b"],
        &["resolve", "a/b", "--no-ticket"],
        &["gem", "push", worker, "w", "--version", "1"],
        &["gem", "ls"],
        &["gem", "show", "w"],
        &["gem", "resolve", "w"],
        &["meshfs_resolve", "w"],
        &["gem", "rm", "w"],
        &["node", "ls"],
        &["node", "doctor"],
        &["summon", worker, "--spool", "--wait"],
        &["spool", "ls"],
        &["bench", "-n", "1", "--calls", "2"],
        &["events"],
    ] {
        hauki.ok(words, "").await;
    }
    hauki.ok(&["secret", "set", "openai"], "sk-12345678\n").await;
    assert_eq!(hauki.ok(&["secret", "ls", "-o", "id"], "").await, "openai\n");
    hauki.ok(&["secret", "rm", "openai"], "").await;
    hauki.ok(&["proxy", "pipe", &ticket, "echo"], "1\n2\n").await;
    hauki
        .ok(&["proxy", "pipe", &ticket, "--events"], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n")
        .await;
    hauki.ok(&["proxy", "repl", &ticket], "1 + 1\n").await;
    assert_eq!(hauki.ok(&["run", "-e", "1 + 1"], "").await, "2\n");
    hauki.serves_an_agent().await;
    let node = hauki.ok(&["node", "ls", "-o", "id"], "").await;
    // Steps that are not known are passed over, and the last one is told.
    for words in [
        &["node", "upgrade", node.trim(), "-o", "id"][..],
        &["node", "add", "root@n7.example", "--name", "n7", "-o", "id"],
    ] {
        assert_eq!(hauki.ok(words, "").await, node);
    }
    for verb in ["show", "drain", "undrain"] {
        hauki.ok(&["node", verb, node.trim()], "").await;
    }
    let mut listening = hauki
        .command(&["proxy", "listen", &ticket, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut said = BufReader::new(listening.stdout.take().expect("is a pipe")).lines();
    let listener =
        tokio::time::timeout(PATIENCE, said.next_line()).await.expect("says where").expect("is text");
    assert!(listener.is_some_and(|line| line.contains("listener")));
    listening.kill().await.expect("is ours");
    hauki.used.borrow_mut().push("proxy listen".into());

    hauki.ok(&["node", "drain", node.trim()], "").await;
    let queued = hauki.ok(&["forge", "-", "--spool", "-o", "id"], &summons).await;
    for verb in ["show", "retry", "rm"] {
        hauki.ok(&["spool", verb, queued.trim()], "").await;
    }
    hauki.ok(&["node", "undrain", node.trim()], "").await;

    // An error is read as well, whoever says it.
    for (words, code) in [
        (&["proxy", "call", &ticket, "boom"][..], 7),
        (&["show", "vlt_01HF7YAT00000000000000001A"], 3),
        (&["gem", "show", "nobody"], 3),
    ] {
        let (exit, _, said) = hauki.run(words, "").await;
        assert_eq!(exit, code, "{words:?}: {said}");
    }
    // What is in no record is said, and what can be is in it.
    let (_, _, said) = hauki.run(&["ls"], "").await;
    assert!(said.contains("newer") && said.contains(newer::MORE), "{said}");
    let (_, records, said) = hauki.run(&["ls", "-o", "json"], "").await;
    let warning: Value = serde_json::from_str(&said).expect("is an object");
    assert_eq!((&warning["kind"], &warning["members"]), (&json!("warning"), &json!([newer::MORE])));
    assert!(!records.contains(newer::MORE));
    // A failure is one object, and has it in it.
    let (code, _, said) = hauki.run(&["summon", worker, "--columns", "none", "-o", "json"], "").await;
    let failure: Value = serde_json::from_str(&said).expect("is one object");
    assert_eq!(
        (code, &failure["kind"], &failure["newer_daemon"]),
        (2, &json!("error"), &json!([newer::MORE]))
    );
    assert_eq!(hauki.run(&["ls", "-q"], "").await.2, "");
    let (_, events, said) = hauki.run(&["events", "-o", "jsonl"], "").await;
    let kept = events.lines().filter(|line| line.contains(newer::MORE)).count();
    assert_eq!((kept, said.as_str()), (events.lines().count(), ""));
    let mut watch =
        hauki.command(&["resolve", "--watch", "-o", "jsonl"]).stdout(Stdio::piped()).spawn().expect("runs");
    let mut holders = BufReader::new(watch.stdout.take().expect("is a pipe")).lines();
    let holder =
        tokio::time::timeout(PATIENCE, holders.next_line()).await.expect("is told").expect("is text");
    assert!(holder.is_some_and(|line| line.contains(newer::MORE) && line.contains("a/b")));
    watch.kill().await.expect("is ours");

    assert!(hauki.ok(&["ls", "-o", "table"], "").await.contains("x_live"));
    let shown = hauki.ok(&["events", "-o", "table"], "").await;
    assert!(shown.contains(r#""event":"x_forged""#), "{shown}");
    let (code, _, said) = hauki.run(&["show", "vlt_01HF7YAT00000000000000001A", "-o", "json"], "").await;
    let failure: Value = serde_json::from_str(&said).expect("is one object");
    assert_eq!((code, &failure["code"]), (3, &json!("x_not_found")), "by its status");
    let torn = hauki.ok(&["destruct", &ticket, "-o", "jsonl"], "").await;
    let torn: Value = serde_json::from_str(&torn).expect("is a record");
    let words = (&torn["death"]["cause"], &torn["witness"], &torn["reclaimed"][0]["what"]);
    assert_eq!(words, (&json!("x_destruct"), &json!("x_node"), &json!("x_process")));
    let told = hauki.ok(&["destruct", id, "-o", "table"], "").await;
    assert!(told.contains("x_destruct") && told.contains("x_process"), "{told}");
    hauki.ok(&["destruct", "--reap", "--older-than", "0s"], "").await;
    let used = hauki.used.borrow();
    for verb in verbs(&hauki::cli::command(), "") {
        let is_used = used.iter().any(|words| words.starts_with(&verb));
        assert!(is_used != ASK_NOBODY.contains(&verb.as_str()), "{verb}: tried, or with a reason not to");
    }
}

/// What can be written behind `hauki`, without arguments.
fn verbs(command: &clap::Command, before: &str) -> Vec<String> {
    if !command.has_subcommands() {
        return vec![before.to_owned()];
    }
    command
        .get_subcommands()
        .flat_map(|verb| verbs(verb, format!("{before} {}", verb.get_name()).trim()))
        .collect()
}

struct Hauki<'d> {
    daemon: &'d Daemon,
    socket: PathBuf,
    used: RefCell<Vec<String>>,
}

impl Hauki<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::from(self.daemon.hauki());
        command.env("HAUKI_ENDPOINT", format!("unix://{}", self.socket.display())).args(words);
        command.current_dir(self.daemon.dir.path()).kill_on_drop(true);
        command
    }

    async fn run(&self, words: &[&str], input: &str) -> (i32, String, String) {
        self.used.borrow_mut().push(words.join(" "));
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        let mut stdin = child.stdin.take().expect("is a pipe");
        let input = input.to_owned();
        tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("{words:?} hangs")).expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("is text");
        (output.status.code().expect("was not killed"), text(output.stdout), text(output.stderr))
    }

    /// `hauki mcp`, which has verbs below it and is one itself.
    async fn serves_an_agent(&self) {
        let mut server =
            self.command(&["mcp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
        let mut input = server.stdin.take().expect("is a pipe");
        let mut said = BufReader::new(server.stdout.take().expect("is a pipe")).lines();
        for (asked, answer) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
                "serverInfo",
            ),
            (
                r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"run","arguments":{"code":"6*7"}}}"#,
                r#""value":42"#,
            ),
        ] {
            input.write_all(format!("{asked}\n").as_bytes()).await.expect("is read");
            let line = tokio::time::timeout(PATIENCE, said.next_line()).await.expect("answers");
            let line = line.expect("is text").expect("is there");
            assert!(line.contains(answer), "{line}");
        }
        drop(input);
        assert!(server.wait().await.expect("ends").success());
    }

    async fn ok(&self, words: &[&str], input: &str) -> String {
        let (code, said, errors) = self.run(words, input).await;
        assert_eq!(code, 0, "{words:?}: {said}{errors}");
        said
    }
}

/// The same between a core and a newer node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_is_served_by_a_newer_node() {
    let node = old_swarm::node_with(newer::answers).await;
    let nodes = format!("nodes: [{{name: n1, socket: {}}}]\n", node.socket.display());
    let core = Daemon::start_in(Daemon::ground(&nodes), "core", &[]);
    let parent = core.spawn_with(WORKER, Wishes { spawn: Some(1), ..Wishes::default() }).await.vault.id;
    let spawned = core.spawn(WORKER).await.vault.id;
    let shown = core.endpoint().vault(&spawned).await.expect("shows");
    assert!(shown.vitals.is_some() && shown.unreachable.is_none(), "{shown:?}");
    assert_eq!(shown.phase, OpenWord::Other("x_ticketed"));
    assert_eq!(shown.unlimited, [OpenWord::Other("x_gpu"), Controller::Pids.into()]);
    let listed = core.endpoint().node(&"n1".parse().expect("a name")).await.expect("shows");
    assert_eq!(listed.info.state, "ready");
    core.endpoint()
        .ticket(&TicketRequest { vault: spawned.clone(), wishes: Default::default() })
        .await
        .expect("opens");

    let link = HttpNode::new(&node.socket).expect("is set up");
    assert_eq!(link.status().await.expect("says").name.as_str(), "n1");
    assert!(!link.health().await.expect("says").word.boot_id.is_empty());
    assert_eq!(link.receipt(parent.clone()).await.expect_err("lives").fault, NodeFault::NotYet);
    node.fake.kill(&spawned, Cause::OutOfMemory);
    until::until("its death is on record", async || {
        let shown = core.endpoint().vault(&spawned).await.expect("shows");
        shown.receipt.is_some_and(|receipt| receipt.death.cause == OpenWord::Other("x_out_of_memory"))
    })
    .await;
    // A refusal with a tombstone in it.
    let beat = BeatOrder { vault: spawned, generation: None, by: None };
    assert!(matches!(link.beat(beat).await.expect_err("is dead").fault, NodeFault::Dead(_)));
    let ask = CloneAsk {
        vault: parent.clone(),
        number: 1,
        arguments: r#"["function f() {}"]"#.into(),
        traceparent: None,
    };
    node.fake.wish(ask);
    until::until("the wish is answered", async || !node.fake.answers().is_empty()).await;
    assert_eq!(node.fake.answers()[0].error, None);
    // Its node names a cause that is not the ordered one, as if somebody else had ended it.
    let torn = core.endpoint().destruct(&parent, &Default::default()).await.expect("ends");
    let cause = torn.receipt.expect("is told").death.cause;
    assert_eq!(cause, OpenWord::Other("x_destruct"));
}
