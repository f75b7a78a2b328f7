function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function caught(f) { try { f(); } catch (e) { return e; } throw new Error("nothing was thrown"); }
var long = "", i, e; for (i = 0; i < 200; i++) long += "\u20ac";
same(String(new Error(long)).length, 207); same(String(new TypeError("")), "TypeError");
for (i = 0; i < 8; i++) {
    e = caught(function () { return undefined["abcdefgh".slice(i) + long]; });
    same(/^cannot read property '[a-h]*\u20ac+$/.test(e.message), true);
    same(e.message.split("\u20ac").join("").length + e.message.split("\u20ac").length - 1, e.message.length);
    same(e.message.charCodeAt(e.message.length - 1), 0x20ac);
    same(JSON.parse(JSON.stringify(e.message)), e.message);
}
var emoji = ""; for (i = 0; i < 60; i++) emoji += "\ud83d\ude00";
for (i = 0; i < 4; i++) { e = caught(function () { return null["abc".slice(i) + emoji]; }); same(e.message.length, load("text", e.message).length); }
