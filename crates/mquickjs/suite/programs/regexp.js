function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function text(f) { try { f(); } catch (e) { return String(e); } return "nothing"; }
same(text(function () { return Object.create(RegExp.prototype).flags; }), "TypeError: not a regular expression"); same(RegExp.prototype.flags, "");
same(/a/gi.flags, "gi");
same(/[]/.test("a"), false); same(/[^]/.test("a"), true); same(/[]/i.exec("\u1234"), null); same(/[^\s\S]/.test("x"), false);
same(/[]|a/.exec("ba")[0], "a");
var groups = "", i; for (i = 0; i < 120; i++) groups += "(a)|";
same(new RegExp("(?:" + groups + "b)*").exec("aabaa")[0], "aabaa");
var r = /(?:(a)|b)*/.exec("ab"); same(r[0], "ab"); same(r[1], undefined);
same("ab".replace(/(a)|b/g, "[$1]"), "[a][]");
var s = ""; for (i = 0; i < 30; i++) s += "ab12";
same(s.replace(/(b)(1)/g, "<$2$1$01$99>").length, 300);
same("xay".replace("a", "[$0$1$12]"), "x[$0$1$12]y");
same("aaa".replace(/a/g, {toString: function () { load("collect"); return "b"; }}), "bbb");
same("a1b2c3".split(/(\d)/).join("|"), "a|1|b|2|c|3|");
var long = ""; for (i = 0; i < 2000; i++) long += "ab";
same(/(?:a|b)*$/.exec(long)[0].length, 4000); same(/^(?:(a)(b))*$/.test(long), true);
same(/(?=(a+))a*b\1/.exec("baaabac")[0], "aba");
same(/(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac").join("|"), "zaacbbbcac|z|ac|a||c");
var bad = ["\\", "[\\", "a\\", "(\\", "[a-\\", "[^\\"];
for (i = 0; i < bad.length; i++) same(text(function () { return new RegExp(bad[i]); }).slice(0, 12), "SyntaxError:");
