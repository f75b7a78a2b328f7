function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
var o = {}, i, n = "";
for (i = 0; i < 300; i++) { o["k" + i] = i; delete o["k" + (i - 5)]; o[i + ".5"] = i; }
for (i = 0; i < 300; i++) same(o[i + ".5"], i);
o = {};
o[0 - 1] = "a"; same(o[-1], "a"); same(o["-1"], "a"); same((-1) in o, true);
o[~0] = "b"; same(o[-1], "b");
o[~(0 - 1)] = "c"; same(o[0], "c"); same(o["0"], "c");
o[3 - 5] = "d"; same(o[-2], "d"); same(Object.keys(o).length, 3);
same((5).length, undefined); same("\u00e9".length, 1); same("\ud83d\ude00".length, 2);
var s = "a", t = s; same(t.length, 1); same((true).length, undefined);
try { s = "a"; (null).length; throw 1; } catch (e) { same(e instanceof TypeError, true); }
