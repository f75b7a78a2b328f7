// The protocol's own client and its inspector, against `hauki mcp` and a daemon of its own: node run.mjs HAUKI MODULES.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [hauki, modules] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
const { ToolListChangedNotificationSchema } = await load("@modelcontextprotocol/sdk/types.js");

const state = mkdtempSync(join(tmpdir(), "hauki-test-"));
chmodSync(state, 0o711);
const config = join(state, "hauki.yaml");
writeFileSync(config, "node: { id_base: 3600000000, max_vaults: 16, warm_vaults: 0 }\n");
const env = { PATH: process.env.PATH, HOME: state, HAUKI_STATE_DIR: state, HAUKI_CONFIG: config };
const daemon = spawn(join(dirname(hauki), "haukid"), ["all"], { env, stdio: "inherit" });
const ended = new Promise((done) => daemon.once("exit", done));

const listed = () => execFileSync(hauki, ["ls", "-o", "jsonl"], { env, encoding: "utf8" });

/** What is awaited comes, or the test has no end and its maker's limit ends it. */
async function until(is) {
  while (!is()) await new Promise((wait) => setTimeout(wait, 20));
}

async function sdk() {
  const client = new Client({ name: "sdk", version: "1" });
  const changes = [];
  client.setNotificationHandler(ToolListChangedNotificationSchema, (told) => changes.push(told));
  await client.connect(new StdioClientTransport({ command: hauki, args: ["mcp", "--timeout", "10m"], env, stderr: "inherit" }));
  assert.equal(client.getServerVersion().name, "hauki");
  const names = async () => (await client.listTools()).tools.map(({ name }) => name);
  const own = await names();
  const run = await client.callTool({ name: "run", arguments: { code: "print('x'); ({ a: [1, 2] })" } });
  assert.deepEqual(run.structuredContent.value, { a: [1, 2] });
  assert.deepEqual(run.structuredContent.lines, ["x"]);
  const source = `
    /** @param {number} n */
    function twice(n) { return 2 * n; }
    function steps() { for (var i = 1; i <= 3; i++) emit('progress', { done: i, total: 3 }); return 'there'; }
    function hang() { emit('progress', { done: 1 }); for (;;) {} }`;
  const made = await client.callTool({ name: "create", arguments: { source, name: "calc" } });
  assert.ok(!made.isError, JSON.stringify(made));
  await until(() => changes.length > 0);
  assert.deepEqual((await names()).filter((name) => !own.includes(name)).sort(), ["calc__hang", "calc__steps", "calc__twice"]);
  assert.equal((await client.callTool({ name: "calc__twice", arguments: { n: 21 } })).structuredContent.value, 42);
  const told = [];
  const steps = await client.callTool({ name: "calc__steps", arguments: {} }, undefined, { onprogress: (one) => told.push(one.progress) });
  // This client forgets who hears progress when the answer is there, before it has told what came with it.
  assert.deepEqual([steps.structuredContent.value, told], ["there", [1, 2, 3].slice(0, told.length)]);
  const abort = new AbortController();
  const hanging = client.callTool({ name: "calc__hang", arguments: {} }, undefined,
    { signal: abort.signal, onprogress: () => abort.abort("enough") });
  await assert.rejects(hanging);
  assert.equal((await client.callTool({ name: "calc__twice", arguments: { n: 1 } })).structuredContent.value, 2, "it was stopped");
  const { resources } = await client.listResources();
  assert.deepEqual(resources.map(({ uri }) => uri), ["hauki://workers/calc", "hauki://workers/calc/lines"]);
  assert.equal(JSON.parse((await client.readResource({ uri: resources[0].uri })).contents[0].text).worker, "calc");
  assert.equal((await client.listResourceTemplates()).resourceTemplates.length, 2);
  await assert.rejects(client.readResource({ uri: "hauki://workers/none" }));
  await client.ping();
  await client.close();
  await until(() => listed() === "");
}

function inspector() {
  const cli = (...words) => {
    const program = join(modules, "node_modules/.bin/mcp-inspector");
    return JSON.parse(execFileSync(program, ["--cli", hauki, "mcp", ...words], { env, encoding: "utf8" }));
  };
  assert.deepEqual(cli("--strict", "--method", "tools/list").tools.map(({ name }) => name), ["run", "create", "call", "list", "destruct"]);
  const run = cli("--method", "tools/call", "--tool-name", "run", "--tool-arg", "code=6*7");
  assert.equal(run.structuredContent.value, 42);
  assert.deepEqual(cli("--method", "resources/list").resources, []);
}

try {
  await until(() => {
    try {
      return listed() === "";
    } catch {
      return false;
    }
  });
  await sdk();
  console.log("the client of the SDK: ok");
  inspector();
  console.log("the inspector: ok");
} finally {
  daemon.kill("SIGTERM");
  await ended;
  rmSync(state, { recursive: true, force: true });
}
