function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function F() {}
var i, f;
for (i = 0; i < 20; i++) {
    same(({n: i}) instanceof (function () {}), false);
    f = function () {};
    same([i, "a"] instanceof f, false);
    same(new f() instanceof f, true);
    same(new F() instanceof F, true);
}
function deep() { return String({toString: function () { return deep(); }}); }
for (i = 0; i < 3; i++) {
    try { deep(); throw 1; } catch (e) { same(String(e), "InternalError: C stack overflow"); }
    load("collect");
}
same(delete Math.sin, true); same(Math.sin, undefined); same(typeof Math.cos, "function");
same(delete Array.prototype.map, true); same([].map, undefined);
var itself = {valueOf: function () { return parseInt; }, toString: function () { return "text"; }};
same(itself == "text", true); same(itself + 1, "text1");
