//! What callers give up, what is too long, and who is dead: the same in every client of `examples/clients`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::daemon::Daemon;
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::gem::Wishes;
use hauki::model::ticket::Ticket;
use hauki_contract::system::clock;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const WORKER: &str =
    "function echo(x) { return x; } function slow() { var i = 0; while (i < 2e6) i++; return 'slow'; }
function hang() { emit('hanging', 1); for (;;) {} }";

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A call may take so long, and who is given up must not have the next wait for it.
const DEADLINE_MS: u32 = 40_000;
const SOON_US: u64 = 20_000_000;

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients")
}

async fn worker(daemon: &Daemon, name: &str) -> (Ticket, PathBuf) {
    let wishes = Wishes { lease_ms: Some(600_000), call_deadline_ms: Some(DEADLINE_MS), ..Wishes::default() };
    let ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let path = daemon.dir.path().join(name);
    std::fs::write(&path, serde_json::to_string(&ticket).expect("is JSON")).expect("writes");
    (ticket, path)
}

fn node(code: &str) -> Command {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "-e", code]);
    command
}

fn python(code: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-B", "-W", "error", "-c", code]);
    command
}

/// What it says last, as JSON.
async fn said(mut command: Command, ticket: &Path) -> Value {
    command.current_dir(clients()).env("PYTHONPATH", clients()).arg(ticket);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("hangs").expect("is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_does_not_block_the_next() {
    const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
const kind = (promise) => promise.then(() => null, (error) => error.kind);
const said = [await kind(worker.$with({ timeoutMs: 300 }).hang())];
const abort = new AbortController();
const hanging = [0, 1].map(() => kind(worker.$with({ signal: abort.signal }).hang()));
setTimeout(() => abort.abort(), 300);
said.push(...await Promise.all(hanging), await worker.echo(7));
said.push(await kind(worker.$with({ signal: AbortSignal.timeout(100) }).hang()));
await worker.$close();
console.log(JSON.stringify(said));
"#;
    const PYTHON: &str = r#"
import json, sys
from hauki_client import ghost, HaukiError
said = []
with ghost(sys.argv[1]) as worker:
    for _ in range(2):
        try:
            worker.call("hang", timeout=0.3)
        except HaukiError as error:
            said.append(error.kind)
    said.append(worker.echo(7))
print(json.dumps(said))
"#;
    const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import aio, HaukiError

async def main():
    said = []
    async with aio(sys.argv[1]) as worker:
        try:
            await worker.call("hang", timeout=0.3)
        except HaukiError as error:
            said.append(error.kind)
        hanging = asyncio.ensure_future(worker.hang())
        await asyncio.sleep(0.3)
        hanging.cancel()
        try:
            await hanging
        except asyncio.CancelledError:
            said.append("cancelled")
        said.append(await worker.echo(7))
    print(json.dumps(said))

asyncio.run(main())
"#;
    let daemon = Daemon::start();
    for (command, expected) in [
        (node(NODE), json!(["timeout", "cancelled", "cancelled", 7, "timeout"])),
        (python(PYTHON), json!(["timeout", "timeout", 7])),
        (python(ASYNCIO), json!(["timeout", "cancelled", 7])),
    ] {
        let (_, path) = worker(&daemon, "t.json").await;
        let began = clock::mono();
        assert_eq!(said(command, &path).await, expected);
        let took = clock::mono().since(began);
        assert!(took < SOON_US, "{took} us");
    }
    // Bash says so before it leaves, politely as openssl is; hauki's own end is the end of its connection.
    let (ticket, path) = worker(&daemon, "t.json").await;
    let mut script = Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg("-e").arg(&path).arg("hang").stderr(Stdio::piped());
    let mut tool = Command::from(daemon.hauki());
    let words = ["proxy", "call", path.to_str().expect("is text"), "hang", "--events", "-o", "jsonl"];
    tool.args(words).stdout(Stdio::piped());
    for (mut command, signal) in
        [(script, rustix::process::Signal::TERM), (tool, rustix::process::Signal::INT)]
    {
        let began = clock::mono();
        let mut child = command.kill_on_drop(true).spawn().expect("is installed");
        let out = child.stdout.take().map(|out| Box::new(out) as Box<dyn tokio::io::AsyncRead + Unpin>);
        let output = out.unwrap_or_else(|| Box::new(child.stderr.take().expect("is piped")));
        let mut lines = BufReader::new(output).lines();
        let first = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("hangs").expect("is text");
        assert!(first.is_some_and(|line| line.contains("hanging")));
        let pid = rustix::process::Pid::from_raw(child.id().expect("runs").cast_signed()).expect("a pid");
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("runs");
        rustix::process::pidfd_send_signal(&pidfd, signal).expect("runs");
        let other = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
        assert_eq!(other.call("echo", Some("[7]")).await.expect("is free").get(), "7");
        let took = clock::mono().since(began);
        assert!(took < SOON_US, "{took} us");
        let _ = child.wait().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_too_long_fails_itself_and_no_other() {
    const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const worker = await ghost(process.argv[1]);
const slow = worker.slow();
const long = await worker.echo("x".repeat(worker.$welcome.max_frame_bytes)).then(() => null, (error) => error.kind);
console.log(JSON.stringify([long, await slow, await worker.echo(1)]));
await worker.$close();
"#;
    const PYTHON: &str = r#"
import json, sys, threading
from hauki_client import ghost, HaukiError
with ghost(sys.argv[1]) as worker:
    slow = []
    calling = threading.Thread(target=lambda: slow.append(worker.slow()))
    calling.start()
    try:
        worker.echo("x" * worker.welcome["max_frame_bytes"])
    except HaukiError as error:
        long = error.kind
    for no_json in float("nan"), [float("-inf")]:
        try:
            worker.echo(no_json)
            long = "sent"
        except ValueError:
            pass
    calling.join()
    print(json.dumps([long, *slow, worker.echo(1)]))
"#;
    const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import aio, HaukiError

async def main():
    async with aio(sys.argv[1]) as worker:
        slow = asyncio.ensure_future(worker.slow())
        await asyncio.sleep(0)
        try:
            await worker.echo("x" * worker.welcome["max_frame_bytes"])
        except HaukiError as error:
            long = error.kind
        try:
            await worker.echo(float("nan"))
            long = "sent"
        except ValueError:
            pass
        print(json.dumps([long, await slow, await worker.echo(1)]))

asyncio.run(main())
"#;
    let daemon = Daemon::start();
    for command in [node(NODE), python(PYTHON), python(ASYNCIO)] {
        let (_, path) = worker(&daemon, "t.json").await;
        assert_eq!(said(command, &path).await, json!(["too_large", "slow", 1]));
    }
    let wishes = Wishes { max_frame_bytes: Some(65_536), ..Wishes::default() };
    let ticket = daemon.spawn_with(WORKER, wishes).await.ticket;
    let path = daemon.dir.path().join("small.json");
    std::fs::write(&path, serde_json::to_string(&ticket).expect("is JSON")).expect("writes");
    let mut script = Command::new("bash");
    script
        .arg(clients().join("hauki-call.sh"))
        .arg(&path)
        .args(["echo", &json!("x".repeat(65_536)).to_string()]);
    let output = tokio::time::timeout(PATIENCE, script.output()).await.expect("hangs").expect("is installed");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!((output.status.code(), &error["data"]["kind"]), (Some(1), &json!("too_large")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_vault_is_called_so_by_all_clients_alike() {
    const NODE: &str = r#"
import { ghost } from "./hauki.mjs";
const error = await ghost(process.argv[1]).then(() => null, (error) => error);
console.log(JSON.stringify([error.code, error.kind, error.message]));
"#;
    const PYTHON: &str = r#"
import json, sys
from hauki_client import ghost, HaukiError
try:
    ghost(sys.argv[1])
except HaukiError as error:
    print(json.dumps([error.code, error.kind, error.message]))
"#;
    const ASYNCIO: &str = r#"
import asyncio, json, sys
from hauki_client import aio, HaukiError

async def main():
    try:
        async with aio(sys.argv[1]):
            pass
    except HaukiError as error:
        print(json.dumps([error.code, error.kind, error.message]))

asyncio.run(main())
"#;
    let daemon = Daemon::start();
    let (ticket, path) = worker(&daemon, "t.json").await;
    let ghost = Ghost::connect(&ticket, GhostOptions::default()).await.expect("connects");
    ghost.destruct(Duration::ZERO).await.expect("ends");
    let error = Ghost::connect(&ticket, GhostOptions::default()).await.expect_err("is dead");
    let code = error.code();
    let expected = json!([code, code, error.to_string()]);
    assert!(code == "unreachable" && error.to_string().contains("as when it is dead"), "{expected}");
    for command in [node(NODE), python(PYTHON), python(ASYNCIO)] {
        assert_eq!(said(command, &path).await, expected);
    }
    let mut script = Command::new("bash");
    script.arg(clients().join("hauki-call.sh")).arg(&path).arg("echo");
    let output = tokio::time::timeout(PATIENCE, script.output()).await.expect("hangs").expect("is installed");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(json!([error["code"], error["data"]["kind"], error["message"]]), expected);
    assert_eq!(output.status.code(), Some(75));
}

/// A node that reads nothing for a while, as a busy one or a line that stands still.
const STANDSTILL: &str = r#"
import hashlib, json, pathlib, socket, ssl, subprocess, sys, threading
import hauki_client as hauki
ticket, where = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[1] + "."
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
    where + "key", "-out", where + "cert", "-subj", "/CN=x", "-days", "2"], check=True, capture_output=True)
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(where + "cert", where + "key")
listener = socket.create_server(("127.0.0.1", 0))
certificate = ssl.PEM_cert_to_DER_cert(pathlib.Path(where + "cert").read_text())
ticket["endpoint"]["port"] = listener.getsockname()[1]
ticket["tls"]["cert_sha256"] = hashlib.sha256(certificate).hexdigest()
ticket["protocol"]["max_frame_bytes"] = 1 << 25
welcome = {"vault": ticket["vault"], "generation": 1, "methods": [], "lease_ms": 600000, "lease_left_ms": 1, "link": False,
           "link_silence_ms": 750, "max_frame_bytes": 1 << 25, "call_deadline_ms": 60000, "features": ["cancel"]}
seen, goes_on, asked = [], threading.Event(), threading.Event()

def serve():
    file = server.wrap_socket(listener.accept()[0], server_side=True).makefile("rwb")
    held = None
    for line in file:
        request = json.loads(line)
        method, number = request["method"], request.get("id")
        seen.append([method, request["params"]["id"]] if method == "hauki.cancel" else [method, number])
        if method == "held":
            held = number
            asked.set()
            continue
        answers = [number] if held is None or method != "last" else [held, number]
        for number in answers if number is not None else []:
            result = welcome if method == "hauki.hello" else method
            file.write(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode() + b"\n")
            file.flush()
        if method == "pause":
            goes_on.wait()

def refused(*call):
    try:
        return worker.call(*call, timeout=0.3)
    except hauki.HaukiError as error:
        return error.kind

threading.Thread(target=serve, daemon=True).start()
worker, said = hauki.ghost(ticket, timeout=30), {}
held = threading.Thread(target=lambda: said.update(held=worker.call("held")))
held.start()
asked.wait()
worker.call("pause")
said["begun"] = refused("begun", ["x" * 16_000_000])
said["waited"] = refused("waited")
behind = threading.Thread(target=lambda: said.update(behind=worker.call("behind")))
behind.start()
goes_on.set()
behind.join()
said["last"] = worker.call("last")
held.join()
said["seen"] = [name for name, _ in seen if name not in ("hauki.hello", "hauki.heartbeat")]
print(json.dumps(said))
"#;

#[tokio::test]
async fn a_request_that_is_sent_too_late_fails_itself_and_no_other() {
    let daemon = Daemon::start();
    let (_, path) = worker(&daemon, "standstill.json").await;
    let said = said(python(STANDSTILL), &path).await;
    assert_eq!((&said["begun"], &said["waited"]), (&json!("timeout"), &json!("timeout")), "{said}");
    assert_eq!([&said["behind"], &said["last"], &said["held"]], ["behind", "last", "last"], "{said}");
    // What had begun comes whole and is given up; what had not is never sent.
    assert_eq!(said["seen"], json!(["held", "pause", "begun", "hauki.cancel", "behind", "last"]), "{said}");
}

/// How many connections of this machine to a port stand, as the kernel tells it.
const STANDING: &str = r#"
import asyncio, json, pathlib, sys
from hauki_client import aio, ghost
port = json.loads(pathlib.Path(sys.argv[1]).read_text())["endpoint"]["port"]

def standing():
    with open("/proc/net/tcp") as table:
        rows = [row.split() for row in table][1:]
    return sum(row[3] == "01" and row[2].endswith(f":{port:04X}") for row in rows)

async def main():
    counts = []
    for _ in range(10):
        async with aio(sys.argv[1]) as worker:
            await worker.echo(1)
            during = standing()
        counts.append([during, standing()])
    return counts

counts = []
for _ in range(10):
    with ghost(sys.argv[1]) as worker:
        worker.echo(1)
        during = standing()
    counts.append([during, standing()])
print(json.dumps(counts + asyncio.run(main())))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_left_has_ended() {
    let daemon = Daemon::start();
    let (_, path) = worker(&daemon, "t.json").await;
    // While it is used, and behind it.
    let counts = [[1, 0]; 20];
    assert_eq!(said(python(STANDING), &path).await, json!(counts));
}

/// A gate that answers a call with whatever is on its list.
const STRANGE: &str = r#"
import asyncio, contextlib, hashlib, json, pathlib, socket, ssl, subprocess, sys, threading
import hauki_client as hauki
ticket, where = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[1] + "."
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
    where + "key", "-out", where + "cert", "-subj", "/CN=x", "-days", "2"], check=True, capture_output=True)
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(where + "cert", where + "key")
listener = socket.create_server(("127.0.0.1", 0))
certificate = ssl.PEM_cert_to_DER_cert(pathlib.Path(where + "cert").read_text())
ticket["endpoint"]["port"] = listener.getsockname()[1]
ticket["tls"]["cert_sha256"] = hashlib.sha256(certificate).hexdigest()
ticket["protocol"]["max_frame_bytes"] = 65536
path = pathlib.Path(where + "strange.json")
path.write_text(json.dumps(ticket))
welcome = {"vault": ticket["vault"], "generation": 1, "methods": [], "lease_ms": 600000, "lease_left_ms": 1, "link": False,
           "link_silence_ms": 750, "max_frame_bytes": 65536, "call_deadline_ms": 60000, "features": []}
line = b""

def serve(tls):
    with contextlib.suppress(OSError), tls:
        for request in map(json.loads, tls.makefile("rb")):
            if request["method"] == "call":
                tls.sendall(line)
            elif "id" in request:
                tls.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": welcome}).encode() + b"\n")

def accept():
    while True:
        threading.Thread(target=serve, args=[server.wrap_socket(listener.accept()[0], server_side=True)], daemon=True).start()

def kind(call):
    try:
        return call()
    except hauki.HaukiError as error:
        return error.kind

def python():
    with hauki.ghost(str(path), timeout=20, reconnect=False) as worker:
        return worker.call("call")

async def asyncio_():
    async with hauki.aio(str(path), timeout=20, reconnect=False) as worker:
        return await worker.call("call")

NODE = """
import { ghost } from "./hauki.mjs";
try {
  const worker = await ghost(process.argv[1], { timeoutMs: 20000, reconnect: false });
  await worker.call();
} catch (error) {
  console.log(error.kind);
  process.exit();
}
"""

def node():
    words = ["node", "--input-type=module", "-e", NODE, str(path)]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()

def bash():
    done = subprocess.run(["bash", "hauki-call.sh", str(path), "call"], capture_output=True, text=True)
    return json.loads(done.stderr)["data"]["kind"] if done.returncode == 75 else [done.returncode, done.stderr]

threading.Thread(target=accept, daemon=True).start()
said = {}
for line in [b"null\n", b"[]\n", b"5\n", b"{}\n", b"\n", b"x\n", b'{"id":2}\n{"id":1}\n', b'{"id":1,"error":5}\n', b'{"method":"x","params":[]}\n',
             b'"' + b"x" * 100000 + b'"\n', b"x" * 100000]:
    name = line[:24].decode().strip()
    said[name] = [kind(python), kind(lambda: asyncio.run(asyncio_())), node(), bash()]
line = b'{"jsonrpc":"2.0","id":1,"result":5}\n{"jsonrpc":"2.0","id":2,"result":5}\n'
good = welcome
for welcome in [None, 5, [], {}, {**good, "lease_ms": "x"}, {k: v for k, v in good.items() if k != "lease_ms"},
                {**good, "link_silence_ms": "x"}, {**good, "call_deadline_ms": "x"}, {**good, "features": 5}, {**good, "lease_ms": 0.5}]:
    name = json.dumps(welcome)[-60:]
    said[name] = [kind(python), kind(lambda: asyncio.run(asyncio_())), node(), bash()]
print(json.dumps({name: kinds for name, kinds in said.items() if kinds != 4 * ["connection_broken"]}))
"#;

#[tokio::test]
async fn what_is_no_message_breaks_the_connection() {
    let daemon = Daemon::start();
    let (_, path) = worker(&daemon, "t.json").await;
    assert_eq!(said(python(STRANGE), &path).await, json!({}));
}
