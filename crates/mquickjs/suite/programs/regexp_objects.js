function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
var P = RegExp.prototype; same([P.global, P.ignoreCase, P.multiline, P.sticky, P.lastIndex, P.source, P.flags].join(), ",,,,,(?:),"); same(String(P), "/(?:)/");
var r = /a/y, s = "abc"; r.exec(s); same(r.lastIndex, 1); same(r.exec(s), null); same(s.replace(r, "x"), "xbc"); same(r.lastIndex, 1);
same(s.split(r).join(), ",bc"); same(r.lastIndex, 1); same(s.match(r), null); same(r.lastIndex, 0);
r.lastIndex = 1e300; same(r.test("a"), false); r.lastIndex = 2; same("bca".search(r), -1); same("abc".search(r), 0); same(r.lastIndex, 2); 
same("bca".split(r).join(), "bc,"); same(r.lastIndex, 2); var g = /b/g; g.lastIndex = 1; same("abcb".split(g).join(), "a,c,"); same(g.lastIndex, 1);
same("abab".replace(/ab/gy, "x"), "xx"); same("abcab".replace(/ab/gy, "x"), "xcab"); same("abab".match(/ab/gy).length, 2); g = /b/y; g.lastIndex = 1; same("ab".replace(g, "x"), "ax"); same(g.lastIndex, 2); same("ab".replace(g, "x"), "ab"); same(g.lastIndex, 0);
g.lastIndex = -5; same(g.exec("b")[0], "b"); same("".split(/a/y).length, 1); same("".split(/(?:)/y).length, 0); same("test".split(/(?:)/y).join(), "t,e,s,t");
try { "abab".split(g, {valueOf: function () { throw 1; }}); } catch (e) { same(g.lastIndex, 1); }
