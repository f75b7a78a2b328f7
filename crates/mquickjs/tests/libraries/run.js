// node run.js PACKAGES RUN [--bless] [LIBRARY...]: the libraries' own tests, in Node and in the engine.
//
// PACKAGES is where npm has put what package.json names, RUN the engine's runner (suite/build.sh). Each library
// becomes one program: world.js, its modules, its tests. Both run it, as strict code, and say a line for each question.
// What they say otherwise is told. `numbers.txt` keeps how many questions there are, and what differs.
"use strict";
const { spawnSync } = require("child_process");
const fs = require("fs"), path = require("path"), vm = require("vm");
const suites = require("./suites.js");

const [packages, runner, ...rest] = process.argv.slice(2);
const bless = rest[0] === "--bless";
const only = bless ? rest.slice(1) : rest;
const numbers = path.join(__dirname, "numbers.txt");

// The files of a package that a pattern names.
function matching(root, pattern) {
  if (!pattern.includes("*")) return [pattern];
  const directory = path.dirname(pattern), ending = path.basename(pattern).slice(1);
  return fs.readdirSync(path.join(root, directory), { withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name[0] !== "." && entry.name.endsWith(ending)).map(entry => path.join(directory, entry.name)).sort();
}

// The definitions of a library's modules and files, and the names of its modules.
function modules(name, suite) {
  const root = path.join(packages, "node_modules", name), text = [], found = [];
  for (const file of suite.files.flatMap(pattern => matching(root, pattern))) {
    const place = `${name}/${file}`;
    let source = fs.readFileSync(path.join(root, file), "utf8");
    for (const [pattern, edits] of Object.entries(suite.edits || {})) {
      if (matching(root, pattern).includes(file)) for (const [from, to] of edits) source = source.replace(from, to);
    }
    if (!file.endsWith(".js") || file.includes("_files")) text.push(`world.file(${JSON.stringify(place)}, ${JSON.stringify(source)});`);
    if (file.includes("_files")) continue;
    if (file.endsWith(".json")) source = `module.exports = ${source}`;
    else if (!file.endsWith(".js")) continue;
    found.push(file);
    const bare = (suite.bare || []).some(pattern => matching(root, pattern).includes(file));
    text.push(`world.define(${JSON.stringify(place)}, function (require, ${bare ? "own" : "module"}, exports, __filename, __dirname) {${source}\n});`);
  }
  if (suite.main) for (const of of [name, `${name}/.`]) text.push(`world.main(${JSON.stringify(of)}, ${JSON.stringify(`${name}/${suite.main}`)});`);
  return { text: text.join("\n"), found };
}

function program(name) {
  const suite = suites[name], own = modules(name, suite);
  const tests = suite.tests === "test" ? own.found.filter(file => /^test\/[^/]*$/.test(file)) : suite.tests || [];
  const begin = (file, then) => `world.begin(${JSON.stringify(`${name}/${file}`)}, ${then});`;
  return [
    '"use strict";', fs.readFileSync(path.join(__dirname, "world.js"), "utf8"),
    "var global = {}, console = { log: function () {}, error: function () {} }, setTimeout = world.later, clearTimeout = function () {};",
    ...(suite.with || []).map(other => modules(other, suites[other]).text), own.text,
    suite.before || "",
    ...tests.map(file => begin(file, "function () {}")),
    ...(suite.exported || []).map(file => begin(file, "world.exported")),
    suite.after || "", "world.finish();",
  ].join("\n");
}

// A line for each question, by its name.
function answers(lines) {
  const said = new Map();
  for (const line of lines) {
    const parts = /^(.*? #\d+) (ok|no)(?: (.*))?$/.exec(line);
    if (parts) said.set(parts[1], { ok: parts[2] === "ok", what: parts[3] || "" });
  }
  return said;
}

function inNode(text) {
  const lines = [];
  try {
    vm.runInNewContext(text, { load: (verb, line) => lines.push(line) }, { timeout: 60000 });
  } catch (error) {
    lines.push(`it throws #1 no ${error}`);
  }
  return lines;
}

function inEngine(name, text) {
  const file = path.join(packages, `${name}.js`);
  fs.writeFileSync(file, text);
  const done = spawnSync(runner, ["--heap", "65536", "--every", "5000", "--patience", "1000000", file], { maxBuffer: 1 << 28, encoding: "utf8", timeout: 600000 });
  const lines = done.stdout.split("\n");
  if (!lines.includes("the end")) lines.push(`it throws #1 no ${done.signal || ""} ${done.stderr.slice(0, 600)}`);
  return lines;
}

// What differs, as one line for each reason.
function reasons(node, engine) {
  const count = new Map();
  for (const [question, { ok }] of node) {
    const here = engine.get(question);
    if (here && here.ok === ok) continue;
    const error = here && /(?:^|threw )(\w*Error: [^?]*)/.exec(here.what);
    const reason = !here ? "never asked, after one that threw" : here.ok ? "answered, where Node fails" : error ? error[1].trim() : "answered otherwise";
    count.set(reason, (count.get(reason) || 0) + 1);
    if (process.env.VERBOSE) console.log(`${question}: ${here ? here.what || "ok" : "never asked"}`);
  }
  return [...count].sort((a, b) => b[1] - a[1]).map(([reason, times]) => `    ${times}: ${reason}`);
}

const told = [];
let [same, all] = [0, 0];
for (const name of Object.keys(suites).filter(name => !only.length || only.includes(name))) {
  const { version } = JSON.parse(fs.readFileSync(path.join(packages, "node_modules", name, "package.json"), "utf8"));
  const text = program(name), node = answers(inNode(text)), engine = answers(inEngine(name, text));
  if (!node.size) continue;
  const here = [...node].filter(([question, { ok }]) => engine.get(question)?.ok === ok).length;
  const failing = [...node.values()].filter(({ ok }) => !ok).length;
  told.push(`${name} ${version}: ${here} of ${node.size}${failing ? ` (${failing} fail in Node)` : ""}`, ...reasons(node, engine));
  [same, all] = [same + here, all + node.size];
}
const libraries = told.filter(line => line[0] !== " ").length;
const made = [`${same} of ${all} questions of ${libraries} libraries' own tests are answered as in Node.`, "", ...told, ""].join("\n");
process.stdout.write(made);
if (bless) fs.writeFileSync(numbers, made);
else if (!only.length && fs.readFileSync(numbers, "utf8") !== made) {
  console.error(`not what ${path.relative(process.cwd(), numbers)} says`);
  process.exit(1);
}
