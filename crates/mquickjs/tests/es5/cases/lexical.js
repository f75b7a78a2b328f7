// Line ends, white space, comments, literals: what the reader of programs sees. ⟦XXXX⟧ is that character.
1 // one⟦2028⟧+ 1
1 // one⟦2029⟧+ 1
1 // one⟦000d⟧+ 1
1 // one⟦000a⟧+ 1
// gone⟦2028⟧var seen = 5; seen
// gone⟦000d⟧function f() { return 6 } f()
// gone⟦000d⟧⟦000a⟧7
var a = 1⟦2028⟧var b = 2⟦2029⟧a + b
var a = 1⟦000d⟧var b = 2⟦000d⟧⟦000a⟧a + b
(function () { return⟦2028⟧1 })()
(function () { return⟦000d⟧1 })()
(function () { return /*⟦2028⟧*/1 })()
(function () { return /*⟦000a⟧*/1 })()
(function () { return /*⟦000d⟧*/1 })()
(function () { return /* */1 })()
var a = 1, b = 2; a /*⟦000a⟧*/ ++b; [a, b]
var a = 1, b = 2; a⟦2028⟧++b; [a, b]
1⟦00a0⟧+⟦feff⟧2
1⟦3000⟧+⟦2003⟧2
1⟦0009⟧+⟦000b⟧+⟦000c⟧2
⟦feff⟧5
⟦feff⟧⟦00a0⟧⟦000d⟧6
1⟦180e⟧+ 2
1⟦200b⟧+ 2
1⟦0085⟧+ 2
var⟦00a0⟧x = 3; x
"a\⟦000a⟧b"
"a\⟦000d⟧b"
"a\⟦000d⟧⟦000a⟧b"
"a\⟦2028⟧b"
"a\⟦2029⟧b"
"a⟦000a⟧b"
"a⟦000d⟧b"
"a⟦2028⟧b".length
'a⟦2029⟧b'.length
/a⟦000a⟧b/
/a⟦2028⟧b/
/a\⟦2028⟧b/
/a⟦000d⟧b/
/[⟦2028⟧]/
"⟦00a0⟧".length
/* a * b ** / */ 8
/* /* */ 9
/**/ 10
1 /* 2
5 --> 3
var a = 3; a-->1
"\u0041\x41"
"\u{41}"
"\u004"
"\x4"
"\0".length
"\8"
"\v" === "\x0b"
"\'\"\\\b\f\n\r\t".length
0x1F + 0X0f
1e3 + 1E-1
.5 + 5.
0xG
1.5.toFixed(1)
5..toString()
5 .toString()
5.toString()
3in []
0b11
09
1_0
'\u2028'.length
var ä = 1; ä
var \u0061b = 2; ab
var a\u0062 = 3; ab
var a$_1 = 4; a$_1
var ünï = {größe: 5}; ünï.größe
({ä: 1})["ä"]
var ℮ = 1; ℮
var a‌b = 1
({class: 1, new: 2, null: 3}).null
({1: "a", 0x2: "b", .5: "c"})[0.5]
var o = {get: 1, set: 2}; o.get + o.set
({get get() { return 5 }}).get
({get "a b"() { return 5 }})["a b"]
({get 1() { return 6 }})[1]
({set: function () { return 1 }}).set()
({a: 1,}).a
[1,].length
(function (a,) { return a })(1)
Math.max(1, 2,)
/[/]/.source
/\//.test("/")
/[\]/]/.test("/")
1 / 2 / 4
var a = {b: 8}; a.b / 2 / 2
var g = 2, i = 1; 8 /g/i
({}) / 1
[] / 1
x = /=/; 1
var y = /=/.test("="); y
var a = 4; a++ / 2
var a = 4; a++ /2/ 1
var f = function () { return 8 } / 2; f
if (1) /a/.test("a")
(function () {} /1/ 1)
typeof /a/
var a = 1; a
/**/ var a = 1; /**/ a /**/
; ; 1
1;⟦000a⟧// end
1;// end
1 /* end */
function f() { return 1⟦0000⟧ }
"a⟦0000⟧b".length
