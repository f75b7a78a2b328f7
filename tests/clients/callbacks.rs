//! What programs in Node.js and Python offer: called by the worker, cancelled, and there again after the connection was
//! lost.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::daemon::Daemon;
use crate::support::relay::Relay;
use crate::support::until::bounded;
use hauki::model::gem::Wishes;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

const WORKER: &str = "function search(q) { return previous_object().tools->search(q); }
function rows(db, n) { return db->rows(n, 'x'); }
function twice(f, x) { return f->call(x) + f->call(x); }
function caught(q) { try { return search(q); } catch (error) { return [error.code, error.message]; } }
function patient(q) { return later(previous_object().tools, 'wait', q).wait(); }
function both(q) { return gather([later(previous_object().tools, 'search', q), later(previous_object().tools, 'search', q + 1)]); }";

/// What each driver does, on the worker and its relay: the last line is what it has seen.
const NODE: &str = r#"
import { ghost, callbackSignal } from "./hauki.mjs";
class Tools {
  #found = 0;
  async search(q) {
    if (q === "throw") throw new Error("not here");
    if (q === "long") return "x".repeat(3 << 20);
    return { q, found: ++this.#found };
  }
  wait() {
    const signal = callbackSignal();
    return new Promise((resolve) => signal.addEventListener("abort", () => { seen.stopped = true; resolve(1); }));
  }
  _secret() {}
}
const seen = {};
const worker = await ghost(process.argv[1], { tools: new Tools() });
seen.search = await worker.search("a");
const db = await worker.$offer("db", { rows: (n, x) => [n, x] });
seen.rows = await worker.rows(db, 3);
const f = await worker.$offer("f", (x) => x * 2);
seen.twice = await worker.twice(f, 5);
seen.both = (await worker.both(1)).map(({ q }) => q);
seen.thrown = await worker.caught("throw");
seen.long = (await worker.caught("long"))[0];
await f.close();
seen.closed = await worker.twice(f, 5).catch((error) => error.kind);
const late = worker.$with({ signal: AbortSignal.timeout(300) }).patient(1).catch((error) => error.kind);
seen.late = await late;
seen.after = (await worker.search("b")).q;
const again = new Promise((resolve) => worker.$on("hauki.reconnected", resolve));
console.log("cut");
await again;
seen.again = [(await worker.search("c")).q, await worker.rows(db, 4)];
console.log(JSON.stringify(seen));
await worker.$close();
"#;

const PYTHON: &str = r#"
import json, sys, threading, time
from hauki_client import HaukiError, ghost, is_given_up

class Tools:
    def search(self, q):
        if q == "throw":
            raise ValueError("not here")
        return "x" * (3 << 20) if q == "long" else {"q": q, "found": 1}

    def wait(self, q):
        while not is_given_up():
            time.sleep(0.001)
        stopped.set()

    def _secret(self):
        pass

def kind(work, *args, **named):
    try:
        return work(*args, **named)
    except HaukiError as error:
        return error.kind

stopped, again, seen = threading.Event(), threading.Event(), {}
with ghost(sys.argv[1], on_event=lambda name, _: name == "hauki.reconnected" and again.set(), tools=Tools()) as worker:
    seen["search"] = worker.search("a")
    db = worker.offer("db", {"rows": lambda n, x: [n, x]})
    seen["rows"] = worker.rows(db, 3)
    f = worker.offer("f", lambda x: x * 2)
    seen["twice"] = worker.twice(f, 5)
    seen["both"] = [one["q"] for one in worker.both(1)]
    seen["thrown"] = worker.caught("throw")
    seen["long"] = worker.caught("long")[0]
    f.close()
    seen["closed"] = kind(worker.twice, f, 5)
    seen["late"] = kind(worker.call, "patient", [1], timeout=0.3)
    seen["stopped"] = stopped.wait(60)
    seen["after"] = worker.search("b")["q"]
    print("cut", flush=True)
    again.wait()
    seen["again"] = [worker.search("c")["q"], worker.rows(db, 4)]
    print(json.dumps(seen))
"#;

const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import HaukiError, aio

class Tools:
    async def search(self, q):
        if q == "throw":
            raise ValueError("not here")
        return "x" * (3 << 20) if q == "long" else {"q": q, "found": 1}

    async def wait(self, q):
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

async def kind(work):
    try:
        return await work
    except HaukiError as error:
        return error.kind

async def main():
    global stopped
    stopped, seen = asyncio.Event(), {}
    async with aio(sys.argv[1], tools=Tools()) as worker:
        seen["search"] = await worker.search("a")
        db = await worker.offer("db", {"rows": lambda n, x: [n, x]})
        seen["rows"] = await worker.rows(db, 3)
        f = await worker.offer("f", lambda x: x * 2)
        seen["twice"] = await worker.twice(f, 5)
        seen["both"] = [one["q"] for one in await worker.both(1)]
        seen["thrown"] = await worker.caught("throw")
        seen["long"] = (await worker.caught("long"))[0]
        await f.close()
        seen["closed"] = await kind(worker.twice(f, 5))
        seen["late"] = await kind(worker.call("patient", [1], timeout=0.3))
        await stopped.wait()
        seen["stopped"] = True
        seen["after"] = (await worker.search("b"))["q"]
        events = worker.events()
        coming = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        print("cut", flush=True)
        while (await coming)[0] != "hauki.reconnected":
            coming = asyncio.ensure_future(events.__anext__())
        await events.aclose()
        seen["again"] = [(await worker.search("c"))["q"], await worker.rows(db, 4)]
        print(json.dumps(seen))

asyncio.run(main())
"#;

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients")
}

/// Runs a driver, cuts its connection when it says so, and checks what it has seen.
async fn drive(program: &str, words: &[&str]) {
    let daemon = Daemon::start();
    let wishes = Wishes { call_deadline_ms: Some(20_000), lease_ms: Some(600_000), ..Wishes::default() };
    let mut ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let relay = Relay::start(&mut ticket).await;
    let path = daemon.dir.path().join("ticket.json");
    std::fs::write(&path, serde_json::to_string(&ticket).expect("is JSON")).expect("the directory is ours");
    let mut command = Command::new(program);
    command.args(words).arg(&path).current_dir(clients()).env("PYTHONPATH", clients());
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("packaging/setup-debian.sh tests installs it");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let first = bounded("the driver", lines.next_line()).await.expect("is text");
    if first.as_deref() == Some("cut") {
        relay.cut();
    }
    let last = bounded("the driver", lines.next_line()).await.expect("is text");
    let output = bounded("the driver's end", child.wait_with_output()).await.expect("ends");
    let told = format!("{program}: {first:?} {last:?} {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    let seen: Value = serde_json::from_str(&last.expect("says what it has seen")).expect("is JSON");
    for (name, meant) in [
        ("search", json!({"q": "a", "found": 1})),
        ("rows", json!([3, "x"])),
        ("twice", json!(20)),
        ("both", json!([1, 2])),
        ("thrown", json!(["callback_failed", "not here"])),
        ("long", json!("too_large")),
        ("late", json!("timeout")),
        ("stopped", json!(true)),
        ("after", json!("b")),
        ("again", json!(["c", [4, "x"]])),
    ] {
        assert_eq!(seen[name], meant, "{name}: {told}");
    }
    // Nothing stands for what was taken back.
    assert_eq!(seen["closed"], "throw", "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_offers_objects_and_functions() {
    drive("node", &["--input-type=module", "-e", NODE]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_offers_objects_and_functions() {
    drive("python3", &["-B", "-W", "error", "-c", PYTHON]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asyncio_offers_objects_and_functions() {
    drive("python3", &["-B", "-W", "error", "-c", ASYNCIO]).await;
}
