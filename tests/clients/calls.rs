//! The clients of `examples/clients` and the one in the README, on a real vault, from the ticket alone.
//!
//! Every client must make calls, give the worker's errors with code, message and data, deliver
//! events, keep the vault alive, give up in time, and send nothing to a node that is not the
//! ticket's. A missing interpreter is a failure: `packaging/setup-debian.sh tests` installs all three.

#[path = "../../examples/ghost.rs"]
#[allow(dead_code, reason = "its main is for people")]
mod ghost;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::daemon::Daemon;
use crate::support::relay::Relay;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;
use hauki::model::phase::Phase;
use hauki::model::ticket::Ticket;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

const WORKER: &str = "var n = 0;
function add(x) { n += x; return n; }
function total() { return n; }
function boom() {
  throw new Error('ouch');
}
function echo(a, b) { return [a, b === undefined ? null : b]; }
function tell(text) { print(text); emit('told', {text: text}); return true; }
function work(steps) { for (var i = 1; i <= steps; i++) emit('progress', {done: i, total: steps}); return 'worked'; }
function spin() { for (;;) {} }
function hang() { emit('hanging', n); for (;;) {} }";

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients")
}

fn save(daemon: &Daemon, name: &str, ticket: &Value) -> PathBuf {
    let path = daemon.dir.path().join(name);
    std::fs::write(&path, ticket.to_string()).expect("the directory is ours");
    path
}

fn json_of(ticket: &Ticket) -> Value {
    serde_json::to_value(ticket).expect("a ticket is JSON")
}

/// The same ticket for a node that does not exist.
fn for_another_node(ticket: &Ticket) -> Value {
    let mut other = json_of(ticket);
    let digest = other["tls"]["cert_sha256"].as_str().expect("is text").to_owned();
    let first = if digest.starts_with('0') { '1' } else { '0' };
    other["tls"]["cert_sha256"] = format!("{first}{}", &digest[1..]).into();
    other
}

async fn run(command: Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{program} did not end within {PATIENCE:?}"));
    output.unwrap_or_else(|error| {
        panic!("{program} cannot be run ({error}): packaging/setup-debian.sh tests installs it")
    })
}

fn words(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The last line of standard output as JSON.
fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", words(output));
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}", words(output)))
}

/// What every driver script below must say of a vault with a short lease.
fn check(said: &Value, vault: &str) {
    assert_eq!(said["add"], json!([40, 42]));
    assert_eq!(said["echo"], json!(["ä\"\n", {"k": [1, null]}]));
    let error = &said["error"];
    assert_eq!((&error["code"], &error["message"]), (&json!(-32000), &json!("Error: ouch")));
    assert_eq!((&error["data"]["kind"], &error["data"]["line"]), (&json!("throw"), &json!(5)));
    assert_eq!(error["kind"], json!("throw"));
    assert_eq!(said["unknown"], json!([-32601, "method_not_found"]));
    assert_eq!(said["progress"], json!([[1, 3], [2, 3], [3, 3], "worked"]));
    // Nobody waits for an aborted call; the connection goes on.
    assert_eq!(said["aborted"], json!(true));
    let mut events = said["events"].clone();
    for event in events.as_array_mut().expect("is a list") {
        let call = event[1].as_object_mut().and_then(|params| params.remove("call"));
        assert!(call.is_some_and(|call| call.is_u64()), "it does not say whose call it is of: {said}");
    }
    assert_eq!(
        events,
        json!([["hauki.log", {"text": "hi"}], ["hauki.event", {"event": "told", "data": {"text": "hi"}}]])
    );
    assert_eq!(said["late"], json!("timeout"));
    // It was idle for three leases, and the worker answers still.
    assert_eq!(said["idle"], json!(42));
    assert_eq!(said["receipt"]["vault"], json!(vault));
    assert_eq!(said["receipt"]["death"]["cause"], json!("destruct"));
    assert!(said["after"] == json!("vault_dead") || said["after"] == json!("connection_broken"), "{said}");
}

fn short_lease() -> Wishes {
    Wishes { lease_ms: Some(600), call_deadline_ms: Some(2_000), ..Wishes::default() }
}

/// Runs a client's driver on a vault of its own, and once more against a node that is not the ticket's.
async fn drive(daemon: &Daemon, driver: impl Fn(&Path) -> Command) {
    let spawned = daemon.spawn_with(WORKER, short_lease()).await;
    let wrong = save(daemon, "wrong.json", &for_another_node(&spawned.ticket));
    let output = run(driver(&wrong)).await;
    assert!(!output.status.success() && words(&output).contains("wrong_node"), "{}", words(&output));
    let seen = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
    assert_eq!(seen.phase, Phase::Ticketed, "a token was sent to a node that was not the ticket's");
    let path = save(daemon, "t.json", &json_of(&spawned.ticket));
    check(&said(&run(driver(&path)).await), spawned.vault.id.as_str());
}

const PYTHON: &str = r#"
import json, sys, time
from hauki_client import HaukiError, ghost

def refused(call):
    try:
        call()
    except HaukiError as error:
        return error

events = []
with ghost(sys.argv[1], on_event=lambda name, params: events.append([name, params])) as worker:
    said = {"add": [worker.add(40), worker.add(2)], "echo": worker.echo("ä\"\n", k=[1, None])}
    error = refused(worker.boom)
    said["error"] = {"code": error.code, "kind": error.kind, "message": error.message, "data": error.data}
    error = refused(worker.nothing)
    said["unknown"] = [error.code, error.kind]
    worker.tell("hi")
    said["late"] = refused(lambda: worker.call("spin", timeout=0.2)).kind
    time.sleep(1.8)
    said["idle"] = worker.total()
    said["events"] = [event for event in events]
    events.clear()
    result = worker.work(3)
    said["progress"] = [[e[1]["data"]["done"], e[1]["data"]["total"]] for e in events] + [result]
    said["aborted"] = True  # a thread that waits cannot be told
    said["receipt"] = worker.call("hauki.destruct")["receipt"]
    said["after"] = refused(worker.total).kind
print(json.dumps(said))
"#;

const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import HaukiError, aio

async def refused(call):
    try:
        await call
    except HaukiError as error:
        return error

async def listen(worker, events):
    async for event in worker.events():
        events.append(list(event))

async def main():
    events = []
    async with aio(sys.argv[1]) as worker:
        listener = asyncio.ensure_future(listen(worker, events))
        await asyncio.sleep(0)
        # In flight at the same time, and in their order.
        said = {"add": await asyncio.gather(worker.add(40), worker.add(2)), "echo": await worker.echo("ä\"\n", k=[1, None])}
        error = await refused(worker.boom())
        said["error"] = {"code": error.code, "kind": error.kind, "message": error.message, "data": error.data}
        error = await refused(worker.nothing())
        said["unknown"] = [error.code, error.kind]
        await worker.tell("hi")
        said["late"] = (await refused(worker.call("spin", timeout=0.2))).kind
        task = asyncio.ensure_future(worker.total())
        await asyncio.sleep(0)
        task.cancel()
        said["aborted"] = (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        await asyncio.sleep(1.8)
        said["idle"] = await worker.total()
        said["events"] = events[:]
        events.clear()
        result = await worker.work(3)
        await asyncio.sleep(0)
        said["progress"] = [[e[1]["data"]["done"], e[1]["data"]["total"]] for e in events] + [result]
        said["receipt"] = (await worker.call("hauki.destruct"))["receipt"]
        said["after"] = (await refused(worker.total())).kind
    await listener
    assert events[-1][0] == "hauki.dying", events
    print(json.dumps(said))

asyncio.run(main())
"#;

/// Tickets that no client may use, each with a word of the reason.
fn foreign(ticket: &Ticket) -> Vec<(String, &'static str)> {
    let changed = |pointer: &str, value: Value| {
        let mut document = json_of(ticket);
        *document.pointer_mut(pointer).expect("is a member") = value;
        document.to_string()
    };
    let whole = json_of(ticket).to_string();
    let twice = |member: &str| whole.replacen('{', &format!("{{{member},"), 1);
    vec![
        (changed("/v", 2.into()), "v"),
        (changed("/v", true.into()), "v"),
        (changed("/kind", "voucher".into()), "voucher"),
        (changed("/tls/version", "1.2".into()), "tls.version"),
        (changed("/auth/scheme", "bearer".into()), "auth.scheme"),
        (changed("/protocol/name", "jsonrpc-3.0".into()), "protocol.name"),
        (changed("/protocol/framing", "lengths".into()), "protocol.framing"),
        (changed("/vault", "vlt_01HF7YAT00000000000000001A".into()), "answers to its token"),
        (twice("\"zzz\":1"), "zzz"),
        (
            changed(
                "/lease",
                json!({"claim_ms": 1, "lease_ms": 1, "link": false, "link_silence_ms": 1, "zzz": 1}),
            ),
            "zzz",
        ),
        (changed("/lease", json!([1, 2])), "lease"),
        (changed("/lease/lease_ms", json!(-1)), "lease"),
        (changed("/lease/lease_ms", "1".into()), "lease"),
        (changed("/endpoint", json!(["127.0.0.1", 1])), "endpoint"),
        (changed("/endpoint/ip", "localhost".into()), "endpoint"),
        (changed("/endpoint/ip", "127.1".into()), "endpoint"),
        (changed("/endpoint/ip", "127.0.0.1\n".into()), "endpoint"),
        (changed("/endpoint/port", 99_999.into()), "endpoint"),
        (changed("/endpoint/port", "1".into()), "endpoint"),
        (changed("/methods", "total".into()), "methods"),
        (changed("/id", "tkt_x".into()), "id"),
        (changed("/generation", json!(-1)), "generation"),
        // No client walks all numbers to see that this is none of them.
        (changed("/generation", json!(1.5)), "generation"),
        (changed("/generation", json!(1e30)), "generation"),
        (changed("/lease/lease_ms", json!(0.5)), "lease"),
        (whole.replace("\"generation\":1", "\"generation\":NaN"), ""),
        (changed("/issued_at", "yesterday".into()), "issued_at"),
        (changed("/expires_at", "2030-01-01".into()), "expires_at"),
        (changed("/expires_at", "2100-02-30T00:00:00Z".into()), "expires_at"),
        (changed("/expires_at", "2100-02-27T24:00:00Z".into()), "expires_at"),
        (changed("/tls/cert_sha256", "A".repeat(64).into()), "sha256"),
        (whole.replace("\"issued_at\"", "\"begun_at\""), "_at"),
        (twice("\"v\":1"), "twice"),
        (twice("\"endpoint\":{\"ip\":\"127.0.0.1\",\"port\":1}"), "twice"),
        (String::new(), ""),
        ("[]".into(), ""),
        ("{".into(), ""),
    ]
}

/// What all of them refuse, and how: in one line, and with nothing of their own insides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_is_refused_by_every_client() {
    const CALL: &str = "import sys, hauki_client as h\ntry:\n with h.ghost(sys.argv[1]) as w: w.total()\nexcept h.HaukiError as e: sys.exit(f'{e.kind}: {e.message}')";
    const AIO: &str = "import asyncio, sys, hauki_client as h\nasync def main():\n async with h.aio(sys.argv[1]) as w: await w.total()\ntry: asyncio.run(main())\nexcept h.HaukiError as e: sys.exit(f'{e.kind}: {e.message}')";
    const MJS: &str = r#"import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]).catch(({ kind, message }) => { console.error(`${kind}: ${message}`); process.exit(1); });
await worker.total();
await worker.$close();"#;
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let python = |code: &'static str, ticket: &Path| {
        let mut command = Command::new("python3");
        command.args(["-B", "-c", code]).arg(ticket).env("PYTHONPATH", clients());
        command
    };
    type Driver<'a> = &'a dyn Fn(&Path) -> Command;
    let drivers: [(&str, Driver<'_>); 5] = [
        ("python", &|ticket| python(CALL, ticket)),
        ("asyncio", &|ticket| python(AIO, ticket)),
        ("node", &|ticket| {
            let mut command = Command::new("node");
            command.current_dir(clients()).args(["--input-type=module", "-e", MJS]).arg(ticket);
            command
        }),
        ("bash", &|ticket| {
            let mut command = Command::new("bash");
            command.arg(clients().join("hauki-call.sh")).arg(ticket).arg("total");
            command
        }),
        ("hauki", &|ticket| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hauki"));
            command.args(["proxy", "call"]).arg(ticket).arg("total").env("HOME", daemon.dir.path());
            command.env("HAUKI_STATE_DIR", daemon.dir.path().join("no"));
            command
        }),
    ];
    let good = format!("\u{feff}{}", json_of(&spawned.ticket));
    for (name, driver) in drivers {
        let path = daemon.dir.path().join("foreign.json");
        std::fs::write(&path, &good).expect("the directory is ours");
        let output = run(driver(&path)).await;
        assert!(output.status.success(), "{name}: {}", words(&output));
        for end in ["2100-01-01T00:00:00+02:00", "2100-01-01t00:00:00.123z"] {
            let mut later = json_of(&spawned.ticket);
            later["expires_at"] = end.into();
            std::fs::write(&path, later.to_string()).expect("the directory is ours");
            let output = run(driver(&path)).await;
            assert!(output.status.success(), "{name} {end}: {}", words(&output));
        }
        for (text, reason) in foreign(&spawned.ticket) {
            std::fs::write(&path, &text).expect("the directory is ours");
            let output = run(driver(&path)).await;
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && told.contains(reason), "{name} {text}: {}", words(&output));
            assert!(
                output.stdout.is_empty() && told.lines().count() <= 3,
                "{name} {text}: {}",
                words(&output)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asyncio() {
    let daemon = Daemon::start();
    drive(&daemon, |ticket| {
        let mut command = Command::new("python3");
        command.args(["-B", "-W", "error", "-c", ASYNCIO]).arg(ticket).env("PYTHONPATH", clients());
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python() {
    let daemon = Daemon::start();
    drive(&daemon, |ticket| {
        let mut command = Command::new("python3");
        command.args(["-B", "-c", PYTHON]).arg(ticket).env("PYTHONPATH", clients());
        command
    })
    .await;
}

const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]).catch((error) => { console.error(error.kind); process.exit(1); });
const events = [];
const off = ["hauki.log", "hauki.event"].map((name) => worker.$on(name, (params) => events.push([name, params])));
const refused = (promise) => promise.then(() => null, (error) => error);
// In flight at the same time, and in their order.
const said = { add: await Promise.all([worker.add(40), worker.add(2)]), echo: await worker.echo("ä\"\n", { k: [1, null] }) };
const { code, kind, message, data } = await refused(worker.boom());
said.error = { code, kind, message, data };
const unknown = await refused(worker.nothing());
said.unknown = [unknown.code, unknown.kind];
await worker.tell("hi");
said.late = (await refused(worker.$call("spin", [], { timeoutMs: 200 }))).kind;
const abort = new AbortController();
const waiting = refused(worker.$with({ signal: abort.signal }).total());
abort.abort();
said.aborted = (await waiting).kind === "cancelled" && (await refused(worker.$with({ signal: abort.signal }).add(1))).cause.name === "AbortError";
await new Promise((resolve) => setTimeout(resolve, 1800));
said.idle = await worker.total();
said.events = [...events];
off.forEach((take) => take());
said.progress = [];
worker.$on("progress", ({ done, total }) => said.progress.push([done, total]));
said.progress.push(await worker.work(3));
const long = await refused(worker.echo("ä".repeat(worker.$welcome.max_frame_bytes)));
if (long.kind !== "too_large") throw long;
said.receipt = (await worker.$call("hauki.destruct")).receipt;
said.after = (await refused(worker.total())).kind;
await worker[Symbol.asyncDispose]();
if (events.length !== 2) throw new Error("a listener was not taken off");
console.log(JSON.stringify(said));
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node() {
    let daemon = Daemon::start();
    drive(&daemon, |ticket| {
        let mut command = Command::new("node");
        command.current_dir(clients()).args(["--input-type=module", "-e", NODE]).arg(ticket);
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash() {
    let daemon = Daemon::start();
    let spawned =
        daemon.spawn_with(WORKER, Wishes { call_deadline_ms: Some(500), ..Wishes::default() }).await;
    let script = |ticket: &Path, words: &[&str]| {
        let mut command = Command::new("bash");
        command.arg(clients().join("hauki-call.sh")).arg(ticket).args(words);
        command
    };
    let wrong = save(&daemon, "wrong.json", &for_another_node(&spawned.ticket));
    let output = run(script(&wrong, &["total"])).await;
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    let seen = daemon.endpoint().vault(&spawned.vault.id).await.expect("is known");
    assert_eq!(seen.phase, Phase::Ticketed, "a token was sent to a node that was not the ticket's");

    let ticket = save(&daemon, "t.json", &json_of(&spawned.ticket));
    assert_eq!(said(&run(script(&ticket, &["add", "42"])).await), json!(42));
    assert_eq!(said(&run(script(&ticket, &["total"])).await), json!(42));
    let output = run(script(&ticket, &["echo", "\"ä\\\"\\n\"", "{\"k\":[1,null]}"])).await;
    assert_eq!(said(&output), json!(["ä\"\n", {"k": [1, null]}]));
    // What is passed on keeps its text, half a surrogate pair as its escape, which jq alone does not have.
    for text in [
        r#"["\ud800","\udfff\ud800","\ud800x\udc00"]"#,
        r#"[{"\udbff":1,"\udc00":2}]"#,
        r#"["\\ud800","\\\ud800","\\\\ud800"]"#,
        "[\"\u{fdd0}d800\",\"\u{fdd0}\\udc01\",\"\u{fdd0}fdd0\"]",
    ] {
        let output = run(script(&ticket, &["echo", text])).await;
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            format!("[{text},null]"),
            "{}",
            words(&output)
        );
    }
    for (method, status, code) in [("boom", 1, -32000), ("nothing", 1, -32601), ("spin", 1, -32004)] {
        let output = run(script(&ticket, &[method])).await;
        assert_eq!(output.status.code(), Some(status), "{}", words(&output));
        let error: Value = serde_json::from_slice(&output.stderr).expect("the error is JSON");
        assert_eq!(error["code"], json!(code));
        assert_eq!(error["data"]["kind"] == json!("throw"), method == "boom", "{error}");
    }
    // An argument is one value: another's text shifts none.
    for argument in ["{", "1 2", "", " "] {
        let output = run(script(&ticket, &["add", argument, "5"])).await;
        assert_eq!(output.status.code(), Some(2), "{argument:?}: {}", words(&output));
    }
    assert_eq!(said(&run(script(&ticket, &["total"])).await), json!(42));
    let mut eager = Command::new("bash");
    eager.arg(clients().join("hauki-call.sh")).arg("-e").arg(&ticket).args(["work", "2"]);
    let output = run(eager).await;
    assert_eq!(said(&output), json!("worked"));
    let events: Vec<Value> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let progress = |done| json!({"method": "hauki.event", "params": {"event": "progress", "data": {"done": done, "total": 2}, "call": 2}});
    assert_eq!(events, [progress(1), progress(2)]);
    let mut expired = json_of(&spawned.ticket);
    expired["auth"]["token"] = "En0KEwoEMTIzNBgDIgkKBwgKEgMYgAgSJAgAEiA".into();
    let expired = save(&daemon, "bad.json", &expired);
    let output = run(script(&expired, &["total"])).await;
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
}

/// Cuts the connection of a driver once it has said that its call hangs, and tells what it says at its end.
async fn cut(daemon: &Daemon, driver: impl Fn(&Path) -> Command) -> (String, Value) {
    let wishes = Wishes { call_deadline_ms: Some(1_000), ..Wishes::default() };
    let mut ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let relay = Relay::start(&mut ticket).await;
    let path = save(daemon, "cut.json", &json_of(&ticket));
    let mut command = tokio::process::Command::from(driver(&path));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("is installed");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let mut next = async || {
        tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("does not hang").expect("is text")
    };
    let ready = next().await;
    relay.cut();
    let last = next().await;
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("ends").expect("ends");
    let (Some(ready), Some(last)) = (ready, last) else { panic!("{}", words(&output)) };
    assert!(output.status.success(), "{}", words(&output));
    (ready, serde_json::from_str(&last).expect("is JSON"))
}

/// The pending call fails and is not sent again, the next goes over a new connection, and a vault that is
/// dead stays dead.
fn check_cut((ready, said): &(String, Value)) {
    assert_eq!(ready, "hanging 1", "what is said in a call is heard by that call alone");
    assert_eq!(said["kind"], "connection_broken", "{said}");
    assert_eq!(said["add"], 3, "{said}");
    assert_eq!(said["told"], json!(["hauki.broken", "hauki.reconnected"]), "{said}");
    assert_eq!(said["after"], "vault_dead", "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_connects_again() {
    const DRIVER: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
const told = [];
for (const name of ["hauki.broken", "hauki.reconnected"]) worker.$on(name, () => told.push(name));
const refused = (promise) => promise.then(() => null, (error) => error);
await worker.add(1);
const loud = worker.$with({ onEvent: (name, data) => console.log(name, data) });
const { kind } = await refused(loud.hang());
const said = { kind, add: await worker.add(2), told };
await worker.$call("hauki.destruct");
said.after = (await refused(worker.total())).kind;
console.log(JSON.stringify(said));
"#;
    let daemon = Daemon::start();
    let said = cut(&daemon, |ticket| {
        let mut command = Command::new("node");
        command.current_dir(clients()).args(["--input-type=module", "-e", DRIVER]).arg(ticket);
        command
    });
    check_cut(&said.await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_connects_again() {
    const DRIVER: &str = r#"
import json, sys
from hauki_client import HaukiError, ghost

def refused(call):
    try:
        call()
    except HaukiError as error:
        return error.kind

told = []
with ghost(sys.argv[1], on_event=lambda name, params: told.append(name)) as worker:
    worker.add(1)
    kind = refused(lambda: worker.call("hang", on_event=lambda name, data: print(name, data, flush=True)))
    said = {"kind": kind, "add": worker.add(2), "told": [name for name in told if name != "hauki.event"]}
    worker.call("hauki.destruct")
    said["after"] = refused(worker.total)
print(json.dumps(said))
"#;
    let daemon = Daemon::start();
    let said = cut(&daemon, |ticket| {
        let mut command = Command::new("python3");
        command.args(["-B", "-c", DRIVER]).arg(ticket).env("PYTHONPATH", clients());
        command
    });
    check_cut(&said.await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asyncio_connects_again() {
    const DRIVER: &str = r#"
import asyncio, json, sys
from hauki_client import HaukiError, aio

async def refused(call):
    try:
        await call
    except HaukiError as error:
        return error.kind

async def listen(worker, told):
    async for name, _ in worker.events():
        if name in ("hauki.broken", "hauki.reconnected"):
            told.append(name)

async def main():
    told = []
    async with aio(sys.argv[1]) as worker:
        listener = asyncio.ensure_future(listen(worker, told))
        await worker.add(1)
        kind = await refused(worker.call("hang", on_event=lambda name, data: print(name, data, flush=True)))
        said = {"kind": kind, "add": await worker.add(2)}
        await worker.call("hauki.destruct")
        said["after"] = await refused(worker.total())
    await listener
    print(json.dumps({**said, "told": told}))

asyncio.run(main())
"#;
    let daemon = Daemon::start();
    let said = cut(&daemon, |ticket| {
        let mut command = Command::new("python3");
        command.args(["-B", "-W", "error", "-c", DRIVER]).arg(ticket).env("PYTHONPATH", clients());
        command
    });
    check_cut(&said.await);
}

/// The network is cut, and nobody says so: a connection that is silent is given up for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_noticed() {
    const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
const again = new Promise((resolve) => worker.$on("hauki.reconnected", resolve));
console.log(await worker.add(1));
await again;
console.log(await worker.add(2));
await worker.$close();
"#;
    const PYTHON: &str = r#"
import sys, threading
from hauki_client import ghost
again = threading.Event()
with ghost(sys.argv[1], on_event=lambda name, _: name == "hauki.reconnected" and again.set()) as worker:
    print(worker.add(1), flush=True)
    again.wait()
    print(worker.add(2))
"#;
    const ASYNCIO: &str = r#"
import asyncio, sys
from hauki_client import aio

async def main():
    async with aio(sys.argv[1]) as worker:
        events = worker.events()
        coming = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        print(await worker.add(1), flush=True)
        while (await coming)[0] != "hauki.reconnected":
            coming = asyncio.ensure_future(events.__anext__())
        await events.aclose()
        print(await worker.add(2))

asyncio.run(main())
"#;
    let daemon = Daemon::start();
    let python = |code| ("python3", vec!["-B", "-W", "error", "-c", code]);
    let node = ("node", vec!["--input-type=module", "-e", NODE]);
    for (program, words) in [node, python(PYTHON), python(ASYNCIO)] {
        let wishes = Wishes { lease_ms: Some(1_500), ..Wishes::default() };
        let mut ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
        // Another caller keeps it alive meanwhile.
        let _other = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        let relay = Relay::start(&mut ticket).await;
        let path = save(&daemon, "silent.json", &json_of(&ticket));
        let mut command = tokio::process::Command::new(program);
        command.current_dir(clients()).args(words).arg(&path).env("PYTHONPATH", clients());
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("is installed");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let mut next =
            async || tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("does not hang");
        assert_eq!(next().await.expect("is text").as_deref(), Some("1"), "{program}");
        relay.silence();
        assert_eq!(next().await.expect("is text").as_deref(), Some("3"), "{program}");
        assert!(child.wait().await.expect("ends").success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash_connects_again_until_its_call_is_sent() {
    let daemon = Daemon::start();
    let wishes = Wishes { call_deadline_ms: Some(1_000), ..Wishes::default() };
    let mut ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let relay = Relay::start(&mut ticket).await;
    let path = save(&daemon, "cut.json", &json_of(&ticket));
    let mut script = tokio::process::Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg("-e").arg(&path).arg("hang");
    let mut child = script.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("is installed");
    let mut lines = BufReader::new(child.stderr.take().expect("is piped")).lines();
    let mut next = async || {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("does not hang");
        let line = line.expect("is text").expect("there is one");
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    assert_eq!(next().await["params"]["event"], "hanging");
    relay.cut();
    let error = next().await;
    assert_eq!((&error["code"], &error["data"]["kind"]), (&json!(-32020), &json!("connection_broken")));
    assert_eq!(child.wait().await.expect("ends").code(), Some(75));

    // The first connection is lost before a word was said.
    let door = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
    let gate = (ticket.endpoint.ip, ticket.endpoint.port);
    ticket.endpoint.port = door.local_addr().expect("is bound").port();
    let path = save(&daemon, "shy.json", &json_of(&ticket));
    let serving = tokio::spawn(async move {
        drop(door.accept().await);
        let (mut caller, _) = door.accept().await.expect("comes again");
        let mut node = tokio::net::TcpStream::connect(gate).await.expect("is there");
        let _ = tokio::io::copy_bidirectional(&mut caller, &mut node).await;
    });
    let mut script = Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg(&path).args(["add", "5"]);
    assert_eq!(said(&run(script).await), json!(5));
    serving.await.expect("ends");
    // Where nobody listens, it gives up and says so.
    let mut script = Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg(&path).arg("total");
    let output = run(script).await;
    assert_eq!(output.status.code(), Some(75), "{}", words(&output));
}

/// The call takes two leases and more, and the client keeps the vault alive meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bash_beats_while_it_waits() {
    let daemon = Daemon::start();
    let wishes = Wishes { lease_ms: Some(2_000), call_deadline_ms: Some(5_000), ..Wishes::default() };
    let spawned = daemon.spawn_with(WORKER, wishes).await;
    let ticket = save(&daemon, "t.json", &json_of(&spawned.ticket));
    let mut script = Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg(&ticket).arg("spin");
    let output = run(script).await;
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("-32004"), "the vault died: {}", words(&output));
}

/// The benchmark runs; its numbers are for people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_benchmark_of_the_node_client() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let ticket = save(&daemon, "t.json", &json_of(&spawned.ticket));
    let mut command = Command::new("node");
    command.arg(clients().join("bench.mjs")).arg(ticket).args(["total", "100"]);
    let numbers = said(&run(command).await);
    for name in ["floor", "call"] {
        assert_eq!(numbers[name]["rounds"], json!(100), "{numbers}");
        assert!(numbers[name]["p50"].as_f64() > Some(0.0), "{numbers}");
    }
    assert!(numbers["ratio"].as_f64() > Some(0.0), "{numbers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust() {
    let daemon = Daemon::start();
    let scout = include_str!("../../examples/workers/scout.js");
    let spawned = daemon.spawn(scout).await;
    let ticket = save(&daemon, "t.json", &json_of(&spawned.ticket));
    assert_eq!(ghost::call(&ticket).await.expect("calls"), "3 seen, 0 told, destruct");
}

/// The code of the README's section on clients, as it stands there.
fn readme_client() -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let text = text.expect("the README is there");
    let code = text.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let code = code.expect("the README has a client").to_owned();
    assert!(code.lines().count() <= 25, "it is no longer a short client");
    code
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_the_readme() {
    let daemon = Daemon::start();
    let spawned = daemon.spawn(WORKER).await;
    let code = readme_client();
    let client = |ticket: &Path, words: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-B", "-c", &code]).arg(ticket).args(words);
        command
    };
    let wrong = save(&daemon, "wrong.json", &for_another_node(&spawned.ticket));
    let output = run(client(&wrong, &["total"])).await;
    assert!(words(&output).contains("not the node of the ticket"), "{}", words(&output));
    let ticket = save(&daemon, "t.json", &json_of(&spawned.ticket));
    for (arguments, wanted) in
        [(&["add", "42"][..], "'result': 42"), (&["tell", "\"hi\""], "'result': True"), (&["boom"], "-32000")]
    {
        let output = run(client(&ticket, arguments)).await;
        assert!(output.status.success() && words(&output).contains(wanted), "{}", words(&output));
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("has a size");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("is a number")
}

/// One program may hold thousands: what each costs here is counted, the node's part is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ghosts_are_cheap() {
    let daemon = Daemon::start();
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(daemon.spawn(WORKER).await.ticket);
    }
    let connect = async |ticket: Ticket| {
        let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        ghost.call("total", None).await.expect("answers");
        ghost
    };
    let mut ghosts = vec![connect(tickets[0].clone()).await];
    let before = resident_kib();
    for number in 0..240 {
        ghosts.push(connect(tickets[number % 4].clone()).await);
    }
    let each = resident_kib().saturating_sub(before) / 240;
    assert!(each < 128, "{each} KiB each");
    for ghost in ghosts {
        assert!(ghost.welcome().await.expect("was accepted").max_frame_bytes > 0);
    }
}
