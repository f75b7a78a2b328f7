// How far a call of hauki.mjs is from a plain TLS round trip of Node.js itself, in the same run:
//
//   hauki clone examples/workers/scout.js --out t.json
//   node examples/clients/bench.mjs t.json report [ROUNDS]
//
// The floor is an echo server in a process of its own, written with node:tls, TLS 1.3, one line there
// and one back. Both are measured in turns of a hundred, so that what else the machine does meets
// both. Prints one JSON object; times in microseconds; ratio is that of the medians, and ratio_p10 that
// of the best tenth, which a busy machine disturbs less.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { ghost } from "./hauki.mjs";

const [, , first, method = "report", rounds = "5000"] = process.argv;
if (first === undefined) throw new Error("usage: bench.mjs TICKET [METHOD [ROUNDS]]");
if (first === "--echo") {
  const [key, cert] = [method, rounds].map((path) => readFileSync(path));
  const server = tls.createServer({ key, cert, minVersion: "TLSv1.3" }, (socket) => {
    socket.setNoDelay(true).on("error", () => {}).on("data", (data) => socket.write(data));
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
} else {
  console.log(JSON.stringify(await bench(first, method, Number(rounds))));
}

async function echo() {
  const dir = mkdtempSync(join(tmpdir(), "hauki-bench-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(dir, name));
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
    "-subj", "/CN=echo", "-keyout", key, "-out", cert,
  ], { stdio: "ignore" });
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--echo", key, cert], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  rmSync(dir, { recursive: true });
  const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  let answered;
  socket.setNoDelay(true).setEncoding("utf8").on("data", () => answered());
  const call = (line) => new Promise((resolve) => {
    answered = resolve;
    socket.write(line);
  });
  return { call, close: () => { socket.destroy(); child.kill(); } };
}

async function bench(ticket, method, rounds) {
  const [worker, floor] = [await ghost(ticket), await echo()];
  const line = `${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: [] })}\n`;
  const times = { floor: [], call: [] };
  const turn = async (name, work) => {
    for (let i = 0; i < 100; i++) {
      const start = process.hrtime.bigint();
      await work();
      times[name].push(Number(process.hrtime.bigint() - start) / 1000);
    }
  };
  // The first turns are for the compiler.
  for (let done = -500; done < rounds; done += 100) {
    await turn("floor", () => floor.call(line));
    await turn("call", () => worker[method]());
    if (done < 0) [times.floor, times.call] = [[], []];
  }
  floor.close();
  await worker.$close();
  const at = (list, share) => Number(list.sort((a, b) => a - b)[Math.floor(list.length * share)].toFixed(1));
  const shown = Object.fromEntries(Object.entries(times).map(([name, list]) => [
    name, { p10: at(list, 0.1), p50: at(list, 0.5), p95: at(list, 0.95), rounds: list.length },
  ]));
  const ratio = (p) => Number((shown.call[p] / shown.floor[p]).toFixed(2));
  return { ...shown, ratio: ratio("p50"), ratio_p10: ratio("p10") };
}
