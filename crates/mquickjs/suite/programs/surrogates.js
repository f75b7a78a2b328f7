// Halves of pairs, on every way on which they can meet.
function same(a, b) { if (a !== b) throw new Error(JSON.stringify(a) + " is not " + JSON.stringify(b)); }
var l = "\ud83d", r = "\ude00", both = "\ud83d\ude00", text = "a" + both + "b" + both, i, s;
same(l + r, both); same(l.concat(r), both); same([l, r].join(""), both); same(String.fromCharCode(0xd83d, 0xde00), both);
same(("x" + l) + (r + "y"), "x" + both + "y"); same("x-y".replace("x-y", l) + r, both); same("ab".replace("a", l).replace("b", r), both);
same(JSON.parse('"\\ud83d\\ude00"'), both); same(both.slice(0, 1) + both.slice(1), both); same(both.charAt(0) + both.charAt(1), both);
same((l + r).length, 2); same(r + l + r, r + both); same((r + l + r).length, 3); same(JSON.stringify(l + r), '"' + both + '"');
same(JSON.stringify(r + l), '"\\ude00\\ud83d"');
for (i = 0; i <= text.length; i++) { same(text.slice(0, i) + text.slice(i), text); same(text.substring(i).length, text.length - i); }
s = "";
for (i = 0; i < 50; i++) { s = s + l; s = s + r; same(s.length, 2 * i + 2); same(s.charCodeAt(2 * i), 0xd83d); same(s.codePointAt(2 * i), 0x1f600); }
same(s.split(both).length, 51); same(s.split("").length, 100); same(s.split("").join(""), s); same(s.indexOf(r), 1); same(s.lastIndexOf(l), 98);
same({}[l + r], undefined); s = {}; s[l + r] = 1; same(s[both], 1);
