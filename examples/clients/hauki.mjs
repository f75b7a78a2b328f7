// Call a hauki worker from Node.js 20 or newer: the standard library and a ticket, nothing else.
//
//   import { ghost } from "./hauki.mjs";
//   const scout = await ghost("t.json");          // Node 24: await using scout = await ghost("t.json");
//   console.log(await scout.observe(["x"]));      // any method of the worker, as a promise
//   scout.$on("hauki.event", (params) => console.log(params.event, params.data));
//   await scout.$call("hauki.destruct");          // or leave it to its lease
//   await scout.$close();
//
// The node must show the ticket's certificate before the token is sent. Every call has a deadline;
// heartbeats go out in the background. Closing ends the connection only, unless the vault is linked.
// What begins with $ is the client's own. Protocol: man 5 hauki-ticket.
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import tls from "node:tls";

const SLACK_MS = 2000; // what a call may take beyond the node's own deadline

/** A refusal: `code` is JSON-RPC's number, or a word where this side gave up. */
export class HaukiError extends Error {
  constructor(code, message, data) {
    super(message);
    Object.assign(this, { name: "HaukiError", code, data });
  }
}

/** Connects. `ticket` is a file or a parsed ticket; options: timeoutMs, connectTimeoutMs. */
export async function ghost(ticket, options = {}) {
  const document = typeof ticket === "string" ? JSON.parse(await readFile(ticket, "utf8")) : ticket;
  const link = await Link.open(document, options);
  const own = {
    $call: (method, params, { timeoutMs } = {}) => link.call(method, params, timeoutMs),
    $on: (event, listener) => void link.listeners.push({ event, listener }),
    $close: () => link.close(),
    $welcome: link.welcome,
    [Symbol.asyncDispose]: () => link.close(),
  };
  return new Proxy(own, {
    get(target, name) {
      // With a `then`, `await` would take the worker for a promise.
      if (name in target || typeof name === "symbol" || name === "then") return target[name];
      return (...args) => link.call(name, args);
    },
  });
}

class Link {
  listeners = [];
  #socket; #timeoutMs; #beat;
  #calls = new Map();
  #ids = 0;
  #rest = "";
  #over = null;

  static async open(ticket, { timeoutMs, connectTimeoutMs = 5000 }) {
    const link = new Link();
    link.#socket = await connect(ticket, connectTimeoutMs);
    link.#socket.setEncoding("utf8");
    link.#socket.on("data", (text) => link.#read(text));
    const broke = (why) => link.#end(new HaukiError("connection_broken", why));
    link.#socket.on("error", (error) => broke(error.message));
    link.#socket.on("close", () => broke("the node closed the connection"));
    const client = `node pid ${process.pid} on ${hostname()}`;
    const hello = { token: ticket.auth.token, client, call_deadline_ms: timeoutMs };
    link.welcome = await link.call("hauki.hello", hello, connectTimeoutMs).catch((error) => {
      link.#socket.destroy();
      throw error;
    });
    const { call_deadline_ms, lease_ms, link: linked, link_silence_ms } = link.welcome;
    link.#timeoutMs = timeoutMs ?? call_deadline_ms + SLACK_MS;
    const every = Math.max(10, (linked ? Math.min(lease_ms, link_silence_ms) : lease_ms) / 3);
    link.#beat = setInterval(() => link.call("hauki.heartbeat").catch(() => {}), every);
    return link;
  }

  call(method, params, timeoutMs = this.#timeoutMs) {
    if (this.#over) return Promise.reject(this.#over);
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const late = new HaukiError("timeout", `${method} did not answer within ${timeoutMs} ms`);
      const timer = setTimeout(() => this.#calls.delete(id) && reject(late), timeoutMs);
      this.#calls.set(id, { resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  }

  async close() {
    this.#end(new HaukiError("closed", "this side closed the connection"));
    if (this.#socket.destroyed) return;
    setTimeout(() => this.#socket.destroy(), 1000).unref();
    await new Promise((resolve) => this.#socket.once("close", resolve).end());
  }

  #read(text) {
    const lines = text.split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop();
    for (const line of lines) this.#take(JSON.parse(line));
  }

  #take(message) {
    if (message.method === "hauki.dying") {
      const { cause } = message.params.death;
      this.#over = new HaukiError(-32003, `the vault is dead: ${cause}`, message.params);
    }
    for (const { event, listener } of this.listeners) {
      if (event === message.method) listener(message.params);
    }
    const { id, error, result } = message;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    clearTimeout(call?.timer);
    if (error) call?.reject(new HaukiError(error.code, error.message, error.data));
    else call?.resolve(result);
  }

  #end(error) {
    this.#over ??= error;
    clearInterval(this.#beat);
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(this.#over);
    }
    this.#calls.clear();
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
