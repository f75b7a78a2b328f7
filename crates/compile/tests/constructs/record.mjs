// Records what Node makes of each row of table.txt: `node record.mjs > recorded.jsonl`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = new URL(".", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "constructs-"));
process.env.NODE_ENV = "production";
try {
  const rows = readFileSync(join(here, "table.txt"), "utf8").split(/^== /m).slice(1);
  for (const [number, row] of rows.entries()) {
    const end = row.indexOf("\n");
    const [name, text] = [row.slice(0, end), row.slice(end + 1)];
    const source = text.includes("export ") ? text : `export function main() {\n${text}\n}\n`;
    const file = join(folder, `${number}.mjs`);
    writeFileSync(file, source);
    const module = await import(file);
    const value = await (module.main ?? module.default)();
    console.log(JSON.stringify({ name, value: value ?? null }));
  }
} finally {
  rmSync(folder, { recursive: true });
}
