function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function text(f) { try { f(); } catch (e) { return String(e); } return "nothing"; }
Object.defineProperty(Array.prototype, "length", {get: function () { return 42; }});
same(Object.create([1, 2]).length, 42);
Object.defineProperty(RegExp.prototype, "source", {get: function () { return "mine"; }});
same(/a/.source, "mine");
Object.defineProperty(Function.prototype, "name", {get: function () { return "f"; }});
same((function g() {}).name, "f"); same(parseInt.name, "f");
var descriptor = {};
Object.defineProperty(descriptor, "value", {get: function () { throw new Error("from the getter"); }});
var o = {};
same(text(function () { Object.defineProperty(o, "a", descriptor); }), "Error: from the getter");
same(o.a, undefined);
var d2 = {}; Object.defineProperty(d2, "get", {get: function () { throw new Error("get"); }});
same(text(function () { Object.defineProperty(o, "a", d2); }), "Error: get");
var d3 = {}; Object.defineProperty(d3, "set", {get: function () { throw new Error("set"); }});
same(text(function () { Object.defineProperty(o, "a", d3); }), "Error: set");
