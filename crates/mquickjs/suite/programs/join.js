function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function busy(n) { var a = [], i; for (i = 0; i < n; i++) a.push("t" + i); load("collect"); return "x"; }
same([{toString: function () { return busy(200); }}, "b", "c"].join(1234567), "x1234567b1234567c");
var o = {length: 3, 0: "a", 2: "c"};
Object.defineProperty(o, "1", {get: function () { return busy(100); }});
same(Array.prototype.join.call(o, "<->" + 5), "a<->5x<->5c");
same([1, [2, [3, null, undefined, 4]]].join(), "1,2,3,,,4");
var a = []; a[0] = a;
try { a.join(); throw 1; } catch (e) { same(String(e), "InternalError: C stack overflow"); }
same([1.5, 2.25, 1e300].join("" + 1.125), "1.51.1252.251.1251e+300");
