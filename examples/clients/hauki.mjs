// Call a hauki worker from Node.js 20.4 or newer: the standard library and a ticket, nothing else.
//
//   import { ghost } from "./hauki.mjs";
//   const scout = await ghost("t.json");          // Node 24: await using scout = await ghost("t.json");
//   console.log(await scout.observe(["x"]));      // any method of the worker, as a promise
//   scout.$on("progress", (data) => console.log(data.done));           // what it emits, by name
//   scout.$on("hauki.log", ({ text }) => console.log(text));           // what it prints
//   await scout.$with({ signal, timeoutMs: 500 }).scan(2);             // an AbortSignal, a deadline
//   await scout.$with({ onEvent: (name, data) => bar(data) }).scan(2); // what is said in this very call
//   const db = await scout.$offer("db", { rows: (n) => [n] });        // the worker calls it: db->rows(3)
//   await scout.report(db);                       // an argument like any; `tools` in the options is there without one
//   await scout.$call("hauki.destruct");          // or leave it to its lease
//   await scout.$close();
//
// The node must show the ticket's certificate before the token is sent. Every call has a deadline;
// heartbeats go out in the background. A call that is aborted or too late is given up: the node does not
// begin it any more, or stops the worker. A connection that is lost fails the calls that it carried, kind "connection_broken", and is made
// anew while the ticket is good; $on hears "hauki.broken" and "hauki.reconnected". Closing ends the
// connection only, unless the vault is linked. What begins with $ is the client's own.
// Protocol: man 5 hauki-ticket.
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { hostname } from "node:os";
import tls from "node:tls";

const RUNNING = 64; // calls of what is offered; no node asks for so many at once
const SLACK_MS = 2000; // what a call may take beyond the node's own deadline
const TEMPORARY = new Set(["unreachable", "connection_broken", "timeout", "busy"]); // worth another attempt
const KINDS = new Map([
  [-32700, "bad_request"], [-32600, "bad_request"], [-32601, "method_not_found"],
  [-32602, "invalid_params"], [-32603, "internal"], [-32000, "worker_failed"],
  [-32001, "unauthenticated"], [-32002, "denied"], [-32003, "vault_dead"], [-32004, "deadline"],
  [-32005, "too_large"], [-32006, "memory"], [-32007, "busy"], [-32008, "loop"], [-32009, "cancelled"],
]);

const words = (found) => typeof found === "string" && found.isWellFormed();
const like = (pattern) => (found) => words(found) && pattern.test(found);
const whole = (least, most) => (found) => Number.isInteger(found) && found >= least && found <= most;
const [u32, u64] = [whole(0, 2 ** 32 - 1), whole(0, 2 ** 64 - 1)];
const digest = like(/^[0-9a-f]{64}$/);
const moment = (found) =>
  like(/^\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/)(found) && !Number.isNaN(time(found)) &&
  new Date(`${found.slice(0, 10)}T00:00:00Z`).toISOString().startsWith(found.slice(0, 10)); // no 30 February
/** Of each member what it may be: its one value, a question, members. Anything else is refused. */
const TICKET = {
  v: 1, kind: "ticket", id: like(/^tkt_[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
  vault: like(/^vlt_[0-7][0-9A-HJKMNP-TV-Z]{25}$/), generation: u64, node: like(/^[a-z][a-z0-9-]{0,62}$/),
  worker: { name: words, version: (found) => found === undefined || found === null || words(found), sha256: digest },
  endpoint: { ip: (found) => words(found) && !found.includes("%") && isIP(found) > 0, port: whole(1, 65535) },
  tls: { version: "1.3", cert_sha256: digest, key_sha256: digest }, auth: { scheme: "biscuit", token: words },
  protocol: { name: "jsonrpc-2.0", framing: "ndjson", max_frame_bytes: u32, call_deadline_ms: u32 },
  methods: (found) => Array.isArray(found) && found.every(words),
  lease: { claim_ms: u64, lease_ms: u64, link: (found) => typeof found === "boolean", link_silence_ms: u64 },
  issued_at: moment, expires_at: moment,
};
const WELCOME = {
  vault: words, lease_ms: u64, link: TICKET.lease.link, link_silence_ms: u64, call_deadline_ms: u32,
  features: (found) => found === undefined || found === null || TICKET.methods(found),
};

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

/**
 * Connects. `ticket` is a file or a parsed ticket; options: timeoutMs, connectTimeoutMs, signal, reconnect, and tools: an
 * object that the worker finds as previous_object().tools.
 */
export async function ghost(ticket, options = {}) {
  const document = known(typeof ticket === "string" ? parse(await readFile(ticket)) : ticket, TICKET, "");
  const link = await Link.open(document, options);
  try {
    if (options.tools) await link.offer("tools", options.tools);
  } catch (error) {
    await link.close();
    throw error;
  }
  return face(link, { signal: options.signal });
}

const callbacks = new AsyncLocalStorage();

/** In a function that the worker calls: a signal that is aborted when nobody waits for it any more. */
export const callbackSignal = () => callbacks.getStore();

/** What the worker may call of it: its functions, also those of its class, but for names that begin with "_". */
function methodsOf(object) {
  if (typeof object === "function") return new Map([["call", object]]);
  const methods = new Map();
  for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      const own = name !== "constructor" && !name.startsWith("_") && !methods.has(name);
      if (own && typeof value === "function") methods.set(name, value.bind(object));
    }
  }
  if (methods.size === 0) throw new HaukiError("invalid_params", "there is no function in what is offered");
  return methods;
}

/** Stands for what is offered in parameters of calls, of this connection and of those that take its place. */
class Offer {
  #link;
  constructor(link, name, object) {
    Object.assign(this, { name, methods: methodsOf(object), reference: null });
    this.#link = link;
  }

  toJSON() { return this.reference; }

  /** Takes it back. */
  async close() { await this.#link.takeBack(this); }
}

const badTicket = (why) => new HaukiError("bad_ticket", `the ticket cannot be used: ${why}`);

/** A document in which no member comes twice; JSON.parse alone would keep the last. */
function parse(bytes) {
  let document, text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    document = JSON.parse(text);
  } catch (error) {
    throw badTicket(error.message);
  }
  const open = [];
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (name && open.at(-1).size === open.at(-1).add(JSON.parse(name)).size) throw badTicket(`${name} is there twice`);
  }
  return document;
}

/** In milliseconds; a leap second is the one before it. */
const time = (text) => Date.parse(text.toUpperCase().replace(" ", "T").replace(/:60(?=[.Z+-])/, ":59"));

function known(found, form, name) {
  if (typeof form === "function") {
    if (!form(found)) throw badTicket(`${name} is ${found === undefined ? "missing" : "not what it may be"}`);
  } else if (typeof form !== "object") {
    if (found !== form) throw badTicket(`${name} is ${JSON.stringify(found)}, and only ${JSON.stringify(form)} is known here`);
  } else {
    if (found === null || typeof found !== "object" || Array.isArray(found)) throw badTicket(`${name || "it"} is no object`);
    const below = name && `${name}.`;
    for (const member of Object.keys(found)) if (!Object.hasOwn(form, member)) throw badTicket(`${below}${member} is not known here`);
    for (const [member, its] of Object.entries(form)) known(found[member], its, below + member);
  }
  return found;
}

/** What is not known of it is left alone. */
function welcomed(found) {
  try {
    known(found && Object.fromEntries(Object.keys(WELCOME).map((member) => [member, found[member]])), WELCOME, "it");
  } catch {
    throw new HaukiError("connection_broken", "the node sent what is no welcome");
  }
  return found;
}

/** The worker's methods, called with these options. */
function face(link, options) {
  const own = {
    $call: (method, params, more) => link.call(method, params, { ...options, ...more }),
    $with: (more) => face(link, { ...options, ...more }),
    $on: (event, listener) => link.on(event, listener),
    $offer: (name, object) => link.offer(name, object),
    $close: () => link.close(),
    get $welcome() { return link.welcome; },
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
  #ticket; #options; #socket; #timeoutMs; #beat; #heard;
  #listeners = new Set();
  #calls = new Map();
  #offers = new Map();
  #running = new Map();
  #ids = 0;
  #rest = [];
  #size = 0;
  #up = false;
  #over = null;

  static async open(ticket, options) {
    if (options.signal?.aborted) throw aborted(options.signal);
    const link = new Link();
    link.#ticket = ticket;
    link.#options = options;
    await link.#greet();
    return link;
  }

  /** One connection, from TCP to the welcome; then what waited for it is sent. */
  async #greet() {
    const { timeoutMs, connectTimeoutMs = 5000, signal } = this.#options;
    if (time(this.#ticket.expires_at) < Date.now()) {
      throw new HaukiError("ticket_expired", `the ticket expired at ${this.#ticket.expires_at}`);
    }
    const socket = await connect(this.#ticket, connectTimeoutMs);
    this.#socket = socket;
    this.#rest = [];
    this.#size = 0;
    this.#heard = Date.now();
    socket.setEncoding("utf8");
    socket.on("data", (text) => this.#read(text));
    socket.on("error", (error) => this.#lost(socket, error.message));
    socket.on("close", () => this.#lost(socket, "the node closed the connection"));
    try {
      if (this.#over) throw this.#over;
      const client = `node pid ${process.pid} on ${hostname()}`;
      const hello = { token: this.#ticket.auth.token, client, call_deadline_ms: timeoutMs };
      const welcome = this.#send("hauki.hello", hello, { timeoutMs: connectTimeoutMs, signal }, true);
      // The lease counts from the hello on, and the welcome of a node that is far away comes later than a beat is due.
      this.#beats(this.#ticket.lease, () => socket.write(`${JSON.stringify({ jsonrpc: "2.0", method: "hauki.heartbeat" })}\n`));
      this.welcome = welcomed(await welcome);
      const { vault } = this.welcome;
      if (vault !== this.#ticket.vault) throw badTicket(`it names ${this.#ticket.vault}, and ${vault} answers to its token`);
      // A new connection knows nothing of what was offered before, and the calls that wait for it may need that.
      for (const offer of this.#offers.values()) await this.#sendOffer(offer, { timeoutMs: connectTimeoutMs, signal }, true);
    } catch (error) {
      this.#lost(socket, error.message);
      throw error;
    }
    const { call_deadline_ms, lease_ms, link: linked } = this.welcome;
    this.#timeoutMs = timeoutMs ?? call_deadline_ms + SLACK_MS;
    const beat = () => {
      // A node answers a beat at once unless calls are ahead of it, each of which has a deadline. A link is never given up:
      // that would end its vault, and the node may only have paused, for which the vault outlives it.
      const silent = Date.now() - this.#heard;
      const busy = [...this.#calls.values()].some(({ method }) => method !== "hauki.heartbeat");
      if (!linked && silent > Math.max(lease_ms, 1000) + (busy ? call_deadline_ms + SLACK_MS : 0)) {
        return this.#lost(socket, `nothing was heard for ${silent} ms`);
      }
      this.call("hauki.heartbeat").catch(() => {});
    };
    this.#up = true;
    for (const call of this.#calls.values()) if (!call.sent) this.#write(call);
    this.#beats(this.welcome, beat);
    beat();
  }

  /** A third of what the terms of a ticket or a welcome allow, so that two beats may be lost. */
  #beats({ lease_ms, link, link_silence_ms }, beat) {
    clearInterval(this.#beat);
    const allowed = link ? Math.min(lease_ms, link_silence_ms) : lease_ms;
    this.#beat = setInterval(beat, Math.min(Math.max(10, allowed / 3), 86_400_000));
  }

  /** The connection is no more: what was sent may have run, and is never sent again. */
  #lost(socket, why) {
    if (socket !== this.#socket) return;
    const was = this.#up;
    this.#giveUpCallbacks([...this.#running.keys()]);
    this.#socket = null;
    this.#up = false;
    clearInterval(this.#beat);
    socket.destroy();
    const error = this.#over ?? new HaukiError("connection_broken", `the connection broke: ${why}`);
    for (const [id, { sent }] of [...this.#calls]) if (sent) this.#settle(id).reject(error);
    if (this.#over || this.#options.reconnect === false) return this.#end(error);
    if (was) this.#again(error);
  }

  /** For as long as the ticket is good and the node does not say no. */
  async #again(error) {
    const since = Date.now();
    let refused = null;
    this.#tell("hauki.broken", { reason: error.message });
    for (let pause = 20; !this.#over; pause = Math.min(2 * pause, 2000)) {
      try {
        await this.#greet();
        return this.#tell("hauki.reconnected", { after_ms: Date.now() - since });
      } catch (error) {
        // A port is open for as long as its vault lives: a refusal that lasts is the vault's end.
        refused = error.refused ? refused ?? Date.now() : null;
        const gone = refused !== null && Date.now() - refused > 2000;
        if (gone || !TEMPORARY.has(error.kind)) return this.#end(error);
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
    }
  }

  /** A call that is made while there is no connection waits for the next one, within its time. */
  call(method, params, { timeoutMs = this.#timeoutMs, signal, onEvent } = {}) {
    return this.#send(method, params, { timeoutMs, signal, onEvent }, false);
  }

  #send(method, params, { timeoutMs, signal, onEvent }, first) {
    if (this.#over) return Promise.reject(this.#over);
    if (signal?.aborted) return Promise.reject(aborted(signal));
    const id = ++this.#ids;
    const line = JSON.stringify({ jsonrpc: "2.0", id, method, params });
    const limit = this.#ticket.protocol.max_frame_bytes;
    if (line.length > limit || Buffer.byteLength(line) > limit) {
      const message = `the request is longer than the ${limit} bytes that the ticket allows`;
      return Promise.reject(new HaukiError("too_large", message));
    }
    return new Promise((resolve, reject) => {
      const call = { method, line, onEvent, resolve, reject, signal, abort: () => this.#giveUp(id, aborted(signal)) };
      const late = () => this.#giveUp(id, new HaukiError("timeout", `${method} did not answer within ${timeoutMs} ms`));
      call.timer = setTimeout(late, timeoutMs);
      signal?.addEventListener("abort", call.abort);
      this.#calls.set(id, call);
      if (first || this.#up) this.#write(call);
    });
  }

  #write(call) {
    call.sent = true;
    this.#socket.write(`${call.line}\n`);
  }

  /** Nobody waits for it any more. A node that can is told, so that the next call need not wait for it. */
  #giveUp(id, error) {
    const call = this.#settle(id);
    call?.reject(error);
    if (!call?.sent || !this.#up || !this.welcome.features?.includes("cancel")) return;
    this.#socket.write(`${JSON.stringify({ jsonrpc: "2.0", method: "hauki.cancel", params: { id } })}\n`);
  }

  /** Returns what takes the listener off again. */
  on(event, listener) {
    const entry = { event, listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** The worker can call `object`, or a function, until it is taken back or another takes its place. */
  async offer(name, object) {
    if (!this.welcome.features?.includes("offer")) throw new HaukiError("unsupported", "the node is too old for what a caller offers");
    const offer = new Offer(this, name, object);
    const before = this.#offers.get(name);
    this.#offers.set(name, offer);
    try {
      await this.#sendOffer(offer, { timeoutMs: this.#timeoutMs }, false);
    } catch (error) {
      // What the node has not taken, it has not put in the place of the one before.
      if (this.#offers.get(name) === offer) before ? this.#offers.set(name, before) : this.#offers.delete(name);
      throw error;
    }
    return offer;
  }

  async #sendOffer(offer, options, first) {
    const params = { name: offer.name, methods: [...offer.methods.keys()] };
    offer.reference = (await this.#send("hauki.offer", params, options, first)).object;
  }

  async takeBack(offer) {
    if (this.#offers.get(offer.name) !== offer) return;
    this.#offers.delete(offer.name);
    offer.reference = null;
    if (!this.#over) await this.call("hauki.offer", { name: offer.name, methods: [] });
  }

  /** The worker calls what was offered. */
  async #asked(socket, id, { object, method, params }) {
    const given = new AbortController();
    this.#running.set(id, given);
    let answer;
    try {
      const called = this.#offers.get(object)?.methods.get(method);
      if (!called) throw new HaukiError(-32601, `${object} has no ${method}, or is offered no more`);
      const result = (await callbacks.run(given.signal, () => called(...params))) ?? null;
      answer = JSON.stringify({ jsonrpc: "2.0", id, result });
      if (Buffer.byteLength(answer) > this.#ticket.protocol.max_frame_bytes) throw new HaukiError(-32005, "the answer is longer than a line may be");
    } catch (error) {
      const code = error instanceof HaukiError && Number.isInteger(error.code) ? error.code : -32000;
      const message = String(error?.message ?? error).slice(0, 1024);
      answer = JSON.stringify({ jsonrpc: "2.0", id, error: { code, message } });
    }
    if (this.#running.get(id) === given) this.#running.delete(id);
    // Another connection was not asked; and who has given up passes an answer over.
    if (socket === this.#socket && !given.signal.aborted) socket.write(`${answer}\n`);
  }

  #giveUpCallbacks(ids) {
    for (const id of ids) {
      this.#running.get(id)?.abort(new HaukiError("cancelled", "nobody waits for it any more"));
      this.#running.delete(id);
    }
  }

  async close() {
    const socket = this.#socket;
    this.#socket = null;
    this.#end(new HaukiError("closed", "this side closed the connection"));
    if (!socket || socket.destroyed) return;
    setTimeout(() => socket.destroy(), 1000).unref();
    await new Promise((resolve) => socket.once("close", resolve).end());
  }

  #read(text) {
    this.#heard = Date.now();
    const lines = text.split("\n");
    const longest = this.#ticket.protocol.max_frame_bytes + 4096;
    for (const [at, line] of lines.entries()) {
      this.#size = (at === 0 ? this.#size : 0) + Buffer.byteLength(line);
      if (this.#size > longest) return this.#lost(this.#socket, "the node sent a line that is too long");
    }
    this.#rest.push(lines[0]);
    if (lines.length === 1) return;
    lines[0] = this.#rest.join("");
    this.#rest = [lines.pop()];
    for (const line of lines) {
      let message;
      try {
        message = checked(JSON.parse(line));
      } catch {
        return this.#lost(this.#socket, "the node sent what is no message");
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
    if (method === "hauki.call" && this.#running.size >= RUNNING) return this.#lost(this.#socket, "the node asks for more than a worker can");
    if (method === "hauki.call" && id !== undefined) return void this.#asked(this.#socket, id, params);
    if (method === "hauki.cancel") return this.#giveUpCallbacks([params.id]);
    if (method === "hauki.dying") {
      this.#over = new HaukiError(-32003, params.message ?? `${params.vault} is dead: ${params.death.cause}`, params);
    }
    // What was said in a call that is under way has its id.
    const emitted = method === "hauki.event";
    this.#calls.get(params.call)?.onEvent?.(emitted ? params.event : method, emitted ? params.data : params);
    this.#tell(method, params);
  }

  #tell(method, params) {
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
    this.#giveUpCallbacks([...this.#running.keys()]);
    for (const id of [...this.#calls.keys()]) this.#settle(id).reject(this.#over);
  }
}

/** Of a signal: late if it is a timeout's, given up otherwise; `cause` is its own reason. */
function aborted({ reason }) {
  const code = reason?.name === "TimeoutError" ? "timeout" : "cancelled";
  return Object.assign(new HaukiError(code, `this side gave up: ${reason?.message ?? reason}`), { cause: reason });
}

/** A reply or an event; a node that was taken over may say anything. */
function checked(message) {
  const { method, params, id, error, result } = message;
  const event = typeof method === "string" && params !== null && typeof params === "object" && !Array.isArray(params);
  const dying = method !== "hauki.dying" || params.death?.cause !== undefined;
  const called = method !== "hauki.call" || Array.isArray(params?.params);
  const reply = method === undefined && id !== undefined && (error === undefined ? result !== undefined : typeof error?.code === "number");
  if (!(event && dying && called || reply)) throw new TypeError("neither a reply nor an event");
  return message;
}

function connect(ticket, timeoutMs) {
  const { ip: host, port } = ticket.endpoint;
  return new Promise((resolve, reject) => {
    // The pin below takes the place of a chain and a name.
    const socket = tls.connect({ host, port, minVersion: "TLSv1.3", rejectUnauthorized: false });
    const fail = (code, message, refused = false) => {
      clearTimeout(timer);
      socket.destroy();
      reject(Object.assign(new HaukiError(code, message), { refused }));
    };
    const away = `${ticket.vault} cannot be reached at ${host}:${port}`;
    const timer = setTimeout(() => fail("unreachable", `${away}: no answer in time`), timeoutMs);
    socket.once("error", ({ code, message }) => {
      const refused = code === "ECONNREFUSED";
      fail("unreachable", `${away}: ${refused ? "nobody listens there, as when it is dead" : message}`, refused);
    });
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
