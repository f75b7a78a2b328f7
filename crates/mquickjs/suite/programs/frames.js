// heap 512 // every 7
function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function caught(f) { try { f(); } catch (e) { return e; } throw new Error("nothing was thrown"); }
function nope(a) { return a.includes("a"); }
var e = caught(function () { nope("a"); });
same(String(e), "TypeError: not a function");
same(e.stack.indexOf("at nope (f.js:4:") > 0, true);
var c = {add: function () {}};
function it(x) { return function () { return {v: x}; }; }
function f(a) { var n = it(a), s = n(); var l = s.v; c.add(l.nope(" ")); }
same(String(caught(function () { f(["a"]); })), "TypeError: not a function");
function g() { var a = [1, 2, 3], r = []; for (var i = 0; i < 50; i++) { try { r.push(a.nope(i)); } catch (e) { r.push(i); } } return r.length; }
same(g(), 50);
same(String(caught(function () { new g.nope(); })), "TypeError: not a function");
same(String(caught(function () { new parseInt("1"); })), "TypeError: not a constructor");
same(String(caught(function () { new Math.max(1, [2], {}); })), "TypeError: not a constructor");
function deep(n) { var a = n, b = [n], c = {n: n}; try { return 1 + deep(n + 1); } catch (e) { same(c.n, n); same(b[0], a); throw e; } }
same(String(caught(function () { deep(0); })), "InternalError: out of memory");
function args(n) { return args.apply(null, [n, n, n, n, n, n, n, n, n, n]); }
same(String(caught(function () { args(1); })), "InternalError: out of memory");
function New(n) { this.n = new New(n + 1); }
same(String(caught(function () { new New(0); })), "InternalError: out of memory");
same(String(caught(function () { Math.sin({valueOf: function () { throw new RangeError("seen"); }}); })), "RangeError: seen");
