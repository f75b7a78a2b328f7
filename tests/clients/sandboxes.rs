//! The clients of `examples/clients` that run programs and make workers: the same in Node.js and Python, and what they
//! leave behind.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::daemon::Daemon;
use crate::support::until::until_so;

/// Runs a program with the clients at hand, and sees that nothing is left of it.
fn play(mut command: Command) -> Output {
    let daemon = Daemon::start();
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients");
    let hauki = daemon.hauki();
    let file = daemon.dir.path().join("scout.ts");
    std::fs::write(&file, "let n: number = 1; export function next(by: number): number { return n += by; }")
        .expect("writes");
    command.env_clear().envs(hauki.get_envs().filter_map(|(key, value)| Some((key, value?))));
    // Node may be anywhere.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PYTHONPATH", &clients);
    command.current_dir(clients).arg(hauki.get_program()).arg(&file);
    let output = command.output().expect("is installed");
    until_so("nothing is left", || {
        let output = daemon.hauki().args(["ls", "-o", "jsonl"]).output().expect("runs");
        output.status.success() && output.stdout.is_empty()
    });
    output
}

fn is_done(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("done\n"), "{output:?}");
}

#[test]
fn programs_and_workers_from_node() {
    const NODE: &str = r#"
import assert from "node:assert/strict";
import { sandbox, HaukiError } from "./hauki_sandbox.mjs";
const [hauki, file] = process.argv.slice(1);
const box = await sandbox({ hauki, memory: "8MiB", maxWorkers: 4 });
const heard = [];
const told = await box.run("print('a'); console.log('b'); [3, 1, 2].sort()", { onLine: (line) => heard.push(line) });
assert.deepEqual([told.value, told.stdout, told.stderr, told.error, told.truncated, heard], [[1, 2, 3], "a\nb\n", "", null, false, ["a", "b"]]);
assert.equal((await box.run("async function main(x: string) { return `${x}!`; }", { language: "ts", args: ["y"] })).value, "y!");
assert.equal((await box.run("var a = 1;")).value, undefined);
const failed = await box.run("print('x');\nthrow new Error('no')");
assert.deepEqual([failed.error.code, failed.error.line, failed.stdout, failed.value], ["worker_failed", 2, "x\n", undefined]);
assert.ok(failed.stderr.includes("no") && failed.stderr.includes("program.js:2:"), failed.stderr);
assert.equal((await box.run("for (;;) {}", { timeoutMs: 300 })).error.code, "deadline");
assert.equal((await box.run("1", { memory: "1GiB" })).error.code, "denied");
const much = await box.run("for (var i = 0; i < 400; i++) print(new Array(1000).join('x'))");
assert.ok(much.truncated && much.stdout.length < 300_000 && much.error === null, String(much.stdout.length));
const abort = new AbortController();
const hanging = box.run("print('begun'); for (;;) {}", { signal: abort.signal, onLine: () => abort.abort() });
await assert.rejects(hanging, (error) => error instanceof HaukiError && error.code === "cancelled");
const scout = await box.create({ file, name: "scout" });
assert.deepEqual([scout.$name, scout.$methods], ["scout", ["next"]]);
assert.deepEqual([await scout.next(1), await scout.next(2)], [2, 4]);
await assert.rejects(scout.$call("absent"), { code: "method_not_found" });
const own = await box.create({ source: "function create(n) { at = n; } var at; function get() { return at; } function hang() { print('h'); for (;;) {} }", args: [7] });
assert.equal(await own.get(), 7);
const stop = new AbortController();
await assert.rejects(own.$call("hang", [], { signal: stop.signal, onLine: () => stop.abort() }), { code: "cancelled" });
assert.equal(await own.get(), 7, "it was stopped");
await own.$destruct();
await assert.rejects(own.get(), { code: "vault_dead" });
await assert.rejects(box.create({ source: "function f( {" }), { code: "bad_source" });
await assert.rejects(box.create({}), { code: "usage" });
const last = assert.rejects(box.run("for (;;) {}"), { code: "closed" });
await box.close();
await last;
await assert.rejects(box.run("1"), { code: "closed" });
await assert.rejects(sandbox({ hauki: "/absent/hauki" }), { code: "closed" });
console.log("done");
"#;
    let mut node = Command::new("node");
    node.args(["--input-type=module", "-e", NODE]);
    is_done(&play(node));
}

const PYTHON: &str = r#"
import asyncio, concurrent.futures, sys, threading
from hauki_sandbox import AioSandbox, HaukiError, Sandbox
hauki, file = sys.argv[1:]

def code(call):
    try:
        call()
    except HaukiError as error:
        return error.code

with Sandbox(hauki=hauki, memory="8MiB", max_workers=4) as box:
    heard = []
    told = box.run("print('a'); console.log('b'); [3, 1, 2].sort()", on_line=heard.append)
    assert (told.value, told.stdout, told.stderr, told.error, told.truncated) == ([1, 2, 3], "a\nb\n", "", None, False), told
    assert heard == ["a", "b"], heard
    assert box.run("async function main(x: string) { return `${x}!`; }", ["y"], language="ts").value == "y!"
    assert box.run("var a = 1;").value is None
    assert box.run("print('x'); 5", on_line=lambda line: 1 / 0).value == 5
    failed = box.run("print('x');\nthrow new Error('no')")
    assert (failed.error.code, failed.error.line, failed.stdout, failed.value) == ("worker_failed", 2, "x\n", None), failed
    assert "no" in failed.stderr and "program.js:2:" in failed.stderr, failed
    assert box.run("for (;;) {}", timeout=0.3).error.code == "deadline"
    assert box.run("1", memory="1GiB").error.code == "denied"
    much = box.run("for (var i = 0; i < 400; i++) print(new Array(1000).join('x'))")
    assert much.truncated and len(much.stdout) < 300_000 and much.error is None
    begun = threading.Event()
    call = box.start("print('begun'); for (;;) {}", on_line=lambda line: begun.set())
    assert begun.wait(60) and call.cancel()
    scout = box.create(file=file, name="scout")
    assert (scout.name, scout.methods, scout.next(1), scout.next(2)) == ("scout", ["next"], 2, 4)
    assert code(lambda: scout.call("absent")) == "method_not_found"
    own = box.create("function create(n) { at = n; } var at; function get() { return at; } function hang() { for (;;) {} }", args=[7])
    assert own.get() == 7
    assert code(lambda: own.call("hang", timeout=0.3)) == "timeout"
    assert own.get() == 7, "it was stopped"
    own.destruct()
    assert code(own.get) == "vault_dead"
    assert code(lambda: box.create("function f( {")) == "bad_source"
    assert code(lambda: box.create("f", file=file)) == "usage"
    calls = [box.start(str(n)) for n in range(20)]
    assert [call.result().value for call in calls] == list(range(20))
    last = box.start("for (;;) {}")
assert code(last.result) == "closed"
assert code(lambda: box.run("1")) == "closed"

async def main():
    async with AioSandbox(hauki=hauki) as box:
        one, two = await asyncio.gather(box.run("1"), box.run("2"))
        assert (one.value, two.value) == (1, 2)
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(box.run("print('begun'); for (;;) {}", on_line=lambda line: loop.call_soon_threadsafe(begun.set)))
        await begun.wait()
        task.cancel()
        try:
            await task
            raise AssertionError("it was cancelled")
        except asyncio.CancelledError:
            pass
        worker = await box.create("function hang() { for (;;) {} } function one() { return 1; }")
        try:
            await worker.call("hang", timeout=0.3)
            raise AssertionError("it is too late")
        except HaukiError as error:
            assert error.code == "timeout"
        assert await worker.one() == 1
        await worker.destruct()

asyncio.run(main())
print("done")
"#;

#[test]
fn programs_and_workers_from_python() {
    let mut python = Command::new("python3");
    python.args(["-B", "-c", PYTHON]);
    is_done(&play(python));
}
