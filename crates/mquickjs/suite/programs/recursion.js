function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
// Functions that built-in ones call, inside each other, and the end of it as an error that is caught.
function each(n) { var sum = 1; if (n > 0) [n].forEach(function (x) { sum += each(x - 1); }); return sum; }
function sort(n) { if (n > 0) [2, 1].sort(function (a, b) { sort(n - 1); return a - b; }); return n; }
function text(n) { return "x".replace(/x/, function () { return n > 0 ? text(n - 1) + "y" : "z"; }); }
function get(n) { return Object.create({}, {p: {get: function () { return n > 0 ? get(n - 1).p + 1 : 0; }}}); }
function value(n) { return {valueOf: function () { return n > 0 ? value(n - 1) + 1 : 0; }}; }
function json(n) { return {toJSON: function () { return n > 0 ? JSON.parse(JSON.stringify(json(n - 1))) + 1 : 0; }}; }
function made(n) { return n > 0 ? new Function("f", "n", "return [n].map(f)[0]")(made, n - 1) + 1 : 0; }
same(each(120), 121); same(sort(6), 6); same(text(120).length, 121); same(get(40).p, 40); same(+value(60), 60); same(JSON.stringify(json(40)), "40"); same(made(60), 60);
function ends(f) { try { f(300); } catch (e) { load("collect"); return e instanceof InternalError; } }
same(ends(each), true); same(ends(text), true); 
same(ends(function (n) { return +value(n); }), true); same(ends(function (n) { return JSON.stringify(json(n)); }), true); same(ends(made), true);
