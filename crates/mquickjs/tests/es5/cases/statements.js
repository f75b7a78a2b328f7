// Statements, operators, and the values of programs.
var r = []; for (var i = 0, j = 5; i < j; i++, j--) r.push(i + j); r
var i = 0; do { i++ } while (i < 5); i
var i = 10; do i--; while (i > 5) i
var i = 0; while (true) { if (++i > 3) break; continue } i
a: for (var i = 0; i < 3; i++) { for (var j = 0; j < 3; j++) { if (j === 1) continue a; if (i === 2) break a } } [i, j]
a: { break a } "after"
foo : { break foo } 3
a: b: for (;;) { break a } 1
a: if (true) { break a; } 2
switch (3) { case 1: 1; break; case 3: "three"; break; default: "d" }
switch (9) { case 1: 1; default: "d"; case 2: "two" }
switch ("1") { case 1: "n"; break; case "1": "s" }
switch (1) { default: "d"; break; case 1: "one" }
(function (x) { switch (x) { case 1: case 2: return "12"; case 3: return "3" } return "none" })(2)
(function (x) { switch (x) { } return "empty" })(2)
(function () { switch (NaN) { case NaN: return 1 } return 0 })()
(function () { var r = []; for (var i = 0; i < 4; i++) { switch (i) { case 1: continue; case 3: break; default: r.push(i) } } return r })()
if (0) 1; else if ("") 2; else 3
var x = 1, y = x + 1, z; [x, y, z]
1, 2, 3
var a = 1; a += 2; a *= 3; a -= 1; a /= 2; a %= 3; a
var a = 5; a <<= 2; a >>= 1; a >>>= 1; a &= 7; a |= 8; a ^= 1; a
var i = 5; [i++, ++i, i--, --i]
var o = {n: 1}; [o.n++, o["n"]++, ++o.n]
var s = "5"; s++; s
var s = "a"; s++
+true + +"3"
!0 + !1
void 0
typeof typeof 1
1 < 2 < 3
3 > 2 > 1
"b" + "a" + +"a" + "a"
null + 1
undefined + 1
[] == false
"" == 0
"0" == false
NaN == NaN
[1] == 1
0 || "x"
0 && "x"
1 && 2 || 3
false || null
true ? false ? 1 : 2 : 3
(1, 2)
-"" 
- -1
2 - -2
1 - - 1
2 * 3 + 4 * 5
2 + 3 * 4 % 5
1 + 2 + "3" + 4 + 5
8 >> 1 + 1
1 | 2 ^ 3 & 4
!"a" == false
var a = [1, 2, 3], i = 0; a[i++] = a[i++]; a
var i = 1; i = i++ + ++i; i
var o = {a: 1}; delete o.a; "a" in o
for (var k in {a: 1, b: 2}) k
var r = ""; for (var k in {a: 1, b: 2}) r += k; r
var k; for (k in {z: 1}); k
var o = {}; for (o.k in {z: 1}); o.k
var a = []; for (a[a.length] in {x: 1, y: 2}); a
(function () { for (var i = 0; i < 2; i++) { var inner = i } return inner })()
(function () { return x; var x = 1 })()
(function () { if (false) { var x = 1 } return typeof x })()
var a = 1; { var a = 2 } a
;;; 5
{ 5 }
{}
if (true) ; 7
(function () { return⟦a⟧1 })()
var a = 1⟦a⟧var b = 2⟦a⟧a + b
var a = 1, b = 2⟦a⟧a⟦a⟧++b⟦a⟧[a, b]
var a = 2⟦a⟧/1/1⟦a⟧a
(function () { "use strict"; undeclared = 1 })()
(function () { "use strict"; return delete Object.prototype })()
(function () { "use strict"; NaN = 1 })()
(function () { "use strict"; undefined = 1 })()
(function () { var undefined = 5; return undefined })()
Infinity = 1
"abc".length = 5
"abc"[0] = "x"
(5).x = 1
with ({}) {}
var eval = 1
delete x
010
"\010"
function f(a, a) {}
({get a() { return 1 }, a: 2}).a
if (true) { function g() { return 1 } } typeof g
typeof h; { function h() {} }
var yield_ = 1, let_ = 2; let_
debugger; 4
