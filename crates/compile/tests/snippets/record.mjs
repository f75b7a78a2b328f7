// Records the lines that Node prints for each snippet of table.txt: `node record.mjs TYPESCRIPT > recorded.jsonl`, where
// TYPESCRIPT is a folder in which `npm install typescript` was run, which takes the types from the snippets in TypeScript.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const here = new URL(".", import.meta.url).pathname;
const typescript = createRequire(join(resolve(process.argv[2]), "from.js"))("typescript");
const folder = mkdtempSync(join(tmpdir(), "snippets-"));
try {
  const rows = readFileSync(join(here, "table.txt"), "utf8").split(/^== /m).slice(1);
  for (const [number, row] of rows.entries()) {
    const end = row.indexOf("\n");
    const [name, source] = [row.slice(0, end), row.slice(end + 1)];
    if (source.startsWith("//refused ")) continue;
    const target = { module: "esnext", target: "es2022", useDefineForClassFields: false };
    const text = source.startsWith("//ts\n") ? typescript.transpileModule(source, { compilerOptions: target }).outputText : source;
    const file = join(folder, `${number}.mjs`);
    writeFileSync(file, text);
    const ran = spawnSync(process.execPath, [file], { encoding: "utf8", env: { TZ: "UTC" } });
    if (ran.status !== 0 || ran.stderr !== "") throw new Error(`${name}: ${ran.stderr}`);
    console.log(JSON.stringify({ name, lines: ran.stdout }));
  }
} finally {
  rmSync(folder, { recursive: true });
}
