function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function list(n) { var a = [], i; for (i = 0; i < n; i++) a.push("e" + i); return a; }
var a = list(50), r;
r = a.splice({valueOf: function () { a.length = 3; load("collect"); return 1; }}, 40);
same(r.join(), "e1,e2"); same(a.join(), "e0");
a = list(50);
r = a.splice(10, {valueOf: function () { a.length = 5; load("collect"); return 30; }}, "x", "y");
same(r.length, 0); same(a.join(), "e0,e1,e2,e3,e4,x,y");
a = list(10);
r = a.slice({valueOf: function () { a.length = 2; load("collect"); return 1; }}, 9); same(r.join(), "e1");
a = list(10);
same(a.indexOf("e9", {valueOf: function () { a.length = 2; load("collect"); return 1; }}), -1);
a = list(10);
same(a.lastIndexOf("e0", {valueOf: function () { a.length = 2; load("collect"); return 9; }}), 0);
