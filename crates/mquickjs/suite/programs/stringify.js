function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
var o = {}, i;
for (i = 0; i < 40; i++) o["name" + i] = {text: "t" + i, list: [i, "e" + i, {deep: ["" + i]}], f: 1.5 * i};
Object.defineProperty(o, "getter", {enumerable: true, get: function () { load("collect"); return ["a" + 1, "b"]; }});
var s = JSON.stringify(o), p = JSON.parse(s);
for (i = 0; i < 40; i++) { same(p["name" + i].list[1], "e" + i); same(p["name" + i].text, "t" + i); same(p["name" + i].f, 1.5 * i); }
same(JSON.stringify({a: "q\"\\\n\u0001", b: undefined, c: function () {}, d: [undefined]}), '{"a":"q\\"\\\\\\n\\u0001","d":[null]}');
var c = {}; c.c = [c];
try { JSON.stringify(c); throw 1; } catch (e) { same(String(e), "TypeError: circular reference"); }
var deep = [], d = deep; for (i = 0; i < 2000; i++) { d.push([]); d = d[0]; }
same(JSON.stringify(deep).length, 4002);
