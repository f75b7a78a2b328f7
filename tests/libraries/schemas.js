// Whether ajv, in strict mode, takes our schemas, and what the ticket's says of tickets.
//   node schemas.js MODULES TICKET_SCHEMA OPENAPI
"use strict";
const { createRequire } = require("module");
const { readFileSync } = require("fs");
const [modules, ticketSchema, openapi] = process.argv.slice(2);
const from = createRequire(`${modules}/`);
const Ajv = from("ajv/dist/2020").default;
const formats = from("ajv-formats").default;
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const compile = (schema) => {
  const said = [];
  const logger = { log() {}, warn: (line) => said.push(line), error: (line) => said.push(line) };
  const validate = formats(new Ajv({ strict: true, allErrors: true, logger })).compile(schema);
  if (said.length) throw new Error(said.join("\n"));
  return validate;
};

const ticket = compile(read(ticketSchema));
const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const good = () => ({
  v: 1, kind: "ticket", id: "tkt_01HF7YAT00000000000000001A", vault: "vlt_01HF7YAT00000000000000001A", generation: 1,
  node: "local", worker: { name: "scout", sha256: hash }, endpoint: { ip: "10.66.0.2", port: 41873 },
  tls: { version: "1.3", cert_sha256: hash, key_sha256: hash }, auth: { scheme: "biscuit", token: "t" },
  protocol: { name: "jsonrpc-2.0", framing: "ndjson", max_frame_bytes: 65536, call_deadline_ms: 1000 },
  methods: ["observe"], lease: { claim_ms: 30000, lease_ms: 60000.0, link: false, link_silence_ms: 750 },
  issued_at: "2026-11-21T14:00:00Z", expires_at: "2099-01-01T00:00:00.123456789Z",
});
const judged = {};
const judge = (name, change) => {
  const document = good();
  change(document);
  judged[name] = ticket(document);
};
judge("good", () => {});
judge("v6", (t) => { t.endpoint.ip = "fd00::2"; });
judge("another v", (t) => { t.v = 2; });
judge("no address", (t) => { t.endpoint.ip = "node.example"; });
judge("no port", (t) => { t.endpoint.port = 70000; });
judge("too long a frame", (t) => { t.protocol.max_frame_bytes = 2 ** 32; });
judge("no time", (t) => { t.expires_at = "tomorrow"; });
judge("one field more", (t) => { t.more = 1; });
judge("a list", (t) => { t.lease = [1, 2, false, 3]; });

// The same types in the document of the API, each on its own.
const schemas = JSON.parse(JSON.stringify(read(openapi).components.schemas).replaceAll("#/components/schemas/", "#/$defs/"));
for (const name of Object.keys(schemas)) compile({ $ref: `#/$defs/${name}`, $defs: schemas });
console.log(JSON.stringify({ judged, types: Object.keys(schemas).length }));
