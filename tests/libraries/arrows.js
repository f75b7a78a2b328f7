// node arrows.js ACORN FILE EVERY FIRST
//
// Writes an ES5 file twice: with some of its method calls as arrows, and as the rewriter must leave that.
// Which are calls, and where their objects begin, is the word of acorn, a parser of the whole language.
"use strict";
const fs = require("fs");
const [acorn, file, every, first] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");
const tree = require(acorn).parse(text, { ecmaVersion: 5, preserveParens: true, allowReturnOutsideFunction: true });

const calls = [];
(function walk(node) {
  if (node.type === "CallExpression" && node.callee.type === "MemberExpression" && !node.callee.computed) {
    const { object, property } = node.callee;
    const dot = text.slice(object.end, property.start), open = text.slice(property.end).match(/^\s*\(/);
    // Dots among comments are left alone, and `1..f()`, which is a number and a dot.
    if (/^\s*\.\s*$/.test(dot) && open && object.type !== "Literal") {
      calls.push({ node, object, property, dot: object.end + dot.indexOf("."), open: property.end + open[0].length - 1 });
    }
  }
  for (const key of Object.keys(node)) {
    const value = node[key];
    if (Array.isArray(value)) value.forEach(item => item && item.type && walk(item));
    else if (value && value.type) walk(value);
  }
})(tree);

const chosen = calls.filter((call, index) => index % every === Number(first) % every);
const source = text.split(""), wanted = text.split(""), before = {};
for (const { node, object, property, dot, open } of chosen) {
  source[dot] = "->";
  wanted[dot] = ",";
  wanted[property.start] = '"' + wanted[property.start];
  wanted[property.end - 1] += '"';
  wanted[open] = node.arguments.length ? "," : "";
  before[object.start] = (before[object.start] || "") + "call_other(";
}
for (const start of Object.keys(before)) {
  const touches = start > 0 && /[\w$]/.test(text[start - 1]);
  wanted[start] = (touches ? " " : "") + before[start] + wanted[start];
}
process.stdout.write(JSON.stringify({ count: chosen.length, source: source.join(""), wanted: wanted.join("") }));
