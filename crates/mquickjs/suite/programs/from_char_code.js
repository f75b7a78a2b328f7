function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function code(c) { return {valueOf: function () { load("collect"); return c; }}; }
same(String.fromCharCode(code(97), code(98), code(99), 0x20ac, code(100)), "abc\u20acd");
same(String.fromCharCode(0xd83d, 0xde00).length, 2);
same(String.fromCodePoint(code(0x1f600), code(65)), "\ud83d\ude00A");
try { String.fromCharCode(97, {valueOf: function () { throw new Error("no"); }}); throw 1; } catch (e) { same(String(e), "Error: no"); }
same("a".concat(code(1), {toString: function () { load("collect"); return "b"; }}, 2).slice(-2), "b2");
