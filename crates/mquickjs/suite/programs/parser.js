// heap 16384 // every 20000
function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function text(f) { try { return f(); } catch (e) { return String(e); } }
var parts = [], i, o;
for (i = 0; i < 65600; i++) parts.push("'c" + i + "'");
same(text(function () { return new Function("return [" + parts.join() + "].length"); }), "SyntaxError: too many constants");
parts.length = 65000;
same(new Function("return [" + parts.join() + "]")()[64999], "c64999");
same(text(function () { return new Function("for (var 5 in {}) ;"); }), "SyntaxError: variable name expected");
same(text(function () { return new Function("for (var 'a' of []) ;"); }), "SyntaxError: variable name expected");
parts = [];
for (i = 0; i < 100; i++) parts.push("method" + i + "() { return " + i + "; }, get g" + i + "() { return 'g" + i + "'; }");
o = new Function("return {" + parts.join() + "}")();
for (i = 0; i < 100; i++) { same(o["method" + i](), i); same(o["method" + i].name, "method" + i); same(o["g" + i], "g" + i); }
parts = [];
for (i = 0; i < 300; i++) parts.push("1e-30" + i % 10);
same(JSON.parse("[" + parts.join() + "]").length, 300);
