// What calls back while it holds something: each callback collects, and a few throw.
function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function fails(f) { try { f(); } catch (e) { return e; } throw new Error("nothing was thrown"); }
var text = load("text", "a1b22c333"), i;
same(text.replace(/([a-z])(\d+)(x)?/g, function (m, a, b, c, at, all) { load("collect"); return a.toUpperCase() + (b * 2) + typeof c + at + all.length; }), "A2undefined09B44undefined29C666undefined59");
same(text.replace("b", function () { load("collect"); return {toString: function () { load("collect"); return "<>"; }}; }), "a1<>22c333");
same(fails(function () { text.replace(/\d/g, function (m) { if (m === "2") throw "two"; return load("text", m); }); }), "two");
var data = JSON.parse(load("text", '{"a":[1,{"b":"x"}],"c":{"d":[[]]}}'), function (k, v) { load("collect"); return typeof v === "string" ? v + k : v; });
same(JSON.stringify(data), '{"a":[1,{"b":"xb"}],"c":{"d":[[]]}}');
same(fails(function () { JSON.parse("[[1,2]]", function (k) { if (k === "1") throw "one"; load("collect"); }); }), "one");
var made = {list: [1, {toJSON: function (k) { load("collect"); return load("text", "j" + k); }}], get late() { load("collect"); return {x: "y"}; }};
same(JSON.stringify(made, function (k, v) { load("collect"); return k === "x" ? v + load("text", "!") : v; }, load("text", " ")), '{\n "list": [\n  1,\n  "j1"\n ],\n "late": {\n  "x": "y!"\n }\n}');
same(JSON.stringify({a: 1, b: {a: 2, c: 3}}, [load("text", "a"), load("text", "b")]), '{"a":1,"b":{"a":2}}');
same(fails(function () { JSON.stringify([1, {get x() { throw "got"; }}]); }), "got");
var shrinking = [1, 2, 3];
same(JSON.stringify(shrinking, function (k, v) { shrinking.length = 1; load("collect"); return v; }), "[1]");
same(String(JSON.parse("[1,2,3]", function (k, v) { if (k === "0") this.length = 1; load("collect"); return k === "" ? v.length : v; })), "1");
var list = {length: 3, 0: "a", get 1() { load("collect"); return load("text", "b"); }, 2: "c"};
same(Array.prototype.map.call(list, function (x) { load("collect"); return x + x; }).join(), "aa,bb,cc");
same((function () { return arguments[1] + arguments.length; }).apply(null, list), "b3");
var o = Object.defineProperties({}, {one: {enumerable: true, get: function () { load("collect"); return load("text", "1"); }}, two: {value: load("text", "2")}});
same(Object.keys(o).join() + Object.getOwnPropertyNames(o).join() + o.one + o.two, "oneone,two12");
var d = Object.getOwnPropertyDescriptor(o, "two"); load("collect"); same(d.value + d.writable + d.enumerable, "2falsefalse");
Object.defineProperty(o, load("text", "three"), {get enumerable() { load("collect"); return true; }, get value() { load("collect"); return load("text", "3"); }});
same(o.three, "3");
same(fails(function () { Object.defineProperty(o, "four", {get get() { throw "no"; }}); }), "no");
var names = "", inherits = Object.create({far: 1, one: 2}); inherits[load("text", "near")] = 1; inherits.gone = 1;
for (i in inherits) { load("collect"); names += i; delete inherits.gone; }
same(names, "nearfarone");
same(load("text", "Straße ΑΣ").toUpperCase() + load("text", "ΑΣ").toLowerCase(), "STRASSE ΑΣας");
same(encodeURIComponent(load("text", "ä/😀")) + decodeURIComponent(load("text", "%C3%A4x%F0%9F%98%80")), "%C3%A4%2F%F0%9F%98%80äx😀");
var bytes = new Uint8Array(4); bytes.set([{valueOf: function () { load("collect"); return 7; }}, 8], 1); same(bytes.join(), "0,7,8,0");
var mine = new Error(load("text", "m")); mine.message = load("text", "other"); load("collect"); same(String(mine), "Error: other");
same(String(new RegExp(load("text", "a/b\n"), "gi")), "/a\\/b\\n/gi");
same(load("text", "xy").repeat(3), "xyxyxy");
same("abc".match(load("text", "b")).index, 1);
same([3, 1, 2].sort(function (a, b) { load("collect"); return a - b; }).join(), "1,2,3");
