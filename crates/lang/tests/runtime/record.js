// Records what Node makes of the rows in cases/, and how each is lowered to ES5: `node record.js DIR`, where DIR is one
// in which `npm install @swc/core` was run. A row is statements, `;;`, and an expression; its statements may be left
// out. The lowered text calls the run-time's helpers by their names, as compiled sources do.
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm"), { Writable } = require("stream");
const swc = require(require.resolve("@swc/core", { paths: [process.argv[2]] }));

process.env.TZ = "UTC";
process.on("unhandledRejection", () => {});
const SHOW = fs.readFileSync(path.join(__dirname, "show.js"), "utf8");
const OPTIONS = {
  jsc: {
    target: "es5", externalHelpers: true, parser: { syntax: "ecmascript" },
    assumptions: { privateFieldsAsProperties: true, setPublicClassFields: true, superIsCallableConstructor: true, setClassMethods: true,
      setComputedProperties: true, skipForOfIteratorClosing: true, ignoreFunctionLength: false, noDocumentAll: true, noNewArrows: true },
  },
  module: { type: "es6" }, isModule: true,
};

function lowered(source) {
  return swc.transformSync(source, OPTIONS).code
    .replace(/^import .*$\n/gm, "").replace(/^export \{ *\};?$\n?/gm, "")
    .replace(/\b(_[a-z_]+)\._\(/g, "$1(")
    // What the engine's parser does not take.
    .replace(/([\[,])(\s*),/g, "$1$2void 0,").replace(/([\[,])(\s*),/g, "$1$2void 0,")
    .replace(/\(\?<[A-Za-z]/g, "$&").replace(/[^\x00-\x7f]/g, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

// Regular expressions with named groups are made when they run.
function grouped(source) {
  return source.replace(/\/((?:[^\/\\\n]|\\.)*\(\?<[A-Za-z](?:[^\/\\\n]|\\.)*)\/([a-z]*)/g,
    (all, body, flags) => `new RegExp(${JSON.stringify(body)}, ${JSON.stringify(flags)})`);
}

async function told(source) {
  let lines = "";
  const sink = new Writable({ write(part, _, done) { lines += part; done(); } });
  const world = { console: new console.Console(sink, sink), setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, structuredClone, atob, btoa, TextEncoder, TextDecoder, URL, URLSearchParams };
  const saved = {};
  for (const name of ["console"]) { saved[name] = globalThis[name]; globalThis[name] = world[name]; }
  let value;
  // In this very world, so that its classes are the ones that the values are of.
  try { value = await vm.runInThisContext(`(function () { ${SHOW}\n${source}\nreturn row(); })()`); } catch (error) { value = "cannot be run: " + error; }
  for (const name of Object.keys(saved)) globalThis[name] = saved[name];
  return { value, lines: lines.replace(/\n$/, "") };
}

(async () => {
  for (const name of fs.readdirSync(path.join(__dirname, "cases")).sort()) {
    if (!name.endsWith(".js")) continue;
    const rows = fs.readFileSync(path.join(__dirname, "cases", name), "utf8").replace(/\\\n/g, "\n").split("\n").filter(line => line !== "");
    let out = "";
    for (const row of rows) {
      const at = row.lastIndexOf(";; ");
      const statements = at < 0 ? "" : row.slice(0, at), expression = at < 0 ? row : row.slice(at + 3);
      const source = `function row() {\n  return outcome(function () {\n${statements};\nreturn (${expression});\n});\n}`;
      let text;
      try { text = lowered(grouped(source)); } catch (error) { console.error(name, row, String(error).slice(0, 200)); continue; }
      const node = await told(source.replace("function row() {", "function row() { \"use strict\";"));
      if (String(node.value).startsWith("cannot")) { console.error(name, row, node.value); continue; }
      out += JSON.stringify({ row, node: node.value, lines: node.lines || undefined, text }) + "\n";
    }
    fs.writeFileSync(path.join(__dirname, "cases", name.replace(/\.js$/, ".rows")), out);
  }
})();
