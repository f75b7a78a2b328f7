// Call a hauki worker from Node.js 20.4 or newer: the standard library and a ticket, nothing else.
//
//   import { ghost } from "./hauki.mjs";
//   const scout = await ghost("t.json");          // Node 24: await using scout = await ghost("t.json");
//   console.log(await scout.observe(["x"]));      // any method of the worker, as a promise
//   scout.$on("progress", (data) => console.log(data.done));           // what it emits, by name
//   scout.$on("hauki.log", ({ text }) => console.log(text));           // what it prints
//   await scout.$with({ signal, timeoutMs: 500 }).scan(2);             // an AbortSignal, a deadline
//   await scout.$call("hauki.destruct");          // or leave it to its lease
//   await scout.$close();
//
// The node must show the ticket's certificate before the token is sent. Every call has a deadline;
// heartbeats go out in the background. An aborted call is not waited for; the worker runs it to its
// end. Closing ends the connection only, unless the vault is linked. What begins with $ is the
// client's own. Protocol: man 5 hauki-ticket.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import tls from "node:tls";

const SLACK_MS = 2000; // what a call may take beyond the node's own deadline
const KINDS = new Map([
  [-32700, "bad_request"], [-32600, "bad_request"], [-32601, "method_not_found"],
  [-32602, "invalid_params"], [-32603, "internal"], [-32000, "worker_failed"],
  [-32001, "unauthenticated"], [-32002, "denied"], [-32003, "vault_dead"], [-32004, "deadline"],
  [-32005, "too_large"], [-32006, "memory"], [-32007, "busy"], [-32008, "loop"],
]);

/**
 * A refusal. `code` is JSON-RPC's number, or a word where this side gave up; `kind` is always a
 * word: the worker's own ("throw", "stack") where there is one; `data` says more.
 */
export class HaukiError extends Error {
  constructor(code, message, data) {
    super(message);
    const kind = data?.kind ?? KINDS.get(code) ?? (typeof code === "string" ? code : "rpc_error");
    Object.assign(this, { name: "HaukiError", code, kind, data });
  }
}

/** Connects. `ticket` is a file or a parsed ticket; options: timeoutMs, connectTimeoutMs, signal. */
export async function ghost(ticket, options = {}) {
  const document = typeof ticket === "string" ? JSON.parse(await readFile(ticket, "utf8")) : ticket;
  const link = await Link.open(document, options);
  return face(link, { signal: options.signal });
}

/** The worker's methods, called with these options. */
function face(link, options) {
  const own = {
    $call: (method, params, more) => link.call(method, params, { ...options, ...more }),
    $with: (more) => face(link, { ...options, ...more }),
    $on: (event, listener) => link.on(event, listener),
    $close: () => link.close(),
    $welcome: link.welcome,
    [Symbol.asyncDispose]: () => link.close(),
  };
  return new Proxy(own, {
    get(target, name) {
      // With a `then`, `await` would take the worker for a promise.
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      return (...args) => link.call(name, args, options);
    },
  });
}

class Link {
  #listeners = new Set();
  #socket; #timeoutMs; #limit; #beat;
  #calls = new Map();
  #ids = 0;
  #rest = [];
  #over = null;

  static async open(ticket, { timeoutMs, connectTimeoutMs = 5000, signal }) {
    signal?.throwIfAborted();
    const link = new Link();
    link.#socket = await connect(ticket, connectTimeoutMs);
    link.#limit = ticket.protocol.max_frame_bytes;
    link.#socket.setEncoding("utf8");
    link.#socket.on("data", (text) => link.#read(text));
    const broke = (why) => link.#end(new HaukiError("connection_broken", why));
    link.#socket.on("error", (error) => broke(error.message));
    link.#socket.on("close", () => broke("the node closed the connection"));
    const client = `node pid ${process.pid} on ${hostname()}`;
    const hello = { token: ticket.auth.token, client, call_deadline_ms: timeoutMs };
    const options = { timeoutMs: connectTimeoutMs, signal };
    link.welcome = await link.call("hauki.hello", hello, options).catch((error) => {
      link.#socket.destroy();
      throw error;
    });
    const { call_deadline_ms, lease_ms, link: linked, link_silence_ms } = link.welcome;
    link.#timeoutMs = timeoutMs ?? call_deadline_ms + SLACK_MS;
    const every = Math.max(10, (linked ? Math.min(lease_ms, link_silence_ms) : lease_ms) / 3);
    link.#beat = setInterval(() => link.call("hauki.heartbeat").catch(() => {}), every);
    return link;
  }

  call(method, params, { timeoutMs = this.#timeoutMs, signal } = {}) {
    if (this.#over) return Promise.reject(this.#over);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++this.#ids;
    const line = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    if (line.length > this.#limit || Buffer.byteLength(line) > this.#limit) {
      const message = `the request is longer than the ${this.#limit} bytes that the ticket allows`;
      return Promise.reject(new HaukiError("too_large", message));
    }
    return new Promise((resolve, reject) => {
      const call = { resolve, reject, signal, abort: () => this.#settle(id)?.reject(signal.reason) };
      const late = () => this.#settle(id)?.reject(new HaukiError("timeout", `${method} did not answer within ${timeoutMs} ms`));
      call.timer = setTimeout(late, timeoutMs);
      signal?.addEventListener("abort", call.abort);
      this.#calls.set(id, call);
      this.#socket.write(`${line}\n`);
    });
  }

  /** Returns what takes the listener off again. */
  on(event, listener) {
    const entry = { event, listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  async close() {
    this.#end(new HaukiError("closed", "this side closed the connection"));
    if (this.#socket.destroyed) return;
    setTimeout(() => this.#socket.destroy(), 1000).unref();
    await new Promise((resolve) => this.#socket.once("close", resolve).end());
  }

  #read(text) {
    const lines = text.split("\n");
    this.#rest.push(lines[0]);
    if (lines.length === 1) return;
    lines[0] = this.#rest.join("");
    this.#rest = [lines.pop()];
    for (const line of lines) {
      let message;
      try {
        message = JSON.parse(line);
      } catch {
        this.#end(new HaukiError("protocol", "the node sent what is no message"));
        return this.#socket.destroy();
      }
      this.#take(message);
    }
  }

  #take({ id, method, params, error, result }) {
    if (method === undefined) {
      const call = this.#settle(id);
      if (error) call?.reject(new HaukiError(error.code, error.message, error.data));
      else call?.resolve(result);
      return;
    }
    if (method === "hauki.dying") {
      this.#over = new HaukiError(-32003, `the vault is dead: ${params.death.cause}`, params);
    }
    for (const { event, listener } of this.#listeners) {
      if (event === method) listener(params);
      else if (method === "hauki.event" && event === params.event) listener(params.data);
    }
  }

  /** Takes a call off the list, if it is still there. */
  #settle(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    clearTimeout(call?.timer);
    call?.signal?.removeEventListener("abort", call.abort);
    return call;
  }

  #end(error) {
    this.#over ??= error;
    clearInterval(this.#beat);
    for (const id of [...this.#calls.keys()]) this.#settle(id).reject(this.#over);
  }
}

function connect(ticket, timeoutMs) {
  const { ip: host, port } = ticket.endpoint;
  return new Promise((resolve, reject) => {
    // The pin below takes the place of a chain and a name.
    const socket = tls.connect({ host, port, minVersion: "TLSv1.3", rejectUnauthorized: false });
    const fail = (code, message) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new HaukiError(code, message));
    };
    const timer = setTimeout(() => fail("unreachable", `no answer from ${host}:${port}`), timeoutMs);
    socket.once("error", (error) => fail("unreachable", error.message));
    socket.once("secureConnect", () => {
      const seen = createHash("sha256").update(socket.getPeerCertificate().raw).digest();
      const pinned = Buffer.from(ticket.tls.cert_sha256, "hex");
      const same = pinned.length === seen.length && timingSafeEqual(seen, pinned);
      if (!same) return fail("wrong_node", "the certificate is not the ticket's; nothing was sent");
      clearTimeout(timer);
      resolve(socket.removeAllListeners("error").setNoDelay(true));
    });
  });
}
