function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function text(f) { try { f(); } catch (e) { return String(e); } return "nothing"; }
var calls = 0;
same(text(function () { [3, 1, 2, 5, 4].sort(function () { calls++; throw new Error("compare"); }); }), "Error: compare");
same(calls, 1);
same(text(function () { ({}).hasOwnProperty({toString: function () { throw new Error("name"); }}); }), "Error: name");
same(text(function () { new Function("a", {toString: function () { throw new Error("body"); }}); }), "Error: body");
same([3, 1, 2].sort().join(), "1,2,3");
same(["b", {toString: function () { load("collect"); return "a"; }}, "c"].sort()[1], "b");
var shrinking = [5, 4, 3, 2, 1];
shrinking.sort(function (a, b) { shrinking.length = 2; load("collect"); return a - b; });
same(shrinking.join(), "1,2");
