// Programs and workers in sandboxes, from Node.js 20.4 or newer: the standard library and the `hauki` command.
//
//   import { sandbox } from "./hauki_sandbox.mjs";
//   const box = await sandbox({ memory: "16MiB" });            // Node 24: await using box = await sandbox();
//   const told = await box.run("print('hi'); [3, 1, 2].sort()");  // told.value is [1, 2, 3], told.stdout "hi\n"
//   const scout = await box.create({ file: "scout.ts" });      // or source: …, gem: "gem-pointer://workers/scout"
//   console.log(await scout.observe(["a", "b"]));              // any method; what the worker throws is a HaukiError
//   await box.run(code, { signal, timeoutMs: 500, onLine: (line) => console.log(line) });
//   await box.close();
//
// It starts `hauki mcp` and speaks its protocol (man 1 hauki-mcp). All that is made here dies with it: by `close`, and also by
// `kill -9`. What is given up, by an AbortSignal or by timeoutMs, is stopped in its sandbox. What begins with $ is the client's own.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { createInterface } from "node:readline";

const VERSION = "2025-06-18";
const END_MS = 10_000; // what the command may take to end
const ENDINGS = new Map([[".ts", "ts"], [".mts", "ts"], [".cts", "ts"]]);

/** A refusal. `code` is a public word ("worker_failed", "deadline", "memory", …); `data` says more. */
export class HaukiError extends Error {
  constructor(code, message, data = {}) {
    super(message);
    Object.assign(this, { name: "HaukiError", code, data });
  }
}

/** `hauki mcp` as a child: requests with their promises, in the order of their answers. */
class Server {
  #child; #closed; #fault;
  #calls = new Map();
  #ids = 0;

  constructor(command, words) {
    this.#child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin.on("error", () => {}); // its end is told by the output's
    this.#closed = new Promise((resolve) => {
      const end = (why) => {
        this.#fault = new HaukiError("closed", why);
        for (const { reject } of this.#calls.values()) reject(this.#fault);
        this.#calls.clear();
        resolve();
      };
      this.#child.once("error", ({ message }) => end(`hauki cannot be started: ${message}`));
      this.#child.once("close", () => end("hauki mcp has ended"));
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
  }

  send(message) {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  ask(method, params, { signal, timeoutMs, onLine } = {}) {
    const signals = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)].filter(Boolean);
    const stop = AbortSignal.any(signals);
    if (this.#fault) return Promise.reject(this.#fault);
    if (stop.aborted) return Promise.reject(aborted(stop));
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const abort = () => {
        if (!this.#calls.delete(id)) return;
        this.send({ method: "notifications/cancelled", params: { requestId: id } });
        reject(aborted(stop));
      };
      const done = (settle) => (what) => {
        stop.removeEventListener("abort", abort);
        settle(what);
      };
      stop.addEventListener("abort", abort);
      this.#calls.set(id, { resolve: done(resolve), reject: done(reject), onLine });
      this.send({ id, method, params: onLine ? { ...params, _meta: { progressToken: id } } : params });
    });
  }

  #take({ id, method, params, error, result }) {
    if (method !== undefined) {
      const { onLine } = this.#calls.get(params?.progressToken) ?? {};
      if (params?.message !== undefined) onLine?.(params.message);
      return;
    }
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(new HaukiError("protocol", error.message, error));
    else call?.resolve(result);
  }

  async close() {
    if (this.#fault) return;
    this.#child.stdin.end();
    if (this.#calls.size > 0) this.#child.kill();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await this.#closed;
    clearTimeout(timer);
  }
}

/** Of a signal: late if it is a timeout's, given up otherwise; `cause` is its own reason. */
function aborted({ reason }) {
  const code = reason?.name === "TimeoutError" ? "timeout" : "cancelled";
  return Object.assign(new HaukiError(code, `this side gave up: ${reason?.message ?? reason}`), { cause: reason });
}

/** What a tool gave, where it is no failure. */
function checked({ isError, structuredContent: data }) {
  if (isError) throw new HaukiError(data.code, data.message, data);
  return data;
}

/** A program's result; without one `value` is undefined. */
function told({ isError, structuredContent: data, content }) {
  const { file, line, column, stack } = data.worker ?? {};
  return {
    value: data.value,
    stdout: data.lines.map((text) => `${text}\n`).join(""),
    stderr: isError ? `${content[0].text}\n` : "",
    error: isError ? { code: data.code, message: data.message, retryable: data.retryable, file, line, column, stack } : null,
    truncated: (data.lost_lines ?? 0) > 0,
    ms: data.ms ?? 0,
  };
}

class Box {
  #server;

  constructor(server) {
    this.#server = server;
  }

  async run(code, { args = [], language, memory, timeoutMs, signal, onLine } = {}) {
    const given = { code, args: args.map(String), language, memory, timeout: timeoutMs };
    return told(await this.#tool("run", given, { signal, onLine }));
  }

  async create({ source, file, gem, language, name, args = [], memory, signal } = {}) {
    if ([source, file, gem].filter((one) => one !== undefined).length !== 1) {
      throw new HaukiError("usage", "create takes one of source, file and gem");
    }
    // A file is read here, by whoever may read it; the server sees its text.
    const text = file === undefined ? source : await readFile(file, "utf8");
    const written = language ?? (file === undefined ? undefined : ENDINGS.get(extname(basename(file))));
    const made = checked(await this.#tool("create", { source: text, gem, language: written, name, args, memory }, { signal }));
    return face(made, {
      call: async (method, list, options) =>
        checked(await this.#tool("call", { worker: made.worker, method, args: list }, options)).value,
      destruct: async () => { checked(await this.#tool("destruct", { worker: made.worker })); },
    });
  }

  close() {
    return this.#server.close();
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.close();
  }

  #tool(name, given, options) {
    return this.#server.ask("tools/call", { name, arguments: given }, options);
  }
}

/** The worker's methods, and the client's own. */
function face(made, { call, destruct }) {
  const own = {
    $name: made.worker,
    $vault: made.vault,
    $methods: Object.keys(made.methods),
    $call: (method, args = [], options = {}) => call(method, args, options),
    $destruct: destruct,
  };
  return new Proxy(own, {
    get(target, name) {
      // With a `then`, `await` would take the worker for a promise.
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      return (...args) => call(name, args, {});
    },
  });
}

/** Starts `hauki mcp`. `memory` is the most of each sandbox; `allowNet` is where all of them may fetch from. */
export async function sandbox({ hauki = "hauki", memory, maxWorkers, allowNet = [], words = [] } = {}) {
  const flags = ["mcp", "--timeout", "1h"];
  if (memory !== undefined) flags.push("--memory", memory);
  if (maxWorkers !== undefined) flags.push("--max-workers", String(maxWorkers));
  for (const invitation of allowNet) flags.push("--allow-net", invitation);
  const server = new Server(hauki, [...flags, ...words]);
  try {
    const clientInfo = { name: "hauki_sandbox.mjs", version: "1" };
    await server.ask("initialize", { protocolVersion: VERSION, capabilities: {}, clientInfo });
    server.send({ method: "notifications/initialized" });
  } catch (error) {
    await server.close();
    throw error;
  }
  return new Box(server);
}
