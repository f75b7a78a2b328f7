// node expect.js: writes beside each file of cases what Node says to them.
//
// Every case is run in a new world, as strict code, because the engine knows no other.
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm");
const show = fs.readFileSync(path.join(__dirname, "show.js"), "utf8");

for (const file of fs.readdirSync(path.join(__dirname, "cases"))) {
  if (!file.endsWith(".js")) continue;
  const lines = fs.readFileSync(path.join(__dirname, "cases", file), "utf8").split("\n").slice(1, -1);
  const said = lines.map(line => {
    const source = line.replace(/⟦([0-9a-f]+)⟧/g, (whole, code) => String.fromCharCode(parseInt(code, 16)));
    const program = `${show}\ntell(${JSON.stringify('"use strict"; undefined; ' + source)})`;
    return vm.runInNewContext(program, {}, { timeout: 10000 });
  });
  fs.writeFileSync(path.join(__dirname, "cases", file.replace(/js$/, "node")), said.join("\n") + "\n");
}
